//! Hashes in all their encodings against a map, by random changes, with a clock that goes on; and what RDB and calls make of them.

use ferrodis::base::crc::crc64;
use ferrodis::base::hash::KeyHasher;
use ferrodis::base::random::Generator;
use ferrodis::formats::rdb::payload::{dump, verify};
use ferrodis::formats::rdb::{Compression, Limits, Value};
use ferrodis::values::hash::{FieldTtl, Hash, HashRef};
use ferrodis::values::{AnyRef, Encodings, FieldDeadlines, Owned};
use std::collections::{BTreeMap, BTreeSet};

use crate::random;

type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<u64>)>;

struct Twin {
    hash: Hash,
    model: Model,
    now_ms: u64,
    encodings: Encodings,
}

fn text(rng: &mut fastrand::Rng) -> Vec<u8> {
    match rng.u32(..40) {
        0..20 => rng.i64(-30..60).to_string().into_bytes(),
        20..38 => vec![rng.u8(b'a'..b'e'); rng.usize(..4)],
        38 => vec![b'x'; rng.usize(..300)],
        _ => vec![b'y'; [254, 255, 256, 1023, 1024, 1025, 5000][rng.usize(..7)]],
    }
}

/// A time of any order up to ten days.
fn far(rng: &mut fastrand::Rng) -> u64 {
    let bits = rng.u32(1..30);
    rng.u64(..1 << bits)
}

impl Twin {
    fn new(rng: &mut fastrand::Rng) -> Twin {
        let encodings = Encodings {
            hash_max_listpack_entries: [0, 5, 20, 100][rng.usize(..4)],
            hash_max_listpack_value: [10, 64, 10_000][rng.usize(..3)],
            ..Encodings::new(KeyHasher::new([rng.u8(..); 16]))
        };
        Twin { hash: Hash::default(), model: Model::new(), now_ms: 1_700_000_000_000, encodings }
    }

    fn operate(&mut self, rng: &mut fastrand::Rng) {
        let name = text(rng);
        match rng.u32(..20) {
            0..9 => {
                let (value, ttl) = (text(rng), if rng.bool() { FieldTtl::Keep } else { FieldTtl::Clear });
                let is_new = self.hash.set(&name, &value, ttl, &self.encodings).unwrap();
                let old = self.model.get(&name).map(|(_, deadline)| *deadline);
                assert_eq!(is_new, old.is_none());
                let deadline = if ttl == FieldTtl::Keep { old.flatten() } else { None };
                self.model.insert(name, (value, deadline));
            }
            9..12 => assert_eq!(self.hash.remove(&name), self.model.remove(&name).is_some()),
            12..16 if self.model.contains_key(&name) => {
                let ahead_ms = far(rng) + 1;
                let deadline = (rng.u32(..4) > 0).then_some(self.now_ms + ahead_ms);
                self.hash.set_deadline(&name, deadline).unwrap();
                self.model.get_mut(&name).unwrap().1 = deadline;
            }
            16 => self.expire(rng),
            17 => self.travel(rng),
            18 => self.sample(rng),
            _ => self.compare(),
        }
    }

    fn expire(&mut self, rng: &mut fastrand::Rng) {
        self.now_ms += far(rng);
        let first = self.model.values().filter_map(|(_, deadline)| *deadline).min();
        assert_eq!(self.hash.as_ref().next_deadline().is_some(), first.is_some());
        assert!(self.hash.as_ref().next_deadline() <= first);
        let mut gone = BTreeSet::new();
        while self.hash.as_ref().next_deadline().is_some_and(|next| next <= self.now_ms) {
            let mut budget = rng.usize(1..30);
            self.hash.expire_due(self.now_ms, &mut budget, |name| assert!(gone.insert(name.to_vec()), "once"));
        }
        let now_ms = self.now_ms;
        let due = self.model.extract_if(.., |_, (_, deadline)| deadline.is_some_and(|deadline| deadline <= now_ms));
        assert_eq!(gone, due.map(|(name, _)| name).collect());
    }

    /// Through RDB in each form, and as calls; what has no deadline has the oldest form that there is.
    fn travel(&mut self, rng: &mut fastrand::Rng) {
        if self.model.is_empty() {
            return;
        }
        let has_deadlines = self.model.values().any(|(_, deadline)| deadline.is_some());
        let limits = Limits { encodings: self.encodings, ..Limits::default() };
        for deadlines in [FieldDeadlines::Redis, FieldDeadlines::Valkey, FieldDeadlines::Behind] {
            let compression = if rng.bool() { Compression::Off } else { Compression::Lzf { max_bytes: 10_000 } };
            let mut payload = Vec::new();
            dump(AnyRef::Hash(self.hash.as_ref()), compression, deadlines, &mut payload);
            let is_plain = [4, 16].contains(&payload[0]);
            assert_eq!(is_plain, !has_deadlines || deadlines == FieldDeadlines::Behind);
            let Ok(Value::Collection(value)) = verify(&payload, limits).unwrap().decode(limits) else {
                panic!("a hash")
            };
            let AnyRef::Hash(read) = AnyRef::of(value.view()) else { panic!("a hash") };
            assert_same(read, &self.model, deadlines != FieldDeadlines::Behind);
            if rng.u32(..8) == 0 {
                damage(rng, payload, limits);
            }
        }
        if rng.bool() {
            let copy = Owned::of(self.hash.clone());
            let AnyRef::Hash(copied) = AnyRef::of(copy.view()) else { panic!("a hash") };
            assert_same(copied, &self.model, true);
        }
    }

    fn sample(&self, rng: &mut fastrand::Rng) {
        let (hash, mut random) = (self.hash.as_ref(), Generator::new(rng.u64(..)));
        let live: BTreeSet<Vec<u8>> = hash.live(self.now_ms).map(|field| field.name.to_vec()).collect();
        assert_eq!(hash.sample(self.now_ms, &mut random).is_some(), !live.is_empty());
        let count = rng.usize(..live.len() + 3);
        let drawn: Vec<Vec<u8>> =
            hash.sample_distinct(count, self.now_ms, &mut random).iter().map(|field| field.name.to_vec()).collect();
        let distinct: BTreeSet<Vec<u8>> = drawn.iter().cloned().collect();
        assert_eq!((drawn.len(), distinct.len()), (count.min(live.len()), count.min(live.len())));
        assert!(distinct.is_subset(&live));
        let mut times = 0;
        hash.sample_with_repetition(count, self.now_ms, &mut random, |field| {
            assert!(live.contains(&field.name.to_vec()));
            times += 1;
        });
        assert_eq!(times, if live.is_empty() { 0 } else { count });
    }

    fn compare(&self) {
        assert_same(self.hash.as_ref(), &self.model, true);
        let (mut seen, mut cursor) = (BTreeSet::new(), 0);
        loop {
            cursor = self.hash.as_ref().scan(cursor, |field| assert!(seen.insert(field.name.to_vec()), "once"));
            if cursor == 0 {
                break;
            }
        }
        assert!(seen.iter().eq(self.model.keys()));
        if let HashRef::Table(table) = self.hash.as_ref() {
            table.check_invariants();
        }
    }
}

fn assert_same(hash: HashRef<'_>, model: &Model, with_deadlines: bool) {
    assert_eq!(hash.len(), model.len());
    for (name, (value, deadline)) in model {
        let field = hash.find(name).expect("it is there");
        assert!(field.name.equals(name) && field.value.equals(value));
        assert_eq!(field.deadline, deadline.filter(|_| with_deadlines));
    }
    let mut deadlines: Vec<u64> = Vec::new();
    for field in hash.iter() {
        assert!(model.contains_key(&field.name.to_vec()));
        deadlines.push(field.deadline.unwrap_or(u64::MAX));
    }
    assert!(matches!(hash, HashRef::Table(_)) || deadlines.is_sorted(), "by deadline");
}

/// Bytes that were changed give an error or a hash, never a panic.
fn damage(rng: &mut fastrand::Rng, mut payload: Vec<u8>, limits: Limits) {
    let body = payload.len() - 8;
    for _ in 0..rng.usize(1..4) {
        payload[rng.usize(..body - 2)] = rng.u8(..);
    }
    let checksum = crc64(0, &payload[..body]);
    payload[body..].copy_from_slice(&checksum.to_le_bytes());
    if let Ok(Value::Collection(value)) = verify(&payload, limits).unwrap().decode(limits)
        && let AnyRef::Hash(hash) = AnyRef::of(value.view())
    {
        assert_eq!(hash.iter().count(), hash.len());
        hash.iter().for_each(|field| assert!(hash.find(&field.name.to_vec()).is_some()));
    }
}

#[test]
fn hashes_do_what_a_map_does() {
    let mut rng = random();
    for _ in 0..200 {
        let mut twin = Twin::new(&mut rng);
        for _ in 0..rng.usize(..600) {
            twin.operate(&mut rng);
        }
        twin.compare();
    }
}
