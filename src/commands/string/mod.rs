//! Strings.

mod set;

use super::row::Command;

/// The lists of this folder's files.
pub const LISTS: &[&[&Command]] = &[set::COMMANDS];
