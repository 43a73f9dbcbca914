//! Connections: greetings, passwords, databases, CLIENT.

use crate::harness::{Db, START_MS};
use ferrodis::dispatch::{Partial, Turn};
use ferrodis::keyspace::database::Expiry;
use ferrodis::server::clients::{ClientIndex, Closing};
use ferrodis::values::string::NewText;

const WRONG_PASSWORD: &str = "WRONGPASS invalid username-password pair or user is disabled.";

/// A field of the caller's line in CLIENT INFO.
fn field(db: &mut Db, client: ClientIndex, name: &str) -> String {
    let line = db.run_on(client, "client info");
    let value = line.split_ascii_whitespace().find_map(|word| word.strip_prefix(&format!("{name}=")));
    value.unwrap_or_else(|| panic!("{name} in {line}")).to_string()
}

#[test]
fn ping_and_echo_answer() {
    let mut db = Db::new();
    db.is("PING", "+PONG\r\n");
    db.is_bulk("PING hello", "hello");
    db.fails("PING a b", "ERR wrong number of arguments for 'ping' command");
    db.is_bulk("ECHO hello", "hello");
    db.fails("ECHO", "ERR wrong number of arguments for 'echo' command");
}

#[test]
fn select_changes_the_database() {
    let mut db = Db::new();
    db.is("SET k a", "+OK\r\n");
    db.is("SELECT 15", "+OK\r\n");
    db.is("GET k", "$-1\r\n");
    db.fails("SELECT 16", "ERR DB index is out of range");
    db.fails("SELECT -1", "ERR DB index is out of range");
    db.fails("SELECT x", "ERR value is not an integer or out of range");
    db.fails("SELECT 9999999999", "ERR value is out of range, value must between -2147483648 and 2147483647");
    db.is("SELECT 0", "+OK\r\n");
    db.is_bulk("GET k", "a");
}

#[test]
fn hello_switches_the_dialect_and_names_the_server() {
    let mut db = Db::new();
    let two = db.run("HELLO");
    assert!(two.starts_with("*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n8.0.6\r\n"), "{two}");
    let three = db.run("HELLO 3 SETNAME me");
    assert!(three.starts_with("%7\r\n") && three.contains("$5\r\nproto\r\n:3\r\n"), "{three}");
    db.is_bulk("CLIENT GETNAME", "me");
    db.is("GET nothing", "_\r\n");
    db.fails("HELLO 4", "NOPROTO unsupported protocol version");
    db.fails("HELLO x", "ERR Protocol version is not an integer or out of range");
    db.fails("HELLO 2 AUTH a", "ERR Syntax error in HELLO option 'AUTH'");
    db.fails("HELLO 2 AUTH nobody x", WRONG_PASSWORD);
    db.fails("HELLO 2 SETNAME 'a b'", "ERR Client names cannot contain spaces, newlines or special characters.");
    db.is("GET nothing", "_\r\n");
    assert!(db.run("HELLO 2").starts_with("*14\r\n"));
    db.is("GET nothing", "$-1\r\n");
}

#[test]
fn without_a_password_auth_by_password_alone_is_an_error() {
    let mut db = Db::new();
    db.fails(
        "AUTH x",
        "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is \
         correct?",
    );
    db.is("AUTH default x", "+OK\r\n");
    db.fails("AUTH someone x", WRONG_PASSWORD);
    db.fails("AUTH a b c", "ERR syntax error");
}

#[test]
fn a_password_is_asked_for_and_checked() {
    let mut db = Db::new();
    db.is("CONFIG SET requirepass secret", "+OK\r\n");
    let client = db.connect();
    assert_eq!(db.run_on(client, "GET k"), "-NOAUTH Authentication required.\r\n");
    assert!(db.run_on(client, "HELLO 3").starts_with("-NOAUTH HELLO must be called"));
    for wrong in ["AUTH secre", "AUTH secret2", "AUTH default x", "AUTH other secret", "HELLO 3 AUTH default x"] {
        assert_eq!(db.run_on(client, wrong), format!("-{WRONG_PASSWORD}\r\n"), "{wrong}");
    }
    assert_eq!(db.run_on(client, "AUTH secret"), "+OK\r\n");
    assert_eq!(db.run_on(client, "GET k"), "$-1\r\n");
    assert_eq!(db.run_on(client, "RESET"), "+RESET\r\n");
    assert_eq!(db.run_on(client, "GET k"), "-NOAUTH Authentication required.\r\n");
    assert!(db.run_on(client, "HELLO 3 AUTH default secret").starts_with("%7\r\n"));
    assert_eq!(db.dispatcher.server.counters.failed_authentications, 5);
    db.is("GET k", "$-1\r\n");
}

#[test]
fn taking_the_password_away_opens_to_all() {
    let mut db = Db::with(|config| {
        config.set(&[(b"requirepass", b"secret")], Default::default()).unwrap();
    });
    let client = db.connect();
    db.is("CONFIG SET requirepass ''", "+OK\r\n");
    assert_eq!(db.run_on(client, "GET k"), "$-1\r\n");
}

#[test]
fn reset_makes_the_connection_new() {
    let mut db = Db::new();
    let client = db.connect();
    for line in ["HELLO 3 SETNAME me", "SELECT 3", "CLIENT NO-TOUCH on", "CLIENT SETINFO lib-name rs"] {
        db.run_on(client, line);
    }
    assert_eq!(db.run_on(client, "RESET"), "+RESET\r\n");
    let seen = ["db", "name", "resp", "flags", "lib-name"].map(|name| field(&mut db, client, name));
    assert_eq!(seen, ["0", "", "2", "N", "rs"]);
}

#[test]
fn quit_closes_behind_the_answer() {
    let mut db = Db::new();
    let client = db.connect();
    let pipeline = b"QUIT\r\nSET k v\r\n";
    let (consumed, turn) = db.dispatcher.run(client, pipeline, &mut Partial::default());
    assert_eq!((consumed, turn), (pipeline.len(), Turn::Closed));
    assert_eq!(db.output_of(client), b"+OK\r\n");
    db.is("GET k", "$-1\r\n");
}

#[test]
fn client_names_and_library() {
    let mut db = Db::new();
    db.is("CLIENT GETNAME", "$-1\r\n");
    db.is("CLIENT SETNAME worker", "+OK\r\n");
    db.is_bulk("CLIENT GETNAME", "worker");
    db.fails("CLIENT SETNAME 'a b'", "ERR Client names cannot contain spaces, newlines or special characters.");
    db.is("CLIENT SETNAME ''", "+OK\r\n");
    db.is("CLIENT GETNAME", "$-1\r\n");
    db.is("CLIENT SETINFO LIB-VER 1.2", "+OK\r\n");
    db.fails("CLIENT SETINFO Lib-Name 'a b'", "ERR Lib-Name cannot contain spaces, newlines or special characters.");
    db.fails("CLIENT SETINFO colour red", "ERR Unrecognized option 'colour'");
    assert!(db.run("CLIENT INFO").contains(" lib-name= lib-ver=1.2 "));
}

#[test]
fn client_info_has_the_fields_of_redis_8_and_what_valkey_adds() {
    let mut db = Db::new();
    let client = db.connect();
    db.clock.advance_ms(2500);
    let line = db.run_on(client, "client info");
    let names: Vec<&str> =
        line.lines().nth(1).unwrap().split(' ').map(|word| word.split_once('=').unwrap().0).collect();
    assert_eq!(
        names.join(" "),
        "id addr laddr fd name age idle flags db sub psub ssub multi watch qbuf qbuf-free argv-mem multi-mem rbs rbp obl oll omem \
         tot-mem events cmd user redir resp lib-name lib-ver io-thread tot-net-in tot-net-out tot-cmds"
    );
    for (name, value) in [
        ("addr", "127.0.0.1:1001"),
        ("laddr", "127.0.0.1:6379"),
        ("age", "2"),
        ("idle", "0"),
        ("qbuf", "26"),
        ("argv-mem", "10"),
        ("events", "r"),
        ("cmd", "client|info"),
        ("user", "default"),
    ] {
        assert!(line.contains(&format!(" {name}={value} ")), "{name}={value} in {line}");
    }
}

#[test]
fn client_list_filters_by_type_and_id() {
    let mut db = Db::new();
    let (first, second) = (db.connect(), db.connect());
    db.run_on(first, "PING");
    let all = db.run("CLIENT LIST");
    let commands: Vec<&str> = all.split(' ').filter_map(|word| word.strip_prefix("cmd=")).collect();
    assert_eq!(commands, ["client|list", "ping", "NULL"]);
    let id = db.dispatcher.server.clients.get(second).id;
    let one = db.run(&format!("CLIENT LIST ID {id} 999"));
    assert!(one.contains(&format!("id={id} ")) && one.matches("id=").count() == 1, "{one}");
    assert_eq!(db.run("CLIENT LIST TYPE normal").matches(" addr=127").count(), 3);
    db.is("CLIENT LIST TYPE replica", "$0\r\n\r\n");
    db.fails("CLIENT LIST TYPE x", "ERR Unknown client type 'x'");
    db.fails("CLIENT LIST ID", "ERR syntax error");
    db.fails("CLIENT LIST ID x", "ERR Invalid client ID");
}

#[test]
fn client_kill_ends_those_that_fit() {
    let mut db = Db::new();
    let (first, second) = (db.connect(), db.connect());
    let id = db.dispatcher.server.clients.get(second).id;
    db.is(&format!("CLIENT KILL ID {id} TYPE normal ADDR 127.0.0.1:1001 LADDR 127.0.0.1:6379 USER default"), ":1\r\n");
    assert_eq!(db.dispatcher.server.clients.get(second).closing, Closing::Now);
    assert!(db.dispatcher.server.clients.has_pending());
    db.is("CLIENT KILL MAXAGE 5", ":0\r\n");
    db.is("CLIENT KILL 127.0.0.1:1001", "+OK\r\n");
    assert_eq!(db.dispatcher.server.clients.get(first).closing, Closing::Now);
    db.fails("CLIENT KILL 127.0.0.1:1001", "ERR No such client");
    db.is("CLIENT KILL SKIPME yes", ":0\r\n");
    for (line, error) in [
        ("CLIENT KILL ID 0 TYPE normal", "client-id should be greater than 0"),
        ("CLIENT KILL ID 1 TYPE x", "Unknown client type 'x'"),
        ("CLIENT KILL USER nobody ID 1", "No such user 'nobody'"),
        ("CLIENT KILL MAXAGE 0", "maxage should be greater than 0"),
        ("CLIENT KILL MAXAGE x", "maxage is not an integer or out of range"),
        ("CLIENT KILL SKIPME perhaps", "syntax error"),
        ("CLIENT KILL ID 1 ADDR", "syntax error"),
    ] {
        db.fails(line, &format!("ERR {error}"));
    }
    db.is("CLIENT KILL SKIPME no", ":1\r\n");
}

#[test]
fn client_reply_silences() {
    let mut db = Db::new();
    db.is("CLIENT REPLY off", "");
    db.is("PING", "");
    db.is("CLIENT REPLY skip", "");
    db.is("NOTHING", "-ERR unknown command 'NOTHING', with args beginning with: \r\n");
    db.is("CLIENT REPLY on", "+OK\r\n");
    db.is("PING", "+PONG\r\n");
    db.is("CLIENT REPLY skip", "");
    db.is("PING", "");
    db.is("PING", "+PONG\r\n");
    db.is("CLIENT REPLY skip", "");
    db.is("CLIENT REPLY skip", "");
    db.is("PING", "");
    db.is("PING", "+PONG\r\n");
    db.fails("CLIENT REPLY x", "ERR syntax error");
}

#[test]
fn client_pause_parks_until_its_time_or_unpause() {
    let mut db = Db::new();
    let other = db.connect();
    let deadline = Expiry::At(START_MS + 1000);
    db.dispatcher.server.keyspace.db(0).set(b"k", NewText::of(b"v"), deadline).unwrap();
    db.is("CLIENT PAUSE 5000 WRITE", "+OK\r\n");
    db.is("CLIENT PAUSE 10 WRITE", "+OK\r\n");
    let info = db.run("INFO clients");
    assert!(
        info.contains("paused_reason:client_pause\r\npaused_actions:write\r\npaused_timeout_milliseconds:5000\r\n"),
        "{info}"
    );
    let turn_of = |db: &mut Db, call: &[u8]| db.dispatcher.run(other, call, &mut Partial::default()).1;
    assert_eq!(turn_of(&mut db, b"SET a b\r\n"), Turn::Parked);
    assert_eq!(turn_of(&mut db, b"GET a\r\n"), Turn::Drained);
    db.advance_ms(2000);
    assert_eq!(turn_of(&mut db, b"SET a b\r\n"), Turn::Parked);
    assert_eq!(db.dispatcher.server.keyspace.counts().expired, 0, "nothing expires meanwhile");
    db.advance_ms(3000);
    assert_eq!(turn_of(&mut db, b"SET a b\r\n"), Turn::Drained);
    db.is("CLIENT PAUSE 5000", "+OK\r\n");
    assert_eq!(turn_of(&mut db, b"GET a\r\n"), Turn::Parked);
    db.is("CLIENT UNPAUSE", "+OK\r\n");
    assert_eq!(turn_of(&mut db, b"GET a\r\n"), Turn::Drained);
    db.fails("CLIENT PAUSE x", "ERR timeout is not an integer or out of range");
    db.fails("CLIENT PAUSE -1", "ERR timeout is negative");
    db.fails("CLIENT PAUSE 9223372036854775807", "ERR timeout is out of range");
    db.fails("CLIENT PAUSE 1 READ", "ERR CLIENT PAUSE mode must be WRITE or ALL");
    db.fails(
        "CLIENT PAUSE 1 ALL x",
        "ERR unknown subcommand or wrong number of arguments for 'PAUSE'. Try CLIENT HELP.",
    );
}

#[test]
fn client_modes_show_in_the_flags() {
    let mut db = Db::new();
    let client = db.connect();
    for (line, flags) in [
        ("CLIENT NO-EVICT on", "e"),
        ("CLIENT NO-TOUCH on", "eT"),
        ("CLIENT NO-EVICT off", "T"),
        ("CLIENT NO-TOUCH off", "N"),
    ] {
        assert_eq!(db.run_on(client, line), "+OK\r\n");
        assert_eq!(field(&mut db, client, "flags"), flags);
    }
    db.fails("CLIENT NO-EVICT maybe", "ERR syntax error");
}

#[test]
fn monitor_sees_calls_but_no_passwords() {
    let mut db = Db::new();
    let (watcher, worker) = (db.connect(), db.connect());
    assert_eq!(db.run_on(watcher, "MONITOR"), "+OK\r\n");
    assert_eq!(db.run_on(worker, "SET k v"), "+OK\r\n");
    for line in ["AUTH x", "AUTH default x", "HELLO 3 AUTH default x SETNAME me", "CONFIG GET port"] {
        db.run_on(worker, line);
    }
    db.advance_ms(0);
    let seen = String::from_utf8(db.output_of(watcher)).unwrap();
    let calls: Vec<&str> = seen.lines().map(|line| line.split_once("] ").unwrap().1).collect();
    assert_eq!(
        calls,
        [
            r#""SET" "k" "v""#,
            r#""AUTH" "(redacted)""#,
            r#""AUTH" "(redacted)" "(redacted)""#,
            r#""HELLO" "3" "AUTH" "(redacted)" "(redacted)" "SETNAME" "me""#,
        ]
    );
    assert!(seen.starts_with("+1700000000.000000 [0 127.0.0.1:1001] "), "{seen}");
    db.run_on(watcher, "PING");
    db.advance_ms(0);
    assert!(db.output_of(watcher).ends_with(b"\"PING\"\r\n"), "also its own");
    db.run_on(watcher, "RESET");
    db.run_on(worker, "PING");
    db.advance_ms(0);
    assert!(db.output_of(watcher).is_empty());
}

/// CLIENT UNBLOCK ... ERROR answered an error that no statistic knew of.
#[test]
fn the_error_that_ends_a_wait_is_counted() {
    let mut db = Db::new();
    let waiting = db.connect();
    assert_eq!(db.run_on(waiting, "BLPOP list 0"), "");
    let id = db.dispatcher.server.clients.get(waiting).id;
    let words = "ERR unknown subcommand or wrong number of arguments for 'UNBLOCK'. Try CLIENT HELP.";
    db.fails(&format!("CLIENT UNBLOCK {id} ERROR now"), words);
    db.is(&format!("CLIENT UNBLOCK {id} ERROR"), ":1\r\n");
    assert_eq!(db.output_of(waiting), b"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
    let info = db.run("INFO everything");
    for line in ["errorstat_UNBLOCKED:count=1", "total_error_replies:2"] {
        assert!(info.contains(line), "{line} in {info}");
    }
    let blpop = info.lines().find(|line| line.starts_with("cmdstat_blpop")).expect("it was called");
    assert!(blpop.contains("calls=1,") && blpop.ends_with("rejected_calls=0,failed_calls=1"), "{blpop}");
}

#[test]
fn a_client_s_calls_are_counted() {
    let mut db = Db::new();
    let client = db.connect();
    db.run_on(client, "ping");
    db.run_on(client, "nosuchcommand");
    assert_eq!(field(&mut db, client, "tot-cmds"), "1");
    assert_eq!(field(&mut db, client, "tot-cmds"), "2");
    db.run_on(client, "BLPOP list 0");
    assert_eq!(db.dispatcher.server.clients.get(client).calls, 3, "one that waits is not over");
    db.is("LPUSH list a", ":1\r\n");
    assert_eq!(db.dispatcher.server.clients.get(client).calls, 4);
}

/// After a call under NO-TOUCH nobody's reads were uses any more: the order of eviction stood still.
#[test]
fn no_touch_of_one_client_held_for_all() {
    let mut db = Db::new();
    let (spy, user) = (db.connect(), db.connect());
    db.is("SET k v", "+OK\r\n");
    assert_eq!(db.run_on(spy, "CLIENT NO-TOUCH ON"), "+OK\r\n");
    db.advance_ms(10_000);
    db.run_on(spy, "GET k");
    db.is("OBJECT IDLETIME k", ":10\r\n");
    db.run_on(user, "GET k");
    db.is("OBJECT IDLETIME k", ":0\r\n");
    db.advance_ms(10_000);
    db.run_on(spy, "MULTI");
    db.run_on(spy, "GET k");
    db.run_on(spy, "EXEC");
    assert_eq!(db.run_on(spy, "CLIENT NO-TOUCH OFF"), "+OK\r\n");
    db.is("OBJECT IDLETIME k", ":10\r\n");
    db.run_on(spy, "GET k");
    db.is("OBJECT IDLETIME k", ":0\r\n");
}

#[test]
fn there_is_no_import_mode() {
    let mut db = Db::new();
    for call in ["CLIENT IMPORT-SOURCE ON", "CLIENT IMPORT-SOURCE x"] {
        db.fails(call, "ERR Server is not in import mode");
    }
}
