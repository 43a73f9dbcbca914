//! What stands where: LLEN, LINDEX, LRANGE.

use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::values::list::List;
use std::ops::Range;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&LLEN, &LINDEX, &LRANGE];

/// LLEN: how many elements.
static LLEN: Command = Command::data("llen", llen)
    .arity(Arity::Exactly(2))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .keys(&[first_key(Access::ReadOnly, Purpose::None)])
    .since("1.0.0")
    .complexity("O(1)")
    .summary("Returns the length of a list.")
    .syntax("key");

fn llen(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let len = cx.db.read_as::<List>(args.get(1))?.map_or(0, |list| list.len());
    cx.reply.int(len as i64);
    Ok(Done)
}

/// LINDEX: the element at an index.
static LINDEX: Command = Command::data("lindex", lindex)
    .arity(Arity::Exactly(3))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("1.0.0")
    .complexity(
        "O(N) where N is the number of elements to traverse to get to the element at index. This makes asking for the first \
         or the last element of the list O(1).",
    )
    .summary("Returns an element from a list by its index.")
    .syntax("key index");

fn lindex(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let Some(list) = cx.db.read_as::<List>(args.get(1))? else {
        cx.reply.null();
        return Ok(Done);
    };
    match list.place(args.int(2)?).and_then(|place| list.get(place)) {
        Some(element) => super::answer(cx.reply, element),
        None => cx.reply.null(),
    }
    Ok(Done)
}

/// LRANGE: the elements from one index to another.
static LRANGE: Command = Command::data("lrange", lrange)
    .arity(Arity::Exactly(4))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("1.0.0")
    .complexity(
        "O(S+N) where S is the distance of start offset from HEAD for small lists, from nearest end (HEAD or TAIL) for large \
         lists; and N is the number of elements in the specified range.",
    )
    .summary("Returns a range of elements from a list.")
    .syntax("key start stop");

fn lrange(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let (start, stop) = (args.int(2)?, args.int(3)?);
    let Some(list) = cx.db.read_as::<List>(args.get(1))? else {
        cx.reply.array(0);
        return Ok(Done);
    };
    let places = places(start, stop, list.len());
    cx.reply.array(places.len());
    let reply = &mut *cx.reply;
    list.iter_from(places.start).take(places.len()).for_each(|element| super::answer(reply, element));
    Ok(Done)
}

/// The places between two indexes, both included, in a list of `len` elements; negative indexes count from the tail.
pub(super) fn places(start: i64, stop: i64, len: usize) -> Range<usize> {
    let len = len as i64;
    let from_head = |index: i64| if index < 0 { (index + len).max(-1) } else { index.min(len) };
    let start = from_head(start).max(0);
    let end = from_head(stop).min(len - 1) + 1;
    start as usize..end.max(start) as usize
}

#[cfg(test)]
mod tests {
    use super::places;

    #[test]
    fn indexes_beyond_the_ends_are_cut() {
        for (start, stop, expected) in [
            (0, -1, 0..5),
            (1, 3, 1..4),
            (-2, -1, 3..5),
            (-100, 1, 0..2),
            (3, 100, 3..5),
            (i64::MIN, i64::MAX, 0..5),
            (2, 1, 2..2),
            (5, 9, 5..5),
            (0, -6, 0..0),
            (-9, -8, 0..0),
        ] {
            assert_eq!(places(start, stop, 5), expected, "{start} {stop}");
        }
        assert!(places(0, -1, 0).is_empty());
    }
}
