//! What those see who watch calls: MONITOR, SLOWLOG.

use crate::harness::Db;

/// What a monitor was shown of a client's calls, without times and addresses.
fn shown(db: &mut Db, calls: &[&str]) -> Vec<String> {
    let (watcher, caller) = (db.connect(), db.connect());
    assert_eq!(db.call_on(watcher, &[b"MONITOR"]), b"+OK\r\n");
    for call in calls {
        let words: Vec<&[u8]> = call.split(' ').map(str::as_bytes).collect();
        db.call_on(caller, &words);
    }
    db.dispatcher.tick();
    let lines = String::from_utf8(db.output_of(watcher)).unwrap();
    let strip = |line: &str| {
        let (database, call) = (line.split_once('[')?.1.split_once(' ')?.0, line.split_once("] ")?.1);
        Some(format!("{database} {}", call.replace('"', "")))
    };
    lines.lines().filter_map(strip).collect()
}

/// EXEC was shown before what it ran, and SELECT in the database that it left.
#[test]
fn monitor_showed_calls_before_those_that_they_ran() {
    let calls = ["SELECT 3", "MULTI", "SET a b", "SELECT 4", "EXEC", "GET a"];
    let expected = ["3 SELECT 3", "3 MULTI", "3 SET a b", "4 SELECT 4", "4 EXEC", "4 GET a"];
    assert_eq!(shown(&mut Db::new(), &calls), expected);
}

/// A call that waited was in the slow log as soon as it began to wait, and not when it was answered.
#[test]
fn the_slow_log_had_calls_that_were_not_over() {
    let mut db = Db::with(|config| config.slowlog_log_slower_than_us = 0);
    let waiting = db.connect();
    assert_eq!(db.call_on(waiting, &[b"BLPOP", b"list", b"0"]), b"");
    assert!(!db.run("SLOWLOG GET").contains("BLPOP"));
    db.is("RPUSH list x", ":1\r\n");
    assert!(!db.output_of(waiting).is_empty());
    assert_eq!(db.run("SLOWLOG GET").matches("BLPOP").count(), 1);
}

/// A pause removed keys whose time came when somebody asked for them, though nothing was to change.
#[test]
fn a_pause_removed_expired_keys() {
    let mut db = Db::new();
    db.is("SET k v PX 5", "+OK\r\n");
    db.is("HSET h f v", ":1\r\n");
    db.is("HPEXPIRE h 5 FIELDS 1 f", "*1\r\n:1\r\n");
    db.is("CLIENT PAUSE 1000 WRITE", "+OK\r\n");
    db.advance_ms(10);
    db.is("GET k", "$-1\r\n");
    db.is("HGET h f", "$-1\r\n");
    db.is("SCAN 0 MATCH k", "*2\r\n$1\r\n0\r\n*0\r\n");
    db.is("DBSIZE", ":2\r\n");
    db.is("CLIENT UNPAUSE", "+OK\r\n");
    db.advance_ms(1);
    db.is("DBSIZE", ":0\r\n");
}

#[test]
fn who_waits_for_the_end_of_a_pause_is_counted() {
    let mut db = Db::new();
    let paused = db.connect();
    db.is("CLIENT PAUSE 1000 WRITE", "+OK\r\n");
    assert_eq!(db.call_on(paused, &[b"SET", b"k", b"v"]), b"");
    assert!(db.dispatcher.server.clients.get(paused).is_parked);
    assert!(db.run("INFO clients").contains("blocked_clients:1\r\n"));
}
