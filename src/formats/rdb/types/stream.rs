//! Streams in RDB: types 15, 19 and 21, each with more than the one before.
//!
//! ```text
//! stream    count, blocks | len | last ID | [19: first ID | greatest deleted ID | entries added] | count, groups
//! block     key: string of 16 bytes | listpack: string
//! group     name: string | last ID | [19: entries read] | count, (ID in 16 bytes, delivered i64, deliveries) | count, consumers
//! consumer  name: string | seen i64 | [21: active i64] | count, (ID in 16 bytes)
//! ```
//! Numbers are lengths, IDs two of them, where nothing else is said; times are milliseconds since 1970, little-endian.
//!
//! Written is 19: Redis 7.0 reads it, and what 21 adds is no more than when a consumer last got something (19 gives it the time when it
//! was last seen). What follows from the blocks (length, first ID) is taken from them.

use super::{ReadValue, Row};
use crate::formats::rdb::encode::{write_length, write_string};
use crate::formats::rdb::error::Reason;
use crate::formats::rdb::input::{Input, Stop};
use crate::formats::rdb::opcodes::type_number;
use crate::formats::rdb::{Compression, Value};
use crate::values::Owned;
use crate::values::stream::{BlockRef, ConsumerIndex, Group, GroupPart, Pending, Stream, StreamId, StreamRef};
use std::collections::BTreeMap;

/// What is read.
pub(super) static ROWS: &[Row] = &[
    Row { number: type_number::STREAM_LISTPACKS, dialect: None, start: || StreamReader::start(Layout::First) },
    Row { number: type_number::STREAM_LISTPACKS_2, dialect: None, start: || StreamReader::start(Layout::Second) },
    Row { number: type_number::STREAM_LISTPACKS_3, dialect: None, start: || StreamReader::start(Layout::Third) },
];

/// The type number under which it is written.
pub(super) fn type_of(_stream: StreamRef<'_>) -> u8 {
    type_number::STREAM_LISTPACKS_2
}

// ---- writing ----

/// Appends it.
pub(super) fn write(stream: StreamRef<'_>, compression: Compression, out: &mut Vec<u8>) {
    let entries = &stream.entries;
    write_length(entries.block_count() as u64, out);
    entries.blocks().for_each(|block| write_part(block, compression, out));
    write_tail(stream, compression, out);
}

/// Appends a block.
pub(in crate::formats::rdb) fn write_part(block: BlockRef<'_>, compression: Compression, out: &mut Vec<u8>) {
    write_string(&block.key.to_bytes(), compression, out);
    write_string(block.bytes(), compression, out);
}

/// Appends what stands behind the blocks.
fn write_tail(stream: StreamRef<'_>, compression: Compression, out: &mut Vec<u8>) {
    write_counters(stream, out);
    for (name, group) in stream.groups.iter() {
        write_group_head(name, group.last_id, group.entries_read, group.pending().len(), compression, out);
        group.pending().iter().for_each(|(id, pending)| write_pending(*id, *pending, out));
        write_length(group.consumers().len() as u64, out);
        for consumer in group.consumers() {
            write_consumer_head(consumer.name(), consumer.seen_ms, consumer.pending().len(), compression, out);
            consumer.pending().iter().for_each(|id| out.extend_from_slice(&id.to_bytes()));
        }
    }
}

/// Appends what stands between the blocks and the groups.
pub(in crate::formats::rdb) fn write_counters(stream: StreamRef<'_>, out: &mut Vec<u8>) {
    let entries = &stream.entries;
    write_length(entries.len(), out);
    write_id(entries.last_id, out);
    write_id(entries.first_id(), out);
    write_id(entries.max_deleted_id, out);
    write_length(entries.added, out);
    write_length(stream.groups.len() as u64, out);
}

/// Appends a part of the groups, other than that they begin.
pub(in crate::formats::rdb) fn write_group_part(part: GroupPart<'_>, compression: Compression, out: &mut Vec<u8>) {
    match part {
        GroupPart::Begin => {}
        GroupPart::Group(head) => {
            write_group_head(&head.name, head.last_id, head.entries_read, head.pending, compression, out);
        }
        GroupPart::Pending(id, pending) => write_pending(id, pending, out),
        GroupPart::Consumers(count) => write_length(count as u64, out),
        GroupPart::Consumer(_, head) => write_consumer_head(&head.name, head.seen_ms, head.pending, compression, out),
        GroupPart::Owed(owed) => out.extend_from_slice(&owed.id.to_bytes()),
    }
}

fn write_group_head(
    name: &[u8],
    last_id: StreamId,
    entries_read: Option<i64>,
    pending: usize,
    compression: Compression,
    out: &mut Vec<u8>,
) {
    write_string(name, compression, out);
    write_id(last_id, out);
    write_length(entries_read.unwrap_or(UNKNOWN) as u64, out);
    write_length(pending as u64, out);
}

fn write_pending(id: StreamId, pending: Pending, out: &mut Vec<u8>) {
    out.extend_from_slice(&id.to_bytes());
    out.extend_from_slice(&pending.delivered_ms.to_le_bytes());
    write_length(pending.deliveries, out);
}

fn write_consumer_head(name: &[u8], seen_ms: i64, pending: usize, compression: Compression, out: &mut Vec<u8>) {
    write_string(name, compression, out);
    out.extend_from_slice(&seen_ms.to_le_bytes());
    write_length(pending as u64, out);
}

fn write_id(id: StreamId, out: &mut Vec<u8>) {
    write_length(id.ms, out);
    write_length(id.seq, out);
}

// ---- reading ----

/// How entries read are written when nobody knows them.
const UNKNOWN: i64 = -1;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Layout {
    First,
    Second,
    Third,
}

/// What comes next.
#[derive(Clone, Copy)]
enum Part {
    BlockCount,
    BlockKey,
    Block,
    Counters,
    GroupCount,
    GroupName,
    GroupHead,
    GroupPending,
    ConsumerCount,
    ConsumerName,
    ConsumerHead,
    ConsumerPending,
    End,
}

struct StreamReader {
    layout: Layout,
    part: Part,
    stream: Stream,
    /// Blocks, or pending entries of a group or a consumer, that are still to come.
    left: u64,
    groups_left: u64,
    consumers_left: u64,
    /// The key of the block to come.
    key: StreamId,
    /// The name of the group, and of the consumer, whose rest is still to come.
    group_name: Vec<u8>,
    consumer_name: Vec<u8>,
    group: Group,
    /// Pending entries that no consumer has claimed yet: time and number of deliveries.
    unowned: BTreeMap<StreamId, (i64, u64)>,
    consumer: Option<ConsumerIndex>,
}

impl ReadValue for StreamReader {
    fn read(&mut self, input: &mut Input) -> Result<Value, Stop> {
        loop {
            self.part = match self.part {
                Part::BlockCount => self.block_count(input)?,
                Part::BlockKey => self.block_key(input)?,
                Part::Block => self.block(input)?,
                Part::Counters => self.counters(input)?,
                Part::GroupCount => self.group_count(input)?,
                Part::GroupName => self.group_name(input)?,
                Part::GroupHead => self.group_head(input)?,
                Part::GroupPending => self.group_pending(input)?,
                Part::ConsumerCount => self.consumer_count(input)?,
                Part::ConsumerName => self.consumer_name(input)?,
                Part::ConsumerHead => self.consumer_head(input)?,
                Part::ConsumerPending => self.consumer_pending(input)?,
                Part::End => return Ok(Value::Collection(Owned::of(std::mem::take(&mut self.stream)))),
            };
        }
    }
}

/// What comes next; or nothing was consumed but what is kept.
type Next = Result<Part, Stop>;

impl StreamReader {
    fn start(layout: Layout) -> Box<dyn ReadValue> {
        Box::new(StreamReader {
            layout,
            part: Part::BlockCount,
            stream: Stream::new(),
            left: 0,
            groups_left: 0,
            consumers_left: 0,
            key: StreamId::MIN,
            group_name: Vec::new(),
            consumer_name: Vec::new(),
            group: Group::new(StreamId::MIN, None),
            unowned: BTreeMap::new(),
            consumer: None,
        })
    }

    // ---- entries ----

    fn block_count(&mut self, input: &mut Input) -> Next {
        self.left = input.length()?;
        Ok(Part::BlockKey)
    }

    fn block_key(&mut self, input: &mut Input) -> Next {
        if self.left == 0 {
            return Ok(Part::Counters);
        }
        let key = input.string()?.into_bytes();
        let key = key.try_into().map_err(|_| damaged(input, "the key of a stream's block is no ID"))?;
        self.key = StreamId::from_bytes(key);
        Ok(Part::Block)
    }

    fn block(&mut self, input: &mut Input) -> Next {
        let pack = input.string()?.into_bytes();
        let pushed = self.stream.entries.push_block(self.key, pack);
        pushed.map_err(|flaw| Stop::Bad(input.error(Reason::StreamBlock(flaw))))?;
        self.left -= 1;
        Ok(Part::BlockKey)
    }

    fn counters(&mut self, input: &mut Input) -> Next {
        let layout = self.layout;
        let entries = &mut self.stream.entries;
        input.whole(|input| {
            let _len = input.length()?;
            let last_id = id(input)?.max(entries.last_id);
            (entries.max_deleted_id, entries.added) = match layout {
                Layout::First => (StreamId::MIN, entries.len()),
                Layout::Second | Layout::Third => {
                    let _first_id = id(input)?;
                    (id(input)?, input.length()?.max(entries.len()))
                }
            };
            entries.last_id = last_id;
            Ok(())
        })?;
        Ok(Part::GroupCount)
    }

    // ---- groups ----

    fn group_count(&mut self, input: &mut Input) -> Next {
        self.groups_left = input.length()?;
        Ok(Part::GroupName)
    }

    fn group_name(&mut self, input: &mut Input) -> Next {
        if self.groups_left == 0 {
            return Ok(Part::End);
        }
        self.group_name = input.string()?.into_bytes();
        if self.stream.groups.get(&self.group_name).is_some() {
            return Err(damaged(input, "a stream has two groups of one name"));
        }
        Ok(Part::GroupHead)
    }

    fn group_head(&mut self, input: &mut Input) -> Next {
        let has_counter = self.layout >= Layout::Second;
        let (last_id, read, pending) = input.whole(|input| {
            let last_id = id(input)?;
            let read = if has_counter { Some(input.length()? as i64) } else { None };
            Ok((last_id, read, input.length()?))
        })?;
        let entries_read = match read {
            Some(read) => (read >= 0).then_some(read),
            None => self.stream.entries.number_of(last_id),
        };
        self.group = Group::new(last_id, entries_read);
        self.left = pending;
        Ok(Part::GroupPending)
    }

    fn group_pending(&mut self, input: &mut Input) -> Next {
        while self.left > 0 {
            let (id, pending) = input.whole(|input| {
                let id = StreamId::from_bytes(input.array()?);
                Ok((id, (i64::from_le_bytes(input.array()?), input.length()?)))
            })?;
            if self.unowned.insert(id, pending).is_some() {
                return Err(damaged(input, "an entry is pending twice in a stream's group"));
            }
            self.left -= 1;
        }
        Ok(Part::ConsumerCount)
    }

    // ---- consumers ----

    fn consumer_count(&mut self, input: &mut Input) -> Next {
        self.consumers_left = input.length()?;
        Ok(Part::ConsumerName)
    }

    fn consumer_name(&mut self, input: &mut Input) -> Next {
        if self.consumers_left > 0 {
            self.consumer_name = input.string()?.into_bytes();
            return Ok(Part::ConsumerHead);
        }
        if !self.unowned.is_empty() {
            return Err(damaged(input, "an entry is pending with no consumer of a stream's group"));
        }
        let group = std::mem::replace(&mut self.group, Group::new(StreamId::MIN, None));
        self.stream.groups.insert(&self.group_name, group);
        self.groups_left -= 1;
        Ok(Part::GroupName)
    }

    fn consumer_head(&mut self, input: &mut Input) -> Next {
        let has_active = self.layout >= Layout::Third;
        let (seen_ms, active_ms, pending) = input.whole(|input| {
            let seen_ms = i64::from_le_bytes(input.array()?);
            let active_ms = if has_active { i64::from_le_bytes(input.array()?) } else { seen_ms };
            Ok((seen_ms, active_ms, input.length()?))
        })?;
        let Some(consumer) = self.group.create_consumer(&self.consumer_name, seen_ms) else {
            return Err(damaged(input, "Duplicate stream consumer detected"));
        };
        self.group.consumer_mut(consumer).active_ms = active_ms;
        (self.consumer, self.left) = (Some(consumer), pending);
        Ok(Part::ConsumerPending)
    }

    fn consumer_pending(&mut self, input: &mut Input) -> Next {
        let consumer = self.consumer.expect("its head was read");
        while self.left > 0 {
            let id = input.whole(|input| input.array().map(StreamId::from_bytes))?;
            let Some((delivered_ms, deliveries)) = self.unowned.remove(&id) else {
                return Err(damaged(input, "an entry is pending with a consumer and not in its group"));
            };
            self.group.put_pending(id, Pending { delivered_ms, deliveries, consumer });
            self.left -= 1;
        }
        self.consumers_left -= 1;
        Ok(Part::ConsumerName)
    }
}

fn id(input: &mut Input) -> Result<StreamId, Stop> {
    Ok(StreamId::new(input.length()?, input.length()?))
}

fn damaged(input: &Input, flaw: &'static str) -> Stop {
    Stop::Bad(input.error(Reason::Value(flaw)))
}
