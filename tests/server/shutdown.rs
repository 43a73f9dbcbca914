//! Ends that are called off, refused, or hurried.

use crate::support::{Server, wait_until};
use std::os::unix::net::UnixDatagram;
use std::thread;

const SLOW_SAVE: [&str; 8] =
    ["--save", "3600 1", "--rdb-key-save-delay", "100000", "--enable-debug-command", "yes", "--hz", "100"];

#[test]
fn shutdown_abort_takes_back_a_signal() {
    let server = Server::start(&["--enable-debug-command", "yes"]);
    let mut client = server.client();
    assert_eq!(client.run("SHUTDOWN ABORT").text(), "ERR No shutdown in progress.");
    assert_eq!(client.run("DEBUG PAUSE-CRON 1"), "OK");
    server.signal("TERM");
    wait_until("the signal", || server.log().contains("scheduling shutdown"));
    assert_eq!(client.run("SHUTDOWN ABORT"), "OK");
    assert_eq!(client.run("DEBUG PAUSE-CRON 0"), "OK");
    assert_eq!(client.run("PING"), "PONG");
    wait_until("the word of it", || server.log().contains("Shutdown manually aborted"));
}

/// A second SIGINT was not seen before the snapshot was written, however long that took.
#[test]
fn a_second_sigint_does_not_wait_for_the_snapshot() {
    let mut server = Server::start(&SLOW_SAVE);
    let mut client = server.client();
    for key in 0..1000 {
        client.run(&format!("SET {key} v")); // 100 seconds of saving
    }
    // One that is called off is not the first.
    client.run("DEBUG PAUSE-CRON 1");
    server.signal("INT");
    wait_until("the signal", || server.log().contains("scheduling shutdown"));
    assert_eq!(client.run("SHUTDOWN ABORT"), "OK");
    client.run("DEBUG PAUSE-CRON 0");
    let temporary = server.directory().join(format!("temp-{}.rdb", server.pid()));
    server.signal("INT");
    wait_until("the snapshot's file", || temporary.exists());
    server.signal("INT");
    assert_eq!(server.wait_for_exit().code(), Some(1));
    assert!(!temporary.exists() && !server.directory().join("dump.rdb").exists());
    assert!(server.log().contains("You insist"));
}

/// A log turned on a moment ago is not on the disk before its base is: an end then would have left nothing of the data.
#[test]
fn an_end_amid_the_first_base_of_a_log_is_refused() {
    let mut server = Server::start(&[&SLOW_SAVE[2..], &["--save", ""]].concat());
    let mut client = server.client();
    for key in 0..1000 {
        client.run(&format!("SET {key} v"));
    }
    assert_eq!(client.run("CONFIG SET appendonly yes"), "OK");
    assert_eq!(client.run("SHUTDOWN").text(), "ERR Errors trying to SHUTDOWN. Check logs.");
    server.signal("TERM");
    wait_until("the refusal", || server.log().matches("Writing initial AOF, can't exit.").count() == 2);
    assert_eq!(client.run("CONFIG SET rdb-key-save-delay 0"), "OK");
    wait_until("the base", || client.info("aof_rewrite_in_progress") == "0");
    assert_eq!(client.run_to_end("SHUTDOWN"), b"");
    server.wait_for_exit();
    server.restart_with(&["--appendonly", "yes"]);
    assert_eq!(server.client().run("DBSIZE"), 1000);
}

/// The watchdog heard nothing while the last snapshot was written, and would have ended the process amid that. A signal was told as
/// the end, though what cannot be saved keeps the server.
#[test]
fn the_service_manager_heard_nothing_during_a_last_snapshot() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let told = thread::spawn(move || {
        let mut told = Vec::new();
        while !told.last().is_some_and(|text: &String| text.starts_with("STOPPING=1")) {
            let mut text = [0; 512];
            let len = socket.recv(&mut text).unwrap();
            told.push(String::from_utf8_lossy(&text[..len]).into_owned());
        }
        told
    });
    let environment = [&format!("NOTIFY_SOCKET={}", path.display()), "WATCHDOG_USEC=100000"];
    let program = [env!("CARGO_BIN_EXE_ferrodis"), "--supervised", "systemd"];
    let mut server = Server::start_program("env", &[&environment[..], &program, &SLOW_SAVE].concat()).unwrap();
    let mut client = server.client();
    for key in 0..10 {
        client.run(&format!("SET {key} v")); // a second of saving
    }
    server.signal("TERM");
    assert!(server.wait_for_exit().success());
    let told = told.join().unwrap();
    let ending = told.iter().position(|text| text == "STATUS=Shutting down\n").expect("the signal is told");
    let count = |word: &str| told[ending..].iter().filter(|text| text.contains(word)).count();
    assert!(count("WATCHDOG=1") >= 5 && count("EXTEND_TIMEOUT_USEC=") >= 1, "{:?}", &told[ending..]);
}
