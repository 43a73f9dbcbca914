//! The hash table from keys to record handles: linear hashing over cache-line buckets.
//!
//! ```text
//! bucket (64 bytes)   tags [u8; 12] | overflow u32 | slots [u32; 12]
//!   tag        0: the slot is empty; else the hash's top byte (0 becomes 1)
//!   overflow   NONE, or the bucket in `spill` that holds what did not fit here
//!
//! address     low bits of the hash: `level + 1` bits where that bucket is there already, else `level` bits
//! growth      bucket `split` is divided into itself and `split + 2^level`, one at a time: no second table, no pause
//! ```
//!
//! Seen by its address read backwards (bit 0 first), a bucket covers one interval of hash space, which a split halves and a
//! merge doubles. A scan's cursor is a position in that order, cut to 53 bits: it visits interval after interval, whole
//! buckets at a time, and skips what lies before its position, so a key that stays throughout is seen exactly once whatever
//! the table does.
//!
//! Invariants: chains are packed (all buckets of a chain but the last are full); no overflow bucket is empty; a handle
//! stands once, in the chain that its hash addresses. The table knows handles and hashes only: keys are compared by its callers.
//!
//! Cost: a hit reads one bucket and one record, a miss one bucket (one chain in nine has a second bucket while the table grows).

mod buckets;
#[cfg(test)]
mod tests;

use super::prefetch::prefetch;
use super::record_arena::{Handle, NONE};
use buckets::{Bucket, CHUNK_BITS, Chunks, EMPTY, SLOTS};

/// With more entries per bucket than this the table grows ...
const GROW_AT: usize = 8;
/// ... and with fewer than this it shrinks.
const SHRINK_AT: usize = 3;
/// A table has four buckets at least.
const LEAST_LEVEL: u32 = 2;
/// Bits of a scan position.
const POSITION_BITS: u32 = 53;

#[inline(always)]
fn tag_of(hash: u64) -> u8 {
    ((hash >> 56) as u8).max(1)
}

/// Where a hash stands in scan order: its bits backwards, the first 53 of them.
#[inline]
pub fn position(hash: u64) -> u64 {
    hash.reverse_bits() >> (64 - POSITION_BITS)
}

/// Handles by hash.
pub struct KeyTable {
    buckets: Chunks,
    spill: Chunks,
    /// The first overflow bucket that is free; it names the next.
    spill_free: u32,
    /// Overflow buckets that were ever used, and those in use.
    spill_len: u32,
    spill_live: u32,
    /// No chain has more buckets than this.
    longest: u32,
    level: u32,
    split: usize,
    len: usize,
}

impl Default for KeyTable {
    fn default() -> Self {
        Self::new()
    }
}

impl KeyTable {
    /// An empty table of four buckets.
    pub fn new() -> Self {
        let mut buckets = Chunks::default();
        buckets.reach((1 << LEAST_LEVEL) - 1);
        KeyTable {
            buckets,
            spill: Chunks::default(),
            spill_free: NONE,
            spill_len: 0,
            spill_live: 0,
            longest: 1,
            level: LEAST_LEVEL,
            split: 0,
            len: 0,
        }
    }

    /// Makes room for so many entries at once, so that nothing is split while they come; for a table without any (for another, nothing
    /// happens).
    pub fn reserve(&mut self, entries: usize) {
        let buckets = entries / GROW_AT;
        if self.len > 0 || buckets <= self.buckets() {
            return;
        }
        (self.level, self.split) = (buckets.ilog2(), buckets - (1 << buckets.ilog2()));
        for chunk_end in (1 << CHUNK_BITS..buckets).step_by(1 << CHUNK_BITS) {
            self.buckets.reach(chunk_end - 1);
        }
        self.buckets.reach(buckets - 1);
    }

    /// Entries.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Buckets that are addressed now.
    pub fn buckets(&self) -> usize {
        (1 << self.level) + self.split
    }

    /// Bytes that the table holds.
    pub fn bytes(&self) -> usize {
        self.buckets.bytes() + self.spill.bytes()
    }

    /// Bytes of them that come straight from the system, which the allocator does not know of.
    pub fn mapped_bytes(&self) -> usize {
        self.buckets.mapped_bytes() + self.spill.mapped_bytes()
    }

    #[inline(always)]
    fn address(&self, hash: u64) -> usize {
        let wide = hash as usize & ((2 << self.level) - 1);
        if wide < self.buckets() { wide } else { wide & ((1 << self.level) - 1) }
    }

    /// Asks the cache for the bucket of `hash`.
    #[inline]
    pub fn prefetch(&self, hash: u64) {
        prefetch(self.buckets.get(self.address(hash)));
    }

    /// The first entry whose tag fits: very likely the key's record, to be asked for ahead.
    #[inline]
    pub fn likely(&self, hash: u64) -> Option<Handle> {
        let bucket = self.buckets.get(self.address(hash));
        let (low, high) = bucket.matches(tag_of(hash));
        if low != 0 {
            return Some(bucket.slots[low.trailing_zeros() as usize / 8]);
        }
        (high != 0).then(|| bucket.slots[8 + high.trailing_zeros() as usize / 8])
    }

    /// The entry with this hash for which `is_key` holds.
    #[inline]
    pub fn find(&self, hash: u64, mut is_key: impl FnMut(Handle) -> bool) -> Option<Handle> {
        let tag = tag_of(hash);
        let mut bucket = self.buckets.get(self.address(hash));
        loop {
            let (mut low, mut high) = bucket.matches(tag);
            while low != 0 {
                let handle = bucket.slots[low.trailing_zeros() as usize / 8];
                if is_key(handle) {
                    return Some(handle);
                }
                low &= low - 1;
            }
            while high != 0 {
                let handle = bucket.slots[8 + high.trailing_zeros() as usize / 8];
                if is_key(handle) {
                    return Some(handle);
                }
                high &= high - 1;
            }
            if bucket.overflow == NONE {
                return None;
            }
            bucket = self.spill.get(bucket.overflow as usize);
        }
    }

    /// Adds an entry that is not there yet, and grows the table by a bucket when it is due; `hash_of` tells the hash of
    /// entries that stand there, `ahead` asks the cache for their records.
    pub fn insert(&mut self, hash: u64, handle: Handle, ahead: impl Fn(Handle), hash_of: impl Fn(Handle) -> u64) {
        self.place(self.address(hash), tag_of(hash), handle);
        self.len += 1;
        if self.len > self.buckets() * GROW_AT {
            self.grow(ahead, hash_of);
        }
    }

    /// Points the entry at another handle (its record has moved).
    pub fn repoint(&mut self, hash: u64, from: Handle, to: Handle) {
        let (address, mut here) = (self.address(hash), None);
        loop {
            let bucket = self.bucket_mut(address, here);
            if let Some(i) = bucket.slots.iter().position(|&h| h == from) {
                bucket.slots[i] = to;
                return;
            }
            assert!(bucket.overflow != NONE, "no entry {from:#x} to point at {to:#x}");
            here = Some(bucket.overflow);
        }
    }

    /// Removes the entry, and shrinks the table by a bucket when it is due. Panics when it is not there.
    pub fn remove(&mut self, hash: u64, handle: Handle) {
        self.unplace(self.address(hash), handle);
        self.len -= 1;
        if self.len < self.buckets() * SHRINK_AT && self.buckets() > 1 << LEAST_LEVEL {
            self.shrink();
        }
    }

    /// Visits the entries at scan position `cursor` and gives the cursor to go on with, 0 at the end. Start with 0.
    /// Any other number is fine too: of bits beyond a position's nothing is read.
    pub fn scan(&self, cursor: u64, hash_of: impl Fn(Handle) -> u64, mut visit: impl FnMut(Handle)) -> u64 {
        let cursor = cursor & ((1 << POSITION_BITS) - 1);
        let hash = (cursor << (64 - POSITION_BITS)).reverse_bits();
        let address = self.address(hash);
        let bits = if (address >= 1 << self.level) || address < self.split { self.level + 1 } else { self.level };
        let width = 1u64 << (POSITION_BITS - bits);
        let start = cursor & !(width - 1);
        self.for_each_in(address, |handle| {
            if start == cursor || position(hash_of(handle)) >= cursor {
                visit(handle);
            }
        });
        (start + width) & ((1 << POSITION_BITS) - 1)
    }

    /// Asks the cache for the records that `scan` would visit at `cursor`.
    pub fn scan_ahead(&self, cursor: u64, ahead: impl Fn(Handle)) {
        let hash = (cursor << (64 - POSITION_BITS)).reverse_bits();
        self.for_each_in(self.address(hash), ahead);
    }

    /// An entry chosen by the numbers that `random(n)` draws from `0..n`, each entry as likely as any other. None when empty.
    pub fn sample(&self, mut random: impl FnMut(usize) -> usize) -> Option<Handle> {
        if self.len == 0 {
            return None;
        }
        loop {
            let address = random(self.buckets());
            let place = random(SLOTS * self.longest as usize);
            let mut bucket = self.buckets.get(address);
            for _ in 0..place / SLOTS {
                if bucket.overflow == NONE {
                    bucket = &EMPTY;
                    break;
                }
                bucket = self.spill.get(bucket.overflow as usize);
            }
            if bucket.tags[place % SLOTS] != 0 {
                return Some(bucket.slots[place % SLOTS]);
            }
        }
    }

    fn for_each_in(&self, address: usize, mut visit: impl FnMut(Handle)) {
        let mut bucket = self.buckets.get(address);
        loop {
            for i in 0..SLOTS {
                if bucket.tags[i] != 0 {
                    visit(bucket.slots[i]);
                }
            }
            if bucket.overflow == NONE {
                return;
            }
            bucket = self.spill.get(bucket.overflow as usize);
        }
    }

    fn place(&mut self, address: usize, tag: u8, handle: Handle) {
        let (mut here, mut buckets) = (None, 1);
        while let bucket = self.bucket(address, here)
            && bucket.tags[SLOTS - 1] != 0
            && bucket.overflow != NONE
        {
            here = Some(bucket.overflow);
            buckets += 1;
        }
        let bucket = self.bucket_mut(address, here);
        if let Some(i) = bucket.tags.iter().position(|&t| t == 0) {
            (bucket.tags[i], bucket.slots[i]) = (tag, handle);
            return;
        }
        self.longest = self.longest.max(buckets + 1);
        let extra = self.take_spilled();
        self.bucket_mut(address, here).overflow = extra;
        let bucket = self.spill.get_mut(extra as usize);
        *bucket = EMPTY;
        (bucket.tags[0], bucket.slots[0]) = (tag, handle);
    }

    /// Takes an entry out of a chain and fills the hole with the chain's last one.
    fn unplace(&mut self, address: usize, handle: Handle) {
        let (mut hole, mut last, mut before_last) = (None, None, None);
        let mut here = None; // None: the home bucket; Some: index in `spill`
        loop {
            let bucket = self.bucket(address, here);
            if hole.is_none()
                && let Some(i) = bucket.slots.iter().position(|&h| h == handle)
            {
                hole = Some((here, i));
            }
            if bucket.overflow == NONE {
                break;
            }
            (before_last, last) = (Some(here), Some(bucket.overflow));
            here = last;
        }
        let (holder, i) = hole.unwrap_or_else(|| panic!("no entry {handle:#x} to remove"));
        let tail = self.bucket_mut(address, last);
        let end = tail.len() - 1;
        let (tag, filler) = (tail.tags[end], tail.slots[end]);
        (tail.tags[end], tail.slots[end]) = (0, NONE);
        if (holder, i) != (last, end) {
            let bucket = self.bucket_mut(address, holder);
            (bucket.tags[i], bucket.slots[i]) = (tag, filler);
        }
        if end == 0
            && let (Some(empty), Some(before)) = (last, before_last)
        {
            self.bucket_mut(address, before).overflow = NONE;
            self.give_back(empty);
        }
    }

    fn bucket(&self, address: usize, spilled: Option<u32>) -> &Bucket {
        match spilled {
            None => self.buckets.get(address),
            Some(index) => self.spill.get(index as usize),
        }
    }

    fn bucket_mut(&mut self, address: usize, spilled: Option<u32>) -> &mut Bucket {
        match spilled {
            None => self.buckets.get_mut(address),
            Some(index) => self.spill.get_mut(index as usize),
        }
    }

    fn take_spilled(&mut self) -> u32 {
        self.spill_live += 1;
        if self.spill_free != NONE {
            let first = self.spill_free;
            self.spill_free = self.spill.get(first as usize).overflow;
            return first;
        }
        self.spill.reach(self.spill_len as usize);
        self.spill_len += 1;
        self.spill_len - 1
    }

    fn give_back(&mut self, spilled: u32) {
        self.spill_live -= 1;
        if self.spill_live == 0 {
            (self.spill, self.spill_free, self.spill_len, self.longest) = (Chunks::default(), NONE, 0, 1);
            return;
        }
        self.spill.get_mut(spilled as usize).overflow = self.spill_free;
        self.spill_free = spilled;
    }

    /// Empties a chain and gives its entries as (tag, handle).
    fn drain(&mut self, address: usize) -> smallvec::SmallVec<[(u8, Handle); 32]> {
        let mut entries = smallvec::SmallVec::new();
        let mut bucket = std::mem::replace(self.buckets.get_mut(address), EMPTY);
        loop {
            entries.extend((0..SLOTS).filter(|&i| bucket.tags[i] != 0).map(|i| (bucket.tags[i], bucket.slots[i])));
            if bucket.overflow == NONE {
                return entries;
            }
            let spilled = bucket.overflow;
            bucket = *self.spill.get(spilled as usize);
            self.give_back(spilled);
        }
    }

    fn grow(&mut self, ahead: impl Fn(Handle), hash_of: impl Fn(Handle) -> u64) {
        let (from, to) = (self.split, self.split + (1 << self.level));
        self.for_each_in(from, ahead);
        self.buckets.reach(to);
        *self.buckets.get_mut(to) = EMPTY;
        let entries = self.drain(from);
        self.split += 1;
        if self.split == 1 << self.level {
            (self.level, self.split) = (self.level + 1, 0);
        }
        for (tag, handle) in entries {
            let home = if hash_of(handle) as usize & (to - from) != 0 { to } else { from };
            self.place(home, tag, handle);
        }
    }

    fn shrink(&mut self) {
        if self.split == 0 {
            (self.level, self.split) = (self.level - 1, 1 << (self.level - 1));
        }
        self.split -= 1;
        let (into, from) = (self.split, self.split + (1 << self.level));
        for (tag, handle) in self.drain(from) {
            self.place(into, tag, handle);
        }
        self.buckets.cut(self.buckets());
    }

    /// Checks what the head of this file promises. Panics when it does not hold.
    pub fn check_invariants(&self, hash_of: impl Fn(Handle) -> u64) {
        let (mut len, mut spilled) = (0, 0);
        for address in 0..self.buckets() {
            let (mut bucket, mut chain) = (self.buckets.get(address), 1);
            loop {
                let here = bucket.len();
                assert!(bucket.tags[..here].iter().all(|&t| t != 0), "a hole in bucket {address}");
                for i in 0..here {
                    let hash = hash_of(bucket.slots[i]);
                    assert_eq!((self.address(hash), tag_of(hash)), (address, bucket.tags[i]));
                }
                len += here;
                if bucket.overflow == NONE {
                    break;
                }
                assert_eq!(here, SLOTS);
                (spilled, chain) = (spilled + 1, chain + 1);
                assert!(chain <= self.longest);
                bucket = self.spill.get(bucket.overflow as usize);
                assert!(bucket.tags[0] != 0, "an empty overflow bucket");
            }
        }
        let free = |index: &u32| Some(self.spill.get(*index as usize).overflow).filter(|&next| next != NONE);
        let first = Some(self.spill_free).filter(|&first| first != NONE);
        let free = std::iter::successors(first, free).take(self.spill_len as usize + 1).count();
        assert_eq!((len, spilled), (self.len, self.spill_live as usize));
        assert_eq!(spilled + free, self.spill_len as usize);
    }
}
