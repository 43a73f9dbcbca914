//! Floor: server.
