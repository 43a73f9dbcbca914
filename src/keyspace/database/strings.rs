//! Strings of a database: read, set, edited where they stand.

use super::{Database, Expiry, Full};
use crate::structures::record_arena::{Handle, Payload, PayloadMut};
use crate::values::string::{NewText, Text, editable, integer, room_for};
use crate::values::{Big, WrongType};

impl Database {
    /// The string at a key, read.
    #[inline]
    pub fn string(&mut self, key: &[u8]) -> Result<Option<Text<'_>>, WrongType> {
        match self.read(key) {
            Some(handle) => Text::view(self.records.payload(handle)).map(Some),
            None => Ok(None),
        }
    }

    /// The string at a key that is about to be written.
    pub fn string_to_edit(&mut self, key: &[u8]) -> Result<Option<Text<'_>>, WrongType> {
        match self.find(key) {
            Some(handle) => Text::view(self.records.payload(handle)).map(Some),
            None => Ok(None),
        }
    }

    /// Sets a key to a string, whatever it was before.
    #[inline]
    pub fn set(&mut self, key: &[u8], text: NewText<'_>, expiry: Expiry) -> Result<(), Full> {
        text.with_payload(|payload| self.put_payload(key, payload, expiry))
    }

    /// Gives the string at a key, made at least `len` bytes long (zeros are added), to `edit`, with the length that it had
    /// before (None: no such key). A key that is not there begins empty and has no deadline. The value is not changed in
    /// type or length beyond that.
    pub fn edit_string<R>(
        &mut self,
        key: &[u8],
        len: usize,
        edit: impl FnOnce(&mut [u8], Option<usize>) -> R,
    ) -> Result<R, EditError> {
        let hash = self.hash_of_call(key);
        let Some(mut handle) = self.locate_to_write(key, hash) else {
            let mut bytes = vec![0; len];
            let result = edit(&mut bytes, None);
            NewText::Owned(bytes).with_payload(|payload| self.insert(key, hash, payload, Expiry::Clear))?;
            return Ok(result);
        };
        let before = Text::view(self.records.payload(handle))?.len();
        self.before_change(handle);
        self.touch(handle);
        let is_boxed = matches!(self.records.payload(handle), Payload::Boxed(_));
        if is_boxed {
            if before < len {
                self.grow_boxed(handle, len);
            }
        } else if before < len || editable(self.records.payload_mut(handle)).is_none() {
            let mut bytes = Vec::with_capacity(len.max(before));
            bytes.extend_from_slice(Text::view(self.records.payload(handle))?.bytes().as_slice());
            bytes.resize(len.max(before), 0);
            handle = NewText::Owned(bytes).with_payload(|payload| self.replace(handle, hash, payload))?;
        }
        Ok(edit(editable(self.records.payload_mut(handle)).expect("made so above"), Some(before)))
    }

    fn grow_boxed(&mut self, handle: Handle, len: usize) {
        if let PayloadMut::Boxed(Big::String(bytes)) = self.records.payload_mut(handle) {
            let before = bytes.capacity();
            bytes.reserve_exact(room_for(bytes.len(), len, bytes.capacity()));
            bytes.resize(len, 0);
            self.boxed_bytes += bytes.capacity() - before;
        }
    }

    /// Adds to the integer at a key and gives the sum; a key that is not there counts as 0. The deadline stays. An integer
    /// that is stored as one is rewritten where it stands.
    #[inline]
    pub fn increment(&mut self, key: &[u8], by: i64) -> Result<i64, IncrementError> {
        let hash = self.hash_of_call(key);
        let Some(handle) = self.locate_to_write(key, hash) else {
            NewText::Int(by).with_payload(|payload| self.insert(key, hash, payload, Expiry::Clear))?;
            return Ok(by);
        };
        let text = Text::view(self.records.payload(handle))?;
        let sum = text.as_i64().ok_or(IncrementError::NotInteger)?.checked_add(by).ok_or(IncrementError::Overflow)?;
        self.before_change(handle);
        match integer(self.records.payload_mut(handle)) {
            Some(place) => {
                place.copy_from_slice(&sum.to_le_bytes());
                self.touch(handle);
            }
            None => {
                let to = NewText::Int(sum).with_payload(|payload| self.replace(handle, hash, payload))?;
                self.touch(to);
            }
        }
        Ok(sum)
    }
}

/// Why a string could not be edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditError {
    /// It is no string.
    WrongType,
    /// No handle is left.
    Full,
}

impl From<WrongType> for EditError {
    fn from(_: WrongType) -> Self {
        EditError::WrongType
    }
}

impl From<Full> for EditError {
    fn from(_: Full) -> Self {
        EditError::Full
    }
}

/// Why a number could not be added to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IncrementError {
    /// It is no string.
    WrongType,
    /// It is no integer.
    NotInteger,
    /// The sum does not fit 64 bits.
    Overflow,
    /// No handle is left.
    Full,
}

impl From<WrongType> for IncrementError {
    fn from(_: WrongType) -> Self {
        IncrementError::WrongType
    }
}

impl From<Full> for IncrementError {
    fn from(_: Full) -> Self {
        IncrementError::Full
    }
}
