//! Floor: base.

pub mod crc;
pub mod disk;
pub mod glob;
pub mod hash;
pub mod long_double;
pub mod number;
pub mod quote;
pub mod random;
