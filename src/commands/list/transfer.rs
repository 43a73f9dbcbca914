//! From one list to another: LMOVE, RPOPLPUSH, and BLMOVE, BRPOPLPUSH, which wait.

use crate::commands::args::Args;
use crate::commands::context::{DataContext, Waiting};
use crate::commands::effects::Event;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, KeySpec, Purpose, first_key, key_at};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::commands::timeout;
use crate::values::list::{End, List};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&LMOVE, &RPOPLPUSH, &BLMOVE, &BRPOPLPUSH];

const KEYS: &[KeySpec] =
    &[first_key(Access::ReadWrite, Purpose::Delete).told(), key_at(2, Access::ReadWrite, Purpose::Insert)];

/// LMOVE: an element leaves an end of a list and comes to an end of another.
static LMOVE: Command = Command::data("lmove", lmove)
    .arity(Arity::Exactly(5))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(KEYS)
    .since("6.2.0")
    .complexity("O(1)")
    .summary(
        "Returns an element after popping it from one list and pushing it to another. Deletes the list if the last element was \
         moved.",
    )
    .syntax("source destination <LEFT | RIGHT>@wherefrom <LEFT | RIGHT>@whereto");

fn lmove(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let ends = (super::end_of(args, 3)?, super::end_of(args, 4)?);
    if !transfer(cx, args, ends)? {
        cx.reply.null();
    }
    Ok(Done)
}

/// RPOPLPUSH: the last element of a list becomes the first of another.
static RPOPLPUSH: Command = Command::data("rpoplpush", rpoplpush)
    .arity(Arity::Exactly(3))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(KEYS)
    .since("1.2.0")
    .complexity("O(1)")
    .summary(
        "Returns the last element of a list after removing and pushing it to another list. Deletes the list if the last element \
         was popped.",
    )
    .deprecated("6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments")
    .syntax("source destination");

fn rpoplpush(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    if !transfer(cx, args, (End::Right, End::Left))? {
        cx.reply.null();
    }
    Ok(Done)
}

/// BLMOVE: LMOVE that waits for an element.
static BLMOVE: Command = Command::data("blmove", blmove)
    .arity(Arity::Exactly(6))
    .flags(&[Flag::Write, Flag::DenyOom, Flag::Blocking])
    .keys(KEYS)
    .since("6.2.0")
    .complexity("O(1)")
    .summary(
        "Pops an element from a list, pushes it to another list and returns it. Blocks until an element is available otherwise. \
         Deletes the list if the last element was moved.",
    )
    .syntax("source destination <LEFT | RIGHT>@wherefrom <LEFT | RIGHT>@whereto timeout");

fn blmove(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let ends = (super::end_of(args, 3)?, super::end_of(args, 4)?);
    let timeout_us = timeout::in_seconds(args.get(5), cx.now_ms())?;
    if transfer_or_wait(cx, args, ends, timeout_us)? {
        let [source, destination, from, to, _] = args.exactly()?;
        cx.propagate_as(&[b"LMOVE", source, destination, from, to]);
    }
    Ok(Done)
}

/// BRPOPLPUSH: RPOPLPUSH that waits for an element.
static BRPOPLPUSH: Command = Command::data("brpoplpush", brpoplpush)
    .arity(Arity::Exactly(4))
    .flags(&[Flag::Write, Flag::DenyOom, Flag::Blocking])
    .keys(KEYS)
    .since("2.2.0")
    .complexity("O(1)")
    .summary(
        "Pops an element from a list, pushes it to another list and returns it. Block until an element is available otherwise. \
         Deletes the list if the last element was popped.",
    )
    .deprecated("6.2.0", "`BLMOVE` with the `RIGHT` and `LEFT` arguments")
    .syntax("source destination timeout")
    .history(&[("6.0.0", "`timeout` is interpreted as a double instead of an integer.")]);

fn brpoplpush(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let timeout_us = timeout::in_seconds(args.get(3), cx.now_ms())?;
    if transfer_or_wait(cx, args, (End::Right, End::Left), timeout_us)? {
        cx.propagate_as(&[b"RPOPLPUSH", args.get(1), args.get(2)]);
    }
    Ok(Done)
}

/// Moves an element and answers it, or waits for one. Whether it was moved.
fn transfer_or_wait(
    cx: &mut DataContext<'_>,
    args: &Args<'_>,
    ends: (End, End),
    timeout_us: Option<u64>,
) -> Result<bool, Error> {
    let source = args.get(1);
    if super::waiting_len(cx, source, &mut false)?.is_some() {
        return transfer(cx, args, ends);
    }
    match cx.waiting {
        Waiting::Never => cx.reply.null(),
        Waiting::Allowed | Waiting::Woken => drop(cx.wait_for([source].into_iter(), timeout_us, None)?),
    }
    Ok(false)
}

/// Moves an element and answers it, if there is any. Whether there was.
fn transfer(cx: &mut DataContext<'_>, args: &Args<'_>, (from, to): (End, End)) -> Result<bool, Error> {
    let (source, destination) = (args.get(1), args.get(2));
    let Some(element) = cx.db.find_as::<List>(source)?.and_then(|list| list.peek(from)) else { return Ok(false) };
    super::answer(cx.reply, element);
    if source == destination {
        return rotate(cx, source, (from, to));
    }
    let element = element.to_vec();
    let mut list = cx.db.edit::<List>(destination)?;
    list.expect(1, element.len(), cx.encodings);
    list.push(to, &element, cx.encodings);
    list.finish();
    cx.happened(destination, Event::list(super::push_event(to)));
    super::remove(cx, source, from, 1)?;
    Ok(true)
}

/// Moves the element within its list.
fn rotate(cx: &mut DataContext<'_>, key: &[u8], (from, to): (End, End)) -> Result<bool, Error> {
    let Some(mut list) = cx.db.edit_existing::<List>(key)? else { return Ok(false) };
    list.rotate(from, to, cx.encodings);
    list.finish();
    super::changed(cx, key, super::push_event(to), 1);
    cx.happened(key, Event::list(super::pop_event(from)));
    Ok(true)
}
