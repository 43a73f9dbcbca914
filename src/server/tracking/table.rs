//! Who has read which keys.
//!
//! ```text
//! keys      key ─► who, 8 bytes       about 40 bytes with a key of 16
//!             who below GROUP          a bit for each reader, of those with the first 63 numbers
//!             who from GROUP on        the others, too: a place in `groups`
//! groups    readers' numbers, in order
//! readers   number ─► client, keys that name it
//! ```
//!
//! Keys are known by name alone, without a database. A client that has gone is not looked for in the table: its number is a dead one
//! until no key names it any more. A group that is about to grow loses its dead first.
//!
//! Invariants: a group is in order, nobody twice; `items` and each reader's `keys` count what the keys name.

use crate::base::hash::KeyHasher;
use crate::server::clients::ClientIndex;
use crate::structures::element_table::{ElementTable, Handle};
use slab::Slab;
use smallvec::SmallVec;

/// From here on a key's eight bytes are a group's place.
const GROUP: u64 = 1 << BITS;
/// Readers' numbers that are bits.
const BITS: u32 = 63;

/// A client's number in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reader(u32);

/// Clients, by place and number.
pub type Readers = SmallVec<[(ClientIndex, u64); 4]>;

#[derive(Debug)]
struct ReaderState {
    /// Its client; `None`: it has gone.
    client: Option<(ClientIndex, u64)>,
    keys: usize,
}

/// Keys and who has read them.
pub struct TrackedKeys {
    hasher: KeyHasher,
    keys: ElementTable,
    readers: Slab<ReaderState>,
    groups: Slab<Vec<Reader>>,
    items: usize,
    group_bytes: usize,
    /// Readers whose clients are there.
    live: usize,
}

impl TrackedKeys {
    /// No keys. `hasher` is that of the keyspace, so that a key's hash holds here, too.
    pub fn new(hasher: KeyHasher) -> TrackedKeys {
        TrackedKeys {
            hasher,
            keys: ElementTable::new(hasher),
            readers: Slab::new(),
            groups: Slab::new(),
            items: 0,
            group_bytes: 0,
            live: 0,
        }
    }

    /// Keys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key is known.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Readers of keys, each counted once for each key.
    pub fn items(&self) -> usize {
        self.items
    }

    /// Bytes that all of it takes. O(1).
    pub fn bytes(&self) -> usize {
        self.keys.heap_bytes()
            + self.readers.capacity() * size_of::<ReaderState>()
            + self.groups.capacity() * size_of::<Vec<Reader>>()
            + self.group_bytes
    }

    /// A client begins to read.
    pub fn begin(&mut self, client: ClientIndex, id: u64) -> Reader {
        self.live += 1;
        Reader(self.readers.insert(ReaderState { client: Some((client, id)), keys: 0 }) as u32)
    }

    /// A reader's client has gone. With the last one all keys are forgotten: there is nobody to be told.
    pub fn end(&mut self, reader: Reader) {
        self.live -= 1;
        let state = &mut self.readers[reader.0 as usize];
        state.client = None;
        if state.keys == 0 {
            self.readers.remove(reader.0 as usize);
        }
        if self.live == 0 {
            *self = TrackedKeys::new(self.hasher);
        }
    }

    /// Asks the cache for where a key of this hash stands.
    #[inline]
    pub fn prefetch(&self, hash: u64) {
        self.keys.prefetch(hash);
    }

    /// Asks the cache for the key itself, when `prefetch` has had its time.
    #[inline]
    pub fn prefetch_key(&self, hash: u64) {
        self.keys.prefetch_record(hash);
    }

    /// A reader has read a key.
    #[inline]
    pub fn note(&mut self, hash: u64, key: &[u8], reader: Reader) {
        match self.keys.find_hashed(hash, key) {
            Some(handle) => {
                let who = who(&self.keys, handle);
                if who >= GROUP || reader.0 >= BITS {
                    self.join_group(handle, who, reader);
                } else if who & 1 << reader.0 == 0 {
                    self.keys.payload_mut(handle).copy_from_slice(&(who | 1 << reader.0).to_le_bytes());
                    self.count(reader);
                }
            }
            None if reader.0 >= BITS => {
                let who = self.new_group(vec![reader]);
                if self.keys.insert_hashed(hash, key, &who.to_le_bytes(), None).is_ok() {
                    self.count(reader);
                }
            }
            None => {
                // 2^32 keys are never tracked: what is not noted would have to be forgotten at once.
                if self.keys.insert_hashed(hash, key, &(1u64 << reader.0).to_le_bytes(), None).is_ok() {
                    self.count(reader);
                }
            }
        }
    }

    /// Keeps a group; gives what names it.
    fn new_group(&mut self, group: Vec<Reader>) -> u64 {
        self.group_bytes += group.capacity() * size_of::<Reader>();
        GROUP + self.groups.insert(group) as u64
    }

    /// A key that others have read gets one more reader, and they are more than bits can say.
    fn join_group(&mut self, handle: Handle, who: u64, reader: Reader) {
        let Some(place) = who.checked_sub(GROUP) else {
            let who = self.new_group(bits(who).chain([reader]).collect());
            self.keys.payload_mut(handle).copy_from_slice(&who.to_le_bytes());
            return self.count(reader);
        };
        let group = &mut self.groups[place as usize];
        let Err(mut at) = group.binary_search(&reader) else { return };
        if group.len() == group.capacity() {
            let capacity = group.capacity();
            let mut dead = SmallVec::<[Reader; 8]>::new();
            group.retain(|&reader| {
                let is_live = self.readers[reader.0 as usize].client.is_some();
                if !is_live {
                    dead.push(reader);
                }
                is_live
            });
            at = group.partition_point(|&other| other < reader);
            group.reserve(1);
            self.group_bytes += (group.capacity() - capacity) * size_of::<Reader>();
            group.insert(at, reader);
            for reader in dead {
                self.uncount(reader);
            }
        } else {
            group.insert(at, reader);
        }
        self.count(reader);
    }

    /// A key has changed: it is forgotten. Gives who had read it.
    pub fn take(&mut self, key: &[u8]) -> Readers {
        let hash = self.keys.hash(key);
        match self.keys.find_hashed(hash, key) {
            Some(handle) => self.take_at(hash, handle),
            None => Readers::new(),
        }
    }

    /// Forgets a key, any with the same chance, chosen by the numbers that `random(n)` draws from `0..n`.
    pub fn take_any(&mut self, random: impl FnMut(usize) -> usize) -> Option<(Box<[u8]>, Readers)> {
        let handle = self.keys.sample(random)?;
        let key: Box<[u8]> = self.keys.name(handle).into();
        Some((key.clone(), self.take_at(self.keys.hash(&key), handle)))
    }

    fn take_at(&mut self, hash: u64, handle: Handle) -> Readers {
        let who = who(&self.keys, handle);
        self.keys.remove_hashed(hash, handle);
        let Some(place) = who.checked_sub(GROUP) else {
            return bits(who).filter_map(|reader| self.uncount(reader)).collect();
        };
        let group = self.groups.remove(place as usize);
        self.group_bytes -= group.capacity() * size_of::<Reader>();
        group.into_iter().filter_map(|reader| self.uncount(reader)).collect()
    }

    /// Forgets all keys, which are given to be freed elsewhere. The readers stay.
    pub fn take_all(&mut self) -> TrackedKeys {
        let mut old = std::mem::replace(self, TrackedKeys::new(self.hasher));
        (self.readers, self.live) = (std::mem::take(&mut old.readers), std::mem::take(&mut old.live));
        self.readers.iter_mut().for_each(|(_, reader)| reader.keys = 0);
        self.readers.retain(|_, reader| reader.client.is_some());
        old
    }

    fn count(&mut self, reader: Reader) {
        self.items += 1;
        self.readers[reader.0 as usize].keys += 1;
    }

    /// A key names this reader no longer. Gives its client, if that is there.
    fn uncount(&mut self, reader: Reader) -> Option<(ClientIndex, u64)> {
        self.items -= 1;
        let state = &mut self.readers[reader.0 as usize];
        state.keys -= 1;
        let client = state.client;
        if client.is_none() && state.keys == 0 {
            self.readers.remove(reader.0 as usize);
        }
        client
    }

    /// Checks what the head of this file promises. Panics when it does not hold.
    pub fn check_invariants(&self) {
        self.keys.check_invariants();
        let (mut items, mut groups) = (0, 0);
        let mut named = vec![0; self.readers.capacity()];
        for handle in self.keys.iter() {
            let who = who(&self.keys, handle);
            let readers = match who.checked_sub(GROUP) {
                Some(place) => {
                    groups += 1;
                    self.groups[place as usize].clone()
                }
                None => bits(who).collect(),
            };
            assert!(!readers.is_empty() && readers.is_sorted_by(|a, b| a < b));
            items += readers.len();
            readers.iter().for_each(|reader| named[reader.0 as usize] += 1);
        }
        assert_eq!((items, groups), (self.items, self.groups.len()));
        let bytes: usize = self.groups.iter().map(|(_, group)| group.capacity() * size_of::<Reader>()).sum();
        assert_eq!(bytes, self.group_bytes);
        for (number, reader) in &self.readers {
            assert_eq!(reader.keys, named[number]);
            assert!(reader.client.is_some() || reader.keys > 0);
        }
        assert_eq!(self.readers.iter().filter(|(_, reader)| reader.client.is_some()).count(), self.live);
    }
}

#[inline]
fn who(keys: &ElementTable, handle: Handle) -> u64 {
    u64::from_le_bytes(keys.payload(handle).try_into().expect("eight bytes"))
}

/// The readers that are bits, in order.
fn bits(mut who: u64) -> impl Iterator<Item = Reader> {
    std::iter::from_fn(move || {
        let number = who.trailing_zeros();
        who &= who.wrapping_sub(1);
        (number < u64::BITS).then_some(Reader(number))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Generator;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn it_knows_what_a_map_of_sets_knows() {
        const SEED: u64 = 20_261_128;
        let mut random = Generator::new(SEED);
        let mut tracked = TrackedKeys::new(KeyHasher::new([3; 16]));
        let mut model: BTreeMap<Vec<u8>, BTreeSet<u64>> = BTreeMap::new();
        let mut readers: Vec<(u64, Reader)> = (1..=100).map(|id| (id, tracked.begin(id as usize, id))).collect();
        for step in 0..40_000u64 {
            let key = format!("key:{}", random.below(500)).into_bytes();
            match random.below(200) {
                0 => {
                    let (id, reader) = readers.swap_remove(random.below(readers.len() as u64) as usize);
                    tracked.end(reader);
                    for ids in model.values_mut() {
                        ids.remove(&id);
                    }
                    readers.push((1000 + step, tracked.begin(7, 1000 + step)));
                }
                1..20 => {
                    let found: BTreeSet<u64> = tracked.take(&key).into_iter().map(|(_, id)| id).collect();
                    assert_eq!(found, model.remove(&key).unwrap_or_default(), "seed {SEED}, step {step}");
                }
                _ => {
                    let (id, reader) = readers[random.below(readers.len() as u64) as usize];
                    tracked.note(tracked.keys.hash(&key), &key, reader);
                    model.entry(key).or_default().insert(id);
                }
            }
            if step % 1000 == 0 {
                tracked.check_invariants();
            }
        }
        let mut random = Generator::new(SEED);
        while let Some((key, found)) = tracked.take_any(|n| random.below(n as u64) as usize) {
            let found: BTreeSet<u64> = found.into_iter().map(|(_, id)| id).collect();
            assert_eq!(found, model.remove(&key.to_vec()).unwrap_or_default());
        }
        assert_eq!((tracked.len(), tracked.items()), (0, 0));
        readers.into_iter().for_each(|(_, reader)| tracked.end(reader));
        tracked.check_invariants();
    }

    #[test]
    fn a_key_of_one_reader_takes_little_more_than_its_name() {
        let mut tracked = TrackedKeys::new(KeyHasher::new([3; 16]));
        let reader = tracked.begin(0, 1);
        for i in 0..100_000 {
            let key = format!("key:{i:012}");
            tracked.note(tracked.keys.hash(key.as_bytes()), key.as_bytes(), reader);
        }
        let each = tracked.bytes() as f64 / tracked.len() as f64;
        assert!(each < 40.0, "{each:.1} bytes for a key of 16");
        tracked.end(reader);
        assert_eq!(tracked.len(), 0);
    }
}
