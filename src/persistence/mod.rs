//! Floor 6: the log, snapshots, and reading both at start, over a `Disk`. Knows no clients and no commands.

pub mod aof;
pub mod check_rdb;
pub mod fit;
pub mod load;
mod outbox;
pub mod snapshot;
mod trouble;

pub use trouble::Trouble;
