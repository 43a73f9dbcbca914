//! Members that nobody named: SPOP takes them out, SRANDMEMBER shows them.

use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::draws::answer_draws;
use crate::commands::effects::Event;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::structures::listpack::Entry;
use crate::values::set::Set;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&SPOP, &SRANDMEMBER];

/// Members in one SREM of the log.
const LOGGED_AT_ONCE: usize = 1024;
/// If less than a so-manieth of the members stays, those that stay are drawn rather than those that go (as in Redis).
const MOST: usize = 5;

/// SPOP: members by chance, which leave the set.
static SPOP: Command = Command::data("spop", spop)
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::Write, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Delete).told()])
    .since("1.0.0")
    .complexity("Without the count argument O(1), otherwise O(N) where N is the value of the passed count.")
    .summary(
        "Returns one or more random members from a set after removing them. Deletes the set if the last member was popped.",
    )
    .syntax("key [count^3.2.0]")
    .tips(&["nondeterministic_output"])
    .history(&[("3.2.0", "Added the `count` argument.")]);

fn spop(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    match args.len() {
        2 => pop_one(cx, args),
        3 => pop_many(cx, args),
        _ => Err(Error::Syntax),
    }
}

fn pop_one(cx: &mut DataContext<'_>, args: &Args<'_>) -> Outcome {
    let key = args.get(1);
    let Some(mut set) = cx.db.edit_existing::<Set>(key)? else {
        cx.reply.null();
        return Ok(Done);
    };
    let mut log = Log::new(args);
    let reply = &mut *cx.reply;
    set.pop(cx.random, |member| {
        reply.bulk_entry(member);
        log.note(member);
    });
    let is_gone = set.finish();
    cx.changed(key, Event::set("spop"));
    if is_gone {
        cx.happened(key, Event::generic("del"));
    }
    log.propagate(cx, key);
    Ok(Done)
}

fn pop_many(cx: &mut DataContext<'_>, args: &Args<'_>) -> Outcome {
    let count = args.int(2).ok().and_then(|count| usize::try_from(count).ok());
    let count = count.ok_or(Error::Text("ERR value is out of range, must be positive"))?;
    let key = args.get(1);
    let len = match cx.db.find(key) {
        Some(handle) => cx.db.view_as::<Set>(handle)?.len(),
        None => 0,
    };
    if count == 0 || len == 0 {
        cx.reply.set(0);
    } else if count >= len {
        pop_all(cx, args)?;
    } else {
        pop_part(cx, args, count, len)?;
    }
    Ok(Done)
}

fn pop_all(cx: &mut DataContext<'_>, args: &Args<'_>) -> Result<(), Error> {
    let key = args.get(1);
    let Some(handle) = cx.db.find(key) else { return Ok(()) };
    let set = cx.db.view_as::<Set>(handle)?;
    let len = set.len();
    super::answer_members(cx.reply, set);
    cx.db.remove(key);
    cx.changed(key, Event::set("spop"));
    cx.effects.dirty += len as u64 - 1;
    cx.happened(key, Event::generic("del"));
    if args.is_logged() {
        cx.propagate_as(&[b"DEL", key]);
    }
    Ok(())
}

/// `count` of `len` members, fewer than all.
fn pop_part(cx: &mut DataContext<'_>, args: &Args<'_>, count: usize, len: usize) -> Result<(), Error> {
    let key = args.get(1);
    let Some(mut set) = cx.db.edit_existing::<Set>(key)? else { return Ok(()) };
    let mut log = Log::new(args);
    let reply = &mut *cx.reply;
    reply.set(count);
    let show = |member: Entry<'_>| {
        reply.bulk_entry(member);
        log.note(member);
    };
    let left = len - count;
    if left.saturating_mul(MOST) > count {
        set.pop_some(count, cx.random, show);
    } else {
        let rest = set.pop_most(left, cx.random, cx.encodings, show)?;
        set.replace(rest);
    }
    set.finish();
    cx.changed(key, Event::set("spop"));
    cx.effects.dirty += count as u64 - 1;
    log.propagate(cx, key);
    Ok(())
}

/// What the log gets: the members that went, by name.
struct Log {
    is_wanted: bool,
    members: Vec<Vec<u8>>,
}

impl Log {
    fn new(args: &Args<'_>) -> Log {
        Log { is_wanted: args.is_logged(), members: Vec::new() }
    }

    fn note(&mut self, member: Entry<'_>) {
        if self.is_wanted {
            self.members.push(member.to_vec());
        }
    }

    fn propagate(self, cx: &mut DataContext<'_>, key: &[u8]) {
        for members in self.members.chunks(LOGGED_AT_ONCE) {
            let mut call: Vec<&[u8]> = vec![b"SREM", key];
            call.extend(members.iter().map(Vec::as_slice));
            cx.propagate_as(&call);
        }
    }
}

/// SRANDMEMBER: members by chance, which stay.
static SRANDMEMBER: Command = Command::data("srandmember", srandmember)
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("1.0.0")
    .complexity("Without the count argument O(1), otherwise O(N) where N is the absolute value of the passed count.")
    .summary("Get one or multiple random members from a set")
    .syntax("key [count^2.6.0]")
    .tips(&["nondeterministic_output"])
    .history(&[("2.6.0", "Added the optional `count` argument.")]);

fn srandmember(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    match args.len() {
        2 => {
            let member = cx.db.read_as::<Set>(args.get(1))?.and_then(|set| set.random(cx.random));
            match member {
                Some(member) => cx.reply.bulk_entry(member),
                None => cx.reply.null(),
            }
            Ok(Done)
        }
        3 => show_many(cx, args),
        _ => Err(Error::Syntax),
    }
}

fn show_many(cx: &mut DataContext<'_>, args: &Args<'_>) -> Outcome {
    let count = args.int(2)?;
    if count == i64::MIN {
        return Err(Error::Text(
            "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        ));
    }
    let wanted = count.unsigned_abs() as usize;
    let (reply, random) = (&mut *cx.reply, &mut *cx.random);
    match cx.db.read_as::<Set>(args.get(1))? {
        Some(set) if count < 0 => {
            reply.array(wanted);
            answer_draws(reply, cx.limits.reply_bytes, wanted, |reply, count| {
                set.random_with_repetition(count, random, |member| reply.bulk_entry(member));
            })?;
        }
        Some(set) => {
            reply.array(wanted.min(set.len()));
            set.random_distinct(wanted, random, |member| reply.bulk_entry(member));
        }
        None => reply.array(0),
    }
    Ok(Done)
}
