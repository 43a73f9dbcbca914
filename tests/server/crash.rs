//! What is left in the log when the process ends by a bug, and how it is started anew for tests.

use crate::support::{Client, Server, wait_until};
use std::os::unix::process::ExitStatusExt;

const DEBUG: [&str; 2] = ["--enable-debug-command", "yes"];

#[test]
fn a_crash_left_nothing_in_the_log() {
    for (how, signal, name) in
        [("DEBUG SEGFAULT", 11, "SIGSEGV"), ("DEBUG ASSERT", 6, "ASSERTION FAILED"), ("DEBUG PANIC", 6, "SIGABRT")]
    {
        let mut server = Server::start(&DEBUG);
        assert_eq!(server.client().run_to_end(how), b"");
        assert_eq!(server.wait_for_exit().signal(), Some(signal), "{how}");
        let log = server.log();
        for words in
            [name, &format!("crashed by signal: {signal}"), "BUG REPORT START", "STACK TRACE DONE", "REPORT END"]
        {
            assert!(log.contains(words), "{how}: {words:?} is missing from {log}");
        }
        assert_eq!(log.matches("STACK TRACE ---").count(), 1, "{how}: one report");
        assert!(log.contains(" ferrodis *") && log.contains(" log\n"), "{how}: all threads are there: {log}");
        assert!(has_all_stacks(&log), "{how}: {log}");
        assert!(log.contains("EventLoop::round"), "{how}: functions are named: {log}");
    }
}

/// Whether every thread that was asked for its stack has given it.
fn has_all_stacks(log: &str) -> bool {
    let counts = log.lines().find_map(|line| line.strip_suffix(" collected.")?.split_once(" expected, "));
    counts.is_some_and(|(expected, collected)| expected == collected && expected != "1")
}

#[test]
fn a_panic_can_end_the_process_with_status_1_and_reports_tell_the_context() {
    let mut server = Server::start(&[DEBUG[0], DEBUG[1], "--use-exit-on-panic", "yes", "--debug-context", "test 7"]);
    assert_eq!(server.client().run_to_end("DEBUG PANIC"), b"");
    assert_eq!(server.wait_for_exit().code(), Some(1));
    assert!(server.log().contains("REPORT END") && server.log().contains("debug-context: test 7"), "{}", server.log());
    let mut server = Server::start(&DEBUG);
    let mut client = server.client();
    assert_eq!(client.run("CONFIG SET debug-context changed"), "OK");
    assert_eq!(client.run("PING"), "PONG");
    assert_eq!(client.run_to_end("DEBUG PANIC"), b"");
    assert_eq!(server.wait_for_exit().signal(), Some(6));
    assert!(server.log().contains("debug-context: changed"), "{}", server.log());
}

#[test]
fn a_signal_from_outside_is_told_with_its_sender_and_can_be_left_to_the_system() {
    for signal in ["ABRT", "BUS", "FPE", "ILL", "SEGV"] {
        let mut server = Server::start(&DEBUG);
        server.signal(signal);
        assert!(server.wait_for_exit().signal().is_some(), "SIG{signal}");
        let log = server.log();
        assert!(log.contains(&format!("(SIG{signal})")) && log.contains("Killed by PID: "), "SIG{signal}: {log}");
    }
    let mut server = Server::start(&["--crash-log-enabled", "no"]);
    server.signal("SEGV");
    assert_eq!(server.wait_for_exit().signal(), Some(11));
    assert!(!server.log().contains("crashed by signal"));
    let mut server = Server::start(&[]);
    assert_eq!(server.client().run("CONFIG SET crash-log-enabled no"), "OK");
    assert_eq!(server.client().run("PING"), "PONG");
    server.signal("SEGV");
    server.wait_for_exit();
    assert!(!server.log().contains("crashed by signal"));
}

#[test]
fn a_report_goes_to_the_log_file() {
    let mut server = Server::start(&["--logfile", "a.log", "--enable-debug-command", "yes"]);
    server.client().run_to_end("DEBUG SEGFAULT");
    server.wait_for_exit();
    let log = std::fs::read_to_string(server.directory().join("a.log")).unwrap();
    assert!(log.contains("crashed by signal: 11") && log.contains("STACK TRACE DONE"), "{log}");
}

#[test]
fn sigalrm_and_the_watchdog_show_the_stack_and_the_server_goes_on() {
    let server = Server::start(&DEBUG);
    let mut client = server.client();
    server.signal("ALRM");
    wait_until("the report", || server.log().contains("Received SIGALRM"));
    wait_until("its end", || server.log().contains("STACK TRACE DONE"));
    assert!(has_all_stacks(&server.log()), "{}", server.log());
    server.signal("USR2"); // by which threads are asked for their stacks: from others it is nothing
    assert_eq!(client.run("CONFIG SET watchdog-period 200"), "OK");
    wait_until("a turn that is too long", || {
        assert_eq!(client.run("DEBUG SLEEP 0.5"), "OK");
        server.log().contains("WATCHDOG TIMER EXPIRED")
    });
    assert_eq!(client.run("CONFIG SET watchdog-period 0"), "OK");
    assert_eq!(client.run("PING"), "PONG");
}

#[test]
fn debug_restart_runs_the_program_anew_in_the_same_process() {
    let server = Server::start(&["--appendonly", "yes", "--enable-debug-command", "yes"]);
    for (call, delay_ms) in [("DEBUG RESTART", 0), ("DEBUG CRASH-AND-RECOVER", 20), ("DEBUG RESTART", 20)] {
        let mut client = server.client();
        let before = client.info("run_id");
        client.run("INCR rounds");
        wait_until("the block's way to the file", || client.info("aof_pending_bio_fsync") == "0");
        assert_eq!(client.run_to_end(&format!("{call} {delay_ms}")), b"", "{call}");
        // Its listener was closed before the connection was: who answers now is another life.
        wait_until("another life", || Client::connect(server.address()).is_ok_and(|mut c| c.call_if_open("DBSIZE")));
        let mut client = server.client();
        assert_ne!(client.info("run_id"), before, "{call}");
        assert_eq!(client.info("process_id"), server.pid().to_string(), "{call}");
        if call == "DEBUG RESTART" {
            assert!(client.run("GET rounds").text().parse::<u32>().unwrap() >= 1);
        }
    }
    assert!(server.client().run("DEBUG RESTART x").is_error());
}
