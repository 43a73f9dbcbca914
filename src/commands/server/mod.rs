//! The server itself: its configuration, its commands, what it watches.

mod about;
mod command;
mod config;
mod keyspace;
mod debug;
mod info;
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
    keyspace::COMMANDS,
    latency::COMMANDS,
    monitor::COMMANDS,
    debug::COMMANDS,
    info::COMMANDS,
    memory::COMMANDS,
    saving::COMMANDS,
    slowlog::COMMANDS,
];
