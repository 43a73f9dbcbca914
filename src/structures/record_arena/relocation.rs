//! Moving records together, so that sparse pages can be given back.

use super::classes::bytes_of;
use super::head::Head;
use super::slots::Page;
use super::{Handle, RecordArena, SLOT_BITS};

impl<V, H: Head> RecordArena<V, H> {
    /// The page whose records are worth moving elsewhere: the emptiest of a class that has more idle slots than that page has
    /// slots, and than a twentieth of its own. O(pages): call it now and then.
    pub fn sparsest_page(&self) -> Option<u32> {
        let mut idle = vec![0usize; self.slots.classes.len()];
        let mut slots = vec![0usize; self.slots.classes.len()];
        for page in self.slots.pages.iter().flatten() {
            idle[page.class as usize] += (page.bumped - page.live) as usize;
            slots[page.class as usize] += page.bumped as usize;
        }
        let worth = |page: &Page| {
            let class = page.class as usize;
            page.live < page.bumped
                && self.slots.classes[class].pages > 1
                && idle[class] * bytes_of::<H>(page.class) > H::IDLE_BYTES_WORTH
                && idle[class] > slots[class] / 20
                && idle[class] >= page.bumped as usize
        };
        let pages = self.slots.pages.iter().enumerate();
        let candidates = pages.filter_map(|(n, page)| page.as_ref().filter(|page| worth(page)).map(|page| (n, page)));
        candidates.min_by_key(|(_, page)| page.live as u32 * 4096 / page.bumped as u32).map(|(n, _)| n as u32)
    }

    /// Moves up to `budget` records out of `page`, telling of each `(from, to)`; true when nothing is left to do (the page
    /// is gone, or there was no room elsewhere). No new record is put into the page until then: go on until it is true.
    pub fn evacuate(&mut self, page: u32, budget: usize, mut moved: impl FnMut(&mut Self, Handle, Handle)) -> bool {
        let Some(Some(victim)) = self.slots.pages.get_mut(page as usize) else { return true };
        victim.is_evacuating = true;
        let (class, bumped) = (victim.class as usize, victim.bumped as u32);
        self.slots.close(page);
        let mut left = budget;
        for slot in 0..bumped {
            let handle = page << SLOT_BITS | slot;
            if !self.slots.slot(handle).is_live() {
                continue;
            }
            if left == 0 {
                return false;
            }
            if self.slots.classes[class].open.is_empty() {
                self.reopen(page);
                return true;
            }
            left -= 1;
            let to = self.relocate(handle).expect("a class with an open page has a slot");
            moved(self, handle, to);
        }
        self.slots.drop_page(page);
        true
    }

    /// Moves the record to another slot of its class and gives its new handle.
    fn relocate(&mut self, handle: Handle) -> Option<Handle> {
        let to = self.slots.take(self.slots.class(handle))?;
        let (from, new) = (self.slots.record(handle), self.slots.slot(to));
        // SAFETY: both slots are of one class and distinct; the old one is freed without dropping anything.
        unsafe { new.copy_from(from, self.slots.slot_bytes(handle)) };
        self.slots.links.copy(handle, to);
        self.slots.free(handle);
        Some(to)
    }

    fn reopen(&mut self, number: u32) {
        let page = self.slots.pages[number as usize].as_mut().expect("being evacuated");
        page.is_evacuating = false;
        if page.live < page.capacity {
            self.slots.open(number);
        }
    }
}
