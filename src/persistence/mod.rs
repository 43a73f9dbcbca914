//! Floor: persistence.

pub mod aof;
pub mod check_rdb;
pub mod load;
pub mod snapshot;
mod trouble;

pub use trouble::Trouble;
