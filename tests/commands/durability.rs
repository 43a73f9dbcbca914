//! `appendfsync always`: what shows a write that is not durable yet does not leave. The log's writer stands still here, so nothing ever is.

use crate::harness::Db;
use ferrodis::dispatch::Partial;
use ferrodis::dispatch::storage::{Garbage, Threads};
use ferrodis::persistence::aof::log::Log;
use ferrodis::persistence::aof::writer::{Next, Writer};
use ferrodis::persistence::snapshot::SnapshotWriter;
use ferrodis::server::clients::ClientIndex;
use ferrodis::server::config::AppendFsync;
use std::sync::{Arc, Mutex};

/// Writers that are there and do nothing.
#[derive(Clone, Default)]
struct Standstill {
    writers: Arc<Mutex<(Vec<Writer>, Vec<SnapshotWriter>)>>,
}

impl Standstill {
    /// The log's writer does what is waiting after all.
    fn step_log(&self) {
        self.writers.lock().unwrap().0.iter_mut().for_each(|writer| while writer.step(0) == Next::Again {});
    }
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

    fn await_log(&self, log: &mut Log) {
        self.step_log();
        log.poll();
    }
}

fn with_log(directory: &tempfile::TempDir) -> Db {
    with_log_on(directory, Standstill::default())
}

fn with_log_on(directory: &tempfile::TempDir, writers: Standstill) -> Db {
    let mut db = Db::on(Box::new(writers), |config| {
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
fn calls_that_show_no_data_waited_for_the_disk() {
    let directory = tempfile::tempdir().unwrap();
    let mut db = with_log(&directory);
    db.run("SET k v");
    for line in ["MULTI", "UNWATCH", "SUBSCRIBE news", "PUBLISH news hi", "TIME", "COMMAND COUNT", "WAITAOF 1 0 1"] {
        let reader = db.connect();
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        db.call_on(reader, &words);
        assert!(!db.is_held(reader), "{line}");
    }
    for (call, is_held) in [(["GET", "other"].as_slice(), false), (&["GET", "k"], true), (&["DBSIZE"], true)] {
        let reader = db.connect();
        for words in [&["MULTI"], call, &["EXEC"]] {
            db.call_on(reader, &words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>());
        }
        assert_eq!(db.is_held(reader), is_held, "{call:?} in a transaction");
    }
}

#[test]
fn who_turned_the_log_off_waits_for_its_end_unless_it_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let writers = Standstill::default();
    let mut db = with_log_on(&directory, writers.clone());
    let [first, second] = [(); 2].map(|()| db.connect());
    let turn = |db: &mut Db, client, value: &[u8]| {
        assert_eq!(db.call_on(client, &[b"CONFIG", b"SET", b"appendonly", value]), b"+OK\r\n");
    };
    turn(&mut db, first, b"no");
    assert!(db.is_held(first));
    turn(&mut db, second, b"yes");
    db.advance_ms(1);
    assert!(!db.is_held(first), "it goes on");
    turn(&mut db, first, b"no");
    db.advance_ms(1);
    assert!(db.is_held(first), "all is durable, but the files are not given up yet");
    turn(&mut db, second, b"yes");
    db.advance_ms(1);
    assert!(db.run("INFO persistence").contains("aof_rewrite_scheduled:1"));
    (0..3).for_each(|_| {
        writers.step_log();
        db.advance_ms(1);
    });
    assert!(!db.is_held(first));
    assert!(db.run("INFO persistence").contains("aof_rewrite_in_progress:1"));
}

/// No word of the call names the keys that BY and GET read: the elements do.
#[test]
fn sort_showed_keys_of_its_patterns_that_were_not_durable() {
    let directory = tempfile::tempdir().unwrap();
    let writers = Standstill::default();
    let mut db = with_log_on(&directory, writers.clone());
    db.run("RPUSH l 1 2");
    (0..3).for_each(|_| {
        db.advance_ms(1);
        writers.step_log();
    });
    db.run("SET weight_1 7");
    for (line, is_held) in [
        ("SORT l", false),
        ("SORT_RO l BY nosort", false),
        ("SORT l BY weight_*", true),
        ("SORT_RO l BY nosort GET weight_*", true),
    ] {
        let reader = db.connect();
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        db.call_on(reader, &words);
        assert_eq!(db.is_held(reader), is_held, "{line}");
    }
}

#[test]
fn messages_behind_their_senders_writes_were_heard_before_those_were_durable() {
    for publish in ["PUBLISH", "SPUBLISH"] {
        let directory = tempfile::tempdir().unwrap();
        let mut db = with_log(&directory);
        let listener = db.connect();
        db.call_on(listener, &[if publish == "PUBLISH" { b"SUBSCRIBE" } else { b"SSUBSCRIBE" }, b"news"]);
        let stranger = db.connect();
        db.run("SET k v");
        db.call_on(stranger, &[publish.as_bytes(), b"news", b"hi"]);
        assert!(!db.is_held(listener), "its sender knows nothing of k");
        db.call(&[publish.as_bytes(), b"news", b"k is set"]);
        assert!(db.is_held(listener), "{publish}");
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

#[test]
fn reads_behind_a_change_to_always_showed_writes_that_were_not_durable() {
    let directory = tempfile::tempdir().unwrap();
    let mut db = with_log(&directory);
    db.is("CONFIG SET appendfsync everysec", "+OK\r\n");
    db.advance_ms(0);
    db.run("SET k v");
    db.is("CONFIG SET appendfsync always", "+OK\r\n");
    db.advance_ms(0);
    let reader = db.connect();
    db.call_on(reader, &[b"GET", b"k"]);
    assert!(db.is_held(reader), "it was written under everysec, and is in no file yet");
}

/// WAITAOF's answers when the log is not durable here, and when it is.
const NOT_YET: &str = "*2\r\n:0\r\n:0\r\n";
const DURABLE: &str = "*2\r\n:1\r\n:0\r\n";

fn waitaof(db: &mut Db, words: &str) -> (ClientIndex, String) {
    let client = db.connect();
    let line = |line: &str| line.split(' ').map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>();
    let mut reply = Vec::new();
    for words in ["SET k v".to_string(), format!("WAITAOF {words}")] {
        let words = line(&words);
        reply = db.call_on(client, &words.iter().map(Vec::as_slice).collect::<Vec<_>>());
    }
    (client, String::from_utf8(reply).unwrap())
}

#[test]
fn waitaof_waits_for_the_clients_own_writes_until_its_time_is_up() {
    let directory = tempfile::tempdir().unwrap();
    let mut db = with_log(&directory);
    for words in ["1 0 0", "0 0 0", "1 0 10"] {
        db.is(&format!("WAITAOF {words}"), DURABLE); // it has written nothing
    }
    assert_eq!(waitaof(&mut db, "0 0 0").1, NOT_YET);
    let (client, reply) = waitaof(&mut db, "1 0 20");
    assert_eq!(reply, "");
    db.advance_ms(19);
    assert_eq!(db.output_of(client), b"");
    db.advance_ms(1);
    assert_eq!(db.output_of(client), NOT_YET.as_bytes());
}

#[test]
fn waitaof_ends_when_the_log_is_durable_or_is_turned_off_or_by_client_unblock() {
    let directory = tempfile::tempdir().unwrap();
    let writers = Standstill::default();
    let mut db = with_log_on(&directory, writers.clone());
    let (client, _) = waitaof(&mut db, "1 0 0");
    let (of_replicas, _) = waitaof(&mut db, "0 1 50");
    db.advance_ms(2);
    writers.step_log();
    db.advance_ms(0);
    assert_eq!(db.output_of(client), DURABLE.as_bytes());
    assert_eq!(db.output_of(of_replicas), b"", "there are none");
    db.advance_ms(50);
    writers.step_log();
    db.advance_ms(0);
    assert_eq!(db.output_of(of_replicas), DURABLE.as_bytes());
    for (how, answer) in [("ERROR", "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"), ("TIMEOUT", NOT_YET)] {
        let (client, _) = waitaof(&mut db, "1 0 0");
        let id = db.dispatcher.server.clients.get(client).id;
        db.is(&format!("CLIENT UNBLOCK {id} {how}"), ":1\r\n");
        assert_eq!(String::from_utf8(db.output_of(client)).unwrap(), answer);
    }
    let (client, _) = waitaof(&mut db, "1 0 0");
    db.is("CONFIG SET appendonly no", "+OK\r\n");
    db.advance_ms(0);
    let answer = String::from_utf8(db.output_of(client)).unwrap();
    assert_eq!(answer, format!("-{}\r\n", NO_LOG));
}

const NO_LOG: &str = "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";

#[test]
fn waitaof_in_a_transaction_does_not_wait_and_its_words_are_checked_as_in_redis() {
    let directory = tempfile::tempdir().unwrap();
    let mut db = with_log(&directory);
    for line in ["MULTI", "SET k v", "WAITAOF 1 0 0", "WAITAOF 0 1 0"] {
        db.run(line);
    }
    db.is("EXEC", &format!("*3\r\n+OK\r\n{NOT_YET}{NOT_YET}"));
    for (words, error) in [
        ("2 x -1", "ERR value is out of range, value must between 0 and 1"),
        ("-1 0 0", "ERR value is out of range, value must between 0 and 1"),
        ("x x x", "ERR value is not an integer or out of range"),
        ("1 x x", "ERR value is out of range, must be positive"),
        ("1 -1 0", "ERR value is out of range, must be positive"),
        ("1 0 -1", "ERR timeout is negative"),
        ("1 0 1.5", "ERR timeout is not an integer or out of range"),
        ("1 0 9223372036854775807", "ERR timeout is out of range"),
        ("1 0", "ERR wrong number of arguments for 'waitaof' command"),
    ] {
        db.fails(&format!("WAITAOF {words}"), error);
    }
    let mut without = Db::new();
    without.fails("WAITAOF 1 0 0", NO_LOG);
    without.is("WAITAOF 0 1 0", "");
    Db::new().is("WAITAOF 0 0 0", NOT_YET);
}

/// Clients may end a line with any two bytes, as in Redis; what was logged then was what they had sent, and the next start refused it.
#[test]
fn a_call_whose_lines_ended_oddly_left_a_log_that_could_not_be_read() {
    let calls: [&[u8]; 5] = [
        b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$5\r\nhelloxy",
        b"*3\rx$3\r\nSET\r\n$1\r\nb\r\n$5\r\nhello\r\n",
        b"*3\r\n$3\rxSET\r\n$1\r\nc\r\n$5\r\nhello\r\n",
        b"*3\r\n$3\r\nSET\r\n$1\r\nd\r\n$5\r\nhello\r\n",
        b"*1\rx$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$1\r\ne\r\n$5\rxhello\r\n*1\r\n$4\r\nEXEC\r\n",
    ];
    let directory = tempfile::tempdir().unwrap();
    let writers = Standstill::default();
    let mut db = with_log_on(&directory, writers.clone());
    let client = db.connect();
    for input in calls {
        db.dispatcher.run(client, input, &mut Partial::default());
    }
    db.dispatcher.tick();
    writers.step_log();
    drop((db, writers)); // the directory is theirs until then
    let mut again = with_log(&directory);
    while again.dispatcher.is_loading() {
        again.dispatcher.step_loading().unwrap();
    }
    again.is("MGET a b c d e", &format!("*5\r\n{}", "$5\r\nhello\r\n".repeat(5)));
}
