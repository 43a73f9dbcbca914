//! Commands in process: what a call costs between the bytes that come in and those that go out. Short ones in pipelines of 32;
//! long ones over collections of 100,000 elements one by one (`compare/commands.py` has the same beside other servers).

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ferrodis::base::clock::SystemClock;
use ferrodis::base::disk::RealDisk;
use ferrodis::commands::registry;
use ferrodis::dispatch::storage::{NoThreads, Storage};
use ferrodis::dispatch::{Dispatcher, Partial};
use ferrodis::server::Server;
use ferrodis::server::clients::{Client, ClientIndex};
use ferrodis::server::config::Config;
use std::sync::Arc;

const KEYS: u64 = 100_000;
const DEPTH: u64 = 32;

fn server() -> (Dispatcher, ClientIndex) {
    let config = Config { save: Vec::new(), ..Config::default() }; // nobody would write snapshots
    let server = Server::new(config, Arc::new(SystemClock::default()), [7; 16], registry::all().len());
    let mut dispatcher = Dispatcher::new(server, Storage::new(Arc::new(RealDisk), Box::new(NoThreads)));
    let client = dispatcher.server.clients.add(Client { authenticated: true, ..Client::default() });
    (dispatcher, client)
}

fn pipeline(from: u64, words: impl Fn(u64) -> Vec<String>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for n in from..from + DEPTH {
        let words = words(n * 7919 % KEYS);
        bytes.extend(format!("*{}\r\n", words.len()).bytes());
        words.iter().for_each(|word| bytes.extend(format!("${}\r\n{word}\r\n", word.len()).bytes()));
    }
    bytes
}

fn run(dispatcher: &mut Dispatcher, client: ClientIndex, input: &[u8]) {
    dispatcher.run(client, input, &mut Partial::default());
    let output = &mut dispatcher.server.clients.get_mut(client).output;
    while !output.is_empty() {
        output.advance(output.front().len());
    }
}

fn commands(c: &mut Criterion) {
    let value = "v".repeat(64);
    type Words<'a> = Box<dyn Fn(u64) -> Vec<String> + 'a>;
    let cases: [(&str, Words<'_>); 5] = [
        ("set", Box::new(|n| vec!["SET".into(), format!("key:{n:012}"), value.clone()])),
        ("get", Box::new(|n| vec!["GET".into(), format!("key:{n:012}")])),
        ("incr", Box::new(|n| vec!["INCR".into(), format!("counter:{n:012}")])),
        ("setex", Box::new(|n| vec!["SETEX".into(), format!("ttl:{n:012}"), "600".into(), value.clone()])),
        ("getrange", Box::new(|n| vec!["GETRANGE".into(), format!("key:{n:012}"), "3".into(), "9".into()])),
    ];
    let (mut dispatcher, client) = server();
    let mut group = c.benchmark_group("commands");
    group.throughput(Throughput::Elements(DEPTH));
    for (name, words) in &cases {
        let inputs: Vec<Vec<u8>> = (0..KEYS / DEPTH).map(|i| pipeline(i * DEPTH, words)).collect();
        let mut next = inputs.iter().cycle();
        group.bench_function(*name, |b| b.iter(|| run(&mut dispatcher, client, next.next().expect("endless"))));
    }
    group.finish();
}

/// The calls that make the collections: two sets and two sorted sets that share half of their members, a list of numbers, a
/// stream, and points about Sicily.
fn collections(n: u64) -> Vec<String> {
    let score = |salt: u64| (n + salt).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 44;
    let degrees = |from: u64, width: u64, salt: u64| from as f64 + width as f64 * score(salt) as f64 / (1 << 20) as f64;
    let (a, b) = (format!("member:{n:012}"), format!("member:{:012}", n + KEYS / 2));
    vec![
        format!("SADD set:a {a}"),
        format!("SADD set:b {b}"),
        format!("ZADD zset:a {} {a}", score(1)),
        format!("ZADD zset:b {} {b}", score(2)),
        format!("RPUSH numbers {}", score(3)),
        format!("XADD stream {}-0 field {n} other value", n + 1),
        format!("GEOADD points {:.6} {:.6} {a}", degrees(12, 6, 4), degrees(36, 4, 5)),
    ]
}

fn long_calls(c: &mut Criterion) {
    let (mut dispatcher, client) = server();
    for n in 0..KEYS {
        collections(n).iter().for_each(|call| run(&mut dispatcher, client, format!("{call}\r\n").as_bytes()));
    }
    let mut group = c.benchmark_group("long_calls");
    group.throughput(Throughput::Elements(KEYS)).sample_size(10);
    for (name, call) in [
        ("zunionstore", "ZUNIONSTORE out 2 zset:a zset:b"),
        ("sinter", "SINTER set:a set:b"),
        ("sort", "SORT numbers"),
        ("zrangebyscore", "ZRANGEBYSCORE zset:a -inf +inf"),
        ("xrange", "XRANGE stream - +"),
        ("geosearch", "GEOSEARCH points FROMLONLAT 15 38 BYRADIUS 300 km"),
    ] {
        let input = format!("{call}\r\n");
        group.bench_function(name, |b| b.iter(|| run(&mut dispatcher, client, input.as_bytes())));
    }
    group.finish();
}

criterion_group!(benches, commands, long_calls);
criterion_main!(benches);
