//! Floor: dispatch.
