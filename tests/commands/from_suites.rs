//! What the Tcl suites of Redis and Valkey ask of the types beside what each group's own file does: found there first, held here.

use crate::harness::{Db, START_MS};
use ferrodis::base::crc::crc64;
use ferrodis::server::config::{OutputClass, Permission};
use ferrodis::structures::listpack::{self, Entry};

fn debuggable() -> Db {
    Db::with(|config| config.enable_debug_command = Permission::Yes)
}

/// SCAN left keys past their deadline where they were.
#[test]
fn scan_removes_the_expired_keys_that_it_meets_whatever_type_it_looks_for() {
    let mut db = debuggable();
    db.run("DEBUG SET-ACTIVE-EXPIRE 0");
    for call in ["SET s v PX 1", "HSET h f v", "PEXPIRE h 1", "SET stays v"] {
        db.run(call);
    }
    db.advance_ms(2);
    db.is("DBSIZE", ":3\r\n");
    db.is("SCAN 0 COUNT 100 MATCH nosuch*", "*2\r\n$1\r\n0\r\n*0\r\n");
    db.is("DBSIZE", ":3\r\n");
    db.is("SCAN 0 COUNT 100 TYPE list", "*2\r\n$1\r\n0\r\n*0\r\n");
    db.is("DBSIZE", ":1\r\n");
    assert_eq!(db.info("expired_keys"), "2");
}

/// INFO said that nobody waits for a key's loss, though XREADGROUP does and BLPOP does not.
#[test]
fn keys_whose_loss_ends_a_wait_are_counted() {
    let mut db = Db::new();
    let (list, stream) = (db.connect(), db.connect());
    let expect = |db: &mut Db, keys: usize, on_loss: usize| {
        assert_eq!(db.info("total_blocking_keys"), keys.to_string());
        assert_eq!(db.info("total_blocking_keys_on_nokey"), on_loss.to_string());
    };
    db.call_on(list, &[b"BLPOP", b"k", b"l", b"0"]);
    expect(&mut db, 2, 0);
    db.run("XGROUP CREATE k g $ MKSTREAM");
    db.call_on(stream, &[b"XREADGROUP", b"GROUP", b"g", b"c", b"BLOCK", b"0", b"STREAMS", b"k", b">"]);
    expect(&mut db, 2, 1);
    db.run("DEL k");
    assert!(db.output_of(stream).starts_with(b"-NOGROUP"));
    expect(&mut db, 2, 0);
}

/// Whoever listened counted as a normal client, in CLIENT LIST and CLIENT KILL.
#[test]
fn clients_that_listen_are_of_a_type_of_their_own() {
    let mut db = Db::new();
    let listening = db.connect();
    db.call_on(listening, &[b"SSUBSCRIBE", b"c"]);
    let listed = |db: &mut Db, kind: &str| db.run(&format!("CLIENT LIST TYPE {kind}")).matches("laddr=").count();
    assert_eq!((listed(&mut db, "normal"), listed(&mut db, "pubsub")), (1, 1));
    db.is("CLIENT KILL TYPE pubsub", ":1\r\n");
}

/// DEBUG LISTPACK refused a hash whose listpack has deadlines; DEBUG HTSTATS-KEY refused every key.
#[test]
fn debug_looks_into_listpacks_with_deadlines_and_into_tables() {
    let mut db = debuggable();
    db.run("HSET h f v");
    db.run("HEXPIRE h 100 FIELDS 1 f");
    db.is_bulk("OBJECT ENCODING h", "listpackex");
    db.is("DEBUG LISTPACK h", "+Listpack structure printed on stdout\r\n");
    db.fails("DEBUG HTSTATS-KEY h", "ERR The value stored at the specified key is not represented using an hash table");
    for directive in ["hash", "set", "zset"] {
        db.run(&format!("CONFIG SET {directive}-max-listpack-entries 0"));
    }
    for fill in ["HSET k a 1 b 2", "SADD k a b", "ZADD k 1 a 2 b"] {
        db.run("DEL k");
        db.run(fill);
        let stats = db.run("DEBUG HTSTATS-KEY k full");
        assert!(stats.contains("table size: 4\n") && stats.contains("number of elements: 2\n"), "{fill}: {stats}");
    }
}

/// DEBUG SET-SKIP-CHECKSUM-VALIDATION meant snapshots only.
#[test]
fn debug_can_make_restore_trust_a_checksum() {
    let mut db = debuggable();
    let payload = b"\x00\x01v\x09\0--------";
    assert_eq!(db.call(&[b"RESTORE", b"k", b"0", payload]), b"-ERR DUMP payload version or checksum are wrong\r\n");
    db.is("DEBUG SET-SKIP-CHECKSUM-VALIDATION 1", "+OK\r\n");
    assert_eq!(db.call(&[b"RESTORE", b"k", b"0", payload]), b"+OK\r\n");
    db.is_bulk("GET k", "v");
}

/// A hash whose deadlines stand in the wrong order was taken and put in order; Redis 8.0 refuses it.
#[test]
fn a_listpack_of_fields_with_deadlines_out_of_order_is_refused() {
    let restored = |deadlines: [i64; 3]| {
        let mut pack = listpack::new();
        for (name, deadline) in ["a", "b", "c"].into_iter().zip(deadlines) {
            listpack::push_back(&mut pack, Entry::Bytes(name.as_bytes()));
            listpack::push_back(&mut pack, Entry::Bytes(b"v"));
            listpack::push_back(&mut pack, Entry::Int(deadline));
        }
        let mut payload = vec![25];
        payload.extend(START_MS.to_le_bytes());
        payload.push(pack.len() as u8);
        payload.extend(pack);
        payload.extend(12u16.to_le_bytes());
        payload.extend(crc64(0, &payload).to_le_bytes());
        String::from_utf8(Db::new().call(&[b"RESTORE", b"h", b"0", &payload])).unwrap()
    };
    let later = |ms: i64| START_MS as i64 + ms;
    assert_eq!(restored([later(1), later(2), 0]), "+OK\r\n");
    assert_eq!(restored([later(5), later(5), later(5)]), "+OK\r\n");
    assert_eq!(restored([later(2), later(1), 0]), "-ERR Bad data format\r\n");
    assert_eq!(restored([later(1), 0, later(2)]), "-ERR Bad data format\r\n");
}

/// Some types refused many draws, others filled a gigabyte; the client's own output limit counted for none.
#[test]
fn a_reply_of_draws_that_breaks_the_clients_limit_ends_the_connection_and_not_the_memory() {
    let mut db = Db::with(|config| {
        config.client_output_buffer_limit[OutputClass::Normal as usize].hard_bytes = 100_000;
    });
    for fill in ["SADD s a", "HSET h a 1", "ZADD z 1 a"] {
        db.run(fill);
    }
    for call in ["SRANDMEMBER s", "HRANDFIELD h", "ZRANDMEMBER z"] {
        assert!(db.run(&format!("{call} -1000")).starts_with("*1000\r\n"), "{call}");
        let before = db.info("client_output_buffer_limit_disconnections");
        let other = db.connect();
        let words: Vec<&[u8]> = call.split(' ').map(str::as_bytes).chain([&b"-999999999"[..]]).collect();
        db.call_on(other, &words);
        assert_ne!(db.info("client_output_buffer_limit_disconnections"), before, "{call}");
        assert_eq!(db.call_on(other, &[b"PING"]), b"", "{call}: it is closed");
    }
}
