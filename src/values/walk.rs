//! Walks over one big value: all of it as it was at one moment, part by part, while it goes on changing.
//!
//! ```text
//! begin    the moment: what it costs does not depend on the elements (a list numbers its chunks)
//! step     some parts, each as it was; who changes or removes one before that leaves a copy of it for the walk
//! end      the value is as any other
//! ```
//!
//! The walk is inside of the value, so it goes where the value goes: to another key, or into the hands of whoever walks when its key has
//! gone. A walk has a number by which the value is known again. A copy of the value is not walked, and keeps nothing.
//!
//! Only what is large is walked this way: tables, long lists, streams. A long string has parts, too, but no walk inside: whoever walks
//! over the keys knows how far it is written (`keyspace/walk/deferred`). All else is written in one go.

use super::hash::Field;
use super::list::{ChunkRef, List};
use super::set::Set;
use super::sorted_set::SortedSet;
use super::stream::{BlockRef, GroupPart};
use super::{Big, hash::Hash};
use crate::structures::element_table::{Element, ElementTable};
use crate::structures::listpack::Entry;

/// Smaller values are written in one go.
const LARGE_BYTES: usize = 32 * 1024;

/// The number of a walk.
pub type WalkId = u64;

/// A part of a value.
#[derive(Debug, Clone, Copy)]
pub enum Part<'a> {
    /// A field of a hash.
    Field(Field<'a>),
    /// A member of a set.
    Member(&'a [u8]),
    /// A member of a sorted set, and its score.
    Scored(&'a [u8], f64),
    /// The next chunk of a list.
    Chunk(ChunkRef<'a>),
    /// The next block of a stream.
    Block(BlockRef<'a>),
    /// The next of its groups, behind all blocks.
    Groups(GroupPart<'a>),
    /// The next bytes of a string.
    Text(&'a [u8]),
}

impl Big {
    /// Whether it is to be walked in parts.
    #[inline]
    pub fn is_large(&self) -> bool {
        let has_parts = match self {
            Big::String(_) => false,
            Big::List(list) => matches!(list, List::Chunks(_)),
            Big::Set(set) => matches!(set, Set::Table(_)),
            Big::Hash(hash) => matches!(hash, Hash::Table(_)),
            Big::SortedSet(set) => matches!(set, SortedSet::Ranked(_)),
            Big::Stream(_) => true,
        };
        has_parts && self.heap_bytes() > LARGE_BYTES
    }

    /// Begins a walk over a large value. None may be under way.
    pub fn begin_walk(&mut self, id: WalkId) {
        match self {
            Big::List(List::Chunks(list)) => list.begin_walk(id),
            Big::Stream(stream) => stream.begin_walk(id),
            _ => self.elements_mut().expect("it is large").begin_walk(id),
        }
    }

    /// The walk under way.
    #[inline]
    pub fn walk_id(&self) -> Option<WalkId> {
        match self {
            Big::List(List::Chunks(list)) => list.walk_id(),
            Big::Stream(stream) => stream.walk_id(),
            _ => self.elements()?.walk_id(),
        }
    }

    /// Bytes that are kept for the walk. (They are no part of `heap_bytes`.)
    pub fn kept_bytes(&self) -> usize {
        match self {
            Big::List(List::Chunks(list)) => list.kept_bytes(),
            Big::Stream(stream) => stream.kept_bytes(),
            _ => self.elements().map_or(0, ElementTable::kept_bytes),
        }
    }

    /// Goes on with the walk, by parts that cost about as much as `budget` elements; whether there is more to do. The parts of lists and
    /// streams come in order.
    pub fn step_walk(&mut self, budget: usize, mut visit: impl FnMut(Part<'_>)) -> bool {
        match self {
            Big::List(List::Chunks(list)) => list.step_walk(budget, |chunk| visit(Part::Chunk(chunk))),
            Big::Stream(stream) if stream.entries.is_walked() => {
                stream.entries.step_walk(budget, |block| visit(Part::Block(block)));
                true
            }
            Big::Stream(stream) => stream.groups.step_walk(budget, |part| visit(Part::Groups(part))),
            Big::Hash(Hash::Table(table)) => table.elements_mut().step_walk(budget, |element| {
                let (name, value) = (Entry::Bytes(element.name), Entry::Bytes(element.payload));
                visit(Part::Field(Field { name, value, deadline: element.deadline_ms }));
            }),
            Big::Set(Set::Table(table)) => {
                table.elements_mut().step_walk(budget, |element| visit(Part::Member(element.name)))
            }
            Big::SortedSet(SortedSet::Ranked(set)) => {
                set.elements_mut().step_walk(budget, |element| visit(Part::Scored(element.name, score_of(element))))
            }
            _ => false,
        }
    }

    fn elements_mut(&mut self) -> Option<&mut ElementTable> {
        match self {
            Big::Hash(Hash::Table(table)) => Some(table.elements_mut()),
            Big::Set(Set::Table(table)) => Some(table.elements_mut()),
            Big::SortedSet(SortedSet::Ranked(set)) => Some(set.elements_mut()),
            _ => None,
        }
    }
}

fn score_of(element: Element<'_>) -> f64 {
    f64::from_le_bytes(element.payload.try_into().expect("a payload is a score"))
}

/// A walk's place in a value: no part of what the value is.
pub(super) struct Slot<W>(pub(super) Option<Box<W>>);

impl<W> Slot<W> {
    pub(super) const EMPTY: Slot<W> = Slot(None);
}

impl<W> Default for Slot<W> {
    fn default() -> Self {
        Slot::EMPTY
    }
}

impl<W> Clone for Slot<W> {
    /// A copy is not walked.
    fn clone(&self) -> Self {
        Slot::EMPTY
    }
}

impl<W> PartialEq for Slot<W> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<W> std::fmt::Debug for Slot<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "walked" } else { "-" })
    }
}
