//! The log's part of a tick: blocks go to the writer, and what it reports sets replies and gates free.

use super::group_commit::{Due, GroupCommit};
use super::saving::Rewrite;
use super::storage::location;
use super::{Dispatcher, gates};
use crate::persistence::Trouble;
use crate::persistence::aof::job::{Event, FsyncPolicy, Status};
use crate::persistence::aof::start::{BeginWith, LogEnd, start};
use crate::persistence::aof::store::{BaseFormat, Store};
use crate::server::config::{AppendFsync, Config};
use crate::server::surroundings::Work;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Weak};

/// A block of this size goes to the writer at once ...
const BLOCK_BYTES: usize = 64 * 1024;
/// ... a smaller one when its first call is so old.
const BLOCK_AGE_NS: u64 = 1_000_000;
/// How often it is said at most that the disk does not keep up.
const SAY_FULL_MS: u64 = 10_000;

/// The policy that the configuration asks for.
pub(super) fn policy(config: &Config) -> FsyncPolicy {
    match config.appendfsync {
        AppendFsync::Always => FsyncPolicy::Always,
        AppendFsync::Everysec => FsyncPolicy::EverySecond,
        AppendFsync::No => FsyncPolicy::No,
    }
}

/// The format of bases that the configuration asks for.
pub(super) fn base_format(config: &Config) -> BaseFormat {
    if config.aof_use_rdb_preamble { BaseFormat::Rdb } else { BaseFormat::Resp }
}

/// The base that a log begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FirstBase {
    /// The one that was loaded; an empty one if there was none.
    InForce,
    /// One of what is in memory, still to be written.
    Awaited,
}

impl Dispatcher {
    /// Begins to log behind what was loaded.
    pub(super) fn begin_log(&mut self, store: Store, end: LogEnd, base: FirstBase) -> Result<(), Trouble> {
        let format = base_format(&self.server.config);
        let empty_base = match format {
            BaseFormat::Rdb => super::saving::empty_base(&self.server),
            BaseFormat::Resp => Vec::new(),
        };
        let with = match base {
            FirstBase::Awaited => BeginWith::AwaitBase,
            FirstBase::InForce => BeginWith::Increment { empty_base: &empty_base, format },
        };
        let (running, wake) = (Arc::new(()), self.storage.threads.waker());
        self.storage.last_writer = Arc::downgrade(&running);
        let wake = move || {
            let _held = &running;
            wake();
        };
        self.storage.log_location = store.location().clone();
        let (mut log, writer) = start(store, end, with, policy(&self.server.config), Box::new(wake))?;
        self.storage.threads.run_log_writer(writer);
        log.set_removes_history(!self.server.config.aof_disable_auto_gc);
        self.server.persistence.log.durable_offset = log.durable_offset();
        self.storage.log = Some(log);
        self.forget_offsets();
        let state = &mut self.server.persistence.log;
        (state.enabled, state.has_writer, state.awaits_base) = (true, true, base == FirstBase::Awaited);
        Ok(())
    }

    /// Another log counts its offsets from elsewhere: nothing waits for those of the last one any more.
    fn forget_offsets(&mut self) {
        self.storage.touched.fill(0);
        (self.storage.group, self.storage.block_since_ns) = (GroupCommit::default(), 0);
        for (_, client) in self.server.clients.iter_mut() {
            (client.held_for, client.looks_at, client.told_for, client.last_write_offset) = (0, 0, 0, 0);
        }
    }

    /// CONFIG SET appendonly yes: begins a log with a base of what is there now.
    pub(super) fn turn_log_on(&mut self) -> Result<(), Trouble> {
        self.check_last_log()?;
        if let Some(log) = &self.storage.log {
            // It was there for BGREWRITEAOF only, or was to be turned off in this very round: nobody waits for its end any more.
            let next = log.next_offset();
            self.server.clients.iter_mut().for_each(|(_, client)| client.held_for = client.held_for.min(next));
            self.server.persistence.log.enabled = true;
            return Ok(());
        }
        let trouble = |reason: String| Trouble {
            action: "open",
            path: location(&self.server.config).manifest_path(),
            reason,
            kind: std::io::ErrorKind::Other,
        };
        let mut store = Store::open_anew(self.storage.disk.clone(), location(&self.server.config))
            .map_err(|e| trouble(e.to_string()))?;
        store.claim_dir()?; // the writer makes it durable
        self.begin_log(store, LogEnd::default(), FirstBase::Awaited)?;
        // What failed, or was given up, belonged to the log before.
        self.server.persistence.log.rewrite_failures_in_a_row = 0;
        self.storage.rewrite_not_before_ms = 0;
        self.server.persistence.log.rewrite_scheduled = true;
        Ok(())
    }

    /// A log that was turned off must have ended, its writer too, before another one begins.
    fn check_last_log(&self) -> Result<(), Trouble> {
        if !self.is_last_log_ending() {
            return Ok(());
        }
        Err(Trouble {
            action: "open",
            path: location(&self.server.config).manifest_path(),
            reason: "the writer of the last log has not ended".into(),
            kind: std::io::ErrorKind::ResourceBusy,
        })
    }

    /// Whether a log was turned off, and still changes files, or may.
    pub(super) fn is_last_log_ending(&self) -> bool {
        match &self.storage.log {
            Some(log) => log.is_ending(),
            None => self.storage.last_writer.strong_count() > 0,
        }
    }

    /// CONFIG SET appendonly no: nothing more is appended. What was is made durable beside the loop; then the log is given up.
    pub(super) fn turn_log_off(&mut self) {
        let state = &mut self.server.persistence.log;
        (state.enabled, state.rewrite_scheduled) = (false, false);
        if let Some(log) = &mut self.storage.log {
            log.shut_down();
            self.server.set_gate(gates::LOG_FULL, false);
            self.settle_log_end();
        }
        self.serve_log_waiters(u64::MAX);
    }

    /// The same, waited for: nobody is served meanwhile.
    pub(super) fn end_log(&mut self) {
        self.turn_log_off();
        while self.storage.log.is_some() {
            self.await_log();
            self.settle_log_end();
        }
    }

    /// There is nothing to do until the log's writer reports: waits for that, but not for long.
    fn await_log(&mut self) {
        let Some(log) = &mut self.storage.log else { return };
        self.storage.threads.await_log(log);
        self.server.surroundings.is_at_work(Work::Waits, self.server.clock.monotonic_ns() / 1_000_000);
    }

    /// Gives up the log that was turned off once all of it is durable, or the disk refuses.
    fn settle_log_end(&mut self) {
        let Some(log) = self.storage.log.take_if(|log| log.has_ended() || log.status().trouble().is_some()) else {
            return;
        };
        if log.has_ended() {
            self.storage.last_writer = Weak::new();
            self.server.persistence.log.has_writer = false;
        } else if let Some(trouble) = log.status().trouble() {
            log::error!("The log was turned off before all of it was durable: {trouble}");
        }
        let state = &mut self.server.persistence.log;
        (state.last_write_ok, state.awaits_base) = (true, false);
        self.forget_offsets();
        self.settle_disk_gate();
        if self.storage.saving.is_none() && self.server.persistence.log.rewrite_started_ms.is_some() {
            self.end_rewrite(Rewrite::Failed); // its base was about to be put in force
        }
    }

    /// Makes the log durable and ends it: the process ends. A disk that refuses is not waited for, nor one that stands still once
    /// somebody is impatient.
    pub(super) fn close_log(&mut self) {
        let Some(log) = &mut self.storage.log else { return };
        log.shut_down();
        while self.storage.log.as_ref().is_some_and(|log| !log.has_ended()) && !self.storage.interrupt.load(Relaxed) {
            self.await_log();
            if let Some(trouble) = self.storage.log.as_ref().and_then(|log| log.status().trouble()) {
                return log::error!("The log could not be made durable: {trouble}");
            }
        }
    }

    /// The log's part of a tick. Gives how long the loop may sleep (ms), if that is bounded by the log.
    pub(super) fn tick_log(&mut self) -> Option<u64> {
        let now_ns = self.server.time.monotonic_ns;
        let timestamp_s = self.server.config.aof_timestamp_enabled.then_some(self.server.time.wall_us / 1_000_000);
        let log = self.storage.log.as_mut()?;
        log.set_timestamp(timestamp_s);
        let changes = log.poll();
        if changes.status {
            self.server.persistence.log.awaits_base = *log.status() == Status::AwaitsBase;
        }
        if changes.durable {
            self.server.persistence.log.durable_offset = log.durable_offset();
            self.storage.group.note_durable(now_ns);
        }
        let needs_base = log.status().needs_new_base();
        for event in changes.events {
            self.note_log_event(event); // may end the log
        }
        if !std::mem::replace(&mut self.storage.needs_base, needs_base) && needs_base {
            self.storage.rewrite_not_before_ms = 0; // rewrites that failed before were not urgent, so they have long to wait
        }
        if (changes.durable || changes.status) && !self.server.clients.waiters.is_empty() {
            self.serve_log_waiters(self.server.persistence.log.durable_offset);
        }
        if self.storage.log.as_ref()?.is_ending() {
            self.settle_log_end();
            return None;
        }
        let log = self.storage.log.as_mut()?;
        let has_trouble = log.status().trouble().is_some();
        let holds_writers = log.is_full() | log.is_late(now_ns);
        if !holds_writers {
            self.server.set_gate(gates::LOG_FULL, false);
        } else if self.server.raised & gates::LOG_FULL == 0 {
            self.hold_writers();
        }
        if changes.status || has_trouble {
            self.note_log_status(has_trouble);
        }
        let sleep_ms = self.submit_block(now_ns);
        self.publish_log();
        sleep_ms
    }

    /// So much of the log waits for the disk, or has waited for so long, that whoever writes has to wait, too: counted each time, and
    /// said now and then.
    #[cold]
    pub(super) fn hold_writers(&mut self) {
        self.server.raised |= gates::LOG_FULL;
        self.server.persistence.log.delayed_syncs += 1;
        let now_ms = self.server.time.monotonic_ms();
        if now_ms >= self.storage.say_full_at_ms {
            self.storage.say_full_at_ms = now_ms + SAY_FULL_MS;
            let Some(log) = &self.storage.log else { return };
            let waits = match log.is_full() {
                true => format!("{} MiB of the log wait for it", log.pending_bytes() >> 20),
                false => "the log has waited for a sync for two seconds".to_owned(),
            };
            log::warn!("The disk does not keep up: {waits}, and so do clients that write");
        }
    }

    /// Sends the block at hand when it is due.
    fn submit_block(&mut self, now_ns: u64) -> Option<u64> {
        let log = self.storage.log.as_mut()?;
        if log.block_bytes() == 0 {
            self.storage.block_since_ns = 0;
            log.submit(); // what waits besides blocks
            return None;
        }
        if log.policy() == FsyncPolicy::Always {
            // While a first base is awaited nothing becomes durable, and no reply waits for it.
            let is_in_force = *log.status() == Status::Ok;
            let due = if is_in_force { self.storage.group.due(now_ns) } else { Due::Now };
            if due == Due::Soon {
                return Some(0);
            }
            self.server.resources.platform.sleep_us(self.server.debug.log_write_delay_us);
            if due == Due::Now && log.submit() {
                self.storage.group.note_submitted(now_ns);
                self.storage.block_since_ns = 0;
            }
            return None;
        }
        let age_ns = now_ns.saturating_sub(self.storage.block_since_ns);
        if log.block_bytes() < BLOCK_BYTES && age_ns < BLOCK_AGE_NS {
            return Some(1);
        }
        self.server.resources.platform.sleep_us(self.server.debug.log_write_delay_us);
        if log.submit() {
            self.storage.block_since_ns = 0;
            return None;
        }
        Some(1)
    }

    /// Up to where replies may show the log: all of it unless they have to wait for the disk.
    pub fn visible_offset(&self) -> u64 {
        match &self.storage.log {
            Some(log) if !log.may_show(u64::MAX) => log.durable_offset(),
            _ => u64::MAX,
        }
    }

    /// The log offset that a look at the server as a whole depends on; 0 when it has to wait for nothing: the disk is not waited for
    /// while it refuses, since that is to be seen.
    pub fn shown_offset(&self) -> u64 {
        match &self.storage.log {
            Some(log) if log.policy() == FsyncPolicy::Always && log.status().trouble().is_none() => log.next_offset(),
            _ => 0,
        }
    }

    /// Up to where such a look may be shown.
    pub fn looked_at_offset(&self) -> u64 {
        if self.shown_offset() == 0 { u64::MAX } else { self.visible_offset() }
    }

    fn note_log_status(&mut self, has_trouble: bool) {
        let was_ok = self.server.persistence.log.last_write_ok;
        self.server.persistence.log.last_write_ok = !has_trouble;
        self.settle_disk_gate();
        if has_trouble && was_ok {
            // Who wants to know how the server is would wait for as long as the disk refuses.
            self.server.clients.iter_mut().for_each(|(_, client)| client.looks_at = 0);
        }
        let Some(log) = &self.storage.log else { return };
        match log.status().trouble() {
            Some(trouble) if was_ok => log::error!("Error writing to the AOF file: {trouble}; writes are refused"),
            None if !was_ok => log::warn!("AOF write error looks solved, the server can write again."),
            _ => {}
        }
    }

    fn note_log_event(&mut self, event: Event) {
        match event {
            Event::IncrementOpened { name } => log::info!("Creating AOF incr file {}", String::from_utf8_lossy(&name)),
            Event::CutBack { trouble, len } => {
                log::error!("{trouble}; the log was cut back to {len} bytes, and goes on in a new file")
            }
            Event::BaseInstalled { name } => {
                log::info!("Successfully created the base file {}", String::from_utf8_lossy(&name))
            }
            Event::RewriteDone(_) => self.end_rewrite(Rewrite::Done),
            Event::RewriteFailed(_, trouble) => {
                log::error!("Background AOF rewrite failed: {trouble}");
                if !self.give_up_rewrite() {
                    self.end_rewrite(Rewrite::Failed);
                }
            }
            Event::HistoryKept(trouble) => log::warn!("An old log file was not removed: {trouble}"),
            Event::Ended(Ok(())) => {}
            Event::Ended(Err(trouble)) => log::error!("The log ended badly: {trouble}"),
        }
    }

    /// Copies the log's figures to where INFO looks.
    pub(super) fn publish_log(&mut self) {
        let state = &mut self.server.persistence.log;
        state.has_writer = self.storage.last_writer.strong_count() > 0;
        let Some(log) = &self.storage.log else { return };
        state.current_bytes = log.current_bytes();
        state.base_bytes = log.base_bytes();
        state.buffer_bytes = log.block_bytes() as u64;
        state.logged_offset = log.next_offset();
        state.written_offset = log.written_offset();
        state.durable_offset = log.durable_offset();
    }
}
