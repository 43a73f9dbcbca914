//! The append-only log: `Log` on the loop's side, `Writer` on the disk's, `Reader` at start.
//!
//! ```text
//! loop                            writer (thread, or the simulator's step)
//! Log --- bounded channel: Job ---> Writer ---> increment file, manifest
//!   ^---- bounded channel: Report ----'
//! ```
//!
//! `docs/PERSISTENCE.md` draws the files to the byte and lists what happens on each failure.

pub mod block;
pub mod check;
mod cut;
pub mod job;
mod lag;
pub mod log;
pub mod read;
mod scan;
pub mod start;
pub mod store;
pub mod writer;
