//! Members that several sets have in common: SINTER, SINTERSTORE, SINTERCARD.

use super::combine::{Sets, distinct_sets, sets_at, store};
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, counted_keys, first_key, keys_from};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::structures::element_table::Full;
use crate::structures::listpack::Entry;
use crate::values::Encodings;
use crate::values::set::{Group, Set};
use std::ops::ControlFlow;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&SINTER, &SINTERCARD, &SINTERSTORE];

/// SINTER: what all of the sets have.
static SINTER: Command = Command::data("sinter", sinter)
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::ReadOnly])
    .keys(&[keys_from(1, -1, 1, Access::ReadOnly, Purpose::Access)])
    .since("1.0.0")
    .complexity("O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.")
    .summary("Returns the intersect of multiple sets.")
    .syntax("key [key ...]")
    .tips(&["nondeterministic_output_order"]);

fn sinter(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let handles = sets_at(cx, args, 1..args.len())?;
    if handles.contains(&None) {
        cx.reply.set(0);
        return Ok(Done);
    }
    let (reply, mut count) = (&mut *cx.reply, 0);
    let start = reply.mark();
    for_each_common(by_size(distinct_sets(cx.db, &handles)), |member| {
        reply.bulk_entry(member);
        count += 1;
        ControlFlow::<()>::Continue(())
    });
    reply.set_before(start, count);
    Ok(Done)
}

/// SINTERCARD: how many members that is, counted up to a limit.
static SINTERCARD: Command = Command::data("sintercard", sintercard)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::ReadOnly])
    .keys(&[counted_keys(1, 1, Access::ReadOnly, Purpose::Access)])
    .since("7.0.0")
    .complexity("O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.")
    .summary("Returns the number of members of the intersect of multiple sets.")
    .syntax("numkeys key [key ...] [LIMIT limit]");

fn sintercard(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let count = args.int(1).ok().filter(|&count| count > 0);
    let count = count.ok_or(Error::Text("ERR numkeys should be greater than 0"))?;
    let end = usize::try_from(count).ok().and_then(|count| count.checked_add(2)).filter(|&end| end <= args.len());
    let end = end.ok_or(Error::Text("ERR Number of keys can't be greater than number of args"))?;
    let limit = parse_limit(args, end)?;
    let handles = sets_at(cx, args, 2..end)?;
    let mut common = 0;
    if !handles.contains(&None) {
        for_each_common(by_size(distinct_sets(cx.db, &handles)), |_| {
            common += 1;
            if common == limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
    }
    cx.reply.int(common);
    Ok(Done)
}

/// The options from word `first` on; 0: no limit. The last one counts.
fn parse_limit(args: &Args<'_>, first: usize) -> Result<i64, Error> {
    let mut limit = 0;
    for word in (first..args.len()).step_by(2) {
        if !args.is(word, "limit") || word + 1 == args.len() {
            return Err(Error::Syntax);
        }
        let number = args.int(word + 1).ok().filter(|&number| number >= 0);
        limit = number.ok_or(Error::Text("ERR LIMIT can't be negative"))?;
    }
    Ok(limit)
}

/// SINTERSTORE: what all of the sets have becomes a set.
static SINTERSTORE: Command = Command::data("sinterstore", sinterstore)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(&[first_key(Access::Overwrite, Purpose::Update), keys_from(2, -1, 1, Access::ReadOnly, Purpose::Access)])
    .since("1.0.0")
    .complexity("O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.")
    .summary("Stores the intersect of multiple sets in a key.")
    .syntax("destination key [key ...]");

fn sinterstore(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let handles = sets_at(cx, args, 2..args.len())?;
    let common = match handles.contains(&None) {
        true => Set::default(),
        false => common_set(by_size(distinct_sets(cx.db, &handles)), cx.encodings)?,
    };
    store(cx, args.get(1), common, "sinterstore")
}

/// The result as a set: an intset where Redis makes one.
fn common_set(sets: Sets<'_>, encodings: &Encodings) -> Result<Set, Full> {
    let mut common = sets.first().map_or_else(Set::default, |smallest| smallest.empty_subset());
    let mut outcome = Ok(());
    for_each_common(sets, |member| match common.insert_entry(member, encodings) {
        Ok(_) => ControlFlow::Continue(()),
        Err(full) => {
            outcome = Err(full);
            ControlFlow::Break(())
        }
    });
    outcome?;
    common.make_ints(encodings);
    Ok(common)
}

/// The smallest first.
fn by_size(mut sets: Sets<'_>) -> Sets<'_> {
    sets.sort_by_key(|set| set.len());
    sets
}

/// Visits the members of the first set that are in all the others, too.
fn for_each_common<'a>(sets: Sets<'a>, mut visit: impl FnMut(Entry<'a>) -> ControlFlow<()>) {
    let Some((smallest, others)) = sets.split_first() else { return };
    let (mut members, mut group) = (smallest.iter(), Group::default());
    while group.refill(&mut members) {
        others.iter().for_each(|&other| group.keep_those_in(other));
        for member in group.iter() {
            if visit(member).is_break() {
                return;
            }
        }
    }
}
