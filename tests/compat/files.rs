//! Files that go to and fro: a log that both append to and rewrite, and snapshots; and the checkers accept ours.

use crate::support::{Client, Reference, Reply, Server, wait_until};
use std::path::Path;
use std::process::Command;

pub(crate) const OURS: [&str; 4] = ["--appendonly", "yes", "--enable-debug-command", "yes"];
pub(crate) const SNAPSHOT: [&str; 4] = ["--appendonly", "no", "--enable-debug-command", "yes"];

fn fill(client: &mut Client, mark: &str) {
    for i in 0..300 {
        client.run(&format!("HSET {mark}:hash:{i} number {i} text {} word{i} \"\"", "x".repeat(i % 70)));
        client.run(&format!("HSET {mark}:fields field:{} {}", i * 7, "v".repeat(i)));
        client.run(&format!("SET {mark}:text:{i} {}", "abc".repeat(i)));
        client.run(&format!("SET {mark}:number:{i} {}", i as i64 * 1_000_003 - 5000));
        client.run(&format!("SET {mark}:timed:{i} x PXAT 4102444800{i:03}"));
    }
    client.call(&[b"SET".as_slice(), mark.as_bytes(), b"\0\r\n\xff"]);
    client.run(&format!("SETBIT {mark}:bits 1000 1"));
    client.run(&format!("HINCRBYFLOAT {mark}:fields field:0 1.5"));
    client.run(&format!("HDEL {mark}:fields field:7"));
    client.run("SELECT 7");
    client.run(&format!("INCRBYFLOAT {mark}:float 3.5"));
    client.run(&format!("SETEX {mark}:soon 100000 v"));
    client.run(&format!("GETEX {mark}:soon PERSIST"));
    client.run("SELECT 0");
}

pub(crate) fn rewrite(client: &mut Client) {
    client.run("BGREWRITEAOF");
    wait_until("the rewrite", || {
        let info = client.run("INFO persistence").text();
        info.contains("aof_rewrite_in_progress:0") && info.contains("aof_rewrite_scheduled:0")
    });
}

pub(crate) fn digest(client: &mut Client) -> Reply {
    client.run("DEBUG DIGEST")
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            copy_dir(&path, &to.join(path.file_name().unwrap()));
        } else {
            std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

/// The other server, on the first one's files.
pub(crate) fn hand_over(from: &mut Server, to: &mut Server) {
    from.terminate();
    replace_files(from, to);
    to.restart();
}

/// Puts the files of a server that has ended in the place of the other's.
pub(crate) fn replace_files(from: &Server, to: &mut Server) {
    to.kill();
    std::fs::remove_dir_all(to.directory()).unwrap();
    copy_dir(&from.directory(), &to.directory());
}

#[test]
fn a_log_goes_to_redis_and_back_with_equal_digests() {
    let Some(mut theirs) = Reference::start_with_persistence(&OURS) else { return };
    for preamble in ["yes", "no"] {
        let mut ours = Server::start(&[&OURS[..], &["--aof-use-rdb-preamble", preamble]].concat());
        let mut client = ours.client();
        fill(&mut client, "a");
        rewrite(&mut client);
        fill(&mut client, "b");
        let expected = digest(&mut client);
        hand_over(&mut ours, &mut theirs);
        let mut client = theirs.client();
        assert_eq!(digest(&mut client), expected, "Redis loads what we wrote");
        fill(&mut client, "c");
        client.run("APPEND a:text:3 more");
        let expected = digest(&mut client);
        hand_over(&mut theirs, &mut ours);
        let mut client = ours.client();
        assert_eq!(digest(&mut client), expected, "we load what Redis appended");
        fill(&mut client, "d");
        hand_over(&mut ours, &mut theirs);
        let mut client = theirs.client();
        rewrite(&mut client);
        fill(&mut client, "e");
        let expected = digest(&mut client);
        hand_over(&mut theirs, &mut ours);
        assert_eq!(digest(&mut ours.client()), expected, "we load what Redis rewrote");
    }
}

#[test]
fn snapshots_go_both_ways() {
    let Some(mut theirs) = Reference::start_with_persistence(&SNAPSHOT) else { return };
    for compression in ["yes", "no"] {
        let mut ours = Server::start(&[&SNAPSHOT[..], &["--rdbcompression", compression]].concat());
        let mut client = ours.client();
        fill(&mut client, "a");
        let expected = digest(&mut client);
        assert_eq!(client.run("SAVE"), "OK");
        hand_over(&mut ours, &mut theirs);
        let mut client = theirs.client();
        assert_eq!(digest(&mut client), expected);
        fill(&mut client, "b");
        let expected = digest(&mut client);
        assert_eq!(client.run("SAVE"), "OK");
        hand_over(&mut theirs, &mut ours);
        assert_eq!(digest(&mut ours.client()), expected);
    }
}

#[test]
fn the_checkers_of_redis_accept_our_files() {
    if Reference::program().is_none() {
        return;
    }
    let mut server = Server::start(&OURS);
    let mut client = server.client();
    fill(&mut client, "a");
    rewrite(&mut client);
    fill(&mut client, "b");
    assert_eq!(client.run("SAVE"), "OK");
    server.terminate();
    for (program, file) in
        [("redis-check-aof", "appendonlydir/appendonly.aof.manifest"), ("redis-check-rdb", "dump.rdb")]
    {
        let output = Command::new(program).arg(server.directory().join(file)).output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{program}: {said}");
    }
}
