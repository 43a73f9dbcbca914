//! Floor 4: bytes and their meaning. Knows no files, no sockets, no keys' lifetime.

pub mod aof_manifest;
pub mod calls;
pub mod lzf;
pub mod rdb;
pub mod resp;
