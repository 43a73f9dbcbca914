//! Streams as calls: XADD for each entry, XSETID, then each group by XGROUP CREATE, its consumers by XCLAIM or XGROUP CREATECONSUMER.
//!
//! Redis's own sequence, which loses what no call can say: entries that are pending and deleted, and the times of consumers.

use super::{write_call, write_head, write_word};
use crate::values::stream::{Entries, GroupPart, Pending, StreamEntry, StreamId, StreamRef};

/// Appends the calls.
pub(super) fn write(key: &[u8], stream: StreamRef<'_>, out: &mut Vec<u8>) {
    for entry in stream.entries.range(StreamId::MIN, StreamId::MAX) {
        write_entry(key, entry, out);
    }
    write_counters(key, &stream.entries, out);
    for (name, group) in stream.groups.iter() {
        write_group_head(key, name, group.last_id, group.entries_read, out);
        for consumer in group.consumers() {
            write_consumer_head(key, name, consumer.name(), consumer.pending().len(), out);
            for &id in consumer.pending() {
                let pending = group.find_pending(id).expect("it is in its group too");
                write_owed(key, name, consumer.name(), id, pending, out);
            }
        }
    }
}

/// Appends a part of the groups, other than that they begin.
pub(super) fn write_group_part(key: &[u8], part: GroupPart<'_>, out: &mut Vec<u8>) {
    match part {
        GroupPart::Begin | GroupPart::Pending(..) | GroupPart::Consumers(_) => {}
        GroupPart::Group(head) => write_group_head(key, &head.name, head.last_id, head.entries_read, out),
        GroupPart::Consumer(group, head) => write_consumer_head(key, &group.name, &head.name, head.pending, out),
        GroupPart::Owed(owed) => write_owed(key, &owed.group.name, &owed.consumer.name, owed.id, owed.pending(), out),
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

/// Appends what follows the entries, and goes before the groups.
pub(super) fn write_counters(key: &[u8], entries: &Entries, out: &mut Vec<u8>) {
    if entries.is_empty() {
        // The only way to an empty stream: an entry that is trimmed at once.
        write_call(&[b"XADD", key, b"MAXLEN", b"0", b"0-1", b"x", b"y"], out);
    }
    let (last, deleted) = (entries.last_id.text(), entries.max_deleted_id.text());
    let mut digits = itoa::Buffer::new();
    let added = digits.format(entries.added as i64).as_bytes();
    let words = [b"XSETID", key, last.as_bytes(), b"ENTRIESADDED", added, b"MAXDELETEDID", deleted.as_bytes()];
    write_call(&words, out);
}

fn write_group_head(key: &[u8], name: &[u8], last_id: StreamId, entries_read: Option<i64>, out: &mut Vec<u8>) {
    let last = last_id.text();
    let mut digits = itoa::Buffer::new();
    let read = digits.format(entries_read.unwrap_or(-1)).as_bytes();
    write_call(&[b"XGROUP", b"CREATE", key, name, last.as_bytes(), b"ENTRIESREAD", read], out);
}

/// A consumer that something is pending with comes with that.
fn write_consumer_head(key: &[u8], group: &[u8], name: &[u8], pending: usize, out: &mut Vec<u8>) {
    if pending == 0 {
        write_call(&[b"XGROUP", b"CREATECONSUMER", key, group, name], out);
    }
}

fn write_owed(key: &[u8], group: &[u8], consumer: &[u8], id: StreamId, pending: Pending, out: &mut Vec<u8>) {
    let (mut time, mut count, id) = (itoa::Buffer::new(), itoa::Buffer::new(), id.text());
    let call: [&[u8]; 12] = [
        b"XCLAIM",
        key,
        group,
        consumer,
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
