//! Keys as such: names, deadlines, scans, copies, payloads; and whole databases.

use crate::harness::{Db, START_MS};
use ferrodis::server::config::{Limit, MaxmemoryPolicy};
use std::collections::BTreeMap;

/// A server with an eviction policy and a limit far away.
fn with_policy(policy: MaxmemoryPolicy) -> Db {
    Db::with(|config| {
        config.maxmemory_policy = policy;
        config.maxmemory = Limit::Bytes(1 << 30);
    })
}

/// The strings of a flat array reply.
fn bulks(reply: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = reply;
    let mut line = || {
        let end = rest.windows(2).position(|w| w == b"\r\n").expect("a line");
        let line = &rest[..end];
        rest = &rest[end + 2..];
        line.to_vec()
    };
    let count = String::from_utf8(line()).unwrap()[1..].parse().expect("an array's length");
    (0..count)
        .map(|_| {
            assert_eq!(line()[0], b'$');
            line()
        })
        .collect()
}

fn sorted_keys(db: &mut Db, pattern: &str) -> Vec<String> {
    let mut keys: Vec<_> =
        bulks(&db.call(&[b"KEYS", pattern.as_bytes()])).into_iter().map(|k| String::from_utf8(k).unwrap()).collect();
    keys.sort();
    keys
}

/// One SCAN: the next cursor and the keys.
fn scan(db: &mut Db, words: &[&str]) -> (String, Vec<String>) {
    let reply = db.run(&format!("SCAN {}", words.join(" ")));
    let (head, keys) = reply.strip_prefix("*2\r\n$").expect("two parts").split_once("\r\n").unwrap();
    let cursor = &keys[..head.parse::<usize>().unwrap()];
    let keys = bulks(&keys.as_bytes()[cursor.len() + 2..]);
    (cursor.into(), keys.into_iter().map(|k| String::from_utf8(k).unwrap()).collect())
}

#[test]
fn del_and_unlink_count_what_was_there() {
    for command in ["DEL", "UNLINK"] {
        let mut db = Db::new();
        db.run("SET a 1");
        db.run("SET b 2");
        db.is(&format!("{command} a nokey b a"), ":2\r\n");
        db.is("EXISTS a b", ":0\r\n");
        db.fails(command, &format!("ERR wrong number of arguments for '{}' command", command.to_lowercase()));
    }
}

#[test]
fn many_keys_are_looked_up_in_groups() {
    let mut db = Db::new();
    let names: Vec<String> = (0..100).map(|i| format!("key:{i}")).collect();
    names.iter().step_by(2).for_each(|name| drop(db.run(&format!("SET {name} v"))));
    let all = names.join(" ");
    db.is(&format!("EXISTS {all} key:0"), ":51\r\n");
    db.is(&format!("TOUCH {all}"), ":50\r\n");
    db.is(&format!("DEL {all}"), ":50\r\n");
    db.is("DBSIZE", ":0\r\n");
}

#[test]
fn type_names_what_is_there() {
    let mut db = Db::new();
    db.is("TYPE k", "+none\r\n");
    db.run("SET k 1");
    db.is("TYPE k", "+string\r\n");
}

#[test]
fn a_key_leaves_at_its_millisecond() {
    let mut db = Db::new();
    db.run("SET k v");
    db.is("PEXPIRE k 1500", ":1\r\n");
    db.is("PTTL k", ":1500\r\n");
    db.is("TTL k", ":2\r\n");
    db.is("PEXPIRETIME k", &format!(":{}\r\n", START_MS + 1500));
    db.is("EXPIRETIME k", &format!(":{}\r\n", (START_MS + 2000) / 1000));
    db.clock.advance_ms(1499);
    db.is("PTTL k", ":1\r\n");
    db.is("TTL k", ":0\r\n");
    db.is_bulk("GET k", "v");
    db.clock.advance_ms(1);
    db.is("EXISTS k", ":0\r\n");
    db.is("PTTL k", ":-2\r\n");
    db.is("EXPIRETIME k", ":-2\r\n");
    db.is("DBSIZE", ":0\r\n");
}

#[test]
fn due_keys_leave_without_being_asked_for() {
    let mut db = Db::new();
    for i in 0..50 {
        db.run(&format!("SET k{i} v"));
        db.run(&format!("PEXPIRE k{i} {}", 100 + i));
    }
    db.advance_ms(100);
    db.is("DBSIZE", ":49\r\n");
    db.advance_ms(49);
    db.is("DBSIZE", ":0\r\n");
}

#[test]
fn absolute_deadlines_and_persist() {
    let mut db = Db::new();
    db.run("SET k v");
    db.is("TTL k", ":-1\r\n");
    db.is("PERSIST k", ":0\r\n");
    db.is(&format!("EXPIREAT k {}", START_MS / 1000 + 10), ":1\r\n");
    db.is("PTTL k", ":10000\r\n");
    db.is(&format!("PEXPIREAT k {}", START_MS + 7), ":1\r\n");
    db.is("PTTL k", ":7\r\n");
    db.is("PERSIST k", ":1\r\n");
    db.advance_ms(1000);
    db.is("TTL k", ":-1\r\n");
    db.is("EXPIRE nokey 10", ":0\r\n");
    db.is("PERSIST nokey", ":0\r\n");
}

#[test]
fn deadlines_in_the_past_delete() {
    for line in ["EXPIRE k 0", "EXPIRE k -1", "PEXPIRE k -100", "EXPIREAT k 5", "PEXPIREAT k 0", "EXPIREAT k -5"] {
        let mut db = Db::new();
        db.run("SET k v");
        db.is(line, ":1\r\n");
        db.is("DBSIZE", ":0\r\n");
        db.is(line, ":0\r\n");
    }
}

#[test]
fn conditions_on_the_present_deadline() {
    let mut db = Db::new();
    db.run("SET k v");
    for (line, reply) in [
        ("EXPIRE k 100 XX", 0),
        ("EXPIRE k 100 GT", 0),
        ("EXPIRE k 100 NX", 1),
        ("EXPIRE k 200 NX", 0),
        ("EXPIRE k 100 GT", 0),
        ("EXPIRE k 101 GT", 1),
        ("EXPIRE k 101 LT", 0),
        ("EXPIRE k 50 lt xx", 1),
        ("EXPIRE k 60 XX GT", 1),
        ("PERSIST k", 1),
        ("EXPIRE k 60 XX LT", 0),
        ("EXPIRE k 60 LT", 1),
        ("EXPIRE k 70 XX XX", 1),
    ] {
        db.is(line, &format!(":{reply}\r\n"));
    }
    db.is("TTL k", ":70\r\n");
}

#[test]
fn errors_of_expire() {
    let mut db = Db::new();
    db.run("SET k v");
    db.fails("EXPIRE k 10 foo", "ERR Unsupported option foo");
    let incompatible = "ERR NX and XX, GT or LT options at the same time are not compatible";
    db.fails("EXPIRE k x NX XX", incompatible);
    db.fails("EXPIRE k 10 NX GT", incompatible);
    db.fails("EXPIRE k 10 GT LT", "ERR GT and LT options at the same time are not compatible");
    db.fails("EXPIRE k x", "ERR value is not an integer or out of range");
    db.fails("EXPIRE k 9223372036854775807", "ERR invalid expire time in 'expire' command");
    db.fails("EXPIRE k 9223372036854770", "ERR invalid expire time in 'expire' command");
    db.fails("EXPIRE k -9223372036854776", "ERR invalid expire time in 'expire' command");
    db.fails("PEXPIRE k 9223372036854775807", "ERR invalid expire time in 'pexpire' command");
    db.fails("EXPIREAT k 9223372036854776", "ERR invalid expire time in 'expireat' command");
    db.is("PEXPIREAT k 9223372036854775807", ":1\r\n");
    db.is("PEXPIRETIME k", ":9223372036854775807\r\n");
}

#[test]
fn keys_match_as_globs() {
    let mut db = Db::new();
    for key in ["user:1", "user:2", "item:1", "\"\"", "a*b"] {
        db.run(&format!("SET {key} v"));
    }
    assert_eq!(sorted_keys(&mut db, "user:*"), ["user:1", "user:2"]);
    assert_eq!(sorted_keys(&mut db, "*:1"), ["item:1", "user:1"]);
    assert_eq!(sorted_keys(&mut db, "user:2"), ["user:2"]);
    assert_eq!(sorted_keys(&mut db, "a\\*b"), ["a*b"]);
    assert_eq!(sorted_keys(&mut db, ""), [""]);
    assert_eq!(sorted_keys(&mut db, "*").len(), 5);
    assert_eq!(sorted_keys(&mut db, "**").len(), 4);
}

#[test]
fn keys_past_their_deadline_are_not_shown() {
    let mut db = Db::new();
    for i in 0..200 {
        db.run(&format!("SET k{i} v"));
        db.run(&format!("PEXPIRE k{i} 10"));
    }
    db.run("SET left v");
    db.clock.advance_ms(10);
    assert_eq!(sorted_keys(&mut db, "*"), ["left"]);
    assert_eq!(scan(&mut db, &["0", "COUNT", "1000"]).1, ["left"]);
    for _ in 0..20 {
        db.is_bulk("RANDOMKEY", "left");
    }
    db.run("DEL left");
    db.is("RANDOMKEY", "$-1\r\n");
}

#[test]
fn randomkey_gives_each_key() {
    let mut db = Db::new();
    db.is("RANDOMKEY", "$-1\r\n");
    ["a", "b", "c"].into_iter().for_each(|key| drop(db.run(&format!("SET {key} v"))));
    let mut seen = BTreeMap::new();
    (0..300).for_each(|_| *seen.entry(db.run("RANDOMKEY")).or_insert(0) += 1);
    assert_eq!(seen.len(), 3);
    assert!(seen.values().all(|&n| n > 50), "{seen:?}");
}

#[test]
fn what_stays_is_scanned_exactly_once_while_the_rest_changes() {
    for (count, added, removed) in [("1", 3, 0), ("10", 40, 0), ("10", 0, 40), ("7", 9, 9)] {
        let mut db = Db::new();
        let names = |kind: &str, n: usize| (0..n).map(|i| format!("{kind}{i}")).collect::<Vec<_>>();
        let (stays, goes) = (names("stays", 300), names("goes", 3000));
        stays.iter().chain(&goes).for_each(|key| drop(db.run(&format!("SET {key} v"))));
        let (mut seen, mut cursor, mut going, mut new) = (BTreeMap::new(), "0".to_string(), goes.iter(), 0);
        loop {
            let (next, keys) = scan(&mut db, &[&cursor, "COUNT", count]);
            keys.into_iter().for_each(|key| *seen.entry(key).or_insert(0) += 1);
            going.by_ref().take(removed).for_each(|key| drop(db.run(&format!("DEL {key}"))));
            (0..added).for_each(|_| {
                new += 1;
                drop(db.run(&format!("SET new{new} v")))
            });
            cursor = next;
            if cursor == "0" {
                break;
            }
        }
        assert!(stays.iter().all(|key| seen.get(key) == Some(&1)), "COUNT {count}");
        assert!(seen.values().all(|&times| times == 1), "COUNT {count}");
    }
}

#[test]
fn scan_filters_and_bounds_its_work() {
    let mut db = Db::new();
    (0..1000).for_each(|i| drop(db.run(&format!("SET k{i} v"))));
    let (cursor, keys) = scan(&mut db, &["0", "COUNT", "100"]);
    assert!(cursor != "0" && (100..130).contains(&keys.len()), "{}", keys.len());
    let (_, keys) = scan(&mut db, &["0", "MATCH", "k99*", "COUNT", "5000"]);
    assert_eq!(keys.len(), 11);
    assert_eq!(scan(&mut db, &["0", "TYPE", "STRING", "COUNT", "5000"]).1.len(), 1000);
    assert_eq!(scan(&mut db, &["0", "TYPE", "list", "COUNT", "5000"]), ("0".into(), vec![]));
    assert_eq!(scan(&mut db, &["0", "TYPE", "nosuchtype", "COUNT", "5000"]).1.len(), 0);
    assert_eq!(scan(&mut db, &["18446744073709551615", "COUNT", "5000"]).0, "0");
}

#[test]
fn errors_of_scan() {
    let mut db = Db::new();
    for cursor in ["a", "-1", "1x", "18446744073709551616", "\"\"", "-", "+", "\"- 1\"", "--1"] {
        db.fails(&format!("SCAN {cursor}"), "ERR invalid cursor");
    }
    for cursor in ["+1", "\" 1\"", "0", "-0", "-18446744073709551615", "\" -1\""] {
        db.is(&format!("SCAN {cursor}"), "*2\r\n$1\r\n0\r\n*0\r\n");
    }
    for line in ["SCAN 0 COUNT 0", "SCAN 0 COUNT -5", "SCAN 0 MATCH", "SCAN 0 FOO bar"] {
        db.fails(line, "ERR syntax error");
    }
    db.fails("SCAN 0 COUNT x", "ERR value is not an integer or out of range");
    db.fails("SCAN 0 NOVALUES", "ERR NOVALUES option can only be used in HSCAN");
}

#[test]
fn rename_takes_value_and_deadline_along() {
    let mut db = Db::new();
    db.run("SET a 1");
    db.run("PEXPIRE a 100");
    db.run("SET b 2");
    db.is("RENAMENX a b", ":0\r\n");
    db.is("RENAME a b", "+OK\r\n");
    db.is("EXISTS a", ":0\r\n");
    db.is_bulk("GET b", "1");
    db.is("PTTL b", ":100\r\n");
    db.is("RENAMENX b c", ":1\r\n");
    db.is("PTTL c", ":100\r\n");
    db.run("SET long 1");
    db.is("RENAME long c", "+OK\r\n");
    db.is("TTL c", ":-1\r\n");
    db.is("RENAME c c", "+OK\r\n");
    db.is("RENAMENX c c", ":0\r\n");
    db.fails("RENAME nokey c", "ERR no such key");
    db.fails("RENAMENX nokey nokey", "ERR no such key");
}

#[test]
fn rename_moves_a_big_value() {
    let mut db = Db::new();
    let big = "x".repeat(100_000);
    db.run(&format!("SET a {big}"));
    db.run("RENAME a b");
    db.run("COPY b c");
    db.run("DEL b");
    db.is_bulk("GET c", &big);
}

#[test]
fn copy_makes_a_second_key() {
    let mut db = Db::new();
    db.run("SET a 1");
    db.run("PEXPIRE a 100");
    db.is("COPY a b", ":1\r\n");
    db.is("PTTL b", ":100\r\n");
    db.run("SET a 2");
    db.is_bulk("GET b", "1");
    db.is("COPY a b", ":0\r\n");
    db.is("COPY a b REPLACE", ":1\r\n");
    db.is_bulk("GET b", "2");
    db.is("TTL b", ":-1\r\n");
    db.is("COPY nokey b REPLACE", ":0\r\n");
    db.is_bulk("GET b", "2");
}

#[test]
fn keys_go_to_other_databases() {
    let mut db = Db::new();
    let other = db.connect();
    db.dispatcher.server.clients.get_mut(other).db = 9;
    let get = |db: &mut Db| String::from_utf8(db.call_on(other, &[b"GET", b"k"])).unwrap();
    db.run("SET k 1");
    db.run("PEXPIRE k 500");
    db.is("COPY k k DB 9", ":1\r\n");
    assert_eq!(get(&mut db), "$1\r\n1\r\n");
    db.is("COPY k k DB 9", ":0\r\n");
    db.run("SET k 2");
    db.is("COPY k k REPLACE DB 9", ":1\r\n");
    assert_eq!(get(&mut db), "$1\r\n2\r\n");
    db.is("MOVE k 9", ":0\r\n");
    db.run("PEXPIRE k 700");
    db.call_on(other, &[b"DEL", b"k"]);
    db.is("MOVE k 9", ":1\r\n");
    db.is("EXISTS k", ":0\r\n");
    assert_eq!(db.call_on(other, &[b"PTTL", b"k"]), b":700\r\n");
    db.is("MOVE k 9", ":0\r\n");
    db.is("SWAPDB 0 9", "+OK\r\n");
    db.is("PTTL k", ":700\r\n");
    assert_eq!(get(&mut db), "$-1\r\n");
    db.advance_ms(700);
    db.is("DBSIZE", ":0\r\n");
}

#[test]
fn a_target_past_its_deadline_is_no_target() {
    let mut db = Db::new();
    db.run("SET a 1");
    for line in ["COPY a b", "RENAMENX a b"] {
        db.run("SET b old");
        db.run("PEXPIRE b 5");
        db.clock.advance_ms(5);
        db.is(line, ":1\r\n");
        db.is_bulk("GET b", "1");
        db.is("TTL b", ":-1\r\n");
    }
}

#[test]
fn errors_of_copy_move_and_swapdb() {
    let mut db = Db::new();
    let range = "ERR value is out of range, value must between -2147483648 and 2147483647";
    let same = "ERR source and destination objects are the same";
    for (line, error) in [
        ("COPY a a", same),
        ("COPY a a DB 0", same),
        ("COPY a b DB 99", "ERR DB index is out of range"),
        ("COPY a b DB x", "ERR value is not an integer or out of range"),
        ("COPY a b DB", "ERR syntax error"),
        ("COPY a b FOO", "ERR syntax error"),
        ("MOVE a 0", same),
        ("MOVE a 16", "ERR DB index is out of range"),
        ("MOVE a -1", "ERR DB index is out of range"),
        ("MOVE a x", "ERR value is not an integer or out of range"),
        ("MOVE a 99999999999", range),
        ("SWAPDB a 1", "ERR invalid first DB index"),
        ("SWAPDB 1 99999999999", "ERR invalid second DB index"),
        ("SWAPDB 1 16", "ERR DB index is out of range"),
        ("SWAPDB -1 0", "ERR DB index is out of range"),
        ("FLUSHALL foo", "ERR syntax error"),
        ("FLUSHDB SYNC ASYNC", "ERR syntax error"),
    ] {
        db.fails(line, error);
    }
}

#[test]
fn a_hash_computed_ahead_does_not_outlive_its_call() {
    // MOVE looked up its key under the hash of another one that had stood at the same place of the input before.
    let mut db = Db::new();
    db.run("SET aaa 1");
    db.run("SET bbb 2");
    let client = db.connect();
    let mut input = b"*2\r\n$4\r\nTYPE\r\n$3\r\naaa\r\n".to_vec();
    input.reserve(100);
    db.dispatcher.run(client, &input, &mut Default::default());
    input.clear();
    input.extend_from_slice(b"*3\r\n$4\r\nMOVE\r\n$3\r\nbbb\r\n$1\r\n5\r\n");
    db.dispatcher.run(client, &input, &mut Default::default());
    assert_eq!(db.output_of(client), b"+string\r\n:1\r\n");
}

#[test]
fn flushed_databases_are_freed_elsewhere() {
    let mut db = Db::new();
    db.run("SET a 1");
    db.run("COPY a a DB 3");
    db.is("FLUSHDB ASYNC", "+OK\r\n");
    db.is("DBSIZE", ":0\r\n");
    assert_eq!(db.dispatcher.server.garbage.iter().map(|old| old.len()).sum::<usize>(), 1);
    db.is("SWAPDB 0 3", "+OK\r\n");
    db.is_bulk("GET a", "1");
    db.is("FLUSHALL SYNC", "+OK\r\n");
    db.is("DBSIZE", ":0\r\n");
    db.is("GET a", "$-1\r\n");
}

#[test]
fn object_tells_of_use() {
    let mut db = Db::new();
    db.run("SET k v");
    db.clock.advance_ms(5_300);
    for line in ["OBJECT IDLETIME k", "TTL k", "EXISTS k", "TYPE k", "OBJECT ENCODING k", "OBJECT IDLETIME k"] {
        if line.starts_with("OBJECT IDLETIME") {
            db.is(line, ":5\r\n");
        } else {
            db.run(line);
        }
    }
    db.is("TOUCH k", ":1\r\n");
    db.is("OBJECT IDLETIME k", ":0\r\n");
    db.is("OBJECT REFCOUNT k", ":1\r\n");
    for (value, count) in [("0", i32::MAX), ("9999", i32::MAX), ("10000", 1), ("-1", 1), ("007", 1)] {
        db.run(&format!("SET shared {value}"));
        db.is("OBJECT REFCOUNT shared", &format!(":{count}\r\n")); // as Redis, whose small numbers are one object
    }
    db.run("DEL shared");
    for (value, encoding) in [("12", "int"), ("abc", "embstr"), (&*"x".repeat(45), "raw"), (&*"x".repeat(5000), "raw")]
    {
        db.run(&format!("SET k {value}"));
        db.is_bulk("OBJECT ENCODING k", encoding);
    }
    for sub in ["ENCODING", "IDLETIME", "FREQ", "REFCOUNT"] {
        db.is(&format!("OBJECT {sub} nokey"), "$-1\r\n");
        db.fails(
            &format!("OBJECT {sub}"),
            &format!("ERR wrong number of arguments for 'object|{}' command", sub.to_lowercase()),
        );
    }
    db.fails("OBJECT foo k", "ERR unknown subcommand 'foo'. Try OBJECT HELP.");
    assert!(db.run("OBJECT HELP").starts_with("*13\r\n+OBJECT <subcommand>"));
}

#[test]
fn idle_time_and_frequency_exclude_each_other() {
    let mut db = Db::new();
    db.run("SET k v");
    assert!(
        db.run("OBJECT FREQ k")
            .starts_with("-ERR An LFU maxmemory policy is not selected, access frequency not tracked.")
    );
    let mut db = with_policy(MaxmemoryPolicy::AllkeysLfu);
    db.run("SET k v");
    assert!(
        db.run("OBJECT IDLETIME k").starts_with("-ERR An LFU maxmemory policy is selected, idle time not tracked.")
    );
    db.is("OBJECT FREQ k", ":5\r\n");
    (0..2000).for_each(|_| drop(db.run("GET k")));
    let frequency: u8 = db.run("OBJECT FREQ k").trim()[1..].parse().unwrap();
    assert!((12..40).contains(&frequency), "{frequency}");
    db.clock.advance_ms(3 * 60_000);
    db.is("OBJECT FREQ k", &format!(":{}\r\n", frequency - 3));
    db.run("RENAME k other");
    db.is("OBJECT FREQ other", ":5\r\n");
    db.run("COPY other copy");
    db.is("OBJECT FREQ copy", ":5\r\n");
}

#[test]
fn a_clock_that_goes_back_makes_no_key_old() {
    let mut db = Db::new();
    db.run("SET k v");
    db.clock.jump_to(START_MS - 60_000);
    db.is("OBJECT IDLETIME k", ":0\r\n");
}

#[test]
fn what_dump_gives_restore_takes() {
    let mut db = Db::new();
    let lengths = [0, 1, 20, 21, 44, 63, 64, 255, 1023, 1024, 1025, 16383, 16384, 300_000];
    let strings = lengths.iter().map(|&n| "ab".repeat(n)[..n].to_string());
    for value in strings.chain(["7", "-129", "123456", "-9223372036854775808", "0012"].map(String::from)) {
        db.call(&[b"SET", b"k", value.as_bytes()]);
        let encoding = db.run("OBJECT ENCODING k");
        let reply = db.call(&[b"DUMP", b"k"]);
        let head = reply.windows(2).position(|w| w == b"\r\n").unwrap() + 2;
        let payload = &reply[head..reply.len() - 2];
        assert_eq!(db.call(&[b"RESTORE", b"copy", b"0", payload, b"REPLACE"]), b"+OK\r\n");
        db.is_bulk("GET copy", &value);
        db.is("OBJECT ENCODING copy", &encoding);
        for at in 0..payload.len().min(40) {
            let mut broken = payload.to_vec();
            broken[at] ^= 1 << (at % 8);
            let reply = db.call(&[b"RESTORE", b"broken", b"0", &broken]);
            assert_eq!(reply, b"-ERR DUMP payload version or checksum are wrong\r\n");
        }
    }
    db.is("DUMP nokey", "$-1\r\n");
    db.is("EXISTS broken", ":0\r\n");
}

/// `DUMP` of Redis 7.0.15 after `SET k 10`.
const TEN: &str = r#""\x00\xc0\n\n\x00n\x9fWE\x0e\xaec\xbb""#;

#[test]
fn restore_sets_deadlines_and_idle_times() {
    let mut db = Db::new();
    db.is(&format!("RESTORE k 1000 {TEN}"), "+OK\r\n");
    db.is("PTTL k", ":1000\r\n");
    db.is_bulk("GET k", "10");
    db.fails(&format!("RESTORE k 0 {TEN}"), "BUSYKEY Target key name already exists.");
    db.is(&format!("RESTORE k {} {TEN} ABSTTL REPLACE IDLETIME 77", START_MS + 5), "+OK\r\n");
    db.is("PTTL k", ":5\r\n");
    db.is("OBJECT IDLETIME k", ":77\r\n");
    db.is(&format!("RESTORE k {} {TEN} ABSTTL REPLACE", START_MS), "+OK\r\n");
    db.is("EXISTS k", ":0\r\n");
    db.is(&format!("RESTORE k 0 {TEN} FREQ 9"), "+OK\r\n");
    db.is("OBJECT IDLETIME k", ":0\r\n");
    db.is(&format!("RESTORE k 0 {TEN} REPLACE IDLETIME 9223372036854775807"), "+OK\r\n");
    db.is("OBJECT IDLETIME k", ":214748364\r\n");
    let mut db = with_policy(MaxmemoryPolicy::VolatileLfu);
    db.is(&format!("RESTORE k 0 {TEN} FREQ 99"), "+OK\r\n");
    db.is("OBJECT FREQ k", ":99\r\n");
}

#[test]
fn errors_of_restore() {
    let mut db = Db::new();
    for (rest, error) in [
        ("-1 x", "ERR Invalid TTL value, must be >= 0"),
        ("x x", "ERR value is not an integer or out of range"),
        ("0 x IDLETIME -1", "ERR Invalid IDLETIME value, must be >= 0"),
        ("0 x FREQ 256", "ERR Invalid FREQ value, must be >= 0 and <= 255"),
        ("0 x FREQ 2 IDLETIME 3", "ERR syntax error"),
        ("0 x IDLETIME", "ERR syntax error"),
        ("0 x FOO", "ERR syntax error"),
        ("0 x", "ERR DUMP payload version or checksum are wrong"),
    ] {
        db.fails(&format!("RESTORE k {rest}"), error);
    }
    // Right checksum, a type that nobody knows.
    let mut payload = b"\xc8\x00\x09\x00".to_vec();
    payload.extend_from_slice(&ferrodis::base::crc::crc64(0, &payload).to_le_bytes());
    assert_eq!(db.call(&[b"RESTORE", b"k", b"0", &payload]), b"-ERR Bad data format\r\n");
    db.is("DBSIZE", ":0\r\n");
}

#[test]
fn a_restored_idle_time_has_its_place_in_the_order() {
    let mut db = with_policy(MaxmemoryPolicy::AllkeysLru);
    for (key, idle) in [("a", 30), ("b", 10), ("c", 20), ("d", 0), ("e", 40)] {
        db.run(&format!("RESTORE {key} 0 {TEN} IDLETIME {idle}"));
    }
    let keyspace = &mut db.dispatcher.server.keyspace;
    let mut order = String::new();
    while keyspace.evict_one(&mut |_| 0).is_some() {
        let removed = std::mem::take(&mut keyspace.db(0).removals.keys);
        order.extend(removed.iter().map(|removal| removal.key[0] as char));
    }
    assert_eq!(order, "eacbd");
}

#[test]
fn wait_has_nobody_to_wait_for() {
    let mut db = Db::new();
    db.is("WAIT 3 0", ":0\r\n");
    db.fails("WAIT x 0", "ERR value is not an integer or out of range");
    db.fails("WAIT 0 x", "ERR timeout is not an integer or out of range");
    db.fails("WAIT 0 -1", "ERR timeout is negative");
    db.fails("WAIT 0 9223372036854775807", "ERR timeout is out of range");
}

#[test]
fn what_changes_is_counted() {
    let mut db = Db::new();
    for (line, changes) in [
        ("SET k v", 1),
        ("EXPIRE k 100", 1),
        ("EXPIRE k 100 NX", 0),
        ("PERSIST k", 1),
        ("COPY k c", 1),
        ("RENAME k r", 1),
        ("MOVE r 1", 1),
        ("DEL c nokey", 1),
        ("SWAPDB 0 1", 1),
        ("TOUCH r", 0),
        ("SCAN 0", 0),
        ("FLUSHALL", 1),
    ] {
        let before = db.dispatcher.server.dirty;
        db.run(line);
        assert_eq!(db.dispatcher.server.dirty - before, changes, "{line}");
    }
}

/// SCAN and RANDOMKEY passed over keys past their deadline and left them, counted, until the wheel came to them.
#[test]
fn expired_keys_that_were_met_on_the_way_stayed() {
    let mut db = Db::new();
    for key in ["a", "b", "c"] {
        db.run(&format!("SET {key} v PX 5"));
    }
    db.clock.advance_ms(5);
    db.is("SCAN 0 COUNT 100 MATCH a", "*2\r\n$1\r\n0\r\n*0\r\n");
    db.is("DBSIZE", ":2\r\n");
    db.is("RANDOMKEY", "$-1\r\n");
    db.is("DBSIZE", ":0\r\n");
}
