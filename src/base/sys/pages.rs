//! Memory straight from the operating system: given back the moment it is freed, where an allocator would keep it for later.
#![allow(unsafe_code)]

use std::ptr::NonNull;

/// Maps `bytes` (more than 0) of zeros, which take no memory until they are touched. None when the system has no room.
pub fn map(bytes: usize) -> Option<NonNull<u8>> {
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new anonymous mapping at an address of the kernel's choice touches no memory that is there already.
    let place = unsafe { libc::mmap(std::ptr::null_mut(), bytes, protection, flags, -1, 0) };
    if place == libc::MAP_FAILED { None } else { NonNull::new(place.cast()) }
}

/// Gives a mapping back.
///
/// # Safety
/// `place` came from `map(bytes)` with the same number of bytes, and nothing refers to it any more.
pub unsafe fn unmap(place: NonNull<u8>, bytes: usize) {
    // SAFETY: the caller's: the whole of a mapping of ours.
    let failed = unsafe { libc::munmap(place.as_ptr().cast(), bytes) };
    debug_assert_eq!(failed, 0, "munmap of a mapping of ours");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_is_zero_and_can_be_written() {
        let place = map(1 << 20).expect("a mebibyte");
        // SAFETY: the mapping is a mebibyte that only this test has.
        unsafe {
            let bytes = std::slice::from_raw_parts_mut(place.as_ptr(), 1 << 20);
            assert!(bytes.iter().all(|&byte| byte == 0));
            bytes.fill(7);
            unmap(place, 1 << 20);
        }
    }
}
