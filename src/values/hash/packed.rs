//! Hashes in a listpack: field, value, field, value, in the order in which the fields came. What does not depend on the deadlines of
//! [`timed`](super::timed) serves both.

use super::Field;
use crate::structures::listpack::{self, Listpack, entry_bytes};

/// The most that a deadline takes.
const DEADLINE_BYTES: usize = 10;

/// Whether a field with this value can be set without passing the bound of a listpack.
#[inline]
pub(super) fn has_room(pack: &[u8], name: &[u8], value: &[u8]) -> bool {
    pack.len() < listpack::MAX_BYTES / 2 && name.len() + value.len() < listpack::MAX_BYTES / 4
        || listpack::has_room(pack, entry_bytes(name) + entry_bytes(value) + DEADLINE_BYTES)
}

#[inline]
pub(super) fn find<'a>(pack: Listpack<'a>, name: &[u8]) -> Option<Field<'a>> {
    let at = pack.find(name, 1)?;
    let mut entries = pack.iter_from(at);
    Some(Field { name: entries.next()?, value: entries.next()?, deadline: None })
}

/// Sets a field; whether it is new, and how many there are.
#[inline]
pub(super) fn set(pack: &mut Vec<u8>, name: &[u8], value: &[u8]) -> (bool, usize) {
    begin(pack);
    let view = Listpack::new(pack);
    let found = view.find(name, 1).and_then(|at| view.next(at));
    match found {
        Some(value_at) => {
            listpack::replace(pack, value_at, value);
        }
        None => {
            listpack::push_back(pack, name);
            listpack::push_back(pack, value);
        }
    }
    (found.is_none(), Listpack::new(pack).len() / 2)
}

/// Removes a field of `width` elements; whether it was there.
pub(super) fn remove(pack: &mut Vec<u8>, name: &[u8], width: usize) -> bool {
    let found = Listpack::or_empty(pack).find(name, width - 1);
    if let Some(at) = found {
        listpack::remove_range(pack, at, width);
    }
    found.is_some()
}

/// An empty buffer becomes an empty listpack.
#[inline]
pub(super) fn begin(pack: &mut Vec<u8>) {
    if pack.is_empty() {
        pack.extend_from_slice(&listpack::EMPTY);
    }
}
