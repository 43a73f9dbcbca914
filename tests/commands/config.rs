//! CONFIG, SLOWLOG, LATENCY, TIME, LOLWUT.

use crate::harness::Db;
use ferrodis::server::config::{Config, Directive};
use ferrodis::server::gates;
use ferrodis::server::surroundings::{Refusal, Surroundings};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

#[test]
fn get_takes_names_and_patterns() {
    let mut db = Db::new();
    db.is("CONFIG GET maxmemory-samples", "*2\r\n$17\r\nmaxmemory-samples\r\n$1\r\n5\r\n");
    db.is("CONFIG GET nothing", "*0\r\n");
    assert!(db.run("CONFIG GET *").contains("\r\nslaveof\r\n"));
    db.run("HELLO 3");
    db.is("CONFIG GET port port", "%1\r\n$4\r\nport\r\n$4\r\n6379\r\n");
}

#[test]
fn set_is_all_or_none() {
    let mut db = Db::new();
    db.is("CONFIG SET maxmemory 1mb slowlog-max-len 3", "+OK\r\n");
    db.is("CONFIG GET maxmemory", "*2\r\n$9\r\nmaxmemory\r\n$7\r\n1048576\r\n");
    db.fails(
        "CONFIG SET maxmemory 2mb slowlog-max-len x",
        "ERR CONFIG SET failed (possibly related to argument 'slowlog-max-len') - argument couldn't be parsed into an integer",
    );
    db.is("CONFIG GET maxmemory", "*2\r\n$9\r\nmaxmemory\r\n$7\r\n1048576\r\n");
    db.fails("CONFIG SET nothing 1", "ERR Unknown option or number of arguments for CONFIG SET - 'nothing'");
    db.fails("CONFIG SET maxmemory 1 port", "ERR syntax error");
    db.fails("CONFIG SET maxmemory", "ERR wrong number of arguments for 'config|set' command");
    db.fails(
        "CONFIG SET daemonize yes",
        "ERR CONFIG SET failed (possibly related to argument 'daemonize') - can't set immutable config",
    );
    db.fails(
        "CONFIG SET dir /tmp",
        "ERR CONFIG SET failed (possibly related to argument 'dir') - can't set protected config",
    );
    assert_eq!(db.dispatcher.server.config_changes, ["maxmemory", "slowlog-max-len"]);
    db.dispatcher.server.raised |= gates::LOADING;
    db.fails("CONFIG SET repl-diskless-load swapdb", "LOADING Redis is loading the dataset in memory");
}

#[test]
fn what_concerns_the_server_itself_holds_at_once() {
    let mut db = Db::new();
    db.is("CONFIG SET maxmemory 1 maxmemory-policy noeviction", "+OK\r\n");
    db.fails("SET k v", "OOM command not allowed when used memory > 'maxmemory'.");
    db.is("CONFIG SET maxmemory 0", "+OK\r\n");
    db.is("SET k v", "+OK\r\n");
    db.dispatcher.server.machine_memory_bytes = 1 << 30;
    db.is("CONFIG SET maxmemory 50%", "+OK\r\n");
    assert_eq!(db.dispatcher.server.memory_limit_bytes, 1 << 29);
}

#[test]
fn resetstat_counts_from_zero() {
    let mut db = Db::new();
    db.run("GET k");
    db.run("NOTHING");
    db.is("CONFIG RESETSTAT", "+OK\r\n");
    let server = &db.dispatcher.server;
    assert_eq!((server.counters.error_replies, server.keyspace.counts().misses), (0, 0));
    let histograms = db.run("LATENCY HISTOGRAM");
    assert!(histograms.starts_with("*2\r\n$16\r\nconfig|resetstat\r\n*4\r\n$5\r\ncalls\r\n:1\r\n"), "{histograms}");
}

/// What users were denied went to zero, as nowhere else; the rewrites and snapshots that there were did not.
#[test]
fn resetstat_forgot_denials_and_kept_files() {
    let mut db = Db::new();
    db.run("AUTH nobody wrong");
    db.dispatcher.server.persistence.snapshots.done = 2;
    db.dispatcher.server.persistence.log.rewrites = 3;
    db.run("CONFIG RESETSTAT");
    let info = db.run("INFO everything");
    for line in ["acl_access_denied_auth:1", "rdb_saves:0", "aof_rewrites:0"] {
        assert!(info.contains(&format!("\n{line}\r\n")), "{line}");
    }
}

/// Files in memory, and a port that is taken.
#[derive(Clone, Default)]
struct Fake(Arc<Mutex<HashMap<PathBuf, Vec<u8>>>>);

impl Surroundings for Fake {
    fn try_config(&mut self, _: &Config, new: &mut Config, changed: &[&'static Directive]) -> Result<(), Refusal> {
        if changed.iter().any(|row| row.name == "port") && new.port == 7777 {
            return Err(Refusal { name: "port", reason: "Unable to listen on this port".into() });
        }
        Ok(())
    }

    fn read_file(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.lock().unwrap().get(path).cloned().ok_or(io::ErrorKind::NotFound.into())
    }

    fn replace_file(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        if path.starts_with("/full") {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.lock().unwrap().insert(path.into(), content.into());
        Ok(())
    }
}

#[test]
fn what_the_process_refuses_is_not_taken_over() {
    let mut db = Db::new();
    db.dispatcher.server.surroundings = Box::new(Fake::default());
    db.fails(
        "CONFIG SET maxmemory 5mb port 7777",
        "ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port",
    );
    db.is("CONFIG GET maxmemory", "*2\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n");
    assert!(db.dispatcher.server.config_changes.is_empty());
    db.is("CONFIG SET port 7778", "+OK\r\n");
    assert_eq!(db.dispatcher.server.config_changes, ["port"]);
}

#[test]
fn rewrite_keeps_the_files_words() {
    let mut db = Db::new();
    let files = Fake::default();
    db.dispatcher.server.surroundings = Box::new(files.clone());
    db.fails("CONFIG REWRITE", "ERR The server is running without a config file");
    let path = PathBuf::from("/etc/a.conf");
    db.dispatcher.server.config_path = Some(path.clone());
    files.replace_file(&path, b"# mine\nmaxmemory 1mb\n").unwrap();
    db.is("CONFIG SET maxmemory 2mb", "+OK\r\n");
    db.is("CONFIG REWRITE", "+OK\r\n");
    let written = String::from_utf8(files.read_file(&path).unwrap()).unwrap();
    assert!(written.starts_with("# mine\nmaxmemory 2mb\n"), "{written}");
    db.dispatcher.server.config_path = Some("/full/a.conf".into());
    assert!(db.run("CONFIG REWRITE").starts_with("-ERR Rewriting config file: "));
}

#[test]
fn slowlog_keeps_calls_without_secrets() {
    let mut db = Db::new();
    db.is("SLOWLOG LEN", ":0\r\n");
    db.is("CONFIG SET slowlog-log-slower-than 0", "+OK\r\n");
    db.is("SLOWLOG RESET", "+OK\r\n");
    db.run("CLIENT SETNAME me");
    db.run("CONFIG SET requirepass secret timeout 0");
    let text = db.run("SLOWLOG GET 1");
    assert!(
        text.contains("$10\r\n(redacted)\r\n$7\r\ntimeout\r\n$1\r\n0\r\n$14\r\n127.0.0.1:1000\r\n$2\r\nme\r\n"),
        "{text}"
    );
    db.is("SLOWLOG GET 0", "*0\r\n");
    assert!(db.run("SLOWLOG GET -1").starts_with("*5\r\n*6\r\n"));
    db.fails("SLOWLOG GET -2", "ERR count should be greater than or equal to -1");
    db.fails("SLOWLOG GET x", "ERR count should be greater than or equal to -1");
    db.is("CONFIG SET slowlog-log-slower-than -1 slowlog-max-len 2", "+OK\r\n");
    db.is("SLOWLOG LEN", ":2\r\n");
}

#[test]
fn latency_tells_of_spikes() {
    let mut db = Db::new();
    for (command, reply) in [
        ("LATENCY LATEST", "*0\r\n"),
        ("LATENCY HISTORY command", "*0\r\n"),
        ("LATENCY RESET", ":0\r\n"),
        ("LATENCY HISTOGRAM nothing", "*0\r\n"),
        ("LATENCY GRAPH command", "-ERR No samples available for event 'command'\r\n"),
    ] {
        db.is(command, reply);
    }
    assert!(db.run("LATENCY DOCTOR").contains("latency-monitor-threshold"));
    db.is("CONFIG SET latency-monitor-threshold 10", "+OK\r\n");
    db.dispatcher.server.note_latency("command", 9);
    db.dispatcher.server.note_latency("command", 12);
    db.is("LATENCY LATEST", "*1\r\n*4\r\n$7\r\ncommand\r\n:1700000000\r\n:12\r\n:12\r\n");
    db.is("LATENCY HISTORY command", "*1\r\n*2\r\n:1700000000\r\n:12\r\n");
    assert!(db.run("LATENCY GRAPH command").contains("command - high 12 ms, low 12 ms"));
    db.is("LATENCY RESET nothing command", ":1\r\n");
}

#[test]
fn latency_histogram_of_a_container_is_that_of_its_subcommands() {
    let mut db = Db::new();
    db.run("CLIENT ID");
    db.run("CLIENT LIST");
    let text = db.run("LATENCY HISTOGRAM client");
    assert!(text.starts_with("*4\r\n") && text.contains("client|id") && text.contains("client|list"), "{text}");
    assert!(db.run("LATENCY HISTOGRAM client|id").starts_with("*2\r\n$9\r\nclient|id\r\n"));
}

#[test]
fn time_is_the_clocks() {
    let mut db = Db::new();
    db.clock.advance_ms(1_234);
    db.is("TIME", "*2\r\n$10\r\n1700000001\r\n$6\r\n234000\r\n");
}

#[test]
fn lolwut_ends_with_the_version() {
    let mut db = Db::new();
    assert!(db.run("LOLWUT").contains("Redis ver. 8.0.6\n"));
    assert!(db.run("LOLWUT VERSION 5 1 2").contains("Redis ver. "));
    db.fails("LOLWUT VERSION x", "ERR value is not an integer or out of range");
}

#[test]
fn hz_was_shown_and_the_cron_ran_ten_times_a_second_whatever_it_said() {
    let mut db = Db::new();
    for (hz, times) in [("10", 10), ("100", 100), ("1", 1), ("500", 500), ("20", 20)] {
        db.is(&format!("CONFIG SET hz {hz}"), "+OK\r\n");
        db.advance_ms(1000);
        let crons = |db: &Db| db.dispatcher.server.event_loop.cron().count;
        let before = crons(&db);
        (0..1000).for_each(|_| db.advance_ms(1));
        assert_eq!(crons(&db) - before, times, "hz {hz}");
    }
}
