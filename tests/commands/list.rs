//! Lists, each test on all of their encodings.

use crate::harness::Db;
use crate::phrases::events;
use crate::string::{WRONG_TYPE, logged};

const OUT_OF_RANGE: &str = "ERR value is out of range, must be positive";
const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";
const SYNTAX: &str = "ERR syntax error";

/// Runs a test where lists are listpacks; where all of two elements and more are quicklists, of one element a chunk; and of three.
fn each_encoding(test: impl Fn(&mut Db)) {
    for list_max_listpack_size in [-2, 1, 3] {
        test(&mut Db::with(|config| config.list_max_listpack_size = list_max_listpack_size));
    }
}

fn bulks(texts: &[&str]) -> String {
    let mut reply = format!("*{}\r\n", texts.len());
    texts.iter().for_each(|text| reply += &format!("${}\r\n{text}\r\n", text.len()));
    reply
}

impl Db {
    /// Asserts that a list has these elements.
    #[track_caller]
    fn has(&mut self, key: &str, elements: &[&str]) {
        self.is(&format!("LRANGE {key} 0 -1"), &bulks(elements));
        self.is(&format!("LLEN {key}"), &format!(":{}\r\n", elements.len()));
        assert_eq!(self.run(&format!("EXISTS {key}")), if elements.is_empty() { ":0\r\n" } else { ":1\r\n" });
    }
}

#[test]
fn elements_come_and_go_at_both_ends() {
    each_encoding(|db| {
        db.is("LPUSHX l a", ":0\r\n");
        db.is("RPUSHX l a", ":0\r\n");
        db.is("RPUSH l c d", ":2\r\n");
        db.is("LPUSH l b 12", ":4\r\n");
        db.is("LPUSHX l -1", ":5\r\n");
        db.is("RPUSHX l e f", ":7\r\n");
        db.has("l", &["-1", "12", "b", "c", "d", "e", "f"]);
        db.is_bulk("LPOP l", "-1");
        db.is_bulk("RPOP l", "f");
        db.is("LPOP l 0", "*0\r\n");
        db.is("LPOP l 2", &bulks(&["12", "b"]));
        db.is("RPOP l 2", &bulks(&["e", "d"]));
        db.is("RPOP l 9", &bulks(&["c"]));
        db.has("l", &[]);
        db.is("LPOP l", "$-1\r\n");
        db.is("LPOP l 2", "*-1\r\n");
        db.is("RPOP l 0", "*-1\r\n");
        db.fails("LPOP l -1", OUT_OF_RANGE);
        db.fails("LPOP l x", OUT_OF_RANGE);
        db.fails("LPOP l 1 2", "ERR wrong number of arguments for 'lpop' command");
    });
}

#[test]
fn elements_are_found_by_index() {
    each_encoding(|db| {
        db.run("RPUSH l a b c 4 e");
        db.is_bulk("LINDEX l 0", "a");
        db.is_bulk("LINDEX l 3", "4");
        db.is_bulk("LINDEX l -1", "e");
        db.is_bulk("LINDEX l -5", "a");
        for nowhere in ["5", "-6", "9223372036854775807", "-9223372036854775808"] {
            db.is(&format!("LINDEX l {nowhere}"), "$-1\r\n");
            db.fails(&format!("LSET l {nowhere} x"), "ERR index out of range");
        }
        db.is("LINDEX nosuch x", "$-1\r\n");
        db.fails("LINDEX l x", NOT_AN_INTEGER);
        db.is("LRANGE l 1 3", &bulks(&["b", "c", "4"]));
        db.is("LRANGE l -2 100", &bulks(&["4", "e"]));
        db.is("LRANGE l -100 0", &bulks(&["a"]));
        db.is("LRANGE l 3 1", "*0\r\n");
        db.is("LRANGE l 5 9", "*0\r\n");
        db.is("LRANGE nosuch 0 -1", "*0\r\n");
        db.fails("LRANGE nosuch x 1", NOT_AN_INTEGER);
        db.is("LSET l 1 B", "+OK\r\n");
        db.is("LSET l -1 5", "+OK\r\n");
        db.has("l", &["a", "B", "c", "4", "5"]);
        db.fails("LSET l x y", NOT_AN_INTEGER);
        db.fails("LSET nosuch x y", "ERR no such key");
    });
}

#[test]
fn elements_are_put_beside_others_and_removed_by_what_they_are() {
    each_encoding(|db| {
        db.run("RPUSH l a b a c a 7 a");
        db.is("LINSERT l BEFORE c x", ":8\r\n");
        db.is("LINSERT l after a 1", ":9\r\n");
        db.is("LINSERT l AFTER 7 y", ":10\r\n");
        db.is("LINSERT l BEFORE nosuch z", ":-1\r\n");
        db.is("LINSERT nosuch BEFORE a z", ":0\r\n");
        db.fails("LINSERT nosuch BESIDE a z", SYNTAX);
        db.has("l", &["a", "1", "b", "a", "x", "c", "a", "7", "y", "a"]);
        db.is("LREM l 2 a", ":2\r\n");
        db.has("l", &["1", "b", "x", "c", "a", "7", "y", "a"]);
        db.is("LREM l -1 a", ":1\r\n");
        db.has("l", &["1", "b", "x", "c", "a", "7", "y"]);
        db.is("LREM l 0 nosuch", ":0\r\n");
        db.is("LREM l 0 1", ":1\r\n");
        db.is("LREM nosuch 0 a", ":0\r\n");
        db.fails("LREM l x a", NOT_AN_INTEGER);
        db.fails(
            "LREM nosuch -9223372036854775808 a",
            "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        );
        db.run("RPUSH same a a a");
        db.is("LREM same 0 a", ":3\r\n");
        db.has("same", &[]);
    });
}

#[test]
fn what_is_trimmed_off_is_gone() {
    each_encoding(|db| {
        for (start, stop, rest) in [
            ("1", "3", &["b", "c", "d"][..]),
            ("0", "-1", &["a", "b", "c", "d", "e"]),
            ("-2", "-1", &["d", "e"]),
            ("-100", "100", &["a", "b", "c", "d", "e"]),
            ("4", "1", &[]),
            ("5", "9", &[]),
            ("0", "-6", &[]),
        ] {
            db.run("RPUSH l a b c d e");
            db.is(&format!("LTRIM l {start} {stop}"), "+OK\r\n");
            db.has("l", rest);
            db.run("DEL l");
        }
        db.is("LTRIM nosuch 0 1", "+OK\r\n");
        db.fails("LTRIM nosuch a 1", NOT_AN_INTEGER);
    });
}

#[test]
fn places_of_an_element() {
    each_encoding(|db| {
        db.run("RPUSH l a b 3 1 2 3 c 3");
        db.is("LPOS l c", ":6\r\n");
        db.is("LPOS l 3", ":2\r\n");
        db.is("LPOS l 3 RANK 2", ":5\r\n");
        db.is("LPOS l 3 RANK -1", ":7\r\n");
        db.is("LPOS l 3 RANK 4", "$-1\r\n");
        db.is("LPOS l 3 COUNT 0", "*3\r\n:2\r\n:5\r\n:7\r\n");
        db.is("LPOS l 3 COUNT 2 RANK -1", "*2\r\n:7\r\n:5\r\n");
        db.is("LPOS l 3 COUNT 0 RANK 2", "*2\r\n:5\r\n:7\r\n");
        db.is("LPOS l 3 COUNT 0 MAXLEN 6", "*2\r\n:2\r\n:5\r\n");
        db.is("LPOS l 3 COUNT 0 MAXLEN 1 RANK -1", "*1\r\n:7\r\n");
        db.is("LPOS l x", "$-1\r\n");
        db.is("LPOS l x COUNT 1", "*0\r\n");
        db.is("LPOS nosuch x", "$-1\r\n");
        db.is("LPOS nosuch x COUNT 1", "*0\r\n");
        db.fails("LPOS l 3 COUNT", SYNTAX);
        db.fails("LPOS l 3 WHERE 1", SYNTAX);
        db.fails("LPOS l 3 COUNT -1", "ERR COUNT can't be negative");
        db.fails("LPOS l 3 MAXLEN x", "ERR MAXLEN can't be negative");
        db.fails("LPOS l 3 RANK x", NOT_AN_INTEGER);
        db.fails(
            "LPOS l 3 RANK 0",
            "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the \
             end of the list",
        );
        db.fails(
            "LPOS l 3 RANK -9223372036854775808",
            "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        );
    });
}

#[test]
fn elements_move_from_list_to_list() {
    each_encoding(|db| {
        db.run("RPUSH a 1 2 3 4");
        db.is_bulk("LMOVE a b LEFT RIGHT", "1");
        db.is_bulk("LMOVE a b right left", "4");
        db.is_bulk("RPOPLPUSH a b", "3");
        db.has("a", &["2"]);
        db.has("b", &["3", "4", "1"]);
        db.is_bulk("LMOVE b b LEFT RIGHT", "3");
        db.is_bulk("LMOVE b b LEFT LEFT", "4");
        db.has("b", &["4", "1", "3"]);
        db.is_bulk("RPOPLPUSH a a", "2");
        db.is_bulk("RPOPLPUSH a b", "2");
        db.has("a", &[]);
        db.is("LMOVE a b LEFT LEFT", "$-1\r\n");
        db.is("RPOPLPUSH a nosuch", "$-1\r\n");
        db.fails("LMOVE a b UP LEFT", SYNTAX);
        db.run("SET s x");
        db.is("LMOVE a s LEFT LEFT", "$-1\r\n");
        db.fails("LMOVE b s LEFT LEFT", WRONG_TYPE);
        db.fails("LMOVE s b LEFT LEFT", WRONG_TYPE);
        db.has("b", &["2", "4", "1", "3"]);
    });
}

#[test]
fn the_first_list_that_has_any_gives_its_elements() {
    each_encoding(|db| {
        db.run("RPUSH l a b c d");
        db.is("LMPOP 2 nosuch l LEFT", "*2\r\n$1\r\nl\r\n*1\r\n$1\r\na\r\n");
        db.is("LMPOP 1 l right count 2", "*2\r\n$1\r\nl\r\n*2\r\n$1\r\nd\r\n$1\r\nc\r\n");
        db.is("BLMPOP 0 2 nosuch l LEFT COUNT 9", "*2\r\n$1\r\nl\r\n*1\r\n$1\r\nb\r\n");
        db.has("l", &[]);
        db.is("LMPOP 1 l LEFT", "*-1\r\n");
        for words in ["LMPOP", "BLMPOP 1"] {
            db.fails(&format!("{words} 0 l LEFT"), "ERR numkeys should be greater than 0");
            db.fails(&format!("{words} x l LEFT"), "ERR numkeys should be greater than 0");
            db.fails(&format!("{words} 2 l LEFT"), SYNTAX);
            db.fails(&format!("{words} 1 l UP"), SYNTAX);
            db.fails(&format!("{words} 9223372036854775807 l LEFT"), SYNTAX);
            db.fails(&format!("{words} 1 l LEFT COUNT"), SYNTAX);
            db.fails(&format!("{words} 1 l LEFT COUNT 1 COUNT 2"), SYNTAX);
            db.fails(&format!("{words} 1 l LEFT COUNT 0"), "ERR count should be greater than 0");
        }
        db.fails("BLMPOP -1 1 l LEFT", "ERR timeout is negative");
        db.run("SET s x");
        db.fails("LMPOP 2 s l LEFT", WRONG_TYPE);
    });
}

#[test]
fn wrong_types_are_refused() {
    let mut db = Db::new();
    db.run("SET s x");
    for line in [
        "LPUSH s a",
        "RPUSH s a",
        "LPUSHX s a",
        "RPUSHX s a",
        "LPOP s",
        "RPOP s 1",
        "LLEN s",
        "LINDEX s 0",
        "LSET s x a",
        "LRANGE s 0 -1",
        "LTRIM s 0 -1",
        "LREM s 0 a",
        "LINSERT s BEFORE a b",
        "LPOS s a",
        "LMOVE s t LEFT LEFT",
        "RPOPLPUSH s t",
        "LMPOP 1 s LEFT",
        "BLPOP s 0",
        "BRPOP nosuch s 0",
        "BLMOVE s t LEFT LEFT 0",
        "BRPOPLPUSH s t 0",
        "BLMPOP 0 2 nosuch s LEFT",
    ] {
        db.fails(line, WRONG_TYPE);
    }
    db.run("RPUSH l a");
    db.fails("GET l", WRONG_TYPE);
    db.is("TYPE l", "+list\r\n");
}

#[test]
fn the_encoding_follows_size_and_number() {
    let mut db = Db::new();
    let is = |db: &mut Db, encoding| db.is_bulk("OBJECT ENCODING l", encoding);
    db.run("RPUSH l a");
    is(&mut db, "listpack");
    db.run(&format!("RPUSH l {}", "x".repeat(8175)));
    is(&mut db, "listpack");
    db.run(&format!("RPUSH l {}", "x".repeat(8)));
    is(&mut db, "quicklist");
    db.run("RPOP l 2");
    is(&mut db, "listpack");
    // What does not fit into a listpack at all is a chunk of its own, and no listpack while it lasts.
    db.run(&format!("LPUSH l {}", "y".repeat(100_000)));
    is(&mut db, "quicklist");
    db.run("LSET l 0 small");
    is(&mut db, "listpack");
    db.run("CONFIG SET list-max-listpack-size 4");
    db.run("RPUSH l c d");
    is(&mut db, "listpack");
    db.run("RPUSH l e");
    is(&mut db, "quicklist");
    // Two listpacks of one element each are not joined.
    db.run("LPOP l 3");
    is(&mut db, "quicklist");
    db.run("RPOP l");
    is(&mut db, "listpack");
    db.run("RPUSH l e");
    db.has("l", &["d", "e"]);
    // An element that may be too much makes it long, even if it is not put in after all.
    db.run(&format!("LINSERT l BEFORE nosuch {}", "x".repeat(9000)));
    is(&mut db, "quicklist");
    db.run("CONFIG SET list-max-listpack-size -1");
    db.run("LREM l 1 d");
    is(&mut db, "listpack");
}

#[test]
fn a_call_waits_for_its_list() {
    each_encoding(|db| {
        let waiting = ["BLPOP k l 0", "BRPOP l 0", "BLMPOP 0 2 k l RIGHT COUNT 2"].map(|line| db.waits(line));
        db.is("RPUSH l a b c d", ":4\r\n");
        db.got(waiting[0], &bulks(&["l", "a"]));
        db.got(waiting[1], &bulks(&["l", "d"]));
        db.got(waiting[2], "*2\r\n$1\r\nl\r\n*2\r\n$1\r\nc\r\n$1\r\nb\r\n");
        db.has("l", &[]);
        db.run("RPUSH l x y");
        db.is("BLPOP nosuch l 0", &bulks(&["l", "x"]));
        db.is("BRPOP l 0.5", &bulks(&["l", "y"]));
        for line in ["BLPOP l x", "BRPOP l ''", "BLMOVE l k LEFT LEFT x", "BRPOPLPUSH l k x", "BLMPOP x 1 l LEFT"] {
            db.fails(line, "ERR timeout is not a float or out of range");
        }
    });
}

#[test]
fn patience_ends() {
    let mut db = Db::new();
    let waiting = ["BLPOP l 1", "BRPOP l 1", "BLMPOP 1 1 l LEFT", "BLMOVE l k LEFT LEFT 1", "BRPOPLPUSH l k 1"]
        .map(|line| db.waits(line));
    db.advance_ms(999);
    waiting.iter().for_each(|&client| db.got(client, ""));
    db.advance_ms(2);
    waiting.iter().for_each(|&client| db.got(client, "*-1\r\n"));
    db.run("RPUSH l a");
    db.has("l", &["a"]);
}

#[test]
fn an_element_passes_through_lists_that_are_waited_for() {
    each_encoding(|db| {
        let last = db.waits("BLPOP c 0");
        let second = db.waits("BRPOPLPUSH b c 0");
        let first = db.waits("BLMOVE a b RIGHT LEFT 0");
        db.is("RPUSH a x", ":1\r\n");
        db.got(first, "$1\r\nx\r\n");
        db.got(second, "$1\r\nx\r\n");
        db.got(last, &bulks(&["c", "x"]));
        ["a", "b", "c"].iter().for_each(|key| db.has(key, &[]));
    });
}

/// As in Redis 8.0: a key of another type that comes up is passed over as long as no list does.
#[test]
fn waiting_goes_on_while_the_key_is_no_list() {
    let mut db = Db::new();
    let popping = db.waits("BLPOP k l 0");
    let moving = db.waits("BLMOVE k l LEFT LEFT 0");
    db.run("SET k x");
    db.got(popping, "");
    db.got(moving, "");
    db.run("DEL k");
    db.run("RPUSH k a b");
    db.got(popping, &bulks(&["k", "a"]));
    db.got(moving, "$1\r\nb\r\n");
    db.has("l", &["b"]);
    let popping = db.waits("BLPOP k m 0");
    db.run("SET k x");
    db.run("RPUSH m a");
    db.got(popping, &format!("-{WRONG_TYPE}\r\n"));
    db.has("m", &["a"]);
}

#[test]
fn nothing_waits_inside_a_transaction() {
    let mut db = Db::new();
    db.run("MULTI");
    for line in ["BLPOP l 0", "BRPOP l 0", "BLMPOP 0 1 l LEFT", "BLMOVE l k LEFT LEFT 0", "BRPOPLPUSH l k 0"] {
        db.is(line, "+QUEUED\r\n");
    }
    db.is("EXEC", "*5\r\n*-1\r\n*-1\r\n*-1\r\n$-1\r\n$-1\r\n");
}

#[test]
fn the_log_gets_what_redis_7_0_knows_and_only_changes() {
    let mut db = Db::new();
    for (line, expected) in [
        ("RPUSH l a b c d e f", "="),
        ("LPUSHX nosuch a", ""),
        ("LPOP nosuch", ""),
        ("LPOP l", "="),
        ("RPOP l 0", ""),
        ("LSET l 0 b", "="),
        ("LINSERT l BEFORE nosuch a", ""),
        ("LREM l 0 nosuch", ""),
        ("LTRIM l 0 -1", ""),
        ("LTRIM l 0 -2", "="),
        ("LMOVE l k LEFT LEFT", "="),
        ("LMOVE nosuch k LEFT LEFT", ""),
        ("LMPOP 2 nosuch k LEFT COUNT 9", "LPOP k 1"),
        ("BLMPOP 0 2 nosuch l RIGHT", "RPOP l 1"),
        ("BLPOP l 0", "LPOP l"),
        ("BRPOP l 0", "RPOP l"),
        ("BLPOP l 0", ""),
    ] {
        assert_eq!(logged(&mut db, line), expected, "{line}");
    }
    db.run("RPUSH l a b");
    assert_eq!(logged(&mut db, "BLMOVE l k RIGHT LEFT 0"), "LMOVE l k RIGHT LEFT");
    assert_eq!(logged(&mut db, "BRPOPLPUSH l k 0"), "RPOPLPUSH l k");
}

/// LTRIM tells of itself even if it takes nothing, though then nothing is logged or counted: listeners and WATCH heard of it only
/// together with the next change of any key.
#[test]
fn an_ltrim_that_took_nothing_was_told_too_late() {
    let mut db = Db::new();
    db.run("CONFIG SET notify-keyspace-events KA");
    db.run("RPUSH l a b");
    assert_eq!(events(&mut db, "l", |db| drop(db.run("LTRIM l 0 -1"))), "ltrim");
    db.run("WATCH l");
    db.run("LTRIM l 0 -1");
    db.run("MULTI");
    db.is("EXEC", "*-1\r\n");
}

#[test]
fn every_element_counts_as_a_change() {
    let mut db = Db::new();
    for (line, changes) in [
        ("RPUSH l a b c d a", 5),
        ("LPUSHX l x y", 2),
        ("LPOP l 2", 2),
        ("LREM l 0 a", 2),
        ("LTRIM l 0 -2", 1),
        ("LTRIM l 0 -1", 0),
        ("LMOVE l k LEFT LEFT", 1),
        ("LMOVE k k LEFT LEFT", 1),
        ("LLEN k", 0),
    ] {
        let before = db.dispatcher.server.dirty;
        db.run(line);
        assert_eq!(db.dispatcher.server.dirty - before, changes, "{line}");
    }
}

#[test]
fn a_copy_is_a_list_of_its_own() {
    each_encoding(|db| {
        db.run("RPUSH l a b 3 4 5");
        db.is("COPY l k", ":1\r\n");
        db.run("RPUSH l x");
        db.run("LPOP k");
        db.has("k", &["b", "3", "4", "5"]);
        db.has("l", &["a", "b", "3", "4", "5", "x"]);
        db.is("RENAME l k", "+OK\r\n");
        db.has("k", &["a", "b", "3", "4", "5", "x"]);
        db.has("l", &[]);
    });
}

/// Payloads that Redis 8.0 takes, and what it makes of them.
const DUMPS: &[(&[u8], &[&str])] = &[
    // a listpack, of Redis 8.0
    (b"\x12\x01\x02\x1c\x1c\0\0\0\x04\0\x81a\x02\x01\x01\xde\xd4\x02\x8bhello world\x0c\xff\x0c\0]\x06\x84\x04\x0f\xb1\xfa\xac", &["a", "1", "-300", "hello world"]),
    // an element alone, and a listpack
    (b"\x12\x02\x01\x05plain\x02\x0c\x0c\0\0\0\x02\0\x81x\x02\x07\x01\xff\t\0\xcc\xb8\xeb\x97\xbf\x84\x90\x86", &["plain", "x", "7"]),
    // an empty listpack is passed over
    (b"\x12\x02\x02\x07\x07\0\0\0\0\0\xff\x02\n\n\0\0\0\x01\0\x81x\x02\xff\t\0H\x87;\x13\xdf~\xfc\x9b", &["x"]),
    // elements
    (b"\x01\x03\x01a\xc0\x0c\x02bc\t\x0006\xea\x82\x80\x1e\xec\x1b", &["a", "12", "bc"]),
    // a ziplist
    (b"\n\x18\x18\0\0\0\x10\0\0\0\x03\0\0\x01a\x03\xfe-\x03\x05hello\xff\t\0$\xc4l\xacf\xf1i\xb1", &["a", "45", "hello"]),
    // two ziplists
    (b"\x0e\x02\x18\x18\0\0\0\x10\0\0\0\x03\0\0\x01a\x03\xfe-\x03\x05hello\xff\r\r\0\0\0\n\0\0\0\x01\0\0\xf2\xff\t\0\xd6\x12\r\x9a\xa2 \xb3\xe7", &["a", "45", "hello", "1"]),
];

/// And what it refuses, or would with `sanitize-dump-payload`.
const BAD_DUMPS: &[&[u8]] = &[
    // no element
    b"\x01\0\t\0\x8b\nt\08\x91 \xe7",
    // no node
    b"\x12\0\t\0\xb9\x04\xd5\x97>\x9d\xdc\xe6",
    // a node of no kind
    b"\x12\x01\x03\x01a\t\0\xa7\xb3\x14M\x86=\x9f\xad",
    // an empty element alone
    b"\x12\x01\x01\0\t\0_4\x91\x9bH\x8c\xd0\x8d",
    // an empty listpack only
    b"\x12\x01\x02\x07\x07\0\0\0\0\0\xff\t\x004BpmS\xc5\x0f\xab",
    // a listpack that miscounts
    b"\x12\x01\x02\n\n\0\0\0\x02\0\x81x\x02\xff\t\0\xcdE\xdf/6\x85B\xf7",
    // a ziplist without end
    b"\n\x18\x18\0\0\0\x10\0\0\0\x03\0\0\x01a\x03\xfe-\x03\x05hello\0\t\0\xb0\x17\xb5\xf0\x1b\xa9\xf7|",
    // a ziplist with a wrong tail
    b"\x0e\x01\x18\x18\0\0\0\t\0\0\0\x03\0\0\x01a\x03\xfe-\x03\x05hello\xff\t\0v=\x022\xb4\xc8\x8b\x8f",
    // an element less than promised
    b"\x01\x02\x01a\t\0\x07%\xe8\xf3Eh\x8a\x8c",
];

#[test]
fn lists_of_others_are_restored() {
    let mut db = Db::new();
    let restore = |db: &mut Db, key: &str, payload: &[u8]| {
        String::from_utf8_lossy(&db.call(&[b"RESTORE", key.as_bytes(), b"0", payload, b"REPLACE"])).into_owned()
    };
    for (payload, elements) in DUMPS {
        assert_eq!(restore(&mut db, "l", payload), "+OK\r\n", "{}", payload.escape_ascii());
        db.has("l", elements);
    }
    for payload in BAD_DUMPS {
        assert_eq!(restore(&mut db, "bad", payload), "-ERR Bad data format\r\n", "{}", payload.escape_ascii());
    }
}
