//! Floor 8: the commands. One row per command, next to its function; one list per file; one list of lists here.

pub mod args;
pub mod bitmap;
pub mod connection;
pub mod context;
mod draws;
pub mod effects;
pub mod error;
pub mod expire_options;
pub mod generic;
pub mod geo;
pub mod hash;
pub mod help;
pub mod hyperloglog;
pub mod key_spec;
pub mod list;
pub mod look_ahead;
pub mod pubsub;
pub mod reach;
pub mod reference;
pub mod registry;
pub mod rights;
pub mod row;
pub mod scan_options;
pub mod server;
pub mod set;
pub mod sorted_set;
pub mod stream;
pub mod string;
pub mod syntax;
pub mod timeout;
pub mod transactions;

use row::Command;

/// A group of commands, as COMMAND DOCS names it: a folder or file of this floor.
pub struct Group {
    /// The group's name.
    pub name: &'static str,
    /// The lists of its files.
    pub lists: &'static [&'static [&'static Command]],
}

/// All commands.
pub const GROUPS: &[Group] = &[
    Group { name: "string", lists: string::LISTS },
    Group { name: "list", lists: list::LISTS },
    Group { name: "bitmap", lists: bitmap::LISTS },
    Group { name: "set", lists: set::LISTS },
    Group { name: "sorted_set", lists: sorted_set::LISTS },
    Group { name: "geo", lists: geo::LISTS },
    Group { name: "hyperloglog", lists: hyperloglog::LISTS },
    Group { name: "stream", lists: stream::LISTS },
    Group { name: "hash", lists: hash::LISTS },
    Group { name: "generic", lists: generic::LISTS },
    Group { name: "pubsub", lists: pubsub::LISTS },
    Group { name: "transactions", lists: transactions::LISTS },
    Group { name: "connection", lists: connection::LISTS },
    Group { name: "server", lists: server::LISTS },
];
