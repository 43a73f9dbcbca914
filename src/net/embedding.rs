//! Ferrodis inside another program, such as its tests: a server on a thread of its own.

use super::config_files::plain;
use super::doors::{doors_at, open, refused};
use super::instance::{Instance, Parts};
use super::listener::{Listener, Serves, SocketOptions};
use crate::commands::registry;
use crate::commands::rights::judge_user;
use crate::server::config::{Config, Sources};
use mio::Waker;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

/// A server to embed.
///
/// ```
/// use std::io::{Read, Write};
///
/// let server = ferrodis::Server::builder().port(0).directive("maxmemory", "10mb").start()?;
/// let mut client = std::net::TcpStream::connect(server.address())?;
/// client.write_all(b"SET greeting hello\r\nGET greeting\r\n")?;
/// let mut replies = [0; 16];
/// client.read_exact(&mut replies)?;
/// assert_eq!(&replies, b"+OK\r\n$5\r\nhello\r\n");
/// server.stop();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub enum Server {}

impl Server {
    /// A server that will listen on 127.0.0.1, at a free port, and write nothing to disk, unless told otherwise.
    pub fn builder() -> Builder {
        let mut builder = Builder { options: Vec::new(), wants_free_port: false };
        builder = builder.directive("bind", "127.0.0.1").directive("save", "").port(0);
        builder
    }
}

/// The configuration of a server to embed.
#[derive(Debug, Clone)]
pub struct Builder {
    options: Vec<u8>,
    wants_free_port: bool,
}

impl Builder {
    /// The port; 0 means any that is free.
    pub fn port(mut self, port: u16) -> Builder {
        self.wants_free_port = port == 0;
        self.directive("port", &port.to_string())
    }

    /// Sets a directive, as a line of a configuration file does; a later one wins. `values` are the words behind the name.
    pub fn directive(mut self, name: &str, values: &str) -> Builder {
        let values = if values.is_empty() { "\"\"" } else { values };
        writeln!(self.options, "{name} {}", values.replace('\n', " ")).expect("a Vec takes all");
        self
    }

    /// The directory for the log and snapshots; the program's own working directory otherwise.
    pub fn directory(self, path: impl AsRef<Path>) -> Builder {
        let mut quoted = Vec::new();
        crate::base::quote::print_quoted(path.as_ref().as_os_str().as_encoded_bytes(), &mut quoted);
        self.directive("dir", &String::from_utf8_lossy(&quoted))
    }

    /// Starts the server on a thread of its own; returns when it serves.
    ///
    /// # Errors
    /// A directive is not valid, an address cannot be had, or what is in the directory cannot be loaded.
    pub fn start(self) -> Result<Running, StartError> {
        let sources = Sources {
            options: &self.options,
            judge_user: Some(judge_user),
            judge_command: Some(registry::known),
            ..Sources::default()
        };
        let mut no_files = |_: &str| Err("an embedded server includes no files".to_string());
        let loaded = Config::from_sources(sources, &mut no_files).map_err(|e| StartError(e.to_string()))?;
        let mut config = loaded.config;
        config.dir = std::fs::canonicalize(&config.dir)
            .map_err(|e| StartError(format!("{}: {}", config.dir, plain(&e))))?
            .display()
            .to_string();
        let stop = Arc::new(AtomicBool::new(false));
        let (begun, outcome) = channel();
        let parts = Parts { stop: Some(stop.clone()), ..Parts::default() };
        let wants_free_port = self.wants_free_port;
        let thread = std::thread::Builder::new()
            .name("ferrodis".into())
            .spawn(move || run(config, parts, wants_free_port, &begun))
            .map_err(|e| StartError(plain(&e)))?;
        match outcome.recv() {
            Ok(Ok((waker, address))) => Ok(Running { address, stop, waker, thread: Some(thread) }),
            Ok(Err(reason)) => Err(StartError(reason)),
            Err(_) => Err(StartError("the server's thread ended".into())),
        }
    }
}

type Begun = Result<(Arc<Waker>, SocketAddr), String>;

/// The server's thread. The loop is made in it, since it does not go from thread to thread.
fn run(mut config: Config, mut parts: Parts, wants_free_port: bool, begun: &Sender<Begun>) {
    let ended = (|| {
        if wants_free_port {
            parts.listeners = open_at_free_port(&mut config)?;
        }
        let mut instance = Instance::new(config, parts)?;
        let address = instance.event_loop.address().ok_or("the server has no TCP port")?;
        let (waker, ready) = (instance.waker.clone(), begun.clone());
        instance.when_ready(move || drop(ready.send(Ok((waker, address)))));
        instance.run()
    })();
    if let Err(reason) = ended {
        log::error!("{reason}");
        let _ = begun.send(Err(reason));
    }
}

/// Listens at every address of `bind`, all with one port that is free; the configuration then has that port.
fn open_at_free_port(config: &mut Config) -> Result<Vec<Listener>, String> {
    let mut listeners = Vec::new();
    for mut door in doors_at(&config.bind, 0, Serves::Clients).map_err(|no_address| no_address.to_string())? {
        door.address.set_port(config.port);
        let opened = open(&door, &SocketOptions::of(config)).map_err(|e| refused(&door.address, &e))?;
        if let Some(address) = opened.as_ref().and_then(Listener::address) {
            config.port = address.port();
        }
        listeners.extend(opened);
    }
    Ok(listeners)
}

/// A server that runs in this program. Ends when it is dropped.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Ends it as SIGTERM ends the program: what is to be saved is saved, the log is synced. Returns when its thread has ended.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        self.stop.store(true, Relaxed);
        if let Err(e) = self.waker.wake() {
            log::error!("the server looks by itself a little later: {e}");
        }
        if thread.join().is_err() {
            log::error!("the server's thread panicked");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// Why a server could not be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartError(String);

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.trim_start())
    }
}

impl std::error::Error for StartError {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::TcpStream;

    fn ask(server: &Running, call: &str, reply: &str) {
        let mut client = TcpStream::connect(server.address()).unwrap();
        client.write_all(call.as_bytes()).unwrap();
        let mut found = vec![0; reply.len()];
        client.read_exact(&mut found).unwrap();
        assert_eq!(String::from_utf8_lossy(&found), reply);
    }

    #[test]
    fn two_servers_run_side_by_side_and_end() {
        let [one, two] = [0, 0].map(|port| Server::builder().port(port).start().unwrap());
        assert_ne!(one.port(), two.port());
        ask(&one, "SET k 1\r\nGET k\r\n", "+OK\r\n$1\r\n1\r\n");
        ask(&two, "GET k\r\n", "$-1\r\n");
        let address = one.address();
        one.stop();
        assert!(TcpStream::connect(address).is_err());
    }

    #[test]
    fn what_is_in_its_directory_is_there_at_the_next_start() {
        let directory = tempfile::tempdir().unwrap();
        let server = || Server::builder().directory(directory.path()).directive("appendonly", "yes").start().unwrap();
        let first = server();
        ask(&first, "SET k 1\r\n", "+OK\r\n");
        first.stop();
        ask(&server(), "GET k\r\n", "$1\r\n1\r\n");
    }

    #[test]
    fn a_bad_directive_or_a_taken_port_is_an_error() {
        let error = Server::builder().directive("maxmemry", "1").start().unwrap_err();
        assert!(error.to_string().contains("maxmemory"), "{error}");
        let server = Server::builder().start().unwrap();
        let error = Server::builder().port(server.port()).start().unwrap_err();
        assert!(error.to_string().starts_with("Failed listening on port"), "{error}");
    }

    #[test]
    fn silent_clients_are_closed_after_the_timeout_and_busy_ones_are_not() {
        let server = Server::builder().directive("timeout", "1").start().unwrap();
        let mut silent = TcpStream::connect(server.address()).unwrap();
        let mut end = [0; 1];
        assert_eq!(silent.read(&mut end).unwrap(), 0);
        ask(&server, "PING\r\n", "+PONG\r\n");
    }

    #[test]
    fn the_port_moves_while_the_server_runs() {
        let server = Server::builder().start().unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut client = TcpStream::connect(server.address()).unwrap();
        client.write_all(format!("CONFIG SET port {}\r\n", free.port()).as_bytes()).unwrap();
        let mut reply = [0; 5];
        client.read_exact(&mut reply).unwrap();
        assert_eq!(&reply, b"+OK\r\n");
        let mut moved = TcpStream::connect(free).unwrap();
        moved.write_all(b"PING\r\n").unwrap();
        moved.read_exact(&mut reply).unwrap();
        assert_eq!(&reply, b"+PONG");
    }
}
