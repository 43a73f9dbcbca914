//! The server itself: its configuration, its commands, what it watches.

mod about;
mod command;
mod config;
mod keyspace;
mod latency;
mod monitor;
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
    slowlog::COMMANDS,
];
