//! Big pieces of memory straight from the operating system: given back the moment they are freed, where an allocator would keep
//! them for later.
//!
//! ```text
//! the first 16 MiB   a piece is a mapping of its own; it takes what was touched of it, in pages of 4 KiB
//! what is beyond     pieces stand side by side in regions of 64 MiB, which the system backs by huge pages of 2 MiB if it has them
//! ```
//!
//! Why: whoever reads here and there in a hundred megabytes finds no 4 KiB page's address in the CPU's cache of translations, and
//! a prefetch waits for it as a read does. A huge page is taken whole when its first byte is touched, so small data sets have
//! none; as all pieces of the process share the regions, at most one page is begun for nothing. A thread has the next one made
//! before it is needed. A piece that is freed gives its memory back at once, its place is taken again by the next piece that
//! fits, and a region's addresses are kept for ever.
//!
//! Left to itself, the system would fill the holes again: it makes a huge page of any small ones that it finds where such are
//! allowed, be there only one. So where pieces were freed none are allowed, until all of the page is free, or taken again.
#![allow(unsafe_code)]

mod ahead;
mod region;

use super::priority;
use region::{Backing, Changes, Event, Region};
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// With so many bytes in mappings of their own, what comes next goes to the regions.
const OWN_BYTES: usize = 16 << 20;
/// Bytes of a region.
const REGION_BYTES: usize = 64 << 20;
/// Pieces above this have a mapping of their own.
const PIECE_MAX: usize = REGION_BYTES / 2;
/// What the system may back by one huge page.
const HUGE_BYTES: usize = 2 << 20;
/// A huge page is asked for when so many bytes before it are taken, at least ...
const AHEAD_MIN_BYTES: usize = 512 << 10;
/// ... and this part of all regions: whoever has much takes more in the time that a page needs.
const AHEAD_PART: usize = 256;

/// Pages with holes of which the system is told, at most: each parts a mapping, of which a process may have some 65,000.
const HOLED_PAGES_MAX: usize = 16 << 10;

/// Where the pieces of the process are. The lock is held for some dozen steps, and for a call that makes a mapping or changes one.
static POOL: Mutex<Pool> = Mutex::new(Pool { own_bytes: 0, regions: Vec::new(), holed_pages: 0 });

struct Pool {
    /// Bytes in mappings of their own.
    own_bytes: usize,
    regions: Vec<Region>,
    /// Pages with holes among their pieces.
    holed_pages: usize,
}

fn pool() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    fn take(&mut self, bytes: usize) -> Option<NonNull<u8>> {
        let place = if self.own_bytes < OWN_BYTES || bytes > PIECE_MAX {
            let place = map_own(bytes)?;
            self.own_bytes += bytes;
            place
        } else {
            let ahead = self.ahead_bytes();
            let cut = match self.regions.iter_mut().find_map(|region| region.cut(bytes, ahead)) {
                Some(cut) => cut,
                None => self.add_region()?.cut(bytes, ahead)?,
            };
            self.back(cut.1);
            cut.0
        };
        self.look_ahead();
        Some(place)
    }

    /// A region is there before the first piece for it comes.
    fn look_ahead(&mut self) {
        let ahead = self.ahead_bytes();
        let is_due = match self.regions.last() {
            None => self.own_bytes + ahead >= OWN_BYTES,
            Some(last) => last.ends_within(ahead),
        };
        if is_due && let Some(region) = self.add_region() {
            region.make_ahead(ahead);
        }
    }

    fn ahead_bytes(&self) -> usize {
        (self.regions.len() * REGION_BYTES / AHEAD_PART).max(AHEAD_MIN_BYTES)
    }

    fn add_region(&mut self) -> Option<&mut Region> {
        self.regions.push(Region::new(map_region()?, REGION_BYTES, HUGE_BYTES));
        self.regions.last_mut()
    }

    /// A piece of a region is free again, and what stood in it is forgotten.
    fn give(&mut self, place: NonNull<u8>, bytes: usize) {
        if let Some(region) = self.region_of(place) {
            region.give(place, bytes);
            let changed = region.changed_pages(place, bytes, Event::GivenBack);
            self.back(changed);
        }
    }

    fn back(&mut self, pages: Changes) {
        for (page, backing) in pages {
            match backing {
                Backing::Small => self.holed_pages += 1,
                Backing::Huge => self.holed_pages -= 1,
            }
            if backing == Backing::Huge || self.holed_pages <= HOLED_PAGES_MAX {
                allow(page, HUGE_BYTES, backing);
            }
        }
    }

    fn region_of(&mut self, place: NonNull<u8>) -> Option<&mut Region> {
        self.regions.iter_mut().find(|region| region.holds(place))
    }
}

/// A piece of `bytes` (more than 0), which takes memory as it is touched. What stands in it is not said. None when the system has no
/// room.
pub fn map(bytes: usize) -> Option<NonNull<u8>> {
    pool().take(whole_pages(bytes))
}

/// Gives a piece back.
///
/// # Safety
/// `place` came from `map(bytes)` with the same number of bytes, and nothing refers to it any more.
pub unsafe fn unmap(place: NonNull<u8>, bytes: usize) {
    // SAFETY: the caller's.
    unsafe { give_back(place, whole_pages(bytes)) };
    priority::pause();
}

/// SAFETY (caller): as of `unmap`, with whole pages.
unsafe fn give_back(place: NonNull<u8>, bytes: usize) {
    let stands_in_region = pool().region_of(place).is_some();
    if stands_in_region {
        // SAFETY: the caller's: the piece is theirs until the region has it back, and nobody wants what stands in it.
        let failed = unsafe { libc::madvise(place.as_ptr().cast(), bytes, libc::MADV_DONTNEED) };
        debug_assert_eq!(failed, 0, "madvise of a mapping of ours");
        pool().give(place, bytes);
        return;
    }
    pool().own_bytes -= bytes;
    // SAFETY: the caller's: the whole of a mapping of ours.
    unsafe { unmap_own(place, bytes) };
}

impl Region {
    fn cut(&mut self, bytes: usize, ahead: usize) -> Option<(NonNull<u8>, Changes)> {
        let place = self.take(bytes)?;
        self.make_ahead(ahead);
        Some((place, self.changed_pages(place, bytes, Event::Taken)))
    }

    /// Has the pages made that pieces will begin within the next `ahead` bytes.
    fn make_ahead(&mut self, ahead: usize) {
        while let Some(page) = self.next_page(ahead) {
            // SAFETY: regions are kept for ever, and whole pages of this one are asked for.
            unsafe { ahead::make(page, HUGE_BYTES) };
        }
    }
}

fn whole_pages(bytes: usize) -> usize {
    bytes.next_multiple_of(super::process::page_bytes())
}

fn map_own(bytes: usize) -> Option<NonNull<u8>> {
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new anonymous mapping at an address of the kernel's choice touches no memory that is there already.
    let place = unsafe { libc::mmap(std::ptr::null_mut(), bytes, protection, flags, -1, 0) };
    if place == libc::MAP_FAILED { None } else { NonNull::new(place.cast()) }
}

/// SAFETY (caller): whole pages of a mapping of ours, to which nothing refers any more.
unsafe fn unmap_own(place: NonNull<u8>, bytes: usize) {
    // SAFETY: the caller's.
    let failed = unsafe { libc::munmap(place.as_ptr().cast(), bytes) };
    debug_assert_eq!(failed, 0, "munmap of a mapping of ours");
}

/// The addresses of a region, which begin at a multiple of a huge page's size.
fn map_region() -> Option<NonNull<u8>> {
    let place = map_own(REGION_BYTES + HUGE_BYTES)?;
    let before = (place.as_ptr() as usize).next_multiple_of(HUGE_BYTES) - place.as_ptr() as usize;
    let behind = HUGE_BYTES - before;
    // SAFETY: `before + REGION_BYTES + behind` are the mapping's bytes; what lies before and behind is cut off, untouched.
    let start = unsafe {
        let start = place.add(before);
        if before > 0 {
            unmap_own(place, before);
        }
        if behind > 0 {
            unmap_own(start.add(REGION_BYTES), behind);
        }
        start
    };
    allow(start, REGION_BYTES, Backing::Huge);
    Some(start)
}

/// Says what a stretch of a region may be backed by from now on; what is there stays.
fn allow(start: NonNull<u8>, bytes: usize, backing: Backing) {
    #[cfg(target_os = "linux")]
    {
        let advice = match backing {
            Backing::Huge => libc::MADV_HUGEPAGE,
            Backing::Small => libc::MADV_NOHUGEPAGE,
        };
        // SAFETY: advice about a mapping of ours, of which no byte changes; where there are no huge pages it is refused, and
        // nothing is lost.
        unsafe { libc::madvise(start.as_ptr().cast(), bytes, advice) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (start, bytes, backing);
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_os = "linux")]
    use std::path::Path;

    #[test]
    fn pieces_are_apart_wherever_they_come_from() {
        const BYTES: usize = 1 << 20;
        let fill = |place: NonNull<u8>, byte: u8| {
            // SAFETY: a piece of a mebibyte that only this test has.
            unsafe { place.as_ptr().write_bytes(byte, BYTES) };
        };
        let holds = |place: NonNull<u8>, byte: u8| {
            // SAFETY: as above, and filled before.
            unsafe { std::slice::from_raw_parts(place.as_ptr(), BYTES).iter().all(|&b| b == byte) }
        };
        let mut pieces: Vec<_> = (0..80u8).map(|n| (map(BYTES).expect("a mebibyte"), n)).collect();
        pieces.iter().for_each(|&(place, n)| fill(place, n));
        for i in (0..pieces.len()).step_by(3) {
            // SAFETY: it is taken anew before it is used again.
            unsafe { unmap(pieces[i].0, BYTES) };
            pieces[i] = (map(BYTES).expect("a mebibyte"), 100);
            fill(pieces[i].0, 100);
        }
        assert!(pieces.iter().all(|&(place, n)| holds(place, n)));
        assert!(pool().regions.iter().any(|region| !region.is_empty()));
        for (place, _) in pieces {
            // SAFETY: nothing refers to it any more.
            unsafe { unmap(place, BYTES) };
        }
    }

    /// Three fourths of the keys were deleted, and the system took a minute to fill the holes again, huge page by huge page.
    #[test]
    #[cfg(target_os = "linux")]
    fn holes_were_filled_again_by_huge_pages() {
        const BYTES: usize = 64 << 10;
        // Enough that the last ones come from a region, whatever other tests have.
        let pieces: Vec<_> = (0..2 * OWN_BYTES / BYTES).map(|_| map(BYTES).expect("64 KiB")).collect();
        let allows_huge = |place: NonNull<u8>| -> Option<bool> {
            let smaps = std::fs::read_to_string("/proc/self/smaps").expect("there is /proc");
            let mut is_here = false;
            for line in smaps.lines() {
                let mut words = line.split_ascii_whitespace();
                let first = words.next()?;
                if let Some((from, to)) = first.split_once('-') {
                    let [from, to] = [from, to].map(|hex| usize::from_str_radix(hex, 16).expect("an address"));
                    is_here = (from..to).contains(&(place.as_ptr() as usize));
                } else if is_here && first == "VmFlags:" {
                    return words
                        .find_map(|flag| [("hg", true), ("nh", false)].iter().find(|(f, _)| *f == flag))
                        .map(|&(_, a)| a);
                }
            }
            None
        };
        let last = *pieces.last().expect("some");
        if !Path::new("/sys/kernel/mm/transparent_hugepage").exists() {
            assert_eq!(allows_huge(last), None, "a kernel without huge pages");
        } else {
            assert_eq!(allows_huge(last), Some(true));
        }
        for &place in pieces.iter().step_by(2) {
            // SAFETY: nothing refers to it any more.
            unsafe { unmap(place, BYTES) };
        }
        assert_ne!(allows_huge(last), Some(true));
        for &place in pieces.iter().skip(1).step_by(2) {
            // SAFETY: as above; each once.
            unsafe { unmap(place, BYTES) };
        }
    }
}
