//! Transactions: the calls that a client has queued behind MULTI, and the keys that it watches.
//!
//! A watch is broken by any change of its key since WATCH. That is noted with the client when it happens (`Watchers` finds who watches a
//! key), so EXEC only looks at a flag, and at deadlines that have passed since.

use super::client_memory::ELEMENT_BYTES;
use super::clients::{Client, ClientIndex, Clients};
use super::gates;
use crate::formats::resp::request::Range;
use std::collections::{BTreeMap, BTreeSet};

/// A call that waits for EXEC: it stands in its transaction's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueuedCall {
    /// Its row's number.
    pub row: usize,
    /// Its first word's place in the ranges.
    pub first: u32,
    /// The place behind its last word's.
    pub last: u32,
    /// Where its own bytes stand, if they are RESP and in one piece.
    pub raw: Option<(u32, u32)>,
}

/// What a client has queued since MULTI.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// The calls, in order.
    pub calls: Vec<QueuedCall>,
    /// What they say, one behind the other.
    pub buffer: Vec<u8>,
    /// Where in `buffer` their words are.
    pub ranges: Vec<Range>,
    /// Gates that stop any of them.
    pub stopped_by: u32,
    /// Whether a call was refused: EXEC will run none.
    pub is_aborted: bool,
}

impl Transaction {
    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.buffer.capacity()
            + self.ranges.capacity() * size_of::<Range>()
            + self.calls.capacity() * size_of::<QueuedCall>()
    }
}

/// A transaction that EXEC is running: what CLIENT LIST tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Executing {
    /// Its calls.
    pub calls: u32,
    /// Bytes that it takes.
    pub bytes: u32,
}

/// A key that a client watches.
#[derive(Debug)]
pub struct Watch {
    /// Its database.
    pub db: usize,
    /// The key.
    pub key: Box<[u8]>,
    /// Whether it was there, and not past its deadline, when the watch began.
    pub was_there: bool,
}

/// What a client watches.
#[derive(Debug, Default)]
pub struct Watched {
    /// The keys.
    pub keys: Vec<Watch>,
    /// Whether any of them has changed.
    pub is_broken: bool,
    key_bytes: usize,
}

impl Watched {
    /// Bytes that its watches take.
    pub fn bytes(&self) -> usize {
        self.key_bytes + self.keys.len() * (size_of::<Watch>() + ELEMENT_BYTES)
    }
}

/// Who watches a key.
#[derive(Debug, Default)]
pub struct Watchers {
    by_key: Vec<BTreeMap<Box<[u8]>, BTreeSet<ClientIndex>>>,
    watches: usize,
}

impl Watchers {
    /// Whether no key is watched.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.watches == 0
    }

    /// Keys that are watched, by however many clients.
    pub fn keys(&self) -> usize {
        self.by_key.iter().map(BTreeMap::len).sum()
    }

    fn of(&self, db: usize, key: &[u8]) -> Option<&BTreeSet<ClientIndex>> {
        self.by_key.get(db)?.get(key)
    }
}

impl Clients {
    /// A client watches one more key. `was_there`: whether the key is there now.
    pub fn watch(&mut self, index: ClientIndex, db: usize, key: &[u8], was_there: bool) {
        let by_key = &mut self.watchers.by_key;
        if by_key.len() <= db {
            by_key.resize_with(db + 1, BTreeMap::new);
        }
        if !by_key[db].entry(key.into()).or_default().insert(index) {
            return;
        }
        let watched = &mut self.get_mut(index).watched;
        watched.keys.push(Watch { db, key: key.into(), was_there });
        watched.key_bytes += key.len();
        self.watchers.watches += 1;
        self.note_observers();
    }

    /// A client watches nothing any more.
    pub fn unwatch(&mut self, index: ClientIndex) {
        let watched = std::mem::take(&mut self.get_mut(index).watched);
        for watch in &watched.keys {
            let keys = &mut self.watchers.by_key[watch.db];
            if let Some(clients) = keys.get_mut(&watch.key) {
                clients.remove(&index);
                if clients.is_empty() {
                    keys.remove(&watch.key);
                }
            }
        }
        self.watchers.watches -= watched.keys.len();
        self.note_observers();
    }

    /// A key changed: the watches of it are broken.
    pub fn break_watches(&mut self, db: usize, key: &[u8]) {
        let Some(clients) = self.watchers.of(db, key) else { return };
        for index in clients.iter().copied().collect::<Vec<_>>() {
            self.break_all_watches(index);
        }
    }

    /// EXEC will run nothing: what else the client watches is of no use any more.
    fn break_all_watches(&mut self, index: ClientIndex) {
        self.unwatch(index);
        self.get_mut(index).watched.is_broken = true;
    }

    /// A key has gone because its deadline had come. A watch that began when it had come already is not broken by that.
    pub fn break_watches_by_expiry(&mut self, db: usize, key: &[u8]) {
        let Some(clients) = self.watchers.of(db, key) else { return };
        for index in clients.iter().copied().collect::<Vec<_>>() {
            let mut watches = self.get(index).watched.keys.iter();
            if watches.any(|w| w.was_there && w.db == db && *w.key == *key) {
                self.break_all_watches(index);
            }
        }
    }

    /// All of a database was replaced: watches are broken of keys that were there, and of those that `is_there` now.
    pub fn break_watches_of_database(&mut self, db: usize, mut is_there: impl FnMut(&[u8]) -> bool) {
        let Some(keys) = self.watchers.by_key.get(db) else { return };
        let watched: Vec<(Box<[u8]>, Vec<ClientIndex>)> =
            keys.iter().map(|(key, clients)| (key.clone(), clients.iter().copied().collect())).collect();
        for (key, clients) in watched {
            let is_there = is_there(&key);
            for index in clients {
                let mut watches = self.get(index).watched.keys.iter();
                if is_there || watches.any(|w| w.was_there && w.db == db && w.key == key) {
                    self.break_all_watches(index);
                }
            }
        }
    }
}

impl Client {
    /// Calls are queued from now on.
    pub fn begin_transaction(&mut self) {
        self.transaction = Some(Box::default());
        self.raised |= gates::MULTI;
    }

    /// Takes what was queued; calls run at once again.
    pub fn end_transaction(&mut self) -> Option<Box<Transaction>> {
        self.raised &= !gates::MULTI;
        self.transaction.take()
    }

    /// A call was refused: EXEC will run none of those that are queued.
    pub fn abort_transaction(&mut self) {
        if let Some(transaction) = &mut self.transaction {
            transaction.is_aborted = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watches_break_by_change_and_leave_no_trace() {
        let mut clients = Clients::default();
        let [a, b] = std::array::from_fn(|_| clients.add(Client::default()));
        let broken = |clients: &Clients| [a, b].map(|index| clients.get(index).watched.is_broken);
        clients.watch(a, 0, b"k", true);
        clients.watch(a, 0, b"k", true);
        clients.watch(b, 0, b"k", false);
        clients.watch(b, 1, b"k", true);
        assert_eq!(clients.watchers.keys(), 2);
        clients.break_watches(0, b"other");
        clients.break_watches(2, b"k");
        assert_eq!(broken(&clients), [false, false]);
        clients.break_watches_by_expiry(0, b"k");
        assert_eq!(broken(&clients), [true, false]);
        clients.break_watches_of_database(0, |_| false);
        assert_eq!(broken(&clients), [true, false]);
        clients.break_watches_of_database(0, |_| true);
        assert_eq!(broken(&clients), [true, true]);
        clients.unwatch(b);
        clients.remove(a);
        assert!(clients.watchers.is_empty() && clients.watchers.by_key.iter().all(BTreeMap::is_empty));
        assert_eq!(clients.get(b).watched.keys.len(), 0);
    }
}
