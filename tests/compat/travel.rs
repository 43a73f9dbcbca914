//! Files that travel: one log, and one snapshot, with every type in every encoding, from us to others and back, each adding to it.
//!
//! `redis-server` (or `FERRODIS_REFERENCE`) is always one of them. `FERRODIS_REDIS` and `FERRODIS_VALKEY` may name programs of Redis 7.4 or later
//! and Valkey 9.0 or later, which know fields that expire: they travel where all can hold them.

use crate::files::{OURS, SNAPSHOT, hand_over, replace_files, rewrite};
use crate::support::{Client, Reference, Reply, Server};
use std::ffi::OsString;

/// A far deadline: 2100.
const FAR_MS: u64 = 4_102_444_800_000;
/// Elements of a collection that is written part by part.
const MANY: usize = 8_000;

/// Whether fields that expire are part of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fields {
    Plain,
    Expiring,
}

/// Calls of many elements each: `word` gives those of one element.
fn add_many(client: &mut Client, verb: &str, key: &str, count: usize, word: impl Fn(usize) -> String) {
    for from in (0..count).step_by(500) {
        let words: Vec<String> = (from..count.min(from + 500)).map(&word).collect();
        client.run(&format!("{verb} {key} {}", words.join(" ")));
    }
}

/// Puts something of every type and encoding under keys that begin with `mark`, some of it with deadlines.
fn fill(client: &mut Client, mark: &str, fields: Fields) {
    client.run(&format!("SET {mark}:int -12345"));
    client.run(&format!("SET {mark}:text {}", "abc".repeat(200)));
    client.call(&[b"SET".to_vec(), format!("{mark}:bytes\0\r\n").into_bytes(), (0..=255).collect()]);
    client.run(&format!("SETBIT {mark}:bits 100000 1"));
    for (size, count) in [("small", 5), ("medium", 300), ("large", MANY)] {
        add_many(client, "RPUSH", &format!("{mark}:list:{size}"), count, |n| format!("element:{n} {}", n * 1000));
        add_many(client, "SADD", &format!("{mark}:set:{size}"), count, |n| format!("member:{n}"));
        add_many(client, "SADD", &format!("{mark}:ints:{size}"), count, |n| format!("{}", n as i64 * 7_000_003 - 99));
        add_many(client, "HSET", &format!("{mark}:hash:{size}"), count, |n| format!("field:{n} {}", n * n));
        add_many(client, "ZADD", &format!("{mark}:zset:{size}"), count, |n| format!("{}.5 member:{n}", n as i64 - 50));
        add_many(client, "PFADD", &format!("{mark}:hll:{size}"), count, |n| format!("visitor:{n}"));
        fill_stream(client, &format!("{mark}:stream:{size}"), count.min(2000));
        client.run(&format!("PEXPIREAT {mark}:hash:{size} {FAR_MS}"));
        client.run(&format!("PEXPIREAT {mark}:stream:{size} {}", FAR_MS + 1));
    }
    client.run(&format!("RPUSH {mark}:list:small {}", "long".repeat(5000)));
    client.run(&format!("HSET {mark}:hash:long field {}", "v".repeat(1000)));
    client.run(&format!("ZADD {mark}:zset:edges -inf low inf high 3 {}", "m".repeat(100)));
    client.run(&format!("GEOADD {mark}:geo 13.361389 38.115556 Palermo 15.087269 37.502669 Catania"));
    client.run(&format!("XGROUP CREATE {mark}:stream:empty g $ MKSTREAM"));
    if fields == Fields::Expiring {
        for (size, count) in [("small", 5), ("large", MANY)] {
            let key = format!("{mark}:timed:{size}");
            add_many(client, "HSET", &key, count, |n| format!("field:{n} {n}"));
            for field in [0, 1, count / 2] {
                client.run(&format!("HPEXPIREAT {key} {} FIELDS 1 field:{field}", FAR_MS + field as u64));
            }
        }
    }
    client.run("SELECT 7");
    client.run(&format!("SET {mark}:elsewhere x PXAT {FAR_MS}"));
    client.run(&format!("LPUSH {mark}:list a b c"));
    client.run("SELECT 0");
}

fn fill_stream(client: &mut Client, key: &str, count: usize) {
    let call_of = |n: usize| format!("XADD {key} {n}-{} field value:{n} {n} other", n % 3);
    let calls: Vec<Vec<String>> = (1..=count).map(|n| call_of(n).split(' ').map(str::to_owned).collect()).collect();
    client.pipeline(&calls.iter().map(Vec::as_slice).collect::<Vec<_>>());
    client.run(&format!("XDEL {key} 2-2"));
    client.run(&format!("XGROUP CREATE {key} readers 0"));
    client.run(&format!("XREADGROUP GROUP readers alice COUNT 3 STREAMS {key} >"));
    client.run(&format!("XREADGROUP GROUP readers bob COUNT 1 STREAMS {key} >"));
    client.run(&format!("XACK {key} readers 1-1"));
    client.run(&format!("XGROUP CREATE {key} others $"));
}

/// Changes some of what another server has written.
fn change(client: &mut Client, mark: &str) {
    for line in [
        "LPOP #:list:large 7",
        "RPUSH #:list:medium x",
        "LSET #:list:large 5000 changed",
        "SREM #:set:large member:3",
        "SADD #:ints:medium word",
        "HDEL #:hash:large field:5",
        "HSET #:hash:small new field",
        "ZINCRBY #:zset:large 4.5 member:9",
        "ZREM #:zset:small member:0",
        "XADD #:stream:large * a b",
        "XACK #:stream:medium readers 3-0",
        "XTRIM #:stream:medium MAXLEN = 100",
        "PFADD #:hll:medium another",
        "PERSIST #:hash:medium",
        "COPY #:text #:renamed REPLACE",
        "DEL #:set:small",
        "APPEND #:renamed more",
    ] {
        let reply = client.run(&line.replace('#', mark));
        assert!(!reply.is_error(), "{line}: {reply:?}");
    }
}

/// What a server says of all its keys: digests of values (of hashes with deadlines the content, as Valkey's digests know none), deadlines,
/// and of streams what their digest leaves out.
fn told(client: &mut Client) -> Vec<(Vec<u8>, Vec<Reply>)> {
    let mut all = Vec::new();
    for db in [0, 7] {
        client.run(&format!("SELECT {db}"));
        let Reply::Array(mut keys) = client.run("KEYS *") else { panic!("keys expected") };
        keys.sort_by_key(|key| key.text());
        for key in keys {
            let Reply::Bulk(key) = key else { panic!("a key expected") };
            let name = String::from_utf8_lossy(&key).into_owned();
            let mut replies = vec![client.call(&[b"PEXPIRETIME", &key[..]])];
            if name.contains(":timed:") {
                let Reply::Array(pairs) = client.call(&[b"HGETALL", &key[..]]) else { panic!("fields expected") };
                let mut pairs: Vec<(String, String)> =
                    pairs.chunks(2).map(|two| (two[0].text(), two[1].text())).collect();
                pairs.sort();
                replies.push(Reply::Status(format!("{pairs:?}")));
                for field in [0, 1, 2, MANY / 2] {
                    replies.push(client.run(&format!("HPEXPIRETIME {name} FIELDS 1 field:{field}")));
                }
            } else {
                replies.push(client.call(&[&b"DEBUG"[..], b"DIGEST-VALUE", &key]));
            }
            if name.contains(":stream:") {
                // Name, consumers, pending, last delivered ID. What follows, how many entries were read, no log of Redis tells after a read.
                let groups = client.run(&format!("XINFO GROUPS {name}"));
                replies.extend(groups.items().iter().map(|group| Reply::Array(group.items()[..8].to_vec())));
                replies.push(client.run(&format!("XPENDING {name} readers")));
            }
            all.push((key, replies));
        }
    }
    client.run("SELECT 0");
    all
}

#[track_caller]
fn assert_same(found: &[(Vec<u8>, Vec<Reply>)], expected: &[(Vec<u8>, Vec<Reply>)], what: &str) {
    let shown =
        |keys: &[(Vec<u8>, Vec<Reply>)]| keys.iter().map(|(key, _)| key.escape_ascii().to_string()).collect::<Vec<_>>();
    assert_eq!(shown(found), shown(expected), "{what}: the keys");
    for ((key, found), (_, expected)) in found.iter().zip(expected) {
        assert_eq!(found, expected, "{what}: {}", key.escape_ascii());
    }
}

/// A program that an environment variable names.
fn named(variable: &str) -> Option<OsString> {
    let program = std::env::var_os(variable);
    if program.is_none() {
        eprintln!("left out: {variable} names no program");
    }
    program
}

/// Sends what we write through these servers in turn and back to us; `save` makes a server write its files anew.
fn travel(programs: &[OsString], arguments: &[&str], fields: Fields, save: fn(&mut Client)) {
    let mut ours = Server::start(arguments);
    let mut others: Vec<Server> = programs
        .iter()
        .map(|program| Server::start_program(program, arguments).unwrap_or_else(|trouble| panic!("{trouble}")))
        .collect();
    let mut client = ours.client();
    fill(&mut client, "ours", fields);
    save(&mut client);
    change(&mut client, "ours");
    fill(&mut client, "later", fields);
    if arguments == SNAPSHOT {
        save(&mut client);
    }
    let mut expected = told(&mut client);
    let mut from = &mut ours;
    for (number, to) in others.iter_mut().enumerate() {
        let what = format!("{} loads what the one before left", programs[number].display());
        hand_over(from, to);
        let mut client = to.client();
        assert_same(&told(&mut client), &expected, &what);
        // Both what it adds to files of another and what it writes anew.
        change(&mut client, "later");
        fill(&mut client, &format!("server{number}"), fields);
        if arguments == SNAPSHOT || number % 2 == 1 {
            save(&mut client);
        }
        fill(&mut client, "later", fields);
        change(&mut client, "later");
        if arguments == SNAPSHOT {
            save(&mut client);
        }
        expected = told(&mut client);
        from = to;
    }
    let mut home = Server::start(arguments);
    hand_over(from, &mut home);
    assert_same(&told(&mut home.client()), &expected, "we load what the last one left");
}

fn save(client: &mut Client) {
    assert_eq!(client.run("SAVE"), "OK");
}

#[test]
fn a_log_of_all_types_goes_through_redis_7_and_back() {
    let Some(program) = Reference::program() else { return };
    travel(&[program], &OURS, Fields::Plain, rewrite);
}

#[test]
fn a_snapshot_of_all_types_goes_through_redis_7_and_back() {
    let Some(program) = Reference::program() else { return };
    travel(&[program], &SNAPSHOT, Fields::Plain, save);
}

#[test]
fn a_log_with_fields_that_expire_goes_through_redis_8_and_valkey_9_and_back() {
    let (Some(redis), Some(valkey)) = (named("FERRODIS_REDIS"), named("FERRODIS_VALKEY")) else { return };
    travel(&[redis, valkey], &OURS, Fields::Expiring, rewrite);
}

#[test]
fn a_snapshot_with_fields_that_expire_goes_to_redis_8_and_back() {
    let Some(redis) = named("FERRODIS_REDIS") else { return };
    travel(&[redis], &SNAPSHOT, Fields::Expiring, save);
}

#[test]
fn a_snapshot_in_valkeys_form_goes_to_valkey_9_and_back() {
    let Some(valkey) = named("FERRODIS_VALKEY") else { return };
    let mut ours = Server::start(&[&SNAPSHOT[..], &["--rdb-hash-ttl-format", "valkey"]].concat());
    let mut theirs = Server::start_program(&valkey, &SNAPSHOT).unwrap_or_else(|trouble| panic!("{trouble}"));
    let mut client = ours.client();
    fill(&mut client, "a", Fields::Expiring);
    save(&mut client);
    let expected = told(&mut client);
    hand_over(&mut ours, &mut theirs);
    assert_same(&told(&mut theirs.client()), &expected, "Valkey loads ours");
    save(&mut theirs.client());
    hand_over(&mut theirs, &mut ours);
    assert_same(&told(&mut ours.client()), &expected, "we load Valkey's");
}

/// Whether our check says that the log in a server's directory can go to Redis 7.0, and all that it says.
fn may_go_to_redis_7(server: &Server) -> (bool, String) {
    let mut check = std::process::Command::new(env!("CARGO_BIN_EXE_ferrodis"));
    let directory = server.directory().join("appendonlydir");
    let output = check.args(["check-aof", "--for", "redis-7.0"]).arg(directory).output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn what_redis_7_cannot_hold_of_a_log_is_named_before_it_is_moved() {
    let Some(program) = Reference::program() else { return };
    let mut theirs = Server::start_program(program, &OURS).unwrap_or_else(|trouble| panic!("{trouble}"));
    let mut ours = Server::start(&OURS);
    let mut client = ours.client();
    fill(&mut client, "a", Fields::Plain);
    client.run("SELECT 3");
    client.run("HSET timed field 1");
    client.run(&format!("HPEXPIREAT timed {FAR_MS} FIELDS 1 field"));
    ours.terminate();
    let (may_go, said) = may_go_to_redis_7(&ours);
    let named = "redis-7.0 cannot load it: it does not know calls about fields that expire; 1 keys: \"timed\" (db3)";
    assert!(!may_go && said.contains(named), "{said}");
    replace_files(&ours, &mut theirs);
    theirs.try_restart().expect_err("it was right");

    ours.restart();
    let mut client = ours.client();
    rewrite(&mut client);
    ours.terminate();
    let (may_go, said) = may_go_to_redis_7(&ours);
    assert!(!may_go && said.contains("it does not know the calls behind the RDB part"), "{said}");

    ours.restart();
    let mut client = ours.client();
    client.run("SELECT 3");
    client.run("HPERSIST timed FIELDS 1 field");
    rewrite(&mut client);
    let expected = told(&mut client);
    ours.terminate();
    let (may_go, said) = may_go_to_redis_7(&ours);
    assert!(may_go && said.ends_with("redis-7.0 can load it\n"), "{said}");
    replace_files(&ours, &mut theirs);
    theirs.restart();
    assert_same(&told(&mut theirs.client()), &expected, "it was right");
}
