//! What is known of a stream beside its entries: XINFO.

use super::{no_group, range, replies};
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::error::Error;
use crate::commands::help;
use crate::commands::key_spec::{Access, KeySpec, Purpose, key_at};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::formats::resp::reply::Reply;
use crate::values::stream::{Consumer, Entries, Group, Pending, Stream, StreamEntry, StreamId, StreamRef};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&XINFO];

static XINFO: Command = Command::container("xinfo", &[&CONSUMERS, &GROUPS, &HELP, &STREAM])
    .since("5.0.0")
    .complexity("Depends on subcommand.")
    .summary("A container for stream introspection commands.");

const KEY: KeySpec = key_at(2, Access::ReadOnly, Purpose::Access);

/// XINFO STREAM: counters and ends of a stream, or all of it.
static STREAM: Command = Command::data("stream", about_stream)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::ReadOnly])
    .keys(&[KEY])
    .since("5.0.0")
    .complexity("O(1)")
    .summary("Returns information about a stream.")
    .syntax("key [FULL [COUNT count]]@full-block")
    .history(&[
        ("6.0.0", "Added the `FULL` modifier."),
        (
            "7.0.0",
            "Added the `max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, `entries-read` and `lag` fields",
        ),
        ("7.2.0", "Added the `active-time` field, and changed the meaning of `seen-time`."),
    ]);

fn about_stream(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let stream = cx.db.read_as::<Stream>(args.get(2))?.ok_or(Error::NoSuchKey)?;
    let most = match args.len() {
        3 => None,
        4 if args.is(3, "full") => Some(FULL_COUNT),
        6 if args.is(3, "full") && args.is(4, "count") => Some(match args.int(5)? {
            ..0 => FULL_COUNT,
            0 => u64::MAX,
            count => count as u64,
        }),
        _ => return Err(help::wrong_words(&XINFO, args)),
    };
    match most {
        None => answer_summary(cx.reply, stream),
        Some(most) => answer_full(cx.reply, stream, most),
    }
    Ok(Done)
}

/// Entries, and pending entries of each group and consumer, that FULL shows unless it is told otherwise.
const FULL_COUNT: u64 = 10;

fn answer_summary(reply: &mut Reply, stream: StreamRef<'_>) {
    reply.map(10);
    answer_counters(reply, &stream.entries);
    number(reply, "groups", stream.groups.len() as i64);
    reply.bulk(b"first-entry");
    answer_entry(reply, stream.entries.range(StreamId::MIN, StreamId::MAX).next());
    reply.bulk(b"last-entry");
    answer_entry(reply, stream.entries.range_back(StreamId::MIN, StreamId::MAX).next());
}

/// Seven keys and values that are in every answer.
fn answer_counters(reply: &mut Reply, entries: &Entries) {
    number(reply, "length", entries.len() as i64);
    number(reply, "radix-tree-keys", entries.block_count() as i64);
    // Redis counts the nodes of its index. Here it has others: a block and a root are told, which is right for one block.
    number(reply, "radix-tree-nodes", entries.block_count() as i64 + 1);
    id(reply, "last-generated-id", entries.last_id);
    id(reply, "max-deleted-entry-id", entries.max_deleted_id);
    number(reply, "entries-added", entries.added as i64);
    id(reply, "recorded-first-entry-id", entries.first_id());
}

fn answer_entry(reply: &mut Reply, entry: Option<StreamEntry<'_>>) {
    match entry {
        Some(entry) => replies::entry(reply, entry),
        None => reply.null(),
    }
}

fn answer_full(reply: &mut Reply, stream: StreamRef<'_>, most: u64) {
    reply.map(9);
    answer_counters(reply, &stream.entries);
    reply.bulk(b"entries");
    range::forward(reply, &stream.entries, StreamId::MIN, StreamId::MAX, most);
    reply.bulk(b"groups");
    reply.array(stream.groups.len());
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    for (name, group) in stream.groups.iter() {
        reply.map(7);
        reply.bulk(b"name");
        reply.bulk(name);
        answer_progress(reply, &stream.entries, group);
        number(reply, "pel-count", group.pending().len() as i64);
        reply.bulk(b"pending");
        reply.array(most.min(group.pending().len()));
        for (&id, pending) in group.pending().iter().take(most) {
            reply.array(4);
            replies::id(reply, id);
            reply.bulk(group.consumer(pending.consumer).name());
            answer_delivery(reply, pending);
        }
        reply.bulk(b"consumers");
        reply.array(group.consumers().len());
        group.consumers().for_each(|consumer| answer_full_consumer(reply, group, consumer, most));
    }
}

fn answer_full_consumer(reply: &mut Reply, group: &Group, consumer: &Consumer, most: usize) {
    reply.map(5);
    reply.bulk(b"name");
    reply.bulk(consumer.name());
    number(reply, "seen-time", consumer.seen_ms);
    number(reply, "active-time", consumer.active_ms);
    number(reply, "pel-count", consumer.pending().len() as i64);
    reply.bulk(b"pending");
    reply.array(most.min(consumer.pending().len()));
    for &id in consumer.pending().iter().take(most) {
        reply.array(3);
        replies::id(reply, id);
        answer_delivery(reply, &group.find_pending(id).expect("it is in its group too"));
    }
}

fn answer_delivery(reply: &mut Reply, pending: &Pending) {
    reply.int(pending.delivered_ms);
    reply.int(pending.deliveries as i64);
}

/// XINFO GROUPS: the groups of a stream.
static GROUPS: Command = Command::data("groups", about_groups)
    .arity(Arity::Exactly(3))
    .flags(&[Flag::ReadOnly])
    .keys(&[KEY])
    .since("5.0.0")
    .complexity("O(1)")
    .summary("Returns a list of the consumer groups of a stream.")
    .syntax("key")
    .history(&[("7.0.0", "Added the `entries-read` and `lag` fields")]);

fn about_groups(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let stream = cx.db.read_as::<Stream>(args.get(2))?.ok_or(Error::NoSuchKey)?;
    let reply = &mut *cx.reply;
    reply.array(stream.groups.len());
    for (name, group) in stream.groups.iter() {
        reply.map(6);
        reply.bulk(b"name");
        reply.bulk(name);
        number(reply, "consumers", group.consumers().len() as i64);
        number(reply, "pending", group.pending().len() as i64);
        answer_progress(reply, &stream.entries, group);
    }
    Ok(Done)
}

/// Three keys and values: how far a group has read.
fn answer_progress(reply: &mut Reply, entries: &Entries, group: &Group) {
    id(reply, "last-delivered-id", group.last_id);
    for (name, known) in [("entries-read", group.entries_read), ("lag", entries.lag(group))] {
        reply.bulk(name.as_bytes());
        match known {
            Some(known) => reply.int(known),
            None => reply.null(),
        }
    }
}

/// XINFO CONSUMERS: the consumers of a group.
static CONSUMERS: Command = Command::data("consumers", about_consumers)
    .arity(Arity::Exactly(4))
    .flags(&[Flag::ReadOnly])
    .keys(&[KEY])
    .since("5.0.0")
    .complexity("O(1)")
    .summary("Returns a list of the consumers in a consumer group.")
    .syntax("key group")
    .history(&[("7.2.0", "Added the `inactive` field, and changed the meaning of `idle`.")])
    .tips(&["nondeterministic_output"]);

fn about_consumers(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let (key, name) = (args.get(2), args.get(3));
    let now_ms = cx.now_ms() as i64;
    let stream = cx.db.read_as::<Stream>(key)?.ok_or(Error::NoSuchKey)?;
    let group = stream.groups.get(name).ok_or_else(|| no_group(name, key))?;
    let reply = &mut *cx.reply;
    reply.array(group.consumers().len());
    for consumer in group.consumers() {
        let inactive_ms = match consumer.active_ms {
            -1 => -1,
            active_ms => now_ms.wrapping_sub(active_ms),
        };
        reply.map(4);
        reply.bulk(b"name");
        reply.bulk(consumer.name());
        number(reply, "pending", consumer.pending().len() as i64);
        number(reply, "idle", now_ms.saturating_sub(consumer.seen_ms).max(0));
        number(reply, "inactive", inactive_ms);
    }
    Ok(Done)
}

/// XINFO HELP: what XINFO has.
static HELP: Command = help::row("5.0.0", |cx, _| help::answer(cx, &XINFO));

fn number(reply: &mut Reply, name: &str, number: i64) {
    reply.bulk(name.as_bytes());
    reply.int(number);
}

fn id(reply: &mut Reply, name: &str, id: StreamId) {
    reply.bulk(name.as_bytes());
    replies::id(reply, id);
}
