//! Pending entries: XACK, XPENDING.

use super::{edit_with_group, ids, no_key_or_group, replies};
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::formats::resp::reply::Reply;
use crate::values::stream::{Group, Pending, Stream, StreamId};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&XACK, &XPENDING];

/// XACK: entries are done with.
static XACK: Command = Command::data("xack", xack)
    .arity(Arity::AtLeast(4))
    .flags(&[Flag::Write, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Update)])
    .since("5.0.0")
    .complexity("O(1) for each message ID processed.")
    .summary(
        "Returns the number of messages that were successfully acknowledged by the consumer group member of a stream.",
    )
    .syntax("key group id:string [id ...]");

fn xack(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let (key, name) = (args.get(1), args.get(2));
    let mut acknowledged = 0;
    if let Some(mut stream) = edit_with_group(cx.db, key, name)? {
        // A bad ID must be found before anything is acknowledged.
        for word in args.from(3) {
            ids::id(word)?;
        }
        let mut group = stream.groups.edit(name).expect("it is there");
        let is_removed = |word: &&[u8]| ids::id(word).is_ok_and(|id| group.remove_pending(id));
        acknowledged = args.from(3).filter(is_removed).count();
    }
    cx.effects.dirty += acknowledged as u64;
    cx.reply.int(acknowledged as i64);
    Ok(Done)
}

/// XPENDING: what is pending in a group.
static XPENDING: Command = Command::data("xpending", xpending)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("5.0.0")
    .complexity(
        "O(N) with N being the number of elements returned, so asking for a small fixed number of entries per call is O(1). \
         O(M), where M is the total number of entries scanned when used with the IDLE filter. When the command returns just \
         the summary and the list of consumers is small, it runs in O(1) time; otherwise, an additional O(N) time for \
         iterating every consumer.",
    )
    .summary("Returns the information and entries from a stream consumer group's pending entries list.")
    .syntax("key group [[IDLE min-idle-time:integer]^6.2.0 start:string end:string count [consumer]]@filters")
    .history(&[("6.2.0", "Added the `IDLE` option and exclusive range intervals.")])
    .tips(&["nondeterministic_output"]);

fn xpending(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let filter = Filter::read(args)?;
    let (key, name) = (args.get(1), args.get(2));
    let now_ms = cx.now_ms() as i64;
    let stream = cx.db.read_as::<Stream>(key)?;
    let Some(group) = stream.and_then(|stream| stream.groups.get(name)) else {
        return Err(no_key_or_group(key, name));
    };
    match filter {
        Some(filter) => filter.answer(cx.reply, group, now_ms),
        None => answer_summary(cx.reply, group),
    }
    Ok(Done)
}

fn answer_summary(reply: &mut Reply, group: &Group) {
    reply.array(4);
    reply.int(group.pending().len() as i64);
    let (Some((&first, _)), Some((&last, _))) = (group.pending().first_key_value(), group.pending().last_key_value())
    else {
        reply.null();
        reply.null();
        reply.null_array();
        return;
    };
    replies::id(reply, first);
    replies::id(reply, last);
    let busy = || group.consumers().filter(|consumer| !consumer.pending().is_empty());
    reply.array(busy().count());
    for consumer in busy() {
        reply.array(2);
        reply.bulk(consumer.name());
        reply.bulk_int(consumer.pending().len() as i64);
    }
}

/// Which pending entries are asked for.
struct Filter<'w> {
    min_idle_ms: i64,
    from: StreamId,
    to: StreamId,
    most: usize,
    consumer: Option<&'w [u8]>,
}

impl<'w> Filter<'w> {
    /// `None`: only a summary.
    fn read(args: &'w Args<'_>) -> Result<Option<Filter<'w>>, Error> {
        match args.len() {
            3 => return Ok(None),
            6..=9 => {}
            _ => return Err(Error::Syntax),
        }
        let (mut i, mut min_idle_ms) = (3, 0);
        if args.is(3, "idle") {
            min_idle_ms = args.int(4)?;
            i = 5;
        }
        if i + 2 >= args.len() {
            return Err(Error::Syntax);
        }
        let most = args.int(i + 2)?.max(0) as usize;
        let (from, to) = (ids::start(args.get(i))?, ids::end(args.get(i + 1))?);
        let consumer = (i + 3 < args.len()).then(|| args.get(i + 3));
        Ok(Some(Filter { min_idle_ms, from, to, most, consumer }))
    }

    fn answer(&self, reply: &mut Reply, group: &Group, now_ms: i64) {
        if self.from > self.to {
            return reply.array(0);
        }
        match self.consumer.map(|name| group.find_consumer(name)) {
            Some(None) => reply.array(0),
            Some(Some(consumer)) => {
                let ids = group.consumer(consumer).pending().range(self.from..=self.to);
                let entries = ids.filter_map(|&id| Some((id, group.find_pending(id)?)));
                self.answer_entries(reply, group, now_ms, entries);
            }
            None => {
                let entries = group.pending().range(self.from..=self.to).map(|(&id, &pending)| (id, pending));
                self.answer_entries(reply, group, now_ms, entries);
            }
        }
    }

    /// Goes over the entries twice: the first time to count them.
    fn answer_entries(
        &self,
        reply: &mut Reply,
        group: &Group,
        now_ms: i64,
        entries: impl Iterator<Item = (StreamId, Pending)> + Clone,
    ) {
        let idle_ms = |pending: &Pending| now_ms.saturating_sub(pending.delivered_ms);
        let is_idle = |(_, pending): &(_, Pending)| self.min_idle_ms == 0 || idle_ms(pending) >= self.min_idle_ms;
        let count = entries.clone().filter(is_idle).take(self.most).count();
        reply.array(count);
        for (id, pending) in entries.filter(is_idle).take(count) {
            reply.array(4);
            replies::id(reply, id);
            reply.bulk(group.consumer(pending.consumer).name());
            reply.int(idle_ms(&pending).max(0));
            reply.int(pending.deliveries as i64);
        }
    }
}
