//! Floor: net.
