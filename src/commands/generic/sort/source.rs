//! What is sorted: the elements of a list, a set, or a sorted set.

use super::options::Direction;
use crate::keyspace::database::Database;
use crate::structures::listpack::Entry;
use crate::structures::record_arena::Handle;
use crate::values::list::ListRef;
use crate::values::set::SetRef;
use crate::values::sorted_set::{self, SortedSetRef};
use crate::values::{AnyRef, WrongType};
use std::ops::Range;

/// A collection as it stands.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    /// There is no key.
    Empty,
    List(ListRef<'a>),
    Set(SetRef<'a>),
    SortedSet(SortedSetRef<'a>),
}

impl<'a> Source<'a> {
    /// What a record holds.
    pub(super) fn of(db: &'a Database, handle: Option<Handle>) -> Result<Source<'a>, WrongType> {
        match handle.map(|handle| AnyRef::of(db.view(handle))) {
            None => Ok(Source::Empty),
            Some(AnyRef::List(list)) => Ok(Source::List(list)),
            Some(AnyRef::Set(set)) => Ok(Source::Set(set)),
            Some(AnyRef::SortedSet(set)) => Ok(Source::SortedSet(set)),
            Some(AnyRef::String(_) | AnyRef::Hash(_) | AnyRef::Stream(_)) => Err(WrongType),
        }
    }

    pub(super) fn len(self) -> usize {
        match self {
            Source::Empty => 0,
            Source::List(list) => list.len(),
            Source::Set(set) => set.len(),
            Source::SortedSet(set) => set.len(),
        }
    }

    /// Whether its elements have no order of their own.
    pub(super) fn is_unordered(self) -> bool {
        matches!(self, Source::Set(_))
    }

    /// Shows all elements.
    #[inline]
    pub(super) fn for_each(self, mut show: impl FnMut(Entry<'a>)) {
        match self {
            Source::Empty => {}
            Source::List(list) => list.iter().for_each(show),
            Source::Set(set) => set.for_each(show),
            Source::SortedSet(set) => set.iter().for_each(|(member, _)| show(member)),
        }
    }

    /// The elements of some places in the order that they have, or in the opposite one; a set has but one.
    pub(super) fn in_place(self, places: Range<usize>, direction: Direction) -> Vec<Entry<'a>> {
        if places.is_empty() {
            return Vec::new();
        }
        let (count, from_end) = (places.len(), self.len() - places.end..self.len() - places.start);
        match (self, direction) {
            (Source::Empty, _) => Vec::new(),
            (Source::List(list), Direction::Ascending) => list.iter_from(places.start).take(count).collect(),
            (Source::List(list), Direction::Descending) => list.iter_back_from(from_end.end - 1).take(count).collect(),
            (Source::Set(set), _) => set.iter().skip(places.start).take(count).collect(),
            (Source::SortedSet(set), Direction::Ascending) => members(set.walk(places, sorted_set::Direction::Forward)),
            (Source::SortedSet(set), Direction::Descending) => {
                members(set.walk(from_end, sorted_set::Direction::Backward))
            }
        }
    }
}

fn members(walk: sorted_set::Walk<'_>) -> Vec<Entry<'_>> {
    walk.map(|(member, _)| member).collect()
}
