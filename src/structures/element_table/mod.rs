//! The table inside a big hash, set or sorted set: elements by name, made of the same parts as the keyspace.
//!
//! ```text
//! KeyTable      hash of the name ─► handle          8 to 9 bytes per element, cache-line buckets
//! RecordArena   handle ─► record                    in slots 4 bytes apart, pages of a sixteenth of the table
//! TimerWheel    deadlines, nearest first            only once an element had one
//!
//! record   state u8 | name_len u8 | payload_len u16 | deadline and wheel links (16, if any) | name | payload
//!
//!   payload       a hash's value   any bytes; over 1024 they stand in a box of their own
//!                 a set            none
//!                 a sorted set     the score's 8 bytes
//!   long names    over 255 bytes: in a box of their own
//! ```
//!
//! **Handles.** An element keeps its handle while it stays as it is. `replace`, `set_deadline` and `defragment` may move it; they
//! tell where to. Whoever keeps handles (a sorted set's tree) is to be told in turn.
//!
//! Invariants: every record stands once in the table, under the hash of its name; one with a deadline is in the wheel, no other
//! is; `boxed_bytes` counts the boxed payloads.

mod walk;

pub use walk::Element;

use super::key_table::KeyTable;
pub use super::record_arena::Handle;
use super::record_arena::{INLINE_MAX, NewPayload, Payload, PayloadMut, RecordArena, ShortHead};
use super::timer_wheel::TimerWheel;
use crate::base::hash::KeyHasher;

/// All 2^32 handles are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// A payload that does not stand in its record.
type Boxed = Box<[u8]>;

/// The one tag of payloads in records.
const TAG: u8 = 1;

/// Elements by name.
pub struct ElementTable {
    hasher: KeyHasher,
    table: KeyTable,
    records: RecordArena<Boxed, ShortHead>,
    wheel: Option<Box<TimerWheel>>,
    boxed_bytes: usize,
    /// The mark of elements that a walk has reached.
    reached: bool,
    /// The walk under way.
    walk: Option<Box<walk::Walk>>,
    /// The page that `defragment` is emptying.
    emptied_page: Option<u32>,
}

impl ElementTable {
    /// An empty table.
    pub fn new(hasher: KeyHasher) -> Self {
        ElementTable {
            hasher,
            table: KeyTable::new(),
            records: RecordArena::new(),
            wheel: None,
            boxed_bytes: 0,
            reached: false,
            walk: None,
            emptied_page: None,
        }
    }

    /// Elements, those past their deadline that have not been removed yet included.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Buckets that elements are found through.
    pub fn buckets(&self) -> usize {
        self.table.buckets()
    }

    /// Bytes that the table holds beside itself: pages, buckets, long names, boxed payloads, wheel. O(1).
    pub fn heap_bytes(&self) -> usize {
        let wheel = self.wheel.as_ref().map_or(0, |wheel| size_of::<TimerWheel>() + wheel.heap_bytes());
        self.records.page_bytes()
            + self.records.directory_bytes()
            + self.records.long_key_bytes()
            + self.table.bytes()
            + self.boxed_bytes
            + wheel
    }

    // ---- finding ----

    /// The hash of a name.
    #[inline]
    pub fn hash(&self, name: &[u8]) -> u64 {
        self.hasher.hash(name)
    }

    /// Asks the cache for the bucket of a hash: first step of looking ahead.
    #[inline]
    pub fn prefetch(&self, hash: u64) {
        self.table.prefetch(hash);
    }

    /// Asks the cache for the record that a hash most likely leads to: second step, when the bucket has come.
    #[inline]
    pub fn prefetch_record(&self, hash: u64) {
        if let Some(handle) = self.table.likely(hash) {
            self.records.prefetch(handle);
        }
    }

    /// The element of this name.
    #[inline]
    pub fn find(&self, name: &[u8]) -> Option<Handle> {
        self.find_hashed(self.hash(name), name)
    }

    /// The element of this name, whose hash is known. The hash must be of a table with the same hasher.
    #[inline]
    pub fn find_hashed(&self, hash: u64, name: &[u8]) -> Option<Handle> {
        self.table.find(hash, |handle| self.records.key(handle) == name)
    }

    // ---- reading ----

    /// The element's name.
    #[inline]
    pub fn name(&self, handle: Handle) -> &[u8] {
        self.records.key(handle)
    }

    /// The element's payload.
    #[inline]
    pub fn payload(&self, handle: Handle) -> &[u8] {
        match self.records.payload(handle) {
            Payload::Inline { bytes, .. } => bytes,
            Payload::Boxed(bytes) => bytes,
        }
    }

    /// The element's payload, to be changed in place: its length stays.
    #[inline]
    pub fn payload_mut(&mut self, handle: Handle) -> &mut [u8] {
        self.before_change(handle);
        match self.records.payload_mut(handle) {
            PayloadMut::Inline { bytes, .. } => bytes,
            PayloadMut::Boxed(bytes) => bytes,
        }
    }

    /// Asks the cache for an element that is about to be read.
    #[inline]
    pub fn prefetch_element(&self, handle: Handle) {
        self.records.prefetch(handle);
    }

    /// The element's deadline.
    #[inline]
    pub fn deadline_ms(&self, handle: Handle) -> Option<u64> {
        self.records.deadline_ms(handle)
    }

    /// All elements, in no order that means anything, as fast as memory can be read.
    pub fn iter(&self) -> impl Iterator<Item = Handle> {
        self.records.handles()
    }

    /// Visits some elements at `cursor` and gives the cursor to go on with, 0 at the end. Start with 0; any number is fine. An
    /// element that stays throughout is visited exactly once, whatever else comes and goes.
    pub fn scan(&self, cursor: u64, visit: impl FnMut(Handle)) -> u64 {
        self.table.scan_ahead(cursor, |handle| self.records.prefetch(handle));
        self.table.scan(cursor, |handle| self.hash(self.records.key(handle)), visit)
    }

    /// An element chosen by the numbers that `random(n)` draws from `0..n`, each as likely as any other. None when empty.
    pub fn sample(&self, random: impl FnMut(usize) -> usize) -> Option<Handle> {
        self.table.sample(random)
    }

    // ---- changing ----

    /// Adds an element, which must not be there.
    pub fn insert(&mut self, name: &[u8], payload: &[u8], deadline_ms: Option<u64>) -> Result<Handle, Full> {
        self.insert_hashed(self.hash(name), name, payload, deadline_ms)
    }

    /// Adds an element whose hash is known, which must not be there.
    pub fn insert_hashed(
        &mut self,
        hash: u64,
        name: &[u8],
        payload: &[u8],
        deadline_ms: Option<u64>,
    ) -> Result<Handle, Full> {
        debug_assert!(self.find_hashed(hash, name).is_none(), "an element comes once");
        let handle = self.records.insert(name, deadline_ms, new_payload(payload)).map_err(|_| Full)?;
        self.boxed_bytes += boxed_bytes(payload);
        self.records.set_mark(handle, self.reached);
        let (records, hasher) = (&self.records, &self.hasher);
        self.table.insert(hash, handle, |at| records.prefetch(at), |at| hasher.hash(records.key(at)));
        if deadline_ms.is_some() {
            self.file_deadline(handle);
        }
        Ok(handle)
    }

    /// Gives the element another payload; the answer is its handle from now on. When it is `Full` nothing has changed.
    pub fn replace(&mut self, handle: Handle, payload: &[u8]) -> Result<Handle, Full> {
        self.before_change(handle);
        let (to, old) = self.records.replace_payload(handle, new_payload(payload)).map_err(|_| Full)?;
        self.boxed_bytes += boxed_bytes(payload);
        self.boxed_bytes -= old.map_or(0, |old| boxed_bytes(&old));
        if to != handle {
            self.moved(handle, to);
        }
        Ok(to)
    }

    /// Gives the element a deadline or takes it away; the answer is its handle from now on. When it is `Full` nothing has changed.
    pub fn set_deadline(&mut self, handle: Handle, deadline_ms: Option<u64>) -> Result<Handle, Full> {
        self.before_change(handle);
        let had = self.records.deadline_ms(handle);
        if had.is_some() {
            self.drop_deadline(handle);
        }
        let Some(to) = self.records.set_or_clear_deadline(handle, deadline_ms) else {
            if had.is_some() {
                self.file_deadline(handle);
            }
            return Err(Full);
        };
        if to != handle {
            self.table.repoint(self.hasher.hash(self.records.key(to)), handle, to);
        }
        if deadline_ms.is_some() {
            self.file_deadline(to);
        }
        Ok(to)
    }

    /// Removes the element.
    pub fn remove(&mut self, handle: Handle) {
        self.remove_hashed(self.hasher.hash(self.records.key(handle)), handle);
    }

    /// Removes the element, whose name has this hash.
    pub fn remove_hashed(&mut self, hash: u64, handle: Handle) {
        self.before_change(handle);
        if self.records.deadline_ms(handle).is_some() {
            self.drop_deadline(handle);
        }
        self.table.remove(hash, handle);
        self.boxed_bytes -= self.records.remove(handle).map_or(0, |old| boxed_bytes(&old));
    }

    /// Moves about `budget` elements out of sparse pages, telling of each `(from, to)`; whether there is more to do. Without
    /// sparse pages it takes as long as it takes to look at all pages: call it when elements have gone.
    pub fn defragment(&mut self, budget: usize, mut tell: impl FnMut(Handle, Handle)) -> bool {
        let Some(page) = self.emptied_page.take().or_else(|| self.records.sparsest_page()) else { return false };
        let mut moves = smallvec::SmallVec::<[(Handle, Handle); 64]>::new();
        let done = self.records.evacuate(page, budget.min(64), |_, from, to| moves.push((from, to)));
        for (from, to) in moves {
            self.moved(from, to);
            tell(from, to);
        }
        self.emptied_page = (!done).then_some(page);
        true
    }

    fn moved(&mut self, from: Handle, to: Handle) {
        self.table.repoint(self.hasher.hash(self.records.key(to)), from, to);
        if let Some(wheel) = &mut self.wheel
            && self.records.deadline_ms(to).is_some()
        {
            wheel.moved(&mut self.records, from, to);
        }
    }

    // ---- deadlines ----

    /// Elements with a deadline.
    pub fn expiring(&self) -> usize {
        self.wheel.as_ref().map_or(0, |wheel| wheel.len())
    }

    /// When `expire_due` should be called next, in milliseconds: at the first deadline or at some time before it. A time that has
    /// come if there is work left.
    pub fn next_deadline(&self) -> Option<u64> {
        self.wheel.as_ref()?.next_deadline()
    }

    /// A time that no element's deadline is before; 0 if none is known.
    pub fn deadlines_from(&self) -> Option<u64> {
        self.wheel.as_ref()?.lower_bound()
    }

    /// Removes elements whose deadline is at most `now_ms`; each is shown to `visit` first. Stops when `budget` has run out: then
    /// `next_deadline` tells whether there are more.
    pub fn expire_due(&mut self, now_ms: u64, budget: &mut usize, mut visit: impl FnMut(&Self, Handle)) {
        while let Some(wheel) = &mut self.wheel
            && let Some(handle) = wheel.advance(&mut self.records, now_ms, budget)
        {
            visit(self, handle);
            self.before_change(handle);
            self.table.remove(self.hasher.hash(self.records.key(handle)), handle);
            self.boxed_bytes -= self.records.remove(handle).map_or(0, |old| boxed_bytes(&old));
        }
        if self.wheel.as_ref().is_some_and(|wheel| wheel.is_empty()) {
            self.wheel = None;
        }
    }

    /// The wheel begins at time 0: the first `expire_due` brings it to the clock.
    fn file_deadline(&mut self, handle: Handle) {
        let wheel = self.wheel.get_or_insert_with(|| Box::new(TimerWheel::new(0)));
        wheel.insert_below_floor(&mut self.records, handle);
    }

    fn drop_deadline(&mut self, handle: Handle) {
        let wheel = self.wheel.as_mut().expect("an element with a deadline is in the wheel");
        wheel.remove(&mut self.records, handle);
        if wheel.is_empty() {
            self.wheel = None;
        }
    }

    /// Checks what the head of this file promises. Panics when it does not hold.
    pub fn check_invariants(&self) {
        self.records.check_invariants();
        self.table.check_invariants(|handle| self.hash(self.name(handle)));
        if let Some(wheel) = &self.wheel {
            wheel.check_invariants(&self.records);
        }
        let (mut len, mut expiring, mut boxed) = (0, 0, 0);
        for handle in self.iter() {
            assert_eq!(self.find(self.name(handle)), Some(handle));
            len += 1;
            expiring += self.deadline_ms(handle).is_some() as usize;
            boxed += boxed_bytes(self.payload(handle));
        }
        assert_eq!((len, expiring, boxed), (self.len(), self.expiring(), self.boxed_bytes));
    }
}

fn new_payload(payload: &[u8]) -> NewPayload<'_, Boxed> {
    match payload.len() <= INLINE_MAX {
        true => NewPayload::Inline { tag: TAG, bytes: payload },
        false => NewPayload::Boxed(Box::new(payload.into())),
    }
}

/// Bytes of a payload that stand outside of its record.
fn boxed_bytes(payload: &[u8]) -> usize {
    if payload.len() <= INLINE_MAX { 0 } else { size_of::<Boxed>() + payload.len() }
}

#[cfg(test)]
mod tests;
