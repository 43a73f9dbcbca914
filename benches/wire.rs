//! Over real sockets: a server on a thread of this process, one connection, pipelines of 1 and 100.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ferrodis::base::clock::SystemClock;
use ferrodis::base::disk::RealDisk;
use ferrodis::commands::registry;
use ferrodis::dispatch::Dispatcher;
use ferrodis::dispatch::storage::{NoThreads, Storage};
use ferrodis::net::event_loop::EventLoop;
use ferrodis::net::listener::{Listener, Serves, SocketOptions};
use ferrodis::server::Server;
use ferrodis::server::config::Config;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

fn start() -> SocketAddr {
    let listener = Listener::tcp(
        "127.0.0.1:0".parse().expect("an address"),
        &SocketOptions { backlog: 16, ..SocketOptions::default() },
        Serves::Clients,
    )
    .expect("a free port");
    let address = listener.address().expect("TCP");
    std::thread::spawn(move || {
        let config = Config { save: Vec::new(), ..Config::default() }; // nobody would write snapshots
        let server = Server::new(config, Arc::new(SystemClock::default()), [7; 16], registry::all().len());
        let dispatcher = Dispatcher::new(server, Storage::new(Arc::new(RealDisk), Box::new(NoThreads)));
        let (poll, _waker) = EventLoop::poll().expect("a poll");
        let mut event_loop = EventLoop::new(poll, dispatcher);
        event_loop.listen(listener).expect("registered");
        event_loop.run()
    });
    address
}

fn wire(c: &mut Criterion) {
    let mut stream = TcpStream::connect(start()).expect("it listens");
    stream.set_nodelay(true).expect("TCP");
    let mut group = c.benchmark_group("wire");
    for depth in [1usize, 100] {
        let (input, mut reply) = (b"*1\r\n$4\r\nPING\r\n".repeat(depth), vec![0; 7 * depth]);
        group.throughput(Throughput::Elements(depth as u64));
        group.bench_function(format!("ping_depth_{depth}"), |b| {
            b.iter(|| {
                stream.write_all(&input).expect("sent");
                stream.read_exact(&mut reply).expect("answered");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, wire);
criterion_main!(benches);
