//! HyperLogLogs.

use crate::harness::Db;
use crate::string::{WRONG_TYPE, logged, put_something_else};

const NO_HLL: &str = "WRONGTYPE Key is not a valid HyperLogLog string value.";
const CORRUPT: &str = "INVALIDOBJ Corrupted HLL object detected";

/// Shows the elements of a range, some at a time.
fn show(db: &mut Db, key: &str, elements: std::ops::Range<u32>) {
    let words: Vec<String> = elements.map(|i| format!("e{i}")).collect();
    for some in words.chunks(50) {
        db.run(&format!("PFADD {key} {}", some.join(" ")));
    }
}

fn encoding(db: &mut Db, key: &str) -> String {
    db.run(&format!("PFDEBUG ENCODING {key}"))
}

#[test]
fn elements_are_shown_and_counted() {
    let mut db = Db::new();
    db.is("PFADD h a b c", ":1\r\n");
    db.is("PFADD h a", ":0\r\n");
    db.is("PFADD h a b c", ":0\r\n");
    db.is("PFADD h d a", ":1\r\n");
    db.is("PFCOUNT h", ":4\r\n");
    db.is("PFCOUNT h", ":4\r\n");
    db.is("PFCOUNT nosuch", ":0\r\n");
    db.is("PFADD empty", ":1\r\n");
    db.is("PFADD empty", ":0\r\n");
    db.is("PFCOUNT empty", ":0\r\n");
    db.is("TYPE h", "+string\r\n");
    db.is_bulk("OBJECT ENCODING h", "raw");
    db.fails("PFADD", "ERR wrong number of arguments for 'pfadd' command");
}

#[test]
fn the_bytes_are_those_of_redis() {
    let mut db = Db::new();
    db.is("PFADD h", ":1\r\n");
    assert_eq!(db.call(&[b"GET", b"h"]), b"$18\r\nHYLL\x01\0\0\0\0\0\0\0\0\0\0\x80\x7f\xff\r\n");
    db.is("PFADD h a b c", ":1\r\n");
    db.is_bulk("PFDEBUG DECODE h", "Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603");
    db.is("PFCOUNT h", ":3\r\n");
    let bytes = db.call(&[b"GET", b"h"]);
    assert_eq!(bytes[5..5 + 16], *b"HYLL\x01\0\0\0\x03\0\0\0\0\0\0\0");
}

#[test]
fn a_value_of_redis_is_read_where_it_stands() {
    let mut db = Db::new();
    db.call(&[b"SET", b"h", b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80\x7f\xff"]);
    db.is_bulk("OBJECT ENCODING h", "embstr");
    db.is("PFCOUNT h", ":0\r\n");
    db.is("PFADD h a", ":1\r\n");
    db.is("PFCOUNT h", ":1\r\n");
}

#[test]
fn it_becomes_dense_when_it_grows() {
    let mut db = Db::new();
    show(&mut db, "h", 0..1500);
    assert_eq!(encoding(&mut db, "h"), "+sparse\r\n");
    show(&mut db, "h", 1500..3000);
    assert_eq!(encoding(&mut db, "h"), "+dense\r\n");
    db.is("STRLEN h", ":12304\r\n");
    db.is("PFADD h e1 e2999", ":0\r\n");
    db.is("CONFIG SET hll-sparse-max-bytes 30", "+OK\r\n");
    db.is("PFADD small a b c", ":1\r\n");
    assert_eq!(encoding(&mut db, "small"), "+sparse\r\n");
    show(&mut db, "small", 0..10);
    assert_eq!(encoding(&mut db, "small"), "+dense\r\n");
    db.is("PFCOUNT small", ":13\r\n");
    db.is("CONFIG SET hll-sparse-max-bytes 0", "+OK\r\n");
    db.is("PFADD none", ":1\r\n");
    assert_eq!(encoding(&mut db, "none"), "+sparse\r\n");
    db.is("PFADD none a", ":1\r\n");
    assert_eq!(encoding(&mut db, "none"), "+dense\r\n");
}

#[test]
fn several_are_counted_and_merged_as_one() {
    let mut db = Db::new();
    for sizes in [[5, 10], [400, 900], [900, 20_000], [20_000, 30_000]] {
        db.run("FLUSHALL");
        show(&mut db, "a", 0..sizes[0]);
        show(&mut db, "b", 3..sizes[1]);
        show(&mut db, "all", 0..sizes[1]);
        let all = db.run("PFCOUNT all");
        assert_eq!(db.run("PFCOUNT a b nosuch"), all);
        db.is("PFMERGE d a b nosuch", "+OK\r\n");
        assert_eq!(db.run("PFCOUNT d"), all);
        db.is("PFMERGE a b", "+OK\r\n");
        assert_eq!(db.run("PFCOUNT a"), all);
        let is_dense = sizes[1] > 5000;
        assert_eq!(encoding(&mut db, "d") == "+dense\r\n", is_dense);
        db.is("PFDEBUG TODENSE all", if is_dense { ":0\r\n" } else { ":1\r\n" });
        assert_eq!(db.run("PFDEBUG GETREG all"), db.run("PFDEBUG GETREG d"));
    }
    db.is("PFMERGE nothing", "+OK\r\n");
    db.is("PFCOUNT nothing", ":0\r\n");
}

#[test]
fn the_deadline_stays() {
    let mut db = Db::new();
    db.is("PFADD h a", ":1\r\n");
    db.is("EXPIRE h 100", ":1\r\n");
    db.is("PFADD h b", ":1\r\n");
    db.is("PFCOUNT h", ":2\r\n");
    db.is("PFMERGE h h", "+OK\r\n");
    db.is("TTL h", ":100\r\n");
    db.advance_ms(100_000);
    db.is("PFCOUNT h", ":0\r\n");
}

#[test]
fn what_is_none_is_refused() {
    let mut db = Db::new();
    put_something_else(&mut db, b"other");
    db.run("PFADD h a");
    for line in [
        "PFADD other a",
        "PFCOUNT other",
        "PFCOUNT h other",
        "PFMERGE other h",
        "PFMERGE h other",
        "PFDEBUG DECODE other",
    ] {
        db.fails(line, WRONG_TYPE);
    }
    let dense_but_short = [&b"HYLL\0"[..], &[0; 12_298]].concat();
    for value in [
        &b""[..],
        b"12",
        b"HYLL\x01\0\0\0\0\0\0\0\0\0\0",
        b"HYLX\x01\0\0\0\0\0\0\0\0\0\0\0",
        b"HYLL\x02\0\0\0\0\0\0\0\0\0\0\0",
        &dense_but_short,
    ] {
        db.call(&[b"SET", b"k", value]);
        for line in ["PFADD k a", "PFCOUNT k", "PFCOUNT h k", "PFMERGE k h", "PFMERGE h k", "PFDEBUG GETREG k"] {
            db.fails(line, NO_HLL);
        }
    }
    db.is("PFCOUNT h", ":1\r\n");
}

#[test]
fn runs_that_do_not_add_up_are_refused_and_change_nothing() {
    let mut db = Db::new();
    db.run("PFADD h a");
    for runs in [&b""[..], b"\x3f", b"\x7f\xff\x80", b"\x7f\xff\x7f\xff", b"\x80"] {
        let value = [b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80", runs].concat();
        db.call(&[b"SET", b"k", &value]);
        for line in ["PFCOUNT k", "PFCOUNT h k", "PFMERGE h k", "PFMERGE k h", "PFDEBUG GETREG k", "PFDEBUG TODENSE k"]
        {
            db.fails(line, CORRUPT);
        }
        // Register 0 is there in some, later ones are not.
        assert!(runs.len() > 1 || db.run("PFADD k a b c d e f").starts_with(&format!("-{CORRUPT}")));
        assert!(runs.len() > 1 || db.call(&[b"GET", b"k"]).ends_with(&[&value[..], b"\r\n"].concat()));
    }
    db.is("PFCOUNT h", ":1\r\n");
    // The count that is kept is believed, as in Redis.
    db.call(&[b"SET", b"k", b"HYLL\x01\0\0\0\x07\0\0\0\0\0\0\0"]);
    db.is("PFCOUNT k", ":7\r\n");
}

#[test]
fn any_bytes_behind_the_header_end_in_an_answer() {
    let mut rng = fastrand::Rng::with_seed(11);
    let mut db = Db::new();
    db.run("CONFIG SET hll-sparse-max-bytes 200");
    for _ in 0..2000 {
        let mut value = b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80".to_vec();
        let mut left = 16_384usize;
        while left > 0 && rng.u8(..100) > 0 {
            let head = rng.u8(..);
            let len = if head >= 128 { (head & 3) as usize + 1 } else { (head & 63) as usize + 1 };
            if head >> 6 == 1 {
                let len = rng.usize(1..=left);
                value.extend([64 | ((len - 1) >> 8) as u8, (len - 1) as u8]);
                left -= len;
            } else if len <= left {
                value.push(head);
                left -= len;
            }
        }
        db.call(&[b"SET", b"k", &value]);
        let is_right = db.run("PFCOUNT k").starts_with(':');
        for line in ["PFADD k a b c", "PFADD k d", "PFCOUNT k", "PFMERGE k k", "PFADD k e f g h i", "PFDEBUG TODENSE k"]
        {
            let reply = db.run(line);
            assert!(!is_right || !reply.starts_with('-'), "{line} of {value:?}: {reply}");
        }
    }
}

#[test]
fn debugging_words_are_those_of_redis() {
    let mut db = Db::new();
    db.run("PFADD h a");
    db.fails("PFDEBUG ENCODING nosuch", "ERR The specified key does not exist");
    db.fails("PFDEBUG FOO h", "ERR Unknown PFDEBUG subcommand 'FOO'");
    db.fails("PFDEBUG GETREG", "ERR wrong number of arguments for 'pfdebug' command");
    db.is("PFDEBUG TODENSE h", ":1\r\n");
    db.is("PFDEBUG TODENSE h", ":0\r\n");
    db.fails("PFDEBUG DECODE h", "ERR HLL encoding is not sparse");
    assert!(db.run("PFDEBUG GETREG h").starts_with("*16384\r\n:0\r\n"));
    db.is("PFDEBUG SIMD ON", "+enabled\r\n");
    db.fails("PFDEBUG SIMD x", "ERR Argument must be ON or OFF");
    db.is("PFSELFTEST", "+OK\r\n");
}

#[test]
fn only_changes_are_logged() {
    let mut db = Db::new();
    for (line, expected) in [
        ("PFADD h", "="),
        ("PFADD h", ""),
        ("PFADD h a b", "="),
        ("PFADD h a b", ""),
        ("PFCOUNT h", "="), // the count is kept
        ("PFCOUNT h", ""),
        ("PFCOUNT h h", ""),
        ("PFCOUNT nosuch", ""),
        ("PFMERGE h h", "="),
        ("PFDEBUG TODENSE h", "="),
        ("PFDEBUG TODENSE h", ""),
        ("PFDEBUG GETREG h", ""),
    ] {
        assert_eq!(logged(&mut db, line), expected, "{line}");
    }
}

#[test]
fn elements_that_change_something_count_as_changes() {
    let mut db = Db::new();
    let dirty = |db: &Db| db.dispatcher.server.dirty;
    for (line, more) in
        [("PFADD h a b c", 4), ("PFADD h a b d e", 2), ("PFCOUNT h", 1), ("PFCOUNT h", 0), ("PFMERGE h", 1)]
    {
        let before = dirty(&db);
        db.run(line);
        assert_eq!(dirty(&db) - before, more, "{line}");
    }
}
