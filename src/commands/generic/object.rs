//! What is known of a key beside its value: OBJECT.

use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::error::Error;
use crate::commands::help;
use crate::commands::key_spec::{Access, Purpose, key_at};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::structures::record_arena::Handle;
use crate::values::AnyRef;
use crate::values::string::Text;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&OBJECT];

static OBJECT: Command = Command::container("object", &[&ENCODING, &FREQ, &HELP, &IDLETIME, &REFCOUNT])
    .since("2.2.3")
    .complexity("Depends on subcommand.")
    .summary("A container for object introspection commands.");

/// OBJECT ENCODING: how the value is stored, as Redis would call it.
static ENCODING: Command = Command::data("encoding", object_encoding)
    .arity(Arity::Exactly(3))
    .flags(&[Flag::ReadOnly])
    .keys(&[key_at(2, Access::ReadOnly, Purpose::None)])
    .since("2.2.3")
    .complexity("O(1)")
    .summary("Returns the internal encoding of a Redis object.")
    .syntax("key")
    .tips(&["nondeterministic_output"]);

fn object_encoding(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    if let Some(handle) = looked_at(cx, args) {
        cx.reply.bulk(AnyRef::of(cx.db.view(handle)).encoding().as_bytes());
    }
    Ok(Done)
}

/// OBJECT FREQ: the LFU counter.
static FREQ: Command = Command::data("freq", freq)
    .arity(Arity::Exactly(3))
    .flags(&[Flag::ReadOnly])
    .keys(&[key_at(2, Access::ReadOnly, Purpose::None)])
    .since("4.0.0")
    .complexity("O(1)")
    .summary("Returns the logarithmic access frequency counter of a Redis object.")
    .syntax("key")
    .help("key", &["Grows with the logarithm of recent accesses. Needs an LFU policy."])
    .tips(&["nondeterministic_output"]);

fn freq(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let Some(handle) = looked_at(cx, args) else { return Ok(Done) };
    if !cx.db.counts_frequency() {
        return Err(Error::Text(
            "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching \
             between policies at runtime LRU and LFU data will take some time to adjust.",
        ));
    }
    cx.reply.int(cx.db.frequency(handle) as i64);
    Ok(Done)
}

/// OBJECT IDLETIME: seconds since the last use.
static IDLETIME: Command = Command::data("idletime", idletime)
    .arity(Arity::Exactly(3))
    .flags(&[Flag::ReadOnly])
    .keys(&[key_at(2, Access::ReadOnly, Purpose::None)])
    .since("2.2.3")
    .complexity("O(1)")
    .summary("Returns the time since the last access to a Redis object.")
    .syntax("key")
    .help("key", &["In seconds. Needs a policy other than LFU."])
    .tips(&["nondeterministic_output"]);

fn idletime(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let Some(handle) = looked_at(cx, args) else { return Ok(Done) };
    if cx.db.counts_frequency() {
        return Err(Error::Text(
            "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between \
             policies at runtime LRU and LFU data will take some time to adjust.",
        ));
    }
    cx.reply.int((cx.db.idle_ms(handle) / 1000) as i64);
    Ok(Done)
}

/// OBJECT REFCOUNT: 1, as values are not shared between keys. A number up to 9999 answers what Redis answers for its shared ones,
/// which it has unless an LRU or LFU policy needs a stamp for each key.
static REFCOUNT: Command = Command::data("refcount", refcount)
    .arity(Arity::Exactly(3))
    .flags(&[Flag::ReadOnly])
    .keys(&[key_at(2, Access::ReadOnly, Purpose::None)])
    .since("2.2.3")
    .complexity("O(1)")
    .summary("Returns the reference count of a value of a key.")
    .syntax("key")
    .tips(&["nondeterministic_output"]);

fn refcount(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    if let Some(handle) = looked_at(cx, args) {
        let is_small = matches!(Text::view(cx.db.view(handle)), Ok(Text::Int(0..=9999)));
        cx.reply.int(if is_small && !cx.db.evicts_by_use() { i64::from(i32::MAX) } else { 1 });
    }
    Ok(Done)
}

/// The record of the key that a subcommand names; if there is none, that is the answer.
fn looked_at(cx: &mut DataContext<'_>, args: &Args<'_>) -> Option<Handle> {
    let found = cx.db.look_silently(args.get(2));
    if found.is_none() {
        cx.reply.null();
    }
    found
}

/// OBJECT HELP: the subcommands.
static HELP: Command = help::row("6.2.0", |cx, _| help::answer(cx, &OBJECT));
