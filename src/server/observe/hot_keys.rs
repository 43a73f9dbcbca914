//! Hot keys: which keys most calls, most time and most bytes go to, of late.
//!
//! Calls, time and bytes are added up batch by batch. For each of the three a batch is looked at now and then: the one in which the sum
//! passes a random distance (calls that take turns would be in step with a fixed one). So large batches are looked at as often as is their
//! part of the whole. One call of the batch, which the caller chooses, stands for the distance. Calls that are timed on their own tell their
//! time each.
//!
//! What is looked at goes to a table of fixed size (Space-Saving, Metwally et al. 2005: a key that is not there takes the place of the
//! lightest and inherits its weight), and all weights are halved now and then. So it takes a nanosecond or two of a call and a bounded
//! amount of memory, and a key that has a sixty-fourth of the whole is always there. What is told of a key is what it has had for sure,
//! without what it inherited.

/// The distances between two looks, on average: calls, nanoseconds, bytes. What is looked at costs a tenth of a microsecond.
const DISTANCES: [u64; ALL.len()] = [64, 50_000, 64 << 10];
/// What covers so many is not measured out in them.
const MANY_DISTANCES: u64 = 64;
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
    /// Its part of all, at least: 0 to 1.
    pub share: f64,
}

/// The hot keys.
#[derive(Debug, Default)]
pub struct HotKeys {
    tables: [Table; ALL.len()],
    /// What no call that was looked at stands for yet: calls, time, bytes.
    waiting: [u64; ALL.len()],
    /// What goes by of each before the next look.
    distances: [u64; ALL.len()],
    next_halving_ms: u64,
}

impl HotKeys {
    /// Some calls have run; whether one of them is to be looked at.
    #[inline]
    pub fn add(&mut self, load: Load) -> bool {
        let mut is_due = false;
        for (place, more) in [load.calls, load.ns, load.bytes].into_iter().enumerate() {
            self.waiting[place] += more;
            is_due |= self.waiting[place] > self.distances[place];
        }
        is_due
    }

    /// What the calls just added are to be looked at for.
    pub fn due(&self) -> impl Iterator<Item = By> + use<> {
        let (waiting, distances) = (self.waiting, self.distances);
        ALL.into_iter().map(|(by, _)| by).filter(move |by| waiting[*by as usize] > distances[*by as usize])
    }

    /// The key, and its hash, of a call that was chosen among those just added; `None`: it has none. `draw` gives numbers below one at random.
    #[cold]
    pub fn look_at(&mut self, by: By, db: usize, key: Option<(&[u8], u64)>, now_ms: u64, draw: impl FnMut(u64) -> u64) {
        if now_ms >= self.next_halving_ms {
            self.next_halving_ms = now_ms + HALVING_MS;
            self.tables.iter_mut().for_each(Table::halve);
        }
        let weight = self.pass(by as usize, draw);
        match key {
            Some((key, hash)) => self.tables[by as usize].add(db, key, hash, weight),
            None => self.tables[by as usize].total += weight,
        }
    }

    /// Goes on past the distances that have been covered; gives their number times their mean, which is what the call stands for.
    fn pass(&mut self, place: usize, mut draw: impl FnMut(u64) -> u64) -> u64 {
        let (waiting, mean) = (&mut self.waiting[place], DISTANCES[place]);
        let mut weight = 0;
        if *waiting > MANY_DISTANCES * mean {
            weight = std::mem::take(waiting);
        }
        while *waiting > self.distances[place] {
            *waiting -= self.distances[place] + 1;
            weight += mean;
            self.distances[place] = draw(2 * mean);
        }
        weight
    }

    /// A call that was timed on its own.
    pub fn add_time(&mut self, db: usize, key: &[u8], hash: u64, ns: u64) {
        self.tables[By::Time as usize].add(db, key, hash, ns);
    }

    /// The hottest keys, the hottest first.
    pub fn hottest(&self, by: By, most: usize) -> Vec<HotKey<'_>> {
        let table = &self.tables[by as usize];
        let mut all: Vec<&Entry> = table.entries.iter().filter(|entry| entry.own() > 0).collect();
        all.sort_by_key(|entry| std::cmp::Reverse(entry.own()));
        let hot = |entry: &'_ Entry| (entry.db, entry.own() as f64 / table.total.max(1) as f64);
        all.into_iter()
            .take(most)
            .map(|entry| HotKey { db: hot(entry).0, key: &entry.key[..entry.key_len], share: hot(entry).1 })
            .collect()
    }

    /// Forgets all.
    pub fn reset(&mut self) {
        *self = HotKeys::default();
    }
}

/// Takes all its memory at the start: what grew later would be counted against `maxmemory`.
#[derive(Debug)]
struct Table {
    /// The hashes of the entries' keys, searched before the entries are touched.
    hashes: Vec<u64>,
    entries: Vec<Entry>,
    total: u64,
}

impl Default for Table {
    fn default() -> Table {
        Table { hashes: Vec::with_capacity(KEPT), entries: Vec::with_capacity(KEPT), total: 0 }
    }
}

#[derive(Debug)]
struct Entry {
    db: usize,
    key: [u8; KEY_BYTES],
    key_len: usize,
    weight: u64,
    /// What of it is of the keys that stood here before: where no key is hot, nearly all.
    inherited: u64,
}

impl Entry {
    fn new(db: usize, key: &[u8], weight: u64, inherited: u64) -> Entry {
        let mut entry = Entry { db, key: [0; KEY_BYTES], key_len: key.len().min(KEY_BYTES), weight, inherited };
        entry.key[..entry.key_len].copy_from_slice(&key[..entry.key_len]);
        entry
    }

    /// What is the key's own for sure.
    fn own(&self) -> u64 {
        self.weight - self.inherited
    }
}

impl Table {
    fn add(&mut self, db: usize, key: &[u8], hash: u64, weight: u64) {
        self.total += weight;
        let hash = hash ^ db as u64;
        if let Some(place) = self.hashes.iter().position(|known| *known == hash) {
            self.entries[place].weight += weight;
            return;
        }
        let entry = |before| Entry::new(db, key, before + weight, before);
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
        for entry in &mut self.entries {
            let own = entry.own() / 2;
            entry.inherited /= 2;
            entry.weight = entry.inherited + own;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Generator;

    /// A call on a key; chance is that of a generator, whose seed stays the same.
    fn call(keys: &mut HotKeys, random: &mut Generator, key: &str, load: Load, now_ms: u64) {
        let hash = key.bytes().fold(7, |hash, byte| hash * 31 + u64::from(byte));
        if keys.add(load) {
            for by in keys.due() {
                keys.look_at(by, 0, Some((key.as_bytes(), hash)), now_ms, |n| random.below(n));
            }
        }
    }

    const SMALL: Load = Load { calls: 1, ns: 1000, bytes: 1000 };

    #[test]
    fn a_key_with_a_tenth_of_the_calls_is_found_among_thousands() {
        let (mut keys, mut random) = (HotKeys::default(), Generator::new(7));
        for i in 0..1_000_000 {
            call(&mut keys, &mut random, &if i % 10 == 0 { "hot".into() } else { format!("cold {i}") }, SMALL, 1);
        }
        for (by, name) in ALL {
            let hottest = keys.hottest(by, 1);
            assert_eq!((hottest[0].key, hottest[0].db), (&b"hot"[..], 0), "{name}");
            assert!((0.08..0.14).contains(&hottest[0].share), "{name} {}", hottest[0].share);
        }
        assert_eq!(keys.hottest(By::Calls, 1000).len(), KEPT);
    }

    /// Every 64th call was looked at: of two clients that took turns only one was ever seen.
    #[test]
    fn one_of_two_keys_that_took_turns_was_all_there_was() {
        let (mut keys, mut random) = (HotKeys::default(), Generator::new(7));
        (0..500_000).for_each(|i| call(&mut keys, &mut random, ["a", "b"][i % 2], SMALL, 1));
        for (by, name) in ALL {
            assert!(keys.hottest(by, 2).iter().all(|hot| (0.45..0.55).contains(&hot.share)), "{name}");
        }
    }

    /// The call that stood for the bytes of all was chosen by turns, not by bytes: by bytes the hot keys were those by calls.
    #[test]
    fn a_rare_key_with_most_of_the_bytes_and_time_was_not_hot() {
        let (mut keys, mut random) = (HotKeys::default(), Generator::new(7));
        for i in 0..200_000 {
            match i % 100 {
                0 => call(&mut keys, &mut random, "large", Load { calls: 1, ns: 99_000, bytes: 99_000 }, 1),
                _ => call(&mut keys, &mut random, &format!("small {i}"), SMALL, 1),
            }
        }
        for by in [By::Time, By::Bytes] {
            let hottest = keys.hottest(by, 1)[0];
            assert_eq!(hottest.key, b"large");
            assert!((0.45..0.55).contains(&hottest.share), "{by:?} {}", hottest.share);
        }
    }

    /// Every key of the table was told with what it had inherited: where no key was hot, all had a sixty-fourth.
    #[test]
    fn keys_were_hot_that_were_like_all_others() {
        let (mut keys, mut random) = (HotKeys::default(), Generator::new(7));
        (0..1_000_000).for_each(|i| call(&mut keys, &mut random, &format!("{}", i % 1000), SMALL, 1));
        assert!(keys.hottest(By::Calls, 64).iter().all(|hot| hot.share < 0.004), "{:?}", keys.hottest(By::Calls, 1));
    }

    #[test]
    fn what_was_hot_cools_down() {
        let (mut keys, mut random) = (HotKeys::default(), Generator::new(7));
        (0..10_000).for_each(|_| call(&mut keys, &mut random, "old", SMALL, 1));
        for minute in 1..20 {
            (0..2000).for_each(|_| call(&mut keys, &mut random, "new", SMALL, minute * HALVING_MS + 1));
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
