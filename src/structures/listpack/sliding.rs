//! A listpack that grows and shrinks at both ends without moving its elements.
//!
//! ```text
//!   0            start                                            bytes.len()      capacity
//!   ┌────────────┬───────┬───────┬─────────┬─────┬─────────┬──────┬────────────────┐
//!   │ front room │ total │ count │ entry 0 │ ... │ entry n │ 0xFF │   back room    │
//!   └────────────┴───────┴───────┴─────────┴─────┴─────────┴──────┴────────────────┘
//!                └───────────────── a listpack ───────────────────┘
//! ```
//!
//! To add before the first element, the header moves into the front room; to remove the first, it moves over it. An edit in the
//! middle moves the shorter side. Where the room of a side has run out and that of the other is worth it, the listpack slides to the
//! middle of its buffer; else the buffer grows by a quarter, all of it room on the side that asked. Either way an element is moved a
//! bounded number of times, however pushes and pops alternate.
//!
//! Invariants: no bytes at all, or `bytes[start..]` is a listpack of `count` elements. After a removal, a buffer of more than
//! `KEPT_BYTES` is at least a quarter full.

use super::entry::{Encoded, Entry};
use super::{EMPTY, EMPTY_BYTES, FIRST, Listpack, UNKNOWN_COUNT};

/// A buffer up to this size is not made smaller.
const KEPT_BYTES: usize = 512;
/// The first buffer's size, if there may be that much.
const FIRST_BYTES: usize = 64;

/// A listpack with room at both ends.
///
/// Offsets are those of [`view`](Sliding::view) and hold until the next edit. What grows it takes `most`: the capacity it does not
/// reach for beyond need.
#[derive(Default)]
pub struct Sliding {
    bytes: Vec<u8>,
    start: u32,
    count: u32,
}

/// Where room is to be made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Before the first element.
    Front,
    /// Behind the last.
    Back,
}

impl Sliding {
    /// One without elements in a buffer of so many bytes, all of it room at one side: for elements of which many are to come.
    pub fn with_room(bytes: usize, side: Side) -> Sliding {
        let mut buffer = Vec::with_capacity(bytes.max(EMPTY_BYTES));
        if side == Side::Front {
            buffer.resize(buffer.capacity() - EMPTY_BYTES, 0);
        }
        let start = buffer.len() as u32;
        buffer.extend_from_slice(&EMPTY);
        Sliding { bytes: buffer, start, count: 0 }
    }

    /// Takes a listpack over.
    pub fn from_listpack(bytes: Vec<u8>) -> Sliding {
        let count = Listpack::new(&bytes).len() as u32;
        Sliding { bytes, start: 0, count }
    }

    /// Copies a listpack into `buffer`, which is empty. No bytes at all stand for no elements.
    #[inline]
    pub fn copied(pack: &[u8], mut buffer: Vec<u8>) -> Sliding {
        if pack.is_empty() {
            return Sliding { bytes: buffer, start: 0, count: 0 };
        }
        buffer.extend_from_slice(pack);
        Sliding { count: Listpack::new(pack).len() as u32, bytes: buffer, start: 0 }
    }

    /// The listpack's bytes.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        if self.bytes.is_empty() { &EMPTY } else { &self.bytes[self.start as usize..] }
    }

    /// The listpack, to be read.
    #[inline]
    pub fn view(&self) -> Listpack<'_> {
        Listpack::new(self.as_slice())
    }

    /// How many elements it has. `O(1)`, whatever the number.
    #[inline]
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether it has no elements.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The bytes of the listpack alone.
    #[inline]
    pub fn pack_bytes(&self) -> usize {
        if self.bytes.is_empty() { EMPTY_BYTES } else { self.bytes.len() - self.start as usize }
    }

    /// The bytes of the buffer.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// The listpack alone, at the front of its buffer. Empty if there are no elements.
    #[inline]
    pub fn into_vec(mut self) -> Vec<u8> {
        if self.start > 0 {
            self.slide_to(0);
        }
        self.bytes
    }

    /// Gives the room at both ends back if there is more of it than a quarter.
    pub fn trim(&mut self) {
        if self.capacity() - self.pack_bytes().min(self.capacity()) > self.pack_bytes() / 4 {
            self.reallocate(self.pack_bytes(), 0);
        }
    }

    /// Adds an element behind the last.
    #[inline]
    pub fn push_back(&mut self, value: Entry<'_>, most: usize) {
        self.insert(self.pack_bytes() - 1, value, most);
    }

    /// Adds an element before the first.
    #[inline]
    pub fn push_front(&mut self, value: Entry<'_>, most: usize) {
        self.insert(FIRST, value, most);
    }

    /// Adds an element before the one at `offset`, which may be the end.
    #[inline]
    pub fn insert(&mut self, offset: usize, value: Entry<'_>, most: usize) {
        let encoded = Encoded::of(value);
        self.open(offset, encoded.len(), most);
        self.count += 1;
        self.write_header();
        encoded.write(&mut self.bytes[self.start as usize + offset..]);
    }

    /// Puts another element in the place of the one at `offset`.
    pub fn replace(&mut self, offset: usize, value: Entry<'_>, most: usize) {
        let encoded = Encoded::of(value);
        let old_bytes = self.view().after(offset) - offset;
        let new_bytes = encoded.len();
        if new_bytes < old_bytes {
            self.cut(offset, offset + old_bytes - new_bytes);
        } else if new_bytes > old_bytes {
            self.open(offset, new_bytes - old_bytes, most);
        }
        self.write_header();
        encoded.write(&mut self.bytes[self.start as usize + offset..]);
        self.shrink();
    }

    /// Removes up to `count` elements, beginning with the one at `offset`, which may be the end. Gives how many.
    pub fn remove(&mut self, offset: usize, count: usize) -> usize {
        let view = self.view();
        let mut after = offset;
        let mut removed = 0;
        while removed < count && after < view.end() {
            after = view.after(after);
            removed += 1;
        }
        self.cut_elements(offset, after, removed);
        removed
    }

    /// Removes the last `count` elements, or all if there are fewer. Gives how many.
    pub fn remove_last(&mut self, count: usize) -> usize {
        let view = self.view();
        let end = view.end();
        let mut from = end;
        let mut removed = 0;
        while removed < count && from > FIRST {
            from = view.before(from);
            removed += 1;
        }
        self.cut_elements(from, end, removed);
        removed
    }

    /// Takes the elements from `offset` (which may be the end) on out.
    pub fn split_off(&mut self, offset: usize) -> Sliding {
        let view = self.view();
        let end = view.end();
        let count = view.count_from(offset);
        let mut bytes = Vec::with_capacity(FIRST + view.bytes().len() - offset);
        bytes.resize(FIRST, 0);
        bytes.extend_from_slice(&view.bytes()[offset..]);
        let mut tail = Sliding { bytes, start: 0, count: count as u32 };
        tail.write_header();
        self.cut_elements(offset, end, count);
        tail
    }

    /// Adds all elements of `other` behind the last.
    pub fn append(&mut self, other: &Sliding, most: usize) {
        let view = other.view();
        let entries = &view.bytes()[FIRST..view.end()];
        let offset = self.pack_bytes() - 1;
        self.open(offset, entries.len(), most);
        self.count += other.count;
        self.write_header();
        let place = self.start as usize + offset;
        self.bytes[place..place + entries.len()].copy_from_slice(entries);
    }

    /// Makes room for `bytes` at `offset`. The header is out of date afterwards.
    #[inline]
    fn open(&mut self, offset: usize, bytes: usize, most: usize) {
        if self.bytes.is_empty() {
            self.begin(bytes, most);
        }
        let (before, behind) = (offset - FIRST, self.pack_bytes() - 1 - offset);
        if before < behind || (before == behind && self.start as usize >= bytes) {
            if (self.start as usize) < bytes {
                self.make_room(Side::Front, bytes, most);
            }
            let start = self.start as usize;
            let to = start - bytes;
            if before > 0 {
                self.bytes.copy_within(start + FIRST..start + offset, to + FIRST);
            }
            self.start = to as u32;
        } else {
            if self.bytes.capacity() - self.bytes.len() < bytes {
                self.make_room(Side::Back, bytes, most);
            }
            let (from, end) = (self.start as usize + offset, self.bytes.len());
            self.bytes.resize(end + bytes, 0);
            self.bytes.copy_within(from..end, from + bytes);
        }
    }

    fn begin(&mut self, bytes: usize, most: usize) {
        let needed = EMPTY_BYTES + bytes;
        if self.bytes.capacity() < needed {
            self.bytes.reserve_exact(needed.max(FIRST_BYTES.min(most)));
        }
        self.bytes.extend_from_slice(&EMPTY);
        (self.start, self.count) = (0, 0);
    }

    /// Makes room for `bytes` on a side that has less.
    #[cold]
    fn make_room(&mut self, side: Side, bytes: usize, most: usize) {
        let len = self.pack_bytes();
        let needed = len + bytes;
        let capacity = self.bytes.capacity();
        let room = capacity - len;
        let grown = (needed + needed / 4).min(most);
        let is_worth_sliding = room >= len / 4 || grown <= capacity;
        if room >= bytes && is_worth_sliding {
            let half = (room / 2).max(bytes);
            return self.slide_to(if side == Side::Front { half } else { room - half });
        }
        let capacity = needed.max(grown);
        match side {
            Side::Front => self.reallocate(capacity, capacity - len),
            Side::Back if self.start == 0 => self.bytes.reserve_exact(capacity - len),
            Side::Back => self.reallocate(capacity, 0),
        }
    }

    /// Moves the listpack within its buffer.
    fn slide_to(&mut self, start: usize) {
        let (from, len) = (self.start as usize, self.pack_bytes());
        if self.bytes.len() < start + len {
            self.bytes.resize(start + len, 0);
        }
        self.bytes.copy_within(from..from + len, start);
        self.bytes.truncate(start + len);
        self.start = start as u32;
    }

    /// Moves the listpack to a buffer of another size.
    fn reallocate(&mut self, capacity: usize, start: usize) {
        if self.bytes.is_empty() {
            self.bytes = Vec::new();
            return;
        }
        let mut bytes = Vec::with_capacity(capacity);
        bytes.resize(start, 0);
        bytes.extend_from_slice(self.as_slice());
        self.bytes = bytes;
        self.start = start as u32;
    }

    #[inline]
    fn cut_elements(&mut self, from: usize, to: usize, count: usize) {
        if count > 0 {
            self.cut(from, to);
            self.count -= count as u32;
            self.write_header();
            self.shrink();
        }
    }

    /// Closes up over the bytes from one offset to another. The header is out of date afterwards.
    #[inline]
    fn cut(&mut self, from: usize, to: usize) {
        let start = self.start as usize;
        if from - FIRST < self.pack_bytes() - to {
            let cut = to - from;
            self.bytes.copy_within(start + FIRST..start + from, start + FIRST + cut);
            self.start += cut as u32;
        } else {
            self.bytes.copy_within(start + to.., start + from);
            self.bytes.truncate(self.bytes.len() - (to - from));
        }
    }

    /// Gives back a buffer of which most is room.
    #[inline]
    fn shrink(&mut self) {
        let len = self.pack_bytes();
        if self.bytes.capacity() > KEPT_BYTES && len < self.bytes.capacity() / 4 {
            self.reallocate(len + len / 4, 0);
        }
    }

    #[inline]
    fn write_header(&mut self) {
        let total = u32::try_from(self.pack_bytes()).expect("a listpack within its bound");
        let count = u16::try_from(self.count).unwrap_or(UNKNOWN_COUNT);
        let header = &mut self.bytes[self.start as usize..][..FIRST];
        header[..4].copy_from_slice(&total.to_le_bytes());
        header[4..].copy_from_slice(&count.to_le_bytes());
    }
}

impl Clone for Sliding {
    /// Without the room.
    fn clone(&self) -> Self {
        let bytes = if self.bytes.is_empty() { Vec::new() } else { self.as_slice().to_vec() };
        Sliding { bytes, start: 0, count: self.count }
    }
}

impl PartialEq for Sliding {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl std::fmt::Debug for Sliding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.view()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structures::listpack::verify;
    use std::collections::VecDeque;

    const MOST: usize = 4096;

    fn check(pack: &Sliding, model: &VecDeque<Vec<u8>>) {
        assert_eq!(verify(pack.as_slice()), Ok(model.len()));
        assert_eq!(pack.len(), model.len());
        assert!(pack.view().iter().eq(model.iter().map(Entry::from)));
        assert!(
            pack.capacity() <= KEPT_BYTES.max(4 * pack.pack_bytes() + 4),
            "{} {}",
            pack.capacity(),
            pack.pack_bytes()
        );
    }

    fn value(random: &mut fastrand::Rng) -> Vec<u8> {
        match random.u8(..4) {
            0 => random.i64(-5000..5000).to_string().into_bytes(),
            1 => vec![b'x'; random.usize(100..300)],
            _ => vec![b'y'; random.usize(..20)],
        }
    }

    /// Each seed has habits of its own, so that long runs of one operation come about.
    fn live(seed: u64) {
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut pack, mut model) = (Sliding::default(), VecDeque::new());
        let mut weights: [u32; 8] = std::array::from_fn(|_| random.u32(..8));
        for step in 0..if cfg!(miri) { 60 } else { 600 } {
            if step % 100 == 0 {
                weights = std::array::from_fn(|_| random.u32(..8).saturating_sub(3));
            }
            let mut at = random.u32(..weights.iter().sum::<u32>().max(1));
            let operation = weights.iter().position(|&weight| match at.checked_sub(weight) {
                Some(rest) => {
                    at = rest;
                    false
                }
                None => true,
            });
            let index = random.usize(..=model.len());
            let offset = pack.view().offsets().nth(index).unwrap_or(pack.view().end());
            let text = value(&mut random);
            match operation.unwrap_or(0) {
                0 => {
                    pack.push_back(Entry::from(&text), MOST);
                    model.push_back(text);
                }
                1 => {
                    pack.push_front(Entry::from(&text), MOST);
                    model.push_front(text);
                }
                2 => {
                    let removed = pack.remove(FIRST, index % 3);
                    assert_eq!(removed, model.drain(..removed).len());
                }
                3 => {
                    let removed = pack.remove_last(index % 3);
                    model.truncate(model.len() - removed);
                }
                4 => {
                    pack.insert(offset, Entry::from(&text), MOST);
                    model.insert(index, text);
                }
                5 if index < model.len() => {
                    pack.replace(offset, Entry::from(&text), MOST);
                    model[index] = text;
                }
                6 => {
                    let mut tail = pack.split_off(offset);
                    let mut rest = model.split_off(index);
                    check(&tail, &rest);
                    if random.bool() {
                        std::mem::swap(&mut pack, &mut tail);
                        std::mem::swap(&mut model, &mut rest);
                    }
                    pack.append(&tail, MOST);
                    model.append(&mut rest);
                }
                _ => {
                    let before = pack.clone();
                    pack.trim();
                    assert_eq!(before, pack);
                    pack = Sliding::copied(&pack.into_vec(), Vec::new());
                }
            }
            check(&pack, &model);
        }
    }

    #[test]
    fn it_is_a_deque_of_texts() {
        (0..if cfg!(miri) { 3 } else { 200 }).for_each(live);
    }

    /// Pushes at one end and pops at the other move the window, not the elements: no growth, and few slides.
    #[test]
    fn a_queue_stays_in_its_buffer() {
        for is_leftward in [false, true] {
            let mut pack = Sliding::default();
            for number in 0..if cfg!(miri) { 1000 } else { 100_000i64 } {
                match is_leftward {
                    true => pack.push_front(Entry::Int(number), MOST),
                    false => pack.push_back(Entry::Int(number), MOST),
                }
                if pack.len() > 50 {
                    let removed = if is_leftward { pack.remove_last(1) } else { pack.remove(FIRST, 1) };
                    assert_eq!(removed, 1);
                }
            }
            assert!(pack.capacity() <= 2 * pack.pack_bytes(), "{} of {}", pack.pack_bytes(), pack.capacity());
        }
    }

    #[test]
    fn room_is_there_for_all_that_is_to_come() {
        for side in [Side::Front, Side::Back] {
            let mut pack = Sliding::with_room(MOST, side);
            let (capacity, place) = (pack.capacity(), pack.bytes.as_ptr());
            while pack.pack_bytes() + 20 <= MOST {
                match side {
                    Side::Front => pack.push_front(Entry::Bytes(b"an element"), MOST),
                    Side::Back => pack.push_back(Entry::Bytes(b"an element"), MOST),
                }
            }
            assert_eq!(verify(pack.as_slice()), Ok(pack.len()));
            assert_eq!((pack.capacity(), pack.bytes.as_ptr()), (capacity, place));
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "so many entries take it minutes, and there is nothing unsafe")]
    fn counts_beyond_the_header_are_known() {
        let mut pack = Sliding::default();
        (0..70_000).for_each(|_| pack.push_front(Entry::Int(1), usize::MAX));
        assert_eq!((pack.len(), &pack.as_slice()[4..6]), (70_000, &[0xFF, 0xFF][..]));
        pack.remove(FIRST, 10_000);
        assert_eq!(verify(pack.as_slice()), Ok(60_000));
        assert_eq!(Sliding::from_listpack(pack.into_vec()).len(), 60_000);
    }
}
