//! Streams and their groups.
//!
//! What Redis forgets over a restart is left out: when a consumer was seen, and how many entries a group has read.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

use super::{Answer, Entry, NIL_ARRAY, Value, WRONG_TYPE, Work, array, bulk, bulk_or_nil, int, parse};

pub type Id = (u64, u64);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// Fields and values by ID.
    pub entries: BTreeMap<Id, Vec<Vec<u8>>>,
    pub last: Id,
    pub max_deleted: Id,
    /// How many there ever were.
    pub added: u64,
    pub groups: BTreeMap<Vec<u8>, Group>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    pub last: Id,
    pub consumers: BTreeSet<Vec<u8>>,
    pub pending: BTreeMap<Id, Pending>,
}

/// An entry that a consumer has got and not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    pub consumer: Vec<u8>,
    pub delivered_ms: u64,
    pub deliveries: u64,
}

pub fn id(text: &[u8]) -> Id {
    let text = std::str::from_utf8(text).expect("an ID");
    let (ms, seq) = text.split_once('-').unwrap_or((text, "0"));
    (ms.parse().expect("an ID"), seq.parse().expect("an ID"))
}

pub fn text(id: Id) -> Vec<u8> {
    format!("{}-{}", id.0, id.1).into_bytes()
}

fn ids(ids: impl Iterator<Item = Id>) -> Vec<u8> {
    array(ids.map(|id| bulk(&text(id))).collect())
}

const NO_KEY: &[u8] =
    b"-ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the \
MKSTREAM option to create an empty stream automatically.\r\n";

fn no_key_or_group(key: &[u8], group: &[u8], context: &str) -> Vec<u8> {
    let (key, group) = (String::from_utf8_lossy(key), String::from_utf8_lossy(group));
    format!("-NOGROUP No such key '{key}' or consumer group '{group}'{context}\r\n").into_bytes()
}

impl Stream {
    fn entry(&self, id: Id) -> Vec<u8> {
        array(vec![bulk(&text(id)), array(self.entries[&id].iter().map(|word| bulk(word)).collect())])
    }

    /// MAXLEN or MINID and its number: how many go.
    fn trim(&mut self, how: &[u8], word: &[u8]) -> usize {
        let before = self.entries.len();
        if how == b"MINID" {
            self.entries = self.entries.split_off(&id(word));
        } else {
            let len = parse(word).expect("a number") as usize;
            while self.entries.len() > len {
                self.entries.pop_first();
            }
        }
        before - self.entries.len()
    }
}

impl Work<'_> {
    pub(super) fn stream(&mut self, name: &str, args: &[Vec<u8>]) -> Answer {
        let at = if name == "XGROUP" || name == "XREADGROUP" {
            args.iter().position(|word| word == b"STREAMS").unwrap_or(0) + 1
        } else {
            0
        };
        let key = &args[at];
        let (stream, deadline_ms) = match self.look(key).as_deref() {
            None => (None, None),
            Some(Entry { value: Value::Stream(stream), deadline_ms }) => (Some(stream.clone()), *deadline_ms),
            Some(_) => return Err(WRONG_TYPE.to_vec()),
        };
        let is_there = stream.is_some();
        let mut stream = stream.unwrap_or_default();
        let reply = match name {
            "XLEN" => return Ok(int(stream.entries.len())),
            "XRANGE" => return Ok(array(stream.entries.keys().map(|&id| stream.entry(id)).collect())),
            "XADD" if args[1] == b"NOMKSTREAM" && !is_there => return Ok(bulk_or_nil(None)),
            "XADD" => self.add(&mut stream, &args[1..])?,
            "XGROUP" => self.group(&mut stream, is_there, args)?,
            "XREADGROUP" => self.read_group(&mut stream, args)?,
            "XDEL" | "XTRIM" if !is_there => return Ok(int(0)),
            "XDEL" => {
                let gone: Vec<Id> = args[1..].iter().map(|word| id(word)).collect();
                let gone: Vec<Id> = gone.into_iter().filter(|id| stream.entries.remove(id).is_some()).collect();
                stream.max_deleted = gone.iter().copied().fold(stream.max_deleted, Id::max);
                int(gone.len())
            }
            "XTRIM" => int(stream.trim(&args[1], &args[2])),
            "XACK" => {
                let Some(group) = stream.groups.get_mut(&args[1]) else { return Ok(int(0)) };
                int(args[2..].iter().filter(|word| group.pending.remove(&id(word)).is_some()).count())
            }
            _ => self.claim(name, &mut stream, args)?,
        };
        match name == "XADD" || !is_there || args[0] == b"DESTROY" {
            true => self.put(key, Value::Stream(stream), deadline_ms),
            false => self.put_quietly(key, Value::Stream(stream), deadline_ms),
        }
        Ok(reply)
    }

    fn add(&mut self, stream: &mut Stream, mut args: &[Vec<u8>]) -> Answer {
        let mut trim = None;
        loop {
            match &args[0][..] {
                b"NOMKSTREAM" => args = &args[1..],
                b"MAXLEN" | b"MINID" => {
                    trim = Some((args[0].clone(), args[1].clone()));
                    args = &args[2..];
                }
                _ => break,
            }
        }
        let new = match &args[0][..] {
            b"*" if self.now_ms > stream.last.0 => (self.now_ms, 0),
            b"*" => (stream.last.0, stream.last.1 + 1),
            word => id(word),
        };
        if new <= stream.last {
            let error = "-ERR The ID specified in XADD is equal or smaller than the target stream top item\r\n";
            return Err(error.into());
        }
        stream.entries.insert(new, args[1..].to_vec());
        (stream.last, stream.added) = (new, stream.added + 1);
        if let Some((how, word)) = trim {
            stream.trim(&how, &word);
        }
        Ok(bulk(&text(new)))
    }

    fn group(&mut self, stream: &mut Stream, is_there: bool, args: &[Vec<u8>]) -> Answer {
        let name = &args[2];
        let last = || if args[3] == b"$" { stream.last } else { id(&args[3]) };
        if !is_there && !args.iter().any(|word| word == b"MKSTREAM") {
            return Err(NO_KEY.to_vec());
        }
        if args[0] == b"CREATE" {
            let group = Group { last: last(), ..Group::default() };
            if stream.groups.contains_key(name) {
                return Err(b"-BUSYGROUP Consumer Group name already exists\r\n".to_vec());
            }
            stream.groups.insert(name.clone(), group);
            return Ok(b"+OK\r\n".to_vec());
        }
        if args[0] == b"DESTROY" {
            return Ok(int(stream.groups.remove(name).is_some() as u8));
        }
        let last = (args[0] == b"SETID").then(last);
        let Some(group) = stream.groups.get_mut(name) else {
            let (key, name) = (String::from_utf8_lossy(&args[1]), String::from_utf8_lossy(name));
            return Err(format!("-NOGROUP No such consumer group '{name}' for key name '{key}'\r\n").into_bytes());
        };
        match last {
            Some(last) => {
                group.last = last;
                Ok(b"+OK\r\n".to_vec())
            }
            None if args[0] == b"CREATECONSUMER" => Ok(int(group.consumers.insert(args[3].clone()) as u8)),
            None => {
                let before = group.pending.len();
                group.consumers.remove(&args[3]);
                group.pending.retain(|_, pending| pending.consumer != args[3]);
                Ok(int(before - group.pending.len()))
            }
        }
    }

    /// `GROUP group consumer COUNT n [BLOCK ms] [NOACK] STREAMS key >`
    fn read_group(&mut self, stream: &mut Stream, args: &[Vec<u8>]) -> Answer {
        let at = args.iter().position(|word| word == b"STREAMS").expect("it has it") + 1;
        let (key, consumer) = (&args[at], &args[2]);
        let Some(group) = stream.groups.get_mut(&args[1]) else {
            return Err(no_key_or_group(key, &args[1], " in XREADGROUP with GROUP option"));
        };
        group.consumers.insert(consumer.clone());
        let most = parse(&args[4]).expect("a number") as usize;
        let new: Vec<Id> =
            stream.entries.range((Excluded(group.last), Unbounded)).map(|(&id, _)| id).take(most).collect();
        for &id in &new {
            let pending = Pending { consumer: consumer.clone(), delivered_ms: self.now_ms, deliveries: 1 };
            if !args.iter().any(|word| word == b"NOACK") {
                group.pending.insert(id, pending);
            }
            group.last = id;
        }
        if new.is_empty() && args.iter().any(|word| word == b"BLOCK") {
            return self.wait_for(std::slice::from_ref(key), NIL_ARRAY);
        }
        if new.is_empty() {
            return Ok(NIL_ARRAY.to_vec());
        }
        let entries = array(new.into_iter().map(|id| stream.entry(id)).collect());
        Ok(array(vec![array(vec![bulk(key), entries])]))
    }

    /// `XCLAIM key group consumer 0 id ... [JUSTID]`, `XAUTOCLAIM key group consumer 0 start COUNT n [JUSTID]`.
    fn claim(&mut self, name: &str, stream: &mut Stream, args: &[Vec<u8>]) -> Answer {
        let entries = stream.clone();
        let Some(group) = stream.groups.get_mut(&args[1]) else {
            return Err(no_key_or_group(&args[0], &args[1], ""));
        };
        group.consumers.insert(args[2].clone());
        let just_id = args.last().is_some_and(|word| word == b"JUSTID");
        let words = &args[4..args.len() - just_id as usize];
        let (wanted, most) = match name {
            "XCLAIM" => (words.iter().map(|word| id(word)).collect(), usize::MAX),
            _ => {
                let pending = group.pending.range(id(&words[0])..).map(|(&id, _)| id);
                (pending.collect::<Vec<Id>>(), parse(&words[2]).expect("a number") as usize)
            }
        };
        let (mut claimed, mut deleted) = (Vec::new(), Vec::new());
        for &id in wanted.iter().take(most) {
            let Some(pending) = group.pending.get_mut(&id) else { continue };
            if !entries.entries.contains_key(&id) {
                group.pending.remove(&id);
                deleted.push(id);
                continue;
            }
            let deliveries = pending.deliveries + !just_id as u64;
            *pending = Pending { consumer: args[2].clone(), delivered_ms: self.now_ms, deliveries };
            claimed.push(id);
        }
        let shown = match just_id {
            true => ids(claimed.into_iter()),
            false => array(claimed.into_iter().map(|id| entries.entry(id)).collect()),
        };
        if name == "XCLAIM" {
            return Ok(shown);
        }
        let next = wanted.get(most).copied().unwrap_or_default();
        Ok(array(vec![bulk(&text(next)), shown, ids(deleted.into_iter())]))
    }
}
