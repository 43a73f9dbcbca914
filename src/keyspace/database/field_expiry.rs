//! Deadlines of hashes' fields: they leave at their millisecond, and the hash with its last.
//!
//! ```text
//! FieldWheel   by_record  record's handle ─► entry          one entry per hash that has a field with a deadline
//!              entries    first deadline, wheel links, handle
//!              wheel      over the entries
//! ```
//!
//! A hash knows when its first field is due ([`HashRef::next_deadline`]); here it is filed under that time. When it comes the hash
//! gives up its due fields and is filed again. A table may name a time before its first deadline: then none is due yet, and the next
//! time it names is nearer.
//!
//! Invariant: a record has an entry if and only if its hash has a field with a deadline, and that stands under the hash's own
//! `next_deadline` as it was when the record was last written.

use super::{Database, Expired};
use crate::keyspace::removal::FieldRemoval;
use crate::structures::record_arena::{Handle, NewPayload, Payload};
use crate::structures::timer_wheel::{TimerWheel, WheelItems};
use crate::values::hash::{Hash, HashRef};
use crate::values::{AnyRef, Big, Collection, New, tag};
use slab::Slab;
use std::collections::BTreeMap;

/// Hashes by the deadline of their first field.
pub(super) struct FieldWheel {
    wheel: TimerWheel,
    entries: Entries,
    by_record: BTreeMap<Handle, u32>,
}

struct Entry {
    deadline: u64,
    prev: u32,
    next: u32,
    record: Handle,
}

/// The entries, as the wheel sees them.
struct Entries(Slab<Entry>);

impl WheelItems for Entries {
    fn deadline_ms(&self, item: u32) -> u64 {
        self.0[item as usize].deadline
    }

    fn links(&self, item: u32) -> (u32, u32) {
        let entry = &self.0[item as usize];
        (entry.prev, entry.next)
    }

    fn set_prev(&mut self, item: u32, prev: u32) {
        self.0[item as usize].prev = prev;
    }

    fn set_next(&mut self, item: u32, next: u32) {
        self.0[item as usize].next = next;
    }
}

impl FieldWheel {
    pub(super) fn new(now_ms: u64) -> FieldWheel {
        FieldWheel { wheel: TimerWheel::new(now_ms), entries: Entries(Slab::new()), by_record: BTreeMap::new() }
    }

    /// Hashes in it.
    pub(super) fn len(&self) -> usize {
        self.wheel.len()
    }

    /// Bytes that they take here, about.
    pub(super) fn bytes(&self) -> usize {
        const BYTES_PER_HASH: usize = size_of::<Entry>() + 2 * size_of::<(Handle, u32)>();
        self.len() * BYTES_PER_HASH
    }

    pub(super) fn next_deadline(&self) -> Option<u64> {
        self.wheel.next_deadline()
    }

    /// The first deadline of a record is this one from now on; `None`: it has none, or goes.
    #[inline]
    pub(super) fn file(&mut self, record: Handle, first: Option<u64>) {
        if first.is_some() || !self.by_record.is_empty() {
            self.file_again(record, first);
        }
    }

    fn file_again(&mut self, record: Handle, first: Option<u64>) {
        match (self.by_record.get(&record).copied(), first) {
            (None, None) => {}
            (None, Some(deadline)) => {
                let item = self.entries.0.insert(Entry { deadline, prev: 0, next: 0, record }) as u32;
                self.by_record.insert(record, item);
                self.wheel.insert(&mut self.entries, item);
            }
            (Some(item), None) => {
                self.wheel.remove(&mut self.entries, item);
                self.by_record.remove(&record);
                self.entries.0.remove(item as usize);
            }
            (Some(item), Some(deadline)) if self.entries.deadline_ms(item) != deadline => {
                self.wheel.remove(&mut self.entries, item);
                self.entries.0[item as usize].deadline = deadline;
                self.wheel.insert(&mut self.entries, item);
            }
            (Some(_), Some(_)) => {}
        }
    }

    /// A record has moved.
    #[inline]
    pub(super) fn moved(&mut self, from: Handle, to: Handle) {
        if !self.by_record.is_empty()
            && let Some(item) = self.by_record.remove(&from)
        {
            self.by_record.insert(to, item);
            self.entries.0[item as usize].record = to;
        }
    }

    /// A hash whose first deadline has come, filed as it was.
    fn due(&mut self, now_ms: u64, budget: &mut usize) -> Option<Handle> {
        let item = self.wheel.advance(&mut self.entries, now_ms, budget)?;
        self.wheel.insert(&mut self.entries, item);
        Some(self.entries.0[item as usize].record)
    }
}

/// When the first field of what goes into a record is due.
#[inline]
pub(super) fn first_deadline_of(payload: &New<'_>) -> Option<u64> {
    match payload {
        NewPayload::Inline { tag: tag::TIMED_HASH, bytes } => {
            Hash::view(Payload::Inline { tag: tag::TIMED_HASH, bytes }).ok()?.next_deadline()
        }
        NewPayload::Inline { .. } => None,
        NewPayload::Boxed(big) => first_deadline_in(big),
    }
}

fn first_deadline_in(big: &Big) -> Option<u64> {
    match big {
        Big::Hash(hash) => hash.as_ref().next_deadline(),
        _ => None,
    }
}

impl Database {
    /// Hashes that have a field with a deadline.
    pub fn hashes_expiring(&self) -> usize {
        self.fields.len()
    }

    /// The time by which a write tells whether a field is there: while a log is replayed, and on a replica, all are until they are removed.
    pub fn field_time_ms(&self) -> u64 {
        if self.expired == Expired::There { 0 } else { self.now.ms }
    }

    /// A box of this record was changed in place.
    pub(super) fn follow_fields(&mut self, handle: Handle) {
        if let Payload::Boxed(big) = self.records.payload(handle) {
            let first = first_deadline_in(big);
            self.fields.file(handle, first);
        }
    }

    /// Somebody came upon a field that is past its deadline: it goes, where expired fields are removed.
    pub fn remove_expired_field(&mut self, key: &[u8], field: &[u8]) {
        if self.expired != Expired::Removed {
            return;
        }
        let now_ms = self.now.ms;
        let Some((hash, handle)) = self.locate(key) else { return };
        let found = Hash::view(self.records.payload(handle)).ok().and_then(|hash| hash.find(field));
        if found.is_some_and(|field| field.is_past(now_ms)) {
            self.remove_fields(handle, hash, |hash, gone| {
                hash.remove(field);
                gone.push(field.into());
            });
        }
    }

    /// Removes fields of a hash that are due, at the cost of `budget`, where expired fields are removed.
    pub fn remove_expired_fields(&mut self, key: &[u8], mut budget: usize) {
        if self.expired != Expired::Removed {
            return;
        }
        let now_ms = self.now.ms;
        let Some((hash, handle)) = self.locate(key) else { return };
        let is_due = |hash: HashRef<'_>| hash.next_deadline().is_some_and(|first| first <= now_ms);
        if Hash::view(self.records.payload(handle)).is_ok_and(is_due) {
            self.remove_due(handle, hash, &mut budget);
        }
    }

    /// Removes due fields of all hashes, at the cost of `budget`.
    pub(super) fn expire_due_fields(&mut self, budget: &mut usize) {
        while let Some(handle) = self.fields.due(self.now.ms, budget) {
            let hash = self.hasher.hash(self.records.key(handle));
            self.remove_due(handle, hash, budget);
        }
    }

    fn remove_due(&mut self, handle: Handle, hash: u64, budget: &mut usize) {
        let now_ms = self.now.ms;
        self.remove_fields(handle, hash, |hash, gone| {
            hash.expire_due(now_ms, budget, |field| gone.push(field.into()));
        });
    }

    /// Changes a hash by `remove`, which says what it removed, and tells of it.
    fn remove_fields(&mut self, handle: Handle, hash: u64, remove: impl FnOnce(&mut Hash, &mut Vec<Box<[u8]>>)) {
        if !self.records.has_room() {
            return;
        }
        let key: Box<[u8]> = self.records.key(handle).into();
        let mut gone = Vec::new();
        let Ok(mut edit) = self.take_out::<Hash>(&key, hash, handle) else { return };
        remove(&mut edit, &mut gone);
        let key_went = edit.finish();
        self.counts.expired_fields += gone.len() as u64;
        let last = gone.len().saturating_sub(1);
        let removals = gone.into_iter().enumerate().map(|(index, field)| FieldRemoval {
            key: key.clone(),
            field,
            took_key: key_went && index == last,
        });
        self.removals.fields.extend(removals);
    }

    pub(super) fn check_fields(&self) {
        self.fields.wheel.check_invariants(&self.fields.entries);
        assert_eq!(self.fields.by_record.len(), self.fields.len());
        let (mut filed, mut cursor) = (0, 0);
        loop {
            cursor = self.scan(cursor, |handle| {
                let first = match AnyRef::of(self.records.payload(handle)) {
                    AnyRef::Hash(hash) => hash.next_deadline(),
                    _ => None,
                };
                let entry = self.fields.by_record.get(&handle).map(|&item| &self.fields.entries.0[item as usize]);
                assert_eq!(entry.map(|entry| entry.record), first.map(|_| handle));
                assert_eq!(entry.map(|entry| entry.deadline), first);
                filed += entry.is_some() as usize;
            });
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(filed, self.fields.len(), "hashes with deadlines");
    }
}
