//! Channels, and what happens to keys as messages.

use crate::harness::Db;

fn message(words: &[&str]) -> String {
    let bulks: String = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len())).collect();
    format!("*{}\r\n{bulks}", words.len())
}

#[test]
fn listeners_hear_what_is_published() {
    let mut db = Db::new();
    let (a, b) = (db.connect(), db.connect());
    let confirmed = "*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\ny\r\n:2\r\n";
    assert_eq!(db.run_on(a, "subscribe x y"), confirmed);
    assert_eq!(db.run_on(b, "psubscribe x*"), "*3\r\n$10\r\npsubscribe\r\n$2\r\nx*\r\n:1\r\n");
    db.is("publish x hello", ":2\r\n");
    db.is("publish z hello", ":0\r\n");
    assert_eq!(db.heard(a), message(&["message", "x", "hello"]));
    assert_eq!(db.heard(b), message(&["pmessage", "x*", "x", "hello"]));
    db.is("pubsub channels", "*2\r\n$1\r\nx\r\n$1\r\ny\r\n");
    db.is("pubsub channels y*", "*1\r\n$1\r\ny\r\n");
    db.is("pubsub numsub x nobody", "*4\r\n$1\r\nx\r\n:1\r\n$6\r\nnobody\r\n:0\r\n");
    db.is("pubsub numpat", ":1\r\n");
    let ended = "*3\r\n$11\r\nunsubscribe\r\n$1\r\nx\r\n:1\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\ny\r\n:0\r\n";
    assert_eq!(db.run_on(a, "unsubscribe"), ended);
    assert_eq!(db.run_on(a, "unsubscribe"), "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n");
    assert_eq!(db.run_on(a, "get k"), "$-1\r\n");
}

#[test]
fn shard_channels_are_apart() {
    let mut db = Db::new();
    let a = db.connect();
    assert_eq!(db.run_on(a, "ssubscribe x"), "*3\r\n$10\r\nssubscribe\r\n$1\r\nx\r\n:1\r\n");
    db.is("publish x 1", ":0\r\n");
    db.is("spublish x 1", ":1\r\n");
    assert_eq!(db.heard(a), message(&["smessage", "x", "1"]));
    db.is("pubsub shardchannels", "*1\r\n$1\r\nx\r\n");
    db.is("pubsub shardnumsub x", "*2\r\n$1\r\nx\r\n:1\r\n");
}

#[test]
fn a_listener_in_resp2_may_do_little_else_and_one_in_resp3_all() {
    let mut db = Db::new();
    let a = db.connect();
    db.run_on(a, "subscribe x");
    assert_eq!(
        db.run_on(a, "client id"),
        "-ERR Can't execute 'client|id': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n"
    );
    assert_eq!(db.run_on(a, "ping"), message(&["pong", ""]));
    assert_eq!(db.run_on(a, "ping hi"), message(&["pong", "hi"]));
    assert_eq!(db.run_on(a, "reset"), "+RESET\r\n");
    db.run_on(a, "hello 3");
    assert_eq!(db.run_on(a, "subscribe x"), ">3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n");
    assert_eq!(db.run_on(a, "publish x me"), ":1\r\n>3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$2\r\nme\r\n");
}

#[test]
fn a_large_message_reaches_all_whole() {
    let mut db = Db::new();
    let (a, b) = (db.connect(), db.connect());
    db.run_on(a, "subscribe x");
    db.run_on(b, "hello 3");
    db.run_on(b, "subscribe x");
    let large = "m".repeat(100_000);
    db.is(&format!("publish x {large}"), ":2\r\n");
    assert_eq!(db.heard(a), message(&["message", "x", &large]));
    assert_eq!(db.heard(b), message(&["message", "x", &large]).replacen('*', ">", 1));
}

#[test]
fn events_of_keys_are_published_by_class() {
    let mut db = Db::new();
    let a = db.connect();
    db.run_on(a, "psubscribe __key*");
    let event = |key: &str, name: &str| {
        message(&["pmessage", "__key*", &format!("__keyspace@0__:{key}"), name])
            + &message(&["pmessage", "__key*", &format!("__keyevent@0__:{name}"), key])
    };
    db.is("set k v", "+OK\r\n");
    assert_eq!(db.heard(a), "", "off by default");
    db.is("config set notify-keyspace-events KEAnm", "+OK\r\n");
    db.is("set k v ex 1", "+OK\r\n");
    assert_eq!(db.heard(a), event("k", "set") + &event("k", "expire"));
    db.is("set new v", "+OK\r\n");
    assert!(db.heard(a).contains(&event("new", "new")));
    db.is("get nobody", "$-1\r\n");
    assert_eq!(db.heard(a), event("nobody", "keymiss"));
    db.is("object encoding nobody", "$-1\r\n");
    assert_eq!(db.heard(a), "", "as in Redis, though it is counted");
    // Each key's birth was told before all that happened to any of them, and before what was asked for in vain.
    db.is("mset k v one 1 two 2", "+OK\r\n");
    let born = |key: &str| event(key, "new") + &event(key, "set");
    assert_eq!(db.heard(a), event("k", "set") + &born("one") + &born("two"));
    db.is("rename one four", "+OK\r\n");
    assert_eq!(db.heard(a), event("four", "new") + &event("one", "rename_from") + &event("four", "rename_to"));
    db.is("set k v ex 1", "+OK\r\n");
    db.is("getset three 3", "$-1\r\n");
    assert_eq!(db.heard(a), event("k", "set") + &event("k", "expire") + &event("three", "keymiss") + &born("three"));
    db.clock.advance_ms(1001);
    db.dispatcher.tick();
    assert_eq!(db.heard(a), event("k", "expired"));
    db.is("config set notify-keyspace-events Kg", "+OK\r\n");
    db.is("append new x", ":2\r\n");
    db.is("del new", ":1\r\n");
    assert_eq!(db.heard(a), message(&["pmessage", "__key*", "__keyspace@0__:new", "del"]));
}
