//! Hashes, once per encoding where that can matter.

use crate::harness::{Db, START_MS};
use crate::phrases::{events, sorted};
use crate::string::{WRONG_TYPE, logged};

const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";
const NOT_MATCHING: &str = "ERR The `numfields` parameter must match the number of arguments";
const NOT_POSITIVE: &str = "ERR Number of fields must be a positive integer";
const NO_FIELDS: &str = "ERR Mandatory argument FIELDS is missing or not at the right position";

/// Runs a test with hashes that are packed, and with hashes that are tables from their first field on.
fn in_both_encodings(test: impl Fn(&mut Db)) {
    test(&mut Db::new());
    test(&mut Db::with(|config| config.hash_max_listpack_entries = 0));
}

/// A reply of bulk strings, `-` for none.
fn list(items: &str) -> String {
    let items: Vec<&str> = items.split_whitespace().collect();
    let mut reply = format!("*{}\r\n", items.len());
    for item in items {
        match item {
            "-" => reply += "$-1\r\n",
            _ => reply += &format!("${}\r\n{item}\r\n", item.len()),
        }
    }
    reply
}

/// A reply of integers.
fn ints(numbers: &[i64]) -> String {
    let mut reply = format!("*{}\r\n", numbers.len());
    numbers.iter().for_each(|number| reply += &format!(":{number}\r\n"));
    reply
}

#[test]
fn fields_are_set_and_read() {
    in_both_encodings(|db| {
        db.is("HSET h a 1 b two", ":2\r\n");
        db.is("HSET h a 10 c \"\"", ":1\r\n");
        db.is("HMSET h d 4", "+OK\r\n");
        db.is_bulk("HGET h a", "10");
        db.is_bulk("HGET h b", "two");
        db.is_bulk("HGET h c", "");
        db.is("HGET h nope", "$-1\r\n");
        db.is("HGET nokey a", "$-1\r\n");
        db.is("HMGET h a nope d a", &list("10 - 4 10"));
        db.is("HMGET nokey a b", &list("- -"));
        db.is("HLEN h", ":4\r\n");
        db.is("HLEN nokey", ":0\r\n");
        db.is("HSTRLEN h b", ":3\r\n");
        db.is("HSTRLEN h a", ":2\r\n");
        db.is("HSTRLEN h nope", ":0\r\n");
        db.is("HEXISTS h c", ":1\r\n");
        db.is("HEXISTS h nope", ":0\r\n");
        db.is("HSETNX h a 7", ":0\r\n");
        db.is("HSETNX h e 7", ":1\r\n");
        db.is("TYPE h", "+hash\r\n");
        assert_eq!(sorted(&db.run("HKEYS h")), ["a", "b", "c", "d", "e"]);
        assert_eq!(sorted(&db.run("HVALS h")), ["10", "4", "7", "two"]);
        assert_eq!(sorted(&db.run("HGETALL h")), ["10", "4", "7", "a", "b", "c", "d", "e", "two"]);
        db.is("HKEYS nokey", "*0\r\n");
        db.is("HVALS nokey", "*0\r\n");
        db.is("HGETALL nokey", "*0\r\n");
        db.is("HDEL h a nope a b", ":2\r\n");
        db.is("HDEL h c d e", ":3\r\n");
        db.is("EXISTS h", ":0\r\n");
        db.is("HDEL h a", ":0\r\n");
    });
}

#[test]
fn a_hash_is_a_map_in_resp3() {
    let mut db = Db::new();
    db.run("HELLO 3");
    db.run("HSET h a 1");
    db.is("HGETALL h", "%1\r\n$1\r\na\r\n$1\r\n1\r\n");
    db.is("HGETALL nokey", "%0\r\n");
    db.is("HKEYS h", "*1\r\n$1\r\na\r\n");
    db.is("HGET h b", "_\r\n");
    db.is("HRANDFIELD h 1 WITHVALUES", "*1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n");
    db.is("HRANDFIELD h -2 WITHVALUES", "*2\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n");
}

#[test]
fn wrong_calls_change_nothing() {
    in_both_encodings(|db| {
        db.fails("HSET h a 1 b", "ERR wrong number of arguments for 'hset' command");
        db.fails("HMSET h a 1 b", "ERR wrong number of arguments for 'hmset' command");
        db.is("EXISTS h", ":0\r\n");
        db.run("SET s x");
        for call in [
            "HSET s a 1",
            "HSETNX s a 1",
            "HMSET s a 1",
            "HGET s a",
            "HMGET s a",
            "HGETALL s",
            "HKEYS s",
            "HVALS s",
            "HLEN s",
            "HSTRLEN s a",
            "HEXISTS s a",
            "HDEL s a",
            "HINCRBY s a 1",
            "HINCRBYFLOAT s a 1",
            "HRANDFIELD s",
            "HRANDFIELD s 2",
            "HSCAN s 0",
            "HEXPIRE s 1 FIELDS 1 a",
            "HEXPIRE s x FIELDS 1 a",
            "HTTL s FIELDS 1 a",
            "HPERSIST s FIELDS 1 a",
            "HGETDEL s FIELDS 1 a",
            "HGETEX s FIELDS 1 a",
            "HSETEX s FIELDS 1 a 1",
            "HGETEX s foo 1 a",
        ] {
            db.fails(call, WRONG_TYPE);
        }
        db.run("HSET h a foo");
        db.fails("GET h", WRONG_TYPE);
        db.fails("APPEND h x", WRONG_TYPE);
    });
}

#[test]
fn encodings_follow_the_thresholds_and_never_go_back() {
    let mut db = Db::with(|config| (config.hash_max_listpack_entries, config.hash_max_listpack_value_bytes) = (3, 5));
    db.run("HSET h a 1 b 2 c 12345");
    db.is_bulk("OBJECT ENCODING h", "listpack");
    db.run("HSET h a 123456");
    db.is_bulk("OBJECT ENCODING h", "hashtable");
    db.run("HSET h a 1");
    db.is_bulk("OBJECT ENCODING h", "hashtable");
    db.is_bulk("HGET h c", "12345");
    db.run("HSET many a 1 b 2 c 3 d 4");
    db.is_bulk("OBJECT ENCODING many", "hashtable");
    db.run("HSET longer abcdef 1");
    db.is_bulk("OBJECT ENCODING longer", "hashtable");
    db.run("HSET one a 1 a 1 a 1 a 1"); // as in Redis: four were said
    db.is_bulk("OBJECT ENCODING one", "hashtable");
    db.run("HSET grown a 1 b 2 c 3");
    db.run("HINCRBYFLOAT grown a 1.23456");
    db.is_bulk("OBJECT ENCODING grown", "hashtable");
    db.run("CONFIG SET hash-max-ziplist-entries 10");
    db.run("HSET new a 1 b 2 c 3 d 4");
    db.is_bulk("OBJECT ENCODING new", "listpack");
    db.run("HEXPIRE new 10 FIELDS 1 a");
    db.is_bulk("OBJECT ENCODING new", "listpackex");
    db.run("HPERSIST new FIELDS 1 a");
    db.is_bulk("OBJECT ENCODING new", "listpackex");
}

#[test]
fn a_hash_grows_from_its_record_into_a_box_and_into_a_table() {
    let mut db = Db::new();
    for n in 0..600 {
        db.is(&format!("HSET h field:{n:05} {n}"), ":1\r\n");
        let encoding = if n < 512 { "listpack" } else { "hashtable" };
        if n % 50 == 0 {
            db.is_bulk("OBJECT ENCODING h", encoding);
        }
    }
    for n in 0..600 {
        db.is_bulk(&format!("HGET h field:{n:05}"), &n.to_string());
    }
    for n in 0..600 {
        db.is(&format!("HDEL h field:{n:05}"), ":1\r\n");
    }
    db.is("EXISTS h", ":0\r\n");
    db.dispatcher.server.keyspace.db(0).check_invariants();
}

#[test]
fn values_that_are_numbers() {
    in_both_encodings(|db| {
        db.is("HINCRBY h a 5", ":5\r\n");
        db.is("HINCRBY h a -7", ":-2\r\n");
        db.fails("HINCRBY h a x", NOT_AN_INTEGER);
        db.run("HSET h max 9223372036854775807 word foo blank \" 1\" empty \"\"");
        db.fails("HINCRBY h max 1", "ERR increment or decrement would overflow");
        for field in ["word", "blank", "empty"] {
            db.fails(&format!("HINCRBY h {field} 1"), "ERR hash value is not an integer");
            db.fails(&format!("HINCRBYFLOAT h {field} 1"), "ERR hash value is not a float");
        }
        db.is_bulk("HINCRBYFLOAT h a 2.6", "0.6");
        db.fails("HINCRBY h a 1", "ERR hash value is not an integer");
        db.is_bulk("HINCRBYFLOAT h new 10.5", "10.5");
        db.is_bulk("HINCRBYFLOAT h new 0.1", "10.6");
        db.is_bulk("HINCRBYFLOAT h new 1e2", "110.6");
        db.fails("HINCRBYFLOAT h new foo", "ERR value is not a valid float");
        db.fails("HINCRBYFLOAT h new inf", "ERR value is NaN or Infinity");
        db.fails("HINCRBYFLOAT h new nan", "ERR value is not a valid float");
        db.run("HSET h huge 1e4932");
        db.fails("HINCRBYFLOAT h huge 1e4932", "ERR increment would produce NaN or Infinity");
        db.fails("HINCRBY none word x", NOT_AN_INTEGER);
        db.is("EXISTS none", ":0\r\n");
    });
}

#[test]
fn hscan_goes_over_all_fields() {
    in_both_encodings(|db| {
        for n in 0..100 {
            db.run(&format!("HSET h field{n} value{n}"));
        }
        let (mut cursor, mut seen) = ("0".to_owned(), Vec::new());
        loop {
            let reply = db.run(&format!("HSCAN h {cursor} COUNT 7 NOVALUES"));
            let mut lines = reply.split("\r\n").filter(|line| !line.starts_with(['*', '$']) && !line.is_empty());
            cursor = lines.next().unwrap().to_owned();
            seen.extend(lines.map(str::to_owned));
            if cursor == "0" {
                break;
            }
        }
        seen.sort();
        assert_eq!(seen.len(), 100);
        seen.dedup();
        assert_eq!(seen.len(), 100);
        assert_eq!(sorted(&db.run("HSCAN h 0 MATCH *99 COUNT 1000")), ["0", "field99", "value99"]);
        db.fails("HSCAN h x", "ERR invalid cursor");
        db.fails("HSCAN h 0 COUNT 0", "ERR syntax error");
        db.fails("HSCAN h 0 COUNT x", NOT_AN_INTEGER);
        db.fails("HSCAN h 0 TYPE hash", "ERR syntax error");
        db.is("HSCAN nokey 0 foo", "*2\r\n$1\r\n0\r\n*0\r\n");
        db.fails("SCAN 0 NOVALUES", "ERR NOVALUES option can only be used in HSCAN");
    });
}

#[test]
fn random_fields() {
    in_both_encodings(|db| {
        db.run("HSET h a 1 b 2 c 3");
        let drawn = db.run("HRANDFIELD h");
        assert!(["a", "b", "c"].iter().any(|field| drawn.contains(field)), "{drawn}");
        db.is("HRANDFIELD nokey", "$-1\r\n");
        db.is("HRANDFIELD nokey 3", "*0\r\n");
        db.is("HRANDFIELD h 0", "*0\r\n");
        assert_eq!(sorted(&db.run("HRANDFIELD h 10")), ["a", "b", "c"]);
        assert_eq!(sorted(&db.run("HRANDFIELD h 10 WITHVALUES")), ["1", "2", "3", "a", "b", "c"]);
        assert_eq!(sorted(&db.run("HRANDFIELD h 2")).len(), 2);
        assert_eq!(sorted(&db.run("HRANDFIELD h -20")).len(), 20);
        assert_eq!(sorted(&db.run("HRANDFIELD h -20 WITHVALUES")).len(), 40);
        db.fails("HRANDFIELD h x", NOT_AN_INTEGER);
        db.fails("HRANDFIELD h 1 foo", "ERR syntax error");
        db.fails("HRANDFIELD h 1 WITHVALUES foo", "ERR syntax error");
        db.fails("HRANDFIELD h -9223372036854775807 WITHVALUES", "ERR value is out of range");
        db.fails(
            "HRANDFIELD h -9223372036854775808",
            "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        );
    });
}

/// With 100 fields and 10,000 draws each comes 100 times, give or take 10: 40 is four times that.
#[test]
fn random_fields_are_all_as_likely() {
    in_both_encodings(|db| {
        for n in 0..100 {
            db.run(&format!("HSET h f{n} v"));
        }
        for call in ["HRANDFIELD h", "HRANDFIELD h -10", "HRANDFIELD h 5", "HRANDFIELD h 50"] {
            let mut counts = std::collections::BTreeMap::<String, u32>::new();
            let mut drawn = 0;
            while drawn < 10_000 {
                for field in sorted(&db.run(call)) {
                    *counts.entry(field).or_default() += 1;
                    drawn += 1;
                }
            }
            assert_eq!(counts.len(), 100, "{call}");
            assert!(counts.values().all(|count| (50..160).contains(count)), "{call}: {counts:?}");
        }
    });
}

// ---- deadlines of fields ----

#[test]
fn fields_leave_at_their_millisecond() {
    in_both_encodings(|db| {
        db.run("HSET h a 1 b 2 c 3");
        db.is("HPEXPIRE h 100 FIELDS 2 a b", &ints(&[1, 1]));
        db.is("HEXPIRE h 1 FIELDS 1 c", &ints(&[1]));
        db.is("HPTTL h FIELDS 4 a b c d", &ints(&[100, 100, 1000, -2]));
        db.is("HTTL h FIELDS 2 a c", &ints(&[1, 1]));
        db.is("HPEXPIRETIME h FIELDS 1 a", &ints(&[START_MS as i64 + 100]));
        db.is("HEXPIRETIME h FIELDS 2 a c", &ints(&[START_MS as i64 / 1000 + 1; 2]));
        db.advance_ms(99);
        db.is("HLEN h", ":3\r\n");
        db.is_bulk("HGET h a", "1");
        db.advance_ms(1);
        db.is("HLEN h", ":1\r\n");
        db.is("HGETALL h", &list("c 3"));
        db.is("HTTL h FIELDS 1 a", &ints(&[-2]));
        db.advance_ms(899);
        db.is("EXISTS h", ":1\r\n");
        db.advance_ms(1);
        db.is("EXISTS h", ":0\r\n");
        assert!(db.run("INFO stats").contains("expired_subkeys:3\r\n"));
        db.dispatcher.server.keyspace.db(0).check_invariants();
    });
}

#[test]
fn what_has_passed_is_not_seen_even_where_nothing_removes_it() {
    in_both_encodings(|db| {
        db.dispatcher.server.debug.active_expire = false;
        db.run("HSET h a 1 b 2 c 3 d 4 e 5");
        db.run("HPEXPIRE h 5 FIELDS 4 a b c d");
        db.advance_ms(5);
        db.is("EXISTS h", ":1\r\n");
        db.is("HLEN h", ":5\r\n");
        db.is("HGETALL h", &list("e 5"));
        db.is("HKEYS h", &list("e"));
        db.is("HVALS h", &list("5"));
        db.is("HSCAN h 0 COUNT 100", &format!("*2\r\n$1\r\n0\r\n{}", list("e 5")));
        db.is("HTTL h FIELDS 2 a e", &ints(&[-2, -1]));
        db.is("HLEN h", ":5\r\n");
        // Whoever names it removes it.
        db.is("HGET h a", "$-1\r\n");
        db.is("HLEN h", ":4\r\n");
        db.is("HMGET h b e b", &list("- 5 -"));
        db.is("HLEN h", ":3\r\n");
        db.is("HSETNX h c new", ":1\r\n");
        db.is("HINCRBY h d 1", ":1\r\n");
        db.is("HPTTL h FIELDS 2 c d", &ints(&[-1, -1]));
        assert!(db.run("INFO stats").contains("expired_subkeys:4\r\n"));
        db.run("HPEXPIRE h 5 FIELDS 3 c d e");
        db.advance_ms(5);
        db.is("HRANDFIELD h 5", "*0\r\n");
        db.is("EXISTS h", ":0\r\n");
        db.dispatcher.server.keyspace.db(0).check_invariants();
    });
}

#[test]
fn hexpire_answers_for_each_field() {
    in_both_encodings(|db| {
        db.run("HSET h a 1 b 2");
        db.is("HEXPIRE nokey 10 FIELDS 2 a b", &ints(&[-2, -2]));
        db.is("HEXPIRE h 10 NX FIELDS 2 a nope", &ints(&[1, -2]));
        db.is("HEXPIRE h 20 NX FIELDS 2 a b", &ints(&[0, 1]));
        db.is("HEXPIRE h 15 GT FIELDS 2 a b", &ints(&[1, 0]));
        db.is("HEXPIRE h 15 LT FIELDS 2 a b", &ints(&[0, 1]));
        db.run("HPERSIST h FIELDS 1 a");
        db.is("HEXPIRE h 5 GT FIELDS 1 a", &ints(&[0]));
        db.is("HEXPIRE h 5 XX FIELDS 2 a b", &ints(&[0, 1]));
        db.is("HEXPIRE h 5 LT FIELDS 1 a", &ints(&[1]));
        db.is("HEXPIRE h 0 FIELDS 1 a", &ints(&[2]));
        db.is("HPEXPIREAT h 1 LT FIELDS 2 a b", &ints(&[-2, 2]));
        db.is("EXISTS h", ":0\r\n");
        db.run("HSET h a 1");
        db.fails("HEXPIRE h -1 FIELDS 1 a", "ERR invalid expire time, must be >= 0");
        db.fails("HEXPIRE h x FIELDS 1 a", NOT_AN_INTEGER);
        db.fails("HEXPIRE h 9223372036854775807 FIELDS 1 a", "ERR invalid expire time in 'hexpire' command");
        db.fails("HPEXPIREAT h 70368744177664 FIELDS 1 a", "ERR invalid expire time in 'hpexpireat' command");
        db.is("HPEXPIREAT h 70368744177663 FIELDS 1 a", &ints(&[1]));
        db.fails("HEXPIRE h 1 FIELDS 0 a", "ERR Parameter `numFields` should be greater than 0");
        db.fails("HEXPIRE h 1 FIELDS 2 a", NOT_MATCHING);
        db.fails("HEXPIRE h 1 NX XX FIELDS 1 a", NO_FIELDS);
        db.fails("HEXPIRE h 1 foo 1 a", NO_FIELDS);
        db.fails("HTTL h FIELDS 0 a", NOT_POSITIVE);
        db.fails("HTTL h FIELDS 1 a b", NOT_MATCHING);
        db.fails("HTTL h FIELD 1 a", NO_FIELDS);
    });
}

#[test]
fn persisting_and_overwriting_take_a_deadline_away() {
    in_both_encodings(|db| {
        db.run("HSET h a 1 b 2 c 3 d 4");
        db.run("HPEXPIRE h 50 FIELDS 4 a b c d");
        db.is("HPERSIST h FIELDS 2 a nope", &ints(&[1, -2]));
        db.is("HPERSIST h FIELDS 1 a", &ints(&[-1]));
        db.is("HPERSIST nokey FIELDS 1 a", &ints(&[-2]));
        db.run("HSET h b 20");
        db.run("HINCRBY h c 1");
        db.run("HINCRBYFLOAT h d 0.5");
        db.is("HPTTL h FIELDS 4 a b c d", &ints(&[-1, -1, 50, 50]));
        assert!(db.run("INFO keyspace").contains("subexpiry=1\r\n"));
        db.run("HDEL h c d");
        assert!(db.run("INFO keyspace").contains("subexpiry=0\r\n"));
        db.advance_ms(50);
        db.is("HLEN h", ":2\r\n");
    });
}

#[test]
fn hgetdel_gives_values_once() {
    in_both_encodings(|db| {
        db.run("HSET h a 1 b 2 c 3");
        db.is("HGETDEL h FIELDS 3 a nope b", &list("1 - 2"));
        db.is("HGETDEL h FIELDS 2 c c", &list("3 -"));
        db.is("EXISTS h", ":0\r\n");
        db.is("HGETDEL h FIELDS 1 a", &list("-"));
        db.fails("HGETDEL h FIELDS 0 a", NOT_POSITIVE);
        db.fails("HGETDEL h FIELDS 2 a", NOT_MATCHING);
        db.fails("HGETDEL h foo 1 a", NO_FIELDS);
    });
}

#[test]
fn hgetex_gives_values_and_sets_deadlines() {
    in_both_encodings(|db| {
        db.run("HSET h a 1 b 2");
        db.is("HGETEX h FIELDS 2 a nope", &list("1 -"));
        db.is("HGETEX h EX 10 FIELDS 1 a", &list("1"));
        db.is("HGETEX h PX 10 FIELDS 1 b", &list("2"));
        db.is("HPTTL h FIELDS 2 a b", &ints(&[10_000, 10]));
        db.is("HGETEX h PERSIST FIELDS 2 a b", &list("1 2"));
        db.is("HTTL h FIELDS 2 a b", &ints(&[-1, -1]));
        db.is("HGETEX h EXAT 1 FIELDS 2 a b", &list("1 2"));
        db.is("EXISTS h", ":0\r\n");
        db.is("HGETEX h PXAT 1 FIELDS 1 a", &list("-"));
        db.fails("HGETEX h EX -1 FIELDS 1 a", "ERR invalid expire time, must be >= 0");
        db.fails("HGETEX h EX 9223372036854775807 FIELDS 1 a", "ERR invalid expire time in 'hgetex' command");
        db.fails("HGETEX h EX 10 PX 10 FIELDS 1 a", NO_FIELDS);
        db.fails("HGETEX h EX 10 FIELDS 1", NOT_MATCHING);
        db.fails("HGETEX h EX 10 FIELDS", "ERR wrong number of arguments for 'hgetex' command");
        db.fails("HGETEX nokey PX 10 foo", "ERR wrong number of arguments for 'hgetex' command");
        db.fails("HGETEX h EX ten FIELDS", "ERR value is not an integer or out of range");
        db.fails("HGETEX h PERSIST FIELDS 0", NOT_POSITIVE);
    });
}

#[test]
fn hsetex_sets_under_conditions() {
    in_both_encodings(|db| {
        db.is("HSETEX h FXX FIELDS 1 a 1", ":0\r\n");
        db.is("EXISTS h", ":0\r\n");
        db.is("HSETEX h EX 10 FIELDS 2 a 1 b 2", ":1\r\n");
        db.is("HTTL h FIELDS 2 a b", &ints(&[10, 10]));
        db.is("HSETEX h FNX FIELDS 2 b 3 c 3", ":0\r\n");
        db.is("HSETEX h FXX FIELDS 2 b 3 c 3", ":0\r\n");
        db.is("HSETEX h FXX KEEPTTL FIELDS 2 a 10 b 20", ":1\r\n");
        db.is("HTTL h FIELDS 2 a b", &ints(&[10, 10]));
        db.is("HSETEX h FNX PX 5 FIELDS 1 c 3", ":1\r\n");
        db.is("HSETEX h FIELDS 1 a 1", ":1\r\n");
        db.is("HPTTL h FIELDS 3 a b c", &ints(&[-1, 10_000, 5]));
        db.is("HSETEX h PXAT 1 FIELDS 2 a 1 new 1", ":1\r\n");
        db.is("HMGET h a b c new", &list("- 20 3 -"));
        db.is("HSETEX none EX 0 FIELDS 1 a 1", ":1\r\n");
        db.is("EXISTS none", ":0\r\n");
        let wrong = "ERR wrong number of arguments for 'hsetex' command";
        db.fails("HSETEX h FIELDS 1 a", wrong);
        db.fails("HSETEX h FIELDS 1 a 1 b", wrong);
        db.fails("HSETEX h FIELDS 2 a 1 b", wrong);
        db.fails("HSETEX h FIELDS 0 a 1", "ERR invalid number of fields");
        let twice = "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified";
        db.fails("HSETEX h EX 10 KEEPTTL FIELDS 1 a 1", twice);
        db.fails("HSETEX h EX 10 PX 10 FIELDS 1 a 1", twice);
        db.fails("HSETEX h FNX FXX FIELDS 1 a 1", "ERR Only one of FXX or FNX arguments can be specified");
        db.fails("HSETEX h foo FIELDS 1 a 1", "ERR unknown argument: foo");
        db.fails("HSETEX h EX x FIELDS 1 a 1", NOT_AN_INTEGER);
    });
}

#[test]
fn the_log_gets_times_as_they_are_and_words_that_old_servers_know() {
    in_both_encodings(|db| {
        let at = |ms: u64| START_MS + ms;
        assert_eq!(logged(db, "HSET h a 1 b 2 c 3 d 4"), "=");
        assert_eq!(logged(db, "HEXPIRE h 10 FIELDS 3 a nope b"), format!("HPEXPIREAT h {} FIELDS 2 a b", at(10_000)));
        assert_eq!(logged(db, "HPEXPIRE h 10 NX FIELDS 2 a c"), format!("HPEXPIREAT h {} NX FIELDS 1 c", at(10)));
        assert_eq!(logged(db, "HPEXPIRE h 10 NX FIELDS 2 a c"), "");
        assert_eq!(logged(db, "HINCRBYFLOAT h d 1.5"), "HSET h d 5.5");
        let deadline = at(10_000);
        assert_eq!(logged(db, "HINCRBYFLOAT h a 1.5"), format!("HSET h a 2.5; HPEXPIREAT h {deadline} FIELDS 1 a"));
        assert_eq!(
            logged(db, "HSETEX h KEEPTTL FIELDS 2 a 1 d 1"),
            format!("HSET h a 1 d 1; HPEXPIREAT h {deadline} FIELDS 1 a")
        );
        assert_eq!(
            logged(db, "HSETEX h EX 5 FIELDS 2 a 1 d 1"),
            format!("HSET h a 1 d 1; HPEXPIREAT h {} FIELDS 2 a d", at(5000))
        );
        assert_eq!(logged(db, "HGETEX h PX 7 FIELDS 2 a nope"), format!("HPEXPIREAT h {} FIELDS 1 a", at(7)));
        assert_eq!(logged(db, "HGETEX h PERSIST FIELDS 3 a nope d"), "HPERSIST h FIELDS 2 a d");
        assert_eq!(logged(db, "HGETEX h PERSIST FIELDS 1 a"), "");
        assert_eq!(logged(db, "HPERSIST h FIELDS 1 a"), "");
        assert_eq!(logged(db, "HGETDEL h FIELDS 2 nope a"), "HDEL h a");
        assert_eq!(logged(db, "HEXPIREAT h 1 FIELDS 3 b nope c"), "HDEL h b; HDEL h c");
        assert_eq!(logged(db, "HDEL h nope"), "");
        assert_eq!(logged(db, "HSETNX h d 1"), "");
        assert_eq!(logged(db, "HINCRBY h d 1"), "=");
    });
}

// ---- travelling ----

#[test]
fn deadlines_go_along_when_a_hash_is_copied_renamed_moved_and_dumped() {
    in_both_encodings(|db| {
        db.run("HSET h a 1 b 2");
        db.run("HPEXPIRE h 100 FIELDS 1 a");
        db.is("COPY h copy", ":1\r\n");
        db.is("COPY h other DB 1", ":1\r\n");
        for format in ["redis", "valkey"] {
            db.run(&format!("CONFIG SET rdb-hash-ttl-format {format}"));
            let dump = db.call(&[b"DUMP", b"h"]);
            let payload = &dump[dump.iter().position(|&byte| byte == b'\n').unwrap() + 1..dump.len() - 2];
            assert_eq!(db.call(&[b"RESTORE", format.as_bytes(), b"0", payload]), b"+OK\r\n", "{format}");
        }
        db.is("RENAME h renamed", "+OK\r\n");
        for key in ["copy", "renamed", "redis", "valkey"] {
            db.is(&format!("HPTTL {key} FIELDS 2 a b"), &ints(&[100, -1]));
        }
        assert!(db.run("INFO keyspace").contains("subexpiry=4\r\n"));
        db.run("SWAPDB 0 1");
        db.advance_ms(100);
        db.is("HGETALL other", &list("b 2"));
        db.run("SWAPDB 0 1");
        for key in ["copy", "renamed", "redis", "valkey"] {
            db.is(&format!("HGETALL {key}"), &list("b 2"));
        }
        db.run("SET copy x");
        db.run("HPEXPIRE renamed 5 FIELDS 1 b");
        db.run("SET renamed x");
        db.advance_ms(5);
        db.is("DBSIZE", ":4\r\n");
        db.dispatcher.server.keyspace.db(0).check_invariants();
    });
}

#[test]
fn many_fields_at_once_leave_in_slices() {
    let mut db = Db::new();
    for n in 0..2000 {
        db.run(&format!("HSET h f{n} v"));
        db.run(&format!("HPEXPIRE h 50 FIELDS 1 f{n}"));
    }
    db.advance_ms(50);
    assert_ne!(db.run("HLEN h"), ":0\r\n", "not all in one turn");
    for _ in 0..20 {
        db.dispatcher.tick();
    }
    db.is("EXISTS h", ":0\r\n");
}

/// DUMP of Redis 8.0.6 and Valkey 9.1 (`HSET h f1 v1 f2 22`; `HEXPIREAT h 2524600800 FIELDS 1 f2`), packed and as a table.
#[test]
fn payloads_of_redis_and_valkey_are_read() {
    let mut db = Db::new();
    for (name, payload) in DUMPS {
        assert_eq!(db.call(&[b"RESTORE", name.as_bytes(), b"0", payload]), b"+OK\r\n", "{name}");
        db.is(&format!("HMGET {name} f1 f2"), &list("v1 22"));
        db.is(&format!("HEXPIRETIME {name} FIELDS 2 f1 f2"), &ints(&[-1, 2_524_600_800]));
    }
}

const DUMPS: &[(&str, &[u8])] = &[
    ("redis_packed", b"\x19\x00\x13\xef\xcdK\x02\x00\x00!!\x00\x00\x00\x06\x00\x82f2\x03\x16\x01\xf4\x00\x13\xef\xcdK\x02\x00\x00\x09\x82f1\x03\x82v1\x03\x00\x01\xff\x0c\x00\xd1\x9b\xf8G\xcbr\x876"),
    ("redis_table", b"\x18\x00\x13\xef\xcdK\x02\x00\x00\x02\x01\x02f2\xc0\x16\x00\x02f1\x02v1\x0c\x00\x87\xba\xddMn\x83@y"),
    ("valkey_packed", b"\x16\x02\x02f1\x02v1\xff\xff\xff\xff\xff\xff\xff\xff\x02f2\xc0\x16\x00\x13\xef\xcdK\x02\x00\x00P\x00\xaa\x7f\xe6Bo\xb3\x82\xa2"),
    ("valkey_table", b"\x16\x02\x02f1\x02v1\xff\xff\xff\xff\xff\xff\xff\xff\x02f2\xc0\x16\x00\x13\xef\xcdK\x02\x00\x00P\x00\xaa\x7f\xe6Bo\xb3\x82\xa2"),
];

// ---- events ----

#[test]
fn events_of_hashes() {
    in_both_encodings(|db| {
        db.run("CONFIG SET notify-keyspace-events KA");
        for (call, expected) in [
            ("HSET h a 1 b 2 c 3 d 4 e 5 f 6", "hset"),
            ("HSETNX h a 1", ""),
            ("HMSET h a 1", "hset"),
            ("HINCRBY h a 1", "hincrby"),
            ("HINCRBYFLOAT h a 1", "hincrbyfloat"),
            ("HDEL h nope", ""),
            ("HDEL h a", "hdel"),
            ("HEXPIRE h 10 FIELDS 2 b nope", "hexpire"),
            ("HEXPIRE h 10 NX FIELDS 1 b", ""),
            ("HPERSIST h FIELDS 1 b", "hpersist"),
            ("HPERSIST h FIELDS 1 b", ""),
            ("HEXPIREAT h 1 FIELDS 1 b", "hdel"),
            ("HGETEX h FIELDS 1 c", ""),
            ("HGETEX h EX 10 FIELDS 1 c", "hexpire"),
            ("HGETEX h PERSIST FIELDS 1 c", "hpersist"),
            ("HGETEX h PXAT 1 FIELDS 1 c", "hdel"),
            ("HGETDEL h FIELDS 1 d", "hdel"),
            ("HSETEX h FIELDS 1 g 1", "hset"),
            ("HSETEX h EX 10 FIELDS 1 g 1", "hset hexpire"),
            ("HSETEX h PXAT 1 FIELDS 1 g 1", "hset hdel"),
            ("HDEL h e f", "hdel del"),
        ] {
            assert_eq!(events(db, "h", |db| drop(db.run(call))), expected, "{call}");
        }
        db.run("HSET h a 1 b 2 c 3");
        db.run("HPEXPIRE h 10 FIELDS 2 a b");
        assert_eq!(events(db, "h", |db| db.advance_ms(10)), "hexpired");
        db.run("HPEXPIRE h 10 FIELDS 1 c");
        assert_eq!(events(db, "h", |db| db.advance_ms(10)), "hexpired del");
        db.run("HSET h a 1");
        db.run("HPEXPIRE h 10 FIELDS 1 a");
        db.dispatcher.server.debug.active_expire = false;
        db.advance_ms(10);
        assert_eq!(events(db, "h", |db| drop(db.run("HGET h a"))), "hexpired del");
        db.dispatcher.server.debug.active_expire = true;
    });
}

#[test]
fn changes_are_counted_by_fields() {
    in_both_encodings(|db| {
        for (call, changes) in [
            ("HSET h a 1 b 2 c 3", 3),
            ("HDEL h a nope b", 2),
            ("HSETNX h c 1", 0),
            ("HINCRBY h c 1", 1),
            ("HSETEX h EX 10 FIELDS 2 a 1 b 1", 2),
            ("HPERSIST h FIELDS 2 a c", 1),
            ("HGETDEL h FIELDS 2 a b", 2),
            ("HGETALL h", 0),
        ] {
            let before = db.dispatcher.server.dirty;
            db.run(call);
            assert_eq!(db.dispatcher.server.dirty - before, changes, "{call}");
        }
    });
}
