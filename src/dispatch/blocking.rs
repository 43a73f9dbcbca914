//! Calls that wait for keys: how a wait begins, how a change of a key ends it, how time or somebody else does.
//!
//! A call that cannot answer says which keys it waits for (`Effects::block`). When a call has changed such a key, it is noted; before
//! anyone's next call, and after the outermost one, those who wait for a key of its type run their call again, the longest waiting first,
//! until the key has gone. What they change may wake others in turn.

use super::{Dispatcher, gates};
use crate::commands::args::Args;
use crate::commands::effects::Block;
use crate::commands::registry::Hot;
use crate::formats::resp::reply::Reply;
use crate::formats::resp::request::Range;
use crate::server::blocking::NewWait;
use crate::server::clients::{ClientIndex, Closing};
use crate::values::Kind;
use std::collections::VecDeque;

/// Below this a sleep would last too long: the loop goes round instead, to be in time for a waiter's deadline.
const SLEEP_GRAIN_NS: u64 = 1_000_000;

/// Keys that have changed and that somebody waits for.
pub(super) type ReadyKeys = VecDeque<(usize, Box<[u8]>)>;

/// A call's words in one buffer, to be run from there.
pub(super) struct Kept {
    buffer: Vec<u8>,
    ranges: Vec<Range>,
}

impl Kept {
    /// Copies the words.
    pub(super) fn new(words: &[Vec<u8>]) -> Kept {
        let mut start = 0;
        let range = |word: &Vec<u8>| {
            let range = Range { start, end: start + word.len() as u32 };
            start = range.end;
            range
        };
        let ranges = words.iter().map(range).collect();
        Kept { buffer: words.concat(), ranges }
    }

    /// The words as a call.
    pub(super) fn args(&self, logged: bool) -> Args<'_> {
        Args::new(&self.buffer, &self.ranges, &mut [], None, logged)
    }
}

impl Dispatcher {
    /// The call that just ran waits for keys.
    #[cold]
    pub(super) fn begin_wait(&mut self, client: ClientIndex, row: &Hot, args: &Args<'_>, block: Block) {
        let deadline_ns =
            block.timeout_us.map(|us| self.server.time.monotonic_ns.saturating_add(us.saturating_mul(1000)));
        self.server.clients.begin_wait(
            client,
            NewWait {
                db: self.server.clients.get(client).db,
                keys: block.keys,
                kind: block.kind,
                deadline_ns,
                call: block.call.unwrap_or_else(|| args.to_vecs()),
                row: row.id,
                even_without_key: block.even_without_key,
                log_offset: block.log_offset,
            },
        );
    }

    /// A key changed: whoever waits for it will run.
    pub(super) fn note_ready(&mut self, db: usize, key: &[u8]) {
        if self.server.clients.waiters.is_awaited(db, key) && !self.ready.iter().any(|(n, k)| *n == db && **k == *key) {
            self.ready.push_back((db, key.into()));
        }
    }

    /// Everything in a database changed (SWAPDB, FLUSHALL): whoever waits for any key of it will run.
    pub(super) fn note_ready_all(&mut self, db: usize) {
        for key in self.server.clients.waiters.keys_of(db) {
            self.note_ready(db, &key);
        }
    }

    /// Runs the calls that waited for the keys that have changed. They are calls of their own, with a time of their own: what the
    /// call that changed a key took may have been the key's last moment.
    #[cold]
    pub(super) fn serve_ready(&mut self) {
        self.server.read_clock();
        while let Some((db, key)) = self.ready.pop_front() {
            let mut behind = None;
            while let Some((turn, client)) = self.server.clients.waiters.next(db, &key, behind) {
                behind = Some(turn);
                let keyspace = self.server.keyspace.db(db);
                let kind = keyspace.peek(&key).map(|handle| Kind::of(keyspace.view(handle)));
                let wait = self.server.clients.get(client).wait.as_ref().expect("it waits");
                if wait.even_without_key || kind.is_some() && kind == wait.kind {
                    self.run_again(client);
                }
            }
        }
    }

    /// The log has come so far: runs the calls that waited for that.
    pub(super) fn serve_log_waiters(&mut self, offset: u64) {
        for client in self.server.clients.waiters.for_log(offset) {
            self.run_again(client);
        }
    }

    /// Runs the call of a client that waits, which may make it wait on in its place.
    fn run_again(&mut self, client: ClientIndex) {
        let state = self.server.clients.get_mut(client);
        let wait = state.wait.as_ref().expect("it waits");
        let (row, kept) = (*self.lookup.get(wait.row), Kept::new(&wait.call));
        let is_restricted = state.raised & gates::ACL != 0;
        let mut reply = Reply::new(std::mem::take(&mut state.output), state.protocol);
        let (mark, replied_before) = (reply.mark(), reply.out.len());
        let mut args = kept.args(self.is_logged());
        if is_restricted && let Err(denied) = self.judge(client, &row, &args) {
            let error = self.deny(client, &row, &args, denied, &reply);
            self.server.clients.end_wait(client);
            self.server.commands.record_rejected(row.id);
            self.answer_error(None, &error, &mut reply);
            return self.give_output(client, reply);
        }
        let begun_ns = self.server.clock.monotonic_ns();
        let ran = self.run_row(client, &row, &mut args, None, &mut reply);
        let waits_on = self.effects.block.take().is_some();
        if let Err(error) = ran {
            self.answer_failure(client, &row, &error, mark, &mut reply);
        }
        if !waits_on {
            let spent_ns = self.server.clock.monotonic_ns() - begun_ns;
            self.server.count_wait(row.id, spent_ns);
            self.note_slowness(client, &row, &args, spent_ns);
            self.note_sizes(client, &row, &args, reply.out.len().saturating_sub(replied_before));
        }
        if self.needs_settling(client) {
            self.settle(client, &row, &args);
        }
        if !waits_on {
            self.note_reads(client, &row, &args);
        }
        if self.storage.log.is_some() && !waits_on {
            self.hold_reply(client, &row, &args);
        }
        self.give_output(client, reply);
        if !waits_on {
            self.server.clients.end_wait(client);
        }
    }

    /// A client's replies go back to it.
    fn give_output(&mut self, client: ClientIndex, mut reply: Reply) {
        let state = self.server.clients.get_mut(client);
        state.take_told(&mut reply.out);
        state.output = reply.out;
        if !state.output.is_empty() || state.closing != Closing::No {
            self.server.clients.mark_pending(client);
        }
    }

    /// Answers those whose time is up. Gives in how many milliseconds to come back; `None`: nobody's time will be up.
    pub(super) fn end_due_waits(&mut self) -> Option<u64> {
        if self.server.clients.waiters.is_empty() {
            return None;
        }
        let now_ns = self.server.time.monotonic_ns;
        while let Some(client) = self.server.clients.waiters.due(now_ns) {
            self.server.end_wait_by_timeout(client);
        }
        let left_ns = self.server.clients.waiters.next_deadline_ns()?.saturating_sub(now_ns);
        Some(if left_ns < SLEEP_GRAIN_NS { 0 } else { left_ns / 1_000_000 })
    }
}
