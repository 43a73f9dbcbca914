//! Walks over a stream's blocks: each as it was when the walk began, in order, while the stream goes on changing.
//!
//! ```text
//!  given        │ to be given: next ..= last            │ came later
//!  blocks ──────┼───────────────────────────────────────┼────────────▶ keys
//!               │ kept: blocks that have changed or gone │
//! ```
//!
//! Blocks are told apart by their keys, which ascend. One that is in `kept` and among the blocks is given as it was kept.

use super::block::BlockRef;
use super::entries::Entries;
use super::id::StreamId;
use crate::values::walk::Slot;
use std::collections::BTreeMap;

/// Bytes of a block that cost about as much to visit as an element.
const BYTES_PER_ELEMENT: usize = 64;

/// A walk under way.
pub(super) struct Walk {
    /// Blocks with a lesser key have been given.
    next: StreamId,
    /// The greatest key of the blocks to be given; `None`: all that are left are kept.
    last: Option<StreamId>,
    kept: BTreeMap<StreamId, Box<[u8]>>,
    kept_bytes: usize,
}

impl Walk {
    /// Whether a block that stands in the stream has yet to be given as it stands.
    fn awaits(&self, key: StreamId) -> bool {
        key >= self.next && self.last.is_some_and(|last| key <= last) && !self.kept.contains_key(&key)
    }

    fn keep(&mut self, block: BlockRef<'_>) {
        self.kept_bytes += block.bytes().len();
        self.kept.insert(block.key, block.bytes().into());
    }
}

impl Entries {
    /// Begins a walk over the blocks as they are now.
    pub fn begin_walk(&mut self) {
        assert!(self.walk.0.is_none(), "one walk at a time");
        let last = self.tail.as_ref().map(|tail| tail.key);
        let walk = Walk { next: StreamId::MIN, last, kept: BTreeMap::new(), kept_bytes: 0 };
        self.walk = Slot(Some(Box::new(walk)));
    }

    /// Whether there are blocks to be given.
    #[inline]
    pub fn is_walked(&self) -> bool {
        self.walk.0.is_some()
    }

    /// Bytes of copies that wait to be visited.
    pub fn kept_bytes(&self) -> usize {
        self.walk.0.as_ref().map_or(0, |walk| walk.kept_bytes)
    }

    /// Visits the next blocks; whether there are more.
    pub fn step_walk(&mut self, budget: usize, mut visit: impl FnMut(BlockRef<'_>)) -> bool {
        let Some(mut walk) = self.walk.0.take() else { return false };
        let mut left = budget as isize;
        while left > 0 {
            let standing = self.blocks_from(walk.next).next().filter(|block| walk.awaits(block.key));
            let kept = walk.kept.first_key_value().map(|(key, _)| *key);
            let (key, bytes) = match (standing, kept) {
                (Some(block), kept) if kept.is_none_or(|kept| block.key < kept) => {
                    visit(block);
                    (block.key, block.bytes().len())
                }
                (_, Some(key)) => {
                    let pack = walk.kept.remove(&key).expect("it is the first");
                    walk.kept_bytes -= pack.len();
                    visit(BlockRef::new(key, &pack));
                    (key, pack.len())
                }
                _ => return false,
            };
            left -= (1 + bytes / BYTES_PER_ELEMENT) as isize;
            match key.next() {
                Some(next) => walk.next = next,
                None => return false,
            }
        }
        self.walk = Slot(Some(walk));
        true
    }

    /// The block of this key is about to change or to go: it is copied for the walk that has not given it.
    #[inline]
    pub(super) fn before_change(&mut self, key: StreamId) {
        if self.walk.0.is_some() {
            self.keep(key);
        }
    }

    #[cold]
    fn keep(&mut self, key: StreamId) {
        let Some(mut walk) = self.walk.0.take() else { return };
        if walk.awaits(key)
            && let Some(block) = self.blocks_from(key).next().filter(|block| block.key == key)
        {
            walk.keep(block);
        }
        self.walk = Slot(Some(walk));
    }

    /// A block of this key is about to come. After XSETID to a lower ID it may come among the keys of the walk, which then must not take it
    /// for one of its own: all that are left are kept.
    #[inline]
    pub(super) fn before_block(&mut self, key: StreamId) {
        if self.walk.0.as_ref().is_some_and(|walk| walk.last.is_some_and(|last| key <= last)) {
            self.keep_all();
        }
    }

    #[cold]
    fn keep_all(&mut self) {
        let Some(mut walk) = self.walk.0.take() else { return };
        for block in self.blocks_from(walk.next) {
            if walk.awaits(block.key) {
                walk.keep(block);
            }
        }
        walk.last = None;
        self.walk = Slot(Some(walk));
    }
}
