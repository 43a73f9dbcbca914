//! Sorted sets whose scores are points on earth.

use super::row::Command;

/// The lists of this folder's files.
pub const LISTS: &[&[&Command]] = &[];
