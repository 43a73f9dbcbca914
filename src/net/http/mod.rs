//! The metrics port: HTTP/1.1 on the same loop, for scrapers and health checks.
//!
//! ```text
//! EventLoop -> HttpServer::{accept, event, tick}
//!                connection    bytes in, bytes out, deadlines
//!                  request     a head, or why it is none
//!                  routes      what stands at which path; dashboard.html and live, its figures
//!                  response    status, headers, body
//! ```
//!
//! Its connections are no clients: they have a slab and tokens of their own, and `maxclients` does not count them. Each takes a
//! bounded amount of memory and gives one answer per round; the text of `/metrics` is made once per round, however many ask.

mod connection;
mod credentials;
mod live;
mod request;
mod response;
mod routes;
#[cfg(test)]
mod tests;

use super::connection::Socket;
use crate::dispatch::Dispatcher;
use connection::{Connection, Step};
use mio::event::Event;
use mio::{Registry, Token};
use slab::Slab;

/// Tokens from here on, up to those of the listeners, are connections of this port.
pub const FIRST_TOKEN: usize = usize::MAX / 4;
/// Connections that are served.
const CONNECTIONS: usize = 64;
/// Connections beyond those that are told so (503); more are closed at once.
const SURPLUS: usize = 16;
/// How often deadlines are looked at, in milliseconds.
const CHECK_MS: u64 = 250;

/// The metrics port's connections.
#[derive(Default)]
pub struct HttpServer {
    connections: Slab<Connection>,
    has_work: bool,
    next_check_ms: u64,
}

impl HttpServer {
    /// Takes a connection that has just come. `now_ms` is of the monotonic clock.
    pub fn accept(&mut self, mut socket: Socket, registry: &Registry, now_ms: u64) {
        let count = self.connections.len();
        if count >= CONNECTIONS + SURPLUS {
            return;
        }
        let place = self.connections.vacant_entry();
        if socket.register(registry, Token(FIRST_TOKEN + place.key())).is_ok() {
            place.insert(Connection::new(socket, count >= CONNECTIONS, now_ms));
            self.has_work = true;
        }
    }

    /// Takes an event of one of its sockets.
    pub fn event(&mut self, token: Token, event: &Event) {
        let Some(connection) = self.connections.get_mut(token.0 - FIRST_TOKEN) else { return };
        connection.note(event);
        self.has_work = true;
    }

    /// Whether somebody can go on at once: then the loop must not sleep.
    pub fn has_work(&self) -> bool {
        self.has_work
    }

    /// Lets every connection that can go on do one step, and closes those whose time is over.
    pub fn tick(&mut self, dispatcher: &mut Dispatcher) {
        let now_ms = dispatcher.server.time.monotonic_ms();
        let durable = dispatcher.looked_at_offset();
        let is_free = |connection: &Connection| (1..=durable).contains(&connection.held_for);
        if self.has_work || self.connections.iter().any(|(_, connection)| is_free(connection)) {
            self.has_work = false;
            let mut metrics = None;
            self.connections.retain(|_, connection| {
                let is_surplus = connection.is_surplus;
                let step = connection.step(now_ms, durable, &mut |request, out| {
                    let response = match is_surplus {
                        true => routes::refuse_surplus(),
                        false => routes::answer(request, dispatcher, &mut metrics),
                    };
                    response.encode(request, dispatcher.server.time.wall_ms(), out);
                    if routes::shows_data(request) { dispatcher.shown_offset() } else { 0 }
                });
                self.has_work |= step == Step::Again;
                step != Step::End
            });
        }
        if now_ms >= self.next_check_ms {
            self.next_check_ms = now_ms + CHECK_MS;
            self.connections.retain(|_, connection| now_ms < connection.deadline_ms);
        }
    }
}
