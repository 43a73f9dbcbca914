//! Strings that are numbers: INCR, DECR, INCRBY, DECRBY, INCRBYFLOAT.

use crate::base::long_double::LongDouble;
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::effects::Event;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, KeySpec, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::keyspace::database::Expiry;
use crate::values::string::{NewText, Text};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&INCR, &DECR, &INCRBY, &DECRBY, &INCRBYFLOAT];

const FLAGS: &[Flag] = &[Flag::Write, Flag::DenyOom, Flag::Fast];
const KEYS: &[KeySpec] = &[first_key(Access::ReadWrite, Purpose::Update).told()];

/// INCR: one more.
static INCR: Command = Command::data("incr", |cx, args| add(cx, args.get(1), 1))
    .arity(Arity::Exactly(2))
    .flags(FLAGS)
    .keys(KEYS)
    .since("1.0.0")
    .complexity("O(1)")
    .summary("Increments the integer value of a key by one. Uses 0 as initial value if the key doesn't exist.")
    .syntax("key");

/// DECR: one less.
static DECR: Command = Command::data("decr", |cx, args| add(cx, args.get(1), -1))
    .arity(Arity::Exactly(2))
    .flags(FLAGS)
    .keys(KEYS)
    .since("1.0.0")
    .complexity("O(1)")
    .summary("Decrements the integer value of a key by one. Uses 0 as initial value if the key doesn't exist.")
    .syntax("key");

/// INCRBY: so many more.
static INCRBY: Command = Command::data("incrby", incrby)
    .arity(Arity::Exactly(3))
    .flags(FLAGS)
    .keys(KEYS)
    .since("1.0.0")
    .complexity("O(1)")
    .summary("Increments the integer value of a key by a number. Uses 0 as initial value if the key doesn't exist.")
    .syntax("key increment");

fn incrby(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    add(cx, args.get(1), args.int(2)?)
}

/// DECRBY: so many less.
static DECRBY: Command = Command::data("decrby", decrby)
    .arity(Arity::Exactly(3))
    .flags(FLAGS)
    .keys(KEYS)
    .since("1.0.0")
    .complexity("O(1)")
    .summary("Decrements a number from the integer value of a key. Uses 0 as initial value if the key doesn't exist.")
    .syntax("key decrement");

fn decrby(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let by = args.int(2)?.checked_neg().ok_or(Error::Text("ERR decrement would overflow"))?;
    add(cx, args.get(1), by)
}

#[inline]
fn add(cx: &mut DataContext<'_>, key: &[u8], by: i64) -> Outcome {
    let sum = cx.db.increment(key, by)?;
    cx.changed(key, Event::string("incrby"));
    cx.reply.int(sum);
    Ok(Done)
}

/// INCRBYFLOAT: more or less of a number with a fraction, in 80-bit arithmetic.
static INCRBYFLOAT: Command = Command::data("incrbyfloat", incrbyfloat)
    .arity(Arity::Exactly(3))
    .flags(FLAGS)
    .keys(KEYS)
    .since("2.6.0")
    .complexity("O(1)")
    .summary(
        "Increment the floating point value of a key by a number. Uses 0 as initial value if the key doesn't exist.",
    )
    .syntax("key increment:double");

fn incrbyfloat(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let [key, by] = args.exactly()?;
    let value = match cx.db.string_to_edit(key)? {
        None => Some(LongDouble::from_i64(0)),
        Some(Text::Int(n)) => Some(LongDouble::from_i64(n)),
        Some(Text::Bytes { bytes, .. }) => LongDouble::parse(bytes),
    };
    let value = value.ok_or(Error::NotFloat)?;
    let sum = value.checked_add(LongDouble::parse(by).ok_or(Error::NotFloat)?);
    if !sum.is_finite() {
        return Err(Error::Text("ERR increment would produce NaN or Infinity"));
    }
    let mut text = Vec::with_capacity(32);
    sum.print(&mut text);
    cx.db.set(key, NewText::Bytes(&text), Expiry::Keep)?;
    cx.changed(key, Event::string("incrbyfloat"));
    if args.is_logged() {
        super::set::propagate_set(cx, key, &text, Expiry::Keep); // rounding and printing differ between machines
    }
    cx.reply.bulk(&text);
    Ok(Done)
}
