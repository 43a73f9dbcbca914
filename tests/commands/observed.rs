//! What those see who watch calls: MONITOR, SLOWLOG.

use crate::harness::Db;
use ferrodis::dispatch::Partial;

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

/// A monitor could read and write, and a client become one within EXEC. Redis refuses both.
#[test]
fn a_monitor_could_touch_keys() {
    let mut db = Db::new();
    db.is("MULTI", "+OK\r\n");
    db.is("MONITOR", "+QUEUED\r\n");
    db.is("EXEC", "*1\r\n-ERR MONITOR isn't allowed for DENY BLOCKING client\r\n");
    db.is("SET a b", "+OK\r\n");
    let refused = b"-ERR Replica can't interact with the keyspace\r\n";
    let watcher = db.connect();
    assert_eq!(db.call_on(watcher, &[b"MULTI"]), b"+OK\r\n");
    assert_eq!(db.call_on(watcher, &[b"GET", b"a"]), b"+QUEUED\r\n");
    assert_eq!(db.call_on(watcher, &[b"DISCARD"]), b"+OK\r\n");
    assert_eq!(db.call_on(watcher, &[b"MONITOR"]), b"+OK\r\n");
    for call in [&[&b"GET"[..], b"a"][..], &[b"SET", b"a", b"c"], &[b"PUBLISH", b"a", b"c"]] {
        assert_eq!(db.call_on(watcher, call), refused);
    }
    assert!(db.call_on(watcher, &[b"PING"]).starts_with(b"+PONG\r\n"));
    assert_eq!(db.call_on(watcher, &[b"RESET"]), b"+RESET\r\n");
    assert_eq!(db.call_on(watcher, &[b"GET", b"a"]), b"$1\r\nb\r\n");
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

/// With a threshold of 0 every call is in the slow log: those that waited in vain were not.
#[test]
fn the_slow_log_missed_calls_that_waited_in_vain() {
    let mut db = Db::with(|config| config.slowlog_log_slower_than_us = 0);
    let (late, sent_away) = (db.connect(), db.connect());
    db.call_on(late, &[b"BLPOP", b"list", b"1"]);
    db.call_on(sent_away, &[b"BRPOP", b"list", b"0"]);
    db.advance_ms(1001);
    db.dispatcher.tick();
    assert_eq!(db.output_of(late), b"*-1\r\n");
    let id = db.dispatcher.server.clients.get(sent_away).id;
    db.is(&format!("CLIENT UNBLOCK {id} ERROR"), ":1\r\n");
    let log = db.run("SLOWLOG GET");
    assert_eq!((log.matches("BLPOP").count(), log.matches("BRPOP").count()), (1, 1), "{log}");
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

/// The entries of a log of COMMANDLOG, newest first: bytes, then the words.
fn large(db: &mut Db, log: &str) -> Vec<String> {
    let text = db.run(&format!("COMMANDLOG GET -1 {log}"));
    let words = |entry: &str| entry.lines().filter(|line| !line.starts_with(['$', '*'])).collect::<Vec<_>>().join(" ");
    text.split("*6\r\n")
        .skip(1)
        .map(|entry| words(entry.split_once("\r\n:").unwrap().1.split_once(':').unwrap().1))
        .collect()
}

#[test]
fn commandlog_tells_of_large_requests_and_replies() {
    let mut db = Db::new();
    db.is("CONFIG SET commandlog-request-larger-than 200 commandlog-reply-larger-than 200", "+OK\r\n");
    let value = "x".repeat(200);
    db.is(&format!("SET k {value}"), "+OK\r\n");
    db.run("GET k");
    db.run("PING");
    let shown = format!("{}... (72 more bytes)", "x".repeat(128));
    // As they came over the wire: Valkey counts the same.
    assert_eq!(large(&mut db, "large-request"), [format!("228 SET k {shown} 127.0.0.1:1000 ")]);
    assert_eq!(large(&mut db, "LARGE-REPLY")[1..], ["208 GET k 127.0.0.1:1000 "]);
    db.is("COMMANDLOG LEN large-request", ":1\r\n");
    db.is("COMMANDLOG RESET large-request", "+OK\r\n");
    db.is("COMMANDLOG LEN large-request", ":0\r\n");
    db.is("CONFIG SET commandlog-request-larger-than -1 commandlog-reply-larger-than -1", "+OK\r\n");
    db.is("COMMANDLOG RESET large-reply", "+OK\r\n");
    db.run(&format!("SET k {value}"));
    db.run("GET k");
    db.is("COMMANDLOG LEN large-request", ":0\r\n");
    db.is("COMMANDLOG LEN large-reply", ":0\r\n");
}

#[test]
fn commandlog_finds_the_large_call_in_a_pipeline_in_a_transaction_and_among_those_that_waited() {
    let mut db = Db::with(|config| config.commandlog_reply_larger_than_bytes = 100);
    let client = db.connect();
    db.run(&format!("SET k {}", "x".repeat(100)));
    let get: &[&[u8]] = &[b"GET", b"k"];
    let pipeline =
        b"PING\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$4\r\nnone\r\nGET k\r\n";
    db.dispatcher.run(client, pipeline, &mut Partial::default());
    db.output_of(client);
    assert_eq!(large(&mut db, "large-reply"), ["108 GET k 127.0.0.1:1001 "; 2]);
    db.run("COMMANDLOG RESET large-reply");
    for call in [&[&b"MULTI"[..]] as &[&[u8]], get, &[b"PING"], &[b"EXEC"]] {
        db.call_on(client, call);
    }
    assert_eq!(large(&mut db, "large-reply"), ["108 GET k 127.0.0.1:1001 "]);
    db.run("COMMANDLOG RESET large-reply");
    db.call_on(client, &[b"BLPOP", b"list", b"0"]);
    db.run(&format!("RPUSH list {}", "y".repeat(80)));
    assert_eq!(large(&mut db, "large-reply"), ["101 BLPOP list 0 127.0.0.1:1001 "]);
}

#[test]
fn commandlog_notes_what_ran_with_its_arguments() {
    let mut db = Db::with(|config| config.commandlog_request_larger_than_bytes = 0);
    db.run("SET k");
    db.run("nothing");
    db.run("MULTI");
    db.run("GET a");
    db.run("DISCARD");
    db.run("INCRBY k x");
    assert_eq!(
        large(&mut db, "large-request").iter().map(|e| e.split(' ').nth(1).unwrap()).collect::<Vec<_>>(),
        ["INCRBY", "DISCARD", "MULTI"]
    );
    db.is("CONFIG SET commandlog-request-larger-than 100 commandlog-large-request-max-len 1", "+OK\r\n");
    db.run("COMMANDLOG RESET large-request");
    let password = "p".repeat(100);
    db.run(&format!("CONFIG SET requirepass {password}"));
    assert!(large(&mut db, "large-request")[0].contains("CONFIG SET requirepass (redacted)"));
}

#[test]
fn commandlog_slow_is_the_slow_log() {
    let mut db = Db::with(|config| config.slowlog_log_slower_than_us = 0);
    db.run("PING");
    db.is("COMMANDLOG LEN slow", ":1\r\n");
    assert_eq!(db.run("COMMANDLOG GET -1 slow").matches("PING").count(), 1);
    db.is("COMMANDLOG RESET slow", "+OK\r\n");
    db.is("SLOWLOG LEN", ":1\r\n");
    let kinds = "ERR type should be one of the following: slow, large-request, large-reply";
    for (call, error) in [
        ("COMMANDLOG GET 1", "ERR wrong number of arguments for 'commandlog|get' command"),
        ("COMMANDLOG GET 1 slo", kinds),
        ("COMMANDLOG LEN x", kinds),
        ("COMMANDLOG RESET x", kinds),
        ("COMMANDLOG GET -2 x", "ERR count should be greater than or equal to -1"),
        ("COMMANDLOG GET x slow", "ERR count should be greater than or equal to -1"),
        ("COMMANDLOG", "ERR wrong number of arguments for 'commandlog' command"),
    ] {
        db.fails(call, error);
    }
}
