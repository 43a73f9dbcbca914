//! What the server should hold and answer: every type, with deadlines of keys and of fields, as plainly as `std` has them.
//!
//! A call is given together with what the server answered. Chance is the server's (SPOP); so is whether a call was refused, for want of
//! a disk or of memory. All else the model knows, and says what the answer must have been.

mod hashes;
mod keys;
mod lists;
mod sets;
pub mod streams;
mod strings;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

pub use hashes::{Field, Hash};
use streams::Stream;

/// A call's words.
pub type Call = Vec<Vec<u8>>;
/// A database's number, and a key.
pub type Key = (usize, Vec<u8>);

/// What has no answer.
pub const NIL: &[u8] = b"$-1\r\n";
pub const NIL_ARRAY: &[u8] = b"*-1\r\n";
const WRONG_TYPE: &[u8] = b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

/// A value, and its deadline in milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub deadline_ms: Option<u64>,
    pub value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    String(Vec<u8>),
    List(Vec<Vec<u8>>),
    Hash(Hash),
    Set(BTreeSet<Vec<u8>>),
    SortedSet(BTreeMap<Vec<u8>, i64>),
    Stream(Stream),
}

impl Value {
    fn is_empty(&self) -> bool {
        match self {
            Value::String(_) | Value::Stream(_) => false,
            Value::List(list) => list.is_empty(),
            Value::Hash(hash) => hash.is_empty(),
            Value::Set(set) => set.is_empty(),
            Value::SortedSet(set) => set.is_empty(),
        }
    }
}

/// All keys at one moment.
pub type State = BTreeMap<Key, Rc<Entry>>;

/// Removes what has passed its deadline at `now_ms`. A hash that has lost its last field so is there, empty, until somebody looks for
/// such: [`drop_empty`].
pub fn expire(state: &mut State, now_ms: u64) {
    expire_fields(state, now_ms);
    state.retain(|_, entry| !is_past(entry.deadline_ms, now_ms));
}

/// The same of fields alone.
pub fn expire_fields(state: &mut State, now_ms: u64) {
    for entry in state.values_mut().filter(|entry| entry.has_field_past(now_ms)) {
        let Value::Hash(hash) = &entry.value else { continue };
        let left = hash.iter().filter(|(_, field)| !is_past(field.deadline_ms, now_ms));
        let left: Hash = left.map(|(name, field)| (name.clone(), field.clone())).collect();
        *entry = Rc::new(Entry { value: Value::Hash(left), ..**entry });
    }
}

/// Streams lose their groups.
pub fn forget_groups(state: &mut State) {
    for entry in state.values_mut() {
        if let Value::Stream(stream) = &entry.value {
            let without = Stream { groups: BTreeMap::new(), ..stream.clone() };
            *entry = Rc::new(Entry { value: Value::Stream(without), ..**entry });
        }
    }
}

fn is_past(deadline_ms: Option<u64>, now_ms: u64) -> bool {
    deadline_ms.is_some_and(|ms| ms <= now_ms)
}

impl Entry {
    /// Whether a field of it has passed its deadline, or it has none left.
    pub fn has_field_past(&self, now_ms: u64) -> bool {
        let Value::Hash(hash) = &self.value else { return false };
        hash.is_empty() || hash.values().any(|field| is_past(field.deadline_ms, now_ms))
    }
}

/// Removes what is pending in a stream and has been deleted.
pub fn forget_orphans(entry: &mut Rc<Entry>) {
    let Value::Stream(stream) = &entry.value else { return };
    if stream.groups.values().flat_map(|group| group.pending.keys()).any(|id| !stream.entries.contains_key(id)) {
        let mut stream = stream.clone();
        for group in stream.groups.values_mut() {
            group.pending.retain(|id, _| stream.entries.contains_key(id));
        }
        *entry = Rc::new(Entry { value: Value::Stream(stream), ..**entry });
    }
}

/// Removes hashes whose fields have all passed their deadlines.
pub fn drop_empty(state: &mut State) {
    state.retain(|_, entry| !entry.value.is_empty());
}

/// What a call came to.
#[derive(Debug, Default)]
pub struct Came {
    /// What must have been answered.
    pub reply: Vec<u8>,
    /// Keys whose values the answer may show.
    pub shown: Vec<Key>,
    /// Keys that it changed ...
    pub changed: Vec<Key>,
    /// ... and those of them that whoever waits for them is told of: XGROUP SETID gives a group entries to read, and wakes nobody.
    pub woken: Vec<Key>,
    /// Databases of which it changed everything.
    pub swept: Vec<usize>,
    /// The keys that it waits for, when it has no answer yet.
    pub waits_for: Vec<Key>,
}

/// Whether a call may wait for keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    Allowed,
    /// It has waited: a key of another type is one that is not there.
    Woken,
    /// It is in a transaction.
    Never,
}

/// The length of the first reply (RESP2) in `bytes`.
pub fn reply_len(bytes: &[u8]) -> usize {
    let line = bytes.iter().position(|&byte| byte == b'\n').expect("a whole reply") + 1;
    let number = || std::str::from_utf8(&bytes[1..line - 2]).unwrap().parse::<i64>().unwrap();
    match bytes[0] {
        b'$' if number() >= 0 => line + number() as usize + 2,
        b'*' => (0..number().max(0)).fold(line, |at, _| at + reply_len(&bytes[at..])),
        b'+' | b'-' | b':' | b'$' => line,
        other => panic!("no reply begins with {:?}: {}", other as char, bytes.escape_ascii()),
    }
}

fn bulk(bytes: &[u8]) -> Vec<u8> {
    [format!("${}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

fn bulk_or_nil(bytes: Option<&Vec<u8>>) -> Vec<u8> {
    bytes.map_or(NIL.to_vec(), |bytes| bulk(bytes))
}

fn int(number: impl std::fmt::Display) -> Vec<u8> {
    format!(":{number}\r\n").into_bytes()
}

fn array(items: Vec<Vec<u8>>) -> Vec<u8> {
    [format!("*{}\r\n", items.len()).into_bytes(), items.concat()].concat()
}

fn parse(word: &[u8]) -> Option<i64> {
    let number = std::str::from_utf8(word).ok()?.parse::<i64>().ok()?;
    (number.to_string().as_bytes() == word).then_some(number)
}

/// One call at work.
struct Work<'a> {
    state: &'a mut State,
    db: usize,
    now_ms: u64,
    waiting: Waiting,
    came: Came,
}

/// What a step gives: the answer, or the error that ends the call.
type Answer = Result<Vec<u8>, Vec<u8>>;

/// Runs a call of a client in database `db`, which must not begin or end a transaction.
pub fn run(state: &mut State, db: &mut usize, now_ms: u64, call: &Call, actual: &[u8], waiting: Waiting) -> Came {
    let name = String::from_utf8_lossy(&call[0]).into_owned();
    if name == "SELECT" {
        *db = parse(&call[1]).expect("a number") as usize;
        return Came { reply: b"+OK\r\n".to_vec(), ..Came::default() };
    }
    let mut work = Work { state, db: *db, now_ms, waiting, came: Came::default() };
    let reply = work.run(&name, &call[1..], actual).unwrap_or_else(|error| error);
    Came { reply, ..work.came }
}

impl Work<'_> {
    fn key(&self, name: &[u8]) -> Key {
        (self.db, name.to_vec())
    }

    fn look(&mut self, name: &[u8]) -> Option<Rc<Entry>> {
        let key = self.key(name);
        self.came.shown.push(key.clone());
        self.state.get(&key).cloned()
    }

    fn put(&mut self, name: &[u8], value: Value, deadline_ms: Option<u64>) {
        let key = self.key(name);
        let entry = (!value.is_empty()).then(|| Rc::new(Entry { deadline_ms, value }));
        if self.state.get(&key) == entry.as_ref() {
            return; // what changes nothing may be lost
        }
        match entry {
            Some(entry) => self.state.insert(key.clone(), entry),
            None => self.state.remove(&key),
        };
        self.note_change(key);
    }

    /// The same for what wakes nobody.
    fn put_quietly(&mut self, name: &[u8], value: Value, deadline_ms: Option<u64>) {
        let woken = self.came.woken.len();
        self.put(name, value, deadline_ms);
        self.came.woken.truncate(woken);
    }

    fn note_change(&mut self, key: Key) {
        self.came.changed.push(key.clone());
        self.came.woken.push(key);
    }

    fn remove(&mut self, name: &[u8]) -> bool {
        let key = self.key(name);
        self.came.shown.push(key.clone());
        let was_there = self.state.remove(&key).is_some();
        if was_there {
            self.note_change(key);
        }
        was_there
    }

    /// The call waits for these; where it must not, that is its answer.
    fn wait_for(&mut self, keys: &[Vec<u8>], instead: &[u8]) -> Answer {
        if self.waiting != Waiting::Never {
            self.came.waits_for = keys.iter().map(|name| self.key(name)).collect();
        }
        Ok(instead.to_vec())
    }

    fn sweep(&mut self, dbs: Vec<usize>) {
        if self.state.keys().any(|(db, _)| dbs.contains(db)) {
            self.came.swept = dbs;
        }
    }

    fn run(&mut self, name: &str, args: &[Vec<u8>], actual: &[u8]) -> Answer {
        match name {
            "SET" => Ok(self.set(args)),
            "GET" | "GETDEL" | "APPEND" | "INCRBY" => self.string(name, args),
            "RPUSH" | "LPUSH" | "LPOP" | "RPOP" | "LRANGE" | "LSET" => self.list(name, args),
            "LMOVE" => self.transfer(args),
            "BLMOVE" => self.transfer_or_wait(args),
            "BLPOP" | "BRPOP" => self.pop_or_wait(name, args),
            "BZPOPMIN" => self.pop_min_or_wait(args),
            "HSET" | "HDEL" | "HGET" | "HINCRBY" => self.hash(name, args),
            "HPEXPIRE" | "HEXPIRE" | "HPERSIST" | "HPEXPIRETIME" | "HGETEX" | "HGETDEL" | "HSETEX" => {
                self.field(name, args)
            }
            "SADD" | "SREM" | "SISMEMBER" | "SCARD" | "SPOP" => self.set_of_members(name, args, actual),
            "ZADD" | "ZINCRBY" | "ZREM" | "ZSCORE" | "ZCARD" => self.sorted_set(name, args),
            _ if name.starts_with('X') => self.stream(name, args),
            _ => self.keys(name, args),
        }
    }
}
