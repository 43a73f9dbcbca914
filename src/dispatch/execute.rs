//! The life of one call: look up, gates, run, settle.

use super::batch::{BATCH_CALLS, Batch, Stop};
use super::gates::{Moment, Passage};
use super::resume::{keep_big_partial, keep_partial};
use super::{Dispatcher, Partial, Turn, gates};
use crate::commands::args::Args;
use crate::commands::context::{DataContext, Limits, ServerContext};
use crate::commands::error::Error;
use crate::commands::registry::{self, Hot};
use crate::commands::row::{Flag, Run};
use crate::error;
use crate::formats::resp::output::Mark;
use crate::formats::resp::reply::Reply;
use crate::formats::resp::request::{self, Range};
use crate::server::clients::{Answers, ClientIndex, Closing};
use crate::server::observe::hot_keys::Load;

/// A client's turn ends after so many calls ...
const TURN_CALLS: usize = 2048;
/// ... or so many bytes of replies.
const TURN_REPLY_BYTES: usize = 1 << 20;

/// How often the log hears of cross-protocol attacks at most.
const ATTACK_LOG_MS: u64 = 60_000;

/// What became of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ran {
    /// It was answered.
    Done,
    /// It has to wait in its place.
    Parked,
}

/// Calls that were run, for the statistics of the batch: runs of the same command.
#[derive(Default)]
pub(super) struct Tally {
    runs: smallvec::SmallVec<[(usize, u64); 8]>,
    pub(super) calls: u64,
    own_ns: u64,
}

impl Tally {
    #[inline]
    pub(super) fn count(&mut self, id: usize) {
        self.calls += 1;
        match self.runs.last_mut() {
            Some((last, calls)) if *last == id => *calls += 1,
            _ => self.runs.push((id, 1)),
        }
    }

    /// The call just counted waits for keys: it counts when it is answered.
    #[cold]
    fn forget(&mut self, id: usize) {
        self.calls -= 1;
        self.own(id, 0);
    }

    /// The call just counted was timed on its own.
    fn own(&mut self, id: usize, spent_ns: u64) {
        self.own_ns += spent_ns;
        match self.runs.last_mut() {
            Some((last, calls)) if *last == id && *calls > 1 => *calls -= 1,
            _ => drop(self.runs.pop()),
        }
    }
}

/// How a turn ends with a call that waits: nothing that stands behind it is looked at before it has its answer, be it an error.
fn behind_a_wait(at: usize, input: &[u8]) -> Turn {
    if at == input.len() { Turn::Drained } else { Turn::Parked }
}

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
        if self.server.clients.get(client).raised & gates::WAITING != 0 {
            return (0, Turn::Parked);
        }
        if !partial.is_empty() {
            match self.resume(client, input, partial, reply) {
                Ok(end) => at = end,
                Err(ended) => return ended,
            }
        }
        let mut calls = 0;
        loop {
            let state = self.server.clients.get(client);
            if state.closing != Closing::No {
                return (input.len(), Turn::Closed);
            }
            if state.raised & gates::WAITING != 0 {
                return (at, behind_a_wait(at, input));
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
                Stop::Error(error) => {
                    self.server.count_error("ERR");
                    reply.error(&format!("ERR {error}"));
                    return (input.len(), Turn::Closed);
                }
            }
        }
    }

    pub(super) fn request_limits(&self, client: ClientIndex) -> request::Limits {
        request::Limits {
            bulk_bytes: self.server.config.proto_max_bulk_len_bytes,
            arguments: 1024 * 1024,
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
            let state = self.server.clients.get(client);
            if state.closing != Closing::No {
                ended = Some((input.len(), Turn::Closed));
                break;
            }
            if state.raised & gates::WAITING != 0 {
                ended = Some((span.end as usize, behind_a_wait(span.end as usize, input)));
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

    /// Shares the time of a batch among its calls; gives what it shared.
    #[inline]
    pub(super) fn settle_tally(&mut self, client: ClientIndex, tally: Tally, begun_ns: u64) -> u64 {
        let now = self.server.clock.monotonic_ns();
        self.command_ns += now - begun_ns;
        let nested_ns = std::mem::take(&mut self.nested_ns);
        self.server.time.advance_to(now);
        self.record_tally(client, tally, (now - begun_ns).saturating_sub(nested_ns))
    }

    /// The same for the calls within one that is part of a batch.
    pub(super) fn settle_nested_tally(&mut self, client: ClientIndex, tally: Tally, begun_ns: u64) {
        let spent_ns = self.server.clock.monotonic_ns() - begun_ns;
        self.nested_ns += spent_ns;
        self.record_tally(client, tally, spent_ns);
    }

    #[inline]
    fn record_tally(&mut self, client: ClientIndex, tally: Tally, spent_ns: u64) -> u64 {
        let shared = spent_ns.saturating_sub(tally.own_ns);
        self.server.counters.calls += tally.calls;
        let state = self.server.clients.get_mut(client);
        state.calls += tally.calls;
        let sharing: u64 = tally.runs.iter().map(|(_, calls)| calls).sum();
        for (id, calls) in tally.runs {
            self.server.commands.record_batch(id, calls, shared * calls / sharing);
        }
        shared
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

    /// One call.
    #[inline]
    pub(super) fn call(
        &mut self,
        client: ClientIndex,
        row: Option<Hot>,
        args: &mut Args<'_>,
        hash: Option<u64>,
        reply: &mut Reply,
        tally: &mut Tally,
    ) -> Ran {
        let Some(mut row) = row else {
            self.refuse_unknown(client, args, reply);
            return Ran::Done;
        };
        let mark = reply.mark();
        if !row.command.subcommands.is_empty() && args.len() > 1 {
            match self.subcommand(&row, args) {
                Ok(sub) => row = sub,
                Err(error) => {
                    self.server.clients.get_mut(client).abort_transaction();
                    self.answer_error(None, &error, reply);
                    return Ran::Done;
                }
            }
        }
        if !row.command.arity.fits(args.len()) {
            let name = &registry::all()[row.id].full_name;
            self.refuse(client, &row, Error::Arity(name.clone()), reply);
            return Ran::Done;
        }
        let raised = self.server.raised | self.server.clients.get(client).raised;
        let stopped_by = raised & row.stopped_by;
        if stopped_by != 0 && !(stopped_by == gates::ACL && self.judge(client, &row, args).is_ok()) {
            match self.meet_gates(client, &row, stopped_by, args, reply) {
                Passage::Open => {}
                Passage::Parked => return Ran::Parked,
                Passage::Queued => {
                    self.queue_call(client, &row, args, reply);
                    return Ran::Done;
                }
                Passage::Refused(error) => {
                    self.refuse(client, &row, error, reply);
                    return Ran::Done;
                }
            }
        }
        tally.count(row.id);
        let is_timed = args.len() > row.quick_words || raised & gates::TIMED != 0;
        let begun = if is_timed { self.server.clock.monotonic_ns() } else { 0 };
        if let Err(error) = self.run_row(client, &row, args, hash, reply) {
            self.answer_failure(client, &row, &error, mark, reply);
        }
        if self.effects.block.is_some() {
            tally.forget(row.id);
        } else if is_timed {
            self.note_duration(client, &row, args, begun, tally);
        }
        if self.needs_settling(client) {
            self.settle(client, &row, args);
        }
        if self.storage.log.is_some() {
            self.hold_reply(client, &row, args);
        }
        if !self.server.requests.is_empty() {
            self.carry_out_requests(reply);
        }
        if stopped_by & gates::NO_TOUCH != 0 {
            self.end_use();
        }
        if stopped_by & gates::MONITOR != 0 {
            self.show_call(client, &row, args, Moment::After);
        }
        if !self.ready.is_empty() {
            self.serve_ready();
        }
        let state = self.server.clients.get_mut(client);
        state.last_command = Some(row.id);
        if (stopped_by & gates::MUTED) | (state.raised & gates::AFTERWARDS) != 0 {
            self.follow_up(client, &row, args, (stopped_by & gates::MUTED != 0).then_some(mark), reply);
        }
        Ran::Done
    }

    /// What is left to do behind a call: its answer is taken back to `muted_from` if the client does not want to hear it, and what the
    /// client heard meanwhile stands behind.
    #[inline(never)]
    fn follow_up(
        &mut self,
        client: ClientIndex,
        row: &Hot,
        args: &Args<'_>,
        muted_from: Option<Mark>,
        reply: &mut Reply,
    ) {
        if let Some(mark) = muted_from {
            self.mute(client, mark, reply);
        }
        if self.server.clients.get(client).raised & gates::TRACKING != 0 {
            self.note_reads(client, row, args);
            let is_of_client =
                registry::all()[row.id].parent.is_some_and(|id| registry::all()[id].command.name == "client");
            if !is_of_client {
                self.server.clients.get_mut(client).end_caching();
            }
        }
        self.server.clients.get_mut(client).take_told(&mut reply.out);
    }

    /// A call is refused before it ran: nothing of the client's transaction will run either.
    #[cold]
    fn refuse(&mut self, client: ClientIndex, row: &Hot, mut error: Error, reply: &mut Reply) {
        self.server.commands.record_rejected(row.id);
        let state = self.server.clients.get_mut(client);
        state.end_caching();
        if row.command.name == "exec" {
            state.end_transaction();
            self.server.clients.unwatch(client);
            error = error!("EXECABORT Transaction discarded because of: {}", error.text());
        } else {
            state.abort_transaction();
        }
        self.answer_error(None, &error, reply);
    }

    /// The row of the subcommand that the call names.
    pub(super) fn subcommand(&self, parent: &Hot, args: &Args<'_>) -> Result<Hot, Error> {
        let entry = &registry::all()[parent.id];
        let named = |id: &&usize| registry::all()[**id].command.name.as_bytes().eq_ignore_ascii_case(args.get(1));
        match entry.children.iter().find(named) {
            Some(&id) => Ok(*self.lookup.get(id)),
            None => {
                let name = String::from_utf8_lossy(&args.get(1)[..args.get(1).len().min(128)]).into_owned();
                Err(error!("ERR unknown subcommand '{name}'. Try {} HELP.", parent.command.name.to_ascii_uppercase()))
            }
        }
    }

    /// A call was timed on its own: statistics, slow log, latency spikes.
    pub(super) fn note_duration(
        &mut self,
        client: ClientIndex,
        row: &Hot,
        args: &Args<'_>,
        begun_ns: u64,
        tally: &mut Tally,
    ) {
        let spent_ns = self.server.clock.monotonic_ns() - begun_ns;
        tally.own(row.id, spent_ns);
        self.server.commands.record(row.id, spent_ns);
        if row.ahead_key != 0 && (row.ahead_key as usize) < args.len() {
            let (db, key) = (self.server.clients.get(client).db, args.get(row.ahead_key as usize));
            self.server.hot_keys.add_time(db, key, self.server.keyspace.all()[db].hash(key), spent_ns);
        }
        // One that waits is not over: how long it took is told when it has run to its end.
        if self.effects.block.is_none() {
            self.note_slowness(client, row, args, spent_ns);
        }
    }

    /// What the slow log and the latency monitor learn of a call that took so long.
    pub(super) fn note_slowness(&mut self, client: ClientIndex, row: &Hot, args: &Args<'_>, spent_ns: u64) {
        self.server.note_slow_call(
            client,
            row.command.has(Flag::SkipSlowlog),
            row.command.shown(args),
            spent_ns / 1000,
        );
        let event = if row.command.has(Flag::Fast) { "fast-command" } else { "command" };
        self.server.note_latency(event, spent_ns / 1_000_000);
    }

    /// Takes back a reply that the client does not want to hear.
    fn mute(&mut self, client: ClientIndex, mark: Mark, reply: &mut Reply) {
        let state = self.server.clients.get_mut(client);
        match state.answers {
            Answers::On => state.raised &= !gates::MUTED,
            Answers::Off => reply.out.cut_back(mark),
            Answers::SkipNext => {
                reply.out.cut_back(mark);
                state.answers = Answers::Skip;
            }
            Answers::Skip => {
                reply.out.cut_back(mark);
                state.answers = Answers::On;
                state.raised &= !gates::MUTED;
            }
        }
    }

    #[inline]
    pub(super) fn run_row(
        &mut self,
        client: ClientIndex,
        row: &Hot,
        args: &mut Args<'_>,
        hash: Option<u64>,
        reply: &mut Reply,
    ) -> Result<(), Error> {
        self.effects.observed = self.server.clients.observed;
        match row.command.run {
            Run::Data(run) => {
                let now = self.server.now();
                let number = self.server.clients.get(client).db;
                let limits = Limits {
                    string_bytes: self.server.config.proto_max_bulk_len_bytes,
                    databases: self.server.keyspace.count(),
                    reply_bytes: self.server.longest_reply_bytes(),
                    checksum: self.server.debug.payload_checksums,
                };
                let db = self.server.keyspace.db(number);
                db.now = now;
                match hash {
                    Some(hash) => db.expect_key(args.get(row.ahead_key as usize), hash),
                    None => db.forget_hash(),
                }
                let random = &mut self.server.random;
                let effects = &mut self.effects;
                let waiting = self.waiting;
                let encodings = &self.server.encodings;
                let mut cx = DataContext {
                    db,
                    db_number: number,
                    reply,
                    effects,
                    limits,
                    encodings,
                    waiting,
                    is_replayed: self.server.persistence.loading.started_seconds.is_some(),
                    random,
                };
                run(&mut cx, args)?;
            }
            Run::Server(run) => {
                let now = self.server.now();
                self.server.keyspace.set_now(now);
                let (effects, waiting) = (&mut self.effects, self.waiting);
                let mut cx = ServerContext { server: &mut self.server, client, reply, effects, waiting };
                run(&mut cx, args)?;
            }
            Run::Container => {
                return Err(Error::Arity(row.command.name.to_string()));
            }
        }
        Ok(())
    }

    /// A call failed while it ran: its error takes the place of what it had answered.
    #[cold]
    pub(super) fn answer_failure(
        &mut self,
        client: ClientIndex,
        row: &Hot,
        error: &Error,
        mark: Mark,
        reply: &mut Reply,
    ) {
        reply.out.cut_back(mark);
        self.answer_error(Some(row.id), error, reply);
        if matches!(error, Error::ReplyTooLong(_)) {
            self.server.note_reply_too_long(client);
        }
    }

    #[cold]
    pub(super) fn answer_error(&mut self, ran: Option<usize>, error: &Error, reply: &mut Reply) {
        let text = error.text();
        if let Some(id) = ran {
            self.server.commands.record_failed(id);
        }
        self.server.count_error(&text);
        reply.error(&text);
    }

    /// A browser was made to send a form to this port: its connection ends before the form's body is taken for commands.
    /// The log hears of it once a minute at most, so that the sender cannot fill it.
    fn end_cross_protocol(&mut self, client: ClientIndex) {
        let now_ms = self.server.time.monotonic_ms();
        let state = self.server.clients.get_mut(client);
        state.closing = Closing::Now;
        if self.attack_log_ms.is_some_and(|last_ms| now_ms - last_ms < ATTACK_LOG_MS) {
            return;
        }
        self.attack_log_ms = Some(now_ms);
        log::warn!(
            "Possible SECURITY ATTACK detected. Somebody sends POST or Host: as commands, as a browser does that was tricked \
             into talking to this server (cross-protocol scripting). Connection from {} aborted.",
            state.address
        );
    }

    #[cold]
    fn refuse_unknown(&mut self, client: ClientIndex, args: &Args<'_>, reply: &mut Reply) {
        let state = self.server.clients.get_mut(client);
        state.abort_transaction();
        state.end_caching();
        if args.is(0, "post") || args.is(0, "host:") {
            return self.end_cross_protocol(client);
        }
        let show = |bytes: &[u8]| {
            let len = memchr::memchr(0, bytes).unwrap_or(bytes.len()); // Redis shows them as C strings
            String::from_utf8_lossy(&bytes[..len.min(128)]).into_owned()
        };
        let mut rest = String::new();
        for word in args.from(1) {
            if rest.len() >= 128 {
                break;
            }
            rest.push_str(&format!("'{}' ", show(&word[..word.len().min(128 - rest.len())])));
        }
        self.server.count_error("ERR");
        reply.error(&format!("ERR unknown command '{}', with args beginning with: {rest}", show(args.get(0))));
    }
}
