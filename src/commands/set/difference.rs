//! Members of one set that no other has: SDIFF, SDIFFSTORE.

use super::combine::{Handles, Sets, set_of, sets_at, store};
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::key_spec::{Access, Purpose, first_key, keys_from};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::keyspace::database::Database;
use crate::structures::listpack::Entry;
use crate::values::Collection;
use crate::values::set::{Group, Set, SetRef};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&SDIFF, &SDIFFSTORE];

/// SDIFF: what the first set has and no other.
static SDIFF: Command = Command::data("sdiff", sdiff)
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::ReadOnly])
    .keys(&[keys_from(1, -1, 1, Access::ReadOnly, Purpose::Access)])
    .since("1.0.0")
    .complexity("O(N) where N is the total number of elements in all given sets.")
    .summary("Returns the difference of multiple sets.")
    .syntax("key [key ...]")
    .tips(&["nondeterministic_output_order"]);

fn sdiff(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let handles = sets_at(cx, args, 1..args.len())?;
    let Some((first, others)) = minuend_and_rest(cx.db, &handles) else {
        cx.reply.set(0);
        return Ok(Done);
    };
    let (reply, mut count) = (&mut *cx.reply, 0);
    let start = reply.mark();
    for_each_left(first, others, |member| {
        reply.bulk_entry(member);
        count += 1;
    });
    reply.set_before(start, count);
    Ok(Done)
}

/// SDIFFSTORE: what the first set has and no other becomes a set.
static SDIFFSTORE: Command = Command::data("sdiffstore", sdiffstore)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(&[first_key(Access::Overwrite, Purpose::Update), keys_from(2, -1, 1, Access::ReadOnly, Purpose::Access)])
    .since("1.0.0")
    .complexity("O(N) where N is the total number of elements in all given sets.")
    .summary("Stores the difference of multiple sets in a key.")
    .syntax("destination key [key ...]");

fn sdiffstore(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let handles = sets_at(cx, args, 2..args.len())?;
    let mut left = Set::no_ints(); // where Redis begins, too
    let mut outcome = Ok(());
    if let Some((first, others)) = minuend_and_rest(cx.db, &handles) {
        for_each_left(first, others, |member| {
            if outcome.is_ok() {
                outcome = left.insert_entry(member, cx.encodings).map(drop);
            }
        });
    }
    outcome?;
    store(cx, args.get(1), left, "sdiffstore")
}

/// The first set and those to subtract; none if nothing can be left: there is no first set, or it is to be subtracted from itself.
fn minuend_and_rest<'a>(db: &'a Database, handles: &Handles) -> Option<(SetRef<'a>, Sets<'a>)> {
    let (first, others) = handles.split_first()?;
    let first = (*first)?;
    if others.contains(&Some(first)) {
        return None;
    }
    let others = others.iter().copied().flatten().map(|handle| set_of(db, handle)).collect();
    Some((set_of(db, first), others))
}

/// Visits what is left of the first set, by the cheaper of two ways (Redis's choice).
fn for_each_left(first: SetRef<'_>, mut others: Sets<'_>, visit: impl FnMut(Entry<'_>)) {
    let work_by_members = first.len() * (others.len() + 1) / 2; // such a step is cheaper
    let work_by_sets = first.len() + others.iter().map(|set| set.len()).sum::<usize>();
    if work_by_members <= work_by_sets {
        // What is in a larger set is more likely found there, and out.
        others.sort_by_key(|set| std::cmp::Reverse(set.len()));
        by_members(first, &others, visit);
    } else {
        by_sets(first, &others, visit);
    }
}

/// Each member is looked for in the other sets: N times M steps for N members and M sets.
fn by_members(first: SetRef<'_>, others: &Sets<'_>, mut visit: impl FnMut(Entry<'_>)) {
    let (mut members, mut group) = (first.iter(), Group::default());
    while group.refill(&mut members) {
        others.iter().for_each(|&other| group.keep_those_not_in(other));
        group.iter().for_each(&mut visit);
    }
}

/// The members of the other sets are taken out of a copy: as many steps as there are members in all.
fn by_sets(first: SetRef<'_>, others: &Sets<'_>, visit: impl FnMut(Entry<'_>)) {
    let mut left = first.to_set();
    for other in others {
        if left.is_empty() {
            return;
        }
        for member in other.iter() {
            left.remove_entry(member);
        }
    }
    left.as_ref().for_each(visit);
}
