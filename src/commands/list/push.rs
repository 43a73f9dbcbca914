//! Putting elements at the ends: LPUSH, RPUSH, LPUSHX, RPUSHX.

use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::keyspace::database::Edit;
use crate::values::Encodings;
use crate::values::list::{End, List};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&LPUSH, &RPUSH, &LPUSHX, &RPUSHX];

const COMPLEXITY: &str =
    "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.";

/// LPUSH: elements before the first.
static LPUSH: Command = Command::data("lpush", |cx, args| push(cx, args, End::Left))
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::Write, Flag::DenyOom, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Insert)])
    .since("1.0.0")
    .complexity(COMPLEXITY)
    .summary("Prepends one or more elements to a list. Creates the key if it doesn't exist.")
    .syntax("key element [element ...]")
    .history(&[("2.4.0", "Accepts multiple `element` arguments.")]);

/// RPUSH: elements behind the last.
static RPUSH: Command = Command::data("rpush", |cx, args| push(cx, args, End::Right))
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::Write, Flag::DenyOom, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Insert)])
    .since("1.0.0")
    .complexity(COMPLEXITY)
    .summary("Appends one or more elements to a list. Creates the key if it doesn't exist.")
    .syntax("key element [element ...]")
    .history(&[("2.4.0", "Accepts multiple `element` arguments.")]);

/// LPUSHX: elements before the first of a list that is there.
static LPUSHX: Command = Command::data("lpushx", |cx, args| push_to_existing(cx, args, End::Left))
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::Write, Flag::DenyOom, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Insert)])
    .since("2.2.0")
    .complexity(COMPLEXITY)
    .summary("Prepends one or more elements to a list only when the list exists.")
    .syntax("key element [element ...]")
    .history(&[("4.0.0", "Accepts multiple `element` arguments.")]);

/// RPUSHX: elements behind the last of a list that is there.
static RPUSHX: Command = Command::data("rpushx", |cx, args| push_to_existing(cx, args, End::Right))
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::Write, Flag::DenyOom, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Insert)])
    .since("2.2.0")
    .complexity(COMPLEXITY)
    .summary("Appends an element to a list only when the list exists.")
    .syntax("key element [element ...]")
    .history(&[("4.0.0", "Accepts multiple `element` arguments.")]);

fn push(cx: &mut DataContext<'_>, args: &mut Args<'_>, end: End) -> Outcome {
    let list = cx.db.edit::<List>(args.get(1))?;
    let len = put(list, args, end, cx.encodings);
    Ok(answer(cx, args, end, len))
}

fn push_to_existing(cx: &mut DataContext<'_>, args: &mut Args<'_>, end: End) -> Outcome {
    let Some(list) = cx.db.edit_existing::<List>(args.get(1))? else {
        cx.reply.int(0);
        return Ok(Done);
    };
    let len = put(list, args, end, cx.encodings);
    Ok(answer(cx, args, end, len))
}

/// Puts the call's elements in, the first one first. Gives how many there are then.
#[inline]
fn put(mut list: Edit<'_, List>, args: &Args<'_>, end: End, encodings: &Encodings) -> usize {
    list.expect(args.len() - 2, args.from(2).map(<[u8]>::len).sum(), encodings);
    args.from(2).for_each(|element| list.push(end, element, encodings));
    let len = list.len();
    list.finish();
    len
}

#[inline]
fn answer(cx: &mut DataContext<'_>, args: &Args<'_>, end: End, len: usize) -> Done {
    cx.reply.int(len as i64);
    super::changed(cx, args.get(1), super::push_event(end), args.len() - 2);
    Done
}
