//! SortedSets.

use super::{Big, Collection, Stowed, View, WrongType, tag};
use crate::structures::record_arena::{Payload, PayloadMut};

/// A sorted set.
#[derive(Debug, Clone, PartialEq)]
pub enum SortedSet {
    /// A listpack.
    Packed(Vec<u8>),
}

impl Default for SortedSet {
    fn default() -> Self {
        SortedSet::Packed(Vec::new())
    }
}

/// A sorted set as it stands.
#[derive(Debug, Clone, Copy)]
pub enum SortedSetRef<'a> {
    /// A listpack.
    Packed(&'a [u8]),
}

impl SortedSetRef<'_> {
    /// The name that `OBJECT ENCODING` answers.
    pub fn encoding(&self) -> &'static str {
        match self {
            SortedSetRef::Packed(_) => "listpack",
        }
    }
}

impl SortedSet {
    /// Bytes of heap it holds.
    pub fn heap_bytes(&self) -> usize {
        match self {
            SortedSet::Packed(bytes) => bytes.capacity(),
        }
    }

    /// Steps that freeing it takes.
    pub fn free_effort(&self) -> usize {
        match self {
            SortedSet::Packed(_) => 1,
        }
    }
}

impl Collection for SortedSet {
    type Ref<'a> = SortedSetRef<'a>;

    fn view(view: View<'_>) -> Result<SortedSetRef<'_>, WrongType> {
        match view {
            Payload::Inline { tag: tag::SORTED_SET, bytes } => Ok(SortedSetRef::Packed(bytes)),
            Payload::Boxed(Big::SortedSet(SortedSet::Packed(bytes))) => Ok(SortedSetRef::Packed(bytes)),
            _ => Err(WrongType),
        }
    }

    fn take(view: PayloadMut<'_, Big>, mut spare: Vec<u8>) -> Result<SortedSet, WrongType> {
        match view {
            PayloadMut::Inline { tag: tag::SORTED_SET, bytes } => {
                spare.extend_from_slice(bytes);
                Ok(SortedSet::Packed(spare))
            }
            PayloadMut::Boxed(Big::SortedSet(value)) => Ok(std::mem::take(value)),
            _ => Err(WrongType),
        }
    }

    fn stow(self, inline_max: usize) -> Stowed {
        match self {
            SortedSet::Packed(bytes) => {
                Stowed::packed(tag::SORTED_SET, bytes, inline_max, |bytes| Big::SortedSet(SortedSet::Packed(bytes)))
            }
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            SortedSet::Packed(bytes) => bytes.is_empty(),
        }
    }
}
