//! Commands in process: what a call costs between the bytes that come in and those that go out, in pipelines of 32.

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
    let server = Server::new(Config::default(), Arc::new(SystemClock::default()), [7; 16], registry::all().len());
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

criterion_group!(benches, commands);
criterion_main!(benches);
