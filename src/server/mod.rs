//! Floor: server.
pub mod config;
