//! Being operated: what a round of the loop does for those who run the server. Changed directives, SIGHUP, the service manager,
//! clients that sit idle.

use super::config_files::ConfigFiles;
use super::doors::{NewDoors, is_of_doors, open, refused, tls_context};
use super::event_loop::EventLoop;
use super::instance::Parts;
use super::listener::{Acceptor, Listener, Serves, SocketOptions};
use super::logging::Logging;
use super::process::on_panic;
use super::process_title::{ProcessTitle, TITLE_DIRECTIVES};
use super::service_manager::ServiceManager;
use super::tls::Context;
use crate::base::sys::{crash, limits};
use crate::server::clients::{ClientIndex, Closing};
use crate::server::config::{ShutdownFlags, When};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::Receiver;

/// How often the service manager hears of a long start.
const STATUS_MS: u64 = 1000;

/// What the loop needs to be operated; nothing of it in a test.
#[derive(Default)]
pub(super) struct Operation {
    files: Option<ConfigFiles>,
    logging: Option<Logging>,
    title: Option<ProcessTitle>,
    pub(super) manager: ServiceManager,
    new_doors: Option<Receiver<NewDoors>>,
    /// Set by the program around when the server is to end.
    stop: Option<Arc<AtomicBool>>,
    /// Called once, when the server serves.
    pub(super) on_ready: Option<Box<dyn FnOnce() + Send>>,
    /// Whether it was said that the server is ready.
    is_announced: bool,
    next_status_ms: u64,
    next_sweep_ms: u64,
    next_tls_look_ms: u64,
    /// The connection that the sweep looks at next.
    next_swept: ClientIndex,
}

impl EventLoop {
    /// Takes what an operated server has.
    pub(super) fn operate_with(&mut self, parts: Parts, new_doors: Receiver<NewDoors>) {
        let Parts { files, logging, title, manager, stop, .. } = parts;
        self.operation =
            Operation { files, logging, title, manager, stop, new_doors: Some(new_doors), ..Operation::default() };
    }

    /// What is due at the end of a round.
    pub(super) fn operate(&mut self) {
        let now_ms = self.dispatcher.server.time.monotonic_ms();
        self.operation.manager.alive(now_ms);
        if self.dispatcher.is_loading() {
            self.report_loading(now_ms);
        } else if !self.operation.is_announced {
            self.announce();
        }
        if self.dispatcher.take_config_reload() {
            self.reload_config();
        }
        for name in self.dispatcher.take_config_changes() {
            self.follow(name);
        }
        if !self.dispatcher.server.debug.cron_paused
            && let Some(name) = self.dispatcher.server.ending_signal.take()
        {
            self.end_by_signal(name);
        }
        if self.operation.stop.as_ref().is_some_and(|stop| stop.load(Relaxed)) && self.dispatcher.exit_code().is_none()
        {
            let flags = self.dispatcher.server.config.shutdown_on_sigterm;
            // It was asked for by the program around: what cannot be saved is logged, and it ends all the same.
            let _ = self.dispatcher.shut_down(ShutdownFlags { force: true, ..flags });
        }
        if now_ms >= self.operation.next_sweep_ms {
            self.operation.next_sweep_ms = now_ms + self.dispatcher.cron_ms();
            self.sweep(now_ms);
            self.look_at_certificates(now_ms);
            if self.dispatcher.server.config.watchdog_period_ms > 0 && self.has_signals() {
                self.feed_watchdog();
            }
        }
    }

    /// SIGTERM or SIGINT: the end, unless what is to be saved cannot be.
    fn end_by_signal(&mut self, name: &str) {
        let config = &self.dispatcher.server.config;
        let flags = if name == "SIGINT" { config.shutdown_on_sigint } else { config.shutdown_on_sigterm };
        if self.dispatcher.shut_down(flags).is_err() {
            self.operation.manager.not_stopping();
            log::warn!(
                "{name} received but errors trying to shut down the server, check the logs for more information"
            );
        }
    }

    /// `watchdog-period`: if the loop does not come here again in time, a signal has it say where it is. The period is at least twice
    /// that of the calls.
    fn feed_watchdog(&self) {
        let period_ms = self.dispatcher.server.config.watchdog_period_ms;
        let least_ms = self.dispatcher.cron_ms() as u32 * 2;
        crash::set_watchdog(if period_ms == 0 { 0 } else { period_ms.max(least_ms) });
    }

    fn report_loading(&mut self, now_ms: u64) {
        if now_ms < self.operation.next_status_ms {
            return;
        }
        self.operation.next_status_ms = now_ms + STATUS_MS;
        let state = &self.dispatcher.server.persistence.loading;
        let percent = (u128::from(state.loaded_bytes) * 100).checked_div(u128::from(state.total_bytes)).unwrap_or(0);
        self.operation.manager.loading(percent as u64);
    }

    /// Says that the server serves, once for each kind of listener.
    fn announce(&mut self) {
        self.operation.is_announced = true;
        let kinds: Vec<_> = self.listeners.iter().filter_map(kind_of).collect();
        for kind in ["tcp", "unix", "tls"] {
            if kinds.contains(&kind) {
                log::info!("Ready to accept connections {kind}");
            }
        }
        self.operation.manager.ready();
        if let Some(on_ready) = self.operation.on_ready.take() {
            on_ready();
        }
    }

    /// Acts on a directive that has changed.
    fn follow(&mut self, name: &str) {
        if TITLE_DIRECTIVES.contains(&name) {
            self.show_title();
        }
        match name {
            _ if is_of_doors(name) => self.change_doors(),
            "crash-log-enabled" if self.has_signals() => {
                crash::report_crashes(self.dispatcher.server.config.crash_log_enabled);
            }
            "debug-context" if self.has_signals() => {
                crash::report_context(&self.dispatcher.server.config.debug_context);
            }
            "use-exit-on-panic" if self.has_signals() => {
                crash::end_on_panic(on_panic(&self.dispatcher.server.config));
            }
            "watchdog-period" if self.has_signals() => self.feed_watchdog(),
            "loglevel" | "log-format" | "log-timestamp-format" => {
                if let Some(logging) = &self.operation.logging {
                    logging.follow(&self.dispatcher.server.config);
                }
            }
            _ => {} // read where it is needed
        }
    }

    pub(super) fn show_title(&mut self) {
        let server = &self.dispatcher.server;
        if let Some(title) = &mut self.operation.title {
            title.show(&server.config, server.config_path.as_deref());
        }
    }

    /// Takes over what CONFIG SET has got ready.
    fn change_doors(&mut self) {
        let Some(doors) = &self.operation.new_doors else { return };
        for new in doors.try_iter().collect::<Vec<_>>() {
            self.take_doors(new);
        }
    }

    /// Takes over listeners that are open already, and closes those that are not wanted any more.
    fn take_doors(&mut self, new: NewDoors) {
        self.take_tls(new.tls);
        let is_wanted = |listener: &Listener| match listener.address() {
            Some(address) => new.wanted.iter().any(|door| (door.address, door.serves) == (address, listener.serves)),
            None => true,
        };
        self.close_listeners(|listener| !is_wanted(listener));
        let options = SocketOptions::of(&self.dispatcher.server.config);
        let mut opened = new.opened;
        for door in new.later {
            match open(&door, &options) {
                Ok(listener) => opened.extend(listener),
                Err(e) => log::error!("Warning: {}", refused(&door.address, &e)),
            }
        }
        for listener in opened {
            if let Err(e) = self.listen(listener) {
                log::error!("A listener cannot be polled: {e}");
            }
        }
    }

    /// `tls-auto-reload-interval`: new files of certificates are put to use, for connections that come from now on.
    fn look_at_certificates(&mut self, now_ms: u64) {
        let interval_ms = u64::from(self.dispatcher.server.config.tls_auto_reload_interval_seconds) * 1000;
        if interval_ms > 0 && now_ms >= self.operation.next_tls_look_ms {
            self.operation.next_tls_look_ms = now_ms + interval_ms;
            self.reload_certificates();
        }
    }

    /// Reads the files of certificates again if they have changed. What cannot be read leaves all as it was.
    fn reload_certificates(&mut self) {
        if !self.tls.as_ref().is_some_and(Context::is_outdated) {
            return log::debug!("TLS materials unchanged");
        }
        match tls_context(&self.dispatcher.server.config) {
            Ok(context) => {
                log::info!("TLS materials reloaded successfully");
                self.take_tls(context);
            }
            Err(text) => log::error!("The TLS certificates stay as they are: {text}"),
        }
    }

    /// SIGHUP: the configuration's files are read again, and the log's file is opened again.
    fn reload_config(&mut self) {
        if let Some(logging) = &self.operation.logging {
            logging.reopen();
        }
        self.operation.manager.reloading();
        self.take_new_config();
        self.reload_certificates();
        self.operation.manager.ready();
    }

    fn take_new_config(&mut self) {
        let Some(files) = &self.operation.files else { return };
        log::info!("Reading the configuration again");
        let mut new = match files.load() {
            Ok(loaded) => {
                loaded.warnings.iter().for_each(|warning| log::warn!("{warning}"));
                loaded.config
            }
            Err(refusal) => return log::error!("The configuration stays as it is: {}", refusal.line()),
        };
        files.resolve(&mut new);
        new.maxclients = limits::raise_for_clients(new.maxclients);
        let server = &mut self.dispatcher.server;
        let (merged, changes) = server.config.reload(&new);
        let live: Vec<_> = changes.iter().map(|change| change.directive).filter(|row| row.when == When::Live).collect();
        if let Err(refusal) = server.take_config(merged, &live) {
            return log::error!("The configuration stays as it is: {}: {}", refusal.name, refusal.reason);
        }
        if changes.is_empty() {
            log::info!("The configuration has not changed");
        }
        for change in changes {
            let from = format!("{}: '{}' becomes '{}'", change.directive.name, change.old, change.new);
            match change.directive.when {
                When::Live => log::info!("{from}"),
                When::AtStart => log::warn!("{from} at the next start"),
            }
        }
    }

    /// Looks at some clients, so many that each is looked at once a second: idle ones are closed, and those that do not take their replies.
    fn sweep(&mut self, now_ms: u64) {
        let count = self.connections.len();
        let slice = count.div_ceil(self.dispatcher.server.config.hz as usize);
        for _ in 0..slice {
            let index = self.operation.next_swept % count;
            self.operation.next_swept = index + 1;
            if self.connections[index].is_some() {
                self.close_if_idle(index, now_ms);
                if !self.dispatcher.server.clients.get(index).output.is_empty() {
                    self.dispatcher.server.check_output_limit(index);
                }
            }
        }
    }

    fn close_if_idle(&mut self, index: ClientIndex, now_ms: u64) {
        let patience_ms = u64::from(self.dispatcher.server.config.timeout_seconds) * 1000;
        let is_parked = self.connections[index].as_ref().is_some_and(|connection| connection.is_parked);
        let client = self.dispatcher.server.clients.get_mut(index);
        let is_spared = is_parked || client.is_monitor || client.wait.is_some() || !client.subscriptions.is_empty();
        if patience_ms > 0 && !is_spared && now_ms.saturating_sub(client.active_ms) > patience_ms {
            log::debug!(client = client.id; "Closing idle client");
            client.closing = Closing::Now;
            self.dispatcher.server.clients.mark_pending(index);
        }
    }
}

/// What clients that come through a listener speak, as Redis names it.
fn kind_of(listener: &Listener) -> Option<&'static str> {
    match (&listener.acceptor, listener.serves) {
        (_, Serves::Metrics) => None,
        (_, Serves::TlsClients) => Some("tls"),
        (Acceptor::Unix(..), _) => Some("unix"),
        (Acceptor::Tcp(_), _) => Some("tcp"),
    }
}
