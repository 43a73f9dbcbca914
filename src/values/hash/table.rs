//! Big hashes: an [`ElementTable`] whose payloads are the values.

use super::{Field, FieldTtl};
use crate::base::hash::KeyHasher;
use crate::structures::element_table::{ElementTable, Full, Handle};
use crate::structures::listpack::Entry;

/// Bytes of a table that are freed in about the time of one step.
const BYTES_PER_STEP: usize = 4096;

/// A hash of any size.
pub struct Table {
    elements: ElementTable,
    hasher: KeyHasher,
}

impl Table {
    /// An empty table.
    pub fn new(hasher: KeyHasher) -> Table {
        Table { elements: ElementTable::new(hasher), hasher }
    }

    /// Its elements by name.
    #[inline]
    pub fn elements(&self) -> &ElementTable {
        &self.elements
    }

    /// Its elements, to be walked.
    pub(in crate::values) fn elements_mut(&mut self) -> &mut ElementTable {
        &mut self.elements
    }

    pub(super) fn len(&self) -> usize {
        self.elements.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// Buckets of the table, elements in it.
    pub fn table_size(&self) -> (usize, usize) {
        (self.elements.buckets(), self.elements.len())
    }

    pub(super) fn heap_bytes(&self) -> usize {
        size_of::<Table>() + self.elements.heap_bytes()
    }

    pub(super) fn free_effort(&self) -> usize {
        self.elements.heap_bytes() / BYTES_PER_STEP
    }

    fn field(&self, handle: Handle) -> Field<'_> {
        Field {
            name: Entry::Bytes(self.elements.name(handle)),
            value: Entry::Bytes(self.elements.payload(handle)),
            deadline: self.elements.deadline_ms(handle),
        }
    }

    #[inline]
    pub(super) fn find(&self, name: &[u8]) -> Option<Field<'_>> {
        self.elements.find(name).map(|handle| self.field(handle))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Field<'_>> {
        self.elements.iter().map(|handle| self.field(handle))
    }

    pub(super) fn has_deadlines(&self) -> bool {
        self.elements.expiring() > 0
    }

    pub(super) fn next_deadline(&self) -> Option<u64> {
        self.elements.next_deadline()
    }

    pub(super) fn deadlines_from(&self) -> Option<u64> {
        self.elements.deadlines_from()
    }

    pub(super) fn scan<'a>(&'a self, cursor: u64, mut visit: impl FnMut(Field<'a>)) -> u64 {
        self.elements.scan(cursor, |handle| visit(self.field(handle)))
    }

    pub(super) fn sample(&self, random: impl FnMut(usize) -> usize) -> Option<Handle> {
        self.elements.sample(random)
    }

    pub(super) fn field_of(&self, handle: Handle) -> Field<'_> {
        self.field(handle)
    }

    /// Adds a field that is not there.
    pub(super) fn insert(&mut self, field: Field<'_>) -> Result<(), Full> {
        let (mut name, mut value) = (itoa::Buffer::new(), itoa::Buffer::new());
        let (name, value) = (field.name.as_slice(&mut name), field.value.as_slice(&mut value));
        self.elements.insert(name, value, field.deadline).map(drop)
    }

    /// Sets a field; whether it is new.
    #[inline]
    pub(super) fn set(&mut self, name: &[u8], value: &[u8], ttl: FieldTtl) -> Result<bool, Full> {
        let hash = self.elements.hash(name);
        let Some(handle) = self.elements.find_hashed(hash, name) else {
            self.elements.insert_hashed(hash, name, value, None)?;
            return Ok(true);
        };
        let present = self.elements.payload_mut(handle);
        let handle = if present.len() == value.len() {
            present.copy_from_slice(value);
            handle
        } else {
            self.elements.replace(handle, value)?
        };
        if ttl == FieldTtl::Clear && self.elements.deadline_ms(handle).is_some() {
            self.elements.set_deadline(handle, None)?;
        }
        Ok(false)
    }

    /// Removes a field; whether it was there.
    pub(super) fn remove(&mut self, name: &[u8]) -> bool {
        let found = self.elements.find(name);
        if let Some(handle) = found {
            self.elements.remove(handle);
        }
        found.is_some()
    }

    pub(super) fn set_deadline(&mut self, name: &[u8], deadline: Option<u64>) -> Result<(), Full> {
        match self.elements.find(name) {
            Some(handle) if self.elements.deadline_ms(handle) != deadline => {
                self.elements.set_deadline(handle, deadline).map(drop)
            }
            _ => Ok(()),
        }
    }

    pub(super) fn expire_due(&mut self, now_ms: u64, budget: &mut usize, mut visit: impl FnMut(&[u8])) {
        self.elements.expire_due(now_ms, budget, |elements, handle| visit(elements.name(handle)));
    }

    /// Panics unless the parts agree.
    pub fn check_invariants(&self) {
        self.elements.check_invariants();
    }
}

impl Clone for Table {
    fn clone(&self) -> Table {
        let mut copy = Table::new(self.hasher);
        for field in self.iter() {
            copy.insert(field).expect("there is room for what has had room");
        }
        copy
    }
}

impl PartialEq for Table {
    /// The same fields with the same values and deadlines.
    fn eq(&self, other: &Table) -> bool {
        let is_same = |field: Field<'_>| match field.name {
            Entry::Bytes(name) => other.find(name) == Some(field),
            Entry::Int(_) => unreachable!("a table holds texts"),
        };
        self.len() == other.len() && self.iter().all(is_same)
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("len", &self.len()).finish_non_exhaustive()
    }
}
