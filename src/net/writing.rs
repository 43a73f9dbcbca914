//! The end of a round: replies leave, connections that are to end do.

use super::connection::Socket;
use super::event_loop::EventLoop;
use super::reading::OUTPUT_FIRST_BYTES;
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
    }

    /// Writes what one client's socket takes.
    pub(super) fn write_one(&mut self, index: ClientIndex) {
        let Some(connection) = self.connections.get_mut(index).and_then(Option::as_mut) else { return };
        let server = &mut self.dispatcher.server;
        if server.clients.get(index).output.counted_bytes() > 0 {
            server.check_output_limit(index);
        }
        let client = server.clients.get_mut(index);
        if client.closing == Closing::Now {
            return self.close(index);
        }
        if client.waits_for() > self.durable_offset {
            if !connection.is_held {
                connection.is_held = true;
                self.held.push(index);
            }
            return;
        }
        let mut written = 0;
        while connection.is_writable && (!client.output.is_empty() || connection.socket.has_unsent()) {
            let result = match client.output.chunk_count() {
                _ if client.output.is_empty() => connection.socket.flush().map(|()| 0),
                0 => connection.socket.write(client.output.front()),
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
        client.bytes_out += written as u64;
        server.counters.bytes_out += written as u64;
        if client.output.is_empty() && !connection.socket.has_unsent() {
            if client.closing == Closing::AfterReplies {
                return self.close(index);
            }
            client.over_soft_limit_since_ms = None;
            if let Some(buffer) = client.output.take_buffer() {
                self.give_back(buffer);
            }
            self.queue_if_readable(index);
        } else {
            if connection.is_writable {
                server.clients.mark_pending(index);
            }
            server.check_output_limit(index);
        }
        self.count_buffers(index);
    }

    /// Queues a client that has more to say, or to be run.
    pub(super) fn queue_if_readable(&mut self, index: ClientIndex) {
        let Some(connection) = self.connections.get(index).and_then(Option::as_ref) else { return };
        if (connection.is_readable || connection.has_calls) && !connection.is_parked {
            self.queue(index);
        }
    }

    /// Counts the memory of a client's buffers. The first buffer of its replies comes from the loop's spare ones, which are weighed
    /// with the process: counted here too, each call would look for a moment as if memory were short.
    pub(super) fn count_buffers(&mut self, index: ClientIndex) {
        let Some(connection) = self.connections.get_mut(index).and_then(Option::as_mut) else { return };
        let client = self.dispatcher.server.clients.get(index);
        let output = client.output.capacity().saturating_sub(OUTPUT_FIRST_BYTES) + client.shown.capacity();
        let bytes = output + client.input_capacity;
        let total = &mut self.dispatcher.server.client_buffer_bytes;
        *total = *total + bytes - connection.counted_bytes;
        connection.counted_bytes = bytes;
    }

    /// Ends a connection at once.
    pub(super) fn close(&mut self, index: ClientIndex) {
        let Some(connection) = self.connections.get_mut(index).and_then(Option::take) else { return };
        self.dispatcher.server.client_buffer_bytes -= connection.counted_bytes;
        self.dispatcher.server.clients.remove(index);
        self.give_back(connection.rest);
    }
}

/// Says why and closes a connection that is not to become a client.
pub(super) fn refuse(mut socket: Socket, text: &str) {
    // One line fits any socket's buffer; a peer that is gone does not hear it.
    let _ = socket.write(format!("-{text}\r\n").as_bytes());
}
