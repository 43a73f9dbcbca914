//! Looking ahead: the cache is asked for what a key leads to before it is needed. Nothing here counts, changes or holds anything.
//!
//! Each step reads what the step before has asked for, so it is done for many keys before the next step begins: bucket, record,
//! neighbours in the LRU list; in a big collection an element's bucket, then the element.

use super::Database;
use crate::structures::element_table::ElementTable;
use crate::structures::record_arena::{Handle, Payload};

impl Database {
    /// Asks the cache for the bucket of a hash.
    #[inline]
    pub fn prefetch_bucket(&self, hash: u64) {
        self.table.prefetch(hash);
    }

    /// Asks the cache for the record that a hash most likely leads to.
    #[inline]
    pub fn prefetch_record(&self, hash: u64) -> Option<Handle> {
        let handle = self.table.likely(hash)?;
        self.records.prefetch(handle);
        if self.recency.is_listed() {
            self.records.prefetch_links(handle);
        }
        Some(handle)
    }

    /// Whether records have neighbours in an LRU list.
    #[inline]
    pub fn is_in_order(&self) -> bool {
        self.recency.is_listed()
    }

    /// Asks the cache for the LRU neighbours of a record, whose own links have been asked for.
    #[inline]
    pub fn prefetch_neighbours(&self, handle: Handle) {
        if self.is_in_order() {
            let links = self.records.links(handle);
            self.records.prefetch_links(links.prev);
            self.records.prefetch_links(links.next);
        }
    }

    /// Asks the cache for the bucket of an element in the big collection that a record holds, and gives its hash; `None` when it holds
    /// something else.
    #[inline]
    pub fn prefetch_element_bucket(&self, handle: Handle, name: &[u8]) -> Option<u64> {
        let elements = self.elements(handle)?;
        let hash = elements.hash(name);
        elements.prefetch(hash);
        Some(hash)
    }

    /// Asks the cache for the element itself, whose bucket has been asked for.
    #[inline]
    pub fn prefetch_element(&self, handle: Handle, hash: u64) {
        if let Some(elements) = self.elements(handle) {
            elements.prefetch_record(hash);
        }
    }

    #[inline]
    fn elements(&self, handle: Handle) -> Option<&ElementTable> {
        match self.records.payload(handle) {
            Payload::Boxed(big) => big.elements(),
            Payload::Inline { .. } => None,
        }
    }

    /// Hashes keys that will be looked up soon and asks the cache for them: as many as `hashes` has room for, in order.
    pub fn look_ahead<'k>(&self, keys: impl Iterator<Item = &'k [u8]>, hashes: &mut [u64]) {
        let mut n = 0;
        for (key, hash) in keys.zip(&mut *hashes) {
            *hash = self.hash(key);
            self.prefetch_bucket(*hash);
            n += 1;
        }
        for &hash in &hashes[..n] {
            self.prefetch_record(hash);
        }
    }
}
