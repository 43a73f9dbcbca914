//! The server itself: its configuration, its commands, what it watches.

mod about;
mod command;
mod config;
<<<<<<< HEAD
mod keyspace;
=======
mod debug;
mod info;
>>>>>>> report
mod latency;
mod memory;
mod monitor;
mod saving;
mod slowlog;

use super::row::Command;

/// The lists of this folder's files.
pub const LISTS: &[&[&Command]] = &[
    about::COMMANDS,
    command::COMMANDS,
    config::COMMANDS,
<<<<<<< HEAD
    keyspace::COMMANDS,
    latency::COMMANDS,
    monitor::COMMANDS,
=======
    debug::COMMANDS,
    info::COMMANDS,
    latency::COMMANDS,
    memory::COMMANDS,
    monitor::COMMANDS,
    saving::COMMANDS,
>>>>>>> report
    slowlog::COMMANDS,
];
