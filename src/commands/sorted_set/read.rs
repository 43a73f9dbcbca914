//! What is known of a set and of single members: ZCARD, ZSCORE, ZMSCORE, ZRANK, ZREVRANK.

use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::values::sorted_set::{Direction, SortedSet};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&ZCARD, &ZSCORE, &ZMSCORE, &ZRANK, &ZREVRANK];

/// ZCARD: how many members.
static ZCARD: Command = Command::data("zcard", zcard)
    .arity(Arity::Exactly(2))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .keys(&[first_key(Access::ReadOnly, Purpose::None)])
    .since("1.2.0")
    .complexity("O(1)")
    .summary("Returns the number of members in a sorted set.")
    .syntax("key");

fn zcard(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let len = cx.db.read_as::<SortedSet>(args.get(1))?.map_or(0, |set| set.len());
    cx.reply.int(len as i64);
    Ok(Done)
}

/// ZSCORE: a member's score.
static ZSCORE: Command = Command::data("zscore", zscore)
    .arity(Arity::Exactly(3))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .element(2)
    .since("1.2.0")
    .complexity("O(1)")
    .summary("Returns the score of a member in a sorted set.")
    .syntax("key member");

fn zscore(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let set = cx.db.read_as::<SortedSet>(args.get(1))?;
    match set.and_then(|set| set.score(args.get(2))) {
        Some(score) => cx.reply.double(score),
        None => cx.reply.null(),
    }
    Ok(Done)
}

/// ZMSCORE: the scores of several members.
static ZMSCORE: Command = Command::data("zmscore", zmscore)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .element(2)
    .since("6.2.0")
    .complexity("O(N) where N is the number of members being requested.")
    .summary("Returns the score of one or more members in a sorted set.")
    .syntax("key member [member ...]");

fn zmscore(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let set = cx.db.read_as::<SortedSet>(args.get(1))?;
    cx.reply.array(args.len() - 2);
    for member in args.from(2) {
        match set.and_then(|set| set.score(member)) {
            Some(score) => cx.reply.double(score),
            None => cx.reply.null(),
        }
    }
    Ok(Done)
}

/// ZRANK: how many members have lower scores.
static ZRANK: Command = Command::data("zrank", |cx, args| rank(cx, args, Direction::Forward))
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .element(2)
    .since("2.0.0")
    .complexity("O(log(N))")
    .summary("Returns the index of a member in a sorted set ordered by ascending scores.")
    .syntax("key member [WITHSCORE]")
    .history(&[("7.2.0", "Added the optional `WITHSCORE` argument.")]);

/// ZREVRANK: how many members have higher scores.
static ZREVRANK: Command = Command::data("zrevrank", |cx, args| rank(cx, args, Direction::Backward))
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .element(2)
    .since("2.0.0")
    .complexity("O(log(N))")
    .summary("Returns the index of a member in a sorted set ordered by descending scores.")
    .syntax("key member [WITHSCORE]")
    .history(&[("7.2.0", "Added the optional `WITHSCORE` argument.")]);

fn rank(cx: &mut DataContext<'_>, args: &Args<'_>, direction: Direction) -> Outcome {
    if args.len() > 4 {
        return Err(Error::Arity(args.word(0)));
    }
    let with_score = args.len() == 4;
    if with_score && !args.is(3, "withscore") {
        return Err(Error::Syntax);
    }
    let set = cx.db.read_as::<SortedSet>(args.get(1))?;
    let found = set.and_then(|set| Some((set.len(), set.rank_of(args.get(2))?)));
    let Some((len, (rank, score))) = found else {
        if with_score {
            cx.reply.null_array()
        } else {
            cx.reply.null()
        }
        return Ok(Done);
    };
    if with_score {
        cx.reply.array(2);
    }
    cx.reply.int(match direction {
        Direction::Forward => rank,
        Direction::Backward => len - 1 - rank,
    } as i64);
    if with_score {
        cx.reply.double(score);
    }
    Ok(Done)
}
