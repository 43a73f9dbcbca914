//! Members in order, by rank, score or lexicographical range: ZRANGE with all its older relatives, and ZRANGESTORE.

use super::bounds::{lex_range, ranks, score_range};
use super::{Scores, answer_elements};
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, first_key, key_at};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::values::sorted_set::Direction::{self, Backward, Forward};
use crate::values::sorted_set::{Builder, LexRange, ScoreRange, SortedSet, SortedSetRef};
use std::ops::Range;

/// This file's commands.
pub const COMMANDS: &[&Command] =
    &[&ZRANGE, &ZREVRANGE, &ZRANGEBYSCORE, &ZREVRANGEBYSCORE, &ZRANGEBYLEX, &ZREVRANGEBYLEX, &ZRANGESTORE];

/// ZRANGE: members by rank, score or name, from either end.
static ZRANGE: Command = Command::data("zrange", zrange)
    .arity(Arity::AtLeast(4))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("1.2.0")
    .complexity(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements returned.",
    )
    .summary("Returns members in a sorted set within a range of indexes.")
    .syntax("key start:string stop:string [BYSCORE | BYLEX]^6.2.0 [REV^6.2.0] [LIMIT offset count]^6.2.0 [WITHSCORES]")
    .history(&[("6.2.0", "Added the `REV`, `BYSCORE`, `BYLEX` and `LIMIT` options.")]);

fn zrange(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let query = Query::parse(args, 1, Form { by: None, direction: None, has_scores: true })?;
    query.answer(cx, args.get(1))
}

/// ZREVRANGE: ZRANGE .. REV.
static ZREVRANGE: Command = Command::data("zrevrange", |cx, args| answer(cx, args, By::Rank, Backward))
    .arity(Arity::AtLeast(4))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("1.2.0")
    .complexity(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements returned.",
    )
    .summary("Returns members in a sorted set within a range of indexes in reverse order.")
    .deprecated("6.2.0", "`ZRANGE` with the `REV` argument")
    .syntax("key start stop [WITHSCORES]");

/// ZRANGEBYSCORE: ZRANGE .. BYSCORE.
static ZRANGEBYSCORE: Command = Command::data("zrangebyscore", |cx, args| answer(cx, args, By::Score, Forward))
    .arity(Arity::AtLeast(4))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("1.0.5")
    .complexity(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being \
         returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it \
         O(log(N)).",
    )
    .summary("Returns members in a sorted set within a range of scores.")
    .deprecated("6.2.0", "`ZRANGE` with the `BYSCORE` argument")
    .syntax("key min:double max:double [WITHSCORES^2.0.0] [LIMIT offset count]")
    .history(&[("2.0.0", "Added the `WITHSCORES` modifier.")]);

/// ZREVRANGEBYSCORE: ZRANGE .. BYSCORE REV.
static ZREVRANGEBYSCORE: Command = Command::data("zrevrangebyscore", |cx, args| answer(cx, args, By::Score, Backward))
    .arity(Arity::AtLeast(4))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("2.2.0")
    .complexity(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being \
         returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it \
         O(log(N)).",
    )
    .summary("Returns members in a sorted set within a range of scores in reverse order.")
    .deprecated("6.2.0", "`ZRANGE` with the `REV` and `BYSCORE` arguments")
    .syntax("key max:double min:double [WITHSCORES] [LIMIT offset count]")
    .history(&[("2.1.6", "`min` and `max` can be exclusive.")]);

/// ZRANGEBYLEX: ZRANGE .. BYLEX.
static ZRANGEBYLEX: Command = Command::data("zrangebylex", |cx, args| answer(cx, args, By::Lex, Forward))
    .arity(Arity::AtLeast(4))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("2.8.9")
    .complexity(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being \
         returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it \
         O(log(N)).",
    )
    .summary("Returns members in a sorted set within a lexicographical range.")
    .deprecated("6.2.0", "`ZRANGE` with the `BYLEX` argument")
    .syntax("key min max [LIMIT offset count]");

/// ZREVRANGEBYLEX: ZRANGE .. BYLEX REV.
static ZREVRANGEBYLEX: Command = Command::data("zrevrangebylex", |cx, args| answer(cx, args, By::Lex, Backward))
    .arity(Arity::AtLeast(4))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("2.8.9")
    .complexity(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being \
         returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it \
         O(log(N)).",
    )
    .summary("Returns members in a sorted set within a lexicographical range in reverse order.")
    .deprecated("6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments")
    .syntax("key max min [LIMIT offset count]");

/// The older commands: their names say what ZRANGE is told by options.
fn answer(cx: &mut DataContext<'_>, args: &Args<'_>, by: By, direction: Direction) -> Outcome {
    let form = Form { by: Some(by), direction: Some(direction), has_scores: true };
    Query::parse(args, 1, form)?.answer(cx, args.get(1))
}

/// ZRANGESTORE: what ZRANGE would answer becomes a sorted set.
static ZRANGESTORE: Command = Command::data("zrangestore", zrangestore)
    .arity(Arity::AtLeast(5))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(&[first_key(Access::Overwrite, Purpose::Update), key_at(2, Access::ReadOnly, Purpose::Access)])
    .since("6.2.0")
    .complexity(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements stored into \
         the destination key.",
    )
    .summary("Stores a range of members from sorted set in a key.")
    .syntax("dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]");

fn zrangestore(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let query = Query::parse(args, 2, Form { by: None, direction: None, has_scores: false })?;
    let mut result = Builder::new(cx.encodings);
    if let Some(set) = cx.db.read_as::<SortedSet>(args.get(2))? {
        for (member, score) in set.walk(query.ranks(set), query.direction) {
            result.add(member.as_slice(&mut itoa::Buffer::new()), score, |_, score| score)?;
        }
    }
    let result = result.finish(cx.encodings);
    super::store(cx, args.get(1), result, "zrangestore")?;
    Ok(Done)
}

/// What the bounds are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Rank,
    Score,
    Lex,
}

/// What a command's name says, and what is left to its options.
struct Form {
    by: Option<By>,
    direction: Option<Direction>,
    has_scores: bool,
}

/// Bounds, read.
enum Bounds<'a> {
    Ranks(i64, i64),
    Scores(ScoreRange),
    Lex(LexRange<'a>),
}

/// Which elements are asked for.
struct Query<'a> {
    bounds: Bounds<'a>,
    direction: Direction,
    scores: Scores,
    offset: i64,
    /// Below 0: all.
    limit: i64,
}

impl<'a> Query<'a> {
    /// Reads the words from the source key on.
    fn parse(args: &'a Args<'_>, source: usize, form: Form) -> Result<Query<'a>, Error> {
        let Form { mut by, mut direction, has_scores } = form;
        let (mut scores, mut offset, mut limit) = (Scores::Hidden, 0, -1);
        let mut i = source + 3;
        while i < args.len() {
            if has_scores && args.is(i, "withscores") {
                scores = Scores::Shown;
            } else if args.is(i, "limit") && i + 2 < args.len() {
                (offset, limit) = (args.int(i + 1)?, args.int(i + 2)?);
                i += 2;
            } else if direction.is_none() && args.is(i, "rev") {
                direction = Some(Backward);
            } else if by.is_none() && args.is(i, "bylex") {
                by = Some(By::Lex);
            } else if by.is_none() && args.is(i, "byscore") {
                by = Some(By::Score);
            } else {
                return Err(Error::Syntax);
            }
            i += 1;
        }
        let (by, direction) = (by.unwrap_or(By::Rank), direction.unwrap_or(Forward));
        if limit != -1 && by == By::Rank {
            return Err(Error::Text(
                "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
            ));
        }
        if scores == Scores::Shown && by == By::Lex {
            return Err(Error::Text("ERR syntax error, WITHSCORES not supported in combination with BYLEX"));
        }
        let bounds = Bounds::parse(args, source + 1, by, direction)?;
        Ok(Query { bounds, direction, scores, offset, limit })
    }

    /// The ranks of what is asked for.
    fn ranks(&self, set: SortedSetRef<'_>) -> Range<usize> {
        let len = set.len();
        let all = match &self.bounds {
            Bounds::Ranks(first, last) => {
                let ranks = ranks(*first, *last, len);
                return match self.direction {
                    Forward => ranks,
                    Backward => len - ranks.end..len - ranks.start,
                };
            }
            Bounds::Scores(range) => set.score_ranks(range),
            Bounds::Lex(range) => set.lex_ranks(range),
        };
        let skipped = set.passed_over(self.offset, all.len());
        let taken = usize::try_from(self.limit).unwrap_or(usize::MAX).min(all.len() - skipped);
        match self.direction {
            Forward => all.start + skipped..all.start + skipped + taken,
            Backward => all.end - skipped - taken..all.end - skipped,
        }
    }

    fn answer(&self, cx: &mut DataContext<'_>, key: &[u8]) -> Outcome {
        match cx.db.read_as::<SortedSet>(key)? {
            Some(set) => answer_elements(cx.reply, set.walk(self.ranks(set), self.direction), self.scores),
            None => cx.reply.array(0),
        }
        Ok(Done)
    }
}

impl<'a> Bounds<'a> {
    /// Reads the words `first` and the next; backwards, the upper bound comes first, but for ranks.
    fn parse(args: &'a Args<'_>, first: usize, by: By, direction: Direction) -> Result<Bounds<'a>, Error> {
        let (min, max) = match direction {
            Forward => (first, first + 1),
            Backward => (first + 1, first),
        };
        Ok(match by {
            By::Rank => Bounds::Ranks(args.int(first)?, args.int(first + 1)?),
            By::Score => Bounds::Scores(score_range(args, min, max)?),
            By::Lex => Bounds::Lex(lex_range(args, min, max)?),
        })
    }
}
