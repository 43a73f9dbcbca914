//! Keeping the parts in step: table, records, wheel, LRU list, and the walk that has not reached a record yet.

use super::Database;
use super::field_expiry::FieldWheel;
use crate::keyspace::eviction::Recency;
use crate::keyspace::links::LruLinks;
use crate::keyspace::removal::{Cause, FREE_LATER_EFFORT, Removal};
use crate::structures::key_table::KeyTable;
use crate::structures::record_arena::{Handle, Payload, RecordArena};
use crate::structures::timer_wheel::TimerWheel;
use crate::values::Big;

impl Database {
    /// The record moved: table, wheel and list learn it. Its links came along.
    pub(super) fn moved(&mut self, hash: u64, from: Handle, to: Handle) {
        let (records, mut followers) = self.followers();
        followers.moved(records, hash, from, to);
    }

    pub(super) fn followers(&mut self) -> (&mut RecordArena<Big>, Followers<'_>) {
        let (table, wheel, recency, fields) = (&mut self.table, &mut self.wheel, &mut self.recency, &mut self.fields);
        (&mut self.records, Followers { table, wheel, recency, fields, volatile_only: self.policy.volatile_only })
    }

    /// Takes a record out of everything; its boxed value is still counted.
    pub(in crate::keyspace) fn unlink(&mut self, handle: Handle, hash: u64) -> Option<Box<Big>> {
        let deadline = self.records.deadline_ms(handle);
        if deadline.is_some() {
            self.wheel.remove(&mut self.records, handle);
        }
        if self.is_listed(deadline) {
            self.recency.remove(&mut LruLinks(&mut self.records), handle);
        }
        self.fields.file(handle, None);
        self.table.remove(hash, handle);
        self.records.remove(handle)
    }

    /// Removes a key that no command named, and notes it.
    pub(in crate::keyspace) fn remove_by_itself(&mut self, handle: Handle, hash: u64, cause: Cause) {
        self.before_change(handle);
        self.removals.keys.push(Removal { key: self.records.key(handle).into(), cause });
        match cause {
            Cause::Expired => self.counts.expired += 1,
            Cause::Evicted => self.counts.evicted += 1,
        }
        if let Some(big) = self.unlink(handle, hash) {
            self.free(big);
        }
    }

    /// Frees a value, now or later, and no longer counts it.
    pub(super) fn free(&mut self, big: Box<Big>) {
        self.boxed_bytes -= big.heap_bytes();
        self.free_uncounted(big);
    }

    /// Frees a value that is not counted (any more), now or later.
    pub(super) fn free_uncounted(&mut self, big: Box<Big>) {
        let Some(big) = self.keep_walked(big) else { return };
        if big.free_effort() > FREE_LATER_EFFORT {
            self.removals.garbage.push(big);
        }
    }

    /// Writes a record out to the walk that has not reached it.
    #[inline]
    pub(in crate::keyspace) fn before_change(&mut self, handle: Handle) {
        if let Some(walk) = &mut self.walk {
            walk.write_before_change(&mut self.records, handle);
        }
    }

    /// Checks that the parts agree. Panics when they do not.
    pub fn check_invariants(&self) {
        self.records.check_invariants();
        self.table.check_invariants(|handle| self.hasher.hash(self.records.key(handle)));
        self.wheel.check_invariants(&self.records);
        self.check_fields();
        assert_eq!(self.table.len(), self.records.len());
        let listed = if self.policy.volatile_only { self.wheel.len() } else { self.table.len() };
        self.recency.check_invariants(&self.records, listed);
        let (mut boxed_bytes, mut cursor) = (0, 0);
        loop {
            cursor = self.scan(cursor, |handle| {
                if let Payload::Boxed(big) = self.records.payload(handle) {
                    boxed_bytes += big.heap_bytes();
                }
            });
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(boxed_bytes, self.boxed_bytes, "bytes of boxed values");
    }
}

/// What points at records, and has to learn when one moves.
pub(super) struct Followers<'a> {
    table: &'a mut KeyTable,
    wheel: &'a mut TimerWheel,
    recency: &'a mut Recency,
    fields: &'a mut FieldWheel,
    volatile_only: bool,
}

impl Followers<'_> {
    pub(super) fn moved(&mut self, records: &mut RecordArena<Big>, hash: u64, from: Handle, to: Handle) {
        self.table.repoint(hash, from, to);
        self.fields.moved(from, to);
        let has_deadline = records.deadline_ms(to).is_some();
        if has_deadline {
            self.wheel.moved(records, from, to);
        }
        if self.recency.is_listed() && (!self.volatile_only || has_deadline) {
            self.recency.moved(&mut LruLinks(records), from, to);
        }
    }
}
