//! A disk that takes no more, by way of a limit on the size of files: writes are refused with path and reason, reads go on, and
//! service resumes by itself.

use crate::support::{Client, Server, wait_until};
use std::process::Command;

/// A server that may write files of 1 MiB at most, until [`lift`].
fn limited(arguments: &[&str]) -> Server {
    let script = "trap '' XFSZ; ulimit -S -f 2048; exec \"$0\" \"$@\"";
    let all = [&["-c", script, env!("CARGO_BIN_EXE_ferrodis")], arguments].concat();
    Server::start_program("sh", &all).unwrap()
}

fn lift(server: &Server) {
    let lifted = Command::new("prlimit").args(["--pid", &server.pid().to_string(), "--fsize=unlimited"]).status();
    assert!(lifted.unwrap().success());
}

fn big() -> Vec<u8> {
    vec![b'x'; 2 << 20]
}

fn wait_until_refused(client: &mut Client) {
    wait_until("trouble", || client.info("aof_last_write_status") == "err");
    let refusal = client.run("SET refused 1").text();
    assert!(refusal.starts_with("MISCONF"), "{refusal}");
    assert!(refusal.contains("appendonly.aof") && refusal.contains("File too large"), "{refusal}");
}

#[test]
fn under_everysec_writes_are_refused_reads_go_on_and_service_resumes() {
    let mut server = limited(&["--appendonly", "yes"]);
    let mut client = server.client();
    assert_eq!(client.run("SET a 1"), "OK");
    assert_eq!(client.call(&[b"SET".as_slice(), b"big", &big()]), "OK");
    wait_until_refused(&mut client);
    assert_eq!(client.run("GET a"), "1");
    assert_eq!(client.run("STRLEN big"), 2 << 20);
    assert_eq!(client.info("aof_last_write_status"), "err");
    lift(&server);
    wait_until("service", || client.run("SET b 2") == "OK");
    assert_eq!(client.info("aof_last_write_status"), "ok");
    server.restart_with_log();
    let mut client = server.client();
    assert_eq!(client.run("MGET a b"), ["1", "2"]);
    assert_eq!(client.run("STRLEN big"), 2 << 20);
}

#[test]
fn under_always_nobody_hears_ok_before_it_is_true() {
    let mut server = limited(&["--appendonly", "yes", "--appendfsync", "always"]);
    let (mut client, mut other) = (server.client(), server.client());
    assert_eq!(client.run("SET a 1"), "OK");
    client.send(&[b"SET".as_slice(), b"big", &big()]);
    wait_until_refused(&mut other);
    assert_eq!(other.run("GET a"), "1", "what is durable may be read");
    lift(&server);
    assert_eq!(client.read_reply(), "OK");
    assert_eq!(other.run("SET b 2"), "OK");
    server.kill();
    server.restart_with_log();
    assert_eq!(server.client().run("STRLEN big"), 2 << 20);
    assert_eq!(server.client().run("GET b"), "2");
}

#[test]
fn a_rewrite_that_does_not_fit_leaves_the_log_as_it_is() {
    let server = limited(&["--appendonly", "yes", "--rdbcompression", "no"]);
    let mut client = server.client();
    let value = "v".repeat(10_000);
    for i in 0..150 {
        assert_eq!(client.run(&format!("SET key:{i} {value}")), "OK");
    }
    client.run("BGREWRITEAOF");
    wait_until("its end", || client.info("aof_rewrite_in_progress") == "0");
    assert_eq!(client.info("aof_last_bgrewrite_status"), "err");
    assert_eq!(client.run("SET after 1"), "OK");
    lift(&server);
    client.run("BGREWRITEAOF");
    wait_until("its end", || client.info("aof_rewrite_in_progress") == "0");
    assert_eq!(client.info("aof_last_bgrewrite_status"), "ok");
}
