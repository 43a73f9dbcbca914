//! Logs whose files were damaged: cut, refused, and mended.

use super::{ALWAYS, assert_written, increment};
use crate::support::{Server, encode, wait_until};
use std::path::PathBuf;

/// A server that was killed behind the writes `k:1` to `k:count`, and its log: the path, and what it holds.
fn killed_behind(count: u32) -> (Server, PathBuf, Vec<u8>) {
    let mut server = Server::start(&ALWAYS);
    let mut client = server.client();
    for n in 1..=count {
        client.run(&format!("SET k:{n} {n}"));
    }
    server.kill();
    let path = increment(&server);
    let whole = std::fs::read(&path).unwrap();
    (server, path, whole)
}

#[test]
fn a_torn_tail_is_cut_or_refused_as_configured() {
    let (mut server, path, whole) = killed_behind(20);
    std::fs::write(&path, &whole[..whole.len() - 3]).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    server.restart_refused(&[&ALWAYS[..], &["--aof-load-truncated", "no"]].concat(), &[name, "exit status: 1"]);
    server.restart_with(&ALWAYS);
    let mut client = server.client();
    assert_written(&mut client, "k", 19);
    assert!(client.run("GET k:20").is_nil());
    wait_until("what is said of the file that was cut", || server.log().contains(name));
    client.run("SET k:20 20");
    server.kill();
    server.restart();
    assert_written(&mut server.client(), "k", 20);
}

#[test]
fn a_damaged_block_in_the_middle_refuses_with_file_and_place() {
    let (mut server, path, whole) = killed_behind(50);
    let at = whole.windows(4).position(|window| window == b"k:25").expect("the call's bytes");
    let mut damaged = whole.clone();
    damaged[at] = b'K';
    std::fs::write(&path, &damaged).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    server.restart_refused(&ALWAYS, &[name, "exit status: 1", "check-aof"]);
    assert_eq!(std::fs::read(&path).unwrap(), damaged, "nothing was touched");
    // Where the log is, with no more than a name.
    let mut fix = std::process::Command::new(env!("CARGO_BIN_EXE_ferrodis"));
    fix.args(["check-aof", "--fix", "appendonly.aof.manifest"]).current_dir(path.parent().unwrap());
    let output = fix.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    server.restart();
    assert_written(&mut server.client(), "k", 24);
    server.kill();
    std::fs::write(&path, &whole).unwrap();
    server.restart();
    assert_written(&mut server.client(), "k", 50);
}

#[test]
fn calls_that_nobody_knows_are_refused_with_file_and_place() {
    for (calls, words) in [
        (encode(&["FROBNICATE", "x"]), "FROBNICATE"),
        (encode(&["SET", "x"]), "set"),
        (encode(&["SELECT", "99"]), "database"),
    ] {
        let mut server = Server::start(&ALWAYS);
        server.client().run("SET a 1");
        server.kill();
        let path = increment(&server);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.extend_from_slice(&calls);
        bytes.extend_from_slice(&encode(&["SET", "b", "2"]));
        std::fs::write(&path, bytes).unwrap();
        server.restart_refused(&ALWAYS, &[words, path.file_name().unwrap().to_str().unwrap(), "byte"]);
    }
}
