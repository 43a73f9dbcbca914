//! A client's turn: read what is there, run the calls in it, keep the half one.
//!
//! Turns are taken in groups: all clients of a group are read before the calls of the first are run, so that the cache is asked
//! for the keys of all of them together. A client that sends one call at a time waits for no line of memory longer than one
//! with a pipeline.

use super::connection::Connection;
use super::event_loop::EventLoop;
use crate::commands::connection::client::line::describe;
use crate::dispatch::{Batch, Turn};
use crate::formats::resp::output::Output;
use crate::formats::resp::request::{BIG, KEPT_MAX_BYTES};
use crate::server::Server;
use crate::server::acl::log::{Denial, Origin, Reason};
use crate::server::client_memory::OUTPUT_FIRST_BYTES;
use crate::server::clients::{ClientIndex, Closing};
use std::io::{self, Read};
use std::ops::Range;

/// Bytes read at once into the loop's own buffer.
const READ_BYTES: usize = 64 * 1024;
/// That buffer: a group of turns ends when what is left is no longer enough for a read.
pub(super) const INPUT_BYTES: usize = 2 * READ_BYTES;
/// Turns of a group at most ...
pub(super) const GROUP_TURNS: usize = 16;
/// ... and about so many calls that are looked at ahead, of which each asks for two to five lines.
const GROUP_CALLS: usize = 128;
/// A buffer with less room is not kept for others.
const LEAST_SPARE_BYTES: usize = OUTPUT_FIRST_BYTES / 4;
/// Half requests longer than this stay in a buffer of their own instead of being copied to and fro.
const OWN_BUFFER_BYTES: usize = 16 * 1024;
/// Bytes read at once of a bulk that has an allocation of its own.
const BIG_READ_BYTES: usize = 1 << 20;
/// Who takes no reply for so long may be about to say all it has to say before it listens: it is read from all the same.
const STALL_MS: u64 = 10;
/// Up to so many unsent bytes; beyond, only while so much of what it says waits that it may be stuck in saying it.
const STALLED_MAX_BYTES: usize = 32 << 20;

/// What a read brought.
enum Brought {
    /// Bytes.
    Some(usize),
    /// Nothing for now.
    Nothing,
    /// The peer has closed, or the connection broke.
    End,
}

fn brought(result: io::Result<usize>) -> Brought {
    match result {
        Ok(0) => Brought::End,
        Ok(n) => Brought::Some(n),
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => Brought::Nothing,
        Err(e) if e.kind() == io::ErrorKind::Interrupted => Brought::Some(0),
        Err(_) => Brought::End,
    }
}

/// What a client of a group has sent: bytes of the loop's buffer.
struct Received {
    index: ClientIndex,
    bytes: Range<usize>,
}

impl EventLoop {
    /// Takes a group of turns, at most `most`; gives how many. What is left of it at `end_ns` is run in the next round.
    pub(super) fn take_turns(&mut self, most: usize, end_ns: u64) -> usize {
        let (mut input, mut batches) = (std::mem::take(&mut self.input), std::mem::take(&mut self.batches));
        let mut group: smallvec::SmallVec<[Received; GROUP_TURNS]> = smallvec::SmallVec::new();
        let (mut turns, mut calls, mut end) = (0, 0, 0);
        while turns < most.min(GROUP_TURNS)
            && calls < GROUP_CALLS
            && let Some(room) = input.get_mut(end..end + READ_BYTES)
            && let Some(index) = self.ready.pop_front()
        {
            turns += 1;
            let Some(len) = self.begin_turn(index, room) else { continue };
            if self.connection(index).partial.is_empty() {
                calls += self.dispatcher.look_ahead(index, &room[..len], &mut batches[group.len()]);
            }
            group.push(Received { index, bytes: end..end + len });
            end += len;
        }
        if calls > 1 {
            let inputs = group.iter().map(|received| &input[received.bytes.clone()]);
            let mut together: smallvec::SmallVec<[_; GROUP_TURNS]> = inputs.zip(&mut batches).collect();
            self.dispatcher.look_further(&mut together);
        }
        if !group.is_empty() {
            self.dispatcher.server.advance_clock();
        }
        for (Received { index, bytes }, batch) in group.into_iter().zip(&mut batches) {
            match self.dispatcher.server.time.monotonic_ns < end_ns {
                true => self.run_calls(index, &input[bytes], Some(batch)),
                false => self.postpone(index, &input[bytes], batch),
            }
        }
        (self.input, self.batches) = (input, batches);
        turns
    }

    /// The round is long enough: what a client has sent waits for the next one.
    fn postpone(&mut self, index: ClientIndex, bytes: &[u8], batch: &mut Batch) {
        batch.forget();
        let rest = self.kept(bytes);
        let connection = self.connection(index);
        (connection.rest, connection.has_calls) = (rest, true);
        self.queue(index);
    }

    /// Begins the turn of a client that may have something to say: reads into `room` what is to be run with its group, and gives
    /// how long it is, what was left of the last read included. A turn of another kind is taken at once.
    fn begin_turn(&mut self, index: ClientIndex, room: &mut [u8]) -> Option<usize> {
        self.queued[index] = false;
        let connection = self.connections.get_mut(index)?.as_mut()?;
        let client = self.dispatcher.server.clients.get(index);
        if client.wait.is_some() && connection.is_read_closed {
            self.end_input(index);
        } else if connection.is_parked || client.closing != Closing::No {
            // It is queued again when it may go on.
        } else if client.output.len() > connection.pause_bytes {
            self.stall(index); // it is queued again when its replies have left
        } else if client.answers_wait_for() > self.durable_offset {
            // The same; but with replies switched off there are none, and it has to be remembered.
            self.dispatcher.server.clients.mark_pending(index);
        } else if connection.has_calls {
            connection.has_calls = false;
            self.run_rest(index);
        } else if connection.partial.filling > 0 {
            self.fill_big(index);
        } else if connection.rest.len() > OWN_BUFFER_BYTES {
            self.read_into_rest(index);
        } else {
            return self.read_into(index, room);
        }
        None
    }

    /// A client is not read from for now.
    fn stall(&mut self, index: ClientIndex) {
        let unsent = self.dispatcher.server.clients.get(index).output.len();
        let now_ms = self.dispatcher.server.time.monotonic_ms();
        if self.connection(index).stalled.replace((now_ms, unsent)).is_none() {
            self.stalled.push(index);
        }
    }

    /// Looks at those who are not read from because of their replies. One who has taken none of them for a while is read from again, up to
    /// twice as many, and so on: many libraries send a whole pipeline before they read. Gives when to look again (ms).
    pub(super) fn free_stalled(&mut self) -> Option<u64> {
        let now_ms = self.dispatcher.server.time.monotonic_ms();
        for index in std::mem::take(&mut self.stalled) {
            let Some(connection) = self.connections.get_mut(index).and_then(Option::as_mut) else { continue };
            let Some((since_ms, before)) = connection.stalled else { continue };
            let unsent = self.dispatcher.server.clients.get(index).output.len();
            if unsent < before {
                connection.stalled = Some((now_ms, unsent));
            } else if now_ms.saturating_sub(since_ms) >= STALL_MS {
                let is_stuck = unsent >= STALLED_MAX_BYTES && connection.socket.is_filled();
                connection.pause_bytes = if is_stuck { 2 * unsent } else { (2 * unsent).min(STALLED_MAX_BYTES) };
            }
            if unsent > connection.pause_bytes {
                self.stalled.push(index);
            } else {
                connection.stalled = None;
                self.queue_if_readable(index);
            }
        }
        (!self.stalled.is_empty()).then_some(STALL_MS)
    }

    fn connection(&mut self, index: ClientIndex) -> &mut Connection {
        self.connections[index].as_mut().expect("checked when its turn began")
    }

    /// The common way: the loop's buffer, behind what is left of the last read.
    fn read_into(&mut self, index: ClientIndex, room: &mut [u8]) -> Option<usize> {
        let connection = self.connection(index);
        let kept = connection.rest.len();
        room[..kept].copy_from_slice(&connection.rest);
        let outcome = brought(connection.socket.read(&mut room[kept..]));
        let has_unsent = connection.socket.has_unsent();
        let server = &mut self.dispatcher.server;
        if has_unsent {
            server.clients.mark_pending(index); // a handshake's answer
        }
        let connection = self.connections[index].as_mut().expect("checked when its turn began");
        if let Some(name) = connection.socket.peer_name(server.config.tls_auth_clients_user) {
            enter_by_certificate(server, index, name);
        }
        match outcome {
            Brought::Some(n) => {
                connection.is_readable = kept + n == room.len() || connection.is_read_closed;
                if kept > 0 {
                    let buffer = std::mem::take(&mut connection.rest);
                    self.give_back(buffer);
                }
                self.count_input(index, n);
                return Some(kept + n);
            }
            Brought::Nothing => connection.is_readable = false,
            Brought::End => self.end_input(index),
        }
        None
    }

    /// A long half request: read behind it, where it is.
    fn read_into_rest(&mut self, index: ClientIndex) {
        let connection = self.connection(index);
        let before = connection.rest.len();
        let limit = before.clamp(READ_BYTES, BIG_READ_BYTES);
        connection.rest.reserve(limit);
        let result = (&mut connection.socket).take(limit as u64).read_to_end(&mut connection.rest);
        let n = connection.rest.len() - before;
        if n == 0 {
            match brought(result) {
                Brought::Nothing => connection.is_readable = false,
                _ => self.end_input(index),
            }
            return;
        }
        connection.is_readable = result.is_ok(); // an error comes again at the next read
        self.count_input(index, n);
        self.run_rest(index);
    }

    /// Runs the calls that stand in `rest`.
    fn run_rest(&mut self, index: ClientIndex) {
        let bytes = std::mem::take(&mut self.connection(index).rest);
        self.run_calls(index, &bytes, None);
        self.give_back(bytes);
    }

    /// A big bulk: read straight into its own allocation, which grows with what has come.
    fn fill_big(&mut self, index: ClientIndex) {
        let connection = self.connection(index);
        let filling = connection.partial.filling;
        let big = connection.partial.big.last_mut().expect("being filled");
        let before = big.len();
        let missing = filling - before;
        big.reserve_exact(missing.min(before.max(BIG_READ_BYTES)));
        let result = (&mut connection.socket).take(missing.min(BIG_READ_BYTES) as u64).read_to_end(big);
        let n = big.len() - before;
        if n == 0 {
            match brought(result) {
                Brought::Nothing => connection.is_readable = false,
                _ => self.end_input(index),
            }
            return;
        }
        connection.is_readable = result.is_ok();
        let is_filled = big.len() == filling;
        self.count_input(index, n);
        // A call whose last bytes go past the limit is not run: what is to be told of it is told below.
        if is_filled && self.input_bytes(index) <= self.query_limit() && self.may_take(index) {
            self.run_rest(index);
        } else {
            self.after_turn(index, Turn::Drained);
        }
    }

    /// Runs the calls in `bytes` and keeps what is left of them.
    fn run_calls(&mut self, index: ClientIndex, bytes: &[u8], batch: Option<&mut Batch>) {
        let connection = self.connections[index].as_mut().expect("checked when its turn began");
        let mut partial = std::mem::take(&mut connection.partial);
        let client = self.dispatcher.server.clients.get_mut(index);
        if client.output.capacity() == 0 {
            client.output =
                Output::with_buffer(self.spare.pop().unwrap_or_else(|| Vec::with_capacity(OUTPUT_FIRST_BYTES)));
        }
        let (consumed, turn) = match batch {
            Some(batch) => self.dispatcher.run_ahead(index, bytes, &mut partial, batch),
            None => self.dispatcher.run(index, bytes, &mut partial),
        };
        let mut left = &bytes[consumed..];
        if partial.filling > 0 && partial.big.len() < partial_bulks(&partial) {
            // A big bulk has begun: what there is of it goes to its own allocation, only the head stays.
            let body = &left[partial.progress.at..];
            let mut big = Vec::with_capacity(partial.filling.min(body.len().max(BIG_READ_BYTES)));
            big.extend_from_slice(body);
            partial.big.push(big);
            left = &left[..partial.progress.at];
        }
        if !left.is_empty() && turn != Turn::Closed {
            self.connection(index).rest = self.kept(left);
        }
        self.connection(index).partial = partial;
        self.after_turn(index, turn);
    }

    fn after_turn(&mut self, index: ClientIndex, turn: Turn) {
        let query_limit = self.query_limit();
        let connection = self.connection(index);
        connection.is_parked = turn == Turn::Parked;
        connection.has_calls = matches!(turn, Turn::Again | Turn::Parked);
        let goes_on = turn == Turn::Again || (turn == Turn::Drained && connection.is_readable);
        match turn {
            Turn::Parked => self.parked.push(index),
            _ if goes_on => self.queue(index),
            _ => {}
        }
        let input_bytes = self.input_bytes(index);
        let client = self.dispatcher.server.clients.get_mut(index);
        if input_bytes > query_limit {
            log::warn!(client = client.id; "closing a client that reached the query buffer limit");
            client.closing = Closing::Now;
            self.dispatcher.server.counters.query_limit_disconnections += 1;
            self.dispatcher.server.clients.mark_pending(index);
        }
        // Who has too many replies goes before anybody is evicted for them.
        if self.dispatcher.server.clients.get(index).output.counted_bytes() > 0 {
            self.dispatcher.server.check_output_limit(index);
        }
        self.keep_no_empty_buffer(index);
        self.note_input(index);
        self.evict_clients();
    }

    /// Who has heard nothing, since its call waits or is not whole, needs no buffer for replies meanwhile: it may be one of very many.
    fn keep_no_empty_buffer(&mut self, index: ClientIndex) {
        if let Some(buffer) = self.dispatcher.server.clients.get_mut(index).output.take_buffer() {
            self.give_back(buffer);
        }
    }

    /// Whether a client may take what it takes with a call that has just come whole: if not, it is evicted before the call runs.
    fn may_take(&mut self, index: ClientIndex) -> bool {
        if self.dispatcher.server.client_limit_bytes == 0 {
            return true;
        }
        self.note_input(index);
        self.evict_clients();
        self.dispatcher.server.clients.get(index).closing == Closing::No
    }

    /// Notes what a client's input takes.
    fn note_input(&mut self, index: ClientIndex) {
        let (input_bytes, argument_bytes) = (self.input_bytes(index), self.argument_bytes(index));
        let connection = self.connection(index);
        let capacity = connection.rest.capacity() + connection.partial.capacity();
        let clients = &mut self.dispatcher.server.clients;
        let client = clients.get_mut(index);
        (client.input_bytes, client.input_capacity) = (input_bytes, capacity);
        client.argument_bytes = argument_bytes;
        clients.weigh(index);
    }

    /// Bytes that a client may send of calls that have not run: no call is longer than the log can be read with.
    fn query_limit(&self) -> usize {
        (self.dispatcher.server.config.client_query_buffer_limit_bytes as usize).min(KEPT_MAX_BYTES)
    }

    /// What a client has sent of calls that have not run.
    fn input_bytes(&mut self, index: ClientIndex) -> usize {
        let connection = self.connection(index);
        connection.rest.len() + connection.partial.big.iter().map(Vec::len).sum::<usize>()
    }

    /// How many of those bytes are of words that have come whole, or of their heads: all before a big bulk that is on its way.
    fn argument_bytes(&mut self, index: ClientIndex) -> usize {
        let connection = self.connection(index);
        let begun = connection.partial.big.last().filter(|_| connection.partial.filling > 0).map_or(0, Vec::len);
        if begun > 0 { self.input_bytes(index) - begun } else { 0 }
    }

    fn count_input(&mut self, index: ClientIndex, bytes: usize) {
        let server = &mut self.dispatcher.server;
        server.counters.bytes_in += bytes as u64;
        server.counters.reads += 1;
        let client = server.clients.get_mut(index);
        client.bytes_in += bytes as u64;
        client.active_ms = server.time.monotonic_ms();
    }

    /// The peer says no more: what it asked for is still answered.
    fn end_input(&mut self, index: ClientIndex) {
        self.connection(index).is_readable = false;
        let client = self.dispatcher.server.clients.get_mut(index);
        if client.closing == Closing::No {
            // Who has gone while it waits for a key must not take an element along.
            client.closing = if client.wait.is_some() { Closing::Now } else { Closing::AfterReplies };
        }
        self.dispatcher.server.clients.mark_pending(index);
    }

    /// A copy of what a client has sent too early, or of half a call. Of that there is mostly little, and it may stay for long: no buffer of
    /// the loop's goes with it.
    fn kept(&mut self, bytes: &[u8]) -> Vec<u8> {
        if bytes.len() < LEAST_SPARE_BYTES {
            return bytes.to_vec();
        }
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.extend_from_slice(bytes);
        buffer
    }

    /// A buffer to be used again by whoever needs one next.
    pub(super) fn give_back(&mut self, mut buffer: Vec<u8>) {
        if (LEAST_SPARE_BYTES..=2 * READ_BYTES).contains(&buffer.capacity())
            && self.spare.len() < super::event_loop::SPARE_BUFFERS
        {
            buffer.clear();
            self.spare.push(buffer);
        }
    }
}

/// The client has shown a certificate with this name in it.
fn enter_by_certificate(server: &mut Server, index: ClientIndex, name: &[u8]) {
    if server.authenticate_by_certificate(index, name) {
        return;
    }
    let client = describe(server, index, None);
    let (reason, origin) = (Reason::Certificate, Origin::TopLevel);
    server.note_denial(Denial { reason, origin, object: Vec::new(), user: name.to_vec(), client });
}

/// Big bulks that the half call has announced.
fn partial_bulks(partial: &crate::dispatch::Partial) -> usize {
    partial.ranges.iter().filter(|range| range.start == BIG).count() + 1
}
