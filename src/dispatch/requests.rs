//! What commands ask of those above them: saving, loading, ending.

use super::{Dispatcher, gates};
use crate::keyspace::database::Database;
use crate::server::config::ShutdownFlags;
use crate::server::request::Request;
use std::time::Duration;

impl Dispatcher {
    /// Carries out what the call that just ran has asked for.
    pub(super) fn carry_out_requests(&mut self) {
        for request in std::mem::take(&mut self.server.requests) {
            match request {
                Request::Save { client } => {
                    if !self.start_snapshot(Some(client)) {
                        self.answer_waiting(client, Err("ERR Background save already in progress"));
                    }
                }
                Request::StartSnapshot => {
                    if !self.start_snapshot(None) {
                        self.server.persistence.snapshots.scheduled = true;
                    }
                }
                Request::StartRewrite => {
                    self.start_rewrite();
                }
                Request::Shutdown { client, flags } => {
                    if let Err(text) = self.shut_down(flags) {
                        self.answer_waiting(client, Err(&text));
                    }
                }
                Request::AbortShutdown => {}
                Request::Reload { client, save, flush, .. } => {
                    let result = self.reload(save, flush);
                    self.answer_waiting(client, result.as_ref().map(|_| ()).map_err(|text| text.as_str()));
                }
                Request::LoadLog { client } => {
                    let result = self.reload_log();
                    self.answer_waiting(client, result.as_ref().map(|_| ()).map_err(|text| text.as_str()));
                }
                Request::Restart { client, .. } => {
                    self.answer_waiting(client, Err("ERR failed to restart the server. Check server logs."))
                }
            }
        }
    }

    /// Ends the process in order: snapshot where rules ask for it, log synced, then an exit code for `net`.
    ///
    /// # Errors
    /// The text to answer: saving failed, and the process goes on.
    pub fn shut_down(&mut self, flags: ShutdownFlags) -> Result<(), String> {
        log::warn!("User requested shutdown...");
        let wants_save = !flags.nosave && (flags.save || !self.server.config.save.is_empty()) && !self.is_loading();
        if wants_save {
            log::info!("Saving the final RDB snapshot before exiting.");
            if !self.save_now() && !flags.force {
                log::error!("Error trying to save the DB, can't exit.");
                return Err("ERR Errors trying to SHUTDOWN. Check logs.".into());
            }
        }
        self.give_up_saving();
        self.close_log();
        log::warn!("Ferrodis is now ready to exit, bye bye...");
        self.storage.exit_code = Some(0);
        Ok(())
    }

    /// The code to end the process with, when it is to end.
    pub fn exit_code(&self) -> Option<i32> {
        self.storage.exit_code
    }

    /// Writes a snapshot while nothing else happens; whether that went well.
    fn save_now(&mut self) -> bool {
        self.finish_saving();
        if !self.start_snapshot(None) {
            return false;
        }
        self.finish_saving();
        self.server.persistence.snapshots.last_ok
    }

    /// Steps the walk under way to its end.
    fn finish_saving(&mut self) {
        while self.storage.saving.is_some() || self.storage.snapshot.is_active() {
            if !self.step_saving() {
                self.server.resources.platform.sleep_us(100);
            }
            self.server.read_clock();
        }
    }

    /// Makes the log durable and ends it. A disk that refuses is not waited for.
    fn close_log(&mut self) {
        let Some(log) = &mut self.storage.log else { return };
        log.shut_down();
        while !log.has_ended() {
            log.wait(Duration::from_millis(100));
            if let Some(trouble) = log.status().trouble() {
                log::error!("The log could not be made durable: {trouble}");
                break;
            }
        }
    }

    fn reload(&mut self, save: bool, flush: bool) -> Result<(), String> {
        if save && !self.save_now() {
            return Err("ERR Error trying to save the DB, check server logs.".into());
        }
        self.finish_saving();
        if flush {
            self.empty_all();
        }
        let source = self.begin_loading_snapshot()?;
        self.load_to_end(source)
    }

    fn reload_log(&mut self) -> Result<(), String> {
        self.finish_saving();
        self.turn_log_off();
        self.empty_all();
        self.begin_loading().map_err(|e| format!("ERR Error trying to load the AOF files, check server logs. {e}"))?;
        self.load_to_end(true)
    }

    fn load_to_end(&mut self, any: bool) -> Result<(), String> {
        while any && self.is_loading() {
            if let Err(reason) = self.step_loading() {
                log::error!("{reason}");
                self.set_gate(gates::LOADING, false);
                return Err("ERR Error trying to load the RDB dump, check server logs.".into());
            }
        }
        Ok(())
    }

    fn empty_all(&mut self) {
        let flushed: Vec<Database> =
            (0..self.server.keyspace.count()).filter_map(|n| self.server.keyspace.flush(n)).collect();
        self.storage.threads.free(super::storage::Garbage::Databases(flushed));
    }
}
