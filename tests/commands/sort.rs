//! SORT and SORT_RO, over every type and encoding that they take.

use crate::harness::Db;
use crate::lines::{all_say, says};
use crate::phrases::{changes, events, sorted};
use crate::string::{WRONG_TYPE, logged};

const NO_NUMBER: &str = "!ERR One or more scores can't be converted into double";
const SYNTAX: &str = "!ERR syntax error";
const NOT_AN_INTEGER: &str = "!ERR value is not an integer or out of range";

/// Runs a test with collections that are packed, and with such as are not.
fn in_both_encodings(test: impl Fn(&mut Db)) {
    test(&mut Db::new());
    test(&mut Db::with(|config| {
        config.list_max_listpack_size = 1;
        (config.set_max_intset_entries, config.set_max_listpack_entries) = (0, 0);
        config.zset_max_listpack_entries = 0;
    }));
}

/// Runs a test for each type, with a key `k` that holds these elements in this order, if the type has one.
fn on_each_type(elements: &str, test: impl Fn(&mut Db)) {
    in_both_encodings(|db| {
        let zadd: String = elements.split(' ').enumerate().map(|(i, element)| format!(" {i} {element}")).collect();
        for call in [format!("RPUSH k {elements}"), format!("SADD k {elements}"), format!("ZADD k{zadd}")] {
            db.run("FLUSHALL");
            db.run(&call);
            test(db);
        }
    });
}

#[test]
fn elements_are_sorted_as_numbers_or_as_texts() {
    on_each_type("3 10 -1 2.5 1e2", |db| {
        all_say(
            db,
            &[
                ("SORT k", "[-1 2.5 3 10 1e2]"),
                ("SORT_RO k", "[-1 2.5 3 10 1e2]"),
                ("SORT k ASC", "[-1 2.5 3 10 1e2]"),
                ("SORT k DESC", "[1e2 10 3 2.5 -1]"),
                ("SORT k DESC ASC", "[-1 2.5 3 10 1e2]"),
                ("SORT k ALPHA", "[-1 10 1e2 2.5 3]"),
                ("sort_ro k alpha desc", "[3 2.5 1e2 10 -1]"),
                ("SORT nokey", "[]"),
                ("SORT_RO nokey BY w_* GET #", "[]"),
            ],
        );
    });
}

#[test]
fn a_limit_is_a_window_of_the_order() {
    on_each_type("5 3 1 4 2 7 6", |db| {
        for (limit, expected) in [
            ("0 3", "[1 2 3]"),
            ("2 3", "[3 4 5]"),
            ("5 10", "[6 7]"),
            ("6 1", "[7]"),
            ("7 1", "[]"),
            ("100 100", "[]"),
            ("3 0", "[]"),
            ("3 -1", "[4 5 6 7]"),
            ("-5 2", "[1 2]"),
            ("0 9223372036854775807", "[1 2 3 4 5 6 7]"),
            ("9223372036854775807 9223372036854775807", "[]"),
            ("-9223372036854775808 -9223372036854775808", "[1 2 3 4 5 6 7]"),
        ] {
            says(db, &format!("SORT k LIMIT {limit}"), expected);
            says(db, &format!("SORT k ALPHA LIMIT {limit}"), expected);
        }
        says(db, "SORT k LIMIT 0 1 LIMIT 1 2 DESC", "[6 5]");
    });
}

#[test]
fn numbers_are_what_redis_8_0_takes_for_one() {
    let mut db = Db::new();
    for (elements, expected) in [
        ("3 '' -1", "[-1  3]"),
        ("1 inf -INF infinity +5 5. .5", "[-INF .5 1 +5 5. inf infinity]"),
        ("1e400 1 -1e400 1e-400", "[-1e400 1e-400 1 1e400]"),
        (r#"3 "2\x00abc""#, "[2\0abc 3]"),
        ("0001 1 01", "[0001 01 1]"),
        ("9223372036854775807 9223372036854775806", "[9223372036854775806 9223372036854775807]"),
        ("0 -0", "[-0 0]"),
        ("1 ' 2'", NO_NUMBER),
        ("1 '2 '", NO_NUMBER),
        ("1 0x10", NO_NUMBER),
        ("1 nan", NO_NUMBER),
        ("1 -", NO_NUMBER),
        ("one", NO_NUMBER),
    ] {
        db.run("DEL l");
        db.run(&format!("RPUSH l {elements}"));
        says(&mut db, "SORT l", expected);
    }
    says(&mut db, "SORT l STORE l", NO_NUMBER);
    says(&mut db, "SORT l LIMIT 0 0", NO_NUMBER);
    says(&mut db, "SORT l BY nosort", "[one]");
    says(&mut db, "LRANGE l 0 -1", "[one]");
}

#[test]
fn weights_stand_at_other_keys() {
    on_each_type("1 2 3 40", |db| {
        db.run("MSET w_1 5 w_2 -7 w_40 0.5 1.x b 2.x a 40.x c");
        all_say(
            db,
            &[
                // What has no weight has the weight 0.
                ("SORT k BY w_*", "[2 3 40 1]"),
                ("SORT k BY w_* DESC", "[1 40 3 2]"),
                ("SORT k BY w_* LIMIT 1 2", "[3 40]"),
                ("SORT k BY *.x", NO_NUMBER),
                ("SORT k BY *.x ALPHA", "[3 2 1 40]"),
                ("SORT k BY *.x ALPHA DESC", "[40 1 2 3]"),
                ("SORT k BY *.x ALPHA LIMIT 1 2", "[2 1]"),
                ("SORT k BY w_* ALPHA", "[3 2 40 1]"),
                ("SORT k BY *.x BY w_*", "[2 3 40 1]"),
                ("SORT k BY nokey_*", "[1 2 3 40]"),
                ("SORT k BY w_* GET *.x", "[a nil c b]"),
            ],
        );
    });
}

#[test]
fn weights_and_values_stand_in_hashes() {
    for hash_max_listpack_entries in [128, 0] {
        let mut db = Db::with(|config| config.hash_max_listpack_entries = hash_max_listpack_entries);
        db.run("RPUSH k 1 2 3");
        db.run("HSET h_1 w 30 name one");
        db.run("HSET h_2 w 20");
        db.run("HSET h_3 w 10 name three a->b x");
        db.run("SET s_1 text");
        db.run("RPUSH l_1 a");
        all_say(
            &mut db,
            &[
                ("SORT k BY h_*->w", "[3 2 1]"),
                ("SORT k BY h_*->w GET h_*->name", "[three nil one]"),
                ("SORT k BY h_*->name ALPHA", "[2 1 3]"),
                ("SORT k GET h_*->a->b", "[nil nil x]"),
                // A type that is not asked for is as good as no key.
                ("SORT k GET s_*->name", "[nil nil nil]"),
                ("SORT k GET h_*", "[nil nil nil]"),
                ("SORT k GET l_*", "[nil nil nil]"),
                ("SORT k GET s_*", "[text nil nil]"),
            ],
        );
        // An arrow that points to no field is a part of the key.
        db.run("SET h_1-> plain");
        says(&mut db, "SORT k GET h_*->", "[plain nil nil]");
    }
}

#[test]
fn several_values_are_got_for_each_element() {
    on_each_type("2 1", |db| {
        db.run("MSET a_1 one a_2 two b_2 zwei");
        all_say(
            db,
            &[
                ("SORT k GET #", "[1 2]"),
                ("SORT k GET # GET a_* GET b_*", "[1 one nil 2 two zwei]"),
                ("SORT k GET a_* GET #", "[one 1 two 2]"),
                // Without an asterisk no key is meant, though there is one.
                ("SORT k GET a_1", "[nil nil]"),
                ("SORT k GET nokey_* LIMIT 0 1", "[nil]"),
                ("SORT k GET a_* LIMIT 5 1", "[]"),
            ],
        );
        db.run("HELLO 3");
        db.is("SORT k GET b_*", "*2\r\n_\r\n$4\r\nzwei\r\n");
        db.run("HELLO 2");
    });
}

#[test]
fn groups_of_lookups_meet_at_their_ends() {
    let mut db = Db::new();
    for i in 0..100 {
        db.run(&format!("RPUSH k {i}"));
        db.run(&format!("SET w_{i} {}", 99 - i));
    }
    let expected: Vec<String> = (0..100).rev().map(|i| i.to_string()).collect();
    says(&mut db, "SORT k BY w_*", &format!("[{}]", expected.join(" ")));
    let expected: Vec<String> = (0..100).map(|i| format!("{i} {}", 99 - i)).collect();
    says(&mut db, "SORT k GET # GET w_*", &format!("[{}]", expected.join(" ")));
}

#[test]
fn a_constant_pattern_keeps_the_order() {
    in_both_encodings(|db| {
        db.run("RPUSH l c a d b");
        db.run("ZADD z 1 c 2 a 3 d 4 b");
        for key in ["l", "z"] {
            for (options, expected) in [
                ("BY nosort", "[c a d b]"),
                ("BY nosort DESC", "[b d a c]"),
                ("BY nosort LIMIT 1 2", "[a d]"),
                ("BY nosort DESC LIMIT 1 2", "[d a]"),
                ("BY nosort LIMIT 3 9", "[b]"),
                ("BY nosort DESC LIMIT 3 9", "[c]"),
                ("BY nosort LIMIT 4 1", "[]"),
                ("BY nosort ALPHA", "[c a d b]"),
                ("BY #", "[c a d b]"),
                ("BY nosort BY w_*", "[c a d b]"),
                ("BY w_* BY nosort GET #", "[c a d b]"),
            ] {
                says(db, &format!("SORT {key} {options}"), expected);
            }
        }
        // A set has no order to keep; what is stored has one nevertheless.
        db.run("SADD s 3 b 1 a 2");
        says(db, "SORT s BY nosort STORE t", "5");
        says(db, "LRANGE t 0 -1", "[1 2 3 a b]");
        says(db, "SORT s BY nosort DESC LIMIT 0 2 STORE t", "2");
        says(db, "LRANGE t 0 -1", "[b a]");
        assert_eq!(sorted(&db.run("SORT s BY nosort")).join(" "), "1 2 3 a b");
        assert_eq!(sorted(&db.run("SORT s BY nosort LIMIT 1 3")).len(), 3);
    });
}

/// A list's elements of equal weights kept their order in an answer, but not in what STORE put down.
#[test]
fn equal_weights_put_a_stored_list_in_another_order() {
    let mut db = Db::new();
    db.run("RPUSH l 8 e 7 -7 a");
    for direction in ["ASC", "DESC"] {
        db.run(&format!("SORT l BY none_* ALPHA {direction} STORE d"));
        says(&mut db, "LRANGE d 0 -1", "[8 e 7 -7 a]");
    }
}

#[test]
fn equal_weights_leave_elements_in_place() {
    let mut db = Db::new();
    db.run("RPUSH l b c a e d");
    db.run("MSET w_a 2 w_b 1 w_c 1 w_d 2 w_e 1");
    all_say(
        &mut db,
        &[
            ("SORT l BY w_* ALPHA", "[b c e a d]"),
            ("SORT l BY w_* ALPHA DESC", "[a d b c e]"),
            // Equal numbers go by the elements.
            ("SORT l BY w_*", "[b c e a d]"),
            ("SORT l BY w_* DESC", "[d a e c b]"),
            ("SORT l BY nokey_* ALPHA", "[b c a e d]"),
        ],
    );
}

#[test]
fn the_result_is_kept_as_a_list() {
    on_each_type("3 1 2", |db| {
        db.run("MSET a_1 one a_3 three");
        db.run("SET d x EX 100");
        all_say(
            db,
            &[
                ("SORT k STORE d", "3"),
                ("LRANGE d 0 -1", "[1 2 3]"),
                ("TTL d", "-1"),
                ("SORT k GET # GET a_* DESC STORE d", "6"),
                ("LRANGE d 0 -1", "[3 three 2  1 one]"),
                ("SORT k STORE nokey STORE d LIMIT 0 1", "1"),
                ("LRANGE d 0 -1", "[1]"),
                ("EXISTS nokey", "0"),
                ("SORT k LIMIT 3 1 STORE d", "0"),
                ("EXISTS d", "0"),
                ("SORT nokey STORE d", "0"),
                ("SORT k STORE k", "3"),
                ("TYPE k", "list"),
                ("SORT nokey STORE k", "0"),
                ("EXISTS k", "0"),
            ],
        );
    });
}

#[test]
fn a_kept_list_has_the_encoding_of_its_size() {
    let mut db = Db::with(|config| config.list_max_listpack_size = 3);
    db.run("SADD s 1 2 3 4");
    db.run("SORT s LIMIT 0 3 STORE d");
    says(&mut db, "OBJECT ENCODING d", "listpack");
    db.run("SORT s STORE d");
    says(&mut db, "OBJECT ENCODING d", "quicklist");
}

#[test]
fn a_client_that_waits_gets_what_is_kept() {
    let mut db = Db::new();
    db.run("RPUSH l 2 1");
    let waiting = db.waits("BLPOP d 0");
    db.is("SORT l STORE d", ":2\r\n");
    db.got(waiting, "*2\r\n$1\r\nd\r\n$1\r\n1\r\n");
}

#[test]
fn words_that_do_not_fit_are_refused() {
    let mut db = Db::new();
    db.run("RPUSH k 2 1");
    db.run("SET s x");
    db.run("HSET h a 1");
    db.run("XADD x * a 1");
    all_say(
        &mut db,
        &[
            ("SORT k LIMIT", SYNTAX),
            ("SORT k LIMIT 1", SYNTAX),
            ("SORT k BY", SYNTAX),
            ("SORT k GET", SYNTAX),
            ("SORT k STORE", SYNTAX),
            ("SORT_RO k STORE d", SYNTAX),
            ("SORT k nonsense", SYNTAX),
            ("SORT k LIMIT x 1", NOT_AN_INTEGER),
            ("SORT k LIMIT 1 x", NOT_AN_INTEGER),
            ("SORT k LIMIT 1 9223372036854775808", NOT_AN_INTEGER),
            ("SORT s nonsense", SYNTAX),
            ("SORT s", &format!("!{WRONG_TYPE}")),
            ("SORT_RO h", &format!("!{WRONG_TYPE}")),
            ("SORT x BY nosort", &format!("!{WRONG_TYPE}")),
            ("SORT", "!ERR wrong number of arguments for 'sort' command"),
            ("SORT_RO", "!ERR wrong number of arguments for 'sort_ro' command"),
        ],
    );
}

#[test]
fn changes_are_told_and_logged() {
    let mut db = Db::new();
    db.run("CONFIG SET notify-keyspace-events KA");
    db.run("RPUSH k 2 3 1");
    db.run("SADD s b a");
    for (call, event, dirty, log) in [
        ("SORT k", "", 0, ""),
        ("SORT k STORE d", "sortstore", 3, "="),
        ("SORT k GET # GET # LIMIT 0 2 STORE d", "sortstore", 4, "="),
        ("SORT s BY nosort STORE d", "sortstore", 2, "="),
        ("SORT nokey STORE nokey", "", 0, ""),
        ("SORT nokey STORE d", "del", 1, ""),
    ] {
        let seen = events(&mut db, "d", |db| assert_eq!(changes(db, call), dirty, "{call}"));
        assert_eq!(seen, event, "{call}");
        assert_eq!(logged(&mut db, call), log, "{call}");
    }
}

/// The order of a table differs from process to process, and with it that of members of equal weight: replayed, the list would have
/// been another one.
#[test]
fn a_kept_list_does_not_depend_on_the_order_of_a_table() {
    let mut db = Db::with(|config| config.set_max_listpack_entries = 0);
    db.run("SADD s e c a d b");
    db.run("MSET w_a 1 w_b 1");
    db.run("SORT s BY w_* ALPHA STORE d");
    says(&mut db, "LRANGE d 0 -1", "[c d e a b]");
}

#[test]
fn lookups_count_as_reads() {
    let mut db = Db::new();
    db.run("RPUSH k 1 2");
    db.run("MSET w_1 5 a_1 x");
    db.run("HSET h_1 f v");
    db.run("CONFIG RESETSTAT");
    db.run("SORT k BY w_* GET a_* GET h_*->f GET #");
    let stats = db.run("INFO stats");
    // The list and the keys of its first element; those of its second one.
    assert!(stats.contains("\nkeyspace_hits:4\r\n") && stats.contains("\nkeyspace_misses:3\r\n"), "{stats}");
    db.advance_ms(10_000);
    db.is("OBJECT IDLETIME w_1", ":10\r\n");
    db.run("SORT k BY w_*");
    db.is("OBJECT IDLETIME w_1", ":0\r\n");
    db.is("OBJECT IDLETIME a_1", ":10\r\n");
}

#[test]
fn what_is_past_its_deadline_is_not_there_and_goes() {
    let mut db = Db::new();
    db.run("CONFIG SET notify-keyspace-events KA");
    db.dispatcher.server.debug.active_expire = false;
    db.run("RPUSH k 1 2");
    db.run("SET w_1 5 PX 10");
    db.run("HSET h_1 f v");
    db.run("HPEXPIRE h_1 10 FIELDS 1 f");
    db.clock.advance_ms(10);
    db.is("DBSIZE", ":3\r\n");
    assert_eq!(events(&mut db, "w_1", |db| says(db, "SORT k BY w_* GET w_*", "[nil nil]")), "expired");
    assert_eq!(events(&mut db, "h_1", |db| says(db, "SORT k GET h_*->f", "[nil nil]")), "hexpired del");
    db.is("DBSIZE", ":1\r\n");
}

#[test]
fn misses_are_told_of() {
    let mut db = Db::new();
    db.run("CONFIG SET notify-keyspace-events Km");
    db.run("RPUSH k 1");
    assert_eq!(events(&mut db, "w_1", |db| says(db, "SORT k GET w_*", "[nil]")), "keymiss");
}

#[test]
fn the_key_of_the_result_is_found_among_the_words() {
    let mut db = Db::new();
    all_say(
        &mut db,
        &[
            ("COMMAND GETKEYS SORT a", "[a]"),
            ("COMMAND GETKEYS SORT a STORE", "[a]"),
            ("COMMAND GETKEYS SORT a STORE b STORE c", "[a c]"),
            ("COMMAND GETKEYS SORT a BY STORE b STORE c", "[a c]"),
            ("COMMAND GETKEYS SORT a BY STORE LIMIT STORE STORE c", "[a]"),
            ("COMMAND GETKEYS SORT_RO a STORE b", "[a]"),
            ("COMMAND GETKEYSANDFLAGS SORT a GET STORE STORE c", "[[a [RO access]] [c [OW update]]]"),
        ],
    );
    let info = db.run("COMMAND INFO SORT");
    for word in ["+movablekeys", "+denyoom", "+@list", "+@set", "+@sortedset", "+@dangerous", "+@write"] {
        assert!(info.contains(&format!("{word}\r\n")), "{word} in {info}");
    }
    assert!(!info.contains("@keyspace"), "{info}");
}
