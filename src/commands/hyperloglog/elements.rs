//! Elements are shown to HyperLogLogs, and counted: PFADD, PFCOUNT, PFMERGE.

use super::registers;
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::effects::{Event, Propagation};
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, first_key, keys_from};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::values::string::{Buffer, Text};
use crate::values::views::hyperloglog::{self, Form, Observation, Union};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&PFADD, &PFCOUNT, &PFMERGE];

/// PFADD: shows elements.
static PFADD: Command = Command::data("pfadd", pfadd)
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::Write, Flag::DenyOom, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Insert)])
    .since("2.8.9")
    .complexity("O(1) to add every element.")
    .summary("Adds elements to a HyperLogLog key. Creates the key if it doesn't exist.")
    .syntax("key [element [element ...]]");

fn pfadd(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let key = args.get(1);
    // Most elements change nothing: the value is taken out at the first that does.
    let (first, change) = match cx.db.string_to_edit(key)? {
        Some(text) => match first_change(registers(text)?.0, args)? {
            Some((i, change)) => (i, Some(change)),
            None => {
                cx.reply.int(0);
                return Ok(Done);
            }
        },
        None => (2, None),
    };
    let changes = add(cx, args, first, change)?;
    cx.changed(key, Event::string("pfadd"));
    cx.effects.dirty += changes - 1;
    cx.reply.int(1);
    Ok(Done)
}

/// The first element that changes something: which word, and what.
fn first_change(bytes: &[u8], args: &Args<'_>) -> Result<Option<(usize, hyperloglog::Change)>, Error> {
    for i in 2..args.len() {
        if let Some(change) = hyperloglog::change(bytes, Observation::of(args.get(i)))? {
            return Ok(Some((i, change)));
        }
    }
    Ok(None)
}

/// Makes the change of word `first`, and those of the words behind it; without one the key is new. How many there were. When the value
/// turns out to be corrupt it stays as it was.
fn add(
    cx: &mut DataContext<'_>,
    args: &Args<'_>,
    first: usize,
    change: Option<hyperloglog::Change>,
) -> Result<u64, Error> {
    let sparse_max = cx.encodings.hll_sparse_max_bytes;
    let mut edit = cx.db.edit::<Buffer>(args.get(1))?;
    let bytes = &mut edit.0;
    let is_last = first + 1 >= args.len();
    let before = (!is_last && Form::of(bytes) == Some(Form::Sparse)).then(|| bytes.clone());
    let mut add_all = || {
        let mut next = first;
        match change {
            Some(change) => {
                hyperloglog::apply(bytes, change, sparse_max)?;
                next += 1;
            }
            None => {
                *bytes = hyperloglog::new();
                hyperloglog::forget_count(bytes);
            }
        }
        let mut changes = 1;
        for i in next..args.len() {
            if let Some(change) = hyperloglog::change(bytes, Observation::of(args.get(i)))? {
                hyperloglog::apply(bytes, change, sparse_max)?;
                changes += 1;
            }
        }
        Ok(changes)
    };
    let changes = add_all();
    if let (Err(_), Some(before)) = (&changes, before) {
        edit.0 = before;
    }
    changes
}

/// PFCOUNT: how many different elements were shown, about.
static PFCOUNT: Command = Command::data("pfcount", pfcount)
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::ReadOnly, Flag::MayReplicate])
    .keys(&[keys_from(1, -1, 1, Access::ReadWrite, Purpose::Access)
        .note("RW because it may change the internal representation of the key, and propagate to replicas")])
    .since("2.8.9")
    .complexity(
        "O(1) with a very small average constant time when called with a single key. O(N) with N being the number of keys, and much bigger \
         constant times, when called with multiple keys.",
    )
    .summary("Returns the approximated cardinality of the set(s) observed by the HyperLogLog key(s).")
    .syntax("key [key ...]");

fn pfcount(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let count = if args.len() == 2 { count_of_one(cx, args.get(1))? } else { union(cx, args)?.0.count() };
    cx.reply.int(count as i64);
    Ok(Done)
}

/// The count that the value keeps; if it keeps none, it does from then on, and so do copies of the data elsewhere.
fn count_of_one(cx: &mut DataContext<'_>, key: &[u8]) -> Result<u64, Error> {
    let Some(text) = cx.db.string(key)? else { return Ok(0) };
    let (bytes, _) = registers(text)?;
    if let Some(count) = hyperloglog::cached_count(bytes) {
        return Ok(count);
    }
    let count = hyperloglog::count(bytes)?;
    cx.db.edit_string(key, 0, |bytes, _| hyperloglog::keep_count(bytes, count))?;
    cx.changed(key, Event::SILENT);
    cx.effects.propagation = Propagation::Always;
    Ok(count)
}

/// PFMERGE: all that several were shown is shown to one.
static PFMERGE: Command = Command::data("pfmerge", pfmerge)
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(&[
        first_key(Access::ReadWrite, Purpose::Insert).told(),
        keys_from(2, -1, 1, Access::ReadOnly, Purpose::Access),
    ])
    .since("2.8.9")
    .complexity("O(N) to merge N HyperLogLogs, but with high constant times.")
    .summary("Merges one or more HyperLogLog values into a single key.")
    .syntax("destkey [sourcekey [sourcekey ...]]");

fn pfmerge(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let key = args.get(1);
    let (union, any_dense) = union(cx, args)?;
    let sparse_max = cx.encodings.hll_sparse_max_bytes;
    let mut edit = cx.db.edit::<Buffer>(key)?;
    if !edit.was_there() {
        edit.0 = hyperloglog::new();
    }
    // It was part of the union, so it is not corrupt.
    if any_dense {
        hyperloglog::make_dense(&mut edit.0)?;
    }
    union.write_to(&mut edit.0, sparse_max)?;
    drop(edit);
    cx.changed(key, Event::string("pfadd"));
    cx.reply.ok();
    Ok(Done)
}

/// All keys of a call joined, and whether any of them is dense.
fn union(cx: &mut DataContext<'_>, args: &Args<'_>) -> Result<(Union, bool), Error> {
    let (mut union, mut any_dense) = (Union::default(), false);
    for key in args.from(1) {
        let Some(handle) = cx.db.read(key) else { continue };
        let (bytes, form) = registers(Text::view(cx.db.view(handle))?)?;
        any_dense |= form == Form::Dense;
        union.join(bytes)?;
    }
    Ok((union, any_dense))
}
