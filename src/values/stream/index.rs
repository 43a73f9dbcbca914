//! Blocks by their keys, in chunks: compact, and no change touches more than a chunk.
//!
//! ```text
//! chunks   [(key, block) (key, block) ..]  [(key, block) ..]  ..     up to 64 in each
//! ```
//! Invariants: keys grow throughout; no chunk is empty; one has room for no more than four times its blocks (but for the least that a
//! vector takes). Blocks come at the end and go from anywhere, mostly from the front.
//!
//! Cost: a search halves the chunks, then the blocks of one; 32 bytes per block and a fraction.

use super::id::StreamId;
use std::collections::VecDeque;

/// Blocks of a full chunk.
const CHUNK_BLOCKS: usize = 64;
/// Room that is not worth giving back.
const LEAST_ROOM: usize = 4;

type Chunk = Vec<(StreamId, Box<[u8]>)>;

/// What a block takes in the index, about.
pub(super) const INDEX_BYTES: usize = 40;

/// Blocks by key.
#[derive(Debug, Clone, Default)]
pub(super) struct BlockIndex {
    chunks: VecDeque<Chunk>,
    len: usize,
}

/// Where a block stands, or would stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    chunk: usize,
    at: usize,
}

impl BlockIndex {
    /// Without blocks.
    pub(super) const fn new() -> BlockIndex {
        BlockIndex { chunks: VecDeque::new(), len: 0 }
    }

    /// How many blocks there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The first block.
    pub(super) fn first(&self) -> Option<(StreamId, &[u8])> {
        self.chunks.front()?.first().map(|(key, pack)| (*key, &**pack))
    }

    /// The greatest key that is no greater than `id`.
    pub(super) fn key_before(&self, id: StreamId) -> Option<StreamId> {
        self.back_from(id).next().map(|(key, _)| key)
    }

    /// The blocks from `key` on.
    pub(super) fn from(&self, key: StreamId) -> BlocksFrom<'_> {
        BlocksFrom { index: self, place: self.place_of(key) }
    }

    /// The blocks up to `key`, the last first.
    pub(super) fn back_from(&self, key: StreamId) -> BlocksBack<'_> {
        let place = self.place_of(key);
        let is_there = self.get(place).is_some_and(|(found, _)| found == key);
        BlocksBack { index: self, place: if is_there { Place { at: place.at + 1, ..place } } else { place } }
    }

    /// Adds a block behind the last.
    pub(super) fn push(&mut self, key: StreamId, pack: Box<[u8]>) {
        match self.chunks.back_mut().filter(|chunk| chunk.len() < CHUNK_BLOCKS) {
            Some(chunk) => chunk.push((key, pack)),
            None => self.chunks.push_back(vec![(key, pack)]),
        }
        self.len += 1;
    }

    /// Takes the last block away.
    pub(super) fn pop(&mut self) -> Option<(StreamId, Box<[u8]>)> {
        let chunk = self.chunks.len().checked_sub(1)?;
        let at = self.chunks[chunk].len() - 1;
        Some(self.remove_at(Place { chunk, at }))
    }

    /// Takes the first block away.
    pub(super) fn pop_first(&mut self) -> Option<(StreamId, Box<[u8]>)> {
        (self.len > 0).then(|| self.remove_at(Place { chunk: 0, at: 0 }))
    }

    /// Takes the block of this key away.
    pub(super) fn remove(&mut self, key: StreamId) -> Option<Box<[u8]>> {
        let place = self.place_of(key);
        self.get(place).filter(|(found, _)| *found == key)?;
        Some(self.remove_at(place).1)
    }

    /// The block of this key, to be replaced.
    pub(super) fn get_mut(&mut self, key: StreamId) -> Option<&mut Box<[u8]>> {
        let place = self.place_of(key);
        let (found, pack) = self.chunks.get_mut(place.chunk)?.get_mut(place.at)?;
        (*found == key).then_some(pack)
    }

    fn get(&self, place: Place) -> Option<(StreamId, &[u8])> {
        self.chunks.get(place.chunk)?.get(place.at).map(|(key, pack)| (*key, &**pack))
    }

    /// Where the first block stands whose key is no less than this; the end if there is none.
    fn place_of(&self, key: StreamId) -> Place {
        let chunk = self.chunks.partition_point(|chunk| chunk.last().is_some_and(|(last, _)| *last < key));
        let at = self.chunks.get(chunk).map_or(0, |blocks| blocks.partition_point(|(block, _)| *block < key));
        Place { chunk, at }
    }

    fn remove_at(&mut self, place: Place) -> (StreamId, Box<[u8]>) {
        let chunk = &mut self.chunks[place.chunk];
        let block = chunk.remove(place.at);
        if chunk.is_empty() {
            self.chunks.remove(place.chunk);
        } else if chunk.capacity() > LEAST_ROOM && chunk.len() * 4 < chunk.capacity() {
            chunk.shrink_to((chunk.len() * 2).max(LEAST_ROOM));
        }
        self.len -= 1;
        block
    }
}

impl PartialEq for BlockIndex {
    /// By what they hold, however it is divided.
    fn eq(&self, other: &BlockIndex) -> bool {
        self.len == other.len && self.from(StreamId::MIN).eq(other.from(StreamId::MIN))
    }
}

/// Blocks in order.
#[derive(Debug, Clone)]
pub(super) struct BlocksFrom<'a> {
    index: &'a BlockIndex,
    place: Place,
}

impl<'a> Iterator for BlocksFrom<'a> {
    type Item = (StreamId, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let block = self.index.get(self.place)?;
        self.place.at += 1;
        if self.place.at == self.index.chunks[self.place.chunk].len() {
            self.place = Place { chunk: self.place.chunk + 1, at: 0 };
        }
        Some(block)
    }
}

/// Blocks, the last first.
#[derive(Debug, Clone)]
pub(super) struct BlocksBack<'a> {
    index: &'a BlockIndex,
    /// Behind the block to come.
    place: Place,
}

impl<'a> Iterator for BlocksBack<'a> {
    type Item = (StreamId, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.place.at == 0 {
            let chunk = self.place.chunk.checked_sub(1)?;
            self.place = Place { chunk, at: self.index.chunks[chunk].len() };
        }
        self.place.at -= 1;
        self.index.get(self.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn it_is_a_map_whose_blocks_come_at_the_end() {
        let mut rng = fastrand::Rng::with_seed(5);
        let (mut index, mut model) = (BlockIndex::new(), BTreeMap::new());
        for step in 0..4000u64 {
            let key = StreamId::new(rng.u64(0..step + 1), 0);
            match rng.u8(0..10) {
                0..6 => {
                    let pack: Box<[u8]> = step.to_le_bytes().into();
                    index.push(StreamId::new(step, 0), pack.clone());
                    model.insert(StreamId::new(step, 0), pack);
                }
                6 => assert_eq!(index.pop(), model.pop_last()),
                7 => assert_eq!(index.pop_first(), model.pop_first()),
                8 => assert_eq!(index.remove(key), model.remove(&key)),
                _ => assert_eq!(index.get_mut(key), model.get_mut(&key)),
            }
            #[expect(clippy::borrowed_box, reason = "what the map gives")]
            let shown = |(key, pack): (&StreamId, &Box<[u8]>)| (*key, pack.to_vec());
            let found = |(key, pack): (StreamId, &[u8])| (key, pack.to_vec());
            assert_eq!(index.key_before(key), model.range(..=key).next_back().map(|(key, _)| *key));
            assert!(index.from(key).take(70).map(found).eq(model.range(key..).take(70).map(shown)));
            assert!(index.back_from(key).take(70).map(found).eq(model.range(..=key).rev().take(70).map(shown)));
            assert_eq!((index.len(), index.first().map(found)), (model.len(), model.first_key_value().map(shown)));
            assert!(index.chunks.iter().all(|chunk| chunk.capacity() <= (4 * chunk.len()).max(LEAST_ROOM)));
        }
        let mut same = BlockIndex::new();
        index.from(StreamId::MIN).for_each(|(key, pack)| same.push(key, pack.into()));
        assert_eq!(same, index);
    }
}
