//! The LRU links: two handles beside every slot of every page, and only while somebody wants them.

use super::head::SLOTS_MAX;
use super::{Handle, SLOT_BITS};
use crate::structures::chain::{NONE, UNLINKED};
use crate::structures::prefetch::prefetch;

/// The two links of a record in the LRU list.
#[derive(Clone, Copy, Debug)]
pub struct Links {
    /// Neighbour that was used less recently.
    pub prev: Handle,
    /// Neighbour that was used more recently.
    pub next: Handle,
}

/// Links of a record that no list knows yet.
const NOT_LISTED: Links = Links { prev: UNLINKED, next: NONE };

/// The links of all pages, by page number; or none.
pub(super) struct LinkPages(Option<Vec<Box<[Links]>>>);

fn place(handle: Handle) -> (usize, usize) {
    ((handle >> SLOT_BITS) as usize, handle as usize & (SLOTS_MAX - 1))
}

impl LinkPages {
    /// No links.
    pub(super) const fn none() -> Self {
        LinkPages(None)
    }

    /// Links for pages of these capacities.
    pub(super) fn for_pages(capacities: impl Iterator<Item = usize>) -> Self {
        LinkPages(Some(capacities.map(|capacity| vec![NOT_LISTED; capacity].into_boxed_slice()).collect()))
    }

    /// Whether there are any.
    pub(super) fn are_kept(&self) -> bool {
        self.0.is_some()
    }

    /// Page `number`, at most the next one, has this many slots from now on.
    pub(super) fn set_page(&mut self, number: usize, capacity: usize) {
        if let Some(pages) = &mut self.0 {
            if pages.len() == number {
                pages.push(Box::default());
            }
            pages[number] = vec![NOT_LISTED; capacity].into_boxed_slice();
        }
    }

    #[inline]
    pub(super) fn get(&self, handle: Handle) -> Links {
        let (page, slot) = place(handle);
        self.0.as_ref().expect("links are kept under an LRU policy only")[page][slot]
    }

    #[inline]
    pub(super) fn get_mut(&mut self, handle: Handle) -> &mut Links {
        let (page, slot) = place(handle);
        &mut self.0.as_mut().expect("links are kept under an LRU policy only")[page][slot]
    }

    /// A record moved: its links come along.
    pub(super) fn copy(&mut self, from: Handle, to: Handle) {
        if self.are_kept() {
            *self.get_mut(to) = self.get(from);
        }
    }

    /// Asks the cache for a record's links.
    #[inline]
    pub(super) fn prefetch(&self, handle: Handle) {
        let (page, slot) = place(handle);
        if let Some(links) = self.0.as_ref().and_then(|pages| pages.get(page)?.get(slot)) {
            prefetch(links);
        }
    }
}
