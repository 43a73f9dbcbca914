//! The big form of a list: a deque of chunks.
//!
//! ```text
//!  ┌─────────────┬─────────────┬───────┬─────────────┐
//!  │ listpack    │ listpack    │ plain │ listpack    │      CountedDeque: an index is found by the chunks' counts
//!  │ 455 elements│ 455         │ 1     │ 120         │
//!  └─────────────┴─────────────┴───────┴─────────────┘
//! ```
//!
//! An element goes into the chunk where it belongs while that stays within the bound ([`Limit`]), else into the next one or a new
//! one; an element beyond the bound stands alone. Chunks are split, joined and made where Redis 8.0 does it, so that a list has as
//! many of them, and returns to one listpack at the same length. They are not joined when elements are removed.
//!
//! Invariants: no chunk is empty.

use super::chunk::{Chunk, ChunkRef, Needle};
use super::chunks::Chunks;
use super::limit::Limit;
use super::{End, Side};
use crate::structures::counted_deque::Place;
use crate::structures::listpack::{self, Entry, Sliding};
use crate::values::walk::WalkId;

/// A long list.
#[derive(Clone, Default)]
pub struct Quicklist {
    chunks: Chunks,
}

impl Quicklist {
    /// A list of one chunk.
    pub(super) fn of(pack: Sliding) -> Quicklist {
        let mut list = Quicklist::default();
        list.append(Chunk::Packed(pack));
        list
    }

    /// Elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.chunks.count()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// How many chunks it has.
    pub fn chunk_count(&self) -> usize {
        self.chunks.len()
    }

    /// Its chunks.
    pub fn chunks(&self) -> impl Iterator<Item = ChunkRef<'_>> {
        self.chunks.iter().map(Chunk::as_ref)
    }

    /// Bytes of heap it holds, beside itself.
    #[inline]
    pub(super) fn heap_bytes(&self) -> usize {
        self.chunks.heap_bytes()
    }

    /// Begins a walk over its chunks.
    pub fn begin_walk(&mut self, id: WalkId) {
        self.chunks.begin_walk(id);
    }

    /// The walk under way.
    #[inline]
    pub fn walk_id(&self) -> Option<WalkId> {
        self.chunks.walk_id()
    }

    /// Bytes of copies that wait to be visited.
    pub fn kept_bytes(&self) -> usize {
        self.chunks.kept_bytes()
    }

    /// Goes on with the walk; whether there is more to do.
    pub fn step_walk(&mut self, budget: usize, visit: impl FnMut(ChunkRef<'_>)) -> bool {
        self.chunks.step_walk(budget, visit)
    }

    /// The element with this index.
    pub(super) fn get(&self, index: usize) -> Option<Entry<'_>> {
        let (place, index) = self.chunks.find(index)?;
        self.chunks.at(place).get(index)
    }

    /// All elements.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.chunks.iter().flat_map(Chunk::iter)
    }

    /// The elements from one index on.
    pub(super) fn entries_from(&self, index: usize) -> impl Iterator<Item = Entry<'_>> {
        let found = self.chunks.find(index).into_iter();
        found.flat_map(|(place, index)| {
            let behind = self.chunks.iter_from(place).skip(1).flat_map(Chunk::iter);
            self.chunks.at(place).iter_from(index).chain(behind)
        })
    }

    /// The elements from one index on, backwards.
    pub(super) fn entries_back_from(&self, index: usize) -> impl Iterator<Item = Entry<'_>> {
        let found = self.chunks.find(index).into_iter();
        found.flat_map(|(place, index)| {
            let before = self.chunks.iter_back_from(place).skip(1).flat_map(|chunk| chunk.iter().rev());
            self.chunks.at(place).iter_to(index).rev().chain(before)
        })
    }

    /// Adds a chunk at the end.
    pub(super) fn append(&mut self, chunk: Chunk) {
        if chunk.len() > 0 {
            self.chunks.push_back(chunk);
        }
    }

    /// Adds an element at an end.
    #[inline]
    pub(super) fn push(&mut self, end: End, element: &[u8], limit: &Limit) {
        let place = match end {
            End::Left => self.chunks.first(),
            End::Right => self.chunks.last(),
        };
        let chunk = match place {
            Some(place) if self.chunks.at(place).takes(element.len(), limit) => {
                return self.chunks.edit(place, |chunk| chunk.push(end, element, limit));
            }
            Some(place) => Chunk::beside(self.chunks.at(place), end, element, limit),
            None => Chunk::of(element, limit),
        };
        match end {
            End::Left => self.chunks.push_front(chunk),
            End::Right => self.chunks.push_back(chunk),
        }
    }

    /// Removes the elements from one index on, as many as there are at most. Gives the chunks that went whole.
    pub(super) fn remove(&mut self, index: usize, count: usize) -> Option<Quicklist> {
        let count = count.min(self.len().saturating_sub(index));
        if count == 0 {
            return None;
        }
        let (place, within) = self.chunks.find(index)?;
        let len = self.chunks.at(place).len();
        if within + count < len || (within > 0 && within + count == len) {
            self.chunks.edit(place, |chunk| chunk.remove(within, count));
            return None;
        }
        let mut count = count;
        if within > 0 {
            let here = len - within;
            self.chunks.edit(place, |chunk| chunk.remove(within, here));
            count -= here;
        }
        // What is left to be removed begins with a chunk.
        let (place, _) = self.chunks.find(index)?;
        let end = self.chunks.find(index + count);
        if let Some((end, rest @ 1..)) = end {
            self.chunks.edit(end, |chunk| chunk.remove(0, rest));
        }
        let end = end.map(|(end, _)| end);
        (end != Some(place)).then(|| Quicklist { chunks: self.chunks.remove_between(place, end) })
    }

    /// Removes up to `most` elements that are `needle`, from one end on. Gives how many.
    pub(super) fn remove_equal(&mut self, needle: Needle<'_>, from: End, most: usize) -> usize {
        let mut removed = 0;
        let mut next = match from {
            End::Left => self.chunks.first(),
            End::Right => self.chunks.last(),
        };
        while let Some(place) = next
            && removed < most
        {
            let before = self.chunks.prev(place);
            let is_gone = match self.chunks.at(place) {
                Chunk::Packed(_) => self.chunks.edit(place, |chunk| {
                    removed += remove_equal(chunk.pack_mut(), needle, from, most - removed);
                    chunk.len() == 0
                }),
                Chunk::Plain(text) => {
                    let is_it = needle.is(Entry::Bytes(text));
                    removed += is_it as usize;
                    is_it
                }
            };
            let behind = if is_gone { self.chunks.remove(place).1 } else { self.chunks.next(place) };
            next = match from {
                End::Left => behind,
                End::Right => before,
            };
        }
        removed
    }

    /// Puts another element in the place of the one with this index. Whether there is one.
    pub(super) fn set(&mut self, index: usize, element: &[u8], limit: &Limit) -> bool {
        let Some((place, index)) = self.chunks.find(index) else { return false };
        match (self.chunks.at(place), limit.is_large(element.len())) {
            (Chunk::Packed(_), false) => self.chunks.edit(place, |chunk| {
                let offset = chunk.offset(index);
                chunk.pack_mut().replace(offset, element.into(), limit.bytes);
            }),
            (Chunk::Plain(_), true) => self.chunks.edit(place, |chunk| *chunk = Chunk::of(element, limit)),
            (Chunk::Plain(_), false) => match self.chunks.next(place) {
                Some(next) if self.chunks.at(next).takes(element.len(), limit) => {
                    self.chunks.edit(next, |chunk| chunk.pack_mut().push_front(element.into(), limit.bytes));
                    self.chunks.remove(place);
                }
                _ => self.chunks.edit(place, |chunk| *chunk = Chunk::of(element, limit)),
            },
            (Chunk::Packed(_), true) => self.set_plain(place, index, element, limit),
        }
        true
    }

    /// Takes an element out of a listpack and puts a large one in its place.
    fn set_plain(&mut self, place: Place, index: usize, element: &[u8], limit: &Limit) {
        let behind = self.split(place, index + 1);
        let mut plain = self.chunks.insert_after(place, Chunk::of(element, limit));
        if let Some(behind) = behind {
            let behind = self.chunks.insert_after(plain, behind);
            plain = self.chunks.prev(behind).expect("the plain one");
        }
        let before = self.chunks.prev(plain).expect("what was before it");
        if index == 0 {
            self.chunks.remove(before);
            return;
        }
        self.chunks.edit(before, |chunk| chunk.remove(index, 1));
        self.join_around(plain, limit);
    }

    /// Puts an element beside the first one that is `pivot`. Whether there is one.
    pub(super) fn insert(&mut self, pivot: Needle<'_>, side: Side, element: &[u8], limit: &Limit) -> bool {
        let mut next = self.chunks.first();
        while let Some(place) = next {
            if let Some(index) = self.chunks.at(place).iter().position(|entry| pivot.is(entry)) {
                self.insert_at(place, index, side, element, limit);
                return true;
            }
            next = self.chunks.next(place);
        }
        false
    }

    /// Puts an element beside the one with this index of a chunk.
    fn insert_at(&mut self, place: Place, index: usize, side: Side, element: &[u8], limit: &Limit) {
        let chunk = self.chunks.at(place);
        let behind = index + (side == Side::After) as usize;
        if chunk.takes(element.len(), limit) {
            self.chunks.edit(place, |chunk| {
                let offset = chunk.offset(behind);
                chunk.pack_mut().insert(offset, element.into(), limit.bytes);
            });
        } else if behind == 0 || behind == chunk.len() {
            self.insert_between(place, side, element, limit);
        } else if limit.is_large(element.len()) {
            let tail = self.split(place, behind).expect("it is not the end");
            let plain = self.chunks.insert_after(place, Chunk::of(element, limit));
            self.chunks.insert_after(plain, tail);
        } else {
            self.insert_in_full(place, behind, side, element, limit);
        }
    }

    /// Puts an element between a chunk, which does not take it, and the next one on that side: there if it does, else in a new one.
    fn insert_between(&mut self, place: Place, side: Side, element: &[u8], limit: &Limit) {
        let neighbour = match side {
            Side::Before => self.chunks.prev(place),
            Side::After => self.chunks.next(place),
        };
        match (neighbour, side) {
            (Some(other), _) if self.chunks.at(other).takes(element.len(), limit) => {
                self.chunks.edit(other, |chunk| match side {
                    Side::Before => chunk.pack_mut().push_back(element.into(), limit.bytes),
                    Side::After => chunk.pack_mut().push_front(element.into(), limit.bytes),
                });
            }
            (_, Side::Before) => drop(self.chunks.insert_before(place, Chunk::of(element, limit))),
            (_, Side::After) => drop(self.chunks.insert_after(place, Chunk::of(element, limit))),
        }
    }

    /// Splits a chunk before the element with index `behind`, and puts an element where it was split.
    fn insert_in_full(&mut self, place: Place, behind: usize, side: Side, element: &[u8], limit: &Limit) {
        let mut tail = self.split(place, behind).expect("it is not the end");
        match side {
            Side::Before => self.chunks.edit(place, |head| head.pack_mut().push_back(element.into(), limit.bytes)),
            Side::After => tail.pack_mut().push_front(element.into(), limit.bytes),
        }
        let tail = self.chunks.insert_after(place, tail);
        let pivot = match side {
            Side::Before => tail,
            Side::After => self.chunks.prev(tail).expect("the head"),
        };
        self.join_around(pivot, limit);
    }

    /// Takes a chunk's elements from one index on out, if there are any.
    fn split(&mut self, place: Place, index: usize) -> Option<Chunk> {
        if index == self.chunks.at(place).len() {
            return None;
        }
        Some(self.chunks.edit(place, |chunk| {
            let offset = chunk.offset(index);
            Chunk::Packed(chunk.pack_mut().split_off(offset))
        }))
    }

    /// Joins what may be joined about a chunk: the two before it, the two behind it, and then itself with both sides.
    fn join_around(&mut self, center: Place, limit: &Limit) {
        let mut center = center;
        if let Some(prev) = self.chunks.prev(center)
            && let Some(before) = self.chunks.prev(prev)
            && self.join(before, limit)
        {
            center = self.chunks.next(before).expect("the centre");
        }
        if let Some(next) = self.chunks.next(center) {
            self.join(next, limit);
        }
        if let Some(prev) = self.chunks.prev(center)
            && self.join(prev, limit)
        {
            center = prev;
        }
        self.join(center, limit);
    }

    /// Adds the elements of the chunk behind to a chunk, if it takes them. Whether it did.
    fn join(&mut self, place: Place, limit: &Limit) -> bool {
        let Some(next) = self.chunks.next(place) else { return false };
        if !self.chunks.at(place).takes_all(self.chunks.at(next), limit) {
            return false;
        }
        if let (Chunk::Packed(behind), _) = self.chunks.remove(next) {
            self.chunks.edit(place, |chunk| chunk.pack_mut().append(&behind, limit.bytes));
        }
        true
    }

    /// The listpack of a list that has no more than one, if that is within the bound.
    pub(super) fn take_pack(&mut self, limit: &Limit, has_shrunk: bool) -> Option<Sliding> {
        let first = self.chunks.first().filter(|_| self.chunk_count() == 1)?;
        match self.chunks.at(first) {
            Chunk::Packed(pack) if limit.is_packed(pack.pack_bytes(), pack.len(), has_shrunk) => {}
            _ => return None,
        }
        match self.chunks.remove(first) {
            (Chunk::Packed(mut pack), _) => {
                pack.trim();
                Some(pack)
            }
            (Chunk::Plain(_), _) => None,
        }
    }
}

/// Removes up to `most` elements that are `needle`, from one end on. Gives how many.
pub(super) fn remove_equal(pack: &mut Sliding, needle: Needle<'_>, from: End, most: usize) -> usize {
    let mut removed = 0;
    match from {
        End::Left => {
            let mut offset = listpack::FIRST;
            while removed < most && offset < pack.view().end() {
                match needle.is(pack.view().at(offset)) {
                    true => removed += pack.remove(offset, 1),
                    false => offset = pack.view().next(offset).unwrap_or(pack.view().end()),
                }
            }
        }
        End::Right => {
            let mut behind = pack.view().end();
            while removed < most
                && let Some(offset) = pack.view().prev(behind)
            {
                if needle.is(pack.view().at(offset)) {
                    removed += pack.remove(offset, 1);
                }
                behind = offset;
            }
        }
    }
    removed
}
