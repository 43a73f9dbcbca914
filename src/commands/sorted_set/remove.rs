//! Removing members by name, rank, score or lexicographical range: ZREM, ZREMRANGEBYRANK, ZREMRANGEBYSCORE, ZREMRANGEBYLEX.

use super::bounds::{lex_range, ranks, score_range};
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::effects::Event;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::values::sorted_set::{SortedSet, SortedSetRef};
use std::ops::Range;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&ZREM, &ZREMRANGEBYRANK, &ZREMRANGEBYSCORE, &ZREMRANGEBYLEX];

/// ZREM: members by name.
static ZREM: Command = Command::data("zrem", zrem)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::Write, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Delete)])
    .element(2)
    .since("1.2.0")
    .complexity(
        "O(M*log(N)) with N being the number of elements in the sorted set and M the number of elements to be \
         removed.",
    )
    .summary("Removes one or more members from a sorted set. Deletes the sorted set if all members were removed.")
    .syntax("key member [member ...]")
    .history(&[("2.4.0", "Accepts multiple elements.")]);

fn zrem(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let key = args.get(1);
    let mut removed = 0;
    let mut is_gone = false;
    if let Some(mut set) = cx.db.edit_existing::<SortedSet>(key)? {
        removed = args.from(2).filter(|member| set.remove(member)).count();
        is_gone = set.finish();
    }
    if removed > 0 {
        super::changed(cx, key, "zrem", removed);
    }
    if is_gone {
        cx.happened(key, Event::generic("del"));
    }
    cx.reply.int(removed as i64);
    Ok(Done)
}

/// ZREMRANGEBYRANK: the members from one rank to another.
static ZREMRANGEBYRANK: Command = Command::data("zremrangebyrank", zremrangebyrank)
    .arity(Arity::Exactly(4))
    .flags(&[Flag::Write])
    .keys(&[first_key(Access::ReadWrite, Purpose::Delete)])
    .since("2.0.0")
    .complexity(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed by \
         the operation.",
    )
    .summary(
        "Removes members in a sorted set within a range of indexes. Deletes the sorted set if all members were \
         removed.",
    )
    .syntax("key start stop");

fn zremrangebyrank(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let (first, last) = (args.int(2)?, args.int(3)?);
    remove(cx, args.get(1), "zremrangebyrank", |set| ranks(first, last, set.len()))
}

/// ZREMRANGEBYSCORE: the members with scores from one bound to another.
static ZREMRANGEBYSCORE: Command = Command::data("zremrangebyscore", zremrangebyscore)
    .arity(Arity::Exactly(4))
    .flags(&[Flag::Write])
    .keys(&[first_key(Access::ReadWrite, Purpose::Delete)])
    .since("1.2.0")
    .complexity(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed by \
         the operation.",
    )
    .summary(
        "Removes members in a sorted set within a range of scores. Deletes the sorted set if all members were \
         removed.",
    )
    .syntax("key min:double max:double");

fn zremrangebyscore(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let range = score_range(args, 2, 3)?;
    remove(cx, args.get(1), "zremrangebyscore", |set| set.score_ranks(&range))
}

/// ZREMRANGEBYLEX: the members from one bound to another, where all scores are equal.
static ZREMRANGEBYLEX: Command = Command::data("zremrangebylex", zremrangebylex)
    .arity(Arity::Exactly(4))
    .flags(&[Flag::Write])
    .keys(&[first_key(Access::ReadWrite, Purpose::Delete)])
    .since("2.8.9")
    .complexity(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed by \
         the operation.",
    )
    .summary(
        "Removes members in a sorted set within a lexicographical range. Deletes the sorted set if all members were \
         removed.",
    )
    .syntax("key min max");

fn zremrangebylex(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let range = lex_range(args, 2, 3)?;
    remove(cx, args.get(1), "zremrangebylex", |set| set.lex_ranks(&range))
}

/// Removes the members whose ranks `choose` names, and answers how many they were.
fn remove(
    cx: &mut DataContext<'_>,
    key: &[u8],
    event: &'static str,
    choose: impl FnOnce(SortedSetRef<'_>) -> Range<usize>,
) -> Outcome {
    let Some(mut set) = cx.db.edit_existing::<SortedSet>(key)? else {
        cx.reply.int(0);
        return Ok(Done);
    };
    let ranks = choose(set.as_ref());
    let removed = ranks.len();
    match removed == set.as_ref().len() {
        true => set.clear(),
        false => set.remove_ranks(ranks),
    }
    let is_gone = set.finish();
    if removed > 0 {
        super::changed(cx, key, event, removed);
    }
    if is_gone {
        cx.happened(key, Event::generic("del"));
    }
    cx.reply.int(removed as i64);
    Ok(Done)
}
