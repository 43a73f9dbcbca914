//! The metrics port over socket pairs, on a clock that the test moves.

use super::*;
use crate::base::clock::ManualClock;
use crate::base::disk::RealDisk;
use crate::commands::registry;
use crate::dispatch::storage::{NoThreads, Storage};
use crate::keyspace::database::Expiry;
use crate::server::access::Newcomer;
use crate::server::config::Config;
use crate::server::{Server, gates};
use crate::values::string::NewText;
use mio::{Events, Poll};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

/// The port without a loop: a test moves the clock and lets everybody go on until nobody can.
struct Port {
    http: HttpServer,
    dispatcher: Dispatcher,
    clock: ManualClock,
    poll: Poll,
    events: Events,
}

impl Port {
    fn new(pairs: &[(&str, &str)]) -> Port {
        let mut config = Config::default();
        let pairs: Vec<(&[u8], &[u8])> =
            pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        config.set(&pairs, Default::default()).unwrap();
        let clock = ManualClock::at(1_700_000_000_000);
        let server = Server::new(config, Arc::new(clock.clone()), [1; 16], registry::all().len());
        let dispatcher = Dispatcher::new(server, Storage::new(Arc::new(RealDisk), Box::new(NoThreads)));
        let (poll, events) = (Poll::new().unwrap(), Events::with_capacity(64));
        Port { http: HttpServer::default(), dispatcher, clock, poll, events }
    }

    fn connect(&mut self) -> UnixStream {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        theirs.set_nonblocking(true).unwrap();
        let socket = Socket::Unix(mio::net::UnixStream::from_std(ours));
        let now_ms = self.dispatcher.server.time.monotonic_ms();
        self.http.accept(socket, self.poll.registry(), now_ms);
        theirs
    }

    fn settle(&mut self) {
        loop {
            self.poll.poll(&mut self.events, Some(Duration::ZERO)).unwrap();
            self.events.iter().for_each(|event| self.http.event(event.token(), event));
            self.dispatcher.begin_turn();
            self.http.tick(&mut self.dispatcher);
            if self.events.is_empty() && !self.http.has_work() {
                return;
            }
        }
    }

    fn advance_ms(&mut self, ms: u64) {
        self.clock.advance_ms(ms);
        self.settle();
    }

    /// What comes for these bytes.
    fn say(&mut self, peer: &mut UnixStream, text: &str) -> String {
        peer.write_all(text.as_bytes()).unwrap();
        self.settle();
        hear(peer)
    }

    /// What comes for these bytes on a connection of their own.
    fn ask(&mut self, text: &str) -> String {
        let mut peer = self.connect();
        self.say(&mut peer, text)
    }

    fn get(&mut self, path: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"))
    }
}

/// All that waits at the peer's side.
fn hear(peer: &mut UnixStream) -> String {
    let mut bytes = Vec::new();
    match peer.read_to_end(&mut bytes) {
        Err(e) if e.kind() != ErrorKind::WouldBlock => panic!("{e}"),
        _ => String::from_utf8(bytes).unwrap(),
    }
}

fn is_closed(peer: &mut UnixStream) -> bool {
    matches!(peer.read(&mut [0]), Ok(0))
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").expect("head and body").1
}

#[test]
fn pages() {
    let mut port = Port::new(&[]);
    let metrics = port.get("/metrics?x=y");
    assert!(metrics.starts_with("HTTP/1.1 200 OK\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\n"), "{metrics}");
    assert!(
        metrics.contains("\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"),
        "{metrics}"
    );
    assert!(body(&metrics).contains("\nferrodis_loading 0\n") && metrics.ends_with("# EOF\n"), "{metrics}");
    assert!(metrics.contains(&format!("\r\nContent-Length: {}\r\n", body(&metrics).len())), "{metrics}");
    let index = port.get("/help");
    assert!(body(&index).starts_with("Ferrodis ") && index.contains("/readyz"), "{index}");
    assert_eq!(body(&port.get("/healthz")), "ok\n");
    assert_eq!(status(&port.get("/nothing")), "404");
    let post = port.ask("POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(status(&post), "405");
    assert!(post.contains("\r\nAllow: GET, HEAD\r\n"), "{post}");
}

#[test]
fn the_dashboard_loads_nothing_but_its_figures() {
    let mut port = Port::new(&[]);
    let page = port.get("/");
    assert!(page.contains("\r\nContent-Type: text/html; charset=utf-8\r\n"), "{page}");
    assert!(page.contains("\r\nContent-Security-Policy: default-src 'none'; "), "{page}");
    let addresses: Vec<&str> = page.match_indices("://").map(|(at, _)| &page[at - 5..at + 20]).collect();
    assert!(addresses.iter().all(|text| text.contains("://www.w3.org/2000")), "{addresses:?}");
    assert!(body(&page).contains("fetch('live.json'"));
}

#[test]
fn the_figures_of_the_dashboard() {
    let mut port = Port::new(&[("requirepass", "sesame")]);
    assert_eq!(status(&port.get("/live.json")), "401");
    let mut port = Port::new(&[]);
    port.dispatcher.server.keyspace.db(3).set(b"key", NewText::Int(1), Expiry::Clear).unwrap();
    let slow: Vec<Box<[u8]>> = vec![b"GET"[..].into(), b"\"\xFF\""[..].into()];
    port.dispatcher.server.slow_log.record(1_700_000_000, 12, slow, "a:1", b"");
    let answer = port.get("/live.json");
    assert!(answer.contains("\r\nContent-Type: application/json\r\n"), "{answer}");
    for part in [
        "{\"now_ms\":1700000000000,\"statistics\":{\"redis_version\":\"8.0.6\",",
        ",\"aof_enabled\":0,",
        ",\"expiry_lag\":{\"bounds\":[0.000001,",
        "\"databases\":[{\"db\":3,\"keys\":1,\"expiring\":0,\"bytes\":",
        "\"slow\":[{\"time\":1700000000,\"us\":12,\"call\":\"GET \\\"\u{FFFD}\\\"\",\"client\":\"a:1\"}],\"clients\":[],",
        "\"progress\":{}}",
    ] {
        assert!(body(&answer).contains(part), "{part} is missing from {answer}");
    }
}

#[test]
fn head_tells_the_length_and_sends_nothing() {
    let answer = Port::new(&[]).ask("HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(answer.contains("\r\nContent-Length: 3\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[test]
fn readiness_follows_loading_and_the_disk() {
    let mut port = Port::new(&[]);
    assert_eq!(body(&port.get("/readyz")), "ready\n");
    port.dispatcher.server.raised |= gates::LOADING;
    port.dispatcher.server.persistence.loading.total_bytes = 9;
    let loading = port.get("/readyz");
    assert_eq!((status(&loading), body(&loading)), ("503", "loading: 0 of 9 bytes\n"));
    assert_eq!(status(&port.get("/healthz")), "200");
    port.dispatcher.server.raised = gates::DISK;
    let refusing = port.get("/readyz");
    assert_eq!(status(&refusing), "503");
    assert!(body(&refusing).starts_with("MISCONF "), "{refusing}");
}

#[test]
fn requests_in_one_packet_are_answered_in_order() {
    let one = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    let text = one("/healthz") + &one("/nothing") + &one("/readyz");
    let answers = Port::new(&[]).ask(&text);
    let statuses: Vec<&str> = answers.match_indices("HTTP/1.1 ").map(|(at, _)| &answers[at + 9..at + 12]).collect();
    assert_eq!(statuses, ["200", "404", "200"], "{answers}");
    assert!(answers.ends_with("ready\n"), "{answers}");
}

#[test]
fn a_connection_ends_when_it_is_asked_to_and_not_before() {
    let mut port = Port::new(&[]);
    let mut peer = port.connect();
    for _ in 0..3 {
        assert!(
            port.say(&mut peer, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").contains("\r\nConnection: keep-alive\r\n")
        );
        assert!(!is_closed(&mut peer));
    }
    let last = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let answer = port.say(&mut peer, last);
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 1, "{answer}");
    assert!(is_closed(&mut peer) && answer.contains("\r\nConnection: close\r\n"));
    drop(peer);
    port.settle();
    assert!(port.http.connections.is_empty());
}

#[test]
fn a_peer_that_only_stops_talking_is_still_answered() {
    let mut port = Port::new(&[]);
    let mut peer = port.connect();
    peer.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /readyz HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    peer.shutdown(std::net::Shutdown::Write).unwrap();
    port.settle();
    assert_eq!(hear(&mut peer).matches("HTTP/1.1 200").count(), 2);
    assert!(port.http.connections.is_empty());
}

#[test]
fn what_is_no_request_is_refused_and_the_connection_ended() {
    let mut port = Port::new(&[]);
    let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    for (text, wanted) in [
        ("*1\r\n$4\r\nPING\r\n", "400"),
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody", "400"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody", "405"),
        (&long, "431"),
    ] {
        let mut peer = port.connect();
        let answer = port.say(&mut peer, text);
        assert_eq!(status(&answer), wanted, "{answer}");
        assert!(is_closed(&mut peer));
    }
}

#[test]
fn a_password_is_asked_for_where_one_is_set() {
    let mut port = Port::new(&[("requirepass", "secret")]);
    let refused = port.get("/metrics");
    assert_eq!(status(&refused), "401");
    assert!(refused.contains("\r\nWWW-Authenticate: Basic realm="), "{refused}");
    let mut with = |token: &str| {
        let answer = port.ask(&format!("GET /healthz HTTP/1.1\r\nHost: a\r\nAuthorization: Basic {token}\r\n\r\n"));
        status(&answer).to_string()
    };
    assert_eq!(with("ZGVmYXVsdDpzZWNyZXQ="), "200"); // default:secret
    assert_eq!(with("OnNlY3JldA=="), "200"); // :secret
    assert_eq!(with("ZGVmYXVsdDp3cm9uZw=="), "401"); // default:wrong
    assert_eq!(with("cm9vdDpzZWNyZXQ="), "401"); // root:secret
    assert_eq!(port.dispatcher.server.counters.failed_authentications, 2);
}

/// Whoever might run INFO saw the arguments of slow calls and who the clients are.
#[test]
fn the_dashboard_showed_what_its_reader_must_not_ask_for() {
    let mut port = Port::new(&[("protected-mode", "no")]);
    let caller = port.dispatcher.server.admit(Newcomer::default()).expect("let in");
    assert_eq!(status(&port.get("/live.json")), "200");
    let rules: [&[u8]; 1] = [b"-slowlog"];
    port.dispatcher.server.set_user(caller, b"default", rules.into_iter()).unwrap();
    assert_eq!(status(&port.get("/live.json")), "401");
    assert_eq!((status(&port.get("/metrics")), status(&port.get("/"))), ("200", "200"));
    let rules: [&[u8]; 1] = [b"-info"];
    port.dispatcher.server.set_user(caller, b"default", rules.into_iter()).unwrap();
    assert_eq!((status(&port.get("/metrics")), status(&port.get("/healthz"))), ("401", "200"));
}

#[test]
fn connections_beyond_the_bound_are_told_so_and_clients_do_not_feel_it() {
    let mut port = Port::new(&[("maxclients", "1")]);
    let mut served: Vec<UnixStream> = (0..CONNECTIONS).map(|_| port.connect()).collect();
    let ask = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut surplus: Vec<UnixStream> = (0..SURPLUS).map(|_| port.connect()).collect();
    assert!(is_closed(&mut port.connect()));
    assert_eq!(status(&port.say(&mut surplus[0], ask)), "503");
    assert!(is_closed(&mut surplus[0]));
    assert_eq!(status(&port.say(&mut served[CONNECTIONS - 1], ask)), "200");
    assert_eq!(port.dispatcher.server.clients.len(), 0);
    drop((served, surplus));
    port.settle();
    assert!(port.http.connections.is_empty());
    assert_eq!(status(&port.get("/healthz")), "200");
}

#[test]
fn half_requests_and_silent_connections_are_closed_in_time() {
    let mut port = Port::new(&[]);
    let (mut silent, mut half, mut kept) = (port.connect(), port.connect(), port.connect());
    assert_eq!(port.say(&mut half, "GET / HT"), "");
    assert_eq!(status(&port.say(&mut kept, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")), "200");
    port.advance_ms(9_000);
    assert_eq!(port.say(&mut half, "TP"), "");
    assert!(![&mut silent, &mut half, &mut kept].into_iter().any(is_closed));
    port.advance_ms(1_000);
    assert!(is_closed(&mut silent) && is_closed(&mut half) && !is_closed(&mut kept));
    port.advance_ms(64_000);
    assert!(!is_closed(&mut kept));
    port.advance_ms(1_000);
    assert!(is_closed(&mut kept) && port.http.connections.is_empty());
}

#[test]
fn a_reader_that_does_not_read_holds_one_answer_and_is_closed() {
    let mut port = Port::new(&[]);
    let mut peer = port.connect();
    let ask = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(40);
    let mut said = 0;
    // The peer goes on asking as long as the sockets take it, and reads nothing.
    while let Ok(n) = peer.write(ask.as_bytes()) {
        said += n;
        port.settle();
    }
    assert!(said > request::HEAD_BYTES);
    let (_, connection) = port.http.connections.iter().next().expect("it is there");
    assert!(connection.held_bytes() < 1 << 20, "{}", connection.held_bytes());
    port.advance_ms(10_000);
    assert!(port.http.connections.is_empty());
}
