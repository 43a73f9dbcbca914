//! kill -9 under load, again and again in one directory, also while the log is rewritten: what was acknowledged is there.
//!
//! `FERRODIS_KILLS=500 cargo test --test server kill` makes so many rounds.

use crate::support::{Client, Server, encode, wait_until};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

const CLIENTS: usize = 4;

/// What one client has counted up to.
#[derive(Default)]
struct Counter {
    sent: AtomicU64,
    acknowledged: AtomicU64,
}

fn rounds(usual: u64) -> u64 {
    std::env::var("FERRODIS_KILLS").map_or(usual, |text| text.parse().expect("a number"))
}

/// Counts `counter:place` up, a few at once, until the connection ends.
fn count_up(mut client: Client, place: usize, counter: &Counter) {
    let call = encode(&["INCR", &format!("counter:{place}")]);
    loop {
        let depth = counter.sent.load(SeqCst) % 3 + 1;
        counter.sent.fetch_add(depth, SeqCst);
        if client.try_send_raw(&call.repeat(depth as usize)).is_err() {
            return;
        }
        for _ in 0..depth {
            let Ok(reply) = client.try_read_reply() else { return };
            counter.acknowledged.store(reply.integer() as u64, SeqCst);
        }
    }
}

/// Kills the server under load. `loss` is how long before that something must have been acknowledged to be there.
fn kill_under_load(server: &mut Server, round: u64, loss: Duration) {
    let counters: [Counter; CLIENTS] = Default::default();
    let found = |server: &Server| -> Vec<u64> {
        let mut client = server.client();
        let get = |place| match client.run(&format!("GET counter:{place}")) {
            nothing if nothing.is_nil() => 0,
            number => number.text().parse().expect("a number"),
        };
        (0..CLIENTS).map(get).collect()
    };
    for (counter, number) in counters.iter().zip(found(server)) {
        counter.sent.store(number, SeqCst);
        counter.acknowledged.store(number, SeqCst);
    }
    let begun = found(server);
    let mut needed = begun.clone();
    std::thread::scope(|scope| {
        for (place, counter) in counters.iter().enumerate() {
            let client = server.client();
            scope.spawn(move || count_up(client, place, counter));
        }
        let acknowledged = |place: usize| counters[place].acknowledged.load(SeqCst);
        let enough = 5 + round * 7 % 40;
        wait_until("some writes", || (0..CLIENTS).all(|place| acknowledged(place) >= begun[place] + enough));
        if round.is_multiple_of(3) {
            server.client().run("BGREWRITEAOF");
        }
        needed = (0..CLIENTS).map(acknowledged).collect();
        let noted = Instant::now();
        wait_until("what may be lost", || noted.elapsed() >= loss);
        server.kill();
    });
    if loss.is_zero() {
        needed = counters.iter().map(|counter| counter.acknowledged.load(SeqCst)).collect();
    }
    server.restart();
    for (place, number) in found(server).into_iter().enumerate() {
        let most = counters[place].sent.load(SeqCst);
        assert!(
            (needed[place]..=most).contains(&number),
            "round {round}, client {place}: {number} is there; {} was needed, {most} sent",
            needed[place]
        );
    }
}

#[test]
fn under_always_every_kill_leaves_what_was_acknowledged() {
    let mut server = Server::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    (0..rounds(4)).for_each(|round| kill_under_load(&mut server, round, Duration::ZERO));
}

#[test]
fn under_everysec_every_kill_leaves_what_is_a_second_old() {
    let mut server = Server::start(&["--appendonly", "yes", "--appendfsync", "everysec"]);
    (0..rounds(2)).for_each(|round| kill_under_load(&mut server, round, Duration::from_millis(1100)));
}
