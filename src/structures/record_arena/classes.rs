//! Size classes: steps of `H::STEP` bytes from the least slot to 128, then eight steps per doubling up to 2048.

use super::head::Head;

/// The largest slot.
pub(super) const MOST_BYTES: usize = 2048;
/// Up to here classes are `STEP` apart.
const FINE_BYTES: usize = 128;

/// The number of fine classes.
const fn fine<H: Head>() -> usize {
    (FINE_BYTES - H::LEAST_SLOT) / H::STEP + 1
}

/// The smallest class whose slots hold `bytes`, at most `MOST_BYTES`.
#[inline]
pub(super) fn class_of<H: Head>(bytes: usize) -> u8 {
    debug_assert!(bytes <= MOST_BYTES);
    let bytes = bytes.max(H::LEAST_SLOT);
    if bytes <= FINE_BYTES {
        return (bytes - H::LEAST_SLOT).div_ceil(H::STEP) as u8;
    }
    let shift = usize::BITS - 1 - (bytes - 1).leading_zeros(); // 129..=256 -> 7
    let step = 1usize << (shift - 3);
    let within = (bytes - 1 - (1 << shift)) / step;
    (fine::<H>() + (shift as usize - 7) * 8 + within) as u8
}

/// The bytes of a class's slots.
#[inline]
pub(super) fn bytes_of<H: Head>(class: u8) -> usize {
    let class = class as usize;
    if class < fine::<H>() {
        return H::LEAST_SLOT + class * H::STEP;
    }
    let (doubling, within) = ((class - fine::<H>()) / 8, (class - fine::<H>()) % 8);
    (1 << (7 + doubling)) + (within + 1) * (1 << (4 + doubling))
}

#[cfg(test)]
mod tests {
    use super::super::head::{ShortHead, StampedHead};
    use super::*;

    fn check<H: Head>() {
        for bytes in 1..=MOST_BYTES {
            let class = class_of::<H>(bytes);
            let room = bytes_of::<H>(class);
            assert!(room >= bytes, "{bytes} -> {room}");
            assert!(room < bytes.max(H::LEAST_SLOT) + H::STEP + bytes / 8, "{bytes} -> {room}");
            assert!(class == 0 || bytes_of::<H>(class - 1) < bytes, "{bytes} -> {room}");
            assert!(room == MOST_BYTES || class_of::<H>(room + 1) == class + 1);
        }
        assert_eq!(class_of::<H>(0), 0);
    }

    #[test]
    fn classes_cover_all_sizes_with_little_waste() {
        check::<StampedHead>();
        check::<ShortHead>();
    }
}
