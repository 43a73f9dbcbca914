//! Reading fields: HGET, HMGET, HGETALL, HKEYS, HVALS, HLEN, HSTRLEN, HEXISTS.

use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::values::hash::{Field, Hash};
use smallvec::SmallVec;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&HGET, &HMGET, &HGETALL, &HKEYS, &HVALS, &HLEN, &HSTRLEN, &HEXISTS];

/// HGET: the value of a field.
static HGET: Command = Command::data("hget", hget)
    .arity(Arity::Exactly(3))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .element(2)
    .since("2.0.0")
    .complexity("O(1)")
    .summary("Returns the value of a field in a hash.")
    .syntax("key field");

fn hget(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    look_at(cx, args, |cx, field| match field {
        Some(field) => super::answer(cx, field.value),
        None => cx.null(),
    })
}

/// HSTRLEN: how long it is.
static HSTRLEN: Command = Command::data("hstrlen", hstrlen)
    .arity(Arity::Exactly(3))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .keys(&[first_key(Access::ReadOnly, Purpose::None)])
    .element(2)
    .since("3.2.0")
    .complexity("O(1)")
    .summary("Returns the length of the value of a field.")
    .syntax("key field");

fn hstrlen(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    look_at(cx, args, |reply, field| reply.int(field.map_or(0, |field| field.value.len() as i64)))
}

/// HEXISTS: whether it is there.
static HEXISTS: Command = Command::data("hexists", hexists)
    .arity(Arity::Exactly(3))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .keys(&[first_key(Access::ReadOnly, Purpose::None)])
    .element(2)
    .since("2.0.0")
    .complexity("O(1)")
    .summary("Determines whether a field exists in a hash.")
    .syntax("key field");

fn hexists(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    look_at(cx, args, |reply, field| reply.int(field.is_some() as i64))
}

/// Answers by the field that a call names. One past its deadline is none, and goes.
#[inline]
fn look_at(
    cx: &mut DataContext<'_>,
    args: &Args<'_>,
    print: impl FnOnce(&mut crate::formats::resp::reply::Reply, Option<Field<'_>>),
) -> Outcome {
    let [key, name] = args.exactly()?;
    let now_ms = cx.now_ms();
    let found = cx.db.read_as::<Hash>(key)?.and_then(|hash| hash.find(name));
    let is_past = found.is_some_and(|field| field.is_past(now_ms));
    print(cx.reply, found.filter(|_| !is_past));
    if is_past {
        cx.db.remove_expired_field(key, name);
    }
    Ok(Done)
}

/// HMGET: the values of several fields.
static HMGET: Command = Command::data("hmget", hmget)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .element(2)
    .since("2.0.0")
    .complexity("O(N) where N is the number of fields being requested.")
    .summary("Returns the values of all fields in a hash.")
    .syntax("key field [field ...]");

fn hmget(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let (key, now_ms) = (args.get(1), cx.now_ms());
    let hash = cx.db.read_as::<Hash>(key)?;
    let mut past = SmallVec::<[usize; 8]>::new();
    cx.reply.array(args.len() - 2);
    for i in 2..args.len() {
        match hash.and_then(|hash| hash.find(args.get(i))) {
            Some(field) if field.is_past(now_ms) => {
                cx.reply.null();
                past.push(i);
            }
            Some(field) => super::answer(cx.reply, field.value),
            None => cx.reply.null(),
        }
    }
    past.into_iter().for_each(|i| cx.db.remove_expired_field(key, args.get(i)));
    Ok(Done)
}

/// HGETALL: all fields with their values.
static HGETALL: Command = Command::data("hgetall", hgetall)
    .arity(Arity::Exactly(2))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("2.0.0")
    .complexity("O(N) where N is the size of the hash.")
    .summary("Returns all fields and values in a hash.")
    .syntax("key")
    .tips(&["nondeterministic_output_order"]);

fn hgetall(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let now_ms = cx.now_ms();
    let Some(hash) = cx.db.read_as::<Hash>(args.get(1))? else {
        cx.reply.map(0);
        return Ok(Done);
    };
    cx.reply.map(super::live_len(hash, now_ms));
    for field in hash.live(now_ms) {
        super::answer(cx.reply, field.name);
        super::answer(cx.reply, field.value);
    }
    Ok(Done)
}

/// HKEYS: all fields.
static HKEYS: Command = Command::data("hkeys", |cx, args| list(cx, args, |field| field.name))
    .arity(Arity::Exactly(2))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("2.0.0")
    .complexity("O(N) where N is the size of the hash.")
    .summary("Returns all fields in a hash.")
    .syntax("key")
    .tips(&["nondeterministic_output_order"]);

/// HVALS: all values.
static HVALS: Command = Command::data("hvals", |cx, args| list(cx, args, |field| field.value))
    .arity(Arity::Exactly(2))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("2.0.0")
    .complexity("O(N) where N is the size of the hash.")
    .summary("Returns all values in a hash.")
    .syntax("key")
    .tips(&["nondeterministic_output_order"]);

fn list(
    cx: &mut DataContext<'_>,
    args: &Args<'_>,
    part: impl Fn(Field<'_>) -> crate::structures::listpack::Entry<'_>,
) -> Outcome {
    let now_ms = cx.now_ms();
    let Some(hash) = cx.db.read_as::<Hash>(args.get(1))? else {
        cx.reply.array(0);
        return Ok(Done);
    };
    cx.reply.array(super::live_len(hash, now_ms));
    hash.live(now_ms).for_each(|field| super::answer(cx.reply, part(field)));
    Ok(Done)
}

/// HLEN: how many fields there are; as in Redis, those past their deadline count until they have gone.
static HLEN: Command = Command::data("hlen", hlen)
    .arity(Arity::Exactly(2))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .keys(&[first_key(Access::ReadOnly, Purpose::None)])
    .since("2.0.0")
    .complexity("O(1)")
    .summary("Returns the number of fields in a hash.")
    .syntax("key");

fn hlen(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let len = cx.db.read_as::<Hash>(args.get(1))?.map_or(0, |hash| hash.len());
    cx.reply.int(len as i64);
    Ok(Done)
}
