//! Hashes.

mod expire;
mod fields;
mod get;
mod number;
mod random;
mod remove;
mod scan;
mod set;
mod set_and_expire;
mod ttl;

use super::context::DataContext;
use super::error::Error;
use super::row::Command;
use crate::formats::resp::reply::Reply;
use crate::structures::listpack::Entry;
use crate::values::hash::{Hash, HashRef};

/// The lists of this folder's files.
pub const LISTS: &[&[&Command]] = &[
    set::COMMANDS,
    get::COMMANDS,
    remove::COMMANDS,
    number::COMMANDS,
    random::COMMANDS,
    scan::COMMANDS,
    expire::COMMANDS,
    ttl::COMMANDS,
    set_and_expire::COMMANDS,
];

/// Answers a field or a value.
#[inline]
fn answer(reply: &mut Reply, entry: Entry<'_>) {
    match entry {
        Entry::Bytes(bytes) => reply.bulk(bytes),
        Entry::Int(number) => reply.bulk_int(number),
    }
}

/// Whether there is a hash at a key that is about to be written.
fn is_there(cx: &mut DataContext<'_>, key: &[u8]) -> Result<bool, Error> {
    match cx.db.find(key) {
        Some(handle) => Ok(cx.db.view_as::<Hash>(handle).map(|_| true)?),
        None => Ok(false),
    }
}

/// Fields of a hash that are past their deadline go before a write looks at them.
#[inline]
fn remove_expired<'f>(cx: &mut DataContext<'_>, key: &[u8], fields: impl Iterator<Item = &'f [u8]>) {
    if cx.db.hashes_expiring() > 0 {
        fields.for_each(|field| cx.db.remove_expired_field(key, field));
    }
}

/// Fields that are not past their deadline: how many.
fn live_len(hash: HashRef<'_>, now_ms: u64) -> usize {
    match hash.next_deadline() {
        Some(first) if first <= now_ms => hash.live(now_ms).count(),
        _ => hash.len(),
    }
}
