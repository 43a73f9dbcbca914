//! Floor 10: sockets, signals and the poll loop. Knows nothing of what any command means.

pub mod connection;
pub mod event_loop;
pub mod http;
pub mod listener;
mod reading;
mod signals;
pub mod threads;
mod writing;
