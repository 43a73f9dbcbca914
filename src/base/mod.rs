//! Floor: base.

pub mod crc;
pub mod disk;
