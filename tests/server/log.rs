//! The log: what was acknowledged is there after a crash, and after all that happens to the log meanwhile.

mod damage;

use crate::support::{Client, Reply, Server, encode, wait_until};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const ALWAYS: [&str; 6] = ["--appendonly", "yes", "--appendfsync", "always", "--enable-debug-command", "yes"];

/// Writes `prefix:n` for n = 1, 2, ... until the connection ends; `acknowledged` follows. Calls go in twos and threes.
fn write_until_the_end(mut client: Client, prefix: &str, acknowledged: &AtomicU64) {
    let mut next = 1;
    loop {
        let depth = next % 3 + 1;
        let calls = (next..next + depth).map(|n| encode(&["SET", &format!("{prefix}:{n}"), &n.to_string()]));
        if client.try_send_raw(&calls.collect::<Vec<_>>().concat()).is_err() {
            return;
        }
        for n in next..next + depth {
            match client.try_read_reply() {
                Ok(reply) => assert_eq!(reply, "OK"),
                Err(_) => return,
            }
            acknowledged.store(n, Ordering::SeqCst);
        }
        next += depth;
    }
}

fn assert_written(client: &mut Client, prefix: &str, up_to: u64) {
    let names: Vec<String> = (1..=up_to).map(|n| format!("{prefix}:{n}")).collect();
    let mut missing = Vec::new();
    for (names, first) in names.chunks(500).zip((1..).step_by(500)) {
        let call: Vec<&str> = ["MGET"].into_iter().chain(names.iter().map(String::as_str)).collect();
        for (value, n) in client.call(&call).items().iter().zip(first..) {
            if *value != u64::to_string(&n) {
                missing.push(n);
            }
        }
    }
    if let (Some(first), Some(last)) = (missing.first(), missing.last()) {
        panic!("of {up_to} acknowledged writes of {prefix}, {} are not there, from {first} to {last}", missing.len());
    }
}

/// Whether no rewrite is under way or to come, at one moment.
fn rewrites_are_over(client: &mut Client) -> bool {
    let info = client.run("INFO persistence").text();
    info.contains("aof_rewrite_in_progress:0") && info.contains("aof_rewrite_scheduled:0")
}

/// The last increment of the log.
fn increment(server: &Server) -> PathBuf {
    let files = std::fs::read_dir(server.directory().join("appendonlydir")).unwrap();
    let mut increments: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    increments.retain(|path| path.extension().is_some_and(|e| e == "aof"));
    increments.into_iter().max_by_key(|path| std::fs::metadata(path).unwrap().len()).expect("an increment")
}

#[test]
fn what_was_acknowledged_under_always_survives_a_kill() {
    let mut server = Server::start(&ALWAYS);
    let acknowledged: [AtomicU64; 4] = Default::default();
    std::thread::scope(|scope| {
        for (i, acknowledged) in acknowledged.iter().enumerate() {
            let client = server.client();
            scope.spawn(move || write_until_the_end(client, &i.to_string(), acknowledged));
        }
        wait_until("some writes", || acknowledged.iter().all(|n| n.load(Ordering::SeqCst) > 100));
        server.kill();
    });
    server.restart();
    for (i, acknowledged) in acknowledged.iter().enumerate() {
        assert_written(&mut server.client(), &i.to_string(), acknowledged.load(Ordering::SeqCst));
    }
}

#[test]
fn under_everysec_what_is_two_seconds_old_survives_a_kill() {
    let mut server = Server::start(&["--appendonly", "yes", "--appendfsync", "everysec"]);
    let acknowledged = AtomicU64::new(0);
    let mut old = 0;
    std::thread::scope(|scope| {
        let client = server.client();
        scope.spawn(|| write_until_the_end(client, "k", &acknowledged));
        wait_until("some writes", || acknowledged.load(Ordering::SeqCst) > 100);
        old = acknowledged.load(Ordering::SeqCst);
        let noted = Instant::now();
        wait_until("two seconds", || noted.elapsed() > Duration::from_secs(2));
        server.kill();
    });
    server.restart();
    assert_written(&mut server.client(), "k", old.min(5000));
    assert_eq!(server.client().run(&format!("GET k:{old}")), old.to_string());
}

#[test]
fn without_syncs_an_orderly_end_keeps_everything() {
    let mut server = Server::start(&["--appendonly", "yes", "--appendfsync", "no"]);
    let mut client = server.client();
    for n in 1..=300 {
        client.run(&format!("SET k:{n} {n}"));
    }
    server.restart();
    assert_written(&mut server.client(), "k", 300);
}

#[test]
fn policies_and_the_log_itself_change_at_run_time() {
    let mut server = Server::start(&["--appendonly", "no", "--enable-debug-command", "yes"]);
    let mut client = server.client();
    client.run("SET before 1");
    for round in 0..3 {
        assert_eq!(client.run("CONFIG SET appendonly yes appendfsync always"), "OK");
        wait_until("the first base", || rewrites_are_over(&mut client));
        for n in 0..50 {
            assert_eq!(client.run(&format!("SET round:{round}:{n} 1")), "OK");
        }
        assert_eq!(client.run("CONFIG SET appendfsync everysec"), "OK");
        client.run(&format!("SET every:{round} 1"));
        assert_eq!(client.run("CONFIG SET appendfsync always"), "OK");
        client.run("INCR rounds");
        if round < 2 {
            assert_eq!(client.run("CONFIG SET appendonly no"), "OK");
            client.run(&format!("SET off:{round} 1"));
        }
    }
    let digest = client.run("DEBUG DIGEST");
    server.kill();
    server.restart_with(&ALWAYS);
    assert_eq!(server.client().run("DEBUG DIGEST"), digest);
    assert_eq!(server.client().run("GET rounds"), "3");
}

/// Its new base was to be written in the new directory, where there is no log.
#[test]
fn a_rewrite_after_the_directory_had_changed_failed() {
    let server = Server::start(&["--appendonly", "yes", "--enable-protected-configs", "yes"]);
    let mut client = server.client();
    let elsewhere = tempfile::tempdir().unwrap();
    assert_eq!(client.run(&format!("CONFIG SET dir {}", elsewhere.path().display())), "OK");
    client.run("BGREWRITEAOF");
    wait_until("the rewrite", || rewrites_are_over(&mut client));
    assert_eq!(client.info("aof_last_bgrewrite_status"), "ok");
    assert!(server.directory().join("appendonlydir/appendonly.aof.2.base.rdb").exists());
}

/// What Redis before 7.0 had left there was taken for the last log, hence removed when a new base was in force.
#[test]
fn a_log_turned_on_removed_the_single_file_of_an_older_redis() {
    for words in ["CONFIG SET appendonly yes", "BGREWRITEAOF"] {
        let server = Server::start(&["--appendonly", "no"]);
        let single = server.directory().join("appendonly.aof");
        std::fs::write(&single, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n").unwrap();
        let mut client = server.client();
        client.run(words);
        wait_until("the first base", || client.info("aof_rewrites") == "1");
        assert!(single.exists(), "{words}");
    }
}

/// It took over the last increment: what the first one acknowledged from then on was in a file that had no name. A log of another name is
/// none of its business.
#[test]
fn a_second_server_in_the_directory_took_the_log_away() {
    let mut server = Server::start(&ALWAYS);
    server.client().run("SET k 1");
    let directory = server.directory().display().to_string();
    let arguments = ["--dir", &directory, "--appendonly", "yes"];
    let why = Server::try_start(&arguments).err().expect("the first one is still there");
    assert!(why.contains("another server uses it"), "{why}");
    let second = Server::start(&["--dir", &directory]);
    let refused =
        "ERR CONFIG SET failed (possibly related to argument 'appendonly') - Unable to turn on AOF. Check server logs.";
    assert_eq!(second.client().run("CONFIG SET maxmemory 5mb appendonly yes"), Reply::Error(refused.into()));
    assert_eq!(second.client().run("CONFIG GET maxmemory"), ["maxmemory", "0"]);
    let third = Server::start(&["--dir", &directory, "--appendonly", "yes", "--appendfilename", "third.aof"]);
    assert_eq!(third.client().run("SET of:third 1"), "OK");
    server.client().run("SET k 2");
    server.kill();
    server.restart();
    assert_eq!(server.client().run("GET k"), "2");
    assert_eq!(server.client().run("GET of:third"), Reply::NilBulk);
}

/// It had begun a moment ago, and its first base was still to be written.
#[test]
fn loadaof_of_a_log_that_lacks_the_data_emptied_the_server() {
    let server = Server::start(&["--enable-debug-command", "yes", "--rdb-key-save-delay", "100000"]);
    let mut client = server.client();
    (0..100).for_each(|key| drop(client.run(&format!("SET {key} v"))));
    client.run("CONFIG SET appendonly yes");
    wait_until("the walk", || client.info("aof_rewrite_in_progress") == "1");
    assert_eq!(client.run("DEBUG LOADAOF").text(), "ERR Error trying to load the AOF files, check server logs.");
    assert_eq!(client.run("DBSIZE"), 100);
}

#[test]
fn the_log_ended_with_half_a_transaction() {
    let mut server = Server::start(&["--appendonly", "yes", "--enable-debug-command", "yes"]);
    for debug in ["DEBUG LOADAOF", "DEBUG RESTART", "DEBUG CRASH-AND-RECOVER"] {
        let mut client = server.client();
        client.send_raw(format!("MULTI\r\nSET first 1\r\n{debug}\r\nSET last 1\r\nEXEC\r\n").as_bytes());
        (0..4).for_each(|_| drop(client.read_reply()));
        let answers = format!("{:?}", client.read_reply());
        assert!(answers.contains("ERR Command not allowed inside a transaction"), "{debug}: {answers}");
    }
    server.restart();
    assert_eq!(server.client().run("MGET first last"), ["1", "1"]);
}

#[test]
fn a_log_turned_off_and_on_amid_rewrites_and_writers_ends_up_whole() {
    let mut server = Server::start(&ALWAYS);
    let acknowledged: [AtomicU64; 2] = Default::default();
    std::thread::scope(|scope| {
        for (i, acknowledged) in acknowledged.iter().enumerate() {
            let client = server.client();
            scope.spawn(move || write_until_the_end(client, &i.to_string(), acknowledged));
        }
        let mut client = server.client();
        let lines =
            ["BGREWRITEAOF", "CONFIG SET appendonly no", "BGREWRITEAOF", "CONFIG SET appendonly yes", "SAVE"].repeat(2);
        let answers: Vec<Reply> = lines.iter().map(|line| client.run(line)).collect();
        wait_until("the log", || rewrites_are_over(&mut client));
        let so_far = acknowledged[0].load(Ordering::SeqCst);
        wait_until("more writes", || acknowledged[0].load(Ordering::SeqCst) > so_far + 50);
        server.kill();
        for (line, answer) in lines.iter().zip(answers).filter(|(line, _)| line.starts_with("CONFIG")) {
            assert_eq!(answer, "OK", "{line}");
        }
    });
    server.restart();
    for (i, acknowledged) in acknowledged.iter().enumerate() {
        assert_written(&mut server.client(), &i.to_string(), acknowledged.load(Ordering::SeqCst));
    }
}

/// A key whose deadline was put off while it lived was lost at a start after its first deadline: the replay took it for gone when it
/// came to the second. So were lists that went on growing, and counters that went on counting.
#[test]
fn a_deadline_that_was_put_off_cost_the_key() {
    let mut server = Server::start(&ALWAYS);
    server.client().run("SET a 1");
    server.kill();
    let path = increment(&server);
    let mut bytes = std::fs::read(&path).unwrap();
    for call in [
        &["SET", "key", "v"][..],
        &["PEXPIREAT", "key", "1000"],
        &["PEXPIREAT", "key", "99999999999999"],
        &["RPUSH", "list", "a"],
        &["PEXPIREAT", "list", "1000"],
        &["RPUSH", "list", "b"],
        &["PERSIST", "list"],
        &["SET", "counter", "5", "PXAT", "1000"],
        &["INCR", "counter"],
        &["SET", "kept", "5", "PXAT", "1000"],
        &["SET", "kept", "6", "KEEPTTL"],
        &["RENAME", "counter", "renamed"],
        &["PEXPIREAT", "renamed", "99999999999999"],
    ] {
        bytes.extend_from_slice(&encode(call));
    }
    std::fs::write(&path, bytes).unwrap();
    server.restart();
    let mut client = server.client();
    assert_eq!(client.run("MGET key renamed"), ["v", "6"]);
    assert_eq!(client.run("LRANGE list 0 -1"), ["a", "b"]);
    assert_eq!(client.run("PEXPIRETIME key"), 99_999_999_999_999);
    assert_eq!(client.run("EXISTS kept counter"), 0);
}

#[test]
fn transactions_of_another_server_are_replayed_whole() {
    let mut server = Server::start(&ALWAYS);
    server.client().run("SET a 1");
    server.kill();
    let path = increment(&server);
    let mut bytes = std::fs::read(&path).unwrap();
    for call in [&["MULTI"][..], &["INCR", "a"], &["SELECT", "3"], &["SET", "b", "2"], &["EXEC"], &["SET", "c", "3"]] {
        bytes.extend_from_slice(&encode(call));
    }
    bytes.extend_from_slice(&encode(&["MULTI"]));
    bytes.extend_from_slice(&encode(&["SET", "half", "1"]));
    std::fs::write(&path, bytes).unwrap();
    server.restart();
    let mut client = server.client();
    assert_eq!(client.run("GET a"), "2");
    client.run("SELECT 3");
    assert_eq!(client.run("MGET b c"), ["2", "3"]);
    assert!(client.run("GET half").is_nil());
}

#[test]
fn loadaof_gives_back_the_same_data_and_the_log_goes_on() {
    let mut server = Server::start(&ALWAYS);
    let mut client = server.client();
    for n in 1..=100 {
        client.run(&format!("SET k:{n} {n}"));
    }
    client.run("INCRBYFLOAT k:1 0.5");
    client.run("SET gone 1 PX 1");
    wait_until("its end", || client.run("GET gone").is_nil());
    let digest = client.run("DEBUG DIGEST");
    client.send_raw(b"DEBUG LOADAOF\r\nDBSIZE\r\n");
    assert_eq!(client.read_reply(), "OK");
    assert_eq!(client.read_reply(), 100);
    assert_eq!(client.run("DEBUG DIGEST"), digest);
    client.run("SET after 1");
    server.kill();
    server.restart();
    assert_eq!(server.client().run("GET after"), "1");
    assert_eq!(server.client().run("DBSIZE"), 101);
}

/// PFCOUNT keeps its count in the value and stands in the log for it, though it is no write: loading left such calls out, so that the
/// value that came back was another one than here, and than in a Redis that had loaded the same log.
#[test]
fn the_count_that_pfcount_keeps_was_not_there_after_loading() {
    let server = Server::start(&ALWAYS);
    let mut client = server.client();
    client.run("PFADD h a b c");
    assert_eq!(client.run("PFCOUNT h"), 3);
    let digest = client.run("DEBUG DIGEST").text();
    client.run("DEBUG LOADAOF");
    assert_eq!(client.run("DEBUG DIGEST").text(), digest);
}

#[test]
fn a_snapshot_is_loaded_where_there_is_no_log_yet_and_the_log_begins_with_it() {
    let mut server = Server::start(&["--enable-debug-command", "yes"]);
    let mut client = server.client();
    for n in 1..=100 {
        client.run(&format!("SET k:{n} {n}"));
    }
    assert_eq!(client.run("SAVE"), "OK");
    server.kill();
    server.restart_with(&ALWAYS);
    let mut client = server.client();
    assert_eq!(client.run("DBSIZE"), 100);
    // It once was written after the start: what was acknowledged before it was whole was in no file.
    client.run("SET k:101 101");
    assert_eq!(increments(&server), 1);
    server.kill();
    std::fs::remove_file(server.directory().join("dump.rdb")).unwrap();
    server.restart();
    assert_written(&mut server.client(), "k", 101);
}

#[test]
fn a_log_that_cannot_be_turned_on_was_answered_by_ok() {
    let server = Server::start(&[]);
    let mut client = server.client();
    std::fs::write(server.directory().join("appendonlydir"), "in the way").unwrap();
    let refusal = client.run("CONFIG SET maxmemory 100mb appendonly yes").text();
    let expected =
        "ERR CONFIG SET failed (possibly related to argument 'appendonly') - Unable to turn on AOF. Check server logs.";
    assert_eq!(refusal, expected);
    assert_eq!(client.run("CONFIG GET appendonly"), ["appendonly", "no"]);
    assert_eq!(client.run("CONFIG GET maxmemory"), ["maxmemory", "0"], "all or none");
    wait_until("the log to say where", || server.log().contains("appendonlydir"));
    std::fs::remove_file(server.directory().join("appendonlydir")).unwrap();
    assert_eq!(client.run("CONFIG SET appendonly yes"), "OK");
    assert_eq!(client.run("CONFIG GET appendonly"), ["appendonly", "yes"]);
}

#[test]
fn waitaof_behind_the_call_that_turns_the_log_on_waits_for_its_first_base() {
    let mut server = Server::start(&[]);
    let mut client = server.client();
    client.send_raw(b"SET a 1\r\nCONFIG SET appendonly yes\r\nSET b 1\r\nWAITAOF 1 0 0\r\n");
    for _ in 0..3 {
        assert_eq!(client.read_reply(), "OK");
    }
    assert_eq!(client.read_reply(), [1, 0]);
    server.kill();
    server.restart_with(&["--appendonly", "yes"]);
    assert_eq!(server.client().run("EXISTS a b"), 2);
}

fn increments(server: &Server) -> usize {
    std::fs::read_to_string(server.directory().join("appendonlydir/appendonly.aof.manifest"))
        .map_or(0, |text| text.lines().filter(|line| line.contains("type i")).count())
}

#[test]
fn every_kind_of_write_is_replayed_to_the_same_data() {
    let mut server = Server::start(&ALWAYS);
    let mut client = server.client();
    let big = "b".repeat(100_000);
    for line in [
        "SET a 1 EX 1000",
        "INCR a",
        "APPEND a x",
        "SETRANGE b 5 yz",
        "SETBIT c 100 1",
        "BITFIELD c SET u8 #2 255",
        "MSET d 1 e 2 f 3",
        "RENAME d g",
        "COPY e h",
        "MOVE f 2",
        "GETEX e PX 100000",
        "PERSIST e",
        "EXPIRE h 500",
        "INCRBYFLOAT i 3.25",
        "SET j 1 KEEPTTL",
        "GETDEL j",
        "SETEX k 100 v",
        "BITOP OR l b c",
        "UNLINK g",
        "SWAPDB 4 5",
    ] {
        assert!(!client.run(line).is_error(), "{line}");
    }
    client.run(&format!("SET big {big}"));
    client.run("APPEND big tail");
    let digest = client.run("DEBUG DIGEST");
    server.kill();
    server.restart();
    let mut client = server.client();
    assert_eq!(client.run("DEBUG DIGEST"), digest);
    assert!(matches!(client.run("TTL h"), Reply::Integer(1..=500)));
}

#[test]
fn the_log_tells_the_time_when_it_is_asked_to() {
    let mut server = Server::start(&ALWAYS);
    let mut client = server.client();
    client.run("SET before 1");
    let text = |server: &Server| String::from_utf8_lossy(&std::fs::read(increment(server)).unwrap()).into_owned();
    assert!(!text(&server).contains("#TS:"));
    assert_eq!(client.run("CONFIG SET aof-timestamp-enabled yes"), "OK");
    client.run("SET after 1");
    let stamp = text(&server).split("#TS:").nth(1).and_then(|rest| rest.split('\r').next()?.parse::<u64>().ok());
    assert!(stamp.is_some_and(|seconds| seconds > 1_600_000_000), "{stamp:?}");
    // A base of calls begins with it, too.
    assert_eq!(client.run("CONFIG SET aof-use-rdb-preamble no"), "OK");
    client.run("BGREWRITEAOF");
    wait_until("the rewrite", || rewrites_are_over(&mut client));
    let mut files =
        std::fs::read_dir(server.directory().join("appendonlydir")).unwrap().map(|file| file.unwrap().path());
    let base = files.find(|path| path.to_string_lossy().ends_with(".base.aof")).expect("a base of calls");
    assert!(std::fs::read(base).unwrap().starts_with(b"#TS:"));
    server.kill();
    server.restart();
    assert_eq!(server.client().run("MGET before after").items(), ["1", "1"]);
}
