//! Floor 5: databases, keys, expiry, eviction, scan, the walk. Knows no clients, no RESP, no files.

pub mod census;
pub mod database;
pub mod eviction;
mod links;
pub mod removal;
pub mod walk;

use crate::base::hash::KeyHasher;
use database::{Counts, Database, Now};
use eviction::Policy;
use walk::ImageFormat;

/// The budget of a step that is one of many in one go.
const FINISHING_RECORDS: usize = 64;

/// All databases.
pub struct Keyspace {
    databases: Vec<Database>,
    /// Tables that were flushed while a walk had yet to reach part of them.
    detached: Vec<Database>,
    walking: bool,
}

impl Keyspace {
    /// `count` empty databases.
    pub fn new(count: usize, hasher: KeyHasher, now: Now, policy: Policy) -> Self {
        let databases = (0..count).map(|_| Database::new(hasher, now, policy)).collect();
        Keyspace { databases, detached: Vec::new(), walking: false }
    }

    /// Number of databases.
    pub fn count(&self) -> usize {
        self.databases.len()
    }

    /// A database, by a number below `count`.
    #[inline]
    pub fn db(&mut self, number: usize) -> &mut Database {
        &mut self.databases[number]
    }

    /// All databases, by number.
    pub fn all(&self) -> &[Database] {
        &self.databases
    }

    /// All databases, by number, to be changed.
    pub fn all_mut(&mut self) -> &mut [Database] {
        &mut self.databases
    }

    /// Two different databases at once.
    pub fn pair(&mut self, a: usize, b: usize) -> (&mut Database, &mut Database) {
        let [a, b] = self.databases.get_disjoint_mut([a, b]).expect("two different numbers");
        (a, b)
    }

    /// A call begins at this time, which may touch any database. What was computed ahead of other calls no longer holds.
    pub fn set_now(&mut self, now: Now) {
        for db in &mut self.databases {
            db.now = now;
            db.forget_hash();
        }
    }

    /// Bytes of all keys, tables and links.
    pub fn used_bytes(&self) -> usize {
        self.databases.iter().chain(&self.detached).map(Database::used_bytes).sum()
    }

    /// Bytes of record pages that no record uses.
    pub fn slack_bytes(&self) -> usize {
        self.databases.iter().chain(&self.detached).map(Database::slack_bytes).sum()
    }

    /// Bytes of record pages that come straight from the system: the allocator does not know of them.
    pub fn mapped_bytes(&self) -> usize {
        self.databases.iter().chain(&self.detached).map(Database::mapped_bytes).sum()
    }

    /// What INFO counts, over all databases.
    pub fn counts(&self) -> Counts {
        self.databases.iter().fold(Counts::default(), |sum, db| Counts {
            hits: sum.hits + db.counts.hits,
            misses: sum.misses + db.counts.misses,
            expired: sum.expired + db.counts.expired,
            expired_fields: sum.expired_fields + db.counts.expired_fields,
            evicted: sum.evicted + db.counts.evicted,
        })
    }

    /// Counts from zero again.
    pub fn reset_counts(&mut self) {
        self.databases.iter_mut().for_each(|db| db.counts = Counts::default());
    }

    /// Exchanges two databases' content. What has left them by itself stays with the number it had.
    pub fn swap(&mut self, a: usize, b: usize) {
        self.databases.swap(a, b);
        if a != b {
            let (one, other) = self.pair(a, b);
            std::mem::swap(&mut one.removals, &mut other.removals);
        }
    }

    /// Empties a database; what was in it is given to be freed elsewhere, unless a walk still needs it.
    pub fn flush(&mut self, number: usize) -> Option<Database> {
        let fresh = self.databases[number].empty_like();
        let mut old = std::mem::replace(&mut self.databases[number], fresh);
        std::mem::swap(&mut old.removals, &mut self.databases[number].removals);
        if self.walking && (old.is_walked() || old.image_bytes() > 0) {
            self.detached.push(old);
            return None;
        }
        Some(old)
    }

    /// Puts an eviction policy in force.
    pub fn set_policy(&mut self, policy: Policy) {
        self.databases.iter_mut().for_each(|db| db.set_policy(policy));
    }

    /// Whether the order of use is exact everywhere (or none is needed).
    pub fn is_order_exact(&self) -> bool {
        self.databases.iter().all(Database::is_order_exact)
    }

    /// Evicts the one key that should go first; the number of its database, or None when no key may go.
    pub fn evict_one(&mut self, random: &mut dyn FnMut(usize) -> usize) -> Option<usize> {
        let now_ms = self.databases.iter().map(|db| db.now.ms).max()?;
        let mut best: Option<(u64, usize, u32)> = None;
        for (number, db) in self.databases.iter().enumerate().filter(|(_, db)| !db.is_empty()) {
            if let Some((rank, handle)) = db.eviction_candidate(now_ms, random)
                && best.is_none_or(|(least, ..)| rank < least)
            {
                best = Some((rank, number, handle));
            }
        }
        let (_, number, handle) = best?;
        self.databases[number].evict(handle);
        Some(number)
    }

    /// Removes keys that are due by `now` everywhere, at the cost of `budget`; `late_ms` is told how late each is. Whether work is
    /// left. It is asked each round: databases without deadlines are not touched.
    pub fn expire_due(&mut self, now: Now, mut budget: usize, mut late_ms: impl FnMut(u64)) -> bool {
        for db in self.databases.iter_mut().filter(|db| db.has_deadlines()) {
            db.now = now;
            db.expire_due(&mut budget, &mut late_ms);
        }
        budget == 0
    }

    /// When `expire_due` should be called next (ms since 1970).
    pub fn next_deadline(&self) -> Option<u64> {
        self.databases.iter().filter(|db| db.has_deadlines()).filter_map(Database::next_deadline).min()
    }

    // ---- the walk over all databases ----

    /// Begins a walk over everything as it is now. None may be under way.
    pub fn begin_walk(&mut self, format: ImageFormat) {
        assert!(!self.walking, "one walk at a time");
        self.walking = true;
        for (number, db) in self.databases.iter_mut().enumerate() {
            db.begin_walk(number, format);
        }
    }

    /// Whether a walk is under way (one that was given up included).
    pub fn is_walking(&self) -> bool {
        self.walking
    }

    /// Goes on with the walk, by about `budget` records; whether there is more to do.
    pub fn step_walk(&mut self, budget: usize) -> bool {
        let open = self.with_open_value();
        match self.walked_mut().enumerate().find(|(at, db)| open.map_or(db.is_walked(), |open| *at == open)) {
            Some((_, db)) => {
                db.step_walk(budget);
                true
            }
            None => false,
        }
    }

    /// Gives what was written since the last call, piece by piece: the database's number then, and entries.
    pub fn take_images(&mut self, mut take: impl FnMut(usize, Vec<u8>)) {
        // A value that was given in part is given whole before anything else; one that is under way comes last.
        let mut order: Vec<(bool, bool, &mut Database)> =
            self.walked_mut().map(|db| (!db.has_given_part(), db.has_open_value(), db)).collect();
        order.sort_by_key(|(is_new, is_open, _)| (*is_new, *is_open));
        for (is_new, is_open, db) in order {
            if let Some((number, bytes)) = db.take_image() {
                take(number, bytes);
            }
            if !is_new && is_open {
                return;
            }
        }
    }

    /// The collection at a key is about to go to another database. If it is being walked, all of it is written first, in one go with
    /// those that are before it: what leaves its table is rare.
    pub fn finish_walk_of(&mut self, number: usize, key: &[u8]) {
        if !self.walking {
            return;
        }
        while self.databases[number].begin_walk_of(key) {
            match self.with_open_value() {
                Some(_) => drop(self.step_walk(FINISHING_RECORDS)),
                None => drop(self.databases[number].step_walk(FINISHING_RECORDS)),
            }
        }
    }

    /// What a walk goes over.
    fn walked_mut(&mut self) -> impl Iterator<Item = &mut Database> {
        self.databases.iter_mut().chain(&mut self.detached)
    }

    /// Which of them has a value that stands in the image in part. It goes on until that is complete, alone.
    fn with_open_value(&self) -> Option<usize> {
        self.databases.iter().chain(&self.detached).position(Database::has_open_value)
    }

    /// Gives the calls that stand behind the images of a walk that has reached everything, by the database's number then.
    pub fn take_calls_behind(&mut self, mut take: impl FnMut(usize, Vec<u8>)) {
        for db in self.databases.iter_mut().chain(&mut self.detached) {
            if let Some((number, calls)) = db.take_calls_behind() {
                take(number, calls);
            }
        }
    }

    /// Bytes that were written and not taken.
    pub fn image_bytes(&self) -> usize {
        self.databases.iter().chain(&self.detached).map(Database::image_bytes).sum()
    }

    /// Bytes that wait in memory for the walk under way.
    pub fn kept_bytes(&self) -> usize {
        self.databases.iter().chain(&self.detached).map(Database::kept_bytes).sum()
    }

    /// Entries written by the walk under way.
    pub fn walked_entries(&self) -> u64 {
        self.databases.iter().chain(&self.detached).map(Database::walked_entries).sum()
    }

    /// Nothing more is to be written; the walk has to be stepped on to its end all the same.
    pub fn give_up_walk(&mut self) {
        self.databases.iter_mut().chain(&mut self.detached).for_each(Database::give_up_walk);
    }

    /// Ends a walk that has reached everything; gives the detached tables to be freed.
    pub fn end_walk(&mut self) -> Vec<Database> {
        self.databases.iter_mut().for_each(Database::end_walk);
        self.walking = false;
        std::mem::take(&mut self.detached)
    }
}
