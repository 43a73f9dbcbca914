//! Going over keys that no command names: scan, samples, moving records together.

use super::{Database, Expired};
use crate::keyspace::removal::Cause;
use crate::structures::record_arena::Handle;

impl Database {
    /// Visits the keys at a scan position, and gives the next: 0 at the end.
    pub fn scan(&self, cursor: u64, mut visit: impl FnMut(Handle)) -> u64 {
        self.table.scan_ahead(cursor, |handle| self.records.prefetch(handle));
        self.table.scan(cursor, |handle| self.hasher.hash(self.records.key(handle)), &mut visit)
    }

    /// Whether a record found by `scan` is past its deadline, and not to be seen.
    pub fn is_past_deadline(&self, handle: Handle) -> bool {
        self.expired != Expired::There && self.deadline(handle).is_some_and(|deadline| deadline <= self.now.ms)
    }

    /// Removes a record past its deadline that was found by `scan`, if such records go; others stay where they are.
    pub fn remove_expired(&mut self, handle: Handle) {
        if self.expired == Expired::Removed {
            let hash = self.hasher.hash(self.records.key(handle));
            self.remove_by_itself(handle, hash, Cause::Expired);
        }
    }

    /// A record chosen by `random(n)` (a number below n), all alike; it may be past its deadline.
    pub fn sample(&self, random: impl FnMut(usize) -> usize) -> Option<Handle> {
        self.table.sample(random)
    }

    /// The record of a key chosen by `random(n)`, never one past its deadline. All alike, unless nearly all keys are past theirs.
    pub fn random_key(&mut self, mut random: impl FnMut(usize) -> usize) -> Option<Handle> {
        const TRIES: usize = 100;
        for _ in 0..TRIES {
            let handle = self.sample(&mut random)?;
            if !self.is_past_deadline(handle) {
                return Some(handle);
            }
            self.remove_expired(handle);
        }
        // Then the first that is left behind some place.
        let start = (random(1 << 32) as u64) << 21;
        let (mut cursor, mut found) = (start, None);
        for _turn in 0..2 {
            loop {
                cursor = self.scan(cursor, |handle| {
                    if found.is_none() && !self.is_past_deadline(handle) {
                        found = Some(handle);
                    }
                });
                if found.is_some() {
                    return found;
                }
                if cursor == 0 {
                    break;
                }
            }
        }
        None
    }

    /// Moves up to `budget` records out of sparse pages; whether it is worth going on.
    pub fn defragment(&mut self, page: u32, budget: usize) -> bool {
        let hasher = self.hasher;
        let (records, mut followers) = self.followers();
        // One by one: the next record to move may be this one's neighbour.
        !records.evacuate(page, budget, |records, from, to| {
            let hash = hasher.hash(records.key(to));
            followers.moved(records, hash, from, to);
        })
    }

    /// A page of records worth emptying.
    pub fn sparsest_page(&self) -> Option<u32> {
        self.records.sparsest_page()
    }
}
