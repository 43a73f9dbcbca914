//! Floor 10: sockets, signals and the poll loop. Knows nothing of what any command means.

pub mod command_line;
pub mod config_files;
pub mod connection;
pub mod doors;
pub mod embedding;
pub mod event_loop;
pub mod http;
pub mod instance;
pub mod listener;
pub mod logging;
mod oom_score;
mod operation;
pub mod process;
pub mod process_title;
mod reading;
pub mod service_manager;
mod signals;
pub mod threads;
#[cfg_attr(not(feature = "tls"), path = "tls_absent.rs")]
pub mod tls;
pub mod tools;
mod writing;
