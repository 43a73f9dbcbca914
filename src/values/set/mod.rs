//! Sets: members, each once.
//!
//! ```text
//! Ints     intset         integers only, at most set-max-intset-entries
//! Packed   listpack       at most set-max-listpack-entries members of at most set-max-listpack-value bytes
//! Table    ElementTable   anything else
//! ```
//!
//! Which form a set has is decided when it begins ([`Set::expect`]) and with each member that comes ([`Set::insert`]), by the rules of
//! Redis 8.0. What has become a table stays one, but for SPOP of nearly all members ([`Set::pop_most`]).
//!
//! A member is an [`Entry`]: an integer or a text. An intset gives integers, a table texts (of integers too), a listpack both; all
//! questions take either.

mod chance;
mod edit;
mod group;
mod table;

use super::{Big, Collection, Stowed, View, WrongType, tag};
use crate::structures::int_set::{self, IntSet};
use crate::structures::listpack::{self, Entry, Listpack};
use crate::structures::record_arena::{Payload, PayloadMut};
pub use group::Group;
pub use table::Table;

/// A listpack of more members than this is not searched for each member of another set.
const SHORT_PACK: usize = 128;

/// A set.
#[derive(Debug, Clone, PartialEq)]
pub enum Set {
    /// An intset.
    Ints(Vec<u8>),
    /// A listpack; no bytes at all before the first member.
    Packed(Vec<u8>),
    /// A table.
    Table(Box<Table>),
}

/// A set as it stands.
#[derive(Debug, Clone, Copy)]
pub enum SetRef<'a> {
    /// An intset.
    Ints(IntSet<'a>),
    /// A listpack.
    Packed(Listpack<'a>),
    /// A table.
    Table(&'a Table),
}

impl<'a> SetRef<'a> {
    /// The name that `OBJECT ENCODING` answers.
    pub fn encoding(self) -> &'static str {
        match self {
            SetRef::Ints(_) => "intset",
            SetRef::Packed(_) => "listpack",
            SetRef::Table(_) => "hashtable",
        }
    }

    /// Members.
    #[inline]
    pub fn len(self) -> usize {
        match self {
            SetRef::Ints(ints) => ints.len(),
            SetRef::Packed(pack) => pack.len(),
            SetRef::Table(table) => table.len(),
        }
    }

    /// Whether there is no member.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Whether its members come in their order as integers.
    pub fn is_ordered(self) -> bool {
        matches!(self, SetRef::Ints(_))
    }

    /// Whether it is fit to be asked for each member of another set.
    pub fn is_quickly_searched(self) -> bool {
        !matches!(self, SetRef::Packed(pack) if pack.len() > SHORT_PACK)
    }

    /// What a set of some of its members begins as, in Redis, too.
    pub fn empty_subset(self) -> Set {
        if self.is_ordered() { Set::no_ints() } else { Set::default() }
    }

    /// Whether this text is a member.
    #[inline]
    pub fn contains(self, member: &[u8]) -> bool {
        self.contains_entry(Entry::Bytes(member))
    }

    /// Whether this is a member.
    #[inline]
    pub fn contains_entry(self, member: Entry<'_>) -> bool {
        match self {
            SetRef::Ints(ints) => member.as_int().is_some_and(|value| ints.contains(value)),
            SetRef::Packed(pack) => pack.find(member.as_slice(&mut itoa::Buffer::new()), 0).is_some(),
            SetRef::Table(table) => table.contains(member.as_slice(&mut itoa::Buffer::new())),
        }
    }

    /// Tells of each of these texts whether it is a member.
    pub fn test_all<'m>(self, members: impl Iterator<Item = &'m [u8]>, mut tell: impl FnMut(bool)) {
        match self {
            SetRef::Table(table) => table.test_all(members, tell),
            _ => members.for_each(|member| tell(self.contains(member))),
        }
    }

    /// All members: integers in ascending order, a listpack's in its own, a table's in none that means anything.
    pub fn iter(self) -> Members<'a> {
        match self {
            SetRef::Ints(ints) => Members::Ints(ints.iter()),
            SetRef::Packed(pack) => Members::Packed(pack.iter()),
            SetRef::Table(table) => Members::Table(Box::new(table.iter())),
        }
    }

    /// Shows all members, in the order of `iter`; faster than that for a table.
    #[inline]
    pub fn for_each(self, mut show: impl FnMut(Entry<'a>)) {
        match self {
            SetRef::Ints(ints) => ints.iter().for_each(|value| show(Entry::Int(value))),
            SetRef::Packed(pack) => pack.iter().for_each(show),
            SetRef::Table(table) => table.iter().for_each(show),
        }
    }

    /// Visits the members at a scan position, all of them if it is no table; gives the next position, 0 at the end.
    pub fn scan(self, cursor: u64, visit: impl FnMut(Entry<'a>)) -> u64 {
        match self {
            SetRef::Table(table) => table.scan(cursor, visit),
            _ => {
                self.for_each(visit);
                0
            }
        }
    }

    /// A copy.
    pub fn to_set(self) -> Set {
        match self {
            SetRef::Ints(ints) => Set::Ints(ints.bytes().to_vec()),
            SetRef::Packed(pack) => Set::Packed(pack.bytes().to_vec()),
            SetRef::Table(table) => Set::Table(Box::new(table.clone())),
        }
    }
}

/// The members of a set.
pub enum Members<'a> {
    /// An intset's.
    Ints(int_set::Iter<'a>),
    /// A listpack's.
    Packed(listpack::Iter<'a>),
    /// A table's.
    Table(Box<dyn Iterator<Item = Entry<'a>> + 'a>),
}

impl<'a> Iterator for Members<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        match self {
            Members::Ints(ints) => ints.next().map(Entry::Int),
            Members::Packed(entries) => entries.next(),
            Members::Table(members) => members.next(),
        }
    }
}

impl Set {
    /// The set, to be read.
    #[inline]
    pub fn as_ref(&self) -> SetRef<'_> {
        match self {
            Set::Ints(ints) => SetRef::Ints(IntSet::new(ints)),
            Set::Packed(pack) => SetRef::Packed(Listpack::or_empty(pack)),
            Set::Table(table) => SetRef::Table(table),
        }
    }

    /// Members.
    #[expect(clippy::len_without_is_empty, reason = "`Collection` has it")]
    #[inline]
    pub fn len(&self) -> usize {
        self.as_ref().len()
    }

    /// Bytes of heap it holds.
    pub fn heap_bytes(&self) -> usize {
        match self {
            Set::Ints(bytes) | Set::Packed(bytes) => bytes.capacity(),
            Set::Table(table) => table.heap_bytes(),
        }
    }

    /// Steps that freeing it takes.
    pub fn free_effort(&self) -> usize {
        match self {
            Set::Ints(_) | Set::Packed(_) => 1,
            Set::Table(table) => table.free_effort(),
        }
    }

    /// Checks what the head of this file promises, but for the thresholds, which may have changed. Panics when it does not hold.
    pub fn check_invariants(&self) {
        match self {
            Set::Ints(bytes) if bytes.len() == int_set::new().len() => {}
            Set::Ints(bytes) => assert_eq!(int_set::verify(bytes), Ok(self.len())),
            Set::Packed(bytes) if bytes.is_empty() => {}
            Set::Packed(bytes) => {
                assert_eq!(listpack::verify(bytes), Ok(self.len()));
                let mut members: Vec<Vec<u8>> = self.as_ref().iter().map(Entry::to_vec).collect();
                members.sort_unstable();
                members.dedup();
                assert_eq!(members.len(), self.len(), "a member stands once");
            }
            Set::Table(table) => table.check_invariants(),
        }
    }
}

impl Default for Set {
    fn default() -> Self {
        Set::Packed(Vec::new())
    }
}

impl Collection for Set {
    type Ref<'a> = SetRef<'a>;

    #[inline]
    fn view(view: View<'_>) -> Result<SetRef<'_>, WrongType> {
        match view {
            Payload::Inline { tag: tag::INT_SET, bytes } => Ok(SetRef::Ints(IntSet::new(bytes))),
            Payload::Inline { tag: tag::SET, bytes } => Ok(SetRef::Packed(Listpack::or_empty(bytes))),
            Payload::Boxed(Big::Set(set)) => Ok(set.as_ref()),
            _ => Err(WrongType),
        }
    }

    #[inline]
    fn take(view: PayloadMut<'_, Big>, mut spare: Vec<u8>) -> Result<Set, WrongType> {
        match view {
            PayloadMut::Inline { tag: tag @ (tag::INT_SET | tag::SET), bytes } => {
                spare.extend_from_slice(bytes);
                Ok(if tag == tag::INT_SET { Set::Ints(spare) } else { Set::Packed(spare) })
            }
            PayloadMut::Boxed(Big::Set(set)) => Ok(std::mem::take(set)),
            _ => Err(WrongType),
        }
    }

    #[inline]
    fn stow(self, inline_max: usize) -> Stowed {
        match self {
            Set::Ints(ints) => Stowed::packed(tag::INT_SET, ints, inline_max, |ints| Big::Set(Set::Ints(ints))),
            Set::Packed(pack) => Stowed::packed(tag::SET, pack, inline_max, |pack| Big::Set(Set::Packed(pack))),
            Set::Table(_) => Stowed::Big(Big::Set(self)),
        }
    }

    #[inline]
    fn is_empty(&self) -> bool {
        match self {
            Set::Ints(ints) => IntSet::new(ints).is_empty(),
            Set::Packed(pack) => pack.len() <= listpack::EMPTY_BYTES,
            Set::Table(table) => table.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests;
