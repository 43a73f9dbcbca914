//! Floor: structures.
