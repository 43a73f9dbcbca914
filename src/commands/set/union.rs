//! Members that any of several sets has: SUNION, SUNIONSTORE.

use super::combine::{Sets, distinct_sets, sets_at, store};
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::key_spec::{Access, Purpose, first_key, keys_from};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::formats::resp::reply::Reply;
use crate::structures::element_table::Full;
use crate::values::Encodings;
use crate::values::set::{Group, Set};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&SUNION, &SUNIONSTORE];

/// Up to so many sets, a member is looked for in the sets before its own rather than gathered in a table.
const FEW_SETS: usize = 8;

/// SUNION: what any of the sets has.
static SUNION: Command = Command::data("sunion", sunion)
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::ReadOnly])
    .keys(&[keys_from(1, -1, 1, Access::ReadOnly, Purpose::Access)])
    .since("1.0.0")
    .complexity("O(N) where N is the total number of elements in all given sets.")
    .summary("Returns the union of multiple sets.")
    .syntax("key [key ...]")
    .tips(&["nondeterministic_output_order"]);

fn sunion(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let handles = sets_at(cx, args, 1..args.len())?;
    let sets = distinct_sets(cx.db, &handles);
    match &sets[..] {
        [] => cx.reply.set(0),
        [only] => super::answer_members(cx.reply, *only),
        _ if can_be_probed(&sets) => answer_by_probing(cx.reply, sets),
        _ => super::answer_members(cx.reply, united(&sets, cx.encodings)?.as_ref()),
    }
    Ok(Done)
}

/// SUNIONSTORE: what any of the sets has becomes a set.
static SUNIONSTORE: Command = Command::data("sunionstore", sunionstore)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(&[first_key(Access::Overwrite, Purpose::Update), keys_from(2, -1, 1, Access::ReadOnly, Purpose::Access)])
    .since("1.0.0")
    .complexity("O(N) where N is the total number of elements in all given sets.")
    .summary("Stores the union of multiple sets in a key.")
    .syntax("destination key [key ...]");

fn sunionstore(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let handles = sets_at(cx, args, 2..args.len())?;
    let union = united(&distinct_sets(cx.db, &handles), cx.encodings)?;
    store(cx, args.get(1), union, "sunionstore")
}

/// The result as a set. It begins as an intset, as in Redis.
fn united(sets: &Sets<'_>, encodings: &Encodings) -> Result<Set, Full> {
    let mut union = Set::no_ints();
    for set in sets {
        for member in set.iter() {
            union.insert_entry(member, encodings)?;
        }
    }
    Ok(union)
}

/// Whether there are few sets, and each is fit to be asked for many members. (Sets of integers only are united, which puts the members
/// in order, as in Redis.)
fn can_be_probed(sets: &Sets<'_>) -> bool {
    sets.len() <= FEW_SETS
        && sets.iter().all(|set| set.is_quickly_searched())
        && !sets.iter().all(|set| set.is_ordered())
}

/// The largest set as it is, then of each what none before it has: nothing is copied but into the reply.
fn answer_by_probing(reply: &mut Reply, mut sets: Sets<'_>) {
    sets.sort_by_key(|set| std::cmp::Reverse(set.len()));
    let (start, mut count) = (reply.mark(), 0);
    let mut group = Group::default();
    for (number, set) in sets.iter().enumerate() {
        let mut members = set.iter();
        while group.refill(&mut members) {
            sets[..number].iter().for_each(|&before| group.keep_those_not_in(before));
            count += group.iter().len();
            group.iter().for_each(|member| reply.bulk_entry(member));
        }
    }
    reply.set_before(start, count);
}
