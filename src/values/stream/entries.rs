//! The entries of a stream: blocks in the order of their keys.
//!
//! ```text
//! sealed   key -> block | key -> block | ...     an index in chunks; blocks of just their size
//! tail     key, block                            the last one, with room to grow: where XADD appends
//!
//! ...deleted | first_id ......... max_deleted_id ......... last_id
//! ```
//! Invariants: there is a tail if there is any block, and its key is the greatest; each block has a live entry; live IDs grow from
//! block to block; `len` is the number of live entries, `first_id` the ID of the first (0-0 if there is none); `last_id` is no less than
//! any ID there is; `bytes` is the heap that blocks hold, and about what the index takes for them.
//!
//! Appending touches the tail only. Blocks are addressed by key: [`Entries::blocks_from`] goes on behind any of them, whatever has
//! changed meanwhile.

use super::block::{self, BlockRef, Flaw};
use super::id::StreamId;
use super::index::{BlockIndex, INDEX_BYTES};
use super::range::{Backward, Forward};
use super::walk::Walk;
use crate::structures::listpack::MAX_BYTES;
use crate::values::walk::Slot;

/// When a block is full.
#[derive(Debug, Clone, Copy)]
pub struct BlockLimits {
    /// Bytes (`stream-node-max-bytes`); 0: no limit.
    pub bytes: usize,
    /// Entries, deleted ones included (`stream-node-max-entries`); 0: no limit.
    pub entries: usize,
}

/// How a new entry gets its ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewId {
    /// This one.
    Given(StreamId),
    /// The next one of this millisecond.
    Within(u64),
    /// By the time of day, in milliseconds since 1970.
    Now(u64),
}

/// Why an entry is not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppendError {
    /// Its ID is not greater than all before it.
    NotGreater,
    /// Its fields and values are longer than a block can be.
    TooLarge,
}

/// Entries, and what is known of those that are gone.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Entries {
    pub(super) sealed: BlockIndex,
    pub(super) tail: Option<Tail>,
    pub(super) len: u64,
    pub(super) first_id: StreamId,
    pub(super) bytes: usize,
    pub(super) walk: Slot<Walk>,
    /// The greatest ID that was ever given (or set by XSETID).
    pub last_id: StreamId,
    /// The greatest ID of those deleted one by one.
    pub max_deleted_id: StreamId,
    /// How many were ever added.
    pub added: u64,
}

/// The last block.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tail {
    pub(super) key: StreamId,
    pub(super) pack: Vec<u8>,
}

impl Tail {
    fn view(&self) -> BlockRef<'_> {
        BlockRef::new(self.key, &self.pack)
    }
}

impl Entries {
    /// Without entries.
    pub const fn new() -> Entries {
        Entries {
            sealed: BlockIndex::new(),
            tail: None,
            len: 0,
            first_id: StreamId::MIN,
            bytes: 0,
            walk: Slot::EMPTY,
            last_id: StreamId::MIN,
            max_deleted_id: StreamId::MIN,
            added: 0,
        }
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first one's ID; 0-0 if there is none.
    pub fn first_id(&self) -> StreamId {
        self.first_id
    }

    /// The ID of the last one that is there.
    pub fn last_live_id(&self) -> Option<StreamId> {
        self.range_back(StreamId::MIN, StreamId::MAX).next().map(|entry| entry.id)
    }

    /// The ID of the first one, deleted ones that still stand in their block included.
    pub fn first_id_of_all(&self) -> Option<StreamId> {
        self.first_block()?.all().next().map(|found| found.entry.id)
    }

    /// Bytes of heap.
    pub fn heap_bytes(&self) -> usize {
        self.bytes
    }

    // ---- reading ----

    /// Those from `from` to `to`, both included.
    pub fn range(&self, from: StreamId, to: StreamId) -> Forward<'_> {
        Forward::new(self, from, to)
    }

    /// The same, from `to` back to `from`.
    pub fn range_back(&self, from: StreamId, to: StreamId) -> Backward<'_> {
        Backward::new(self, from, to)
    }

    /// The entry of this ID.
    pub fn get(&self, id: StreamId) -> Option<block::StreamEntry<'_>> {
        self.range(id, id).next()
    }

    /// How many there are from `from` to `to`: blocks in between are not looked into. No more than `most` are counted.
    pub fn count(&self, from: StreamId, to: StreamId, most: u64) -> u64 {
        if from <= self.first_id && to >= self.last_id {
            return self.len.min(most);
        }
        let start = self.key_before(from);
        let mut counted = 0;
        let mut blocks = self.blocks_from(start).peekable();
        while let Some(block) = blocks.next() {
            if block.key > to || counted >= most {
                break;
            }
            let is_inside = block.key >= from && blocks.peek().is_some_and(|next| next.key <= to);
            counted += match is_inside {
                true => block.live(),
                false => block.entries().filter(|entry| (from..=to).contains(&entry.id)).count() as u64,
            };
        }
        counted.min(most)
    }

    // ---- blocks ----

    /// How many blocks there are.
    pub fn block_count(&self) -> usize {
        self.sealed.len() + usize::from(self.tail.is_some())
    }

    /// All blocks, in order.
    pub fn blocks(&self) -> impl Iterator<Item = BlockRef<'_>> {
        self.blocks_from(StreamId::MIN)
    }

    /// The blocks whose key is no less than this.
    pub fn blocks_from(&self, key: StreamId) -> impl Iterator<Item = BlockRef<'_>> {
        let sealed = self.sealed.from(key).map(|(key, pack)| BlockRef::new(key, pack));
        sealed.chain(self.tail.as_ref().filter(|tail| tail.key >= key).map(Tail::view))
    }

    pub(super) fn tail_block(&self) -> Option<BlockRef<'_>> {
        self.tail.as_ref().map(Tail::view)
    }

    pub(super) fn first_block(&self) -> Option<BlockRef<'_>> {
        match self.sealed.first() {
            Some((key, pack)) => Some(BlockRef::new(key, pack)),
            None => self.tail_block(),
        }
    }

    /// The key of the block in which an entry of this ID would be; the lowest ID if that would be before the first.
    pub(super) fn key_before(&self, id: StreamId) -> StreamId {
        match &self.tail {
            Some(tail) if tail.key <= id => tail.key,
            _ => self.sealed.key_before(id).unwrap_or(StreamId::MIN),
        }
    }

    /// Puts a block behind the last, as it was written elsewhere. One whose entries are all deleted is dropped.
    ///
    /// # Errors
    /// It is not built as blocks are, or its entries do not stand behind those that are there.
    pub fn push_block(&mut self, key: StreamId, mut pack: Vec<u8>) -> Result<(), Flaw> {
        let Some((first, last)) = block::verify(key, &pack)? else { return Ok(()) };
        if self.tail.as_ref().is_some_and(|tail| key <= tail.key || key <= self.last_id) {
            return Err("a stream's blocks are out of order");
        }
        self.seal_tail();
        pack.shrink_to_fit();
        self.len += BlockRef::new(key, &pack).live();
        if self.block_count() == 0 {
            self.first_id = first;
        }
        self.last_id = last;
        self.bytes += pack.capacity();
        self.tail = Some(Tail { key, pack });
        Ok(())
    }

    // ---- adding ----

    /// The ID that an entry would get.
    ///
    /// # Errors
    /// It would not be greater than all before it.
    pub fn next_id(&self, new: NewId) -> Result<StreamId, AppendError> {
        let id = match new {
            NewId::Given(id) => Some(id),
            NewId::Within(ms) if ms == self.last_id.ms => {
                self.last_id.seq.checked_add(1).map(|seq| StreamId::new(ms, seq))
            }
            NewId::Within(ms) => Some(StreamId::new(ms, 0)),
            NewId::Now(ms) if ms > self.last_id.ms => Some(StreamId::new(ms, 0)),
            NewId::Now(_) => self.last_id.next(),
        };
        id.filter(|&id| id > self.last_id).ok_or(AppendError::NotGreater)
    }

    /// Adds an entry of so many fields with values; `word` gives them one after another.
    ///
    /// # Errors
    /// None was added.
    pub fn append<'w>(
        &mut self,
        id: StreamId,
        pairs: usize,
        word: impl Fn(usize) -> &'w [u8] + Copy,
        limits: BlockLimits,
    ) -> Result<(), AppendError> {
        if id <= self.last_id {
            return Err(AppendError::NotGreater);
        }
        let text_bytes = (0..2 * pairs).map(|i| word(i).len()).sum();
        if !fits_a_block(pairs, text_bytes) {
            return Err(AppendError::TooLarge);
        }
        if let Some(key) = self.tail.as_ref().map(|tail| tail.key) {
            self.before_change(key);
        }
        match &mut self.tail {
            Some(tail) if !is_full(tail, text_bytes, limits) => {
                self.bytes -= tail.pack.capacity();
                block::append(tail.key, &mut tail.pack, id, pairs, word, text_bytes);
                self.bytes += tail.pack.capacity();
            }
            _ => {
                // A block as large as the one before it.
                let room = self.tail.as_ref().map_or(0, |tail| tail.pack.len().min(MOST_ROOM_BYTES));
                self.before_block(id);
                self.seal_tail();
                let pack = block::begin(pairs, word, text_bytes, room);
                self.bytes += pack.capacity();
                self.tail = Some(Tail { key: id, pack });
            }
        }
        self.len += 1;
        self.added = self.added.wrapping_add(1); // a payload may claim any number, and Redis counts on from it, too
        self.last_id = id;
        if self.len == 1 {
            self.first_id = id;
        }
        Ok(())
    }

    fn seal_tail(&mut self) {
        if let Some(Tail { key, pack }) = self.tail.take() {
            self.bytes -= pack.capacity();
            self.bytes += pack.len() + INDEX_BYTES;
            self.sealed.push(key, pack.into_boxed_slice());
        }
    }

    // ---- removing ----

    /// Deletes one entry. Whether it was there.
    pub fn delete(&mut self, id: StreamId) -> bool {
        let key = self.key_before(id);
        let Some(block) = self.blocks_from(key).next() else { return false };
        let is_it = |found: &block::Found<'_>| !found.is_deleted && found.entry.id == id;
        let Some(found) = block.all().take_while(|found| found.is_deleted || found.entry.id <= id).find(is_it) else {
            return false;
        };
        self.delete_in(block.key, &[found.offset]);
        self.max_deleted_id = self.max_deleted_id.max(id);
        if id == self.first_id || self.len == 0 {
            self.find_first();
        }
        true
    }

    /// Marks these entries of a block, all of them live. If none is left the block goes.
    pub(super) fn delete_in(&mut self, key: StreamId, offsets: &[usize]) {
        self.before_change(key);
        let block = self.blocks_from(key).next().expect("a block of this key");
        let is_last = block.live() == offsets.len() as u64;
        self.len -= offsets.len() as u64;
        match &mut self.tail {
            Some(tail) if tail.key == key && is_last => {
                self.bytes -= tail.pack.capacity();
                self.tail = None;
                self.unseal_last();
            }
            Some(tail) if tail.key == key => {
                self.bytes -= tail.pack.capacity();
                block::delete(&mut tail.pack, offsets);
                self.bytes += tail.pack.capacity();
            }
            _ if is_last => {
                let pack = self.sealed.remove(key).expect("a block of this key");
                self.bytes -= pack.len() + INDEX_BYTES;
            }
            _ => {
                let place = self.sealed.get_mut(key).expect("a block of this key");
                let mut pack = std::mem::take(place).into_vec();
                self.bytes -= pack.len();
                block::delete(&mut pack, offsets);
                self.bytes += pack.len();
                *place = pack.into_boxed_slice();
            }
        }
    }

    /// Takes the first block away. Gives how many live entries it had.
    pub(super) fn pop_first(&mut self) -> u64 {
        if let Some(key) = self.first_block().map(|block| block.key) {
            self.before_change(key);
        }
        let (key, pack) = match self.sealed.pop_first() {
            Some((key, pack)) => {
                self.bytes -= pack.len() + INDEX_BYTES;
                (key, pack)
            }
            None => match self.tail.take() {
                Some(tail) => {
                    self.bytes -= tail.pack.capacity();
                    (tail.key, tail.pack.into())
                }
                None => return 0,
            },
        };
        let live = BlockRef::new(key, &pack).live();
        self.len -= live;
        live
    }

    /// The last sealed block is the tail again: what is added may still fit into it.
    fn unseal_last(&mut self) {
        if let Some((key, pack)) = self.sealed.pop() {
            self.bytes -= INDEX_BYTES;
            self.tail = Some(Tail { key, pack: pack.into_vec() });
        }
    }

    pub(super) fn find_first(&mut self) {
        self.first_id = self.range(StreamId::MIN, StreamId::MAX).next().map_or(StreamId::MIN, |entry| entry.id);
    }
}

/// No block gets more room beforehand.
const MOST_ROOM_BYTES: usize = 4096;

/// Redis's bound on the texts; and with what stands between them, a listpack's length must fit into 32 bits.
fn fits_a_block(pairs: usize, text_bytes: usize) -> bool {
    text_bytes <= MAX_BYTES && text_bytes + 22 * pairs < u32::MAX as usize - 1024
}

#[inline]
fn is_full(tail: &Tail, added_bytes: usize, limits: BlockLimits) -> bool {
    let most_bytes = match limits.bytes {
        0 => MAX_BYTES,
        bytes => bytes.min(MAX_BYTES),
    };
    tail.pack.len() + added_bytes >= most_bytes
        || (limits.entries > 0 && block::len(tail.key, &tail.pack) >= limits.entries as u64)
}
