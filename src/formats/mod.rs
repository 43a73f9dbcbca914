//! Floor: formats.

pub mod lzf;
pub mod rdb;
