//! MULTI, EXEC, DISCARD, WATCH, UNWATCH.

use crate::harness::Db;

const QUEUED: &str = "+QUEUED\r\n";
const ABORTED: &str = "-EXECABORT Transaction discarded because of previous errors.\r\n";

/// A call of another client.
fn other(db: &mut Db, line: &str) {
    let client = db.connect();
    let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
    db.call_on(client, &words);
}

#[test]
fn queued_calls_run_together() {
    let mut db = Db::new();
    db.is("multi", "+OK\r\n");
    db.is("set k 1", QUEUED);
    db.is("incr k", QUEUED);
    db.is("unwatch", QUEUED);
    db.is("select 1", QUEUED);
    db.is("get k", QUEUED);
    db.is("exec", "*5\r\n+OK\r\n:2\r\n+OK\r\n+OK\r\n$-1\r\n");
    db.is("multi", "+OK\r\n");
    db.is("exec", "*0\r\n");
}

#[test]
fn an_error_while_queueing_aborts_and_one_while_running_does_not() {
    let mut db = Db::new();
    for refused in ["nosuchcommand", "set k", "config nosuch x"] {
        db.is("multi", "+OK\r\n");
        db.is("set k 1", QUEUED);
        assert!(db.run(refused).starts_with("-ERR"), "{refused}");
        db.is("set k 2", QUEUED);
        db.is("exec", ABORTED);
        db.is("get k", "$-1\r\n");
    }
    db.is("set k x", "+OK\r\n");
    db.is("multi", "+OK\r\n");
    db.is("incr k", QUEUED);
    db.is("append k y", QUEUED);
    db.is("exec", "*2\r\n-ERR value is not an integer or out of range\r\n:2\r\n");
}

#[test]
fn what_does_not_fit_together_is_refused_and_changes_nothing() {
    let mut db = Db::new();
    db.is("exec", "-ERR EXEC without MULTI\r\n");
    db.is("discard", "-ERR DISCARD without MULTI\r\n");
    db.is("multi", "+OK\r\n");
    db.is("multi", "-ERR MULTI calls can not be nested\r\n");
    db.is("watch k", "-ERR WATCH inside MULTI is not allowed\r\n");
    db.is("set k 1", QUEUED);
    db.is("exec", "*1\r\n+OK\r\n");
    db.is("multi", "+OK\r\n");
    db.is("set k 2", QUEUED);
    db.is("discard", "+OK\r\n");
    db.is("get k", "$1\r\n1\r\n");
    db.is("multi", "+OK\r\n");
    db.is("reset", "+RESET\r\n");
    db.is("exec", "-ERR EXEC without MULTI\r\n");
}

/// What happens to EXEC when `meanwhile` follows WATCH k of a key that is there, and of one that is not.
fn exec_after(meanwhile: impl Fn(&mut Db)) -> [bool; 2] {
    [true, false].map(|is_there| {
        let mut db = Db::new();
        if is_there {
            db.is("set k 0 px 1000", "+OK\r\n");
        }
        db.is("watch k other", "+OK\r\n");
        meanwhile(&mut db);
        db.is("multi", "+OK\r\n");
        db.is("ping", QUEUED);
        match db.run("exec").as_str() {
            "*1\r\n+PONG\r\n" => true,
            "*-1\r\n" => false,
            reply => panic!("{reply}"),
        }
    })
}

#[test]
fn a_watched_key_that_changes_stops_exec() {
    assert_eq!(exec_after(|_| ()), [true, true]);
    assert_eq!(exec_after(|db| other(db, "set k 1")), [false, false]);
    assert_eq!(exec_after(|db| drop(db.run("set k 1"))), [false, false]);
    assert_eq!(exec_after(|db| other(db, "set another 1")), [true, true]);
    assert_eq!(exec_after(|db| other(db, "del k")), [false, true]);
    assert_eq!(exec_after(|db| other(db, "flushall")), [false, true]);
    assert_eq!(exec_after(|db| other(db, "swapdb 0 1")), [false, true]);
    assert_eq!(exec_after(|db| other(db, "swapdb 2 1")), [true, true]);
    assert_eq!(exec_after(|db| db.clock.advance_ms(2000)), [false, true]);
    assert_eq!(
        exec_after(|db| {
            db.clock.advance_ms(2000);
            db.dispatcher.tick();
        }),
        [false, true]
    );
    assert_eq!(
        exec_after(|db| {
            other(db, "set k 1");
            db.is("unwatch", "+OK\r\n");
        }),
        [true, true]
    );
}

#[test]
fn exec_forgets_what_was_watched() {
    let mut db = Db::new();
    db.is("watch k", "+OK\r\n");
    db.is("multi", "+OK\r\n");
    db.is("set k 1", QUEUED);
    db.is("exec", "*1\r\n+OK\r\n");
    db.is("set k 2", "+OK\r\n");
    db.is("multi", "+OK\r\n");
    db.is("exec", "*0\r\n");
    assert!(db.dispatcher.server.clients.watchers.is_empty());
}

#[test]
fn exec_is_refused_with_the_reason_when_memory_is_short_by_then() {
    let mut db = Db::new();
    db.is("multi", "+OK\r\n");
    db.is("set k 1", QUEUED);
    let client = db.connect();
    db.call_on(client, &[b"config", b"set", b"maxmemory", b"1"]);
    assert!(db.run("exec").starts_with("-EXECABORT Transaction discarded because of: OOM command not allowed"));
    db.is("MULTI", "+OK\r\n");
    db.fails("EXEC now", "EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command");
    db.is("exec", "-ERR EXEC without MULTI\r\n");
    db.is("get k", "$-1\r\n");
}

/// A login that failed within EXEC stood in the log as one at top level, of a client without a transaction.
#[test]
fn a_login_that_fails_within_a_transaction_is_logged_as_one() {
    for (line, object) in [("AUTH bad x", "AUTH"), ("HELLO 2 AUTH bad x", "HELLO")] {
        let mut db = Db::new();
        for line in ["MULTI", line, "EXEC"] {
            db.run(line);
        }
        let log = db.run("ACL LOG");
        let entry =
            format!("$4\r\nauth\r\n$7\r\ncontext\r\n$5\r\nmulti\r\n$6\r\nobject\r\n${}\r\n{object}\r\n", object.len());
        assert!(log.contains(&entry), "{entry} in {log}");
        assert!(log.contains(" flags=x ") && log.contains(" multi=1 ") && log.contains(" cmd=exec "), "{log}");
    }
}
