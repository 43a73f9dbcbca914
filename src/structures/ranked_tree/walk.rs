//! Places in a [`RankedTree`] and the walks between them.

use super::RankedTree;
use super::node::{Leaf, NONE};

/// A place in a tree: before an entry, or at the end. It holds until the tree changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub(super) rank: usize,
    pub(super) leaf: u32,
    /// Below the leaf's length, but for the end of the last leaf.
    pub(super) index: u32,
}

impl Position {
    /// How many entries are before it.
    pub fn rank(self) -> usize {
        self.rank
    }
}

/// The entries between two places, from either end.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    tree: &'a RankedTree,
    front: Side<'a>,
    back: Side<'a>,
    remaining: usize,
}

/// A leaf and a place in it.
#[derive(Clone, Debug)]
struct Side<'a> {
    leaf: &'a Leaf,
    index: usize,
}

impl<'a> Side<'a> {
    fn new(tree: &'a RankedTree, position: Position) -> Self {
        Side { leaf: tree.leaf_or_empty(position.leaf), index: position.index as usize }
    }

    fn entry(&self) -> (f64, u32) {
        let entry = self.leaf.entry(self.index);
        (entry.score, entry.handle)
    }
}

impl<'a> Iter<'a> {
    /// What stands from `from` up to `to`, nothing if that is before it.
    pub(super) fn new(tree: &'a RankedTree, from: Position, to: Position) -> Self {
        let remaining = to.rank.saturating_sub(from.rank);
        Iter { tree, front: Side::new(tree, from), back: Side::new(tree, to), remaining }
    }
}

impl Iterator for Iter<'_> {
    type Item = (f64, u32);

    fn next(&mut self) -> Option<(f64, u32)> {
        self.remaining = self.remaining.checked_sub(1)?;
        if self.front.index == self.front.leaf.len() {
            self.front = Side { leaf: self.tree.leaf_or_empty(self.front.leaf.next), index: 0 };
        }
        let entry = self.front.entry();
        self.front.index += 1;
        Some(entry)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.remaining, Some(self.remaining))
    }

    fn nth(&mut self, n: usize) -> Option<(f64, u32)> {
        let mut n = n.min(self.remaining);
        while n > self.front.leaf.len() - self.front.index {
            let passed = self.front.leaf.len() - self.front.index;
            n -= passed;
            self.remaining -= passed;
            self.front = Side { leaf: self.tree.leaf_or_empty(self.front.leaf.next), index: 0 };
        }
        self.front.index += n;
        self.remaining -= n;
        self.next()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<(f64, u32)> {
        self.remaining = self.remaining.checked_sub(1)?;
        if self.back.index == 0 {
            let leaf = self.tree.leaf_or_empty(self.back.leaf.prev);
            self.back = Side { leaf, index: leaf.len() };
        }
        self.back.index -= 1;
        Some(self.back.entry())
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl RankedTree {
    /// The place before the first entry.
    pub fn start(&self) -> Position {
        self.at_rank(0)
    }

    /// The place behind the last entry.
    pub fn end(&self) -> Position {
        self.at_rank(self.len)
    }

    /// The entries from one place up to another, from either end, and how many they are; none if the second is not behind the
    /// first.
    pub fn entries(&self, from: Position, to: Position) -> Iter<'_> {
        Iter::new(self, from, to)
    }

    /// All entries in order.
    pub fn iter(&self) -> Iter<'_> {
        self.entries(self.start(), self.end())
    }

    /// The same place, named by the entry behind it where there is one.
    pub(super) fn normal(&self, position: Position) -> Position {
        let leaf = self.leaf_or_empty(position.leaf);
        match position.index as usize == leaf.len() && leaf.next != NONE {
            true => Position { rank: position.rank, leaf: leaf.next, index: 0 },
            false => position,
        }
    }

    pub(super) fn leaf_or_empty(&self, leaf: u32) -> &Leaf {
        static EMPTY: Leaf = Leaf::EMPTY;
        match leaf {
            NONE => &EMPTY,
            leaf => self.leaves.get(leaf),
        }
    }
}
