//! How the wheel and the LRU list reach the links that stand in and beside the records.

use crate::structures::chain::ListLinks;
use crate::structures::lru_builder::StampedLinks;
use crate::structures::record_arena::{Handle, RecordArena};
use crate::structures::timer_wheel::WheelItems;
use crate::values::Big;

impl WheelItems for RecordArena<Big> {
    fn deadline_ms(&self, item: Handle) -> u64 {
        RecordArena::deadline_ms(self, item).expect("only records with a deadline are in the wheel")
    }

    fn links(&self, item: Handle) -> (Handle, Handle) {
        self.wheel_links(item)
    }

    fn set_prev(&mut self, item: Handle, prev: Handle) {
        self.set_wheel_prev(item, prev);
    }

    fn set_next(&mut self, item: Handle, next: Handle) {
        self.set_wheel_next(item, next);
    }
}

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
