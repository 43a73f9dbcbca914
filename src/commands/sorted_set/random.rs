//! Members by chance: ZRANDMEMBER.

use super::{Scores, answer_each, answer_elements, answer_head, answer_member};
use crate::base::random::Generator;
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::draws::answer_draws;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::error;
use crate::structures::listpack::Entry;
use crate::values::sorted_set::{Direction, SortedSet, SortedSetRef};
use std::collections::BTreeSet;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&ZRANDMEMBER];

/// ZRANDMEMBER: a member, several different ones, or so many draws.
static ZRANDMEMBER: Command = Command::data("zrandmember", zrandmember)
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("6.2.0")
    .complexity("O(N) where N is the number of members returned")
    .summary("Returns one or more random members from a sorted set.")
    .syntax("key [count [WITHSCORES]]@options")
    .tips(&["nondeterministic_output"]);

fn zrandmember(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    if args.len() > 2 {
        return several(cx, args);
    }
    match cx.db.read_as::<SortedSet>(args.get(1))? {
        Some(set) => {
            let (member, _) = element_at(set, cx.random.below(set.len() as u64) as usize);
            answer_member(cx.reply, member);
        }
        None => cx.reply.null(),
    }
    Ok(Done)
}

fn several(cx: &mut DataContext<'_>, args: &Args<'_>) -> Outcome {
    let (count, scores) = wanted(args)?;
    let Some(set) = cx.db.read_as::<SortedSet>(args.get(1))?.filter(|_| count != 0) else {
        cx.reply.array(0);
        return Ok(Done);
    };
    let (len, random) = (set.len(), &mut *cx.random);
    match usize::try_from(count) {
        Ok(count) if count >= len => answer_elements(cx.reply, set.walk(0..len, Direction::Backward), scores),
        Ok(count) => {
            let ranks = distinct(count, len, random);
            answer_elements(cx.reply, ranks.into_iter().map(|rank| element_at(set, rank)), scores);
        }
        Err(_) => {
            let draws = count.unsigned_abs() as usize;
            answer_head(cx.reply, draws, scores);
            answer_draws(cx.reply, cx.limits.reply_bytes, draws, |reply, count| {
                let ranks = (0..count).map(|_| random.below(len as u64) as usize);
                answer_each(reply, ranks.map(|rank| element_at(set, rank)), scores);
            })?;
        }
    }
    Ok(Done)
}

/// What is asked for: a number, below 0 for draws with repetition, and whether with the scores.
fn wanted(args: &Args<'_>) -> Result<(i64, Scores), Error> {
    let count = args.int(2)?;
    if count == i64::MIN {
        return Err(error!("ERR value is out of range, value must between -{} and {}", i64::MAX, i64::MAX));
    }
    if args.len() > 4 || args.len() == 4 && !args.is(3, "withscores") {
        return Err(Error::Syntax);
    }
    let scores = if args.len() == 4 { Scores::Shown } else { Scores::Hidden };
    if scores == Scores::Shown && count.unsigned_abs() > i64::MAX as u64 / 2 {
        return Err(Error::ValueOutOfRange);
    }
    Ok((count, scores))
}

/// The element of a rank, which is there.
fn element_at(set: SortedSetRef<'_>, rank: usize) -> (Entry<'_>, f64) {
    set.walk(rank..rank + 1, Direction::Forward).next().expect("a rank that is there")
}

/// `count` different numbers below `len`, which is larger: each choice of them is as likely (Floyd's way), and so is each order.
fn distinct(count: usize, len: usize, random: &mut Generator) -> Vec<usize> {
    let mut below = |n: usize| random.below(n as u64) as usize;
    let mut chosen = BTreeSet::new();
    let mut numbers = Vec::with_capacity(count);
    for last in len - count..len {
        let number = below(last + 1);
        let number = if chosen.insert(number) { number } else { last };
        chosen.insert(number);
        numbers.push(number);
    }
    for i in (1..numbers.len()).rev() {
        numbers.swap(i, below(i + 1));
    }
    numbers
}
