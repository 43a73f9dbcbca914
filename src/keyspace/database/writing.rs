//! Setting, replacing and removing keys and their deadlines.

use super::field_expiry::first_deadline_of;
use super::{Database, Expiry, Full};
use crate::formats::rdb::Value;
use crate::keyspace::links::LruLinks;
use crate::structures::record_arena::{Handle, INLINE_MAX, NewPayload, Payload};
use crate::values::string::NewText;
use crate::values::{New, Owned};

impl Database {
    /// So many keys are about to come into a database that has none: its table has room for them from the start.
    pub fn expect_keys(&mut self, keys: usize) {
        self.table.reserve(keys);
    }

    /// Sets a key to a value that comes from elsewhere.
    pub fn put(&mut self, key: &[u8], value: Owned, expiry: Expiry) -> Result<(), Full> {
        match value {
            Owned::Inline(tag, bytes) => self.put_payload(key, NewPayload::Inline { tag, bytes: &bytes }, expiry),
            Owned::Boxed(big) => self.put_payload(key, NewPayload::Boxed(big), expiry),
        }
    }

    /// Sets a key to a packed collection, as a record holds it.
    pub fn put_packed(&mut self, key: &[u8], tag: u8, bytes: &[u8], expiry: Expiry) -> Result<(), Full> {
        self.put_payload(key, NewPayload::Inline { tag, bytes }, expiry)
    }

    /// Sets a key to a value that was read from RDB.
    pub fn put_decoded(&mut self, key: &[u8], value: Value, expiry: Expiry) -> Result<(), Full> {
        match value {
            Value::Int(n) => self.set(key, NewText::Int(n), expiry),
            Value::Bytes(bytes) if bytes.len() <= INLINE_MAX => self.set(key, NewText::of(&bytes), expiry),
            Value::Bytes(bytes) => self.set(key, NewText::Owned(bytes), expiry),
            Value::Collection(value) => self.put(key, value, expiry),
            Value::Empty => Ok(()), // no key holds it
        }
    }

    #[inline]
    pub(super) fn put_payload(&mut self, key: &[u8], payload: New<'_>, expiry: Expiry) -> Result<(), Full> {
        let hash = self.hash_of_call(key);
        match self.lookup(hash, key) {
            Some(handle) if self.is_past_deadline(handle) => {
                self.clear_expired(handle, hash);
                self.insert(key, hash, payload, expiry)
            }
            Some(handle) => {
                self.before_change(handle);
                let handle = self.replace(handle, hash, payload)?;
                self.touch(handle);
                match expiry {
                    Expiry::Keep => Ok(()),
                    Expiry::Clear => self.change_deadline(handle, hash, None),
                    Expiry::At(deadline) => self.change_deadline(handle, hash, Some(deadline)),
                }
            }
            None => self.insert(key, hash, payload, expiry),
        }
    }

    pub(super) fn insert(&mut self, key: &[u8], hash: u64, payload: New<'_>, expiry: Expiry) -> Result<(), Full> {
        let deadline = match expiry {
            Expiry::At(deadline) => Some(deadline),
            Expiry::Keep | Expiry::Clear => None,
        };
        let (boxed, first) = (boxed_bytes(&payload), first_deadline_of(&payload));
        let handle = self.records.insert(key, deadline, payload).map_err(|_| Full)?;
        self.boxed_bytes += boxed;
        self.walked_arrives(handle);
        self.fields.file(handle, first);
        let (records, hasher) = (&self.records, &self.hasher);
        self.table.insert(hash, handle, |h| records.prefetch(h), |h| hasher.hash(records.key(h)));
        if deadline.is_some() {
            self.wheel.insert(&mut self.records, handle);
        }
        if self.mark {
            self.records.set_mark(handle, true);
        }
        self.begin_use(handle);
        if self.tells_births {
            self.removals.births.push(key.into());
        }
        Ok(())
    }

    /// Puts a payload in another's place.
    pub(super) fn replace(&mut self, handle: Handle, hash: u64, payload: New<'_>) -> Result<Handle, Full> {
        let (boxed, first) = (boxed_bytes(&payload), first_deadline_of(&payload));
        let (to, old) = self.records.replace_payload(handle, payload).map_err(|_| Full)?;
        self.boxed_bytes += boxed;
        self.fields.file(handle, first);
        if let Some(big) = old {
            self.free(big);
        }
        self.walked_arrives(to);
        if to != handle {
            self.moved(hash, handle, to);
        }
        Ok(to)
    }

    /// Removes a key; whether it was there.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        let hash = self.hash_of_call(key);
        // A log that is replayed removes expired keys by a DEL: they must not pile up until its end.
        let Some(handle) = self.locate_to_write(key, hash) else { return false };
        self.before_change(handle);
        if let Some(big) = self.unlink(handle, hash) {
            self.free(big);
        }
        true
    }

    /// Takes a key out: its value and deadline. The value stays in this database, unless `Keyspace::finish_walk_of` came before.
    pub fn take(&mut self, key: &[u8]) -> Option<(Owned, Option<u64>)> {
        let (hash, handle) = self.locate(key)?;
        self.before_change(handle);
        let deadline = self.records.deadline_ms(handle);
        let inline = match self.records.payload(handle) {
            Payload::Inline { tag, bytes } => Some(Owned::Inline(tag, bytes.into())),
            Payload::Boxed(_) => None,
        };
        self.walked_leaves(handle);
        let boxed = self.unlink(handle, hash);
        let value = inline.or_else(|| {
            let big = boxed?;
            self.boxed_bytes -= big.heap_bytes();
            Some(Owned::Boxed(big))
        });
        value.map(|value| (value, deadline))
    }

    /// Gives a record another deadline, or none. Whether that was possible (no handle may be left).
    pub fn set_deadline(&mut self, handle: Handle, deadline: Option<u64>) -> Result<(), Full> {
        self.before_change(handle);
        let hash = self.hasher.hash(self.records.key(handle));
        self.change_deadline(handle, hash, deadline)
    }

    fn change_deadline(&mut self, handle: Handle, hash: u64, deadline: Option<u64>) -> Result<(), Full> {
        let had = self.records.deadline_ms(handle);
        if had == deadline {
            return Ok(());
        }
        if had.is_some() {
            self.wheel.remove(&mut self.records, handle);
        }
        let listed = self.is_listed(had);
        let Some(to) = self.records.set_or_clear_deadline(handle, deadline) else {
            if had.is_some() {
                self.wheel.insert(&mut self.records, handle);
            }
            return Err(Full);
        };
        if to != handle {
            self.table.repoint(hash, handle, to);
            self.fields.moved(handle, to);
            if listed {
                self.recency.moved(&mut LruLinks(&mut self.records), handle, to);
            }
        }
        if deadline.is_some() {
            self.wheel.insert(&mut self.records, to);
        }
        match (listed, self.is_listed(deadline)) {
            (true, false) => self.recency.remove(&mut LruLinks(&mut self.records), to),
            (false, true) => self.recency.push_newest(&mut LruLinks(&mut self.records), to),
            _ => {}
        }
        Ok(())
    }
}

fn boxed_bytes(payload: &New<'_>) -> usize {
    match payload {
        NewPayload::Boxed(big) => big.heap_bytes(),
        NewPayload::Inline { .. } => 0,
    }
}
