//! How a [`RankedTree`] grows and shrinks: what becomes of full leaves, of thin ones, and of the nodes above.

use super::{Child, Entry, FANOUT, Inner, LEAF_CAPACITY, Leaf, NONE, Path, RankedTree, Step};

/// A neighbour with at most this many entries has room for some of a full leaf's.
const HAS_ROOM: usize = LEAF_CAPACITY - LEAF_CAPACITY / 8;

/// A leaf that a removal leaves with fewer entries may be joined with a neighbour ...
const THIN_LEAF: usize = LEAF_CAPACITY * 2 / 3;
/// ... if together they have at most so many: the next insert is not to split it again.
const JOINED_LEAF: usize = LEAF_CAPACITY - LEAF_CAPACITY / 8;

/// The same of inner nodes.
const THIN_INNER: usize = FANOUT / 2;
const JOINED_INNER: usize = FANOUT - FANOUT / 8;

/// Leaves that are copied in a fraction of a millisecond.
const FEW_LEAVES: usize = 256;

/// The entries of two leaves and a new one, on their way into two or three leaves.
struct Gathered {
    scores: [f64; 2 * LEAF_CAPACITY + 1],
    handles: [u32; 2 * LEAF_CAPACITY + 1],
    len: usize,
}

impl Gathered {
    fn new() -> Self {
        Gathered { scores: [0.0; 2 * LEAF_CAPACITY + 1], handles: [0; 2 * LEAF_CAPACITY + 1], len: 0 }
    }

    fn extend(&mut self, scores: &[f64], handles: &[u32]) {
        let end = self.len + scores.len();
        self.scores[self.len..end].copy_from_slice(scores);
        self.handles[self.len..end].copy_from_slice(handles);
        self.len = end;
    }

    /// Adds a leaf's entries and, at `at` among them, a new one.
    fn extend_with(&mut self, leaf: &Leaf, at: usize, entry: Entry) {
        self.extend(&leaf.scores()[..at], &leaf.handles()[..at]);
        self.extend(&[entry.score], &[entry.handle]);
        self.extend(&leaf.scores()[at..], &leaf.handles()[at..]);
    }
}

impl RankedTree {
    /// Puts an entry at `at` into the leaf of a path.
    pub(super) fn insert_at(&mut self, path: &Path, at: usize, entry: Entry) {
        self.len += 1;
        let leaf = self.leaves.get_mut(path.leaf);
        if leaf.len() == LEAF_CAPACITY {
            return self.insert_into_full(path, at, entry);
        }
        leaf.insert(at, entry);
        for step in path.steps() {
            self.inners.get_mut(step.node).raise_count(step.at);
        }
        if at == 0 {
            self.tell_first(path);
        }
    }

    /// Takes `count` entries from `at` on out of the leaf of a path.
    pub(super) fn remove_at(&mut self, path: &Path, at: usize, count: usize) {
        self.take_out(path, at, count);
        // A tree that was much larger is made anew for its list of leaves, while that is quick.
        if self.leaves.is_sparse() && self.leaves.live() <= FEW_LEAVES {
            *self = RankedTree::from_sorted(self.iter());
        }
    }

    fn take_out(&mut self, path: &Path, at: usize, count: usize) {
        self.len -= count;
        let leaf = self.leaves.get_mut(path.leaf);
        leaf.remove(at, count);
        let len = leaf.len();
        for step in path.steps() {
            self.inners.get_mut(step.node).lower_count(step.at, count);
        }
        if len == 0 {
            self.free_leaf(path.leaf);
            return self.drop_child(path.steps());
        }
        if at == 0 {
            self.tell_first(path);
        }
        if let (true, Some((parent, above))) = (len < THIN_LEAF, path.steps().split_last())
            && let Some(left) = self.leaf_to_join(*parent)
        {
            self.join_leaves(parent.node, left);
            self.mend(parent.node, above);
        }
    }

    /// The first entry of a path's leaf may be another one: tells it to the nodes that know of it.
    pub(super) fn tell_first(&mut self, path: &Path) {
        let first = self.leaves.get(path.leaf).entry(0);
        self.set_first(path.steps(), first);
    }

    /// The first entry below the last step's child is this one.
    fn set_first(&mut self, steps: &[Step], first: Entry) {
        for step in steps.iter().rev() {
            self.inners.get_mut(step.node).set_first(step.at, first);
            if step.at > 0 {
                break;
            }
        }
    }

    fn insert_into_full(&mut self, path: &Path, at: usize, entry: Entry) {
        if path.height == 0 {
            self.grow(None);
        }
        let mut steps = path.steps;
        let height = path.height.max(1);
        if path.height == 0 {
            steps[0] = Step { node: self.root, at: 0 };
        }
        let (parent, above) = steps[..height].split_last().expect("a root above the leaf");
        for step in above {
            self.inners.get_mut(step.node).raise_count(step.at);
        }
        let leaf = self.leaves.get(path.leaf);
        if at == LEAF_CAPACITY && leaf.next == NONE {
            self.start_last_leaf(*parent, above, entry);
        } else if at == 0 && leaf.prev == NONE {
            self.start_first_leaf(*parent, above, entry);
        } else {
            self.spread(*parent, above, at, entry);
        }
    }

    /// The new entry is the last of all: it gets a leaf of its own.
    fn start_last_leaf(&mut self, parent: Step, above: &[Step], entry: Entry) {
        let last = self.inners.get(parent.node).node(parent.at);
        let node = self.add_leaf_behind(last);
        self.leaves.get_mut(node).insert(0, entry);
        self.add_child(parent.node, above, parent.at + 1, Child { first: entry, count: 1, node });
    }

    /// The new entry is the first of all: what the first leaf held goes to a new one behind it.
    fn start_first_leaf(&mut self, parent: Step, above: &[Step], entry: Entry) {
        let first = self.inners.get(parent.node).node(0);
        let node = self.add_leaf_behind(first);
        let (leaf, behind) = self.leaves.pair_mut(first, node);
        behind.append(leaf);
        leaf.fill(&[entry.score], &[entry.handle]);
        let child = Child { first: behind.entry(0), count: behind.len() as u32, node };
        self.inners.get_mut(parent.node).set_count(0, 1);
        self.inners.get_mut(parent.node).set_first(0, entry);
        self.set_first(above, entry);
        self.add_child(parent.node, above, 1, child);
    }

    /// Spreads a full leaf, the new entry and a neighbour evenly over the two of them or, if the neighbour is full as well,
    /// over three; an only child becomes two.
    fn spread(&mut self, parent: Step, above: &[Step], at: usize, entry: Entry) {
        let inner = self.inners.get(parent.node);
        let before = parent.at.checked_sub(1).map(|at| inner.count(at));
        let behind = (parent.at + 1 < inner.len()).then(|| inner.count(parent.at + 1));
        let is_left = behind.is_none() || before.is_some_and(|before| Some(before) < behind);
        let neighbour = if is_left { before } else { behind };
        let begin = if is_left && before.is_some() { parent.at - 1 } else { parent.at };
        let end = begin + if neighbour.is_some() { 2 } else { 1 };

        let mut gathered = Gathered::new();
        for child in begin..end {
            let leaf = self.leaves.get(inner.node(child));
            match child == parent.at {
                true => gathered.extend_with(leaf, at, entry),
                false => gathered.extend(leaf.scores(), leaf.handles()),
            }
        }
        let has_room = neighbour.is_some_and(|count| count <= HAS_ROOM);
        let last = inner.node(end - 1);
        let added = (!has_room).then(|| self.add_leaf_behind(last));

        let leaves = end - begin + usize::from(added.is_some());
        let mut child = Child { first: entry, count: 0, node: NONE };
        let mut from = 0;
        for at in 0..leaves {
            let to = gathered.len * (at + 1) / leaves;
            let is_old = begin + at < end;
            let inner = self.inners.get_mut(parent.node);
            let node = if is_old { inner.node(begin + at) } else { added.expect("a new leaf") };
            self.leaves.get_mut(node).fill(&gathered.scores[from..to], &gathered.handles[from..to]);
            let first = Entry { score: gathered.scores[from], handle: gathered.handles[from] };
            match is_old {
                true => {
                    inner.set_first(begin + at, first);
                    inner.set_count(begin + at, to - from);
                }
                false => child = Child { first, count: (to - from) as u32, node },
            }
            from = to;
        }
        if begin == 0 {
            self.set_first(above, self.inners.get(parent.node).first());
        }
        if added.is_some() {
            self.add_child(parent.node, above, end, child);
        }
    }

    /// A leaf without entries behind another.
    fn add_leaf_behind(&mut self, leaf: u32) -> u32 {
        let next = self.leaves.get(leaf).next;
        let added = self.leaves.add(Leaf::between(leaf, next));
        self.leaves.get_mut(leaf).next = added;
        if next != NONE {
            self.leaves.get_mut(next).prev = added;
        }
        added
    }

    fn free_leaf(&mut self, leaf: u32) {
        let Leaf { prev, next, .. } = *self.leaves.get(leaf);
        if prev != NONE {
            self.leaves.get_mut(prev).next = next;
        }
        if next != NONE {
            self.leaves.get_mut(next).prev = prev;
        }
        self.leaves.remove(leaf);
    }

    /// Adds a child to a node, never as its first, splitting nodes on the way up that are full. What the nodes in `above` count
    /// includes it already.
    fn add_child(&mut self, mut node: u32, above: &[Step], mut at: usize, mut child: Child) {
        for depth in (0..=above.len()).rev() {
            if self.inners.get(node).len() < FANOUT {
                return self.inners.get_mut(node).insert(at, child);
            }
            let above = &above[..depth];
            let keep = self.length_to_keep(above, at);
            let added = self.inners.add(Inner::EMPTY);
            let (left, right) = self.inners.pair_mut(node, added);
            right.append(left, keep);
            left.truncate(keep);
            match at < keep {
                true => left.insert(at, child),
                false => right.insert(at - keep, child),
            }
            child = Child { first: right.first(), count: right.total(), node: added };
            let total = left.total() as usize;
            let Some(parent) = above.last() else { return self.grow(Some(child)) };
            self.inners.get_mut(parent.node).set_count(parent.at, total);
            (node, at) = (parent.node, parent.at + 1);
        }
    }

    /// How many children a full node keeps that is split for one more at `at`: half of them, but at the edges of the tree as
    /// ascending and descending inserts like it.
    fn length_to_keep(&self, above: &[Step], at: usize) -> usize {
        let is_last = |step: &Step| step.at + 1 == self.inners.get(step.node).len();
        if at == FANOUT && above.iter().all(is_last) {
            FANOUT
        } else if at == 1 && above.iter().all(|step| step.at == 0) {
            1
        } else {
            FANOUT.div_ceil(2)
        }
    }

    /// Puts a new root above the old one, and the child behind that.
    fn grow(&mut self, child: Option<Child>) {
        let (first, count) = match self.height {
            0 => (self.leaves.get(self.root).entry(0), self.leaves.get(self.root).len() as u32),
            _ => (self.inners.get(self.root).first(), self.inners.get(self.root).total()),
        };
        let mut root = Inner::EMPTY;
        root.insert(0, Child { first, count, node: self.root });
        if let Some(child) = child {
            root.insert(1, child);
        }
        self.root = self.inners.add(root);
        self.height += 1;
    }

    /// Removes the child at the end of a path, which is gone, and all nodes that are empty then.
    fn drop_child(&mut self, steps: &[Step]) {
        let Some((step, above)) = steps.split_last() else {
            (self.root, self.height) = (NONE, 0);
            return;
        };
        let inner = self.inners.get_mut(step.node);
        inner.remove(step.at);
        if inner.len() == 0 {
            self.inners.remove(step.node);
            return self.drop_child(above);
        }
        if step.at == 0 {
            let first = inner.first();
            self.set_first(above, first);
        }
        self.mend(step.node, above);
    }

    /// After an inner node, the child of the last step in `above`, has lost a child: joins it with a neighbour if it is thin,
    /// and lowers the root if that has one child left.
    fn mend(&mut self, node: u32, above: &[Step]) {
        let Some((parent, above)) = above.split_last() else { return self.lower() };
        if self.inners.get(node).len() >= THIN_INNER {
            return;
        }
        let Some(left) = self.inner_to_join(*parent) else { return };
        let height = self.height - above.len() - 1;
        self.join_inners(parent.node, left, height);
        self.mend(parent.node, above);
    }

    /// As long as the root has one child, that is the root.
    fn lower(&mut self) {
        while self.height > 0 && self.inners.get(self.root).len() == 1 {
            let child = self.inners.get(self.root).node(0);
            self.inners.remove(self.root);
            self.root = child;
            self.height -= 1;
        }
    }

    /// The left one of two leaves that are to be joined, one of them the step's child.
    fn leaf_to_join(&self, step: Step) -> Option<usize> {
        let inner = self.inners.get(step.node);
        pairs_of(step.at, inner.len()).find(|left| inner.count(*left) + inner.count(left + 1) <= JOINED_LEAF)
    }

    fn inner_to_join(&self, step: Step) -> Option<usize> {
        let inner = self.inners.get(step.node);
        let len = |at| self.inners.get(inner.node(at)).len();
        pairs_of(step.at, inner.len()).find(|left| len(*left) + len(left + 1) <= JOINED_INNER)
    }

    /// Joins two leaves; `parent` is then one child shorter.
    fn join_leaves(&mut self, parent: u32, left: usize) {
        let inner = self.inners.get(parent);
        let (one, other) = (inner.node(left), inner.node(left + 1));
        let (into, from) = self.leaves.pair_mut(one, other);
        into.append(from);
        self.free_leaf(other);
        self.count_as_one(parent, left);
    }

    /// Joins two inner nodes, `height` levels above the leaves, and then, where they met, what was kept apart only because its
    /// parents were two.
    fn join_inners(&mut self, parent: u32, left: usize, height: usize) {
        let inner = self.inners.get(parent);
        let (one, other) = (inner.node(left), inner.node(left + 1));
        let (into, from) = self.inners.pair_mut(one, other);
        let seam = into.len() - 1;
        into.append(from, 0);
        self.inners.remove(other);
        self.count_as_one(parent, left);
        let joined = self.inners.get(one);
        if height > 1 {
            let len = |at| self.inners.get(joined.node(at)).len();
            if len(seam) + len(seam + 1) <= JOINED_INNER {
                self.join_inners(one, seam, height - 1);
            }
        } else if joined.count(seam) + joined.count(seam + 1) <= JOINED_LEAF {
            self.join_leaves(one, seam);
        }
    }

    /// The entries of two children of a node are below the first of them, and the other is gone.
    fn count_as_one(&mut self, node: u32, left: usize) {
        let inner = self.inners.get_mut(node);
        inner.set_count(left, inner.count(left) + inner.count(left + 1));
        inner.remove(left + 1);
    }
}

/// A child with each of its neighbours: the left one of each pair.
fn pairs_of(at: usize, len: usize) -> impl Iterator<Item = usize> {
    [at.checked_sub(1), (at + 1 < len).then_some(at)].into_iter().flatten()
}
