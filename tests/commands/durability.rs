//! `appendfsync always`: what shows a write that is not durable yet does not leave. The log's writer stands still here, so nothing ever is.

use crate::harness::Db;
use ferrodis::dispatch::storage::{Garbage, Threads};
use ferrodis::persistence::aof::writer::Writer;
use ferrodis::persistence::snapshot::SnapshotWriter;
use ferrodis::server::config::AppendFsync;
use std::sync::Mutex;

/// Writers that are there and do nothing.
#[derive(Default)]
struct Standstill {
    writers: Mutex<(Vec<Writer>, Vec<SnapshotWriter>)>,
}

impl Threads for Standstill {
    fn run_log_writer(&self, writer: Writer) {
        self.writers.lock().unwrap().0.push(writer);
    }

    fn run_snapshot_writer(&self, writer: SnapshotWriter) {
        self.writers.lock().unwrap().1.push(writer);
    }

    fn waker(&self) -> Box<dyn Fn() + Send> {
        Box::new(|| ())
    }

    fn free(&self, garbage: Garbage) {
        drop(garbage);
    }

    fn free_pending(&self) -> u64 {
        0
    }
}

fn with_log(directory: &tempfile::TempDir) -> Db {
    let mut db = Db::on(Box::new(Standstill::default()), |config| {
        config.dir = directory.path().display().to_string();
        (config.appendonly, config.appendfsync) = (true, AppendFsync::Always);
    });
    db.dispatcher.begin_loading().unwrap();
    db
}

#[test]
fn info_and_its_like_showed_writes_that_were_not_durable() {
    let directory = tempfile::tempdir().unwrap();
    let mut db = with_log(&directory);
    let is_held = |db: &mut Db, line: &str| {
        let reader = db.connect();
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        db.call_on(reader, &words);
        db.is_held(reader)
    };
    const SHOWING: [&str; 7] =
        ["INFO keyspace", "INFO commandstats", "DBSIZE", "SLOWLOG GET", "MEMORY STATS", "KEYS *", "GET k"];
    for line in SHOWING {
        assert!(!is_held(&mut db, line), "{line}: nothing was written yet");
    }
    db.run("SET k v");
    for line in SHOWING {
        assert!(is_held(&mut db, line), "{line}");
    }
    for line in ["PING", "CLIENT ID", "GET other"] {
        assert!(!is_held(&mut db, line), "{line} shows nothing of it");
    }
}

#[test]
fn monitors_saw_writes_that_were_not_durable() {
    let directory = tempfile::tempdir().unwrap();
    let mut db = with_log(&directory);
    let watcher = db.connect();
    assert_eq!(db.call_on(watcher, &[b"MONITOR"]), b"+OK\r\n");
    db.run("GET k");
    db.advance_ms(0);
    assert!(!db.is_held(watcher) && db.output_of(watcher).ends_with(b"\"GET\" \"k\"\r\n"), "nothing was written yet");
    db.run("SET k v");
    db.advance_ms(0);
    assert!(db.is_held(watcher));
    let held_for = db.dispatcher.server.clients.get(watcher).held_for;
    db.run("SET k w");
    db.advance_ms(0);
    assert_eq!(db.dispatcher.server.clients.get(watcher).held_for, held_for, "what waits does not wait for more");
    assert!(db.output_of(watcher).ends_with(b"\"SET\" \"k\" \"v\"\r\n"));
    db.advance_ms(0);
    assert!(db.is_held(watcher) && db.output_of(watcher).ends_with(b"\"SET\" \"k\" \"w\"\r\n"));
}
