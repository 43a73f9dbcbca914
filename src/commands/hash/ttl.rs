//! How long fields have: HTTL, HPTTL, HEXPIRETIME, HPEXPIRETIME.

use super::fields::{NOT_POSITIVE, first_field};
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::key_spec::{Access, KeySpec, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::values::hash::Hash;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&HTTL, &HPTTL, &HEXPIRETIME, &HPEXPIRETIME];

const FLAGS: &[Flag] = &[Flag::ReadOnly, Flag::Fast];
const KEYS: &[KeySpec] = &[first_key(Access::ReadOnly, Purpose::Access)];
const COMPLEXITY: &str = "O(N) where N is the number of specified fields";
const SYNTAX: &str = "key FIELDS numfields field [field ...]";

/// HTTL: seconds left.
static HTTL: Command = Command::data("httl", httl)
    .arity(Arity::AtLeast(5))
    .flags(FLAGS)
    .keys(KEYS)
    .since("7.4.0")
    .complexity(COMPLEXITY)
    .summary("Returns the TTL in seconds of a hash field.")
    .syntax(SYNTAX)
    .tips(&["nondeterministic_output"]);

fn httl(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let now_ms = cx.now_ms();
    answer(cx, args, |deadline| whole_seconds(deadline - now_ms))
}

/// HPTTL: milliseconds left.
static HPTTL: Command = Command::data("hpttl", hpttl)
    .arity(Arity::AtLeast(5))
    .flags(FLAGS)
    .keys(KEYS)
    .since("7.4.0")
    .complexity(COMPLEXITY)
    .summary("Returns the TTL in milliseconds of a hash field.")
    .syntax(SYNTAX)
    .tips(&["nondeterministic_output"]);

fn hpttl(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let now_ms = cx.now_ms();
    answer(cx, args, |deadline| deadline - now_ms)
}

/// HEXPIRETIME: deadlines in seconds since 1970.
static HEXPIRETIME: Command = Command::data("hexpiretime", |cx, args| answer(cx, args, whole_seconds))
    .arity(Arity::AtLeast(5))
    .flags(FLAGS)
    .keys(KEYS)
    .since("7.4.0")
    .complexity(COMPLEXITY)
    .summary("Returns the expiration time of a hash field as a Unix timestamp, in seconds.")
    .syntax(SYNTAX);

/// HPEXPIRETIME: deadlines in milliseconds since 1970.
static HPEXPIRETIME: Command = Command::data("hpexpiretime", |cx, args| answer(cx, args, |deadline| deadline))
    .arity(Arity::AtLeast(5))
    .flags(FLAGS)
    .keys(KEYS)
    .since("7.4.0")
    .complexity(COMPLEXITY)
    .summary("Returns the expiration time of a hash field as a Unix timestamp, in msec.")
    .syntax(SYNTAX);

/// Answers by `print` of each field's deadline; -1: it has none, -2: there is no such field.
fn answer(cx: &mut DataContext<'_>, args: &Args<'_>, print: impl Fn(u64) -> u64) -> Outcome {
    let now_ms = cx.now_ms();
    let hash = cx.db.read_as::<Hash>(args.get(1))?;
    let first = first_field(args, 2, NOT_POSITIVE)?;
    cx.reply.array(args.len() - first);
    for name in args.from(first) {
        cx.reply.int(match hash.and_then(|hash| hash.find(name)).filter(|field| !field.is_past(now_ms)) {
            None => -2,
            Some(field) => field.deadline.map_or(-1, |deadline| print(deadline) as i64),
        });
    }
    Ok(Done)
}

/// Begun seconds count, unlike those of TTL, which rounds.
fn whole_seconds(ms: u64) -> u64 {
    ms.div_ceil(1000)
}
