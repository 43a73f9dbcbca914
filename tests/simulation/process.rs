//! One life of the production server in this thread: its dispatcher over the faulty disk, and its writers, which are stepped.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ferrodis::base::clock::Clock;
use ferrodis::base::platform::Platform;
use ferrodis::commands::registry;
use ferrodis::dispatch::storage::{Garbage, Storage, Threads};
use ferrodis::dispatch::{Dispatcher, Partial};
use ferrodis::persistence::aof::log::Log;
use ferrodis::persistence::aof::writer::{Next, Writer};
use ferrodis::persistence::snapshot::SnapshotWriter;
use ferrodis::server::Server;
use ferrodis::server::access::Newcomer;
use ferrodis::server::clients::ClientIndex;
use ferrodis::server::config::Config;

use crate::calls::encode;
use crate::disk::FaultyDisk;
use crate::model::streams::{self, Group, Pending, Stream};
use crate::model::{Entry, Field, State, Value, reply_len};

/// Time that the test moves. Each look at it takes a moment, so that slices of work come to an end.
#[derive(Default)]
pub struct SimulatedClock {
    wall_ms: AtomicU64,
    monotonic_ns: AtomicU64,
    look_ns: AtomicU64,
}

impl SimulatedClock {
    pub fn new(wall_ms: u64, look_ns: u64) -> SimulatedClock {
        let clock = SimulatedClock::default();
        clock.wall_ms.store(wall_ms, Relaxed);
        clock.look_ns.store(look_ns, Relaxed);
        clock
    }

    pub fn wall_ms(&self) -> u64 {
        self.wall_ms.load(Relaxed)
    }

    pub fn monotonic_ms(&self) -> u64 {
        self.monotonic_ns.load(Relaxed) / 1_000_000
    }

    pub fn advance_ms(&self, ms: u64) {
        self.wall_ms.fetch_add(ms, Relaxed);
        self.monotonic_ns.fetch_add(ms * 1_000_000, Relaxed);
    }

    pub fn jump_to(&self, wall_ms: u64) {
        self.wall_ms.store(wall_ms, Relaxed);
    }
}

impl Clock for SimulatedClock {
    fn wall_us(&self) -> u64 {
        self.wall_ms() * 1000
    }

    fn monotonic_ns(&self) -> u64 {
        self.monotonic_ns.fetch_add(self.look_ns.load(Relaxed), Relaxed)
    }

    fn run_ns(&self) -> u64 {
        self.monotonic_ns.load(Relaxed)
    }
}

/// The writers, to be stepped.
pub struct Steps {
    clock: Arc<SimulatedClock>,
    log: Mutex<Vec<Writer>>,
    snapshots: Mutex<Vec<SnapshotWriter>>,
}

impl Steps {
    /// Lets the log's writer do what is waiting, once.
    pub fn step_log(&self) {
        let now_ms = self.clock.monotonic_ms();
        self.log.lock().unwrap().retain_mut(|writer| writer.step(now_ms) != Next::Ended);
    }

    pub fn step_snapshots(&self, steps: usize) {
        for writer in self.snapshots.lock().unwrap().iter_mut() {
            for _ in 0..steps {
                writer.step();
            }
        }
    }
}

/// A handle of the writers for the server.
struct Stepped(Arc<Steps>);

impl Threads for Stepped {
    fn run_log_writer(&self, writer: Writer) {
        self.0.log.lock().unwrap().push(writer);
    }

    fn run_snapshot_writer(&self, writer: SnapshotWriter) {
        self.0.snapshots.lock().unwrap().push(writer);
    }

    fn waker(&self) -> Box<dyn Fn() + Send> {
        Box::new(|| ())
    }

    fn free(&self, garbage: Garbage) {
        drop(garbage);
    }

    fn free_pending(&self) -> u64 {
        0
    }

    fn await_log(&self, log: &mut Log) {
        self.0.clock.advance_ms(10);
        self.0.step_log();
        log.wait(Duration::ZERO);
    }

    fn await_writers(&self, _: u64, _: &dyn Platform) {
        self.0.clock.advance_ms(1);
        self.0.step_log();
        self.0.step_snapshots(1);
    }
}

/// A server, loading or running.
pub struct Process {
    pub dispatcher: Dispatcher,
    pub steps: Arc<Steps>,
    /// Who operates it, and reads what is there.
    pub operator: ClientIndex,
    /// Who listens to which keys are evicted.
    pub listener: ClientIndex,
}

impl Process {
    pub fn new(config: Config, clock: &Arc<SimulatedClock>, disk: &FaultyDisk) -> Process {
        let server = Server::new(config, clock.clone(), [7; 16], registry::all().len());
        let steps = Arc::new(Steps { clock: clock.clone(), log: Mutex::default(), snapshots: Mutex::default() });
        let storage = Storage::new(Arc::new(disk.clone()), Box::new(Stepped(steps.clone())));
        let mut dispatcher = Dispatcher::new(server, storage);
        let [operator, listener] = [(); 2].map(|()| connect(&mut dispatcher));
        Process { dispatcher, steps, operator, listener }
    }

    /// A new client.
    pub fn connect(&mut self) -> ClientIndex {
        connect(&mut self.dispatcher)
    }

    /// A call of the operator's; its answer is not held back.
    pub fn operate(&mut self, line: &str) -> Vec<u8> {
        let words: Vec<Vec<u8>> = line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        self.call(&words)
    }

    fn call(&mut self, words: &[Vec<u8>]) -> Vec<u8> {
        self.dispatcher.run(self.operator, &encode(words), &mut Partial::default());
        self.output(self.operator)
    }

    /// The listener hears of keys from now on.
    pub fn listen(&mut self, pattern: &str) {
        let call = encode(&[b"PSUBSCRIBE".to_vec(), pattern.as_bytes().to_vec()]);
        self.dispatcher.run(self.listener, &call, &mut Partial::default());
        self.output(self.listener);
    }

    /// Takes what was answered to a client.
    pub fn output(&mut self, client: ClientIndex) -> Vec<u8> {
        let output = &mut self.dispatcher.server.clients.get_mut(client).output;
        let bytes = output.to_vec();
        output.advance(bytes.len());
        bytes
    }

    /// All that is there, read as a client would.
    pub fn read_state(&mut self) -> State {
        let mut state = State::new();
        for db in 0..3 {
            self.operate(&format!("SELECT {db}"));
            for key in items(&self.operate("KEYS *")) {
                let call = |words: &[&[u8]]| words.iter().map(|word| word.to_vec()).collect::<Vec<_>>();
                let deadline = self.call(&call(&[b"PEXPIRETIME", &key]));
                let deadline: i64 = std::str::from_utf8(&deadline[1..deadline.len() - 2]).unwrap().parse().unwrap();
                let kind = self.call(&call(&[b"TYPE", &key]));
                let value = match &kind[..] {
                    b"+string\r\n" => Value::String(item(&self.call(&call(&[b"GET", &key])))),
                    b"+list\r\n" => Value::List(items(&self.call(&call(&[b"LRANGE", &key, b"0", b"-1"])))),
                    b"+hash\r\n" => {
                        let fields = pairs(items(&self.call(&call(&[b"HGETALL", &key])))).into_iter();
                        let read = |(name, value): (Vec<u8>, Vec<u8>)| {
                            let at = self.call(&call(&[b"HPEXPIRETIME", &key, b"FIELDS", b"1", &name]));
                            let Node::Array(at) = Node::read(&at) else { panic!("{}", at.escape_ascii()) };
                            (name, Field { value, deadline_ms: u64::try_from(at[0].int()).ok() })
                        };
                        Value::Hash(fields.map(read).collect())
                    }
                    b"+stream\r\n" => {
                        let info = self.call(&call(&[b"XINFO", b"STREAM", &key, b"FULL", b"COUNT", b"0"]));
                        Value::Stream(stream(&Node::read(&info)))
                    }
                    b"+set\r\n" => Value::Set(items(&self.call(&call(&[b"SMEMBERS", &key]))).into_iter().collect()),
                    b"+zset\r\n" => {
                        let scores = pairs(items(&self.call(&call(&[b"ZRANGE", &key, b"0", b"-1", b"WITHSCORES"]))));
                        let score = |text: Vec<u8>| String::from_utf8(text).unwrap().parse().unwrap();
                        Value::SortedSet(scores.into_iter().map(|(member, text)| (member, score(text))).collect())
                    }
                    other => panic!("{}", other.escape_ascii()),
                };
                let entry = Entry { deadline_ms: u64::try_from(deadline).ok(), value };
                state.insert((db, key), entry.into());
            }
        }
        state
    }
}

fn connect(dispatcher: &mut Dispatcher) -> ClientIndex {
    let (address, local_address) = ("127.0.0.1:1001".into(), "127.0.0.1:6379".into());
    dispatcher.server.admit(Newcomer { address, local_address, ..Newcomer::default() }).expect("let in")
}

/// A reply (RESP2).
enum Node {
    Nil,
    Bulk(Vec<u8>),
    Int(i64),
    Array(Vec<Node>),
}

impl Node {
    fn read(reply: &[u8]) -> Node {
        let line = reply.iter().position(|&byte| byte == b'\n').expect("a whole reply") + 1;
        match reply[0] {
            b'$' | b'*' if reply[1] == b'-' => Node::Nil,
            b':' => Node::Int(std::str::from_utf8(&reply[1..line - 2]).unwrap().parse().unwrap()),
            b'*' => Node::Array(parts(reply).into_iter().map(Node::read).collect()),
            b'$' => Node::Bulk(item(reply)),
            _ => panic!("{}", reply.escape_ascii()),
        }
    }

    fn int(&self) -> i64 {
        if let Node::Int(number) = self { *number } else { panic!("a number") }
    }

    fn bulk(&self) -> &[u8] {
        if let Node::Bulk(bytes) = self { bytes } else { panic!("a string") }
    }

    fn array(&self) -> &[Node] {
        if let Node::Array(nodes) = self { nodes } else { panic!("an array") }
    }

    /// What stands behind a name.
    fn get(&self, name: &str) -> &Node {
        let pair = self.array().chunks(2).find(|pair| pair[0].bulk() == name.as_bytes());
        &pair.unwrap_or_else(|| panic!("there is {name}"))[1]
    }

    fn id(&self) -> streams::Id {
        streams::id(self.bulk())
    }
}

/// What XINFO STREAM FULL says.
fn stream(info: &Node) -> Stream {
    let words = |entry: &Node| entry.array()[1].array().iter().map(|word| word.bulk().to_vec()).collect();
    let pending = |item: &Node| {
        let [id, consumer, delivered_ms, deliveries] = item.array() else { panic!("four parts") };
        let (delivered_ms, deliveries) = (delivered_ms.int() as u64, deliveries.int() as u64);
        (id.id(), Pending { consumer: consumer.bulk().to_vec(), delivered_ms, deliveries })
    };
    let group = |group: &Node| Group {
        last: group.get("last-delivered-id").id(),
        consumers: group.get("consumers").array().iter().map(|c| c.get("name").bulk().to_vec()).collect(),
        pending: group.get("pending").array().iter().map(pending).collect(),
    };
    Stream {
        entries: info.get("entries").array().iter().map(|entry| (entry.array()[0].id(), words(entry))).collect(),
        last: info.get("last-generated-id").id(),
        max_deleted: info.get("max-deleted-entry-id").id(),
        added: info.get("entries-added").int() as u64,
        groups: info.get("groups").array().iter().map(|g| (g.get("name").bulk().to_vec(), group(g))).collect(),
    }
}

fn item(reply: &[u8]) -> Vec<u8> {
    let line = reply.iter().position(|&byte| byte == b'\n').expect("a bulk") + 1;
    reply[line..reply.len() - 2].to_vec()
}

/// The replies within an array.
fn parts(reply: &[u8]) -> Vec<&[u8]> {
    let mut at = reply.iter().position(|&byte| byte == b'\n').expect("an array") + 1;
    let mut found = Vec::new();
    while at < reply.len() {
        let len = reply_len(&reply[at..]);
        found.push(&reply[at..at + len]);
        at += len;
    }
    found
}

/// The bulks of an array.
pub fn items(reply: &[u8]) -> Vec<Vec<u8>> {
    parts(reply).into_iter().map(item).collect()
}

fn pairs(items: Vec<Vec<u8>>) -> std::collections::BTreeMap<Vec<u8>, Vec<u8>> {
    items.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}
