//! The system's allocator, with a count for each thread: for builds without jemalloc, and for tests that set a bound to what a call takes.

use crate::base::platform::AllocatorFacts;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    // Without a destructor and without an initial value to compute: reading it never allocates.
    static COUNTED: Cell<i64> = const { Cell::new(0) };
    static PEAK: Cell<i64> = const { Cell::new(0) };
}

fn count(bytes: i64) {
    let _ = COUNTED.try_with(|counted| {
        let now = counted.get().wrapping_add(bytes);
        counted.set(now);
        if bytes > 0 {
            let _ = PEAK.try_with(|peak| peak.set(peak.get().max(now)));
        }
    });
}

/// Begins to look for the most bytes that this thread holds at a time. Those that it holds now.
pub fn restart_peak() -> i64 {
    let now = thread_balance();
    PEAK.set(now);
    now
}

/// The most bytes that this thread has held at a time since [`restart_peak`].
pub fn peak_bytes() -> i64 {
    PEAK.get()
}

/// Bytes that this thread has allocated minus those it has freed, as they were asked for.
pub(super) fn thread_balance() -> i64 {
    COUNTED.try_with(Cell::get).unwrap_or(0)
}

/// The system's allocator, counting.
pub struct Counting;

// SAFETY: every call is handed on to the system's allocator as it came; counting touches no memory but this thread's number.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller's promise is the one asked for here.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: the caller's promise is the one asked for here.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller's promise is the one asked for here.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size as i64 - layout.size() as i64);
        // SAFETY: the caller's promise is the one asked for here.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

/// Name of the allocator.
pub fn name() -> String {
    "libc".into()
}

/// What is known of its pages: what was handed out, in place of what it holds.
pub fn facts() -> AllocatorFacts {
    super::settle();
    let allocated_bytes = super::allocated_bytes().unwrap_or(0);
    let resident_bytes = crate::base::sys::process::resident_bytes();
    AllocatorFacts { allocated_bytes, active_bytes: allocated_bytes, resident_bytes, muzzy_bytes: 0 }
}

/// Nothing: the system's allocator keeps its own counsel.
pub fn purge() {}

/// None.
pub fn report() -> String {
    String::new()
}

/// It has no names.
pub fn read_tuning(_: &str) -> Result<u64, String> {
    Err("No such file or directory".into())
}

/// It has no names.
pub fn read_tuning_text(_: &str) -> Result<String, String> {
    Err("No such file or directory".into())
}

/// It has no names.
pub fn write_tuning(_: &str, _: u64) -> Result<u64, String> {
    Err("No such file or directory".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_freed_no_longer_counts() {
        let before = thread_balance();
        let layout = Layout::from_size_align(5000, 8).unwrap();
        // SAFETY: the layout is of 5000 bytes; freed below, once, by the same layout.
        let memory = unsafe { Counting.alloc(layout) };
        assert_eq!(thread_balance() - before, 5000);
        // SAFETY: it came from this allocator by this layout.
        unsafe { Counting.dealloc(memory, layout) };
        assert_eq!(thread_balance(), before);
    }
}
