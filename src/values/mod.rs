//! Floor: values.
