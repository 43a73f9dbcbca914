//! What commands ask of those above them: saving, loading, ending.

use super::saving::Beside;
use super::storage::{Garbage, Storage};
use super::{Dispatcher, gates};
use crate::commands::error::Error;
use crate::formats::resp::reply::Reply;
use crate::keyspace::database::Database;
use crate::persistence::aof::job::{FsyncPolicy, Status};
use crate::server::config::{Extent, ShutdownFlags};
use crate::server::config_changes::RewriteError;
use crate::server::request::{Ending, Reload, Request};
use crate::server::surroundings::Work;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

impl Dispatcher {
    /// Carries out what the call that just ran has asked for, and answers it unless that has to wait.
    pub(super) fn carry_out_requests(&mut self, reply: &mut Reply) {
        for request in std::mem::take(&mut self.server.requests) {
            if let Err(error) = self.carry_out(request, reply) {
                self.answer_error(None, &error, reply);
            }
        }
    }

    fn carry_out(&mut self, request: Request, reply: &mut Reply) -> Result<(), Error> {
        match request {
            Request::RunTransaction { client, transaction } => self.run_transaction(client, *transaction, reply),
            Request::ShowWrites { client } => {
                let offset = self.offset_to_hold_for();
                let client = self.server.clients.get_mut(client);
                client.held_for = client.held_for.max(offset);
            }
            Request::AwaitLogEnd { client } => {
                // One that the log never comes to: it is let go with the log.
                let offset = self.storage.log.as_ref().map_or(0, |log| log.next_offset() + 1);
                let client = self.server.clients.get_mut(client);
                client.held_for = client.held_for.max(offset);
            }
            Request::Save { client } => {
                if !self.start_snapshot(Some(client)) {
                    return Err(Error::Text("ERR Background save already in progress"));
                }
            }
            Request::StartSnapshot => {
                if !self.start_snapshot(None) {
                    self.server.persistence.snapshots.scheduled = true;
                }
            }
            Request::CancelSnapshot => self.give_up_snapshot(),
            Request::StartRewrite => {
                self.start_rewrite();
            }
            Request::Shutdown(flags) => self.shut_down(flags)?,
            Request::Reload(how) => {
                self.reload(how)?;
                reply.ok();
            }
            Request::LoadLog | Request::Restart { .. } if self.in_transaction => {
                return Err(Error::Text("ERR Command not allowed inside a transaction")); // half of which the log would end with
            }
            Request::LoadLog => {
                self.reload_log()?;
                reply.ok();
            }
            Request::Restart { ending, delay_ms } => self.restart(ending, delay_ms)?,
        }
        Ok(())
    }

    /// Ends the process in order: snapshot where rules ask for it, log synced, then an exit code for `net`. From then on no call
    /// is run: what would be answered now would be lost.
    ///
    /// # Errors
    /// What to answer: saving failed, and the process goes on.
    pub fn shut_down(&mut self, flags: ShutdownFlags) -> Result<(), Error> {
        if self.storage.exit_code.is_some() {
            return Ok(());
        }
        log::warn!("User requested shutdown...");
        if let Some(why) = self.log_lacks_data() {
            // What is on the disk is not this data set.
            if !flags.force {
                log::error!("{why}, can't exit.");
                return Err(Error::Text("ERR Errors trying to SHUTDOWN. Check logs."));
            }
            log::warn!("{why}. Exit anyway.");
        }
        let wants_save = !flags.nosave && (flags.save || !self.server.config.save.is_empty()) && !self.is_loading();
        self.give_up_rewrite();
        if wants_save && !self.save_at_the_end() {
            if self.storage.interrupt.load(Relaxed) {
                self.abandon_saving();
                self.exit_by_insistence();
                return Ok(());
            }
            if !flags.force {
                log::error!("Error trying to save the DB, can't exit.");
                return Err(Error::Text("ERR Errors trying to SHUTDOWN. Check logs."));
            }
        }
        self.abandon_saving();
        self.close_log();
        if self.storage.interrupt.load(Relaxed) {
            self.exit_by_insistence();
            return Ok(());
        }
        log::warn!("Ferrodis is now ready to exit, bye bye...");
        self.server.raised |= gates::WAITING;
        self.storage.exit_code = Some(0);
        Ok(())
    }

    /// Somebody is too impatient to wait for what an orderly end writes.
    fn exit_by_insistence(&mut self) {
        log::warn!("You insist... exiting now.");
        self.server.raised |= gates::WAITING;
        self.storage.exit_code = Some(1);
    }

    /// Why the log holds less than was acknowledged, if it does.
    fn log_lacks_data(&self) -> Option<&'static str> {
        if !self.server.config.appendonly || self.is_loading() {
            return None;
        }
        if self.is_last_log_ending() {
            return Some("Waiting for the last AOF to end before a new one");
        }
        let log = self.storage.log.as_ref()?;
        match log.status() {
            Status::AwaitsBase => Some("Writing initial AOF"),
            Status::Broken(_) => Some("Writing a new base for a broken AOF"),
            // Under `always` what waits was not acknowledged.
            Status::Failed(_) if log.policy() != FsyncPolicy::Always && log.pending_bytes() > 0 => {
                Some("Waiting for a disk that refuses the AOF")
            }
            Status::Ok | Status::Failed(_) => None,
        }
    }

    /// DEBUG RESTART, CRASH-AND-RECOVER: the process ends as after SHUTDOWN, or just so, and is run anew by `net`.
    fn restart(&mut self, ending: Ending, delay_ms: u64) -> Result<(), Error> {
        const FAILED: Error = Error::Text("ERR failed to restart the server. Check server logs.");
        if !self.storage.may_restart {
            log::error!("A server within another program cannot be started anew");
            return Err(FAILED);
        }
        if ending == Ending::Orderly {
            if let Err(RewriteError::Io(error)) = self.server.rewrite_config(Extent::Needed) {
                log::error!("The configuration file cannot be rewritten before the restart: {error}");
                return Err(FAILED);
            }
            self.shut_down(ShutdownFlags::default()).map_err(|_| FAILED)?;
        } else {
            self.server.raised |= gates::WAITING;
            self.storage.exit_code = Some(0);
        }
        self.storage.restart_delay = Some(Duration::from_millis(delay_ms));
        Ok(())
    }

    /// Set when an end that has been asked for is not to wait any longer for what it saves.
    pub fn interrupt(&self) -> Arc<AtomicBool> {
        self.storage.interrupt.clone()
    }

    /// The process may be started anew when a command asks for it: it is nothing but this server.
    pub fn allow_restart(&mut self) {
        self.storage.may_restart = true;
    }

    /// Whether the process is to be started anew when it has ended, and after how long.
    pub fn restart_delay(&self) -> Option<Duration> {
        self.storage.restart_delay
    }

    /// The code to end the process with, when it is to end.
    pub fn exit_code(&self) -> Option<i32> {
        self.storage.exit_code
    }

    fn save_at_the_end(&mut self) -> bool {
        log::info!("Saving the final RDB snapshot before exiting.");
        self.save_now()
    }

    /// Writes a snapshot while nothing else happens; whether that went well.
    fn save_now(&mut self) -> bool {
        self.finish_saving();
        if !self.start_snapshot(None) {
            return false;
        }
        self.finish_saving();
        self.server.persistence.snapshots.last_was_written && !self.storage.interrupt.load(Relaxed)
    }

    /// Steps the walk under way to its end, unless somebody is impatient.
    fn finish_saving(&mut self) {
        let is_active = |storage: &Storage| storage.saving.is_some() || storage.snapshot.is_active();
        while is_active(&self.storage) && !self.storage.interrupt.load(Relaxed) {
            let work = match self.step_saving(Beside::Nobody) {
                Some(_) => Work::GoesOn,
                None => Work::Waits,
            };
            if work == Work::Waits {
                self.storage.threads.await_writers(100, &*self.server.resources.platform);
            }
            self.server.read_clock();
            self.server.surroundings.is_at_work(work, self.server.time.monotonic_ms());
        }
    }

    fn reload(&mut self, Reload { save, flush, merge }: Reload) -> Result<(), Error> {
        if save && !self.save_now() {
            return Err(Error::Text("ERR Error trying to save the DB, check server logs."));
        }
        self.finish_saving();
        if flush {
            self.empty_all();
        }
        let loaded = self.begin_loading_snapshot(!flush && !merge).and_then(|()| self.load_to_end());
        // What is there now stands nowhere in the log. When a load failed after a flush, the log is all there is: it is left.
        let has_changed = !flush || !save && loaded.is_ok();
        if has_changed && self.is_logged() {
            self.start_rewrite();
        }
        loaded.map_err(|reason| {
            log::error!("{reason}");
            Error::Text("ERR Error trying to load the RDB dump, check server logs.")
        })
    }

    fn reload_log(&mut self) -> Result<(), Error> {
        const FAILED: Error = Error::Text("ERR Error trying to load the AOF files, check server logs.");
        let is_on = self.server.config.appendonly;
        if is_on && self.storage.log.as_ref().is_some_and(|log| *log.status() != Status::Ok) {
            log::error!("The AOF does not hold all that is in memory: it is not loaded in its place");
            return Err(FAILED);
        }
        self.finish_saving();
        self.end_log();
        self.empty_all();
        self.begin_loading_log().and_then(|()| self.load_to_end()).map_err(|reason| {
            log::error!("{reason}");
            if is_on {
                // Its files are left as they are: a new base of what is there now would replace them.
                log::error!("The log is off: repair its files and start again, or turn it on to begin anew");
                self.server.config.appendonly = false;
            }
            FAILED
        })
    }

    fn load_to_end(&mut self) -> Result<(), String> {
        while self.is_loading() {
            self.step_loading()?;
        }
        Ok(())
    }

    fn empty_all(&mut self) {
        let flushed: Vec<Database> =
            (0..self.server.keyspace.count()).filter_map(|n| self.server.keyspace.flush(n)).collect();
        self.free_later(Garbage::Databases(flushed));
        self.invalidate_all(0);
    }
}
