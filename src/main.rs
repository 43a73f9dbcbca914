//! The binary: arguments, configuration, server, event loop, exit codes.

use ferrodis::base::clock::SystemClock;
use ferrodis::base::disk::RealDisk;
use ferrodis::base::random::entropy;
use ferrodis::base::sys::System;
use ferrodis::base::sys::allocator::ProgramAllocator;
use ferrodis::commands::registry;
use ferrodis::dispatch::Dispatcher;
use ferrodis::dispatch::storage::Storage;
use ferrodis::net::event_loop::EventLoop;
use ferrodis::net::listener::{Listener, Serves, addresses};
use ferrodis::net::threads::SystemThreads;
use ferrodis::server::Server;
use ferrodis::server::config::{Config, Invocation, Sources};
use std::sync::Arc;

#[global_allocator]
static ALLOCATOR: ProgramAllocator = ProgramAllocator;

fn main() {
    let words: Vec<Vec<u8>> = std::env::args_os().skip(1).map(std::os::unix::ffi::OsStringExt::into_vec).collect();
    let invocation = Invocation::parse(&words);
    let config =
        Config::from_sources(
            Sources { file: None, stdin: None, options: &invocation.options },
            &mut |_| Ok(Vec::new()),
        )
        .unwrap_or_else(|e| {
            eprintln!("{e}");
            std::process::exit(1)
        })
        .config;
    let (port, backlog) = (config.port, config.tcp_backlog);
    let (metrics_port, metrics_bind) = (config.metrics_port, config.metrics_bind.clone());
    let server =
        Server::new(config, Arc::new(SystemClock::default()), entropy(), registry::all().len()).on(Arc::new(System));
    let (poll, waker) = EventLoop::poll().expect("poll");
    let storage = Storage::new(Arc::new(RealDisk), Box::new(SystemThreads::new(waker).expect("threads")));
    let mut dispatcher = Dispatcher::new(server, storage);
    dispatcher.begin_loading().expect("load");
    let mut event_loop = EventLoop::new(poll, dispatcher);
    event_loop.take_signals().expect("signals");
    for address in addresses("127.0.0.1", port).expect("address").0 {
        event_loop.listen(Listener::tcp(address, backlog, Serves::Clients).expect("listen")).expect("register");
    }
    for word in metrics_bind.iter().filter(|_| metrics_port != 0) {
        for address in addresses(word, metrics_port).expect("address").0 {
            event_loop.listen(Listener::tcp(address, backlog, Serves::Metrics).expect("listen")).expect("register");
        }
    }
    std::process::exit(event_loop.run().expect("loop"));
}
