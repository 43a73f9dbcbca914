//! Several strings in one call: MGET, MSET, MSETNX, MSETEX.

use super::set::{propagate_set, put};
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::error::Error;
use crate::commands::expire_options::ExpireOption;
use crate::commands::key_spec::{Access, Purpose, counted_keys, keys_from};
use crate::commands::look_ahead::{GROUP, Group};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::keyspace::database::Expiry;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&MGET, &MSET, &MSETNX, &MSETEX];

/// MGET: several strings; what is none reads as nothing.
static MGET: Command = Command::data("mget", mget)
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .keys(&[keys_from(1, -1, 1, Access::ReadOnly, Purpose::Access)])
    .since("1.0.0")
    .complexity("O(N) where N is the number of keys to retrieve.")
    .summary("Atomically returns the string values of one or more keys.")
    .tips(&["request_policy:multi_shard"])
    .syntax("key [key ...]");

fn mget(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    cx.reply.array(args.len() - 1);
    for first in (1..args.len()).step_by(GROUP) {
        let end = args.len().min(first + GROUP);
        let group = Group::ask(cx.db, args, first, 1, end);
        for word in first..end {
            let key = args.get(word);
            group.expect(cx.db, word - first, key);
            super::answer(cx.reply, cx.db.string(key).unwrap_or(None));
        }
    }
    Ok(Done)
}

/// MSET: several strings.
static MSET: Command = Command::data("mset", mset)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(&[keys_from(1, -1, 2, Access::Overwrite, Purpose::Update)])
    .since("1.0.1")
    .complexity("O(N) where N is the number of keys to set.")
    .summary("Atomically creates or modifies the string values of one or more keys.")
    .tips(&["request_policy:multi_shard", "response_policy:all_succeeded"])
    .syntax("key value [key value ...]");

fn mset(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    expect_pairs(args, "mset")?;
    set_pairs(cx, args, 1, args.len(), Expiry::Clear)?;
    cx.reply.ok();
    Ok(Done)
}

/// MSETNX: several strings, if none of the keys is there.
static MSETNX: Command = Command::data("msetnx", msetnx)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(&[keys_from(1, -1, 2, Access::Overwrite, Purpose::Insert)])
    .since("1.0.1")
    .complexity("O(N) where N is the number of keys to set.")
    .summary("Atomically modifies the string values of one or more keys only when all keys don't exist.")
    .syntax("key value [key value ...]");

fn msetnx(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    expect_pairs(args, "msetnx")?;
    let is_met = all_keys(cx, args, 1, args.len(), Presence::Missing);
    if is_met {
        set_pairs(cx, args, 1, args.len(), Expiry::Clear)?;
    }
    cx.reply.int(is_met as i64);
    Ok(Done)
}

/// MSETEX: several strings with a common deadline, on a common condition (as in Valkey).
static MSETEX: Command = Command::data("msetex", msetex)
    .arity(Arity::AtLeast(4))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(&[counted_keys(1, 2, Access::Overwrite, Purpose::Update)])
    .since("9.1.0")
    .complexity("O(N) where N is the number of keys to set.")
    .summary(
        "Atomically creates or modifies the string values of one or more keys, and optionally set their expiration.",
    )
    .tips(&["request_policy:multi_shard", "response_policy:all_succeeded"])
    .syntax(
        "numkeys key value [key value ...]@data [NX | XX] [EX seconds | PX milliseconds | EXAT unix-time-seconds | \
         PXAT unix-time-milliseconds | KEEPTTL]",
    );

fn msetex(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let count = args.int(1).ok().filter(|count| (1..=i32::MAX as i64).contains(count));
    let count = count.ok_or(Error::Text("ERR invalid numkeys value or out of range"))? as usize;
    let end = 2 + 2 * count;
    if end > args.len() {
        return Err(Error::Syntax);
    }
    let (condition, expire) = msetex_options(args, end)?;
    let expiry = expire.expiry(args, cx.now_ms(), "msetex")?;
    let is_met = condition.is_none_or(|presence| all_keys(cx, args, 2, end, presence));
    if is_met {
        set_pairs(cx, args, 2, end, expiry)?;
        if args.is_logged() {
            propagate_pairs(cx, args, end, expiry);
        }
    }
    cx.reply.int(is_met as i64);
    Ok(Done)
}

/// Whether keys have to be there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Missing,
    Present,
}

fn msetex_options(args: &Args<'_>, first: usize) -> Result<(Option<Presence>, ExpireOption), Error> {
    let (mut condition, mut expire) = (None, ExpireOption::or_keep());
    let mut i = first;
    while i < args.len() {
        i = if args.is(i, "nx") && condition != Some(Presence::Present) {
            condition = Some(Presence::Missing);
            i + 1
        } else if args.is(i, "xx") && condition != Some(Presence::Missing) {
            condition = Some(Presence::Present);
            i + 1
        } else {
            expire.read(args, i).ok_or(Error::Syntax)?
        };
    }
    Ok((condition, expire))
}

/// The log gets the same effect in words of Redis 7.0.
fn propagate_pairs(cx: &mut DataContext<'_>, args: &Args<'_>, end: usize, expiry: Expiry) {
    match expiry {
        Expiry::Clear => {
            let mut call: Vec<&[u8]> = vec![b"MSET"];
            call.extend((2..end).map(|word| args.get(word)));
            cx.propagate_as(&call);
        }
        Expiry::Keep | Expiry::At(_) => {
            for word in (2..end).step_by(2) {
                propagate_set(cx, args.get(word), args.get(word + 1), expiry);
            }
        }
    }
}

fn expect_pairs(args: &Args<'_>, name: &str) -> Result<(), Error> {
    if args.len().is_multiple_of(2) { Err(Error::Arity(name.to_string())) } else { Ok(()) }
}

/// Whether all keys at the words `first`, `first + 2`, ... below `end` are there, or none.
fn all_keys(cx: &mut DataContext<'_>, args: &Args<'_>, first: usize, end: usize, presence: Presence) -> bool {
    (first..end).step_by(2 * GROUP).all(|first| {
        let end = end.min(first + 2 * GROUP);
        let group = Group::ask(cx.db, args, first, 2, end);
        (first..end).step_by(2).all(|word| {
            let key = args.get(word);
            group.expect(cx.db, (word - first) / 2, key);
            cx.db.find(key).is_some() == (presence == Presence::Present)
        })
    })
}

/// Sets the keys at the words `first`, `first + 2`, ... below `end` to the words behind them.
fn set_pairs(
    cx: &mut DataContext<'_>,
    args: &mut Args<'_>,
    first: usize,
    end: usize,
    expiry: Expiry,
) -> Result<(), Error> {
    for first in (first..end).step_by(2 * GROUP) {
        let end = end.min(first + 2 * GROUP);
        let group = Group::ask(cx.db, args, first, 2, end);
        for word in (first..end).step_by(2) {
            let value = args.take(word + 1);
            let key = args.get(word);
            group.expect(cx.db, (word - first) / 2, key);
            put(cx, key, value, expiry)?;
        }
    }
    Ok(())
}
