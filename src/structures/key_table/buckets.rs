//! The key table's buckets: a cache line each, kept in chunks.

use crate::structures::page_slice::PageSlice;
use crate::structures::record_arena::{Handle, NONE};

/// Entries of a bucket.
pub(super) const SLOTS: usize = 12;
/// A chunk has so many buckets, as a power of two.
pub(super) const CHUNK_BITS: u32 = 10;
/// The least number of buckets that a chunk grows by.
const LEAST_STEP: usize = 4;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Bucket {
    pub(super) tags: [u8; SLOTS],
    pub(super) overflow: u32,
    pub(super) slots: [Handle; SLOTS],
}

pub(super) const EMPTY: Bucket = Bucket { tags: [0; SLOTS], overflow: NONE, slots: [NONE; SLOTS] };

impl Bucket {
    /// A bit at `8 * i + 7` for each slot `i` (0..8 in the first word, 8..12 in the second) whose tag is `tag`.
    #[inline(always)]
    pub(super) fn matches(&self, tag: u8) -> (u64, u64) {
        let low = u64::from_le_bytes(self.tags[..8].try_into().expect("8 of 12"));
        let high = u32::from_le_bytes(self.tags[8..].try_into().expect("4 of 12")) as u64 | 0xffff_ffff_0000_0000;
        (zero_bytes(low ^ repeat(tag)), zero_bytes(high ^ repeat(tag)) & 0xffff_ffff)
    }

    pub(super) fn len(&self) -> usize {
        self.tags.iter().filter(|&&tag| tag != 0).count()
    }
}

/// Buckets in chunks, so that growth never copies more than one. The last chunk grows in steps: a table holds at most about an
/// eighth more buckets than it addresses, a large one just a chunk.
#[derive(Default)]
pub(super) struct Chunks(Vec<PageSlice<Bucket>>);

impl Chunks {
    #[inline(always)]
    pub(super) fn get(&self, index: usize) -> &Bucket {
        &self.0[index >> CHUNK_BITS][index & ((1 << CHUNK_BITS) - 1)]
    }

    #[inline(always)]
    pub(super) fn get_mut(&mut self, index: usize) -> &mut Bucket {
        &mut self.0[index >> CHUNK_BITS][index & ((1 << CHUNK_BITS) - 1)]
    }

    /// How many buckets are added at once to a table of `len`: a power of two.
    fn step(len: usize) -> usize {
        (len.next_power_of_two() / 16).clamp(LEAST_STEP, 1 << CHUNK_BITS)
    }

    /// Makes sure that bucket `index` exists, which is in the last chunk or the next one.
    pub(super) fn reach(&mut self, index: usize) {
        let (chunk, within) = (index >> CHUNK_BITS, index & ((1 << CHUNK_BITS) - 1));
        if chunk == self.0.len() {
            self.0.reserve_exact(if chunk < 8 { 1 } else { chunk / 8 });
            self.0.push(PageSlice::default());
        }
        if within >= self.0[chunk].len() {
            let wanted = (within + 1).next_multiple_of(Self::step(index + 1));
            self.resize_last(wanted);
        }
    }

    /// Gives back what lies behind `len` buckets, but for a step or two.
    pub(super) fn cut(&mut self, len: usize) {
        while self.0.len() > 1 && (self.0.len() - 1) << CHUNK_BITS >= len {
            self.0.pop();
        }
        let (there, step) = (self.len(), Self::step(len));
        if there >= len + 2 * step {
            let within = len - ((self.0.len() - 1) << CHUNK_BITS);
            self.resize_last((within + step).next_multiple_of(step));
        }
    }

    fn resize_last(&mut self, len: usize) {
        let last = self.0.last_mut().expect("a chunk that grows or shrinks");
        let mut buckets = PageSlice::filled(len, EMPTY);
        let kept = len.min(last.len());
        buckets[..kept].copy_from_slice(&last[..kept]);
        *last = buckets;
    }

    pub(super) fn len(&self) -> usize {
        let last = self.0.last().map_or(0, |chunk| chunk.len());
        (self.0.len().saturating_sub(1) << CHUNK_BITS) + last
    }

    pub(super) fn mapped_bytes(&self) -> usize {
        let Some(last) = self.0.last() else { return 0 };
        ((self.0.len() - 1) << CHUNK_BITS) * size_of::<Bucket>() + last.mapped_bytes()
    }

    pub(super) fn bytes(&self) -> usize {
        self.len() * size_of::<Bucket>() + self.0.capacity() * size_of::<PageSlice<Bucket>>()
    }
}

const fn repeat(tag: u8) -> u64 {
    tag as u64 * 0x0101_0101_0101_0101
}

/// The top bit of every byte that is zero, exactly.
#[inline(always)]
const fn zero_bytes(x: u64) -> u64 {
    const LOW: u64 = repeat(0x7f);
    !(((x & LOW) + LOW) | x | LOW)
}
