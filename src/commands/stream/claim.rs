//! Pending entries change hands: XCLAIM, XAUTOCLAIM.

use super::changes::GroupChanges;
use super::{edit_with_group, ids, no_key_or_group, replies};
use crate::base::number::parse_i64;
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::error;
use crate::formats::resp::reply::Reply;
use crate::values::stream::{ConsumerIndex, Entries, Group, Pending, StreamId};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&XCLAIM, &XAUTOCLAIM];

/// Pending entries that XAUTOCLAIM looks at for each that it may claim.
const ATTEMPTS_PER_CLAIM: u64 = 10;

/// XCLAIM: pending entries, by ID, become another consumer's.
static XCLAIM: Command = Command::data("xclaim", xclaim)
    .arity(Arity::AtLeast(6))
    .flags(&[Flag::Write, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Update)])
    .since("5.0.0")
    .complexity("O(log N) with N being the number of messages in the PEL of the consumer group.")
    .summary(
        "Changes, or acquires, ownership of a message in a consumer group, as if the message was delivered a consumer group \
         member.",
    )
    .syntax(
        "key group consumer min-idle-time:string id:string [id ...] [IDLE ms:integer] [TIME unix-time-milliseconds] \
         [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID lastid:string]",
    )
    .tips(&["nondeterministic_output"]);

fn xclaim(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let (key, name) = (args.get(1), args.get(2));
    let now_ms = cx.now_ms() as i64;
    let Some(mut stream) = edit_with_group(cx.db, key, name)? else { return Err(no_key_or_group(key, name)) };
    let options = ClaimOptions::read(args, now_ms, cx.is_replayed)?;
    let stream_now = &mut **stream;
    let (entries, mut group) = (&stream_now.entries, stream_now.groups.edit(name).expect("it is there"));
    let mut changes = GroupChanges::new(args.is_logged());
    if options.last_id > group.last_id {
        group.last_id = options.last_id;
        changes.progress(&group);
    }
    let consumer = changes.consumer(&mut group, args.get(3), now_ms);
    let mut claimed = Vec::new();
    for &id in &options.ids {
        if entries.get(id).is_none() {
            forget_deleted(&mut group, id, &mut changes);
        } else if let Some(pending) = options.claim(&group, id, consumer, now_ms) {
            take_over(&mut group, id, pending, now_ms, &mut changes);
            claimed.push(id);
        }
    }
    changes.leave_progress_to_claims();
    answer_claimed(cx.reply, entries, &claimed, options.just_id);
    drop(group);
    stream.finish();
    let count = changes.count();
    finish(cx, key, name, changes, count);
    Ok(Done)
}

/// The entry is gone, so it is no longer pending. Whether it was.
fn forget_deleted(group: &mut Group, id: StreamId, changes: &mut GroupChanges) -> bool {
    let was_pending = group.find_pending(id).is_some();
    if was_pending {
        changes.claim(group, id);
        group.remove_pending(id);
    }
    was_pending
}

fn take_over(group: &mut Group, id: StreamId, pending: Pending, now_ms: i64, changes: &mut GroupChanges) {
    group.put_pending(id, pending);
    group.consumer_mut(pending.consumer).active_ms = now_ms;
    changes.claim(group, id);
}

/// Entries that were claimed: they are there.
fn answer_claimed(reply: &mut Reply, entries: &Entries, claimed: &[StreamId], just_id: bool) {
    reply.array(claimed.len());
    for &id in claimed {
        match entries.get(id) {
            Some(entry) if !just_id => replies::entry(reply, entry),
            _ => replies::id(reply, id),
        }
    }
}

/// What XCLAIM is asked to do.
struct ClaimOptions {
    min_idle_ms: i64,
    ids: Vec<StreamId>,
    delivered_ms: i64,
    deliveries: Option<u64>,
    force: bool,
    just_id: bool,
    last_id: StreamId,
}

impl ClaimOptions {
    fn read(args: &Args<'_>, now_ms: i64, is_replayed: bool) -> Result<ClaimOptions, Error> {
        let min_idle_ms = int(args, 4, "ERR Invalid min-idle-time argument for XCLAIM")?;
        // Words are IDs up to the first that is none.
        let ids: Vec<StreamId> = args.from(5).map_while(|word| ids::id(word).ok()).collect();
        let mut i = 5 + ids.len();
        let mut options = ClaimOptions {
            min_idle_ms,
            ids,
            delivered_ms: now_ms,
            deliveries: None,
            force: false,
            just_id: false,
            last_id: StreamId::MIN,
        };
        while i < args.len() {
            i = options.read_one(args, i, now_ms)?;
        }
        // A time that cannot be is taken for now: clients' clocks differ. In the log it is the server's own, which may have been set back.
        if !is_replayed && !(0..=now_ms).contains(&options.delivered_ms) {
            options.delivered_ms = now_ms;
        }
        Ok(options)
    }

    /// Reads the option at word `i`. Gives the word behind it.
    fn read_one(&mut self, args: &Args<'_>, i: usize, now_ms: i64) -> Result<usize, Error> {
        if args.is(i, "force") {
            self.force = true;
            return Ok(i + 1);
        }
        if args.is(i, "justid") {
            self.just_id = true;
            return Ok(i + 1);
        }
        let has_value = i + 1 < args.len();
        if has_value && args.is(i, "idle") {
            self.delivered_ms = now_ms.wrapping_sub(int(args, i + 1, "ERR Invalid IDLE option argument for XCLAIM")?);
        } else if has_value && args.is(i, "time") {
            self.delivered_ms = int(args, i + 1, "ERR Invalid TIME option argument for XCLAIM")?;
        } else if has_value && args.is(i, "retrycount") {
            let count = int(args, i + 1, "ERR Invalid RETRYCOUNT option argument for XCLAIM")?;
            self.deliveries = u64::try_from(count).ok();
        } else if has_value && args.is(i, "lastid") {
            self.last_id = ids::id(args.get(i + 1))?;
        } else {
            let option = String::from_utf8_lossy(args.get(i));
            return Err(error!("ERR Unrecognized XCLAIM option '{option}'"));
        }
        Ok(i + 2)
    }

    /// What is noted of an entry once it is claimed; `None`: it is not.
    fn claim(&self, group: &Group, id: StreamId, consumer: ConsumerIndex, now_ms: i64) -> Option<Pending> {
        let before = group.find_pending(id);
        match before {
            Some(pending) if is_idle(pending, self.min_idle_ms, now_ms) => {}
            None if self.force => {}
            _ => return None,
        }
        let deliveries = before.map_or(1, |pending| pending.deliveries);
        let deliveries = self.deliveries.unwrap_or(deliveries.wrapping_add(u64::from(!self.just_id)));
        Some(Pending { delivered_ms: self.delivered_ms, deliveries, consumer })
    }
}

fn is_idle(pending: Pending, min_idle_ms: i64, now_ms: i64) -> bool {
    min_idle_ms <= 0 || now_ms.saturating_sub(pending.delivered_ms) >= min_idle_ms
}

fn int(args: &Args<'_>, i: usize, complaint: &'static str) -> Result<i64, Error> {
    parse_i64(args.get(i)).ok_or(Error::Text(complaint))
}

/// XAUTOCLAIM: pending entries, in order, become another consumer's.
static XAUTOCLAIM: Command = Command::data("xautoclaim", xautoclaim)
    .arity(Arity::AtLeast(6))
    .flags(&[Flag::Write, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Delete)])
    .since("6.2.0")
    .complexity("O(1) if COUNT is small.")
    .summary(
        "Changes, or acquires, ownership of messages in a consumer group, as if the messages were delivered to as consumer \
         group member.",
    )
    .syntax("key group consumer min-idle-time:string start:string [COUNT count] [JUSTID]")
    .history(&[(
        "7.0.0",
        "Added an element to the reply array, containing deleted entries the command cleared from the PEL",
    )])
    .tips(&["nondeterministic_output"]);

fn xautoclaim(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let options = AutoClaimOptions::read(args)?;
    let (key, name) = (args.get(1), args.get(2));
    let now_ms = cx.now_ms() as i64;
    let Some(mut stream) = edit_with_group(cx.db, key, name)? else { return Err(no_key_or_group(key, name)) };
    let stream_now = &mut **stream;
    let (entries, mut group) = (&stream_now.entries, stream_now.groups.edit(name).expect("it is there"));
    let mut changes = GroupChanges::new(args.is_logged());
    let consumer = changes.consumer(&mut group, args.get(3), now_ms);
    let (mut claimed, mut deleted) = (Vec::new(), Vec::new());
    let mut attempts = options.count.saturating_mul(ATTEMPTS_PER_CLAIM);
    let mut next = next_pending(&group, Some(options.start));
    while let Some((id, pending)) = next
        && attempts > 0
        && ((claimed.len() + deleted.len()) as u64) < options.count
    {
        attempts -= 1;
        if entries.get(id).is_none() {
            forget_deleted(&mut group, id, &mut changes);
            deleted.push(id);
        } else if is_idle(pending, options.min_idle_ms, now_ms) {
            let deliveries = pending.deliveries.wrapping_add(u64::from(!options.just_id));
            take_over(&mut group, id, Pending { delivered_ms: now_ms, deliveries, consumer }, now_ms, &mut changes);
            claimed.push(id);
        }
        next = next_pending(&group, id.next());
    }
    cx.reply.array(3);
    replies::id(cx.reply, next.map_or(StreamId::MIN, |(id, _)| id));
    answer_claimed(cx.reply, entries, &claimed, options.just_id);
    cx.reply.array(deleted.len());
    deleted.into_iter().for_each(|id| replies::id(cx.reply, id));
    drop(group);
    stream.finish();
    let count = changes.count();
    finish(cx, key, name, changes, count);
    Ok(Done)
}

fn next_pending(group: &Group, from: Option<StreamId>) -> Option<(StreamId, Pending)> {
    group.pending().range(from?..).next().map(|(&id, &pending)| (id, pending))
}

/// Nothing but its effects is logged of such a call.
fn finish(cx: &mut DataContext<'_>, key: &[u8], group: &[u8], changes: GroupChanges, count: u64) {
    cx.effects.propagate_nothing();
    changes.finish(cx, key, group, count);
}

/// What XAUTOCLAIM is asked to do.
struct AutoClaimOptions {
    min_idle_ms: i64,
    start: StreamId,
    count: u64,
    just_id: bool,
}

impl AutoClaimOptions {
    fn read(args: &Args<'_>) -> Result<AutoClaimOptions, Error> {
        let min_idle_ms = int(args, 4, "ERR Invalid min-idle-time argument for XAUTOCLAIM")?;
        let mut options = AutoClaimOptions { min_idle_ms, start: ids::start(args.get(5))?, count: 100, just_id: false };
        let mut i = 6;
        while i < args.len() {
            if i + 1 < args.len() && args.is(i, "count") {
                let count = parse_i64(args.get(i + 1)).filter(|count| (1..=i64::MAX / 16).contains(count));
                options.count = count.ok_or(Error::Text("ERR COUNT must be > 0"))? as u64;
                i += 2;
            } else if args.is(i, "justid") {
                options.just_id = true;
                i += 1;
            } else {
                return Err(Error::Syntax);
            }
        }
        Ok(options)
    }
}
