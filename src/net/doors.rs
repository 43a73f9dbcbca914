//! Where the server listens: the addresses of a configuration, opening them, and changing them while it runs.
//!
//! CONFIG SET has to answer whether an address can be had, so [`Outside`] opens new listeners at once; the loop takes them over
//! ([`NewDoors`]) at the end of the round and closes those that are not wanted any more.

use super::config_files::plain;
use super::listener::{Listener, Serves, SocketOptions, addresses};
use super::oom_score::{OomScore, SCORE_DIRECTIVES};
use super::service_manager::ServiceManager;
use super::tls::Context;
use crate::base::disk::RealDisk;
use crate::base::files;
use crate::base::sys::limits;
use crate::dispatch::storage::location;
use crate::persistence::aof::store::Store;
use crate::server::config::{Config, Directive};
use crate::server::surroundings::{Refusal, Surroundings, Work};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

/// The directives that say where to listen, and may change while the server runs.
pub const DOOR_DIRECTIVES: [&str; 5] = ["port", "tls-port", "bind", "metrics-port", "metrics-bind"];
/// How the directives begin that say what TLS is like.
const TLS_DIRECTIVE: &str = "tls-";

/// Whether a directive says where to listen, or how.
pub fn is_of_doors(name: &str) -> bool {
    DOOR_DIRECTIVES.contains(&name) || name.starts_with(TLS_DIRECTIVE)
}

/// An address to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// Where.
    pub address: SocketAddr,
    /// For whom.
    pub serves: Serves,
    /// Whether it may be missing on this machine (`-` in front of it).
    pub is_optional: bool,
}

/// A word of `bind` that names no address.
#[derive(Debug)]
pub struct NoAddress {
    word: String,
    /// The port that it was to have.
    pub port: u16,
    /// For whom it was to be.
    pub serves: Serves,
    error: io::Error,
}

impl std::fmt::Display for NoAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.word, self.port, plain(&self.error))
    }
}

/// The TCP addresses at which a configuration wants connections: those for clients first.
///
/// # Errors
/// A word that names no address, with the reason.
pub fn doors(config: &Config) -> Result<Vec<Door>, NoAddress> {
    let mut doors = Vec::new();
    if config.port != 0 {
        doors = doors_at(&config.bind, config.port, Serves::Clients)?;
    }
    if config.tls_port != 0 {
        doors.append(&mut doors_at(&config.bind, config.tls_port, Serves::TlsClients)?);
    }
    if config.metrics_port != 0 {
        doors.append(&mut doors_at(&config.metrics_bind, config.metrics_port, Serves::Metrics)?);
    }
    Ok(doors)
}

/// The addresses that the words of a `bind` stand for, with one port.
///
/// # Errors
/// As `doors`.
pub fn doors_at(bind: &[String], port: u16, serves: Serves) -> Result<Vec<Door>, NoAddress> {
    let mut doors = Vec::new();
    for word in bind.iter().filter(|word| !word.is_empty()) {
        let (found, is_optional) = match addresses(word, port) {
            Ok(found) => found,
            Err(_) if word.starts_with('-') => continue,
            Err(error) => return Err(NoAddress { word: word.clone(), port, serves, error }),
        };
        doors.extend(found.into_iter().map(|address| Door { address, serves, is_optional }));
    }
    Ok(doors)
}

/// Opens a door; `None` when it may be missing, and is.
pub fn open(door: &Door, options: &SocketOptions) -> Result<Option<Listener>, io::Error> {
    match Listener::tcp(door.address, options, door.serves) {
        Ok(listener) => Ok(Some(listener)),
        Err(e) if door.is_optional && is_missing(&e) => Ok(None),
        // Any interface of a machine without IPv6 is no reason not to start, as in Redis.
        Err(e) if door.address.ip().is_unspecified() && door.address.is_ipv6() && is_missing(&e) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Whether an address is not there, rather than taken.
fn is_missing(error: &io::Error) -> bool {
    let codes =
        [libc::EADDRNOTAVAIL, libc::EAFNOSUPPORT, libc::EPROTONOSUPPORT, libc::ESOCKTNOSUPPORT, libc::EPFNOSUPPORT];
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

/// Listeners that CONFIG SET has got ready.
pub struct NewDoors {
    /// Every address that is wanted; others are closed.
    pub wanted: Vec<Door>,
    /// Those that are open already.
    pub opened: Vec<Listener>,
    /// Those that can be opened only when one of ours is closed: `*` and `127.0.0.1` with the same port, say.
    pub later: Vec<Door>,
    /// What connections through doors with TLS are set up with; none where there is no such door.
    pub tls: Option<Context>,
}

/// The process around a server that has sockets.
pub struct Outside {
    new_doors: Sender<NewDoors>,
    oom_score: OomScore,
    manager: ServiceManager,
}

impl Outside {
    /// The process under this configuration, and where the loop takes new listeners from.
    pub fn new(config: &Config, manager: ServiceManager) -> (Outside, Receiver<NewDoors>) {
        let (new_doors, receiver) = channel();
        let mut oom_score = OomScore::default();
        // One that cannot be had is logged, and no reason not to start.
        let _ = oom_score.follow(config);
        (Outside { new_doors, oom_score, manager }, receiver)
    }

    fn prepare_doors(&self, old: &Config, new: &Config) -> Result<NewDoors, String> {
        let old_doors = doors(old).unwrap_or_default();
        let wanted = doors(new).map_err(|no_address| no_address.to_string())?;
        let mut prepared = NewDoors { wanted: wanted.clone(), opened: Vec::new(), later: Vec::new(), tls: None };
        let mut failures = Vec::new();
        for door in &wanted {
            if old_doors.iter().any(|old| (old.address, old.serves) == (door.address, door.serves)) {
                continue;
            }
            match open(door, &SocketOptions::of(new)) {
                Ok(listener) => prepared.opened.extend(listener),
                Err(e) if e.kind() == io::ErrorKind::AddrInUse && old_doors.iter().any(|old| overlap(old, door)) => {
                    prepared.later.push(door.clone());
                }
                Err(e) => failures.push(refused(&door.address, &e)),
            }
        }
        match failures.first() {
            None => Ok(prepared),
            Some(failure) => Err(failure.clone()),
        }
    }
}

/// Whether one of two doors of the same port stands for the other too.
fn overlap(a: &Door, b: &Door) -> bool {
    let is_any = a.address.ip().is_unspecified() || b.address.ip().is_unspecified();
    a.address.port() == b.address.port() && a.address.is_ipv4() == b.address.is_ipv4() && is_any
}

/// What is logged of an address that cannot be had, in Redis's words.
pub fn refused(address: &SocketAddr, error: &io::Error) -> String {
    let (ip, port) = (address.ip(), address.port());
    format!("Could not create server TCP listening socket {ip}:{port}: bind: {}", plain(error))
}

impl Surroundings for Outside {
    fn try_config(&mut self, old: &Config, new: &mut Config, changed: &[&'static Directive]) -> Result<(), Refusal> {
        let has = |name: &'static str| changed.iter().any(|row| row.name == name).then_some(name);
        if let Some(name) = has("maxclients") {
            let possible = limits::raise_for_clients(new.maxclients);
            if possible < new.maxclients {
                let reason = format!(
                    "The operating system is not able to handle the specified number of clients, try with {possible}"
                );
                return Err(Refusal { name, reason });
            }
        }
        let mut doors = None;
        if let Some(row) = changed.iter().find(|row| is_of_doors(row.name)) {
            let name = row.name;
            let tls = tls_context(new).map_err(|text| {
                log::warn!("{text}");
                Refusal { name, reason: "Unable to update TLS configuration. Check server logs.".into() }
            })?;
            let prepared = self.prepare_doors(old, new).map_err(|text| {
                log::warn!("{text}");
                let reason = match name {
                    "port" | "tls-port" | "metrics-port" => "Unable to listen on this port. Check server logs.",
                    _ => "Failed to bind to specified addresses.",
                };
                Refusal { name, reason: reason.into() }
            })?;
            doors = Some(NewDoors { tls, ..prepared });
        }
        if let Some(name) = SCORE_DIRECTIVES.into_iter().find_map(has)
            && self.oom_score.follow(new).is_err()
        {
            let _ = self.oom_score.follow(old);
            return Err(Refusal { name, reason: "Failed to set current oom_score_adj. Check server logs.".into() });
        }
        if let Some(name) = has("dir") {
            new.dir = enter(&new.dir).map_err(|e| Refusal { name, reason: plain(&e) })?;
        }
        if let Some(doors) = doors {
            // The loop is there as long as the server is.
            let _ = self.new_doors.send(doors);
        }
        Ok(())
    }

    fn try_log(&self, config: &Config, is_ours: bool) -> Result<(), Refusal> {
        let store = Store::open_anew(Arc::new(RealDisk), location(config)).map_err(|e| e.to_string());
        let tried = store.and_then(|store| store.try_directory(is_ours).map_err(|trouble| trouble.to_string()));
        tried.map_err(|text| {
            log::error!("The log cannot be turned on: {text}");
            Refusal { name: "appendonly", reason: "Unable to turn on AOF. Check server logs.".into() }
        })
    }

    fn is_at_work(&mut self, work: Work, now_ms: u64) {
        self.manager.busy(work, now_ms);
    }

    fn read_file(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn replace_file(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        files::replace(path, content)
    }
}

/// What connections with TLS are to be set up with; `None` where the configuration has no door for them.
///
/// # Errors
/// Why there cannot be such connections.
pub fn tls_context(config: &Config) -> Result<Option<Context>, String> {
    if config.tls_port == 0 { Ok(None) } else { Context::new(config).map(Some) }
}

/// Makes `dir` the working directory; gives its absolute path.
pub fn enter(dir: &str) -> io::Result<String> {
    std::env::set_current_dir(dir)?;
    Ok(std::env::current_dir().unwrap_or_else(|_| PathBuf::from(dir)).display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Config {
        let mut config = Config::default();
        let pairs: Vec<(&[u8], &[u8])> =
            pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        config.set(&pairs, Default::default()).unwrap();
        config
    }

    #[test]
    fn every_word_of_bind_is_a_door() {
        let doors = doors(&config(&[("port", "7"), ("bind", "127.0.0.1 -::1 *")])).unwrap();
        let found: Vec<(String, bool)> = doors.iter().map(|d| (d.address.to_string(), d.is_optional)).collect();
        let expected = [("127.0.0.1:7", false), ("[::1]:7", true), ("0.0.0.0:7", false)];
        assert_eq!(found, expected.map(|(address, is_optional)| (address.to_string(), is_optional)));
    }

    #[test]
    fn metrics_have_doors_of_their_own() {
        let doors = doors(&Config { port: 0, metrics_port: 9, ..Config::default() }).unwrap();
        assert_eq!((doors.len(), doors[0].serves, doors[0].address.port()), (1, Serves::Metrics, 9));
    }

    #[test]
    fn port_0_is_no_door() {
        assert!(doors(&config(&[("port", "0")])).unwrap().is_empty());
    }

    #[test]
    fn an_address_that_may_be_missing_is_left_out_and_another_is_not() {
        // 192.0.2.0/24 is for documentation: nobody has it.
        let door = |is_optional| Door { address: "192.0.2.1:0".parse().unwrap(), serves: Serves::Clients, is_optional };
        assert!(open(&door(true), &SocketOptions::default()).unwrap().is_none());
        assert!(open(&door(false), &SocketOptions::default()).is_err());
    }

    #[test]
    fn a_narrower_address_of_the_same_port_is_opened_when_the_wider_is_closed() {
        let held = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
        let port = held.local_addr().unwrap().port().to_string();
        let old = config(&[("port", &port), ("bind", "*")]);
        let new = config(&[("port", &port), ("bind", "127.0.0.1")]);
        let (outside, _receiver) = Outside::new(&old, ServiceManager::default());
        let prepared = outside.prepare_doors(&old, &new).unwrap();
        assert_eq!((prepared.opened.len(), prepared.later.len()), (0, 1));
        let elsewhere = config(&[("port", "1"), ("bind", "*")]);
        assert!(outside.prepare_doors(&elsewhere, &new).is_err(), "the port is taken by somebody else");
    }
}
