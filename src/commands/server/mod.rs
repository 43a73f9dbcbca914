//! The server itself: its configuration, its commands, what it watches.

mod about;
mod acl;
mod command;
mod config;
mod debug;
mod info;
mod keyspace;
mod latency;
mod memory;
mod monitor;
mod saving;
mod slowlog;

use super::row::Command;

/// The lists of this folder's files.
pub const LISTS: &[&[&Command]] = &[
    about::COMMANDS,
    acl::COMMANDS,
    command::COMMANDS,
    config::COMMANDS,
    debug::COMMANDS,
    info::COMMANDS,
    keyspace::COMMANDS,
    latency::COMMANDS,
    memory::COMMANDS,
    monitor::COMMANDS,
    saving::COMMANDS,
    slowlog::COMMANDS,
];
