//! The LRU list: records in the order of their last access, exact, with O(1) for everything.
//!
//! ```text
//!   oldest ─► a ⇄ b ⇄ c ⇄ ... ⇄ z ◄─ newest        evicted from the left, touched to the right
//! ```
//!
//! A [`Chain`] with a count. The links, 8 bytes per record, stand beside the records and exist only while a policy needs them;
//! [`super::lru_builder`] makes the list when one is switched on over records that are there already.
//!
//! Invariants: those of the chain; `len` is the number of records in it; a record that was taken out has [`UNLINKED`] before it.
//!
//! Cost: a touch writes the record's links, its two neighbours and the newest record (likely cached: it was touched last);
//! touching the newest writes nothing.

pub use super::chain::{ListLinks, NONE, UNLINKED};

use super::chain::Chain;

/// Records from the least to the most recently used.
#[derive(Debug)]
pub struct LruList {
    chain: Chain,
    len: usize,
}

impl Default for LruList {
    fn default() -> Self {
        Self::new()
    }
}

impl LruList {
    /// A list without records.
    pub const fn new() -> Self {
        LruList { chain: Chain::EMPTY, len: 0 }
    }

    /// A list of `len` records that are in `chain` already.
    pub(super) fn from_chain(chain: Chain, len: usize) -> Self {
        LruList { chain, len }
    }

    /// How many records are in it.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no record is in it.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The record that was not used for the longest time: the next to be evicted.
    pub fn oldest(&self) -> Option<u32> {
        Some(self.chain.head()).filter(|&item| item != NONE)
    }

    /// The record that was used last.
    pub fn newest(&self) -> Option<u32> {
        Some(self.chain.tail()).filter(|&item| item != NONE)
    }

    /// Adds `item`, which is in no list, as the most recently used.
    pub fn push_newest(&mut self, items: &mut impl ListLinks, item: u32) {
        self.chain.push_back(items, item);
        self.len += 1;
    }

    /// Adds `item`, which is in no list, as used just after `place`; as the oldest if `place` is [`NONE`].
    pub fn insert_after(&mut self, items: &mut impl ListLinks, item: u32, place: u32) {
        self.chain.insert_after(items, item, place);
        self.len += 1;
    }

    /// Adds `item`, which is in no list, as used just before `place`; as the newest if `place` is [`NONE`].
    pub fn insert_before(&mut self, items: &mut impl ListLinks, item: u32, place: u32) {
        self.chain.insert_before(items, item, place);
        self.len += 1;
    }

    /// Takes `item` out.
    pub fn remove(&mut self, items: &mut impl ListLinks, item: u32) {
        self.chain.unlink(items, item);
        items.set_prev(item, UNLINKED);
        self.len -= 1;
    }

    /// Makes `item` the most recently used.
    pub fn touch(&mut self, items: &mut impl ListLinks, item: u32) {
        if self.chain.tail() == item {
            return;
        }
        self.chain.unlink(items, item);
        self.chain.push_back(items, item);
    }

    /// The record `from` now has the handle `to`, and its links have been copied there.
    pub fn moved(&mut self, items: &mut impl ListLinks, from: u32, to: u32) {
        self.chain.moved(items, from, to);
    }

    /// The records from the oldest to the newest.
    pub fn iter(&self, items: &impl ListLinks) -> impl Iterator<Item = u32> {
        self.chain.iter(|item| items.links(item))
    }

    /// Panics unless all links agree and the number of records is `len`.
    pub fn check_invariants(&self, items: &impl ListLinks) {
        assert_eq!(self.chain.check_invariants(|item| items.links(item)), self.len, "the number of records");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structures::records_for_tests::Records;

    fn list_of(items: u32) -> (LruList, Records) {
        let mut links = Records::unlinked(items as usize + 4);
        let mut list = LruList::new();
        (0..items).for_each(|item| list.push_newest(&mut links, item));
        (list, links)
    }

    fn order(list: &LruList, links: &Records) -> Vec<u32> {
        list.check_invariants(links);
        list.iter(links).collect()
    }

    #[test]
    fn touched_records_outlive_the_others() {
        let (mut list, mut links) = list_of(4);
        list.touch(&mut links, 0);
        list.touch(&mut links, 2);
        list.touch(&mut links, 2);
        assert_eq!(list.oldest(), Some(1));
        assert_eq!(order(&list, &links), [1, 3, 0, 2]);
    }

    #[test]
    fn removed_records_are_marked_and_the_last_leaves_an_empty_list() {
        let (mut list, mut links) = list_of(3);
        for item in [1, 2, 0] {
            list.remove(&mut links, item);
            assert_eq!(links.links(item).0, UNLINKED);
        }
        assert_eq!((list.oldest(), list.len()), (None, 0));
        list.push_newest(&mut links, 1);
        list.touch(&mut links, 1);
        assert_eq!(order(&list, &links), [1]);
    }

    #[test]
    fn records_can_be_put_beside_others_and_move() {
        let (mut list, mut links) = list_of(2);
        list.insert_after(&mut links, 2, 0);
        list.insert_before(&mut links, 3, 0);
        links.0[5] = links.0[3];
        list.moved(&mut links, 3, 5);
        assert_eq!(order(&list, &links), [5, 0, 2, 1]);
    }
}
