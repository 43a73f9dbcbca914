//! Listpack: a list of small elements in one run of bytes, as Redis keeps it in memory and writes it into files.
//!
//! ```text
//!  0           4       6                                                        total - 1
//!  ┌───────────┬───────┬─────────┬─────────┬───────────────────────────┬─────────┬──────┐
//!  │ total u32 │ count │ entry 0 │ entry 1 │ ...                       │ entry n │ 0xFF │     little-endian
//!  └───────────┴───────┴─────────┴─────────┴───────────────────────────┴─────────┴──────┘
//!                      ├ header, data ┼ backlen ┤
//!
//!  0vvvvvvv                        integer 0..=127              11110001 + 2 bytes   integer of 16 bits
//!  10llllll + data                 text up to 63 bytes          11110010 + 3 bytes   ... 24
//!  110vvvvv v                      integer of 13 bits           11110011 + 4 bytes   ... 32
//!  1110llll l + data               text up to 4095 bytes        11110100 + 8 bytes   ... 64
//!  11110000 l l l l + data         longer text (length u32)     11111111             the end
//! ```
//!
//! The count is 65535 once there are that many or more: then it is found by walking. The backlen is the length of header and data,
//! seven bits a byte, most significant first, all bytes but the first with their high bit set: read from its end, it leads backwards.
//!
//! An element that is an integer in its one canonical spelling is stored as such, so `12` and the text `"12"` are one element.
//!
//! Invariants: `total` is the number of bytes; entries follow each other without gaps; each backlen has its shortest form and is
//! right; the count is right or 65535. [`verify`] checks all of that in bytes that come from elsewhere. Readers believe it; bytes
//! that break it end in a panic or in wrong elements, never outside of the slice.
//!
//! Cost: one read per entry that is passed over; an edit moves what stands behind it. An element is at most three bytes longer than
//! its text, up to 63 bytes of text.

mod appender;
mod edit;
mod entry;
mod sliding;
mod verify;

pub use appender::Appender;
pub use edit::{insert, new, push_back, remove, remove_range, replace};
pub use entry::{Entry, entry_bytes};
pub use sliding::{Side, Sliding};
pub use verify::{Flaw, verify};

use entry::{backlen_before, backlen_bytes, decode, encoded_len};

/// Where the first entry stands.
pub const FIRST: usize = 6;
/// Bytes of a listpack without elements.
pub const EMPTY_BYTES: usize = FIRST + 1;
/// The most bytes that a listpack may grow to: Redis's own bound.
pub const MAX_BYTES: usize = 1 << 30;

/// A listpack without elements.
pub const EMPTY: [u8; EMPTY_BYTES] = [EMPTY_BYTES as u8, 0, 0, 0, 0, 0, END];

const END: u8 = 0xFF;
const UNKNOWN_COUNT: u16 = u16::MAX;

/// Whether a listpack of `bytes` can take `added` bytes more (see [`entry_bytes`]). Who grows one asks first.
#[inline]
pub fn has_room(bytes: &[u8], added: usize) -> bool {
    added <= MAX_BYTES.saturating_sub(bytes.len())
}

/// The bytes of a listpack, to be read.
///
/// Offsets are places of entries in the bytes. They are got from here and hold until the next edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listpack<'a>(&'a [u8]);

impl<'a> Listpack<'a> {
    /// Reads `bytes`, which were made here or passed [`verify`].
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Self {
        debug_assert!(bytes.len() >= EMPTY_BYTES, "a header and an end");
        Listpack(bytes)
    }

    /// The same of bytes that may not be there yet: none at all stand for no elements.
    #[inline]
    pub fn or_empty(bytes: &'a [u8]) -> Self {
        Listpack::new(if bytes.is_empty() { &EMPTY } else { bytes })
    }

    /// All its bytes.
    #[inline]
    pub fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// How many elements it has: `O(1)` below 65535, else a walk.
    #[inline]
    pub fn len(self) -> usize {
        self.known_len().unwrap_or_else(|| self.count_from(FIRST))
    }

    /// Whether it has no elements.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.0.len() <= EMPTY_BYTES
    }

    /// The offset behind the last entry: where the next one would be put.
    #[inline]
    pub fn end(self) -> usize {
        self.0.len() - 1
    }

    /// The offset of the first element.
    #[inline]
    pub fn first(self) -> Option<usize> {
        (!self.is_empty()).then_some(FIRST)
    }

    /// The offset of the last element.
    #[inline]
    pub fn last(self) -> Option<usize> {
        self.prev(self.end())
    }

    /// The offset of the element behind the one at `offset`.
    #[inline]
    pub fn next(self, offset: usize) -> Option<usize> {
        let next = self.after(offset);
        (next < self.end()).then_some(next)
    }

    /// The offset of the element before the one at `offset`, which may be [`end`](Self::end).
    #[inline]
    pub fn prev(self, offset: usize) -> Option<usize> {
        (offset > FIRST).then(|| self.before(offset))
    }

    /// The element at `offset`.
    #[inline]
    pub fn at(self, offset: usize) -> Entry<'a> {
        decode(self.0, offset).0
    }

    /// The offset of the element with this index; negative ones count from the end, -1 being the last. Walks from the nearer end.
    pub fn seek(self, index: i64) -> Option<usize> {
        let from_front = match self.known_len() {
            Some(len) => {
                let index = if index < 0 { index + len as i64 } else { index };
                if !(0..len as i64).contains(&index) {
                    return None;
                }
                if index > len as i64 / 2 { index - len as i64 } else { index }
            }
            None => index,
        };
        let steps = from_front.unsigned_abs();
        if from_front < 0 {
            let mut place = self.last()?;
            for _ in 1..steps {
                place = self.prev(place)?;
            }
            return Some(place);
        }
        let mut place = self.first()?;
        for _ in 0..steps {
            place = self.next(place)?;
        }
        Some(place)
    }

    /// The element with this index; negative ones count from the end.
    pub fn get(self, index: i64) -> Option<Entry<'a>> {
        self.seek(index).map(|offset| self.at(offset))
    }

    /// The offset of the first element equal to `needle`, of those with `skip` others between them: 0 looks at all, 1 at the keys
    /// of pairs.
    #[inline]
    pub fn find(self, needle: &[u8], skip: usize) -> Option<usize> {
        self.find_from(FIRST, needle, skip)
    }

    /// The same, from the element at `offset` on.
    #[inline]
    pub fn find_from(self, offset: usize, needle: &[u8], skip: usize) -> Option<usize> {
        let needle_int = crate::base::number::parse_i64(needle);
        let mut place = offset;
        while place < self.end() {
            let (entry, encoded_len) = decode(self.0, place);
            let is_equal = match entry {
                Entry::Bytes(text) => text == needle,
                Entry::Int(value) => needle_int == Some(value),
            };
            if is_equal {
                return Some(place);
            }
            place += encoded_len + backlen_bytes(encoded_len);
            for _ in 0..skip {
                if place >= self.end() {
                    return None;
                }
                place = self.after(place);
            }
        }
        None
    }

    /// Its elements, from either end.
    #[inline]
    pub fn iter(self) -> Iter<'a> {
        Iter(self.offsets())
    }

    /// Its elements from the one at `offset` on.
    #[inline]
    pub fn iter_from(self, offset: usize) -> Iter<'a> {
        Iter(Offsets { pack: self, front: offset, back: self.end() })
    }

    /// Its elements before the one at `offset`, which may be [`end`](Self::end).
    #[inline]
    pub fn iter_before(self, offset: usize) -> Iter<'a> {
        Iter(Offsets { pack: self, front: FIRST, back: offset })
    }

    /// Its elements from the one at `from` up to, but not with, the one at `to`, which may be [`end`](Self::end); from either end.
    #[inline]
    pub fn iter_between(self, from: usize, to: usize) -> Iter<'a> {
        Iter(Offsets { pack: self, front: from, back: to })
    }

    /// The offsets of its elements, from either end.
    #[inline]
    pub fn offsets(self) -> Offsets<'a> {
        Offsets { pack: self, front: FIRST, back: self.end() }
    }

    /// Its elements two by two, from either end: fields and values, members and scores. An odd one at the end the walk comes to is
    /// left out.
    #[inline]
    pub fn pairs(self) -> Pairs<'a> {
        Pairs(self.iter())
    }

    #[inline]
    fn known_len(self) -> Option<usize> {
        let count = u16::from_le_bytes([self.0[4], self.0[5]]);
        (count != UNKNOWN_COUNT).then_some(count as usize)
    }

    /// How many elements stand from `offset` on, by walking.
    fn count_from(self, offset: usize) -> usize {
        let mut place = offset;
        let mut count = 0;
        while place < self.end() {
            place = self.after(place);
            count += 1;
        }
        count
    }

    /// The offset behind the entry at `offset`.
    #[inline]
    fn after(self, offset: usize) -> usize {
        let len = encoded_len(self.0, offset);
        offset + len + backlen_bytes(len)
    }

    /// The offset of the entry that ends before `offset`, which is not the first.
    #[inline]
    fn before(self, offset: usize) -> usize {
        let len = backlen_before(self.0, offset);
        offset - len - backlen_bytes(len)
    }
}

impl<'a> IntoIterator for Listpack<'a> {
    type Item = Entry<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Offsets of a listpack's elements.
#[derive(Clone, Debug)]
pub struct Offsets<'a> {
    pack: Listpack<'a>,
    front: usize,
    back: usize,
}

impl Iterator for Offsets<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let place = self.front;
        (place < self.back).then(|| {
            self.front = self.pack.after(place);
            place
        })
    }
}

impl DoubleEndedIterator for Offsets<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<usize> {
        (self.front < self.back).then(|| {
            self.back = self.pack.before(self.back);
            self.back
        })
    }
}

/// A listpack's elements.
#[derive(Clone, Debug)]
pub struct Iter<'a>(Offsets<'a>);

impl<'a> Iter<'a> {
    /// The offset of the element that `next` gives next, or the listpack's end.
    #[inline]
    pub fn offset(&self) -> usize {
        self.0.front
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        let Offsets { pack, front, back } = &mut self.0;
        if front >= back {
            return None;
        }
        let (entry, len) = decode(pack.0, *front);
        *front += len + backlen_bytes(len);
        Some(entry)
    }
}

impl<'a> DoubleEndedIterator for Iter<'a> {
    #[inline]
    fn next_back(&mut self) -> Option<Entry<'a>> {
        self.0.next_back().map(|offset| self.0.pack.at(offset))
    }
}

/// A listpack's elements two by two.
#[derive(Clone, Debug)]
pub struct Pairs<'a>(Iter<'a>);

impl<'a> Iterator for Pairs<'a> {
    type Item = (Entry<'a>, Entry<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        Some((self.0.next()?, self.0.next()?))
    }
}

impl DoubleEndedIterator for Pairs<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let second = self.0.next_back()?;
        Some((self.0.next_back()?, second))
    }
}

#[cfg(test)]
mod tests;
