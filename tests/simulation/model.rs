//! What the server should hold and answer: strings, lists, hashes, sets and sorted sets with deadlines, as plainly as `std` has them.
//!
//! A call is given together with what the server answered. Chance is the server's (SPOP); so is whether a call was refused, for want of
//! a disk or of memory. All else the model knows, and says what the answer must have been.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// A call's words.
pub type Call = Vec<Vec<u8>>;
/// A database's number, and a key.
pub type Key = (usize, Vec<u8>);

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
    Hash(BTreeMap<Vec<u8>, Vec<u8>>),
    Set(BTreeSet<Vec<u8>>),
    SortedSet(BTreeMap<Vec<u8>, i64>),
}

/// A list, if there is one, and its deadline.
type ListAt = (Option<Vec<Vec<u8>>>, Option<u64>);

impl Value {
    fn is_empty(&self) -> bool {
        match self {
            Value::String(_) => false,
            Value::List(list) => list.is_empty(),
            Value::Hash(hash) => hash.is_empty(),
            Value::Set(set) => set.is_empty(),
            Value::SortedSet(set) => set.is_empty(),
        }
    }
}

/// All keys at one moment.
pub type State = BTreeMap<Key, Rc<Entry>>;

/// What a call came to.
#[derive(Debug, Default)]
pub struct Came {
    /// What must have been answered.
    pub reply: Vec<u8>,
    /// Keys whose values the answer may show.
    pub shown: Vec<Key>,
    /// Keys that it changed.
    pub changed: Vec<Key>,
    /// Databases of which it changed everything.
    pub swept: Vec<usize>,
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
    bytes.map_or(b"$-1\r\n".to_vec(), |bytes| bulk(bytes))
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
    came: Came,
}

/// What a step gives: the answer, or the error that ends the call.
type Answer = Result<Vec<u8>, Vec<u8>>;

/// Runs a call of a client in database `db`, which must not begin or end a transaction.
pub fn run(state: &mut State, db: &mut usize, now_ms: u64, call: &Call, actual: &[u8]) -> Came {
    let name = String::from_utf8_lossy(&call[0]).into_owned();
    if name == "SELECT" {
        *db = parse(&call[1]).expect("a number") as usize;
        return Came { reply: b"+OK\r\n".to_vec(), ..Came::default() };
    }
    let mut work = Work { state, db: *db, now_ms, came: Came::default() };
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
        self.came.changed.push(key);
    }

    fn remove(&mut self, name: &[u8]) -> bool {
        let key = self.key(name);
        self.came.shown.push(key.clone());
        let was_there = self.state.remove(&key).is_some();
        if was_there {
            self.came.changed.push(key);
        }
        was_there
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
            "RPUSH" | "LPUSH" | "LPOP" | "RPOP" | "LRANGE" | "LSET" | "LMOVE" => self.list(name, args),
            "HSET" | "HDEL" | "HGET" | "HINCRBY" => self.hash(name, args),
            "SADD" | "SREM" | "SISMEMBER" | "SCARD" | "SPOP" => self.set_of_members(name, args, actual),
            "ZADD" | "ZINCRBY" | "ZREM" | "ZSCORE" | "ZCARD" => self.sorted_set(name, args),
            _ => self.keys(name, args),
        }
    }

    fn set(&mut self, args: &[Vec<u8>]) -> Vec<u8> {
        let old = self.look(&args[0]);
        let mut deadline_ms = None;
        for option in args[2..].iter() {
            match &option[..] {
                b"NX" if old.is_some() => return bulk_or_nil(None),
                b"XX" if old.is_none() => return bulk_or_nil(None),
                b"KEEPTTL" => deadline_ms = old.as_ref().and_then(|entry| entry.deadline_ms),
                word => deadline_ms = parse(word).map(|ms| self.now_ms + ms as u64).or(deadline_ms),
            }
        }
        self.put(&args[0], Value::String(args[1].clone()), deadline_ms);
        b"+OK\r\n".to_vec()
    }

    fn string(&mut self, name: &str, args: &[Vec<u8>]) -> Answer {
        let old = self.look(&args[0]);
        let (mut bytes, deadline_ms) = match old.as_deref() {
            None => (None, None),
            Some(Entry { value: Value::String(bytes), deadline_ms }) => (Some(bytes.clone()), *deadline_ms),
            Some(_) => return Err(WRONG_TYPE.to_vec()),
        };
        match name {
            "GET" => Ok(bulk_or_nil(bytes.as_ref())),
            "GETDEL" => {
                self.remove(&args[0]);
                Ok(bulk_or_nil(bytes.as_ref()))
            }
            "APPEND" => {
                let bytes = [bytes.take().unwrap_or_default(), args[1].clone()].concat();
                let reply = int(bytes.len());
                self.put(&args[0], Value::String(bytes), deadline_ms);
                Ok(reply)
            }
            _ => {
                let number = parse(bytes.as_deref().unwrap_or(b"0"))
                    .ok_or(b"-ERR value is not an integer or out of range\r\n".to_vec())?;
                let number = number + parse(&args[1]).expect("a number");
                self.put(&args[0], Value::String(number.to_string().into_bytes()), deadline_ms);
                Ok(int(number))
            }
        }
    }

    fn list_at(&mut self, name: &[u8]) -> Result<ListAt, Vec<u8>> {
        match self.look(name).as_deref() {
            None => Ok((None, None)),
            Some(Entry { value: Value::List(list), deadline_ms }) => Ok((Some(list.clone()), *deadline_ms)),
            Some(_) => Err(WRONG_TYPE.to_vec()),
        }
    }

    fn list(&mut self, name: &str, args: &[Vec<u8>]) -> Answer {
        let (list, deadline_ms) = self.list_at(&args[0])?;
        let was_there = list.is_some();
        let mut list = list.unwrap_or_default();
        let reply = match name {
            "RPUSH" => {
                list.extend_from_slice(&args[1..]);
                int(list.len())
            }
            "LPUSH" => {
                list.splice(..0, args[1..].iter().rev().cloned());
                int(list.len())
            }
            "LRANGE" => return Ok(array(list.iter().map(|item| bulk(item)).collect())),
            "LSET" if !was_there => return Err(b"-ERR no such key\r\n".to_vec()),
            "LSET" => {
                list[0].clone_from(&args[2]);
                b"+OK\r\n".to_vec()
            }
            _ if !was_there => return Ok(bulk_or_nil(None)),
            "LPOP" => bulk(&list.remove(0)),
            "RPOP" => bulk(&list.pop().expect("no list is empty")),
            _ => {
                self.list_at(&args[1])?; // LMOVE
                let item = list.remove(0);
                self.put(&args[0], Value::List(list), deadline_ms);
                let (other, deadline_ms) = self.list_at(&args[1])?;
                let mut other = other.unwrap_or_default();
                other.push(item.clone());
                self.put(&args[1], Value::List(other), deadline_ms);
                return Ok(bulk(&item));
            }
        };
        self.put(&args[0], Value::List(list), deadline_ms);
        Ok(reply)
    }

    fn hash(&mut self, name: &str, args: &[Vec<u8>]) -> Answer {
        let (mut hash, deadline_ms) = match self.look(&args[0]).as_deref() {
            None => (BTreeMap::new(), None),
            Some(Entry { value: Value::Hash(hash), deadline_ms }) => (hash.clone(), *deadline_ms),
            Some(_) => return Err(WRONG_TYPE.to_vec()),
        };
        let reply = match name {
            "HGET" => return Ok(bulk_or_nil(hash.get(&args[1]))),
            "HSET" => {
                let new = args[1..].chunks(2).filter(|pair| hash.insert(pair[0].clone(), pair[1].clone()).is_none());
                int(new.count())
            }
            "HDEL" => {
                let gone = args[1..].iter().filter(|field| hash.remove(*field).is_some()).count();
                if gone == 0 {
                    return Ok(int(0));
                }
                int(gone)
            }
            _ => {
                let old = hash.get(&args[1]).map_or(Some(0), |value| parse(value));
                let number = old.ok_or(b"-ERR hash value is not an integer\r\n".to_vec())?;
                let number = number + parse(&args[2]).expect("a number");
                hash.insert(args[1].clone(), number.to_string().into_bytes());
                int(number)
            }
        };
        self.put(&args[0], Value::Hash(hash), deadline_ms);
        Ok(reply)
    }

    fn set_of_members(&mut self, name: &str, args: &[Vec<u8>], actual: &[u8]) -> Answer {
        let (mut set, deadline_ms) = match self.look(&args[0]).as_deref() {
            None => (BTreeSet::new(), None),
            Some(Entry { value: Value::Set(set), deadline_ms }) => (set.clone(), *deadline_ms),
            Some(_) => return Err(WRONG_TYPE.to_vec()),
        };
        let before = set.len();
        let reply = match name {
            "SISMEMBER" => return Ok(int(set.contains(&args[1]) as u8)),
            "SCARD" => return Ok(int(set.len())),
            "SADD" => {
                set.extend(args[1..].iter().cloned());
                int(set.len() - before)
            }
            "SREM" => {
                set.retain(|member| !args[1..].contains(member));
                int(before - set.len())
            }
            _ if set.is_empty() => return Ok(bulk_or_nil(None)),
            _ => {
                let member = set.iter().find(|member| bulk(member) == actual).cloned();
                let member = member.unwrap_or_else(|| panic!("{} was no member", actual.escape_ascii()));
                set.remove(&member);
                bulk(&member)
            }
        };
        if set.len() != before {
            self.put(&args[0], Value::Set(set), deadline_ms);
        }
        Ok(reply)
    }

    fn sorted_set(&mut self, name: &str, args: &[Vec<u8>]) -> Answer {
        let (mut set, deadline_ms) = match self.look(&args[0]).as_deref() {
            None => (BTreeMap::new(), None),
            Some(Entry { value: Value::SortedSet(set), deadline_ms }) => (set.clone(), *deadline_ms),
            Some(_) => return Err(WRONG_TYPE.to_vec()),
        };
        let score = |word: &Vec<u8>| parse(word).expect("a number");
        let reply = match name {
            "ZSCORE" => return Ok(bulk_or_nil(set.get(&args[1]).map(|score| score.to_string().into_bytes()).as_ref())),
            "ZCARD" => return Ok(int(set.len())),
            "ZADD" => {
                int(args[1..].chunks(2).filter(|pair| set.insert(pair[1].clone(), score(&pair[0])).is_none()).count())
            }
            "ZINCRBY" => {
                let now = set.entry(args[2].clone()).or_default();
                *now += score(&args[1]);
                bulk(now.to_string().as_bytes())
            }
            _ => match set.remove(&args[1]) {
                None => return Ok(int(0)),
                Some(_) => int(1),
            },
        };
        self.put(&args[0], Value::SortedSet(set), deadline_ms);
        Ok(reply)
    }

    fn keys(&mut self, name: &str, args: &[Vec<u8>]) -> Answer {
        match name {
            "DEL" => Ok(int(args.iter().filter(|key| self.remove(key)).count())),
            "EXISTS" => Ok(int(self.look(&args[0]).is_some() as u8)),
            "PEXPIRE" | "PERSIST" => {
                let Some(entry) = self.look(&args[0]) else { return Ok(int(0)) };
                let in_ms = args.get(1).map(|word| parse(word).expect("a number"));
                match in_ms {
                    None if entry.deadline_ms.is_none() => return Ok(int(0)),
                    Some(..=0) => drop(self.remove(&args[0])),
                    _ => self.put(&args[0], entry.value.clone(), in_ms.map(|ms| self.now_ms + ms as u64)),
                }
                Ok(int(1))
            }
            "RENAME" => {
                let Some(entry) = self.look(&args[0]) else { return Err(b"-ERR no such key\r\n".to_vec()) };
                self.remove(&args[0]);
                self.put(&args[1], entry.value.clone(), entry.deadline_ms);
                Ok(b"+OK\r\n".to_vec())
            }
            "COPY" => {
                let Some(entry) = self.look(&args[0]) else { return Ok(int(0)) };
                self.put(&args[1], entry.value.clone(), entry.deadline_ms);
                Ok(int(1))
            }
            "FLUSHDB" => {
                self.sweep(vec![self.db]);
                let db = self.db;
                self.state.retain(|key, _| key.0 != db);
                Ok(b"+OK\r\n".to_vec())
            }
            "FLUSHALL" => {
                self.sweep(vec![0, 1, 2]);
                self.state.clear();
                Ok(b"+OK\r\n".to_vec())
            }
            "SWAPDB" => {
                let dbs: Vec<usize> = args.iter().map(|word| parse(word).expect("a number") as usize).collect();
                self.sweep(dbs.clone());
                let other = |db| {
                    if db == dbs[0] {
                        dbs[1]
                    } else if db == dbs[1] {
                        dbs[0]
                    } else {
                        db
                    }
                };
                *self.state =
                    std::mem::take(self.state).into_iter().map(|((db, key), e)| ((other(db), key), e)).collect();
                Ok(b"+OK\r\n".to_vec())
            }
            _ => panic!("the model does not know {name}"),
        }
    }
}
