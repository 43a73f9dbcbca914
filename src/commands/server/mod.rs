//! The server and its databases as a whole.

mod keyspace;

use super::row::Command;

/// The lists of this folder's files.
pub const LISTS: &[&[&Command]] = &[keyspace::COMMANDS];
