//! Other ways to read values: a string as bits and small integers or as a HyperLogLog, a score as a point on earth.

pub mod bits;
pub mod geohash;
pub mod hyperloglog;
pub mod polygon;
