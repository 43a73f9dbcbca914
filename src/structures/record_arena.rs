//! The arena that holds one record per key, addressed by 32-bit handles.
//!
//! ```text
//! handle (u32)          page number : 20 | slot : 12
//! page                  up to 4096 slots of one size class, in one piece: from 64 KiB on mapped from the system, which has it
//!                       back as soon as it is empty; its memory is touched as slots are used
//!
//! record   0  stamp        u32   access time or frequency, meaning is the caller's
//! (slot)   4  state        u8    low 4 bits: tag of the payload (0: the slot is free), high 4 bits: flags
//!          5  key_len      u8    (0 with LONG_KEY)
//!          6  payload_len  u16
//!          8  deadline     u64 \
//!         16  wheel prev   u32  | only with DEADLINE
//!         20  wheel next   u32 /
//!          .  key                key_len bytes, or with LONG_KEY the 16 bytes of a Box<[u8]>
//!          .  payload            payload_len bytes, or with BOXED the 8 bytes of a Box<V>
//!
//! links (under an LRU policy only, beside each page)   prev u32 | next u32 for every slot
//! ```
//!
//! Invariants, kept by this file alone:
//! - A slot below `page.bumped` is initialised: either free (tag 0, the next free slot's number in bytes 6..8) or a whole record.
//! - A record's parts never reach past its slot: `offset_of_payload + payload bytes <= slot_bytes`.
//! - A handle is checked on each access (page there, slot below `bumped`, tag not 0), so a stale one panics or names another
//!   whole record; it never reaches foreign memory.
//!
//! Cost: resolving a handle reads one 32-byte page entry (a few KiB for millions of records: always cached) and the record.
#![allow(unsafe_code)]

use super::prefetch::prefetch;
use crate::base::sys::pages;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::marker::PhantomData;
use std::ptr::NonNull;

/// Names a record in its arena.
pub type Handle = u32;
pub use super::chain::NONE;

/// Payloads up to this many bytes stand in the record itself.
pub const INLINE_MAX: usize = 1024;
const SLOT_BITS: u32 = 12;
const SLOTS_MAX: usize = 1 << SLOT_BITS;
const PAGES_MAX: usize = 1 << (32 - SLOT_BITS);
const HEAD_BYTES: usize = 8;
const DEADLINE_BYTES: usize = 16;
const LONG_KEY_BYTES: usize = 16;
const SHORT_KEY_MAX: usize = 255;

const TAG: u8 = 0x0f;
const BOXED: u8 = 0x10;
const DEADLINE: u8 = 0x20;
const LONG_KEY: u8 = 0x40;
const MARK: u8 = 0x80;

/// What a record holds: bytes of its own, or a boxed value.
#[derive(Debug, PartialEq, Eq)]
pub enum Payload<'a, V> {
    /// `tag` (1..=15) says how to read `bytes`, which stand in the record.
    Inline {
        /// The caller's own mark of the encoding, 1..=15.
        tag: u8,
        /// At most `INLINE_MAX` bytes.
        bytes: &'a [u8],
    },
    /// A value of its own allocation.
    Boxed(&'a V),
}

impl<V> Clone for Payload<'_, V> {
    fn clone(&self) -> Self {
        *self
    }
}

// It only lends the value: whether that can be copied is no matter.
impl<V> Copy for Payload<'_, V> {}

/// The same, to be changed in place. Inline bytes keep their number.
#[derive(Debug)]
pub enum PayloadMut<'a, V> {
    /// Bytes in the record.
    Inline {
        /// The caller's own mark of the encoding, 1..=15.
        tag: u8,
        /// The bytes, whose number is fixed.
        bytes: &'a mut [u8],
    },
    /// A value of its own allocation.
    Boxed(&'a mut V),
}

/// A payload on its way into a record.
#[derive(Debug)]
pub enum NewPayload<'a, V> {
    /// Bytes to be copied in: at most `INLINE_MAX`.
    Inline {
        /// The caller's own mark of the encoding, 1..=15.
        tag: u8,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// A value of its own allocation.
    Boxed(Box<V>),
}

struct Page {
    base: NonNull<u8>,
    slot_bytes: u32,
    class: u8,
    capacity: u16,
    bumped: u16,
    live: u16,
    free_head: u16,
    listed: bool,
    evacuating: bool,
}

const NO_SLOT: u16 = u16::MAX;

/// The two links of a record in the LRU list.
#[derive(Clone, Copy, Debug)]
pub struct Links {
    /// Neighbour that was used less recently.
    pub prev: Handle,
    /// Neighbour that was used more recently.
    pub next: Handle,
}

/// Links of a record that no list knows yet.
const NOT_LISTED: Links = Links { prev: super::chain::UNLINKED, next: NONE };

/// Records of all sizes, by handle.
pub struct RecordArena<V> {
    pages: Vec<Option<Page>>,
    links: Option<Vec<Box<[Links]>>>,
    free_pages: Vec<u32>,
    /// Pages with a free slot, by class.
    partial: Vec<Vec<u32>>,
    pages_of_class: Vec<u32>,
    live_bytes: usize,
    page_bytes: usize,
    mapped_bytes: usize,
    touched_bytes: usize,
    long_key_bytes: usize,
    live: usize,
    values: PhantomData<V>,
}

// SAFETY: the arena owns its pages and the values in them alone; nothing in it is shared or bound to a thread.
unsafe impl<V: Send> Send for RecordArena<V> {}

/// Slot sizes: steps of 8 bytes to 128, then eight steps per doubling.
fn class_of(bytes: usize) -> u8 {
    let bytes = bytes.max(16);
    if bytes <= 128 {
        return (bytes.div_ceil(8) - 2) as u8;
    }
    let shift = usize::BITS - 1 - (bytes - 1).leading_zeros(); // 128..=255 -> 7
    let step = 1usize << (shift - 3);
    let within = (bytes - 1 - (1 << shift)) / step;
    (15 + (shift as usize - 7) * 8 + within) as u8
}

fn bytes_of(class: u8) -> usize {
    let class = class as usize;
    if class < 15 {
        return (class + 2) * 8;
    }
    let (doubling, within) = ((class - 15) / 8, (class - 15) % 8);
    (1 << (7 + doubling)) + (within + 1) * (1 << (4 + doubling))
}

const CLASSES: usize = 15 + 8 * 4; // up to 2048 bytes

impl<V> Default for RecordArena<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V> RecordArena<V> {
    /// An arena without pages.
    pub fn new() -> Self {
        RecordArena {
            pages: Vec::new(),
            links: None,
            free_pages: Vec::new(),
            partial: (0..CLASSES).map(|_| Vec::new()).collect(),
            pages_of_class: vec![0; CLASSES],
            live_bytes: 0,
            page_bytes: 0,
            mapped_bytes: 0,
            touched_bytes: 0,
            long_key_bytes: 0,
            live: 0,
            values: PhantomData,
        }
    }

    /// Records that are there.
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Bytes of the slots in use (their LRU links included when those exist); boxed values are the caller's to count.
    pub fn live_bytes(&self) -> usize {
        self.live_bytes + if self.links.is_some() { self.live * size_of::<Links>() } else { 0 }
    }

    /// Bytes of keys that stand outside of their records.
    pub fn long_key_bytes(&self) -> usize {
        self.long_key_bytes
    }

    /// Bytes of slots that are free now but were used once: what moving records together would give back.
    pub fn idle_bytes(&self) -> usize {
        self.touched_bytes - self.live_bytes
    }

    /// Bytes taken for pages, whether touched or not.
    pub fn page_bytes(&self) -> usize {
        self.page_bytes
    }

    /// Bytes of them that come straight from the system, which the allocator does not know of.
    pub fn mapped_bytes(&self) -> usize {
        self.mapped_bytes
    }

    #[inline]
    fn page(&self, handle: Handle) -> &Page {
        match &self.pages[(handle >> SLOT_BITS) as usize] {
            Some(page) => page,
            None => stale(handle),
        }
    }

    /// The record's first byte.
    #[inline]
    fn record(&self, handle: Handle) -> Record {
        let page = self.page(handle);
        let slot = handle & (SLOTS_MAX as u32 - 1);
        if slot >= page.bumped as u32 {
            stale(handle);
        }
        // SAFETY: `slot < bumped <= capacity`, so the address lies within the page's allocation, on an initialised slot.
        let record = Record(unsafe { page.base.add(slot as usize * page.slot_bytes as usize) });
        if record.state() & TAG == 0 {
            stale(handle);
        }
        record
    }

    /// Asks the cache for a record that will be read soon: all of it up to 128 bytes, else its ends. Any number is fine.
    #[inline]
    pub fn prefetch(&self, handle: Handle) {
        if let Some(Some(page)) = self.pages.get((handle >> SLOT_BITS) as usize) {
            let slot = (handle & (SLOTS_MAX as u32 - 1)) as usize;
            let at = page.base.as_ptr().wrapping_add(slot * page.slot_bytes as usize);
            prefetch(at);
            let bytes = page.slot_bytes as usize;
            prefetch(at.wrapping_add(bytes - 1)); // slots begin anywhere in a line: one of 72 bytes may reach into a third
            if bytes > 64 {
                prefetch(at.wrapping_add(64));
            }
        }
    }

    /// Asks the cache for a record's LRU links.
    #[inline]
    pub fn prefetch_links(&self, handle: Handle) {
        if let Some(links) = &self.links
            && let Some(page) = links.get((handle >> SLOT_BITS) as usize)
            && let Some(place) = page.get((handle & (SLOTS_MAX as u32 - 1)) as usize)
        {
            prefetch(place);
        }
    }

    /// Whether a record of any size can still be made.
    pub fn has_room(&self) -> bool {
        !self.free_pages.is_empty() || self.pages.len() < PAGES_MAX
    }

    /// Makes a record. `Err` gives the payload back when all 2^32 handles are taken.
    pub fn insert<'p>(
        &mut self,
        key: &[u8],
        deadline_ms: Option<u64>,
        payload: NewPayload<'p, V>,
    ) -> Result<Handle, NewPayload<'p, V>> {
        let long = key.len() > SHORT_KEY_MAX;
        let key_bytes = if long { LONG_KEY_BYTES } else { key.len() };
        let size =
            HEAD_BYTES + if deadline_ms.is_some() { DEADLINE_BYTES } else { 0 } + key_bytes + payload_bytes(&payload);
        let Some(handle) = self.take_slot(class_of(size)) else { return Err(payload) };
        self.long_key_bytes += if long { key.len() } else { 0 };
        let record = self.slot(handle);
        let flags = if long { LONG_KEY } else { 0 } | if deadline_ms.is_some() { DEADLINE } else { 0 };
        // SAFETY: the slot has at least `size` bytes (its class was chosen by it) and is ours alone: parts are laid out as drawn.
        unsafe {
            record.put::<u32>(0, 0);
            record.put::<u8>(5, if long { 0 } else { key.len() as u8 });
            record.put::<u16>(6, 0);
            let mut at = HEAD_BYTES;
            if let Some(deadline) = deadline_ms {
                record.put::<u64>(8, deadline);
                record.put::<u32>(16, NONE);
                record.put::<u32>(20, NONE);
                at += DEADLINE_BYTES;
            }
            if long {
                let owned: *mut [u8] = Box::into_raw(Box::<[u8]>::from(key));
                record.put::<u64>(at, owned as *mut u8 as u64);
                record.put::<u64>(at + 8, key.len() as u64);
            } else {
                record.0.as_ptr().add(at).copy_from_nonoverlapping(key.as_ptr(), key.len());
            }
            record.put_payload(at + key_bytes, flags, payload);
        }
        Ok(handle)
    }

    /// The key's bytes.
    #[inline]
    pub fn key(&self, handle: Handle) -> &[u8] {
        let record = self.record(handle);
        // SAFETY: key bytes were written at `insert` and stand until the record is removed, which needs `&mut self`.
        unsafe { record.key() }
    }

    /// What the record holds.
    #[inline]
    pub fn payload(&self, handle: Handle) -> Payload<'_, V> {
        let record = self.record(handle);
        let state = record.state();
        let at = record.payload_offset();
        // SAFETY: as drawn: BOXED says that a Box<V> of ours stands there, else `payload_len` bytes; `&self` lends them.
        unsafe {
            if state & BOXED != 0 {
                Payload::Boxed(&*(record.get::<u64>(at) as *const V))
            } else {
                let bytes = std::slice::from_raw_parts(record.0.as_ptr().add(at), record.get::<u16>(6) as usize);
                Payload::Inline { tag: state & TAG, bytes }
            }
        }
    }

    /// What the record holds, to be changed in place.
    #[inline]
    pub fn payload_mut(&mut self, handle: Handle) -> PayloadMut<'_, V> {
        let record = self.record(handle);
        let state = record.state();
        let at = record.payload_offset();
        // SAFETY: as in `payload`; `&mut self` lends them alone.
        unsafe {
            if state & BOXED != 0 {
                PayloadMut::Boxed(&mut *(record.get::<u64>(at) as *mut V))
            } else {
                let bytes = std::slice::from_raw_parts_mut(record.0.as_ptr().add(at), record.get::<u16>(6) as usize);
                PayloadMut::Inline { tag: state & TAG, bytes }
            }
        }
    }

    /// Puts another payload in the record's place and gives the boxed value that was there. The record may have to move:
    /// the answer's first part is its handle from now on (its LRU links come along, who points at it must be told).
    /// `Err` as for `insert`; then nothing has changed.
    pub fn replace_payload<'p>(
        &mut self,
        handle: Handle,
        payload: NewPayload<'p, V>,
    ) -> Result<(Handle, Option<Box<V>>), NewPayload<'p, V>> {
        let record = self.record(handle);
        let at = record.payload_offset();
        let class = class_of(at + payload_bytes(&payload));
        if class == self.page(handle).class {
            let old = record.take_boxed();
            // SAFETY: the payload fits: the class was chosen by offset and payload bytes.
            unsafe { record.put_payload(at, record.state() & !(TAG | BOXED), payload) };
            return Ok((handle, old));
        }
        let Some(to) = self.take_slot(class) else { return Err(payload) };
        let (record, new) = (self.record(handle), self.slot(to));
        let old = record.take_boxed();
        // SAFETY: all before the payload is copied bit by bit (a long key's box changes its owner: the old slot is freed
        // without dropping it), then the new payload is written where it fits.
        unsafe {
            new.0.as_ptr().copy_from_nonoverlapping(record.0.as_ptr(), at);
            new.put_payload(at, record.state() & !(TAG | BOXED), payload);
        }
        self.copy_links(handle, to);
        self.free_slot(handle);
        Ok((to, old))
    }

    /// Moves the record to another slot of its class and gives its new handle: for undoing fragmentation.
    fn relocate(&mut self, handle: Handle) -> Option<Handle> {
        let class = self.page(handle).class;
        let to = self.take_slot(class)?;
        let (from, new) = (self.record(handle), self.slot(to));
        // SAFETY: both slots have `slot_bytes` of this class and are distinct; ownership of boxes moves with the bits.
        unsafe { new.0.as_ptr().copy_from_nonoverlapping(from.0.as_ptr(), bytes_of(class)) };
        self.copy_links(handle, to);
        self.free_slot(handle);
        Some(to)
    }

    /// Removes the record and gives its boxed value, if it had one. Its LRU links and wheel links must be out already.
    pub fn remove(&mut self, handle: Handle) -> Option<Box<V>> {
        let record = self.record(handle);
        let boxed = record.take_boxed();
        self.long_key_bytes -= record.long_key_bytes();
        record.drop_long_key();
        self.free_slot(handle);
        boxed
    }

    /// The record's deadline.
    #[inline]
    pub fn deadline_ms(&self, handle: Handle) -> Option<u64> {
        let record = self.record(handle);
        // SAFETY: DEADLINE says that the field is there.
        (record.state() & DEADLINE != 0).then(|| unsafe { record.get::<u64>(8) })
    }

    /// Changes the deadline of a record that has one. The wheel must have let go of it.
    pub fn change_deadline(&mut self, handle: Handle, deadline_ms: u64) {
        let record = self.record(handle);
        assert!(record.state() & DEADLINE != 0, "record without deadline");
        // SAFETY: DEADLINE says that the field is there.
        unsafe { record.put::<u64>(8, deadline_ms) };
    }

    /// Gives a record its first deadline, or takes it away: the record may have to move, the answer is its handle from now on.
    /// `None` when all handles are taken.
    pub fn set_or_clear_deadline(&mut self, handle: Handle, deadline_ms: Option<u64>) -> Option<Handle> {
        let record = self.record(handle);
        let (had, has) = (record.state() & DEADLINE != 0, deadline_ms.is_some());
        if had == has {
            if let Some(deadline) = deadline_ms {
                self.change_deadline(handle, deadline);
            }
            return Some(handle);
        }
        let rest_from = HEAD_BYTES + if had { DEADLINE_BYTES } else { 0 };
        let rest_to = HEAD_BYTES + if has { DEADLINE_BYTES } else { 0 };
        let rest = record.payload_offset() - rest_from + record.payload_bytes();
        let to = self.take_slot(class_of(rest_to + rest))?;
        let (record, new) = (self.record(handle), self.slot(to));
        // SAFETY: the new slot holds `rest_to + rest` bytes; key and payload move bit by bit, boxes change their owner.
        unsafe {
            new.0.as_ptr().copy_from_nonoverlapping(record.0.as_ptr(), HEAD_BYTES);
            new.0.as_ptr().add(rest_to).copy_from_nonoverlapping(record.0.as_ptr().add(rest_from), rest);
            new.put::<u8>(4, record.state() ^ DEADLINE);
            if let Some(deadline) = deadline_ms {
                new.put::<u64>(8, deadline);
                new.put::<u32>(16, NONE);
                new.put::<u32>(20, NONE);
            }
        }
        self.copy_links(handle, to);
        self.free_slot(handle);
        Some(to)
    }

    /// The access stamp.
    #[inline]
    pub fn stamp(&self, handle: Handle) -> u32 {
        let record = self.record(handle);
        // SAFETY: every record has a head.
        unsafe { record.get::<u32>(0) }
    }

    /// Writes the access stamp.
    #[inline]
    pub fn set_stamp(&mut self, handle: Handle, stamp: u32) {
        let record = self.record(handle);
        // SAFETY: every record has a head.
        unsafe { record.put::<u32>(0, stamp) };
    }

    /// The record's mark: one bit for whoever walks over all records.
    #[inline]
    pub fn mark(&self, handle: Handle) -> bool {
        self.record(handle).state() & MARK != 0
    }

    /// Sets the record's mark.
    #[inline]
    pub fn set_mark(&mut self, handle: Handle, mark: bool) {
        let record = self.record(handle);
        let state = record.state() & !MARK | if mark { MARK } else { 0 };
        // SAFETY: every record has a head.
        unsafe { record.put::<u8>(4, state) };
    }

    /// The wheel links of a record with a deadline: (previous, next).
    pub fn wheel_links(&self, handle: Handle) -> (Handle, Handle) {
        let record = self.record(handle);
        assert!(record.state() & DEADLINE != 0, "record without deadline");
        // SAFETY: DEADLINE says that the fields are there.
        unsafe { (record.get::<u32>(16), record.get::<u32>(20)) }
    }

    /// Sets the previous wheel link of a record with a deadline.
    pub fn set_wheel_prev(&mut self, handle: Handle, prev: Handle) {
        let record = self.record(handle);
        assert!(record.state() & DEADLINE != 0, "record without deadline");
        // SAFETY: DEADLINE says that the field is there.
        unsafe { record.put::<u32>(16, prev) };
    }

    /// Sets the next wheel link of a record with a deadline.
    pub fn set_wheel_next(&mut self, handle: Handle, next: Handle) {
        let record = self.record(handle);
        assert!(record.state() & DEADLINE != 0, "record without deadline");
        // SAFETY: DEADLINE says that the field is there.
        unsafe { record.put::<u32>(20, next) };
    }

    /// Makes room for LRU links beside every record, or gives it back.
    pub fn keep_links(&mut self, keep: bool) {
        self.links = keep.then(|| {
            let room = |page: &Option<Page>| page.as_ref().map_or(0, |p| p.capacity as usize);
            self.pages.iter().map(|page| vec![NOT_LISTED; room(page)].into_boxed_slice()).collect()
        });
    }

    /// The LRU links. Panics unless `keep_links(true)` came before.
    #[inline]
    pub fn links(&self, handle: Handle) -> Links {
        let links = self.links.as_ref().expect("links are kept under an LRU policy only");
        links[(handle >> SLOT_BITS) as usize][(handle & (SLOTS_MAX as u32 - 1)) as usize]
    }

    /// The LRU links, to be changed.
    #[inline]
    pub fn links_mut(&mut self, handle: Handle) -> &mut Links {
        let links = self.links.as_mut().expect("links are kept under an LRU policy only");
        &mut links[(handle >> SLOT_BITS) as usize][(handle & (SLOTS_MAX as u32 - 1)) as usize]
    }

    /// The bytes of the record's slot, and of a key that stands outside of it.
    pub fn record_bytes(&self, handle: Handle) -> usize {
        self.page(handle).slot_bytes as usize + self.record(handle).long_key_bytes()
    }

    fn copy_links(&mut self, from: Handle, to: Handle) {
        if self.links.is_some() {
            *self.links_mut(to) = self.links(from);
        }
    }

    /// A slot's address; unlike `record`, the slot may be a free one that has just been taken.
    fn slot(&self, handle: Handle) -> Record {
        let page = self.page(handle);
        let slot = handle as usize & (SLOTS_MAX - 1);
        assert!(slot < page.bumped as usize);
        // SAFETY: `slot < bumped <= capacity`: within the page.
        Record(unsafe { page.base.add(slot * page.slot_bytes as usize) })
    }

    fn take_slot(&mut self, class: u8) -> Option<Handle> {
        let number = match self.partial[class as usize].last() {
            Some(&number) => number,
            None => self.add_page(class)?,
        };
        let page = self.pages[number as usize].as_mut().expect("a listed page is there");
        let slot = if page.free_head != NO_SLOT {
            let slot = page.free_head;
            // SAFETY: a free slot below `bumped` holds the next free slot's number at 6..8.
            page.free_head = unsafe { Record(page.base.add(slot as usize * page.slot_bytes as usize)).get::<u16>(6) };
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
            page.listed = false;
            self.partial[class as usize].pop();
        }
        Some(number << SLOT_BITS | slot as u32)
    }

    fn free_slot(&mut self, handle: Handle) {
        let number = handle >> SLOT_BITS;
        let record = self.slot(handle);
        let page = self.pages[number as usize].as_mut().expect("checked by slot()");
        // SAFETY: the slot is initialised memory of ours; tag 0 marks it free.
        unsafe {
            record.put::<u8>(4, 0);
            record.put::<u16>(6, page.free_head);
        }
        page.free_head = (handle & (SLOTS_MAX as u32 - 1)) as u16;
        page.live -= 1;
        self.live -= 1;
        self.live_bytes -= page.slot_bytes as usize;
        let class = page.class as usize;
        if page.evacuating {
            return;
        }
        if page.live == 0 && self.pages_of_class[class] > 1 {
            self.drop_page(number);
        } else if !page.listed {
            page.listed = true;
            self.partial[class].push(number);
        }
    }

    /// A new page: the n-th of a class has 64 << n slots, so that a small database stays small.
    fn add_page(&mut self, class: u8) -> Option<u32> {
        let number = match self.free_pages.pop() {
            Some(number) => number,
            None if self.pages.len() < PAGES_MAX => {
                self.pages.push(None);
                if let Some(links) = &mut self.links {
                    links.push(Box::default());
                }
                self.pages.len() as u32 - 1
            }
            None => return None,
        };
        let slot_bytes = bytes_of(class);
        let capacity = (64usize << self.pages_of_class[class as usize].min(6)).min(SLOTS_MAX);
        let layout = page_layout(slot_bytes, capacity);
        let Some(base) = take_page(layout) else { handle_alloc_error(layout) };
        self.page_bytes += layout.size();
        self.mapped_bytes += if layout.size() >= MAPPED_BYTES { layout.size() } else { 0 };
        self.pages_of_class[class as usize] += 1;
        self.pages[number as usize] = Some(Page {
            base,
            slot_bytes: slot_bytes as u32,
            class,
            capacity: capacity as u16,
            bumped: 0,
            live: 0,
            free_head: NO_SLOT,
            listed: true,
            evacuating: false,
        });
        if let Some(links) = &mut self.links {
            links[number as usize] = vec![NOT_LISTED; capacity].into_boxed_slice();
        }
        self.partial[class as usize].push(number);
        Some(number)
    }

    fn drop_page(&mut self, number: u32) {
        let page = self.pages[number as usize].take().expect("dropped once");
        assert_eq!(page.live, 0);
        self.partial[page.class as usize].retain(|&n| n != number);
        self.pages_of_class[page.class as usize] -= 1;
        if let Some(links) = &mut self.links {
            links[number as usize] = Box::default();
        }
        let layout = page_layout(page.slot_bytes as usize, page.capacity as usize);
        self.page_bytes -= layout.size();
        self.mapped_bytes -= if layout.size() >= MAPPED_BYTES { layout.size() } else { 0 };
        self.touched_bytes -= page.bumped as usize * page.slot_bytes as usize;
        self.free_pages.push(number);
        // SAFETY: taken in `add_page` with this very layout; no record lives in it.
        unsafe { give_page(page.base, layout) };
    }

    /// The page whose records are worth moving elsewhere: the emptiest of a class that has more idle slots than a page
    /// and a tenth of its slots. O(pages): call it now and then.
    pub fn sparsest_page(&self) -> Option<u32> {
        let mut idle = [0usize; CLASSES];
        let mut slots = [0usize; CLASSES];
        for page in self.pages.iter().flatten() {
            idle[page.class as usize] += (page.bumped - page.live) as usize;
            slots[page.class as usize] += page.bumped as usize;
        }
        let worth = |page: &Page| {
            let class = page.class as usize;
            page.live < page.bumped
                && self.pages_of_class[class] > 1
                && idle[class] * bytes_of(page.class) > 16 * 1024
                && idle[class] > slots[class] / 20
                && idle[class] >= page.bumped as usize
        };
        let candidates =
            self.pages.iter().enumerate().filter_map(|(n, p)| p.as_ref().filter(|p| worth(p)).map(|p| (n, p)));
        candidates.min_by_key(|(_, p)| p.live as u32 * 4096 / p.bumped as u32).map(|(n, _)| n as u32)
    }

    /// Moves up to `budget` records out of `page`, telling of each `(from, to)`; true when nothing is left to do (the page
    /// is gone, or there was no room elsewhere). No new record is put into the page until then: go on until it is true.
    pub fn evacuate(&mut self, page: u32, budget: usize, mut moved: impl FnMut(&mut Self, Handle, Handle)) -> bool {
        let Some(Some(victim)) = self.pages.get_mut(page as usize) else { return true };
        let class = victim.class as usize;
        victim.evacuating = true;
        if std::mem::take(&mut victim.listed) {
            self.partial[class].retain(|&n| n != page);
        }
        let mut left = budget;
        for slot in 0..victim.bumped as u32 {
            let handle = page << SLOT_BITS | slot;
            if self.slot(handle).state() & TAG == 0 {
                continue;
            }
            if left == 0 {
                return false;
            }
            if self.partial[class].is_empty() {
                self.reopen(page);
                return true;
            }
            left -= 1;
            let to = self.relocate(handle).expect("a page with a free slot is listed");
            moved(self, handle, to);
        }
        self.drop_page(page);
        true
    }

    fn reopen(&mut self, page: u32) {
        let victim = self.pages[page as usize].as_mut().expect("being evacuated");
        victim.evacuating = false;
        if victim.live < victim.capacity {
            victim.listed = true;
            self.partial[victim.class as usize].push(page);
        }
    }

    /// Checks what the head of this file promises. Panics when it does not hold.
    pub fn check_invariants(&self) {
        let (mut live, mut bytes, mut long_key_bytes) = (0, 0, 0);
        for (number, page) in self.pages.iter().enumerate() {
            let Some(page) = page else { continue };
            let mut here = 0;
            for slot in 0..page.bumped as u32 {
                let handle = (number as u32) << SLOT_BITS | slot;
                let record = self.slot(handle);
                if record.state() & TAG != 0 {
                    here += 1;
                    long_key_bytes += record.long_key_bytes();
                    let end = record.payload_offset() + record.payload_bytes();
                    assert!(end <= page.slot_bytes as usize, "record {handle} reaches past its slot");
                }
            }
            assert_eq!(here, page.live as usize);
            assert!(!page.listed || self.partial[page.class as usize].contains(&(number as u32)));
            live += here;
            bytes += here * page.slot_bytes as usize;
        }
        assert_eq!((live, bytes, long_key_bytes), (self.live, self.live_bytes, self.long_key_bytes));
    }
}

impl<V> Drop for RecordArena<V> {
    fn drop(&mut self) {
        for number in 0..self.pages.len() {
            let Some(page) = self.pages[number].take() else { continue };
            for slot in 0..page.bumped as usize {
                // SAFETY: slots below `bumped` are initialised; a tag other than 0 is a whole record whose boxes are ours.
                let record = Record(unsafe { page.base.add(slot * page.slot_bytes as usize) });
                if record.state() & TAG != 0 {
                    drop(record.take_boxed::<V>());
                    record.drop_long_key();
                }
            }
            // SAFETY: taken in `add_page` with this layout.
            unsafe { give_page(page.base, page_layout(page.slot_bytes as usize, page.capacity as usize)) };
        }
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
fn take_page(layout: Layout) -> Option<NonNull<u8>> {
    if layout.size() >= MAPPED_BYTES {
        return pages::map(layout.size());
    }
    // SAFETY: the layout has a size above 0.
    NonNull::new(unsafe { alloc(layout) })
}

/// Gives a page's memory back.
///
/// SAFETY (caller): it came from `take_page` with the same layout, and nothing refers to it any more.
unsafe fn give_page(base: NonNull<u8>, layout: Layout) {
    // SAFETY: the caller's; the same test chose where it came from.
    unsafe {
        if layout.size() >= MAPPED_BYTES {
            pages::unmap(base, layout.size());
        } else {
            dealloc(base.as_ptr(), layout);
        }
    }
}

fn payload_bytes<V>(payload: &NewPayload<V>) -> usize {
    match payload {
        NewPayload::Inline { tag, bytes } => {
            assert!((1..=15).contains(tag) && bytes.len() <= INLINE_MAX, "tag {tag}, {} bytes", bytes.len());
            bytes.len()
        }
        NewPayload::Boxed(_) => 8,
    }
}

/// The address of a slot. All its functions rely on the arena's invariants; they are private to this file.
#[derive(Clone, Copy)]
struct Record(NonNull<u8>);

impl Record {
    /// SAFETY (caller): `at .. at + size_of::<T>()` lies within the slot and is initialised; T is a plain integer.
    #[inline(always)]
    unsafe fn get<T: Copy>(self, at: usize) -> T {
        // SAFETY: the caller's.
        unsafe { self.0.as_ptr().add(at).cast::<T>().read_unaligned() }
    }

    /// SAFETY (caller): `at .. at + size_of::<T>()` lies within the slot, which the arena has for itself alone.
    #[inline(always)]
    unsafe fn put<T: Copy>(self, at: usize, value: T) {
        // SAFETY: the caller's.
        unsafe { self.0.as_ptr().add(at).cast::<T>().write_unaligned(value) }
    }

    #[inline(always)]
    fn state(self) -> u8 {
        // SAFETY: every slot has a head of 8 initialised bytes.
        unsafe { self.get::<u8>(4) }
    }

    #[inline(always)]
    fn key_offset(self) -> usize {
        HEAD_BYTES + if self.state() & DEADLINE != 0 { DEADLINE_BYTES } else { 0 }
    }

    #[inline(always)]
    fn payload_offset(self) -> usize {
        // SAFETY: every slot has a head.
        let key = if self.state() & LONG_KEY != 0 { LONG_KEY_BYTES } else { unsafe { self.get::<u8>(5) as usize } };
        self.key_offset() + key
    }

    fn payload_bytes(self) -> usize {
        // SAFETY: every slot has a head.
        if self.state() & BOXED != 0 { 8 } else { unsafe { self.get::<u16>(6) as usize } }
    }

    /// SAFETY (caller): the slot holds a record, which nobody changes during `'a`.
    #[inline(always)]
    unsafe fn key<'a>(self) -> &'a [u8] {
        let at = self.key_offset();
        // SAFETY: as drawn: LONG_KEY says that a boxed slice of ours stands there, else `key_len` bytes.
        unsafe {
            if self.state() & LONG_KEY != 0 {
                std::slice::from_raw_parts(self.get::<u64>(at) as *const u8, self.get::<u64>(at + 8) as usize)
            } else {
                std::slice::from_raw_parts(self.0.as_ptr().add(at), self.get::<u8>(5) as usize)
            }
        }
    }

    /// SAFETY (caller): the payload fits behind `at`; no boxed value that is still owned stands there.
    #[inline(always)]
    unsafe fn put_payload<V>(self, at: usize, flags: u8, payload: NewPayload<V>) {
        // SAFETY: the caller's.
        unsafe {
            match payload {
                NewPayload::Inline { tag, bytes } => {
                    self.put::<u8>(4, flags | tag);
                    self.put::<u16>(6, bytes.len() as u16);
                    self.0.as_ptr().add(at).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
                }
                NewPayload::Boxed(value) => {
                    self.put::<u8>(4, flags | BOXED | TAG);
                    self.put::<u16>(6, 8);
                    self.put::<u64>(at, Box::into_raw(value) as u64);
                }
            }
        }
    }

    /// Takes the boxed value out; the record must get another payload or be freed next.
    fn take_boxed<V>(self) -> Option<Box<V>> {
        // SAFETY: BOXED says that the pointer came from `Box::into_raw` in `put_payload`; the caller gives the record up.
        (self.state() & BOXED != 0).then(|| unsafe { Box::from_raw(self.get::<u64>(self.payload_offset()) as *mut V) })
    }

    /// Bytes of the key, if it stands outside of the record.
    fn long_key_bytes(self) -> usize {
        // SAFETY: LONG_KEY says that the fields are there.
        if self.state() & LONG_KEY != 0 { unsafe { self.get::<u64>(self.key_offset() + 8) as usize } } else { 0 }
    }

    fn drop_long_key(self) {
        if self.state() & LONG_KEY != 0 {
            let at = self.key_offset();
            // SAFETY: pointer and length came from `Box::into_raw` of a boxed slice in `insert`; the record is being freed.
            unsafe {
                let slice = std::ptr::slice_from_raw_parts_mut(
                    self.get::<u64>(at) as *mut u8,
                    self.get::<u64>(at + 8) as usize,
                );
                drop(Box::from_raw(slice));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inline(bytes: &[u8]) -> NewPayload<'_, String> {
        NewPayload::Inline { tag: 2, bytes }
    }

    fn read(arena: &RecordArena<String>, handle: Handle) -> Vec<u8> {
        match arena.payload(handle) {
            Payload::Inline { bytes, .. } => bytes.to_vec(),
            Payload::Boxed(text) => text.as_bytes().to_vec(),
        }
    }

    #[test]
    fn classes_cover_all_sizes_with_little_waste() {
        for bytes in 1..=2048 {
            let room = bytes_of(class_of(bytes));
            assert!(room >= bytes, "{bytes} -> {room}");
            assert!(room < bytes.max(16) + 8 + bytes / 8, "{bytes} -> {room}");
            assert!(room == 16 || class_of(room + 1) == class_of(room) + 1 || room == 2048);
        }
        assert!((class_of(2048) as usize) < CLASSES);
    }

    #[test]
    fn a_record_keeps_its_parts_through_every_change() {
        let mut arena = RecordArena::<String>::new();
        for key in [&b"k"[..], &[b'x'; 255], &[b'y'; 256], &[b'z'; 70000]] {
            let mut handle = arena.insert(key, None, inline(b"hello")).ok().unwrap();
            arena.set_stamp(handle, 77);
            handle = arena.set_or_clear_deadline(handle, Some(1234)).unwrap();
            handle = arena.replace_payload(handle, inline(&[7; 900])).ok().unwrap().0;
            assert_eq!((arena.key(handle), arena.deadline_ms(handle), arena.stamp(handle)), (key, Some(1234), 77));
            assert_eq!(read(&arena, handle), [7; 900]);
            handle = arena.replace_payload(handle, NewPayload::Boxed(Box::new("boxed".into()))).ok().unwrap().0;
            handle = arena.set_or_clear_deadline(handle, None).unwrap();
            assert_eq!((arena.key(handle), arena.deadline_ms(handle)), (key, None));
            let (moved, old) = arena.replace_payload(handle, inline(b"")).ok().unwrap();
            assert_eq!(old.as_deref().map(String::as_str), Some("boxed"));
            assert_eq!(read(&arena, moved), b"");
            arena.check_invariants();
            assert!(arena.remove(moved).is_none());
        }
        assert!(arena.is_empty());
        arena.check_invariants();
    }

    #[test]
    #[should_panic(expected = "names no record")]
    fn a_stale_handle_panics() {
        let mut arena = RecordArena::<String>::new();
        let handle = arena.insert(b"k", None, inline(b"v")).ok().unwrap();
        arena.remove(handle);
        arena.key(handle);
    }

    #[test]
    fn evacuation_gives_pages_back() {
        let mut arena = RecordArena::<String>::new();
        arena.keep_links(true);
        let mut handles: Vec<_> =
            (0..20000u32).map(|i| arena.insert(&i.to_le_bytes(), None, inline(b"v")).ok().unwrap()).collect();
        for i in (0..handles.len()).filter(|i| i % 4 != 0) {
            arena.remove(handles[i]);
        }
        let before = arena.page_bytes();
        while let Some(page) = arena.sparsest_page() {
            let mut moves = Vec::new();
            while !arena.evacuate(page, 100, |_, from, to| moves.push((from, to))) {}
            for (from, to) in moves {
                let i = u32::from_le_bytes(arena.key(to).try_into().unwrap()) as usize;
                assert_eq!(handles[i], from);
                handles[i] = to;
            }
            arena.check_invariants();
        }
        assert!(arena.page_bytes() < before / 2, "{} of {before}", arena.page_bytes());
        assert!((0..20000).step_by(4).all(|i| arena.key(handles[i]) == (i as u32).to_le_bytes()));
    }
}
