//! A server without sockets: calls go in as words, replies come out as bytes.

use ferrodis::base::clock::ManualClock;
use ferrodis::base::disk::RealDisk;
use ferrodis::base::quote::split_args;
use ferrodis::commands::registry;
use ferrodis::dispatch::storage::{NoThreads, Storage, Threads};
use ferrodis::dispatch::{Dispatcher, Partial};
use ferrodis::server::Server;
use ferrodis::server::access::Newcomer;
use ferrodis::server::clients::{Client, ClientIndex};
use ferrodis::server::config::Config;
use std::sync::Arc;

/// 2023-11-14T22:13:20Z, where every test's clock starts.
pub(crate) const START_MS: u64 = 1_700_000_000_000;

/// A server, its clock, and one client.
pub(crate) struct Db {
    pub(crate) dispatcher: Dispatcher,
    pub(crate) clock: ManualClock,
    client: ClientIndex,
}

impl Db {
    /// An empty server.
    pub(crate) fn new() -> Db {
        Db::with(|_| ())
    }

    /// An empty server with another configuration than the default. Nobody would write its snapshots, so none is due by itself.
    pub(crate) fn with(configure: impl FnOnce(&mut Config)) -> Db {
        let configure = |config: &mut Config| {
            config.save.clear();
            configure(config);
        };
        Db::on(Box::new(NoThreads), configure)
    }

    /// The same, with writers that `threads` runs.
    pub(crate) fn on(threads: Box<dyn Threads>, configure: impl FnOnce(&mut Config)) -> Db {
        let mut config = Config::default();
        configure(&mut config);
        let clock = ManualClock::at(START_MS);
        let server = Server::new(config, Arc::new(clock.clone()), [7; 16], registry::all().len());
        let storage = Storage::new(Arc::new(RealDisk), threads);
        let mut dispatcher = Dispatcher::new(server, storage);
        let client = Client { address: "127.0.0.1:1000".into(), authenticated: true, ..Client::default() };
        let client = dispatcher.server.clients.add(client);
        Db { dispatcher, clock, client }
    }

    /// Another client of the same server, let in by the front door: calls go through `call_on`.
    pub(crate) fn connect(&mut self) -> ClientIndex {
        let (address, local_address) = ("127.0.0.1:1001".into(), "127.0.0.1:6379".into());
        let newcomer = Newcomer { address, local_address, ..Newcomer::default() };
        self.dispatcher.server.admit(newcomer).expect("let in")
    }

    /// Sends a call as words and gives the reply's bytes.
    pub(crate) fn call(&mut self, words: &[&[u8]]) -> Vec<u8> {
        self.call_on(self.client, words)
    }

    /// The same, as another client.
    pub(crate) fn call_on(&mut self, client: ClientIndex, words: &[&[u8]]) -> Vec<u8> {
        let mut input = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            input.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            input.extend_from_slice(word);
            input.extend_from_slice(b"\r\n");
        }
        self.dispatcher.run(client, &input, &mut Partial::default());
        self.output_of(client)
    }

    /// Whether what waits to be sent to a client has to wait for the disk.
    pub(crate) fn is_held(&self, client: ClientIndex) -> bool {
        self.dispatcher.server.clients.get(client).waits_for() > self.dispatcher.visible_offset()
    }

    /// What waits to be sent to a client.
    pub(crate) fn output_of(&mut self, client: ClientIndex) -> Vec<u8> {
        let output = &mut self.dispatcher.server.clients.get_mut(client).output;
        let mut bytes = Vec::new();
        while !output.is_empty() {
            let front = output.front().to_vec();
            output.advance(front.len());
            bytes.extend(front);
        }
        bytes
    }

    /// Sends a call written as one line, quoted as in redis-cli, and gives the reply as text.
    pub(crate) fn run(&mut self, line: &str) -> String {
        self.run_on(self.client, line)
    }

    /// The same, as another client.
    pub(crate) fn run_on(&mut self, client: ClientIndex, line: &str) -> String {
        let words = split_args(line.as_bytes()).expect("balanced quotes");
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        String::from_utf8_lossy(&self.call_on(client, &words)).into_owned()
    }

    /// What another client has heard since the last time, as text.
    pub(crate) fn heard(&mut self, client: ClientIndex) -> String {
        String::from_utf8_lossy(&self.output_of(client)).into_owned()
    }

    /// Asserts that `line` is answered by exactly `reply`.
    #[track_caller]
    pub(crate) fn is(&mut self, line: &str, reply: &str) {
        assert_eq!(self.run(line), reply, "{line}");
    }

    /// Asserts that `line` is answered by a bulk string with this content.
    #[track_caller]
    pub(crate) fn is_bulk(&mut self, line: &str, content: &str) {
        self.is(line, &format!("${}\r\n{content}\r\n", content.len()));
    }

    /// Asserts that `line` is answered by this error (code and text, without the dash).
    #[track_caller]
    pub(crate) fn fails(&mut self, line: &str, error: &str) {
        self.is(line, &format!("-{error}\r\n"));
    }

    /// A field of INFO. Panics when there is no such field.
    #[track_caller]
    pub(crate) fn info(&mut self, field: &str) -> String {
        let text = self.run("info everything");
        let value = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        value.unwrap_or_else(|| panic!("INFO has no {field}")).to_owned()
    }

    /// Lets time pass, and the loop's background work be done.
    pub(crate) fn advance_ms(&mut self, ms: u64) {
        self.clock.advance_ms(ms);
        self.dispatcher.tick();
    }
}
