//! What leaves beside a call's own doing, expired or evicted: logged, told to whoever watches, and freed.

use super::Dispatcher;
use super::storage::{Garbage, TOUCHED_PLACES};
use crate::keyspace::database::Database;
use crate::keyspace::removal::{Cause, FieldRemoval, Removal};

/// Flushed databases of so many bytes or less, together, do not need the reaper: that takes microseconds.
const FREED_AT_ONCE_BYTES: usize = 128 * 1024;

impl Dispatcher {
    /// Keys that left by themselves are logged; values that are long to free go to the reaper.
    pub(super) fn collect_removals(&mut self) {
        let is_logged = self.is_logged();
        let (mut garbage, mut gone, mut told, mut fields) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (number, db) in self.server.keyspace.all_mut().iter_mut().enumerate() {
            if !db.has_removals() {
                continue;
            }
            let removals = std::mem::take(&mut db.removals);
            for FieldRemoval { key, field, .. } in &removals.fields {
                self.server.dirty += 1;
                if let (true, Some(log)) = (is_logged, &mut self.storage.log) {
                    if self.in_transaction && !std::mem::replace(&mut self.has_open_group, true) {
                        log.begin_group();
                    }
                    // One call per field, as Redis: whoever follows the log may count them.
                    log.append_call(number as u32, [&b"HDEL"[..], key, field].into_iter());
                    if self.storage.block_since_ns == 0 {
                        self.storage.block_since_ns = self.server.time.monotonic_ns;
                    }
                }
            }
            if self.server.clients.observed && !removals.fields.is_empty() {
                fields.push((number, removals.fields));
            }
            for removal in &removals.keys {
                self.server.dirty += 1;
                if self.server.clients.observed {
                    gone.push((number, removal.clone()));
                }
                if let (true, Some(log)) = (is_logged, &mut self.storage.log) {
                    if self.in_transaction && !std::mem::replace(&mut self.has_open_group, true) {
                        log.begin_group();
                    }
                    log.append_call(number as u32, [&b"DEL"[..], &removal.key].into_iter());
                    if removal.cause == Cause::Evicted {
                        self.storage.touched[db.hash(&removal.key) as usize % TOUCHED_PLACES] = log.next_offset();
                    }
                    if self.storage.block_since_ns == 0 {
                        self.storage.block_since_ns = self.server.time.monotonic_ns;
                    }
                }
            }
            garbage.extend(removals.garbage);
            if !removals.births.is_empty() || !removals.misses.is_empty() {
                told.push((number, removals.births, removals.misses));
            }
        }
        fields.into_iter().for_each(|(db, fields)| self.tell_of_fields(db, fields));
        self.tell_of_removals(gone);
        for (number, births, misses) in told {
            self.tell_of_keys(number, births, 'n', "new");
            self.tell_of_keys(number, misses, 'm', "keymiss");
        }
        if !garbage.is_empty() {
            self.free_later(Garbage::Values(garbage));
        }
    }

    /// Publishes which keys came, and which were asked for in vain.
    fn tell_of_keys(&mut self, db: usize, keys: Vec<Box<[u8]>>, class: char, event: &str) {
        let held_for = self.offset_to_hold_for();
        keys.iter().for_each(|key| self.server.notify(db, key, class, event, held_for));
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
