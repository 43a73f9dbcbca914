//! The chunks of a long list, which can be walked: each as it was when the walk began, in order, while the list goes on changing.
//!
//! ```text
//! begin     chunks are numbered from 1; 0: not of the walk (it was given already, or came later)
//!
//! list      │ 0 │ 0 │ 4 │ 0 │ 6 │ 0 │      the walk is at number 4 of 6
//! kept                    │ 5 │            as it was: who changes or removes a numbered chunk leaves a copy
//! ```
//!
//! Invariants: of the numbers from `next` to `last` each is once in the list or once in `kept`; those in the list ascend.

use super::chunk::{Chunk, ChunkRef};
use crate::structures::counted_deque::{Counted, CountedDeque, Place};
use crate::values::walk::{Slot, WalkId};
use std::collections::BTreeMap;

/// Bytes of a chunk that cost about as much to visit as an element.
const BYTES_PER_ELEMENT: usize = 64;

/// Chunks in order.
#[derive(Clone, Default)]
pub(super) struct Chunks {
    items: CountedDeque<Numbered>,
    walk: Slot<Walk>,
}

struct Numbered {
    chunk: Chunk,
    number: u32,
}

struct Walk {
    id: WalkId,
    next: u32,
    last: u32,
    /// Where the chunk before `next` stood, if nothing has moved since.
    hint: Option<Place>,
    kept: BTreeMap<u32, Chunk>,
    kept_bytes: usize,
}

impl Numbered {
    fn new(chunk: Chunk) -> Numbered {
        Numbered { chunk, number: 0 }
    }
}

impl Clone for Numbered {
    fn clone(&self) -> Numbered {
        Numbered::new(self.chunk.clone())
    }
}

impl Counted for Numbered {
    #[inline]
    fn count(&self) -> usize {
        self.chunk.count()
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        self.chunk.heap_bytes()
    }
}

/// As of a [`CountedDeque`].
impl Chunks {
    #[inline]
    pub(super) fn count(&self) -> usize {
        self.items.count()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    #[inline]
    pub(super) fn heap_bytes(&self) -> usize {
        self.items.heap_bytes()
    }

    #[inline]
    pub(super) fn find(&self, index: usize) -> Option<(Place, usize)> {
        self.items.find(index)
    }

    #[inline]
    pub(super) fn first(&self) -> Option<Place> {
        self.items.first()
    }

    #[inline]
    pub(super) fn last(&self) -> Option<Place> {
        self.items.last()
    }

    #[inline]
    pub(super) fn next(&self, place: Place) -> Option<Place> {
        self.items.next(place)
    }

    pub(super) fn prev(&self, place: Place) -> Option<Place> {
        self.items.prev(place)
    }

    #[inline]
    pub(super) fn at(&self, place: Place) -> &Chunk {
        &self.items.at(place).chunk
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Chunk> {
        self.items.iter().map(|item| &item.chunk)
    }

    pub(super) fn iter_from(&self, place: Place) -> impl Iterator<Item = &Chunk> {
        self.items.iter_from(place).map(|item| &item.chunk)
    }

    pub(super) fn iter_back_from(&self, place: Place) -> impl Iterator<Item = &Chunk> {
        self.items.iter_back_from(place).map(|item| &item.chunk)
    }

    pub(super) fn push_front(&mut self, chunk: Chunk) {
        self.items.push_front(Numbered::new(chunk));
    }

    pub(super) fn push_back(&mut self, chunk: Chunk) {
        self.items.push_back(Numbered::new(chunk));
    }

    pub(super) fn insert_after(&mut self, place: Place, chunk: Chunk) -> Place {
        self.items.insert_after(place, Numbered::new(chunk))
    }

    pub(super) fn insert_before(&mut self, place: Place, chunk: Chunk) -> Place {
        self.items.insert_before(place, Numbered::new(chunk))
    }

    #[inline]
    pub(super) fn edit<R>(&mut self, place: Place, change: impl FnOnce(&mut Chunk) -> R) -> R {
        self.before_change(place);
        self.items.edit(place, |item| change(&mut item.chunk))
    }

    pub(super) fn remove(&mut self, place: Place) -> (Chunk, Option<Place>) {
        self.before_change(place);
        let (item, next) = self.items.remove(place);
        (item.chunk, next)
    }

    pub(super) fn remove_between(&mut self, place: Place, end: Option<Place>) -> Chunks {
        let mut removed = self.items.remove_between(place, end);
        if let Some(walk) = &mut self.walk.0 {
            walk.keep_all(&mut removed);
        }
        Chunks { items: removed, walk: Slot::EMPTY }
    }
}

impl Walk {
    fn keep(&mut self, number: u32, chunk: Chunk) {
        self.kept_bytes += chunk.heap_bytes();
        self.kept.insert(number, chunk);
    }

    /// Takes the numbered ones out of chunks that were removed.
    fn keep_all(&mut self, removed: &mut CountedDeque<Numbered>) {
        let mut next = removed.first();
        while let Some(place) = next {
            if removed.at(place).number != 0 {
                let left = Numbered::new(Chunk::Plain(Box::default()));
                let Numbered { chunk, number } = removed.edit(place, |item| std::mem::replace(item, left));
                self.keep(number, chunk);
            }
            next = removed.next(place);
        }
    }
}

// ---- the walk ----

impl Chunks {
    pub(super) fn begin_walk(&mut self, id: WalkId) {
        assert!(self.walk.0.is_none(), "one walk at a time");
        let (mut last, mut next) = (0, self.items.first());
        while let Some(place) = next {
            last += 1;
            self.items.edit(place, |item| item.number = last);
            next = self.items.next(place);
        }
        let walk = Walk { id, next: 1, last, hint: None, kept: BTreeMap::new(), kept_bytes: 0 };
        self.walk = Slot(Some(Box::new(walk)));
    }

    #[inline]
    pub(super) fn walk_id(&self) -> Option<WalkId> {
        self.walk.0.as_ref().map(|walk| walk.id)
    }

    pub(super) fn kept_bytes(&self) -> usize {
        self.walk.0.as_ref().map_or(0, |walk| walk.kept_bytes)
    }

    /// Visits the next chunks; whether there are more.
    pub(super) fn step_walk(&mut self, budget: usize, mut visit: impl FnMut(ChunkRef<'_>)) -> bool {
        let Some(mut walk) = self.walk.0.take() else { return false };
        let mut left = budget as isize;
        while left > 0 && walk.next <= walk.last {
            left -= self.visit_next(&mut walk, &mut visit) as isize;
            walk.next += 1;
        }
        let more = walk.next <= walk.last;
        if more {
            self.walk = Slot(Some(walk));
        }
        more
    }

    /// Visits the chunk whose turn it is; what that costs.
    fn visit_next(&mut self, walk: &mut Walk, visit: &mut impl FnMut(ChunkRef<'_>)) -> usize {
        if let Some(chunk) = walk.kept.remove(&walk.next) {
            walk.kept_bytes -= chunk.heap_bytes();
            visit(chunk.as_ref());
            return 1 + chunk.as_ref().bytes().len() / BYTES_PER_ELEMENT;
        }
        let place = self.place_of(walk.next, walk.hint).expect("it is in the list, or kept");
        visit(self.at(place).as_ref());
        self.items.edit(place, |item| item.number = 0);
        walk.hint = Some(place);
        1 + self.at(place).as_ref().bytes().len() / BYTES_PER_ELEMENT
    }

    /// The place of a numbered chunk: most often the one behind the last.
    fn place_of(&self, number: u32, hint: Option<Place>) -> Option<Place> {
        let is_it = |place: &Place| self.items.at(*place).number == number;
        let near = hint.filter(|&place| self.items.holds(place)).and_then(|place| self.items.next(place));
        near.filter(is_it)
            .or_else(|| std::iter::successors(self.items.first(), |&place| self.items.next(place)).find(is_it))
    }

    /// A chunk is about to change or to go: it is copied for the walk that has not given it.
    #[inline]
    fn before_change(&mut self, place: Place) {
        if self.walk.0.is_some() {
            self.keep(place);
        }
    }

    #[cold]
    fn keep(&mut self, place: Place) {
        let number = self.items.edit(place, |item| std::mem::take(&mut item.number));
        if let (1.., Some(walk)) = (number, &mut self.walk.0) {
            walk.keep(number, self.items.at(place).chunk.clone());
        }
    }
}
