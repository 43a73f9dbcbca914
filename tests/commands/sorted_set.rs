//! Sorted sets, each test on both of their encodings.

use crate::harness::Db;
use crate::lines::{all_say, line_of, says};
use crate::phrases::{changes, events, sorted};
use crate::string::{WRONG_TYPE, logged};

/// Runs a test with sorted sets that are packed, and with such as are not.
fn each_encoding(test: impl Fn(&mut Db)) {
    for (zset_max_listpack_entries, encoding) in [(128, "listpack"), (0, "skiplist")] {
        let mut db = Db::with(|config| config.zset_max_listpack_entries = zset_max_listpack_entries);
        db.run("ZADD z 1 a");
        says(&mut db, "OBJECT ENCODING z", encoding);
        db.run("DEL z");
        test(&mut db);
    }
}

#[test]
fn members_have_scores_and_an_order() {
    each_encoding(|db| {
        all_say(
            db,
            &[
                ("ZADD z 1 a 2 b 3 c", "3"),
                ("ZADD z 1 a 5 b 4 d", "1"),
                ("ZADD z CH 1 a 6 b 7 e", "2"),
                ("ZCARD z", "5"),
                ("ZSCORE z b", "6"),
                ("ZSCORE z nope", "nil"),
                ("ZSCORE nokey a", "nil"),
                ("ZMSCORE z a nope e", "[1 nil 7]"),
                ("ZMSCORE nokey a b", "[nil nil]"),
                ("ZRANGE z 0 -1 WITHSCORES", "[a 1 c 3 d 4 b 6 e 7]"),
                ("ZRANK z d", "2"),
                ("ZREVRANK z d", "2"),
                ("ZRANK z nope", "nil"),
                ("ZRANK nokey a", "nil"),
                ("ZRANK z d WITHSCORE", "[2 4]"),
                ("ZREVRANK z d withscore", "[2 4]"),
                ("ZRANK z nope WITHSCORE", "-"),
                ("ZRANK z d WITHSCORES", "!ERR syntax error"),
                ("ZREM z a nope b a", "2"),
                ("ZREM nokey a", "0"),
                ("ZINCRBY z -2.5 c", "0.5"),
                ("ZINCRBY z 1 new", "1"),
                ("ZINCRBY other 1 new", "1"),
                ("ZRANGE z 0 -1 WITHSCORES", "[c 0.5 new 1 d 4 e 7]"),
                ("ZREM z c d e new", "4"),
                ("EXISTS z", "0"),
                ("ZCARD z", "0"),
                ("TYPE other", "zset"),
            ],
        );
    });
}

/// Redis 8.0's two encodings differ here: a small set has nothing behind a negative offset, a big one counts from the range's end.
#[test]
fn a_negative_offset_counts_from_the_end_of_the_range_of_a_big_set() {
    let whole = "[b c d]";
    for (query, range, from_end) in [
        ("ZRANGEBYSCORE z 2 4", whole, ["[d]", "[c d]", whole]),
        ("ZRANGE z 4 2 BYSCORE REV", "[d c b]", ["[b]", "[c b]", "[d c b]"]),
        ("ZRANGEBYLEX y [b [d", whole, ["[d]", "[c d]", whole]),
        ("ZREVRANGEBYLEX y [d [b", "[d c b]", ["[b]", "[c b]", "[d c b]"]),
    ] {
        each_encoding(|db| {
            db.run("ZADD z 1 a 2 b 3 c 4 d 5 e");
            db.run("ZADD y 0 a 0 b 0 c 0 d 0 e");
            let is_big = db.run("OBJECT ENCODING z").contains("skiplist");
            says(db, &format!("{query} LIMIT 0 -1"), range);
            for (elements, offset) in from_end.iter().zip(1..) {
                says(db, &format!("{query} LIMIT -{offset} -1"), if is_big { elements } else { "[]" });
            }
            for offset in ["-4", "-9223372036854775808"] {
                says(db, &format!("{query} LIMIT {offset} -1"), "[]");
            }
        });
    }
}

#[test]
fn conditions_of_zadd() {
    each_encoding(|db| {
        all_say(
            db,
            &[
                ("ZADD z NX 1 a 2 b", "2"),
                ("ZADD z NX 5 a 3 c", "1"),
                ("ZADD z XX 5 a 9 nope", "0"),
                ("ZADD z XX CH 6 a 2 b 9 nope", "1"),
                ("ZADD z GT 5 a 9 b 1 d", "1"),
                ("ZADD z LT CH 5 a 10 b 2 d", "1"),
                ("ZADD z XX GT CH 9 a 9 b", "1"),
                ("ZADD z GT LT 1 a", "!ERR GT, LT, and/or NX options at the same time are not compatible"),
                ("ZADD z NX GT 1 a", "!ERR GT, LT, and/or NX options at the same time are not compatible"),
                ("ZADD z NX LT 1 a", "!ERR GT, LT, and/or NX options at the same time are not compatible"),
                ("ZADD z NX XX 1 a", "!ERR XX and NX options at the same time are not compatible"),
                ("ZADD z INCR 2 a", "11"),
                ("ZADD z NX INCR 2 a", "nil"),
                ("ZADD z XX INCR 2 nope", "nil"),
                ("ZADD z GT INCR -1 a", "nil"),
                ("ZADD z LT INCR -1 a", "10"),
                ("ZADD z INCR 1 a 2 b", "!ERR INCR option supports a single increment-element pair"),
                ("ZADD z CH INCR 1 a", "11"),
                ("ZADD z 1", "!ERR wrong number of arguments for 'zadd' command"),
                ("ZADD z 1 a 2", "!ERR syntax error"),
                ("ZADD z NX", "!ERR wrong number of arguments for 'zadd' command"),
                ("ZADD z x a", "!ERR value is not a valid float"),
                ("ZADD z 1 a x b", "!ERR value is not a valid float"),
                ("ZADD z nan a", "!ERR value is not a valid float"),
                ("ZADD z INCR nan a", "!ERR value is not a valid float"),
                ("ZADD z nx xx", "!ERR syntax error"),
                ("ZRANGE z 0 -1 WITHSCORES", "[d 1 c 3 b 9 a 11]"),
            ],
        );
    });
}

#[test]
fn scores_of_all_kinds() {
    each_encoding(|db| {
        all_say(
            db,
            &[
                ("ZADD z inf a -inf b 1e300 c -1.5 d 0x10 e 1e-7 f 3.0 g", "7"),
                ("ZRANGE z 0 -1 WITHSCORES", "[b -inf d -1.5 f 1e-7 g 3 e 16 c 1e+300 a inf]"),
                ("ZINCRBY z -inf a", "!ERR resulting score is not a number (NaN)"),
                ("ZINCRBY z x a", "!ERR value is not a valid float"),
                ("ZINCRBY z nan a", "!ERR value is not a valid float"),
                // It is read as a ZADD that has options and half an element.
                ("ZINCRBY z NX a", "!ERR syntax error"),
                ("ZINCRBY z lt 10", "!ERR syntax error"),
                ("ZINCRBY z NXX a", "!ERR value is not a valid float"),
                ("ZADD z INCR -inf a", "!ERR resulting score is not a number (NaN)"),
                ("ZSCORE z a", "inf"),
                ("ZADD z 9007199254740993 i", "1"),
                ("ZSCORE z i", "9007199254740992"),
                ("ZADD z '' j", "!ERR value is not a valid float"),
                ("ZADD z ' 1' j", "!ERR value is not a valid float"),
                ("ZADD z +5 j", "1"),
                ("ZSCORE z j", "5"),
            ],
        );
    });
}

#[test]
fn ranges_by_rank() {
    each_encoding(|db| {
        all_say(
            db,
            &[
                ("ZADD z 1 a 2 b 3 c 4 d 5 e", "5"),
                ("ZRANGE z 1 3", "[b c d]"),
                ("ZRANGE z -2 -1 WITHSCORES", "[d 4 e 5]"),
                ("ZRANGE z 3 1", "[]"),
                ("ZRANGE z 5 9", "[]"),
                ("ZRANGE z -100 100", "[a b c d e]"),
                ("ZRANGE z 0 0 REV", "[e]"),
                ("ZRANGE z 1 2 REV WITHSCORES", "[d 4 c 3]"),
                ("ZREVRANGE z 0 1 WITHSCORES", "[e 5 d 4]"),
                ("ZREVRANGE z -1 -1", "[a]"),
                ("ZRANGE nokey 0 -1", "[]"),
                ("ZRANGE z x 1", "!ERR value is not an integer or out of range"),
                (
                    "ZRANGE z 0 1 LIMIT 0 1",
                    "!ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
                ),
                ("ZRANGE z 0 1 BYSCORE BYLEX", "!ERR syntax error"),
                ("ZRANGE z 0 1 nonsense", "!ERR syntax error"),
                ("ZRANGE z (1 2", "!ERR value is not an integer or out of range"),
                ("ZREVRANGE z 0 1 REV", "!ERR syntax error"),
                ("ZREVRANGE z 0 1 BYSCORE", "!ERR syntax error"),
                ("ZREVRANGE z 0 1 nonsense", "!ERR syntax error"),
            ],
        );
    });
}

#[test]
fn ranges_by_score() {
    each_encoding(|db| {
        all_say(
            db,
            &[
                ("ZADD z 1 a 2 b 3 c 4 d 5 e", "5"),
                ("ZRANGEBYSCORE z 2 4", "[b c d]"),
                ("ZRANGEBYSCORE z (2 4 WITHSCORES", "[c 3 d 4]"),
                ("ZRANGEBYSCORE z (2 (4", "[c]"),
                ("ZRANGEBYSCORE z -inf +inf LIMIT 1 2", "[b c]"),
                ("ZRANGEBYSCORE z -inf inf LIMIT 2 -1", "[c d e]"),
                ("ZRANGEBYSCORE z -inf inf LIMIT 0 0", "[]"),
                ("ZRANGEBYSCORE z -inf inf LIMIT 9 1", "[]"),
                ("ZRANGEBYSCORE z 4 2", "[]"),
                ("ZRANGEBYSCORE z (3 3", "[]"),
                ("ZRANGEBYSCORE z 3 3", "[c]"),
                ("ZRANGEBYSCORE z -inf (1", "[]"),
                ("ZREVRANGEBYSCORE z 4 2 WITHSCORES", "[d 4 c 3 b 2]"),
                ("ZREVRANGEBYSCORE z +inf (3 LIMIT 1 1", "[d]"),
                ("ZREVRANGEBYSCORE z 2 4", "[]"),
                ("ZRANGE z 2 4 BYSCORE", "[b c d]"),
                ("ZRANGE z 4 2 BYSCORE REV WITHSCORES", "[d 4 c 3 b 2]"),
                ("ZRANGE z -inf +inf BYSCORE LIMIT 1 2 WITHSCORES", "[b 2 c 3]"),
                ("ZCOUNT z 2 4", "3"),
                ("ZCOUNT z (2 (4", "1"),
                ("ZCOUNT z -inf +inf", "5"),
                ("ZCOUNT nokey 0 1", "0"),
                ("ZCOUNT z x 1", "!ERR min or max is not a float"),
                ("ZRANGEBYSCORE z 1 x", "!ERR min or max is not a float"),
                ("ZRANGEBYSCORE z nan 1", "!ERR min or max is not a float"),
                ("ZRANGEBYSCORE z 1 2 LIMIT 1", "!ERR syntax error"),
                ("ZRANGEBYSCORE z 1 2 LIMIT x 1", "!ERR value is not an integer or out of range"),
                ("ZRANGEBYSCORE z 1 2 nonsense", "!ERR syntax error"),
                ("ZRANGEBYSCORE nokey 1 2", "[]"),
                ("ZREMRANGEBYSCORE z (1 2", "1"),
                ("ZREMRANGEBYSCORE z 9 10", "0"),
                ("ZREMRANGEBYSCORE z x 10", "!ERR min or max is not a float"),
                ("ZREMRANGEBYRANK z 0 0", "1"),
                ("ZREMRANGEBYRANK z -1 -1", "1"),
                ("ZREMRANGEBYRANK z 5 9", "0"),
                ("ZREMRANGEBYRANK z x 9", "!ERR value is not an integer or out of range"),
                ("ZRANGE z 0 -1", "[c d]"),
                ("ZREMRANGEBYSCORE z -inf +inf", "2"),
                ("EXISTS z", "0"),
                ("ZREMRANGEBYRANK nokey 0 -1", "0"),
            ],
        );
    });
}

#[test]
fn ranges_by_member() {
    each_encoding(|db| {
        all_say(
            db,
            &[
                ("ZADD z 0 a 0 b 0 ba 0 c 0 d", "5"),
                ("ZRANGEBYLEX z - +", "[a b ba c d]"),
                ("ZRANGEBYLEX z [b (d", "[b ba c]"),
                ("ZRANGEBYLEX z (b +", "[ba c d]"),
                ("ZRANGEBYLEX z + -", "[]"),
                ("ZRANGEBYLEX z [b [b", "[b]"),
                ("ZRANGEBYLEX z (b (b", "[]"),
                ("ZRANGEBYLEX z - + LIMIT 1 2", "[b ba]"),
                ("ZRANGEBYLEX z - + LIMIT 2 -1", "[ba c d]"),
                ("ZREVRANGEBYLEX z + -", "[d c ba b a]"),
                ("ZREVRANGEBYLEX z (d [b", "[c ba b]"),
                ("ZREVRANGEBYLEX z + [b LIMIT 1 2", "[c ba]"),
                ("ZRANGE z [b + BYLEX", "[b ba c d]"),
                ("ZRANGE z + [b BYLEX REV LIMIT 0 2", "[d c]"),
                (
                    "ZRANGE z - + BYLEX WITHSCORES",
                    "!ERR syntax error, WITHSCORES not supported in combination with BYLEX",
                ),
                (
                    "ZRANGEBYLEX z - + WITHSCORES",
                    "!ERR syntax error, WITHSCORES not supported in combination with BYLEX",
                ),
                ("ZLEXCOUNT z - +", "5"),
                ("ZLEXCOUNT z [b (d", "3"),
                ("ZLEXCOUNT z + -", "0"),
                ("ZLEXCOUNT nokey - +", "0"),
                ("ZLEXCOUNT z b c", "!ERR min or max not valid string range item"),
                ("ZRANGEBYLEX z b [c", "!ERR min or max not valid string range item"),
                ("ZRANGEBYLEX z '' +", "!ERR min or max not valid string range item"),
                ("ZRANGEBYLEX z [ +", "[a b ba c d]"),
                ("ZRANGEBYLEX z -x +", "!ERR min or max not valid string range item"),
                ("ZREMRANGEBYLEX z [b [ba", "2"),
                ("ZREMRANGEBYLEX z b c", "!ERR min or max not valid string range item"),
                ("ZREMRANGEBYLEX z - +", "3"),
                ("EXISTS z", "0"),
                ("ZREMRANGEBYLEX nokey - +", "0"),
            ],
        );
    });
}

#[test]
fn a_range_is_kept() {
    each_encoding(|db| {
        all_say(
            db,
            &[
                ("ZADD z 1 a 2 b 3 c 4 d", "4"),
                ("SET d x EX 100", "OK"),
                ("ZRANGESTORE d z 1 2", "2"),
                ("ZRANGE d 0 -1 WITHSCORES", "[b 2 c 3]"),
                ("TTL d", "-1"),
                ("ZRANGESTORE d z 2 4 BYSCORE LIMIT 1 5", "2"),
                ("ZRANGE d 0 -1 WITHSCORES", "[c 3 d 4]"),
                ("ZRANGESTORE d z (4 -inf BYSCORE REV LIMIT 0 1", "1"),
                ("ZRANGE d 0 -1", "[c]"),
                ("ZRANGESTORE d z [b (d BYLEX", "2"),
                ("ZRANGE d 0 -1", "[b c]"),
                ("ZRANGESTORE d z 5 9", "0"),
                ("EXISTS d", "0"),
                ("ZRANGESTORE z z 0 0", "1"),
                ("ZRANGE z 0 -1", "[a]"),
                ("ZRANGESTORE d nokey 0 -1", "0"),
                ("ZRANGESTORE d z 0 -1 WITHSCORES", "!ERR syntax error"),
                (
                    "ZRANGESTORE d z 0 -1 LIMIT 0 1",
                    "!ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
                ),
                ("ZRANGESTORE d z x 1", "!ERR value is not an integer or out of range"),
            ],
        );
    });
}

#[test]
fn the_ends_are_popped() {
    each_encoding(|db| {
        all_say(
            db,
            &[
                ("ZADD z 1 a 2 b 3 c 4 d 5 e 6 f", "6"),
                ("ZPOPMIN z", "[a 1]"),
                ("ZPOPMAX z", "[f 6]"),
                ("ZPOPMIN z 2", "[b 2 c 3]"),
                ("ZPOPMAX z 0", "[]"),
                ("ZPOPMIN z -1", "!ERR value is out of range, must be positive"),
                ("ZPOPMIN z x", "!ERR value is out of range, must be positive"),
                ("ZPOPMIN z 1 2", "!ERR syntax error"),
                ("ZPOPMAX z 99", "[e 5 d 4]"),
                ("EXISTS z", "0"),
                ("ZPOPMIN z", "[]"),
                ("ZPOPMAX z 3", "[]"),
                ("ZADD z 1 a 2 b 3 c", "3"),
                ("ZMPOP 2 nokey z MIN", "[z [[a 1]]]"),
                ("ZMPOP 1 z MAX COUNT 1", "[z [[c 3]]]"),
                ("ZMPOP 1 z max count 9", "[z [[b 2]]]"),
                ("ZMPOP 1 z MIN", "-"),
                ("ZMPOP 0 z MIN", "!ERR numkeys should be greater than 0"),
                ("ZMPOP x z MIN", "!ERR numkeys should be greater than 0"),
                ("ZMPOP 2 z MIN", "!ERR syntax error"),
                ("ZMPOP 1 z MID", "!ERR syntax error"),
                ("ZMPOP 1 z MIN COUNT 0", "!ERR count should be greater than 0"),
                ("ZMPOP 1 z MIN COUNT -1", "!ERR count should be greater than 0"),
                ("ZMPOP 1 z MIN COUNT x", "!ERR count should be greater than 0"),
                ("ZMPOP 1 z MIN COUNT", "!ERR syntax error"),
                ("ZMPOP 1 z MIN COUNT 1 COUNT 2", "!ERR syntax error"),
            ],
        );
    });
}

#[test]
fn sets_are_combined() {
    each_encoding(|db| {
        all_say(
            db,
            &[
                ("ZADD a 1 x 2 y 3 z", "3"),
                ("ZADD b 10 y 20 z 30 w", "3"),
                ("SADD s x z", "2"),
                ("ZUNION 2 a b WITHSCORES", "[x 1 y 12 z 23 w 30]"),
                ("ZUNION 2 a b", "[x y z w]"),
                ("ZUNION 2 a nokey WITHSCORES", "[x 1 y 2 z 3]"),
                ("ZUNION 2 a b WEIGHTS 2 0.5 WITHSCORES", "[x 2 y 9 w 15 z 16]"),
                ("ZUNION 2 a b AGGREGATE MIN WITHSCORES", "[x 1 y 2 z 3 w 30]"),
                ("ZUNION 2 a b aggregate max WEIGHTS 1 -1 WITHSCORES", "[w -30 x 1 y 2 z 3]"),
                ("ZUNION 2 a s WITHSCORES", "[x 2 y 2 z 4]"),
                ("ZUNION 1 s WITHSCORES", "[x 1 z 1]"),
                ("ZINTER 2 a b WITHSCORES", "[y 12 z 23]"),
                ("ZINTER 2 a nokey", "[]"),
                ("ZINTER 3 a b s WITHSCORES", "[z 24]"),
                ("ZINTER 2 a b AGGREGATE MAX WITHSCORES", "[y 10 z 20]"),
                ("ZINTER 2 a a WITHSCORES", "[x 2 y 4 z 6]"),
                ("ZDIFF 2 a b WITHSCORES", "[x 1]"),
                ("ZDIFF 2 a s", "[y]"),
                ("ZDIFF 2 a a", "[]"),
                ("ZDIFF 2 nokey a", "[]"),
                ("ZDIFF 1 s WITHSCORES", "[x 1 z 1]"),
                ("ZUNIONSTORE d 2 a b WEIGHTS 1 2 AGGREGATE SUM", "4"),
                ("ZRANGE d 0 -1 WITHSCORES", "[x 1 y 22 z 43 w 60]"),
                ("ZINTERSTORE d 2 a b", "2"),
                ("ZRANGE d 0 -1 WITHSCORES", "[y 12 z 23]"),
                ("ZDIFFSTORE d 2 a b", "1"),
                ("ZRANGE d 0 -1 WITHSCORES", "[x 1]"),
                ("ZDIFFSTORE d 2 a a", "0"),
                ("EXISTS d", "0"),
                ("ZINTERSTORE a 2 a b WEIGHTS 0 1", "2"),
                ("ZRANGE a 0 -1 WITHSCORES", "[y 10 z 20]"),
                ("ZINTERCARD 2 a b", "2"),
                ("ZINTERCARD 2 a b LIMIT 1", "1"),
                ("ZINTERCARD 2 a b LIMIT 0", "2"),
                ("ZINTERCARD 2 a nokey", "0"),
                ("ZINTERCARD 2 a b LIMIT -1", "!ERR LIMIT can't be negative"),
                ("ZINTERCARD 2 a b LIMIT x", "!ERR LIMIT can't be negative"),
                ("ZINTERCARD 0 a", "!ERR at least 1 input key is needed for 'zintercard' command"),
                ("ZUNION 0 a", "!ERR at least 1 input key is needed for 'zunion' command"),
                ("ZUNION x a", "!ERR value is not an integer or out of range"),
                ("ZUNION 3 a b", "!ERR syntax error"),
                ("ZUNIONSTORE d 0 a", "!ERR at least 1 input key is needed for 'zunionstore' command"),
                ("ZUNIONSTORE d -1 a", "!ERR at least 1 input key is needed for 'zunionstore' command"),
                ("ZUNION 2 a b WEIGHTS 1", "!ERR syntax error"),
                ("ZUNION 2 a b WEIGHTS 1 x", "!ERR weight value is not a float"),
                ("ZUNION 2 a b AGGREGATE AVG", "!ERR syntax error"),
                ("ZUNION 2 a b AGGREGATE", "!ERR syntax error"),
                ("ZUNION 2 a b nonsense", "!ERR syntax error"),
                ("ZUNIONSTORE d 2 a b WITHSCORES", "!ERR syntax error"),
                ("ZDIFF 2 a b WEIGHTS 1 2", "!ERR syntax error"),
                ("ZDIFFSTORE d 2 a b AGGREGATE MIN", "!ERR syntax error"),
                ("ZADD inf inf x", "1"),
                ("ZADD minf -inf x", "1"),
                ("ZUNION 2 inf minf WITHSCORES", "[x 0]"),
                ("ZUNION 1 inf WEIGHTS 0 WITHSCORES", "[x 0]"),
                ("ZADD neg 0 x", "1"),
                ("ZUNION 1 neg WEIGHTS -1 WITHSCORES", "[x -0]"),
            ],
        );
    });
}

/// The sign of a zero was lost, since what was only answered had been packed.
#[test]
fn a_union_that_is_answered_keeps_the_sign_of_zero() {
    each_encoding(|db| {
        db.run("ZADD a 0 x");
        says(db, "ZUNION 2 a a WEIGHTS -1 -3 AGGREGATE MIN WITHSCORES", "[x -0]");
    });
}

#[test]
fn wrong_types_are_refused_and_nothing_changes() {
    each_encoding(|db| {
        db.run("SET s x");
        db.run("ZADD z 1 a");
        for call in [
            "ZADD s 1 a",
            "ZINCRBY s 1 a",
            "ZREM s a",
            "ZSCORE s a",
            "ZMSCORE s a",
            "ZCARD s",
            "ZRANK s a",
            "ZREVRANK s a",
            "ZCOUNT s 0 1",
            "ZLEXCOUNT s - +",
            "ZRANGE s 0 1",
            "ZREVRANGE s 0 1",
            "ZRANGEBYSCORE s 0 1",
            "ZREVRANGEBYSCORE s 1 0",
            "ZRANGEBYLEX s - +",
            "ZREVRANGEBYLEX s + -",
            "ZRANGESTORE z s 0 1",
            "ZREMRANGEBYRANK s 0 1",
            "ZREMRANGEBYSCORE s 0 1",
            "ZREMRANGEBYLEX s - +",
            "ZPOPMIN s",
            "ZPOPMAX s 2",
            "ZMPOP 1 s MIN",
            "BZPOPMIN s 0",
            "BZMPOP 0 1 s MAX",
            "ZUNION 2 z s",
            "ZINTER 2 z s",
            "ZDIFF 2 z s",
            "ZUNIONSTORE z 1 s",
            "ZINTERCARD 2 z s",
            "ZRANDMEMBER s",
            "ZRANDMEMBER s 2",
            "ZSCAN s 0",
        ] {
            says(db, call, &format!("!{WRONG_TYPE}"));
        }
        says(db, "ZRANGE z 0 -1 WITHSCORES", "[a 1]");
    });
}

#[test]
fn scores_are_doubles_in_resp3() {
    each_encoding(|db| {
        db.run("ZADD z 1.5 a 2 b");
        db.run("HELLO 3");
        db.is("ZSCORE z a", ",1.5\r\n");
        db.is("ZSCORE z x", "_\r\n");
        db.is("ZINCRBY z 1 a", ",2.5\r\n");
        db.is("ZADD z INCR 1 a", ",3.5\r\n");
        db.is("ZADD z NX INCR 1 a", "_\r\n");
        db.is("ZMSCORE z b x", "*2\r\n,2\r\n_\r\n");
        db.is("ZRANGE z 0 0 WITHSCORES", "*1\r\n*2\r\n$1\r\nb\r\n,2\r\n");
        db.is("ZRANK z a WITHSCORE", "*2\r\n:1\r\n,3.5\r\n");
        db.is("ZRANK z x WITHSCORE", "_\r\n");
        db.is("ZUNION 1 z WITHSCORES", "*2\r\n*2\r\n$1\r\nb\r\n,2\r\n*2\r\n$1\r\na\r\n,3.5\r\n");
        db.is("ZPOPMIN z", "*2\r\n$1\r\nb\r\n,2\r\n");
        db.is("ZPOPMAX z 1", "*1\r\n*2\r\n$1\r\na\r\n,3.5\r\n");
        db.is("ZMPOP 1 z MIN", "_\r\n");
        db.run("ZADD z 1 a");
        db.is("ZRANDMEMBER z -1 WITHSCORES", "*1\r\n*2\r\n$1\r\na\r\n,1\r\n");
        db.is("ZMPOP 1 z MIN", "*2\r\n$1\r\nz\r\n*1\r\n*2\r\n$1\r\na\r\n,1\r\n");
        db.run("HELLO 2");
    });
}

#[test]
fn members_are_shown_by_chance() {
    each_encoding(|db| {
        db.run("ZADD z 1 1 2 2 3 3 4 4 5 5 6 6 7 7 8 8 9 9");
        for (count, shown) in [(0, 0), (1, 1), (4, 4), (8, 8), (9, 9), (1000, 9)] {
            let mut members = sorted(&db.run(&format!("ZRANDMEMBER z {count}")));
            members.dedup();
            assert_eq!(members.len(), shown, "each once");
        }
        let reply = line_of(&db.run("ZRANDMEMBER z -50 WITHSCORES"));
        let words: Vec<&str> = reply[1..reply.len() - 1].split(' ').collect();
        assert_eq!(words.len(), 100);
        assert!(words.chunks(2).all(|pair| pair[0] == pair[1]), "{reply}");
        all_say(
            db,
            &[
                ("ZRANDMEMBER nokey", "nil"),
                ("ZRANDMEMBER nokey 2", "[]"),
                ("ZRANDMEMBER nokey -7399240934018748627", "[]"),
                ("ZRANDMEMBER z 0 WITHSCORES", "[]"),
                ("ZRANDMEMBER z x", "!ERR value is not an integer or out of range"),
                ("ZRANDMEMBER z 1 nonsense", "!ERR syntax error"),
                ("ZRANDMEMBER z 1 WITHSCORES x", "!ERR syntax error"),
                ("ZRANDMEMBER z -9223372036854770000 WITHSCORES", "!ERR value is out of range"),
                (
                    "ZRANDMEMBER z -9223372036854775808",
                    "!ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
                ),
            ],
        );
    });
}

/// Of a small set ZSCAN shows scores as they are stored, which is as everywhere. Of a big one Redis prints 17 digits, and clients compare text.
#[test]
fn zscan_of_a_big_set_showed_fewer_digits() {
    for (packed, scores) in [
        (128, "[a -1.5 b 0.1 c 1e+300 d 3 e 0.00001 f inf g 1e+20 h 123456789.125]"),
        (
            0,
            "[a -1.5 b 0.10000000000000001 c 1.0000000000000001e+300 d 3 e 1.0000000000000001e-05 f inf g 1e+20 h 123456789.125]",
        ),
    ] {
        let mut db = Db::with(|config| config.zset_max_listpack_entries = packed);
        db.run("ZADD z -1.5 a 0.1 b 1e300 c 3 d 1e-5 e inf f 1e20 g 123456789.125 h");
        let mut shown: Vec<String> = Vec::new();
        for member in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            let reply = line_of(&db.run(&format!("ZSCAN z 0 MATCH {member} COUNT 100")));
            shown.push(reply.trim_start_matches("[0 [").trim_end_matches("]]").to_string());
        }
        assert_eq!(format!("[{}]", shown.join(" ")), scores);
    }
}

#[test]
fn zscan_goes_over_all_members() {
    each_encoding(|db| {
        let pairs: String = (0..300).map(|i| format!(" {i} m{i}")).collect();
        db.run(&format!("ZADD z{pairs}"));
        let (mut cursor, mut seen) = ("0".to_owned(), Vec::new());
        loop {
            let reply = line_of(&db.run(&format!("ZSCAN z {cursor} COUNT 10")));
            let (next, found) = reply[1..reply.len() - 2].split_once(" [").unwrap();
            let words: Vec<&str> = found.split_whitespace().collect();
            seen.extend(words.chunks(2).map(|pair| {
                assert_eq!(pair[0], format!("m{}", pair[1]));
                pair[1].parse::<u32>().unwrap()
            }));
            cursor = next.to_owned();
            if cursor == "0" {
                break;
            }
        }
        seen.sort();
        assert_eq!(seen, (0..300).collect::<Vec<_>>());
        assert_eq!(sorted(&db.run("ZSCAN z 0 MATCH m29? COUNT 10000")).len(), 21);
        all_say(
            db,
            &[
                ("ZSCAN nokey 0", "[0 []]"),
                ("ZSCAN z x", "!ERR invalid cursor"),
                ("ZSCAN z 0 COUNT 0", "!ERR syntax error"),
                ("ZSCAN z 0 NOVALUES", "!ERR NOVALUES option can only be used in HSCAN"),
            ],
        );
    });
}

#[test]
fn the_encoding_follows_members_and_thresholds() {
    let mut db = Db::with(|config| {
        config.zset_max_listpack_entries = 3;
        config.zset_max_listpack_value_bytes = 10;
    });
    for (call, encoding) in [
        ("ZADD z 1 a 2 b 3 c", "listpack"),
        ("ZADD z 4 a 5 b", "listpack"),
        ("ZADD z 4 d", "skiplist"),
        ("ZREM z a b c", "skiplist"),
        ("DEL z", "nil"),
        ("ZADD z 1 abcdefghij", "listpack"),
        ("ZADD z 1 abcdefghijk", "skiplist"),
        ("DEL z", "nil"),
        // More than fit, were they different.
        ("ZADD z 1 a 1 a 1 a 1 a", "skiplist"),
        ("ZUNIONSTORE z 1 z", "listpack"),
        ("ZADD other 1 a 2 b 3 c 4 d", "listpack"),
        ("ZUNIONSTORE z 2 z other", "skiplist"),
        ("ZRANGESTORE z other 0 2", "listpack"),
    ] {
        db.run(call);
        says(&mut db, "OBJECT ENCODING z", encoding);
    }
}

#[test]
fn changes_are_counted_told_and_logged() {
    each_encoding(|db| {
        db.run("CONFIG SET notify-keyspace-events KA");
        for (call, count, event) in [
            ("ZADD z 1 a 2 b 3 c 4 d 5 e 6 f 7 g 8 h 9 i", 9, "zadd"),
            ("ZADD z 1 a", 0, ""),
            ("ZADD z 2 a 10 j", 2, "zadd"),
            ("ZADD z INCR 1 a", 1, "zincr"),
            ("ZADD z NX INCR 1 a", 0, ""),
            ("ZINCRBY z 1 a", 1, "zincr"),
            ("ZREM z nope", 0, ""),
            ("ZREM z a j", 2, "zrem"),
            ("ZREMRANGEBYRANK z 0 0", 1, "zremrangebyrank"),
            ("ZREMRANGEBYRANK z 90 99", 0, ""),
            ("ZREMRANGEBYSCORE z 3 4", 2, "zremrangebyscore"),
            ("ZREMRANGEBYSCORE z 90 99", 0, ""),
            ("ZREMRANGEBYLEX z [e [e", 1, "zremrangebylex"),
            ("ZPOPMIN z", 1, "zpopmin"),
            ("ZPOPMAX z", 1, "zpopmax"),
            ("ZPOPMAX z 0", 0, ""),
            ("ZMPOP 1 z MAX", 1, "zpopmax"),
            ("ZPOPMIN z 9", 1, "zpopmin del"),
            ("ZADD s 1 a 2 b", 2, ""),
            ("ZRANGESTORE z s 0 -1", 1, "zrangestore"),
            ("ZUNIONSTORE z 1 s", 1, "zunionstore"),
            ("ZINTERSTORE z 1 s", 1, "zinterstore"),
            ("ZDIFFSTORE z 1 s", 1, "zdiffstore"),
            ("ZDIFFSTORE z 1 nokey", 1, "del"),
            ("ZDIFFSTORE z 1 nokey", 0, ""),
        ] {
            let seen = events(db, "z", |db| assert_eq!(changes(db, call), count, "{call}"));
            assert_eq!(seen, event, "{call}");
        }
        for (call, log) in [
            ("ZADD z 1 a 2 b 3 c", "="),
            ("ZADD z 1 a", ""),
            ("ZINCRBY z 1 a", "="),
            ("ZADD z GT INCR -1 a", ""),
            ("ZREM z nope", ""),
            ("ZREM z a", "="),
            ("ZRANGESTORE d z 0 -1", "="),
            ("ZUNIONSTORE d 1 z", "="),
            ("ZRANDMEMBER z", ""),
            ("ZPOPMAX nokey", ""),
        ] {
            assert_eq!(logged(db, call), log, "{call}");
        }
    });
}
