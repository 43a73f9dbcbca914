//! Changing a list within: LSET, LINSERT, LREM, LTRIM.

use super::range::places;
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::effects::Event;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::values::list::{End, List, Needle, Side};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&LSET, &LINSERT, &LREM, &LTRIM];

/// LSET: another element at an index.
static LSET: Command = Command::data("lset", lset)
    .arity(Arity::Exactly(4))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(&[first_key(Access::ReadWrite, Purpose::Update)])
    .since("1.0.0")
    .complexity(
        "O(N) where N is the length of the list. Setting either the first or the last element of the list is O(1).",
    )
    .summary("Sets the value of an element in a list by its index.")
    .syntax("key index element");

fn lset(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let (key, element) = (args.get(1), args.get(3));
    let mut list = cx.db.edit_existing::<List>(key)?.ok_or(Error::NoSuchKey)?;
    let index = args.int(2)?;
    list.expect(1, element.len(), cx.encodings);
    let place = list.read().place(index).ok_or(Error::IndexOutOfRange)?;
    list.set(place, element, cx.encodings);
    list.finish();
    super::changed(cx, key, "lset", 1);
    cx.reply.ok();
    Ok(Done)
}

/// LINSERT: an element beside another.
static LINSERT: Command = Command::data("linsert", linsert)
    .arity(Arity::Exactly(5))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(&[first_key(Access::ReadWrite, Purpose::Insert)])
    .since("2.2.0")
    .complexity(
        "O(N) where N is the number of elements to traverse before seeing the value pivot. This means that inserting somewhere \
         on the left end on the list (head) can be considered O(1) and inserting somewhere on the right end (tail) is O(N).",
    )
    .summary("Inserts an element before or after another element in a list.")
    .syntax("key <BEFORE | AFTER> pivot element");

fn linsert(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let [key, _, pivot, element] = args.exactly()?;
    let side = match args {
        _ if args.is(2, "after") => Side::After,
        _ if args.is(2, "before") => Side::Before,
        _ => return Err(Error::Syntax),
    };
    let Some(mut list) = cx.db.edit_existing::<List>(key)? else {
        cx.reply.int(0);
        return Ok(Done);
    };
    list.expect(1, element.len(), cx.encodings);
    if !list.insert(Needle::new(pivot), side, element, cx.encodings) {
        cx.reply.int(-1);
        return Ok(Done);
    }
    cx.reply.int(list.len() as i64);
    list.finish();
    super::changed(cx, key, "linsert", 1);
    Ok(Done)
}

/// LREM: elements that are a given one leave.
static LREM: Command = Command::data("lrem", lrem)
    .arity(Arity::Exactly(4))
    .flags(&[Flag::Write])
    .keys(&[first_key(Access::ReadWrite, Purpose::Delete)])
    .since("1.0.0")
    .complexity("O(N+M) where N is the length of the list and M is the number of elements removed.")
    .summary("Removes elements from a list. Deletes the list if the last element was removed.")
    .syntax("key count element");

fn lrem(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let (key, count) = (args.get(1), super::bounded(args, 2)?);
    let Some(mut list) = cx.db.edit_existing::<List>(key)? else {
        cx.reply.int(0);
        return Ok(Done);
    };
    let from = if count < 0 { End::Right } else { End::Left };
    let most = if count == 0 { usize::MAX } else { count.unsigned_abs() as usize };
    let removed = list.remove(Needle::new(args.get(3)), from, most, cx.encodings);
    let is_gone = list.finish();
    if removed > 0 {
        super::changed(cx, key, "lrem", removed);
    }
    if is_gone {
        cx.happened(key, Event::generic("del"));
    }
    cx.reply.int(removed as i64);
    Ok(Done)
}

/// LTRIM: only the elements from one index to another stay.
static LTRIM: Command = Command::data("ltrim", ltrim)
    .arity(Arity::Exactly(4))
    .flags(&[Flag::Write])
    .keys(&[first_key(Access::ReadWrite, Purpose::Delete)])
    .since("1.0.0")
    .complexity("O(N) where N is the number of elements to be removed by the operation.")
    .summary("Removes elements from both ends a list. Deletes the list if all elements were trimmed.")
    .syntax("key start stop");

fn ltrim(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let (key, start, stop) = (args.get(1), args.int(2)?, args.int(3)?);
    let Some(mut list) = cx.db.edit_existing::<List>(key)? else {
        cx.reply.ok();
        return Ok(Done);
    };
    let stays = places(start, stop, list.len());
    let removed = list.len() - stays.len();
    let cut_off = match stays.is_empty() {
        true => {
            list.clear();
            [None, None]
        }
        false => list.trim(stays.start, stays.len(), cx.encodings),
    };
    let is_gone = super::finish(list, cut_off);
    match removed {
        0 => cx.happened(key, Event::list("ltrim")), // told, but nothing to be logged
        _ => super::changed(cx, key, "ltrim", removed),
    }
    if is_gone {
        cx.happened(key, Event::generic("del"));
    }
    cx.reply.ok();
    Ok(Done)
}
