//! Clients that write values of all types, alone and in transactions, and know what must be there afterwards, what may be, and in
//! which order it came.

use crate::support::{Client, Reply, Server, encode};
use fastrand::Rng;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Instant;

/// Counts the transactions of all writers.
const TRANSACTIONS: &str = "transactions";

/// What must be there.
#[derive(Clone, Copy, Debug)]
pub enum Promise {
    /// Everything that was acknowledged, and everything that was shown to anybody.
    All,
    /// What was acknowledged before this moment.
    Before(Instant),
    /// Nothing of this run's.
    Nothing,
}

/// Some writers, each with keys of its own, and what they know.
pub struct Load {
    writers: Vec<Writer>,
}

/// How far they have come in all, over all runs.
#[derive(Default)]
pub struct Progress {
    acknowledged: AtomicU64,
}

impl Progress {
    /// Steps that were acknowledged.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(SeqCst)
    }
}

impl Load {
    /// Writers that draw what they do from `seed`.
    pub fn new(seed: u64, writers: usize) -> Load {
        let writer = |place| Writer {
            place,
            writers,
            rng: Rng::with_seed(seed.wrapping_add(place as u64)),
            next: 1,
            begun_with: State::default(),
            steps: Vec::new(),
            shown: vec![0; writers],
        };
        Load { writers: (0..writers).map(writer).collect() }
    }

    /// All of them write until `meanwhile` has ended the server. Errors that begin otherwise than `refusals` are none that they expect.
    pub fn run(&mut self, server: &mut Server, refusals: &[&str], meanwhile: impl FnOnce(&mut Server, &Progress)) {
        let progress = Progress::default();
        std::thread::scope(|scope| {
            for writer in &mut self.writers {
                let (client, progress) = (server.client(), &progress);
                scope.spawn(move || writer.write(client, refusals, progress));
            }
            let outcome = catch_unwind(AssertUnwindSafe(|| meanwhile(server, &progress)));
            server.kill(); // where an assertion failed it goes on, and with it the writers
            outcome.unwrap_or_else(|failure| resume_unwind(failure));
        });
    }

    /// Compares with what is there. From now on that is what the writers go on from.
    #[track_caller]
    pub fn verify(&mut self, client: &mut Client, promise: Promise) {
        let found: Vec<Found> = self.writers.iter().map(|writer| writer.find(client, promise)).collect();
        if let Promise::All = promise {
            self.assert_shown_is_there(&found);
        }
        self.assert_prefix(&found);
        let transactions: u64 = found.iter().map(|found| found.state.transactions).sum();
        let there = client.run(&format!("GET {TRANSACTIONS}"));
        assert_eq!(
            if there.is_nil() { "0".into() } else { there.text() },
            transactions.to_string(),
            "half a transaction"
        );
        for (writer, found) in self.writers.iter_mut().zip(found) {
            writer.begun_with = found.state;
            writer.steps.clear();
            writer.shown.fill(0);
        }
    }

    fn assert_shown_is_there(&self, found: &[Found]) {
        for writer in &self.writers {
            for (place, &shown) in writer.shown.iter().enumerate() {
                let there = found[place].state.last_number(place);
                assert!(there >= shown, "{} was shown to writer {}, {there} is there", shown, writer.place);
            }
        }
    }

    /// What is missing of one writer was not acknowledged before something of another was sent that is there.
    fn assert_prefix(&self, found: &[Found]) {
        for (missing, of) in
            self.writers.iter().zip(found).filter_map(|(w, f)| Some((w.steps.get(f.at_most)?, w.place)))
        {
            for (there, by) in
                self.writers.iter().zip(found).filter_map(|(w, f)| Some((w.steps[..f.at_least].last()?, w.place)))
            {
                let is_earlier = missing.acknowledged.is_some_and(|acknowledged| acknowledged < there.sent);
                assert!(
                    !is_earlier,
                    "{:?} of writer {of} is missing, and was acknowledged before {:?} was sent, which is there, by {by}",
                    missing.calls, there.calls
                );
            }
        }
    }
}

/// Calls that take effect together.
struct Step {
    calls: Vec<Vec<String>>,
    sent: Instant,
    acknowledged: Option<Instant>,
}

struct Writer {
    place: usize,
    writers: usize,
    rng: Rng,
    /// The next step's number.
    next: u64,
    /// What was there when the server last started.
    begun_with: State,
    /// What was sent since, without what was refused.
    steps: Vec<Step>,
    /// The largest number that it was shown of each writer.
    shown: Vec<u64>,
}

/// What is there of a writer: the state after so many steps. States may follow each other that are the same.
struct Found {
    state: State,
    at_least: usize,
    at_most: usize,
}

impl Writer {
    fn write(&mut self, mut client: Client, refusals: &[&str], progress: &Progress) {
        loop {
            let watched = self.rng.usize(0..self.writers);
            let mut bytes = encode(&["GET", &format!("{watched}:number")]);
            let first = self.steps.len();
            for _ in 0..self.rng.usize(1..4) {
                let calls = self.step();
                bytes.extend(calls.iter().flat_map(|call| encode(call)));
                self.steps.push(Step { calls, sent: Instant::now(), acknowledged: None });
            }
            if client.try_send_raw(&bytes).is_err() {
                return;
            }
            let Ok(number) = client.try_read_reply() else { return };
            if !number.is_nil() {
                self.shown[watched] = self.shown[watched].max(number.text().parse().expect("a number"));
            }
            let mut at = first;
            while at < self.steps.len() {
                let Some(answer) = last_reply(&mut client, self.steps[at].calls.len()) else { return };
                if answer.is_error() {
                    assert!(refusals.iter().any(|refusal| answer.text().starts_with(refusal)), "{answer:?}");
                    self.steps.remove(at);
                } else {
                    self.steps[at].acknowledged = Some(Instant::now());
                    progress.acknowledged.fetch_add(1, SeqCst);
                    at += 1;
                }
            }
        }
    }

    /// What it does next.
    fn step(&mut self) -> Vec<Vec<String>> {
        let n = self.next;
        self.next += 1;
        let own = |name: &str| format!("{}:{name}", self.place);
        let set = |words: &[&str]| words.iter().map(|word| word.to_string()).collect::<Vec<String>>();
        let (number, small) = (n.to_string(), self.rng.u64(..40).to_string());
        match self.rng.u8(..20) {
            0 => vec![set(&["SET", &own("number"), &number])],
            1 => vec![set(&["INCRBY", &own("sum"), &number])],
            2 => vec![set(&["APPEND", &own("text"), &number])],
            3 => vec![set(&["SET", &own("text"), &number, "EX", "100000"])],
            4 => vec![set(&["SET", &own("large"), &number.repeat(self.rng.usize(1..3000))])],
            5 | 6 => vec![set(&["RPUSH", &own("list"), &number])],
            7 => vec![set(&["LPOP", &own("list")])],
            8 => vec![set(&["LTRIM", &own("list"), "-20", "-1"])],
            9 => vec![set(&["HSET", &own("hash"), &small, &number])],
            10 => vec![set(&["HDEL", &own("hash"), &small])],
            11 => vec![set(&["COPY", &own("hash"), &own("copy"), "REPLACE"])],
            12 => vec![set(&["SADD", &own("set"), &small])],
            13 => vec![set(&["SREM", &own("set"), &small])],
            14 => vec![set(&["ZADD", &own("sorted"), &number, &small])],
            15 => vec![set(&["ZREM", &own("sorted"), &small])],
            16 => vec![set(&["XADD", &own("stream"), "MAXLEN", "20", &format!("{n}-1"), "n", &number])],
            17 => vec![set(&["DEL", &own("text"), &own("large"), &own("copy")])],
            _ => vec![
                set(&["MULTI"]),
                set(&["SET", &own("number"), &number]),
                set(&["INCRBY", &own("sum"), &number]),
                set(&["RPUSH", &own("list"), &number]),
                set(&["ZADD", &own("sorted"), &number, &small]),
                set(&["INCR", TRANSACTIONS]),
                set(&["EXEC"]),
            ],
        }
    }

    /// Finds out which of its steps are there.
    #[track_caller]
    fn find(&self, client: &mut Client, promise: Promise) -> Found {
        let is_needed = |step: &Step| match promise {
            Promise::All => step.acknowledged.is_some(),
            Promise::Before(moment) => step.acknowledged.is_some_and(|acknowledged| acknowledged < moment),
            Promise::Nothing => false,
        };
        let needed = self.steps.iter().rposition(is_needed).map_or(0, |last| last + 1);
        let there = State::look(client, self.place);
        let (mut state, mut found): (_, Option<Found>) = (self.begun_with.clone(), None);
        for count in 0..=self.steps.len() {
            if let Some(step) = count.checked_sub(1).map(|last| &self.steps[last]) {
                step.calls.iter().for_each(|call| state.apply(call));
            }
            if count >= needed && state.values == there {
                // What was added and taken away again leaves no trace: it may be there as well.
                let at_least = found.as_ref().map_or(count, |found| found.at_least);
                found = Some(Found { state: state.clone(), at_least, at_most: count });
            }
        }
        found.unwrap_or_else(|| {
            panic!(
                "writer {}: what is there is not what it was after any of its steps {needed} to {}: {there:?}",
                self.place,
                self.steps.len()
            )
        })
    }
}

/// The last of so many replies; none if the connection ends before.
fn last_reply(client: &mut Client, count: usize) -> Option<Reply> {
    let mut last = None;
    for _ in 0..count {
        last = Some(client.try_read_reply().ok()?);
    }
    last
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Text(String),
    List(VecDeque<String>),
    Set(BTreeSet<String>),
    /// Fields, or members with their scores.
    Map(BTreeMap<String, String>),
}

/// A writer's keys, and how many transactions it has made.
#[derive(Clone, Debug, Default)]
struct State {
    values: BTreeMap<String, Value>,
    transactions: u64,
}

impl State {
    /// What is in its keys now.
    fn look(client: &mut Client, place: usize) -> BTreeMap<String, Value> {
        let mut values = BTreeMap::new();
        for (name, call, make) in [
            ("number", "GET", text as fn(Reply) -> Value),
            ("sum", "GET", text),
            ("text", "GET", text),
            ("large", "GET", text),
            ("list", "LRANGE 0 -1", list),
            ("hash", "HGETALL", map),
            ("copy", "HGETALL", map),
            ("set", "SMEMBERS", set),
            ("sorted", "ZRANGE 0 -1 WITHSCORES", map),
            ("stream", "XRANGE - +", stream),
        ] {
            let key = format!("{place}:{name}");
            let (call, rest) = call.split_once(' ').unwrap_or((call, ""));
            let reply = client.run(&format!("{call} {key} {rest}"));
            assert!(!reply.is_error(), "{key}: {reply:?}");
            if !reply.is_nil() && reply != Reply::Array(Vec::new()) {
                values.insert(key, make(reply));
            }
        }
        values
    }

    /// The last number that it has set.
    fn last_number(&self, place: usize) -> u64 {
        match self.values.get(&format!("{place}:number")) {
            Some(Value::Text(number)) => number.parse().expect("a number"),
            _ => 0,
        }
    }

    fn apply(&mut self, call: &[String]) {
        let word = |n: usize| call[n].clone();
        match call[0].as_str() {
            "MULTI" | "EXEC" => {}
            "INCR" => self.transactions += 1,
            "SET" => drop(self.values.insert(word(1), Value::Text(word(2)))),
            "DEL" => call[1..].iter().for_each(|key| drop(self.values.remove(key))),
            "INCRBY" => {
                let Value::Text(sum) = self.entry(call, Value::Text("0".into())) else { unreachable!() };
                *sum = (sum.parse::<u64>().expect("a number") + call[2].parse::<u64>().expect("a number")).to_string();
            }
            "APPEND" => {
                let Value::Text(text) = self.entry(call, Value::Text(String::new())) else { unreachable!() };
                text.push_str(&call[2]);
            }
            "COPY" => {
                if let Some(value) = self.values.get(&call[1]).cloned() {
                    self.values.insert(word(2), value);
                }
            }
            "RPUSH" | "LPOP" | "LTRIM" | "XADD" => self.apply_to_list(call),
            _ => self.apply_to_members(call),
        }
        self.values.retain(|_, value| !value.is_empty());
    }

    fn entry(&mut self, call: &[String], empty: Value) -> &mut Value {
        self.values.entry(call[1].clone()).or_insert(empty)
    }

    fn apply_to_list(&mut self, call: &[String]) {
        let Value::List(items) = self.entry(call, Value::List(VecDeque::new())) else { unreachable!() };
        let most = match call[0].as_str() {
            "RPUSH" => {
                items.push_back(call[2].clone());
                usize::MAX
            }
            "XADD" => {
                items.push_back(format!("{} {} {}", call[4], call[5], call[6]));
                20
            }
            "LTRIM" => 20,
            _ => items.len().saturating_sub(1),
        };
        items.drain(..items.len().saturating_sub(most));
    }

    fn apply_to_members(&mut self, call: &[String]) {
        let word = |n: usize| call[n].clone();
        let empty = match call[0].as_str() {
            "SADD" | "SREM" => Value::Set(BTreeSet::new()),
            _ => Value::Map(BTreeMap::new()),
        };
        match (call[0].as_str(), self.entry(call, empty)) {
            ("SADD", Value::Set(members)) => drop(members.insert(word(2))),
            ("SREM", Value::Set(members)) => drop(members.remove(&call[2])),
            ("HSET", Value::Map(fields)) => drop(fields.insert(word(2), word(3))),
            ("ZADD", Value::Map(members)) => drop(members.insert(word(3), word(2))),
            ("HDEL" | "ZREM", Value::Map(fields)) => drop(fields.remove(&call[2])),
            (name, value) => panic!("{name} of {value:?}"),
        }
    }
}

impl Value {
    fn is_empty(&self) -> bool {
        match self {
            Value::Text(_) => false,
            Value::List(items) => items.is_empty(),
            Value::Set(members) => members.is_empty(),
            Value::Map(fields) => fields.is_empty(),
        }
    }
}

fn text(reply: Reply) -> Value {
    Value::Text(reply.text())
}

fn list(reply: Reply) -> Value {
    Value::List(reply.items().iter().map(Reply::text).collect())
}

fn set(reply: Reply) -> Value {
    Value::Set(reply.items().iter().map(Reply::text).collect())
}

fn map(reply: Reply) -> Value {
    Value::Map(reply.items().chunks(2).map(|pair| (pair[0].text(), pair[1].text())).collect())
}

fn stream(reply: Reply) -> Value {
    let entry = |entry: &Reply| {
        let fields: Vec<String> = entry.items()[1].items().iter().map(Reply::text).collect();
        format!("{} {}", entry.items()[0].text(), fields.join(" "))
    };
    Value::List(reply.items().iter().map(entry).collect())
}
