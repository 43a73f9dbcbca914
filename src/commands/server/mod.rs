//! The server itself: its configuration, its commands, what it watches.

mod about;
mod acl;
mod command;
mod command_log;
mod config;
mod debug;
mod info;
mod keyspace;
mod latency;
mod memory;
mod module;
mod monitor;
mod saving;

use super::row::Command;

/// The lists of this folder's files.
pub const LISTS: &[&[&Command]] = &[
    about::COMMANDS,
    acl::COMMANDS,
    command::COMMANDS,
    command_log::COMMANDS,
    config::COMMANDS,
    debug::COMMANDS,
    info::COMMANDS,
    keyspace::COMMANDS,
    latency::COMMANDS,
    memory::COMMANDS,
    module::COMMANDS,
    monitor::COMMANDS,
    saving::COMMANDS,
];
