//! Sorted sets.

mod bounds;
mod combine;
mod count;
mod pop;
mod random;
mod range;
mod read;
mod remove;
mod scan;
mod update;
mod wait;

pub(super) use update::{Condition, Rule, add};

use super::args::Args;
use super::context::DataContext;
use super::effects::Event;
use super::error::Error;
use super::row::Command;
use crate::base::number::{parse_f64, parse_i64};
use crate::formats::resp::reply::{Protocol, Reply};
use crate::keyspace::database::Expiry;
use crate::structures::listpack::Entry;
use crate::values::Owned;
use crate::values::sorted_set::SortedSet;

/// The lists of this folder's files.
pub const LISTS: &[&[&Command]] = &[
    update::COMMANDS,
    remove::COMMANDS,
    read::COMMANDS,
    count::COMMANDS,
    range::COMMANDS,
    combine::COMMANDS,
    pop::COMMANDS,
    wait::COMMANDS,
    random::COMMANDS,
    scan::COMMANDS,
];

/// A score as a word. Most are whole numbers, which are quicker to read.
#[inline]
fn score(args: &Args<'_>, i: usize) -> Result<f64, Error> {
    const EXACT: i64 = 1 << 53;
    let word = args.get(i);
    match parse_i64(word) {
        Some(number) if (-EXACT..=EXACT).contains(&number) => Ok(number as f64),
        _ => parse_f64(word).ok_or(Error::NotFloat),
    }
}

/// Answers a member.
#[inline]
pub(super) fn answer_member(reply: &mut Reply, member: Entry<'_>) {
    match member {
        Entry::Bytes(text) => reply.bulk(text),
        Entry::Int(number) => reply.bulk_int(number),
    }
}

/// Whether elements are answered with their scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scores {
    Shown,
    Hidden,
}

/// Answers elements: with scores, all flat in RESP2, and as an array of two each in RESP3.
fn answer_elements<'a>(reply: &mut Reply, elements: impl ExactSizeIterator<Item = (Entry<'a>, f64)>, scores: Scores) {
    answer_head(reply, elements.len(), scores);
    answer_each(reply, elements, scores);
}

/// The head of an array of so many elements.
fn answer_head(reply: &mut Reply, elements: usize, scores: Scores) {
    let is_flat = scores == Scores::Shown && reply.protocol == Protocol::Resp2;
    reply.array(if is_flat { elements.saturating_mul(2) } else { elements });
}

/// What stands in it.
fn answer_each<'a>(reply: &mut Reply, elements: impl Iterator<Item = (Entry<'a>, f64)>, scores: Scores) {
    match scores {
        Scores::Hidden => elements.for_each(|(member, _)| answer_member(reply, member)),
        Scores::Shown => elements.for_each(|(member, score)| {
            if reply.protocol == Protocol::Resp3 {
                reply.array(2);
            }
            answer_member(reply, member);
            reply.double(score);
        }),
    }
}

/// So many elements of a key's set changed.
fn changed(cx: &mut DataContext<'_>, key: &[u8], event: &'static str, elements: usize) {
    cx.changed(key, Event::sorted_set(event));
    cx.effects.dirty += elements as u64 - 1;
}

/// Puts a result in the place of whatever a key held; without elements, the key goes. Answers how many it has.
pub(super) fn store(cx: &mut DataContext<'_>, key: &[u8], set: SortedSet, event: &'static str) -> Result<(), Error> {
    let len = set.as_ref().len();
    if len > 0 {
        cx.db.put(key, Owned::of(set), Expiry::Clear)?;
        cx.changed(key, Event::sorted_set(event));
    } else if cx.db.remove(key) {
        cx.changed(key, Event::generic("del"));
    }
    cx.reply.int(len as i64);
    Ok(())
}
