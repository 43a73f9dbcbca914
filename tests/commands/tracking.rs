//! Client-side caching: who hears of which changes, when, and in which words.

use crate::harness::Db;
use ferrodis::server::clients::ClientIndex;

/// Sends calls in one piece.
fn pipeline(db: &mut Db, client: ClientIndex, lines: &[&str]) -> String {
    let input: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    db.dispatcher.run(client, input.as_bytes(), &mut Default::default());
    db.heard(client)
}

fn array(keys: &[&str]) -> String {
    let bulks: String = keys.iter().map(|key| format!("${}\r\n{key}\r\n", key.len())).collect();
    format!("*{}\r\n{bulks}", keys.len())
}

fn push(keys: &[&str]) -> String {
    format!(">2\r\n$10\r\ninvalidate\r\n{}", array(keys))
}

const EVERYTHING: &str = ">2\r\n$10\r\ninvalidate\r\n_\r\n";

/// A client that speaks RESP3 and has said `CLIENT TRACKING` with these words.
fn tracker(db: &mut Db, words: &str) -> ClientIndex {
    let client = db.connect();
    db.run_on(client, "hello 3");
    assert_eq!(db.run_on(client, &format!("client tracking {words}")), "+OK\r\n");
    client
}

#[test]
fn who_has_read_a_key_hears_of_its_next_change_and_of_no_other() {
    let mut db = Db::new();
    let (a, b) = (tracker(&mut db, "on"), tracker(&mut db, "on"));
    db.run_on(a, "get x");
    db.run_on(a, "mget x y");
    db.run_on(b, "exists y");
    db.is("set x 1", "+OK\r\n");
    db.is("set x 2", "+OK\r\n");
    db.is("mset y 1 z 1", "+OK\r\n");
    assert_eq!(db.heard(a), push(&["x"]) + &push(&["y"]));
    assert_eq!(db.heard(b), push(&["y"]));
    db.run_on(a, "set x 3");
    db.is("set x 4", "+OK\r\n");
    assert_eq!(db.heard(a), "", "what is written is not read");
}

#[test]
fn what_a_call_tells_its_own_client_stands_behind_the_answer_and_behind_exec_s() {
    let mut db = Db::new();
    let a = tracker(&mut db, "on");
    let replies = pipeline(&mut db, a, &["GET x", "SET x 1", "GET x", "PING"]);
    assert_eq!(replies, format!("_\r\n+OK\r\n{}$1\r\n1\r\n+PONG\r\n", push(&["x"])));
    let replies = pipeline(&mut db, a, &["MULTI", "GET y", "SET x 2", "SET y 2", "EXEC", "PING"]);
    let queued = "+QUEUED\r\n".repeat(3);
    let answers = "*3\r\n_\r\n+OK\r\n+OK\r\n";
    assert_eq!(replies, format!("+OK\r\n{queued}{answers}{}{}+PONG\r\n", push(&["x"]), push(&["y"])));
}

#[test]
fn a_message_to_oneself_stands_behind_the_answer_to_publish() {
    let mut db = Db::new();
    let a = db.connect();
    let replies = pipeline(&mut db, a, &["HELLO 3", "SUBSCRIBE c", "PUBLISH c hi", "PING"]);
    assert!(replies.ends_with(":1\r\n>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n+PONG\r\n"), "{replies}");
}

#[test]
fn invalidations_are_heard_while_replies_are_off() {
    let mut db = Db::new();
    let a = tracker(&mut db, "on");
    assert_eq!(pipeline(&mut db, a, &["GET x", "CLIENT REPLY OFF"]), "_\r\n");
    assert_eq!(pipeline(&mut db, a, &["SET x 1", "PING"]), push(&["x"]));
}

#[test]
fn expiry_eviction_and_flushes_invalidate() {
    let mut db = Db::new();
    let a = tracker(&mut db, "on");
    db.is("set x 1 px 10", "+OK\r\n");
    db.run_on(a, "get x");
    db.advance_ms(20);
    assert_eq!(db.heard(a), push(&["x"]));
    db.is("set y 1", "+OK\r\n");
    db.run_on(a, "get y");
    db.is("config set maxmemory 1 maxmemory-policy allkeys-lru", "+OK\r\n");
    db.advance_ms(1);
    assert_eq!(db.heard(a), push(&["y"]));
    db.is("config set maxmemory 0", "+OK\r\n");
    db.run_on(a, "get z");
    db.is("flushdb", "+OK\r\n");
    db.is("flushall async", "+OK\r\n");
    db.is("set z 1", "+OK\r\n");
    assert_eq!(db.heard(a), EVERYTHING.repeat(2), "a flush forgets all keys");
    db.run_on(a, "get z");
    db.is("swapdb 0 1", "+OK\r\n");
    assert_eq!(db.heard(a), "", "as in Redis");
}

#[test]
fn reads_are_chosen_by_optin_and_optout() {
    let mut db = Db::new();
    let a = tracker(&mut db, "on optin");
    pipeline(&mut db, a, &["GET x", "CLIENT CACHING YES", "GET y", "GET z"]);
    pipeline(&mut db, a, &["CLIENT CACHING YES", "PING", "GET p"]);
    pipeline(&mut db, a, &["CLIENT CACHING YES", "NOSUCH", "GET q"]);
    pipeline(&mut db, a, &["CLIENT CACHING YES", "CLIENT ID", "GET r"]);
    pipeline(&mut db, a, &["CLIENT CACHING YES", "MULTI", "GET s", "EXEC", "GET t"]);
    db.is("mset x 1 y 1 z 1 p 1 q 1 r 1 s 1 t 1", "+OK\r\n");
    assert_eq!(db.heard(a), push(&["y"]) + &push(&["r"]) + &push(&["s"]));
    let b = tracker(&mut db, "on optout");
    pipeline(&mut db, b, &["GET x", "CLIENT CACHING NO", "GET y"]);
    db.is("mset x 2 y 2", "+OK\r\n");
    assert_eq!(db.heard(b), push(&["x"]));
}

#[test]
fn under_noloop_own_changes_are_not_heard_of() {
    let mut db = Db::new();
    let a = tracker(&mut db, "on noloop");
    assert_eq!(pipeline(&mut db, a, &["GET x", "SET x 1"]), "_\r\n+OK\r\n");
    db.is("set x 2", "+OK\r\n");
    assert_eq!(db.heard(a), "", "its own change has ended the watch");
    db.run_on(a, "get x");
    db.is("set x 3", "+OK\r\n");
    assert_eq!(db.heard(a), push(&["x"]));
}

#[test]
fn prefixes_are_told_of_once_a_round_in_order() {
    let mut db = Db::new();
    let (all, some) = (tracker(&mut db, "on bcast"), tracker(&mut db, "on bcast noloop prefix user: prefix job:"));
    for line in ["set user:2 1", "set user:1 1", "set other 1", "set user:2 2"] {
        db.is(line, "+OK\r\n");
    }
    db.run_on(some, "set job:1 1");
    db.run_on(some, "set user:1 3");
    assert_eq!((db.heard(all), db.heard(some)), (String::new(), String::new()));
    db.advance_ms(0);
    assert_eq!(db.heard(all), push(&["job:1", "other", "user:1", "user:2"]));
    assert_eq!(db.heard(some), push(&["user:2"]), "but for what it changed itself");
    db.run_on(some, "client tracking off");
    db.is("set user:1 4", "+OK\r\n");
    db.advance_ms(0);
    assert_eq!(db.heard(some), "");
}

#[test]
fn in_resp2_another_connection_hears() {
    let mut db = Db::new();
    let (a, listener) = (db.connect(), db.connect());
    let id = db.run_on(listener, "client id").trim_start_matches(':').trim().to_string();
    db.run_on(listener, "subscribe __redis__:invalidate");
    assert_eq!(db.run_on(a, &format!("client tracking on redirect {id}")), "+OK\r\n");
    assert_eq!(db.run_on(a, "client getredir"), format!(":{id}\r\n"));
    db.run_on(a, "get x");
    db.is("set x 1", "+OK\r\n");
    let message = format!("*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n{}", array(&["x"]));
    assert_eq!(db.heard(listener), message);
    db.is("flushall", "+OK\r\n");
    assert!(db.heard(listener).ends_with("invalidate\r\n$-1\r\n"));
    assert_eq!(db.heard(a), "");
}

#[test]
fn a_broken_redirect_is_told_to_who_set_it_up() {
    let mut db = Db::new();
    let (a, listener) = (db.connect(), db.connect());
    let id = db.run_on(listener, "client id").trim_start_matches(':').trim().to_string();
    db.run_on(a, "hello 3");
    db.run_on(a, &format!("client tracking on redirect {id}"));
    db.run_on(a, "get x");
    db.dispatcher.server.clients.remove(listener);
    let newcomer = db.connect();
    assert_eq!(newcomer, listener, "in the place of the one that has gone");
    db.is("set x 1", "+OK\r\n");
    assert_eq!(db.heard(a), format!(">2\r\n$21\r\ntracking-redir-broken\r\n:{id}\r\n"));
    assert!(db.run_on(a, "client trackinginfo").contains("broken_redirect"));
    assert!(db.run_on(a, "client list").contains("flags=tR "));
    assert_eq!(db.heard(newcomer), "");
}

#[test]
fn a_table_that_is_full_forgets_keys_and_says_so() {
    let mut db = Db::new();
    let a = tracker(&mut db, "on");
    db.is("config set tracking-table-max-keys 2", "+OK\r\n");
    db.run_on(a, "get x");
    db.run_on(a, "get y");
    let replies = db.run_on(a, "get z");
    let told = ["x", "y", "z"].map(|key| replies.matches(&push(&[key])).count());
    assert_eq!(told.iter().sum::<usize>(), 1, "{replies}");
    for i in 0..3000 {
        db.dispatcher.server.config.tracking_table_max_keys = 0;
        db.run_on(a, &format!("get key:{i}"));
    }
    assert_eq!(db.info("tracking_total_keys"), "3002");
    db.is("config set tracking-table-max-keys 10", "+OK\r\n");
    for _ in 0..30 {
        db.advance_ms(1);
    }
    assert_eq!(db.info("tracking_total_keys"), "10");
    assert_eq!(db.heard(a).matches("invalidate").count(), 2992);
}

#[test]
fn what_is_remembered_ends_with_those_who_have_read() {
    let mut db = Db::new();
    let (a, b) = (tracker(&mut db, "on"), tracker(&mut db, "on bcast prefix p"));
    db.run_on(a, "mget x y");
    let fields = ["tracking_clients", "tracking_total_keys", "tracking_total_items", "tracking_total_prefixes"];
    assert_eq!(fields.map(|field| db.info(field)), ["2", "2", "2", "1"]);
    assert_eq!(db.run_on(a, "client tracking off"), "+OK\r\n");
    assert_eq!(fields.map(|field| db.info(field)), ["1", "2", "2", "1"]);
    db.is("set x 1", "+OK\r\n");
    assert_eq!(db.heard(a), "");
    db.run_on(a, "client tracking on");
    db.is("set y 1", "+OK\r\n");
    assert_eq!(db.heard(a), push(&["y"]), "switched on again, it hears of what it read before");
    db.run_on(a, "get z");
    db.dispatcher.server.clients.remove(a);
    db.dispatcher.server.clients.remove(b);
    assert_eq!(fields.map(|field| db.info(field)), ["0"; 4]);
    assert!(!db.dispatcher.server.clients.observed);
}

#[test]
fn reset_ends_it() {
    let mut db = Db::new();
    let a = tracker(&mut db, "on bcast prefix p");
    assert_eq!(db.run_on(a, "reset"), "+RESET\r\n");
    assert_eq!(db.run_on(a, "client trackinginfo"), info(&["off"], -1, &[]));
}

fn info(flags: &[&str], redirect: i64, prefixes: &[&str]) -> String {
    let parts = [array(flags), format!("$8\r\nredirect\r\n:{redirect}\r\n$8\r\nprefixes\r\n"), array(prefixes)];
    format!("*6\r\n$5\r\nflags\r\n{}", parts.concat())
}

#[test]
fn trackinginfo_tells_what_was_set_up() {
    let mut db = Db::new();
    db.is("client trackinginfo", &info(&["off"], -1, &[]));
    db.is("client getredir", ":-1\r\n");
    db.is("client tracking on noloop optin", "+OK\r\n");
    db.is("client caching yes", "+OK\r\n");
    db.is("client trackinginfo", &info(&["on", "optin", "caching-yes", "noloop"], 0, &[]));
    db.is("client tracking off", "+OK\r\n");
    db.is("client tracking on bcast prefix b prefix a", "+OK\r\n");
    db.is("client tracking on bcast prefix c", "+OK\r\n");
    db.is("client trackinginfo", &info(&["on", "bcast"], 0, &["a", "b", "c"]));
}

#[test]
fn words_that_do_not_go_together_are_refused() {
    let mut db = Db::new();
    let switch = |what| {
        format!(
            "ERR You can't switch {what} before disabling tracking for this client, and then re-enabling it with a different mode."
        )
    };
    let overlap = |a, kind, b| {
        format!("ERR Prefix '{a}' overlaps with {kind} prefix '{b}'. Prefixes for a single client must not overlap.")
    };
    db.fails("client tracking maybe", "ERR syntax error");
    db.fails("client tracking on redirect", "ERR syntax error");
    db.fails("client tracking on redirect 99", "ERR The client ID you want redirect to does not exist");
    db.fails("client tracking on redirect 1 redirect 1", "ERR A client can only redirect to a single other client");
    db.fails("client tracking on redirect x", "ERR value is not an integer or out of range");
    db.fails("client tracking on prefix a", "ERR PREFIX option requires BCAST mode to be enabled");
    db.fails("client tracking on bcast optin", "ERR OPTIN and OPTOUT are not compatible with BCAST");
    db.fails("client tracking on optin optout", "ERR You can't specify both OPTIN mode and OPTOUT mode");
    db.fails("client tracking on bcast prefix a prefix ab", &overlap("a", "another provided", "ab"));
    db.fails(
        "client caching yes",
        "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled",
    );
    db.is("client tracking on optin", "+OK\r\n");
    db.fails("client caching no", "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
    db.fails("client caching maybe", "ERR syntax error");
    db.fails("client tracking on optout", &switch("OPTIN/OPTOUT mode"));
    db.fails("client tracking on bcast", &switch("BCAST mode on/off"));
    db.is("client tracking off", "+OK\r\n");
    db.is("client tracking on bcast prefix foo", "+OK\r\n");
    db.fails("client tracking on bcast prefix fo", &overlap("fo", "an existing", "foo"));
}
