//! Floor: formats.

pub mod lzf;
