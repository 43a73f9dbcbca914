//! Streams.
//!
//! ```text
//! Stream -> box of entries   blocks of packed entries in the order of their IDs, counters of what was
//!                  groups    by name: how far read, what is pending, consumers
//! ```
//!
//! - `id`: IDs of entries
//! - `block`: some entries in one listpack; `entries`, over `index`: all of them; `range`: walks; `trim`: from the front
//! - `group`, `groups`: consumer groups; `progress`: how far a group has read
//! - `walk`, `group_walk`: writing all of it out while it changes: first the blocks, then the groups
//!
//! A stream has no small form, and may be empty: it goes with its key, not with its last entry. One that was never written to (what is
//! left behind when a value is taken out of its record, what an edit of a missing key begins with) has no box, and counts as absent.

mod block;
mod entries;
mod group;
mod group_walk;
mod groups;
mod id;
mod index;
mod progress;
mod range;
mod trim;
mod walk;

pub use block::{BlockRef, Fields, Flaw, StreamEntry};
pub use entries::{AppendError, BlockLimits, Entries, NewId};
pub use group::{Consumer, ConsumerIndex, Group, Pending};
pub use group_walk::{ConsumerHead, GroupHead, GroupPart, Owed};
pub use groups::{GroupEdit, Groups};
pub use id::{IdText, StreamId};
pub use range::{Backward, Forward};
pub use trim::{Keep, Trim};

use super::walk::WalkId;
use super::{Big, Collection, Encodings, Stowed, View, WrongType};
use crate::structures::record_arena::{Payload, PayloadMut};
use std::ops::{Deref, DerefMut};

/// Pending entries that are freed about as fast as a block.
const PENDING_PER_STEP: usize = 16;

/// A stream.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stream(Option<Box<Content>>);

/// What a stream holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Content {
    /// Its entries.
    pub entries: Entries,
    /// Its consumer groups.
    pub groups: Groups,
}

/// A stream as it stands.
pub type StreamRef<'a> = &'a Content;

static ABSENT: Content = Content { entries: Entries::new(), groups: Groups::new() };

impl Stream {
    /// An empty stream that is there.
    pub fn new() -> Stream {
        Stream(Some(Box::default()))
    }

    /// Bytes of heap it holds. O(1).
    pub fn heap_bytes(&self) -> usize {
        match &self.0 {
            Some(content) => size_of::<Content>() + content.entries.heap_bytes() + content.groups.heap_bytes(),
            None => 0,
        }
    }

    /// Begins a walk over blocks and groups as they are now.
    pub fn begin_walk(&mut self, id: WalkId) {
        self.entries.begin_walk();
        self.groups.begin_walk(id);
    }

    /// The walk under way.
    #[inline]
    pub fn walk_id(&self) -> Option<WalkId> {
        // It ends with the groups.
        self.groups.walk_id()
    }

    /// Bytes that are kept for the walk.
    pub fn kept_bytes(&self) -> usize {
        self.entries.kept_bytes() + self.groups.kept_bytes()
    }

    /// Steps that freeing it takes: its blocks, and what is pending.
    pub fn free_effort(&self) -> usize {
        1 + self.entries.block_count() + self.groups.pending_count() / PENDING_PER_STEP
    }
}

impl Deref for Stream {
    type Target = Content;

    fn deref(&self) -> &Content {
        self.0.as_deref().unwrap_or(&ABSENT)
    }
}

impl DerefMut for Stream {
    /// From now on it is there.
    fn deref_mut(&mut self) -> &mut Content {
        self.0.get_or_insert_default()
    }
}

impl BlockLimits {
    /// Those of the configuration.
    pub fn of(encodings: &Encodings) -> BlockLimits {
        BlockLimits { bytes: encodings.stream_node_max_bytes, entries: encodings.stream_node_max_entries }
    }
}

impl Collection for Stream {
    type Ref<'a> = StreamRef<'a>;

    fn view(view: View<'_>) -> Result<StreamRef<'_>, WrongType> {
        match view {
            Payload::Boxed(Big::Stream(stream)) => Ok(stream),
            _ => Err(WrongType),
        }
    }

    fn take(view: PayloadMut<'_, Big>, _spare: Vec<u8>) -> Result<Stream, WrongType> {
        match view {
            PayloadMut::Boxed(Big::Stream(stream)) => Ok(std::mem::take(stream)),
            _ => Err(WrongType),
        }
    }

    fn stow(self, _inline_max: usize) -> Stowed {
        Stowed::Big(Big::Stream(self))
    }

    fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}
