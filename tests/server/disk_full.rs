//! A disk that takes no more, by way of a file system of 8 MB or of a limit on the size of files: writes are refused with path and
//! reason, reads go on, and service resumes by itself.

use super::kill::wait_until_written;
use crate::support::{Client, Reply, Server, SmallDisk, wait_until};
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

const LARGE_BYTES: usize = 100_000;
const MIB: usize = 1 << 20;

/// Sends a large value; gives the answer, or none once the disk refuses and the answer is held back.
fn set_large(writer: &mut Client, other: &mut Client, n: usize) -> Option<Reply> {
    writer.send(&[b"SET".as_slice(), format!("large:{n}").as_bytes(), &vec![b'x'; LARGE_BYTES]]);
    writer.set_patience(std::time::Duration::from_millis(20)).unwrap();
    let mut answer = None;
    wait_until("an answer, or trouble", || {
        answer = writer.try_read_reply().ok();
        answer.is_some() || other.info("aof_last_write_status") == "err"
    });
    writer.set_patience(crate::support::PATIENCE).unwrap();
    answer
}

/// Writes large values, each when the one before is in the file, until the disk refuses; gives how many were acknowledged, and whether one more waits for its answer.
fn fill_up(writer: &mut Client, other: &mut Client) -> (usize, bool) {
    for n in 0.. {
        match set_large(writer, other, n) {
            None => return (n, true),
            Some(answer) if answer.is_error() => return (n, false),
            Some(answer) => assert_eq!(answer, "OK"),
        }
        wait_until("it is written, or trouble", || {
            let [logged, written] =
                ["aof_logged_offset", "aof_written_offset"].map(|field| other.info(field).parse::<u64>().unwrap());
            written >= logged || other.info("aof_last_write_status") == "err"
        });
    }
    unreachable!("8 MB are full at some time")
}

fn assert_large_values(client: &mut Client, count: usize) {
    for n in 0..count {
        assert_eq!(client.run(&format!("STRLEN large:{n}")), LARGE_BYTES as i64, "large:{n} of {count}");
    }
}

fn rewrite(client: &mut Client) -> String {
    client.run("BGREWRITEAOF");
    wait_until("its end", || client.info("aof_rewrite_in_progress") == "0");
    client.info("aof_last_bgrewrite_status")
}

/// Fills the file system up, tries to rewrite there, gives room back, and ends by a kill.
fn fill_a_file_system(disk: &SmallDisk, policy: &str) {
    disk.take_room(5 * MIB);
    let arguments = ["--appendonly", "yes", "--appendfsync", policy, "--rdbcompression", "no"];
    let mut server = disk.start(&arguments);
    let (mut writer, mut other) = (server.client(), server.client());
    let (mut acknowledged, is_held) = fill_up(&mut writer, &mut other);
    assert!(acknowledged > 20 && is_held == (policy == "always"), "{acknowledged}");
    wait_until("trouble", || other.info("aof_last_write_status") == "err");
    let refusal = other.run("SET refused 1").text();
    assert!(refusal.contains("appendonly.aof") && refusal.contains("No space left on device"), "{refusal}");
    assert_large_values(&mut other, acknowledged);
    assert_eq!(rewrite(&mut other), "err", "its base has no room, either");
    assert_large_values(&mut other, acknowledged);
    disk.give_room();
    if is_held {
        assert_eq!(writer.read_reply(), "OK");
        acknowledged += 1;
    }
    wait_until("service", || other.run("SET resumed 1") == "OK");
    wait_until_written(&mut other);
    server.kill();
    server.restart();
    let mut client = server.client();
    assert_large_values(&mut client, acknowledged);
    assert_eq!(client.run("EXISTS resumed refused"), 1);
    disk.take_room(7 * MIB - client.info("aof_current_size").parse::<usize>().expect("a number"));
    assert_eq!(rewrite(&mut client), "err", "the base does not fit beside the log");
    for n in 5..acknowledged {
        assert_eq!(client.run(&format!("DEL large:{n}")), 1);
    }
    assert_eq!(rewrite(&mut client), "ok", "a smaller one does");
    disk.give_room();
    server.kill();
    server.restart();
    assert_large_values(&mut server.client(), 5);
    assert_eq!(server.client().run("DBSIZE"), 6);
}

#[test]
fn a_file_system_of_8_mb_fills_up_under_always_and_service_resumes_when_there_is_room() {
    if let Some(disk) = SmallDisk::mount() {
        fill_a_file_system(&disk, "always");
    }
}

#[test]
fn a_file_system_of_8_mb_fills_up_under_everysec_and_service_resumes_when_there_is_room() {
    if let Some(disk) = SmallDisk::mount() {
        fill_a_file_system(&disk, "everysec");
    }
}
