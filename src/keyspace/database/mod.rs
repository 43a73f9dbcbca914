//! One database: its table, records, expiry wheel and LRU list, kept in step.
//!
//! Every way to reach a key goes through `locate`: it hashes, looks up, and removes a key whose deadline has passed. Every way
//! to change one goes through `before_change` (the walk writes out what it has not reached) and, when a record had to move,
//! through `moved` (table, wheel and list learn its new handle).
//!
//! A database's number stands nowhere in it: FLUSHDB, SWAPDB and the reaper move this one object.

mod ahead;
mod collections;
mod consult;
mod field_expiry;
mod parts;
mod sizes;
mod strings;
mod usage;
mod visiting;
mod writing;

pub use collections::Edit;
pub use consult::Consulted;
pub use strings::{EditError, IncrementError};
pub(in crate::keyspace) use usage::stamp_of;

use super::eviction::{Policy, Recency};
use super::removal::{Cause, Removals};
use super::walk::TableWalk;
use crate::base::hash::KeyHasher;
use crate::structures::key_table::KeyTable;
use crate::structures::record_arena::{Handle, Payload, RecordArena};
use crate::structures::timer_wheel::TimerWheel;
use crate::values::{Big, View};
use field_expiry::FieldWheel;

/// All 2^32 handles of a database are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// What becomes of keys and fields past their deadline.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Expired {
    /// They go when they are met, and when their time comes.
    #[default]
    Removed,
    /// They stay, and nobody sees them: nothing is to change for a while.
    Hidden,
    /// They are there as others are until a call says that they have gone: while a log is replayed, what follows in it was true of them.
    There,
}

/// What a write does to a key's deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// It stays as it is.
    Keep,
    /// None from now on.
    Clear,
    /// This one, in milliseconds since 1970.
    At(u64),
}

/// Counts that INFO shows, since the start or the last reset.
#[derive(Debug, Default, Clone, Copy)]
pub struct Counts {
    /// Reads that found their key.
    pub hits: u64,
    /// Reads that did not.
    pub misses: u64,
    /// Keys whose deadline came.
    pub expired: u64,
    /// Fields of hashes whose deadline came.
    pub expired_fields: u64,
    /// Keys removed for their memory.
    pub evicted: u64,
}

/// The time as the keyspace sees it: fixed for the length of a call.
#[derive(Debug, Default, Clone, Copy)]
pub struct Now {
    /// Milliseconds since 1970.
    pub ms: u64,
}

/// A database.
pub struct Database {
    pub(super) table: KeyTable,
    pub(super) records: RecordArena<Big>,
    pub(super) wheel: TimerWheel,
    pub(super) recency: Recency,
    pub(super) policy: Policy,
    pub(super) walk: Option<TableWalk>,
    /// What a record's mark is unless a walk has yet to reach it.
    pub(super) mark: bool,
    pub(super) boxed_bytes: usize,
    pub(super) hasher: KeyHasher,
    /// Hashes with fields that expire.
    fields: FieldWheel,
    /// An empty buffer that small collections are taken out into.
    spare: Vec<u8>,
    /// The key whose hash was computed ahead: (address, length, hash).
    hashed: (usize, usize, u64),
    /// What the coins of LFU counters are drawn from.
    chance: u64,
    /// The time of the call that runs.
    pub now: Now,
    /// What becomes of keys past their deadline.
    pub expired: Expired,
    /// Whether keys that come are told of.
    pub tells_births: bool,
    /// Whether keys that are asked for and are not there are told of.
    pub tells_misses: bool,
    /// Whether reads count as uses (`CLIENT NO-TOUCH`).
    pub touches: bool,
    /// What INFO shows.
    pub counts: Counts,
    /// What left beside the call's own doing.
    pub removals: Removals,
}

impl Database {
    /// An empty database.
    pub fn new(hasher: KeyHasher, now: Now, policy: Policy) -> Self {
        let mut db = Database {
            table: KeyTable::new(),
            records: RecordArena::new(),
            wheel: TimerWheel::new(now.ms),
            recency: Recency::Off,
            policy: Policy::default(),
            walk: None,
            mark: false,
            boxed_bytes: 0,
            chance: hasher.hash(b"chance"),
            hasher,
            fields: FieldWheel::new(now.ms),
            spare: Vec::new(),
            hashed: (0, 0, 0),
            now,
            expired: Expired::default(),
            tells_births: false,
            tells_misses: false,
            touches: true,
            counts: Counts::default(),
            removals: Removals::default(),
        };
        db.set_policy(policy);
        db
    }

    /// An empty database with this one's settings.
    pub fn empty_like(&self) -> Self {
        let mut db = Database::new(self.hasher, self.now, self.policy);
        (db.expired, db.counts) = (self.expired, self.counts);
        (db.tells_births, db.tells_misses) = (self.tells_births, self.tells_misses);
        db
    }

    // ---- hashing ----

    /// The hash of a key.
    #[inline]
    pub fn hash(&self, key: &[u8]) -> u64 {
        self.hasher.hash(key)
    }

    /// What keys are hashed by.
    pub fn hasher(&self) -> KeyHasher {
        self.hasher
    }

    /// Says that `hash` is the hash of the key that stands at this very place; until the next call of this function, or
    /// `forget_hash`, it is not computed again.
    #[inline]
    pub fn expect_key(&mut self, key: &[u8], hash: u64) {
        self.hashed = (key.as_ptr() as usize, key.len(), hash);
    }

    /// Takes back what `expect_key` said: the place may hold other bytes from now on.
    #[inline]
    pub fn forget_hash(&mut self) {
        self.hashed = (0, 0, 0);
    }

    /// The hash of a key, which need not be computed if it is the one that `expect_key` named.
    #[inline]
    pub fn hash_of_call(&self, key: &[u8]) -> u64 {
        let (address, len, hash) = self.hashed;
        if address == key.as_ptr() as usize && len == key.len() && len != 0 { hash } else { self.hasher.hash(key) }
    }

    #[inline]
    fn lookup(&self, hash: u64, key: &[u8]) -> Option<Handle> {
        self.table.find(hash, |handle| self.records.key(handle) == key)
    }

    /// The record of a key that is there and not past its deadline.
    #[inline]
    fn locate(&mut self, key: &[u8]) -> Option<(u64, Handle)> {
        let hash = self.hash_of_call(key);
        self.locate_hashed(key, hash).map(|handle| (hash, handle))
    }

    #[inline]
    fn locate_hashed(&mut self, key: &[u8], hash: u64) -> Option<Handle> {
        let handle = self.lookup(hash, key)?;
        match self.records.deadline_ms(handle) {
            Some(deadline) if deadline <= self.now.ms && self.expired != Expired::There => {
                if self.expired == Expired::Removed {
                    self.remove_by_itself(handle, hash, Cause::Expired);
                }
                None
            }
            _ => Some(handle),
        }
    }

    /// The record of a key that is about to be written and not past its deadline. If it is past it, there is no record
    /// afterwards.
    fn locate_to_write(&mut self, key: &[u8], hash: u64) -> Option<Handle> {
        let handle = self.lookup(hash, key)?;
        if self.is_past_deadline(handle) {
            self.clear_expired(handle, hash);
            return None;
        }
        Some(handle)
    }

    /// A new value takes the place of one past its deadline: that goes, and is told of where expired keys are removed.
    fn clear_expired(&mut self, handle: Handle, hash: u64) {
        if self.expired == Expired::Removed {
            return self.remove_by_itself(handle, hash, Cause::Expired);
        }
        self.before_change(handle);
        if let Some(big) = self.unlink(handle, hash) {
            self.free(big);
        }
    }

    // ---- reading ----

    /// Keys, those past their deadline that have not been removed yet included.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Keys with a deadline.
    pub fn expiring(&self) -> usize {
        self.wheel.len()
    }

    /// Whether keys left beside the call's own doing, or values wait to be freed.
    #[inline]
    pub fn has_removals(&self) -> bool {
        !self.removals.keys.is_empty()
            || !self.removals.garbage.is_empty()
            || !self.removals.births.is_empty()
            || !self.removals.misses.is_empty()
            || !self.removals.fields.is_empty()
    }

    /// Bytes of this database's records, values, table, links and wheel.
    pub fn used_bytes(&self) -> usize {
        let items = self.records.live_bytes() + self.records.long_key_bytes() + self.boxed_bytes;
        items + self.table.bytes() + self.wheel.heap_bytes() + self.fields.bytes()
    }

    /// The key's record, read: counts a hit or a miss, and a use.
    #[inline]
    pub fn read(&mut self, key: &[u8]) -> Option<Handle> {
        match self.locate(key) {
            Some((_, handle)) => {
                self.counts.hits += 1;
                self.touch(handle);
                Some(handle)
            }
            None => {
                self.count_miss(key);
                None
            }
        }
    }

    fn count_miss(&mut self, key: &[u8]) {
        self.counts.misses += 1;
        if self.tells_misses {
            self.removals.misses.push(key.into());
        }
    }

    /// The key's record, about to be written: counts a use.
    #[inline]
    pub fn find(&mut self, key: &[u8]) -> Option<Handle> {
        let (_, handle) = self.locate(key)?;
        self.touch(handle);
        Some(handle)
    }

    /// The key's record, looked at: counts a hit or a miss, but no use.
    pub fn look(&mut self, key: &[u8]) -> Option<Handle> {
        let found = self.peek(key);
        match found {
            Some(_) => self.counts.hits += 1,
            None => self.count_miss(key),
        }
        found
    }

    /// The same, and nobody is told that it was asked for in vain.
    pub fn look_silently(&mut self, key: &[u8]) -> Option<Handle> {
        let found = self.peek(key);
        match found {
            Some(_) => self.counts.hits += 1,
            None => self.counts.misses += 1,
        }
        found
    }

    /// The key's record, which nobody shall know of: counts nothing.
    pub fn peek(&mut self, key: &[u8]) -> Option<Handle> {
        self.locate(key).map(|(_, handle)| handle)
    }

    /// What a record holds.
    #[inline]
    pub fn view(&self, handle: Handle) -> View<'_> {
        self.records.payload(handle)
    }

    /// A record's key.
    pub fn key(&self, handle: Handle) -> &[u8] {
        self.records.key(handle)
    }

    /// A record's deadline, in milliseconds since 1970.
    pub fn deadline(&self, handle: Handle) -> Option<u64> {
        self.records.deadline_ms(handle)
    }

    /// Bytes that a key takes: record, boxed value, its share of the table and links.
    pub fn key_bytes(&self, handle: Handle) -> usize {
        let boxed = match self.view(handle) {
            Payload::Boxed(big) => big.heap_bytes(),
            Payload::Inline { .. } => 0,
        };
        self.records.record_bytes(handle) + boxed + if self.recency.is_listed() { 8 } else { 0 } + 8
    }

    // ---- expiry ----

    /// Removes keys whose deadline has come, at the cost of `budget`, and tells of each how late it is (ms).
    pub fn expire_due(&mut self, budget: &mut usize, mut late_ms: impl FnMut(u64)) {
        while let Some(handle) = self.wheel.advance(&mut self.records, self.now.ms, budget) {
            let deadline = self.records.deadline_ms(handle).expect("it was in the wheel");
            late_ms(self.now.ms - deadline);
            // The wheel has let go of it; to be removed like any other it must be in it.
            self.wheel.insert(&mut self.records, handle);
            let hash = self.hasher.hash(self.records.key(handle));
            self.remove_by_itself(handle, hash, Cause::Expired);
        }
        self.expire_due_fields(budget);
    }

    /// Whether a key or a field has a deadline.
    #[inline]
    pub fn has_deadlines(&self) -> bool {
        !self.wheel.is_empty() || self.fields.len() > 0
    }

    /// When `expire_due` should be called next; `None` while no key and no field has a deadline.
    pub fn next_deadline(&self) -> Option<u64> {
        [self.wheel.next_deadline(), self.fields.next_deadline()].into_iter().flatten().min()
    }
}
