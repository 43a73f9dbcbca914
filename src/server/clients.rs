//! The clients: what the server knows of each connection. Sockets are not here: `net` keeps those.

use super::acl::UserIndex;
use super::blocking::{Wait, Waiters};
use super::client_memory::{ClientMemory, Weight};
use super::gates;
use super::pubsub::{PubSub, Subscriptions};
use super::tracking::{Reader, Trackers, Tracking};
use super::transaction::{Executing, Transaction, Watched, Watchers};
use crate::formats::resp::output::Output;
use crate::formats::resp::reply::Protocol;
use slab::Slab;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// A client's place, as long as it is connected.
pub type ClientIndex = usize;

/// What a client hears of the answers to its calls (`CLIENT REPLY`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Answers {
    /// All.
    #[default]
    On,
    /// None.
    Off,
    /// All but that of the next call.
    SkipNext,
    /// All but that of this call.
    Skip,
}

/// How a connection is to end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Closing {
    /// Not at all.
    #[default]
    No,
    /// When its replies are sent.
    AfterReplies,
    /// At once.
    Now,
}

/// One client.
#[derive(Debug, Default)]
pub struct Client {
    /// Its number, never used again.
    pub id: u64,
    /// Its database.
    pub db: usize,
    /// The dialect it speaks.
    pub protocol: Protocol,
    /// Replies that wait.
    pub output: Output,
    /// Gates raised for this client alone (`dispatch::gates`).
    pub raised: u32,
    /// The user it is.
    pub user: UserIndex,
    /// Whether it needs no password any more.
    pub authenticated: bool,
    /// Its own name (CLIENT SETNAME).
    pub name: Vec<u8>,
    /// Its library's name (CLIENT SETINFO).
    pub lib_name: Vec<u8>,
    /// Its library's version.
    pub lib_version: Vec<u8>,
    /// Its address, `ip:port`, or the socket's path and `:0`.
    pub address: String,
    /// Our address that it came to.
    pub local_address: String,
    /// Its socket's descriptor, for CLIENT LIST.
    pub descriptor: i32,
    /// Whether it came by the Unix socket.
    pub is_local_socket: bool,
    /// When it connected (monotonic ms).
    pub connected_ms: u64,
    /// When it last sent or took something (monotonic ms).
    pub active_ms: u64,
    /// What it hears.
    pub answers: Answers,
    /// Whether it is no connection but a part of the server: it replays the log.
    pub is_internal: bool,
    /// Whether it sees all calls (MONITOR).
    pub is_monitor: bool,
    /// What a monitor was shown in this round; under `appendfsync always` also before, as long as that must not leave.
    pub shown: Vec<u8>,
    /// Whether maxmemory-clients spares it.
    pub no_evict: bool,
    /// Whether it follows redirections to another server (CLIENT CAPA).
    pub follows_redirects: bool,
    /// Whether its reads are no uses.
    pub no_touch: bool,
    /// How it is to end.
    pub closing: Closing,
    /// The log offset that must be durable before its replies may leave.
    pub held_for: u64,
    /// The same for replies that show the server as a whole; not waited for while the disk refuses.
    pub looks_at: u64,
    /// The same for messages that tell it of what others did.
    pub told_for: u64,
    /// The log offset behind its last write.
    pub last_write_offset: u64,
    /// Its row's number of the last call, whatever became of it, if it was of a command.
    pub last_command: Option<usize>,
    /// Calls it made.
    pub calls: u64,
    /// Bytes it sent.
    pub bytes_in: u64,
    /// Bytes it was sent.
    pub bytes_out: u64,
    /// Bytes of input that wait for the rest of a call.
    pub input_bytes: usize,
    /// Bytes of memory that its input takes.
    pub input_capacity: usize,
    /// Bytes of those that are words of a call that has not come whole.
    pub argument_bytes: usize,
    /// What it took when it was last weighed.
    pub weight: Weight,
    /// Since when its output is past the soft limit (monotonic ms).
    pub over_soft_limit_since_ms: Option<u64>,
    /// Whether it stands in the list of those with output.
    pub is_pending: bool,
    /// Whether its next call waits for a gate.
    pub is_parked: bool,
    /// What it waits for, if it does.
    pub wait: Option<Box<Wait>>,
    /// What it has queued since MULTI; `None`: its calls run at once.
    pub transaction: Option<Box<Transaction>>,
    /// What EXEC runs for it just now.
    pub executing: Option<Executing>,
    /// What it watches.
    pub watched: Watched,
    /// What it listens to.
    pub subscriptions: Subscriptions,
    /// How it is told of changes, if it is.
    pub tracking: Option<Box<Tracking>>,
    /// Its number among those whose reads are remembered, once it was one of them.
    pub reader: Option<Reader>,
}

impl Client {
    /// The log offset that must be durable before its output may leave.
    #[inline]
    pub fn waits_for(&self) -> u64 {
        self.answers_wait_for().max(self.told_for)
    }

    /// The log offset that must be durable before its answers may leave: no other call of it runs until then.
    #[inline]
    pub fn answers_wait_for(&self) -> u64 {
        self.held_for.max(self.looks_at)
    }

    /// Whether it comes from this machine: by the Unix socket or a loopback address.
    pub fn is_local(&self) -> bool {
        let is_loopback =
            |address: &str| address.parse::<SocketAddr>().is_ok_and(|a| a.ip().to_canonical().is_loopback());
        self.is_local_socket || is_loopback(&self.address)
    }
}

/// All clients.
#[derive(Default)]
pub struct Clients {
    slots: Slab<Client>,
    by_id: BTreeMap<u64, ClientIndex>,
    next_id: u64,
    pending: Vec<ClientIndex>,
    /// Clients that see all calls.
    pub monitors: Vec<ClientIndex>,
    /// Who waits for which keys.
    pub waiters: Waiters,
    /// Who watches which keys.
    pub watchers: Watchers,
    /// Who listens to which channels.
    pub pubsub: PubSub,
    /// What they take.
    pub memory: ClientMemory,
    /// Who is told of changes to what.
    pub trackers: Trackers,
    /// Whether anybody wants to know which keys change.
    pub observed: bool,
    /// Whether changes of keys are published.
    publishes_changes: bool,
    /// Whether a client that waited may go on.
    pub has_unparked: bool,
}

impl Clients {
    /// Adds a client and gives it a number of its own.
    pub fn add(&mut self, mut client: Client) -> ClientIndex {
        self.next_id += 1;
        client.id = self.next_id;
        let id = client.id;
        let index = self.slots.insert(client);
        self.by_id.insert(id, index);
        index
    }

    /// Removes a client that has gone.
    pub fn remove(&mut self, index: ClientIndex) -> Client {
        self.monitors.retain(|&monitor| monitor != index);
        self.end_wait(index);
        self.unwatch(index);
        self.unsubscribe_all(index);
        self.end_reading(index);
        self.forget_weight(index);
        self.by_id.remove(&self.slots[index].id);
        self.slots.remove(index)
    }

    /// Whether anybody wants to know which keys change may have become otherwise.
    pub(super) fn note_observers(&mut self) {
        self.observed = self.publishes_changes
            || !self.waiters.is_empty()
            || !self.watchers.is_empty()
            || self.trackers.want_changes();
    }

    /// Changes of keys are published from now on, or no longer.
    pub(super) fn publish_changes(&mut self, yes: bool) {
        self.publishes_changes = yes;
        self.note_observers();
    }

    /// The client at a place; panics when there is none.
    #[inline]
    pub fn get(&self, index: ClientIndex) -> &Client {
        &self.slots[index]
    }

    /// The same, to be changed.
    #[inline]
    pub fn get_mut(&mut self, index: ClientIndex) -> &mut Client {
        &mut self.slots[index]
    }

    /// The client at a place, if there is one.
    pub fn find(&self, index: ClientIndex) -> Option<&Client> {
        self.slots.get(index)
    }

    /// The place of the client of this number, if it is connected.
    pub fn with_id(&self, id: u64) -> Option<ClientIndex> {
        self.by_id.get(&id).copied()
    }

    /// The places of all clients, those that came first in front.
    pub fn by_age(&self) -> Vec<ClientIndex> {
        self.by_id.values().copied().collect()
    }

    /// Clients that are connected.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (ClientIndex, &Client)> {
        self.slots.iter()
    }

    /// All of them, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (ClientIndex, &mut Client)> {
        self.slots.iter_mut()
    }

    /// Says that a client has output, or is to be closed: `net` will look at it at the end of the round.
    #[inline]
    pub fn mark_pending(&mut self, index: ClientIndex) {
        let client = &mut self.slots[index];
        if !client.is_pending {
            client.is_pending = true;
            self.pending.push(index);
        }
    }

    /// A message has come for a client. If its own call runs, what it hears now stands behind the answer.
    pub(super) fn note_told(&mut self, index: ClientIndex) {
        self.slots[index].raised |= gates::TOLD;
        self.mark_pending(index);
    }

    /// Ends a connection: at once, or, when it is the caller's own, when it has the answer.
    pub fn end(&mut self, index: ClientIndex, caller: Option<ClientIndex>) {
        let is_caller = caller == Some(index);
        self.slots[index].closing = if is_caller { Closing::AfterReplies } else { Closing::Now };
        self.mark_pending(index);
    }

    /// Takes the list of clients marked since the last call; `spare` becomes the next list.
    pub fn take_pending(&mut self, spare: Vec<ClientIndex>) -> Vec<ClientIndex> {
        let pending = std::mem::replace(&mut self.pending, spare);
        for &index in &pending {
            if let Some(client) = self.slots.get_mut(index) {
                client.is_pending = false;
            }
        }
        pending
    }

    /// Whether any client is marked.
    pub fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }
}
