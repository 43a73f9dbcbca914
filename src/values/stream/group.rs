//! A consumer group: how far it has read, what it was given and has not acknowledged, and by whom it is read.
//!
//! ```text
//! pending     ID -> delivery time, number of deliveries, consumer     in the order of IDs
//! consumers   slot -> name, times, its pending IDs in order           slots are reused; by_name lists them in the order of names
//! ```
//! Invariants: an ID is pending in the group if and only if it is with exactly one consumer, the one that its entry names; `by_name`
//! holds every slot in use once; `bytes` is the heap that names and slots hold. What B-trees take is told by what an entry of a tree
//! with half-filled nodes takes.

use super::group_walk::Before;
use super::id::StreamId;
use crate::values::walk::Slot;
use std::collections::{BTreeMap, BTreeSet};

/// Heap of a pending entry, in both trees.
const PENDING_BYTES: usize = 116;

/// A consumer of a group, as long as it is not removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsumerIndex(u32);

impl ConsumerIndex {
    /// Its place in its group.
    pub(super) fn slot(self) -> u32 {
        self.0
    }
}

/// An entry that was delivered and not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// When it was delivered last, in milliseconds since 1970.
    pub delivered_ms: i64,
    /// How often it was delivered.
    pub deliveries: u64,
    /// To whom.
    pub consumer: ConsumerIndex,
}

/// Whoever reads for a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Consumer {
    name: Box<[u8]>,
    pending: BTreeSet<StreamId>,
    /// When it last tried to read or claim, in milliseconds since 1970.
    pub seen_ms: i64,
    /// When it last got something; -1: never.
    pub active_ms: i64,
}

impl Consumer {
    /// Its name.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// What it has to acknowledge.
    pub fn pending(&self) -> &BTreeSet<StreamId> {
        &self.pending
    }
}

/// A group.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The last entry delivered.
    pub last_id: StreamId,
    /// How many entries were read up to there; `None`: nobody knows.
    pub entries_read: Option<i64>,
    pending: BTreeMap<StreamId, Pending>,
    consumers: Vec<Option<Consumer>>,
    by_name: Vec<u32>,
    free: Vec<u32>,
    bytes: usize,
    /// What a walk needs of entries that have changed.
    pub(super) walk: Slot<Before>,
}

impl Group {
    /// A group without consumers that has read up to here.
    pub fn new(last_id: StreamId, entries_read: Option<i64>) -> Group {
        Group {
            last_id,
            entries_read,
            pending: BTreeMap::new(),
            consumers: Vec::new(),
            by_name: Vec::new(),
            free: Vec::new(),
            bytes: 0,
            walk: Slot::EMPTY,
        }
    }

    /// Bytes of heap. O(1).
    pub fn heap_bytes(&self) -> usize {
        let slots = self.consumers.capacity() * size_of::<Option<Consumer>>();
        self.bytes + slots + 4 * (self.by_name.capacity() + self.free.capacity()) + PENDING_BYTES * self.pending.len()
    }

    // ---- consumers ----

    /// The consumers, in the order of their names.
    pub fn consumers(&self) -> impl ExactSizeIterator<Item = &Consumer> {
        self.by_name.iter().map(|&slot| self.consumer(ConsumerIndex(slot)))
    }

    /// The same, with their slots.
    pub(super) fn slots(&self) -> impl Iterator<Item = (u32, &Consumer)> {
        self.by_name.iter().map(|&slot| (slot, self.consumer(ConsumerIndex(slot))))
    }

    /// Whoever has a slot now.
    pub(super) fn slot(&self, slot: u32) -> Option<&Consumer> {
        self.consumers[slot as usize].as_ref()
    }

    /// A consumer.
    pub fn consumer(&self, index: ConsumerIndex) -> &Consumer {
        self.consumers[index.0 as usize].as_ref().expect("a consumer that is there")
    }

    /// A consumer, to note its times.
    pub fn consumer_mut(&mut self, index: ConsumerIndex) -> &mut Consumer {
        self.consumers[index.0 as usize].as_mut().expect("a consumer that is there")
    }

    /// The consumer of this name.
    pub fn find_consumer(&self, name: &[u8]) -> Option<ConsumerIndex> {
        self.place_of(name).ok().map(|place| ConsumerIndex(self.by_name[place]))
    }

    /// A new consumer, first seen now; `None` if there is one of this name.
    pub fn create_consumer(&mut self, name: &[u8], now_ms: i64) -> Option<ConsumerIndex> {
        let place = self.place_of(name).err()?;
        let consumer = Consumer { name: name.into(), pending: BTreeSet::new(), seen_ms: now_ms, active_ms: -1 };
        self.bytes += name.len();
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.consumers.push(None);
                u32::try_from(self.consumers.len() - 1).expect("fewer consumers than memory holds")
            }
        };
        self.consumers[slot as usize] = Some(consumer);
        self.by_name.insert(place, slot);
        Some(ConsumerIndex(slot))
    }

    /// Removes a consumer, and what is pending with it. Gives how much that was.
    pub fn remove_consumer(&mut self, index: ConsumerIndex) -> usize {
        let place = self.place_of(self.consumer(index).name()).expect("a consumer that is there");
        self.by_name.remove(place);
        let consumer = self.consumers[index.0 as usize].take().expect("a consumer that is there");
        self.free.push(index.0);
        self.bytes -= consumer.name.len();
        for &id in &consumer.pending {
            self.before_change(id);
            self.pending.remove(&id);
        }
        consumer.pending.len()
    }

    fn place_of(&self, name: &[u8]) -> Result<usize, usize> {
        self.by_name.binary_search_by(|&slot| self.consumer(ConsumerIndex(slot)).name().cmp(name))
    }

    // ---- pending entries ----

    /// All that is pending, by ID.
    pub fn pending(&self) -> &BTreeMap<StreamId, Pending> {
        &self.pending
    }

    /// A pending entry.
    pub fn find_pending(&self, id: StreamId) -> Option<Pending> {
        self.pending.get(&id).copied()
    }

    /// Notes an entry as pending, in place of what was noted of it before, with whichever consumer.
    pub fn put_pending(&mut self, id: StreamId, pending: Pending) {
        self.before_change(id);
        let before = self.pending.insert(id, pending);
        match before {
            Some(before) if before.consumer == pending.consumer => return,
            Some(before) => {
                self.consumer_mut(before.consumer).pending.remove(&id);
            }
            None => {}
        }
        self.consumer_mut(pending.consumer).pending.insert(id);
    }

    /// Forgets a pending entry. Whether it was one.
    pub fn remove_pending(&mut self, id: StreamId) -> bool {
        self.before_change(id);
        let Some(pending) = self.pending.remove(&id) else { return false };
        self.consumer_mut(pending.consumer).pending.remove(&id);
        true
    }

    /// Notes one more delivery of a pending entry.
    pub fn deliver_again(&mut self, id: StreamId, now_ms: i64) {
        self.before_change(id);
        if let Some(pending) = self.pending.get_mut(&id) {
            pending.delivered_ms = now_ms;
            pending.deliveries = pending.deliveries.wrapping_add(1);
        }
    }

    /// Forgets the first pending entry, if there is one: a large group is freed like this.
    pub(super) fn forget_first_pending(&mut self) -> bool {
        let first = self.pending.first_key_value().map(|(&id, _)| id);
        first.is_some_and(|id| self.remove_pending(id))
    }

    /// A pending entry is about to change, or to come: a walk that has yet to give it is told what it was.
    #[inline]
    fn before_change(&mut self, id: StreamId) {
        if let Some(before) = &mut self.walk.0 {
            before.note(id, self.pending.get(&id));
        }
    }

    /// Bytes of what is noted for a walk. (They are no part of `heap_bytes`.)
    #[inline]
    pub(super) fn noted_bytes(&self) -> usize {
        self.walk.0.as_ref().map_or(0, |before| before.bytes())
    }

    /// Checks what is said at the head of this file.
    ///
    /// # Panics
    /// If it does not hold.
    pub fn check_invariants(&self) {
        assert!(self.consumers().map(Consumer::name).is_sorted_by(|a, b| a < b));
        assert_eq!(self.by_name.len(), self.consumers.iter().flatten().count());
        assert_eq!(self.by_name.len() + self.free.len(), self.consumers.len());
        assert_eq!(self.bytes, self.consumers().map(|consumer| consumer.name.len()).sum::<usize>());
        assert_eq!(self.pending.len(), self.consumers().map(|consumer| consumer.pending.len()).sum::<usize>());
        for (id, pending) in &self.pending {
            assert!(self.consumer(pending.consumer).pending.contains(id));
        }
    }
}
