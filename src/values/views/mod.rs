//! Other ways to read a string's bytes: as bits and small integers.

pub mod bits;
