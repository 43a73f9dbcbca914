//! Strings as bits.

use crate::harness::Db;
use crate::string::{WRONG_TYPE, logged, put_something_else};

const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";
const NO_OFFSET: &str = "ERR bit offset is not an integer or out of range";
const SYNTAX: &str = "ERR syntax error";

#[test]
fn single_bits_are_set_and_read() {
    let mut db = Db::new();
    db.is("SETBIT k 1 1", ":0\r\n");
    db.is("SETBIT k 1 1", ":1\r\n");
    db.is_bulk("GET k", "@");
    db.is("GETBIT k 1", ":1\r\n");
    db.is("GETBIT k 100", ":0\r\n");
    db.is("GETBIT nosuch 0", ":0\r\n");
    db.is("SETBIT k 23 0", ":0\r\n");
    db.is("STRLEN k", ":3\r\n");
    db.is("SET n 1", "+OK\r\n");
    db.is("GETBIT n 7", ":1\r\n");
    db.is("SETBIT n 6 1", ":0\r\n");
    db.is_bulk("GET n", "3");
    for value in ["2", "-1", "x"] {
        db.fails(&format!("SETBIT k 0 {value}"), "ERR bit is not an integer or out of range");
    }
    for offset in ["-1", "4294967296", "x", "#1"] {
        db.fails(&format!("SETBIT k {offset} 2"), NO_OFFSET);
        db.fails(&format!("GETBIT k {offset}"), NO_OFFSET);
    }
}

#[test]
fn wrong_types_are_refused() {
    let mut db = Db::new();
    put_something_else(&mut db, b"other");
    for line in [
        "SETBIT other 0 1",
        "GETBIT other 0",
        "BITCOUNT other",
        "BITPOS other 1",
        "BITOP AND d other nosuch",
        "BITOP AND d nosuch other",
        "BITFIELD other GET u8 0",
        "BITFIELD other SET u8 0 1",
        "BITFIELD_RO other GET u8 0",
    ] {
        db.fails(line, WRONG_TYPE);
    }
    db.fails("BITCOUNT other a 1", NOT_AN_INTEGER);
    db.fails("BITPOS other 2", "ERR The bit argument must be 1 or 0.");
}

#[test]
fn bits_are_counted_in_ranges_of_bytes_or_bits() {
    let mut db = Db::new();
    db.is("SET k foobar", "+OK\r\n");
    for (range, count) in [
        ("", 26),
        ("0 0", 4),
        ("1 1", 6),
        ("1 1 BYTE", 6),
        ("5 30 bit", 17),
        ("0 -1", 26),
        ("-1 -2", 0),
        ("-100 -200", 0),
        ("-200 -100", 4),
        ("10 20", 0),
        ("-9223372036854775808 9223372036854775807 BIT", 26),
    ] {
        db.is(&format!("BITCOUNT k {range}"), &format!(":{count}\r\n"));
    }
    db.is("BITCOUNT nosuch", ":0\r\n");
    for line in ["BITCOUNT k 0", "BITCOUNT k 0 1 foo", "BITCOUNT nosuch 0 1 foo", "BITCOUNT k 0 1 BIT 2"] {
        db.fails(line, SYNTAX);
    }
    db.fails("BITCOUNT k a 0 foo", NOT_AN_INTEGER);
}

#[test]
fn bits_are_found() {
    let mut db = Db::new();
    db.call(&[b"SET", b"k", b"\xff\xf0\x00"]);
    db.call(&[b"SET", b"ones", b"\xff\xff"]);
    db.is("SET empty ''", "+OK\r\n");
    for (line, position) in [
        ("BITPOS k 0", 12),
        ("BITPOS k 1 2", -1),
        ("BITPOS k 1 1", 8),
        ("BITPOS k 0 0 0", -1),
        ("BITPOS k 0 -1", 16),
        ("BITPOS k 0 7 15 BIT", 12),
        ("BITPOS k 1 12 -1 BIT", -1),
        ("BITPOS ones 0", 16),
        ("BITPOS ones 0 1", 16),
        ("BITPOS ones 0 0 -1", -1),
        ("BITPOS ones 0 5", -1),
        ("BITPOS empty 0", -1),
        ("BITPOS nosuch 0", 0),
        ("BITPOS nosuch 1", -1),
    ] {
        db.is(line, &format!(":{position}\r\n"));
    }
    db.fails("BITPOS k x", NOT_AN_INTEGER);
    db.fails("BITPOS k 0 0 0 foo", SYNTAX);
    db.fails("BITPOS k 0 0 0 BIT x", SYNTAX);
}

#[test]
fn strings_are_combined_bit_by_bit() {
    let mut db = Db::new();
    db.is("MSET a abc b ab n 12", "+OK\r\n");
    db.is("BITOP AND d a b", ":3\r\n");
    db.is_bulk("GET d", "ab\0");
    db.is("BITOP or d a b nosuch", ":3\r\n");
    db.is_bulk("GET d", "abc");
    db.is("BITOP XOR d a a", ":3\r\n");
    db.is_bulk("GET d", "\0\0\0");
    db.is("BITOP NOT d n", ":2\r\n");
    assert_eq!(db.call(&[b"GET", b"d"]), b"$2\r\n\xce\xcd\r\n");
    db.is("BITOP AND d nosuch", ":0\r\n");
    db.is("GET d", "$-1\r\n");
    db.is("BITOP AND a a b", ":3\r\n");
    db.is_bulk("GET a", "ab\0");
    db.fails("BITOP FOO d a", SYNTAX);
    db.fails("BITOP NOT d a b", "ERR BITOP NOT must be called with a single source key.");
    db.fails("BITOP AND d", "ERR wrong number of arguments for 'bitop' command");
}

#[test]
fn fields_are_read_written_and_added_to() {
    let mut db = Db::new();
    db.is("BITFIELD k", "*0\r\n");
    db.is("BITFIELD k GET u8 0", "*1\r\n:0\r\n");
    db.is("GET k", "$-1\r\n");
    db.is("BITFIELD k SET u8 0 255 GET u8 0 INCRBY u8 0 10", "*3\r\n:0\r\n:255\r\n:9\r\n");
    db.is("BITFIELD k SET u8 #1 97", "*1\r\n:0\r\n");
    db.is_bulk("GET k", "\ta");
    db.is("BITFIELD k OVERFLOW SAT INCRBY u8 0 300 OVERFLOW FAIL INCRBY u8 0 1", "*2\r\n:255\r\n$-1\r\n");
    db.is("BITFIELD k SET i8 0 200 GET i8 0", "*2\r\n:-1\r\n:-56\r\n");
    db.is("BITFIELD n OVERFLOW FAIL INCRBY u8 0 300", "*1\r\n$-1\r\n");
    db.is("STRLEN n", ":1\r\n");
    db.is("BITFIELD_RO k GET u8 8 GET u4 100", "*2\r\n:97\r\n:0\r\n");
    db.is("SET n 1", "+OK\r\n");
    db.is("BITFIELD n GET u8 0", "*1\r\n:49\r\n");
}

#[test]
fn fields_that_are_none_are_refused() {
    let mut db = Db::new();
    for field in ["u64", "i65", "u0", "x8", "i"] {
        db.fails(
            &format!("BITFIELD k SET {field} 0 1"),
            "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
        );
    }
    for offset in ["#", "-1", "x", "#9223372036854775807", "4294967296"] {
        db.fails(&format!("BITFIELD k GET u8 {offset}"), NO_OFFSET);
    }
    db.fails("BITFIELD k SET u8 0 x", NOT_AN_INTEGER);
    db.fails("BITFIELD k OVERFLOW foo", "ERR Invalid OVERFLOW type specified");
    for line in ["BITFIELD k OVERFLOW", "BITFIELD k GET u8", "BITFIELD k foo", "BITFIELD k SET u8 0 1 INCRBY u8 0"] {
        db.fails(line, SYNTAX);
    }
    db.fails("BITFIELD_RO k SET u8 0 1", "ERR BITFIELD_RO only supports the GET subcommand");
    db.fails("BITFIELD_RO k SET u8 0 x", NOT_AN_INTEGER);
    db.is("GET k", "$-1\r\n");
}

#[test]
fn only_changes_are_logged() {
    let mut db = Db::new();
    for (line, expected) in [
        ("SETBIT k 1 1", "="),
        ("SETBIT k 1 1", ""),
        ("SETBIT k 100 0", "="),
        ("SETBIT k 100 0", ""),
        ("BITFIELD k SET u8 0 1", "="),
        ("BITFIELD k SET u8 0 1 GET u8 0", ""),
        ("BITFIELD k GET u8 0", ""),
        ("BITFIELD new SET u8 0 0", "="),
        ("BITFIELD failed OVERFLOW FAIL SET u8 0 300", "="),
        ("BITFIELD failed OVERFLOW FAIL SET u8 0 300", ""),
        ("BITOP NOT c k", "="),
        ("BITOP AND c nosuch", "="),
        ("BITOP AND c nosuch", ""),
    ] {
        assert_eq!(logged(&mut db, line), expected, "{line}");
    }
}
