//! Builds an LRU list by access stamp over records that are there already, a slice at a time, while they are used.
//!
//! ```text
//!                feed                    step                            finish
//!   not fed  ─────────►  unsorted  ─────────────►  sorted  ⇄ ⇄ ⇄ ┐
//!   UNLINKED             a RadixQueue by stamp     a chain       ├──►  LruList = sorted + newest
//!      │                        │                      │         │
//!      └────────────────────────┴──────── touch ───────┴──►  newest  ⇄ ⇄ ⇄   (new records too)
//! ```
//!
//! First a walk over all records feeds each one, then steps take them out of the queue in the order of their stamps. A record that
//! is touched meanwhile, wherever it is, goes to the end of `newest`, as does a new one: all of them are younger than
//! what was only fed. So at every moment of the second part, the first of `sorted` is the exact oldest, long before all are
//! sorted; and the end is one joining of two chains.
//!
//! Where a record is, is not stored. The walk knows one that it need not feed by its links, which must say [`UNLINKED`] before
//! the walk begins; and taking out a record needs its chain only if it is an end: two chains are compared, and else
//! the queue finds it by the stamp.
//!
//! Invariants: each record is in exactly one of the four places; `sorted` ascends by stamp and no stamp of `unsorted` is below
//! its last; `len` counts the last three.
//!
//! Cost: as for the queue: a record is visited once when fed and then about once per six bits of the range of the stamps
//! (five times for a day in milliseconds); a touch costs what it costs in the finished list.

use super::chain::{Chain, ListLinks, NONE, UNLINKED};
use super::lru_list::LruList;
use super::radix_queue::{KeyedLinks, Pull, RadixQueue};

/// Linked records that know when they were last used.
pub trait StampedLinks: ListLinks {
    /// When `item` was last used: any unit, larger is later, no wrapping round.
    fn stamp(&self, item: u32) -> u64;
}

/// A list in the making.
#[derive(Debug)]
pub struct LruBuilder {
    unsorted: RadixQueue,
    sorted: Chain,
    newest: Chain,
    len: usize,
}

impl Default for LruBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl LruBuilder {
    /// A builder that was fed nothing. The links of all records must now begin with [`UNLINKED`].
    pub fn new() -> Self {
        LruBuilder { unsorted: RadixQueue::new(0), sorted: Chain::EMPTY, newest: Chain::EMPTY, len: 0 }
    }

    /// How many records it knows of: those fed, touched or added, less those removed.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it knows of no record.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The walk has come to `item`: it is filed by its stamp, unless it is known already. All feeding comes before the
    /// first [`LruBuilder::step`].
    pub fn feed(&mut self, items: &mut impl StampedLinks, item: u32) {
        if items.links(item).0 != UNLINKED {
            return;
        }
        debug_assert!(self.sorted.is_empty() && self.unsorted.floor() == 0, "fed after the first step");
        self.unsorted.insert(&mut ByStamp(items), item);
        self.len += 1;
    }

    /// Adds a new record as the most recently used.
    pub fn push_newest(&mut self, items: &mut impl StampedLinks, item: u32) {
        self.newest.push_back(items, item);
        self.len += 1;
    }

    /// Makes `item`, fed or not, the most recently used. To be called before its stamp changes.
    pub fn touch(&mut self, items: &mut impl StampedLinks, item: u32) {
        if self.newest.tail() == item {
            return;
        }
        self.remove(items, item);
        self.push_newest(items, item);
    }

    /// Takes `item` out, if it is known. To be called before its stamp changes.
    pub fn remove(&mut self, items: &mut impl StampedLinks, item: u32) {
        if items.links(item).0 == UNLINKED {
            return;
        }
        match self.end_of(item) {
            Some(chain) => chain.unlink(items, item),
            None => self.unsorted.remove(&mut ByStamp(items), item),
        }
        items.set_prev(item, UNLINKED);
        self.len -= 1;
    }

    /// The record `from` now has the handle `to`; its links and its stamp have been copied there.
    pub fn moved(&mut self, items: &mut impl StampedLinks, from: u32, to: u32) {
        if items.links(to).0 == UNLINKED {
            return;
        }
        match self.end_of(from) {
            Some(chain) => chain.moved(items, from, to),
            None => self.unsorted.moved(&mut ByStamp(items), from, to),
        }
    }

    /// The record that was not used for the longest time of all, if a step has found it already.
    pub fn oldest(&self) -> Option<u32> {
        Some(self.sorted.head()).filter(|&item| item != NONE)
    }

    /// Goes on sorting until `budget` has run out, one unit for each record that is filed or sorted, or until all is
    /// sorted: then it gives `true`, and [`LruBuilder::finish`] may follow. Not before all records have been fed.
    pub fn step(&mut self, items: &mut impl StampedLinks, budget: &mut usize) -> bool {
        loop {
            self.unsorted.file_waiting(&mut ByStamp(items), usize::MAX, budget);
            if self.unsorted.is_empty() {
                return true;
            }
            if *budget == 0 {
                return false;
            }
            if let Pull::Item(item) = self.unsorted.pull(&mut ByStamp(items), u64::MAX) {
                self.sorted.push_back(items, item);
                *budget -= 1;
            }
        }
    }

    /// The finished list. Panics unless the last step gave `true`.
    pub fn finish(mut self, items: &mut impl StampedLinks) -> LruList {
        assert!(self.unsorted.is_empty(), "not all records are sorted");
        self.sorted.append(items, self.newest);
        LruList::from_chain(self.sorted, self.len)
    }

    /// Panics unless all links agree, the sorted records are in order and the number of records is `len`.
    pub fn check_invariants(&self, items: &impl StampedLinks) {
        let links = |item| items.links(item);
        let filed = self.unsorted.check_invariants(links, |item| items.stamp(item));
        let count = filed + self.sorted.check_invariants(links) + self.newest.check_invariants(links);
        assert_eq!(count, self.len, "the number of records");
        assert!(self.sorted.iter(links).map(|item| items.stamp(item)).is_sorted(), "sorted by stamp");
        let last = self.sorted.tail();
        assert!(last == NONE || items.stamp(last) <= self.unsorted.floor(), "sorted beyond what is not");
    }

    /// The chain that `item` is an end of, if it is one of the two here. All others are left to the queue, which finds the ends
    /// of its own chains and needs no chain for a record between two others.
    fn end_of(&mut self, item: u32) -> Option<&mut Chain> {
        [&mut self.sorted, &mut self.newest].into_iter().find(|chain| chain.ends_in(item))
    }
}

/// The records as the queue wants to see them.
struct ByStamp<'a, T>(&'a mut T);

impl<T: StampedLinks> ListLinks for ByStamp<'_, T> {
    fn links(&self, item: u32) -> (u32, u32) {
        self.0.links(item)
    }
    fn set_prev(&mut self, item: u32, prev: u32) {
        self.0.set_prev(item, prev);
    }
    fn set_next(&mut self, item: u32, next: u32) {
        self.0.set_next(item, next);
    }
}

impl<T: StampedLinks> KeyedLinks for ByStamp<'_, T> {
    fn key(&self, item: u32) -> u64 {
        self.0.stamp(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structures::records_for_tests::Records;

    fn records(stamps: &[u64]) -> Records {
        Records(stamps.iter().map(|&stamp| (stamp, UNLINKED, NONE)).collect())
    }

    fn order(builder: LruBuilder, records: &mut Records) -> Vec<u32> {
        builder.check_invariants(records);
        let list = builder.finish(records);
        list.check_invariants(records);
        list.iter(records).collect()
    }

    #[test]
    fn records_are_sorted_by_stamp_one_unit_at_a_time() {
        let mut records = records(&[50_000, 3, 900, 3, 1 << 40, 899]);
        let mut builder = LruBuilder::new();
        (0..6).for_each(|item| builder.feed(&mut records, item));
        assert_eq!(builder.oldest(), None);
        let mut steps = 0;
        while !builder.step(&mut records, &mut 1) {
            builder.check_invariants(&records);
            steps += 1;
        }
        assert!((6..60).contains(&steps), "{steps} steps");
        assert_eq!(order(builder, &mut records), [1, 3, 5, 2, 0, 4]);
    }

    #[test]
    fn what_is_touched_or_new_ends_up_newest() {
        let mut records = records(&[40, 30, 20, 10, 99]);
        let mut builder = LruBuilder::new();
        builder.touch(&mut records, 3); // not fed yet
        builder.push_newest(&mut records, 4);
        (0..5).for_each(|item| builder.feed(&mut records, item));
        builder.touch(&mut records, 1);
        assert!(builder.step(&mut records, &mut 1000));
        builder.touch(&mut records, 2);
        assert_eq!((builder.oldest(), builder.len()), (Some(0), 5));
        assert_eq!(order(builder, &mut records), [0, 3, 4, 1, 2]);
    }

    #[test]
    fn records_leave_and_move_in_every_place() {
        let mut records = records(&[5, 6, 7, 8, 9, 0, 0]);
        let mut builder = LruBuilder::new();
        builder.remove(&mut records, 0); // not fed: nothing to do
        records.0[5] = records.0[1];
        builder.moved(&mut records, 1, 5);
        [0, 2, 3, 4, 5].into_iter().for_each(|item| builder.feed(&mut records, item));
        records.0[6] = records.0[2];
        builder.moved(&mut records, 2, 6);
        assert!(!builder.step(&mut records, &mut 2));
        records.0[1] = records.0[0]; // sorted by now
        builder.moved(&mut records, 0, 1);
        assert_eq!(builder.oldest(), Some(1));
        builder.remove(&mut records, 1);
        builder.remove(&mut records, 3);
        assert!(builder.step(&mut records, &mut 100));
        assert_eq!(order(builder, &mut records), [5, 6, 4]);
    }
}
