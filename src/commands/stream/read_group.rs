//! Entries for a consumer of a group: XREADGROUP.

use super::changes::GroupChanges;
use super::read_options::{ReadOptions, Reader};
use super::{ids, read, replies};
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Begin, Find, KeySpec, Purpose};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::error;
use crate::formats::resp::reply::Reply;
use crate::values::Kind;
use crate::values::stream::{ConsumerIndex, Entries, Group, Pending, Stream, StreamId};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&XREADGROUP];

/// XREADGROUP: entries that nobody of the group has got, or those that the consumer has not acknowledged.
static XREADGROUP: Command = Command::data("xreadgroup", xreadgroup)
    .arity(Arity::AtLeast(7))
    .flags(&[Flag::Write, Flag::Blocking])
    .keys(&[KeySpec::new(
        Access::ReadOnly,
        Purpose::Access,
        Begin::Keyword("STREAMS", 4),
        Find::Range { last: -1, step: 1, limit: 2 },
    )])
    .since("5.0.0")
    .complexity(
        "For each stream mentioned: O(M) with M being the number of elements returned. If M is constant (e.g. always asking \
         for the first 10 elements with COUNT), you can consider it O(1). On the other side when XREADGROUP blocks, XADD will \
         pay the O(N) time in order to serve the N clients blocked on the stream getting new data.",
    )
    .summary(
        "Returns new or historical messages from a stream for a consumer in a group. Blocks until a message is available \
         otherwise.",
    )
    .syntax(
        "<GROUP group consumer>@group-block [COUNT count] [BLOCK milliseconds] [NOACK] \
         <STREAMS key [key ...] id:string [id ...]>@streams",
    );

fn xreadgroup(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let options = ReadOptions::read(args, Reader::Group, cx.now_ms())?;
    let requests = Request::all(cx, args, &options)?;
    cx.effects.propagate_nothing();
    let served = requests.iter().filter(|request| request.is_served).count();
    if served > 0 {
        read::head(cx.reply, served);
    }
    for (i, request) in requests.iter().enumerate() {
        serve(cx, args, &options, i, request)?;
    }
    match options.timeout_us {
        _ if served > 0 => Ok(Done),
        Some(timeout_us) => cx.wait_for_change(Kind::Stream, options.keys(args), timeout_us, None),
        None => {
            cx.reply.null_array();
            Ok(Done)
        }
    }
}

/// What is asked of one stream.
struct Request {
    wanted: Wanted,
    /// Whether there is an answer.
    is_served: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// `>`: what nobody of the group has got.
    New,
    /// What the consumer has not acknowledged, behind this ID.
    History(StreamId),
}

impl Request {
    /// Reads and checks all that is asked, before anything is changed.
    fn all(cx: &mut DataContext<'_>, args: &Args<'_>, options: &ReadOptions) -> Result<Vec<Request>, Error> {
        let name = args.get(options.group_at);
        let mut requests: Vec<Request> = Vec::with_capacity(options.streams);
        for i in 0..options.streams {
            let (key, word) = options.stream(args, i);
            let stream = cx.db.read_as::<Stream>(key)?;
            let Some((stream, group)) = stream.and_then(|stream| Some((stream, stream.groups.get(name)?))) else {
                return Err(no_key_or_group(key, name));
            };
            let wanted = Wanted::read(word)?;
            let is_served = wanted != Wanted::New || {
                // If the same stream was asked for before, that has taken its part by then.
                let is_same = |&j: &usize| options.stream(args, j).0 == key && requests[j].wanted == Wanted::New;
                let taken = options.most.saturating_mul((0..i).filter(is_same).count() as u64);
                has_more_than(&stream.entries, group.last_id, taken)
            };
            requests.push(Request { wanted, is_served });
        }
        Ok(requests)
    }
}

impl Wanted {
    fn read(word: &[u8]) -> Result<Wanted, Error> {
        let meaningless = |id| {
            error!(
                "ERR The {id} ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer \
                 by specifying a proper ID, or use the > ID to get new messages. The {id} ID would just return an empty \
                 result set."
            )
        };
        match word {
            b">" => Ok(Wanted::New),
            b"$" => Err(meaningless("$")),
            b"+" => Err(meaningless("+")),
            _ => Ok(match ids::id(word)? {
                StreamId::MAX => Wanted::New, // how Redis notes `>`
                id => Wanted::History(id),
            }),
        }
    }
}

/// Whether more than so many entries stand behind an ID.
fn has_more_than(entries: &Entries, id: StreamId, taken: u64) -> bool {
    match taken {
        0 => entries.last_live_id().is_some_and(|last| last > id),
        _ => id.next().is_some_and(|from| entries.count(from, StreamId::MAX, taken.saturating_add(1)) > taken),
    }
}

fn no_key_or_group(key: &[u8], group: &[u8]) -> Error {
    let (key, group) = (String::from_utf8_lossy(key), String::from_utf8_lossy(group));
    error!("NOGROUP No such key '{key}' or consumer group '{group}' in XREADGROUP with GROUP option")
}

/// Answers one stream, if it has an answer; the consumer is seen in any case.
fn serve(
    cx: &mut DataContext<'_>,
    args: &Args<'_>,
    options: &ReadOptions,
    i: usize,
    request: &Request,
) -> Result<(), Error> {
    let (key, _) = options.stream(args, i);
    let (name, consumer_name) = (args.get(options.group_at), args.get(options.group_at + 1));
    let now_ms = cx.now_ms() as i64;
    let mut changes = GroupChanges::new(args.is_logged());
    {
        let mut stream = cx.db.edit_existing::<Stream>(key)?.expect("it was there just now");
        let stream = &mut **stream;
        let mut group = stream.groups.edit(name).expect("it was there just now");
        let consumer = changes.consumer(&mut group, consumer_name, now_ms);
        if request.is_served {
            read::name(cx.reply, key);
            let mut delivery = Delivery { entries: &stream.entries, group: &mut group, consumer, now_ms };
            match request.wanted {
                Wanted::New => delivery.new_entries(cx.reply, options, &mut changes),
                Wanted::History(id) => delivery.history(cx.reply, id, options.most),
            }
        }
    }
    let count = changes.count().min(1);
    changes.finish(cx, key, name, count);
    Ok(())
}

struct Delivery<'s> {
    entries: &'s Entries,
    group: &'s mut Group,
    consumer: ConsumerIndex,
    now_ms: i64,
}

impl Delivery<'_> {
    /// Answers what nobody has got, which becomes pending with the consumer.
    fn new_entries(&mut self, reply: &mut Reply, options: &ReadOptions, changes: &mut GroupChanges) {
        let from = self.group.last_id.next().expect("there is something behind it");
        let count = self.entries.count(from, StreamId::MAX, options.most) as usize;
        reply.array(count);
        for entry in self.entries.range(from, StreamId::MAX).take(count) {
            let id = entry.id;
            let is_further = self.group.advance(self.entries, id);
            replies::entry(reply, entry);
            if !options.no_ack {
                let pending = Pending { delivered_ms: self.now_ms, deliveries: 1, consumer: self.consumer };
                self.group.put_pending(id, pending);
                self.group.consumer_mut(self.consumer).active_ms = self.now_ms;
                changes.claim(self.group, id);
            }
            if is_further {
                changes.progress(self.group);
            }
        }
    }

    /// Answers what the consumer has not acknowledged, behind an ID. Of entries that are gone there is only the ID.
    fn history(&mut self, reply: &mut Reply, id: StreamId, most: u64) {
        let from = id.next().expect("the highest ID means new entries");
        let pending = self.group.consumer(self.consumer).pending().range(from..);
        let pending: Vec<StreamId> = pending.take(usize::try_from(most).unwrap_or(usize::MAX)).copied().collect();
        reply.array(pending.len());
        for id in pending {
            match self.entries.get(id) {
                Some(entry) => {
                    replies::entry(reply, entry);
                    self.group.deliver_again(id, self.now_ms);
                }
                None => {
                    reply.array(2);
                    replies::id(reply, id);
                    reply.null_array();
                }
            }
        }
    }
}
