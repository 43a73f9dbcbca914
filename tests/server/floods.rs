//! Floods: what comes in very large numbers, or stops midway, costs its sender an error or its connection, takes bounded memory, and costs
//! nobody else anything. `FERRODIS_FLOODS=1` runs all at full counts.

use crate::support::{Client, Server, encode, wait_until};
use ferrodis::base::sys::limits::raise_for_clients;
use socket2::SockRef;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// The full count where it was asked for, otherwise one that takes a moment.
fn count(short: usize, full: usize) -> usize {
    if std::env::var_os("FERRODIS_FLOODS").is_some() { full } else { short }
}

/// Somebody else, who goes on writing and reading meanwhile.
struct Bystander {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<usize>,
}

impl Bystander {
    fn of(server: &Server) -> Bystander {
        let is_over = Arc::new(AtomicBool::new(false));
        let (mut client, ends) = (server.client(), is_over.clone());
        let thread = std::thread::spawn(move || {
            let mut rounds = 0;
            while !ends.load(Ordering::Relaxed) {
                assert_eq!(client.run(&format!("SET bystander {rounds}")), "OK");
                assert_eq!(client.run("GET bystander"), rounds.to_string());
                rounds += 1;
            }
            rounds
        });
        Bystander { is_over, thread }
    }

    /// It has been answered rightly all the time.
    #[track_caller]
    fn was_served(self) {
        self.is_over.store(true, Ordering::Relaxed);
        assert!(self.thread.join().expect("right answers") > 0);
    }
}

fn number(client: &mut Client, field: &str) -> usize {
    client.info(field).parse().unwrap()
}

/// A connection that reads nothing of itself, and so takes little here.
fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

#[track_caller]
fn hears(stream: &mut TcpStream, expected: &[u8]) {
    let mut heard = vec![0; expected.len()];
    stream.read_exact(&mut heard).unwrap();
    assert!(heard == expected, "{}", String::from_utf8_lossy(&heard));
}

#[test]
fn a_million_queued_calls_take_bounded_memory_and_hold_up_nobody() {
    let calls = count(100_000, 1_000_000);
    let server = Server::start(&[]);
    let mut control = server.client();
    let before = number(&mut control, "used_memory");
    let bystander = Bystander::of(&server);
    let mut client = server.client();
    let queue = |client: &mut Client| {
        assert_eq!(client.run("MULTI"), "OK");
        assert!(client.pipeline(&vec![&["INCR", "n"][..]; calls]).iter().all(|reply| *reply == "QUEUED"));
    };
    queue(&mut client);
    let list = control.run("CLIENT LIST").text();
    let taken = list
        .lines()
        .find_map(|line| line.split_once(" multi-mem=")?.1.split(' ').next()?.parse().ok().filter(|&n| n > 0));
    let taken: usize = taken.expect("one of them is within MULTI");
    assert!((22 * calls..150 * calls).contains(&taken), "{taken} bytes for {calls} calls");
    client.send(&["EXEC"]);
    let answer = client.read_reply();
    assert_eq!((answer.items().len(), answer.items()[calls - 1].integer() as usize), (calls, calls));
    queue(&mut client);
    assert_eq!(client.run("RESET"), "RESET");
    assert_eq!(client.run("EXEC"), "-ERR EXEC without MULTI");
    assert_eq!(client.run("GET n"), calls.to_string(), "what was queued before RESET is forgotten");
    drop(client);
    wait_until("the end of the memory that it took", || number(&mut control, "used_memory") < before + (8 << 20));
    bystander.was_served();
}

#[test]
fn a_hundred_thousand_patterns_end_with_their_client() {
    let server = Server::start(&[]);
    let (mut client, mut other) = (server.client(), server.client());
    let before = number(&mut other, "used_memory");
    let bystander = Bystander::of(&server);
    let patterns: Vec<String> = (0..100_000).map(|i| format!("{i}*")).collect();
    for together in patterns.chunks(1000) {
        let call: Vec<&str> = ["PSUBSCRIBE"].into_iter().chain(together.iter().map(String::as_str)).collect();
        client.send(&call);
        (0..together.len()).for_each(|_| drop(client.read_reply()));
    }
    assert_eq!(other.run("PUBSUB NUMPAT").integer(), 100_000);
    assert_eq!(other.run("PUBLISH 77777 hi").integer(), 5);
    assert!(number(&mut other, "used_memory") < before + 100_000 * 500);
    drop(client);
    wait_until("the end of all patterns", || other.run("PUBSUB NUMPAT").integer() == 0);
    bystander.was_served();
}

#[test]
fn ten_thousand_idle_connections_take_little_and_leave_nothing() {
    let wanted = raise_for_clients(count(2_000, 10_000) as u32) as usize;
    let most = (wanted + 2).to_string();
    let server = Server::start(&["--maxclients", &most]);
    let mut control = server.client();
    wait_until("the end of those who looked whether it is up", || number(&mut control, "connected_clients") == 1);
    let bystander = Bystander::of(&server);
    let before = number(&mut control, "used_memory");
    let idle: Vec<TcpStream> = (0..wanted).map(|_| connect(server.address())).collect();
    wait_until("all of them", || number(&mut control, "connected_clients") == wanted + 2);
    assert_eq!(server.client().read_to_end(), b"-ERR max number of clients reached\r\n");
    let each = (number(&mut control, "used_memory") - before) / wanted;
    assert!(each < 2500, "{each} bytes for an idle connection");
    drop(idle);
    wait_until("the end of all of them", || number(&mut control, "connected_clients") == 2);
    bystander.was_served();
}

/// What a connection of a storm does before it goes.
fn come_and_go(address: SocketAddr, kind: usize) {
    let mut stream = connect(address);
    match kind % 8 {
        0 => {}
        1 => SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap(), // it ends by RST
        2 => stream.write_all(b"*3\r\n$3\r\nSET\r\n$1\r\n").unwrap(),
        3 => {
            stream.write_all(b"MULTI\r\nSET storm 1\r\nWATCH").unwrap();
            SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
        }
        4 => {
            stream.write_all(b"ECHO last\r\n").unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            hears(&mut stream, b"$4\r\nlast\r\n");
            assert_eq!(stream.read(&mut [0]).unwrap(), 0, "who says no more is let go when it has its answer");
        }
        5 => {
            stream.write_all(b"*1\r\n!nonsense\r\n").unwrap();
            hears(&mut stream, b"-ERR Protocol error: expected '$', got '!'\r\n");
        }
        6 => stream.write_all(b"CLIENT TRACKING ON BCAST\r\nSUBSCRIBE c\r\nPSUBSCRIBE *\r\nGET x\r\n").unwrap(),
        _ => stream.write_all(b"BLPOP nothing 0\r\n*2\r\n$4\r\nECHO\r\n$500000000\r\nabc").unwrap(),
    }
}

/// Who came to the place of a connection that had ended while it waited for its turn had two turns at once: read by the first, it was
/// let go without an answer by the second.
#[test]
fn a_storm_of_connections_that_come_and_go_leaves_nothing_behind() {
    let each = count(1_000, 10_000);
    let server = Server::start(&[]);
    let (mut control, address) = (server.client(), server.address());
    wait_until("the end of those who looked whether it is up", || number(&mut control, "connected_clients") == 1);
    let came = number(&mut control, "total_connections_received");
    let before = number(&mut control, "used_memory");
    let bystander = Bystander::of(&server);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || (0..each).for_each(|i| come_and_go(address, thread + i)));
        }
    });
    bystander.was_served();
    wait_until("the end of all connections", || number(&mut control, "connected_clients") == 1);
    assert_eq!(number(&mut control, "total_connections_received"), came + 1 + 4 * each);
    let rest = ["pubsub_clients", "pubsub_channels", "tracking_clients", "tracking_total_prefixes", "blocked_clients"];
    assert_eq!(rest.map(|field| control.info(field)), ["0"; 5]);
    assert_eq!(control.run("EXISTS storm").integer(), 0);
    let descriptors = std::fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap().count();
    assert!(descriptors < 40, "{descriptors} descriptors are open");
    assert!(number(&mut control, "used_memory") < before + (8 << 20));
}

#[test]
fn who_stops_reading_or_stops_midway_takes_bounded_memory() {
    let server = Server::start(&["--client-output-buffer-limit", "normal 4mb 0 0"]);
    let mut control = server.client();
    control.call(&["SET", "big", &"x".repeat(100_000)]);
    let before = number(&mut control, "used_memory");
    let bystander = Bystander::of(&server);
    let midway: Vec<TcpStream> = (0..100)
        .map(|_| {
            let mut stream = connect(server.address());
            stream
                .write_all(b"*2\r\n$4\r\nECHO\r\n$500000000\r\n")
                .and_then(|()| stream.write_all(&[b'x'; 1000]))
                .unwrap();
            stream
        })
        .collect();
    wait_until("what they sent", || number(&mut control, "total_net_input_bytes") > 100 * 1000);
    // What has been announced is not taken before it comes.
    assert!(number(&mut control, "used_memory") < before + 100 * (1 << 20) + (8 << 20));
    drop(midway);
    let deaf: Vec<TcpStream> = (0..20)
        .map(|_| {
            let mut stream = connect(server.address());
            stream.write_all(&encode(&["GET", "big"]).repeat(200)).unwrap();
            stream
        })
        .collect();
    wait_until("the end of who does not read", || {
        number(&mut control, "client_output_buffer_limit_disconnections") == deaf.len()
    });
    assert!(number(&mut control, "used_memory") < before + (8 << 20));
    bystander.was_served();
}

/// Blocked clients, and those with half a request, each held a buffer for replies, 32 KiB of `maxmemory`.
#[test]
fn who_waits_holds_no_buffer_for_replies() {
    let server = Server::start(&[]);
    let mut control = server.client();
    let before = number(&mut control, "mem_clients_normal");
    let mut waiting: Vec<TcpStream> = (0..200).map(|_| connect(server.address())).collect();
    for (i, stream) in waiting.iter_mut().enumerate() {
        stream.write_all(if i % 2 == 0 { b"BLPOP nothing 0\r\n" } else { b"*2\r\n$3\r\nGET\r\n" }).unwrap();
    }
    wait_until("those who wait", || number(&mut control, "blocked_clients") == 100);
    wait_until("those who are midway", || number(&mut control, "connected_clients") > 200);
    let each = (number(&mut control, "mem_clients_normal") - before) / 200;
    assert!(each < 4000, "{each} bytes for each");
}

/// Which of the loop's buffers were spare at that moment decided what a client took: 32 KiB, or nothing to speak of.
#[test]
fn half_a_call_took_a_whole_buffer_of_the_loops() {
    let server = Server::start(&[]);
    let mut control = server.client();
    // Clients that are answered in one round leave as many buffers; some of these are.
    let mut clients: Vec<_> = (0..8).map(|_| server.client()).collect();
    for _ in 0..50 {
        clients.iter_mut().for_each(|client| client.send(&["PING"]));
        clients.iter_mut().for_each(|client| drop(client.read_reply()));
    }
    let mut midway = connect(server.address());
    midway.write_all(b"*2\r\n$3\r\nGET\r\n").unwrap();
    let mut line = String::new();
    wait_until("half a call", || {
        line =
            control.run("CLIENT LIST").text().lines().find(|line| line.contains(" qbuf=13 ")).unwrap_or("").to_owned();
        !line.is_empty()
    });
    let taken = line.split(' ').find_map(|field| field.strip_prefix("tot-mem=")).unwrap();
    assert!(taken.parse::<usize>().unwrap() < 4000, "{line}");
}

#[test]
fn wrong_states_are_errors_and_the_connection_goes_on() {
    let server = Server::start(&[]);
    let in_order: [(&[&str], &str); 6] = [
        (&["EXEC"], "-ERR EXEC without MULTI"),
        (&["DISCARD"], "-ERR DISCARD without MULTI"),
        (&["MULTI", "MULTI"], "-ERR MULTI calls can not be nested"),
        (&["MULTI", "WATCH k"], "-ERR WATCH inside MULTI is not allowed"),
        (&["MULTI", "GET", "EXEC"], "-EXECABORT Transaction discarded because of previous errors."),
        (
            &["SUBSCRIBE c", "GET k"],
            "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
        ),
    ];
    for (lines, last) in in_order {
        let mut client = server.client();
        let (end, begin) = lines.split_last().unwrap();
        begin.iter().for_each(|line| drop(client.run(line)));
        assert_eq!(client.run(end), last, "{lines:?}");
        assert_eq!(client.run("RESET"), "RESET", "{lines:?}");
        assert!(client.run("GET k").is_nil(), "{lines:?}");
    }
}

#[test]
fn reset_midway_ends_whatever_was_going_on() {
    let server = Server::start(&[]);
    let mut control = server.client();
    for line in [
        "MULTI",
        "SUBSCRIBE a",
        "PSUBSCRIBE a*",
        "SSUBSCRIBE a",
        "MONITOR",
        "CLIENT TRACKING ON BCAST",
        "WATCH k",
        "SELECT 3",
        "HELLO 3",
    ] {
        let mut client = server.client();
        client.run(line);
        client.send_raw(b"RESET\r\nECHO again\r\n");
        assert_eq!(client.read_reply(), "RESET", "{line}");
        assert_eq!(client.read_reply(), "again", "{line}");
        let shown = client.run("CLIENT INFO").text();
        for state in [" flags=N ", " db=0 ", " sub=0 psub=0 ssub=0 multi=-1 watch=0 ", " resp=2 "] {
            assert!(shown.contains(state), "{line}: {shown}");
        }
    }
    assert_eq!(number(&mut control, "pubsub_channels"), 0);
}

/// They are served in slices: no turn of the loop takes a large part of what all of them take.
#[test]
fn ten_thousand_subscribers_hear_all_in_order_and_nobody_waits_for_them() {
    let wanted = raise_for_clients(10_000) as usize - 100;
    let server = Server::start(&["--maxclients", "10050"]);
    let (mut control, mut sender) = (server.client(), server.client());
    let mut listeners: Vec<TcpStream> = (0..wanted).map(|_| connect(server.address())).collect();
    for stream in &mut listeners {
        stream.write_all(b"SUBSCRIBE news\r\n").unwrap();
    }
    for stream in &mut listeners {
        hears(stream, b"*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
    }
    control.run("CONFIG RESETSTAT");
    let cpu_us = |client: &mut Client| -> f64 {
        let fields = ["used_cpu_user_main_thread", "used_cpu_sys_main_thread"];
        fields.map(|field| client.info(field).parse::<f64>().unwrap()).iter().sum::<f64>() * 1e6
    };
    let before_us = cpu_us(&mut control);
    let bystander = Bystander::of(&server);
    let messages: Vec<String> = (0..20).map(|i| format!("message {i}")).collect();
    let calls: Vec<[&str; 3]> = messages.iter().map(|message| ["PUBLISH", "news", message.as_str()]).collect();
    let heard = sender.pipeline(&calls.iter().map(|call| call.as_slice()).collect::<Vec<&[&str]>>());
    assert!(heard.iter().all(|heard| heard.integer() as usize == wanted));
    let all: Vec<u8> = messages.iter().flat_map(|message| encode(&["message", "news", message])).collect();
    listeners.iter_mut().for_each(|stream| hears(stream, &all));
    bystander.was_served();
    let all_us = cpu_us(&mut control) - before_us;
    let longest_us: f64 = control.info("loop_longest_run_us").parse().unwrap();
    eprintln!("{wanted} listeners: {all_us} µs in all, {longest_us} µs in the longest turn");
    assert!(longest_us < all_us / 8.0, "{longest_us} of {all_us} µs in one turn");
}

/// What was queued for listeners had no bound: 10,000 listeners of two channels in turn took 160 KB for each message.
#[test]
fn who_sends_faster_than_listeners_are_served_waits() {
    let server = Server::start(&[]);
    let (mut control, mut sender) = (server.client(), server.client());
    let mut listeners: Vec<TcpStream> = (0..1000).map(|_| connect(server.address())).collect();
    let rounds = count(100, 5000);
    for stream in &mut listeners {
        stream.write_all(b"SUBSCRIBE a b\r\n").unwrap();
        hears(stream, b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n");
    }
    let before = number(&mut control, "used_memory");
    let bystander = Bystander::of(&server);
    let reader = std::thread::spawn(move || {
        let one = [encode(&["message", "a", "1"]), encode(&["message", "b", "2"])].concat();
        (0..rounds).for_each(|_| listeners.iter_mut().for_each(|stream| hears(stream, &one)));
    });
    let calls: [&[&str]; 2] = [&["PUBLISH", "a", "1"], &["PUBLISH", "b", "2"]];
    assert!(sender.pipeline(&calls.repeat(rounds)).iter().all(|heard| heard.integer() == 1000));
    assert!(number(&mut control, "used_memory") < before + (64 << 20));
    reader.join().unwrap();
    bystander.was_served();
}
