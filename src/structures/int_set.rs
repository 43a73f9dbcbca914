//! Intset: a small set of integers in one run of bytes, as Redis keeps it in memory and writes it into files.
//!
//! ```text
//!  0           4            8
//!  ┌───────────┬────────────┬─────────┬─────────┬─────┐
//!  │ width u32 │ length u32 │ least   │ ...     │ most│     little-endian
//!  └───────────┴────────────┴─────────┴─────────┴─────┘
//!    2, 4, 8                  each signed, `width` bytes
//! ```
//!
//! Invariants: members ascend, none stands twice; there are `length` of them and nothing behind. The width is enough for all; it grows
//! with the first member that needs more, and never shrinks. [`verify`] checks bytes that come from elsewhere; what readers find in
//! bytes that were not checked may be wrong, but is never outside of the slice.
//!
//! Cost: a binary search for `contains`, a move of what stands behind for an edit, all members once for a new width.

use std::cmp::Ordering;
use std::ops::Range;

const HEADER_BYTES: usize = 8;

/// The bytes of an intset, to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntSet<'a> {
    bytes: &'a [u8],
    members: Members<'a>,
}

/// Members of each width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Members<'a> {
    Two(&'a [[u8; 2]]),
    Four(&'a [[u8; 4]]),
    Eight(&'a [[u8; 8]]),
}

impl<'a> IntSet<'a> {
    /// Reads `bytes`, which were made here or passed [`verify`].
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Self {
        let members = &bytes[HEADER_BYTES..];
        let members = match width(bytes) {
            2 => Members::Two(members.as_chunks().0),
            4 => Members::Four(members.as_chunks().0),
            _ => Members::Eight(members.as_chunks().0),
        };
        IntSet { bytes, members }
    }

    /// All its bytes.
    #[inline]
    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// How many members it has.
    #[inline]
    pub fn len(self) -> usize {
        match self.members {
            Members::Two(members) => members.len(),
            Members::Four(members) => members.len(),
            Members::Eight(members) => members.len(),
        }
    }

    /// Whether it has no members.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The member with this index in ascending order.
    #[inline]
    pub fn get(self, index: usize) -> Option<i64> {
        match self.members {
            Members::Two(members) => members.get(index).map(|&member| short(member)),
            Members::Four(members) => members.get(index).map(|&member| middle(member)),
            Members::Eight(members) => members.get(index).map(|&member| i64::from_le_bytes(member)),
        }
    }

    /// Whether `value` is a member.
    #[inline]
    pub fn contains(self, value: i64) -> bool {
        self.search(value).is_ok()
    }

    /// The index of `value`, or the one it would have, as `Err`.
    #[inline]
    pub fn search(self, value: i64) -> Result<usize, usize> {
        match self.members {
            Members::Two(members) => search(members, value, short),
            Members::Four(members) => search(members, value, middle),
            Members::Eight(members) => search(members, value, i64::from_le_bytes),
        }
    }

    /// The members in ascending order, from either end.
    #[inline]
    pub fn iter(self) -> Iter<'a> {
        Iter { set: self, indexes: 0..self.len() }
    }
}

impl<'a> IntoIterator for IntSet<'a> {
    type Item = i64;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Members of an intset in ascending order.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    set: IntSet<'a>,
    indexes: Range<usize>,
}

impl Iterator for Iter<'_> {
    type Item = i64;

    #[inline]
    fn next(&mut self) -> Option<i64> {
        self.set.get(self.indexes.next()?)
    }

    #[inline]
    fn nth(&mut self, n: usize) -> Option<i64> {
        self.set.get(self.indexes.nth(n)?)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.indexes.size_hint()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<i64> {
        self.set.get(self.indexes.next_back()?)
    }
}

impl ExactSizeIterator for Iter<'_> {}

/// An intset without members.
pub fn new() -> Vec<u8> {
    vec![2, 0, 0, 0, 0, 0, 0, 0]
}

/// Adds a member. Whether it was new.
pub fn insert(set: &mut Vec<u8>, value: i64) -> bool {
    let needed = width_of(value);
    if needed > width(set) {
        widen(set, needed);
    }
    let view = IntSet::new(set);
    let Err(index) = view.search(value) else { return false };
    let len = view.len() + 1;
    let width = width(set);
    let offset = HEADER_BYTES + index * width;
    let old_len = set.len();
    if set.capacity() - old_len < width {
        set.reserve_exact(width.max(old_len / 4));
    }
    set.extend_from_slice(&[0; 8][..width]);
    set.copy_within(offset..old_len, offset + width);
    set[offset..offset + width].copy_from_slice(&value.to_le_bytes()[..width]);
    write_len(set, len);
    true
}

/// Removes a member. Whether it was there.
pub fn remove(set: &mut Vec<u8>, value: i64) -> bool {
    match IntSet::new(set).search(value) {
        Ok(index) => {
            remove_at(set, index);
            true
        }
        Err(_) => false,
    }
}

/// Removes the member with this index, which there has to be.
pub fn remove_at(set: &mut Vec<u8>, index: usize) {
    let len = IntSet::new(set).len() - 1;
    let width = width(set);
    let offset = HEADER_BYTES + index * width;
    set.copy_within(offset + width.., offset);
    set.truncate(HEADER_BYTES + len * width);
    write_len(set, len);
}

/// What is wrong with bytes that claim to be an intset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Too few bytes for a header.
    TooShort,
    /// A width other than 2, 4 and 8.
    Width(u32),
    /// The length that it claims is not that of its members, or is 0, which no writer keeps.
    Length,
    /// The member with this index is not greater than the one before.
    Order(usize),
}

/// Checks every byte that readers rely on. Gives the number of members.
pub fn verify(bytes: &[u8]) -> Result<usize, Flaw> {
    let Some((&[w0, w1, w2, w3, l0, l1, l2, l3], members)) = bytes.split_first_chunk() else {
        return Err(Flaw::TooShort);
    };
    let width = u32::from_le_bytes([w0, w1, w2, w3]);
    if !matches!(width, 2 | 4 | 8) {
        return Err(Flaw::Width(width));
    }
    let length = u32::from_le_bytes([l0, l1, l2, l3]);
    if length == 0 || u64::from(length) * u64::from(width) != members.len() as u64 {
        return Err(Flaw::Length);
    }
    let set = IntSet::new(bytes);
    match set.iter().zip(set.iter().skip(1)).position(|(before, after)| before >= after) {
        Some(index) => Err(Flaw::Order(index + 1)),
        None => Ok(set.len()),
    }
}

#[inline]
fn short(member: [u8; 2]) -> i64 {
    i64::from(i16::from_le_bytes(member))
}

#[inline]
fn middle(member: [u8; 4]) -> i64 {
    i64::from(i32::from_le_bytes(member))
}

/// A binary search that knows sets that are filled in order: what is greater than all members costs one comparison.
#[inline]
fn search<const WIDTH: usize>(
    members: &[[u8; WIDTH]],
    value: i64,
    read: impl Fn([u8; WIDTH]) -> i64,
) -> Result<usize, usize> {
    match members.last().map(|&last| read(last).cmp(&value)) {
        None | Some(Ordering::Less) => Err(members.len()),
        Some(Ordering::Equal) => Ok(members.len() - 1),
        Some(Ordering::Greater) => members.binary_search_by(|&member| read(member).cmp(&value)),
    }
}

/// Bytes of each member.
#[inline]
fn width(set: &[u8]) -> usize {
    usize::from(set[0])
}

#[inline]
fn width_of(value: i64) -> usize {
    match value {
        -0x8000..=0x7FFF => 2,
        -0x8000_0000..=0x7FFF_FFFF => 4,
        _ => 8,
    }
}

fn widen(set: &mut Vec<u8>, width: usize) {
    let old = IntSet::new(set);
    let mut wide = Vec::with_capacity(HEADER_BYTES + (old.len() + 1) * width);
    wide.extend_from_slice(&(width as u32).to_le_bytes());
    wide.extend_from_slice(&set[4..HEADER_BYTES]);
    for member in old {
        wide.extend_from_slice(&member.to_le_bytes()[..width]);
    }
    *set = wide;
}

#[inline]
fn write_len(set: &mut [u8], len: usize) {
    let len = u32::try_from(len).expect("members that an intset can count");
    set[4..HEADER_BYTES].copy_from_slice(&len.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn set_of(members: &[i64]) -> Vec<u8> {
        let mut set = new();
        members.iter().for_each(|&member| assert!(insert(&mut set, member)));
        set
    }

    /// What Redis 8.0 has in its DUMP of the same sets.
    const OF_REDIS: &[(&[i64], &[u8])] = &[
        (&[1, 2, -3, 32767], b"\x02\0\0\0\x04\0\0\0\xfd\xff\x01\0\x02\0\xff\x7f"),
        (&[1, -40000], b"\x04\0\0\0\x02\0\0\0\xc0c\xff\xff\x01\0\0\0"),
        (
            &[1, 5_000_000_000, -70000],
            b"\x08\0\0\0\x03\0\0\0\x90\xee\xfe\xff\xff\xff\xff\xff\x01\0\0\0\0\0\0\0\0\xf2\x05*\x01\0\0\0",
        ),
    ];

    #[test]
    fn bytes_are_those_of_redis() {
        for &(members, bytes) in OF_REDIS {
            assert_eq!(set_of(members), bytes);
            assert_eq!(verify(bytes), Ok(members.len()));
            assert!(members.iter().all(|&member| IntSet::new(bytes).contains(member)));
        }
    }

    #[test]
    fn the_width_grows_at_the_edges_and_does_not_shrink() {
        let edges = [(i64::from(i16::MAX), 2, 4), (i64::from(i16::MIN), 2, 4)];
        let wide_edges = [(i64::from(i32::MAX), 4, 8), (i64::from(i32::MIN), 4, 8)];
        for (edge, before, after) in edges.into_iter().chain(wide_edges) {
            let mut set = set_of(&[0, edge]);
            assert_eq!(set[0], before);
            let beyond = edge + edge.signum();
            assert!(insert(&mut set, beyond));
            assert_eq!((set[0], set.len()), (after, 8 + 3 * usize::from(after)));
            assert!(remove(&mut set, beyond) && !remove(&mut set, beyond) && !insert(&mut set, edge));
            assert_eq!(set[0], after);
        }
    }

    #[test]
    fn flaws_are_named() {
        let good = set_of(&[1, 2, 3]);
        let with = |at: usize, byte: u8| {
            let mut bad = good.clone();
            bad[at] = byte;
            verify(&bad)
        };
        assert_eq!(verify(&good[..7]), Err(Flaw::TooShort));
        assert_eq!(verify(&new()), Err(Flaw::Length));
        assert_eq!(verify(&good[..13]), Err(Flaw::Length));
        assert_eq!(with(0, 3), Err(Flaw::Width(3)));
        assert_eq!(with(0, 4), Err(Flaw::Length));
        assert_eq!(with(7, 0x80), Err(Flaw::Length));
        assert_eq!(with(10, 1), Err(Flaw::Order(1)));
        assert_eq!(with(13, 0x80), Err(Flaw::Order(2)));
    }

    /// Members that crowd at the edges of the widths.
    fn member() -> impl Strategy<Value = i64> {
        prop_oneof![
            -20i64..20,
            (0u32..64, -2i64..2).prop_map(|(bit, near)| (1i64 << bit).wrapping_add(near)),
            any::<i64>()
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 256 }, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn it_is_a_set(edits in prop::collection::vec((any::<bool>(), member()), 0..if cfg!(miri) { 50 } else { 200 })) {
            let (mut set, mut model) = (new(), BTreeSet::new());
            for (grows, value) in edits {
                if grows {
                    prop_assert_eq!(insert(&mut set, value), model.insert(value));
                } else {
                    prop_assert_eq!(remove(&mut set, value), model.remove(&value));
                }
                let view = IntSet::new(&set);
                prop_assert_eq!(view.contains(value), grows);
                prop_assert!(view.iter().eq(model.iter().copied()));
                prop_assert!(view.iter().rev().eq(model.iter().rev().copied()));
                prop_assert_eq!((view.len(), view.is_empty()), (model.len(), model.is_empty()));
                prop_assert_eq!(verify(&set).ok(), (!model.is_empty()).then_some(model.len()));
            }
            let view = IntSet::new(&set);
            for (index, &member) in model.iter().enumerate() {
                prop_assert_eq!((view.get(index), view.search(member)), (Some(member), Ok(index)));
            }
            prop_assert_eq!(view.get(model.len()), None);
        }

        #[test]
        fn what_passes_the_check_is_a_set(mut set in prop::collection::vec(any::<u8>(), 0..60), width in 0usize..3, count: u8) {
            if set.len() >= 8 {
                set[..8].copy_from_slice(&[2 << width, 0, 0, 0, count % 8, 0, 0, 0]);
                set.truncate(8 + usize::from(count % 8) * (2 << width));
            }
            if let Ok(len) = verify(&set) {
                let members: Vec<i64> = IntSet::new(&set).iter().collect();
                prop_assert!(members.is_sorted_by(|before, after| before < after));
                prop_assert_eq!(members.len(), len);
                prop_assert!(members.iter().all(|&member| IntSet::new(&set).contains(member)));
            }
        }
    }
}
