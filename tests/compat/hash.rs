//! Hashes: the same replies, and files with deadlines of fields, if the reference knows those (Redis from 7.4 on).

use crate::files::{OURS, SNAPSHOT, hand_over, rewrite};
use crate::replies::compare;
use crate::support::{Client, Reference, Reply, Server};
use std::collections::BTreeMap;

/// Replies that tell no order of fields.
const SHAPES: &[&str] = &[
    "HSET k f v",
    "HSET k f v f v f v",
    "HSET k f v f",
    "HSETNX k f v",
    "HMSET k f v f v",
    "HGET k f",
    "HMGET k f f f",
    "HLEN k",
    "HSTRLEN k f",
    "HEXISTS k f",
    "HDEL k f f",
    "HDEL k f f f f f",
    "HINCRBY k f i",
    "HINCRBYFLOAT k f v",
    "HINCRBYFLOAT k f i",
    "HINCRBYFLOAT k f 0.1|1e20|inf|0x1p3",
    "HRANDFIELD nokey",
    "HRANDFIELD nokey i",
    "HRANDFIELD k 0|x",
    "HRANDFIELD k 0 WITHVALUES|v",
    "HSCAN nokey 0|17|18446744073709551615|x",
    "HSCAN k x|1.5",
    "SET k v",
    "GET k",
    "DEL k",
    "TYPE k",
    "COPY k k REPLACE",
    "RENAME k k",
    "OBJECT ENCODING k",
    "HSET k",
    "HGETALL",
    "HGETALL nokey",
];

/// Replies that do.
const IN_ORDER: &[&str] = &[
    "HGETALL k",
    "HKEYS k",
    "HVALS k",
    "HSCAN k 0",
    "HSCAN k 0 MATCH f[1-3]|*|v",
    "HSCAN k 0 COUNT i",
    "HSCAN k 0 v v",
];

#[test]
fn packed_hashes_get_the_same_replies() {
    let packed = ["--hash-max-listpack-value", "100000"];
    compare(&[SHAPES, IN_ORDER].concat(), &packed);
}

#[test]
fn hashes_get_the_same_replies_as_they_become_tables() {
    compare(SHAPES, &["--hash-max-listpack-entries", "4", "--hash-max-listpack-value", "20"]);
}

fn fill(client: &mut Client, mark: &str) {
    for i in 0..100 {
        client.run(&format!("HSET {mark}:small:{i} a 1 b {i} c text{i}"));
        client.run(&format!("HPEXPIREAT {mark}:small:{i} 4102444800{i:03} FIELDS 2 b c"));
        client.run(&format!("HSET {mark}:large field:{i} {}", "v".repeat(i)));
        client.run(&format!("HPEXPIREAT {mark}:large 41024448{:02}000 FIELDS 1 field:{i}", i % 7));
        client.run(&format!("HPERSIST {mark}:large FIELDS 1 field:{}", i / 2));
    }
    client.run("SELECT 3");
    client.run(&format!("HSET {mark}:other a 1 b 2"));
    client.run(&format!("HEXPIREAT {mark}:other 4102444800 FIELDS 1 b"));
    client.run("SELECT 0");
}

/// All fields, their values and deadlines, whatever order a server keeps them in. (The digests of Redis and Valkey differ.)
fn content(client: &mut Client) -> BTreeMap<(u8, String, String), (String, i64)> {
    let mut all = BTreeMap::new();
    for db in [0, 3] {
        client.run(&format!("SELECT {db}"));
        for key in client.run("KEYS *").items().iter().map(Reply::text) {
            for pair in client.run(&format!("HGETALL {key}")).items().chunks(2) {
                let (field, value) = (pair[0].text(), pair[1].text());
                let deadline = client.run(&format!("HPEXPIRETIME {key} FIELDS 1 {field}")).items()[0].integer();
                all.insert((db, key.clone(), field), (value, deadline));
            }
        }
    }
    client.run("SELECT 0");
    all
}

/// A reference that knows deadlines of fields.
fn reference(arguments: &[&str]) -> Option<Server> {
    let server = Reference::start_with_persistence(arguments)?;
    let knows = !server.client().run("HEXPIRE nokey 1 FIELDS 1 a").is_error();
    knows.then_some(server)
}

#[test]
fn deadlines_of_fields_go_to_redis_and_back_in_a_log() {
    let Some(mut theirs) = reference(&OURS) else { return };
    for preamble in ["yes", "no"] {
        let mut ours = Server::start(&[&OURS[..], &["--aof-use-rdb-preamble", preamble]].concat());
        let mut client = ours.client();
        fill(&mut client, "a");
        rewrite(&mut client);
        fill(&mut client, "b");
        let expected = content(&mut client);
        hand_over(&mut ours, &mut theirs);
        let mut client = theirs.client();
        assert_eq!(content(&mut client), expected, "the reference loads what we wrote");
        rewrite(&mut client);
        fill(&mut client, "c");
        let expected = content(&mut client);
        hand_over(&mut theirs, &mut ours);
        assert_eq!(content(&mut ours.client()), expected, "we load what the reference wrote");
    }
}

#[test]
fn deadlines_of_fields_go_both_ways_in_snapshots() {
    let Some(mut theirs) = reference(&SNAPSHOT) else { return };
    let is_valkey = theirs.client().run("INFO server").text().contains("valkey_version");
    let format = if is_valkey { "valkey" } else { "redis" };
    let mut ours = Server::start(&[&SNAPSHOT[..], &["--rdb-hash-ttl-format", format]].concat());
    let mut client = ours.client();
    fill(&mut client, "a");
    let expected = content(&mut client);
    assert_eq!(client.run("SAVE"), "OK");
    hand_over(&mut ours, &mut theirs);
    let mut client = theirs.client();
    assert_eq!(content(&mut client), expected);
    fill(&mut client, "b");
    let expected = content(&mut client);
    assert_eq!(client.run("SAVE"), "OK");
    hand_over(&mut theirs, &mut ours);
    assert_eq!(content(&mut ours.client()), expected);
}
