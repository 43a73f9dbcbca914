//! The end of a round: due deadlines, eviction, slices of background work, the log.

use super::saving::Beside;
use super::settle::Room;
use super::{Dispatcher, gates};
use crate::keyspace::database::Database;
use crate::persistence::aof::job::FsyncPolicy;
use crate::server::clients::Closing;
use crate::server::observe::rates;
use crate::server::observe::turn::Phase;

/// Keys that may expire, or be moved on in the wheel, per tick.
const EXPIRE_BUDGET: usize = 500;
/// Records of an LRU list in the making that are looked at per tick.
const ORDER_BUDGET: usize = 2000;
/// A database with more bytes than this in free slots has sparse pages emptied.
const IDLE_BYTES: usize = 64 * 1024;
/// Records moved together per tick.
const DEFRAGMENT_BUDGET: usize = 500;
/// How often memory is weighed and rates are sampled, however high `hz` is.
const SAMPLE_MS: u64 = 100;
/// How often it is looked up how much memory the machine or the control group leaves to us.
const MEMORY_LIMIT_MS: u64 = 5000;

/// While calls wait for one of these there is no eviction: it would be logged, or is not to be.
const STOPS_EVICTION: u32 = gates::PARKING & !gates::CROWDED;

/// How long a monitor's next batch waits at most when the one before could leave.
const MONITOR_MS: u64 = 2;
/// Bytes that may wait to be shown to a monitor while the disk takes its time.
const SHOWN_MAX_BYTES: usize = 64 << 20;

impl Dispatcher {
    /// A round begins.
    pub fn begin_turn(&mut self) {
        self.server.read_clock();
        let clock = &self.server.clock;
        self.server.event_loop.begin_turn(self.server.time.monotonic_ns, || clock.run_ns());
        self.calls_before = self.server.counters.calls;
        self.count_freed();
    }

    /// A round has ended, replies written.
    pub fn end_turn(&mut self) {
        self.lap(Phase::Replies);
        let clock = &self.server.clock;
        self.server
            .event_loop
            .end_turn(self.server.counters.calls.saturating_sub(self.calls_before), || clock.run_ns());
        self.note_long_phases();
        let command_us = self.command_ns / 1000;
        if command_us > 0 {
            self.server.event_loop.record_commands(command_us);
            self.command_ns -= command_us * 1000; // what is left is less than a microsecond: for the next round
        }
    }

    /// What the turn did since the last lap was of this kind. Gives how long that took, in nanoseconds.
    pub(super) fn lap(&mut self, phase: Phase) -> u64 {
        let now_ns = self.server.clock.monotonic_ns();
        self.server.event_loop.lap(phase, now_ns)
    }

    /// The same if there was work of this kind; where there was none, a look at the clock would be the dearest of it.
    fn lap_if(&mut self, had_work: bool, phase: Phase) {
        if had_work {
            self.lap(phase);
        }
    }

    /// Whether anybody waits for a key or is still to hear a message.
    fn has_waits(&self) -> bool {
        let clients = &self.server.clients;
        !self.ready.is_empty() || !clients.waiters.is_empty() || clients.pubsub.is_behind()
    }

    /// LATENCY shows which part of a turn took long.
    fn note_long_phases(&mut self) {
        if self.server.config.latency_monitor_threshold_ms == 0 {
            return;
        }
        let laps = *self.server.event_loop.laps();
        for (phase, event) in Phase::ALL.into_iter().filter_map(|phase| Some((phase, phase.event()?))) {
            self.server.note_latency(event, laps.of(phase) / 1_000_000);
        }
    }

    /// SIGHUP: the configuration file is to be read again.
    pub fn request_config_reload(&mut self) {
        self.config_reload = true;
    }

    /// Whether the configuration file is to be read again; asked once per round.
    pub fn take_config_reload(&mut self) -> bool {
        std::mem::take(&mut self.config_reload)
    }

    /// Ends a round. Gives how long the loop may sleep, in milliseconds.
    pub fn tick(&mut self) -> u64 {
        self.server.advance_clock();
        self.server.event_loop.lap(Phase::Commands, self.server.time.monotonic_ns);
        let mut sleep_ms = self.cron_ms();
        if !self.is_loading() {
            let expires = self.server.keyspace.all().iter().any(Database::has_deadlines);
            sleep_ms = sleep_ms.min(self.expire());
            if expires {
                self.lap(Phase::Expiry);
            }
            let serves = self.has_waits();
            if let Some(bound) = self.end_due_waits() {
                sleep_ms = sleep_ms.min(bound);
            }
            if !self.ready.is_empty() {
                self.serve_ready();
            }
            let mut busy = self.deliver_messages();
            busy |= self.forget_reads();
            if self.server.clients.has_broadcasts() {
                let held_for = self.offset_to_hold_for();
                self.server.clients.broadcast(held_for);
            }
            self.lap_if(serves, Phase::Waits);
            let walks = self.storage.saving.is_some();
            if let Some(bound) = self.step_saving(Beside::Clients) {
                sleep_ms = sleep_ms.min(bound);
            }
            self.lap_if(walks, Phase::Walk);
            if self.server.raised & gates::MEMORY != 0 && self.server.raised & STOPS_EVICTION == 0 {
                self.weigh_between_samples();
                busy |= self.make_room() == Room::Coming;
                self.lap(Phase::Eviction);
            }
            busy |= self.build_order();
            busy |= self.defragment();
            if busy {
                sleep_ms = 0;
            }
            let now_ms = self.server.time.monotonic_ms();
            if let Some(next_ms) = self.server.census.step(&self.server.keyspace, now_ms) {
                sleep_ms = sleep_ms.min(next_ms.saturating_sub(now_ms));
            }
        }
        if self.storage.log.is_some() {
            if let Some(bound) = self.tick_log() {
                sleep_ms = sleep_ms.min(bound);
            }
            let spent_ns = self.lap(Phase::Log);
            self.server.event_loop.record_log(spent_ns / 1000);
        }
        if self.server.raised & gates::MONITOR != 0 && self.release_shown() {
            sleep_ms = sleep_ms.min(MONITOR_MS);
        }
        self.cron();
        self.act_on_config_changes();
        self.note_cleared_gates();
        if !self.server.garbage.is_empty() {
            self.free_flushed();
        }
        sleep_ms
    }

    /// A slice of those who are to hear messages; whether there are more. Who sends waits while too many do.
    fn deliver_messages(&mut self) -> bool {
        let is_behind = self.server.clients.deliver_slice();
        self.server.set_gate(gates::CROWDED, self.server.clients.pubsub.is_crowded());
        is_behind
    }

    /// What monitors were shown goes to their output. Under `always` it depends on all of the log, so one batch after the other: what
    /// is added to an output that waits for the disk would make it wait longer, for ever under load. Gives true when a
    /// batch waits for nothing but the one before to be sent.
    fn release_shown(&mut self) -> bool {
        let is_held = self.storage.log.as_ref().is_some_and(|log| log.policy() == FsyncPolicy::Always);
        let next = self.storage.log.as_ref().map_or(0, |log| log.next_offset());
        let visible = self.visible_offset();
        let mut is_behind = false;
        for index in self.server.clients.monitors.clone() {
            let client = self.server.clients.get_mut(index);
            if client.shown.is_empty() {
                continue;
            }
            if is_held && client.shown.len() > SHOWN_MAX_BYTES {
                log::warn!(client = client.id; "A monitor is closed: what it is to see waits for the disk too long");
                client.closing = Closing::Now;
            } else if is_held && !client.output.is_empty() {
                is_behind |= client.held_for <= visible;
                continue;
            }
            client.output.reserve(client.shown.len());
            client.output.tail().append(&mut client.shown);
            if is_held {
                client.held_for = client.held_for.max(next);
            }
            self.server.clients.mark_pending(index);
        }
        is_behind
    }

    /// Who waits in its place may go on when a gate that parks was cleared.
    fn note_cleared_gates(&mut self) {
        let parking = self.server.raised & gates::PARKING;
        if self.parking & !parking != 0 || std::mem::take(&mut self.server.clients.has_unparked) {
            self.storage.unparked = true;
        }
        self.parking = parking;
    }

    /// What CONFIG SET changed and this floor acts on; the rest is left for `net`.
    fn act_on_config_changes(&mut self) {
        if self.server.config_changes.is_empty() {
            return;
        }
        for name in std::mem::take(&mut self.server.config_changes) {
            match name {
                "hz" => self.next_cron_ms = 0,
                // It is seen to as soon as there is none but one writer.
                "appendonly" if self.server.config.appendonly => {
                    if self.is_last_log_ending() {
                        self.server.persistence.log.rewrite_scheduled = true;
                        self.server.config_changes.push(name);
                        continue;
                    }
                    let is_on = self.storage.log.is_some();
                    match self.turn_log_on() {
                        Ok(()) if is_on => {}
                        Ok(()) => drop(self.start_rewrite()),
                        Err(trouble) => {
                            log::error!("The log cannot be turned on, and stays off: {trouble}");
                            self.server.config.appendonly = false;
                            self.serve_log_waiters(u64::MAX);
                        }
                    }
                }
                "appendonly" => {
                    self.give_up_rewrite();
                    self.turn_log_off();
                }
                "stop-writes-on-bgsave-error" | "save" => self.settle_disk_gate(),
                "appendfsync" => {
                    let policy = super::log::policy(&self.server.config);
                    if let Some(log) = &mut self.storage.log
                        && log.policy() != policy
                    {
                        log.set_policy(policy);
                        // What was written under another policy may not be durable yet, whichever keys it was.
                        self.storage.touched.fill(log.next_offset());
                    }
                }
                "aof-disable-auto-gc" => {
                    let removes = !self.server.config.aof_disable_auto_gc;
                    if let Some(log) = &mut self.storage.log {
                        log.set_removes_history(removes);
                    }
                }
                _ => self.config_changes.push(name),
            }
        }
    }

    /// Directives that changed and that sockets or the process have to follow; asked once per round.
    pub fn take_config_changes(&mut self) -> Vec<&'static str> {
        std::mem::take(&mut self.config_changes)
    }

    /// Removes keys whose deadline has come. Gives when to come back.
    fn expire(&mut self) -> u64 {
        if let Some(pause_ms) = self.server.end_pause_when_due() {
            return pause_ms.min(self.cron_ms());
        }
        if !self.server.debug.active_expire || self.server.raised & gates::LOG_FULL != 0 {
            return self.cron_ms();
        }
        let now = self.server.now();
        let begun = self.begin_spike();
        let lag = &mut self.server.expiry_lag;
        let more = self.server.keyspace.expire_due(now, EXPIRE_BUDGET, |late_ms| lag.record(late_ms * 1000, 1));
        self.collect_removals();
        self.end_spike("expire-cycle", begun);
        if more {
            self.server.counters.expiry_slices_cut += 1;
            return 0;
        }
        self.server.keyspace.next_deadline().map_or(self.cron_ms(), |deadline| deadline.saturating_sub(now.ms))
    }

    /// When something began that LATENCY may show (monotonic ns); `None`: nobody wants to know.
    pub(super) fn begin_spike(&self) -> Option<u64> {
        (self.server.config.latency_monitor_threshold_ms > 0).then(|| self.server.clock.monotonic_ns())
    }

    /// It has ended: it is noted if it took long enough.
    pub(super) fn end_spike(&mut self, event: &'static str, begun_ns: Option<u64>) {
        if let Some(begun_ns) = begun_ns {
            self.server.note_latency(event, (self.server.clock.monotonic_ns() - begun_ns) / 1_000_000);
        }
    }

    fn build_order(&mut self) -> bool {
        if self.server.keyspace.is_order_exact() {
            return false;
        }
        let db = self.server.keyspace.all_mut().iter_mut().find(|db| !db.is_order_exact());
        let more = db.is_some_and(|db| db.build_order(ORDER_BUDGET));
        self.lap(Phase::Order);
        more
    }

    /// Empties sparse pages, a few records at a time.
    fn defragment(&mut self) -> bool {
        let Some((number, page)) = self.sparse else { return false };
        if !self.server.keyspace.db(number).defragment(page, DEFRAGMENT_BUDGET) {
            self.sparse = self.server.keyspace.db(number).sparsest_page().map(|page| (number, page));
        }
        self.lap(Phase::Defragment);
        self.sparse.is_some()
    }

    /// How often the cron runs (`hz`), in milliseconds.
    pub fn cron_ms(&self) -> u64 {
        1000 / u64::from(self.server.config.hz).clamp(1, 500)
    }

    /// What is done `hz` times a second.
    fn cron(&mut self) {
        let now_ms = self.server.time.monotonic_ms();
        if now_ms < self.next_cron_ms || self.server.debug.cron_paused {
            return;
        }
        self.next_cron_ms = now_ms + self.cron_ms();
        self.publish_log();
        if now_ms >= self.next_sample_ms {
            self.next_sample_ms = now_ms + SAMPLE_MS;
            self.sample(now_ms);
        }
        if self.sparse.is_none() && !self.server.keyspace.is_walking() {
            let pages = self.server.keyspace.all().iter().enumerate().filter(|(_, db)| db.idle_bytes() > IDLE_BYTES);
            self.sparse = pages.filter_map(|(n, db)| db.sparsest_page().map(|page| (n, page))).next();
        }
        self.start_due_saves();
        let spent_ns = self.lap(Phase::Cron);
        self.server.event_loop.record_cron(spent_ns / 1000);
    }

    /// Under a limit what the process takes, for new clients say, counts a round later and not at the next sample. The buffers of a log
    /// are known only then.
    fn weigh_between_samples(&mut self) {
        if self.storage.log.is_none() {
            self.server.read_memory();
            self.server.weigh_process();
        }
    }

    /// Weighs memory and notes the rates.
    fn sample(&mut self, now_ms: u64) {
        self.server.read_memory();
        self.server.weigh_process();
        if now_ms >= self.next_memory_limit_ms {
            self.next_memory_limit_ms = now_ms + MEMORY_LIMIT_MS;
            self.server.read_memory_limit();
        }
        self.server.rates.sample(&rates::Counters {
            now_us: self.server.time.monotonic_ns / 1000,
            commands: self.server.counters.calls,
            input_bytes: self.server.counters.bytes_in,
            output_bytes: self.server.counters.bytes_out,
            turns: self.server.event_loop.turns().count,
            turns_us: self.server.event_loop.turns().sum_us,
            ..rates::Counters::default()
        });
    }
}
