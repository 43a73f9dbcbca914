//! Floor: formats.
