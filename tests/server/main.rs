//! The real binary behind a real socket: the wire, the log and what a crash leaves of it, limits, start and end.

#[path = "../support/mod.rs"]
mod support;

mod acl;
mod clients;
mod crash;
mod disk_full;
mod disk_slow;
mod disk_trouble;
mod floods;
mod hash;
mod kill;
mod limits;
mod load;
mod loading;
mod log;
mod output;
mod packaging;
mod power_loss;
mod process;
mod rewrite;
mod shutdown;
mod snapshot;
mod system;
mod tls;
mod waiting;
mod wire;
