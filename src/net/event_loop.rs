//! The loop: one poll, all sockets, and the order of a round.
//!
//! ```text
//! poll -> mark ready -> each ready client's turn (read, run) -> tick (expiry, log, slices) -> write replies -> poll
//! ```
//!
//! Edges do not repeat: whoever is left with more to read, or to run, stands in `ready` and the next poll does not wait.

use super::config_files::plain;
use super::connection::{Connection, Socket};
use super::http::{self, HttpServer};
use super::listener::{Listener, Serves};
use super::operation::Operation;
use super::reading::{GROUP_TURNS, INPUT_BYTES};
use super::signals::{Signal, Signals};
use super::tls::Context;
use super::writing::refuse;
use crate::dispatch::{Batch, Dispatcher};
use crate::server::access::Newcomer;
use crate::server::client_memory::OUTPUT_FIRST_BYTES;
use crate::server::clients::ClientIndex;
use mio::{Events, Poll, Token, Waker};
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Buffers kept for clients that need one.
pub(super) const SPARE_BUFFERS: usize = 256;
/// Events taken per poll.
const EVENTS: usize = 1024;
/// Clients' turns per round, and the time after which no other begins: then replies leave, and the rest goes on.
const ROUND_TURNS: usize = 1024;
const ROUND_NS: u64 = 500_000;
/// How often it is said that descriptors are out.
const WARNING_MS: u64 = 1000;
const FIRST_LISTENER: usize = usize::MAX / 2;
const WAKER: Token = Token(usize::MAX - 1);
const SIGNALS: Token = Token(usize::MAX - 2);

/// Everything that owns a socket.
pub struct EventLoop {
    /// What calls run on.
    pub dispatcher: Dispatcher,
    poll: Poll,
    pub(super) listeners: Vec<Listener>,
    /// What connections with TLS are set up with.
    pub(super) tls: Option<Context>,
    pub(super) operation: Operation,
    signals: Option<Signals>,
    /// A descriptor kept for the day when there is no other.
    spare_descriptor: Option<File>,
    /// When it is said again that there is none.
    next_warning_ms: u64,
    http: HttpServer,
    pub(super) connections: Vec<Option<Connection>>,
    pub(super) ready: VecDeque<ClientIndex>,
    /// Which places stand in `ready`: also when the connection has ended, and its place is another's.
    pub(super) queued: Vec<bool>,
    pub(super) parked: Vec<ClientIndex>,
    /// Clients that are not read from because of their unsent replies.
    pub(super) stalled: Vec<ClientIndex>,
    /// Clients whose replies wait for the disk.
    pub(super) held: Vec<ClientIndex>,
    pub(super) pending: Vec<ClientIndex>,
    pub(super) input: Box<[u8]>,
    /// What was looked at ahead, by place in the group of turns.
    pub(super) batches: Vec<Batch>,
    pub(super) spare: Vec<Vec<u8>>,
    /// Up to where the log is durable: replies that depend on more wait.
    pub(super) durable_offset: u64,
}

impl EventLoop {
    /// A poll and its waker: made first, since the writers' threads need the waker.
    pub fn poll() -> io::Result<(Poll, Arc<Waker>)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        Ok((poll, Arc::new(waker)))
    }

    /// A loop over a dispatcher, with no socket yet.
    pub fn new(poll: Poll, dispatcher: Dispatcher) -> EventLoop {
        EventLoop {
            dispatcher,
            poll,
            listeners: Vec::new(),
            tls: None,
            operation: Operation::default(),
            signals: None,
            spare_descriptor: spare_descriptor(),
            next_warning_ms: 0,
            http: HttpServer::default(),
            connections: Vec::new(),
            ready: VecDeque::new(),
            queued: Vec::new(),
            parked: Vec::new(),
            stalled: Vec::new(),
            held: Vec::new(),
            pending: Vec::new(),
            input: vec![0; INPUT_BYTES].into_boxed_slice(),
            batches: (0..GROUP_TURNS).map(|_| Batch::default()).collect(),
            // The first client would find none: a limit on memory set in the first moments would not know of it.
            spare: vec![Vec::with_capacity(OUTPUT_FIRST_BYTES)],
            durable_offset: u64::MAX,
        }
    }

    /// What connections with TLS are set up with from now on; `None`: there is no port for them.
    pub(super) fn take_tls(&mut self, tls: Option<Context>) {
        let server = &mut self.dispatcher.server;
        server.certificates = tls.as_ref().map(Context::certificates).unwrap_or_default();
        let now_seconds = (server.time.wall_us / 1_000_000) as i64;
        let parts = [("tls-cert-file", &server.certificates.server), ("an authority", &server.certificates.authority)];
        for (what, certificate) in parts {
            if certificate.as_ref().is_some_and(|certificate| certificate.until_seconds < now_seconds) {
                log::warn!("The TLS certificate of {what} has expired");
            }
        }
        self.tls = tls;
    }

    /// Takes the process's signals: for a program that is nothing but this server.
    pub fn take_signals(&mut self) -> io::Result<()> {
        self.signals = Some(Signals::new(self.poll.registry(), SIGNALS, self.dispatcher.interrupt())?);
        Ok(())
    }

    /// Whether the process is nothing but this server.
    pub(super) fn has_signals(&self) -> bool {
        self.signals.is_some()
    }

    /// Adds a listener.
    pub fn listen(&mut self, mut listener: Listener) -> io::Result<()> {
        listener.register(self.poll.registry(), Token(FIRST_LISTENER + self.listeners.len()))?;
        self.listeners.push(listener);
        Ok(())
    }

    /// The first TCP address at which clients come in.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listeners.iter().filter(|listener| listener.is_for_clients()).find_map(Listener::address)
    }

    /// Closes the listeners that `is_unwanted` names.
    pub(super) fn close_listeners(&mut self, is_unwanted: impl Fn(&Listener) -> bool) {
        self.listeners.retain(|listener| !is_unwanted(listener));
        // The token says the place.
        for (place, listener) in self.listeners.iter_mut().enumerate() {
            if let Err(e) = listener.reregister(self.poll.registry(), Token(FIRST_LISTENER + place)) {
                log::error!("A listener cannot be polled: {e}");
            }
            listener.is_ready = true;
        }
    }

    /// Runs until something ends the server; gives the exit code.
    ///
    /// # Errors
    /// What there is to load cannot be loaded, or polling itself failed.
    pub fn run(&mut self) -> Result<i32, String> {
        let mut events = Events::with_capacity(EVENTS);
        let mut sleep_ms = 0;
        loop {
            if let Some(code) = self.dispatcher.exit_code() {
                match self.dispatcher.restart_delay() {
                    None => self.operation.manager.stopping(),
                    Some(_) => self.operation.manager.reloading(),
                }
                self.write_replies();
                return Ok(code);
            }
            let has_more = !self.ready.is_empty()
                || self.has_waiting_connections()
                || self.http.has_work()
                || self.dispatcher.server.clients.has_pending();
            let timeout = if has_more { Duration::ZERO } else { Duration::from_millis(sleep_ms) };
            match self.poll.poll(&mut events, Some(timeout)) {
                Err(e) if e.kind() != io::ErrorKind::Interrupted => return Err(format!("polling failed: {e}")),
                _ => {}
            }
            self.dispatcher.begin_turn();
            for event in &events {
                self.take_event(event.token(), event);
            }
            self.round();
            if self.dispatcher.is_loading() {
                self.dispatcher.step_loading()?;
                sleep_ms = 0;
            } else {
                sleep_ms = self.dispatcher.tick();
            }
            self.operate();
            self.free_held();
            self.write_replies();
            if let Some(bound_ms) = self.free_stalled() {
                sleep_ms = sleep_ms.min(bound_ms);
            }
            self.http.tick(&mut self.dispatcher);
            self.dispatcher.end_turn();
        }
    }

    fn take_event(&mut self, token: Token, event: &mio::event::Event) {
        match token {
            WAKER => return, // whoever woke us is asked in the tick
            SIGNALS => return self.take_pending_signals(),
            Token(t) if t >= FIRST_LISTENER => return self.listeners[t - FIRST_LISTENER].is_ready = true,
            Token(t) if t >= http::FIRST_TOKEN => return self.http.event(token, event),
            _ => {}
        }
        let Some(connection) = self.connections.get_mut(token.0).and_then(Option::as_mut) else { return };
        if event.is_writable() && !connection.is_writable {
            connection.is_writable = true;
            self.dispatcher.server.clients.mark_pending(token.0);
        }
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            connection.is_readable = true;
            connection.is_read_closed |= event.is_read_closed() || event.is_error();
            self.queue(token.0);
        }
    }

    fn take_pending_signals(&mut self) {
        let Some(signals) = &mut self.signals else { return };
        if self.dispatcher.server.ending_signal.is_none() {
            signals.forget(); // what the last one asked for has not come about
        }
        for signal in signals.pending() {
            match signal {
                Signal::Terminate(name) => {
                    self.operation.manager.ending();
                    log::warn!("Received {name} scheduling shutdown...");
                    self.dispatcher.server.ending_signal = Some(name);
                }
                Signal::Reload => self.dispatcher.request_config_reload(),
            }
        }
    }

    /// Replies whose log is durable by now may leave; who waited in its place may go on.
    fn free_held(&mut self) {
        self.durable_offset = self.dispatcher.visible_offset();
        for index in std::mem::take(&mut self.held) {
            let Some(connection) = self.connections[index].as_mut() else { continue };
            if connection.may_leave(self.dispatcher.server.clients.get(index), self.durable_offset) == 0 {
                self.held.push(index);
            } else {
                connection.is_held = false;
                self.dispatcher.server.clients.mark_pending(index);
            }
        }
        if self.dispatcher.take_unparked() {
            for index in std::mem::take(&mut self.parked) {
                if self.dispatcher.server.clients.find(index).is_some_and(|client| client.wait.is_some()) {
                    self.parked.push(index);
                } else if let Some(connection) = self.connections.get_mut(index).and_then(Option::as_mut) {
                    connection.is_parked = false;
                    self.dispatcher.server.clients.get_mut(index).is_parked = false;
                    self.queue(index);
                }
            }
        }
    }

    /// New connections, then the turns of those that are ready.
    fn round(&mut self) {
        for i in 0..self.listeners.len() {
            if self.listeners[i].is_ready {
                self.accept(i);
            }
        }
        let end_ns = self.dispatcher.server.time.monotonic_ns + ROUND_NS;
        let mut left = self.ready.len().min(ROUND_TURNS);
        // The clock is read after each batch of calls.
        while left > 0 && self.dispatcher.server.time.monotonic_ns < end_ns {
            left -= self.take_turns(left, end_ns);
        }
    }

    /// Whether connections may wait that this round did not take. Without a spare descriptor they wait for the next tick.
    fn has_waiting_connections(&self) -> bool {
        self.spare_descriptor.is_some() && self.listeners.iter().any(|listener| listener.is_ready)
    }

    /// Puts a client into the queue for a turn.
    #[inline]
    pub(super) fn queue(&mut self, index: ClientIndex) {
        if self.connections[index].is_some() && !self.queued[index] {
            self.queued[index] = true;
            self.ready.push_back(index);
        }
    }

    /// Takes waiting connections, so many that the others' turns come too; the rest stays for the next round.
    fn accept(&mut self, listener: usize) {
        let config = &self.dispatcher.server.config;
        let most = match self.listeners[listener].serves {
            Serves::TlsClients => config.max_new_tls_connections_per_cycle,
            Serves::Clients | Serves::Metrics => config.max_new_connections_per_cycle,
        };
        for _ in 0..most {
            match self.listeners[listener].accept() {
                Ok((socket, peer, local)) => self.admit(listener, socket, peer, local),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    self.listeners[listener].is_ready = false;
                    return;
                }
                Err(e) if is_out_of_descriptors(&e) => {
                    if !self.turn_one_away(listener, &e) {
                        return;
                    }
                }
                // Of the one connection that was to be taken (it broke, say): the next may be whole.
                Err(e) => log::debug!("Accepting client connection: {e}"),
            }
        }
    }

    /// Out of descriptors: the spare one is used to tell a waiting connection so, instead of leaving it without an answer and the
    /// listener ready for ever. Whether there may be another to tell. (The kernel wants a descriptor before it looks who waits, so
    /// often nobody does.)
    fn turn_one_away(&mut self, listener: usize, error: &io::Error) -> bool {
        let had_spare = self.spare_descriptor.take().is_some();
        match self.listeners[listener].accept() {
            Ok((socket, ..)) => {
                refuse(socket, "ERR max number of clients reached");
                self.dispatcher.server.counters.rejected_connections += 1;
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.listeners[listener].is_ready = false,
            Err(_) => {}
        }
        self.spare_descriptor = spare_descriptor();
        let goes_on = had_spare && self.listeners[listener].is_ready;
        let now_ms = self.dispatcher.server.time.monotonic_ms();
        if goes_on && now_ms >= self.next_warning_ms {
            self.next_warning_ms = now_ms + WARNING_MS;
            log::warn!("Accepting client connection: {}", plain(error));
        }
        goes_on
    }

    fn admit(&mut self, listener: usize, mut socket: Socket, peer: String, local: String) {
        socket.tune(self.dispatcher.server.config.tcp_keepalive_seconds);
        if self.listeners[listener].serves == Serves::Metrics {
            let now_ms = self.dispatcher.server.time.monotonic_ms();
            return self.http.accept(socket, self.poll.registry(), now_ms);
        }
        if self.listeners[listener].serves == Serves::TlsClients {
            match self.encrypt(socket) {
                Some(encrypted) => socket = encrypted,
                None => return,
            }
        }
        let newcomer = Newcomer {
            address: peer,
            local_address: local,
            descriptor: socket.number(),
            is_local_socket: matches!(socket, Socket::Unix(_)),
        };
        let index = match self.dispatcher.server.admit(newcomer) {
            Ok(index) => index,
            Err(text) => return refuse(socket, text),
        };
        if socket.register(self.poll.registry(), Token(index)).is_err() {
            self.dispatcher.server.clients.remove(index);
            return;
        }
        if self.connections.len() <= index {
            self.connections.resize_with(index + 1, || None);
            self.queued.resize(index + 1, false);
        }
        self.connections[index] = Some(Connection::new(socket));
        self.dispatcher.server.clients.weigh(index);
        self.queue(index);
    }

    /// The socket with TLS around it; `None` when that cannot be: then it is closed.
    fn encrypt(&self, socket: Socket) -> Option<Socket> {
        let (Socket::Tcp(stream), Some(tls)) = (socket, &self.tls) else { return None };
        match tls.accept(stream) {
            Ok(stream) => Some(Socket::Tls(Box::new(stream))),
            Err(e) => {
                log::warn!("Error accepting a client connection: {e}");
                None
            }
        }
    }
}

fn spare_descriptor() -> Option<File> {
    File::open("/dev/null").ok()
}

fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}
