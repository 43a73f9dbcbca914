//! Other ways to read values: a string as bits and small integers, a score as a point on earth.

pub mod bits;
pub mod geohash;
pub mod polygon;
