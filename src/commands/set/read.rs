//! What a set has: SMEMBERS, SISMEMBER, SMISMEMBER, SCARD.

use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::values::set::Set;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&SMEMBERS, &SISMEMBER, &SMISMEMBER, &SCARD];

/// SMEMBERS: all members.
static SMEMBERS: Command = Command::data("smembers", smembers)
    .arity(Arity::Exactly(2))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("1.0.0")
    .complexity("O(N) where N is the set cardinality.")
    .summary("Returns all members of a set.")
    .syntax("key")
    .tips(&["nondeterministic_output_order"]);

fn smembers(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    match cx.db.read_as::<Set>(args.get(1))? {
        Some(set) => super::answer_members(cx.reply, set),
        None => cx.reply.set(0),
    }
    Ok(Done)
}

/// SISMEMBER: whether this is a member.
static SISMEMBER: Command = Command::data("sismember", sismember)
    .arity(Arity::Exactly(3))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .keys(&[first_key(Access::ReadOnly, Purpose::None)])
    .element(2)
    .since("1.0.0")
    .complexity("O(1)")
    .summary("Determines whether a member belongs to a set.")
    .syntax("key member");

fn sismember(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let [key, member] = args.exactly()?;
    let is_member = cx.db.read_as::<Set>(key)?.is_some_and(|set| set.contains(member));
    cx.reply.int(is_member as i64);
    Ok(Done)
}

/// SMISMEMBER: the same of several.
static SMISMEMBER: Command = Command::data("smismember", smismember)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .element(2)
    .since("6.2.0")
    .complexity("O(N) where N is the number of elements being checked for membership")
    .summary("Determines whether multiple members belong to a set.")
    .syntax("key member [member ...]");

fn smismember(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let set = cx.db.read_as::<Set>(args.get(1))?;
    cx.reply.array(args.len() - 2);
    match set {
        Some(set) => set.test_all(args.from(2), |is_member| cx.reply.int(is_member as i64)),
        None => args.from(2).for_each(|_| cx.reply.int(0)),
    }
    Ok(Done)
}

/// SCARD: how many members.
static SCARD: Command = Command::data("scard", scard)
    .arity(Arity::Exactly(2))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .keys(&[first_key(Access::ReadOnly, Purpose::None)])
    .since("1.0.0")
    .complexity("O(1)")
    .summary("Returns the number of members in a set.")
    .syntax("key");

fn scard(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let len = cx.db.read_as::<Set>(args.get(1))?.map_or(0, |set| set.len());
    cx.reply.int(len as i64);
    Ok(Done)
}
