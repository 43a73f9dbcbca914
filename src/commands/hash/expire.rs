//! Deadlines of fields: HEXPIRE, HPEXPIRE, HEXPIREAT, HPEXPIREAT, HPERSIST.

use super::fields::{NOT_POSITIVE, Scale, first_field};
use super::remove::told;
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::effects::Event;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, KeySpec, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::values::hash::Hash;
use smallvec::SmallVec;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&HEXPIRE, &HPEXPIRE, &HEXPIREAT, &HPEXPIREAT, &HPERSIST];

const FLAGS: &[Flag] = &[Flag::Write, Flag::Fast];
const KEYS: &[KeySpec] = &[first_key(Access::ReadWrite, Purpose::Update)];
const COMPLEXITY: &str = "O(N) where N is the number of specified fields";

/// What each field is answered.
mod answer {
    /// There is no such field.
    pub(super) const NO_FIELD: i64 = -2;
    /// It has no deadline (HPERSIST).
    pub(super) const NO_DEADLINE: i64 = -1;
    /// The condition is not met.
    pub(super) const NOT_MET: i64 = 0;
    /// Done.
    pub(super) const DONE: i64 = 1;
    /// The deadline has passed: the field is removed.
    pub(super) const REMOVED: i64 = 2;
}

/// HEXPIRE: a deadline in seconds from now.
static HEXPIRE: Command = Command::data("hexpire", hexpire)
    .arity(Arity::AtLeast(6))
    .flags(FLAGS)
    .keys(KEYS)
    .since("7.4.0")
    .complexity(COMPLEXITY)
    .summary("Set expiry for hash field using relative time to expire (seconds)")
    .syntax("key seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]");

fn hexpire(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let scale = Scale { unit_ms: 1000, origin_ms: cx.now_ms() };
    set_deadlines(cx, args, scale, "hexpire")
}

/// HPEXPIRE: a deadline in milliseconds from now.
static HPEXPIRE: Command = Command::data("hpexpire", hpexpire)
    .arity(Arity::AtLeast(6))
    .flags(FLAGS)
    .keys(KEYS)
    .since("7.4.0")
    .complexity(COMPLEXITY)
    .summary("Set expiry for hash field using relative time to expire (milliseconds)")
    .syntax("key milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]");

fn hpexpire(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let scale = Scale { unit_ms: 1, origin_ms: cx.now_ms() };
    set_deadlines(cx, args, scale, "hpexpire")
}

/// HEXPIREAT: a deadline in seconds since 1970.
static HEXPIREAT: Command = Command::data("hexpireat", hexpireat)
    .arity(Arity::AtLeast(6))
    .flags(FLAGS)
    .keys(KEYS)
    .since("7.4.0")
    .complexity(COMPLEXITY)
    .summary("Set expiry for hash field using an absolute Unix timestamp (seconds)")
    .syntax("key unix-time-seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]");

fn hexpireat(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    set_deadlines(cx, args, Scale { unit_ms: 1000, origin_ms: 0 }, "hexpireat")
}

/// HPEXPIREAT: a deadline in milliseconds since 1970.
static HPEXPIREAT: Command = Command::data("hpexpireat", hpexpireat)
    .arity(Arity::AtLeast(6))
    .flags(FLAGS)
    .keys(KEYS)
    .since("7.4.0")
    .complexity(COMPLEXITY)
    .summary("Set expiry for hash field using an absolute Unix timestamp (milliseconds)")
    .syntax("key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]");

fn hpexpireat(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    set_deadlines(cx, args, Scale { unit_ms: 1, origin_ms: 0 }, "hpexpireat")
}

/// On which present deadlines a new one is set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    Always,
    NoneSet,
    OneSet,
    Later,
    Earlier,
}

impl Condition {
    /// The one that word `i` names.
    fn read(args: &Args<'_>, i: usize) -> Condition {
        match args.word(i).as_str() {
            "nx" => Condition::NoneSet,
            "xx" => Condition::OneSet,
            "gt" => Condition::Later,
            "lt" => Condition::Earlier,
            _ => Condition::Always,
        }
    }

    /// Whether `new` may take the place of `present`. No deadline is later than any, but GT does not find it so.
    fn allows(self, present: Option<u64>, new: u64) -> bool {
        match self {
            Condition::Always => true,
            Condition::NoneSet => present.is_none(),
            Condition::OneSet => present.is_some(),
            Condition::Later => present.is_some_and(|present| new > present),
            Condition::Earlier => present.is_none_or(|present| new < present),
        }
    }
}

fn set_deadlines(cx: &mut DataContext<'_>, args: &Args<'_>, scale: Scale, name: &'static str) -> Outcome {
    let key = args.get(1);
    super::is_there(cx, key)?;
    let deadline = scale.deadline(args.get(2), name)?;
    let condition = Condition::read(args, 3);
    let fields_at = if condition == Condition::Always { 3 } else { 4 };
    let first = first_field(args, fields_at, "ERR Parameter `numFields` should be greater than 0")?;
    super::remove_expired(cx, key, args.from(first));
    let set = set_all(cx, args, first, deadline, condition)?;
    if !set.removed.is_empty() {
        propagate_removed(cx, key, set.removed.iter().map(|&i| args.get(i)));
        told(cx, key, set.removed.len(), set.key_went);
    } else if !set.changed.is_empty() {
        cx.changed(key, Event::hash("hexpire"));
        cx.effects.dirty += set.changed.len() as u64 - 1;
        if args.is_logged() {
            propagate_deadline(cx, args, first, deadline, &set.changed);
        }
    }
    Ok(Done)
}

/// What became of the fields that a call names, by their words.
struct Set {
    changed: SmallVec<[usize; 8]>,
    removed: SmallVec<[usize; 8]>,
    key_went: bool,
}

/// Sets the deadline of each field, or removes it if the deadline has passed, and answers.
fn set_all(
    cx: &mut DataContext<'_>,
    args: &Args<'_>,
    first: usize,
    deadline: u64,
    condition: Condition,
) -> Result<Set, Error> {
    let mut set = Set { changed: SmallVec::new(), removed: SmallVec::new(), key_went: false };
    let is_past = deadline <= cx.db.field_time_ms();
    cx.reply.array(args.len() - first);
    let Some(mut hash) = cx.db.edit_existing::<Hash>(args.get(1))? else {
        (first..args.len()).for_each(|_| cx.reply.int(answer::NO_FIELD));
        return Ok(set);
    };
    for i in first..args.len() {
        let name = args.get(i);
        cx.reply.int(match hash.find(name) {
            None => answer::NO_FIELD,
            Some(field) if !condition.allows(field.deadline, deadline) => answer::NOT_MET,
            Some(_) if is_past => {
                hash.remove(name);
                set.removed.push(i);
                answer::REMOVED
            }
            Some(_) => {
                hash.set_deadline(name, Some(deadline.max(1)))?;
                set.changed.push(i);
                answer::DONE
            }
        });
    }
    set.key_went = hash.finish();
    Ok(set)
}

/// Fields whose deadline had passed when it was set are removed in the log: one call each, as Redis writes them.
pub(super) fn propagate_removed<'f>(cx: &mut DataContext<'_>, key: &[u8], fields: impl Iterator<Item = &'f [u8]>) {
    cx.effects.propagate_nothing();
    for field in fields {
        cx.propagate_as(&[b"HDEL", key, field]);
        cx.db.counts.expired_fields += 1;
    }
}

/// The log gets the time as it is and the fields that it was set for, with the condition, which they meet.
fn propagate_deadline(cx: &mut DataContext<'_>, args: &Args<'_>, first: usize, deadline: u64, changed: &[usize]) {
    let (mut time, mut count) = (itoa::Buffer::new(), itoa::Buffer::new());
    let mut call: Vec<&[u8]> = vec![b"HPEXPIREAT", args.get(1), time.format(deadline).as_bytes()];
    call.extend((3..first - 2).map(|i| args.get(i)));
    call.extend([&b"FIELDS"[..], count.format(changed.len()).as_bytes()]);
    call.extend(changed.iter().map(|&i| args.get(i)));
    cx.propagate_as(&call);
}

/// HPERSIST: no deadlines any more.
static HPERSIST: Command = Command::data("hpersist", hpersist)
    .arity(Arity::AtLeast(5))
    .flags(FLAGS)
    .keys(KEYS)
    .since("7.4.0")
    .complexity(COMPLEXITY)
    .summary("Removes the expiration time for each specified field")
    .syntax("key FIELDS numfields field [field ...]");

fn hpersist(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let key = args.get(1);
    super::is_there(cx, key)?;
    let first = first_field(args, 2, NOT_POSITIVE)?;
    super::remove_expired(cx, key, args.from(first));
    cx.reply.array(args.len() - first);
    let Some(mut hash) = cx.db.edit_existing::<Hash>(key)? else {
        (first..args.len()).for_each(|_| cx.reply.int(answer::NO_FIELD));
        return Ok(Done);
    };
    let mut changed = 0;
    for name in args.from(first) {
        cx.reply.int(match hash.find(name).map(|field| field.deadline) {
            None => answer::NO_FIELD,
            Some(None) => answer::NO_DEADLINE,
            Some(Some(_)) => {
                hash.set_deadline(name, None)?;
                changed += 1;
                answer::DONE
            }
        });
    }
    hash.finish();
    if changed > 0 {
        cx.changed(key, Event::hash("hpersist"));
        cx.effects.dirty += changed - 1;
    }
    Ok(Done)
}
