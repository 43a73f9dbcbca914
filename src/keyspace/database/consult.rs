//! Keys looked up while values of the database are borrowed, as SORT does for every element that it sorts.
//!
//! Such a look-up changes nothing. What a read would have done beside finding the key is noted, and made up for when nothing is
//! borrowed any more: uses and misses are counted, and what was past its deadline goes.

use super::Database;
use crate::structures::listpack::Entry;
use crate::structures::record_arena::Handle;
use crate::values::hash::Hash;
use crate::values::string::Text;
use crate::values::{Collection, View};

/// A field past its deadline.
#[derive(Debug)]
struct PastField {
    key: Box<[u8]>,
    name: Box<[u8]>,
}

/// What look-ups left to be made up for.
#[derive(Debug, Default)]
pub struct Consulted {
    used: Vec<Handle>,
    misses: u64,
    /// Keys to be read once more: they are past their deadline, or misses are to be told of.
    again: Vec<Box<[u8]>>,
    past: Vec<PastField>,
}

impl Database {
    /// The string at a key whose hash is known; none where there is another type.
    #[inline]
    pub fn consult(&self, key: &[u8], hash: u64, noted: &mut Consulted) -> Option<Text<'_>> {
        Text::view(self.consult_key(key, hash, noted)?).ok()
    }

    /// The value of a field of the hash at a key.
    pub fn consult_field(&self, key: &[u8], hash: u64, field: &[u8], noted: &mut Consulted) -> Option<Entry<'_>> {
        let found = Hash::view(self.consult_key(key, hash, noted)?).ok()?.find(field)?;
        if found.is_past(self.now.ms) {
            noted.past.push(PastField { key: key.into(), name: field.into() });
            return None;
        }
        Some(found.value)
    }

    #[inline]
    fn consult_key(&self, key: &[u8], hash: u64, noted: &mut Consulted) -> Option<View<'_>> {
        match self.lookup(hash, key) {
            Some(handle) if !self.is_past_deadline(handle) => {
                noted.used.push(handle);
                return Some(self.view(handle));
            }
            None if !self.tells_misses => noted.misses += 1,
            Some(_) | None => noted.again.push(key.into()),
        }
        None
    }

    /// Does what the look-ups left undone. No record may have changed since the first of them.
    pub fn make_up_for(&mut self, noted: Consulted) {
        self.counts.hits += noted.used.len() as u64;
        self.counts.misses += noted.misses;
        // Before anything is removed: then all handles are good.
        noted.used.into_iter().for_each(|handle| self.touch(handle));
        for key in noted.again {
            self.read(&key);
        }
        for PastField { key, name } in noted.past {
            self.remove_expired_field(&key, &name);
        }
    }
}
