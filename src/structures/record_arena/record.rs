//! One record in its slot: where its parts stand, and the only code that reads and writes them.
//!
//! A [`Record`] is no more than an address. That it is the address of a live slot of its arena, with the parts that its state
//! byte tells of, is what the arena keeps; all functions here rely on it, and none leaves this folder.

use super::head::Head;
use super::{INLINE_MAX, NewPayload, Payload, PayloadMut};
use crate::structures::chain::NONE;
use std::marker::PhantomData;
use std::ptr::NonNull;

pub(super) const DEADLINE_BYTES: usize = 16;
pub(super) const LONG_KEY_BYTES: usize = 16;
pub(super) const SHORT_KEY_MAX: usize = 255;
const BOX_BYTES: usize = 8;

const TAG: u8 = 0x0f;
const BOXED: u8 = 0x10;
const DEADLINE: u8 = 0x20;
const LONG_KEY: u8 = 0x40;
const MARK: u8 = 0x80;

/// The address of a slot.
#[derive(Clone, Copy)]
pub(super) struct Record<H>(pub(super) NonNull<u8>, pub(super) PhantomData<H>);

/// The bytes that a record with these parts takes.
pub(super) fn bytes_of_record<V, H: Head>(key: &[u8], has_deadline: bool, payload: &NewPayload<'_, V>) -> usize {
    let key_bytes = if key.len() > SHORT_KEY_MAX { LONG_KEY_BYTES } else { key.len() };
    Record::<H>::HEAD_BYTES + if has_deadline { DEADLINE_BYTES } else { 0 } + key_bytes + payload_bytes(payload)
}

/// The bytes that a payload takes in its record.
pub(super) fn payload_bytes<V>(payload: &NewPayload<'_, V>) -> usize {
    match payload {
        NewPayload::Inline { tag, bytes } => {
            assert!((1..=TAG).contains(tag) && bytes.len() <= INLINE_MAX, "tag {tag}, {} bytes", bytes.len());
            bytes.len()
        }
        NewPayload::Boxed(_) => BOX_BYTES,
    }
}

impl<H: Head> Record<H> {
    const STATE: usize = H::STAMP_BYTES;
    const KEY_LEN: usize = Self::STATE + 1;
    const PAYLOAD_LEN: usize = Self::STATE + 2;
    /// Bytes of the head.
    pub(super) const HEAD_BYTES: usize = Self::STATE + 4;
    const WHEN: usize = Self::HEAD_BYTES;
    const WHEEL_PREV: usize = Self::WHEN + 8;
    const WHEEL_NEXT: usize = Self::WHEN + 12;

    /// SAFETY (caller): `at .. at + size_of::<T>()` lies within the slot and holds a `T`.
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

    // ---- the head ----

    #[inline(always)]
    fn state(self) -> u8 {
        // SAFETY: every slot below `bumped` has an initialised head.
        unsafe { self.get::<u8>(Self::STATE) }
    }

    #[inline(always)]
    fn set_state(self, state: u8) {
        // SAFETY: every slot has room for a head.
        unsafe { self.put::<u8>(Self::STATE, state) }
    }

    #[inline(always)]
    fn has(self, flag: u8) -> bool {
        self.state() & flag != 0
    }

    /// Whether a record stands here, or the slot is free.
    #[inline(always)]
    pub(super) fn is_live(self) -> bool {
        self.has(TAG)
    }

    /// Makes the slot a free one that knows the next.
    pub(super) fn set_free(self, next_free: u16) {
        self.set_state(0);
        // SAFETY: every slot has room for a head.
        unsafe { self.put::<u16>(Self::PAYLOAD_LEN, next_free) };
    }

    /// The next free slot that a free one knows.
    #[inline]
    pub(super) fn next_free(self) -> u16 {
        // SAFETY: every slot below `bumped` has an initialised head.
        unsafe { self.get::<u16>(Self::PAYLOAD_LEN) }
    }

    /// The access stamp, of records that have one.
    #[inline(always)]
    pub(super) fn stamp(self) -> u32 {
        const { assert!(H::STAMP_BYTES == 4) };
        // SAFETY: the head begins with the stamp.
        unsafe { self.get::<u32>(0) }
    }

    /// Writes the access stamp, of records that have one.
    #[inline(always)]
    pub(super) fn set_stamp(self, stamp: u32) {
        const { assert!(H::STAMP_BYTES == 4) };
        // SAFETY: the head begins with the stamp.
        unsafe { self.put::<u32>(0, stamp) };
    }

    /// The walker's bit.
    #[inline(always)]
    pub(super) fn mark(self) -> bool {
        self.has(MARK)
    }

    /// Sets the walker's bit.
    #[inline(always)]
    pub(super) fn set_mark(self, mark: bool) {
        self.set_state(self.state() & !MARK | if mark { MARK } else { 0 });
    }

    // ---- a whole record ----

    /// Writes a record into a slot that has just been taken.
    ///
    /// SAFETY (caller): the slot has room for `bytes_of_record` of these parts.
    pub(super) unsafe fn write<V>(self, key: &[u8], deadline_ms: Option<u64>, payload: NewPayload<'_, V>) {
        let long = key.len() > SHORT_KEY_MAX;
        let flags = if long { LONG_KEY } else { 0 } | if deadline_ms.is_some() { DEADLINE } else { 0 };
        // SAFETY: the caller's: parts are laid out as drawn.
        unsafe {
            if H::STAMP_BYTES != 0 {
                self.put::<u32>(0, 0);
            }
            self.put::<u8>(Self::KEY_LEN, if long { 0 } else { key.len() as u8 });
            let mut at = Self::HEAD_BYTES;
            if let Some(deadline) = deadline_ms {
                self.put_deadline(deadline);
                at += DEADLINE_BYTES;
            }
            if long {
                let owned: *mut [u8] = Box::into_raw(Box::<[u8]>::from(key));
                self.put::<*mut u8>(at, owned.cast());
                self.put::<u64>(at + 8, key.len() as u64);
                at += LONG_KEY_BYTES;
            } else {
                self.0.as_ptr().add(at).copy_from_nonoverlapping(key.as_ptr(), key.len());
                at += key.len();
            }
            self.put_payload(at, flags, payload);
        }
    }

    /// Copies a record of as many bytes as `slot_bytes` here; boxes change their owner with the bits.
    ///
    /// SAFETY (caller): both slots have `slot_bytes` and are distinct; `from` is freed without dropping what it owned.
    pub(super) unsafe fn copy_from(self, from: Self, slot_bytes: usize) {
        // SAFETY: the caller's.
        unsafe { self.0.as_ptr().copy_from_nonoverlapping(from.0.as_ptr(), slot_bytes) };
    }

    /// Copies a record here with another payload.
    ///
    /// SAFETY (caller): the slot has room for `from.payload_offset()` and the payload; `from` gave its boxed value away and is
    /// freed without dropping its key.
    pub(super) unsafe fn copy_with_payload<V>(self, from: Self, payload: NewPayload<'_, V>) {
        let at = from.payload_offset();
        // SAFETY: the caller's.
        unsafe {
            self.copy_from(from, at);
            self.put_payload(at, from.state() & !(TAG | BOXED), payload);
        }
    }

    /// Copies a record here that has a deadline where `from` has none, or the other way round.
    ///
    /// SAFETY (caller): the slot has room for it; `from` is freed without dropping what it owned.
    pub(super) unsafe fn copy_with_deadline(self, from: Self, deadline_ms: Option<u64>) {
        let (rest_from, end) = (from.key_offset(), from.end());
        let rest_to = Self::HEAD_BYTES + if deadline_ms.is_some() { DEADLINE_BYTES } else { 0 };
        // SAFETY: the caller's; key and payload move bit by bit.
        unsafe {
            self.copy_from(from, Self::HEAD_BYTES);
            let rest = from.0.as_ptr().add(rest_from);
            self.0.as_ptr().add(rest_to).copy_from_nonoverlapping(rest, end - rest_from);
            self.set_state(from.state() ^ DEADLINE);
            if let Some(deadline) = deadline_ms {
                self.put_deadline(deadline);
            }
        }
    }

    // ---- the key ----

    #[inline(always)]
    fn key_offset(self) -> usize {
        Self::HEAD_BYTES + if self.has(DEADLINE) { DEADLINE_BYTES } else { 0 }
    }

    /// SAFETY (caller): the slot holds a record, which nobody removes or moves during `'a`.
    #[inline(always)]
    pub(super) unsafe fn key<'a>(self) -> &'a [u8] {
        let at = self.key_offset();
        // SAFETY: as drawn: LONG_KEY says that a boxed slice of ours stands there, else `key_len` bytes.
        unsafe {
            if self.has(LONG_KEY) {
                std::slice::from_raw_parts(self.get::<*const u8>(at), self.get::<u64>(at + 8) as usize)
            } else {
                std::slice::from_raw_parts(self.0.as_ptr().add(at), self.get::<u8>(Self::KEY_LEN) as usize)
            }
        }
    }

    /// Bytes of the key, if it stands outside of the record.
    #[inline]
    pub(super) fn long_key_bytes(self) -> usize {
        // SAFETY: LONG_KEY says that the fields are there.
        if self.has(LONG_KEY) { unsafe { self.get::<u64>(self.key_offset() + 8) as usize } } else { 0 }
    }

    /// Frees a key that stands outside; the record must be freed next.
    pub(super) fn drop_long_key(self) {
        if self.has(LONG_KEY) {
            let at = self.key_offset();
            // SAFETY: pointer and length came from `Box::into_raw` of a boxed slice in `write`; the record is being freed.
            unsafe {
                let (start, len) = (self.get::<*mut u8>(at), self.get::<u64>(at + 8) as usize);
                drop(Box::from_raw(std::ptr::slice_from_raw_parts_mut(start, len)));
            }
        }
    }

    // ---- the payload ----

    /// Where the payload begins.
    #[inline(always)]
    pub(super) fn payload_offset(self) -> usize {
        let key_bytes = if self.has(LONG_KEY) {
            LONG_KEY_BYTES
        } else {
            // SAFETY: every slot has a head.
            unsafe { self.get::<u8>(Self::KEY_LEN) as usize }
        };
        self.key_offset() + key_bytes
    }

    /// Where the record ends.
    pub(super) fn end(self) -> usize {
        // SAFETY: every slot has a head.
        self.payload_offset() + unsafe { self.get::<u16>(Self::PAYLOAD_LEN) as usize }
    }

    /// SAFETY (caller): the slot holds a record of an arena of `V`, which nobody changes during `'a`.
    #[inline(always)]
    pub(super) unsafe fn payload<'a, V>(self) -> Payload<'a, V> {
        let at = self.payload_offset();
        // SAFETY: as drawn: BOXED says that a Box<V> of ours stands there, else `payload_len` bytes.
        unsafe {
            if self.has(BOXED) {
                Payload::Boxed(&*self.get::<*const V>(at))
            } else {
                let len = self.get::<u16>(Self::PAYLOAD_LEN) as usize;
                let bytes = std::slice::from_raw_parts(self.0.as_ptr().add(at), len);
                Payload::Inline { tag: self.state() & TAG, bytes }
            }
        }
    }

    /// SAFETY (caller): the slot holds a record of an arena of `V`, which nobody else reads or changes during `'a`.
    #[inline(always)]
    pub(super) unsafe fn payload_mut<'a, V>(self) -> PayloadMut<'a, V> {
        let at = self.payload_offset();
        // SAFETY: as in `payload`.
        unsafe {
            if self.has(BOXED) {
                PayloadMut::Boxed(&mut *self.get::<*mut V>(at))
            } else {
                let len = self.get::<u16>(Self::PAYLOAD_LEN) as usize;
                let bytes = std::slice::from_raw_parts_mut(self.0.as_ptr().add(at), len);
                PayloadMut::Inline { tag: self.state() & TAG, bytes }
            }
        }
    }

    /// Writes another payload into a record that keeps its slot.
    ///
    /// SAFETY (caller): the payload fits behind `payload_offset()`; no boxed value that is still owned stands there.
    #[inline(always)]
    pub(super) unsafe fn change_payload<V>(self, payload: NewPayload<'_, V>) {
        // SAFETY: the caller's.
        unsafe { self.put_payload(self.payload_offset(), self.state() & !(TAG | BOXED), payload) };
    }

    /// SAFETY (caller): the payload fits behind `at`; no boxed value that is still owned stands there.
    #[inline(always)]
    unsafe fn put_payload<V>(self, at: usize, flags: u8, payload: NewPayload<'_, V>) {
        // SAFETY: the caller's.
        unsafe {
            match payload {
                NewPayload::Inline { tag, bytes } => {
                    self.set_state(flags | tag);
                    self.put::<u16>(Self::PAYLOAD_LEN, bytes.len() as u16);
                    self.0.as_ptr().add(at).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
                }
                NewPayload::Boxed(value) => {
                    self.set_state(flags | BOXED | TAG);
                    self.put::<u16>(Self::PAYLOAD_LEN, BOX_BYTES as u16);
                    self.put::<*mut V>(at, Box::into_raw(value));
                }
            }
        }
    }

    /// Takes the boxed value out; the record must get another payload or be freed next.
    pub(super) fn take_boxed<V>(self) -> Option<Box<V>> {
        // SAFETY: BOXED says that the pointer came from `Box::into_raw` in `put_payload`; the caller gives the record up.
        self.has(BOXED).then(|| unsafe { Box::from_raw(self.get::<*mut V>(self.payload_offset())) })
    }

    // ---- the deadline and its links ----

    /// SAFETY (caller): the slot has room for the deadline's fields, and DEADLINE is or will be set.
    unsafe fn put_deadline(self, deadline_ms: u64) {
        // SAFETY: the caller's.
        unsafe {
            self.put::<u64>(Self::WHEN, deadline_ms);
            self.put::<u32>(Self::WHEEL_PREV, NONE);
            self.put::<u32>(Self::WHEEL_NEXT, NONE);
        }
    }

    /// The deadline, if there is one.
    #[inline(always)]
    pub(super) fn deadline_ms(self) -> Option<u64> {
        // SAFETY: DEADLINE says that the field is there.
        self.has(DEADLINE).then(|| unsafe { self.get::<u64>(Self::WHEN) })
    }

    /// Changes a deadline that is there.
    pub(super) fn change_deadline(self, deadline_ms: u64) {
        self.demand_deadline();
        // SAFETY: DEADLINE says that the field is there.
        unsafe { self.put::<u64>(Self::WHEN, deadline_ms) };
    }

    /// The records before and after this one in the wheel.
    pub(super) fn wheel_links(self) -> (u32, u32) {
        self.demand_deadline();
        // SAFETY: DEADLINE says that the fields are there.
        unsafe { (self.get::<u32>(Self::WHEEL_PREV), self.get::<u32>(Self::WHEEL_NEXT)) }
    }

    /// Writes the record before this one.
    pub(super) fn set_wheel_prev(self, prev: u32) {
        self.demand_deadline();
        // SAFETY: DEADLINE says that the field is there.
        unsafe { self.put::<u32>(Self::WHEEL_PREV, prev) };
    }

    /// Writes the record after this one.
    pub(super) fn set_wheel_next(self, next: u32) {
        self.demand_deadline();
        // SAFETY: DEADLINE says that the field is there.
        unsafe { self.put::<u32>(Self::WHEEL_NEXT, next) };
    }

    fn demand_deadline(self) {
        assert!(self.has(DEADLINE), "record without deadline");
    }
}
