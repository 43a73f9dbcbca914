//! Taking elements from the first of several lists that has any, once there is one: BLPOP, BRPOP, BLMPOP.

use super::pop::MultiPop;
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::key_spec::{Access, Purpose, counted_keys, keys_from};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::commands::timeout;
use crate::values::list::{End, List};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&BLPOP, &BRPOP, &BLMPOP];

/// BLPOP: LPOP that waits for an element.
static BLPOP: Command = Command::data("blpop", |cx, args| pop(cx, args, End::Left))
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::Write, Flag::Blocking])
    .keys(&[keys_from(1, -2, 1, Access::ReadWrite, Purpose::Delete).told()])
    .since("2.0.0")
    .complexity("O(N) where N is the number of provided keys.")
    .summary(
        "Removes and returns the first element in a list. Blocks until an element is available otherwise. Deletes the list if the \
         last element was popped.",
    )
    .syntax("key [key ...] timeout")
    .history(&[("6.0.0", "`timeout` is interpreted as a double instead of an integer.")]);

/// BRPOP: RPOP that waits for an element.
static BRPOP: Command = Command::data("brpop", |cx, args| pop(cx, args, End::Right))
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::Write, Flag::Blocking])
    .keys(&[keys_from(1, -2, 1, Access::ReadWrite, Purpose::Delete).told()])
    .since("2.0.0")
    .complexity("O(N) where N is the number of provided keys.")
    .summary(
        "Removes and returns the last element in a list. Blocks until an element is available otherwise. Deletes the list if the \
         last element was popped.",
    )
    .syntax("key [key ...] timeout")
    .history(&[("6.0.0", "`timeout` is interpreted as a double instead of an integer.")]);

fn pop(cx: &mut DataContext<'_>, args: &mut Args<'_>, end: End) -> Outcome {
    let last = args.len() - 1;
    let timeout_us = timeout::in_seconds(args.get(last), cx.now_ms())?;
    let mut passed = false;
    for word in 1..last {
        let key = args.get(word);
        if super::waiting_len(cx, key, &mut passed)?.is_none() {
            continue;
        }
        cx.reply.array(2);
        cx.reply.bulk(key);
        if let Some(element) = cx.db.find_as::<List>(key)?.and_then(|list| list.peek(end)) {
            super::answer(cx.reply, element);
        }
        super::remove(cx, key, end, 1)?;
        cx.propagate_as(&[super::pop_word(end), key]);
        return Ok(Done);
    }
    cx.wait_for((1..last).map(|word| args.get(word)), timeout_us, None)
}

/// BLMPOP: LMPOP that waits for an element.
static BLMPOP: Command = Command::data("blmpop", blmpop)
    .arity(Arity::AtLeast(5))
    .flags(&[Flag::Write, Flag::Blocking])
    .keys(&[counted_keys(2, 1, Access::ReadWrite, Purpose::Delete).told()])
    .since("7.0.0")
    .complexity("O(N+M) where N is the number of provided keys and M is the number of elements returned.")
    .summary(
        "Pops the first element from one of multiple lists. Blocks until an element is available otherwise. Deletes the list if \
         the last element was popped.",
    )
    .syntax("timeout numkeys key [key ...] <LEFT | RIGHT> [COUNT count]");

fn blmpop(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let pop = MultiPop::read(args, 2)?;
    let timeout_us = timeout::in_seconds(args.get(1), cx.now_ms())?;
    let mut passed = false;
    for key in pop.keys.clone().map(|word| args.get(word)) {
        if let Some(len) = super::waiting_len(cx, key, &mut passed)? {
            pop.answer(cx, key, len)?;
            return Ok(Done);
        }
    }
    cx.wait_for(pop.keys.clone().map(|word| args.get(word)), timeout_us, None)
}
