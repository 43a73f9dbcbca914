//! Sets, each test on all of their encodings.

use crate::harness::Db;
use crate::lines::{all_say, line_of, says};
use crate::phrases::{changes, events, sorted};
use crate::string::{WRONG_TYPE, logged};
use ferrodis::base::quote::split_args;

const NOT_AN_INTEGER: &str = "!ERR value is not an integer or out of range";
const NOT_POSITIVE: &str = "!ERR value is out of range, must be positive";
const SYNTAX: &str = "!ERR syntax error";

/// Runs a test, whose members are integers, where sets of them are intsets, listpacks, and tables.
fn each_encoding(test: impl Fn(&mut Db)) {
    for (ints, packed, encoding) in [(512, 128, "intset"), (0, 128, "listpack"), (0, 0, "hashtable")] {
        let mut db = Db::with(|config| {
            (config.set_max_intset_entries, config.set_max_listpack_entries) = (ints, packed);
        });
        db.run("SADD s 1");
        says(&mut db, "OBJECT ENCODING s", encoding);
        db.run("DEL s");
        test(&mut db);
    }
}

/// Asserts that a set has these members, and no key if there are none.
#[track_caller]
fn has(db: &mut Db, key: &str, members: &str) {
    assert_eq!(sorted(&db.run(&format!("SMEMBERS {key}"))).join(" "), members, "{key}");
    let count = members.split_whitespace().count();
    says(db, &format!("SCARD {key}"), &count.to_string());
    says(db, &format!("EXISTS {key}"), if count == 0 { "0" } else { "1" });
}

#[track_caller]
fn says_in_any_order(db: &mut Db, call: &str, expected: &str) {
    assert_eq!(sorted(&db.run(call)).join(" "), expected, "{call}");
}

#[test]
fn members_come_once_and_go() {
    each_encoding(|db| {
        all_say(
            db,
            &[
                ("SADD s 2 1 2 3", "3"),
                ("SADD s 1 2 3", "0"),
                ("SADD s 3 4", "1"),
                ("TYPE s", "set"),
                ("SISMEMBER s 4", "1"),
                ("SISMEMBER s 5", "0"),
                ("SISMEMBER s 04", "0"),
                ("SISMEMBER nokey 1", "0"),
                ("SMISMEMBER s 1 5 text 4", "[1 0 0 1]"),
                ("SMISMEMBER nokey 1 2", "[0 0]"),
                ("SREM s 1 9 1 2", "2"),
                ("SREM nokey 1", "0"),
                ("SMEMBERS nokey", "[]"),
                ("SCARD nokey", "0"),
            ],
        );
        has(db, "s", "3 4");
        says(db, "SREM s 4 3 3", "2");
        has(db, "s", "");
    });
}

#[test]
fn many_members_are_asked_for_in_groups() {
    each_encoding(|db| {
        let numbers = |range: std::ops::Range<u32>| range.map(|i| i.to_string()).collect::<Vec<_>>().join(" ");
        says(db, &format!("SADD s {}", numbers(0..100)), "100");
        says(db, &format!("SADD s {}", numbers(50..150)), "50");
        let answers: Vec<&str> = (0..200).map(|i| if i < 150 { "1" } else { "0" }).collect();
        says(db, &format!("SMISMEMBER s {}", numbers(0..200)), &format!("[{}]", answers.join(" ")));
        says(db, &format!("SREM s {}", numbers(10..1000)), "140");
        has(db, "s", "0 1 2 3 4 5 6 7 8 9");
    });
}

#[test]
fn a_set_is_a_set_in_resp3() {
    each_encoding(|db| {
        db.run("SADD s 7");
        db.run("HELLO 3");
        for call in ["SMEMBERS s", "SINTER s s", "SUNION s nokey", "SDIFF s", "SPOP s 1"] {
            db.is(call, "~1\r\n$1\r\n7\r\n");
        }
        for call in ["SMEMBERS s", "SINTER s", "SUNION s", "SDIFF s", "SPOP s 1", "SPOP s 0"] {
            db.is(call, "~0\r\n");
        }
        db.run("SADD s 7");
        db.is("SRANDMEMBER s 1", "*1\r\n$1\r\n7\r\n");
        db.is("SRANDMEMBER nokey", "_\r\n");
        db.is("SPOP nokey", "_\r\n");
        db.is("SMISMEMBER s 7 8", "*2\r\n:1\r\n:0\r\n");
        db.run("HELLO 2");
    });
}

#[test]
fn wrong_types_are_refused_and_nothing_changes() {
    each_encoding(|db| {
        db.run("SADD s 1 2");
        db.run("SET str x");
        for call in [
            "SADD str 1",
            "SREM str 1",
            "SISMEMBER str 1",
            "SMISMEMBER str 1",
            "SCARD str",
            "SMEMBERS str",
            "SPOP str",
            "SPOP str 0",
            "SPOP str 3",
            "SRANDMEMBER str",
            "SRANDMEMBER str 3",
            "SRANDMEMBER str -3",
            "SMOVE str s 1",
            "SMOVE s str 1",
            "SMOVE s str 9",
            "SINTER s str",
            "SINTER nokey str",
            "SUNION str",
            "SDIFF s str",
            "SDIFF nokey str",
            "SINTERCARD 2 s str",
            "SINTERSTORE s s str",
            "SUNIONSTORE s s str",
            "SDIFFSTORE s s str",
            "SSCAN str 0",
        ] {
            says(db, call, &format!("!{WRONG_TYPE}"));
        }
        says(db, "SMOVE nokey str 1", "0");
        db.fails("GET s", WRONG_TYPE);
        db.fails("LPUSH s 1", WRONG_TYPE);
        has(db, "s", "1 2");
    });
}

#[test]
fn a_member_moves_to_another_set() {
    each_encoding(|db| {
        db.run("SADD a 1 2");
        db.run("SADD b 2 3");
        all_say(
            db,
            &[
                ("SMOVE a b 9", "0"),
                ("SMOVE nokey b 1", "0"),
                ("SMOVE a a 1", "1"),
                ("SMOVE a a 9", "0"),
                ("SMOVE a b 1", "1"),
                ("SMOVE a b 2", "1"),
                ("SMOVE b c 3", "1"),
            ],
        );
        has(db, "a", "");
        has(db, "b", "1 2");
        has(db, "c", "3");
    });
}

#[test]
fn sets_are_combined() {
    each_encoding(|db| {
        db.run("SADD a 1 2 3 4 5");
        db.run("SADD b 3 4 5 6");
        db.run("SADD c 5 7");
        for (call, expected) in [
            ("SINTER a", "1 2 3 4 5"),
            ("SINTER a b", "3 4 5"),
            ("SINTER a b c", "5"),
            ("SINTER a a", "1 2 3 4 5"),
            ("SINTER a nokey", ""),
            ("SINTER nokey a", ""),
            ("SUNION a b c", "1 2 3 4 5 6 7"),
            ("SUNION nokey a a", "1 2 3 4 5"),
            ("SUNION nokey", ""),
            ("SDIFF a", "1 2 3 4 5"),
            ("SDIFF a b", "1 2"),
            ("SDIFF a nokey c", "1 2 3 4"),
            ("SDIFF a b b b b b", "1 2"),
            ("SDIFF a a", ""),
            ("SDIFF a b a", ""),
            ("SDIFF nokey a", ""),
        ] {
            says_in_any_order(db, call, expected);
            let count = expected.split_whitespace().count();
            let (name, keys) = call.split_once(' ').unwrap();
            for destination in ["d", "a"] {
                db.run("COPY a backup REPLACE");
                says(db, &format!("{name}STORE {destination} {keys}"), &count.to_string());
                has(db, destination, expected);
                db.run("COPY backup a REPLACE");
            }
        }
    });
}

#[test]
fn what_is_stored_takes_the_place_of_what_was_there() {
    each_encoding(|db| {
        db.run("SADD a 1 2");
        for name in ["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"] {
            db.run("SET d x EX 100");
            says(db, &format!("{name} d a"), "2");
            has(db, "d", "1 2");
            says(db, "TTL d", "-1");
            db.run("SET d x");
            says(db, &format!("{name} d nokey"), "0");
            says(db, "EXISTS d", "0");
        }
    });
}

#[test]
fn common_members_are_counted_up_to_a_limit() {
    each_encoding(|db| {
        db.run("SADD a 1 2 3 4 5");
        db.run("SADD b 2 3 4 5 6");
        all_say(
            db,
            &[
                ("SINTERCARD 1 a", "5"),
                ("SINTERCARD 2 a b", "4"),
                ("SINTERCARD 2 a nokey", "0"),
                ("SINTERCARD 2 a b LIMIT 0", "4"),
                ("SINTERCARD 2 a b LIMIT 2", "2"),
                ("SINTERCARD 2 a b LIMIT 9", "4"),
                ("SINTERCARD 2 a b limit 1 LIMIT 3", "3"),
                ("SINTERCARD 0 a", "!ERR numkeys should be greater than 0"),
                ("SINTERCARD x a", "!ERR numkeys should be greater than 0"),
                ("SINTERCARD -1 a", "!ERR numkeys should be greater than 0"),
                ("SINTERCARD 3 a b", "!ERR Number of keys can't be greater than number of args"),
                ("SINTERCARD 9223372036854775807 a", "!ERR Number of keys can't be greater than number of args"),
                ("SINTERCARD 1 a b", SYNTAX),
                ("SINTERCARD 1 a LIMIT", SYNTAX),
                ("SINTERCARD 1 a LIMIT -1", "!ERR LIMIT can't be negative"),
                ("SINTERCARD 1 a LIMIT x", "!ERR LIMIT can't be negative"),
            ],
        );
    });
}

// ---- chance ----

#[test]
fn popped_members_leave() {
    each_encoding(|db| {
        for (count, popped) in [("", 1), (" 0", 0), (" 1", 1), (" 4", 4), (" 9", 9), (" 10", 10), (" 99", 10)] {
            db.run("DEL s");
            db.run("SADD s 1 2 3 4 5 6 7 8 9 10");
            let mut all = sorted(&db.run(&format!("SPOP s{count}")));
            assert_eq!(all.len(), popped, "{count}");
            let rest = sorted(&db.run("SMEMBERS s"));
            assert_eq!(rest.len(), 10 - popped, "{count}");
            all.extend(rest);
            all.sort();
            assert_eq!(all.join(" "), "1 10 2 3 4 5 6 7 8 9");
            says(db, "EXISTS s", if popped == 10 { "0" } else { "1" });
        }
        all_say(
            db,
            &[
                ("SPOP nokey", "nil"),
                ("SPOP nokey 0", "[]"),
                ("SPOP nokey 3", "[]"),
                ("SPOP nokey -1", NOT_POSITIVE),
                ("SPOP nokey x", NOT_POSITIVE),
                ("SPOP nokey 1 2", SYNTAX),
            ],
        );
    });
}

#[test]
fn shown_members_stay() {
    each_encoding(|db| {
        db.run("SADD s 1 2 3 4 5 6 7 8 9 10");
        for (count, shown) in [(0, 0), (1, 1), (3, 3), (6, 6), (9, 9), (10, 10), (1000, 10)] {
            let mut members = sorted(&db.run(&format!("SRANDMEMBER s {count}")));
            members.dedup();
            assert_eq!(members.len(), shown, "each once");
        }
        assert_eq!(sorted(&db.run("SRANDMEMBER s -100")).len(), 100);
        for member in sorted(&db.run("SRANDMEMBER s -100")) {
            says(db, &format!("SISMEMBER s {member}"), "1");
        }
        says(db, "SCARD s", "10");
        all_say(
            db,
            &[
                ("SRANDMEMBER nokey", "nil"),
                ("SRANDMEMBER nokey 3", "[]"),
                ("SRANDMEMBER nokey -3", "[]"),
                ("SRANDMEMBER s 0", "[]"),
                ("SRANDMEMBER s x", NOT_AN_INTEGER),
                ("SRANDMEMBER s 1 2", SYNTAX),
                (
                    "SRANDMEMBER s -9223372036854775808",
                    "!ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
                ),
            ],
        );
    });
}

// ---- scan ----

#[test]
fn sscan_goes_over_all_members() {
    each_encoding(|db| {
        let members: Vec<String> = (0..500).map(|i| i.to_string()).collect();
        db.run(&format!("SADD s {}", members.join(" ")));
        let (mut cursor, mut seen) = ("0".to_owned(), Vec::new());
        loop {
            let reply = line_of(&db.run(&format!("SSCAN s {cursor} COUNT 10")));
            let (next, found) = reply[1..reply.len() - 2].split_once(" [").unwrap();
            seen.extend(found.split_whitespace().map(|member| member.parse::<u32>().unwrap()));
            cursor = next.to_owned();
            if cursor == "0" {
                break;
            }
        }
        seen.sort();
        assert_eq!(seen, (0..500).collect::<Vec<_>>());
        assert_eq!(sorted(&db.run("SSCAN s 0 MATCH 49? COUNT 10000")).len(), 11);
        all_say(
            db,
            &[
                ("SSCAN nokey 0", "[0 []]"),
                ("SSCAN s x", "!ERR invalid cursor"),
                ("SSCAN s 0 COUNT 0", SYNTAX),
                ("SSCAN s 0 COUNT x", NOT_AN_INTEGER),
                ("SSCAN s 0 MATCH", SYNTAX),
                ("SSCAN s 0 TYPE set", SYNTAX),
                ("SSCAN s 0 NOVALUES", "!ERR NOVALUES option can only be used in HSCAN"),
                ("SSCAN", "!ERR wrong number of arguments for 'sscan' command"),
            ],
        );
    });
}

// ---- encodings ----

#[test]
fn the_encoding_follows_members_and_thresholds() {
    let mut db = Db::with(|config| {
        (config.set_max_intset_entries, config.set_max_listpack_entries) = (4, 6);
        config.set_max_listpack_value_bytes = 10;
    });
    for (call, encoding) in [
        ("SADD s 1 2 3 4", "intset"),
        ("SADD s 4 3", "intset"),
        ("SADD s 5", "hashtable"),
        ("SREM s 4 5", "hashtable"),
        ("DEL s", "nil"),
        ("SADD s 1 2", "intset"),
        ("SADD s a b", "listpack"),
        ("SADD s a 1 2", "listpack"),
        ("SADD s c d", "listpack"),
        ("SADD s e", "hashtable"),
        ("SREM s a b c d", "hashtable"),
        ("DEL s", "nil"),
        ("SADD s 1 a", "listpack"),
        ("SADD s 12345678901", "hashtable"),
        ("DEL s", "nil"),
        ("SADD s abcdefghij", "listpack"),
        ("SADD s abcdefghijk", "hashtable"),
        ("DEL s", "nil"),
        // More than fit, were they different.
        ("SADD s 1 1 1 1 1", "listpack"),
        ("SADD s 1 1 1 1 1 1 1", "hashtable"),
        ("DEL s", "nil"),
        ("SADD s 9223372036854775807 -9223372036854775808", "intset"),
        ("SADD s 9223372036854775808", "hashtable"),
        ("SUNIONSTORE s s", "hashtable"),
        ("SREM s 9223372036854775808", "hashtable"),
        ("SUNIONSTORE s s", "intset"),
    ] {
        db.run(call);
        says(&mut db, "OBJECT ENCODING s", encoding);
    }
}

#[test]
fn integers_are_stored_as_they_were_written() {
    each_encoding(|db| {
        says(db, "SADD s 1 01 +1 1.0 -0 0 '' ' 1'", "8");
        says(db, "SMISMEMBER s 1 01 +1 1.0 -0 0 '' ' 1' 001", "[1 1 1 1 1 1 1 1 0]");
    });
}

// ---- what is told of ----

#[test]
fn changes_are_counted_and_told() {
    each_encoding(|db| {
        db.run("CONFIG SET notify-keyspace-events KA");
        for (call, count, on_s, on_d) in [
            ("SADD s 1 2 3 4 5 6", 6, "sadd", ""),
            ("SADD s 1 2", 0, "", ""),
            ("SADD s 7 1", 1, "sadd", ""),
            ("SREM s 9", 0, "", ""),
            ("SREM s 7 6", 2, "srem", ""),
            ("SMOVE s d 5", 2, "srem", "sadd"),
            ("SMOVE s s 4", 0, "", ""),
            ("SMOVE s d 9", 0, "", ""),
            ("SADD d 4", 1, "", "sadd"),
            ("SMOVE s d 4", 1, "srem", ""),
            ("SINTERSTORE d s", 1, "", "sinterstore"),
            ("SUNIONSTORE d s", 1, "", "sunionstore"),
            ("SDIFFSTORE d s", 1, "", "sdiffstore"),
            ("SDIFFSTORE d nokey", 1, "", "del"),
            ("SDIFFSTORE d nokey", 0, "", ""),
            ("SRANDMEMBER s 2", 0, "", ""),
            ("SPOP s", 1, "spop", ""),
            ("SPOP s 0", 0, "", ""),
            ("SPOP s 1", 1, "spop", ""),
            ("SPOP s 9", 1, "spop del", ""),
        ] {
            let mut seen = String::new();
            let heard = events(db, "s", |db| {
                seen = events(db, "d", |db| assert_eq!(changes(db, call), count, "{call}"));
            });
            assert_eq!((heard.as_str(), seen.as_str()), (on_s, on_d), "{call}");
        }
        db.run("SADD s 1");
        assert_eq!(events(db, "s", |db| drop(db.run("SREM s 1"))), "srem del");
        db.run("SADD s 1");
        assert_eq!(events(db, "s", |db| drop(db.run("SMOVE s d 1"))), "srem del");
        db.run("SADD s 1");
        assert_eq!(events(db, "s", |db| drop(db.run("SPOP s"))), "spop del");
    });
}

#[test]
fn the_log_names_the_members_that_chance_took() {
    each_encoding(|db| {
        for (line, expected) in [
            ("SADD s 1 2 3 4", "="),
            ("SADD s 1", ""),
            ("SREM s 9", ""),
            ("SMOVE s d 1", "="),
            ("SMOVE s d 9", ""),
            ("SINTERSTORE d s", "="),
            ("SPOP s 9", "DEL s"),
            ("SPOP s", ""),
        ] {
            assert_eq!(logged(db, line), expected, "{line}");
        }
        db.run("SADD s 1 2 3 4 5 6 7 8 9 10");
        for call in ["SPOP s", "SPOP s 2", "SPOP s 6"] {
            let before = sorted(&db.run("SMEMBERS s"));
            let line = logged(db, call);
            let after = sorted(&db.run("SMEMBERS s"));
            let words = split_args(line.as_bytes()).unwrap();
            let named: Vec<String> = words[2..].iter().map(|word| String::from_utf8(word.clone()).unwrap()).collect();
            assert_eq!((&words[0][..], &words[1][..]), (&b"SREM"[..], &b"s"[..]), "{line}");
            let gone: Vec<String> = before.into_iter().filter(|member| !after.contains(member)).collect();
            let mut named_in_order = named.clone();
            named_in_order.sort();
            assert_eq!(named_in_order, gone, "{line}");
        }
    });
}

/// Sets came in the order in which their keys had been made, not in that of the call; Redis has the members of small ones in the call's.
#[test]
fn a_union_of_small_sets_stood_in_another_order() {
    let mut db = Db::new();
    db.run("SADD second c b a");
    db.run("SADD first a c d");
    db.run("SUNIONSTORE union first second first");
    says(&mut db, "SMEMBERS union", "[a c d b]");
    says(&mut db, "SINTER first second", "[a c]");
    says(&mut db, "SINTER second first", "[c a]");
}

#[test]
fn a_copy_is_a_set_of_its_own() {
    each_encoding(|db| {
        db.run("SADD s 1 2");
        db.run("COPY s t");
        db.run("SADD t 3");
        db.run("SREM s 1");
        has(db, "s", "2");
        has(db, "t", "1 2 3");
        db.run("RENAME t s");
        has(db, "s", "1 2 3");
    });
}
