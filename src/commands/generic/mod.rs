//! Keys as such, whatever they hold.

mod copy;
mod dump;
mod expire;
mod keys;
mod object;
mod scan;
mod sort;
mod ttl;
mod wait;

use super::row::Command;

pub(super) use dump::restore;

/// The lists of this folder's files.
pub const LISTS: &[&[&Command]] = &[
    keys::COMMANDS,
    scan::COMMANDS,
    copy::COMMANDS,
    expire::COMMANDS,
    ttl::COMMANDS,
    object::COMMANDS,
    dump::COMMANDS,
    wait::COMMANDS,
    sort::COMMANDS,
];
