//! Transactions: calls are queued behind MULTI, and run together by EXEC.
//!
//! A queued call passes all gates when it is queued, so that a client hears at once what cannot work, and EXEC passes the gates of all
//! that it will run. In the log a transaction is one group, which takes effect whole or not at all.

use super::Dispatcher;
use super::blocking::Kept;
use super::gates::Moment;
use crate::commands::args::Args;
use crate::commands::context::Waiting;
use crate::commands::registry::Hot;
use crate::formats::resp::reply::Reply;
use crate::server::clients::{ClientIndex, Closing};
use crate::server::gates;
use crate::server::transaction::{QueuedCall, Transaction};

/// What is not queued but runs at once.
pub(super) const RUN_AT_ONCE: [&str; 5] = ["discard", "multi", "watch", "quit", "reset"];

impl Dispatcher {
    /// Queues a call behind MULTI.
    #[cold]
    pub(super) fn queue_call(&mut self, client: ClientIndex, row: &Hot, args: &Args<'_>, reply: &mut Reply) {
        let limit = self.server.config.client_query_buffer_limit_bytes as usize;
        let state = self.server.clients.get_mut(client);
        let transaction = state.transaction.as_mut().expect("the gate says so");
        // After an error nothing of it will run: what still comes needs no room.
        if !transaction.is_aborted {
            transaction.bytes += args.iter().map(|word| word.len() + size_of::<Vec<u8>>()).sum::<usize>();
            transaction.stopped_by |= row.stopped_by & !gates::MULTI;
            transaction.calls.push(QueuedCall { row: row.id, words: args.to_vecs() });
        }
        if transaction.bytes > limit {
            log::warn!(client = state.id; "closing a client that reached the query buffer limit within MULTI");
            state.closing = Closing::Now;
            self.server.counters.query_limit_disconnections += 1;
            return;
        }
        reply.raw(b"+QUEUED\r\n");
    }

    /// Gates that stop the calls that EXEC would run.
    pub(super) fn gates_of_transaction(&self, client: ClientIndex) -> u32 {
        self.server.clients.get(client).transaction.as_ref().map_or(0, |transaction| transaction.stopped_by)
    }

    /// EXEC: runs what was queued.
    #[cold]
    pub(super) fn run_transaction(&mut self, client: ClientIndex, transaction: Transaction, reply: &mut Reply) {
        reply.array(transaction.calls.len());
        self.waiting = Waiting::Never;
        self.in_transaction = true;
        for call in &transaction.calls {
            let row = *self.lookup.get(call.row);
            let kept = Kept::new(&call.words);
            let mut args = kept.args(self.is_logged());
            match self.judge_again(client, &row, &args, reply) {
                Ok(()) => self.run_nested(client, &row, &mut args, reply),
                Err(error) => self.answer_error(None, &error, reply),
            }
        }
        self.in_transaction = false;
        self.waiting = Waiting::Allowed;
        if std::mem::take(&mut self.has_open_group)
            && let Some(log) = &mut self.storage.log
        {
            log.end_group();
        }
    }

    /// A call inside another: its gates have been passed, and its answer is part of the other's.
    fn run_nested(&mut self, client: ClientIndex, row: &Hot, args: &mut Args<'_>, reply: &mut Reply) {
        let raised = self.server.raised | self.server.clients.get(client).raised;
        if raised & gates::MONITOR != 0 {
            self.show_call(client, row, args, Moment::Before);
        }
        let (mark, replied_before) = (reply.mark(), reply.out.len());
        let begun_ns = self.server.clock.monotonic_ns();
        self.begin_use(client, row, raised);
        if let Err(error) = self.run_row(client, row, args, None, reply) {
            self.answer_failure(client, row, &error, mark, reply);
        }
        let spent_ns = self.server.clock.monotonic_ns() - begun_ns;
        self.server.commands.record(row.id, spent_ns);
        self.note_slowness(client, row, args, spent_ns);
        self.note_sizes(client, row, args, reply.out.len().saturating_sub(replied_before));
        if self.needs_settling(client) {
            self.settle(client, row, args);
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
