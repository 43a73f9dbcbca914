//! How far a packed list, or a chunk of a long one, may grow: `list-max-listpack-size`, as Redis 8.0 reads it.

use crate::structures::listpack::MAX_BYTES;
use crate::values::Encodings;

/// Sizes that -1 to -5 stand for.
const SIZES: [usize; 5] = [4096, 8192, 16384, 32768, 65536];
/// Most bytes of a chunk that is limited by its elements' number.
const SAFE_BYTES: usize = 8192;
/// What an entry is supposed to take beside its text: rather too much.
const ENTRY_OVERHEAD: usize = 8;

/// A bound on bytes and elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limit {
    /// Most bytes of a listpack of several elements.
    pub(super) bytes: usize,
    /// Most elements.
    count: usize,
    /// Longest element that is packed.
    element: usize,
    /// Most bytes of the one chunk that becomes a packed list again.
    packed_bytes: usize,
}

impl Limit {
    /// The bound that is configured.
    #[inline]
    pub(super) fn of(encodings: &Encodings) -> Limit {
        let (bytes, count, packed_bytes) = match encodings.list_max_listpack_size {
            size @ ..0 => {
                let bytes = SIZES[(size.unsigned_abs() as usize - 1).min(SIZES.len() - 1)];
                (bytes, usize::MAX, bytes)
            }
            count => (SAFE_BYTES, count.max(1) as usize, usize::MAX),
        };
        let element = match encodings.list_packed_threshold {
            0 => bytes,
            threshold => (threshold - 1).min(MAX_BYTES / 2),
        };
        Limit { bytes, count, element, packed_bytes }
    }

    /// Whether a listpack of this size is too large.
    #[inline]
    pub(super) fn is_exceeded(&self, bytes: usize, count: usize) -> bool {
        bytes > self.bytes || count > self.count
    }

    /// Whether an element of this length stands alone.
    #[inline]
    pub(super) fn is_large(&self, element_len: usize) -> bool {
        element_len > self.element
    }

    /// Whether a listpack of this size takes one more element.
    #[inline]
    pub(super) fn takes(&self, bytes: usize, count: usize, element_len: usize) -> bool {
        !self.is_large(element_len) && !self.is_exceeded(bytes + element_len + ENTRY_OVERHEAD, count + 1)
    }

    /// Whether a list that has come down to one chunk of this size is to be packed. One that has just shrunk is only at half the
    /// bound, so that it does not go to and fro.
    pub(super) fn is_packed(&self, bytes: usize, count: usize, has_shrunk: bool) -> bool {
        let divisor = 1 + has_shrunk as usize;
        // No bound has no half.
        let count_bound = if self.count == usize::MAX { usize::MAX } else { self.count / divisor };
        let bytes_bound = if self.packed_bytes == usize::MAX { usize::MAX } else { self.packed_bytes / divisor };
        bytes <= bytes_bound && count <= count_bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::hash::KeyHasher;

    fn limit(list_max_listpack_size: i32) -> Limit {
        Limit::of(&Encodings { list_max_listpack_size, ..Encodings::new(KeyHasher::new([0; 16])) })
    }

    #[test]
    fn sizes_and_counts() {
        assert_eq!([-1, -2, -5, -6, i32::MIN].map(|size| limit(size).bytes), [4096, 8192, 65536, 65536, 65536]);
        assert!(limit(-2).takes(8192 - 18, 1000, 10));
        assert!(!limit(-2).takes(8192 - 17, 1000, 10));
        assert!(limit(128).takes(1000, 127, 10));
        assert!(!limit(128).takes(1000, 128, 10));
        assert!(!limit(128).takes(8190, 1, 10));
        assert!(limit(0).takes(7, 0, 10));
        assert!(!limit(0).takes(7, 1, 10));
        assert!(limit(-2).is_large(8193) && !limit(-2).is_large(8192));
        assert!(limit(-2).is_packed(8192, 9999, false) && limit(-2).is_packed(4096, 9999, true));
        assert!(!limit(-2).is_packed(4097, 1, true));
        assert!(limit(5).is_packed(1 << 20, 2, true) && !limit(5).is_packed(10, 3, true));
    }
}
