//! Small sorted sets: a listpack of members and scores, in the order of score and member, as Redis keeps them.
//!
//! ```text
//! │ member │ score │ member │ score │ ...        a score is an integer where it is one below 2^52, else its digits
//! ```

use super::Written;
use super::range::{LexRange, ScoreRange};
use crate::base::number::{parse_f64, print_f64};
use crate::structures::listpack::{self, Entry, Listpack, entry_bytes};
use std::cmp::Ordering;
use std::ops::Range;

/// A listpack without elements.
/// The longest text of a score, bytes.
const SCORE_MAX_BYTES: usize = 32;
/// What an element takes at most beside its member's text.
pub(super) const ELEMENT_MAX_EXTRA_BYTES: usize = SCORE_MAX_BYTES + 16;

/// The score that an element of a listpack is.
#[inline]
pub(super) fn score_of(entry: Entry<'_>) -> f64 {
    match entry {
        Entry::Int(score) => score as f64,
        Entry::Bytes(text) => parse_f64(text).expect("scores are checked when they come in"),
    }
}

/// Calls `put` with the element that a score is stored as.
#[inline]
fn with_score<R>(score: f64, put: impl FnOnce(Entry<'_>) -> R) -> R {
    const INTEGER_LIMIT: f64 = (1u64 << 52) as f64;
    if score.trunc() == score && score.abs() < INTEGER_LIMIT {
        return put(Entry::Int(score as i64));
    }
    let mut text = Vec::with_capacity(SCORE_MAX_BYTES);
    print_f64(score, &mut text);
    put(Entry::from(&text))
}

/// How a member stands to a text.
#[inline]
pub(super) fn cmp_text(member: Entry<'_>, text: &[u8]) -> Ordering {
    member.as_slice(&mut itoa::Buffer::new()).cmp(text)
}

/// Members and scores, from the first.
#[inline]
pub(super) fn pairs(pack: Listpack<'_>) -> impl Iterator<Item = (Entry<'_>, f64)> {
    pack.pairs().map(|(member, score)| (member, score_of(score)))
}

/// Where a member stands, and its score.
#[inline]
pub(super) fn find(pack: Listpack<'_>, member: &[u8]) -> Option<(usize, f64)> {
    let offset = pack.find(member, 1)?;
    let score = pack.next(offset).expect("a score behind each member");
    Some((offset, score_of(pack.at(score))))
}

/// How many members stand before one, and its score.
pub(super) fn rank_of(pack: Listpack<'_>, member: &[u8]) -> Option<(usize, f64)> {
    let (offset, score) = find(pack, member)?;
    let rank = pack.offsets().step_by(2).take_while(|before| *before < offset).count();
    Some((rank, score))
}

/// Where the member with this rank stands; the end, if there are not as many.
pub(super) fn offset_of(pack: Listpack<'_>, rank: usize) -> usize {
    if rank == 0 {
        return listpack::FIRST;
    }
    let index = rank.checked_mul(2).and_then(|index| i64::try_from(index).ok());
    index.and_then(|index| pack.seek(index)).unwrap_or(pack.end())
}

/// The ranks of the scores in a range.
pub(super) fn score_ranks(pack: Listpack<'_>, range: &ScoreRange) -> Range<usize> {
    let mut scores = pairs(pack).map(|(_, score)| score).enumerate();
    let Some((start, first)) = scores.find(|(_, score)| !range.is_above(*score)) else { return 0..0 };
    if !range.reaches(first) {
        return start..start;
    }
    start..start + 1 + scores.take_while(|(_, score)| range.reaches(*score)).count()
}

/// The ranks of the members in a range, if all scores are equal. If not it is what comes of walking, as in Redis.
pub(super) fn lex_ranks(pack: Listpack<'_>, range: &LexRange<'_>) -> Range<usize> {
    let mut buffer = itoa::Buffer::new();
    let mut members = pack.pairs().map(|(member, _)| member).enumerate();
    let start = members.find(|(_, member)| !range.is_above(member.as_slice(&mut buffer)));
    let Some((start, first)) = start.filter(|_| !range.is_empty()) else { return 0..0 };
    if !range.reaches(first.as_slice(&mut buffer)) {
        return start..start;
    }
    start..start + 1 + members.take_while(|(_, member)| range.reaches(member.as_slice(&mut buffer))).count()
}

/// Where a member with this score belongs.
fn place_for(pack: Listpack<'_>, score: f64, member: &[u8]) -> usize {
    let is_behind = |(at, its_score): (Entry<'_>, f64)| {
        its_score < score || (its_score == score && cmp_text(at, member) == Ordering::Less)
    };
    // Scores often come in their order: the last one is looked at first.
    let last = pack.pairs().next_back().map(|(at, its_score)| (at, score_of(its_score)));
    if last.is_none_or(is_behind) {
        return pack.end();
    }
    let mut entries = pack.iter();
    loop {
        let offset = entries.offset();
        match (entries.next(), entries.next()) {
            (Some(at), Some(its_score)) if is_behind((at, score_of(its_score))) => {}
            _ => return offset,
        }
    }
}

/// Adds a member that is not there.
pub(super) fn insert(pack: &mut Vec<u8>, member: &[u8], score: f64) {
    if pack.is_empty() {
        pack.extend_from_slice(&listpack::EMPTY);
    }
    let place = place_for(Listpack::new(pack), score, member);
    let behind = listpack::insert(pack, place, member);
    with_score(score, |score| listpack::insert(pack, behind, score));
}

/// Adds a member that stands behind all others.
pub(super) fn push(pack: &mut Vec<u8>, member: &[u8], score: f64) {
    listpack::push_back(pack, member);
    with_score(score, |score| listpack::push_back(pack, score));
}

/// Gives the member at `offset` another score, and so perhaps another place.
fn set_score(pack: &mut Vec<u8>, offset: usize, member: &[u8], score: f64) {
    remove_at(pack, offset);
    insert(pack, member, score);
}

/// Removes the member at `offset` with its score.
pub(super) fn remove_at(pack: &mut Vec<u8>, offset: usize) {
    listpack::remove_range(pack, offset, 2);
}

/// Removes the members of these ranks.
pub(super) fn remove_ranks(pack: &mut Vec<u8>, ranks: Range<usize>) {
    if !ranks.is_empty() {
        let offset = offset_of(Listpack::or_empty(pack), ranks.start);
        listpack::remove_range(pack, offset, 2 * ranks.len());
    }
}

/// Whether one more member of this length may be added.
pub(super) fn has_room(pack: &[u8], member: &[u8]) -> bool {
    listpack::has_room(pack, entry_bytes(member) + SCORE_MAX_BYTES)
}

/// Lets `decide` change the score of a member that is there. `None`: it is not.
#[inline]
pub(super) fn rescore(
    pack: &mut Vec<u8>,
    member: &[u8],
    decide: &mut impl FnMut(Option<f64>) -> Option<f64>,
) -> Option<Written> {
    let (offset, old) = find(Listpack::or_empty(pack), member)?;
    match decide(Some(old)) {
        Some(score) if score != old => {
            set_score(pack, offset, member, score);
            Some(Written::Updated)
        }
        _ => Some(Written::Nothing),
    }
}
