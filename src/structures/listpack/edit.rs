//! Changes of a listpack. What they need in bytes is asked before, by [`has_room`](super::has_room).

use super::entry::{Encoded, Entry};
use super::{EMPTY, EMPTY_BYTES, Listpack, UNKNOWN_COUNT};

/// A listpack without elements.
pub fn new() -> Vec<u8> {
    EMPTY.to_vec()
}

/// Adds an element behind the last. Gives its offset.
#[inline]
pub fn push_back<'v>(pack: &mut Vec<u8>, value: impl Into<Entry<'v>>) -> usize {
    let offset = pack.len() - 1;
    insert(pack, offset, value);
    offset
}

/// Adds an element before the one at `offset`, which may be the end. It stands at `offset` then; gives the offset behind it, where the
/// old one is now.
#[inline]
pub fn insert<'v>(pack: &mut Vec<u8>, offset: usize, value: impl Into<Entry<'v>>) -> usize {
    let after = put(pack, offset, 0, value.into());
    add_to_count(pack, 1);
    after
}

/// Puts another element in the place of the one at `offset`. Gives the offset behind it.
#[inline]
pub fn replace<'v>(pack: &mut Vec<u8>, offset: usize, value: impl Into<Entry<'v>>) -> usize {
    let old_bytes = Listpack(pack).after(offset) - offset;
    put(pack, offset, old_bytes, value.into())
}

/// Removes the element at `offset`. Gives `offset` if another stands there now, `None` if it was the last.
#[inline]
pub fn remove(pack: &mut Vec<u8>, offset: usize) -> Option<usize> {
    let after = Listpack(pack).after(offset);
    cut(pack, offset, after);
    take_from_count(pack, 1);
    (offset < pack.len() - 1).then_some(offset)
}

/// Removes up to `count` elements, beginning with the one at `offset`, which may be the end. Gives how many.
pub fn remove_range(pack: &mut Vec<u8>, offset: usize, count: usize) -> usize {
    let view = Listpack(pack);
    let mut after = offset;
    let mut removed = 0;
    while removed < count && after < view.end() {
        after = view.after(after);
        removed += 1;
    }
    cut(pack, offset, after);
    take_from_count(pack, removed);
    removed
}

/// Writes an element over the `old_bytes` at `offset`, moving what stands behind them. Gives the offset behind it.
#[inline]
fn put(pack: &mut Vec<u8>, offset: usize, old_bytes: usize, entry: Entry<'_>) -> usize {
    let encoded = Encoded::of(entry);
    let new_bytes = encoded.len();
    if new_bytes < old_bytes {
        cut(pack, offset + new_bytes, offset + old_bytes);
    } else if new_bytes > old_bytes {
        open(pack, offset + old_bytes, new_bytes - old_bytes);
    }
    encoded.write(&mut pack[offset..]);
    offset + new_bytes
}

#[inline]
fn open(pack: &mut Vec<u8>, offset: usize, bytes: usize) {
    let old_len = pack.len();
    if pack.capacity() - old_len < bytes {
        pack.reserve_exact(bytes.max(old_len / 4));
    }
    pack.resize(old_len + bytes, 0);
    pack.copy_within(offset..old_len, offset + bytes);
    write_total(pack);
}

#[inline]
fn cut(pack: &mut Vec<u8>, from: usize, to: usize) {
    let new_len = pack.len() - (to - from);
    pack.copy_within(to.., from);
    pack.truncate(new_len);
    write_total(pack);
}

#[inline]
fn write_total(pack: &mut [u8]) {
    let total = u32::try_from(pack.len()).expect("a listpack within its bound");
    pack[..4].copy_from_slice(&total.to_le_bytes());
}

#[inline]
fn add_to_count(pack: &mut [u8], added: usize) {
    if let Some(len) = Listpack(pack).known_len() {
        write_count(pack, len + added);
    }
}

#[inline]
fn take_from_count(pack: &mut [u8], removed: usize) {
    match Listpack(pack).known_len() {
        Some(len) => write_count(pack, len - removed),
        None if pack.len() == EMPTY_BYTES => write_count(pack, 0),
        None => {}
    }
}

#[inline]
fn write_count(pack: &mut [u8], count: usize) {
    let count = u16::try_from(count).unwrap_or(UNKNOWN_COUNT);
    pack[4..6].copy_from_slice(&count.to_le_bytes());
}
