//! A connection of the metrics port: bytes in, bytes out, deadlines.
//!
//! ```text
//!          first byte           whole head                 all sent, keep-alive
//!  Idle ---------------> Receiving -----------> Sending ---------------------> Idle (or Receiving: more has come)
//!  75 s                  10 s                   10 s   \  all sent, close
//!                                                       `-----------------> Draining: what the peer still says is read, so
//!                                                                           that it sees the answer and not a reset; 1 s
//! ```
//!
//! While it sends, it does not read: at most `HEAD_BYTES` of input and one answer are held. An idle connection holds no buffer.

use super::request::{HEAD_BYTES, Request};
use crate::net::connection::Socket;
use mio::event::Event;
use std::io::{self, Read, Write};

/// How long a request may take to come, and an answer to be taken, in milliseconds.
const REQUEST_MS: u64 = 10_000;
/// How long a connection may be silent between requests: longer than the usual scrape interval of a minute.
const IDLE_MS: u64 = 75_000;
/// How long a peer is listened to after the last answer.
const DRAIN_MS: u64 = 1_000;
/// Bytes that it may say then.
const DRAIN_BYTES: usize = 256 * 1024;
/// Bytes sent in one round.
const ROUND_BYTES: usize = 256 * 1024;

/// What a connection is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Idle,
    Receiving,
    Sending { sent: usize, keeps_alive: bool },
    Draining { bytes: usize },
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The peer, or time, has to do something.
    Wait,
    /// It can go on at once.
    Again,
    /// The connection is done with.
    End,
}

/// Writes the answer to a request into the buffer; gives the log offset that must be durable before it leaves.
pub(super) type Answer<'a> = &'a mut dyn FnMut(&Request, &mut Vec<u8>) -> u64;

/// A connection.
pub(super) struct Connection {
    socket: Socket,
    stage: Stage,
    input: Vec<u8>,
    output: Vec<u8>,
    is_readable: bool,
    is_writable: bool,
    /// The peer says no more.
    has_ended: bool,
    /// Whether it came when there were enough.
    pub(super) is_surplus: bool,
    /// The log offset that must be durable before its answer leaves (`appendfsync always`).
    pub(super) held_for: u64,
    /// When it is closed if nothing happens (monotonic ms).
    pub(super) deadline_ms: u64,
}

impl Connection {
    pub(super) fn new(socket: Socket, is_surplus: bool, now_ms: u64) -> Connection {
        Connection {
            socket,
            stage: Stage::Receiving,
            input: Vec::new(),
            output: Vec::new(),
            is_readable: true,
            is_writable: true,
            has_ended: false,
            is_surplus,
            held_for: 0,
            deadline_ms: now_ms + REQUEST_MS,
        }
    }

    /// Notes what an event says of the socket.
    pub(super) fn note(&mut self, event: &Event) {
        self.is_readable |= event.is_readable() || event.is_read_closed() || event.is_error();
        self.is_writable |= event.is_writable();
    }

    /// Bytes of memory that its buffers take.
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.input.capacity() + self.output.capacity()
    }

    /// Goes on as far as it can, by one answer at most. The log is durable up to `durable`.
    pub(super) fn step(&mut self, now_ms: u64, durable: u64, answer: Answer<'_>) -> Step {
        let step = match self.stage {
            Stage::Idle | Stage::Receiving => self.receive(now_ms, durable, answer),
            Stage::Sending { .. } => self.send(now_ms, durable),
            Stage::Draining { bytes } => self.drain(bytes),
        };
        // A broken connection ends, in whichever way it broke.
        step.unwrap_or(Step::End)
    }

    fn receive(&mut self, now_ms: u64, durable: u64, answer: Answer<'_>) -> io::Result<Step> {
        self.fill()?;
        if self.stage == Stage::Idle && !self.input.is_empty() {
            (self.stage, self.deadline_ms) = (Stage::Receiving, now_ms + REQUEST_MS);
        }
        if let Some((request, end)) = Request::parse(&self.input) {
            self.input.drain(..end);
            let keeps_alive = request.keeps_alive && !self.is_surplus;
            self.held_for = answer(&Request { keeps_alive, ..request }, &mut self.output);
            (self.stage, self.deadline_ms) = (Stage::Sending { sent: 0, keeps_alive }, now_ms + REQUEST_MS);
            return self.send(now_ms, durable);
        }
        Ok(if self.has_ended { Step::End } else { Step::Wait })
    }

    /// Reads until nothing is left to read, or a head of the longest kind would be there.
    fn fill(&mut self) -> io::Result<()> {
        while self.is_readable && !self.has_ended && self.input.len() < HEAD_BYTES {
            let before = self.input.len();
            self.input.resize(HEAD_BYTES, 0);
            let result = self.socket.read(&mut self.input[before..]);
            self.input.truncate(before + *result.as_ref().unwrap_or(&0));
            match result {
                Ok(0) => self.has_ended = true,
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.is_readable = false,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        if self.input.is_empty() {
            self.input = Vec::new();
        }
        Ok(())
    }

    fn send(&mut self, now_ms: u64, durable: u64) -> io::Result<Step> {
        let Stage::Sending { mut sent, keeps_alive } = self.stage else { return Ok(Step::Wait) };
        if self.held_for > durable {
            return Ok(Step::Wait);
        }
        let most = self.output.len().min(sent + ROUND_BYTES);
        while self.is_writable && sent < most {
            match self.socket.write(&self.output[sent..most]) {
                Ok(0) => return Ok(Step::End),
                Ok(n) => sent += n,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.is_writable = false,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        if sent < self.output.len() {
            self.stage = Stage::Sending { sent, keeps_alive };
            return Ok(if self.is_writable { Step::Again } else { Step::Wait });
        }
        (self.output, self.held_for) = (Vec::new(), 0);
        if keeps_alive {
            (self.stage, self.deadline_ms) = match self.input.is_empty() && !self.has_ended {
                true => (Stage::Idle, now_ms + IDLE_MS),
                false => (Stage::Receiving, now_ms + REQUEST_MS),
            };
            return Ok(if self.is_readable || !self.input.is_empty() { Step::Again } else { Step::Wait });
        }
        self.input = Vec::new();
        self.socket.end_writing()?;
        (self.stage, self.deadline_ms) = (Stage::Draining { bytes: 0 }, now_ms + DRAIN_MS);
        Ok(if self.has_ended { Step::End } else { Step::Again })
    }

    fn drain(&mut self, mut bytes: usize) -> io::Result<Step> {
        let mut unheard = [0; 4096];
        while self.is_readable && bytes < DRAIN_BYTES {
            match self.socket.read(&mut unheard) {
                Ok(0) => return Ok(Step::End),
                Ok(n) => bytes += n,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.is_readable = false,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        self.stage = Stage::Draining { bytes };
        Ok(if bytes < DRAIN_BYTES { Step::Wait } else { Step::End })
    }
}
