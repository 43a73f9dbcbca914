//! Clients that wait for keys: who waits for which, in the order they came, and until when.
//!
//! ```text
//! waiters   per database: key -> (turn -> client)      turn: a number that only grows, so the longest waiting stand first
//! due       (deadline, turn) -> client                 those whose patience has an end
//! for_log   (offset, turn) -> client                   those who wait for the log (WAITAOF)
//! client    Wait { turn, keys, deadline, call }        with the client itself
//! ```
//!
//! Invariant: a client stands in `waiters` and `due` exactly while it has a `Wait`, and then its gate `WAITING` is raised.

use super::client_memory::ELEMENT_BYTES;
use super::clients::{ClientIndex, Clients};
use super::{Server, gates};
use crate::formats::resp::reply::Reply;
use crate::values::Kind;
use std::collections::BTreeMap;

/// What a client waits for.
#[derive(Debug)]
pub struct Wait {
    /// Its place among all that wait.
    turn: u64,
    /// The database of the keys.
    pub db: usize,
    /// The keys.
    pub keys: Vec<Box<[u8]>>,
    /// The type of which a key has to be.
    pub kind: Option<Kind>,
    /// When it gives up (monotonic ns).
    deadline_ns: Option<u64>,
    /// The call that runs again when one of the keys has changed.
    pub call: Vec<Vec<u8>>,
    /// The number of the call's row.
    pub row: usize,
    /// Whether it is to run when the key has gone or is of another type, too.
    pub even_without_key: bool,
    /// Bytes of the keys and the call.
    pub bytes: usize,
    /// The log offset that is to be durable for it to run.
    log_offset: Option<u64>,
}

/// Those who wait for one key, by their turns.
type Queue = BTreeMap<u64, ClientIndex>;

/// Clients by what they wait for.
#[derive(Debug, Default)]
pub struct Waiters {
    by_key: Vec<BTreeMap<Box<[u8]>, Queue>>,
    due: BTreeMap<(u64, u64), ClientIndex>,
    for_log: BTreeMap<(u64, u64), ClientIndex>,
    clients: usize,
    next_turn: u64,
}

impl Waiters {
    /// Clients that wait.
    pub fn clients(&self) -> usize {
        self.clients
    }

    /// Whether nobody waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.clients == 0
    }

    /// Clients that wait for a time that has an end.
    pub fn timed(&self) -> usize {
        self.due.len()
    }

    /// Keys that somebody waits for.
    pub fn keys(&self) -> usize {
        self.by_key.iter().map(BTreeMap::len).sum()
    }

    /// Keys that somebody waits for, of a database.
    pub fn keys_of(&self, db: usize) -> Vec<Box<[u8]>> {
        self.by_key.get(db).map(|keys| keys.keys().cloned().collect()).unwrap_or_default()
    }

    /// Whether somebody waits for a key.
    #[inline]
    pub fn is_awaited(&self, db: usize, key: &[u8]) -> bool {
        self.by_key.get(db).is_some_and(|keys| keys.contains_key(key))
    }

    /// Who waits for a key behind place `turn` (`None`: from the first on), and its place.
    pub fn next(&self, db: usize, key: &[u8], behind: Option<u64>) -> Option<(u64, ClientIndex)> {
        let queue = self.by_key.get(db)?.get(key)?;
        let from = behind.map_or(0, |turn| turn + 1);
        queue.range(from..).next().map(|(&turn, &client)| (turn, client))
    }

    /// Who waits for the log to be durable up to `offset`.
    pub fn for_log(&self, offset: u64) -> Vec<ClientIndex> {
        self.for_log.range(..=(offset, u64::MAX)).map(|(_, &client)| client).collect()
    }

    /// When the next gives up (monotonic ns).
    pub fn next_deadline_ns(&self) -> Option<u64> {
        self.due.first_key_value().map(|(&(deadline_ns, _), _)| deadline_ns)
    }

    /// Somebody whose time is up.
    pub fn due(&self, now_ns: u64) -> Option<ClientIndex> {
        let (&(deadline_ns, _), &client) = self.due.first_key_value()?;
        (deadline_ns <= now_ns).then_some(client)
    }

    fn add(&mut self, client: ClientIndex, wait: &Wait) {
        if self.by_key.len() <= wait.db {
            self.by_key.resize_with(wait.db + 1, BTreeMap::new);
        }
        for key in &wait.keys {
            self.by_key[wait.db].entry(key.clone()).or_default().insert(wait.turn, client);
        }
        if let Some(deadline_ns) = wait.deadline_ns {
            self.due.insert((deadline_ns, wait.turn), client);
        }
        if let Some(offset) = wait.log_offset {
            self.for_log.insert((offset, wait.turn), client);
        }
        self.clients += 1;
    }

    fn remove(&mut self, wait: &Wait) {
        for key in &wait.keys {
            if let Some(queue) = self.by_key[wait.db].get_mut(key) {
                queue.remove(&wait.turn);
                if queue.is_empty() {
                    self.by_key[wait.db].remove(key);
                }
            }
        }
        if let Some(deadline_ns) = wait.deadline_ns {
            self.due.remove(&(deadline_ns, wait.turn));
        }
        if let Some(offset) = wait.log_offset {
            self.for_log.remove(&(offset, wait.turn));
        }
        self.clients -= 1;
    }
}

/// A wait that begins.
pub struct NewWait {
    /// The database of the keys.
    pub db: usize,
    /// The keys; one that is named twice counts once.
    pub keys: Vec<Box<[u8]>>,
    /// The type of which a key has to be for it to run.
    pub kind: Option<Kind>,
    /// When it gives up (monotonic ns).
    pub deadline_ns: Option<u64>,
    /// What is to run again.
    pub call: Vec<Vec<u8>>,
    /// Its row's number.
    pub row: usize,
    /// Whether it is to run when the key has gone or is of another type, too.
    pub even_without_key: bool,
    /// The log offset that is to be durable for it to run.
    pub log_offset: Option<u64>,
}

impl Clients {
    /// Keys that somebody waits for who is to run when the key has gone, too.
    pub fn keys_whose_loss_wakes(&self) -> usize {
        let wakes = |client: &ClientIndex| self.get(*client).wait.as_ref().is_some_and(|wait| wait.even_without_key);
        self.waiters.by_key.iter().flat_map(BTreeMap::values).filter(|queue| queue.values().any(wakes)).count()
    }

    /// A client begins to wait, behind all that wait already.
    pub fn begin_wait(&mut self, index: ClientIndex, new: NewWait) {
        let turn = self.waiters.next_turn;
        self.waiters.next_turn += 1;
        let NewWait { db, mut keys, kind, deadline_ns, call, row, even_without_key, log_offset } = new;
        keys.sort_unstable();
        keys.dedup();
        let bytes = keys.iter().map(|key| key.len() + ELEMENT_BYTES).sum::<usize>();
        let bytes = bytes + call.iter().map(|word| word.len() + size_of::<Vec<u8>>()).sum::<usize>();
        let wait = Wait { turn, db, keys, kind, deadline_ns, call, row, even_without_key, bytes, log_offset };
        self.waiters.add(index, &wait);
        let client = self.get_mut(index);
        client.raised |= gates::WAITING;
        client.wait = Some(Box::new(wait));
        self.note_observers();
    }

    /// A client waits no longer. What it waited for; `None` if it did not.
    pub fn end_wait(&mut self, index: ClientIndex) -> Option<Box<Wait>> {
        let client = self.get_mut(index);
        let wait = client.wait.take()?;
        client.raised &= !gates::WAITING;
        client.calls += 1;
        self.waiters.remove(&wait);
        self.has_unparked = true;
        self.note_observers();
        Some(wait)
    }
}

impl Server {
    /// A client's time is up: its call is answered by no array, or by how far the log has come.
    pub fn end_wait_by_timeout(&mut self, index: ClientIndex) {
        let waits_for_log = self.clients.get(index).wait.as_ref().is_some_and(|wait| wait.log_offset.is_some());
        let is_durable = self.is_logged_durably(index);
        self.answer_wait(index, |reply| match waits_for_log {
            true => durable_copies(is_durable, reply),
            false => reply.null_array(),
        });
    }

    /// Whether the last write of a client is durable here. It is not while the log is yet to be turned on, or awaits its first base.
    pub fn is_logged_durably(&self, index: ClientIndex) -> bool {
        let log = &self.persistence.log;
        log.enabled && !log.awaits_base && log.durable_offset >= self.clients.get(index).last_write_offset
    }

    /// A client's wait is ended by an error.
    pub fn end_wait_by_error(&mut self, index: ClientIndex, error: &str) {
        let Some(row) = self.answer_wait(index, |reply| reply.error(error)) else { return };
        self.commands.record_failed(row);
        self.count_error(error);
    }

    /// Ends a wait by an answer; gives the row of the call that waited.
    fn answer_wait(&mut self, index: ClientIndex, write: impl FnOnce(&mut Reply)) -> Option<usize> {
        let wait = self.clients.end_wait(index)?;
        self.count_wait(wait.row, 0);
        self.note_slow_call(index, false, wait.call.iter().map(Vec::as_slice), 0); // where every call is wanted
        let client = self.clients.get_mut(index);
        let mut reply = Reply::new(std::mem::take(&mut client.output), client.protocol);
        write(&mut reply);
        client.output = reply.out;
        self.clients.mark_pending(index);
        Some(wait.row)
    }

    /// A call that waited is over: it counts now, with the time that it took at last.
    pub fn count_wait(&mut self, row: usize, spent_ns: u64) {
        self.counters.calls += 1;
        self.commands.record(row, spent_ns);
    }

    /// Whether a key that a client watches has passed its deadline since.
    pub fn has_expired_watch(&mut self, index: ClientIndex) -> bool {
        let watched = &self.clients.get(index).watched;
        watched.keys.iter().any(|w| w.was_there && self.keyspace.db(w.db).peek(&w.key).is_none())
    }
}

/// WAITAOF's answer: whether the local log is durable, and how many replicas' are; there are none.
pub fn durable_copies(is_durable: bool, reply: &mut Reply) {
    reply.array(2);
    reply.int(is_durable as i64);
    reply.int(0);
}

#[cfg(test)]
mod tests {
    use super::super::clients::Client;
    use super::*;

    fn wait(keys: &[&str], deadline_ns: Option<u64>) -> NewWait {
        let keys = keys.iter().map(|key| key.as_bytes().into()).collect();
        NewWait {
            db: 1,
            keys,
            kind: Some(Kind::List),
            deadline_ns,
            call: Vec::new(),
            row: 0,
            even_without_key: false,
            log_offset: None,
        }
    }

    fn queue(clients: &Clients, key: &str) -> Vec<ClientIndex> {
        let (mut found, mut behind) = (Vec::new(), None);
        while let Some((turn, client)) = clients.waiters.next(1, key.as_bytes(), behind) {
            found.push(client);
            behind = Some(turn);
        }
        found
    }

    #[test]
    fn those_who_came_first_stand_in_front_and_leave_no_trace() {
        let mut clients = Clients::default();
        let [a, b, c] = std::array::from_fn(|_| clients.add(Client::default()));
        clients.begin_wait(b, wait(&["x", "y", "x"], Some(20)));
        clients.begin_wait(a, wait(&["x"], Some(10)));
        clients.begin_wait(c, wait(&["y"], None));
        assert_eq!((queue(&clients, "x"), queue(&clients, "y")), (vec![b, a], vec![b, c]));
        assert_eq!((clients.waiters.clients(), clients.waiters.keys()), (3, 2));
        assert!(clients.waiters.is_awaited(1, b"x") && !clients.waiters.is_awaited(0, b"x"));
        assert_eq!((clients.waiters.due(9), clients.waiters.due(15)), (None, Some(a)));
        assert!(clients.end_wait(b).is_some() && clients.end_wait(b).is_none());
        assert_eq!((queue(&clients, "x"), queue(&clients, "y")), (vec![a], vec![c]));
        clients.remove(c);
        clients.end_wait(a);
        assert!(
            clients.waiters.is_empty() && clients.waiters.keys() == 0 && clients.waiters.next_deadline_ns().is_none()
        );
    }
}
