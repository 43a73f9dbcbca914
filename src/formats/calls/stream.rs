//! Streams as calls: XADD for each entry, XSETID, then each group by XGROUP CREATE, its consumers by XCLAIM or XGROUP CREATECONSUMER.
//!
//! Redis's own sequence, which loses what no call can say: entries that are pending and deleted, and the times of consumers.

use super::{write_call, write_head, write_word};
use crate::values::stream::{Entries, Group, StreamEntry, StreamId, StreamRef};

/// Appends the calls.
pub(super) fn write(key: &[u8], stream: StreamRef<'_>, out: &mut Vec<u8>) {
    if stream.entries.is_empty() {
        // The only way to an empty stream: an entry that is trimmed at once.
        write_call(&[b"XADD", key, b"MAXLEN", b"0", b"0-1", b"x", b"y"], out);
    }
    for entry in stream.entries.range(StreamId::MIN, StreamId::MAX) {
        write_entry(key, entry, out);
    }
    write_tail(key, stream, out);
}

/// Appends what follows the entries.
pub(super) fn write_tail(key: &[u8], stream: StreamRef<'_>, out: &mut Vec<u8>) {
    write_counters(key, &stream.entries, out);
    for (name, group) in stream.groups.iter() {
        write_group(key, name, group, out);
    }
}

/// Appends an entry.
pub(super) fn write_entry(key: &[u8], entry: StreamEntry<'_>, out: &mut Vec<u8>) {
    write_head(3 + 2 * entry.fields.len(), out);
    [b"XADD", key, entry.id.text().as_bytes()].into_iter().for_each(|word| write_word(word, out));
    for (field, value) in entry.fields {
        write_word(field.as_slice(&mut itoa::Buffer::new()), out);
        write_word(value.as_slice(&mut itoa::Buffer::new()), out);
    }
}

fn write_counters(key: &[u8], entries: &Entries, out: &mut Vec<u8>) {
    let (last, deleted) = (entries.last_id.text(), entries.max_deleted_id.text());
    let mut digits = itoa::Buffer::new();
    let added = digits.format(entries.added as i64).as_bytes();
    let words = [b"XSETID", key, last.as_bytes(), b"ENTRIESADDED", added, b"MAXDELETEDID", deleted.as_bytes()];
    write_call(&words, out);
}

fn write_group(key: &[u8], name: &[u8], group: &Group, out: &mut Vec<u8>) {
    let last = group.last_id.text();
    let mut digits = itoa::Buffer::new();
    let read = digits.format(group.entries_read.unwrap_or(-1)).as_bytes();
    write_call(&[b"XGROUP", b"CREATE", key, name, last.as_bytes(), b"ENTRIESREAD", read], out);
    for consumer in group.consumers() {
        if consumer.pending().is_empty() {
            write_call(&[b"XGROUP", b"CREATECONSUMER", key, name, consumer.name()], out);
        }
        for &id in consumer.pending() {
            let pending = group.find_pending(id).expect("it is in its group too");
            let (mut time, mut count, id) = (itoa::Buffer::new(), itoa::Buffer::new(), id.text());
            let call: [&[u8]; 12] = [
                b"XCLAIM",
                key,
                name,
                consumer.name(),
                b"0",
                id.as_bytes(),
                b"TIME",
                time.format(pending.delivered_ms).as_bytes(),
                b"RETRYCOUNT",
                count.format(pending.deliveries as i64).as_bytes(),
                b"JUSTID",
                b"FORCE",
            ];
            write_call(&call, out);
        }
    }
}
