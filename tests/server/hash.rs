//! Deadlines of fields in files: a log, its base, snapshots.

use crate::support::{Client, Server, wait_until};
use std::time::{Duration, Instant};

const LOG: [&str; 6] = ["--appendonly", "yes", "--appendfsync", "always", "--enable-debug-command", "yes"];

fn fill(client: &mut Client) {
    for i in 0..40 {
        client.run(&format!("HSET small:{i} a {i} b {i}"));
        client.run(&format!("HPEXPIRE small:{i} {} FIELDS 1 b", 1_000_000 + i));
    }
    for i in 0..700 {
        client.run(&format!("HSET large f{i} {i}"));
    }
    client.run("HEXPIRE large 5000 FIELDS 3 f1 f2 nope");
    client.run("SELECT 5");
    client.run("HSETEX elsewhere EX 1000 FIELDS 1 a 1");
    client.run("SELECT 0");
}

fn rewrite(client: &mut Client) {
    client.run("BGREWRITEAOF");
    wait_until("the rewrite", || {
        client.info("aof_rewrite_in_progress") == "0" && client.info("aof_rewrite_scheduled") == "0"
    });
    assert_eq!(client.info("aof_last_bgrewrite_status"), "ok");
}

fn base_of(server: &Server) -> Vec<u8> {
    let files = std::fs::read_dir(server.directory().join("appendonlydir")).unwrap();
    let base = files.map(|file| file.unwrap().path()).find(|path| path.to_string_lossy().contains(".base.")).unwrap();
    std::fs::read(base).unwrap()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn in_a_base_they_are_calls_behind_the_rdb_part() {
    let mut server = Server::start(&LOG);
    let mut client = server.client();
    fill(&mut client);
    let digest = client.run("DEBUG DIGEST");
    rewrite(&mut client);
    let base = base_of(&server);
    assert!(base.starts_with(b"REDIS0009"));
    assert!(contains(&base, b"HPEXPIREAT\r\n$5\r\nlarge\r\n"));
    assert!(base.ends_with(b"\r\n$6\r\nFIELDS\r\n$1\r\n1\r\n$1\r\na\r\n"), "calls of the last database");
    client.run("HPERSIST large FIELDS 1 f1");
    client.run("HEXPIRE large 5000 FIELDS 1 f1");
    server.kill();
    server.restart();
    let mut client = server.client();
    assert_eq!(client.run("DEBUG DIGEST"), digest);
    assert!(client.run("INFO keyspace").text().contains("subexpiry=41"));
}

#[test]
fn in_snapshots_they_have_redis_or_valkeys_form() {
    for (format, magic) in [("redis", &b"REDIS0012"[..]), ("valkey", b"VALKEY080")] {
        let mut server = Server::start(&["--rdb-hash-ttl-format", format, "--enable-debug-command", "yes"]);
        let mut client = server.client();
        client.run("HSET plain a 1");
        client.run("SAVE");
        assert!(std::fs::read(server.directory().join("dump.rdb")).unwrap().starts_with(b"REDIS0009"));
        fill(&mut client);
        let digest = client.run("DEBUG DIGEST");
        assert_eq!(client.run("SAVE"), "OK");
        assert!(std::fs::read(server.directory().join("dump.rdb")).unwrap().starts_with(magic));
        server.kill();
        server.restart();
        assert_eq!(server.client().run("DEBUG DIGEST"), digest, "{format}");
    }
}

/// A log is replayed after the deadline: what a call did to a field that was there then must not make it stay.
#[test]
fn a_field_that_was_changed_before_its_deadline_is_gone_after_a_late_start() {
    let mut server = Server::start(&LOG);
    let mut client = server.client();
    client.run("DEBUG SET-ACTIVE-EXPIRE 0");
    client.run("HSET h a 1 b 2 c 3 d 4");
    client.run("HPEXPIRE h 30 FIELDS 3 a b c");
    client.run("HINCRBY h a 1");
    client.run("HINCRBYFLOAT h b 1");
    client.run("HSETEX h KEEPTTL FIELDS 1 c 5");
    assert_eq!(client.run("HLEN h").integer(), 4);
    let set = Instant::now();
    server.kill();
    wait_until("the deadline", || set.elapsed() > Duration::from_millis(30));
    server.restart();
    let mut client = server.client();
    wait_until("the fields to go", || client.run("HLEN h").integer() == 1);
    assert_eq!(client.run("HGET h d"), "4");
}
