//! Big sorted sets: members in a table that finds them by name, and beside it a tree that has them in order.
//!
//! ```text
//! ElementTable   member ─► handle ─► record: the member and its score, 8 bytes
//! RankedTree     (score, handle) in the order of score and member
//! ```
//!
//! Invariants: both hold the same elements, and an element's score is the same in both.
//!
//! Cost: adding hashes the member once, waits for its bucket, and walks down the tree, where members are read only if scores are
//! equal. Changing a score rewrites 8 bytes in place, and its entry in the tree where the order allows it.

use super::Written;
use super::range::{LexRange, ScoreRange};
use crate::base::hash::KeyHasher;
use crate::structures::element_table::{ElementTable, Full, Handle};
use crate::structures::ranked_tree::{self, RankedTree};
use std::ops::Range;

/// Bytes that are freed in about the time of one step.
const BYTES_PER_STEP: usize = 4096;

/// For so many elements that go, as many others may be moved together.
const REMOVALS_PER_DEFRAGMENTATION: usize = 64;

/// A sorted set of any size.
pub struct Ranked {
    elements: ElementTable,
    tree: RankedTree,
    hasher: KeyHasher,
    /// Elements removed since others were last moved together.
    removed: usize,
}

impl Ranked {
    pub(super) fn new(hasher: KeyHasher) -> Ranked {
        Ranked { elements: ElementTable::new(hasher), tree: RankedTree::new(), hasher, removed: 0 }
    }

    /// A set of elements whose payloads are scores; the tree is made of them.
    pub(super) fn of_elements(elements: ElementTable, hasher: KeyHasher) -> Ranked {
        let tree = RankedTree::from_sorted(in_order(&elements));
        Ranked { elements, tree, hasher, removed: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.elements.len()
    }

    /// Buckets of the table, elements in it.
    pub fn table_size(&self) -> (usize, usize) {
        (self.elements.buckets(), self.elements.len())
    }

    pub(super) fn heap_bytes(&self) -> usize {
        size_of::<Ranked>() + self.elements.heap_bytes() + self.tree.heap_bytes()
    }

    pub(super) fn free_effort(&self) -> usize {
        (self.elements.heap_bytes() + self.tree.heap_bytes()) / BYTES_PER_STEP
    }

    // ---- reading ----

    #[inline]
    pub(super) fn score(&self, member: &[u8]) -> Option<f64> {
        self.elements.find(member).map(|handle| score_at(&self.elements, handle))
    }

    pub(super) fn rank_of(&self, member: &[u8]) -> Option<(usize, f64)> {
        let score = self.score(member)?;
        let rank = self.tree.rank_of(score, |handle| self.elements.name(handle).cmp(member));
        Some((rank.expect("a member stands in both"), score))
    }

    pub(super) fn score_ranks(&self, range: &ScoreRange) -> Range<usize> {
        let bound = |is_upper: bool, score| match is_upper {
            true => self.tree.upper_bound(score).rank(),
            false => self.tree.lower_bound(score).rank(),
        };
        let start = bound(range.min.is_exclusive, range.min.score);
        start..bound(!range.max.is_exclusive, range.max.score).max(start)
    }

    pub(super) fn lex_ranks(&self, range: &LexRange<'_>) -> Range<usize> {
        if range.is_empty() {
            return 0..0;
        }
        let start = self.tree.partition_point(|_, handle| range.is_above(self.elements.name(handle))).rank();
        let end = self.tree.partition_point(|_, handle| range.reaches(self.elements.name(handle))).rank();
        start..end.max(start)
    }

    /// The entries of these ranks in order.
    pub(super) fn entries(&self, ranks: Range<usize>) -> ranked_tree::Iter<'_> {
        self.tree.entries(self.tree.at_rank(ranks.start), self.tree.at_rank(ranks.end))
    }

    /// Its members by name.
    #[inline]
    pub fn elements(&self) -> &ElementTable {
        &self.elements
    }

    /// Its elements, to be walked.
    pub(in crate::values) fn elements_mut(&mut self) -> &mut ElementTable {
        &mut self.elements
    }

    pub(super) fn scan<'a>(&'a self, cursor: u64, mut visit: impl FnMut(&'a [u8], f64)) -> u64 {
        self.elements.scan(cursor, |handle| visit(self.elements.name(handle), score_at(&self.elements, handle)))
    }

    // ---- changing ----

    /// See [`SortedSet::write`](super::SortedSet::write).
    #[inline]
    pub(super) fn write(
        &mut self,
        member: &[u8],
        decide: &mut impl FnMut(Option<f64>) -> Option<f64>,
    ) -> Result<Written, Full> {
        let hash = self.elements.hash(member);
        let Some(handle) = self.elements.find_hashed(hash, member) else {
            let Some(score) = decide(None) else { return Ok(Written::Nothing) };
            let handle = self.elements.insert_hashed(hash, member, &score.to_le_bytes(), None)?;
            let elements = &self.elements;
            self.tree.insert(score, handle, |at| elements.name(at).cmp(member));
            return Ok(Written::Added);
        };
        let old = score_at(&self.elements, handle);
        match decide(Some(old)) {
            Some(score) if score != old => {
                let elements = &self.elements;
                let is_there = self.tree.update(old, score, |at| elements.name(at).cmp(member));
                debug_assert!(is_there, "a member stands in both");
                self.elements.payload_mut(handle).copy_from_slice(&score.to_le_bytes());
                Ok(Written::Updated)
            }
            _ => Ok(Written::Nothing),
        }
    }

    /// Adds a member that stands behind all others.
    pub(super) fn push(&mut self, member: &[u8], score: f64) -> Result<(), Full> {
        let handle = self.elements.insert(member, &score.to_le_bytes(), None)?;
        self.tree.push_last(score, handle);
        Ok(())
    }

    /// Removes a member; whether it was there.
    pub(super) fn remove(&mut self, member: &[u8]) -> bool {
        let hash = self.elements.hash(member);
        let Some(handle) = self.elements.find_hashed(hash, member) else { return false };
        let elements = &self.elements;
        let removed = self.tree.remove(score_at(elements, handle), |at| elements.name(at).cmp(member));
        debug_assert_eq!(removed, Some(handle), "a member stands in both");
        self.elements.remove_hashed(hash, handle);
        self.give_back(1);
        true
    }

    /// Removes the members of these ranks.
    pub(super) fn remove_ranks(&mut self, ranks: Range<usize>) {
        let count = ranks.len();
        let elements = &mut self.elements;
        self.tree.remove_range(ranks, |_, handle| elements.remove(handle));
        self.give_back(count);
    }

    /// After elements have gone, moves about as many others out of sparse pages, which are given back when they are empty.
    fn give_back(&mut self, removed: usize) {
        self.removed += removed;
        while self.removed >= REMOVALS_PER_DEFRAGMENTATION {
            self.removed -= REMOVALS_PER_DEFRAGMENTATION;
            if !self.defragment() {
                self.removed %= REMOVALS_PER_DEFRAGMENTATION;
            }
        }
    }

    /// Moves some elements together; whether there may be more to move.
    fn defragment(&mut self) -> bool {
        let mut moves = smallvec::SmallVec::<[(Handle, Handle); REMOVALS_PER_DEFRAGMENTATION]>::new();
        let more = self.elements.defragment(REMOVALS_PER_DEFRAGMENTATION, |from, to| moves.push((from, to)));
        let elements = &self.elements;
        for &(_, to) in &moves {
            let name = elements.name(to);
            // The tree may still have the old handle of any element that has moved.
            let order = |at| {
                let now = moves.iter().find(|(from, _)| *from == at).map_or(at, |(_, to)| *to);
                elements.name(now).cmp(name)
            };
            let is_there = self.tree.repoint(score_at(elements, to), to, order);
            debug_assert!(is_there, "a member stands in both");
        }
        more
    }

    /// Panics unless the two parts agree.
    pub(super) fn check_invariants(&self) {
        self.elements.check_invariants();
        self.tree.check_invariants(|a, b| self.elements.name(a).cmp(self.elements.name(b)));
        assert_eq!(self.tree.len(), self.elements.len());
        for (score, handle) in self.tree.iter() {
            assert_eq!(score_at(&self.elements, handle), score);
            assert_eq!(self.elements.find(self.elements.name(handle)), Some(handle));
        }
    }
}

/// An element's score.
#[inline]
pub(super) fn score_at(elements: &ElementTable, handle: Handle) -> f64 {
    let bytes = elements.payload(handle).try_into().expect("a payload is a score");
    f64::from_le_bytes(bytes)
}

/// All elements by score and name.
pub(super) fn in_order(elements: &ElementTable) -> Vec<(f64, Handle)> {
    let mut entries: Vec<_> = elements.iter().map(|handle| (score_at(elements, handle), handle)).collect();
    entries.sort_unstable_by(|(a, one), (b, other)| {
        let by_score = a.partial_cmp(b).expect("no score is NaN");
        by_score.then_with(|| elements.name(*one).cmp(elements.name(*other)))
    });
    entries
}

impl Clone for Ranked {
    fn clone(&self) -> Ranked {
        let mut copy = Ranked::new(self.hasher);
        for (score, handle) in self.tree.iter() {
            copy.push(self.elements.name(handle), score).expect("there is room for what has had room");
        }
        copy
    }
}

impl PartialEq for Ranked {
    /// The same members with the same scores.
    fn eq(&self, other: &Ranked) -> bool {
        let texts = |set: &Ranked, (score, handle): (f64, Handle)| (score, set.elements.name(handle).to_vec());
        let (ours, theirs) = (self.tree.iter(), other.tree.iter());
        ours.len() == theirs.len() && ours.zip(theirs).all(|(a, b)| texts(self, a) == texts(other, b))
    }
}

impl std::fmt::Debug for Ranked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ranked").field("len", &self.len()).finish_non_exhaustive()
    }
}
