//! Values that are numbers: HINCRBY, HINCRBYFLOAT.

use crate::base::long_double::LongDouble;
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::effects::Event;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, KeySpec, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::structures::listpack::Entry;
use crate::values::hash::{FieldTtl, Hash};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&HINCRBY, &HINCRBYFLOAT];

const FLAGS: &[Flag] = &[Flag::Write, Flag::DenyOom, Flag::Fast];
const KEYS: &[KeySpec] = &[first_key(Access::ReadWrite, Purpose::Update).told()];

/// HINCRBY: so many more.
static HINCRBY: Command = Command::data("hincrby", hincrby)
    .arity(Arity::Exactly(4))
    .flags(FLAGS)
    .keys(KEYS)
    .element(2)
    .since("2.0.0")
    .complexity("O(1)")
    .summary(
        "Increments the integer value of a field in a hash by a number. Uses 0 as initial value if the field doesn't exist.",
    )
    .syntax("key field increment");

fn hincrby(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let (key, field, by) = (args.get(1), args.get(2), args.int(3)?);
    super::remove_expired(cx, key, [field].into_iter());
    let mut hash = cx.db.edit::<Hash>(key)?;
    let value = match hash.find(field) {
        Some(found) => found.value.as_int().ok_or(Error::Text("ERR hash value is not an integer"))?,
        None => 0,
    };
    let sum = value.checked_add(by).ok_or(Error::Overflow)?;
    hash.set(field, itoa::Buffer::new().format(sum).as_bytes(), FieldTtl::Keep, cx.encodings)?;
    hash.finish();
    cx.changed(key, Event::hash("hincrby"));
    cx.reply.int(sum);
    Ok(Done)
}

/// HINCRBYFLOAT: more or less of a number with a fraction, in 80-bit arithmetic.
static HINCRBYFLOAT: Command = Command::data("hincrbyfloat", hincrbyfloat)
    .arity(Arity::Exactly(4))
    .flags(FLAGS)
    .keys(KEYS)
    .element(2)
    .since("2.6.0")
    .complexity("O(1)")
    .summary("Increments the floating point value of a field by a number. Uses 0 as initial value if the field doesn't exist.")
    .syntax("key field increment:double");

fn hincrbyfloat(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let [key, field, by] = args.exactly()?;
    let by = LongDouble::parse(by).ok_or(Error::NotFloat)?;
    if !by.is_finite() {
        return Err(Error::Text("ERR value is NaN or Infinity"));
    }
    super::remove_expired(cx, key, [field].into_iter());
    let mut hash = cx.db.edit::<Hash>(key)?;
    let found = hash.find(field);
    let value = match found.map(|found| found.value) {
        None => Some(LongDouble::from_i64(0)),
        Some(Entry::Int(number)) => Some(LongDouble::from_i64(number)),
        Some(Entry::Bytes(text)) => LongDouble::parse(text),
    };
    let deadline = found.and_then(|found| found.deadline);
    let sum = value.ok_or(Error::Text("ERR hash value is not a float"))?.checked_add(by);
    if !sum.is_finite() {
        return Err(Error::Text("ERR increment would produce NaN or Infinity"));
    }
    let mut text = Vec::with_capacity(32);
    sum.print(&mut text);
    hash.set(field, &text, FieldTtl::Keep, cx.encodings)?;
    hash.finish();
    cx.changed(key, Event::hash("hincrbyfloat"));
    if args.is_logged() {
        // Rounding and printing differ between machines. HSET takes the deadline away.
        cx.propagate_as(&[b"HSET", key, field, &text]);
        if let Some(deadline) = deadline {
            let mut digits = itoa::Buffer::new();
            cx.propagate_as(&[b"HPEXPIREAT", key, digits.format(deadline).as_bytes(), b"FIELDS", b"1", field]);
        }
    }
    cx.reply.bulk(&text);
    Ok(Done)
}
