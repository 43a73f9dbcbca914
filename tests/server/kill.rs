//! kill -9 under load, again and again in one directory, also while the log is rewritten and while it is loaded.
//!
//! The system goes on, and with it what was written to files, synced or not. So a kill may take what had not reached a file yet:
//! under `always` nothing that was acknowledged, else what INFO has as pending (`docs/PERSISTENCE.md`).
//!
//! `FERRODIS_KILLS=500 cargo test --test server kill::` makes so many rounds.

use super::load::{Load, Promise};
use crate::support::{Client, Server, wait_until};
use fastrand::Rng;
use std::time::Instant;

const FILLER_KEYS: u32 = 1000;

pub fn rounds(usual: u64) -> u64 {
    std::env::var("FERRODIS_KILLS").map_or(usual, |text| text.parse().expect("a number"))
}

/// The seed of a test, said in case it fails. Clients race, so it gives the same calls, and not the same run.
pub fn seed() -> u64 {
    let seed =
        std::env::var("FERRODIS_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().expect("a number"));
    eprintln!("FERRODIS_SEED={seed}");
    seed
}

/// Keys that nobody writes to again, so that rewriting and loading take a while.
pub fn fill(client: &mut Client) {
    let calls: Vec<[String; 3]> =
        (0..FILLER_KEYS).map(|n| ["SET".into(), format!("filler:{n}"), "f".repeat(100)]).collect();
    let words: Vec<Vec<&str>> = calls.iter().map(|call| call.iter().map(String::as_str).collect()).collect();
    client.pipeline(&words.iter().map(Vec::as_slice).collect::<Vec<_>>());
}

pub fn assert_filled(client: &mut Client) {
    let names: Vec<String> = (0..FILLER_KEYS).map(|n| format!("filler:{n}")).collect();
    let call: Vec<&str> = ["EXISTS"].into_iter().chain(names.iter().map(String::as_str)).collect();
    assert_eq!(client.call(&call), i64::from(FILLER_KEYS));
}

/// Waits until what has been logged by now is in a file.
pub fn wait_until_written(client: &mut Client) {
    let offset = |client: &mut Client, name: &str| client.info(name).parse::<u64>().expect("a number");
    let logged = offset(client, "aof_logged_offset");
    wait_until("the file to have it", || offset(client, "aof_written_offset") >= logged);
}

/// When the server is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    AnyTime,
    /// A rewrite is under way for certain.
    Rewriting,
    /// Rewrites begin and end.
    Rewrites,
    /// Under load, and then several times while it loads.
    Loading,
}

const MOMENTS: [Moment; 4] = [Moment::Rewriting, Moment::Loading, Moment::AnyTime, Moment::Rewrites];

fn kill_under_load(server: &mut Server, load: &mut Load, rng: &mut Rng, moment: Moment, is_always: bool) {
    let mut promise = Promise::All;
    load.run(server, &[], |server, progress| {
        let mut client = server.client();
        let enough = rng.u64(10..200);
        let save_delay_us = if let Moment::Rewriting = moment { 100_000 } else { 0 };
        client.run(&format!("CONFIG SET rdb-key-save-delay {save_delay_us}"));
        wait_until("some writes", || progress.acknowledged() >= enough);
        for _ in 0..rng.u64(1..4) {
            if let Moment::Rewriting | Moment::Rewrites = moment {
                client.run("BGREWRITEAOF");
            }
            let more = progress.acknowledged() + rng.u64(..100);
            wait_until("some more writes", || progress.acknowledged() >= more);
        }
        if !is_always {
            promise = Promise::Before(Instant::now());
            wait_until_written(&mut client);
        }
        if let Moment::Rewriting = moment {
            assert_eq!(client.info("aof_rewrite_in_progress"), "1");
        }
        server.kill();
    });
    if let Moment::Loading = moment {
        (0..3).for_each(|_| kill_while_loading(server, rng, is_always));
    }
    server.restart();
    load.verify(&mut server.client(), promise);
    assert_filled(&mut server.client());
}

/// Has it load slowly, and kills it when it has loaded so much.
fn kill_while_loading(server: &mut Server, rng: &mut Rng, is_always: bool) {
    server.restart_in_part(&[&arguments(is_always)[..], &["--key-load-delay", "1000"]].concat());
    let enough = rng.u64(..20_000);
    wait_until("the load", || loaded_bytes(server).is_some_and(|loaded| loaded >= enough));
    server.kill();
}

/// How much it has loaded, while it does.
fn loaded_bytes(server: &Server) -> Option<u64> {
    let mut client = Client::connect(server.address()).ok()?;
    client.try_send_raw(b"INFO persistence\r\n").ok()?;
    let info = client.try_read_reply().ok()?.text();
    let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    assert_eq!(field("loading"), Some("1"), "it was to load for a while");
    field("loading_loaded_bytes")?.parse().ok()
}

fn arguments(is_always: bool) -> [&'static str; 4] {
    ["--appendonly", "yes", "--appendfsync", if is_always { "always" } else { "everysec" }]
}

fn kill_again_and_again(arguments: &[&str], is_always: bool, usual: u64) {
    let seed = seed();
    let (mut rng, mut load) = (Rng::with_seed(seed), Load::new(seed, 4));
    let mut server = Server::start(arguments);
    fill(&mut server.client());
    wait_until_written(&mut server.client());
    for (round, moment) in (0..rounds(usual)).zip(MOMENTS.into_iter().cycle()) {
        eprintln!("round {round}: {moment:?}");
        kill_under_load(&mut server, &mut load, &mut rng, moment, is_always);
    }
}

#[test]
fn under_always_every_kill_leaves_what_was_acknowledged() {
    kill_again_and_again(&arguments(true), true, 4);
}

#[test]
fn under_everysec_every_kill_leaves_what_had_reached_the_file() {
    kill_again_and_again(&arguments(false), false, 4);
}

#[test]
fn without_syncs_every_kill_leaves_what_had_reached_the_file() {
    kill_again_and_again(&["--appendonly", "yes", "--appendfsync", "no"], false, 4);
}
