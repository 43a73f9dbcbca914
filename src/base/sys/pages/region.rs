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

/// What a page's stretch of addresses may be backed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Backing {
    /// One huge page.
    Huge,
    /// As many small ones as are touched.
    Small,
}

/// Pages, by their address, and what they are to be backed by from now on.
pub(super) type Changes = Vec<(NonNull<u8>, Backing)>;

/// What became of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Taken,
    GivenBack,
}

/// A region, and what of it is free.
pub(super) struct Region {
    base: NonNull<u8>,
    bytes: usize,
    free: Vec<Gap>,
    page_bytes: usize,
    /// By page.
    backing: Vec<Backing>,
    /// The end of the last piece of all that were ever cut.
    reached: usize,
    /// Up to where pages were asked for.
    asked: usize,
}

// SAFETY: a region is an address and numbers; it never reads or writes the memory that it deals out.
unsafe impl Send for Region {}

impl Region {
    /// A region of `bytes` from `base` on, all free: whole pages, each to be backed by a huge one.
    pub(super) fn new(base: NonNull<u8>, bytes: usize, page_bytes: usize) -> Region {
        let backing = vec![Backing::Huge; bytes / page_bytes];
        Region { base, bytes, free: vec![Gap { start: 0, len: bytes }], page_bytes, backing, reached: 0, asked: 0 }
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

    /// The next page that no piece has reached to within `ahead` bytes until now; each is named once.
    pub(super) fn next_page(&mut self, ahead: usize) -> Option<NonNull<u8>> {
        if self.asked == self.bytes || self.reached + ahead <= self.asked {
            return None;
        }
        let start = self.asked;
        self.asked += self.page_bytes;
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

    /// The pages touched by a piece which are to be backed by something else from now on: by small ones once a piece has left a hole
    /// among others, by a huge one when all is taken, or all is free.
    pub(super) fn changed_pages(&mut self, place: NonNull<u8>, bytes: usize, event: Event) -> Changes {
        let start = self.offset(place);
        let mut changed = Vec::new();
        for page in start / self.page_bytes..(start + bytes).div_ceil(self.page_bytes) {
            let backing = match (self.has_holes(page), event) {
                (false, _) => Backing::Huge,
                (true, Event::GivenBack) => Backing::Small,
                (true, Event::Taken) => self.backing[page], // the first piece of a free page has it made whole
            };
            if std::mem::replace(&mut self.backing[page], backing) != backing {
                // SAFETY: a page that a piece of the region touches lies in it.
                changed.push((unsafe { self.base.add(page * self.page_bytes) }, backing));
            }
        }
        changed
    }

    /// Whether below the end of the last piece some of a page is free, and not all of it.
    fn has_holes(&self, page: usize) -> bool {
        let (from, to) = (page * self.page_bytes, ((page + 1) * self.page_bytes).min(self.reached));
        let i = self.free.partition_point(|gap| gap.start + gap.len <= from);
        self.free.get(i).is_some_and(|gap| gap.start < to && (from < gap.start || gap.start + gap.len < to))
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
        let mut region = Region::new(base, 1000, 250);
        let named = |region: &mut Region| std::iter::from_fn(|| region.next_page(50)).count();
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
        let mut region = Region::new(base, 1000, 250);
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

    #[test]
    fn a_page_with_holes_is_backed_by_small_ones_until_all_of_it_is_free_or_taken() {
        let mut memory = [0u8; 1000];
        let base = NonNull::from(&mut memory).cast::<u8>();
        let mut region = Region::new(base, 1000, 250);
        let changed = |region: &mut Region, place, event| -> Vec<_> {
            let pages = region.changed_pages(place, 100, event).into_iter();
            pages.map(|(page, backing)| (page.as_ptr() as usize - base.as_ptr() as usize, backing)).collect()
        };
        let take = |region: &mut Region| {
            let place = region.take(100).expect("room");
            changed(region, place, Event::Taken)
        };
        let give = |region: &mut Region, i: usize| {
            // SAFETY: within the memory.
            let place = unsafe { base.add(i * 100) };
            region.give(place, 100);
            changed(region, place, Event::GivenBack)
        };
        for _ in 0..8 {
            assert_eq!(take(&mut region), [], "what no piece has reached is no hole");
        }
        assert_eq!(give(&mut region, 0), [(0, Backing::Small)]);
        assert_eq!(give(&mut region, 1), []);
        // The third piece lies in two pages, of which the first is free with it.
        assert_eq!(give(&mut region, 2), [(0, Backing::Huge), (250, Backing::Small)]);
        assert_eq!(give(&mut region, 4), []);
        assert_eq!(give(&mut region, 3), [(250, Backing::Huge)]);
        // The first page is taken anew, and some of the second; then a piece of both comes back, and goes again.
        assert!((0..4).all(|_| take(&mut region).is_empty()));
        assert_eq!(give(&mut region, 2), [(0, Backing::Small), (250, Backing::Small)]);
        assert_eq!(take(&mut region), [(0, Backing::Huge)]);
        assert_eq!(take(&mut region), [(250, Backing::Huge)]);
    }
}
