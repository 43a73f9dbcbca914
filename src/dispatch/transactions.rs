//! Transactions: calls are queued behind MULTI, and run together by EXEC.
//!
//! A queued call passes all gates when it is queued, so that a client hears at once what cannot work, and EXEC passes the gates of all
//! that it will run. In the log a transaction is one group, which takes effect whole or not at all.

use super::Dispatcher;
use super::batch::BATCH_CALLS;
use super::gates::Moment;
use super::tally::Tally;
use crate::commands::args::Args;
use crate::commands::context::Waiting;
use crate::commands::registry::Hot;
use crate::formats::resp::reply::Reply;
use crate::formats::resp::request::Range;
use crate::server::clients::{ClientIndex, Closing};
use crate::server::gates;
use crate::server::transaction::{Executing, QueuedCall, Transaction};
use smallvec::SmallVec;

/// What is not queued but runs at once.
pub(super) const RUN_AT_ONCE: [&str; 5] = ["discard", "multi", "watch", "quit", "reset"];

/// Bytes that may be queued: places in them are numbers of 32 bits, of which some have another meaning.
const MOST_BYTES: usize = u32::MAX as usize / 2;

impl Dispatcher {
    /// Queues a call behind MULTI.
    pub(super) fn queue_call(&mut self, client: ClientIndex, row: &Hot, args: &Args<'_>, reply: &mut Reply) {
        let limit = (self.server.config.client_query_buffer_limit_bytes as usize).min(MOST_BYTES);
        let state = self.server.clients.get_mut(client);
        state.last_command = Some(row.id);
        let transaction = state.transaction.as_mut().expect("the gate says so");
        // After an error nothing of it will run: what still comes needs no room.
        if !transaction.is_aborted {
            let coming = args.raw().map_or_else(|| args.iter().map(<[u8]>::len).sum(), <[u8]>::len);
            if transaction.buffer.len() + coming > limit {
                return self.end_by_limit(client);
            }
            let first = transaction.ranges.len() as u32;
            let raw = args.append_to(&mut transaction.buffer, &mut transaction.ranges);
            let last = transaction.ranges.len() as u32;
            transaction.stopped_by |= row.stopped_by & !gates::MULTI;
            transaction.calls.push(QueuedCall { row: row.id, first, last, raw });
        }
        reply.raw(b"+QUEUED\r\n");
    }

    #[cold]
    fn end_by_limit(&mut self, client: ClientIndex) {
        let state = self.server.clients.get_mut(client);
        log::warn!(client = state.id; "closing a client that reached the query buffer limit within MULTI");
        state.closing = Closing::Now;
        self.server.counters.query_limit_disconnections += 1;
    }

    /// Gates that stop the calls that EXEC would run.
    pub(super) fn gates_of_transaction(&self, client: ClientIndex) -> u32 {
        self.server.clients.get(client).transaction.as_ref().map_or(0, |transaction| transaction.stopped_by)
    }

    /// EXEC: runs what was queued.
    pub(super) fn run_transaction(&mut self, client: ClientIndex, transaction: Transaction, reply: &mut Reply) {
        let executing = Executing { calls: transaction.calls.len() as u32, bytes: transaction.bytes() as u32 };
        self.server.clients.get_mut(client).executing = Some(executing);
        let Transaction { calls, buffer, ranges, .. } = transaction;
        reply.array(calls.len());
        self.waiting = Waiting::Never;
        self.in_transaction = true;
        let begun_ns = self.server.clock.monotonic_ns();
        let mut tally = Tally::default();
        for together in calls.chunks(BATCH_CALLS) {
            let hashes = self.look_ahead_in_transaction(client, together, &buffer, &ranges);
            for (call, hash) in together.iter().zip(hashes) {
                let row = *self.lookup.get(call.row);
                let words = &ranges[call.first as usize..call.last as usize];
                let raw = call.raw.map(|(start, end)| &buffer[start as usize..end as usize]);
                let mut args = Args::new(&buffer, words, &mut [], raw, self.is_logged());
                match self.judge_again(client, &row, &args, reply) {
                    Ok(()) => self.run_nested(client, &row, &mut args, hash, reply, &mut tally),
                    Err(error) => self.answer_error(None, &error, reply),
                }
            }
        }
        self.settle_nested_tally(client, tally, begun_ns);
        self.in_transaction = false;
        self.server.clients.get_mut(client).executing = None;
        self.waiting = Waiting::Allowed;
        if std::mem::take(&mut self.has_open_group)
            && let Some(log) = &mut self.storage.log
        {
            log.end_group();
        }
    }

    /// Hashes the first keys of some calls and asks the cache for what they will touch.
    fn look_ahead_in_transaction(
        &mut self,
        client: ClientIndex,
        calls: &[QueuedCall],
        buffer: &[u8],
        ranges: &[Range],
    ) -> SmallVec<[Option<u64>; BATCH_CALLS]> {
        let number = self.server.clients.get(client).db;
        let db = self.server.keyspace.db(number);
        let hash_of = |call: &QueuedCall| {
            let key = self.lookup.get(call.row).ahead_key as u32;
            if key == 0 || call.first + key >= call.last {
                return None;
            }
            let Range { start, end } = ranges[(call.first + key) as usize];
            let hash = db.hash(&buffer[start as usize..end as usize]);
            db.prefetch_bucket(hash);
            Some(hash)
        };
        let hashes: SmallVec<[Option<u64>; BATCH_CALLS]> = calls.iter().map(hash_of).collect();
        for &hash in hashes.iter().flatten() {
            db.prefetch_record(hash);
        }
        hashes
    }

    /// A call inside another: its gates have been passed, and its answer is part of the other's.
    fn run_nested(
        &mut self,
        client: ClientIndex,
        row: &Hot,
        args: &mut Args<'_>,
        hash: Option<u64>,
        reply: &mut Reply,
        tally: &mut Tally,
    ) {
        let raised = self.server.raised | self.server.clients.get(client).raised;
        if raised & gates::MONITOR != 0 {
            self.show_call(client, row, args, Moment::Before);
        }
        let (mark, replied_before) = (reply.mark(), reply.out.len());
        tally.count(row.id);
        let is_timed = args.len() > row.quick_words || raised & gates::TIMED != 0;
        let begun_ns = if is_timed { self.server.clock.monotonic_ns() } else { 0 };
        self.begin_use(client, row, raised);
        if let Err(error) = self.run_row(client, row, args, hash, reply) {
            self.answer_failure(client, row, &error, mark, reply);
        }
        if is_timed {
            self.note_duration(client, row, args, begun_ns, tally);
        }
        self.note_sizes(client, row, args, reply.out.len().saturating_sub(replied_before));
        if self.needs_settling(client) {
            self.settle(client, row, args);
        }
        if raised & gates::TRACKING != 0 {
            self.note_reads(client, row, args);
        }
        if self.storage.log.is_some() {
            self.hold_reply(client, row, args);
        }
        if !self.server.requests.is_empty() {
            self.carry_out_requests(reply);
        }
        if raised & gates::MONITOR != 0 {
            self.show_call(client, row, args, Moment::After);
        }
    }
}
