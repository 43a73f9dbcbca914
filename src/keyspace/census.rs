//! The census: how many keys there are of which type and size, and what each prefix of keys takes. It is taken in slices when
//! somebody asks for it, and costs no call anything.
//!
//! ```text
//!   asked for ──► a slice every few milliseconds over all databases ──► told from then on, as it was, until the next one is done
//! ```
//!
//! Few keys are counted anew at each question, so that the answer is of that moment.

use super::Keyspace;
use super::database::Database;
use crate::structures::record_arena::Handle;
use crate::values::{AnyRef, Kind};
use std::collections::BTreeMap;

/// Keys that a question counts at once: 0.1 ms.
const AT_ONCE: usize = 1000;
/// Keys visited per slice.
const SLICE: usize = 200;
/// Slices are so far apart: 40,000 keys a second.
const SLICE_MS: u64 = 5;
/// Prefixes that are told apart; keys of further ones count as others.
const PREFIXES: usize = 4096;
/// A prefix ends at the first colon, which has to come within so many bytes.
const PREFIX_BYTES: usize = 64;
/// Sizes are counted by their powers of two: 0, 1, 2-3, 4-7 ...
pub const BINS: usize = 42;
/// Types that are told apart.
pub const KINDS: [Kind; 6] = [Kind::String, Kind::List, Kind::Set, Kind::SortedSet, Kind::Hash, Kind::Stream];

/// Keys of a database by type, and by size: bytes of a string, elements of the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sizes {
    bins: Box<[[u64; BINS]; KINDS.len()]>,
}

impl Default for Sizes {
    fn default() -> Self {
        Sizes { bins: Box::new([[0; BINS]; KINDS.len()]) }
    }
}

impl Sizes {
    /// How many keys of a type have which size: the least size of each bin that has any, and their number.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = (u64, u64)> {
        let bins = self.bins[place(kind)].iter().enumerate();
        bins.filter(|(_, keys)| **keys > 0).map(|(bin, keys)| (if bin == 0 { 0 } else { 1 << (bin - 1) }, *keys))
    }

    /// Keys of a type.
    pub fn keys(&self, kind: Kind) -> u64 {
        self.bins[place(kind)].iter().sum()
    }

    fn count(&mut self, kind: Kind, size: usize) {
        let bin = (usize::BITS - size.leading_zeros()) as usize;
        self.bins[place(kind)][bin.min(BINS - 1)] += 1;
    }
}

fn place(kind: Kind) -> usize {
    KINDS.iter().position(|one| *one == kind).expect("all of them")
}

/// What keys with something in common take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// How many they are.
    pub keys: u64,
    /// Their bytes: records, values, and their part of the table.
    pub bytes: u64,
}

impl Share {
    fn add(&mut self, bytes: usize) {
        self.keys += 1;
        self.bytes += bytes as u64;
    }
}

/// A census.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// By database; those without keys are left out.
    pub databases: BTreeMap<usize, Sizes>,
    prefixes: BTreeMap<Box<[u8]>, Share>,
    /// Keys whose prefix came when there were too many.
    pub others: Share,
}

impl Census {
    /// Prefixes, those that take the most first. A prefix is what stands before a key's first colon, the colon included;
    /// keys without one have an empty prefix.
    pub fn largest_prefixes(&self, most: usize) -> Vec<(&[u8], Share)> {
        let mut all: Vec<(&[u8], Share)> = self.prefixes.iter().map(|(prefix, share)| (&**prefix, *share)).collect();
        all.sort_by_key(|(_, share)| std::cmp::Reverse(share.bytes));
        all.truncate(most);
        all
    }

    fn count(&mut self, number: usize, db: &Database, handle: Handle) {
        if db.is_past_deadline(handle) {
            return;
        }
        let view = db.view(handle);
        self.databases.entry(number).or_default().count(Kind::of(view), AnyRef::of(view).size());
        let prefix = prefix_of(db.key(handle));
        let is_full = self.prefixes.len() >= PREFIXES;
        match self.prefixes.get_mut(prefix) {
            Some(share) => share,
            None if is_full => &mut self.others,
            None => self.prefixes.entry(prefix.into()).or_default(),
        }
        .add(db.key_bytes(handle));
    }
}

fn prefix_of(key: &[u8]) -> &[u8] {
    let end = memchr::memchr(b':', &key[..key.len().min(PREFIX_BYTES)]);
    end.map_or(&[], |colon| &key[..=colon])
}

/// Who takes the census.
#[derive(Debug, Default)]
pub struct Taker {
    last: Census,
    under_way: Option<Census>,
    /// The database and the scan position that come next.
    at: (usize, u64),
    next_ms: u64,
}

impl Taker {
    /// The last census that was taken to its end.
    pub fn last(&self) -> &Census {
        &self.last
    }

    /// Somebody asks: where there are few keys they are counted now, else in slices from now on, unless that is under way.
    pub fn ask(&mut self, keyspace: &Keyspace, now_ms: u64) {
        if keyspace.all().iter().map(Database::len).sum::<usize>() <= AT_ONCE {
            self.last = Census::default(); // so that there is never more than one of them
            self.begin();
            while self.visit(keyspace, usize::MAX) {}
        } else if self.under_way.is_none() {
            self.begin();
            self.next_ms = now_ms;
        }
    }

    /// Takes a slice, if one is due. Gives when the next one is; `None` while no census is being taken.
    pub fn step(&mut self, keyspace: &Keyspace, now_ms: u64) -> Option<u64> {
        self.under_way.as_ref()?;
        if now_ms >= self.next_ms {
            self.next_ms = now_ms + SLICE_MS;
            if !self.visit(keyspace, SLICE) {
                return None;
            }
        }
        Some(self.next_ms)
    }

    fn begin(&mut self) {
        self.under_way = Some(Census::default());
        self.at = (0, 0);
    }

    /// Visits so many keys; whether there are more.
    fn visit(&mut self, keyspace: &Keyspace, budget: usize) -> bool {
        let Some(census) = &mut self.under_way else { return false };
        let mut visited = 0;
        while visited < budget {
            let (number, cursor) = self.at;
            let Some(db) = keyspace.all().get(number) else {
                self.last = self.under_way.take().unwrap_or_default();
                return false;
            };
            let next = db.scan(cursor, |handle| {
                visited += 1;
                census.count(number, db, handle);
            });
            visited += 1; // so that empty databases are not free
            self.at = if next == 0 { (number + 1, 0) } else { (number, next) };
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::hash::KeyHasher;
    use crate::keyspace::database::{Expiry, Now};
    use crate::keyspace::eviction::Policy;
    use crate::values::string::NewText;

    fn keyspace() -> Keyspace {
        Keyspace::new(4, KeyHasher::new([1; 16]), Now::default(), Policy::default())
    }

    fn set(keyspace: &mut Keyspace, db: usize, key: &str, value: &str) {
        keyspace.db(db).set(key.as_bytes(), NewText::of(value.as_bytes()), Expiry::Clear).unwrap();
    }

    #[test]
    fn few_keys_are_counted_at_once() {
        let (mut keyspace, mut taker) = (keyspace(), Taker::default());
        for (key, value) in [("a:1", ""), ("a:2", "x"), ("b", "123"), ("c:d:e", "1234567")] {
            set(&mut keyspace, 0, key, value);
        }
        set(&mut keyspace, 3, "a:3", "ab");
        taker.ask(&keyspace, 0);
        let census = taker.last();
        let sizes: Vec<_> = census.databases[&0].of(Kind::String).collect();
        assert_eq!(sizes, [(0, 1), (1, 1), (2, 1), (4, 1)]);
        assert_eq!(census.databases.keys().copied().collect::<Vec<_>>(), [0, 3]);
        assert_eq!((census.databases[&3].keys(Kind::String), census.databases[&3].keys(Kind::List)), (1, 0));
        let mut prefixes: Vec<_> = census.largest_prefixes(9).iter().map(|(name, share)| (*name, share.keys)).collect();
        prefixes.sort_unstable();
        assert_eq!(prefixes, [(&b""[..], 1), (b"a:", 3), (b"c:", 1)]);
        keyspace.db(0).remove(b"b");
        taker.ask(&keyspace, 1);
        assert_eq!(taker.last().databases[&0].keys(Kind::String), 3);
    }

    #[test]
    fn many_keys_are_counted_in_slices_while_somebody_asks() {
        let (mut keyspace, mut taker) = (keyspace(), Taker::default());
        let count = 5 * AT_ONCE;
        (0..count).for_each(|i| set(&mut keyspace, 1, &format!("p{}:{i}", i % 5000), "v"));
        assert_eq!(taker.step(&keyspace, 0), None, "nobody has asked");
        taker.ask(&keyspace, 0);
        assert_eq!(taker.last(), &Census::default());
        let mut now_ms = 0;
        while let Some(next_ms) = taker.step(&keyspace, now_ms) {
            taker.ask(&keyspace, now_ms); // who asks again does not have it begun again
            now_ms = next_ms;
        }
        assert_eq!(taker.last().databases[&1].keys(Kind::String), count as u64);
        assert!((100..200).contains(&now_ms), "{now_ms} ms");
        let (told_apart, others) = (taker.last().largest_prefixes(usize::MAX), taker.last().others);
        assert_eq!(
            (told_apart.len(), told_apart.iter().map(|(_, s)| s.keys).sum::<u64>() + others.keys),
            (PREFIXES, count as u64)
        );
        assert_eq!(taker.step(&keyspace, now_ms + 1000), None, "one question is one census");
    }
}
