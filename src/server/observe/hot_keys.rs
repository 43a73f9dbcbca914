//! Hot keys: which keys most calls, most time and most bytes go to, of late.
//!
//! One call in about sixty-four is looked at, chosen at random, and stands for all since the last one. Calls that are timed on their own
//! tell their time each. What is looked at goes to a table of fixed size for each of the three (Space-Saving, Metwally et al.
//! 2005: a key that is not there takes the place of the lightest and inherits its weight), and all weights are halved now and then. So it
//! takes a nanosecond or two of a call, and a bounded amount of memory; a key that has a sixty-fourth of the whole is always there.

/// One call is looked at for so many.
const EVERY: u64 = 64;
/// Keys that are kept, for each of the three.
const KEPT: usize = 64;
/// Bytes of a key that are kept.
const KEY_BYTES: usize = 128;
/// Weights are halved so often: what counts is about the last half minute.
const HALVING_MS: u64 = 20_000;

/// What keys are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Calls that name the key first.
    Calls,
    /// The time that they took.
    Time,
    /// The bytes of the calls and their replies.
    Bytes,
}

/// All three, with their names.
pub const ALL: [(By, &str); 3] = [(By::Calls, "calls"), (By::Time, "time"), (By::Bytes, "bytes")];

/// What some calls took together.
#[derive(Debug, Clone, Copy, Default)]
pub struct Load {
    /// How many they are.
    pub calls: u64,
    /// The time of those that were not timed on their own.
    pub ns: u64,
    /// Bytes of calls and replies.
    pub bytes: u64,
}

/// A hot key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HotKey<'a> {
    /// The database that it was in.
    pub db: usize,
    /// The key, cut to 128 bytes.
    pub key: &'a [u8],
    /// Its part of all: 0 to 1.
    pub share: f64,
}

/// The hot keys.
#[derive(Debug, Default)]
pub struct HotKeys {
    tables: [Table; ALL.len()],
    /// What no call that was looked at stands for yet.
    waiting: Load,
    next_halving_ms: u64,
}

impl HotKeys {
    /// Some calls have run; whether one of them is to be looked at.
    #[inline]
    pub fn add(&mut self, load: Load) -> bool {
        self.waiting.calls += load.calls;
        self.waiting.ns += load.ns;
        self.waiting.bytes += load.bytes;
        self.waiting.calls >= EVERY
    }

    /// The key of a call that was chosen at random among the last ones.
    #[cold]
    pub fn look_at(&mut self, db: usize, key: &[u8], hash: u64, now_ms: u64) {
        if now_ms >= self.next_halving_ms {
            self.next_halving_ms = now_ms + HALVING_MS;
            self.tables.iter_mut().for_each(Table::halve);
        }
        let load = std::mem::take(&mut self.waiting);
        for (by, weight) in [(By::Calls, load.calls), (By::Time, load.ns), (By::Bytes, load.bytes)] {
            self.tables[by as usize].add(db, key, hash, weight);
        }
    }

    /// A call that was timed on its own.
    pub fn add_time(&mut self, db: usize, key: &[u8], hash: u64, ns: u64) {
        self.tables[By::Time as usize].add(db, key, hash, ns);
    }

    /// The hottest keys, the hottest first.
    pub fn hottest(&self, by: By, most: usize) -> Vec<HotKey<'_>> {
        let table = &self.tables[by as usize];
        let mut all: Vec<&Entry> = table.entries.iter().filter(|entry| entry.weight > 0).collect();
        all.sort_by_key(|entry| std::cmp::Reverse(entry.weight));
        let hot = |entry: &'_ Entry| (entry.db, entry.weight as f64 / table.total.max(1) as f64);
        all.into_iter()
            .take(most)
            .map(|entry| HotKey { db: hot(entry).0, key: &entry.key, share: hot(entry).1 })
            .collect()
    }

    /// Forgets all.
    pub fn reset(&mut self) {
        *self = HotKeys::default();
    }
}

#[derive(Debug, Default)]
struct Table {
    /// The hashes of the entries' keys, searched before the entries are touched.
    hashes: Vec<u64>,
    entries: Vec<Entry>,
    total: u64,
}

#[derive(Debug)]
struct Entry {
    db: usize,
    key: Box<[u8]>,
    weight: u64,
}

impl Table {
    fn add(&mut self, db: usize, key: &[u8], hash: u64, weight: u64) {
        self.total += weight;
        let hash = hash ^ db as u64;
        if let Some(place) = self.hashes.iter().position(|known| *known == hash) {
            self.entries[place].weight += weight;
            return;
        }
        let entry = |before| Entry { db, key: key[..key.len().min(KEY_BYTES)].into(), weight: before + weight };
        if self.entries.len() < KEPT {
            self.hashes.push(hash);
            self.entries.push(entry(0));
            return;
        }
        let lightest = (0..KEPT).min_by_key(|place| self.entries[*place].weight).expect("the table is full");
        self.hashes[lightest] = hash;
        self.entries[lightest] = entry(self.entries[lightest].weight);
    }

    fn halve(&mut self) {
        self.total /= 2;
        self.entries.iter_mut().for_each(|entry| entry.weight /= 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(keys: &mut HotKeys, key: &str, now_ms: u64) {
        let hash = key.bytes().fold(7, |hash, byte| hash * 31 + u64::from(byte));
        if keys.add(Load { calls: EVERY, ns: 10, bytes: 1000 }) {
            keys.look_at(0, key.as_bytes(), hash, now_ms);
        }
    }

    #[test]
    fn a_key_with_a_tenth_of_the_calls_is_found_among_thousands() {
        let mut keys = HotKeys::default();
        for i in 0..10_000 {
            look(&mut keys, &if i % 10 == 0 { "hot".into() } else { format!("cold {i}") }, 1);
        }
        for (by, _) in ALL {
            let hottest = keys.hottest(by, 1);
            assert_eq!((hottest[0].key, hottest[0].db), (&b"hot"[..], 0));
            assert!((0.1..0.12).contains(&hottest[0].share), "{}", hottest[0].share);
        }
        assert_eq!(keys.hottest(By::Calls, 1000).len(), KEPT);
    }

    #[test]
    fn what_was_hot_cools_down() {
        let mut keys = HotKeys::default();
        (0..100).for_each(|_| look(&mut keys, "old", 1));
        for minute in 1..20 {
            (0..20).for_each(|_| look(&mut keys, "new", minute * HALVING_MS + 1));
        }
        let hottest = keys.hottest(By::Calls, 2);
        assert_eq!(hottest[0].key, b"new");
        assert!(hottest[1..].iter().all(|old| old.share < 0.01), "{hottest:?}");
    }

    #[test]
    fn calls_timed_on_their_own_count_by_time_only() {
        let mut keys = HotKeys::default();
        keys.add_time(3, &[b'k'; 500], 5, 100);
        assert_eq!(keys.hottest(By::Time, 9), [HotKey { db: 3, key: &[b'k'; KEY_BYTES], share: 1.0 }]);
        assert_eq!(keys.hottest(By::Calls, 9), []);
        keys.reset();
        assert_eq!(keys.hottest(By::Time, 9), []);
    }
}
