//! The two kinds of record: what stands in a record's head, and how its slots and pages are cut.

/// The largest number of slots that a page may have.
pub(super) const SLOTS_MAX: usize = 1 << super::SLOT_BITS;

/// What the records of an arena have in common.
pub trait Head: Copy {
    /// Bytes of the access stamp before the state: 4 or 0.
    const STAMP_BYTES: usize;
    /// The smallest slot.
    const LEAST_SLOT: usize;
    /// How far apart slot sizes are up to 128 bytes.
    const STEP: usize;
    /// Idle bytes of a class from which moving its records together is worth the work.
    const IDLE_BYTES_WORTH: usize;
    /// An empty page of up to this size is kept as its class's last.
    const KEPT_BYTES: usize;

    /// How many slots a class's next page gets, when it has `pages` pages with `slots` slots of `slot_bytes` in all: 1 to 4096.
    fn slots_of_next_page(pages: usize, slots: usize, slot_bytes: usize) -> usize;
}

/// Records of keys: a head of 8 bytes with an access stamp. A class's first page has 64 slots, the next twice as many each.
#[derive(Debug, Clone, Copy)]
pub struct StampedHead;

impl Head for StampedHead {
    const STAMP_BYTES: usize = 4;
    const LEAST_SLOT: usize = 16;
    const STEP: usize = 8;
    const IDLE_BYTES_WORTH: usize = 16 * 1024;
    const KEPT_BYTES: usize = 64 * super::classes::MOST_BYTES; // any first page

    fn slots_of_next_page(pages: usize, _: usize, _: usize) -> usize {
        64 << pages.min(6)
    }
}

/// Records of elements: a head of 4 bytes without a stamp. Collections are many and of all sizes, so a page is a sixteenth of
/// what its class has already, from 512 bytes on.
#[derive(Debug, Clone, Copy)]
pub struct ShortHead;

impl Head for ShortHead {
    const STAMP_BYTES: usize = 0;
    const LEAST_SLOT: usize = 8;
    const STEP: usize = 4;
    const IDLE_BYTES_WORTH: usize = 1024;
    const KEPT_BYTES: usize = 4096;

    fn slots_of_next_page(_: usize, slots: usize, slot_bytes: usize) -> usize {
        let wanted = (slots * slot_bytes / 16).max(512).max(slot_bytes);
        // Allocators cut four sizes out of a doubling; what they would round up to is ours to use.
        let step = wanted.next_power_of_two() / 8;
        (wanted.next_multiple_of(step) / slot_bytes).min(SLOTS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_elements_begin_small_and_grow_with_their_class() {
        for slot_bytes in [8, 24, 128, 1024, 2048] {
            let (mut slots, mut pages) = (0, 0);
            while slots < 1_000_000 {
                let next = ShortHead::slots_of_next_page(pages, slots, slot_bytes);
                assert!((1..=SLOTS_MAX).contains(&next));
                assert!(
                    next * slot_bytes <= (slots * slot_bytes / 12).max(640).max(slot_bytes),
                    "{next} after {slots}"
                );
                (slots, pages) = (slots + next, pages + 1);
            }
        }
    }
}
