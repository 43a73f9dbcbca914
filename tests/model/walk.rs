//! Walks over large values of all types, which change, move and go meanwhile: what is written is what was there when the walk began.

use ferrodis::base::hash::KeyHasher;
use ferrodis::formats::rdb::payload::dump;
use ferrodis::formats::rdb::{Compression, Decoder, Limits, Step, Value};
use ferrodis::keyspace::Keyspace;
use ferrodis::keyspace::database::{Expiry, Now};
use ferrodis::keyspace::eviction::Policy;
use ferrodis::keyspace::walk::ImageFormat;
use ferrodis::structures::listpack::Entry;
use ferrodis::structures::record_arena::Payload;
use ferrodis::values::hash::{Field, FieldTtl, Hash};
use ferrodis::values::list::{End, List, Needle, Side};
use ferrodis::values::set::Set;
use ferrodis::values::sorted_set::SortedSet;
use ferrodis::values::stream::{BlockLimits, Keep, NewId, Pending, Stream, StreamId, Trim};
use ferrodis::values::string::NewText;
use ferrodis::values::{AnyRef, Encodings, FieldDeadlines, Owned};
use std::collections::BTreeMap;

const DATABASES: usize = 2;
const KEYS: usize = 16;
const NOW_MS: u64 = 1_700_000_000_000;

type Snapshot = BTreeMap<(usize, Vec<u8>), Owned>;

struct Test {
    random: fastrand::Rng,
    keyspace: Keyspace,
    encodings: Encodings,
}

impl Test {
    fn new(seed: u64) -> Test {
        let mut random = fastrand::Rng::with_seed(seed);
        let hasher = KeyHasher::new(std::array::from_fn(|_| random.u8(..)));
        let keyspace = Keyspace::new(DATABASES, hasher, Now { ms: NOW_MS }, Policy::default());
        Test { random, keyspace, encodings: Encodings::new(hasher) }
    }

    fn key(&mut self) -> Vec<u8> {
        format!("key:{}", self.random.usize(..KEYS)).into_bytes()
    }

    fn text(&mut self) -> Vec<u8> {
        let number = self.random.u32(..6000);
        let len = if number.is_multiple_of(97) { 3000 } else { number as usize % 40 };
        format!("{number}{}", "x".repeat(len)).into_bytes()
    }

    /// Adds elements to the value at a key, of the type that the key's number stands for. A string changes in place, mostly.
    fn grow(&mut self, db: usize, key: &[u8], count: usize) {
        let encodings = self.encodings;
        let kind = key.last().unwrap() % 6;
        for _ in 0..count {
            let (text, other, number) = (self.text(), self.text(), self.random.u64(..1_000_000));
            let db = self.keyspace.db(db);
            match kind {
                0 => {
                    let mut hash = db.edit::<Hash>(key).unwrap();
                    hash.set(&text, &other, FieldTtl::Keep, &encodings).unwrap();
                    if number % 5 == 0 {
                        hash.set_deadline(&text, Some(NOW_MS + number)).unwrap();
                    }
                }
                1 => _ = db.edit::<Set>(key).unwrap().insert(&text, &encodings).unwrap(),
                2 => {
                    let mut set = db.edit::<SortedSet>(key).unwrap();
                    set.write(&text, &encodings, |_| Some(number as f64)).unwrap();
                }
                3 => {
                    let mut list = db.edit::<List>(key).unwrap();
                    list.expect(1, text.len(), &encodings);
                    list.push(if number % 2 == 0 { End::Left } else { End::Right }, &text, &encodings);
                }
                4 => {
                    let mut stream = db.edit::<Stream>(key).unwrap();
                    let id = stream.entries.next_id(NewId::Now(number)).unwrap();
                    let words = [&text[..], &other[..]];
                    stream.entries.append(id, 1, |at| words[at], BlockLimits::of(&encodings)).unwrap();
                    deliver(&mut stream, id, number);
                }
                _ if number % 64 == 0 => {
                    let long = text.repeat(number as usize % 4000 + 1);
                    db.set(key, NewText::of(&long), Expiry::Keep).unwrap();
                }
                _ => {
                    let at = number as usize % 200_000;
                    let edit = |bytes: &mut [u8], _: Option<usize>| bytes[at..at + text.len()].copy_from_slice(&text);
                    db.edit_string(key, at + text.len(), edit).unwrap();
                }
            }
        }
    }

    /// Changes or removes elements.
    fn shrink(&mut self, db: usize, key: &[u8], count: usize) {
        let encodings = self.encodings;
        let kind = key.last().unwrap() % 6;
        for _ in 0..count {
            let (text, other, number) = (self.text(), self.text(), self.random.usize(..1_000_000));
            let db = self.keyspace.db(db);
            match kind {
                0 => _ = db.edit_existing::<Hash>(key).unwrap().map(|mut hash| hash.remove(&text)),
                1 => _ = db.edit_existing::<Set>(key).unwrap().map(|mut set| set.remove(&text)),
                2 => {
                    let Some(mut set) = db.edit_existing::<SortedSet>(key).unwrap() else { return };
                    set.remove(&text);
                }
                3 => {
                    let Some(mut list) = db.edit_existing::<List>(key).unwrap() else { return };
                    let len = list.len();
                    list.expect(1, other.len(), &encodings);
                    match number % 9 {
                        0 => _ = list.pop(End::Left, 1 + number % 30, &encodings),
                        1 => _ = list.pop(End::Right, 1 + number % 300, &encodings),
                        2 => _ = list.trim(number % len, len / 2, &encodings),
                        3 => _ = list.insert(Needle::new(&text), Side::After, &other, &encodings),
                        4 => _ = list.remove(Needle::new(&text), End::Left, 2, &encodings),
                        5 => list.rotate(End::Left, End::Right, &encodings),
                        _ => _ = list.set(number % len, &other, &encodings),
                    }
                }
                4 => {
                    let Some(mut stream) = db.edit_existing::<Stream>(key).unwrap() else { return };
                    let len = stream.entries.len();
                    let from = StreamId::new(number as u64, 0);
                    if number % 3 > 0 {
                        change_groups(&mut stream, from, &text);
                        continue;
                    }
                    match number % 40 {
                        0 => {
                            let keep = Keep::Length(len - len / 5);
                            stream.entries.trim(Trim { keep, whole_blocks: number % 3 == 0, limit: 0 });
                        }
                        1 => {
                            while let Some(entry) = stream.entries.range(StreamId::MIN, StreamId::MAX).next() {
                                let id = entry.id;
                                stream.entries.delete(id);
                            }
                            (stream.entries.last_id, stream.entries.max_deleted_id) = (StreamId::MIN, StreamId::MIN);
                        }
                        _ => {
                            let found = stream.entries.range(from, StreamId::MAX).next().map(|entry| entry.id);
                            found.into_iter().for_each(|id| _ = stream.entries.delete(id));
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn change(&mut self) {
        let (db, key, other) = (self.random.usize(..DATABASES), self.key(), self.key());
        let count = self.random.usize(..40);
        match self.random.u32(..1000) {
            0..450 => self.grow(db, &key, count),
            450..900 => self.shrink(db, &key, count),
            900..905 => {
                self.keyspace.db(db).remove(&key);
            }
            905..925 if key.last().unwrap() % 6 == other.last().unwrap() % 6 && key != other => {
                let db = self.keyspace.db(db);
                db.remove(&other);
                if let Some((value, _)) = db.take(&key) {
                    db.put(&other, value, Expiry::Clear).unwrap();
                }
            }
            925..930 => {
                self.keyspace.finish_walk_of(db, &key);
                let (one, two) = self.keyspace.pair(db, 1 - db);
                two.remove(&key);
                if let Some((value, _)) = one.take(&key) {
                    two.put(&key, value, Expiry::Clear).unwrap();
                }
            }
            930..932 => self.keyspace.swap(0, 1),
            932..933 => drop(self.keyspace.flush(db)),
            933..940 => {
                // Overwritten by what it was, without its end.
                let found = self.keyspace.db(db).peek(&key);
                let copy = found.map(|handle| Owned::copy_of(self.keyspace.db(db).view(handle)));
                copy.into_iter().for_each(|value| self.keyspace.db(db).put(&key, value, Expiry::Clear).unwrap());
                self.shrink(db, &key, 5);
            }
            940..942 => self.grow(db, &key, 3000),
            _ => {
                self.keyspace.all_mut()[db].removals.garbage.clear();
                self.keyspace.all()[db].check_invariants();
            }
        }
    }

    fn snapshot(&mut self) -> Snapshot {
        let mut snapshot = Snapshot::new();
        for db in 0..DATABASES {
            for key in (0..KEYS).map(|n| format!("key:{n}").into_bytes()) {
                if let Some(handle) = self.keyspace.db(db).peek(&key) {
                    snapshot.insert((db, key), Owned::copy_of(self.keyspace.db(db).view(handle)));
                }
            }
        }
        snapshot
    }

    /// Walks while things change; what was written.
    fn walk(&mut self, format: ImageFormat) -> (Vec<(usize, Vec<u8>)>, bool) {
        self.keyspace.begin_walk(format);
        let (mut pieces, mut given_up) = (Vec::new(), false);
        loop {
            let more = self.keyspace.step_walk(self.random.usize(1..20));
            if !more || self.random.bool() {
                self.keyspace.take_images(|db, bytes| pieces.push((db, bytes)));
            }
            if !more {
                break;
            }
            if self.random.u32(..5000) == 0 {
                given_up = true;
                self.keyspace.give_up_walk();
            }
            (0..self.random.usize(..6)).for_each(|_| self.change());
        }
        assert_eq!(self.keyspace.kept_bytes(), 0);
        drop(self.keyspace.end_walk());
        (pieces, given_up)
    }
}

/// The groups and consumers of the test.
fn names(number: u64) -> ([u8; 2], [u8; 2]) {
    ([b'g', b'0' + (number % 3) as u8], [b'c', b'0' + (number / 3 % 5) as u8])
}

/// Gives an entry to a consumer of a group; both are made if they are not there.
fn deliver(stream: &mut Stream, id: StreamId, number: u64) {
    let (group, name) = names(number);
    stream.groups.create(&group, id, None);
    let mut group = stream.groups.edit(&group).unwrap();
    let consumer = group.find_consumer(&name).or_else(|| group.create_consumer(&name, number as i64)).unwrap();
    group.last_id = group.last_id.max(id);
    group.put_pending(id, Pending { delivered_ms: number as i64, deliveries: number % 5, consumer });
}

/// Acknowledges, claims, delivers again, or removes a consumer or a group.
fn change_groups(stream: &mut Stream, from: StreamId, chance: &[u8]) {
    let number = chance.iter().fold(from.ms, |sum, &byte| (sum * 31 + u64::from(byte)) % 1_000_003);
    let (name, consumer) = names(number);
    let Some(mut group) = stream.groups.edit(&name) else { return };
    let found = group.pending().range(from..).next().map(|(id, _)| *id);
    match (number / 15 % 200, found, group.find_consumer(&consumer)) {
        (0, _, Some(consumer)) => _ = group.remove_consumer(consumer),
        (1, ..) => {
            drop(group);
            assert!(stream.groups.remove(&name, drop));
        }
        (2, ..) => group.last_id = from,
        (3..60, Some(id), _) => assert!(group.remove_pending(id)),
        (60..120, Some(id), _) => group.deliver_again(id, number as i64),
        // Not only what is behind all others is delivered: XGROUP SETID goes back.
        (120.., _, Some(consumer)) => {
            let id = if number % 2 == 0 { from } else { found.unwrap_or(from) };
            group.put_pending(id, Pending { delivered_ms: number as i64, deliveries: 7, consumer });
        }
        _ => {}
    }
}

/// The elements of a value, in an order that does not depend on its encoding.
fn contents(value: &Owned) -> Vec<Vec<u8>> {
    let mut elements: Vec<Vec<u8>> = match AnyRef::of(value.view()) {
        AnyRef::List(list) => return list.iter().map(Entry::to_vec).collect(),
        AnyRef::Set(set) => set.iter().map(Entry::to_vec).collect(),
        AnyRef::Hash(hash) => {
            let shown = |field: Field<'_>| (field.name.to_vec(), field.value.to_vec(), field.deadline);
            hash.iter().map(|field| format!("{:?}", shown(field)).into_bytes()).collect()
        }
        AnyRef::SortedSet(set) => {
            set.iter().map(|(member, score)| format!("{:?} {score}", member.to_vec()).into_bytes()).collect()
        }
        value => {
            let mut out = Vec::new();
            dump(value, Compression::Off, FieldDeadlines::Redis, &mut out);
            vec![out]
        }
    };
    elements.sort_unstable();
    elements
}

/// What the pieces hold.
fn decoded(pieces: &[(usize, Vec<u8>)], header: &[u8], encodings: Encodings) -> Snapshot {
    let mut decoder = Decoder::new(Limits { encodings, ..Limits::default() });
    decoder.feed(header);
    let (mut found, mut db) = (Snapshot::new(), 0);
    let mut take = |decoder: &mut Decoder, db: usize| {
        while let Step::Entry(entry) = decoder.next().expect("a right image") {
            let value = match entry.value {
                Value::Collection(value) => value,
                Value::Bytes(bytes) => {
                    Owned::copy_of(Payload::Inline { tag: ferrodis::values::tag::SHORT, bytes: &bytes })
                }
                Value::Int(number) => {
                    let bytes = number.to_le_bytes();
                    Owned::copy_of(Payload::Inline { tag: ferrodis::values::tag::INT, bytes: &bytes })
                }
                Value::Empty => panic!("no key holds it"),
            };
            assert_eq!(found.insert((db, entry.key), value), None, "an entry stands once");
        }
    };
    for (number, bytes) in pieces {
        if *number != db {
            take(&mut decoder, db);
            db = *number;
        }
        decoder.feed(bytes);
    }
    take(&mut decoder, db);
    found
}

fn run(seed: u64, deadlines: FieldDeadlines, header: &[u8]) {
    println!("FERRODIS_SEED={seed}");
    let mut test = Test::new(seed);
    for key in (0..KEYS).map(|n| format!("key:{n}").into_bytes()) {
        for db in 0..DATABASES {
            let count = test.random.usize(..4000);
            test.grow(db, &key, count);
        }
    }
    for _ in 0..3 {
        (0..50).for_each(|_| test.change());
        let expected = test.snapshot();
        let format = ImageFormat::Rdb(Compression::Lzf { max_bytes: 16 << 10 }, deadlines);
        let (pieces, given_up) = test.walk(format);
        if given_up {
            continue;
        }
        let found = decoded(&pieces, header, test.encodings);
        assert!(found.keys().eq(expected.keys()), "the same keys");
        for (key, value) in &expected {
            assert!(contents(&found[key]) == contents(value), "{} of database {}", key.1.escape_ascii(), key.0);
        }
    }
}

fn seed() -> u64 {
    std::env::var("FERRODIS_SEED").map_or_else(|_| fastrand::u64(..), |text| text.parse().expect("a number"))
}

#[test]
fn large_values_are_written_as_they_were() {
    run(seed(), FieldDeadlines::Redis, b"REDIS0012");
}

#[test]
fn fields_deadlines_are_written_in_valkeys_form_too() {
    run(seed(), FieldDeadlines::Valkey, b"VALKEY080");
}

/// Each counted as one record, however long: a step copied sixteen of them, or a whole bucket, while everybody waited.
#[test]
fn a_step_over_long_strings_took_as_long_as_they_were() {
    const STRING_BYTES: usize = 100_000;
    let mut test = Test::new(1);
    for n in 0..500 {
        let key = format!("string:{n}");
        test.keyspace.db(0).set(key.as_bytes(), NewText::of(&[b'x'; STRING_BYTES]), Expiry::Keep).unwrap();
    }
    for (format, bound) in [
        (ImageFormat::Rdb(Compression::Off, FieldDeadlines::Redis), 17 * 1024),
        (ImageFormat::Calls, 14 * STRING_BYTES), // one argument each: two buckets are visited together
    ] {
        test.keyspace.begin_walk(format);
        let (mut most, mut all) = (0, 0);
        while test.keyspace.step_walk(16) {
            most = most.max(test.keyspace.image_bytes());
            test.keyspace.take_images(|_, bytes| all += bytes.len());
        }
        test.keyspace.take_images(|_, bytes| all += bytes.len());
        assert!((1..bound).contains(&most), "{most} bytes in one step, {format:?}");
        assert!(all > 500 * STRING_BYTES, "{all} bytes, {format:?}");
        drop(test.keyspace.end_walk());
    }
}
