//! Taking out members, and waiting for them if there are none: BZPOPMIN, BZPOPMAX, BZMPOP.

use super::pop::{End, Form, Many, pop, propagate};
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::key_spec::{Access, Purpose, counted_keys, keys_from};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::commands::timeout;
use crate::values::Kind;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&BZPOPMIN, &BZPOPMAX, &BZMPOP];

/// BZPOPMIN: the member with the lowest score of the first set that has any.
static BZPOPMIN: Command = Command::data("bzpopmin", |cx, args| pop_or_wait(cx, args, End::Min))
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::Write, Flag::Blocking, Flag::Fast])
    .keys(&[keys_from(1, -2, 1, Access::ReadWrite, Purpose::Delete).told()])
    .since("5.0.0")
    .complexity("O(log(N)) with N being the number of elements in the sorted set.")
    .summary(
        "Removes and returns the member with the lowest score from one or more sorted sets. Blocks until a member is \
         available otherwise. Deletes the sorted set if the last element was popped.",
    )
    .syntax("key [key ...] timeout")
    .history(&[("6.0.0", "`timeout` is interpreted as a double instead of an integer.")]);

/// BZPOPMAX: the member with the highest score of the first set that has any.
static BZPOPMAX: Command = Command::data("bzpopmax", |cx, args| pop_or_wait(cx, args, End::Max))
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::Write, Flag::Blocking, Flag::Fast])
    .keys(&[keys_from(1, -2, 1, Access::ReadWrite, Purpose::Delete).told()])
    .since("5.0.0")
    .complexity("O(log(N)) with N being the number of elements in the sorted set.")
    .summary(
        "Removes and returns the member with the highest score from one or more sorted sets. Blocks until a member \
         available otherwise.  Deletes the sorted set if the last element was popped.",
    )
    .syntax("key [key ...] timeout")
    .history(&[("6.0.0", "`timeout` is interpreted as a double instead of an integer.")]);

fn pop_or_wait(cx: &mut DataContext<'_>, args: &Args<'_>, end: End) -> Outcome {
    let keys = args.len() - 2;
    let timeout_us = timeout::in_seconds(args.get(args.len() - 1), cx.now_ms())?;
    for key in args.from(1).take(keys) {
        if pop(cx, key, end, 1, Form::FlatWithKey)?.is_some() {
            propagate(cx, args, key, end, None);
            return Ok(Done);
        }
    }
    cx.wait_for(Kind::SortedSet, args.from(1).take(keys), timeout_us, None)
}

/// BZMPOP: members of the first set that has any.
static BZMPOP: Command = Command::data("bzmpop", bzmpop)
    .arity(Arity::AtLeast(5))
    .flags(&[Flag::Write, Flag::Blocking])
    .keys(&[counted_keys(2, 1, Access::ReadWrite, Purpose::Delete).told()])
    .since("7.0.0")
    .complexity(
        "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements in the sorted set, \
         and M being the number of elements popped.",
    )
    .summary(
        "Removes and returns a member by score from one or more sorted sets. Blocks until a member is available \
         otherwise. Deletes the sorted set if the last element was popped.",
    )
    .syntax("timeout numkeys key [key ...] <MIN | MAX> [COUNT count]");

fn bzmpop(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let many = Many::parse(args, 2)?;
    let timeout_us = timeout::in_seconds(args.get(1), cx.now_ms())?;
    match many.pop(cx, args)? {
        Some(()) => Ok(Done),
        None => cx.wait_for(Kind::SortedSet, many.keys(args), timeout_us, None),
    }
}
