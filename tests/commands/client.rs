//! CLIENT LIST and CLIENT KILL with every filter, CLIENT CAPA, what a client takes.

use crate::harness::Db;
use ferrodis::server::clients::ClientIndex;

/// The names of those that CLIENT LIST shows.
fn listed(db: &mut Db, filter: &str) -> String {
    let text = db.run(&format!("client list {filter}"));
    let names = text.split(' ').filter_map(|word| word.strip_prefix("name="));
    names.collect::<Vec<_>>().join(" ")
}

/// A server with clients `me` (the caller), `a`, which listens, and `b`, which speaks for a library.
fn three() -> (Db, [ClientIndex; 2]) {
    let mut db = Db::new();
    let (a, b) = (db.connect(), db.connect());
    db.is("client setname me", "+OK\r\n");
    db.run_on(a, "client setname a");
    db.run_on(b, "client setname b");
    db.run_on(b, "client setinfo lib-name rs");
    db.run_on(b, "client setinfo lib-ver 1.2");
    db.run_on(b, "select 3");
    db.run_on(b, "client capa redirect unheard-of");
    db.clock.advance_ms(5000);
    db.run_on(b, "multi");
    db.run_on(a, "subscribe x");
    db.clock.advance_ms(5000);
    db.run_on(b, "get k");
    (db, [a, b])
}

#[test]
fn list_shows_those_that_fit_everything() {
    let (mut db, _) = three();
    for (filter, names) in [
        ("", "me a b"),
        ("id 2 1 99", "a me"),
        ("id 2 1 type normal", "me"),
        ("not-id 1 2", "b"),
        ("type pubsub", "a"),
        ("not-type pubsub", "me b"),
        ("name b", "b"),
        ("not-name b", "me a"),
        ("lib-name rs lib-ver 1.2", "b"),
        ("lib-name rs not-lib-ver 1.2", ""),
        ("db 3", "b"),
        ("not-db 3 skipme yes", "a"),
        ("flags x", "b"),
        ("flags P", "a"),
        ("not-flags N", "a b"),
        ("capa r", "b"),
        ("ip 127.0.0.1", "me a b"),
        ("addr 127.0.0.1:1000", "me"),
        ("laddr 127.0.0.1:6379", "a b"),
        ("idle 5", "a"),
        ("maxage 10 not-name me", "a b"),
        ("user default skipme yes", "a b"),
        ("name a name b", "b"),
        ("id 1 id 3", "me b"),
    ] {
        assert_eq!(listed(&mut db, filter), names, "CLIENT LIST {filter}");
    }
}

#[test]
fn kill_ends_those_that_fit() {
    let (mut db, [a, b]) = three();
    for filter in ["name nobody", "db 7", "flags t", "lib-name rs type pubsub", "idle 100", "not-ip 127.0.0.1"] {
        db.is(&format!("client kill {filter}"), ":0\r\n");
    }
    db.is("client kill flags x", ":1\r\n");
    db.is("client kill id 2 3 not-name me", ":1\r\n");
    for index in [a, b] {
        assert!(db.dispatcher.server.clients.get(index).closing != Default::default());
    }
    db.is("client kill not-flags b skipme no", ":1\r\n");
}

#[test]
fn filters_that_mean_nothing_are_refused() {
    let mut db = Db::new();
    for (filter, error) in [
        ("flags Z", "Unknown flags found in the provided filter: Z"),
        ("capa z", "Unknown capa found in the provided filter: z"),
        ("db 16", "DB number should be between 0 and 15"),
        ("db x", "DB is not an integer or out of range"),
        ("idle 0", "idle should be greater than 0"),
        ("maxage x", "maxage is not an integer or out of range"),
        ("not-type x", "Unknown client type 'x'"),
        ("not-user nobody", "No such user 'nobody'"),
        ("not-idle 3", "syntax error"),
        ("not-skipme yes", "syntax error"),
        ("skipme maybe", "syntax error"),
        ("name", "syntax error"),
    ] {
        db.fails(&format!("client list {filter}"), &format!("ERR {error}"));
        if filter != "name" {
            db.fails(&format!("client kill {filter}"), &format!("ERR {error}"));
        }
    }
}

#[test]
fn within_exec_a_client_is_in_its_transaction() {
    let mut db = Db::new();
    let client = db.connect();
    for line in ["multi", "client info", "client list"] {
        db.run_on(client, line);
    }
    let shown = db.run_on(client, "exec");
    assert_eq!(shown.matches(" multi=2 watch=0 ").count(), 2, "{shown}");
    assert_eq!((shown.matches(" flags=x ").count(), shown.matches(" cmd=exec ").count()), (2, 2), "{shown}");
    assert!(db.run_on(client, "client info").contains(" multi=-1 "));
}

#[test]
fn a_client_s_line_counts_what_it_did() {
    let mut db = Db::new();
    let client = db.connect();
    for line in ["multi", "set k 1", "set k 2", "exec"] {
        db.run_on(client, line);
    }
    assert!(db.run("client list id 2").contains(" tot-cmds=4\n"), "MULTI, EXEC and what it ran");
}

/// `cmd` told of the last call that ran, where Redis tells of the last that came: one queued or refused was not seen.
#[test]
fn the_last_command_was_the_last_that_ran() {
    let mut db = Db::new();
    let other = db.connect();
    db.call_on(other, &[b"CLIENT", b"SETNAME", b"other"]);
    for (call, name) in [
        ("GET", "get"),
        ("NOSUCH", "NULL"),
        ("PING", "ping"),
        ("CONFIG NOSUCH", "NULL"),
        ("MULTI", "multi"),
        ("SET a b", "set"),
        ("CONFIG GET port", "config|get"),
        ("DISCARD", "discard"),
    ] {
        let words: Vec<&[u8]> = call.split(' ').map(str::as_bytes).collect();
        db.call_on(other, &words);
        let list = db.run("CLIENT LIST");
        let line = list.lines().find(|line| line.contains(" name=other ")).unwrap();
        assert!(line.contains(&format!(" cmd={name} ")), "{call}: {line}");
    }
}

/// A broken watch makes the others pointless: they are given up, as in Redis, and stand in nobody's way.
#[test]
fn watches_were_kept_that_could_not_hold_any_more() {
    let mut db = Db::new();
    let other = db.connect();
    db.call_on(other, &[b"WATCH", b"a", b"b", b"c"]);
    db.run("SET b 1");
    let info = db.run("INFO clients");
    assert!(info.contains("watching_clients:0\r\n") && info.contains("total_watched_keys:0\r\n"), "{info}");
    db.call_on(other, &[b"MULTI"]);
    assert_eq!(db.call_on(other, &[b"EXEC"]), b"*-1\r\n");
}
