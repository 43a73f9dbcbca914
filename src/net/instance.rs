//! An instance: server, storage, dispatcher, loop and listeners, put together. The binary runs one as its process; a program that
//! embeds Ferrodis runs as many as it likes.

use super::config_files::{ConfigFiles, plain};
use super::doors::{Outside, doors, open, refused, tls_context};
use super::event_loop::EventLoop;
use super::listener::{Listener, Serves, SocketOptions};
use super::logging::Logging;
use super::process_title::ProcessTitle;
use super::service_manager::ServiceManager;
use super::threads::{Pins, SystemThreads};
use crate::base::clock::SystemClock;
use crate::base::disk::RealDisk;
use crate::base::random::entropy;
use crate::base::sys::System;
use crate::base::sys::process::group_number;
use crate::commands::registry;
use crate::dispatch::Dispatcher;
use crate::dispatch::storage::Storage;
use crate::server::Server;
use crate::server::config::Config;
use mio::Waker;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What an instance is made of beside its configuration; nothing of it for one that is embedded.
#[derive(Default)]
pub struct Parts {
    /// Where the configuration came from, to be read again at SIGHUP.
    pub files: Option<ConfigFiles>,
    /// The log of the process.
    pub logging: Option<Logging>,
    /// Where the title of the process stands, if it is to show one.
    pub title: Option<ProcessTitle>,
    /// Who is told of start and end.
    pub manager: ServiceManager,
    /// Set when the server is to end; its loop looks when it is woken.
    pub stop: Option<Arc<AtomicBool>>,
    /// Listeners that are open already.
    pub listeners: Vec<Listener>,
}

/// A server that listens, and has not begun to load.
pub struct Instance {
    /// Its loop.
    pub event_loop: EventLoop,
    /// Wakes the loop.
    pub waker: Arc<Waker>,
}

impl Instance {
    /// Puts an instance together and opens its listeners. `config.dir` is to be absolute unless it is the working directory.
    ///
    /// # Errors
    /// Why it cannot listen, or a thread not be started.
    pub fn new(config: Config, mut parts: Parts) -> Result<Instance, String> {
        let tls = tls_context(&config).map_err(|why| {
            log::error!("{why}");
            "Failed to configure TLS. Check logs for more info.".to_string()
        })?;
        let mut listeners = std::mem::take(&mut parts.listeners);
        listen(&config, &mut listeners)?;
        let commands = registry::all().len();
        let clock = Arc::new(SystemClock::default());
        let (outside, new_doors) = Outside::new(&config, parts.manager.twin());
        let pins = Pins::of(&config);
        let mut server = Server::new(config, clock, entropy(), commands).on(Arc::new(System));
        server.surroundings = Box::new(outside);
        server.config_path = parts.files.as_ref().and_then(|files| files.path.clone());
        let failed = |e: io::Error| format!("Failed creating the event loop: {}", plain(&e));
        let (poll, waker) = EventLoop::poll().map_err(failed)?;
        let threads = SystemThreads::new(waker.clone(), pins).map_err(failed)?;
        let mut dispatcher = Dispatcher::new(server, Storage::new(Arc::new(RealDisk), Box::new(threads)));
        dispatcher.server.load_users()?;
        let mut event_loop = EventLoop::new(poll, dispatcher);
        event_loop.take_tls(tls);
        event_loop.operate_with(parts, new_doors);
        for listener in listeners {
            event_loop.listen(listener).map_err(failed)?;
        }
        Ok(Instance { event_loop, waker })
    }

    /// Has `then` called once, when the server serves.
    pub fn when_ready(&mut self, then: impl FnOnce() + Send + 'static) {
        self.event_loop.operation.on_ready = Some(Box::new(then));
    }

    /// Begins to load, and serves until something ends the server; gives the exit code.
    ///
    /// # Errors
    /// What there is cannot be loaded.
    pub fn run(&mut self) -> Result<i32, String> {
        self.event_loop.dispatcher.begin_loading()?;
        self.event_loop.run()
    }
}

/// Opens the listeners of the configuration that are not open yet.
fn listen(config: &Config, listeners: &mut Vec<Listener>) -> Result<(), String> {
    let aborting = |port: u16, kind: &str, why: String| {
        log::error!("Warning: {why}");
        format!("Failed listening on port {port} ({kind}), aborting.")
    };
    let kind = |serves| match serves {
        Serves::Clients => "tcp",
        Serves::TlsClients => "tls",
        Serves::Metrics => "metrics",
    };
    let all = doors(config).map_err(|no_address| {
        let why = format!("Could not create server TCP listening socket {no_address}");
        aborting(no_address.port, kind(no_address.serves), why)
    })?;
    let open_already: Vec<_> = listeners.iter().filter_map(Listener::address).collect();
    for door in all.into_iter().filter(|door| !open_already.contains(&door.address)) {
        match open(&door, &SocketOptions::of(config)) {
            Ok(listener) => listeners.extend(listener),
            Err(e) => return Err(aborting(door.address.port(), kind(door.serves), refused(&door.address, &e))),
        }
    }
    if !config.unixsocket.is_empty() {
        let why = |e: io::Error| format!("Failed opening Unix socket {}: {}", config.unixsocket, plain(&e));
        let failed = |e: io::Error| aborting(config.port, "unix", why(e));
        let group = match config.unixsocketgroup.as_str() {
            "" => None,
            name => Some(group_number(name).map_err(failed)?),
        };
        let path = Path::new(&config.unixsocket);
        let listener = Listener::unix(path, config.tcp_backlog, config.unixsocketperm, group).map_err(failed)?;
        listeners.push(listener);
    }
    if listeners.is_empty() {
        return Err("Configured to not listen anywhere, exiting.".into());
    }
    Ok(())
}
