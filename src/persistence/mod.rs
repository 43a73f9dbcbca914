//! Floor: persistence.

pub mod aof;
pub mod snapshot;
mod trouble;

pub use trouble::Trouble;
