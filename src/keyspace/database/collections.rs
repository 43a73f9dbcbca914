//! Collections of a database: read where they stand, edited outside and put back.
//!
//! An edit takes the value out of its record (`Collection::take`), lends it, and puts it back when it ends: in the record if it is small,
//! else in the box that it had. Table, wheel, LRU list and the sum of bytes follow, and a value without elements takes its key along, so
//! no command can leave an empty collection behind.

use super::{Database, EditError, Expiry};
use crate::keyspace::removal::FREE_LATER_EFFORT;
use crate::structures::record_arena::{Handle, INLINE_MAX, NewPayload, Payload, PayloadMut};
use crate::values::{Big, Collection, Stowed, WrongType};
use std::ops::{Deref, DerefMut};

impl Database {
    /// The collection at a key, read.
    #[inline]
    pub fn read_as<C: Collection>(&mut self, key: &[u8]) -> Result<Option<C::Ref<'_>>, WrongType> {
        match self.read(key) {
            Some(handle) => self.view_as::<C>(handle).map(Some),
            None => Ok(None),
        }
    }

    /// The collection at a key, read by a call that is about to change it: a use, and neither a hit nor a miss.
    #[inline]
    pub fn find_as<C: Collection>(&mut self, key: &[u8]) -> Result<Option<C::Ref<'_>>, WrongType> {
        match self.find(key) {
            Some(handle) => self.view_as::<C>(handle).map(Some),
            None => Ok(None),
        }
    }

    /// The collection that a record holds.
    #[inline]
    pub fn view_as<C: Collection>(&self, handle: Handle) -> Result<C::Ref<'_>, WrongType> {
        C::view(self.records.payload(handle))
    }

    /// The collection at a key, to be changed; an empty one if there is no such key, which is then made with its first element.
    ///
    /// # Errors
    /// The key holds another type, or there is no room for one more key.
    #[inline]
    pub fn edit<'d, C: Collection>(&'d mut self, key: &'d [u8]) -> Result<Edit<'d, C>, EditError> {
        let hash = self.hash_of_call(key);
        match self.locate_to_write(key, hash) {
            Some(handle) => self.begin_edit(key, hash, handle),
            None if self.records.has_room() => {
                let value = C::begin(std::mem::take(&mut self.spare));
                Ok(Edit {
                    db: self,
                    key,
                    hash,
                    handle: None,
                    heap_before: 0,
                    kept_before: 0,
                    value,
                    is_put_back: false,
                })
            }
            None => Err(EditError::Full),
        }
    }

    /// The collection at a key that is there, to be changed.
    ///
    /// # Errors
    /// As `edit`.
    #[inline]
    pub fn edit_existing<'d, C: Collection>(&'d mut self, key: &'d [u8]) -> Result<Option<Edit<'d, C>>, EditError> {
        let hash = self.hash_of_call(key);
        match self.locate_to_write(key, hash) {
            Some(handle) => self.begin_edit(key, hash, handle).map(Some),
            None => Ok(None),
        }
    }

    fn begin_edit<'d, C: Collection>(
        &'d mut self,
        key: &'d [u8],
        hash: u64,
        handle: Handle,
    ) -> Result<Edit<'d, C>, EditError> {
        C::view(self.records.payload(handle))?;
        if !self.records.has_room() {
            return Err(EditError::Full);
        }
        self.touch(handle);
        self.take_out(key, hash, handle)
    }

    /// Takes the collection out of its record, without a use; there must be room for the record that it is put back into.
    pub(super) fn take_out<'d, C: Collection>(
        &'d mut self,
        key: &'d [u8],
        hash: u64,
        handle: Handle,
    ) -> Result<Edit<'d, C>, EditError> {
        self.before_change(handle);
        let (heap_before, kept_before) = match self.records.payload(handle) {
            Payload::Boxed(big) => (big.heap_bytes(), big.kept_bytes()),
            Payload::Inline { .. } => (0, 0),
        };
        let spare = std::mem::take(&mut self.spare);
        let value = C::take(self.records.payload_mut(handle), spare)?;
        Ok(Edit { db: self, key, hash, handle: Some(handle), heap_before, kept_before, value, is_put_back: false })
    }
}

/// A collection that is being changed.
pub struct Edit<'d, C: Collection> {
    db: &'d mut Database,
    key: &'d [u8],
    hash: u64,
    /// Its record; none yet if the key is new.
    handle: Option<Handle>,
    /// Bytes that its box had; 0: it stood in its record.
    heap_before: usize,
    /// Bytes that it kept for its walk.
    kept_before: usize,
    value: C,
    is_put_back: bool,
}

impl<C: Collection> Edit<'_, C> {
    /// Whether the key was there before.
    pub fn was_there(&self) -> bool {
        self.handle.is_some()
    }

    /// Puts the value back now. Whether its key has gone, which it does with the last element.
    pub fn finish(mut self) -> bool {
        self.put_back()
    }

    /// Empties the collection. What was in it is freed later if that takes long.
    pub fn clear(&mut self) {
        if let Stowed::Big(big) = std::mem::take(&mut self.value).stow(0) {
            self.db.note_kept(std::mem::take(&mut self.kept_before), big.kept_bytes());
            self.db.free_uncounted(Box::new(big));
        }
    }

    /// Frees what was taken out of the collection, which is a part of its kind: later if that takes long.
    pub fn free(&mut self, part: C) {
        if let Stowed::Big(big) = part.stow(0) {
            self.db.free_uncounted(Box::new(big));
        }
    }

    /// Drops a part that was cut off, later if that takes long.
    pub fn discard(&mut self, part: C) {
        if let Stowed::Big(big) = part.stow(0)
            && big.free_effort() > FREE_LATER_EFFORT
        {
            self.db.free_uncounted(Box::new(big));
        }
    }

    /// Puts another collection in its place. What was in it is freed later if that takes long.
    pub fn replace(&mut self, value: C) {
        self.clear();
        self.value = value;
    }

    fn put_back(&mut self) -> bool {
        self.is_put_back = true;
        let value = std::mem::take(&mut self.value);
        let was_boxed = self.heap_before > 0;
        if value.is_empty() {
            return self.remove(value);
        }
        // What has grown out of its record does not return at the first byte less.
        match value.stow(if was_boxed { INLINE_MAX / 2 } else { INLINE_MAX }) {
            Stowed::Inline(tag, mut bytes) => {
                self.put(NewPayload::Inline { tag, bytes: &bytes });
                bytes.clear();
                self.db.spare = bytes;
            }
            Stowed::Big(big) if was_boxed => self.put_in_box(big),
            Stowed::Big(big) => self.put(NewPayload::Boxed(Box::new(big))),
        }
        false
    }

    fn put(&mut self, payload: NewPayload<'_, Big>) {
        let (db, hash) = (&mut *self.db, self.hash);
        let put = match self.handle {
            Some(handle) => {
                if let Payload::Boxed(left) = db.records.payload(handle) {
                    // What stayed behind when the value was taken out is all that the box holds now.
                    db.boxed_bytes = db.boxed_bytes - self.heap_before + left.heap_bytes();
                }
                db.replace(handle, hash, payload).map(drop)
            }
            None => db.insert(self.key, hash, payload, Expiry::Clear),
        };
        put.expect("there was room when the edit began");
    }

    fn put_in_box(&mut self, big: Big) {
        let handle = self.handle.expect("it had a box");
        let heap_after = big.heap_bytes();
        self.db.note_kept(self.kept_before, big.kept_bytes());
        if let PayloadMut::Boxed(place) = self.db.records.payload_mut(handle) {
            *place = big;
        }
        self.db.boxed_bytes = self.db.boxed_bytes + heap_after - self.heap_before;
        self.db.follow_fields(handle);
    }

    fn remove(&mut self, value: C) -> bool {
        if let Stowed::Big(big) = value.stow(0) {
            self.db.note_kept(self.kept_before, big.kept_bytes());
            self.db.free_uncounted(Box::new(big));
        }
        let Some(handle) = self.handle else { return false };
        self.db.boxed_bytes -= self.heap_before;
        drop(self.db.unlink(handle, self.hash)); // the box's content was taken out when the edit began
        true
    }
}

impl<C: Collection> Deref for Edit<'_, C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.value
    }
}

impl<C: Collection> DerefMut for Edit<'_, C> {
    fn deref_mut(&mut self) -> &mut C {
        &mut self.value
    }
}

impl<C: Collection> Drop for Edit<'_, C> {
    fn drop(&mut self) {
        if !self.is_put_back {
            self.put_back();
        }
    }
}
