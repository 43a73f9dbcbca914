//! A client's turn: the calls that its bytes hold, in batches, until they end or have had their share.

use super::batch::{BATCH_CALLS, Batch, Stop};
use super::execute::Ran;
use super::resume::{keep_big_partial, keep_partial};
use super::tally::Tally;
use super::{Dispatcher, Partial, Turn, gates};
use crate::commands::args::Args;
use crate::formats::resp::reply::Reply;
use crate::formats::resp::request::{self, Range};
use crate::server::clients::{ClientIndex, Closing};
use crate::server::observe::hot_keys::Load;

/// A client's turn ends after so many calls ...
const TURN_CALLS: usize = 2048;
/// ... or so many bytes of replies.
const TURN_REPLY_BYTES: usize = 1 << 20;

impl Dispatcher {
    /// Runs the calls in `input` for a client; gives how many bytes are done with, and how the turn ended. `partial` is the
    /// half call that `input` begins with, if it does.
    pub fn run(&mut self, client: ClientIndex, input: &[u8], partial: &mut Partial) -> (usize, Turn) {
        self.server.read_clock();
        let mut batch = std::mem::take(&mut self.batch);
        let ran = self.run_ahead(client, input, partial, &mut batch);
        self.batch = batch;
        ran
    }

    /// The same, with the first calls in `batch` if they were looked at ahead. Its time is that of the last look at the clock.
    pub fn run_ahead(
        &mut self,
        client: ClientIndex,
        input: &[u8],
        partial: &mut Partial,
        batch: &mut Batch,
    ) -> (usize, Turn) {
        let state = self.server.clients.get_mut(client);
        state.active_ms = self.server.time.monotonic_ms();
        let mut reply = Reply::new(std::mem::take(&mut state.output), state.protocol);
        let (consumed, turn) = self.run_calls(client, input, partial, batch, &mut reply);
        batch.forget(); // whether its calls were run or not
        let state = self.server.clients.get_mut(client);
        state.take_told(&mut reply.out);
        state.output = reply.out;
        state.is_parked = turn == Turn::Parked;
        if turn == Turn::Closed && state.closing == Closing::No {
            state.closing = Closing::AfterReplies;
        }
        if !state.output.is_empty() || state.closing != Closing::No {
            self.server.clients.mark_pending(client);
        }
        (consumed, turn)
    }

    fn run_calls(
        &mut self,
        client: ClientIndex,
        input: &[u8],
        partial: &mut Partial,
        batch: &mut Batch,
        reply: &mut Reply,
    ) -> (usize, Turn) {
        let most_reply_bytes = reply.out.len() + TURN_REPLY_BYTES;
        let mut at = 0;
        if !partial.is_empty() {
            match self.resume(client, input, partial, reply) {
                Ok(end) => at = end,
                Err(ended) => return ended,
            }
        }
        let mut calls = 0;
        loop {
            if self.server.clients.get(client).closing != Closing::No {
                return (input.len(), Turn::Closed);
            }
            if calls >= TURN_CALLS || reply.out.len() > most_reply_bytes {
                return (at, Turn::Again);
            }
            if !batch.is_ahead {
                self.parse_batch(client, input, at, batch);
                if batch.spans.len() > 1 {
                    self.look_further(&mut [(input, batch)]);
                }
            }
            batch.is_ahead = false;
            calls += batch.spans.len().max(1);
            match self.run_batch(client, input, batch, reply, most_reply_bytes) {
                Some((end, turn)) => return (end, turn),
                None => at = batch.end,
            }
            match std::mem::take(&mut batch.stop) {
                Stop::BatchFull => {}
                Stop::Inline { end, args } => match self.run_inline(client, &args, reply) {
                    Ran::Done => at = end,
                    Ran::Parked => return (at, Turn::Parked),
                },
                Stop::Incomplete(progress) => {
                    keep_partial(batch, at, progress, partial);
                    return (at, Turn::Drained);
                }
                Stop::BigBulk { progress, len } => {
                    keep_big_partial(batch, at, progress, len, partial);
                    return (at, Turn::Drained);
                }
                Stop::Error(_) if self.is_waiting(client) => return (at, Turn::Parked),
                Stop::Error(error) => {
                    self.server.count_error("ERR");
                    reply.error(&format!("ERR {error}"));
                    return (input.len(), Turn::Closed);
                }
            }
        }
    }

    /// Whether the client waits for the answer to an earlier call, so that nothing behind that may be answered.
    pub(super) fn is_waiting(&self, client: ClientIndex) -> bool {
        (self.server.raised | self.server.clients.get(client).raised) & gates::WAITING != 0
    }

    pub(super) fn request_limits(&self, client: ClientIndex) -> request::Limits {
        request::Limits {
            bulk_bytes: self.server.config.proto_max_bulk_len_bytes,
            arguments: i64::from(i32::MAX),
            unauthenticated: self.server.clients.get(client).raised & gates::AUTH != 0,
        }
    }

    /// Runs the calls of the batch; `Some` when the turn ends within it, with the bytes done with.
    #[inline]
    fn run_batch(
        &mut self,
        client: ClientIndex,
        input: &[u8],
        batch: &Batch,
        reply: &mut Reply,
        most_reply_bytes: usize,
    ) -> Option<(usize, Turn)> {
        if batch.spans.is_empty() {
            return None;
        }
        let logged = self.is_logged();
        let begun = self.server.time.monotonic_ns;
        let replied_before = reply.out.len();
        let look_at_sizes_from = self.look_at_sizes_from(batch, replied_before);
        let mut tally = Tally::default();
        let mut ended = None;
        let mut replied = replied_before;
        let mut ends = [0_u32; BATCH_CALLS]; // of the calls' replies, behind those that there were before
        let mut passed = 0;
        for (span, &row) in batch.spans.iter().zip(&batch.rows) {
            let own = &batch.ranges[span.first_range as usize..(span.first_range + span.ranges) as usize];
            let raw = &input[span.start as usize..span.end as usize];
            let mut args = Args::new(input, own, &mut [], Some(raw), logged);
            let hash = span.has_hash.then_some(span.hash);
            let counted = tally.calls;
            if self.call(client, row, &mut args, hash, reply, &mut tally) == Ran::Parked {
                ended = Some((span.start as usize, Turn::Parked));
                break;
            }
            let behind = reply.out.len();
            if behind >= look_at_sizes_from && tally.calls > counted {
                self.note_sizes(client, row.as_ref().expect("it ran"), &args, behind.saturating_sub(replied));
            }
            replied = behind;
            ends[passed] = behind.saturating_sub(replied_before) as u32;
            passed += 1;
            if self.server.clients.get(client).closing != Closing::No {
                ended = Some((input.len(), Turn::Closed));
                break;
            }
            if replied > most_reply_bytes {
                ended = Some((span.end as usize, Turn::Again));
                break;
            }
        }
        let calls = tally.calls;
        let ns = self.settle_tally(client, tally, begun);
        if passed > 0 {
            let taken = (batch.spans[passed - 1].end - batch.spans[0].start) as usize;
            let bytes = (taken + replied.saturating_sub(replied_before)) as u64;
            if self.server.hot_keys.add(Load { calls, ns, bytes }) {
                self.look_at_one_of(client, input, batch, &ends[..passed]);
            }
        }
        ended
    }

    #[cold]
    fn run_inline(&mut self, client: ClientIndex, words: &[Vec<u8>], reply: &mut Reply) -> Ran {
        let buffer = words.concat();
        let mut start = 0;
        let ranges: Vec<Range> = words
            .iter()
            .map(|word| {
                let range = Range { start, end: start + word.len() as u32 };
                start = range.end;
                range
            })
            .collect();
        let row = self.lookup.find(&words[0]).copied();
        let logged = self.is_logged();
        let mut args = Args::new(&buffer, &ranges, &mut [], None, logged);
        let begun = self.server.time.monotonic_ns;
        let mut tally = Tally::default();
        let replied_before = reply.out.len();
        let ran = self.call(client, row, &mut args, None, reply, &mut tally);
        if let Some(row) = row.filter(|_| tally.calls > 0) {
            self.note_sizes(client, &row, &args, reply.out.len().saturating_sub(replied_before));
        }
        self.settle_tally(client, tally, begun);
        ran
    }
}
