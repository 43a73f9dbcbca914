//! Entries by ID: XRANGE, XREVRANGE, XLEN.

use super::{ids, replies};
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::formats::resp::reply::Reply;
use crate::values::stream::{Entries, Stream, StreamId};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&XRANGE, &XREVRANGE, &XLEN];

const COMPLEXITY: &str = "O(N) with N being the number of elements returned. If N is constant (e.g. always asking for the \
                          first 10 elements with COUNT), you can consider it O(1).";

/// XRANGE: entries between two IDs, in order.
static XRANGE: Command = Command::data("xrange", |cx, args| range(cx, args, Order::Forward))
    .arity(Arity::AtLeast(4))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("5.0.0")
    .complexity(
        "O(N) with N being the number of elements being returned. If N is constant (e.g. always asking for the first 10 \
         elements with COUNT), you can consider it O(1).",
    )
    .summary("Returns the messages from a stream within a range of IDs.")
    .syntax("key start:string end:string [COUNT count]")
    .history(&[("6.2.0", "Added exclusive ranges.")]);

/// XREVRANGE: entries between two IDs, the last first.
static XREVRANGE: Command = Command::data("xrevrange", |cx, args| range(cx, args, Order::Backward))
    .arity(Arity::AtLeast(4))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("5.0.0")
    .complexity(COMPLEXITY)
    .summary("Returns the messages from a stream within a range of IDs in reverse order.")
    .syntax("key end:string start:string [COUNT count]")
    .history(&[("6.2.0", "Added exclusive ranges.")]);

#[derive(Clone, Copy)]
enum Order {
    Forward,
    Backward,
}

fn range(cx: &mut DataContext<'_>, args: &Args<'_>, order: Order) -> Outcome {
    let (start_at, end_at) = match order {
        Order::Forward => (2, 3),
        Order::Backward => (3, 2),
    };
    let (from, to) = (ids::start(args.get(start_at))?, ids::end(args.get(end_at))?);
    let most = count(args)?;
    let Some(stream) = cx.db.read_as::<Stream>(args.get(1))? else {
        cx.reply.array(0);
        return Ok(Done);
    };
    match (most, order) {
        (0, _) => cx.reply.null_array(),
        (most, Order::Forward) => forward(cx.reply, &stream.entries, from, to, most),
        (most, Order::Backward) => {
            let count = stream.entries.count(from, to, most) as usize;
            cx.reply.array(count);
            let entries = stream.entries.range_back(from, to).take(count);
            entries.for_each(|entry| replies::entry(cx.reply, entry));
        }
    }
    Ok(Done)
}

/// Answers the first `most` entries from `from` to `to`.
pub(super) fn forward(reply: &mut Reply, entries: &Entries, from: StreamId, to: StreamId, most: u64) {
    let count = entries.count(from, to, most) as usize;
    reply.array(count);
    entries.range(from, to).take(count).for_each(|entry| replies::entry(reply, entry));
}

/// The number behind COUNT, the last one counting; less than one is none.
fn count(args: &Args<'_>) -> Result<u64, Error> {
    let mut most = u64::MAX;
    let mut i = 4;
    while i < args.len() {
        if !args.is(i, "count") || i + 1 >= args.len() {
            return Err(Error::Syntax);
        }
        most = args.int(i + 1)?.max(0) as u64;
        i += 2;
    }
    Ok(most)
}

/// XLEN: how many entries there are.
static XLEN: Command = Command::data("xlen", xlen)
    .arity(Arity::Exactly(2))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .keys(&[first_key(Access::ReadOnly, Purpose::None)])
    .since("5.0.0")
    .complexity("O(1)")
    .summary("Return the number of messages in a stream.")
    .syntax("key");

fn xlen(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let len = cx.db.read_as::<Stream>(args.get(1))?.map_or(0, |stream| stream.entries.len());
    cx.reply.int(len as i64);
    Ok(Done)
}
