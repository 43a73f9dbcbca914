//! What a user may do: each call is judged by commands, keys, channels and databases, when it comes and when it runs.

use crate::acl::{GET_KEY, as_user, no_command, rules_of, with_user};
use crate::harness::Db;

const GET_DATABASE: &str = "-NOPERM No permissions to access database\r\n";
const GET_CHANNEL: &str = "-NOPERM No permissions to access a channel\r\n";

#[test]
fn a_call_needs_its_command() {
    let (mut db, client) = with_user("~* +@read -get +config|get +set|a");
    as_user(&mut db, client, "GET k", &no_command("get"));
    as_user(&mut db, client, "STRLEN k", ":0\r\n");
    as_user(&mut db, client, "SET b 1", &no_command("set"));
    as_user(&mut db, client, "SET A 1", "+OK\r\n");
    assert!(db.run_on(client, "CONFIG GET hz").starts_with("*2\r\n"));
    as_user(&mut db, client, "CONFIG SET hz 10", &no_command("config|set"));
    as_user(&mut db, client, "PING", &no_command("ping"));
    as_user(&mut db, client, "GET", "-ERR wrong number of arguments for 'get' command\r\n");
    as_user(&mut db, client, "RESET", "+RESET\r\n");
    as_user(&mut db, client, "GET k", "$-1\r\n");
}

#[test]
fn a_call_needs_all_of_its_keys_as_its_row_says() {
    let (mut db, client) = with_user("+@all %R~r* %W~w* ~b* nopass");
    for (line, is_denied) in [
        ("GET r1", false),
        ("GET w1", true),
        ("SET w1 x", false),
        ("SET r1 x", true),
        ("SET w1 x GET", true),
        ("SET b1 x GET", false),
        ("APPEND w1 x", false),
        ("INCR w2", true),
        ("STRLEN w1", false),
        ("EXISTS w1 r1", false),
        ("EXISTS w1 x", true),
        ("MGET r1 r2 b1", false),
        ("MGET r1 w1", true),
        ("MSET w1 1 b2 2", false),
        ("MSET w1 1 r1 2", true),
        ("COPY r1 w9", false),
        ("COPY w1 w9", true),
        ("DEL w1 r1", true),
        ("GETDEL b1", false),
        ("BITFIELD r1 GET u8 0", false),
        ("BITFIELD r1 SET u8 0 1", true),
        ("ZUNIONSTORE w8 2 r1 r2", false),
        ("ZUNIONSTORE w8 2 r1 x", true),
        ("ZUNIONSTORE r8 2 r1 r2", true),
        ("GEORADIUS r1 0 0 1 m STORE w7", false),
        ("GEORADIUS r1 0 0 1 m STORE w7 STORE x", true),
        ("GEORADIUS r1 0 0 1 m STOREDIST STORE STORE x", true),
        ("XREAD STREAMS r1 x 0 0", true),
        ("OBJECT ENCODING x", true),
        ("MEMORY USAGE x", true),
        ("KEYS *", false),
    ] {
        let reply = db.run_on(client, line);
        assert_eq!(reply == GET_KEY, is_denied, "{line}: {reply}");
    }
    as_user(&mut db, client, "GET ''", GET_KEY);
}

#[test]
fn sort_reads_by_patterns_only_where_all_keys_may_be_read() {
    let (mut db, client) = with_user("~mylist ~dst +rpush +sort (%R~* +sort_ro)");
    as_user(&mut db, client, "RPUSH mylist 3 1 2", ":3\r\n");
    let denied = |option| format!("-ERR {option} option of SORT denied due to insufficient ACL permissions.\r\n");
    for (line, reply) in [
        ("SORT mylist BY w*", denied("BY")),
        ("SORT mylist GET w*", denied("GET")),
        ("SORT mylist BY nosort GET #", denied("GET")),
        ("SORT mylist ALPHA LIMIT 0 1 BY w* GET v*", denied("BY")),
        ("SORT mylist BY w* foo", denied("BY")),
        ("SORT mylist foo BY w*", "-ERR syntax error\r\n".into()),
        ("SORT mylist LIMIT a b BY w*", "-ERR value is not an integer or out of range\r\n".into()),
        ("SORT mylist BY nosort", "*3\r\n$1\r\n3\r\n$1\r\n1\r\n$1\r\n2\r\n".into()),
        ("SORT mylist STORE x", GET_KEY.into()),
        ("SORT mylist STORE dst", ":3\r\n".into()),
        ("SORT x BY w*", GET_KEY.into()),
        ("SORT_RO mylist BY w* LIMIT 0 1", "*1\r\n$1\r\n1\r\n".into()),
    ] {
        as_user(&mut db, client, line, &reply);
    }
    db.is_bulk("ACL DRYRUN u sort mylist by w*", "User u has no permissions to access the 'w*' key");
}

#[test]
fn a_call_needs_all_of_its_channels() {
    let (mut db, client) = with_user("+@all ~* &a* &b:1");
    for (line, is_denied) in [
        ("PUBLISH a1 x", false),
        ("PUBLISH c x", true),
        ("SPUBLISH a1 x", false),
        ("SPUBLISH c x", true),
        ("PSUBSCRIBE a*", false),
        ("PSUBSCRIBE a1", true),
        ("PSUBSCRIBE b:1 a?", true),
        ("SUBSCRIBE a1 b:1", false),
        ("SUBSCRIBE a1 c", true),
        ("SSUBSCRIBE c", true),
        ("SSUBSCRIBE a2", false),
        ("UNSUBSCRIBE c", false),
        ("PUNSUBSCRIBE c", false),
    ] {
        let reply = db.run_on(client, line);
        assert_eq!(reply == GET_CHANNEL, is_denied, "{line}: {reply}");
    }
}

#[test]
fn a_call_needs_its_database_and_those_that_it_names() {
    let (mut db, client) = with_user("+@all ~* &* db=1,3");
    for (line, is_denied) in [
        ("GET k", true),
        ("DBSIZE", true),
        ("SCAN 0", true),
        ("PING", false),
        ("PUBLISH c x", false),
        ("SELECT 0", true),
        ("SELECT 1", false),
        ("GET k", false),
        ("SET k v", false),
        ("MOVE k 0", true),
        ("MOVE k 3", false),
        ("COPY k j DB 2", true),
        ("COPY k j DB 3", false),
        ("COPY k j DB 3 DB 2", true),
        ("SWAPDB 1 2", true),
        ("SWAPDB 1 3", false),
        ("FLUSHALL", true),
        ("FLUSHDB", false),
        ("SELECT x", false),
        ("MULTI", false),
        ("SELECT 2", true),
    ] {
        let reply = db.run_on(client, line);
        assert_eq!(reply == GET_DATABASE, is_denied, "{line}: {reply}");
    }
    db.run("ACL SETUSER u resetdbs");
    as_user(&mut db, client, "DISCARD", "+OK\r\n");
    as_user(&mut db, client, "GET k", GET_DATABASE);
    db.run("ACL SETUSER u db=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15");
    as_user(&mut db, client, "FLUSHALL", "+OK\r\n");
    db.run("ACL SETUSER u alldbs");
    assert_eq!(rules_of(&mut db, "u"), "on nopass sanitize-payload ~* &* +@all");
    assert_eq!(db.dispatcher.server.clients.get(client).raised & ferrodis::server::gates::ACL, 0);
}

#[test]
fn one_selector_must_let_all_of_a_call_pass() {
    let (mut db, client) = with_user("+mget ~a (+mget ~b) (+set ~a)");
    for (line, reply) in [
        ("MGET a", "*1\r\n$-1\r\n"),
        ("MGET b", "*1\r\n$-1\r\n"),
        ("MGET a b", GET_KEY),
        ("SET a 1", "+OK\r\n"),
        ("SET b 1", GET_KEY),
    ] {
        as_user(&mut db, client, line, reply);
    }
    db.run("ACL SETUSER u clearselectors");
    as_user(&mut db, client, "SET a 1", &no_command("set"));
}

#[test]
fn dryrun_says_what_is_missing() {
    let mut db = Db::new();
    db.run("ACL SETUSER u +get +publish +select +flushall ~a db=0 '(+set ~b)'");
    for (call, answer) in [
        ("get a", None),
        ("get b", Some("access the 'b' key")),
        ("set b 1", None),
        ("incr a", Some("run the 'incr' command")),
        ("config set a b", Some("run the 'config|set' command")),
        ("publish c x", Some("access the 'c' channel")),
        ("select 3", Some("access database 3")),
        ("flushall", Some("access database 1")),
        ("auth x y", None),
    ] {
        let line = format!("ACL DRYRUN u {call}");
        match answer {
            None => db.is(&line, "+OK\r\n"),
            Some(what) => db.is_bulk(&line, &format!("User u has no permissions to {what}")),
        }
    }
}

#[test]
fn a_transaction_is_judged_when_it_is_queued_and_when_it_runs() {
    let (mut db, client) = with_user("+@all -flushall ~a");
    for (line, reply) in [
        ("MULTI", "+OK\r\n".to_string()),
        ("GET b", GET_KEY.into()),
        ("EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n".into()),
        ("MULTI", "+OK\r\n".into()),
        ("SET a 1", "+QUEUED\r\n".into()),
        ("GET a", "+QUEUED\r\n".into()),
    ] {
        as_user(&mut db, client, line, &reply);
    }
    db.run("ACL SETUSER u -set resetkeys ~b");
    let changed = "-NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no \
                   longer allowed for the following reason:";
    let (command, key) =
        ("no permission to execute the command or subcommand", "no permission to touch the specified keys");
    as_user(&mut db, client, "EXEC", &format!("*2\r\n{changed} {command}\r\n{changed} {key}\r\n"));
    db.run("ACL SETUSER u -exec");
    as_user(&mut db, client, "MULTI", "+OK\r\n");
    let denied = no_command("exec").replace("-NOPERM", "-EXECABORT Transaction discarded because of: NOPERM");
    as_user(&mut db, client, "EXEC", &denied);
    as_user(&mut db, client, "GET b", "$-1\r\n");
}

#[test]
fn a_call_that_waited_is_judged_again() {
    let (mut db, client) = with_user("+@all ~list");
    as_user(&mut db, client, "BLPOP list 0", "");
    db.run("ACL SETUSER u resetkeys");
    db.is("RPUSH list x", ":1\r\n");
    assert_eq!(db.output_of(client), GET_KEY.as_bytes());
    db.is("LLEN list", ":1\r\n");
    let stats = db.run("INFO commandstats");
    assert!(
        stats.contains("cmdstat_blpop:calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0"),
        "{stats}"
    );
}

#[test]
fn a_call_that_waits_counts_when_it_is_answered() {
    let mut db = Db::new();
    let client = db.connect();
    as_user(&mut db, client, "BLPOP list 1", "");
    assert!(!db.run("INFO commandstats").contains("cmdstat_blpop"));
    db.advance_ms(1001);
    assert_eq!(db.output_of(client), b"*-1\r\n");
    assert!(db.run("INFO commandstats").contains("cmdstat_blpop:calls=1,"));
    as_user(&mut db, client, "BLPOP list 0", "");
    db.run("RPUSH list x");
    assert!(db.run("INFO commandstats").contains("cmdstat_blpop:calls=2,"));
}
