//! Streams.

mod add;
mod changes;
mod claim;
mod delete;
mod group;
mod ids;
mod info;
mod pending;
mod range;
mod read;
mod read_group;
mod read_options;
mod replies;
mod trim;

use super::error::Error;
use super::row::Command;
use crate::error;
use crate::keyspace::database::{Database, Edit};
use crate::values::stream::Stream;

/// The lists of this folder's files.
pub const LISTS: &[&[&Command]] = &[
    add::COMMANDS,
    trim::COMMANDS,
    delete::COMMANDS,
    range::COMMANDS,
    read::COMMANDS,
    read_group::COMMANDS,
    pending::COMMANDS,
    claim::COMMANDS,
    group::COMMANDS,
    info::COMMANDS,
];

/// The stream at a key that has this group, to be changed; `None`: there is no such key, or no such group.
fn edit_with_group<'d>(db: &'d mut Database, key: &'d [u8], name: &[u8]) -> Result<Option<Edit<'d, Stream>>, Error> {
    match db.read_as::<Stream>(key)? {
        Some(stream) if stream.groups.get(name).is_some() => Ok(db.edit_existing::<Stream>(key)?),
        _ => Ok(None),
    }
}

fn no_key_or_group(key: &[u8], group: &[u8]) -> Error {
    let (key, group) = (String::from_utf8_lossy(key), String::from_utf8_lossy(group));
    error!("NOGROUP No such key '{key}' or consumer group '{group}'")
}

fn no_group(group: &[u8], key: &[u8]) -> Error {
    let (key, group) = (String::from_utf8_lossy(key), String::from_utf8_lossy(group));
    error!("NOGROUP No such consumer group '{group}' for key name '{key}'")
}
