//! Floor: persistence.
