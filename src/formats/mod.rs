//! Floor: formats.

pub mod aof_manifest;
