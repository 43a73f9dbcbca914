//! The loop: one poll, all sockets, and the order of a round.
//!
//! ```text
//! poll -> mark ready -> each ready client's turn (read, run) -> tick (expiry, log, slices) -> write replies -> poll
//! ```
//!
//! Edges do not repeat: whoever is left with more to read, or to run, stands in `ready` and the next poll does not wait.

use super::connection::{Connection, Socket};
use super::listener::{Listener, Serves};
use super::reading::INPUT_BYTES;
use super::writing::refuse;
use crate::dispatch::Dispatcher;
use crate::server::clients::{Client, ClientIndex};
use mio::{Events, Poll, Token};
use std::collections::VecDeque;
use std::io;
use std::time::Duration;

/// Buffers kept for clients that need one.
pub(super) const SPARE_BUFFERS: usize = 256;
/// Events taken per poll.
const EVENTS: usize = 1024;
/// Clients' turns per round: then replies leave, and the rest goes on.
const ROUND_TURNS: usize = 1024;
const FIRST_LISTENER: usize = usize::MAX / 2;

/// Everything that owns a socket.
pub struct EventLoop {
    /// What calls run on.
    pub dispatcher: Dispatcher,
    poll: Poll,
    listeners: Vec<Listener>,
    pub(super) connections: Vec<Option<Connection>>,
    ready: VecDeque<ClientIndex>,
    pub(super) parked: Vec<ClientIndex>,
    /// Clients whose replies wait for the disk.
    pub(super) held: Vec<ClientIndex>,
    pub(super) pending: Vec<ClientIndex>,
    pub(super) input: Box<[u8]>,
    pub(super) spare: Vec<Vec<u8>>,
    /// Up to where the log is durable: replies that depend on more wait.
    pub(super) durable_offset: u64,
}

impl EventLoop {
    /// A loop over a dispatcher, with no socket yet.
    pub fn new(dispatcher: Dispatcher) -> io::Result<EventLoop> {
        Ok(EventLoop {
            dispatcher,
            poll: Poll::new()?,
            listeners: Vec::new(),
            connections: Vec::new(),
            ready: VecDeque::new(),
            parked: Vec::new(),
            held: Vec::new(),
            pending: Vec::new(),
            input: vec![0; INPUT_BYTES].into_boxed_slice(),
            spare: Vec::new(),
            durable_offset: u64::MAX,
        })
    }

    /// Adds a listener.
    pub fn listen(&mut self, mut listener: Listener) -> io::Result<()> {
        listener.register(self.poll.registry(), Token(FIRST_LISTENER + self.listeners.len()))?;
        self.listeners.push(listener);
        Ok(())
    }

    /// Runs until something ends it.
    pub fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        let mut sleep_ms = Some(0);
        loop {
            let timeout =
                if self.ready.is_empty() { sleep_ms.map(Duration::from_millis) } else { Some(Duration::ZERO) };
            match self.poll.poll(&mut events, timeout) {
                Err(e) if e.kind() != io::ErrorKind::Interrupted => return Err(e),
                _ => {}
            }
            for event in &events {
                let token = event.token().0;
                if token >= FIRST_LISTENER {
                    self.listeners[token - FIRST_LISTENER].is_ready = true;
                    continue;
                }
                let Some(connection) = self.connections.get_mut(token).and_then(Option::as_mut) else { continue };
                if event.is_readable() || event.is_read_closed() || event.is_error() {
                    connection.is_readable = true;
                    self.queue(token);
                }
                if event.is_writable()
                    && let Some(connection) = self.connections[token].as_mut()
                    && !connection.is_writable
                {
                    connection.is_writable = true;
                    self.dispatcher.server.clients.mark_pending(token);
                }
            }
            self.round();
            sleep_ms = self.dispatcher.tick();
            self.write_replies();
        }
    }

    /// New connections, then the turns of those that are ready.
    fn round(&mut self) {
        for i in 0..self.listeners.len() {
            if self.listeners[i].is_ready {
                self.accept(i);
            }
        }
        for _ in 0..self.ready.len().min(ROUND_TURNS) {
            let Some(index) = self.ready.pop_front() else { break };
            self.turn(index);
        }
    }

    /// Puts a client into the queue for a turn.
    #[inline]
    pub(super) fn queue(&mut self, index: ClientIndex) {
        let Some(connection) = self.connections[index].as_mut() else { return };
        if !connection.is_queued {
            connection.is_queued = true;
            self.ready.push_back(index);
        }
    }

    fn accept(&mut self, listener: usize) {
        loop {
            match self.listeners[listener].accept() {
                Ok((socket, peer, local)) => self.admit(listener, socket, peer, local),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    self.listeners[listener].is_ready = false;
                    return;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    fn admit(&mut self, listener: usize, mut socket: Socket, peer: String, local: String) {
        debug_assert_eq!(self.listeners[listener].serves, Serves::Clients);
        if let Socket::Tcp(stream) = &socket {
            let _ = stream.set_nodelay(true);
        }
        let clients = &mut self.dispatcher.server.clients;
        if clients.len() >= self.dispatcher.server.config.maxclients as usize {
            if let Socket::Tcp(stream) = socket {
                refuse(stream, "ERR max number of clients reached");
            }
            return;
        }
        let index = clients.add(Client {
            address: peer,
            local_address: local,
            descriptor: socket.number(),
            is_local_socket: matches!(socket, Socket::Unix(_)),
            ..Client::default()
        });
        if socket.register(self.poll.registry(), Token(index)).is_err() {
            clients.remove(index);
            return;
        }
        if self.connections.len() <= index {
            self.connections.resize_with(index + 1, || None);
        }
        self.connections[index] = Some(Connection::new(socket));
        self.queue(index);
    }
}
