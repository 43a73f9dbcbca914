//! Lists.

use super::{Big, Collection, Stowed, View, WrongType, tag};
use crate::structures::record_arena::{Payload, PayloadMut};

/// A list.
#[derive(Debug, Clone, PartialEq)]
pub enum List {
    /// A listpack.
    Packed(Vec<u8>),
}

impl Default for List {
    fn default() -> Self {
        List::Packed(Vec::new())
    }
}

/// A list as it stands.
#[derive(Debug, Clone, Copy)]
pub enum ListRef<'a> {
    /// A listpack.
    Packed(&'a [u8]),
}

impl ListRef<'_> {
    /// The name that `OBJECT ENCODING` answers.
    pub fn encoding(&self) -> &'static str {
        match self {
            ListRef::Packed(_) => "listpack",
        }
    }
}

impl List {
    /// Bytes of heap it holds.
    pub fn heap_bytes(&self) -> usize {
        match self {
            List::Packed(bytes) => bytes.capacity(),
        }
    }

    /// Steps that freeing it takes.
    pub fn free_effort(&self) -> usize {
        match self {
            List::Packed(_) => 1,
        }
    }
}

impl Collection for List {
    type Ref<'a> = ListRef<'a>;

    fn view(view: View<'_>) -> Result<ListRef<'_>, WrongType> {
        match view {
            Payload::Inline { tag: tag::LIST, bytes } => Ok(ListRef::Packed(bytes)),
            Payload::Boxed(Big::List(List::Packed(bytes))) => Ok(ListRef::Packed(bytes)),
            _ => Err(WrongType),
        }
    }

    fn take(view: PayloadMut<'_, Big>, mut spare: Vec<u8>) -> Result<List, WrongType> {
        match view {
            PayloadMut::Inline { tag: tag::LIST, bytes } => {
                spare.extend_from_slice(bytes);
                Ok(List::Packed(spare))
            }
            PayloadMut::Boxed(Big::List(value)) => Ok(std::mem::take(value)),
            _ => Err(WrongType),
        }
    }

    fn stow(self, inline_max: usize) -> Stowed {
        match self {
            List::Packed(bytes) => Stowed::packed(tag::LIST, bytes, inline_max, |bytes| Big::List(List::Packed(bytes))),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            List::Packed(bytes) => bytes.is_empty(),
        }
    }
}
