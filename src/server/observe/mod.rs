//! What the server notes about itself while it runs: slow calls, latency spikes, calls and errors by kind, the loop's turns.
//!
//! Nothing here reads a clock: times and durations are handed in. Every note is O(1) and every memory bounded, so all of it may stand
//! on the path of each call. Texts that INFO, SLOWLOG and LATENCY print are made here when they are asked for.

pub mod command_log;
pub mod command_stats;
pub mod error_stats;
pub mod event_loop_stats;
pub mod expiry_lag;
pub mod hot_keys;
pub mod latency;
pub mod latency_doctor;
pub mod latency_graph;
pub mod rates;
pub mod turn;
