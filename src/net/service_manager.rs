//! Who started the process and wants to hear of it: systemd by its notification socket, upstart by a stop, or nobody.
//!
//! The protocol is that of sd_notify(3): datagrams of `NAME=value` lines to the socket in `NOTIFY_SOCKET`.

use crate::base::sys::daemon;
use crate::server::config::Supervised;
use crate::server::surroundings::Work;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// How much longer a start or an end may take, each time that loading or saving has gone on.
const EXTENSION: Duration = Duration::from_secs(60);
/// How often it is said that saving goes on.
const EXTEND_EVERY_MS: u64 = 1000;

/// The service manager, if there is one.
#[derive(Default)]
pub struct ServiceManager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
    next_watchdog_ms: u64,
    next_extension_ms: u64,
}

impl ServiceManager {
    /// The same, for somebody else who has something to tell.
    pub fn twin(&self) -> ServiceManager {
        let twin = |(socket, address): &(UnixDatagram, SocketAddr)| Some((socket.try_clone().ok()?, address.clone()));
        ServiceManager {
            socket: self.socket.as_ref().and_then(twin),
            watchdog: self.watchdog,
            ..ServiceManager::default()
        }
    }

    /// Finds the service manager that `supervised` names. `variable` reads the environment.
    pub fn find(supervised: Supervised, variable: impl Fn(&str) -> Option<OsString>) -> ServiceManager {
        let socket = variable("NOTIFY_SOCKET").filter(|name| !name.is_empty());
        let is_upstart = variable("UPSTART_JOB").is_some();
        match (supervised, socket) {
            (Supervised::Systemd | Supervised::Auto, Some(name)) => ServiceManager::at(&name, watchdog(&variable)),
            (Supervised::Systemd, None) => {
                log::warn!("systemd supervision requested, but NOTIFY_SOCKET not found");
                ServiceManager::default()
            }
            (Supervised::Upstart, _) if !is_upstart => {
                log::warn!("upstart supervision requested, but UPSTART_JOB not found");
                ServiceManager::default()
            }
            (Supervised::Upstart, _) | (Supervised::Auto, None) if is_upstart => {
                log::info!("supervised by upstart, will stop to signal readiness");
                daemon::stop_self();
                ServiceManager::default()
            }
            _ => ServiceManager::default(),
        }
    }

    fn at(name: &OsStr, watchdog: Option<Duration>) -> ServiceManager {
        let socket = address(name).and_then(|address| Ok((UnixDatagram::unbound()?, address)));
        match socket {
            Ok(socket) => {
                log::info!(
                    "supervised by systemd. Please make sure you set appropriate values for TimeoutStartSec and TimeoutStopSec in your service unit."
                );
                ServiceManager { socket: Some(socket), watchdog, ..ServiceManager::default() }
            }
            Err(e) => {
                log::warn!("the notification socket cannot be used: {e}");
                ServiceManager::default()
            }
        }
    }

    /// The server serves.
    pub fn ready(&self) {
        self.tell("READY=1\nSTATUS=Ready to accept connections\n");
    }

    /// The server loads its data: so far, in percent. The start may take longer.
    pub fn loading(&self, percent: u64) {
        let extension_us = EXTENSION.as_micros();
        self.tell(&format!("STATUS=Loading the data: {percent}%\nEXTEND_TIMEOUT_USEC={extension_us}\n"));
    }

    /// The configuration is being read again; `ready` ends it.
    pub fn reloading(&self) {
        self.tell(&format!(
            "RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=Reading the configuration\n",
            daemon::monotonic_us()
        ));
    }

    /// The server is to end, if what is to be saved first can be.
    pub fn ending(&self) {
        self.tell("STATUS=Shutting down\n");
    }

    /// The server ends: from now on it is killed if that takes too long.
    pub fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=Shutting down\n");
    }

    /// The server is alive, though its loop does not go round. An end that this is part of may take longer, as long as it goes on.
    pub fn busy(&mut self, work: Work, now_ms: u64) {
        self.alive(now_ms);
        if work == Work::GoesOn && now_ms >= self.next_extension_ms {
            self.next_extension_ms = now_ms + EXTEND_EVERY_MS;
            self.tell(&format!("EXTEND_TIMEOUT_USEC={}\n", EXTENSION.as_micros()));
        }
    }

    /// The server was to end, and does not.
    pub fn not_stopping(&self) {
        self.tell("STATUS=Shutting down failed, see the log\n");
    }

    /// The loop goes round: says so when half of the watchdog's patience is over.
    pub fn alive(&mut self, now_ms: u64) {
        let Some(patience) = self.watchdog.filter(|_| now_ms >= self.next_watchdog_ms) else { return };
        self.next_watchdog_ms = now_ms + patience.as_millis() as u64 / 2;
        self.tell("WATCHDOG=1\n");
    }

    fn tell(&self, text: &str) {
        if let Some((socket, address)) = &self.socket
            && let Err(e) = socket.send_to_addr(text.as_bytes(), address)
        {
            log::debug!("the service manager does not hear: {e}");
        }
    }
}

/// `@name` is a name of the abstract space of Linux, anything else a path.
fn address(name: &OsStr) -> std::io::Result<SocketAddr> {
    #[cfg(target_os = "linux")]
    if let Some(name) = name.as_bytes().strip_prefix(b"@") {
        use std::os::linux::net::SocketAddrExt;
        return SocketAddr::from_abstract_name(name);
    }
    SocketAddr::from_pathname(name)
}

/// The watchdog's patience, when it is meant for this process.
fn watchdog(variable: &impl Fn(&str) -> Option<OsString>) -> Option<Duration> {
    let number = |name| variable(name)?.to_str()?.parse::<u64>().ok();
    let is_ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
    number("WATCHDOG_USEC").filter(|us| is_ours && *us > 0).map(Duration::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 512];
        let n = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..n]).into_owned()
    }

    #[test]
    fn systemd_hears_of_start_loading_reload_and_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let variable = |name: &str| match name {
            "NOTIFY_SOCKET" => Some(path.clone().into_os_string()),
            "WATCHDOG_USEC" => Some("2000000".into()),
            _ => None,
        };
        let mut manager = ServiceManager::find(Supervised::Auto, variable);
        manager.loading(40);
        assert!(heard(&socket).contains("Loading the data: 40%\nEXTEND_TIMEOUT_USEC=60000000"));
        manager.ready();
        assert!(heard(&socket).starts_with("READY=1\n"));
        manager.reloading();
        assert!(heard(&socket).starts_with("RELOADING=1\nMONOTONIC_USEC="));
        for now_ms in [5000, 5999, 6000] {
            manager.alive(now_ms);
        }
        assert_eq!((heard(&socket), heard(&socket)), ("WATCHDOG=1\n".into(), "WATCHDOG=1\n".into()));
        let mut twin = manager.twin();
        twin.busy(Work::Waits, 7000);
        twin.busy(Work::GoesOn, 7001);
        assert_eq!((heard(&socket), heard(&socket)), ("WATCHDOG=1\n".into(), "EXTEND_TIMEOUT_USEC=60000000\n".into()));
        manager.stopping();
        assert!(heard(&socket).starts_with("STOPPING=1\n"));
    }

    #[test]
    fn without_a_socket_nobody_is_told() {
        let manager = ServiceManager::find(Supervised::Systemd, |_| None);
        assert!(manager.socket.is_none());
        manager.ready();
    }

    #[test]
    fn a_watchdog_for_another_process_is_not_ours() {
        let variable = |name: &str| match name {
            "WATCHDOG_USEC" => Some("1000".into()),
            "WATCHDOG_PID" => Some("1".into()),
            _ => None,
        };
        assert_eq!(watchdog(&variable), None);
    }
}
