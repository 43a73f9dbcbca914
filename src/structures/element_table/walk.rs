//! Walks: all elements as they are at one moment, in slices, while the table goes on changing.
//!
//! A walk goes by marks, as the keyspace's does. `begin_walk` makes every element one that is not reached; each that is visited is set
//! reached; one that is about to change or to go before that is copied first; elements that come meanwhile are born reached. So every
//! element that was there at the beginning is given exactly once, as it was, in no order that means anything.

use super::{ElementTable, Handle};

/// An element, lent to whoever walks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// Its payload.
    pub payload: &'a [u8],
    /// Its deadline, in milliseconds.
    pub deadline_ms: Option<u64>,
}

/// A walk under way.
pub(super) struct Walk {
    id: u64,
    cursor: u64,
    has_scanned_all: bool,
    kept: Vec<Kept>,
    kept_bytes: usize,
}

/// A copy of an element that changed before the walk came to it.
struct Kept {
    name: Box<[u8]>,
    payload: Box<[u8]>,
    deadline_ms: Option<u64>,
}

impl Kept {
    fn bytes(&self) -> usize {
        size_of::<Kept>() + self.name.len() + self.payload.len()
    }
}

impl ElementTable {
    /// Begins a walk over the elements as they are now, of this number. None may be under way.
    pub fn begin_walk(&mut self, id: u64) {
        assert!(self.walk.is_none(), "one walk at a time");
        self.reached = !self.reached;
        let has_scanned_all = self.is_empty();
        self.walk = Some(Box::new(Walk { id, cursor: 0, has_scanned_all, kept: Vec::new(), kept_bytes: 0 }));
    }

    /// The number of the walk under way.
    #[inline]
    pub fn walk_id(&self) -> Option<u64> {
        self.walk.as_ref().map(|walk| walk.id)
    }

    /// Bytes of copies that wait to be visited. (They are no part of `heap_bytes`.)
    pub fn kept_bytes(&self) -> usize {
        self.walk.as_ref().map_or(0, |walk| walk.kept_bytes)
    }

    /// Goes on with the walk, by about `budget` elements; whether there is more to do.
    pub fn step_walk(&mut self, budget: usize, mut visit: impl FnMut(Element<'_>)) -> bool {
        let Some(mut walk) = self.walk.take() else { return false };
        let mut left = budget as isize;
        while left > 0 {
            if let Some(kept) = walk.kept.pop() {
                walk.kept_bytes -= kept.bytes();
                visit(Element { name: &kept.name, payload: &kept.payload, deadline_ms: kept.deadline_ms });
                left -= 1;
            } else if walk.has_scanned_all {
                return false;
            } else {
                left -= self.step_scan(&mut walk, &mut visit).max(1) as isize;
            }
        }
        let more = !walk.kept.is_empty() || !walk.has_scanned_all;
        if more {
            self.walk = Some(walk);
        }
        more
    }

    /// Visits the elements at the scan's next position; how many stand there.
    fn step_scan(&mut self, walk: &mut Walk, visit: &mut impl FnMut(Element<'_>)) -> usize {
        let mut found = smallvec::SmallVec::<[Handle; 32]>::new();
        walk.cursor = self.scan(walk.cursor, |handle| found.push(handle));
        walk.has_scanned_all = walk.cursor == 0;
        for &handle in &found {
            if !self.is_reached(handle) {
                visit(self.element(handle));
                self.set_reached(handle);
            }
        }
        found.len()
    }

    /// The element, whole.
    pub fn element(&self, handle: Handle) -> Element<'_> {
        Element { name: self.name(handle), payload: self.payload(handle), deadline_ms: self.deadline_ms(handle) }
    }

    /// An element is about to change or to go: it is copied for the walk, unless that has reached it.
    #[inline]
    pub(super) fn before_change(&mut self, handle: Handle) {
        if self.walk.is_some() && !self.is_reached(handle) {
            self.keep(handle);
        }
    }

    #[cold]
    fn keep(&mut self, handle: Handle) {
        let Element { name, payload, deadline_ms } = self.element(handle);
        let kept = Kept { name: name.into(), payload: payload.into(), deadline_ms };
        self.set_reached(handle);
        let walk = self.walk.as_mut().expect("checked by the caller");
        walk.kept_bytes += kept.bytes();
        walk.kept.push(kept);
    }

    #[inline]
    fn is_reached(&self, handle: Handle) -> bool {
        self.records.mark(handle) == self.reached
    }

    #[inline]
    fn set_reached(&mut self, handle: Handle) {
        self.records.set_mark(handle, self.reached);
    }
}
