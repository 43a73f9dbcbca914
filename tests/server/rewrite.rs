//! Rewrites of the log under load, cut short by kill -9 at any moment, against a model of what was acknowledged.

use crate::support::{Client, Reply, Server, encode, wait_until};
use fastrand::Rng;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};

const ROUNDS: u64 = 5;
const WRITERS: u64 = 3;
const KEYS: u64 = 40;

type Model = HashMap<String, String>;

/// What one writer knows: its keys as acknowledged, and as they are if the last call, which was not, took effect.
#[derive(Default, Clone)]
struct Known {
    sure: Model,
    perhaps: Model,
}

fn random_call(rng: &mut Rng, writer: u64) -> Vec<String> {
    let key = format!("{writer}:{}", rng.u64(0..KEYS));
    let text = |rng: &mut Rng| "v".repeat(rng.usize(0..200));
    match rng.u8(0..6) {
        0 | 1 => vec!["SET".into(), key, text(rng)],
        2 => vec!["APPEND".into(), key, text(rng)],
        3 => vec!["DEL".into(), key],
        4 => vec!["SET".into(), key, text(rng), "EX".into(), "10000".into()],
        _ => vec!["MSET".into(), key, text(rng), format!("{writer}:{}", rng.u64(0..KEYS)), text(rng)],
    }
}

fn apply(model: &mut Model, call: &[String]) {
    match call[0].as_str() {
        "DEL" => drop(model.remove(&call[1])),
        "APPEND" => model.entry(call[1].clone()).or_default().push_str(&call[2]),
        "MSET" => call[1..].chunks(2).for_each(|pair| drop(model.insert(pair[0].clone(), pair[1].clone()))),
        _ => drop(model.insert(call[1].clone(), call[2].clone())),
    }
}

fn write_until_the_end(mut client: Client, mut rng: Rng, writer: u64, mut known: Known, calls: &AtomicU64) -> Known {
    loop {
        let call = random_call(&mut rng, writer);
        apply(&mut known.perhaps, &call);
        if client.try_send_raw(&encode(&call)).is_err() || client.try_read_reply().is_err() {
            return known;
        }
        apply(&mut known.sure, &call);
        calls.fetch_add(1, Ordering::SeqCst);
    }
}

fn keys_of(client: &mut Client, writer: u64) -> Model {
    let keys: Vec<String> = (0..KEYS).map(|i| format!("{writer}:{i}")).collect();
    let values = keys.iter().map(|key| (key.clone(), client.run(&format!("GET {key}"))));
    values.filter(|(_, value)| !value.is_nil()).map(|(key, value)| (key, value.text())).collect()
}

#[test]
fn a_kill_at_any_moment_of_a_rewrite_loses_nothing_acknowledged() {
    let seed =
        std::env::var("FERRODIS_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().expect("a number"));
    eprintln!("FERRODIS_SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    let mut server =
        Server::start(&["--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0"]);
    let filler: Vec<[String; 3]> =
        (0..5000).map(|i| ["SET".to_string(), format!("filler:{i}"), "f".repeat(100)]).collect();
    let words: Vec<Vec<&str>> = filler.iter().map(|call| call.iter().map(String::as_str).collect()).collect();
    server.client().pipeline(&words.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let mut models: Vec<Known> = vec![Known::default(); WRITERS as usize];
    for round in 0..ROUNDS {
        let calls = AtomicU64::new(0);
        models = std::thread::scope(|scope| {
            let writers: Vec<_> = models
                .drain(..)
                .enumerate()
                .map(|(writer, known)| {
                    let (client, rng) = (server.client(), rng.fork());
                    let calls = &calls;
                    scope.spawn(move || write_until_the_end(client, rng, writer as u64, known, calls))
                })
                .collect();
            let mut client = server.client();
            for _ in 0..rng.u64(1..4) {
                client.run("BGREWRITEAOF");
                let so_far = calls.load(Ordering::SeqCst);
                let more = rng.u64(1..150);
                wait_until("some writes", || calls.load(Ordering::SeqCst) >= so_far + more);
            }
            server.kill();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        server.restart();
        let mut client = server.client();
        for (writer, known) in models.iter_mut().enumerate() {
            let found = keys_of(&mut client, writer as u64);
            assert!(
                found == known.sure || found == known.perhaps,
                "round {round}, writer {writer}: neither what was acknowledged nor that and the call under way"
            );
            *known = Known { sure: found.clone(), perhaps: found };
        }
        assert_eq!(client.run("STRLEN filler:4999"), 100);
    }
}

#[test]
fn a_rewrite_without_a_log_writes_the_files_and_leaves_the_log_off() {
    let mut server = Server::start(&["--enable-debug-command", "yes"]);
    let mut client = server.client();
    client.run("MSET a 1 b 2");
    assert_eq!(client.run("BGREWRITEAOF"), "Background append only file rewriting started");
    client.run("SET c 3");
    wait_until("its end", || client.info("aof_rewrite_in_progress") == "0");
    assert_eq!(client.info("aof_last_bgrewrite_status"), "ok");
    assert_eq!(client.info("aof_enabled"), "0");
    client.run("SET d 4");
    server.kill();
    server.restart_with(&["--appendonly", "yes"]);
    assert_eq!(server.client().run("MGET a b"), ["1", "2"]);
    assert!(server.client().run("GET d").is_nil());
}

#[test]
fn a_base_of_calls_is_loaded_like_one_in_rdb() {
    let mut server =
        Server::start(&["--appendonly", "yes", "--aof-use-rdb-preamble", "no", "--enable-debug-command", "yes"]);
    let mut client = server.client();
    for n in 0..200 {
        client.run(&format!("SET k:{n} {} EX 1000", "x".repeat(n)));
        client.run(&format!("SET n:{n} {n}"));
    }
    client.run("SELECT 5");
    client.run("SET five 5");
    client.run("BGREWRITEAOF");
    wait_until("its end", || client.info("aof_rewrite_in_progress") == "0");
    let digest = client.run("DEBUG DIGEST");
    server.restart();
    assert_eq!(server.client().run("DEBUG DIGEST"), digest);
}

/// More than one block of calls stands behind the base's RDB part; or blocks of calls are all that there is.
#[test]
fn the_deadlines_of_many_fields_go_through_a_base() {
    for preamble in ["yes", "no"] {
        let mut server = Server::start(&["--appendonly", "yes", "--aof-use-rdb-preamble", preamble]);
        let mut client = server.client();
        let deadline = |n: usize| 4_102_444_800_000 + n as u64;
        let calls = (0..10_000).flat_map(|n| {
            let set = format!("HSET big field:{n} {n}");
            [set, format!("HPEXPIREAT big {} FIELDS 1 field:{n}", deadline(n))]
        });
        let calls: Vec<Vec<String>> = calls.map(|line| line.split(' ').map(str::to_owned).collect()).collect();
        client.pipeline(&calls.iter().map(Vec::as_slice).collect::<Vec<_>>());
        client.run("BGREWRITEAOF");
        wait_until("its end", || client.info("aof_rewrite_in_progress") == "0");
        server.restart();
        let mut client = server.client();
        assert_eq!(client.run("HLEN big"), 10_000);
        for n in [0, 1, 4999, 9999] {
            let told = client.run(&format!("HPEXPIRETIME big FIELDS 1 field:{n}"));
            assert_eq!(told, [deadline(n) as i64], "{preamble}, {n}");
        }
        let directory = server.directory().join("appendonlydir");
        let name = ["appendonly.aof.2.base.rdb", "appendonly.aof.2.base.aof"][usize::from(preamble == "no")];
        let base = std::fs::read(directory.join(name)).unwrap();
        let heads = base.windows(8).filter(|bytes| bytes == b"# block ").count();
        assert!(heads > 2, "{heads}");
    }
}

#[test]
fn a_log_that_has_grown_is_rewritten_by_itself() {
    let server = Server::start(&[
        "--appendonly",
        "yes",
        "--auto-aof-rewrite-min-size",
        "64kb",
        "--auto-aof-rewrite-percentage",
        "100",
    ]);
    let mut client = server.client();
    let value = "x".repeat(1000);
    for _ in 0..200 {
        client.run(&format!("SET key {value}"));
    }
    wait_until("a rewrite", || client.info("aof_rewrites").parse::<u64>().unwrap() > 0);
    wait_until("a small log", || client.info("aof_current_size").parse::<u64>().unwrap() < 64 * 1024);
}

/// A call on one of very many keys, of any type, so that tables grow; some move keys, or let them go soon.
fn call_on_many(rng: &mut Rng) -> Vec<String> {
    let [key, other] = [(); 2].map(|()| format!("{}:{}", ["a", "b"][rng.usize(..2)], rng.u32(..30_000)));
    let [member, number] = [rng.u32(..400).to_string(), rng.u32(..1_000_000).to_string()];
    let big = format!("big:{}", rng.u8(..6));
    let line = match rng.u8(..26) {
        0..5 => format!("SET {key} {}", "v".repeat(rng.usize(1..300))),
        5 => format!("SET {key} {number} PX {}", rng.u8(1..200)),
        6 => format!("APPEND {key} {number}"),
        7 => format!("RPUSH list:{big} {number} {member}"),
        8 => format!("LPOP list:{big} {}", rng.u8(1..3)),
        9 => format!("RPUSH list:{key} {number}"),
        10 => format!("HSET hash:{big} {member} {number} {number} x"),
        11 => format!("HPEXPIRE hash:{big} {} FIELDS 1 {member}", rng.u8(1..200)),
        12 => format!("HDEL hash:{big} {member}"),
        13 => format!("SADD set:{big} {member} {number}"),
        14 => format!("SPOP set:{big} 2"),
        15 => format!("ZADD zset:{big} {number} {member} {member} {number}"),
        16 => format!("ZREM zset:{big} {member}"),
        17 => format!("XADD stream:{big} MAXLEN 300 * field {number}"),
        18 => format!("RENAME {key} {other}"),
        19 => format!("RENAME list:{big} list:big:{}", rng.u8(..6)),
        20 => format!("PEXPIRE {key} {}", rng.u8(1..200)),
        21 => format!("COPY hash:{big} hash:{key} REPLACE"),
        22 => format!("MOVE {key} 1"),
        23 => format!("SETRANGE text:{big} {} {number}", rng.u32(..75_000)),
        24 => format!("RENAME text:{big} text:big:{}", rng.u8(..6)),
        _ => format!("DEL {key} {other}"),
    };
    line.split(' ').map(str::to_owned).collect()
}

/// The digests of all values, for whoever looks into what differs.
fn values(client: &mut Client) -> BTreeMap<(u8, String), String> {
    let mut values = BTreeMap::new();
    for db in [0, 1] {
        client.run(&format!("SELECT {db}"));
        let keys: Vec<String> = client.run("KEYS *").items().iter().map(Reply::text).collect();
        let call: Vec<&str> = ["DEBUG", "DIGEST-VALUE"].into_iter().chain(keys.iter().map(String::as_str)).collect();
        let digests = client.call(&call);
        values.extend(keys.iter().zip(digests.items()).map(|(key, digest)| ((db, key.clone()), digest.text())));
    }
    client.run("SELECT 0");
    values
}

/// Everybody writes, to all types, and tables grow; databases are swapped and flushed, keys renamed, expired and evicted; and the log is
/// rewritten over and over, some of it in vain. What is loaded then is what was there.
#[test]
fn what_a_walk_under_load_and_the_log_give_together_is_what_was_there() {
    let seed = super::kill::seed();
    let mut rng = Rng::with_seed(seed);
    let logged = ["--appendonly", "yes", "--enable-debug-command", "yes", "--auto-aof-rewrite-percentage", "0"];
    let mut server = Server::start(&logged);
    let mut client = server.client();
    for preamble in ["yes", "no"] {
        client.run(&format!("CONFIG SET aof-use-rdb-preamble {preamble}"));
        let used: u64 = client.info("counted_memory").parse().unwrap();
        client.run(&format!("CONFIG SET maxmemory {} maxmemory-policy allkeys-lru", used + (4 << 20)));
        let is_over = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for writer in 0..3 {
                let (mut client, mut rng) = (server.client(), rng.fork());
                let is_over = &is_over;
                scope.spawn(move || {
                    client.run(&format!("SELECT {}", writer % 2));
                    while !is_over.load(Ordering::SeqCst) {
                        let calls: Vec<Vec<String>> = (0..100).map(|_| call_on_many(&mut rng)).collect();
                        client.pipeline(&calls.iter().map(Vec::as_slice).collect::<Vec<_>>());
                    }
                });
            }
            let evicted = client.info("evicted_keys");
            wait_until("evictions", || client.info("evicted_keys") != evicted);
            for (round, call) in ["SWAPDB 0 1", "FLUSHDB", "SWAPDB 0 1"].into_iter().enumerate() {
                let done: u64 = client.info("aof_rewrites").parse().unwrap();
                client.run("BGREWRITEAOF");
                client.run(call);
                if round == 1 {
                    // One that ends in the middle, and another in its place.
                    client.run("CONFIG SET appendonly no");
                    client.run("CONFIG SET appendonly yes");
                }
                wait_until("a rewrite", || client.info("aof_rewrites").parse::<u64>().unwrap() > done);
            }
            client.run("BGREWRITEAOF"); // and one that the end finds under way, or not
            is_over.store(true, Ordering::SeqCst);
        });
        client.run("CONFIG SET maxmemory 0"); // or looking at it would have more evicted
        assert_ne!(client.info("expired_keys"), "0");
        crate::support::run_for(std::time::Duration::from_millis(250)); // what was to go soon has gone
        super::kill::wait_until_written(&mut client);
        let (digest, keys) = (client.run("DEBUG DIGEST"), client.run("DBSIZE").integer());
        assert!(keys > 100, "{keys}");
        let there = values(&mut client);
        server.kill();
        server.restart();
        client = server.client();
        let found = values(&mut client);
        let differ = |key: &&(u8, String)| there.get(key) != found.get(key);
        for key in there.keys().chain(found.keys()).filter(differ).take(5) {
            eprintln!("{preamble} {key:?}: {:?} became {:?}", there.get(key), found.get(key));
        }
        assert_eq!(client.run("DEBUG DIGEST"), digest, "{keys} keys");
    }
}
