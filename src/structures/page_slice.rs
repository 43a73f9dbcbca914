//! A boxed slice of plain values which, once it is long, comes straight from the system.
//!
//! ```text
//! PageSlice   place ─► [T; len]        below 64 KiB from the allocator, from there on a piece of `base::sys::pages`
//! ```
//!
//! Invariant: `place` leads to `len` values that this slice alone owns, taken as `len` says; an empty one has taken nothing.
#![allow(unsafe_code)]

use crate::base::sys::pages;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// Slices of so many bytes and more come straight from the system.
const MAPPED_BYTES: usize = 64 * 1024;

/// A slice on the heap. `Copy` says that nothing is to be dropped in it.
pub struct PageSlice<T: Copy> {
    place: NonNull<T>,
    len: usize,
}

// SAFETY: it owns its values alone, as a box does.
unsafe impl<T: Copy + Send> Send for PageSlice<T> {}
// SAFETY: shared, it only lends them.
unsafe impl<T: Copy + Sync> Sync for PageSlice<T> {}

impl<T: Copy> Default for PageSlice<T> {
    fn default() -> Self {
        PageSlice { place: NonNull::dangling(), len: 0 }
    }
}

impl<T: Copy> PageSlice<T> {
    /// So many times `value`, which has a size.
    pub fn filled(len: usize, value: T) -> Self {
        const { assert!(size_of::<T>() > 0) };
        if len == 0 {
            return PageSlice::default();
        }
        let layout = Self::layout(len);
        let place = if layout.size() >= MAPPED_BYTES {
            pages::map(layout.size())
        } else {
            // SAFETY: neither the number of values nor their size is 0.
            NonNull::new(unsafe { alloc(layout) })
        };
        let Some(place) = place else { handle_alloc_error(layout) };
        let place = place.cast::<T>();
        for i in 0..len {
            // SAFETY: memory for `len` values has just been taken, aligned as `T` wants (pages begin at a page of the system).
            unsafe { place.add(i).write(value) };
        }
        PageSlice { place, len }
    }

    /// Bytes that the allocator does not know of.
    pub fn mapped_bytes(&self) -> usize {
        let bytes = self.len * size_of::<T>();
        if bytes >= MAPPED_BYTES { bytes } else { 0 }
    }

    fn layout(len: usize) -> Layout {
        Layout::array::<T>(len).expect("fits the address space")
    }
}

impl<T: Copy> Deref for PageSlice<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: the invariant; `&self` lends the values.
        unsafe { std::slice::from_raw_parts(self.place.as_ptr(), self.len) }
    }
}

impl<T: Copy> DerefMut for PageSlice<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: the invariant; `&mut self` lends the values alone.
        unsafe { std::slice::from_raw_parts_mut(self.place.as_ptr(), self.len) }
    }
}

impl<T: Copy> Drop for PageSlice<T> {
    fn drop(&mut self) {
        if self.len == 0 {
            return;
        }
        let layout = Self::layout(self.len);
        // SAFETY: taken in `filled` by the same test with this layout; the values need no drop, and nobody borrows them any more.
        unsafe {
            if layout.size() >= MAPPED_BYTES {
                pages::unmap(self.place.cast(), layout.size());
            } else {
                dealloc(self.place.as_ptr().cast(), layout);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_it_was_filled_with_in_both_homes() {
        for len in [0, 1, 100, MAPPED_BYTES / 8 - 1, MAPPED_BYTES / 8, 100_000] {
            let mut slice = PageSlice::filled(len, 7u64);
            assert_eq!((slice.len(), slice.iter().all(|&n| n == 7)), (len, true));
            assert_eq!(slice.mapped_bytes(), if len * 8 >= MAPPED_BYTES { len * 8 } else { 0 });
            if let Some(last) = slice.last_mut() {
                *last = 9;
                assert_eq!(slice[len - 1], 9);
            }
        }
    }
}
