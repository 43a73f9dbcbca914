//! Setting fields: HSET, HSETNX, HMSET.

use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::effects::Event;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::values::hash::{FieldTtl, Hash};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&HSET, &HSETNX, &HMSET];

const FLAGS: &[Flag] = &[Flag::Write, Flag::DenyOom, Flag::Fast];

/// HSET: fields and their values.
static HSET: Command = Command::data("hset", hset)
    .arity(Arity::AtLeast(4))
    .flags(FLAGS)
    .keys(&[first_key(Access::ReadWrite, Purpose::Update)])
    .element(2)
    .since("2.0.0")
    .complexity(
        "O(1) for each field/value pair added, so O(N) to add N field/value pairs when the command is called with multiple \
         field/value pairs.",
    )
    .summary("Creates or modifies the value of a field in a hash.")
    .syntax("key field value [field value ...]")
    .history(&[("4.0.0", "Accepts multiple `field` and `value` arguments.")]);

fn hset(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let added = set_all(cx, args, "hset")?;
    cx.reply.int(added as i64);
    Ok(Done)
}

/// HMSET: the same, with another answer.
static HMSET: Command = Command::data("hmset", hmset)
    .arity(Arity::AtLeast(4))
    .flags(FLAGS)
    .keys(&[first_key(Access::ReadWrite, Purpose::Update)])
    .element(2)
    .since("2.0.0")
    .complexity("O(N) where N is the number of fields being set.")
    .summary("Sets the values of multiple fields.")
    .deprecated("4.0.0", "`HSET` with multiple field-value pairs")
    .syntax("key field value [field value ...]");

fn hmset(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    set_all(cx, args, "hmset")?;
    cx.reply.ok();
    Ok(Done)
}

/// Sets the fields that the words name; how many of them are new.
#[inline]
fn set_all(cx: &mut DataContext<'_>, args: &Args<'_>, command: &str) -> Result<usize, Error> {
    if !args.len().is_multiple_of(2) {
        return Err(Error::Arity(command.into()));
    }
    let (key, pairs) = (args.get(1), args.len() / 2 - 1);
    let mut hash = cx.db.edit::<Hash>(key)?;
    hash.expect(pairs, cx.encodings)?;
    let mut added = 0;
    for i in (2..args.len()).step_by(2) {
        added += hash.set(args.get(i), args.get(i + 1), FieldTtl::Clear, cx.encodings)? as usize;
    }
    hash.finish();
    cx.changed(key, Event::hash("hset"));
    cx.effects.dirty += pairs as u64 - 1;
    Ok(added)
}

/// HSETNX: the first writer of a field wins.
static HSETNX: Command = Command::data("hsetnx", hsetnx)
    .arity(Arity::Exactly(4))
    .flags(FLAGS)
    .keys(&[first_key(Access::ReadWrite, Purpose::Insert)])
    .element(2)
    .since("2.0.0")
    .complexity("O(1)")
    .summary("Sets the value of a field in a hash only when the field doesn't exist.")
    .syntax("key field value");

fn hsetnx(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let [key, field, value] = args.exactly()?;
    super::remove_expired(cx, key, [field].into_iter());
    let mut hash = cx.db.edit::<Hash>(key)?;
    let is_new = hash.find(field).is_none();
    if is_new {
        hash.set(field, value, FieldTtl::Clear, cx.encodings)?;
    }
    hash.finish();
    if is_new {
        cx.changed(key, Event::hash("hset"));
    }
    cx.reply.int(is_new as i64);
    Ok(Done)
}
