//! The arena that holds records with a key, addressed by 32-bit handles.
//!
//! ```text
//! handle (u32)          page number : 20 | slot : 12
//! page                  up to 4096 slots of one size class, in one piece: from 64 KiB on mapped from the system, which has it
//!                       back as soon as it is empty; its memory is touched as slots are used
//!
//! record   0  stamp        u32   access time or frequency, meaning is the caller's: StampedHead only
//! (slot)   4  state        u8    low 4 bits: tag of the payload (0: the slot is free), high 4 bits: flags
//!          5  key_len      u8    (0 with LONG_KEY)
//!          6  payload_len  u16   (of a free slot: the next free one of its page)
//!          8  deadline     u64 \
//!         16  wheel prev   u32  | only with DEADLINE
//!         20  wheel next   u32 /
//!          .  key                key_len bytes, or with LONG_KEY the 16 bytes of a Box<[u8]>
//!          .  payload            payload_len bytes, or with BOXED the 8 bytes of a Box<V>
//!
//! with ShortHead there is no stamp, and all else stands 4 bytes before
//!
//! links (under an LRU policy only, beside each page)   prev u32 | next u32 for every slot
//! ```
//!
//! Invariants, kept by this folder alone:
//! - A slot below `page.bumped` is initialised: either free (tag 0) or a whole record.
//! - A record's parts never reach past its slot: `payload_offset + payload bytes <= slot_bytes`.
//! - A handle is checked on each access (page there, slot below `bumped`, tag not 0), so a stale one panics or names another
//!   whole record; it never reaches foreign memory.
//!
//! Cost: resolving a handle reads one 32-byte page entry (a few KiB for millions of records: always cached) and the record.
//!
//! `head` says what the two kinds of record are, `classes` which sizes slots have, `slots` keeps the pages, `record`
//! alone reads and writes records' bytes, `links` are those of the LRU list, `relocation` empties sparse pages.
#![allow(unsafe_code)]

mod classes;
mod head;
mod links;
mod record;
mod relocation;
mod slots;

use super::timer_wheel::WheelItems;
use crate::base::sys::priority;
use classes::class_of;
pub use head::{Head, ShortHead, StampedHead};
use links::LinkPages;
pub use links::Links;
use record::{DEADLINE_BYTES, Record, SHORT_KEY_MAX, bytes_of_record, payload_bytes};
use slots::Slots;
use std::marker::PhantomData;

/// Names a record in its arena.
pub type Handle = u32;
pub use super::chain::NONE;

/// Payloads up to this many bytes stand in the record itself.
pub const INLINE_MAX: usize = 1024;
const SLOT_BITS: u32 = 12;
/// Records of an arena that goes, dropped before whoever waits for the CPU may have it.
const DROPPED_AT_ONCE: usize = 256;

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

/// Records of all sizes, by handle.
pub struct RecordArena<V, H: Head = StampedHead> {
    slots: Slots<H>,
    long_key_bytes: usize,
    values: PhantomData<V>,
}

impl<V, H: Head> Default for RecordArena<V, H> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V, H: Head> RecordArena<V, H> {
    /// An arena without pages.
    pub const fn new() -> Self {
        RecordArena { slots: Slots::new(), long_key_bytes: 0, values: PhantomData }
    }

    /// Records that are there.
    pub fn len(&self) -> usize {
        self.slots.live
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.slots.live == 0
    }

    /// Bytes of the slots in use (their LRU links included when those exist); boxed values are the caller's to count.
    pub fn live_bytes(&self) -> usize {
        self.slots.live_bytes + if self.slots.links.are_kept() { self.slots.live * size_of::<Links>() } else { 0 }
    }

    /// Bytes of keys that stand outside of their records.
    pub fn long_key_bytes(&self) -> usize {
        self.long_key_bytes
    }

    /// Bytes of slots that are free now but were used once: what moving records together would give back.
    pub fn idle_bytes(&self) -> usize {
        self.slots.touched_bytes - self.slots.live_bytes
    }

    /// Bytes taken for pages, whether touched or not.
    pub fn page_bytes(&self) -> usize {
        self.slots.page_bytes
    }

    /// Bytes taken for slots that no record uses, their LRU links included when those exist.
    pub fn slack_bytes(&self) -> usize {
        let slots = &self.slots;
        let free_links = if slots.links.are_kept() { (slots.page_slots - slots.live) * size_of::<Links>() } else { 0 };
        slots.page_bytes - slots.live_bytes + free_links
    }

    /// Bytes of them that come straight from the system, which the allocator does not know of.
    pub fn mapped_bytes(&self) -> usize {
        self.slots.mapped_bytes
    }

    /// Bytes of the arena's own lists of pages and classes.
    pub fn directory_bytes(&self) -> usize {
        self.slots.directory_bytes()
    }

    /// Asks the cache for a record that will be read soon. Any number is fine.
    #[inline]
    pub fn prefetch(&self, handle: Handle) {
        self.slots.prefetch(handle);
    }

    /// All records, page by page.
    pub fn handles(&self) -> impl Iterator<Item = Handle> {
        self.slots.handles()
    }

    /// Whether a record of any size can still be made.
    pub fn has_room(&self) -> bool {
        self.slots.has_room()
    }

    /// Makes a record. `Err` gives the payload back when all 2^32 handles are taken.
    pub fn insert<'p>(
        &mut self,
        key: &[u8],
        deadline_ms: Option<u64>,
        payload: NewPayload<'p, V>,
    ) -> Result<Handle, NewPayload<'p, V>> {
        let bytes = bytes_of_record::<V, H>(key, deadline_ms.is_some(), &payload);
        let Some(handle) = self.slots.take_for(bytes) else { return Err(payload) };
        self.long_key_bytes += if key.len() > SHORT_KEY_MAX { key.len() } else { 0 };
        // SAFETY: the slot was taken for this record, so it has the bytes.
        unsafe { self.slots.slot(handle).write(key, deadline_ms, payload) };
        Ok(handle)
    }

    /// The key's bytes.
    #[inline]
    pub fn key(&self, handle: Handle) -> &[u8] {
        // SAFETY: a record that is there; to remove or move it takes `&mut self`.
        unsafe { self.slots.record(handle).key() }
    }

    /// What the record holds.
    #[inline]
    pub fn payload(&self, handle: Handle) -> Payload<'_, V> {
        // SAFETY: a record that is there, of an arena of `V`; to change it takes `&mut self`.
        unsafe { self.slots.record(handle).payload() }
    }

    /// What the record holds, to be changed in place.
    #[inline]
    pub fn payload_mut(&mut self, handle: Handle) -> PayloadMut<'_, V> {
        // SAFETY: as in `payload`; `&mut self` lends it alone.
        unsafe { self.slots.record(handle).payload_mut() }
    }

    /// Puts another payload in the record's place and gives the boxed value that was there. The record may have to move:
    /// the answer's first part is its handle from now on (its LRU links come along, who points at it must be told).
    /// `Err` as for `insert`; then nothing has changed.
    pub fn replace_payload<'p>(
        &mut self,
        handle: Handle,
        payload: NewPayload<'p, V>,
    ) -> Result<(Handle, Option<Box<V>>), NewPayload<'p, V>> {
        let record = self.slots.record(handle);
        let class = class_of::<H>(record.payload_offset() + payload_bytes(&payload));
        if class == self.slots.class(handle) {
            let old = record.take_boxed();
            // SAFETY: the payload fits: the class was chosen by offset and payload bytes. The boxed value is out.
            unsafe { record.change_payload(payload) };
            return Ok((handle, old));
        }
        let Some(to) = self.slots.take(class) else { return Err(payload) };
        let new = self.slots.slot(to);
        let old = record.take_boxed();
        // SAFETY: the new slot's class was chosen so; the boxed value is out, and freeing the slot drops nothing.
        unsafe { new.copy_with_payload(record, payload) };
        self.moved(handle, to);
        Ok((to, old))
    }

    /// Removes the record and gives its boxed value, if it had one. Its LRU links and wheel links must be out already.
    pub fn remove(&mut self, handle: Handle) -> Option<Box<V>> {
        let record = self.slots.record(handle);
        let boxed = record.take_boxed();
        self.long_key_bytes -= record.long_key_bytes();
        record.drop_long_key();
        self.slots.free(handle);
        boxed
    }

    fn moved(&mut self, from: Handle, to: Handle) {
        self.slots.links.copy(from, to);
        self.slots.free(from);
    }

    // ---- the deadline ----

    /// The record's deadline.
    #[inline]
    pub fn deadline_ms(&self, handle: Handle) -> Option<u64> {
        self.slots.record(handle).deadline_ms()
    }

    /// Gives a record its first deadline, or takes it away: the record may have to move, the answer is its handle from now on.
    /// `None` when all handles are taken.
    pub fn set_or_clear_deadline(&mut self, handle: Handle, deadline_ms: Option<u64>) -> Option<Handle> {
        let record = self.slots.record(handle);
        let to = match (record.deadline_ms().is_some(), deadline_ms) {
            (true, Some(deadline)) => {
                record.change_deadline(deadline);
                return Some(handle);
            }
            (false, None) => return Some(handle),
            (false, Some(_)) => self.slots.take_for(record.end() + DEADLINE_BYTES)?,
            (true, None) => self.slots.take_for(record.end() - DEADLINE_BYTES)?,
        };
        let new = self.slots.slot(to);
        // SAFETY: the new slot was taken for the record's bytes with, or without, the deadline's; freeing the old drops nothing.
        unsafe { new.copy_with_deadline(record, deadline_ms) };
        self.moved(handle, to);
        Some(to)
    }

    // ---- what walks, lists and wheels note ----

    /// The record's mark: one bit for whoever walks over all records.
    #[inline]
    pub fn mark(&self, handle: Handle) -> bool {
        self.slots.record(handle).mark()
    }

    /// Sets the record's mark.
    #[inline]
    pub fn set_mark(&mut self, handle: Handle, mark: bool) {
        self.slots.record(handle).set_mark(mark);
    }

    /// Makes room for LRU links beside every record, or gives it back.
    pub fn keep_links(&mut self, keep: bool) {
        let capacity = |page: &Option<slots::Page>| page.as_ref().map_or(0, |page| page.capacity as usize);
        self.slots.links = match keep {
            true => LinkPages::for_pages(self.slots.pages.iter().map(capacity)),
            false => LinkPages::none(),
        };
    }

    /// The LRU links. Panics unless `keep_links(true)` came before.
    #[inline]
    pub fn links(&self, handle: Handle) -> Links {
        self.slots.links.get(handle)
    }

    /// The LRU links, to be changed.
    #[inline]
    pub fn links_mut(&mut self, handle: Handle) -> &mut Links {
        self.slots.links.get_mut(handle)
    }

    /// Asks the cache for a record's LRU links.
    #[inline]
    pub fn prefetch_links(&self, handle: Handle) {
        self.slots.links.prefetch(handle);
    }

    /// The bytes of the record's slot, and of a key that stands outside of it.
    pub fn record_bytes(&self, handle: Handle) -> usize {
        self.slots.slot_bytes(handle) + self.slots.record(handle).long_key_bytes()
    }

    /// Checks what the head of this file promises. Panics when it does not hold.
    pub fn check_invariants(&self) {
        self.slots.check_invariants();
        let mut long_key_bytes = 0;
        for handle in self.handles() {
            let record = self.slots.record(handle);
            long_key_bytes += record.long_key_bytes();
            assert!(record.end() <= self.slots.slot_bytes(handle), "record {handle:#x} reaches past its slot");
        }
        assert_eq!(long_key_bytes, self.long_key_bytes);
    }
}

impl<V> RecordArena<V, StampedHead> {
    /// The access stamp.
    #[inline]
    pub fn stamp(&self, handle: Handle) -> u32 {
        self.slots.record(handle).stamp()
    }

    /// Writes the access stamp.
    #[inline]
    pub fn set_stamp(&mut self, handle: Handle, stamp: u32) {
        self.slots.record(handle).set_stamp(stamp);
    }
}

/// The links of the wheel stand in the records that have a deadline.
impl<V, H: Head> WheelItems for RecordArena<V, H> {
    fn deadline_ms(&self, item: Handle) -> u64 {
        self.slots.record(item).deadline_ms().expect("only records with a deadline are in the wheel")
    }

    fn links(&self, item: Handle) -> (Handle, Handle) {
        self.slots.record(item).wheel_links()
    }

    fn set_prev(&mut self, item: Handle, prev: Handle) {
        self.slots.record(item).set_wheel_prev(prev);
    }

    fn set_next(&mut self, item: Handle, next: Handle) {
        self.slots.record(item).set_wheel_next(next);
    }
}

impl<V, H: Head> Drop for RecordArena<V, H> {
    fn drop(&mut self) {
        for (n, handle) in self.slots.handles().enumerate() {
            let record: Record<H> = self.slots.record(handle);
            drop(record.take_boxed::<V>());
            record.drop_long_key();
            if n % DROPPED_AT_ONCE == DROPPED_AT_ONCE - 1 {
                priority::pause();
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
        let records = if cfg!(miri) { 2000 } else { 20_000u32 };
        let mut handles: Vec<_> =
            (0..records).map(|i| arena.insert(&i.to_le_bytes(), None, inline(b"v")).ok().unwrap()).collect();
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
        assert!(cfg!(miri) || arena.page_bytes() < before / 2, "{} of {before}", arena.page_bytes());
        assert!((0..records).step_by(4).all(|i| arena.key(handles[i as usize]) == i.to_le_bytes()));
    }
}
