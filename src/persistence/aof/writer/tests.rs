//! The writer, step by step, over a real directory.

use std::path::PathBuf;
use std::sync::Arc;

use super::*;
use crate::base::disk::RealDisk;
use crate::persistence::aof::log::Log;
use crate::persistence::aof::start::{BeginWith, LogEnd, start};
use crate::persistence::aof::store::{BaseFormat, Location};

struct Bench {
    root: tempfile::TempDir,
    log: Log,
    writer: Writer,
}

fn bench(policy: FsyncPolicy, with: BeginWith<'_>) -> Bench {
    bench_at(tempfile::tempdir().unwrap(), policy, with)
}

fn bench_at(root: tempfile::TempDir, policy: FsyncPolicy, with: BeginWith<'_>) -> Bench {
    let location = Location::new(root.path(), b"appendonlydir", b"appendonly.aof");
    let store = Store::open(Arc::new(RealDisk), location).unwrap();
    let (log, writer) = start(store, LogEnd::default(), with, policy, Box::new(|| {})).unwrap();
    Bench { root, log, writer }
}

const EMPTY: BeginWith<'static> = BeginWith::Increment { empty_base: b"REDIS0009empty", format: BaseFormat::Rdb };

impl Bench {
    fn set(&mut self, value: &str) {
        self.log.append_call(0, [b"SET".as_slice(), b"k", value.as_bytes()].into_iter());
        self.log.submit();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join("appendonlydir").join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read(self.path(name)).unwrap().escape_ascii().to_string()
    }

    fn manifest(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path("appendonly.aof.manifest")).unwrap();
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    }

    fn write_base(&self, bytes: &str) {
        std::fs::write(self.path("temp-appendonly.aof.base"), bytes).unwrap();
    }
}

#[test]
fn an_empty_log_gets_a_base_and_an_increment_named_as_redis_does() {
    let bench = bench(FsyncPolicy::No, EMPTY);
    let expected = ["file appendonly.aof.1.base.rdb seq 1 type b", "file appendonly.aof.1.incr.aof seq 1 type i"];
    assert_eq!(bench.manifest(), expected);
    assert_eq!(bench.text("appendonly.aof.1.base.rdb"), "REDIS0009empty");
    assert_eq!(bench.text("appendonly.aof.1.incr.aof"), "");
}

/// All that waited was written first, up to 4 MiB: on a busy machine, where each write waited for its turn, half a second more was lost.
#[test]
fn a_sync_under_everysec_waited_for_all_blocks_that_waited() {
    let mut bench = bench(FsyncPolicy::EverySecond, EMPTY);
    for value in 0..40 {
        bench.set(&value.to_string());
    }
    assert_eq!(bench.writer.step(5000), Next::Again, "the clock is looked at again");
    bench.log.poll();
    let first = (bench.log.syncs(), bench.log.durable_offset());
    assert_eq!(bench.writer.step(6000), Next::Again);
    bench.log.poll();
    assert!(first.0 == 1 && bench.log.syncs() == 2 && bench.log.durable_offset() > first.1);
    assert!(bench.log.durable_offset() < bench.log.next_offset());
}

#[test]
fn each_policy_syncs_when_it_says() {
    for (policy, expected) in
        [(FsyncPolicy::Always, [1, 2, 3]), (FsyncPolicy::EverySecond, [1, 1, 2]), (FsyncPolicy::No, [0; 3])]
    {
        let mut bench = bench(policy, EMPTY);
        let syncs = [5000, 5999, 6000].map(|now_ms| {
            bench.set("v");
            bench.writer.step(now_ms);
            bench.log.poll();
            bench.log.syncs()
        });
        assert_eq!(syncs, expected, "{policy:?}");
        assert_eq!(bench.log.written_offset(), bench.log.next_offset());
        assert_eq!(bench.log.durable_offset() == bench.log.next_offset(), policy != FsyncPolicy::No);
    }
}

#[test]
fn blocks_waiting_together_are_synced_together() {
    let mut bench = bench(FsyncPolicy::Always, EMPTY);
    for value in 0..10 {
        bench.set(&value.to_string());
    }
    assert_eq!(bench.writer.step(1), Next::Wait { until_ms: None });
    assert!(bench.log.poll().durable);
    assert_eq!((bench.log.syncs(), bench.log.pending_bytes()), (1, 0));
    assert_eq!(bench.text("appendonly.aof.1.incr.aof").matches("# block len=").count(), 10);
}

#[test]
fn time_stamps_go_before_blocks_when_asked_for() {
    let mut bench = bench(FsyncPolicy::No, EMPTY);
    for second in [7, 7, 8] {
        bench.log.set_timestamp(Some(second));
        bench.set("v");
    }
    bench.writer.step(1);
    let text = bench.text("appendonly.aof.1.incr.aof");
    assert!(text.starts_with("#TS:7\\r\\n# block"), "{text}");
    assert_eq!((text.matches("#TS:7").count(), text.matches("#TS:8").count()), (1, 1));
}

#[test]
fn a_rewrite_replaces_the_base_and_removes_what_it_covers() {
    let mut bench = bench(FsyncPolicy::Always, EMPTY);
    bench.set("old");
    bench.log.begin_rewrite(true).unwrap();
    bench.set("new");
    bench.writer.step(1);
    assert_eq!(bench.manifest().len(), 3, "the new increment is in force before the base is");
    bench.write_base("REDIS0009new");
    bench.log.install_base(BaseFormat::Rdb);
    while bench.writer.step(2) == Next::Again {}
    let events = bench.log.poll().events;
    assert!(events.contains(&Event::BaseInstalled { name: b"appendonly.aof.2.base.rdb".to_vec() }), "{events:?}");
    assert!(matches!(events.last(), Some(Event::RewriteDone(_))));
    let expected = ["file appendonly.aof.2.base.rdb seq 2 type b", "file appendonly.aof.2.incr.aof seq 2 type i"];
    assert_eq!(bench.manifest(), expected);
    let mut names: Vec<_> =
        std::fs::read_dir(bench.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let expected =
        ["appendonly.aof.2.base.rdb", "appendonly.aof.2.incr.aof", "appendonly.aof.lock", "appendonly.aof.manifest"];
    assert_eq!(names, expected);
    assert!(!bench.text("appendonly.aof.2.incr.aof").contains("old"));
    assert_eq!(bench.log.base_bytes(), 12);
    let on_disk = std::fs::metadata(bench.path("appendonly.aof.2.incr.aof")).unwrap().len();
    assert_eq!(bench.log.current_bytes(), 12 + on_disk);
}

#[test]
fn history_is_kept_when_asked_and_removed_when_asked_again() {
    let mut bench = bench(FsyncPolicy::Always, EMPTY);
    bench.log.set_removes_history(false);
    for _ in 0..2 {
        bench.log.begin_rewrite(true).unwrap();
        bench.write_base("REDIS0009");
        bench.log.install_base(BaseFormat::Rdb);
        bench.writer.step(1);
        assert!(matches!(bench.log.poll().events.last(), Some(Event::RewriteDone(_))));
    }
    let kinds: String = bench.manifest().iter().map(|line| &line[line.len() - 1..]).collect();
    assert_eq!(kinds, "bhhhhi");
    bench.log.set_removes_history(true);
    while bench.writer.step(2) == Next::Again {}
    assert_eq!(bench.manifest().len(), 2);
}

#[test]
fn a_log_switched_on_later_comes_into_force_with_its_first_base() {
    let mut bench = bench(FsyncPolicy::Always, BeginWith::AwaitBase);
    bench.set("dropped: in memory when the walk begins");
    assert!(bench.log.may_show(u64::MAX) && bench.log.status().needs_new_base());
    bench.log.begin_rewrite(true).unwrap();
    bench.set("kept");
    bench.writer.step(1);
    assert!(!bench.path("appendonly.aof.manifest").exists());
    bench.write_base("");
    bench.log.install_base(BaseFormat::Resp);
    bench.writer.step(1);
    bench.log.poll();
    assert_eq!((bench.log.status(), bench.log.durable_offset()), (&Status::Ok, bench.log.next_offset()));
    let expected = ["file appendonly.aof.1.base.aof seq 1 type b", "file appendonly.aof.1.incr.aof seq 1 type i"];
    assert_eq!(bench.manifest(), expected);
    let text = bench.text("appendonly.aof.1.incr.aof");
    assert!(text.contains("kept") && !text.contains("dropped"));
}

/// The manifest that is read may not stand after a crash, and the one before it needs what this one calls history.
#[test]
fn what_a_manifest_that_was_only_read_calls_history_stays_until_another_is_saved() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("appendonlydir");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("appendonly.aof.1.base.rdb"), "").unwrap();
    std::fs::write(dir.join("appendonly.aof.2.base.rdb"), "").unwrap();
    let manifest = "file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.1.base.rdb seq 1 type h\n";
    std::fs::write(dir.join("appendonly.aof.manifest"), manifest).unwrap();
    let mut bench = bench_at(root, FsyncPolicy::Always, BeginWith::AwaitBase);
    let old = bench.path("appendonly.aof.1.base.rdb");
    for removes in [true, false, true] {
        bench.log.set_removes_history(removes);
        bench.writer.step(1);
        assert!(old.exists());
    }
    bench.log.begin_rewrite(true).unwrap();
    bench.writer.step(1);
    bench.write_base("");
    bench.log.install_base(BaseFormat::Resp);
    for _ in 0..5 {
        bench.writer.step(1);
    }
    assert!(!old.exists() && !bench.path("appendonly.aof.2.base.rdb").exists());
}

#[test]
fn with_the_log_off_a_rewrite_leaves_a_base_alone() {
    let mut bench = bench(FsyncPolicy::Always, BeginWith::AwaitBase);
    bench.log.begin_rewrite(false).unwrap();
    bench.writer.step(1);
    bench.write_base("REDIS0009");
    bench.log.install_base(BaseFormat::Rdb);
    bench.writer.step(1);
    assert!(matches!(bench.log.poll().events.last(), Some(Event::RewriteDone(_))));
    assert_eq!(bench.manifest(), ["file appendonly.aof.1.base.rdb seq 1 type b"]);
    assert_eq!(bench.log.status(), &Status::AwaitsBase);
}

/// The thread as production runs it.
#[test]
fn the_thread_ends_with_everything_durable() {
    let Bench { root, mut log, writer } = bench(FsyncPolicy::EverySecond, EMPTY);
    let start = std::time::Instant::now();
    let thread = std::thread::spawn(move || writer.run(move || start.elapsed().as_millis() as u64));
    for value in 0..1000 {
        log.append_call(0, [b"SET".as_slice(), b"k", value.to_string().as_bytes()].into_iter());
        log.submit();
        log.poll();
    }
    log.shut_down();
    let mut ended = None;
    while ended.is_none() {
        let events = log.wait(Duration::from_secs(10)).events;
        assert!(!thread.is_finished() || !events.is_empty() || log.has_ended());
        ended = events.into_iter().find(|event| matches!(event, Event::Ended(_)));
    }
    thread.join().unwrap();
    assert_eq!((ended, log.durable_offset()), (Some(Event::Ended(Ok(()))), log.next_offset()));
    drop(root);
}
