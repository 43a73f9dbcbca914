//! Lists.

mod edit;
mod pop;
mod push;
mod range;
mod search;
mod transfer;
mod wait;

use super::args::Args;
use super::context::{DataContext, Waiting};
use super::effects::Event;
use super::error::Error;
use super::row::Command;
use crate::formats::resp::reply::Reply;
use crate::keyspace::database::{Edit, EditError};
use crate::structures::listpack::Entry;
use crate::values::list::{End, List, ListRef};

/// The lists of this folder's files.
pub const LISTS: &[&[&Command]] = &[
    push::COMMANDS,
    pop::COMMANDS,
    range::COMMANDS,
    search::COMMANDS,
    edit::COMMANDS,
    transfer::COMMANDS,
    wait::COMMANDS,
];

/// Answers an element.
#[inline]
fn answer(reply: &mut Reply, element: Entry<'_>) {
    match element {
        Entry::Bytes(bytes) => reply.bulk(bytes),
        Entry::Int(n) => reply.bulk_int(n),
    }
}

/// Answers the `count` elements at an end, that end first; there are so many.
fn answer_end(reply: &mut Reply, list: ListRef<'_>, end: End, count: usize) {
    reply.array(count);
    match end {
        End::Left => list.iter_from(0).take(count).for_each(|element| answer(reply, element)),
        End::Right => list.iter_back_from(list.len() - 1).take(count).for_each(|element| answer(reply, element)),
    }
}

/// The end that a word names.
fn end_of(args: &Args<'_>, i: usize) -> Result<End, Error> {
    match args {
        _ if args.is(i, "left") => Ok(End::Left),
        _ if args.is(i, "right") => Ok(End::Right),
        _ => Err(Error::Syntax),
    }
}

/// What happens when an element comes to an end.
fn push_event(end: End) -> &'static str {
    match end {
        End::Left => "lpush",
        End::Right => "rpush",
    }
}

/// What happens when one leaves.
fn pop_event(end: End) -> &'static str {
    match end {
        End::Left => "lpop",
        End::Right => "rpop",
    }
}

/// The command that removes elements at an end.
fn pop_word(end: End) -> &'static [u8] {
    match end {
        End::Left => b"LPOP",
        End::Right => b"RPOP",
    }
}

/// Word `i` as an integer whose sign says a direction: the least of all has no counterpart.
fn bounded(args: &Args<'_>, i: usize) -> Result<i64, Error> {
    match args.int(i)? {
        i64::MIN => Err(Error::Text(
            "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        )),
        n => Ok(n),
    }
}

/// A key's list changed by so many elements.
#[inline]
fn changed(cx: &mut DataContext<'_>, key: &[u8], event: &'static str, elements: usize) {
    cx.changed(key, Event::list(event));
    cx.effects.dirty += elements as u64 - 1;
}

/// Removes `count` elements at an end, of a list that has so many, and says so.
#[inline]
fn remove(cx: &mut DataContext<'_>, key: &[u8], end: End, count: usize) -> Result<(), EditError> {
    let Some(mut list) = cx.db.edit_existing::<List>(key)? else { return Ok(()) };
    let cut_off = list.pop(end, count, cx.encodings);
    let is_gone = finish(list, [cut_off]);
    removed(cx, key, end, count, is_gone);
    Ok(())
}

/// Puts a list back. Whether its key has gone. What was cut off is freed in its time.
#[inline]
fn finish<const N: usize>(mut list: Edit<'_, List>, cut_off: [Option<List>; N]) -> bool {
    cut_off.into_iter().flatten().for_each(|part| list.discard(part));
    list.finish()
}

/// Elements left a list at an end.
#[inline]
fn removed(cx: &mut DataContext<'_>, key: &[u8], end: End, count: usize, is_gone: bool) {
    changed(cx, key, pop_event(end), count);
    if is_gone {
        cx.happened(key, Event::generic("del"));
    }
}

/// How many elements the list at a key has. While a call waits, a key of another type is one that is not there; `passed` is then
/// set, since it is no longer so when another key makes the call answer (as in Redis 8.0).
fn waiting_len(cx: &mut DataContext<'_>, key: &[u8], passed: &mut bool) -> Result<Option<usize>, Error> {
    match cx.db.find_as::<List>(key) {
        Ok(None) => Ok(None),
        Ok(Some(_)) if *passed => Err(Error::WrongType),
        Ok(Some(list)) => Ok(Some(list.len())),
        Err(_) if cx.waiting == Waiting::Woken => {
            *passed = true;
            Ok(None)
        }
        Err(wrong) => Err(wrong.into()),
    }
}
