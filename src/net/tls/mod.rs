//! TLS: what a configuration makes of certificates and ciphers ([`Context`]), and a stream that encrypts ([`TlsStream`]). No name of
//! rustls is used outside this folder.
//!
//! Nothing here waits: a stream takes what its socket has, and what the socket does not take stays in the session until the
//! loop says that it is writable.

mod certificates;
mod context;
mod names;
mod sessions;
mod stream;
mod suites;
mod version_1;
mod x509;

pub use context::Context;
pub use stream::TlsStream;
