//! A sorted set in the making, whose elements come in any order and more than once.

use super::ranked::{Ranked, in_order, score_at};
use super::{SortedSet, packed};
use crate::structures::element_table::{ElementTable, Full};
use crate::structures::listpack::{self, Entry};
use crate::values::Encodings;

/// Members with the scores they have by now.
pub struct Builder {
    elements: ElementTable,
}

impl Builder {
    /// Without members.
    pub fn new(encodings: &Encodings) -> Builder {
        Builder { elements: ElementTable::new(encodings.hasher) }
    }

    /// Members.
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a member, or gives it the score that `combine` makes of its old one and this; whether it is new.
    #[inline]
    pub fn add(&mut self, member: &[u8], score: f64, combine: impl FnOnce(f64, f64) -> f64) -> Result<bool, Full> {
        let hash = self.elements.hash(member);
        if let Some(handle) = self.elements.find_hashed(hash, member) {
            let combined = combine(score_at(&self.elements, handle), score);
            self.elements.payload_mut(handle).copy_from_slice(&combined.to_le_bytes());
            return Ok(false);
        }
        self.elements.insert_hashed(hash, member, &score.to_le_bytes(), None)?;
        Ok(true)
    }

    /// Removes a member, if it is there.
    pub fn remove(&mut self, member: &[u8]) {
        let hash = self.elements.hash(member);
        if let Some(handle) = self.elements.find_hashed(hash, member) {
            self.elements.remove_hashed(hash, handle);
        }
    }

    /// The elements, in order.
    pub fn in_order(&self) -> impl ExactSizeIterator<Item = (Entry<'_>, f64)> {
        in_order(&self.elements).into_iter().map(|(score, handle)| (Entry::Bytes(self.elements.name(handle)), score))
    }

    /// The set: packed, if it may be.
    pub fn finish(self, encodings: &Encodings) -> SortedSet {
        if !self.fits_listpack(encodings) {
            return SortedSet::Ranked(Box::new(Ranked::of_elements(self.elements, encodings.hasher)));
        }
        let mut pack = listpack::new();
        for (score, handle) in in_order(&self.elements) {
            packed::push(&mut pack, self.elements.name(handle), score);
        }
        SortedSet::Packed(pack)
    }

    fn fits_listpack(&self, encodings: &Encodings) -> bool {
        if self.len() > encodings.zset_max_listpack_entries {
            return false;
        }
        let lengths = || self.elements.iter().map(|handle| self.elements.name(handle).len());
        let bytes = lengths().map(|len| len + packed::ELEMENT_MAX_EXTRA_BYTES).sum();
        lengths().all(|len| len <= encodings.zset_max_listpack_value) && listpack::has_room(&listpack::EMPTY, bytes)
    }
}
