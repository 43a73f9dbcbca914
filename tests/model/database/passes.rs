//! Passes over databases that go on changing: scans, and walks.

use super::Test;
use ferrodis::formats::rdb::{Compression, Decoder, Limits, Step, Value};
use ferrodis::keyspace::walk::ImageFormat;
use ferrodis::values::FieldDeadlines;
use std::collections::{BTreeMap, BTreeSet};

/// By database and key: value and deadline.
type Snapshot = BTreeMap<(usize, Vec<u8>), (Vec<u8>, Option<u64>)>;

/// A scan under way.
#[derive(Default)]
pub(super) struct Scan {
    cursor: u64,
    /// Keys that were there all the time.
    pub(super) stayed: BTreeSet<Vec<u8>>,
    seen: BTreeMap<Vec<u8>, usize>,
}

/// A walk under way.
pub(super) struct Walk {
    /// The state when it began; none: it was given up.
    snapshot: Option<Snapshot>,
    /// What it has written.
    image: Vec<u8>,
    /// The database that stands last in that.
    db: Option<usize>,
}

impl Test {
    pub(super) fn scan(&mut self) {
        let db = self.database();
        let mut scan = self.scans[db]
            .take()
            .unwrap_or_else(|| Scan { stayed: self.model[db].keys().cloned().collect(), ..Scan::default() });
        let database = self.keyspace.db(db);
        scan.cursor = database.scan(scan.cursor, |handle| {
            *scan.seen.entry(database.key(handle).to_vec()).or_insert(0) += 1;
        });
        if scan.cursor != 0 {
            self.scans[db] = Some(scan);
            return;
        }
        for key in &scan.stayed {
            assert_eq!(scan.seen.get(key), Some(&1), "{} was there all the time", key.escape_ascii());
        }
    }

    pub(super) fn walk(&mut self) {
        let Some(walk) = &mut self.walk else {
            let all = self.model.iter().enumerate().flat_map(|(db, map)| map.iter().map(move |(key, e)| (db, key, e)));
            let snapshot = all.map(|(db, key, e)| ((db, key.clone()), (e.value.clone(), e.deadline))).collect();
            let compression = match self.random.bool() {
                true => Compression::Off,
                false => Compression::Lzf { max_bytes: 10_000 },
            };
            self.keyspace.begin_walk(ImageFormat::Rdb(compression, FieldDeadlines::Redis));
            self.walk = Some(Walk { snapshot: Some(snapshot), image: Vec::new(), db: None });
            return;
        };
        if self.random.u32(..300) == 0 {
            self.keyspace.give_up_walk();
            walk.snapshot = None;
        }
        let more = self.keyspace.step_walk(self.random.usize(1..40));
        if more && self.random.bool() {
            return;
        }
        self.keyspace.take_images(|number, bytes| {
            if walk.db.replace(number) != Some(number) {
                walk.image.extend_from_slice(&[0xFE, number as u8]); // not before each piece: it may be part of a long string
            }
            walk.image.extend_from_slice(&bytes);
        });
        if more {
            return;
        }
        assert_eq!(self.keyspace.image_bytes(), 0);
        let Walk { snapshot, image, .. } = self.walk.take().expect("under way");
        drop(self.keyspace.end_walk());
        if let Some(snapshot) = snapshot {
            assert_same(decoded(&image), snapshot);
        }
    }
}

/// What the walk's pieces hold.
fn decoded(image: &[u8]) -> Snapshot {
    let mut decoder = Decoder::new(Limits::default());
    decoder.feed(b"REDIS0009");
    decoder.feed(image);
    decoder.feed(&[0xFF, 0, 0, 0, 0, 0, 0, 0, 0]);
    let (mut found, mut db) = (Snapshot::new(), 0);
    loop {
        match decoder.next().expect("an RDB file") {
            Step::SelectDb(number) => db = number as usize,
            Step::Entry(entry) => {
                let value = match entry.value {
                    Value::Int(n) => n.to_string().into_bytes(),
                    Value::Bytes(bytes) => bytes,
                    other => panic!("{other:?}"),
                };
                let twice = found.insert((db, entry.key), (value, entry.deadline_ms));
                assert!(twice.is_none(), "an entry was written twice");
            }
            Step::End { .. } => return found,
            step => panic!("{step:?}"),
        }
    }
}

fn assert_same(found: Snapshot, wanted: Snapshot) {
    for (key, entry) in &wanted {
        let name = key.1.escape_ascii();
        assert!(found.get(key) == Some(entry), "key {name} of database {} was not written as it was", key.0);
    }
    assert_eq!(found.len(), wanted.len(), "more was written than there was");
}
