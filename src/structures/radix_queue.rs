//! A monotone priority queue over linked records: filed by a `u64` key in 11 levels of 64 chains, taken out smallest first.
//!
//! ```text
//!   floor, in digits of six bits      d10  d9  ...  d2  d1  d0
//!
//!   level 0   64 chains, 1 key each       keys that differ from the floor in d0 at most
//!   level 1   64 chains, 64 keys each     keys whose highest digit that differs is d1
//!   level 2   64 chains, 4096 keys each   ... d2
//!     ⋮
//!   level 10  16 chains, 2^60 keys each   ... d10: every u64 has its place
//!
//!   occupied  a u64 per level, a bit per chain: the first chain is one trailing_zeros away
//!   waiting   one chain of records that are still to be filed
//! ```
//!
//! The level of a record is the place of the highest bit in `floor ^ key`, its chain there the key's digit. Nothing about it
//! needs to be stored: as long as the floor moves by the rules below, the same sum finds the chain again.
//!
//! Invariants:
//! - No record that is filed has a key below the floor, but those filed late: a key below the floor counts as the floor.
//!   They stand in the floor's own chain of level 0, and the floor does not go up before that chain is empty.
//! - At level 1 and above, the floor's own chain is empty, and so are all before it. So every key of a level is smaller than
//!   every key of the next, and a level's first occupied chain holds its smallest.
//! - A bit of `occupied` is set if and only if its chain is not empty. Levels that were never used are not allocated.
//!
//! **Going up.** The floor goes to the start of the first occupied chain, or to anything before it: neither changes the place of
//! a record beyond. A chain of level 1 or above that the floor enters is *opened*: as a whole it becomes `waiting`, whose
//! records are filed one by one, all at lower levels, as the caller's budget allows. In between, records come, go and move
//! as ever: only the two ends of a chain are to be found for that, and for `waiting` they are compared first.
//!
//! **Going down.** Let the old and the new floor differ first in digit `m`. What is filed at level `m` and above stays where it
//! is. All that is filed below shares digit `m` with the old floor, so seen from the new one it belongs to one single chain
//! of level `m`, and goes there by joining at most 64·m chains. Only the late records (and the rest of an opened chain, which
//! is `waiting` already) are looked at again one by one.
//!
//! Cost: filing touches the record, the tail of its chain, 8 bytes of the chain and the word of its level (5.6 KB at most for all
//! levels). Taking out touches the record, its neighbours, and the chain only if the record was an end. A record is filed
//! again once per level on its way down: at most 10 times, about log64 of the distance between its key and the floor.

use super::chain::{Chain, ListLinks, is_end};

/// Bits of a key that one level tells apart.
const DIGIT_BITS: usize = 6;
/// Chains of a level.
const SLOTS: usize = 1 << DIGIT_BITS;
/// Levels that 64 bits need.
const LEVELS: usize = 64usize.div_ceil(DIGIT_BITS);

/// Linked records that have a key to be sorted by.
pub trait KeyedLinks: ListLinks {
    /// The key of `item`. It must not change while the item is in the queue.
    fn key(&self, item: u32) -> u64;
}

/// What one [`RadixQueue::pull`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pull {
    /// The first record, taken out.
    Item(u32),
    /// A chain was opened: its records wait to be filed.
    Opened,
    /// Nothing that is filed has a key up to the limit.
    Nothing,
}

/// The queue: chains and a floor. The records are the caller's.
#[derive(Debug)]
pub struct RadixQueue {
    floor: u64,
    occupied: [u64; LEVELS],
    levels: Vec<[Chain; SLOTS]>,
    waiting: Chain,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place {
    level: usize,
    slot: usize,
}

impl RadixQueue {
    /// An empty queue, which allocates nothing yet. Keys below `floor` will count as `floor`.
    pub fn new(floor: u64) -> Self {
        RadixQueue { floor, occupied: [0; LEVELS], levels: Vec::new(), waiting: Chain::EMPTY }
    }

    /// Whether there is no record in it.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.occupied == [0; LEVELS]
    }

    /// Bytes of memory that its levels take.
    #[inline]
    pub fn heap_bytes(&self) -> usize {
        self.levels.capacity() * size_of::<[Chain; SLOTS]>()
    }

    /// Everything with a smaller key has been pulled, except what was inserted late.
    pub fn floor(&self) -> u64 {
        self.floor
    }

    /// Whether an opened chain has records that are still to be filed.
    pub fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// A key that no record that is not late is below: exact if the first one is less than 64 above the floor and in the
    /// same block of 64, else the start of its chain. The floor itself while records are late or waiting.
    pub fn first_key(&self) -> Option<u64> {
        if self.has_waiting() {
            return Some(self.floor);
        }
        self.first_place().map(|place| self.start_of(place))
    }

    /// A key that no record is below: as `first_key`, but 0 while records may be late.
    pub fn lower_bound(&self) -> Option<u64> {
        self.first_key().map(|key| if key == self.floor { 0 } else { key })
    }

    /// A record of the first chain that has any: its key is the least up to the width of that chain. None when empty.
    pub fn nearest(&self) -> Option<u32> {
        if self.has_waiting() {
            return Some(self.waiting.head());
        }
        self.first_place().map(|place| self.levels[place.level][place.slot].head())
    }

    /// Files `item`, which is in no chain.
    pub fn insert(&mut self, items: &mut impl KeyedLinks, item: u32) {
        let place = self.place_of(items.key(item));
        self.chain_at(place).push_back(items, item);
        self.occupied[place.level] |= 1 << place.slot;
    }

    /// Takes `item` out, before its key changes. A record between two others is taken out of any chain, also another's.
    pub fn remove(&mut self, items: &mut impl KeyedLinks, item: u32) {
        if self.waiting.ends_in(item) || !is_end(items, item) {
            return self.waiting.unlink(items, item);
        }
        let place = self.place_of(items.key(item));
        let chain = self.chain_at(place);
        chain.unlink(items, item);
        if chain.is_empty() {
            self.occupied[place.level] &= !(1 << place.slot);
        }
    }

    /// The record `from` now has the handle `to`; its links and its key have been copied there. As for removing, a record
    /// between two others may be in any chain.
    pub fn moved(&mut self, items: &mut impl KeyedLinks, from: u32, to: u32) {
        if self.waiting.ends_in(from) || !is_end(items, to) {
            return self.waiting.moved(items, from, to);
        }
        let place = self.place_of(items.key(to));
        self.chain_at(place).moved(items, from, to);
    }

    /// Files records of the opened chain: `most` of them, or as many as `budget` has units, one each.
    pub fn file_waiting(&mut self, items: &mut impl KeyedLinks, most: usize, budget: &mut usize) {
        for _ in 0..most.min(*budget) {
            let Some(item) = self.waiting.pop_front(items) else { return };
            self.insert(items, item);
            *budget -= 1;
        }
    }

    /// One step towards the first record with a key of at most `limit`: takes it out, or opens the chain that it is in.
    /// Records that wait to be filed are not considered; pulled while some do, others may come before their turn.
    pub fn pull(&mut self, items: &mut impl KeyedLinks, limit: u64) -> Pull {
        let Some(place) = self.first_place() else { return Pull::Nothing };
        let start = self.start_of(place);
        if start > limit {
            return Pull::Nothing;
        }
        self.floor = start;
        if place.level > 0 {
            let opened = self.take_chain(place);
            self.waiting.append(items, opened);
            return Pull::Opened;
        }
        let chain = self.chain_at(place);
        let item = chain.pop_front(items).expect("an occupied chain has a head");
        if chain.is_empty() {
            self.occupied[0] &= !(1 << place.slot);
        }
        Pull::Item(item)
    }

    /// Lifts the floor to `key`, after [`RadixQueue::pull`] found nothing up to there. Lower keys will count as `key`.
    pub fn raise_floor(&mut self, key: u64) {
        debug_assert!(self.floor <= key && self.first_place().is_none_or(|place| self.start_of(place) > key));
        self.floor = key;
    }

    /// Takes the floor down to `key`, joining some 640 chains at worst; see the head of this file.
    pub fn lower_floor(&mut self, items: &mut impl KeyedLinks, key: u64) {
        debug_assert!(key <= self.floor);
        let late = self.take_chain(Place { level: 0, slot: digit(self.floor, 0) });
        self.waiting.append(items, late);
        let level = level_of(self.floor ^ key);
        let mut below = Chain::EMPTY;
        for lower in 0..level {
            while self.occupied[lower] != 0 {
                let slot = self.occupied[lower].trailing_zeros() as usize;
                let chain = self.take_chain(Place { level: lower, slot });
                below.append(items, chain);
            }
        }
        if !below.is_empty() {
            let place = Place { level, slot: digit(self.floor, level) };
            *self.chain_at(place) = below;
            self.occupied[level] |= 1 << place.slot;
        }
        self.floor = key;
    }

    /// Panics unless every record stands where its key says and the links and bits agree. Gives the number of records.
    pub fn check_invariants(&self, links: impl Fn(u32) -> (u32, u32), key: impl Fn(u32) -> u64) -> usize {
        let mut count = self.waiting.check_invariants(&links);
        for (level, chains) in self.levels.iter().enumerate() {
            for (slot, chain) in chains.iter().enumerate() {
                let bit = self.occupied[level] >> slot & 1 == 1;
                assert_eq!(bit, !chain.is_empty(), "the bit of level {level}, slot {slot}");
                count += chain.check_invariants(&links);
                for item in chain.iter(&links) {
                    assert_eq!(self.place_of(key(item)), Place { level, slot }, "the place of {item}");
                }
            }
        }
        assert!(self.occupied[self.levels.len()..].iter().all(|&word| word == 0), "bits without chains");
        count
    }

    fn place_of(&self, key: u64) -> Place {
        let key = key.max(self.floor);
        let level = level_of(key ^ self.floor);
        Place { level, slot: digit(key, level) }
    }

    /// The smallest key that belongs to `place`.
    fn start_of(&self, place: Place) -> u64 {
        let shift = place.level * DIGIT_BITS;
        let above = u64::MAX.checked_shl((shift + DIGIT_BITS) as u32).unwrap_or(0);
        self.floor & above | (place.slot as u64) << shift
    }

    fn first_place(&self) -> Option<Place> {
        let level = self.occupied.iter().position(|&word| word != 0)?;
        Some(Place { level, slot: self.occupied[level].trailing_zeros() as usize })
    }

    fn chain_at(&mut self, place: Place) -> &mut Chain {
        if self.levels.len() <= place.level {
            self.levels.resize(place.level + 1, [Chain::EMPTY; SLOTS]);
        }
        &mut self.levels[place.level][place.slot]
    }

    fn take_chain(&mut self, place: Place) -> Chain {
        self.occupied[place.level] &= !(1 << place.slot);
        std::mem::replace(self.chain_at(place), Chain::EMPTY)
    }
}

/// The level of keys that differ from the floor in these bits.
fn level_of(difference: u64) -> usize {
    (difference | 1).ilog2() as usize / DIGIT_BITS
}

fn digit(key: u64, level: usize) -> usize {
    (key >> (level * DIGIT_BITS)) as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structures::records_for_tests::Records;

    fn queue_of(floor: u64, keys: &[u64]) -> (RadixQueue, Records) {
        let mut records = Records(keys.iter().map(|&key| (key, 0, 0)).collect());
        let mut queue = RadixQueue::new(floor);
        (0..keys.len() as u32).for_each(|item| queue.insert(&mut records, item));
        check(&queue, &records);
        (queue, records)
    }

    fn check(queue: &RadixQueue, records: &Records) -> usize {
        queue.check_invariants(|item| records.links(item), |item| records.key(item))
    }

    /// Pulls all keys up to `limit`, filing everything that waits first.
    fn pulled(queue: &mut RadixQueue, records: &mut Records, limit: u64) -> Vec<u64> {
        let mut keys = Vec::new();
        loop {
            queue.file_waiting(records, usize::MAX, &mut usize::MAX.clone());
            match queue.pull(records, limit) {
                Pull::Item(item) => keys.push(records.key(item)),
                Pull::Opened => {}
                Pull::Nothing => return keys,
            }
            check(queue, records);
        }
    }

    #[test]
    fn every_u64_has_its_place_and_comes_in_order() {
        let bits = (0..64).step_by(if cfg!(miri) { 7 } else { 1 });
        let mut keys: Vec<u64> = bits.flat_map(|bit| [1 << bit, (1 << bit) - 1, u64::MAX >> bit]).collect();
        let (mut queue, mut records) = queue_of(0, &keys);
        keys.sort_unstable();
        assert_eq!(pulled(&mut queue, &mut records, u64::MAX), keys);
        assert!(queue.is_empty());
        assert_eq!(queue.floor(), u64::MAX);
    }

    #[test]
    fn the_limit_holds_and_the_floor_may_go_up_to_it() {
        let (mut queue, mut records) = queue_of(100, &[100, 163, 164, 5000, 300_000]);
        assert_eq!(pulled(&mut queue, &mut records, 163), [100, 163]);
        assert_eq!(pulled(&mut queue, &mut records, 4999), [164]);
        queue.raise_floor(4999);
        check(&queue, &records);
        assert_eq!(pulled(&mut queue, &mut records, u64::MAX), [5000, 300_000]);
    }

    #[test]
    fn first_key_is_exact_within_the_block_and_never_too_late() {
        assert_eq!(RadixQueue::new(7).first_key(), None);
        assert_eq!(queue_of(128, &[150]).0.first_key(), Some(150));
        assert_eq!(queue_of(128, &[200]).0.first_key(), Some(192));
        assert_eq!(queue_of(128, &[100]).0.first_key(), Some(128));
        assert_eq!(queue_of(128, &[u64::MAX]).0.first_key(), Some(15 << 60));
    }

    #[test]
    fn late_keys_come_at_the_floor() {
        let (mut queue, mut records) = queue_of(1000, &[1001, 3, 999, 1000]);
        assert_eq!((queue.first_key(), queue.lower_bound()), (Some(1000), Some(0)));
        assert_eq!(pulled(&mut queue, &mut records, 1000), [3, 999, 1000]);
        assert_eq!(queue.lower_bound(), Some(1001));
        assert_eq!(pulled(&mut queue, &mut records, 1001), [1001]);
    }

    #[test]
    fn an_opened_chain_is_filed_by_budget_while_records_leave_it() {
        let keys: Vec<u64> = (0..64).map(|n| 4096 + n * 7 % 64).collect();
        let (mut queue, mut records) = queue_of(0, &keys);
        assert_eq!(queue.pull(&mut records, u64::MAX), Pull::Opened);
        let mut budget = 10;
        queue.file_waiting(&mut records, usize::MAX, &mut budget);
        assert_eq!((budget, queue.has_waiting()), (0, true));
        for item in [0, 63, 10, 30] {
            queue.remove(&mut records, item); // filed, and the waiting chain's tail, head and middle
            check(&queue, &records);
        }
        let expected: Vec<u64> =
            (4096..4096 + 64).filter(|key| ![0, 63, 10, 30].map(|n| keys[n]).contains(key)).collect();
        assert_eq!(pulled(&mut queue, &mut records, u64::MAX), expected);
    }

    #[test]
    fn the_floor_goes_down_by_joining_chains() {
        let mut keys = [5, 70_000, 70_001, 70_063, 70_064, 73_000, 200_000, 1 << 40]; // 5 is late
        let floors = [0, 1, 5, 63, 64, 4095, 65_000, 69_999, 70_000];
        for floor in floors.into_iter().step_by(if cfg!(miri) { 4 } else { 1 }) {
            let (mut queue, mut records) = queue_of(70_000, &keys);
            queue.lower_floor(&mut records, floor);
            assert_eq!(check(&queue, &records), keys.len());
            assert_eq!(pulled(&mut queue, &mut records, floor.max(5)).first(), Some(&5), "from floor {floor}");
            let (mut queue, mut records) = queue_of(70_000, &keys);
            queue.lower_floor(&mut records, floor);
            assert_eq!(pulled(&mut queue, &mut records, u64::MAX), keys, "from floor {floor}");
        }
        keys.reverse();
        let (mut queue, mut records) = queue_of(u64::MAX, &keys);
        queue.lower_floor(&mut records, 0);
        keys.reverse();
        assert_eq!(pulled(&mut queue, &mut records, u64::MAX), keys, "all were late");
    }
}
