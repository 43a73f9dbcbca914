//! Connections: who a client is, what it speaks, which database it uses.

mod authenticate;
pub mod client;
mod session;

pub use client::line;

use super::row::Command;

/// The lists of this folder's files.
pub const LISTS: &[&[&Command]] = &[session::COMMANDS, authenticate::COMMANDS, client::COMMANDS];
