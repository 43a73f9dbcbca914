//! How many members are in a range: ZCOUNT, ZLEXCOUNT.

use super::bounds::{lex_range, score_range};
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::values::sorted_set::SortedSet;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&ZCOUNT, &ZLEXCOUNT];

/// ZCOUNT: members with scores from one bound to another.
static ZCOUNT: Command = Command::data("zcount", zcount)
    .arity(Arity::Exactly(4))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("2.0.0")
    .complexity("O(log(N)) with N being the number of elements in the sorted set.")
    .summary("Returns the count of members in a sorted set that have scores within a range.")
    .syntax("key min:double max:double");

fn zcount(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let range = score_range(args, 2, 3)?;
    let set = cx.db.read_as::<SortedSet>(args.get(1))?;
    cx.reply.int(set.map_or(0, |set| set.score_ranks(&range).len()) as i64);
    Ok(Done)
}

/// ZLEXCOUNT: members from one bound to another, where all scores are equal.
static ZLEXCOUNT: Command = Command::data("zlexcount", zlexcount)
    .arity(Arity::Exactly(4))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("2.8.9")
    .complexity("O(log(N)) with N being the number of elements in the sorted set.")
    .summary("Returns the number of members in a sorted set within a lexicographical range.")
    .syntax("key min max");

fn zlexcount(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let range = lex_range(args, 2, 3)?;
    let set = cx.db.read_as::<SortedSet>(args.get(1))?;
    cx.reply.int(set.map_or(0, |set| set.lex_ranks(&range).len()) as i64);
    Ok(Done)
}
