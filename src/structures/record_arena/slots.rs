//! Slots of all classes in pages: taken, freed and found by handle. What stands in them is not looked at, but for whether it lives.
//!
//! ```text
//! classes   by size: how many pages, how many slots, and a chain of its open pages (those with a free slot)
//! page      bumped: slots that were ever used; those of them that are free are linked through their heads
//! ```

use super::classes::{bytes_of, class_of};
use super::head::{Head, SLOTS_MAX};
use super::links::LinkPages;
use super::record::Record;
use super::{Handle, SLOT_BITS};
use crate::base::sys::pages;
use crate::structures::chain::{Chain, ListLinks, NONE};
use crate::structures::prefetch::prefetch;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::marker::PhantomData;
use std::ptr::NonNull;

const PAGES_MAX: usize = 1 << (32 - SLOT_BITS);
const SLOT_MASK: u32 = SLOTS_MAX as u32 - 1;
const NO_SLOT: u16 = u16::MAX;

/// A page of one class.
pub(super) struct Page {
    base: NonNull<u8>,
    slot_bytes: u32,
    /// Neighbours in the chain of open pages.
    neighbours: (u32, u32),
    pub(super) capacity: u16,
    pub(super) bumped: u16,
    pub(super) live: u16,
    free_head: u16,
    pub(super) class: u8,
    /// Whether it is in its class's chain.
    pub(super) is_open: bool,
    /// Whether it is being emptied: it stays out of the chain.
    pub(super) is_evacuating: bool,
}

impl Page {
    /// A slot that was used once. Panics when it was not.
    #[inline(always)]
    fn at<H: Head>(&self, slot: u32) -> Record<H> {
        assert!(slot < self.bumped as u32);
        // SAFETY: `slot < bumped <= capacity`, so the address lies within the page's allocation, on an initialised slot.
        Record(unsafe { self.base.add(slot as usize * self.slot_bytes as usize) }, PhantomData)
    }
}

/// What an arena knows of a class.
#[derive(Clone, Copy)]
pub(super) struct Class {
    pub(super) open: Chain,
    pub(super) pages: u32,
    slots: usize,
}

/// All slots of an arena.
pub(super) struct Slots<H> {
    pub(super) pages: Vec<Option<Page>>,
    free_pages: Vec<u32>,
    /// As far as the largest class that was ever used.
    pub(super) classes: Vec<Class>,
    pub(super) links: LinkPages,
    pub(super) live: usize,
    pub(super) live_bytes: usize,
    pub(super) page_bytes: usize,
    pub(super) page_slots: usize,
    pub(super) mapped_bytes: usize,
    pub(super) touched_bytes: usize,
    head: PhantomData<H>,
}

// SAFETY: pages are owned by the arena alone; nothing in them is shared or bound to a thread unless the arena's values are.
unsafe impl<H> Send for Slots<H> {}

impl<H: Head> Slots<H> {
    pub(super) const fn new() -> Self {
        Slots {
            pages: Vec::new(),
            free_pages: Vec::new(),
            classes: Vec::new(),
            links: LinkPages::none(),
            live: 0,
            live_bytes: 0,
            page_bytes: 0,
            page_slots: 0,
            mapped_bytes: 0,
            touched_bytes: 0,
            head: PhantomData,
        }
    }

    /// Bytes of the lists of pages and classes.
    pub(super) fn directory_bytes(&self) -> usize {
        self.pages.capacity() * size_of::<Option<Page>>()
            + self.free_pages.capacity() * size_of::<u32>()
            + self.classes.capacity() * size_of::<Class>()
    }

    /// Whether there can be another page.
    pub(super) fn has_room(&self) -> bool {
        !self.free_pages.is_empty() || self.pages.len() < PAGES_MAX
    }

    #[inline]
    fn page(&self, handle: Handle) -> &Page {
        match &self.pages[(handle >> SLOT_BITS) as usize] {
            Some(page) => page,
            None => stale(handle),
        }
    }

    /// The class of the slot.
    #[inline]
    pub(super) fn class(&self, handle: Handle) -> u8 {
        self.page(handle).class
    }

    /// The bytes of the slot.
    #[inline]
    pub(super) fn slot_bytes(&self, handle: Handle) -> usize {
        self.page(handle).slot_bytes as usize
    }

    /// A slot that was used once, whether it is free now or not. Panics when there is none.
    #[inline]
    pub(super) fn slot(&self, handle: Handle) -> Record<H> {
        let page = self.page(handle);
        let slot = handle & SLOT_MASK;
        if slot >= page.bumped as u32 {
            stale(handle);
        }
        page.at(slot)
    }

    /// A record that is there. Panics when there is none.
    #[inline]
    pub(super) fn record(&self, handle: Handle) -> Record<H> {
        let record = self.slot(handle);
        if !record.is_live() {
            stale(handle);
        }
        record
    }

    /// All records that are there, page by page.
    pub(super) fn handles(&self) -> impl Iterator<Item = Handle> {
        let pages = self.pages.iter().enumerate().filter_map(|(n, page)| Some((n as u32, page.as_ref()?)));
        pages.flat_map(|(n, page)| {
            let live = (0..page.bumped as u32).filter(|&slot| page.at::<H>(slot).is_live());
            live.map(move |slot| n << SLOT_BITS | slot)
        })
    }

    /// Asks the cache for a slot. Any number is fine.
    #[inline]
    pub(super) fn prefetch(&self, handle: Handle) {
        if let Some(Some(page)) = self.pages.get((handle >> SLOT_BITS) as usize) {
            let slot = (handle & SLOT_MASK) as usize;
            let at = page.base.as_ptr().wrapping_add(slot * page.slot_bytes as usize);
            prefetch(at);
            if page.slot_bytes > 32 {
                prefetch(at.wrapping_add(64));
            }
        }
    }

    /// Takes a slot that holds `bytes`; it must be made a record at once. None when all handles are taken.
    pub(super) fn take_for(&mut self, bytes: usize) -> Option<Handle> {
        self.take(class_of::<H>(bytes))
    }

    /// Takes a slot of a class; it must be made a record at once. None when all handles are taken.
    pub(super) fn take(&mut self, class: u8) -> Option<Handle> {
        let number = match self.classes.get(class as usize).map_or(NONE, |class| class.open.tail()) {
            NONE => self.add_page(class)?,
            number => number,
        };
        let page = self.pages[number as usize].as_mut().expect("an open page is there");
        let slot = if page.free_head != NO_SLOT {
            let slot = page.free_head;
            page.free_head = page.at::<H>(slot as u32).next_free();
            slot
        } else {
            page.bumped += 1;
            self.touched_bytes += page.slot_bytes as usize;
            page.bumped - 1
        };
        page.live += 1;
        self.live += 1;
        self.live_bytes += page.slot_bytes as usize;
        if page.live == page.capacity {
            self.close(number);
        }
        Some(number << SLOT_BITS | slot as u32)
    }

    /// Frees a slot; what the record owned has been dropped or moved. A page left empty goes, unless the next record would want it
    /// back: when no other page of its class is open, or when it is a small one and the last.
    pub(super) fn free(&mut self, handle: Handle) {
        let number = handle >> SLOT_BITS;
        let slot = self.slot(handle);
        let page = self.pages[number as usize].as_mut().expect("checked by slot()");
        slot.set_free(page.free_head);
        page.free_head = (handle & SLOT_MASK) as u16;
        page.live -= 1;
        self.live -= 1;
        self.live_bytes -= page.slot_bytes as usize;
        if page.is_evacuating {
            return;
        }
        let class = &self.classes[page.class as usize];
        let is_wanted = match class.pages {
            1 => page.slot_bytes as usize * page.capacity as usize <= H::KEPT_BYTES,
            _ => class.open.head() == class.open.tail() && (page.is_open || class.open.is_empty()),
        };
        if page.live == 0 && !is_wanted {
            self.drop_page(number);
        } else if !page.is_open {
            self.open(number);
        }
    }

    /// Puts a page into its class's chain of open ones.
    pub(super) fn open(&mut self, number: u32) {
        let page = self.pages[number as usize].as_mut().expect("a page that is there");
        page.is_open = true;
        self.classes[page.class as usize].open.push_back(&mut Neighbours(&mut self.pages), number);
    }

    /// Takes a page out of its class's chain of open ones, if it is there.
    pub(super) fn close(&mut self, number: u32) {
        let page = self.pages[number as usize].as_mut().expect("a page that is there");
        if std::mem::take(&mut page.is_open) {
            self.classes[page.class as usize].open.unlink(&mut Neighbours(&mut self.pages), number);
        }
    }

    fn add_page(&mut self, class: u8) -> Option<u32> {
        let number = match self.free_pages.pop() {
            Some(number) => number,
            None if self.pages.len() < PAGES_MAX => {
                self.pages.push(None);
                self.pages.len() as u32 - 1
            }
            None => return None,
        };
        if self.classes.len() <= class as usize {
            let unused = Class { open: Chain::EMPTY, pages: 0, slots: 0 };
            self.classes.reserve_exact(class as usize + 1 - self.classes.len());
            self.classes.resize(class as usize + 1, unused);
        }
        let (slot_bytes, here) = (bytes_of::<H>(class), &mut self.classes[class as usize]);
        let capacity = H::slots_of_next_page(here.pages as usize, here.slots, slot_bytes);
        debug_assert!((1..=SLOTS_MAX).contains(&capacity));
        let layout = page_layout(slot_bytes, capacity);
        let Some(base) = take_memory(layout) else { handle_alloc_error(layout) };
        here.pages += 1;
        here.slots += capacity;
        self.page_bytes += layout.size();
        self.page_slots += capacity;
        self.mapped_bytes += if layout.size() >= MAPPED_BYTES { layout.size() } else { 0 };
        self.pages[number as usize] = Some(Page {
            base,
            slot_bytes: slot_bytes as u32,
            neighbours: (NONE, NONE),
            capacity: capacity as u16,
            bumped: 0,
            live: 0,
            free_head: NO_SLOT,
            class,
            is_open: false,
            is_evacuating: false,
        });
        self.links.set_page(number as usize, capacity);
        self.open(number);
        Some(number)
    }

    /// Gives back a page without records.
    pub(super) fn drop_page(&mut self, number: u32) {
        self.close(number);
        let page = self.pages[number as usize].take().expect("dropped once");
        assert_eq!(page.live, 0);
        let layout = page_layout(page.slot_bytes as usize, page.capacity as usize);
        let class = &mut self.classes[page.class as usize];
        class.pages -= 1;
        class.slots -= page.capacity as usize;
        self.links.set_page(number as usize, 0);
        self.page_bytes -= layout.size();
        self.page_slots -= page.capacity as usize;
        self.mapped_bytes -= if layout.size() >= MAPPED_BYTES { layout.size() } else { 0 };
        self.touched_bytes -= page.bumped as usize * page.slot_bytes as usize;
        self.free_pages.push(number);
        // SAFETY: taken in `add_page` with this very layout; no record lives in it.
        unsafe { give_memory(page.base, layout) };
    }

    /// Checks what the pages say of themselves against what stands in them. Panics when it does not hold.
    pub(super) fn check_invariants(&self) {
        let (mut live, mut live_bytes, mut page_bytes, mut touched_bytes) = (0, 0, 0, 0);
        let mut classes = vec![(0, 0, 0); self.classes.len()];
        for (number, page) in self.pages.iter().enumerate() {
            let Some(page) = page else { continue };
            let at = |slot: u32| (number as u32) << SLOT_BITS | slot;
            let here = (0..page.bumped as u32).filter(|&slot| self.slot(at(slot)).is_live()).count();
            let mut free = page.bumped as usize - here;
            let mut next = page.free_head;
            while next != NO_SLOT {
                free = free.checked_sub(1).expect("no more slots in the list than are free");
                next = self.slot(at(next as u32)).next_free();
            }
            assert_eq!((free, here), (0, page.live as usize), "page {number}");
            assert_eq!(page.is_open, page.live < page.capacity && !page.is_evacuating, "page {number}");
            assert_eq!(page.slot_bytes as usize, bytes_of::<H>(page.class));
            live += here;
            live_bytes += here * page.slot_bytes as usize;
            page_bytes += page.capacity as usize * page.slot_bytes as usize;
            touched_bytes += page.bumped as usize * page.slot_bytes as usize;
            let class = &mut classes[page.class as usize];
            *class = (class.0 + 1, class.1 + page.capacity as usize, class.2 + page.is_open as usize);
        }
        assert_eq!(
            (live, live_bytes, page_bytes, touched_bytes),
            (self.live, self.live_bytes, self.page_bytes, self.touched_bytes)
        );
        for (class, counted) in self.classes.iter().zip(classes) {
            let page_after = |&number: &u32| match &self.pages[number as usize] {
                Some(page) => Some(page.neighbours.1).filter(|&next| next != NONE),
                None => panic!("open page {number} is gone"),
            };
            let head = Some(class.open.head()).filter(|&head| head != NONE);
            let open = std::iter::successors(head, page_after).take(self.pages.len() + 1).count();
            assert_eq!((class.pages as usize, class.slots, open), counted);
        }
    }
}

impl<H> Drop for Slots<H> {
    fn drop(&mut self) {
        for page in self.pages.drain(..).flatten() {
            // SAFETY: taken in `add_page` with this layout; the arena has dropped what its records owned.
            unsafe { give_memory(page.base, page_layout(page.slot_bytes as usize, page.capacity as usize)) };
        }
    }
}

/// The pages, as links of the chains of open ones.
struct Neighbours<'a>(&'a mut [Option<Page>]);

impl Neighbours<'_> {
    fn page(&mut self, number: u32) -> &mut Page {
        self.0[number as usize].as_mut().expect("an open page is there")
    }
}

impl ListLinks for Neighbours<'_> {
    fn links(&self, number: u32) -> (u32, u32) {
        self.0[number as usize].as_ref().expect("an open page is there").neighbours
    }

    fn set_prev(&mut self, number: u32, prev: u32) {
        self.page(number).neighbours.0 = prev;
    }

    fn set_next(&mut self, number: u32, next: u32) {
        self.page(number).neighbours.1 = next;
    }
}

#[cold]
#[inline(never)]
fn stale(handle: Handle) -> ! {
    panic!("handle {handle:#x} names no record")
}

fn page_layout(slot_bytes: usize, capacity: usize) -> Layout {
    Layout::from_size_align(slot_bytes * capacity, 8).expect("at most 8 MiB")
}

/// Pages of this size and more come straight from the system, so that an emptied one is given back at once.
const MAPPED_BYTES: usize = 64 * 1024;

/// Memory for a page.
fn take_memory(layout: Layout) -> Option<NonNull<u8>> {
    if layout.size() >= MAPPED_BYTES {
        return pages::map(layout.size());
    }
    // SAFETY: the layout has a size above 0.
    NonNull::new(unsafe { alloc(layout) })
}

/// Gives a page's memory back.
///
/// SAFETY (caller): it came from `take_memory` with the same layout, and nothing refers to it any more.
unsafe fn give_memory(base: NonNull<u8>, layout: Layout) {
    // SAFETY: the caller's; the same test chose where it came from.
    unsafe {
        if layout.size() >= MAPPED_BYTES {
            pages::unmap(base, layout.size());
        } else {
            dealloc(base.as_ptr(), layout);
        }
    }
}
