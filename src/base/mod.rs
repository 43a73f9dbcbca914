//! Floor: base.
