//! The ranked tree: elements in the order of a score and, where scores are equal, of a member; each found by rank, too.
//!
//! ```text
//!   Inner   scores  │ s0 │ s1 │ s2 │ .. ≤ 31      first entry below each child: its score ...
//!           handles │ h0 │ h1 │ h2 │              ... and its handle
//!           counts  │ 97 │127 │ 88 │              entries below each child: sums of them are ranks
//!           nodes   │  ▼ │  ▼ │  ▼ │              numbers in the slab of inner nodes or, at the lowest level, of leaves
//!
//!   Leaf    scores  │ f64 × ≤ 127 │               1536 bytes: 12 per entry, and the numbers of the leaves
//!           handles │ u32 × ≤ 127 │               before and behind
//! ```
//!
//! An entry is a score and a handle. The member itself stands with the caller, who lends its order: wherever two scores are equal, a
//! function given along tells how the member of a *stored* handle stands to the *sought* one (as in `binary_search_by`). Where
//! scores differ it is not called, and no member is read. -0.0 equals 0.0; NaN must not come in.
//!
//! Invariants:
//! - Entries are in order within a leaf and from leaf to leaf; the links agree with that order. All leaves have the same depth.
//! - What an inner node has of a child is exact: its first entry (so no handle of a removed entry stays), its count.
//! - No node is empty; a root that is an inner node has two children at least.
//! - Two leaves of one parent of which a removal left one at less than two thirds are joined if seven eighths of a leaf hold
//!   both; likewise inner nodes below a half. So nodes are few, though no single one has a least length.
//!
//! **Full leaves.** A leaf that is full gives to a neighbour that has room, both becoming equally long; if neither has, two
//! become three: leaves are filled to about five sixths by random inserts. At the right edge of the tree a new entry starts a
//! leaf of its own, at the left edge too, so that ascending and descending inserts fill leaves completely.
//!
//! Cost, at a million entries: three inner nodes, whose five hundred take 300 KB and stay cached, then one leaf; a search there
//! waits for memory twice. Inserting moves half a leaf, and adds one to a count per level. Nothing is allocated but when two
//! leaves become three.

mod balance;
mod node;
mod walk;

pub use walk::{Iter, Position};

use std::cmp::Ordering;
use std::ops::Range;

use node::{Child, Entry, FANOUT, Inner, LEAF_CAPACITY, Leaf, NONE, Slab};

/// Levels of inner nodes, at most: as many as 2^32 entries could ever need.
const MAX_HEIGHT: usize = 10;

/// Entries in the order of score and member.
#[derive(Debug)]
pub struct RankedTree {
    leaves: Slab<Leaf>,
    inners: Slab<Inner>,
    /// An inner node, or a leaf if `height` is 0; [`NONE`] without entries.
    root: u32,
    /// Levels of inner nodes.
    height: usize,
    len: usize,
}

/// An inner node on the way down, and which of its children was taken.
#[derive(Clone, Copy)]
struct Step {
    node: u32,
    at: usize,
}

/// The way from the root down to a leaf.
struct Path {
    steps: [Step; MAX_HEIGHT],
    height: usize,
    leaf: u32,
}

impl Path {
    fn steps(&self) -> &[Step] {
        &self.steps[..self.height]
    }
}

impl Default for RankedTree {
    fn default() -> Self {
        Self::new()
    }
}

impl RankedTree {
    /// A tree without entries; it holds no memory.
    pub const fn new() -> Self {
        RankedTree { leaves: Slab::new(), inners: Slab::new(), root: NONE, height: 0, len: 0 }
    }

    /// A tree of entries that come in order, no two of them equal; its leaves are full.
    pub fn from_sorted(entries: impl IntoIterator<Item = (f64, u32)>) -> Self {
        let mut tree = RankedTree::new();
        for (score, handle) in entries {
            tree.push_last(score, handle);
        }
        tree
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of heap that it holds.
    pub fn heap_bytes(&self) -> usize {
        self.leaves.heap_bytes() + self.inners.heap_bytes()
    }

    /// Adds an entry. Its member must not be there with this score; `order` tells how stored members stand to it.
    pub fn insert(&mut self, score: f64, handle: u32, mut order: impl FnMut(u32) -> Ordering) {
        debug_assert!(!score.is_nan());
        if self.root == NONE {
            return self.push_last(score, handle);
        }
        let path = self.trace(|inner| inner.child_for(score, &mut order));
        let found = self.leaves.get(path.leaf).search(score, &mut order);
        debug_assert!(found.is_err(), "an entry that is there already");
        let (Ok(at) | Err(at)) = found;
        self.insert_at(&path, at, Entry { score, handle });
    }

    /// Adds an entry that stands behind all others.
    pub fn push_last(&mut self, score: f64, handle: u32) {
        if self.root == NONE {
            self.root = self.leaves.add(Leaf::EMPTY);
        }
        let path = self.trace(|inner| inner.len() - 1);
        let at = self.leaves.get(path.leaf).len();
        self.insert_at(&path, at, Entry { score, handle });
    }

    /// Removes an entry and gives its handle; none if it is not there. `order` tells how stored members stand to the sought one;
    /// the removed one's must be readable until this returns.
    pub fn remove(&mut self, score: f64, order: impl FnMut(u32) -> Ordering) -> Option<u32> {
        let (path, at) = self.find(score, order)?;
        let handle = self.leaves.get(path.leaf).handles()[at];
        self.remove_at(&path, at, 1);
        Some(handle)
    }

    /// Removes the entries of these ranks and hands them to `removed` in order. No member is read: it may be freed there.
    ///
    /// # Panics
    ///
    /// If there are not as many entries.
    pub fn remove_range(&mut self, ranks: Range<usize>, mut removed: impl FnMut(f64, u32)) {
        assert!(ranks.end <= self.len, "ranks that are not there");
        let mut remaining = ranks.len();
        while remaining > 0 {
            let mut at = ranks.start;
            let path = self.trace(|inner| inner.child_at_rank(&mut at));
            let leaf = self.leaves.get(path.leaf);
            let count = remaining.min(leaf.len() - at);
            let entries = leaf.scores()[at..at + count].iter().zip(&leaf.handles()[at..at + count]);
            entries.for_each(|(score, handle)| removed(*score, *handle));
            self.remove_at(&path, at, count);
            remaining -= count;
        }
    }

    /// Gives the entry of a member another score: in its place, or within its leaf, where the order allows it. Tells whether
    /// the entry is there.
    pub fn update(&mut self, score: f64, new_score: f64, mut order: impl FnMut(u32) -> Ordering) -> bool {
        debug_assert!(!new_score.is_nan());
        let Some((path, at)) = self.find(score, &mut order) else { return false };
        let leaf = self.leaves.get_mut(path.leaf);
        let entry = Entry { score: new_score, handle: leaf.handles()[at] };
        // Strictly between the scores of its neighbours, or of the leaf's ends, no other leaf is concerned.
        let scores = leaf.scores();
        let (first, last) = (scores[0], scores[scores.len() - 1]);
        let is_above = |before: Option<&f64>| before.map_or(leaf.prev == NONE, |before| *before < new_score);
        let is_below = |behind: Option<&f64>| behind.map_or(leaf.next == NONE, |behind| new_score < *behind);
        if is_above(at.checked_sub(1).and_then(|before| scores.get(before))) && is_below(scores.get(at + 1)) {
            leaf.set(at, entry);
        } else if (first < new_score || leaf.prev == NONE) && (new_score < last || leaf.next == NONE) {
            leaf.remove(at, 1);
            let (Ok(to) | Err(to)) = leaf.search(new_score, &mut order);
            leaf.insert(to, entry);
        } else {
            self.remove_at(&path, at, 1);
            self.insert(new_score, entry.handle, order);
            return true;
        }
        self.tell_first(&path);
        true
    }

    /// The member of an entry has another handle from now on; tells whether the entry is there. `order` may be asked about
    /// either handle.
    pub fn repoint(&mut self, score: f64, new_handle: u32, order: impl FnMut(u32) -> Ordering) -> bool {
        let Some((path, at)) = self.find(score, order) else { return false };
        self.leaves.get_mut(path.leaf).set_handle(at, new_handle);
        if at == 0 {
            self.tell_first(&path);
        }
        true
    }

    /// How many entries stand before that of a member; none if it is not there.
    pub fn rank_of(&self, score: f64, order: impl FnMut(u32) -> Ordering) -> Option<usize> {
        let (path, at) = self.find(score, order)?;
        Some(self.rank_before(&path) + at)
    }

    /// The place before the entry of this rank; the end if there are not as many entries.
    pub fn at_rank(&self, rank: usize) -> Position {
        let mut index = rank.min(self.len);
        let rank = index;
        let path = self.trace(|inner| inner.child_at_rank(&mut index));
        Position { rank, leaf: path.leaf, index: index as u32 }
    }

    /// The place before the first entry with this score or a higher one.
    pub fn lower_bound(&self, score: f64) -> Position {
        let path = self.trace(|inner| inner.child_below(score));
        self.position(&path, self.leaf_or_empty(path.leaf).below(score))
    }

    /// The place before the first entry with a higher score.
    pub fn upper_bound(&self, score: f64) -> Position {
        let path = self.trace(|inner| inner.child_up_to(score));
        self.position(&path, self.leaf_or_empty(path.leaf).up_to(score))
    }

    /// The place before the first entry for which `is_before` is false; it must be true for all entries up to one point and
    /// for none behind it. So a range of members is found.
    pub fn partition_point(&self, mut is_before: impl FnMut(f64, u32) -> bool) -> Position {
        let path = self.trace(|inner| inner.child_before(&mut is_before));
        let leaf = self.leaf_or_empty(path.leaf);
        let (mut low, mut high) = (0, leaf.len());
        while low < high {
            let middle = (low + high) / 2;
            match is_before(leaf.scores()[middle], leaf.handles()[middle]) {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        self.position(&path, low)
    }

    fn position(&self, path: &Path, index: usize) -> Position {
        let rank = self.rank_before(path) + index;
        self.normal(Position { rank, leaf: path.leaf, index: index as u32 })
    }

    /// The way down that takes the chosen child of each inner node.
    fn trace(&self, mut choose: impl FnMut(&Inner) -> usize) -> Path {
        let mut path = Path { steps: [Step { node: NONE, at: 0 }; MAX_HEIGHT], height: self.height, leaf: NONE };
        let mut node = self.root;
        for step in &mut path.steps[..self.height] {
            let inner = self.inners.get(node);
            *step = Step { node, at: choose(inner) };
            node = inner.node(step.at);
        }
        path.leaf = node;
        path
    }

    /// Where the entry of a member is.
    fn find(&self, score: f64, mut order: impl FnMut(u32) -> Ordering) -> Option<(Path, usize)> {
        let path = self.trace(|inner| inner.child_for(score, &mut order));
        let at = self.leaf_or_empty(path.leaf).search(score, &mut order).ok()?;
        Some((path, at))
    }

    /// Entries before the leaf of a path.
    fn rank_before(&self, path: &Path) -> usize {
        path.steps().iter().map(|step| self.inners.get(step.node).count_before(step.at)).sum()
    }

    /// Panics unless all invariants hold; `order` compares the members of two handles.
    pub fn check_invariants(&self, order: impl Fn(u32, u32) -> Ordering) {
        let mut leaves = Vec::new();
        if self.root != NONE {
            self.check_below(self.root, self.height, &mut leaves);
            assert!(self.height == 0 || self.inners.get(self.root).len() > 1, "a root with one child");
        }
        let neighbour = |at: Option<usize>| at.and_then(|at| leaves.get(at)).copied().unwrap_or(NONE);
        for (at, number) in leaves.iter().enumerate() {
            let leaf = self.leaves.get(*number);
            assert_eq!((leaf.prev, leaf.next), (neighbour(at.checked_sub(1)), neighbour(Some(at + 1))), "links");
        }
        assert_eq!(leaves.len(), self.leaves.live(), "leaves that nobody knows");
        let entries: Vec<(f64, u32)> = self.iter().collect();
        assert_eq!(entries.len(), self.len, "the number of entries");
        for pair in entries.windows(2) {
            let [(a, one), (b, other)] = [pair[0], pair[1]];
            assert!(a < b || (a == b && order(one, other) == Ordering::Less), "{pair:?} are not in order");
        }
    }

    /// Checks what is below a node, puts its leaves into a list, and gives its first entry and the number of all.
    fn check_below(&self, node: u32, height: usize, leaves: &mut Vec<u32>) -> (Entry, u32) {
        if height == 0 {
            leaves.push(node);
            let leaf = self.leaves.get(node);
            return (leaf.entry(0), leaf.len() as u32);
        }
        let inner = self.inners.get(node);
        for at in 0..inner.len() {
            let Child { first, count, node } = inner.child(at);
            assert_eq!(self.check_below(node, height - 1, leaves), (first, count), "what a node knows of child {at}");
        }
        (inner.first(), inner.total())
    }
}
