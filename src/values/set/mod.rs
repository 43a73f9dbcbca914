//! Sets.

use super::{Big, Collection, Stowed, View, WrongType, tag};
use crate::structures::record_arena::{Payload, PayloadMut};

/// A set.
#[derive(Debug, Clone, PartialEq)]
pub enum Set {
    /// A listpack.
    Packed(Vec<u8>),
}

impl Default for Set {
    fn default() -> Self {
        Set::Packed(Vec::new())
    }
}

/// A set as it stands.
#[derive(Debug, Clone, Copy)]
pub enum SetRef<'a> {
    /// A listpack.
    Packed(&'a [u8]),
}

impl SetRef<'_> {
    /// The name that `OBJECT ENCODING` answers.
    pub fn encoding(&self) -> &'static str {
        match self {
            SetRef::Packed(_) => "listpack",
        }
    }
}

impl Set {
    /// Bytes of heap it holds.
    pub fn heap_bytes(&self) -> usize {
        match self {
            Set::Packed(bytes) => bytes.capacity(),
        }
    }

    /// Steps that freeing it takes.
    pub fn free_effort(&self) -> usize {
        match self {
            Set::Packed(_) => 1,
        }
    }
}

impl Collection for Set {
    type Ref<'a> = SetRef<'a>;

    fn view(view: View<'_>) -> Result<SetRef<'_>, WrongType> {
        match view {
            Payload::Inline { tag: tag::SET, bytes } => Ok(SetRef::Packed(bytes)),
            Payload::Boxed(Big::Set(Set::Packed(bytes))) => Ok(SetRef::Packed(bytes)),
            _ => Err(WrongType),
        }
    }

    fn take(view: PayloadMut<'_, Big>, mut spare: Vec<u8>) -> Result<Set, WrongType> {
        match view {
            PayloadMut::Inline { tag: tag::SET, bytes } => {
                spare.extend_from_slice(bytes);
                Ok(Set::Packed(spare))
            }
            PayloadMut::Boxed(Big::Set(value)) => Ok(std::mem::take(value)),
            _ => Err(WrongType),
        }
    }

    fn stow(self, inline_max: usize) -> Stowed {
        match self {
            Set::Packed(bytes) => Stowed::packed(tag::SET, bytes, inline_max, |bytes| Big::Set(Set::Packed(bytes))),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Set::Packed(bytes) => bytes.is_empty(),
        }
    }
}
