//! RESP, the protocol of Redis: requests that come in, replies that go out.

pub mod output;
pub mod reply;
pub mod request;
