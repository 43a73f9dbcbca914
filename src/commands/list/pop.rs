//! Taking elements from the ends: LPOP, RPOP, LMPOP.

use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, counted_keys, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::values::list::{End, List};
use std::ops::Range;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&LPOP, &RPOP, &LMPOP];

/// LPOP: the first element, or several, which leave.
static LPOP: Command = Command::data("lpop", |cx, args| pop(cx, args, End::Left))
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::Write, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Delete).told()])
    .since("1.0.0")
    .complexity("O(N) where N is the number of elements returned")
    .summary("Returns the first elements in a list after removing it. Deletes the list if the last element was popped.")
    .syntax("key [count^6.2.0]")
    .history(&[("6.2.0", "Added the `count` argument.")]);

/// RPOP: the last element, or several, which leave.
static RPOP: Command = Command::data("rpop", |cx, args| pop(cx, args, End::Right))
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::Write, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Delete).told()])
    .since("1.0.0")
    .complexity("O(N) where N is the number of elements returned")
    .summary("Returns and removes the last elements of a list. Deletes the list if the last element was popped.")
    .syntax("key [count^6.2.0]")
    .history(&[("6.2.0", "Added the `count` argument.")]);

fn pop(cx: &mut DataContext<'_>, args: &mut Args<'_>, end: End) -> Outcome {
    let key = args.get(1);
    if args.len() > 2 {
        return pop_several(cx, args, end);
    }
    let Some(mut list) = cx.db.edit_existing::<List>(key)? else {
        cx.reply.null();
        return Ok(Done);
    };
    match list.read().peek(end) {
        Some(element) => super::answer(cx.reply, element),
        None => cx.reply.null(),
    }
    let cut_off = list.pop(end, 1, cx.encodings);
    let is_gone = super::finish(list, [cut_off]);
    super::removed(cx, key, end, 1, is_gone);
    Ok(Done)
}

fn pop_several(cx: &mut DataContext<'_>, args: &mut Args<'_>, end: End) -> Outcome {
    let [key, _] = args.exactly()?;
    let count = args.int(2).ok().and_then(|count| usize::try_from(count).ok());
    let count = count.ok_or(Error::Text("ERR value is out of range, must be positive"))?;
    match cx.db.find_as::<List>(key)? {
        None => cx.reply.null_array(),
        Some(_) if count == 0 => cx.reply.array(0),
        Some(list) => {
            let count = count.min(list.len());
            super::answer_end(cx.reply, list, end, count);
            super::remove(cx, key, end, count)?;
        }
    }
    Ok(Done)
}

/// LMPOP: elements of the first of several lists that has any.
static LMPOP: Command = Command::data("lmpop", lmpop)
    .arity(Arity::AtLeast(4))
    .flags(&[Flag::Write])
    .keys(&[counted_keys(1, 1, Access::ReadWrite, Purpose::Delete).told()])
    .since("7.0.0")
    .complexity("O(N+M) where N is the number of provided keys and M is the number of elements returned.")
    .summary(
        "Returns multiple elements from a list after removing them. Deletes the list if the last element was popped.",
    )
    .syntax("numkeys key [key ...] <LEFT | RIGHT> [COUNT count]");

fn lmpop(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let pop = MultiPop::read(args, 1)?;
    for key in pop.keys.clone().map(|word| args.get(word)) {
        if let Some(list) = cx.db.find_as::<List>(key)? {
            let len = list.len();
            pop.answer(cx, key, len)?;
            return Ok(Done);
        }
    }
    cx.reply.null_array();
    Ok(Done)
}

/// The words of LMPOP and BLMPOP from the number of keys on.
pub(super) struct MultiPop {
    /// The words that are keys.
    pub(super) keys: Range<usize>,
    end: End,
    count: usize,
}

impl MultiPop {
    /// Reads the words from word `from` on, which is the number of keys.
    pub(super) fn read(args: &Args<'_>, from: usize) -> Result<MultiPop, Error> {
        let positive = |i: usize| args.int(i).ok().filter(|&n| n > 0).and_then(|n| usize::try_from(n).ok());
        let keys = positive(from).ok_or(Error::Text("ERR numkeys should be greater than 0"))?;
        let place = keys.checked_add(from + 1).filter(|&place| place < args.len()).ok_or(Error::Syntax)?;
        let end = super::end_of(args, place)?;
        let count = match args.len() - place {
            1 => 1,
            _ if !args.is(place + 1, "count") || args.len() == place + 2 => return Err(Error::Syntax),
            _ => positive(place + 2).ok_or(Error::Text("ERR count should be greater than 0"))?,
        };
        if args.len() > place + 3 {
            return Err(Error::Syntax);
        }
        Ok(MultiPop { keys: from + 1..place, end, count })
    }

    /// Answers the key and its elements, of which there are `len`, removes them, and has that logged as what Redis had before 7.0.
    pub(super) fn answer(&self, cx: &mut DataContext<'_>, key: &[u8], len: usize) -> Result<(), Error> {
        let count = self.count.min(len);
        cx.reply.array(2);
        cx.reply.bulk(key);
        if let Some(list) = cx.db.find_as::<List>(key)? {
            super::answer_end(cx.reply, list, self.end, count);
        }
        super::remove(cx, key, self.end, count)?;
        let digits = &mut itoa::Buffer::new();
        cx.propagate_as(&[super::pop_word(self.end), key, digits.format(count).as_bytes()]);
        Ok(())
    }
}
