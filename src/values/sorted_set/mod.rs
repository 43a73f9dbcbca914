//! Sorted sets: members, each with a score, in the order of scores; where scores are equal, of members.
//!
//! ```text
//! Packed   a listpack of members and scores           up to zset-max-listpack-entries, none longer than zset-max-listpack-value
//! Ranked   a table of members beside a tree of ranks  beyond; it does not go back
//! ```

mod builder;
mod packed;
mod range;
mod ranked;
mod walk;

pub use builder::Builder;
pub use range::{LexBound, LexRange, ScoreBound, ScoreRange};
pub use ranked::Ranked;
pub use walk::{Direction, Walk};

use super::{Big, Collection, Encodings, Stowed, View, WrongType, tag};
use crate::base::number::{print_f64, print_f64_in_17_digits};
use crate::structures::element_table::Full;
use crate::structures::listpack::{self, Entry, Listpack};
use crate::structures::record_arena::{Payload, PayloadMut};
use std::ops::Range;

/// A sorted set.
#[derive(Debug, Clone, PartialEq)]
pub enum SortedSet {
    /// A listpack, or no bytes yet.
    Packed(Vec<u8>),
    /// Of any size.
    Ranked(Box<Ranked>),
}

/// A sorted set as it stands.
#[derive(Debug, Clone, Copy)]
pub enum SortedSetRef<'a> {
    /// A listpack.
    Packed(Listpack<'a>),
    /// Of any size.
    Ranked(&'a Ranked),
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Nothing changed.
    Nothing,
    /// The member is new.
    Added,
    /// It has another score.
    Updated,
}

impl<'a> SortedSetRef<'a> {
    /// The name that `OBJECT ENCODING` answers.
    pub fn encoding(&self) -> &'static str {
        match self {
            SortedSetRef::Packed(_) => "listpack",
            SortedSetRef::Ranked(_) => "skiplist",
        }
    }

    /// Members.
    pub fn len(self) -> usize {
        match self {
            SortedSetRef::Packed(pack) => pack.len() / 2,
            SortedSetRef::Ranked(set) => set.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// How many of `len` elements in a range an offset passes over. As in Redis 8.0, where the two encodings differ, one below 0 passes over
    /// all of a small set's elements, and of a big set's over all but so many at the end of the range, if there are so many.
    pub fn passed_over(self, offset: i64, len: usize) -> usize {
        match (usize::try_from(offset), self) {
            (Ok(offset), _) => offset.min(len),
            (Err(_), SortedSetRef::Packed(_)) => len,
            (Err(_), SortedSetRef::Ranked(_)) => {
                let from_end = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
                len.checked_sub(from_end).unwrap_or(len)
            }
        }
    }

    /// A member's score.
    #[inline]
    pub fn score(self, member: &[u8]) -> Option<f64> {
        match self {
            SortedSetRef::Packed(pack) => packed::find(pack, member).map(|(_, score)| score),
            SortedSetRef::Ranked(set) => set.score(member),
        }
    }

    /// How many members stand before one, and its score.
    pub fn rank_of(self, member: &[u8]) -> Option<(usize, f64)> {
        match self {
            SortedSetRef::Packed(pack) => packed::rank_of(pack, member),
            SortedSetRef::Ranked(set) => set.rank_of(member),
        }
    }

    /// The ranks of the scores in a range.
    pub fn score_ranks(self, range: &ScoreRange) -> Range<usize> {
        match self {
            _ if range.is_empty() => 0..0,
            SortedSetRef::Packed(pack) => packed::score_ranks(pack, range),
            SortedSetRef::Ranked(set) => set.score_ranks(range),
        }
    }

    /// The ranks of the members in a range, where all scores are equal. (Where they are not, it is some range.)
    pub fn lex_ranks(self, range: &LexRange<'_>) -> Range<usize> {
        match self {
            SortedSetRef::Packed(pack) => packed::lex_ranks(pack, range),
            SortedSetRef::Ranked(set) => set.lex_ranks(range),
        }
    }

    /// The elements of these ranks, which are there, one after the other.
    pub fn walk(self, ranks: Range<usize>, direction: Direction) -> Walk<'a> {
        match self {
            SortedSetRef::Packed(pack) => Walk::packed(pack, ranks, direction),
            SortedSetRef::Ranked(set) => Walk::ranked(set, ranks, direction),
        }
    }

    /// All elements in order.
    pub fn iter(self) -> Walk<'a> {
        self.walk(0..self.len(), Direction::Forward)
    }

    /// Visits the elements at a scan position, all of them if it is packed; gives the next position, 0 at the end.
    pub fn scan(self, cursor: u64, mut visit: impl FnMut(Entry<'a>, f64)) -> u64 {
        match self {
            SortedSetRef::Packed(pack) => {
                packed::pairs(pack).for_each(|(member, score)| visit(member, score));
                0
            }
            SortedSetRef::Ranked(set) => set.scan(cursor, |member, score| visit(Entry::Bytes(member), score)),
        }
    }

    /// Appends a score as ZSCAN shows it: the text that is stored, and 17 digits where there is none.
    pub fn print_scanned(self, score: f64, out: &mut Vec<u8>) {
        match self {
            SortedSetRef::Packed(_) => print_f64(score, out),
            SortedSetRef::Ranked(_) => print_f64_in_17_digits(score, out),
        }
    }

    /// Panics unless its parts agree.
    pub fn check_invariants(self) {
        match self {
            SortedSetRef::Packed(pack) => {
                let elements = listpack::verify(pack.bytes()).expect("a listpack");
                assert_eq!(elements % 2, 0);
                assert!(is_in_order(pack), "elements in order");
            }
            SortedSetRef::Ranked(set) => set.check_invariants(),
        }
    }
}

/// Whether a listpack of members and numbers, which is one as such, has its elements in order.
fn is_in_order(pack: Listpack<'_>) -> bool {
    let mut before: Option<(Entry<'_>, f64)> = None;
    packed::pairs(pack).all(|(member, score)| {
        let is_behind = before.is_none_or(|(text, lower)| {
            lower < score
                || (lower == score && packed::cmp_text(text, member.as_slice(&mut itoa::Buffer::new())).is_lt())
        });
        before = Some((member, score));
        is_behind
    })
}

/// What is wrong with bytes that claim to be a packed sorted set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flaw;

impl SortedSet {
    /// Takes bytes from elsewhere, once they are found to be a listpack of members, each once, and scores, in order; they may be more
    /// than is kept packed now.
    pub fn from_packed(bytes: Vec<u8>, encodings: &Encodings) -> Result<SortedSet, Flaw> {
        let elements = listpack::verify(&bytes).map_err(|_| Flaw)?;
        let pack = Listpack::new(&bytes);
        let is_score = |(_, score): (Entry<'_>, Entry<'_>)| match score {
            Entry::Int(_) => true,
            Entry::Bytes(text) => crate::base::number::parse_f64(text).is_some(),
        };
        if elements % 2 != 0 || !pack.pairs().all(is_score) || !is_in_order(pack) || !are_distinct(pack) {
            return Err(Flaw);
        }
        let mut set = SortedSet::Packed(bytes);
        set.expect(elements / 2, encodings).map_err(|_| Flaw)?;
        Ok(set)
    }

    /// The sorted set, to be read.
    #[inline]
    pub fn as_ref(&self) -> SortedSetRef<'_> {
        match self {
            SortedSet::Packed(bytes) => SortedSetRef::Packed(Listpack::or_empty(bytes)),
            SortedSet::Ranked(set) => SortedSetRef::Ranked(set),
        }
    }

    /// Says that so many elements are about to be written: if they are too many for a listpack it is given up at once, as in Redis,
    /// even where most turn out to be one and the same.
    #[inline]
    pub fn expect(&mut self, elements: usize, encodings: &Encodings) -> Result<(), Full> {
        match self {
            SortedSet::Packed(_) if elements > encodings.zset_max_listpack_entries => self.unpack(encodings).map(drop),
            _ => Ok(()),
        }
    }

    /// Gives a member the score that `decide` makes of the one it has, if it has one. `None` leaves all as it is.
    #[inline]
    pub fn write(
        &mut self,
        member: &[u8],
        encodings: &Encodings,
        mut decide: impl FnMut(Option<f64>) -> Option<f64>,
    ) -> Result<Written, Full> {
        let pack = match self {
            SortedSet::Packed(pack) => pack,
            SortedSet::Ranked(set) => return set.write(member, &mut decide),
        };
        if let Some(written) = packed::rescore(pack, member, &mut decide) {
            return Ok(written);
        }
        let Some(score) = decide(None) else { return Ok(Written::Nothing) };
        let fits = Listpack::or_empty(pack).len() / 2 < encodings.zset_max_listpack_entries
            && member.len() <= encodings.zset_max_listpack_value
            && packed::has_room(pack, member);
        if fits {
            packed::insert(pack, member, score);
            return Ok(Written::Added);
        }
        self.unpack(encodings)?.write(member, &mut |_| Some(score))
    }

    /// Removes a member; whether it was there.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        match self {
            SortedSet::Packed(pack) => match packed::find(Listpack::or_empty(pack), member) {
                Some((offset, _)) => {
                    packed::remove_at(pack, offset);
                    true
                }
                None => false,
            },
            SortedSet::Ranked(set) => set.remove(member),
        }
    }

    /// Removes the members of these ranks, which are there.
    pub fn remove_ranks(&mut self, ranks: Range<usize>) {
        match self {
            SortedSet::Packed(pack) => packed::remove_ranks(pack, ranks),
            SortedSet::Ranked(set) => set.remove_ranks(ranks),
        }
    }

    /// Gives up the listpack.
    fn unpack(&mut self, encodings: &Encodings) -> Result<&mut Ranked, Full> {
        if let SortedSet::Packed(pack) = self {
            let mut set = Ranked::new(encodings.hasher);
            for (member, score) in packed::pairs(Listpack::or_empty(pack)) {
                set.push(member.as_slice(&mut itoa::Buffer::new()), score)?;
            }
            *self = SortedSet::Ranked(Box::new(set));
        }
        match self {
            SortedSet::Ranked(set) => Ok(set),
            SortedSet::Packed(_) => unreachable!("made so above"),
        }
    }

    /// Bytes of heap it holds. O(1).
    pub fn heap_bytes(&self) -> usize {
        match self {
            SortedSet::Packed(bytes) => bytes.capacity(),
            SortedSet::Ranked(set) => set.heap_bytes(),
        }
    }

    /// Steps that freeing it takes.
    pub fn free_effort(&self) -> usize {
        match self {
            SortedSet::Packed(_) => 1,
            SortedSet::Ranked(set) => set.free_effort(),
        }
    }
}

/// Members compared each with each, up to so many; more are sorted.
const COMPARED_MAX: usize = 16;

/// Whether no member stands there twice. An integer that is spelled as a text is the same member.
fn are_distinct(pack: Listpack<'_>) -> bool {
    if pack.len() / 2 > COMPARED_MAX {
        let mut members: Vec<Vec<u8>> = pack.pairs().map(|(member, _)| member.to_vec()).collect();
        members.sort_unstable();
        return members.windows(2).all(|two| two[0] != two[1]);
    }
    let mut buffer = itoa::Buffer::new();
    pack.offsets().step_by(2).all(|at| pack.find(pack.at(at).as_slice(&mut buffer), 1) == Some(at))
}

impl Default for SortedSet {
    fn default() -> Self {
        SortedSet::Packed(Vec::new())
    }
}

impl Collection for SortedSet {
    type Ref<'a> = SortedSetRef<'a>;

    #[inline]
    fn view(view: View<'_>) -> Result<SortedSetRef<'_>, WrongType> {
        match view {
            Payload::Inline { tag: tag::SORTED_SET, bytes } => Ok(SortedSetRef::Packed(Listpack::or_empty(bytes))),
            Payload::Boxed(Big::SortedSet(set)) => Ok(set.as_ref()),
            _ => Err(WrongType),
        }
    }

    #[inline]
    fn take(view: PayloadMut<'_, Big>, mut spare: Vec<u8>) -> Result<SortedSet, WrongType> {
        match view {
            PayloadMut::Inline { tag: tag::SORTED_SET, bytes } => {
                spare.extend_from_slice(bytes);
                Ok(SortedSet::Packed(spare))
            }
            PayloadMut::Boxed(Big::SortedSet(set)) => Ok(std::mem::take(set)),
            _ => Err(WrongType),
        }
    }

    #[inline]
    fn stow(self, inline_max: usize) -> Stowed {
        match self {
            SortedSet::Packed(bytes) => {
                Stowed::packed(tag::SORTED_SET, bytes, inline_max, |bytes| Big::SortedSet(SortedSet::Packed(bytes)))
            }
            SortedSet::Ranked(_) => Stowed::Big(Big::SortedSet(self)),
        }
    }

    #[inline]
    fn is_empty(&self) -> bool {
        match self {
            SortedSet::Packed(bytes) => bytes.len() <= listpack::EMPTY_BYTES,
            SortedSet::Ranked(set) => set.len() == 0,
        }
    }
}
