//! How keys are used: access stamps, LFU counters, the place in the LRU list.

use super::Database;
use crate::keyspace::eviction::{Age, Order};
use crate::keyspace::links::LruLinks;
use crate::structures::record_arena::Handle;

/// Access stamps count tenths of a second: 32 bits last 13 years.
const STAMP_MS: u64 = 100;

#[inline]
pub(in crate::keyspace) fn stamp_of(now_ms: u64) -> u32 {
    (now_ms / STAMP_MS) as u32
}

impl Database {
    /// Whether a record with this deadline (or none) stands in the LRU list.
    #[inline]
    pub(super) fn is_listed(&self, deadline: Option<u64>) -> bool {
        self.recency.is_listed() && (!self.policy.volatile_only || deadline.is_some())
    }

    /// Counts a use of a record.
    #[inline]
    pub(in crate::keyspace) fn touch(&mut self, handle: Handle) {
        if !self.touches {
            return;
        }
        if self.policy.is_lfu {
            let draw = self.draw();
            let stamp = self.policy.lfu.after_use(self.records.stamp(handle), self.now.ms, draw);
            self.records.set_stamp(handle, stamp);
            return;
        }
        if self.recency.is_listed() && (!self.policy.volatile_only || self.records.deadline_ms(handle).is_some()) {
            self.recency.touch(&mut LruLinks(&mut self.records), handle);
        }
        self.records.set_stamp(handle, stamp_of(self.now.ms)); // after the list, which may find the record by its stamp
    }

    /// A number that is as likely as any other.
    fn draw(&mut self) -> u32 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.chance ^ self.chance >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
        ((mixed ^ mixed >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93) >> 32) as u32
    }

    /// The first use of a new record.
    pub(super) fn begin_use(&mut self, handle: Handle) {
        let stamp = if self.policy.is_lfu { self.policy.lfu.at_birth(self.now.ms) } else { stamp_of(self.now.ms) };
        self.records.set_stamp(handle, stamp);
        if self.is_listed(self.records.deadline_ms(handle)) {
            self.recency.push_newest(&mut LruLinks(&mut self.records), handle);
        }
    }

    /// Milliseconds since the record's last use (to a tenth of a second; 0 if the clock has gone back since). Not under an
    /// LFU policy.
    pub fn idle_ms(&self, handle: Handle) -> u64 {
        Age::at(self.now.ms).of(self.records.stamp(handle)) as u64 * STAMP_MS
    }

    /// Makes a record look unused for so long (RESTORE ... IDLETIME), six years at most. Not under an LFU policy.
    pub fn set_idle_ms(&mut self, handle: Handle, idle_ms: u64) {
        let is_listed = self.is_listed(self.records.deadline_ms(handle));
        if is_listed {
            self.recency.remove(&mut LruLinks(&mut self.records), handle);
        }
        let age = Age::at(self.now.ms);
        self.records.set_stamp(handle, age.stamp((idle_ms / STAMP_MS).min(i32::MAX as u64) as u32));
        if is_listed {
            self.recency.insert_by_age(&mut LruLinks(&mut self.records), handle, age);
        }
    }

    /// Whether an LFU policy is in force: then `frequency` means something, else `idle_ms` does.
    pub fn counts_frequency(&self) -> bool {
        self.policy.is_lfu
    }

    /// Whether keys may be evicted by how long ago, or how often, they were used.
    pub fn evicts_by_use(&self) -> bool {
        self.policy.limited && matches!(self.policy.order, Order::Lru | Order::Lfu)
    }

    /// The record's LFU counter as it stands after decay.
    pub fn frequency(&self, handle: Handle) -> u8 {
        self.policy.lfu.frequency(self.records.stamp(handle), self.now.ms)
    }

    /// Sets the record's LFU counter (RESTORE ... FREQ).
    pub fn set_frequency(&mut self, handle: Handle, frequency: u8) {
        let stamp = self.policy.lfu.stamp(frequency, self.now.ms);
        self.records.set_stamp(handle, stamp);
    }
}
