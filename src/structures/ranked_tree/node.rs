//! The nodes of a [`super::RankedTree`] and the slabs they stand in. Each operation here is on one node and knows of no other.

use std::cmp::Ordering;

/// No node.
pub(super) const NONE: u32 = u32::MAX;

/// Entries of a leaf: 1536 bytes with its three links, a size class of the usual allocators.
pub(super) const LEAF_CAPACITY: usize = 127;

/// Children of an inner node: 640 bytes.
pub(super) const FANOUT: usize = 31;

/// Scores that one step of the search in a leaf covers: two cache lines.
const STRIDE: usize = 16;

/// A score with the handle of what has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) score: f64,
    pub(super) handle: u32,
}

/// A run of entries in order. `scores` and `handles` count up to `len`; what stands behind has no meaning.
#[derive(Debug)]
pub(super) struct Leaf {
    scores: [f64; LEAF_CAPACITY],
    handles: [u32; LEAF_CAPACITY],
    len: u32,
    pub(super) prev: u32,
    pub(super) next: u32,
}

/// What an inner node knows of a child: the first entry below it, how many there are, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Child {
    pub(super) first: Entry,
    pub(super) count: u32,
    pub(super) node: u32,
}

/// Children in order. Scores behind `len` are NaN, which is neither below nor equal to anything: a search looks at all of them
/// and needs no branch.
#[derive(Debug)]
pub(super) struct Inner {
    scores: [f64; FANOUT + 1],
    handles: [u32; FANOUT],
    counts: [u32; FANOUT],
    nodes: [u32; FANOUT],
    len: u32,
}

const _: () = assert!(size_of::<Leaf>() == 1536 && size_of::<Inner>() <= 640);

impl Leaf {
    /// A leaf without entries, before and behind which there is nothing.
    pub(super) const EMPTY: Leaf = Leaf::between(NONE, NONE);

    /// A leaf without entries, between these two.
    pub(super) const fn between(prev: u32, next: u32) -> Leaf {
        Leaf { scores: [0.0; LEAF_CAPACITY], handles: [0; LEAF_CAPACITY], len: 0, prev, next }
    }

    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    pub(super) fn scores(&self) -> &[f64] {
        &self.scores[..self.len()]
    }

    pub(super) fn handles(&self) -> &[u32] {
        &self.handles[..self.len()]
    }

    pub(super) fn entry(&self, at: usize) -> Entry {
        Entry { score: self.scores()[at], handle: self.handles()[at] }
    }

    /// Entries with a score below this one. Scores are compared in two rounds that do not wait for each other's cache lines:
    /// first one per stride, then those of a stride.
    pub(super) fn below(&self, score: f64) -> usize {
        self.leading(|it| it < score)
    }

    /// Entries with this score or one below.
    pub(super) fn up_to(&self, score: f64) -> usize {
        self.leading(|it| it <= score)
    }

    fn leading(&self, holds: impl Fn(f64) -> bool) -> usize {
        let scores = self.scores();
        let strides = scores.iter().skip(STRIDE - 1).step_by(STRIDE).filter(|it| holds(**it)).count();
        let begin = strides * STRIDE;
        let end = scores.len().min(begin + STRIDE);
        begin + scores[begin..end].iter().filter(|it| holds(**it)).count()
    }

    /// The place of an entry, or the one where it belongs. `order` tells how the member of a handle stands to the sought one.
    pub(super) fn search(&self, score: f64, order: &mut impl FnMut(u32) -> Ordering) -> Result<usize, usize> {
        let first = self.below(score);
        let scores = self.scores();
        if first == scores.len() || scores[first] != score {
            return Err(first);
        }
        let behind = match scores.get(first + 1) {
            Some(next) if *next == score => self.up_to(score),
            _ => first + 1,
        };
        match self.handles[first..behind].binary_search_by(|handle| order(*handle)) {
            Ok(at) => Ok(first + at),
            Err(at) => Err(first + at),
        }
    }

    pub(super) fn insert(&mut self, at: usize, entry: Entry) {
        let len = self.len();
        self.scores.copy_within(at..len, at + 1);
        self.handles.copy_within(at..len, at + 1);
        self.set(at, entry);
        self.len += 1;
    }

    pub(super) fn set(&mut self, at: usize, entry: Entry) {
        self.scores[at] = entry.score;
        self.handles[at] = entry.handle;
    }

    pub(super) fn set_handle(&mut self, at: usize, handle: u32) {
        self.handles[at] = handle;
    }

    /// Takes out `count` entries from `at` on.
    pub(super) fn remove(&mut self, at: usize, count: usize) {
        let len = self.len();
        self.scores.copy_within(at + count..len, at);
        self.handles.copy_within(at + count..len, at);
        self.len -= count as u32;
    }

    /// Adds what another leaf holds.
    pub(super) fn append(&mut self, other: &Leaf) {
        self.extend(other.scores(), other.handles());
    }

    /// Holds these entries and no others.
    pub(super) fn fill(&mut self, scores: &[f64], handles: &[u32]) {
        self.len = 0;
        self.extend(scores, handles);
    }

    fn extend(&mut self, scores: &[f64], handles: &[u32]) {
        let (from, to) = (self.len(), self.len() + scores.len());
        self.scores[from..to].copy_from_slice(scores);
        self.handles[from..to].copy_from_slice(handles);
        self.len = to as u32;
    }
}

impl Inner {
    /// A node without children.
    pub(super) const EMPTY: Inner = Inner {
        scores: [f64::NAN; FANOUT + 1],
        handles: [0; FANOUT],
        counts: [0; FANOUT],
        nodes: [NONE; FANOUT],
        len: 0,
    };

    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    pub(super) fn child(&self, at: usize) -> Child {
        assert!(at < self.len());
        let first = Entry { score: self.scores[at], handle: self.handles[at] };
        Child { first, count: self.counts[at], node: self.nodes[at] }
    }

    pub(super) fn node(&self, at: usize) -> u32 {
        self.nodes[at]
    }

    /// Entries below a child.
    pub(super) fn count(&self, at: usize) -> usize {
        self.counts[at] as usize
    }

    /// Entries below all children before this one.
    pub(super) fn count_before(&self, at: usize) -> usize {
        self.counts[..at].iter().map(|count| *count as usize).sum()
    }

    /// Entries below this node.
    pub(super) fn total(&self) -> u32 {
        self.counts[..self.len()].iter().sum()
    }

    pub(super) fn first(&self) -> Entry {
        self.child(0).first
    }

    /// The child below which an entry stands or belongs: the last whose first entry is not behind it.
    pub(super) fn child_for(&self, score: f64, order: &mut impl FnMut(u32) -> Ordering) -> usize {
        let (mut below, mut up_to) = (0u64, 0u64);
        for it in &self.scores {
            below += u64::from(*it < score);
            up_to += u64::from(*it <= score);
        }
        let (below, up_to) = (below as usize, up_to as usize);
        let equal = match below == up_to {
            true => 0,
            false => self.handles[below..up_to].partition_point(|handle| order(*handle) != Ordering::Greater),
        };
        (below + equal).saturating_sub(1)
    }

    /// The last child whose first score is below this one, or the first child.
    pub(super) fn child_below(&self, score: f64) -> usize {
        self.scores.iter().filter(|it| **it < score).count().saturating_sub(1)
    }

    /// The last child whose first score is this one or below, or the first child.
    pub(super) fn child_up_to(&self, score: f64) -> usize {
        self.scores.iter().filter(|it| **it <= score).count().saturating_sub(1)
    }

    /// The last child whose first entry is before the point where `is_before` becomes false, or the first child.
    pub(super) fn child_before(&self, mut is_before: impl FnMut(f64, u32) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = (low + high) / 2;
            match is_before(self.scores[middle], self.handles[middle]) {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        low.saturating_sub(1)
    }

    /// The child with the entry of this rank, which is made the rank below that child; the last child if there are not as many.
    pub(super) fn child_at_rank(&self, rank: &mut usize) -> usize {
        let last = self.len() - 1;
        for at in 0..last {
            let count = self.count(at);
            if *rank < count {
                return at;
            }
            *rank -= count;
        }
        last
    }

    pub(super) fn insert(&mut self, at: usize, child: Child) {
        let len = self.len();
        self.scores.copy_within(at..len, at + 1);
        self.handles.copy_within(at..len, at + 1);
        self.counts.copy_within(at..len, at + 1);
        self.nodes.copy_within(at..len, at + 1);
        self.set_first(at, child.first);
        (self.counts[at], self.nodes[at]) = (child.count, child.node);
        self.len += 1;
    }

    pub(super) fn remove(&mut self, at: usize) {
        let len = self.len();
        self.scores.copy_within(at + 1..len, at);
        self.handles.copy_within(at + 1..len, at);
        self.counts.copy_within(at + 1..len, at);
        self.nodes.copy_within(at + 1..len, at);
        self.scores[len - 1] = f64::NAN;
        self.len -= 1;
    }

    pub(super) fn set_first(&mut self, at: usize, first: Entry) {
        (self.scores[at], self.handles[at]) = (first.score, first.handle);
    }

    pub(super) fn set_count(&mut self, at: usize, count: usize) {
        self.counts[at] = count as u32;
    }

    pub(super) fn raise_count(&mut self, at: usize) {
        self.counts[at] += 1;
    }

    pub(super) fn lower_count(&mut self, at: usize, by: usize) {
        self.counts[at] -= by as u32;
    }

    /// Adds the children of another node from `from` on.
    pub(super) fn append(&mut self, other: &Inner, from: usize) {
        for at in from..other.len() {
            self.insert(self.len(), other.child(at));
        }
    }

    /// Keeps the first `len` children.
    pub(super) fn truncate(&mut self, len: usize) {
        self.scores[len..].fill(f64::NAN);
        self.len = len as u32;
    }
}

/// Nodes by number. A number that was given back is given out again.
#[derive(Debug)]
pub(super) struct Slab<T> {
    nodes: Vec<Option<Box<T>>>,
    free: Vec<u32>,
}

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Slab { nodes: Vec::new(), free: Vec::new() }
    }

    pub(super) fn get(&self, node: u32) -> &T {
        self.nodes[node as usize].as_deref().expect("a live node")
    }

    pub(super) fn get_mut(&mut self, node: u32) -> &mut T {
        self.nodes[node as usize].as_deref_mut().expect("a live node")
    }

    /// Two different nodes.
    pub(super) fn pair_mut(&mut self, one: u32, other: u32) -> (&mut T, &mut T) {
        let nodes = self.nodes.get_disjoint_mut([one as usize, other as usize]).expect("two different nodes");
        let [Some(one), Some(other)] = nodes else { panic!("live nodes") };
        (one, other)
    }

    pub(super) fn add(&mut self, node: T) -> u32 {
        let node = Some(Box::new(node));
        match self.free.pop() {
            Some(number) => {
                self.nodes[number as usize] = node;
                number
            }
            None => {
                self.nodes.push(node);
                (self.nodes.len() - 1) as u32
            }
        }
    }

    /// Frees a node. When the last is gone, so is the slab's own memory.
    pub(super) fn remove(&mut self, node: u32) {
        self.nodes[node as usize] = None;
        self.free.push(node);
        if self.live() == 0 {
            *self = Slab::new();
        }
    }

    pub(super) fn live(&self) -> usize {
        self.nodes.len() - self.free.len()
    }

    /// Whether the two lists are long for the nodes that are left.
    pub(super) fn is_sparse(&self) -> bool {
        self.nodes.len() >= 512 && self.nodes.len() / 32 > self.live()
    }

    /// Bytes of heap: the nodes, in multiples of 128 as allocators have it at this size, and the two lists.
    pub(super) fn heap_bytes(&self) -> usize {
        self.live() * size_of::<T>().next_multiple_of(128)
            + self.nodes.capacity() * size_of::<Option<Box<T>>>()
            + self.free.capacity() * size_of::<u32>()
    }
}
