//! Floor 1: clock, numbers, hashing, globs, disk and OS calls. Knows nothing of what stands above.

pub mod clock;
pub mod crc;
mod digits;
pub mod disk;
pub mod files;
pub mod glob;
pub mod hash;
pub mod json;
pub mod long_double;
pub mod number;
pub mod platform;
pub mod quote;
pub mod random;
pub mod sys;
