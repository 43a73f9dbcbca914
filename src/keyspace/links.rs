//! How the LRU list reaches the links that stand beside the records.

use crate::structures::chain::ListLinks;
use crate::structures::lru_builder::StampedLinks;
use crate::structures::record_arena::{Handle, RecordArena};
use crate::values::Big;

/// The records, seen by the LRU list.
pub(super) struct LruLinks<'a>(pub(super) &'a mut RecordArena<Big>);

impl ListLinks for LruLinks<'_> {
    #[inline]
    fn links(&self, item: Handle) -> (Handle, Handle) {
        let links = self.0.links(item);
        (links.prev, links.next)
    }

    #[inline]
    fn set_prev(&mut self, item: Handle, prev: Handle) {
        self.0.links_mut(item).prev = prev;
    }

    #[inline]
    fn set_next(&mut self, item: Handle, next: Handle) {
        self.0.links_mut(item).next = next;
    }
}

impl StampedLinks for LruLinks<'_> {
    fn stamp(&self, item: Handle) -> u64 {
        self.0.stamp(item) as u64
    }
}

/// The same, only to be read.
pub(super) struct ReadLinks<'a>(pub(super) &'a RecordArena<Big>);

impl ListLinks for ReadLinks<'_> {
    fn links(&self, item: Handle) -> (Handle, Handle) {
        let links = self.0.links(item);
        (links.prev, links.next)
    }

    fn set_prev(&mut self, _: Handle, _: Handle) {
        unreachable!("only read")
    }

    fn set_next(&mut self, _: Handle, _: Handle) {
        unreachable!("only read")
    }
}

impl StampedLinks for ReadLinks<'_> {
    fn stamp(&self, item: Handle) -> u64 {
        self.0.stamp(item) as u64
    }
}
