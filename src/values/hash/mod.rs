//! Hashs.

use super::{Big, Collection, Stowed, View, WrongType, tag};
use crate::structures::record_arena::{Payload, PayloadMut};

/// A hash.
#[derive(Debug, Clone, PartialEq)]
pub enum Hash {
    /// A listpack.
    Packed(Vec<u8>),
}

impl Default for Hash {
    fn default() -> Self {
        Hash::Packed(Vec::new())
    }
}

/// A hash as it stands.
#[derive(Debug, Clone, Copy)]
pub enum HashRef<'a> {
    /// A listpack.
    Packed(&'a [u8]),
}

impl HashRef<'_> {
    /// The name that `OBJECT ENCODING` answers.
    pub fn encoding(&self) -> &'static str {
        match self {
            HashRef::Packed(_) => "listpack",
        }
    }
}

impl Hash {
    /// Bytes of heap it holds.
    pub fn heap_bytes(&self) -> usize {
        match self {
            Hash::Packed(bytes) => bytes.capacity(),
        }
    }

    /// Steps that freeing it takes.
    pub fn free_effort(&self) -> usize {
        match self {
            Hash::Packed(_) => 1,
        }
    }
}

impl Collection for Hash {
    type Ref<'a> = HashRef<'a>;

    fn view(view: View<'_>) -> Result<HashRef<'_>, WrongType> {
        match view {
            Payload::Inline { tag: tag::HASH, bytes } => Ok(HashRef::Packed(bytes)),
            Payload::Boxed(Big::Hash(Hash::Packed(bytes))) => Ok(HashRef::Packed(bytes)),
            _ => Err(WrongType),
        }
    }

    fn take(view: PayloadMut<'_, Big>, mut spare: Vec<u8>) -> Result<Hash, WrongType> {
        match view {
            PayloadMut::Inline { tag: tag::HASH, bytes } => {
                spare.extend_from_slice(bytes);
                Ok(Hash::Packed(spare))
            }
            PayloadMut::Boxed(Big::Hash(value)) => Ok(std::mem::take(value)),
            _ => Err(WrongType),
        }
    }

    fn stow(self, inline_max: usize) -> Stowed {
        match self {
            Hash::Packed(bytes) => Stowed::packed(tag::HASH, bytes, inline_max, |bytes| Big::Hash(Hash::Packed(bytes))),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Hash::Packed(bytes) => bytes.is_empty(),
        }
    }
}
