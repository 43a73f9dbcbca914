//! A stretch of addresses from which pieces are cut.
//!
//! ```text
//! base
//! [piece|piece|  free  |piece|            free            ]
//!              start,len      start,len                      free: ascending, none empty, no two that touch
//!                             ^ reached           ^ asked     pages below `asked` are there, or on their way
//! ```

use std::ptr::NonNull;

/// Bytes that are free, from the region's base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Gap {
    start: usize,
    len: usize,
}

/// A region, and what of it is free.
pub(super) struct Region {
    base: NonNull<u8>,
    bytes: usize,
    free: Vec<Gap>,
    /// The end of the last piece of all that were ever cut.
    reached: usize,
    /// Up to where pages were asked for.
    asked: usize,
}

// SAFETY: a region is an address and numbers; it never reads or writes the memory that it deals out.
unsafe impl Send for Region {}

impl Region {
    /// A region of `bytes` from `base` on, all free.
    pub(super) fn new(base: NonNull<u8>, bytes: usize) -> Region {
        Region { base, bytes, free: vec![Gap { start: 0, len: bytes }], reached: 0, asked: 0 }
    }

    /// Whether `place` lies in it.
    pub(super) fn holds(&self, place: NonNull<u8>) -> bool {
        self.offset(place) < self.bytes
    }

    /// Whether all of it is free.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.free == [Gap { start: 0, len: self.bytes }]
    }

    /// Cuts a piece from the first gap that is long enough, so that what is in use stays together.
    pub(super) fn take(&mut self, bytes: usize) -> Option<NonNull<u8>> {
        let i = self.free.iter().position(|gap| gap.len >= bytes)?;
        let gap = &mut self.free[i];
        let start = gap.start;
        (gap.start, gap.len) = (gap.start + bytes, gap.len - bytes);
        self.reached = self.reached.max(start + bytes);
        if gap.len == 0 {
            self.free.remove(i);
        }
        // SAFETY: gaps lie within the region, so this is an address of the mapping behind `base`.
        Some(unsafe { self.base.add(start) })
    }

    /// The next page of `page_bytes` that no piece has reached to within `ahead` bytes until now; each is named once.
    pub(super) fn next_page(&mut self, ahead: usize, page_bytes: usize) -> Option<NonNull<u8>> {
        if self.asked == self.bytes || self.reached + ahead <= self.asked {
            return None;
        }
        let start = self.asked;
        self.asked += page_bytes;
        // SAFETY: `start` is a multiple of a page's bytes below the region's, of which it has whole ones.
        Some(unsafe { self.base.add(start) })
    }

    /// Whether pieces have reached to within `ahead` bytes of its end.
    pub(super) fn ends_within(&self, ahead: usize) -> bool {
        self.reached + ahead >= self.bytes
    }

    /// Takes a piece back. Panics when some of it is free already.
    pub(super) fn give(&mut self, place: NonNull<u8>, bytes: usize) {
        let start = self.offset(place);
        let i = self.free.partition_point(|gap| gap.start < start);
        let touches_last = i > 0 && self.free[i - 1].start + self.free[i - 1].len == start;
        let touches_next = i < self.free.len() && start + bytes == self.free[i].start;
        assert!(i == 0 || self.free[i - 1].start + self.free[i - 1].len <= start, "given back twice");
        assert!(start + bytes <= self.free.get(i).map_or(self.bytes, |next| next.start), "given back twice");
        match (touches_last, touches_next) {
            (true, true) => {
                self.free[i - 1].len += bytes + self.free[i].len;
                self.free.remove(i);
            }
            (true, false) => self.free[i - 1].len += bytes,
            (false, true) => self.free[i] = Gap { start, len: bytes + self.free[i].len },
            (false, false) => self.free.insert(i, Gap { start, len: bytes }),
        }
    }

    fn offset(&self, place: NonNull<u8>) -> usize {
        (place.as_ptr() as usize).wrapping_sub(self.base.as_ptr() as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_named_once_and_before_they_are_reached() {
        let mut memory = [0u8; 1000];
        let base = NonNull::from(&mut memory).cast::<u8>();
        let mut region = Region::new(base, 1000);
        let named = |region: &mut Region| std::iter::from_fn(|| region.next_page(50, 250)).count();
        let mut counts = Vec::new();
        for bytes in [100, 100, 40, 100, 400, 260] {
            let place = region.take(bytes).expect("room");
            counts.push(named(&mut region));
            if bytes == 40 {
                region.give(place, bytes);
                assert_eq!(region.take(bytes), Some(place));
                counts.push(named(&mut region));
            }
        }
        assert_eq!(counts, [1, 0, 1, 0, 0, 2, 0]);
        assert!(region.ends_within(0));
    }

    #[test]
    fn pieces_come_from_the_first_gap_and_gaps_grow_together() {
        let mut memory = [0u8; 1000];
        let base = NonNull::from(&mut memory).cast::<u8>();
        let mut region = Region::new(base, 1000);
        let pieces: Vec<_> = (0..10).map(|_| region.take(100).expect("room")).collect();
        assert!(region.take(1).is_none() && region.free.is_empty());
        for i in [3, 5, 4, 0] {
            region.give(pieces[i], 100);
        }
        assert_eq!(region.free, [Gap { start: 0, len: 100 }, Gap { start: 300, len: 300 }]);
        assert_eq!(region.take(250), Some(pieces[3]));
        assert_eq!(region.take(50), Some(pieces[0]));
        region.give(pieces[3], 250);
        region.give(pieces[0], 50);
        for i in [1, 9, 2, 7, 6, 8] {
            region.give(pieces[i], 100);
        }
        assert!(region.is_empty() && region.holds(pieces[9]));
        assert!(!region.holds(NonNull::dangling()));
    }
}
