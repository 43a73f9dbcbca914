//! Floor: formats.

pub mod aof_manifest;
pub mod lzf;
