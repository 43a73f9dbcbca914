//! The life of one call: look up, gates, run, settle.

use super::gates::{Moment, Passage};
use super::tally::Tally;
use super::{Dispatcher, gates};
use crate::commands::args::Args;
use crate::commands::context::{DataContext, Limits, ServerContext};
use crate::commands::error::Error;
use crate::commands::registry::{self, Hot};
use crate::commands::row::Run;
use crate::error;
use crate::formats::resp::output::Mark;
use crate::formats::resp::reply::Reply;
use crate::server::clients::{Answers, ClientIndex};

/// What became of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ran {
    /// It was answered.
    Done,
    /// It has to wait in its place.
    Parked,
}

impl Dispatcher {
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
        let raised = self.server.raised | self.server.clients.get(client).raised;
        if raised & gates::WAITING != 0 {
            self.parking |= self.server.raised & gates::WAITING;
            return Ran::Parked; // before anything is answered: what it waits for is answered first
        }
        let Some(mut row) = row else {
            self.refuse_unknown(client, args, reply);
            return Ran::Done;
        };
        let mark = reply.mark();
        if !row.command.subcommands.is_empty() && args.len() > 1 {
            match self.subcommand(&row, args) {
                Ok(sub) => row = sub,
                Err(error) => {
                    let state = self.server.clients.get_mut(client);
                    state.last_command = None;
                    state.abort_transaction();
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
}
