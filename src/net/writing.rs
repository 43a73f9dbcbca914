//! The end of a round: replies leave, connections that are to end do.

use super::connection::{OUTPUT_PAUSE_BYTES, Socket};
use super::event_loop::EventLoop;
use crate::commands::connection::client::line::describe;
use crate::server::clients::{ClientIndex, Closing};
use std::io::{self, Write};

/// Slices of one gathered write.
const SLICES: usize = 16;
/// Bytes written to one client per round, so that a big reply holds up nobody.
const ROUND_BYTES: usize = 4 << 20;

impl EventLoop {
    /// Writes the replies of the round.
    pub(super) fn write_replies(&mut self) {
        let spare = std::mem::take(&mut self.pending);
        let mut pending = self.dispatcher.server.clients.take_pending(spare);
        for &index in &pending {
            if self.dispatcher.server.clients.find(index).is_some() {
                self.write_one(index);
            }
        }
        pending.clear();
        self.pending = pending;
        if self.dispatcher.server.has_too_large_clients() {
            self.evict_clients();
            self.close_marked();
        }
    }

    /// Writes what one client's socket takes.
    fn write_one(&mut self, index: ClientIndex) {
        let Some(connection) = self.connections.get_mut(index).and_then(Option::as_mut) else { return };
        let server = &mut self.dispatcher.server;
        if server.clients.get(index).output.counted_bytes() > 0 {
            server.check_output_limit(index);
        }
        let client = server.clients.get_mut(index);
        if client.closing == Closing::Now {
            return self.close(index);
        }
        let may_leave = connection.may_leave(client, self.durable_offset);
        if may_leave == 0 && !connection.is_held {
            connection.is_held = true;
            self.held.push(index);
        }
        let mut written = 0;
        while connection.is_writable
            && (written < may_leave && !client.output.is_empty() || connection.socket.has_unsent())
        {
            let front = client.output.front();
            let result = match may_leave - written {
                left if left == 0 || client.output.is_empty() => connection.socket.flush().map(|()| 0),
                left if left < client.output.len() => connection.socket.write(&front[..front.len().min(left)]),
                _ if client.output.chunk_count() == 0 => connection.socket.write(front),
                _ => connection.socket.write_vectored(&client.output.slices::<SLICES>()),
            };
            match result {
                Ok(n) => {
                    client.output.advance(n);
                    written += n;
                    server.counters.writes += 1;
                    if written >= ROUND_BYTES {
                        break;
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => connection.is_writable = false,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return self.close(index),
            }
        }
        connection.note_left(written);
        if written > 0 {
            client.active_ms = server.time.monotonic_ms();
        }
        client.bytes_out += written as u64;
        server.counters.bytes_out += written as u64;
        if may_leave == 0 {
            // It goes on when the log has come so far.
        } else if client.output.is_empty() && !connection.socket.has_unsent() {
            if client.closing == Closing::AfterReplies {
                return self.close(index);
            }
            client.over_soft_limit_since_ms = None;
            connection.pause_bytes = OUTPUT_PAUSE_BYTES;
            if let Some(buffer) = client.output.take_buffer() {
                self.give_back(buffer);
            }
            self.queue_if_readable(index);
        } else {
            if connection.is_writable {
                server.clients.mark_pending(index);
            }
            server.check_output_limit(index);
            let is_answered = server.clients.find(index).is_some_and(|c| c.answers_wait_for() <= self.durable_offset);
            if may_leave < usize::MAX && is_answered {
                self.queue_if_readable(index); // what it is told next is no reason not to hear it
            }
        }
        self.dispatcher.server.clients.weigh(index);
    }

    /// Queues a client that has more to say, or to be run.
    pub(super) fn queue_if_readable(&mut self, index: ClientIndex) {
        let Some(connection) = self.connections.get(index).and_then(Option::as_ref) else { return };
        if (connection.is_readable || connection.has_calls) && !connection.is_parked {
            self.queue(index);
        }
    }

    /// Ends the largest clients until all together take no more than they may.
    pub(super) fn evict_clients(&mut self) {
        let server = &mut self.dispatcher.server;
        while server.has_too_large_clients() {
            let Some(index) = server.largest_client() else { return };
            log::info!("Evicting client: {}", describe(server, index, None));
            server.counters.evicted_clients += 1;
            server.clients.get_mut(index).closing = Closing::Now;
            server.clients.weigh(index);
            server.clients.mark_pending(index);
        }
    }

    /// Closes who was marked to be closed after the round's replies were written.
    fn close_marked(&mut self) {
        let all = self.dispatcher.server.clients.take_pending(Vec::new());
        for index in all {
            match self.dispatcher.server.clients.find(index).map(|client| client.closing) {
                Some(Closing::Now) => self.close(index),
                Some(_) => self.dispatcher.server.clients.mark_pending(index),
                None => {}
            }
        }
    }

    /// Ends a connection at once.
    pub(super) fn close(&mut self, index: ClientIndex) {
        let Some(connection) = self.connections.get_mut(index).and_then(Option::take) else { return };
        self.dispatcher.server.clients.remove(index);
        self.give_back(connection.rest);
    }
}

/// Says why and closes a connection that is not to become a client.
pub(super) fn refuse(mut socket: Socket, text: &str) {
    // One line fits any socket's buffer; a peer that is gone does not hear it.
    let _ = socket.write(format!("-{text}\r\n").as_bytes());
}
