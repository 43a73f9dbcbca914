//! Entries and IDs as replies.

use crate::formats::resp::reply::Reply;
use crate::structures::listpack::Entry;
use crate::values::stream::{StreamEntry, StreamId};

/// An ID.
#[inline]
pub(super) fn id(reply: &mut Reply, id: StreamId) {
    reply.bulk(id.text().as_bytes());
}

/// An entry: its ID, and its fields with their values.
#[inline]
pub(super) fn entry(reply: &mut Reply, entry: StreamEntry<'_>) {
    reply.array(2);
    id(reply, entry.id);
    reply.array(2 * entry.fields.len());
    for (name, value) in entry.fields {
        element(reply, name);
        element(reply, value);
    }
}

#[inline]
fn element(reply: &mut Reply, element: Entry<'_>) {
    match element {
        Entry::Bytes(bytes) => reply.bulk(bytes),
        Entry::Int(number) => reply.bulk_int(number),
    }
}
