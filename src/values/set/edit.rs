//! Members that come and go, and what form the set takes with them.

use super::{Set, SetRef, Table};
use crate::base::number::{decimal_len, parse_i64};
use crate::structures::element_table::Full;
use crate::structures::int_set::{self, IntSet};
use crate::structures::listpack::{self, Entry, Listpack, entry_bytes};
use crate::values::{Collection, Encodings};

/// The most integers that an intset takes, whatever the threshold: Redis's own bound.
const INTS_MAX: usize = 1 << 30;
/// Room of a new packed set.
const FIRST_BYTES: usize = 64;

impl Set {
    /// Says that so many members are about to be added, `first` before the others. An empty set takes the form that Redis would begin
    /// it with; any becomes a table at once if they are too many for what it is, even where most turn out to be one and the same.
    pub fn expect(&mut self, first: &[u8], coming: usize, encodings: &Encodings) -> Result<(), Full> {
        let fits_ints = coming <= encodings.set_max_intset_entries;
        let fits_pack = coming <= encodings.set_max_listpack_entries;
        if self.is_empty() && !matches!(self, Set::Table(_)) {
            *self = match () {
                () if fits_ints && parse_i64(first).is_some() => Set::no_ints(),
                () if fits_pack => Set::Packed(Vec::new()),
                () => Set::Table(Box::new(Table::new(encodings.hasher))),
            };
            return Ok(());
        }
        match self {
            Set::Ints(_) if !fits_ints => self.unpack(encodings).map(drop),
            Set::Packed(_) if !fits_pack => self.unpack(encodings).map(drop),
            _ => Ok(()),
        }
    }

    /// A set without members that is fit for integers.
    pub fn no_ints() -> Set {
        let mut ints = Vec::with_capacity(FIRST_BYTES);
        ints.extend_from_slice(&int_set::new());
        Set::Ints(ints)
    }

    /// Adds a member; whether it is new.
    #[inline]
    pub fn insert(&mut self, member: &[u8], encodings: &Encodings) -> Result<bool, Full> {
        match self {
            Set::Table(table) => table.insert(member),
            Set::Ints(_) => match parse_i64(member) {
                Some(value) => self.insert_int(value, encodings),
                None => self.insert_text_among_ints(member, encodings),
            },
            Set::Packed(pack) => {
                let view = Listpack::or_empty(pack);
                if view.find(member, 0).is_some() {
                    return Ok(false);
                }
                let fits = view.len() < encodings.set_max_listpack_entries
                    && member.len() <= encodings.set_max_listpack_value
                    && listpack::has_room(pack, entry_bytes(Entry::Bytes(member)));
                if !fits {
                    return self.unpack(encodings)?.insert(member);
                }
                push(pack, Entry::from(member));
                Ok(true)
            }
        }
    }

    /// The same, of a member that comes from another set.
    #[inline]
    pub fn insert_entry(&mut self, member: Entry<'_>, encodings: &Encodings) -> Result<bool, Full> {
        match (self, member) {
            (set @ Set::Ints(_), Entry::Int(value)) => set.insert_int(value, encodings),
            (set, member) => set.insert(member.as_slice(&mut itoa::Buffer::new()), encodings),
        }
    }

    /// Adds members; how many are new.
    pub fn insert_all<'m>(
        &mut self,
        members: impl Iterator<Item = &'m [u8]>,
        encodings: &Encodings,
    ) -> Result<usize, Full> {
        let mut members = members.peekable();
        let mut added = 0;
        while let Some(member) = members.next() {
            match self {
                Set::Table(table) if members.peek().is_some() => {
                    let rest = std::iter::once(member).chain(&mut members);
                    return Ok(added + table.insert_all(rest)?);
                }
                _ => added += self.insert(member, encodings)? as usize,
            }
        }
        Ok(added)
    }

    /// Removes a member; whether it was there.
    #[inline]
    pub fn remove(&mut self, member: &[u8]) -> bool {
        self.remove_entry(Entry::Bytes(member))
    }

    /// Removes members, up to the last there is; how many were there.
    pub fn remove_all<'m>(&mut self, members: impl Iterator<Item = &'m [u8]>) -> usize {
        if let Set::Table(table) = self {
            return table.remove_all(members);
        }
        let mut removed = 0;
        for member in members {
            removed += self.remove(member) as usize;
            if self.is_empty() {
                break;
            }
        }
        removed
    }

    /// Removes a member; whether it was there.
    #[inline]
    pub fn remove_entry(&mut self, member: Entry<'_>) -> bool {
        match self {
            Set::Ints(ints) => member.as_int().is_some_and(|value| int_set::remove(ints, value)),
            Set::Packed(pack) => {
                let found = Listpack::or_empty(pack).find(member.as_slice(&mut itoa::Buffer::new()), 0);
                if let Some(offset) = found {
                    listpack::remove(pack, offset);
                }
                found.is_some()
            }
            Set::Table(table) => {
                let mut buffer = itoa::Buffer::new();
                let member = member.as_slice(&mut buffer);
                table.remove_hashed(table.hash(member), member)
            }
        }
    }

    /// An intset of the members, if all are integers and not too many; else nothing changes.
    pub fn make_ints(&mut self, encodings: &Encodings) {
        if matches!(self, Set::Ints(_)) || self.len() > most_ints(encodings) {
            return;
        }
        let mut values = Vec::with_capacity(self.len());
        for member in self.as_ref().iter() {
            match member.as_int() {
                Some(value) => values.push(value),
                None => return,
            }
        }
        values.sort_unstable();
        let mut ints = int_set::new();
        for value in values {
            int_set::insert(&mut ints, value);
        }
        *self = Set::Ints(ints);
    }

    /// Makes a table of it, which it stays.
    pub fn make_table(&mut self, encodings: &Encodings) -> Result<(), Full> {
        self.unpack(encodings).map(drop)
    }

    fn insert_int(&mut self, value: i64, encodings: &Encodings) -> Result<bool, Full> {
        let Set::Ints(ints) = self else { unreachable!("called for intsets") };
        let is_new = int_set::insert(ints, value);
        if is_new && IntSet::new(ints).len() > most_ints(encodings) {
            self.unpack(encodings)?;
        }
        Ok(is_new)
    }

    /// The first member that is no integer: from now on it is a listpack, if that can hold it and all integers.
    fn insert_text_among_ints(&mut self, member: &[u8], encodings: &Encodings) -> Result<bool, Full> {
        let SetRef::Ints(ints) = self.as_ref() else { unreachable!("called for intsets") };
        let ends = [ints.get(0), ints.get(ints.len().wrapping_sub(1))].map(Option::unwrap_or_default);
        let longest = member.len().max(ends.map(decimal_len).into_iter().max().unwrap_or(0));
        let most_bytes = ends.map(entry_bytes).into_iter().max().unwrap_or(0) * ints.len();
        let fits = ints.len() < encodings.set_max_listpack_entries
            && longest <= encodings.set_max_listpack_value
            && listpack::has_room(&[], most_bytes + member.len());
        if !fits {
            return self.unpack(encodings)?.insert(member);
        }
        let mut pack = Vec::with_capacity(listpack::EMPTY_BYTES + most_bytes + entry_bytes(Entry::Bytes(member)));
        ints.iter().for_each(|value| push(&mut pack, Entry::Int(value)));
        push(&mut pack, Entry::Bytes(member));
        *self = Set::Packed(pack);
        Ok(true)
    }

    /// Makes a table of it.
    pub(super) fn unpack(&mut self, encodings: &Encodings) -> Result<&mut Table, Full> {
        if !matches!(self, Set::Table(_)) {
            let mut table = Table::new(encodings.hasher);
            for member in self.as_ref().iter() {
                table.insert(member.as_slice(&mut itoa::Buffer::new()))?;
            }
            *self = Set::Table(Box::new(table));
        }
        match self {
            Set::Table(table) => Ok(table),
            _ => unreachable!("made so above"),
        }
    }
}

/// The most integers of an intset.
fn most_ints(encodings: &Encodings) -> usize {
    encodings.set_max_intset_entries.min(INTS_MAX)
}

/// Adds an element to a listpack that may have no bytes yet.
#[inline]
pub(super) fn push(pack: &mut Vec<u8>, member: Entry<'_>) {
    if pack.is_empty() {
        pack.reserve(FIRST_BYTES);
        pack.extend_from_slice(&listpack::EMPTY);
    }
    listpack::push_back(pack, member);
}
