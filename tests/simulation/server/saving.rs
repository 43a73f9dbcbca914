//! Snapshots, the log turned off and on, and an end in order: when what is there is known to be kept.

use ferrodis::server::config::{AppendFsync, ShutdownFlags};

use super::{GRAIN_MS, Life, LogState, Simulation};
use crate::disk::Faults;

impl Simulation {
    pub(super) fn note_snapshots(&mut self, life: &mut Life, before: usize) {
        let state = &life.process.dispatcher.server.persistence.snapshots;
        if state.done > life.snapshots_done {
            life.snapshots_done = state.done;
            self.seen.snapshots += 1;
            if let (false, Some((_, which))) = (self.has_log, life.snapshot) {
                self.history.needed = self.history.needed.max(self.begun[which].0);
            }
        }
        match state.started_ms {
            None => life.snapshot = None,
            Some(ms) if life.snapshot.is_some_and(|(begun_ms, _)| begun_ms == ms) => {}
            Some(ms) => {
                life.snapshot = Some((ms, self.begun.len()));
                self.begun.push((before, self.history.now()));
            }
        }
    }

    /// SAVE: what is there now is durable when it says so. All wait for that, unless the disk stands still.
    pub(super) fn save(&mut self, life: &mut Life) {
        let (before, done) = (self.history.now(), life.snapshots_done);
        let mut answer = life.process.operate("SAVE");
        self.note_snapshots(life, before);
        for _ in 0..200 {
            if !answer.is_empty() || self.disk.is_down() {
                break;
            }
            self.pass_time(life, GRAIN_MS);
            answer = life.process.output(life.process.operator);
        }
        match &*answer {
            b"+OK\r\n" => assert!(life.snapshots_done > done, "none was seen to be done"),
            b"" => life.process.operator = life.process.connect(), // it hears of it some time, or never
            _ => {}
        }
    }

    /// CONFIG SET appendonly: off, all so far being made durable beside the clients; or on again, from a base of what is there.
    pub(super) fn toggle_log(&mut self, life: &mut Life) {
        let word = if life.log == LogState::Off { "yes" } else { "no" };
        self.trace(|_| format!("appendonly {word}, {:?}", life.log));
        self.turn(life);
        life.process.operate(&format!("CONFIG SET appendonly {word}"));
        self.turn(life);
        life.unsynced_since_ms = None;
        match life.log {
            LogState::Off if life.process.dispatcher.server.config.appendonly => {
                self.history.begin_log();
                (life.log, life.rewrites_done) = (LogState::AwaitsBase, life.rewrites());
            }
            LogState::Off => {}
            LogState::AwaitsBase => {
                self.history.end_log(); // though its base may be in force already
                life.log = LogState::Off;
            }
            LogState::InForce => {
                self.history.end_log();
                (life.log, life.ending) = (LogState::Off, Some(self.history.now()));
            }
        }
        self.turn(life);
    }

    /// The answer to the operator who turned the log off says that it has ended: with all it had, on a disk that is well.
    pub(super) fn note_log_end(&mut self, life: &mut Life) {
        let dispatcher = &life.process.dispatcher;
        let is_held = dispatcher.server.clients.get(life.process.operator).waits_for() > dispatcher.visible_offset();
        self.seen.log_ends += u64::from(is_held && life.ending.is_some());
        if let Some(last) = life.ending.take_if(|_| !is_held)
            && !life.had_faults
            && !self.disk.is_down()
        {
            self.history.needed = self.history.needed.max(last);
            self.seen.logs_ended += 1;
        }
    }

    /// The base that was awaited is in force; or the log could not be turned on, behind the last writer of the one before.
    pub(super) fn note_log(&mut self, life: &mut Life) {
        if life.log == LogState::AwaitsBase && !life.process.dispatcher.server.config.appendonly {
            self.history.end_log();
            life.log = LogState::Off;
        }
        let log = &life.process.dispatcher.server.persistence.log;
        // The last rewrite of the log before may have been the one that was done.
        let is_in_force = log.enabled && !log.awaits_base && life.rewrites() > life.rewrites_done;
        if life.log == LogState::AwaitsBase && is_in_force {
            life.log = LogState::InForce;
            self.trace(|_| "the new log is in force".into());
            self.seen.logs_begun += 1;
        }
        let may_be_late = life.policy == AppendFsync::Everysec && life.log == LogState::InForce;
        if !may_be_late || life.process.dispatcher.unready_reason().is_some() {
            life.unsynced_since_ms = None;
        }
        let delayed = life.process.dispatcher.server.persistence.log.delayed_syncs;
        self.seen.delayed += delayed - std::mem::replace(&mut life.delayed_syncs, delayed);
    }

    /// Ends in order, on a disk that is well: nothing may be lost.
    pub(super) fn shut_down(&mut self, life: &mut Life) {
        self.disk.set_faults(Faults::default());
        life.is_stalled = false;
        self.pass_time(life, 100);
        let is_kept = life.log == LogState::InForce || !self.has_log;
        let is_well = life.process.dispatcher.unready_reason().is_none();
        let now = self.history.now();
        let flags = ShutdownFlags { save: !self.has_log, ..ShutdownFlags::default() };
        let ended = life.process.dispatcher.shut_down(flags);
        self.begun.push((now, now));
        if self.disk.is_down() || !is_well || !is_kept {
            return;
        }
        assert!(ended.is_ok(), "{ended:?}");
        self.history.needed = now;
    }
}
