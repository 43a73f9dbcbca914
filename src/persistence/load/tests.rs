//! The same things come, whoever reads and wherever a batch ends.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::base::disk::RealDisk;
use crate::formats::rdb::{Compression, Encoder, Usage, Value};
use crate::persistence::aof::read::Tail;
use crate::persistence::aof::store::{Location, Store};
use crate::values::AnyRef;

const BASE: &str = "appendonly.aof.1.base.rdb";
const INCREMENT: &str = "appendonly.aof.1.incr.aof";

fn hasher() -> KeyHasher {
    KeyHasher::new([3; 16])
}

/// A log of a base with so many keys and an increment with these bytes.
struct Dir(tempfile::TempDir);

impl Dir {
    fn new(keys: usize, increment: &[u8]) -> Dir {
        let dir = Dir(tempfile::tempdir().unwrap());
        std::fs::create_dir(dir.0.path().join("appendonlydir")).unwrap();
        let mut encoder = Encoder::new(Compression::Off);
        encoder.header(9, &[("aof-base", b"1")]);
        encoder.select_db(0);
        encoder.resize_db(keys as u64, 0);
        for key in 0..keys {
            let (key, long) = (format!("key:{key}"), vec![b'x'; if key % 100 == 7 { 5000 } else { key % 90 }]);
            encoder.entry(key.as_bytes(), Some(77), Usage::Unknown, AnyRef::bytes(&long));
        }
        encoder.finish();
        dir.write(BASE, &encoder.take(Vec::new()));
        dir.write(INCREMENT, increment);
        let manifest = format!("file {BASE} seq 1 type b\nfile {INCREMENT} seq 1 type i\n");
        dir.write("appendonly.aof.manifest", manifest.as_bytes());
        dir
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.0.path().join("appendonlydir").join(name), bytes).unwrap();
    }

    fn loader(&self) -> Loader {
        let place = Location::new(self.0.path(), b"appendonlydir", b"appendonly.aof");
        let store = Store::open(Arc::new(RealDisk), place).unwrap();
        Loader::of_log(Reader::open(&store, Tail::Report).unwrap(), Limits::default(), hasher())
    }
}

fn call(words: &str) -> String {
    let words: Vec<&str> = words.split(' ').collect();
    let bulks: Vec<String> = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len())).collect();
    format!("*{}\r\n{}", words.len(), bulks.concat())
}

/// What a batch has, in words.
fn told(batch: &mut Batch, told: &mut Vec<String>) {
    while let Some(thing) = batch.take_next() {
        told.push(match thing {
            Thing::File { path, is_base } => format!("{} {is_base}", path.file_name().unwrap().to_string_lossy()),
            Thing::Call(call) => {
                let (bytes, words) = batch.words(call);
                let words = words.iter().map(|word| &bytes[word.start as usize..word.end as usize]);
                let words: Vec<String> = words.map(|word| word.escape_ascii().to_string()).collect();
                assert_eq!(call.hash, words.get(1).map_or(0, |key| hasher().hash(key.as_bytes())));
                words.join(" ")
            }
            Thing::Entry(entry) => {
                let key = batch.key(&entry);
                assert_eq!((entry.hash, entry.deadline_ms), (hasher().hash(key), Some(77)));
                let len = match &entry.value {
                    Held::Text(text) => batch.span(*text).len(),
                    Held::Whole(Value::Bytes(bytes)) => bytes.len(),
                    _ => panic!("a string was written"),
                };
                format!("{} of {len}", key.escape_ascii())
            }
            Thing::SelectDb { number, .. } => format!("database {number}"),
            Thing::ResizeDb { keys } => format!("{keys} keys"),
            Thing::Function(_) => "function".into(),
            Thing::End(end) => format!("end {}", end.log.is_some()),
            Thing::Failed(failure) => failure.refusal,
        });
    }
}

fn read_here(mut loader: Loader, things: usize) -> Vec<String> {
    let (mut batch, mut all, mut is_last) = (Batch::default(), Vec::new(), false);
    while !is_last {
        batch.clear();
        loader.fill(&mut batch, things);
        is_last = batch.is_last();
        told(&mut batch, &mut all);
    }
    if all.last().is_some_and(|last| last.starts_with("end ")) {
        assert_eq!(batch.read_bytes, loader.total_bytes());
    }
    all
}

#[test]
fn what_comes_does_not_depend_on_who_reads_and_where_batches_end() {
    let calls: Vec<String> = (0..3000).map(|n| call(&format!("SET key:{n} v{n}"))).collect();
    let dir = Dir::new(5000, calls.concat().as_bytes());
    let all = read_here(dir.loader(), 1024);
    assert_eq!(all.len(), 2 + 2 + 5000 + 3000 + 1);
    assert_eq!((&*all[0], &*all[3], &*all[10]), ("appendonly.aof.1.base.rdb true", "key:0 of 0", "key:7 of 5000"));
    assert_eq!((&*all[8002], &*all[8003]), ("SET key:2998 v2998", "SET key:2999 v2999"));
    assert_eq!(read_here(dir.loader(), 7), all);
    let (mut batches, reader) = Batches::ahead(dir.loader());
    let thread = std::thread::spawn(move || reader.run());
    let (mut batch, mut found) = (Batch::default(), Vec::new());
    while found.last().is_none_or(|last| last != "end true") {
        if batches.next(&mut batch, Duration::from_secs(10)) {
            told(&mut batch, &mut found);
        }
    }
    assert!(found == all);
    thread.join().unwrap();
}

#[test]
fn a_transaction_comes_whole_or_not_at_all() {
    let calls = ["SET a 1", "MULTI", "SET b 1", "SET c 1", "EXEC", "MULTI", "SET d 1", "MULTI", "SET e 1", "EXEC"];
    let dir = Dir::new(0, calls.map(call).concat().as_bytes());
    let all = read_here(dir.loader(), 1);
    assert_eq!(all[4..], ["SET a 1", "SET b 1", "SET c 1", "SET e 1", "end true"]);
}

#[test]
fn a_failure_stands_behind_what_was_read_before_it() {
    let dir = Dir::new(0, format!("{}{}!!!", call("SET a 1"), call("SET b 1")).as_bytes());
    let all = read_here(dir.loader(), 1024);
    assert_eq!(all[4..6], ["SET a 1", "SET b 1"]);
    assert!(all[6].contains("Bad file format") && all[6].contains("at offset 54"), "{}", all[6]);
}

#[test]
fn a_reader_that_nobody_wants_any_more_ends() {
    let dir = Dir::new(100_000, b"");
    let (mut batches, reader) = Batches::ahead(dir.loader());
    let thread = std::thread::spawn(move || reader.run());
    let mut batch = Batch::default();
    while !batches.next(&mut batch, Duration::from_secs(10)) {}
    drop(batches);
    thread.join().unwrap();
    assert!(batch.read_bytes > 0);
}
