//! Channels, and what happens to keys as messages.

use crate::harness::Db;
use ferrodis::server::clients::ClientIndex;

fn call(db: &mut Db, client: ClientIndex, line: &str) -> String {
    let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
    String::from_utf8(db.call_on(client, &words)).unwrap()
}

fn heard(db: &mut Db, client: ClientIndex) -> String {
    String::from_utf8(db.output_of(client)).unwrap()
}

fn message(words: &[&str]) -> String {
    let bulks: String = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len())).collect();
    format!("*{}\r\n{bulks}", words.len())
}

#[test]
fn listeners_hear_what_is_published() {
    let mut db = Db::new();
    let (a, b) = (db.connect(), db.connect());
    let confirmed = "*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\ny\r\n:2\r\n";
    assert_eq!(call(&mut db, a, "subscribe x y"), confirmed);
    assert_eq!(call(&mut db, b, "psubscribe x*"), "*3\r\n$10\r\npsubscribe\r\n$2\r\nx*\r\n:1\r\n");
    db.is("publish x hello", ":2\r\n");
    db.is("publish z hello", ":0\r\n");
    assert_eq!(heard(&mut db, a), message(&["message", "x", "hello"]));
    assert_eq!(heard(&mut db, b), message(&["pmessage", "x*", "x", "hello"]));
    db.is("pubsub channels", "*2\r\n$1\r\nx\r\n$1\r\ny\r\n");
    db.is("pubsub channels y*", "*1\r\n$1\r\ny\r\n");
    db.is("pubsub numsub x nobody", "*4\r\n$1\r\nx\r\n:1\r\n$6\r\nnobody\r\n:0\r\n");
    db.is("pubsub numpat", ":1\r\n");
    let ended = "*3\r\n$11\r\nunsubscribe\r\n$1\r\nx\r\n:1\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\ny\r\n:0\r\n";
    assert_eq!(call(&mut db, a, "unsubscribe"), ended);
    assert_eq!(call(&mut db, a, "unsubscribe"), "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n");
    assert_eq!(call(&mut db, a, "get k"), "$-1\r\n");
}

#[test]
fn shard_channels_are_apart() {
    let mut db = Db::new();
    let a = db.connect();
    assert_eq!(call(&mut db, a, "ssubscribe x"), "*3\r\n$10\r\nssubscribe\r\n$1\r\nx\r\n:1\r\n");
    db.is("publish x 1", ":0\r\n");
    db.is("spublish x 1", ":1\r\n");
    assert_eq!(heard(&mut db, a), message(&["smessage", "x", "1"]));
    db.is("pubsub shardchannels", "*1\r\n$1\r\nx\r\n");
    db.is("pubsub shardnumsub x", "*2\r\n$1\r\nx\r\n:1\r\n");
}

#[test]
fn a_listener_in_resp2_may_do_little_else_and_one_in_resp3_all() {
    let mut db = Db::new();
    let a = db.connect();
    call(&mut db, a, "subscribe x");
    assert_eq!(
        call(&mut db, a, "client id"),
        "-ERR Can't execute 'client|id': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n"
    );
    assert_eq!(call(&mut db, a, "ping"), message(&["pong", ""]));
    assert_eq!(call(&mut db, a, "ping hi"), message(&["pong", "hi"]));
    assert_eq!(call(&mut db, a, "reset"), "+RESET\r\n");
    call(&mut db, a, "hello 3");
    assert_eq!(call(&mut db, a, "subscribe x"), ">3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n");
    assert_eq!(call(&mut db, a, "publish x me"), ":1\r\n>3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$2\r\nme\r\n");
}

#[test]
fn a_large_message_reaches_all_whole() {
    let mut db = Db::new();
    let (a, b) = (db.connect(), db.connect());
    call(&mut db, a, "subscribe x");
    call(&mut db, b, "hello 3");
    call(&mut db, b, "subscribe x");
    let large = "m".repeat(100_000);
    db.is(&format!("publish x {large}"), ":2\r\n");
    assert_eq!(heard(&mut db, a), message(&["message", "x", &large]));
    assert_eq!(heard(&mut db, b), message(&["message", "x", &large]).replacen('*', ">", 1));
}

#[test]
fn events_of_keys_are_published_by_class() {
    let mut db = Db::new();
    let a = db.connect();
    call(&mut db, a, "psubscribe __key*");
    let event = |key: &str, name: &str| {
        message(&["pmessage", "__key*", &format!("__keyspace@0__:{key}"), name])
            + &message(&["pmessage", "__key*", &format!("__keyevent@0__:{name}"), key])
    };
    db.is("set k v", "+OK\r\n");
    assert_eq!(heard(&mut db, a), "", "off by default");
    db.is("config set notify-keyspace-events KEAnm", "+OK\r\n");
    db.is("set k v ex 1", "+OK\r\n");
    assert_eq!(heard(&mut db, a), event("k", "set") + &event("k", "expire"));
    db.is("set new v", "+OK\r\n");
    assert!(heard(&mut db, a).contains(&event("new", "new")));
    db.is("get nobody", "$-1\r\n");
    assert_eq!(heard(&mut db, a), event("nobody", "keymiss"));
    db.clock.advance_ms(1001);
    db.dispatcher.tick();
    assert_eq!(heard(&mut db, a), event("k", "expired"));
    db.is("config set notify-keyspace-events Kg", "+OK\r\n");
    db.is("append new x", ":2\r\n");
    db.is("del new", ":1\r\n");
    assert_eq!(heard(&mut db, a), message(&["pmessage", "__key*", "__keyspace@0__:new", "del"]));
}

/// LTRIM that removes nothing changes nothing to be logged, but is told. It was told with the next change, and broke no watch.
#[test]
fn a_trim_that_removed_nothing_was_told_too_late() {
    let mut db = Db::new();
    db.is("config set notify-keyspace-events Kl", "+OK\r\n");
    db.is("rpush list a b", ":2\r\n");
    let (listener, watcher) = (db.connect(), db.connect());
    db.call_on(listener, &[b"subscribe", b"__keyspace@0__:list"]);
    db.call_on(watcher, &[b"watch", b"list"]);
    let dirty = db.dispatcher.server.dirty;
    db.is("ltrim list 0 -1", "+OK\r\n");
    assert_eq!(heard(&mut db, listener), message(&["message", "__keyspace@0__:list", "ltrim"]));
    assert_eq!(db.dispatcher.server.dirty, dirty);
    db.call_on(watcher, &[b"multi"]);
    assert_eq!(db.call_on(watcher, &[b"exec"]), b"*-1\r\n");
}
