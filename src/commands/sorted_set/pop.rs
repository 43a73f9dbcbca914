//! Taking out the members with the lowest or the highest scores: ZPOPMIN, ZPOPMAX, ZMPOP.

use super::answer_member;
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::effects::Event;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, counted_keys, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::formats::resp::reply::{Protocol, Reply};
use crate::values::sorted_set::{Direction, SortedSet};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&ZPOPMIN, &ZPOPMAX, &ZMPOP];

/// ZPOPMIN: the members with the lowest scores.
static ZPOPMIN: Command = Command::data("zpopmin", |cx, args| pop_of_one(cx, args, End::Min))
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::Write, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Delete).told()])
    .since("5.0.0")
    .complexity(
        "O(log(N)*M) with N being the number of elements in the sorted set, and M being the number of elements \
         popped.",
    )
    .summary(
        "Returns the lowest-scoring members from a sorted set after removing them. Deletes the sorted set if the last \
         member was popped.",
    )
    .syntax("key [count]");

/// ZPOPMAX: the members with the highest scores.
static ZPOPMAX: Command = Command::data("zpopmax", |cx, args| pop_of_one(cx, args, End::Max))
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::Write, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Delete).told()])
    .since("5.0.0")
    .complexity(
        "O(log(N)*M) with N being the number of elements in the sorted set, and M being the number of elements \
         popped.",
    )
    .summary(
        "Returns the highest-scoring members from a sorted set after removing them. Deletes the sorted set if the \
         last member was popped.",
    )
    .syntax("key [count]");

fn pop_of_one(cx: &mut DataContext<'_>, args: &Args<'_>, end: End) -> Outcome {
    let has_count = args.len() > 2;
    if args.len() > 3 {
        return Err(Error::Syntax);
    }
    let count = match has_count {
        true => positive(args, 2)?,
        false => 1,
    };
    let form = if has_count && cx.reply.protocol == Protocol::Resp3 { Form::Nested } else { Form::Flat };
    if pop(cx, args.get(1), end, count, form)?.is_none() {
        cx.reply.array(0);
    }
    Ok(Done)
}

/// A count that may be 0.
fn positive(args: &Args<'_>, i: usize) -> Result<u64, Error> {
    let count = args.int(i).map_err(|_| OUT_OF_RANGE)?;
    u64::try_from(count).map_err(|_| OUT_OF_RANGE)
}

const OUT_OF_RANGE: Error = Error::Text("ERR value is out of range, must be positive");

/// ZMPOP: members of the first set that has any.
static ZMPOP: Command = Command::data("zmpop", zmpop)
    .arity(Arity::AtLeast(4))
    .flags(&[Flag::Write])
    .keys(&[counted_keys(1, 1, Access::ReadWrite, Purpose::Delete).told()])
    .since("7.0.0")
    .complexity(
        "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements in the sorted set, \
         and M being the number of elements popped.",
    )
    .summary(
        "Returns the highest- or lowest-scoring members from one or more sorted sets after removing them. Deletes the \
         sorted set if the last member was popped.",
    )
    .syntax("numkeys key [key ...] <MIN | MAX> [COUNT count]");

fn zmpop(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let many = Many::parse(args, 1)?;
    match many.pop(cx, args)? {
        Some(_) => {}
        None => cx.reply.null_array(),
    }
    Ok(Done)
}

/// Which end members are taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Min,
    Max,
}

/// How what was taken is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Members and scores.
    Flat,
    /// Pairs.
    Nested,
    /// The key, and behind it a member and its score.
    FlatWithKey,
    /// The key and an array of pairs.
    NestedWithKey,
}

/// Takes up to `count` members out and answers them; how many they were, or nothing (and no answer) if there is no such key.
pub(super) fn pop(
    cx: &mut DataContext<'_>,
    key: &[u8],
    end: End,
    count: u64,
    form: Form,
) -> Result<Option<usize>, Error> {
    let Some(mut set) = cx.db.edit_existing::<SortedSet>(key)? else { return Ok(None) };
    let len = set.as_ref().len();
    let popped = usize::try_from(count).unwrap_or(usize::MAX).min(len);
    answer_head(cx.reply, key, popped, form);
    let (ranks, direction) = match end {
        End::Min => (0..popped, Direction::Forward),
        End::Max => (len - popped..len, Direction::Backward),
    };
    for (member, score) in set.as_ref().walk(ranks.clone(), direction) {
        if matches!(form, Form::Nested | Form::NestedWithKey) {
            cx.reply.array(2);
        }
        answer_member(cx.reply, member);
        cx.reply.double(score);
    }
    match popped == len {
        true => set.clear(),
        false => set.remove_ranks(ranks),
    }
    let is_gone = set.finish();
    if popped > 0 {
        super::changed(cx, key, if end == End::Min { "zpopmin" } else { "zpopmax" }, popped);
    }
    if is_gone {
        cx.happened(key, Event::generic("del"));
    }
    Ok(Some(popped))
}

/// What stands before the elements.
fn answer_head(reply: &mut Reply, key: &[u8], popped: usize, form: Form) {
    match form {
        Form::Flat => reply.array(2 * popped),
        Form::Nested => reply.array(popped),
        Form::FlatWithKey => {
            reply.array(1 + 2 * popped);
            reply.bulk(key);
        }
        Form::NestedWithKey => {
            reply.array(2);
            reply.bulk(key);
            reply.array(popped);
        }
    }
}

/// What ZMPOP and BZMPOP are told: keys, an end, a count.
pub(super) struct Many {
    first_key: usize,
    keys: usize,
    end: End,
    count: u64,
}

impl Many {
    /// Reads the words from the number of keys on.
    pub(super) fn parse(args: &Args<'_>, numkeys: usize) -> Result<Many, Error> {
        let at_least_one = |i, text| match args.int(i) {
            Ok(number) if number >= 1 => Ok(number as u64),
            _ => Err(Error::Text(text)),
        };
        let keys = at_least_one(numkeys, "ERR numkeys should be greater than 0")?;
        let where_at = usize::try_from(keys).ok().and_then(|keys| keys.checked_add(numkeys + 1));
        let where_at = where_at.filter(|at| *at < args.len()).ok_or(Error::Syntax)?;
        let end = match () {
            _ if args.is(where_at, "min") => End::Min,
            _ if args.is(where_at, "max") => End::Max,
            _ => return Err(Error::Syntax),
        };
        let count = match args.len() - where_at {
            1 => 1,
            2.. if args.is(where_at + 1, "count") && where_at + 2 < args.len() => {
                let count = at_least_one(where_at + 2, "ERR count should be greater than 0")?;
                if where_at + 3 < args.len() {
                    return Err(Error::Syntax);
                }
                count
            }
            _ => return Err(Error::Syntax),
        };
        Ok(Many { first_key: numkeys + 1, keys: keys as usize, end, count })
    }

    /// The keys.
    pub(super) fn keys<'a>(&self, args: &'a Args<'_>) -> impl Iterator<Item = &'a [u8]> {
        args.from(self.first_key).take(self.keys)
    }

    /// Takes members out of the first set that is there, and answers them; nothing, and no answer, if there is none.
    pub(super) fn pop(&self, cx: &mut DataContext<'_>, args: &Args<'_>) -> Result<Option<()>, Error> {
        for key in self.keys(args) {
            if let Some(popped) = pop(cx, key, self.end, self.count, Form::NestedWithKey)? {
                propagate(cx, args, key, self.end, Some(popped));
                return Ok(Some(()));
            }
        }
        Ok(None)
    }
}

/// The log gets the plain call of the same effect.
pub(super) fn propagate(cx: &mut DataContext<'_>, args: &Args<'_>, key: &[u8], end: End, popped: Option<usize>) {
    if !args.is_logged() {
        return;
    }
    let name: &[u8] = if end == End::Min { b"ZPOPMIN" } else { b"ZPOPMAX" };
    match popped {
        Some(popped) => cx.propagate_as(&[name, key, itoa::Buffer::new().format(popped).as_bytes()]),
        None => cx.propagate_as(&[name, key]),
    }
}
