//! A chain: records joined both ways, by links that stay with the records.
//!
//! ```text
//!   Chain   head ─► a ⇄ b ⇄ c ◄─ tail        8 bytes, whatever the length
//!
//!   links   a (NONE, b)    b (a, c)    c (b, NONE)
//! ```
//!
//! A record is named by a `u32` handle; the chain never sees more of it than its two links, which the keeper of the
//! records hands out through [`ListLinks`]. Every operation takes the keeper along, so nothing here owns, allocates or
//! frees. The LRU lists, the timer wheel's slots and all lists in the making are chains.
//!
//! Invariants:
//! - `head` and `tail` are both [`NONE`], or both handles; `head` has no predecessor and `tail` no successor.
//! - If `b` follows `a`, then `a` precedes `b`; following the links from `head` ends at `tail`.
//! - **Only the two ends are known to the chain.** A record between two others is taken out, or told to have moved,
//!   without its chain being read or written; so whoever keeps many chains has to find the right one for ends only.
//!
//! Cost in records touched beside the item: `push_back` one (the old tail), `unlink` its two neighbours, `append` two.

/// No record: the end of a chain.
pub const NONE: u32 = u32::MAX;

/// As the predecessor of a record: it is in no chain at all (see [`ListLinks::links`]).
pub const UNLINKED: u32 = u32::MAX - 1;

/// Who keeps the links of the records. A record is in at most one chain per keeper.
pub trait ListLinks {
    /// The handles before and after `item`, [`NONE`] at an end. What stands there for a record that is in no chain has no
    /// meaning, unless a structure asks for [`UNLINKED`] as the first of the two.
    fn links(&self, item: u32) -> (u32, u32);
    /// Writes the handle before `item`.
    fn set_prev(&mut self, item: u32, prev: u32);
    /// Writes the handle after `item`.
    fn set_next(&mut self, item: u32, next: u32);
}

/// The two ends of a row of linked records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    head: u32,
    tail: u32,
}

impl Chain {
    /// The chain without records.
    pub const EMPTY: Chain = Chain { head: NONE, tail: NONE };

    /// Whether there is no record in it.
    pub fn is_empty(&self) -> bool {
        self.head == NONE
    }

    /// The first record, [`NONE`] if there is none.
    pub fn head(&self) -> u32 {
        self.head
    }

    /// The last record, [`NONE`] if there is none.
    pub fn tail(&self) -> u32 {
        self.tail
    }

    /// Whether `item` is the first or the last of this chain.
    pub fn ends_in(&self, item: u32) -> bool {
        self.head == item || self.tail == item
    }

    /// Puts `item`, which is in no chain, behind the last.
    pub fn push_back(&mut self, links: &mut impl ListLinks, item: u32) {
        self.insert_between(links, self.tail, item, NONE);
    }

    /// Puts `item`, which is in no chain, behind `place`; at the head if `place` is [`NONE`].
    pub fn insert_after(&mut self, links: &mut impl ListLinks, item: u32, place: u32) {
        let next = if place == NONE { self.head } else { links.links(place).1 };
        self.insert_between(links, place, item, next);
    }

    /// Puts `item`, which is in no chain, before `place`; at the tail if `place` is [`NONE`].
    pub fn insert_before(&mut self, links: &mut impl ListLinks, item: u32, place: u32) {
        let prev = if place == NONE { self.tail } else { links.links(place).0 };
        self.insert_between(links, prev, item, place);
    }

    /// Takes `item` out. Its own links keep their stale values. This must be its chain if it is an end of one; for a
    /// record between two others any chain will do, as it is not looked at.
    pub fn unlink(&mut self, links: &mut impl ListLinks, item: u32) {
        let (prev, next) = links.links(item);
        debug_assert!(prev != NONE || self.head == item, "the head of another chain");
        debug_assert!(next != NONE || self.tail == item, "the tail of another chain");
        self.join(links, prev, next);
    }

    /// Takes the first record out and gives it.
    pub fn pop_front(&mut self, links: &mut impl ListLinks) -> Option<u32> {
        let item = self.head;
        if item == NONE {
            return None;
        }
        let next = links.links(item).1;
        self.join(links, NONE, next);
        Some(item)
    }

    /// Puts all of `other` behind the last record, at the cost of one link.
    pub fn append(&mut self, links: &mut impl ListLinks, other: Chain) {
        if other.is_empty() {
            return;
        }
        let (prev, next) = (self.tail, other.head);
        self.join(links, prev, next);
        self.tail = other.tail;
    }

    /// The record `from` now has the handle `to`, and its links have been copied there: its neighbours, or the ends,
    /// are told. What is said of the chain at [`Chain::unlink`] holds here too.
    pub fn moved(&mut self, links: &mut impl ListLinks, from: u32, to: u32) {
        let (prev, next) = links.links(to);
        debug_assert!(prev != NONE || self.head == from, "the head of another chain");
        debug_assert!(next != NONE || self.tail == from, "the tail of another chain");
        self.set_after(links, prev, to);
        self.set_before(links, next, to);
    }

    /// The records from head to tail; `links` gives a record's two neighbours.
    pub fn iter(&self, links: impl Fn(u32) -> (u32, u32)) -> impl Iterator<Item = u32> {
        let first = (self.head != NONE).then_some(self.head);
        std::iter::successors(first, move |&item| Some(links(item).1).filter(|&next| next != NONE))
    }

    /// Panics unless the links agree both ways and lead from head to tail. Gives the number of records.
    pub fn check_invariants(&self, links: impl Fn(u32) -> (u32, u32)) -> usize {
        let mut last = NONE;
        let mut count = 0;
        for item in self.iter(&links) {
            assert_eq!(links(item).0, last, "the predecessor of {item}");
            last = item;
            count += 1;
        }
        assert_eq!(self.tail, last, "the tail");
        count
    }

    fn insert_between(&mut self, links: &mut impl ListLinks, prev: u32, item: u32, next: u32) {
        debug_assert!(item < UNLINKED);
        links.set_prev(item, prev);
        links.set_next(item, next);
        self.set_after(links, prev, item);
        self.set_before(links, next, item);
    }

    fn join(&mut self, links: &mut impl ListLinks, prev: u32, next: u32) {
        self.set_after(links, prev, next);
        self.set_before(links, next, prev);
    }

    fn set_after(&mut self, links: &mut impl ListLinks, place: u32, item: u32) {
        match place {
            NONE => self.head = item,
            _ => links.set_next(place, item),
        }
    }

    fn set_before(&mut self, links: &mut impl ListLinks, place: u32, item: u32) {
        match place {
            NONE => self.tail = item,
            _ => links.set_prev(place, item),
        }
    }
}

/// Whether `item` is at an end of the chain that it is in, so that this chain has to be found before it is taken out.
pub fn is_end(links: &impl ListLinks, item: u32) -> bool {
    let (prev, next) = links.links(item);
    prev == NONE || next == NONE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structures::records_for_tests::Records;

    fn chain_of(links: &mut Records, items: &[u32]) -> Chain {
        let mut chain = Chain::EMPTY;
        items.iter().for_each(|&item| chain.push_back(links, item));
        chain
    }

    fn listed(chain: &Chain, links: &Records) -> Vec<u32> {
        chain.check_invariants(|item| links.links(item));
        chain.iter(|item| links.links(item)).collect()
    }

    #[test]
    fn items_go_in_at_both_ends_and_between() {
        let mut links = Records::unlinked(8);
        let mut chain = chain_of(&mut links, &[1, 2]);
        chain.insert_after(&mut links, 0, NONE);
        chain.insert_after(&mut links, 5, 1);
        chain.insert_before(&mut links, 6, 1);
        chain.insert_before(&mut links, 7, NONE);
        assert_eq!(listed(&chain, &links), [0, 6, 1, 5, 2, 7]);
    }

    #[test]
    fn items_go_out_anywhere() {
        let mut links = Records::unlinked(8);
        let mut chain = chain_of(&mut links, &[0, 1, 2, 3, 4]);
        for item in [2, 4, 0] {
            chain.unlink(&mut links, item);
        }
        assert_eq!(listed(&chain, &links), [1, 3]);
        assert_eq!(chain.pop_front(&mut links), Some(1));
        assert_eq!(chain.pop_front(&mut links), Some(3));
        assert_eq!(chain.pop_front(&mut links), None);
        assert_eq!(chain, Chain::EMPTY);
    }

    #[test]
    fn a_record_between_two_others_needs_no_chain() {
        let mut links = Records::unlinked(8);
        let chain = chain_of(&mut links, &[0, 1, 2]);
        assert!(!is_end(&links, 1) && is_end(&links, 0) && is_end(&links, 2));
        let mut other = Chain::EMPTY;
        other.unlink(&mut links, 1);
        assert_eq!(listed(&chain, &links), [0, 2]);
    }

    #[test]
    fn chains_are_joined_and_records_move() {
        let mut links = Records::unlinked(8);
        let mut chain = Chain::EMPTY;
        let front = chain_of(&mut links, &[0, 1]);
        let back = chain_of(&mut links, &[2]);
        chain.append(&mut links, Chain::EMPTY);
        chain.append(&mut links, front);
        chain.append(&mut links, back);
        for (from, to) in [(0, 5), (1, 6), (2, 7)] {
            links.0[to as usize] = links.0[from as usize];
            chain.moved(&mut links, from, to);
        }
        assert_eq!(listed(&chain, &links), [5, 6, 7]);
    }
}
