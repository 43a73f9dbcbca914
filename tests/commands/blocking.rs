//! Calls that wait for keys, whatever their type: whose turn it is, what wakes them, what ends their patience.

use crate::harness::Db;
use crate::lines::line_of;
use ferrodis::server::clients::ClientIndex;

const WRONG_TYPE: &str = "!WRONGTYPE Operation against a key holding the wrong kind of value";

/// A way to wait for key `k`.
struct Waiting {
    call: &'static str,
    /// Gives the key what one waiter takes, another one for each `i`.
    feed: fn(i: usize) -> String,
    /// What the waiter that gets feed `i` is answered.
    answer: fn(i: usize) -> String,
    /// What is answered when time is up.
    nothing: &'static str,
}

const WAYS: &[Waiting] = &[
    Waiting { call: "BLPOP k TIME", feed: |i| format!("RPUSH k e{i}"), answer: |i| format!("[k e{i}]"), nothing: "-" },
    Waiting {
        call: "BRPOP nokey k TIME",
        feed: |i| format!("LPUSH k e{i}"),
        answer: |i| format!("[k e{i}]"),
        nothing: "-",
    },
    Waiting {
        call: "BLMOVE k d LEFT RIGHT TIME",
        feed: |i| format!("RPUSH k e{i}"),
        answer: |i| format!("e{i}"),
        nothing: "-",
    },
    Waiting {
        call: "BRPOPLPUSH k d TIME",
        feed: |i| format!("LPUSH k e{i}"),
        answer: |i| format!("e{i}"),
        nothing: "-",
    },
    Waiting {
        call: "BLMPOP TIME 2 nokey k LEFT",
        feed: |i| format!("RPUSH k e{i}"),
        answer: |i| format!("[k [e{i}]]"),
        nothing: "-",
    },
    Waiting {
        call: "BZPOPMIN k nokey TIME",
        feed: |i| format!("ZADD k {i} e{i}"),
        answer: |i| format!("[k e{i} {i}]"),
        nothing: "-",
    },
    Waiting {
        call: "BZPOPMAX k TIME",
        feed: |i| format!("ZADD k -{i} e{i}"),
        answer: |i| format!("[k e{i} -{i}]"),
        nothing: "-",
    },
    Waiting {
        call: "BZMPOP TIME 1 k MIN",
        feed: |i| format!("ZADD k {i} e{i}"),
        answer: |i| format!("[k [[e{i} {i}]]]"),
        nothing: "-",
    },
];

/// One entry answers all who wait: these take nothing away.
const READING: &str = "XREAD BLOCK TIME STREAMS k $";
const READING_IN_GROUP: &str = "XREADGROUP GROUP g c BLOCK TIME STREAMS k >";

impl Waiting {
    fn begin(&self, db: &mut Db, time: &str) -> ClientIndex {
        db.waits(&self.call.replace("TIME", time))
    }
}

fn each_way(test: impl Fn(&mut Db, &Waiting)) {
    WAYS.iter().for_each(|way| test(&mut Db::new(), way));
}

#[track_caller]
fn answered(db: &mut Db, client: ClientIndex, expected: &str) {
    let reply = String::from_utf8(db.output_of(client)).unwrap();
    assert!(!reply.is_empty(), "waits on, but should get {expected}");
    assert_eq!(line_of(&reply), expected);
}

#[track_caller]
fn waits_on(db: &mut Db, client: ClientIndex) {
    db.got(client, "");
}

// ---- turns ----

#[test]
fn the_longest_waiting_is_served_first() {
    each_way(|db, way| {
        let waiting: Vec<_> = (1..=4).map(|_| way.begin(db, "0")).collect();
        for (i, &client) in waiting.iter().enumerate() {
            waiting[i..].iter().for_each(|&later| waits_on(db, later));
            db.run(&(way.feed)(i + 1));
            answered(db, client, &(way.answer)(i + 1));
        }
    });
}

#[test]
fn who_has_been_served_waits_behind_the_others() {
    each_way(|db, way| {
        let (first, second) = (way.begin(db, "0"), way.begin(db, "0"));
        db.run(&(way.feed)(1));
        answered(db, first, &(way.answer)(1));
        let again = way.call.replace("TIME", "0");
        let words: Vec<&[u8]> = again.split(' ').map(str::as_bytes).collect();
        assert!(db.call_on(first, &words).is_empty());
        db.run(&(way.feed)(2));
        answered(db, second, &(way.answer)(2));
        waits_on(db, first);
        db.run(&(way.feed)(3));
        answered(db, first, &(way.answer)(3));
    });
}

#[test]
fn one_call_that_brings_several_serves_several() {
    let mut db = Db::new();
    let waiting: Vec<_> = (0..3).map(|_| db.waits("BLPOP k 0")).collect();
    db.is("RPUSH k a b c d", ":4\r\n");
    for (client, element) in waiting.into_iter().zip(["a", "b", "c"]) {
        answered(&mut db, client, &format!("[k {element}]"));
    }
    let waiting: Vec<_> = (0..2).map(|_| db.waits("BZPOPMAX z 0")).collect();
    db.is("ZADD z 1 a 2 b 3 c", ":3\r\n");
    answered(&mut db, waiting[0], "[z c 3]");
    answered(&mut db, waiting[1], "[z b 2]");
    db.is("ZCARD z", ":1\r\n");
}

#[test]
fn keys_count_in_the_order_they_are_named() {
    let mut db = Db::new();
    let waiting = db.waits("BLPOP a b c 0");
    db.run("MULTI");
    db.run("RPUSH c 3");
    db.run("RPUSH b 2");
    db.run("EXEC");
    answered(&mut db, waiting, "[b 2]");
}

#[test]
fn a_key_named_twice_is_waited_for_once() {
    let mut db = Db::new();
    let (first, second) = (db.waits("BLPOP k k 0"), db.waits("BLPOP k k 0"));
    db.run("RPUSH k a");
    answered(&mut db, first, "[k a]");
    waits_on(&mut db, second);
    db.run("RPUSH k b");
    answered(&mut db, second, "[k b]");
}

#[test]
fn what_comes_and_goes_in_one_transaction_wakes_nobody() {
    each_way(|db, way| {
        let waiting = way.begin(db, "0");
        db.run("MULTI");
        db.run(&(way.feed)(1));
        db.run("DEL k");
        db.run("EXEC");
        waits_on(db, waiting);
        db.run(&(way.feed)(2));
        answered(db, waiting, &(way.answer)(2));
    });
}

#[test]
fn a_transaction_is_over_before_anybody_is_served() {
    let mut db = Db::new();
    let waiting = db.waits("BLPOP k 0");
    db.run("MULTI");
    db.run("RPUSH k a");
    db.run("LPUSH k b");
    db.run("LLEN k");
    db.is("EXEC", "*3\r\n:1\r\n:2\r\n:2\r\n");
    answered(&mut db, waiting, "[k b]");
}

#[test]
fn inside_a_transaction_nothing_waits() {
    each_way(|db, way| {
        db.run("MULTI");
        db.run(&way.call.replace("TIME", "0"));
        let reply = db.run("EXEC");
        assert!(["*1\r\n*-1\r\n", "*1\r\n$-1\r\n"].contains(&reply.as_str()), "{}: {reply}", way.call);
        db.run(&(way.feed)(1));
        db.is("EXISTS k", ":1\r\n");
    });
}

// ---- what wakes ----

#[test]
fn a_key_may_come_in_any_way() {
    each_way(|db, way| {
        let feed = (way.feed)(1).replacen(" k ", " other ", 1);
        let dump = |db: &mut Db| {
            db.run(&feed);
            let payload = db.call(&[b"DUMP", b"other"]);
            let start = payload.iter().position(|&byte| byte == b'\n').unwrap() + 1;
            payload[start..payload.len() - 2].to_vec()
        };
        type Arrive<'a> = Box<dyn Fn(&mut Db) + 'a>;
        let arrivals: Vec<(&str, Arrive<'_>)> = vec![
            ("RENAME", Box::new(|db| drop(db.run("RENAME other k")))),
            ("RENAMENX", Box::new(|db| drop(db.run("RENAMENX other k")))),
            ("COPY", Box::new(|db| drop(db.run("COPY other k")))),
            (
                "MOVE",
                Box::new(|db| {
                    db.run("MOVE other 1");
                    db.run("SELECT 1");
                    db.run("RENAME other k");
                    db.run("MOVE k 0");
                    db.run("SELECT 0");
                }),
            ),
            (
                "SWAPDB",
                Box::new(|db| {
                    db.run("MOVE other 1");
                    db.run("SELECT 1");
                    db.run("RENAME other k");
                    db.run("SELECT 0");
                    db.run("SWAPDB 0 1");
                }),
            ),
            (
                "RESTORE",
                Box::new(|db| {
                    let payload = dump(db);
                    db.call(&[b"RESTORE", b"k", b"0", &payload]);
                }),
            ),
        ];
        for (name, arrive) in arrivals {
            db.run("FLUSHALL");
            let waiting = way.begin(db, "0");
            db.run(&feed);
            waits_on(db, waiting);
            arrive(db);
            let reply = String::from_utf8(db.output_of(waiting)).unwrap();
            assert!(!reply.is_empty(), "{}: {name} wakes", way.call);
            assert_eq!(line_of(&reply), (way.answer)(1), "{}: {name}", way.call);
        }
    });
}

#[test]
fn results_that_are_stored_wake() {
    for (way, prepare, call, answer) in [
        ("BLPOP k 0", "SADD s 1", "SORT s STORE k", "[k 1]"),
        ("BZPOPMIN k 0", "ZADD s 1 a", "ZUNIONSTORE k 1 s", "[k a 1]"),
        ("BZPOPMIN k 0", "ZADD s 1 a", "ZINTERSTORE k 1 s", "[k a 1]"),
        ("BZPOPMIN k 0", "ZADD s 1 a", "ZDIFFSTORE k 1 s", "[k a 1]"),
        ("BZPOPMIN k 0", "ZADD s 1 a", "ZRANGESTORE k s 0 -1", "[k a 1]"),
        ("BZPOPMIN k 0", "GEOADD s 0 0 a", "GEOSEARCHSTORE k s FROMMEMBER a BYRADIUS 1 m", "[k a 3377699720527872]"),
        ("BZPOPMIN k 0", "PING", "ZINCRBY k 1 a", "[k a 1]"),
        ("BZPOPMIN k 0", "PING", "GEOADD k 0 0 a", "[k a 3377699720527872]"),
        ("BLPOP k 0", "RPUSH s a", "LMOVE s k LEFT LEFT", "[k a]"),
        ("BLPOP k 0", "RPUSH s a", "RPOPLPUSH s k", "[k a]"),
        ("BLPOP k 0", "RPUSH s a", "BLMOVE s k LEFT LEFT 0", "[k a]"),
    ] {
        let mut db = Db::new();
        db.run(prepare);
        let waiting = db.waits(way);
        db.run(call);
        answered(&mut db, waiting, answer);
    }
}

#[test]
fn another_database_wakes_nobody() {
    each_way(|db, way| {
        let waiting = way.begin(db, "0");
        db.run("SELECT 1");
        db.run(&(way.feed)(1));
        waits_on(db, waiting);
        db.run("SELECT 0");
        db.run(&(way.feed)(2));
        answered(db, waiting, &(way.answer)(2));
    });
}

#[test]
fn a_key_of_another_type_wakes_nobody_and_loses_nobody() {
    each_way(|db, way| {
        let waiting = way.begin(db, "0");
        for other in ["SET k x", "HSET k a 1", "SADD k a"] {
            db.run("DEL k");
            db.run(other);
            waits_on(db, waiting);
        }
        db.run("DEL k");
        waits_on(db, waiting);
        db.run(&(way.feed)(1));
        answered(db, waiting, &(way.answer)(1));
    });
}

#[test]
fn an_element_goes_on_to_who_waits_for_where_it_went() {
    let mut db = Db::new();
    let last = db.waits("BLPOP d 0");
    let middle = db.waits("BLMOVE c d LEFT LEFT 0");
    let first = db.waits("BRPOPLPUSH k c 0");
    db.run("RPUSH k x");
    answered(&mut db, first, "x");
    answered(&mut db, middle, "x");
    answered(&mut db, last, "[d x]");
    db.is("DBSIZE", ":0\r\n");
}

/// As in Redis: whoever would move an element to a key of another type hears of it when the element comes, and it stays.
#[test]
fn a_destination_of_another_type_is_an_error_when_the_element_comes() {
    let mut db = Db::new();
    db.run("SET d x");
    let moving = db.waits("BLMOVE k d LEFT LEFT 0");
    let popping = db.waits("BLPOP k 0");
    db.run("RPUSH k a");
    answered(&mut db, moving, WRONG_TYPE);
    answered(&mut db, popping, "[k a]");
}

/// Whoever waits for several keys is woken by one that is of its type, and its call runs as if it had just come: another key that stands
/// before and is of another type by now is an error. Calls on sorted sets passed such a key over, and XREAD only looked at entries.
#[test]
fn a_key_of_another_type_was_passed_over_when_the_next_one_came() {
    for (call, comes) in [
        ("BLPOP a b 0", "RPUSH b m"),
        ("BLMPOP 0 2 a b LEFT", "RPUSH b m"),
        ("BZPOPMIN a b 0", "ZADD b 1 m"),
        ("BZMPOP 0 2 a b MIN", "ZADD b 1 m"),
        ("XREAD BLOCK 0 STREAMS a b 0 0", "XADD b 1-1 f v"),
        ("XREAD BLOCK 0 STREAMS a b 0 0", "XGROUP CREATE b g 0 MKSTREAM"),
    ] {
        let mut db = Db::new();
        let waiting = db.waits(call);
        db.run("SET a x");
        db.run("SADD b x");
        db.run("DEL b");
        waits_on(&mut db, waiting);
        db.run(comes);
        answered(&mut db, waiting, WRONG_TYPE);
        db.is("EXISTS b", ":1\r\n");
    }
}

// ---- streams ----

#[test]
fn an_entry_answers_all_who_read() {
    let mut db = Db::new();
    db.run("XADD k 1-0 f old");
    let reading: Vec<_> = (0..3).map(|_| db.waits(&READING.replace("TIME", "0"))).collect();
    db.run("XADD k 2-0 f new");
    for client in reading {
        answered(&mut db, client, "[[k [[2-0 [f new]]]]]");
    }
}

#[test]
fn an_entry_answers_one_of_a_group() {
    let mut db = Db::new();
    db.run("XGROUP CREATE k g $ MKSTREAM");
    let waiting: Vec<_> = (0..2).map(|_| db.waits(&READING_IN_GROUP.replace("TIME", "0"))).collect();
    db.run("XADD k 1-0 f a");
    answered(&mut db, waiting[0], "[[k [[1-0 [f a]]]]]");
    waits_on(&mut db, waiting[1]);
    db.run("XADD k 2-0 f b");
    answered(&mut db, waiting[1], "[[k [[2-0 [f b]]]]]");
}

/// What changes of a stream besides new entries ends no wait, as in Redis: XGROUP SETID served old entries at once to whoever waited for new.
#[test]
fn a_group_that_was_set_back_served_who_waited_for_new_entries() {
    let mut db = Db::new();
    db.run("XADD k 1-0 f old");
    db.run("XGROUP CREATE k g $");
    let waiting = db.waits(&READING_IN_GROUP.replace("TIME", "0"));
    for call in ["XGROUP SETID k g 0", "XGROUP CREATE k h 0", "XGROUP DELCONSUMER k g c", "XDEL k 1-0", "XSETID k 5-0"]
    {
        db.run(call);
        waits_on(&mut db, waiting);
    }
    db.run("XADD k 6-0 f new");
    answered(&mut db, waiting, "[[k [[6-0 [f new]]]]]");
}

#[test]
fn a_group_that_has_gone_is_an_error_to_who_waits_for_it() {
    const NO_GROUP: &str = "!NOGROUP No such consumer group 'g' for key name 'k'";
    const NO_KEY: &str = "!NOGROUP No such key 'k' or consumer group 'g'";
    for (call, error) in [
        ("XGROUP DESTROY k g", "!NOGROUP"),
        ("DEL k", "!NOGROUP"),
        ("RENAME k other", "!NOGROUP"),
        ("FLUSHALL", "!NOGROUP"),
        ("SET k x", "!WRONGTYPE"),
        ("SWAPDB 0 1", "!NOGROUP"),
    ] {
        let mut db = Db::new();
        db.run("XGROUP CREATE k g $ MKSTREAM");
        let waiting = db.waits(&READING_IN_GROUP.replace("TIME", "0"));
        db.run(call);
        let reply = line_of(&String::from_utf8(db.output_of(waiting)).unwrap());
        assert!(reply.starts_with(error), "{call}: {reply}");
        assert!(error != "!NOGROUP" || reply.starts_with(NO_GROUP) || reply.starts_with(NO_KEY), "{call}: {reply}");
    }
}

// ---- patience ----

#[test]
fn patience_ends_in_time_and_with_nothing() {
    each_way(|db, way| {
        let (short, long) = (way.begin(db, "0.5"), way.begin(db, "2"));
        db.advance_ms(499);
        waits_on(db, short);
        db.advance_ms(1);
        answered(db, short, way.nothing);
        waits_on(db, long);
        db.run(&(way.feed)(1));
        answered(db, long, &(way.answer)(1));
    });
    for call in [READING, READING_IN_GROUP] {
        let mut db = Db::new();
        db.run("XGROUP CREATE k g $ MKSTREAM");
        let waiting = db.waits(&call.replace("TIME", "7"));
        db.advance_ms(6);
        waits_on(&mut db, waiting);
        db.advance_ms(1);
        answered(&mut db, waiting, "-");
    }
}

/// A time below a millisecond is one, and not none: 0 would be for ever.
#[test]
fn the_shortest_patience_is_a_millisecond() {
    each_way(|db, way| {
        for time in ["0.0001", "0.001", "1e-9"] {
            let waiting = way.begin(db, time);
            waits_on(db, waiting);
            db.advance_ms(1);
            answered(db, waiting, way.nothing);
        }
    });
}

#[test]
fn times_that_are_none_are_refused() {
    each_way(|db, way| {
        for (time, error) in [
            ("-1", "timeout is negative"),
            ("x", "timeout is not a float or out of range"),
            ("nan", "timeout is not a float or out of range"),
            ("inf", "timeout is out of range"),
            ("1e300", "timeout is out of range"),
        ] {
            let line = way.call.replace("TIME", time);
            db.fails(&line, &format!("ERR {error}"));
        }
    });
}

#[test]
fn who_has_given_up_takes_nothing() {
    each_way(|db, way| {
        let (impatient, patient) = (way.begin(db, "0.001"), way.begin(db, "0"));
        db.advance_ms(1);
        answered(db, impatient, way.nothing);
        db.run(&(way.feed)(1));
        answered(db, patient, &(way.answer)(1));
        waits_on(db, impatient);
    });
}

// ---- others ----

#[test]
fn another_client_may_end_a_wait() {
    each_way(|db, way| {
        for (mode, expected) in
            [("", way.nothing), (" TIMEOUT", way.nothing), (" ERROR", "!UNBLOCKED client unblocked via CLIENT UNBLOCK")]
        {
            let client = db.connect();
            let id = line_of(&String::from_utf8(db.call_on(client, &[b"CLIENT", b"ID"])).unwrap());
            let call = way.call.replace("TIME", "0");
            let words: Vec<&[u8]> = call.split(' ').map(str::as_bytes).collect();
            assert!(db.call_on(client, &words).is_empty());
            db.is(&format!("CLIENT UNBLOCK {id}{mode}"), ":1\r\n");
            answered(db, client, expected);
            db.is(&format!("CLIENT UNBLOCK {id}{mode}"), ":0\r\n");
        }
        db.run(&(way.feed)(1));
        db.is("EXISTS k", ":1\r\n");
    });
}

#[test]
fn who_has_left_takes_nothing() {
    each_way(|db, way| {
        let (gone, next) = (way.begin(db, "0"), way.begin(db, "0"));
        db.dispatcher.server.clients.remove(gone);
        db.run(&(way.feed)(1));
        answered(db, next, &(way.answer)(1));
    });
}

#[test]
fn what_was_sent_behind_a_waiting_call_runs_after_it() {
    let mut db = Db::new();
    let client = db.waits("BLPOP k 0");
    assert!(db.call_on(client, &[b"PING"]).is_empty(), "parked");
    db.run("RPUSH k a");
    db.dispatcher.tick();
    let reply = String::from_utf8(db.output_of(client)).unwrap();
    assert!(reply.starts_with("*2\r\n$1\r\nk\r\n$1\r\na\r\n"), "{reply}");
}

/// An unknown command, wrong arity or a denial was answered at once, before the call that the client waited in.
#[test]
fn what_is_refused_behind_a_waiting_call_is_answered_after_it() {
    for sent in ["LSET", "NOSUCH", "OBJECT NOSUCH k", "DEBUG SLEEP 0"] {
        let mut db = Db::new();
        let client = db.waits("BLPOP k 0");
        let words: Vec<&[u8]> = sent.split(' ').map(str::as_bytes).collect();
        assert!(db.call_on(client, &words).is_empty(), "{sent}");
        db.run("RPUSH k a");
        db.dispatcher.tick();
        answered(&mut db, client, "[k a]");
    }
}

#[test]
fn waiting_clients_are_counted() {
    let mut db = Db::new();
    let blocked = |db: &mut Db, n: usize| {
        let info = db.run("INFO clients");
        assert!(info.contains(&format!("\nblocked_clients:{n}\r\n")), "{n}: {info}");
    };
    let first = db.waits("BLPOP k l 0");
    db.waits("BZPOPMIN z 0.001");
    blocked(&mut db, 2);
    db.advance_ms(1);
    blocked(&mut db, 1);
    db.run("RPUSH l a");
    answered(&mut db, first, "[l a]");
    blocked(&mut db, 0);
}
