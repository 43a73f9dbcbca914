//! Who took how long: the time of a batch is shared among its calls, a call that is timed on its own has its own.

use super::Dispatcher;
use crate::commands::args::Args;
use crate::commands::registry::Hot;
use crate::commands::row::Flag;
use crate::server::clients::ClientIndex;

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
    pub(super) fn forget(&mut self, id: usize) {
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

impl Dispatcher {
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
}
