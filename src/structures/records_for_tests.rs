//! Records of unit tests: a number and two links each, for every structure that links records. A handle is an index.

use super::chain::{ListLinks, NONE, UNLINKED};
use super::lru_builder::StampedLinks;
use super::radix_queue::KeyedLinks;
use super::timer_wheel::WheelItems;

/// Number (a stamp, a key or a deadline), the handle before, the handle after.
#[derive(Default)]
pub(super) struct Records(pub(super) Vec<(u64, u32, u32)>);

impl Records {
    /// So many that are in no chain.
    pub(super) fn unlinked(count: usize) -> Records {
        Records(vec![(0, UNLINKED, NONE); count])
    }
}

impl ListLinks for Records {
    fn links(&self, item: u32) -> (u32, u32) {
        (self.0[item as usize].1, self.0[item as usize].2)
    }
    fn set_prev(&mut self, item: u32, prev: u32) {
        self.0[item as usize].1 = prev;
    }
    fn set_next(&mut self, item: u32, next: u32) {
        self.0[item as usize].2 = next;
    }
}

impl StampedLinks for Records {
    fn stamp(&self, item: u32) -> u64 {
        self.0[item as usize].0
    }
}

impl KeyedLinks for Records {
    fn key(&self, item: u32) -> u64 {
        self.0[item as usize].0
    }
}

impl WheelItems for Records {
    fn deadline_ms(&self, item: u32) -> u64 {
        self.0[item as usize].0
    }
    fn links(&self, item: u32) -> (u32, u32) {
        ListLinks::links(self, item)
    }
    fn set_prev(&mut self, item: u32, prev: u32) {
        ListLinks::set_prev(self, item, prev);
    }
    fn set_next(&mut self, item: u32, next: u32) {
        ListLinks::set_next(self, item, next);
    }
}
