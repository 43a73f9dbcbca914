//! Hashes: fields with values, and a deadline for each field that is given one.
//!
//! ```text
//! Packed   listpack   field value  field value ...                     small, no field ever had a deadline
//! Timed    listpack   field value deadline  field value deadline ...   small; by deadline, those without (0) last
//! Table    ElementTable: field ─► value, deadline                      anything else
//! ```
//!
//! A hash becomes a table when a field or value is longer than `hash-max-listpack-value`, or when it has more fields than
//! `hash-max-listpack-entries`; `Timed` when a field gets its first deadline. It never goes back, as in Redis.
//!
//! Times are milliseconds since 1970; 0 is no deadline. A field past its deadline is there until somebody removes it: who reads compares
//! [`Field::deadline`] with the time.

mod packed;
mod sample;
mod table;
mod timed;

use super::encodings::Encodings;
use super::{Big, Collection, Stowed, View, WrongType, tag};
use crate::structures::element_table::Full;
use crate::structures::listpack::{self, Entry, Listpack};
use crate::structures::record_arena::{Payload, PayloadMut};
pub use table::Table;

/// The latest deadline of a field: what Redis can store.
pub const DEADLINE_MAX_MS: u64 = (1 << 46) - 1;

/// A hash.
#[derive(Debug, Clone, PartialEq)]
pub enum Hash {
    /// A listpack of fields and values; no bytes at all while it is empty.
    Packed(Vec<u8>),
    /// A listpack of fields, values and deadlines.
    Timed(Vec<u8>),
    /// A table.
    Table(Box<Table>),
}

/// A hash as it stands.
#[derive(Debug, Clone, Copy)]
pub enum HashRef<'a> {
    /// A listpack of fields and values.
    Packed(Listpack<'a>),
    /// A listpack of fields, values and deadlines.
    Timed(Listpack<'a>),
    /// A table.
    Table(&'a Table),
}

/// A field of a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its name.
    pub name: Entry<'a>,
    /// Its value.
    pub value: Entry<'a>,
    /// When it ends.
    pub deadline: Option<u64>,
}

impl Field<'_> {
    /// Whether it is past its deadline at `now_ms`.
    #[inline]
    pub fn is_past(&self, now_ms: u64) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now_ms)
    }
}

/// What setting a field does to its deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldTtl {
    /// It stays.
    Keep,
    /// None from now on.
    Clear,
}

impl<'a> HashRef<'a> {
    /// The name that `OBJECT ENCODING` answers.
    pub fn encoding(self) -> &'static str {
        match self {
            HashRef::Packed(_) => "listpack",
            HashRef::Timed(_) => "listpackex",
            HashRef::Table(_) => "hashtable",
        }
    }

    /// Fields, those past their deadline that have not been removed yet included.
    pub fn len(self) -> usize {
        match self {
            HashRef::Packed(pack) => pack.len() / 2,
            HashRef::Timed(pack) => pack.len() / 3,
            HashRef::Table(table) => table.len(),
        }
    }

    /// Whether there is no field.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The field of this name.
    #[inline]
    pub fn find(self, name: &[u8]) -> Option<Field<'a>> {
        match self {
            HashRef::Packed(pack) => packed::find(pack, name),
            HashRef::Timed(pack) => timed::find(pack, name),
            HashRef::Table(table) => table.find(name),
        }
    }

    /// All fields: of a listpack in its order, of a table in none that means anything.
    pub fn iter(self) -> Fields<'a> {
        match self {
            HashRef::Packed(pack) => Fields::Packed(pack.iter()),
            HashRef::Timed(pack) => Fields::Timed(pack.iter()),
            HashRef::Table(table) => Fields::Table(Box::new(table.iter())),
        }
    }

    /// Whether a field has a deadline.
    pub fn has_deadlines(self) -> bool {
        match self {
            HashRef::Packed(_) => false,
            HashRef::Timed(pack) => timed::earliest(pack).is_some(),
            HashRef::Table(table) => table.has_deadlines(),
        }
    }

    /// When the first field is due, or a time before it at which to ask again; `None`: no field has a deadline. O(1).
    pub fn next_deadline(self) -> Option<u64> {
        match self {
            HashRef::Packed(_) => None,
            HashRef::Timed(pack) => timed::earliest(pack),
            HashRef::Table(table) => table.next_deadline(),
        }
    }

    /// A time that no deadline is before, whatever the clock did meanwhile; `None`: no field has a deadline. O(1).
    pub fn deadlines_from(self) -> Option<u64> {
        match self {
            HashRef::Table(table) => table.deadlines_from(),
            HashRef::Packed(_) | HashRef::Timed(_) => self.next_deadline(),
        }
    }

    /// Visits the fields at a scan position, all of them if it is packed; gives the next position, 0 at the end.
    pub fn scan(self, cursor: u64, mut visit: impl FnMut(Field<'a>)) -> u64 {
        match self {
            HashRef::Table(table) => table.scan(cursor, visit),
            _ => {
                self.iter().for_each(&mut visit);
                0
            }
        }
    }
}

/// The fields of a hash.
pub enum Fields<'a> {
    /// Two elements each.
    Packed(listpack::Iter<'a>),
    /// Three.
    Timed(listpack::Iter<'a>),
    /// A table's.
    Table(Box<dyn Iterator<Item = Field<'a>> + 'a>),
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    #[inline]
    fn next(&mut self) -> Option<Field<'a>> {
        match self {
            Fields::Packed(entries) => Some(Field { name: entries.next()?, value: entries.next()?, deadline: None }),
            Fields::Timed(entries) => {
                let (name, value, deadline) = (entries.next()?, entries.next()?, entries.next()?);
                Some(Field { name, value, deadline: timed::deadline_of(deadline) })
            }
            Fields::Table(fields) => fields.next(),
        }
    }
}

impl Hash {
    /// The hash, to be read.
    #[inline]
    pub fn as_ref(&self) -> HashRef<'_> {
        match self {
            Hash::Packed(pack) => HashRef::Packed(Listpack::or_empty(pack)),
            Hash::Timed(pack) => HashRef::Timed(Listpack::or_empty(pack)),
            Hash::Table(table) => HashRef::Table(table),
        }
    }

    /// Fields, as [`HashRef::len`].
    #[expect(clippy::len_without_is_empty, reason = "`Collection` has it")]
    pub fn len(&self) -> usize {
        self.as_ref().len()
    }

    /// The field of this name.
    #[inline]
    pub fn find(&self, name: &[u8]) -> Option<Field<'_>> {
        self.as_ref().find(name)
    }

    /// Says that so many fields are about to be set: a table is made at once if they are too many for anything else, as Redis does
    /// even where most turn out to be one and the same.
    pub fn expect(&mut self, fields: usize, encodings: &Encodings) -> Result<(), Full> {
        match self {
            Hash::Table(_) => Ok(()),
            _ if fields <= encodings.hash_max_listpack_entries => Ok(()),
            _ => self.unpack(encodings).map(drop),
        }
    }

    /// Sets a field; whether it is new.
    #[inline]
    pub fn set(&mut self, name: &[u8], value: &[u8], ttl: FieldTtl, encodings: &Encodings) -> Result<bool, Full> {
        let longest = encodings.hash_max_listpack_value;
        let is_long = name.len() > longest || value.len() > longest;
        let (is_new, len) = match self {
            Hash::Packed(pack) if !is_long && packed::has_room(pack, name, value) => packed::set(pack, name, value),
            Hash::Timed(pack) if !is_long && packed::has_room(pack, name, value) => timed::set(pack, name, value, ttl),
            _ => return self.unpack(encodings)?.set(name, value, ttl),
        };
        if len > encodings.hash_max_listpack_entries {
            self.unpack(encodings)?;
        }
        Ok(is_new)
    }

    /// Removes a field; whether it was there.
    #[inline]
    pub fn remove(&mut self, name: &[u8]) -> bool {
        match self {
            Hash::Packed(pack) => packed::remove(pack, name, 2),
            Hash::Timed(pack) => packed::remove(pack, name, 3),
            Hash::Table(table) => table.remove(name),
        }
    }

    /// Gives a field, which is there, a deadline (1 to [`DEADLINE_MAX_MS`]) or takes it away.
    pub fn set_deadline(&mut self, name: &[u8], deadline: Option<u64>) -> Result<(), Full> {
        match self {
            Hash::Packed(_) if deadline.is_none() => {}
            Hash::Packed(pack) => {
                let mut triples = timed::from_pairs(Listpack::or_empty(pack));
                timed::set_deadline(&mut triples, name, deadline);
                *self = Hash::Timed(triples);
            }
            Hash::Timed(pack) => timed::set_deadline(pack, name, deadline),
            Hash::Table(table) => table.set_deadline(name, deadline)?,
        }
        Ok(())
    }

    /// Removes fields whose deadline is at most `now_ms`, each shown to `visit` first, at the cost of `budget`: if that is used up, there
    /// may be more.
    pub fn expire_due(&mut self, now_ms: u64, budget: &mut usize, visit: impl FnMut(&[u8])) {
        match self {
            Hash::Packed(_) => {}
            Hash::Timed(pack) => timed::expire_due(pack, now_ms, budget, visit),
            Hash::Table(table) => table.expire_due(now_ms, budget, visit),
        }
    }

    /// Makes a table of it.
    fn unpack(&mut self, encodings: &Encodings) -> Result<&mut Table, Full> {
        if !matches!(self, Hash::Table(_)) {
            let mut table = Table::new(encodings.hasher);
            for field in self.as_ref().iter() {
                table.insert(field)?;
            }
            *self = Hash::Table(Box::new(table));
        }
        match self {
            Hash::Table(table) => Ok(table),
            _ => unreachable!("made so above"),
        }
    }

    /// Bytes of heap it holds.
    pub fn heap_bytes(&self) -> usize {
        match self {
            Hash::Packed(pack) | Hash::Timed(pack) => pack.capacity(),
            Hash::Table(table) => table.heap_bytes(),
        }
    }

    /// Steps that freeing it takes.
    pub fn free_effort(&self) -> usize {
        match self {
            Hash::Packed(_) | Hash::Timed(_) => 1,
            Hash::Table(table) => table.free_effort(),
        }
    }
}

impl Default for Hash {
    fn default() -> Self {
        Hash::Packed(Vec::new())
    }
}

impl Collection for Hash {
    type Ref<'a> = HashRef<'a>;

    #[inline]
    fn view(view: View<'_>) -> Result<HashRef<'_>, WrongType> {
        match view {
            Payload::Inline { tag: tag::HASH, bytes } => Ok(HashRef::Packed(Listpack::or_empty(bytes))),
            Payload::Inline { tag: tag::TIMED_HASH, bytes } => Ok(HashRef::Timed(Listpack::or_empty(bytes))),
            Payload::Boxed(Big::Hash(hash)) => Ok(hash.as_ref()),
            _ => Err(WrongType),
        }
    }

    #[inline]
    fn take(view: PayloadMut<'_, Big>, mut spare: Vec<u8>) -> Result<Hash, WrongType> {
        match view {
            PayloadMut::Inline { tag: tag @ (tag::HASH | tag::TIMED_HASH), bytes } => {
                spare.extend_from_slice(bytes);
                Ok(if tag == tag::HASH { Hash::Packed(spare) } else { Hash::Timed(spare) })
            }
            PayloadMut::Boxed(Big::Hash(hash)) => Ok(std::mem::take(hash)),
            _ => Err(WrongType),
        }
    }

    fn begin(spare: Vec<u8>) -> Hash {
        Hash::Packed(spare)
    }

    #[inline]
    fn stow(self, inline_max: usize) -> Stowed {
        match self {
            Hash::Packed(pack) => Stowed::packed(tag::HASH, pack, inline_max, |pack| Big::Hash(Hash::Packed(pack))),
            Hash::Timed(pack) => Stowed::packed(tag::TIMED_HASH, pack, inline_max, |pack| Big::Hash(Hash::Timed(pack))),
            Hash::Table(_) => Stowed::Big(Big::Hash(self)),
        }
    }

    #[inline]
    fn is_empty(&self) -> bool {
        match self {
            Hash::Packed(pack) | Hash::Timed(pack) => pack.len() <= listpack::EMPTY_BYTES,
            Hash::Table(table) => table.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests;
