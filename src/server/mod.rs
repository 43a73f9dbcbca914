//! Floor: server.

pub mod observe;
