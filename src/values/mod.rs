//! Floor 3: the types, their encodings and sizes. Knows no keys, no time of day, no replies.
//!
//! ```text
//! record   Inline { tag, bytes }   a string, or a small collection: one packed buffer in the key's own record
//!          Boxed(Big)              what is too long for that, and every big form
//! ```
//!
//! A collection is read where it stands (`Collection::view`) and changed by taking it out (`take`) and putting it back (`stow`):
//! whoever holds it sees a value of its type, whatever its encoding.

pub mod encodings;
pub mod hash;
pub mod list;
pub mod set;
pub mod sorted_set;
pub mod stream;
pub mod string;
pub mod views;
pub mod walk;

pub use encodings::{Encodings, FieldDeadlines};

use crate::structures::element_table::ElementTable;
use crate::structures::record_arena::{NewPayload, Payload, PayloadMut};
use hash::{Hash, HashRef};
use list::{List, ListRef};
use set::{Set, SetRef};
use sorted_set::{SortedSet, SortedSetRef};
use stream::{Stream, StreamRef};

/// How the bytes in a record are to be read.
pub mod tag {
    /// An integer that is a string: 8 bytes, little endian.
    pub const INT: u8 = 1;
    /// A string as it was set.
    pub const SHORT: u8 = 2;
    /// A string that was changed in place.
    pub const EDITED: u8 = 3;
    /// A list: a listpack.
    pub const LIST: u8 = 4;
    /// A set of integers: an intset.
    pub const INT_SET: u8 = 5;
    /// A set: a listpack.
    pub const SET: u8 = 6;
    /// A hash: a listpack of fields and values.
    pub const HASH: u8 = 7;
    /// A sorted set: a listpack of members and scores.
    pub const SORTED_SET: u8 = 8;
    /// A hash: a listpack of fields, values and deadlines.
    pub const TIMED_HASH: u8 = 9;
}

/// A value in an allocation of its own.
#[derive(Debug, Clone, PartialEq)]
pub enum Big {
    /// A string too long for its record.
    String(Vec<u8>),
    /// A list.
    List(List),
    /// A set.
    Set(Set),
    /// A hash.
    Hash(Hash),
    /// A sorted set.
    SortedSet(SortedSet),
    /// A stream.
    Stream(Stream),
}

impl Big {
    /// Bytes of heap that the value holds, its box included. O(1).
    pub fn heap_bytes(&self) -> usize {
        size_of::<Big>()
            + match self {
                Big::String(bytes) => bytes.capacity(),
                Big::List(list) => list.heap_bytes(),
                Big::Set(set) => set.heap_bytes(),
                Big::Hash(hash) => hash.heap_bytes(),
                Big::SortedSet(set) => set.heap_bytes(),
                Big::Stream(stream) => stream.heap_bytes(),
            }
    }

    /// The table of a big hash, set or sorted set.
    #[inline]
    pub fn elements(&self) -> Option<&ElementTable> {
        match self {
            Big::Hash(Hash::Table(table)) => Some(table.elements()),
            Big::Set(Set::Table(table)) => Some(table.elements()),
            Big::SortedSet(SortedSet::Ranked(ranked)) => Some(ranked.elements()),
            _ => None,
        }
    }

    /// Elements that freeing it has to visit: what tells a value worth the reaper from one freed on the spot.
    pub fn free_effort(&self) -> usize {
        match self {
            Big::String(bytes) => bytes.capacity() / 65536,
            Big::List(list) => list.free_effort(),
            Big::Set(set) => set.free_effort(),
            Big::Hash(hash) => hash.free_effort(),
            Big::SortedSet(set) => set.free_effort(),
            Big::Stream(stream) => stream.free_effort(),
        }
    }
}

/// What a record holds.
pub type View<'a> = Payload<'a, Big>;
/// What goes into a record.
pub type New<'a> = NewPayload<'a, Big>;

/// The value is of another type than the command works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongType;

/// A type that is changed element by element.
pub trait Collection: Default {
    /// The value as it stands, to be read.
    type Ref<'a>: Copy;

    /// Reads what a record holds.
    fn view(view: View<'_>) -> Result<Self::Ref<'_>, WrongType>;

    /// Takes the value out, to be changed: bytes that stand in the record are copied to `spare`, an empty buffer; a boxed value
    /// leaves an empty one behind.
    fn take(view: PayloadMut<'_, Big>, spare: Vec<u8>) -> Result<Self, WrongType>;

    /// An empty one. A packed form can be built in `spare`, an empty buffer.
    fn begin(spare: Vec<u8>) -> Self {
        drop(spare);
        Self::default()
    }

    /// How it is to be kept: in the record if it is one buffer of at most `inline_max` bytes.
    fn stow(self, inline_max: usize) -> Stowed;

    /// Whether it has no element. (A stream may stay empty: it says no as long as its key is to stay.)
    fn is_empty(&self) -> bool;
}

/// A collection on its way into a record.
#[derive(Debug)]
pub enum Stowed {
    /// To be copied into the record. The buffer is given back to whoever lent it.
    Inline(u8, Vec<u8>),
    /// To have a box of its own.
    Big(Big),
}

impl Stowed {
    /// A packed buffer: in the record if it fits, else in a box, as `big` makes one of it.
    pub fn packed(tag: u8, bytes: Vec<u8>, inline_max: usize, big: impl FnOnce(Vec<u8>) -> Big) -> Stowed {
        if bytes.len() <= inline_max { Stowed::Inline(tag, bytes) } else { Stowed::Big(big(bytes)) }
    }
}

/// A value outside of any database.
#[derive(Debug, Clone, PartialEq)]
pub enum Owned {
    /// Bytes that stood in a record.
    Inline(u8, Vec<u8>),
    /// A value of its own.
    Boxed(Box<Big>),
}

impl Owned {
    /// Copies what a record holds.
    pub fn copy_of(view: View<'_>) -> Owned {
        match view {
            Payload::Inline { tag, bytes } => Owned::Inline(tag, bytes.into()),
            Payload::Boxed(big) => Owned::Boxed(Box::new(big.clone())),
        }
    }

    /// The value as a record would show it.
    pub fn view(&self) -> View<'_> {
        match self {
            Owned::Inline(tag, bytes) => Payload::Inline { tag: *tag, bytes },
            Owned::Boxed(big) => Payload::Boxed(big),
        }
    }

    /// A collection, kept as it would be in a record.
    pub fn of<C: Collection>(collection: C) -> Owned {
        match collection.stow(crate::structures::record_arena::INLINE_MAX) {
            Stowed::Inline(tag, bytes) => Owned::Inline(tag, bytes),
            Stowed::Big(big) => Owned::Boxed(Box::new(big)),
        }
    }
}

/// A value of any type, to be read.
#[derive(Debug, Clone, Copy)]
pub enum AnyRef<'a> {
    /// A string.
    String(string::Text<'a>),
    /// A list.
    List(ListRef<'a>),
    /// A set.
    Set(SetRef<'a>),
    /// A hash.
    Hash(HashRef<'a>),
    /// A sorted set.
    SortedSet(SortedSetRef<'a>),
    /// A stream.
    Stream(StreamRef<'a>),
}

impl<'a> AnyRef<'a> {
    /// The string of an integer's canonical decimal digits.
    pub fn int(number: i64) -> AnyRef<'a> {
        AnyRef::String(string::Text::Int(number))
    }

    /// A string.
    pub fn bytes(bytes: &'a [u8]) -> AnyRef<'a> {
        AnyRef::String(string::Text::Bytes { bytes, edited: false })
    }

    /// Reads what a record holds.
    pub fn of(view: View<'a>) -> AnyRef<'a> {
        let read = match Kind::of(view) {
            Kind::String => string::Text::view(view).map(AnyRef::String),
            Kind::List => List::view(view).map(AnyRef::List),
            Kind::Set => Set::view(view).map(AnyRef::Set),
            Kind::SortedSet => SortedSet::view(view).map(AnyRef::SortedSet),
            Kind::Hash => Hash::view(view).map(AnyRef::Hash),
            Kind::Stream => Stream::view(view).map(AnyRef::Stream),
        };
        read.expect("a value is of its kind")
    }

    /// Its elements; of a string, its bytes. O(1), but for a packed piece of 64 Ki elements or more.
    pub fn size(&self) -> usize {
        match self {
            AnyRef::String(text) => text.len(),
            AnyRef::List(list) => list.len(),
            AnyRef::Set(set) => set.len(),
            AnyRef::Hash(hash) => hash.len(),
            AnyRef::SortedSet(set) => set.len(),
            AnyRef::Stream(stream) => stream.entries.len() as usize,
        }
    }

    /// The name that `OBJECT ENCODING` answers.
    pub fn encoding(&self) -> &'static str {
        match self {
            AnyRef::String(text) => text.encoding(),
            AnyRef::List(list) => list.encoding(),
            AnyRef::Set(set) => set.encoding(),
            AnyRef::Hash(hash) => hash.encoding(),
            AnyRef::SortedSet(set) => set.encoding(),
            AnyRef::Stream(_) => "stream",
        }
    }

    /// Buckets of the table that its elements are found through, and elements in it; `None` where there is no table.
    pub fn table_size(&self) -> Option<(usize, usize)> {
        match self {
            AnyRef::Set(SetRef::Table(table)) => Some(table.table_size()),
            AnyRef::Hash(HashRef::Table(table)) => Some(table.table_size()),
            AnyRef::SortedSet(SortedSetRef::Ranked(set)) => Some(set.table_size()),
            _ => None,
        }
    }
}

/// The types that `TYPE` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Bytes, or an integer.
    String,
    /// Elements in the order they were put.
    List,
    /// Members, each once.
    Set,
    /// Members by score.
    SortedSet,
    /// Fields with values.
    Hash,
    /// Entries in the order of their IDs.
    Stream,
}

impl Kind {
    /// The type of what a record holds.
    pub fn of(view: View<'_>) -> Kind {
        match view {
            Payload::Inline { tag: tag::LIST, .. } | Payload::Boxed(Big::List(_)) => Kind::List,
            Payload::Inline { tag: tag::SET | tag::INT_SET, .. } | Payload::Boxed(Big::Set(_)) => Kind::Set,
            Payload::Inline { tag: tag::SORTED_SET, .. } | Payload::Boxed(Big::SortedSet(_)) => Kind::SortedSet,
            Payload::Inline { tag: tag::HASH | tag::TIMED_HASH, .. } | Payload::Boxed(Big::Hash(_)) => Kind::Hash,
            Payload::Boxed(Big::Stream(_)) => Kind::Stream,
            Payload::Inline { .. } | Payload::Boxed(Big::String(_)) => Kind::String,
        }
    }

    /// The name that `TYPE` and `SCAN ... TYPE` use.
    pub fn name(self) -> &'static str {
        match self {
            Kind::String => "string",
            Kind::List => "list",
            Kind::Set => "set",
            Kind::SortedSet => "zset",
            Kind::Hash => "hash",
            Kind::Stream => "stream",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_is_small() {
        // A tag, and the 32 bytes of a list's sliding listpack or of a vector with the tag of its encoding.
        assert_eq!(size_of::<Big>(), 40);
    }
}
