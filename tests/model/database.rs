//! Whole databases against std maps: every way to change a key, time, eviction, scans, walks and moves, mixed at random.

mod passes;

use ferrodis::base::hash::KeyHasher;
use ferrodis::base::number::parse_i64;
use ferrodis::keyspace::Keyspace;
use ferrodis::keyspace::database::{Expired, Expiry, Now};
use ferrodis::keyspace::eviction::{Lfu, Order, Policy};
use ferrodis::keyspace::removal::Cause;
use ferrodis::values::Owned;
use ferrodis::values::string::{NewText, Text};
use passes::{Scan, Walk};
use std::collections::BTreeMap;

const DATABASES: usize = 3;
const STAMP_MS: u64 = 100;

/// What is known of a key.
#[derive(Clone, Debug)]
struct Entry {
    value: Vec<u8>,
    deadline: Option<u64>,
    /// Tenths of a second of its last use.
    stamp: u64,
    /// Its place in the order of use: (0, stamp) if it was not used since the order was begun, else (1, number of the use).
    place: (u8, u64),
}

type Map = BTreeMap<Vec<u8>, Entry>;
struct Test {
    random: fastrand::Rng,
    keyspace: Keyspace,
    model: Vec<Map>,
    scans: Vec<Option<Scan>>,
    walk: Option<Walk>,
    evacuated: Option<(usize, u32)>,
    policy: Policy,
    expired: Expired,
    is_order_known: bool,
    now: u64,
    uses: u64,
    keys: usize,
}

fn policy(order: Order, volatile_only: bool, limited: bool) -> Policy {
    Policy { order, volatile_only, limited, is_lfu: order == Order::Lfu, samples: 5, lfu: Lfu::default() }
}

impl Test {
    fn new(mut random: fastrand::Rng, keys: usize) -> Test {
        let now = 1_700_000_000_000;
        let policy = Policy::default();
        let hasher = KeyHasher::new(std::array::from_fn(|_| random.u8(..)));
        Test {
            keyspace: Keyspace::new(DATABASES, hasher, Now { ms: now }, policy),
            model: vec![Map::new(); DATABASES],
            scans: (0..DATABASES).map(|_| None).collect(),
            walk: None,
            evacuated: None,
            policy,
            expired: Expired::Removed,
            is_order_known: true,
            now,
            uses: 0,
            keys,
            random,
        }
    }

    // ---- drawing ----

    fn database(&mut self) -> usize {
        self.random.usize(..DATABASES)
    }

    fn key(&mut self) -> Vec<u8> {
        let n = self.random.usize(..self.keys);
        let mut key = format!("key:{n}").into_bytes();
        if n.is_multiple_of(50) {
            key.resize(250 + n % 17, b'.');
        }
        key
    }

    fn value(&mut self) -> Vec<u8> {
        let len = match self.random.u32(..100) {
            0..30 => return self.random.i64(..).wrapping_shr(self.random.u32(..64)).to_string().into_bytes(),
            30..80 => self.random.usize(..60),
            80..95 => self.random.usize(..1100),
            95..99 => self.random.usize(1000..9000),
            _ => self.random.usize(..200_000),
        };
        vec![b'a' + self.random.u8(..26); len]
    }

    fn deadline(&mut self) -> u64 {
        let range = [3, 100, 5_000, 100_000, 10_000_000][self.random.usize(..5)];
        self.now + self.random.u64(1..range + 1)
    }

    // ---- the model's side ----

    fn is_past(&self, entry: &Entry) -> bool {
        self.expired != Expired::There && entry.deadline.is_some_and(|deadline| deadline <= self.now)
    }

    /// The entry of a key that commands see.
    fn seen(&self, db: usize, key: &[u8]) -> Option<&Entry> {
        self.model[db].get(key).filter(|entry| !self.is_past(entry))
    }

    fn used(&mut self, db: usize, key: &[u8]) {
        self.uses += 1;
        let (stamp, place) = (self.now / STAMP_MS, (1, self.uses));
        if let Some(entry) = self.model[db].get_mut(key) {
            (entry.stamp, entry.place) = (stamp, place);
        }
    }

    fn put(&mut self, db: usize, key: &[u8], value: Vec<u8>, deadline: Option<u64>) {
        if !self.model[db].contains_key(key)
            && let Some(scan) = &mut self.scans[db]
        {
            scan.stayed.remove(key);
        }
        self.model[db].insert(key.to_vec(), Entry { value, deadline, stamp: 0, place: (0, 0) });
        self.used(db, key);
    }

    fn gone(&mut self, db: usize, key: &[u8]) -> Entry {
        if let Some(scan) = &mut self.scans[db] {
            scan.stayed.remove(key);
        }
        self.model[db].remove(key).expect("it was there")
    }

    /// Takes note of keys that left by themselves. None may be there that are not past their deadline.
    fn note_removals(&mut self) {
        for db in 0..DATABASES {
            let removals = std::mem::take(&mut self.keyspace.db(db).removals);
            for removal in removals.keys {
                assert_eq!(removal.cause, Cause::Expired);
                let entry = self.gone(db, &removal.key);
                assert!(self.is_past(&entry), "expired early: {:?}", removal.key.escape_ascii().to_string());
            }
        }
    }

    // ---- operations ----

    fn set(&mut self) {
        let (db, key, value) = (self.database(), self.key(), self.value());
        let (expiry, deadline) = match self.random.u32(..10) {
            0..5 => (Expiry::Clear, None),
            5 => (Expiry::Keep, self.seen(db, &key).and_then(|entry| entry.deadline)),
            _ => {
                let deadline = self.deadline();
                (Expiry::At(deadline), Some(deadline))
            }
        };
        let text = match self.random.u32(..3) {
            0 => NewText::Owned(value.clone()),
            1 => NewText::Bytes(&value),
            _ => NewText::of(&value),
        };
        self.keyspace.db(db).set(&key, text, expiry).expect("room");
        self.note_removals();
        self.put(db, &key, value, deadline);
    }

    fn read(&mut self) {
        let (db, key) = (self.database(), self.key());
        let got = self.keyspace.db(db).string(&key).expect("a string").map(Text::to_vec);
        self.note_removals();
        assert_eq!(got.as_ref(), self.seen(db, &key).map(|entry| &entry.value));
        if got.is_some() {
            self.used(db, &key);
        }
    }

    fn edit(&mut self) {
        let (db, key) = (self.database(), self.key());
        let (at, piece) = (self.random.usize(..1500), self.value());
        let len = at + piece.len();
        self.keyspace
            .db(db)
            .edit_string(&key, len, |bytes, _| bytes[at..len].copy_from_slice(&piece))
            .expect("a string");
        self.note_removals();
        let (mut value, deadline) = self.seen(db, &key).map_or((vec![], None), |e| (e.value.clone(), e.deadline));
        value.resize(value.len().max(len), 0);
        value[at..len].copy_from_slice(&piece);
        self.put(db, &key, value, deadline);
    }

    fn increment(&mut self) {
        let (db, key, by) = (self.database(), self.key(), self.random.i64(-1000..1000));
        let got = self.keyspace.db(db).increment(&key, by).ok();
        self.note_removals();
        let (value, deadline) = self.seen(db, &key).map_or((b"0".to_vec(), None), |e| (e.value.clone(), e.deadline));
        let number = parse_i64(&value).and_then(|number| number.checked_add(by));
        assert_eq!(got, number);
        if let Some(number) = number {
            self.put(db, &key, number.to_string().into_bytes(), deadline);
        }
    }

    fn remove(&mut self) {
        let (db, key) = (self.database(), self.key());
        let removed = self.keyspace.db(db).remove(&key);
        self.note_removals();
        assert_eq!(removed, self.seen(db, &key).is_some());
        // One past its deadline was not there, and yet goes: a log that is replayed says so only once.
        if self.model[db].contains_key(&key) {
            self.gone(db, &key);
        }
    }

    fn change_deadline(&mut self) {
        let (db, key) = (self.database(), self.key());
        let deadline = if self.random.u32(..3) == 0 { None } else { Some(self.deadline()) };
        let found = self.keyspace.db(db).find(&key);
        self.note_removals();
        assert_eq!(found.is_some(), self.seen(db, &key).is_some());
        if let Some(handle) = found {
            self.keyspace.db(db).set_deadline(handle, deadline).expect("room");
            self.used(db, &key);
            self.model[db].get_mut(&key).expect("there").deadline = deadline;
        }
    }

    /// What RENAME, COPY and MOVE do.
    fn transfer(&mut self) {
        let (from_db, to_db, from, to) = (self.database(), self.database(), self.key(), self.key());
        let source = self.keyspace.db(from_db);
        let copied = if self.random.bool() {
            let handle = source.peek(&from);
            handle.map(|handle| (Owned::copy_of(source.view(handle)), source.deadline(handle)))
        } else {
            if let Some((value, deadline)) = source.take(&from) {
                self.note_removals();
                let entry = self.gone(from_db, &from);
                assert_eq!(deadline, entry.deadline);
                self.keyspace.db(to_db).put(&to, value, deadline.map_or(Expiry::Clear, Expiry::At)).expect("room");
                self.note_removals();
                self.put(to_db, &to, entry.value, deadline);
                return;
            }
            None
        };
        self.note_removals();
        assert_eq!(copied.is_some(), self.seen(from_db, &from).is_some());
        if let Some((value, deadline)) = copied {
            let bytes = self.seen(from_db, &from).expect("there").value.clone();
            self.keyspace.db(to_db).put(&to, value, deadline.map_or(Expiry::Clear, Expiry::At)).expect("room");
            self.note_removals();
            self.put(to_db, &to, bytes, deadline);
        }
    }

    fn pass_time(&mut self) {
        self.now += match self.random.u32(..20) {
            0..14 => self.random.u64(..50),
            14..19 => self.random.u64(..5_000),
            _ => self.random.u64(..1_000_000),
        };
        self.keyspace.set_now(Now { ms: self.now });
    }

    fn expire(&mut self) {
        let mut late = 0;
        if self.expired != Expired::Removed {
            return;
        }
        let more = self.keyspace.expire_due(Now { ms: self.now }, self.random.usize(1..600), |_| late += 1);
        let before: usize = self.model.iter().map(Map::len).sum();
        self.note_removals();
        let after: usize = self.model.iter().map(Map::len).sum();
        assert_eq!(late, before - after);
        if !more {
            let past = self.model.iter().flatten().filter(|(_, entry)| self.is_past(entry)).count();
            assert_eq!(past, 0, "keys past their deadline are left");
        }
    }

    fn evict(&mut self) {
        let (random, keyspace) = (&mut self.random, &mut self.keyspace);
        let evicted = keyspace.evict_one(&mut |n| random.usize(..n));
        let is_listed = |entry: &Entry| !self.policy.volatile_only || entry.deadline.is_some();
        let Some(db) = evicted else {
            let any = self.model.iter().flatten().any(|(_, entry)| is_listed(entry));
            assert!(self.policy.order == Order::Never || !any, "nothing was evicted");
            return;
        };
        let removals = std::mem::take(&mut self.keyspace.db(db).removals.keys);
        assert_eq!((removals.len(), removals[0].cause), (1, Cause::Evicted));
        let entry = self.model[db].get(&*removals[0].key).expect("it was there").clone();
        assert!(is_listed(&entry));
        if self.policy.order == Order::Lru
            && self.policy.limited
            && self.is_order_known
            && self.keyspace.is_order_exact()
        {
            let first = |db: &Map| db.values().filter(|e| is_listed(e)).map(|e| (e.place, e.stamp)).min();
            assert_eq!(Some(entry.place), first(&self.model[db]).map(|(place, _)| place), "not the oldest");
            let oldest = self.model.iter().filter_map(first).map(|(_, stamp)| stamp).min();
            assert_eq!(Some(entry.stamp), oldest, "another database has an older one");
        }
        self.gone(db, &removals[0].key);
    }

    fn flush_or_swap(&mut self) {
        let (a, b) = (self.database(), self.database());
        if self.random.bool() {
            drop(self.keyspace.flush(a));
            self.model[a].clear();
            self.scans[a] = None;
        } else {
            self.keyspace.swap(a, b);
            self.model.swap(a, b);
            self.scans.swap(a, b);
        }
        self.evacuated = None;
    }

    fn change_policy(&mut self) {
        let order =
            [Order::Never, Order::Lru, Order::Lru, Order::Lfu, Order::Random, Order::Ttl][self.random.usize(..6)];
        let volatile_only = order == Order::Ttl || order != Order::Never && self.random.bool();
        let limited = self.random.u32(..4) > 0;
        self.use_policy(policy(order, volatile_only, limited));
    }

    fn use_policy(&mut self, new: Policy) {
        let is_listed = |policy: Policy| policy.limited && policy.order == Order::Lru;
        let begins = is_listed(new) && (!is_listed(self.policy) || new.volatile_only != self.policy.volatile_only);
        self.is_order_known |= begins;
        for entry in self.model.iter_mut().flat_map(Map::values_mut) {
            if new.is_lfu != self.policy.is_lfu {
                entry.stamp = self.now / STAMP_MS;
            }
            if begins {
                entry.place = (0, entry.stamp);
            }
        }
        self.keyspace.set_policy(new);
        self.policy = new;
    }

    /// What RESTORE ... IDLETIME and FREQ do. After it, the order of use is only nearly that of the stamps.
    fn restore_usage(&mut self) {
        let (db, key, idle) = (self.database(), self.key(), self.random.u64(..100_000));
        let Some(handle) = self.keyspace.db(db).peek(&key) else { return self.note_removals() };
        let database = self.keyspace.db(db);
        if database.counts_frequency() {
            database.set_frequency(handle, idle as u8);
            assert_eq!(database.frequency(handle), idle as u8);
            return;
        }
        database.set_idle_ms(handle, idle);
        self.is_order_known = false;
        self.model[db].get_mut(&key).expect("there").stamp = self.now / STAMP_MS - idle / STAMP_MS;
    }

    fn build_order(&mut self) {
        let budget = self.random.usize(1..200);
        self.keyspace.all_mut().iter_mut().for_each(|db| {
            db.build_order(budget);
        });
    }

    fn defragment(&mut self) {
        let db = self.database();
        let (db, page) = match self.evacuated {
            Some(evacuated) => evacuated,
            None => match self.keyspace.db(db).sparsest_page() {
                Some(page) => (db, page),
                None => return,
            },
        };
        let more = self.keyspace.db(db).defragment(page, self.random.usize(1..50));
        self.evacuated = more.then_some((db, page));
    }

    // ---- checks ----

    fn check(&mut self) {
        for (number, map) in self.model.iter().enumerate() {
            let db = self.keyspace.db(number);
            db.check_invariants();
            assert_eq!(db.len(), map.len());
            assert_eq!(db.expiring(), map.values().filter(|entry| entry.deadline.is_some()).count());
            let (mut cursor, mut count) = (0, 0);
            loop {
                cursor = db.scan(cursor, |handle| {
                    let entry = &map[db.key(handle)];
                    let value = Text::view(db.view(handle)).expect("a string").to_vec();
                    assert_eq!((&value, db.deadline(handle)), (&entry.value, entry.deadline));
                    if !self.policy.is_lfu {
                        assert_eq!(db.idle_ms(handle) / STAMP_MS, self.now / STAMP_MS - entry.stamp);
                    }
                    count += 1;
                });
                if cursor == 0 {
                    break;
                }
            }
            assert_eq!(count, map.len());
        }
    }

    /// A step; `growth` in 0..100 tells how much is added.
    fn step(&mut self, growth: u32) {
        match self.random.u32(..1000) {
            0..500 if self.random.u32(..100) < growth => self.set(),
            0..300 => self.remove(),
            300..500 => self.evict(),
            500..600 => self.read(),
            600..640 => self.edit(),
            640..660 => self.increment(),
            660..740 => self.change_deadline(),
            740..790 => self.transfer(),
            790..820 => self.pass_time(),
            820..850 => self.expire(),
            850..900 => self.scan(),
            900..950 => self.walk(),
            950..970 => self.defragment(),
            970..990 => self.build_order(),
            990..993 => self.change_policy(),
            994 if self.random.u32(..4) == 0 => self.restore_usage(),
            993 if self.random.u32(..8) == 0 => self.flush_or_swap(),
            _ => self.read(),
        }
        for db in self.keyspace.all_mut() {
            db.removals.garbage.clear();
        }
    }
}

#[test]
fn databases_agree_with_maps_whatever_happens() {
    let mut random = super::random();
    for (keys, steps) in [(20, 5_000), (300, 15_000), (3_000, 30_000)] {
        let mut test = Test::new(random.fork(), keys);
        for step in 0..steps {
            // It grows for a while, then shrinks, and so on.
            let growth = if step / (steps / 5) % 2 == 0 { 85 } else { 25 };
            test.step(growth);
            if step % 250 == 0 {
                test.check();
            }
        }
        test.check();
    }
}

#[test]
fn databases_that_may_not_delete_hide_what_is_expired() {
    go_without_deleting(Expired::Hidden);
}

#[test]
fn while_a_log_is_replayed_nothing_is_expired() {
    go_without_deleting(Expired::There);
}

fn go_without_deleting(expired: Expired) {
    let mut test = Test::new(super::random(), 100);
    test.keyspace.all_mut().iter_mut().for_each(|db| db.expired = expired);
    test.expired = expired;
    for step in 0..10_000 {
        match test.random.u32(..100) {
            0..30 => test.set(),
            30..40 => test.remove(),
            40..60 => test.read(),
            60..70 => test.edit(),
            70..75 => test.increment(),
            75..90 => test.change_deadline(),
            90..95 => test.transfer(),
            95..97 => test.walk(),
            _ => test.pass_time(),
        }
        if step % 100 == 0 {
            test.check();
        }
    }
}

#[test]
fn an_order_built_while_the_table_shrinks_has_every_key() {
    let mut random = super::random();
    for _ in 0..15 {
        let mut test = Test::new(random.fork(), 400);
        for step in 0..1500 {
            test.set();
            if step % 20 == 0 {
                test.pass_time();
            }
        }
        // From here on every few removals take a bucket from the table.
        (0..1200).for_each(|_| test.remove());
        let volatile_only = test.random.bool();
        test.use_policy(policy(Order::Lru, volatile_only, true));
        while !test.keyspace.is_order_exact() {
            let budget = test.random.usize(1..4);
            test.keyspace.all_mut().iter_mut().for_each(|db| {
                db.build_order(budget);
            });
            for _ in 0..test.random.usize(..60) {
                match test.random.u32(..10) {
                    0..7 => test.remove(),
                    7 => test.read(),
                    8 => test.change_deadline(),
                    _ => test.evict(),
                }
            }
        }
        test.check();
        (0..30).for_each(|_| test.evict());
        test.check();
    }
}

#[test]
fn records_that_move_keep_their_neighbours() {
    let mut random = super::random();
    for _ in 0..3 {
        let mut test = Test::new(random.fork(), 6000);
        let volatile_only = test.random.bool();
        test.use_policy(policy(Order::Lru, volatile_only, true));
        for key in 0..6000 {
            let (db, deadline) = (test.database(), test.deadline());
            let key = format!("key:{key}").into_bytes();
            test.keyspace.db(db).set(&key, NewText::Bytes(b"v"), Expiry::At(deadline)).expect("room");
            test.put(db, &key, b"v".to_vec(), Some(deadline));
        }
        (0..15_000).for_each(|_| test.remove());
        let mut emptied = 0;
        for step in 0..3_000 {
            match test.random.u32(..20) {
                0..8 => test.defragment(),
                8..12 => test.remove(),
                12 => test.read(),
                13 => test.change_deadline(),
                14 => test.evict(),
                15 => test.walk(),
                16 => test.expire(),
                _ => {}
            }
            emptied += test.evacuated.is_some() as u32;
            if step % 500 == 0 {
                test.check();
            }
        }
        assert!(emptied > 0, "no page was worth emptying");
        test.check();
    }
}
