//! Strings.

use crate::harness::{Db, START_MS};
use ferrodis::base::quote::split_args;
use ferrodis::commands::args::Args;
use ferrodis::commands::context::{DataContext, Limits, Waiting};
use ferrodis::commands::effects::{Effects, Propagation};
use ferrodis::commands::registry;
use ferrodis::commands::row::Run;
use ferrodis::formats::rdb::ChecksumCheck;
use ferrodis::formats::resp::reply::Reply;
use ferrodis::formats::resp::request::Range;
use ferrodis::keyspace::database::Expiry;
use ferrodis::values::{Owned, tag};

pub(crate) const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";
const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";
const SYNTAX: &str = "ERR syntax error";

/// Puts a value that is no string at a key.
pub(crate) fn put_something_else(db: &mut Db, key: &[u8]) {
    let value = Owned::Inline(tag::LIST, Vec::new());
    db.dispatcher.server.keyspace.db(0).put(key, value, Expiry::Clear).unwrap();
}

/// What the log gets of a call: its own words as `=`, nothing as an empty text, calls instead of it parted by `;`.
pub(crate) fn logged(db: &mut Db, line: &str) -> String {
    let words = split_args(line.as_bytes()).unwrap();
    let buffer = words.concat();
    let mut end = 0;
    let range = |word: &Vec<u8>| {
        let start = end;
        end += word.len() as u32;
        Range { start, end }
    };
    let ranges: Vec<Range> = words.iter().map(range).collect();
    let mut args = Args::new(&buffer, &ranges, &mut [], None, true);
    let server = &mut db.dispatcher.server;
    let now = server.now();
    let database = server.keyspace.db(0);
    (database.now, _) = (now, database.forget_hash());
    let mut effects = Effects::default();
    let mut cx = DataContext {
        db: database,
        db_number: 0,
        reply: &mut Reply::default(),
        effects: &mut effects,
        limits: Limits { string_bytes: 512 << 20, reply_bytes: 1 << 30, checksum: ChecksumCheck::Verify },
        encodings: &server.encodings,
        waiting: Waiting::Never,
        is_replayed: false,
        random: &mut server.random,
    };
    let subcommand = words.get(1).and_then(|word| registry::find_full(&[&words[0], &b"|"[..], word].concat()));
    let command = registry::all()[subcommand.or_else(|| registry::find(&words[0])).unwrap()].command;
    let Run::Data(run) = command.run else { panic!("{line} is no command on data") };
    run(&mut cx, &mut args).unwrap();
    let shown = |call: Vec<Vec<u8>>| String::from_utf8(call.join(&b' ')).unwrap();
    match effects.propagation {
        Propagation::AsReceived if effects.dirty == 0 => String::new(),
        Propagation::AsReceived | Propagation::Always => "=".into(),
        Propagation::Instead(calls) => calls.into_iter().map(shown).collect::<Vec<_>>().join("; "),
    }
}

#[test]
fn get_gives_what_set_put_there() {
    let mut db = Db::new();
    db.is("GET k", "$-1\r\n");
    db.is("SET k hello", "+OK\r\n");
    db.is_bulk("GET k", "hello");
    db.is("set k 12", "+OK\r\n");
    db.is_bulk("GET k", "12");
    db.is("STRLEN k", ":2\r\n");
    db.is("STRLEN nosuch", ":0\r\n");
    db.is("GETSET k new", "$2\r\n12\r\n");
    db.is_bulk("GETDEL k", "new");
    db.is("GETDEL k", "$-1\r\n");
}

#[test]
fn wrong_types_are_refused_by_all_that_read() {
    let mut db = Db::new();
    put_something_else(&mut db, b"other");
    for line in [
        "GET other",
        "STRLEN other",
        "GETDEL other",
        "GETEX other EX 0",
        "GETSET other v",
        "SET other v GET",
        "SET other v NX GET",
        "SET other v IFEQ x",
        "DELIFEQ other v",
        "INCR other",
        "INCRBYFLOAT other 1",
        "APPEND other v",
        "GETRANGE other 0 1",
        "SETRANGE other 536870912 v",
    ] {
        db.fails(line, WRONG_TYPE);
    }
    db.fails("LCS other nosuch FOO", "ERR The specified keys must contain string values");
    db.is("MGET other", "*1\r\n$-1\r\n");
    db.is("SETNX other v", ":0\r\n");
    db.is("SET other v NX", "$-1\r\n");
    db.is("SET other v", "+OK\r\n");
}

#[test]
fn set_sets_on_its_conditions() {
    let mut db = Db::new();
    db.is("SET k v XX", "$-1\r\n");
    db.is("SET k v NX NX", "+OK\r\n");
    db.is("SET k w NX", "$-1\r\n");
    db.is_bulk("SET k w NX GET", "v");
    db.is_bulk("SET k w GET XX", "v");
    db.is("SET n 1 GET", "$-1\r\n");
    db.is("SETNX n 2", ":0\r\n");
    db.is("SETNX new 2", ":1\r\n");
    for line in ["SET k v NX XX", "SET k v XX IFEQ v", "SET k v IFEQ v NX", "SET k v IFEQ", "SET k v FOO", "SET k v EX"]
    {
        db.fails(line, SYNTAX);
    }
    db.fails("SET k", "ERR wrong number of arguments for 'set' command");
}

#[test]
fn set_ifeq_compares_first_as_in_valkey() {
    let mut db = Db::new();
    db.is("SET k v IFEQ v", "$-1\r\n");
    db.is("SET k 12", "+OK\r\n");
    db.is("SET k w IFEQ 012", "$-1\r\n");
    db.is("SET k w IFEQ 12 EX 10", "+OK\r\n");
    db.is_bulk("SET k x IFEQ y GET", "w");
    db.is_bulk("SET k x GET IFEQ w", "w");
    db.is_bulk("GET k", "x");
    db.is("DELIFEQ k y", ":0\r\n");
    db.is("DELIFEQ k x", ":1\r\n");
    db.is("DELIFEQ k x", ":0\r\n");
}

#[test]
fn strings_end_when_it_was_said() {
    let mut db = Db::new();
    for line in ["SET k v EX 2", "SET k v PX 2000", "SETEX k 2 v", "PSETEX k 2000 v", "SET k v EX 9 EX 2"] {
        db.is(line, "+OK\r\n");
        db.advance_ms(1999);
        db.is_bulk("GET k", "v");
        db.advance_ms(1);
        db.is("GET k", "$-1\r\n");
    }
    let mut db = Db::new();
    db.is(&format!("SET k v PXAT {}", START_MS + 5), "+OK\r\n");
    db.is("SET k w KEEPTTL", "+OK\r\n");
    db.is("SET l v EX 1", "+OK\r\n");
    db.is("SET l v", "+OK\r\n");
    db.is("SET m v EX 1", "+OK\r\n");
    db.is_bulk("GETEX m PERSIST", "v");
    db.is("INCRBY n 5", ":5\r\n");
    db.is_bulk("GETEX n PX 5", "5");
    db.is("INCR n", ":6\r\n");
    db.is("APPEND n 1", ":2\r\n");
    db.advance_ms(5000);
    db.is("MGET k l m n", "*4\r\n$-1\r\n$1\r\nv\r\n$1\r\nv\r\n$-1\r\n");
}

#[test]
fn a_deadline_in_the_past_leaves_no_key() {
    let mut db = Db::new();
    db.is("SET k v", "+OK\r\n");
    db.is_bulk("SET k w PXAT 1 GET", "v");
    db.is("GET k", "$-1\r\n");
    db.is("SET k v", "+OK\r\n");
    db.is_bulk("GETEX k EXAT 1", "v");
    db.is("GET k", "$-1\r\n");
    db.is("MSETEX 2 a 1 b 2 PXAT 1", ":1\r\n");
    db.is("MGET a b", "*2\r\n$-1\r\n$-1\r\n");
}

#[test]
fn times_that_are_none_are_refused() {
    let mut db = Db::new();
    db.is("SET k v", "+OK\r\n");
    for (command, line) in [
        ("set", "SET k w EX 0"),
        ("set", "SET k w EX 9223372036854775807"),
        ("set", "SET k w PX 9223372036854775807"),
        ("set", "SET k w EXAT 9223372036854776"),
        ("setex", "SETEX k 0 w"),
        ("psetex", "PSETEX k -1 w"),
        ("getex", "GETEX k EX 0"),
        ("msetex", "MSETEX 1 k w EX 0"),
    ] {
        db.fails(line, &format!("ERR invalid expire time in '{command}' command"));
    }
    for line in ["SET k w EX x", "SETEX k 1.5 w", "GETEX k EX x", "MSETEX 1 k w EX x"] {
        db.fails(line, NOT_AN_INTEGER);
    }
    for line in ["SET k w EX 1 PX 1", "SET k w KEEPTTL EX 1", "SET k w PERSIST", "GETEX k KEEPTTL", "GETEX k EX x FOO"]
    {
        db.fails(line, SYNTAX);
    }
    db.is("GETEX nosuch EX x", "$-1\r\n");
    db.is_bulk("GET k", "v");
}

#[test]
fn numbers_are_added_to() {
    let mut db = Db::new();
    db.is("INCR n", ":1\r\n");
    db.is("DECR n", ":0\r\n");
    db.is("INCRBY n -9223372036854775808", ":-9223372036854775808\r\n");
    db.fails("DECR n", "ERR increment or decrement would overflow");
    db.is("SET n 9223372036854775807", "+OK\r\n");
    db.fails("INCR n", "ERR increment or decrement would overflow");
    db.fails("DECRBY n -9223372036854775808", "ERR decrement would overflow");
    db.is("DECRBY n 7", ":9223372036854775800\r\n");
    db.is("SET s 1", "+OK\r\n");
    db.is("APPEND s 1", ":2\r\n");
    db.is("INCR s", ":12\r\n");
    for value in ["' 11'", "010", "+1", "1.5", "''"] {
        db.is(&format!("SET x {value}"), "+OK\r\n");
        db.fails("INCR x", NOT_AN_INTEGER);
        db.fails(&format!("INCRBY n {value}"), NOT_AN_INTEGER);
    }
}

#[test]
fn fractions_are_added_in_80_bits() {
    let mut db = Db::new();
    db.is_bulk("INCRBYFLOAT n 10.5", "10.5");
    db.is_bulk("INCRBYFLOAT n 0.1", "10.6");
    db.is("SET n 010", "+OK\r\n");
    db.is_bulk("INCRBYFLOAT n 2.0e2", "210");
    db.is("INCR n", ":211\r\n");
    db.fails("INCRBYFLOAT n inf", "ERR increment would produce NaN or Infinity");
    db.fails("INCRBYFLOAT n abc", "ERR value is not a valid float");
    db.is("SET n ' 1'", "+OK\r\n");
    db.fails("INCRBYFLOAT n 1", "ERR value is not a valid float");
}

#[test]
fn ranges_are_counted_from_either_end() {
    let mut db = Db::new();
    db.is("SET k 'hello world'", "+OK\r\n");
    for (range, part) in [
        ("0 -1", "hello world"),
        ("-3 -1", "rld"),
        ("-100 3", "hell"),
        ("5 3", ""),
        ("-1 -5", ""),
        ("11 20", ""),
        ("0 9223372036854775807", "hello world"),
        ("-100 -50", "h"),
    ] {
        db.is_bulk(&format!("GETRANGE k {range}"), part);
        db.is_bulk(&format!("SUBSTR k {range}"), part);
    }
    db.is_bulk("GETRANGE nosuch 0 -1", "");
    db.fails("GETRANGE k x 1", NOT_AN_INTEGER);
    db.is("SET n 1234", "+OK\r\n");
    db.is_bulk("GETRANGE n 1 2", "23");
}

#[test]
fn strings_are_changed_in_place() {
    let mut db = Db::new();
    db.is("SETRANGE k 0 ''", ":0\r\n");
    db.is("SETRANGE k 2 ab", ":4\r\n");
    db.is_bulk("GET k", "\0\0ab");
    db.is("SETRANGE k 1 x", ":4\r\n");
    db.is_bulk("GET k", "\0xab");
    db.is("SETRANGE k 4294967296 ''", ":4\r\n");
    db.fails("SETRANGE k -1 x", "ERR offset is out of range");
    db.fails("SETRANGE k 536870912 x", "ERR string exceeds maximum allowed size (proto-max-bulk-len)");
    db.fails("SETRANGE k 9223372036854775807 x", "ERR string exceeds maximum allowed size (proto-max-bulk-len)");
    db.is("SET n 12", "+OK\r\n");
    db.is("SETRANGE n 1 345", ":4\r\n");
    db.is("INCR n", ":1346\r\n");
    db.is("APPEND new ''", ":0\r\n");
    db.is_bulk("GET new", "");
}

#[test]
fn strings_grow_from_a_few_bytes_to_many() {
    let mut db = Db::new();
    let mut expected = String::new();
    for i in 0..600 {
        let part = format!("{i}-");
        expected.push_str(&part);
        db.is(&format!("APPEND k {part}"), &format!(":{}\r\n", expected.len()));
        db.is_bulk("GET k", &expected);
    }
    db.dispatcher.server.keyspace.db(0).check_invariants();
    let mut small = Db::with(|config| config.proto_max_bulk_len_bytes = 1 << 20);
    small.is("SETRANGE k 1048575 x", ":1048576\r\n");
    small.fails("APPEND k x", "ERR string exceeds maximum allowed size (proto-max-bulk-len)");
}

#[test]
fn many_are_read_and_set_in_one_call() {
    let mut db = Db::new();
    for count in [1, 2, 15, 16, 17, 40] {
        let pairs: Vec<String> = (0..count).map(|i| format!("k{i} v{i}")).collect();
        let keys: Vec<String> = (0..count).map(|i| format!("k{i}")).collect();
        db.is(&format!("MSETNX {}", pairs.join(" ")), if count == 1 { ":1\r\n" } else { ":0\r\n" });
        db.is(&format!("MSET {}", pairs.join(" ")), "+OK\r\n");
        let values: String = (0..count).map(|i| format!("${}\r\nv{i}\r\n", format!("v{i}").len())).collect();
        db.is(&format!("MGET {} nosuch", keys.join(" ")), &format!("*{}\r\n{values}$-1\r\n", count + 1));
    }
    db.is("MSETNX x 1 x 2", ":1\r\n");
    db.is_bulk("GET x", "2");
    for name in ["mset", "msetnx"] {
        db.fails(&format!("{name} a b c"), &format!("ERR wrong number of arguments for '{name}' command"));
    }
}

#[test]
fn msetex_sets_all_or_none_as_in_valkey() {
    let mut db = Db::new();
    db.is("MSETEX 2 a 1 b 2 XX", ":0\r\n");
    db.is("MSETEX 2 a 1 b 2 NX EX 10", ":1\r\n");
    db.is("MSETEX 2 a 3 c 4 NX", ":0\r\n");
    db.is("MSETEX 2 a 3 c 4 XX", ":0\r\n");
    db.is("MSETEX 1 a 5 KEEPTTL XX", ":1\r\n");
    db.is("MSETEX 1 b 6", ":1\r\n");
    db.advance_ms(10_000);
    db.is("MGET a b c", "*3\r\n$-1\r\n$1\r\n6\r\n$-1\r\n");
    for count in ["0", "-1", "x", "2147483648"] {
        db.fails(&format!("MSETEX {count} a 1"), "ERR invalid numkeys value or out of range");
    }
    for line in ["MSETEX 2 a 1", "MSETEX 2 a 1 b", "MSETEX 1 a 1 b", "MSETEX 1 a 1 NX XX", "MSETEX 1 a 1 GET"] {
        db.fails(line, SYNTAX);
    }
}

#[test]
fn lcs_finds_what_two_strings_share() {
    let mut db = Db::new();
    db.is("MSET x ohmytext y mynewtext", "+OK\r\n");
    db.is_bulk("LCS x y", "mytext");
    db.is("LCS x y LEN", ":6\r\n");
    let matches = "*2\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n*2\r\n*2\r\n:2\r\n:3\r\n*2\r\n:0\r\n:1\r\n";
    db.is("LCS x y IDX", &format!("*4\r\n$7\r\nmatches\r\n*2\r\n{matches}$3\r\nlen\r\n:6\r\n"));
    let long = "*1\r\n*3\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n:4\r\n";
    db.is("LCS x y IDX MINMATCHLEN 4 WITHMATCHLEN", &format!("*4\r\n$7\r\nmatches\r\n{long}$3\r\nlen\r\n:6\r\n"));
    db.is("LCS x nosuch IDX", "*4\r\n$7\r\nmatches\r\n*0\r\n$3\r\nlen\r\n:0\r\n");
    db.is_bulk("LCS nosuch y", "");
    db.fails("LCS x y LEN IDX", "ERR If you want both the length and indexes, please just use IDX.");
    db.fails("LCS x y MINMATCHLEN", SYNTAX);
    db.fails("LCS x y MINMATCHLEN a", NOT_AN_INTEGER);
    let mut small = Db::with(|config| config.proto_max_bulk_len_bytes = 1 << 20);
    small.is("SETRANGE x 1023 a", ":1024\r\n");
    small.is("SETRANGE y 254 a", ":255\r\n");
    small.fails("LCS x y", "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
    small.is("LCS y y LEN", ":255\r\n");
}

#[test]
fn the_log_gets_what_replays_the_same() {
    let mut db = Db::new();
    for (line, expected) in [
        ("SET k v", "="),
        ("SET k v NX", ""),
        ("SET k v XX", "="),
        ("SET k v EX 10", "SET k v PXAT 1700000010000"),
        ("SET k v XX EXAT 1700000020", "SET k v PXAT 1700000020000"),
        ("SET k v PXAT 1700000020000", "="),
        ("SET k v GET", "SET k v"),
        ("SET k v GET KEEPTTL", "SET k v KEEPTTL"),
        ("SET k v IFEQ x", ""),
        ("SET k v IFEQ v", "SET k v"),
        ("SET k v IFEQ v KEEPTTL", "SET k v KEEPTTL"),
        ("SET k v IFEQ v PXAT 1700000020000", "SET k v PXAT 1700000020000"),
        ("SETEX k 10 v", "SET k v PXAT 1700000010000"),
        ("PSETEX k 10 v", "SET k v PXAT 1700000000010"),
        ("GETEX k", ""),
        ("GETEX k PERSIST", "PERSIST k"),
        ("GETEX k PERSIST", ""),
        ("GETEX k EX 10", "PEXPIREAT k 1700000010000"),
        ("GETEX k EXAT 1", "DEL k"),
        ("GETSET k v", "SET k v"),
        ("GETDEL k", "DEL k"),
        ("GETDEL k", ""),
        ("INCR n", "="),
        ("INCRBYFLOAT n 1.5", "SET n 2.5 KEEPTTL"),
        ("DELIFEQ n 2", ""),
        ("DELIFEQ n 2.5", "DEL n"),
        ("APPEND a ''", "="),
        ("SETRANGE a 0 ''", ""),
        ("MSET a 1 b 2", "="),
        ("MSETNX a 1 c 2", ""),
        ("MSETEX 2 a 1 b 2 XX", "MSET a 1 b 2"),
        ("MSETEX 2 a 1 b 2 PX 10", "SET a 1 PXAT 1700000000010; SET b 2 PXAT 1700000000010"),
        ("MSETEX 1 a 1 KEEPTTL", "SET a 1 KEEPTTL"),
    ] {
        assert_eq!(logged(&mut db, line), expected, "{line}");
    }
}
