//! Streams.

use crate::harness::{Db, START_MS};
use crate::lines::{all_say, line_of, says};
use crate::string::{WRONG_TYPE, logged};

/// A stream of the entries 1-0 to `last`-0, with a group that has read nothing.
fn with_entries(last: u32) -> Db {
    let mut db = Db::new();
    for i in 1..=last {
        db.run(&format!("XADD s {i}-0 f v{i}"));
    }
    db.is("XGROUP CREATE s g 0", "+OK\r\n");
    db
}

// ---- entries ----

#[test]
fn entries_come_back_in_order_and_backwards() {
    let mut db = Db::new();
    all_say(
        &mut db,
        &[
            ("XADD s 1-1 f 1 g x", "1-1"),
            ("XADD s 1-2 f 2 g y", "1-2"),
            ("XADD s 3 other -7", "3-0"),
            ("XLEN s", "3"),
            ("XRANGE s - +", "[[1-1 [f 1 g x]] [1-2 [f 2 g y]] [3-0 [other -7]]]"),
            ("XREVRANGE s + -", "[[3-0 [other -7]] [1-2 [f 2 g y]] [1-1 [f 1 g x]]]"),
            ("XRANGE s 1 1", "[[1-1 [f 1 g x]] [1-2 [f 2 g y]]]"),
            ("XRANGE s (1-1 (3-0", "[[1-2 [f 2 g y]]]"),
            ("XRANGE s - + COUNT 1", "[[1-1 [f 1 g x]]]"),
            ("XREVRANGE s + - COUNT 1", "[[3-0 [other -7]]]"),
            ("XRANGE s 2 1", "[]"),
            ("XRANGE s - + COUNT 0", "-"),
            ("XRANGE s - + COUNT -5", "-"),
            ("XRANGE nosuch - +", "[]"),
            ("XRANGE nosuch - + COUNT 0", "[]"),
            ("XLEN nosuch", "0"),
            ("XRANGE s - + COUNT", "!ERR syntax error"),
            ("XRANGE s x +", "!ERR Invalid stream ID specified as stream command argument"),
            ("XRANGE s (0-0 (0-0", "!ERR invalid end ID for the interval"),
            ("XRANGE s (18446744073709551615-18446744073709551615 +", "!ERR invalid start ID for the interval"),
            ("TYPE s", "stream"),
            ("OBJECT ENCODING s", "stream"),
        ],
    );
}

#[test]
fn ids_are_made_of_the_time_and_never_go_back() {
    let mut db = Db::new();
    let text = |ms: u64, seq: u64| format!("{ms}-{seq}");
    says(&mut db, "XADD s * f v", &text(START_MS, 0));
    says(&mut db, "XADD s * f v", &text(START_MS, 1));
    db.advance_ms(5);
    says(&mut db, "XADD s * f v", &text(START_MS + 5, 0));
    db.clock.jump_to(START_MS - 1000);
    says(&mut db, "XADD s * f v", &text(START_MS + 5, 1));
    const NOT_GREATER: &str = "!ERR The ID specified in XADD is equal or smaller than the target stream top item";
    const EXHAUSTED: &str = "!ERR The stream has exhausted the last possible ID, unable to add more items";
    all_say(
        &mut db,
        &[
            ("XADD t 0-* f v", "0-1"),
            ("XADD t 5-* f v", "5-0"),
            ("XADD t 5-* f v", "5-1"),
            ("XADD t 4-* f v", NOT_GREATER),
            ("XADD t 5-1 f v", NOT_GREATER),
            ("XADD t 5-18446744073709551615 f v", "5-18446744073709551615"),
            ("XADD t 5-* f v", NOT_GREATER),
            ("XADD t 18446744073709551615-18446744073709551615 f v", "18446744073709551615-18446744073709551615"),
            ("XADD t * f v", EXHAUSTED),
            ("XADD t 0-0 f v", "!ERR The ID specified in XADD must be greater than 0-0"),
            ("XADD t - f v", "!ERR Invalid stream ID specified as stream command argument"),
            ("XADD t * f", "!ERR wrong number of arguments for 'xadd' command"),
            ("XADD t * f v g", "!ERR wrong number of arguments for 'xadd' command"),
        ],
    );
}

#[test]
fn a_refused_entry_makes_no_stream() {
    let mut db = Db::new();
    all_say(
        &mut db,
        &[
            ("XADD s NOMKSTREAM * f v", "nil"),
            ("XADD s 0-0 f v", "!ERR The ID specified in XADD must be greater than 0-0"),
            ("XADD s 1-1 f", "!ERR wrong number of arguments for 'xadd' command"),
            ("EXISTS s", "0"),
            ("XADD s 1-1 f v", "1-1"),
            ("XADD s NOMKSTREAM 1-2 f v", "1-2"),
            ("XDEL s 1-1 1-2", "2"),
            ("EXISTS s", "1"),
            ("XLEN s", "0"),
            ("XADD s 1-2 f v", "!ERR The ID specified in XADD is equal or smaller than the target stream top item"),
        ],
    );
}

#[test]
fn streams_are_trimmed_by_length_and_by_id() {
    let mut db = Db::new();
    db.run("CONFIG SET stream-node-max-entries 10");
    for i in 1..=55 {
        db.run(&format!("XADD s {i}-0 f v"));
    }
    all_say(
        &mut db,
        &[
            ("XTRIM s MAXLEN ~ 49", "0"),
            ("XTRIM s MAXLEN ~ 44", "10"),
            ("XTRIM s MAXLEN 44", "1"),
            ("XTRIM s MAXLEN = 44", "0"),
            ("XTRIM s MINID ~ 35 LIMIT 12", "9"),
            ("XTRIM s MINID ~ 35", "10"),
            ("XTRIM s MINID 35-0", "4"),
            ("XRANGE s - + COUNT 1", "[[35-0 [f v]]]"),
            ("XADD s MAXLEN 3 56-0 f v", "56-0"),
            ("XRANGE s - +", "[[54-0 [f v]] [55-0 [f v]] [56-0 [f v]]]"),
            ("XADD s MINID = 56 57-0 f v", "57-0"),
            ("XLEN s", "2"),
            ("XTRIM s MAXLEN 0", "2"),
            ("XLEN s", "0"),
            ("XTRIM nosuch MAXLEN 0", "0"),
            ("XTRIM s MAXLEN -1", "!ERR The MAXLEN argument must be >= 0."),
            ("XTRIM s MAXLEN ~ 1 LIMIT -1", "!ERR The LIMIT argument must be >= 0."),
            ("XTRIM s MAXLEN 1 LIMIT 1", "!ERR syntax error, LIMIT cannot be used without the special ~ option"),
            ("XTRIM s LIMIT 1 x", "!ERR syntax error"),
            ("XADD s LIMIT 1 * f v", "!ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"),
            ("XTRIM s LIMIT 0", "!ERR syntax error, XTRIM must be called with a trimming strategy"),
            (
                "XTRIM s MAXLEN 1 MINID 2",
                "!ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
            ),
        ],
    );
}

#[test]
fn blocks_are_as_large_as_is_configured() {
    let mut db = Db::new();
    let keys = |db: &mut Db| line_of(&db.run("XINFO STREAM s")).split(' ').nth(3).unwrap().to_string();
    for (directive, expected) in [("stream-node-max-entries 4", "5"), ("stream-node-max-bytes 100", "3")] {
        db.run("CONFIG SET stream-node-max-entries 0 stream-node-max-bytes 0");
        db.run(&format!("CONFIG SET {directive}"));
        db.run("DEL s");
        (1..=20).for_each(|i| drop(db.run(&format!("XADD s {i} f v"))));
        assert_eq!(keys(&mut db), expected, "{directive}");
    }
}

#[test]
fn deleted_entries_are_gone_and_remembered() {
    let mut db = with_entries(4);
    all_say(
        &mut db,
        &[
            ("XDEL s 2-0 9-0", "1"),
            ("XDEL s 2-0", "0"),
            ("XDEL s 1-0 x", "!ERR Invalid stream ID specified as stream command argument"),
            ("XRANGE s - +", "[[1-0 [f v1]] [3-0 [f v3]] [4-0 [f v4]]]"),
            ("XDEL s 1-0 4-0", "2"),
            ("XDEL nosuch 1", "0"),
            (
                "XINFO STREAM s",
                "[length 1 radix-tree-keys 1 radix-tree-nodes 2 last-generated-id 4-0 max-deleted-entry-id 4-0 \
              entries-added 4 recorded-first-entry-id 3-0 groups 1 first-entry [3-0 [f v3]] last-entry [3-0 [f v3]]]",
            ),
        ],
    );
}

#[test]
fn counters_are_set_within_what_the_entries_allow() {
    let mut db = with_entries(3);
    all_say(
        &mut db,
        &[
            ("XDEL s 2-0", "1"),
            ("XSETID s 2-0", "!ERR The ID specified in XSETID is smaller than the target stream top item"),
            (
                "XSETID s 9-0 ENTRIESADDED 1",
                "!ERR The entries_added specified in XSETID is smaller than the target stream length",
            ),
            ("XSETID s 9-0 ENTRIESADDED -1", "!ERR entries_added must be positive"),
            (
                "XSETID s 9-0 MAXDELETEDID 9-1",
                "!ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
            ),
            ("XSETID s 1-0", "!ERR The ID specified in XSETID is smaller than current max_deleted_entry_id"),
            ("XSETID s 9-0 ENTRIESADDED", "!ERR syntax error"),
            ("XSETID s 9-0 ENTRIESADDED 12 MAXDELETEDID 8-0", "OK"),
            ("XSETID nosuch 1-0", "!ERR no such key"),
            ("XADD s 9-* f v", "9-1"),
            (
                "XINFO STREAM s",
                "[length 3 radix-tree-keys 1 radix-tree-nodes 2 last-generated-id 9-1 max-deleted-entry-id 8-0 \
              entries-added 13 recorded-first-entry-id 1-0 groups 1 first-entry [1-0 [f v1]] last-entry [9-1 [f v]]]",
            ),
        ],
    );
}

// ---- reading ----

#[test]
fn xread_gives_what_stands_behind_an_id() {
    let mut db = with_entries(3);
    db.run("XADD t 7-0 a b");
    all_say(
        &mut db,
        &[
            ("XREAD STREAMS s 1-0", "[[s [[2-0 [f v2]] [3-0 [f v3]]]]]"),
            ("XREAD COUNT 1 STREAMS s t 1 0", "[[s [[2-0 [f v2]]]] [t [[7-0 [a b]]]]]"),
            ("XREAD STREAMS s nosuch t 3-0 0 0", "[[t [[7-0 [a b]]]]]"),
            ("XREAD STREAMS s 3-0", "-"),
            ("XREAD STREAMS s $", "-"),
            ("XREAD STREAMS s t + +", "[[s [[3-0 [f v3]]]] [t [[7-0 [a b]]]]]"),
            ("XREAD STREAMS nosuch +", "-"),
            ("XDEL s 3-0", "1"),
            ("XREAD STREAMS s +", "[[s [[2-0 [f v2]]]]]"),
            ("XREAD STREAMS s", "!ERR wrong number of arguments for 'xread' command"),
            (
                "XREAD STREAMS s t 0",
                "!ERR Unbalanced 'xread' list of streams: for each stream key an ID, '+', or '$' must be specified.",
            ),
            ("XREAD COUNT 1 s 0", "!ERR syntax error"),
            (
                "XREAD GROUP g c STREAMS s >",
                "!ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.",
            ),
            (
                "XREAD NOACK STREAMS s 0",
                "!ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.",
            ),
            (
                "XREAD STREAMS s >",
                "!ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
            ),
            ("XREAD BLOCK -1 STREAMS s 0", "!ERR timeout is negative"),
            ("XREAD BLOCK x STREAMS s 0", "!ERR timeout is not an integer or out of range"),
        ],
    );
    db.run("HELLO 3");
    db.is("XREAD STREAMS t 0", "%1\r\n$1\r\nt\r\n*1\r\n*2\r\n$3\r\n7-0\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n");
    db.is("XREAD STREAMS t $", "_\r\n");
}

#[test]
fn xread_waits_for_what_comes_after_it_was_asked() {
    let mut db = with_entries(1);
    let waiter = db.connect();
    assert_eq!(db.call_on(waiter, &[b"XREAD", b"BLOCK", b"0", b"STREAMS", b"s", b"nosuch", b"$", b"0"]), b"");
    db.run("XDEL s 1-0");
    assert_eq!(db.heard(waiter), "");
    db.run("XADD s 2-0 f v");
    assert_eq!(line_of(&db.heard(waiter)), "[[s [[2-0 [f v]]]]]");
    db.call_on(waiter, &[b"XREAD", b"BLOCK", b"0", b"STREAMS", b"s", b"nosuch", b"$", b"$"]);
    db.run("SET nosuch text");
    db.run("XGROUP CREATE s h 0");
    assert_eq!(db.heard(waiter), "", "another type is no stream");
    db.run("DEL nosuch");
    db.run("XADD nosuch 5-0 f v");
    assert_eq!(line_of(&db.heard(waiter)), "[[nosuch [[5-0 [f v]]]]]");
    db.call_on(waiter, &[b"XREAD", b"BLOCK", b"100", b"STREAMS", b"s", b"$"]);
    db.advance_ms(99);
    assert_eq!(db.heard(waiter), "");
    db.advance_ms(2);
    assert_eq!(db.heard(waiter), "*-1\r\n");
    db.run("MULTI");
    db.run("XREAD BLOCK 0 STREAMS s $");
    says(&mut db, "EXEC", "[-]");
}

#[test]
fn a_group_gives_each_entry_once_and_keeps_it_until_it_is_acknowledged() {
    let mut db = with_entries(4);
    all_say(
        &mut db,
        &[
            ("XREADGROUP GROUP g a COUNT 2 STREAMS s >", "[[s [[1-0 [f v1]] [2-0 [f v2]]]]]"),
            ("XREADGROUP GROUP g b COUNT 1 STREAMS s >", "[[s [[3-0 [f v3]]]]]"),
            ("XREADGROUP GROUP g a STREAMS s 0", "[[s [[1-0 [f v1]] [2-0 [f v2]]]]]"),
            ("XREADGROUP GROUP g a COUNT 1 STREAMS s 1-0", "[[s [[2-0 [f v2]]]]]"),
            ("XREADGROUP GROUP g c STREAMS s 0", "[[s []]]"),
            ("XACK s g 1-0 3-0 9-0", "2"),
            ("XACK s g x", "!ERR Invalid stream ID specified as stream command argument"),
            ("XACK s nosuch x", "0"),
            ("XACK nosuch g x", "0"),
            ("XDEL s 2-0", "1"),
            ("XREADGROUP GROUP g a STREAMS s 0", "[[s [[2-0 -]]]]"),
            ("XREADGROUP GROUP g a NOACK STREAMS s >", "[[s [[4-0 [f v4]]]]]"),
            ("XREADGROUP GROUP g a STREAMS s >", "-"),
            ("XPENDING s g", "[1 2-0 2-0 [[a 1]]]"),
            (
                "XREADGROUP GROUP g a STREAMS nosuch >",
                "!NOGROUP No such key 'nosuch' or consumer group 'g' in XREADGROUP with GROUP option",
            ),
            (
                "XREADGROUP GROUP no a STREAMS s >",
                "!NOGROUP No such key 's' or consumer group 'no' in XREADGROUP with GROUP option",
            ),
            ("XREADGROUP COUNT 1 BLOCK 0 STREAMS s >", "!ERR Missing GROUP option for XREADGROUP"),
            (
                "XREADGROUP GROUP g a STREAMS s t >",
                "!ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified.",
            ),
        ],
    );
    assert!(db.run("XREADGROUP GROUP g a STREAMS s $").starts_with("-ERR The $ ID is meaningless"));
    assert!(db.run("XREADGROUP GROUP g a STREAMS s +").starts_with("-ERR The + ID is meaningless"));
}

#[test]
fn a_stream_asked_for_twice_gives_its_entries_in_turn() {
    let mut db = with_entries(3);
    all_say(
        &mut db,
        &[
            (
                "XREADGROUP GROUP g a COUNT 2 STREAMS s s s > > >",
                "[[s [[1-0 [f v1]] [2-0 [f v2]]]] [s [[3-0 [f v3]]]]]",
            ),
            ("XGROUP SETID s g 0", "OK"),
            (
                "XREADGROUP GROUP g b STREAMS s s > 0",
                "[[s [[1-0 [f v1]] [2-0 [f v2]] [3-0 [f v3]]]] [s [[1-0 [f v1]] [2-0 [f v2]] [3-0 [f v3]]]]]",
            ),
            ("XPENDING s g", "[3 1-0 3-0 [[b 3]]]"),
        ],
    );
}

#[test]
fn a_waiting_consumer_is_told_when_its_group_is_gone() {
    for (change, expected) in [
        ("XADD s 9-0 f v", "[[s [[9-0 [f v]]]]]"),
        ("DEL s", "!NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option"),
        ("XGROUP DESTROY s g", "!NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option"),
        ("SET s text", "!WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("FLUSHALL", "!NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option"),
    ] {
        let mut db = Db::new();
        db.run("XGROUP CREATE s g $ MKSTREAM");
        let waiter = db.connect();
        let call: [&[u8]; 8] = [b"XREADGROUP", b"GROUP", b"g", b"c", b"BLOCK", b"0", b"STREAMS", b"s"];
        assert_eq!(db.call_on(waiter, &[&call[..], &[b">"]].concat()), b"");
        db.run("XACK s g 1-0");
        db.run(change);
        assert_eq!(line_of(&db.heard(waiter)), expected, "{change}");
    }
}

// ---- groups ----

#[test]
fn groups_and_consumers_come_and_go() {
    let mut db = with_entries(2);
    const USAGE: &str = "!ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.";
    const NO_KEY: &str = "!ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the \
                          MKSTREAM option to create an empty stream automatically.";
    all_say(
        &mut db,
        &[
            ("XGROUP CREATE s g 0", "!BUSYGROUP Consumer Group name already exists"),
            ("XGROUP CREATE s h $ ENTRIESREAD 2", "OK"),
            ("XGROUP CREATE s i 0 ENTRIESREAD -2", "!ERR value for ENTRIESREAD must be positive or -1"),
            ("XGROUP CREATE s i 0 FOO", USAGE),
            ("XGROUP CREATE s i 0 ENTRIESREAD", USAGE),
            ("XGROUP CREATE s i -", "!ERR Invalid stream ID specified as stream command argument"),
            ("XGROUP CREATE nosuch g 0", NO_KEY),
            ("XGROUP CREATE nosuch g x MKSTREAM", "!ERR Invalid stream ID specified as stream command argument"),
            ("EXISTS nosuch", "0"),
            ("XGROUP CREATE new g $ MKSTREAM", "OK"),
            ("XLEN new", "0"),
            ("XGROUP CREATECONSUMER s g bob", "1"),
            ("XGROUP CREATECONSUMER s g bob", "0"),
            ("XGROUP CREATECONSUMER s no bob", "!NOGROUP No such consumer group 'no' for key name 's'"),
            ("XREADGROUP GROUP g alice STREAMS s >", "[[s [[1-0 [f v1]] [2-0 [f v2]]]]]"),
            ("XGROUP DELCONSUMER s g alice", "2"),
            ("XGROUP DELCONSUMER s g alice", "0"),
            ("XPENDING s g", "[0 nil nil -]"),
            ("XGROUP SETID s g -", "OK"),
            ("XGROUP SETID s g 1 ENTRIESREAD 7", "OK"),
            ("XREADGROUP GROUP g bob STREAMS s >", "[[s [[2-0 [f v2]]]]]"),
            ("XGROUP DESTROY s g", "1"),
            ("XGROUP DESTROY s g", "0"),
            ("XGROUP DESTROY nosuch g", NO_KEY),
            ("XGROUP SETID s g 0", "!NOGROUP No such consumer group 'g' for key name 's'"),
            ("XGROUP FOO s", "!ERR unknown subcommand 'FOO'. Try XGROUP HELP."),
        ],
    );
    assert!(db.run("XGROUP HELP").contains("CREATECONSUMER"));
}

#[test]
fn what_is_pending_can_be_listed() {
    let mut db = with_entries(4);
    db.run("XREADGROUP GROUP g b COUNT 1 STREAMS s >");
    db.advance_ms(100);
    db.run("XREADGROUP GROUP g a COUNT 2 STREAMS s >");
    db.advance_ms(20);
    all_say(
        &mut db,
        &[
            ("XPENDING s g", "[3 1-0 3-0 [[a 2] [b 1]]]"),
            ("XPENDING s g - + 10", "[[1-0 b 120 1] [2-0 a 20 1] [3-0 a 20 1]]"),
            ("XPENDING s g - + 1", "[[1-0 b 120 1]]"),
            ("XPENDING s g - + 10 a", "[[2-0 a 20 1] [3-0 a 20 1]]"),
            ("XPENDING s g (2 + 10 a", "[[3-0 a 20 1]]"),
            ("XPENDING s g - + 10 nobody", "[]"),
            ("XPENDING s g + - 10", "[]"),
            ("XPENDING s g - + 0", "[]"),
            ("XPENDING s g IDLE 100 - + 10", "[[1-0 b 120 1]]"),
            ("XPENDING s g IDLE 20 - + 2", "[[1-0 b 120 1] [2-0 a 20 1]]"),
            ("XPENDING s g IDLE 1 - +", "!ERR syntax error"),
            ("XPENDING s g - +", "!ERR syntax error"),
            ("XPENDING s g - + x", "!ERR value is not an integer or out of range"),
            ("XPENDING s no", "!NOGROUP No such key 's' or consumer group 'no'"),
            ("XPENDING nosuch g", "!NOGROUP No such key 'nosuch' or consumer group 'g'"),
        ],
    );
}

#[test]
fn pending_entries_are_claimed_by_id() {
    let mut db = with_entries(4);
    db.run("XREADGROUP GROUP g a COUNT 3 STREAMS s >");
    db.advance_ms(50);
    all_say(
        &mut db,
        &[
            ("XCLAIM s g b 51 1-0", "[]"),
            ("XCLAIM s g b 50 1-0 4-0 9-0", "[[1-0 [f v1]]]"),
            ("XCLAIM s g b 0 2-0 JUSTID", "[2-0]"),
            ("XCLAIM s g b 0 4-0 FORCE RETRYCOUNT 7 IDLE 30", "[[4-0 [f v4]]]"),
            ("XPENDING s g - + 10", "[[1-0 b 0 2] [2-0 b 0 1] [3-0 a 50 1] [4-0 b 30 7]]"),
            ("XDEL s 3-0", "1"),
            ("XCLAIM s g b 0 3-0", "[]"),
            ("XPENDING s g", "[3 1-0 4-0 [[b 3]]]"),
            ("XCLAIM s g b 0 1-0 TIME 5 LASTID 9-0 JUSTID", "[1-0]"),
            ("XINFO GROUPS s", "[[name g consumers 2 pending 3 last-delivered-id 9-0 entries-read 3 lag 1]]"),
            ("XCLAIM s g b x 1-0", "!ERR Invalid min-idle-time argument for XCLAIM"),
            ("XCLAIM s g b 0 1-0 IDLE x", "!ERR Invalid IDLE option argument for XCLAIM"),
            ("XCLAIM s g b 0 1-0 TIME x", "!ERR Invalid TIME option argument for XCLAIM"),
            ("XCLAIM s g b 0 1-0 RETRYCOUNT x", "!ERR Invalid RETRYCOUNT option argument for XCLAIM"),
            ("XCLAIM s g b 0 1-0 FOO", "!ERR Unrecognized XCLAIM option 'FOO'"),
            ("XCLAIM s g b 0 1-0 IDLE", "!ERR Unrecognized XCLAIM option 'IDLE'"),
            ("XCLAIM s no b 0 1-0", "!NOGROUP No such key 's' or consumer group 'no'"),
        ],
    );
}

#[test]
fn idle_entries_are_claimed_in_order() {
    let mut db = with_entries(5);
    db.run("XREADGROUP GROUP g a STREAMS s >");
    db.run("XDEL s 2-0");
    db.advance_ms(10);
    db.run("XCLAIM s g a 0 3-0");
    all_say(
        &mut db,
        &[
            ("XAUTOCLAIM s g b 10 - COUNT 2", "[3-0 [[1-0 [f v1]]] [2-0]]"),
            ("XAUTOCLAIM s g b 10 3-0 COUNT 1 JUSTID", "[5-0 [4-0] []]"),
            ("XAUTOCLAIM s g b 10 (4-0", "[0-0 [[5-0 [f v5]]] []]"),
            ("XAUTOCLAIM s g c 100 0", "[0-0 [] []]"),
            ("XPENDING s g - + 10", "[[1-0 b 0 2] [3-0 a 0 2] [4-0 b 0 1] [5-0 b 0 2]]"),
            ("XAUTOCLAIM s g b 0 0 COUNT 0", "!ERR COUNT must be > 0"),
            ("XAUTOCLAIM s g b 0 0 COUNT x", "!ERR COUNT must be > 0"),
            ("XAUTOCLAIM s g b 0 0 FOO", "!ERR syntax error"),
            ("XAUTOCLAIM s g b x 0", "!ERR Invalid min-idle-time argument for XAUTOCLAIM"),
            ("XAUTOCLAIM nosuch g b 0 0", "!NOGROUP No such key 'nosuch' or consumer group 'g'"),
        ],
    );
}

#[test]
fn progress_and_lag_are_told_as_long_as_they_are_known() {
    let mut db = with_entries(5);
    let told = |db: &mut Db| {
        let info = line_of(&db.run("XINFO GROUPS s"));
        let (_, told) = info.split_once("entries-read ").unwrap();
        told.trim_end_matches("]]").replace(" lag", "")
    };
    assert_eq!(told(&mut db), "nil 5");
    db.run("XREADGROUP GROUP g a COUNT 1 STREAMS s >");
    assert_eq!(told(&mut db), "1 4");
    db.run("XDEL s 3-0");
    assert_eq!(told(&mut db), "1 nil");
    db.run("XREADGROUP GROUP g a COUNT 1 STREAMS s >");
    assert_eq!(told(&mut db), "nil nil");
    db.run("XREADGROUP GROUP g a STREAMS s >");
    assert_eq!(told(&mut db), "5 0");
    db.run("XADD s 6-0 f v");
    assert_eq!(told(&mut db), "5 1");
    db.run("XGROUP SETID s g 0");
    db.run("XTRIM s MAXLEN 1");
    assert_eq!(told(&mut db), "nil 1");
    db.run("XTRIM s MAXLEN 0");
    assert_eq!(told(&mut db), "nil 0");
}

#[test]
fn xinfo_tells_all_there_is() {
    let mut db = with_entries(2);
    db.run("XREADGROUP GROUP g a COUNT 1 STREAMS s >");
    db.advance_ms(7);
    db.run("XGROUP CREATECONSUMER s g b");
    let full = format!(
        "[length 2 radix-tree-keys 1 radix-tree-nodes 2 last-generated-id 2-0 max-deleted-entry-id 0-0 entries-added 2 \
         recorded-first-entry-id 1-0 entries [[1-0 [f v1]]] groups [[name g last-delivered-id 1-0 entries-read 1 lag 1 \
         pel-count 1 pending [[1-0 a {START_MS} 1]] consumers [[name a seen-time {START_MS} active-time {START_MS} pel-count 1 \
         pending [[1-0 {START_MS} 1]]] [name b seen-time {} active-time -1 pel-count 0 pending []]]]]]",
        START_MS + 7
    );
    const USAGE: &str = "!ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.";
    all_say(
        &mut db,
        &[
            ("XINFO STREAM s FULL COUNT 1", &full),
            ("XINFO CONSUMERS s g", "[[name a pending 1 idle 7 inactive 7] [name b pending 0 idle 0 inactive -1]]"),
            ("XINFO GROUPS s", "[[name g consumers 2 pending 1 last-delivered-id 1-0 entries-read 1 lag 1]]"),
            ("XINFO CONSUMERS s no", "!NOGROUP No such consumer group 'no' for key name 's'"),
            ("XINFO STREAM nosuch", "!ERR no such key"),
            ("XINFO GROUPS nosuch", "!ERR no such key"),
            ("XINFO STREAM s FULL COUNT", USAGE),
            ("XINFO STREAM s HALF", USAGE),
            ("XINFO STREAM s FULL COUNT x", "!ERR value is not an integer or out of range"),
        ],
    );
    assert!(db.run("XINFO STREAM s FULL COUNT 0").contains("v2"));
    assert!(db.run("XINFO HELP").contains("STREAM"));
    db.run("HELLO 3");
    assert!(db.run("XINFO STREAM s").starts_with("%10\r\n"));
}

#[test]
fn wrong_types_are_refused() {
    let mut db = Db::new();
    db.run("SET k text");
    for call in [
        "XADD k * f v",
        "XADD k NOMKSTREAM * f v",
        "XTRIM k MAXLEN 1",
        "XDEL k 1",
        "XSETID k 1",
        "XLEN k",
        "XRANGE k - +",
        "XREVRANGE k + -",
        "XREAD STREAMS k 0",
        "XREAD BLOCK 0 STREAMS k $",
        "XREADGROUP GROUP g c STREAMS k >",
        "XACK k g 1",
        "XPENDING k g",
        "XCLAIM k g c 0 1",
        "XAUTOCLAIM k g c 0 0",
        "XGROUP CREATE k g 0 MKSTREAM",
        "XGROUP SETID k g 0",
        "XGROUP DESTROY k g",
        "XGROUP CREATECONSUMER k g c",
        "XGROUP DELCONSUMER k g c",
        "XINFO STREAM k",
        "XINFO GROUPS k",
        "XINFO CONSUMERS k g",
    ] {
        db.fails(call, WRONG_TYPE);
    }
    db.run("XADD s 1-0 f v");
    db.fails("GET s", WRONG_TYPE);
}

// ---- beyond the commands ----

#[test]
fn streams_are_copied_and_dumped_whole() {
    let mut db = with_entries(5);
    db.run("XREADGROUP GROUP g a COUNT 3 STREAMS s >");
    db.run("XDEL s 2-0");
    db.is("COPY s copied", ":1\r\n");
    let payload = db.call(&[b"DUMP", b"s"]);
    let start = payload.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    let payload = &payload[start..payload.len() - 2];
    assert_eq!(db.call(&[b"RESTORE", b"restored", b"0", payload]), b"+OK\r\n");
    let full = db.run("XINFO STREAM s FULL COUNT 0");
    assert_eq!(db.run("XINFO STREAM copied FULL COUNT 0"), full);
    assert_eq!(db.run("XINFO STREAM restored FULL COUNT 0"), full);
    db.run("XADD copied 9-0 f v");
    db.run("XGROUP DESTROY copied g");
    assert_eq!(db.run("XINFO STREAM s FULL COUNT 0"), full);
    assert!(db.run("DEBUG DIGEST-VALUE s").len() > 40);
}

#[test]
fn the_log_gets_ids_and_exact_trimming() {
    let mut db = Db::new();
    db.run("CONFIG SET stream-node-max-entries 2");
    for (call, expected) in [
        ("XADD s 1-0 f v", "="),
        ("XADD s 1-* f v", "XADD s 1-1 f v"),
        ("XADD s * f v", "XADD s 1700000000000-0 f v"),
        ("XADD s MAXLEN 3 * f v", "XADD s MAXLEN 3 1700000000000-1 f v"),
        ("XADD s MAXLEN ~ 2 LIMIT 10 * f v", "XADD s MAXLEN = 3 1700000000000-2 f v"),
        (
            "XADD s NOMKSTREAM MINID ~ 0 9700000000000-0 f v",
            "XADD s NOMKSTREAM MINID = 1700000000000-0 9700000000000-0 f v",
        ),
        ("XADD nosuch NOMKSTREAM * f v", ""),
        ("XTRIM s MAXLEN ~ 3", ""),
        ("XTRIM s MAXLEN ~ 2 LIMIT 5", "XTRIM s MAXLEN = 2"),
        ("XTRIM s MAXLEN 1", "="),
        ("XTRIM s MAXLEN 1", ""),
        ("XDEL s 5-5", ""),
        ("XDEL s 9700000000000-0", "="),
        ("XSETID s 9800000000000-0", "="),
    ] {
        assert_eq!(logged(&mut db, call), expected, "{call}");
    }
}

#[test]
fn the_log_gets_what_a_group_has_done() {
    let mut db = with_entries(5);
    let claim = |consumer: &str, id: &str, count: u32, last: &str| {
        format!("XCLAIM s g {consumer} 0 {id} TIME {START_MS} RETRYCOUNT {count} FORCE JUSTID LASTID {last}")
    };
    let claims = |claims: &[String]| claims.join("; ");
    for (call, expected) in [
        (
            "XREADGROUP GROUP g a COUNT 2 STREAMS s >",
            claims(&[
                claim("a", "1-0", 1, "1-0"),
                claim("a", "2-0", 1, "2-0"),
                "XGROUP SETID s g 2-0 ENTRIESREAD 2".into(),
            ]),
        ),
        ("XREADGROUP GROUP g a STREAMS s 0", String::new()),
        (
            "XREADGROUP GROUP g b COUNT 1 NOACK STREAMS s >",
            "XGROUP CREATECONSUMER s g b; XGROUP SETID s g 3-0 ENTRIESREAD 3".into(),
        ),
        ("XREADGROUP GROUP g c STREAMS s 0", "XGROUP CREATECONSUMER s g c".into()),
        ("XCLAIM s g b 0 2-0", claim("b", "2-0", 3, "3-0")),
        ("XCLAIM s g b 1000 2-0", String::new()),
        ("XCLAIM s g b 1000 2-0 LASTID 4-0", "XGROUP SETID s g 4-0 ENTRIESREAD 3".into()),
        ("XDEL s 2-0", "=".into()),
        ("XAUTOCLAIM s g c 0 0", claims(&[claim("c", "1-0", 3, "4-0"), claim("b", "2-0", 3, "4-0")])),
        ("XACK s g 9-0", String::new()),
        ("XACK s g 1-0", "=".into()),
        ("XGROUP CREATECONSUMER s g c", String::new()),
        ("XGROUP DELCONSUMER s g c", "=".into()),
        ("XGROUP SETID s g $", "=".into()),
        ("XGROUP DESTROY s nosuch", String::new()),
        ("XGROUP DESTROY s g", "=".into()),
    ] {
        assert_eq!(logged(&mut db, call), expected, "{call}");
    }
}
