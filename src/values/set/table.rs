//! Big sets: an [`ElementTable`] without payloads.

use crate::base::hash::KeyHasher;
use crate::structures::element_table::{ElementTable, Full, Handle};
use crate::structures::listpack::Entry;
use smallvec::SmallVec;

/// Bytes of a table that are freed in about the time of one step.
const BYTES_PER_STEP: usize = 4096;
/// After so many removals some members are moved together, out of pages that have become sparse.
const REMOVALS_PER_TIDYING: u32 = 256;
/// Members moved at a time.
const TIDIED_AT_ONCE: usize = 64;

/// Members of a call that are looked up together, so that their cache misses overlap.
const AHEAD: usize = 16;
type Ahead<'m> = SmallVec<[(u64, &'m [u8]); AHEAD]>;

/// A set of any size.
pub struct Table {
    elements: ElementTable,
    hasher: KeyHasher,
    /// Removals since members were last moved together.
    removals: u32,
}

impl Table {
    /// An empty table.
    pub fn new(hasher: KeyHasher) -> Table {
        Table { elements: ElementTable::new(hasher), hasher, removals: 0 }
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

    #[inline]
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

    #[inline]
    pub(super) fn contains(&self, member: &[u8]) -> bool {
        self.elements.find(member).is_some()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Entry<'_>> {
        self.elements.iter().map(|handle| self.member(handle))
    }

    pub(super) fn handles(&self) -> impl Iterator<Item = Handle> {
        self.elements.iter()
    }

    #[inline]
    pub(super) fn member(&self, handle: Handle) -> Entry<'_> {
        Entry::Bytes(self.elements.name(handle))
    }

    pub(super) fn scan<'a>(&'a self, cursor: u64, mut visit: impl FnMut(Entry<'a>)) -> u64 {
        self.elements.scan(cursor, |handle| visit(self.member(handle)))
    }

    pub(super) fn sample(&self, random: impl FnMut(usize) -> usize) -> Option<Handle> {
        self.elements.sample(random)
    }

    // ---- looking ahead: the hash once, its bucket, its record, then the question ----

    /// The hash of a member: the same in all tables of a server.
    #[inline]
    pub(super) fn hash(&self, member: &[u8]) -> u64 {
        self.elements.hash(member)
    }

    #[inline]
    pub(super) fn prefetch_bucket(&self, hash: u64) {
        self.elements.prefetch(hash);
    }

    #[inline]
    pub(super) fn prefetch_record(&self, hash: u64) {
        self.elements.prefetch_record(hash);
    }

    #[inline]
    pub(super) fn contains_hashed(&self, hash: u64, member: &[u8]) -> bool {
        self.elements.find_hashed(hash, member).is_some()
    }

    /// Takes the next few of these members and asks the cache for all of them. Empty: there are no more.
    #[inline]
    fn look_ahead<'m>(&self, members: &mut impl Iterator<Item = &'m [u8]>) -> Ahead<'m> {
        let mut group = Ahead::new();
        for member in members.take(AHEAD) {
            let hash = self.hash(member);
            self.prefetch_bucket(hash);
            group.push((hash, member));
        }
        group.iter().for_each(|&(hash, _)| self.prefetch_record(hash));
        group
    }

    /// Tells of each whether it is a member.
    pub(super) fn test_all<'m>(&self, mut members: impl Iterator<Item = &'m [u8]>, mut tell: impl FnMut(bool)) {
        while let group = self.look_ahead(&mut members)
            && !group.is_empty()
        {
            group.into_iter().for_each(|(hash, member)| tell(self.contains_hashed(hash, member)));
        }
    }

    // ---- changing ----

    /// Adds a member; whether it is new.
    #[inline]
    pub(super) fn insert(&mut self, member: &[u8]) -> Result<bool, Full> {
        self.insert_hashed(self.elements.hash(member), member)
    }

    #[inline]
    pub(super) fn insert_hashed(&mut self, hash: u64, member: &[u8]) -> Result<bool, Full> {
        if self.elements.find_hashed(hash, member).is_some() {
            return Ok(false);
        }
        self.elements.insert_hashed(hash, member, b"", None)?;
        Ok(true)
    }

    /// Removes a member; whether it was there.
    #[inline]
    pub(super) fn remove_hashed(&mut self, hash: u64, member: &[u8]) -> bool {
        let found = self.elements.find_hashed(hash, member);
        if let Some(handle) = found {
            self.remove_at(handle);
        }
        found.is_some()
    }

    /// Adds members; how many are new.
    pub(super) fn insert_all<'m>(&mut self, mut members: impl Iterator<Item = &'m [u8]>) -> Result<usize, Full> {
        let mut added = 0;
        while let group = self.look_ahead(&mut members)
            && !group.is_empty()
        {
            for (hash, member) in group {
                added += self.insert_hashed(hash, member)? as usize;
            }
        }
        Ok(added)
    }

    /// Removes members, up to the last there is; how many were there.
    pub(super) fn remove_all<'m>(&mut self, mut members: impl Iterator<Item = &'m [u8]>) -> usize {
        let before = self.len();
        while !self.is_empty()
            && let group = self.look_ahead(&mut members)
            && !group.is_empty()
        {
            for (hash, member) in group {
                self.remove_hashed(hash, member);
            }
        }
        before - self.len()
    }

    /// Removes the member with this handle. Other members may move.
    pub(super) fn remove_at(&mut self, handle: Handle) {
        self.elements.remove(handle);
        self.removals += 1;
        if self.removals >= REMOVALS_PER_TIDYING {
            self.removals = 0;
            self.elements.defragment(TIDIED_AT_ONCE, |_, _| ());
        }
    }

    /// Panics unless the parts agree.
    pub fn check_invariants(&self) {
        self.elements.check_invariants();
    }
}

impl Clone for Table {
    fn clone(&self) -> Table {
        let mut copy = Table::new(self.hasher);
        for handle in self.elements.iter() {
            copy.elements.insert(self.elements.name(handle), b"", None).expect("there is room for what has had room");
        }
        copy
    }
}

impl PartialEq for Table {
    /// The same members.
    fn eq(&self, other: &Table) -> bool {
        self.len() == other.len() && self.elements.iter().all(|handle| other.contains(self.elements.name(handle)))
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("len", &self.len()).finish_non_exhaustive()
    }
}
