//! The same random calls to both servers, replies compared byte for byte. `FERRODIS_SEED=n` replays a run.

use crate::support::{Reference, Server, encode};
use fastrand::Rng;

const SCRIPTS: u64 = 12;
const CALLS: usize = 250;

/// Replies that Redis 7.0 gives otherwise than 8.0, whose behaviour we have.
fn is_known_difference(call: &[String], ours: &str, theirs: &str) -> bool {
    let is_error = ours.starts_with('-');
    match (call[0].as_str(), call.get(1).map(String::as_str)) {
        // Before 7.2, BITCOUNT and BITPOS looked for the key before they read their range.
        ("BITCOUNT" | "BITPOS", _) => is_error && [":0\r\n", ":-1\r\n"].contains(&theirs),
        // Before 7.2, a consumer did not come into being with a look for entries that found none.
        ("XGROUP", Some("CREATECONSUMER")) => ours == ":0\r\n" && theirs == ":1\r\n",
        ("XREAD" | "XREADGROUP" | "XSETID", _) if is_error => theirs.starts_with('-'),
        _ => differ_in_digits(ours, theirs),
    }
}

/// Whether two replies differ in nothing but the digits of doubles: before 7.2 there were always seventeen of them.
fn differ_in_digits(ours: &str, theirs: &str) -> bool {
    let (ours, theirs): (Vec<&str>, Vec<&str>) = (ours.split("\r\n").collect(), theirs.split("\r\n").collect());
    let number = |line: &str| line.strip_prefix(',').unwrap_or(line).parse::<f64>().ok();
    let is_same = |(a, b): (&&str, &&str)| {
        a == b || a.starts_with('$') && b.starts_with('$') || number(a).is_some_and(|a| number(b) == Some(a))
    };
    ours.len() == theirs.len() && ours.iter().zip(&theirs).all(is_same)
}

fn key(rng: &mut Rng) -> String {
    format!("k{}", rng.u8(0..6))
}

fn value(rng: &mut Rng) -> String {
    match rng.u8(0..8) {
        0 => String::new(),
        1 => rng.i64(..).to_string(),
        2 => rng.i64(-5..50).to_string(),
        3 => format!("{}.{}", rng.i16(..), rng.u8(..)),
        4 => "x".repeat(rng.usize(0..300)),
        5 => ["9223372036854775807", "-9223372036854775808", "007", " 1", "1e3", "inf", "-0"][rng.usize(0..7)].into(),
        _ => (0..rng.usize(0..20)).map(|_| rng.char('\0'..'\u{ff}')).collect(),
    }
}

fn int(rng: &mut Rng) -> String {
    match rng.u8(0..6) {
        0 => rng.i64(..).to_string(),
        1 => value(rng),
        _ => rng.i64(-20..40).to_string(),
    }
}

/// A time to live long enough for no key to expire while the script runs, or one already over.
fn ttl(rng: &mut Rng) -> String {
    match rng.u8(0..6) {
        0 => "-1".into(),
        1 => value(rng),
        _ => rng.u32(10_000..1_000_000).to_string(),
    }
}

/// A score.
fn score(rng: &mut Rng) -> String {
    match rng.u8(0..8) {
        0 => ["inf", "-inf", "+inf", "-0", "1e3", "9007199254740993", "1e-5"][rng.usize(0..7)].into(),
        1 => format!("{}.{}", rng.i8(..), rng.u8(..)),
        _ => rng.i64(-3..6).to_string(),
    }
}

/// A bound of scores.
fn bound(rng: &mut Rng) -> String {
    format!("{}{}", ["", "("][rng.usize(0..2)], score(rng))
}

/// A bound of members.
fn lexical_bound(rng: &mut Rng) -> String {
    match rng.u8(0..5) {
        0 => "-".into(),
        1 => "+".into(),
        _ => format!("{}{}", ["[", "("][rng.usize(0..2)], ["a", "b", "c", "f1", "f3", "f", ""][rng.usize(0..7)]),
    }
}

/// A place in degrees: near others, or anywhere.
fn degrees(rng: &mut Rng) -> String {
    match rng.u8(0..4) {
        0 => format!("{:.6}", rng.f64() * 170.0 - 85.0),
        _ => format!("{:.5}", rng.f64() * 2.0 + 37.0),
    }
}

/// The ID of an entry: few and close.
fn entry_id(rng: &mut Rng) -> String {
    match rng.u8(0..6) {
        0 => rng.u8(0..20).to_string(),
        _ => format!("{}-{}", rng.u8(0..30), rng.u8(0..4)),
    }
}

/// `k` key, `v` value, `i` integer, `t` time to live, `f` field or member, `n` score, `b` and `l` bounds of scores and of members, `p`
/// degrees, `r` a distance, `d` ID of an entry; all else stands for itself, `a|b` for one of them.
const SHAPES: &[&str] = &[
    "SET k v",
    "SET k v NX|XX",
    "SET k v GET",
    "SET k v EX t",
    "SET k v KEEPTTL",
    "SET k v NX GET",
    "SET k v EX t PX t",
    "GET k",
    "SETNX k v",
    "SETEX k t v",
    "GETSET k v",
    "GETDEL k",
    "GETEX k",
    "GETEX k EX t",
    "GETEX k PERSIST",
    "APPEND k v",
    "STRLEN k",
    "INCR k",
    "DECR k",
    "INCRBY k i",
    "DECRBY k i",
    "INCRBYFLOAT k v",
    "SETRANGE k i v",
    "GETRANGE k i i",
    "SUBSTR k i i",
    "MSET k v k v",
    "MSETNX k v k v",
    "MGET k k k",
    "MSET k v k",
    "LCS k k",
    "LCS k k LEN",
    "LCS k k IDX WITHMATCHLEN",
    "LCS k k IDX MINMATCHLEN i",
    "DEL k k",
    "UNLINK k",
    "EXISTS k k k",
    "TYPE k",
    "RENAME k k",
    "RENAMENX k k",
    "COPY k k",
    "COPY k k REPLACE",
    "COPY k k DB 1",
    "TOUCH k k",
    "EXPIRE k t",
    "EXPIRE k t NX|XX|GT|LT",
    "PERSIST k",
    "TTL nokey",
    "EXPIRETIME nokey",
    "PEXPIREAT k 99999999999999",
    "PEXPIRETIME nokey",
    "EXPIREAT k 9999999999",
    "OBJECT REFCOUNT nokey",
    "OBJECT ENCODING k",
    "DBSIZE",
    "MOVE k 1",
    "SWAPDB 0 1",
    "SELECT 0|1|99",
    "KEYS nokey*",
    "SETBIT k i 0|1|2",
    "GETBIT k i",
    "BITCOUNT k",
    "BITCOUNT k i i",
    "BITCOUNT k i i BYTE|BIT",
    "BITPOS k 0|1",
    "BITPOS k 0|1 i",
    "BITPOS k 0|1 i i",
    "BITPOS k 0|1 i i BIT|BYTE",
    "BITOP AND|OR|XOR k k k",
    "BITOP NOT k k",
    "BITFIELD k GET u8|i16|u63|i64|u64 i",
    "BITFIELD k SET u8|i5 #1 i GET i8 2",
    "BITFIELD k OVERFLOW WRAP|SAT|FAIL INCRBY u4|i7 3 i",
    "BITFIELD_RO k GET u4 i",
    "BITFIELD k INCRBY i16 #i i",
    "FLUSHDB",
    "FLUSHALL ASYNC|SYNC|v",
    "GET",
    "SET k",
    "NOSUCH k v",
    "EXPIRE k",
    "ECHO v",
    "PING v",
    "PING",
    "OBJECT",
    "OBJECT FOO k",
    "SETEX k 0 v",
    "PSETEX k -5 v",
    "STRALGO v",
];

fn call(rng: &mut Rng, shapes: &[&str]) -> Vec<String> {
    let shape = shapes[rng.usize(0..shapes.len())];
    shape
        .split(' ')
        .map(|word| match word {
            "k" => key(rng),
            "v" => value(rng),
            "i" => int(rng),
            "#i" => format!("#{}", rng.u8(0..9)),
            "t" => ttl(rng),
            "f" => format!("f{}", rng.u8(0..6)),
            "n" => score(rng),
            "b" => bound(rng),
            "l" => lexical_bound(rng),
            "p" => degrees(rng),
            "r" => [1, 10, 100, 300, 5000, 50000][rng.usize(0..6)].to_string(),
            "d" => entry_id(rng),
            "(d" => format!("({}", entry_id(rng)),
            _ => {
                let choices: Vec<&str> = word.split('|').collect();
                match choices[rng.usize(0..choices.len())] {
                    "v" => value(rng),
                    "k" => key(rng),
                    "n" => score(rng),
                    "d" => entry_id(rng),
                    "f" => format!("f{}", rng.u8(0..6)),
                    choice => choice.to_string(),
                }
            }
        })
        .collect()
}

fn show(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

#[test]
fn random_scripts_get_the_same_replies() {
    compare(SHAPES, &[]);
}

/// Sends calls of these shapes to both servers, started with these arguments.
pub(crate) fn compare(shapes: &[&str], arguments: &[&str]) {
    compare_after(&[], shapes, arguments);
}

/// The same, after these calls.
pub(crate) fn compare_after(preparation: &[&str], shapes: &[&str], arguments: &[&str]) {
    let Some(theirs) = Reference::start(arguments) else { return };
    let ours = Server::start(arguments);
    let first = std::env::var("FERRODIS_SEED").ok().map(|seed| seed.parse::<u64>().expect("a number"));
    let mut differences = std::collections::BTreeMap::new();
    let seeds = first.map_or(0..SCRIPTS, |seed| seed..seed + 1);
    for seed in seeds {
        let mut rng = Rng::with_seed(seed);
        let (mut a, mut b) = (ours.client(), theirs.client());
        for protocol in ["2", "3"] {
            for client in [&mut a, &mut b] {
                client.run("SELECT 0");
                client.run("FLUSHALL");
                client.run(&format!("HELLO {protocol}"));
                preparation.iter().for_each(|line| drop(client.run(line)));
            }
            let mut history = Vec::new();
            for _ in 0..CALLS {
                let call = call(&mut rng, shapes);
                history.push(show(&encode(&call)));
                let (x, y) = (a.call_raw(&call), b.call_raw(&call));
                let (x_text, y_text) =
                    (String::from_utf8_lossy(&x).into_owned(), String::from_utf8_lossy(&y).into_owned());
                if x != y && !is_known_difference(&call, &x_text, &y_text) {
                    let from = history.len().saturating_sub(12);
                    // The first of each command: what follows may be its consequence.
                    differences.entry(call[0].clone()).or_insert_with(|| {
                        let (ours, theirs, before) = (show(&x), show(&y), history[from..].join("\n  "));
                        format!("FERRODIS_SEED={seed}, RESP{protocol}: {call:?}\n  ours:   {ours}\n  theirs: {theirs}\nafter:\n  {before}")
                    });
                }
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.into_values().collect::<Vec<_>>().join("\n\n"));
}
