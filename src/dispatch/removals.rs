//! What leaves beside a call's own doing, expired or evicted: logged, told to whoever watches, and freed.

use super::Dispatcher;
use super::storage::{Garbage, TOUCHED_PLACES};
use crate::keyspace::database::Database;
use crate::keyspace::removal::{Cause, FieldRemoval, Removal, Removals};
use std::collections::BTreeSet;

/// Flushed databases of so many bytes or less, together, do not need the reaper: that takes microseconds.
const FREED_AT_ONCE_BYTES: usize = 128 * 1024;

/// A key that is new, and its database.
pub(super) type Birth = (usize, Box<[u8]>);

impl Dispatcher {
    /// The same as `collect_removals_and_births`, where no call has just run.
    pub(super) fn collect_removals(&mut self) {
        let born = self.collect_removals_and_births();
        self.tell_of_births(born);
    }

    /// Keys that left by themselves are logged; values that are long to free go to the reaper. Gives which keys are new and to be told
    /// of.
    pub(super) fn collect_removals_and_births(&mut self) -> BTreeSet<Birth> {
        let mut born = BTreeSet::new();
        let (mut garbage, mut gone, mut told, mut fields) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for number in 0..self.server.keyspace.count() {
            let db = self.server.keyspace.db(number);
            if !db.has_removals() {
                continue;
            }
            let removals = std::mem::take(&mut db.removals);
            self.server.dirty += (removals.fields.len() + removals.keys.len()) as u64;
            if self.is_logged() {
                self.log_removals(number, &removals);
            }
            garbage.extend(removals.garbage);
            if self.server.clients.observed {
                if !removals.fields.is_empty() {
                    fields.push((number, removals.fields));
                }
                gone.extend(removals.keys.into_iter().map(|removal| (number, removal)));
            }
            born.extend(removals.births.into_iter().map(|key| (number, key)));
            if !removals.misses.is_empty() {
                told.push((number, removals.misses));
            }
        }
        fields.into_iter().for_each(|(db, fields)| self.tell_of_fields(db, fields));
        self.tell_of_removals(gone);
        let held_for = self.offset_to_hold_for();
        for (number, misses) in told {
            misses.iter().for_each(|key| self.server.notify(number, key, 'm', "keymiss", held_for));
        }
        if !garbage.is_empty() {
            self.free_later(Garbage::Values(garbage));
        }
        born
    }

    fn log_removals(&mut self, db: usize, removals: &Removals) {
        for FieldRemoval { key, field, .. } in &removals.fields {
            // One call per field, as Redis: whoever follows the log may count them.
            self.log_removal(db, [b"HDEL", key, field]);
        }
        for Removal { key, cause } in &removals.keys {
            let offset = self.log_removal(db, [b"DEL", key]);
            if *cause == Cause::Evicted {
                let hash = self.server.keyspace.db(db).hash(key);
                self.storage.touched[hash as usize % TOUCHED_PLACES] = offset;
            }
        }
    }

    /// Appends a call that nobody made, and gives the log offset behind it.
    fn log_removal<const WORDS: usize>(&mut self, db: usize, call: [&[u8]; WORDS]) -> u64 {
        let Some(log) = &mut self.storage.log else { return 0 };
        if self.in_transaction && !std::mem::replace(&mut self.has_open_group, true) {
            log.begin_group();
        }
        log.append_call(db as u32, call.into_iter());
        if self.storage.block_since_ns == 0 {
            self.storage.block_since_ns = self.server.time.monotonic_ns;
        }
        log.next_offset()
    }

    /// Tells which keys are new.
    #[cold]
    pub(super) fn tell_of_births(&mut self, born: BTreeSet<Birth>) {
        let held_for = self.offset_to_hold_for();
        born.iter().for_each(|(db, key)| self.server.notify(*db, key, 'n', "new", held_for));
    }

    /// Tells whoever watches keys or waits for them of which hashes fields have left by themselves: once for those that left together.
    fn tell_of_fields(&mut self, db: usize, fields: Vec<FieldRemoval>) {
        let held_for = self.offset_to_hold_for();
        for together in fields.chunk_by(|one, next| one.key == next.key && !one.took_key) {
            let key = &together[0].key;
            self.server.notify(db, key, 'h', "hexpired", held_for);
            self.server.clients.invalidate(key, None, held_for);
            if together.iter().any(|field| field.took_key) {
                self.server.notify(db, key, 'g', "del", held_for);
            }
            self.server.clients.break_watches(db, key);
            self.note_ready(db, key);
        }
    }

    /// Tells whoever watches keys or waits for them which have left by themselves.
    fn tell_of_removals(&mut self, gone: Vec<(usize, Removal)>) {
        let held_for = self.offset_to_hold_for();
        for (db, removal) in gone {
            match removal.cause {
                Cause::Expired => {
                    self.server.notify(db, &removal.key, 'x', "expired", held_for);
                    self.server.clients.break_watches_by_expiry(db, &removal.key);
                }
                Cause::Evicted => {
                    self.server.notify(db, &removal.key, 'e', "evicted", held_for);
                    self.server.clients.break_watches(db, &removal.key);
                }
            }
            self.server.clients.invalidate(&removal.key, None, held_for);
            self.note_ready(db, &removal.key);
        }
    }

    /// Hands to the reaper what is long to free.
    pub(super) fn free_later(&mut self, garbage: Garbage) {
        self.server.counters.free_later_pending += garbage.objects();
        self.storage.threads.free(garbage);
    }

    /// Frees flushed databases: small ones at once, so that whoever flushes and then looks finds the memory free.
    pub(super) fn free_flushed(&mut self) {
        let flushed = std::mem::take(&mut self.server.garbage);
        let bytes: usize = flushed.iter().map(Database::used_bytes).sum();
        let garbage = Garbage::Databases(flushed);
        if bytes <= FREED_AT_ONCE_BYTES {
            self.server.counters.freed_later += garbage.objects();
        } else {
            self.free_later(garbage);
        }
    }

    /// Notes what the reaper has freed since the last time.
    pub(super) fn count_freed(&mut self) {
        let counters = &mut self.server.counters;
        if counters.free_later_pending > 0 {
            let pending = self.storage.threads.free_pending();
            counters.freed_later += counters.free_later_pending.saturating_sub(pending);
            counters.free_later_pending = pending;
        }
    }
}
