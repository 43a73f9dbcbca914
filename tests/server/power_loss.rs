//! Power cuts, again and again in one directory: of the real binary's files stays what was synced, and of the rest what chance decides.
//!
//! `FERRODIS_KILLS=500 cargo test --test server power_loss::` makes so many rounds.

use super::kill::{assert_filled, fill, rounds, seed, wait_until_written};
use super::load::{Load, Progress, Promise};
use crate::support::{Client, Loss, LossyDisk, Server, Word, run_for, wait_until};
use fastrand::Rng;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const ALWAYS: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];
const EVERYSEC: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "everysec"];
const NO: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "no"];
/// Under `everysec`, a second, and what a busy machine makes of it.
const LOSS_AGE: Duration = Duration::from_millis(1500);

/// What a power cut must leave of what was acknowledged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    All,
    /// What is older than [`LOSS_AGE`].
    Old,
    /// What was there when the server started: of the rest, what came first.
    Loaded,
}

/// Writes what is there to a file of its own, too.
const SAVES: [&str; 3] = ["BGREWRITEAOF", "BGSAVE", "BGREWRITEAOF"];

/// The server's life up to the power cut.
fn live(server: &mut Server, disk: &LossyDisk, progress: &Progress, rng: &mut Rng, left: Left) -> Promise {
    let mut client = server.client();
    let enough = rng.u64(10..150);
    wait_until("some writes", || progress.acknowledged() >= enough);
    for _ in 0..rng.u64(..4) {
        client.run(SAVES[rng.usize(..3)]);
        let more = progress.acknowledged() + rng.u64(..60);
        wait_until("some more writes", || progress.acknowledged() >= more);
    }
    if left != Left::Old && rng.bool() {
        disk.set(Word::CutIn, rng.u64(1..60));
        if rng.bool() {
            client.call_if_open("BGREWRITEAOF");
        }
        server.wait_for_exit();
    }
    let now = Instant::now();
    if left == Left::Old {
        run_for(LOSS_AGE);
    }
    server.kill();
    match left {
        Left::All => Promise::All,
        Left::Old => Promise::Before(now),
        Left::Loaded => Promise::Nothing,
    }
}

fn cut(disk: &mut LossyDisk, rng: &mut Rng) {
    let loss = Loss::any(rng);
    disk.cut_power(rng, loss);
}

/// Cuts the power of a machine that comes up again, perhaps while the server starts and mends its files, and so on.
fn cut_and_start(server: &mut Server, disk: &mut LossyDisk, rng: &mut Rng, arguments: &[&str]) {
    let arguments = LossyDisk::arguments(arguments);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    cut(disk, rng);
    while rng.bool() {
        disk.set(Word::CutIn, rng.u64(1..30));
        server.restart_in_part(&arguments);
        server.ends_before_it_is_ready();
        server.kill();
        cut(disk, rng);
    }
    disk.set(Word::CutIn, 0);
    server.restart();
}

fn cut_again_and_again(arguments: &[&str], left: Left, usual: u64) {
    let seed = seed();
    let (mut rng, mut load) = (Rng::with_seed(seed), Load::new(seed, 3));
    let (mut server, mut disk) = LossyDisk::start(arguments);
    fill(&mut server.client());
    server.terminate();
    server.restart();
    for round in 0..rounds(usual) {
        eprintln!("round {round}");
        disk.set(Word::SyncUs, [0, 200, 3000][rng.usize(..3)]);
        let mut promise = Promise::All;
        load.run(&mut server, &[], |server, progress| promise = live(server, &disk, progress, &mut rng, left));
        cut_and_start(&mut server, &mut disk, &mut rng, arguments);
        load.verify(&mut server.client(), promise);
        assert_filled(&mut server.client());
    }
}

#[test]
fn under_always_every_power_cut_leaves_what_was_acknowledged_and_what_was_shown() {
    cut_again_and_again(&ALWAYS, Left::All, 4);
}

#[test]
fn under_everysec_every_power_cut_leaves_what_is_a_second_old() {
    cut_again_and_again(&EVERYSEC, Left::Old, 2);
}

#[test]
fn without_syncs_every_power_cut_leaves_what_was_loaded_and_what_came_first() {
    cut_again_and_again(&NO, Left::Loaded, 4);
}

/// All files below a directory.
fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(self::files(&path)),
            false => drop(files.insert(path.clone(), std::fs::read(&path).unwrap())),
        }
    }
    files
}

/// Were there a call to the system that the library does not see, the other tests here would prove nothing.
#[test]
fn nothing_that_the_server_does_to_its_files_goes_unseen() {
    let (mut server, disk) = LossyDisk::start(&[&ALWAYS[..], &["--logfile", "a.log"]].concat());
    let mut client = server.client();
    fill(&mut client);
    for call in ["BGREWRITEAOF", "SAVE", "CONFIG SET appendonly no", "SET a 1", "CONFIG SET appendonly yes"] {
        assert!(!client.run(call).is_error(), "{call}");
        wait_until("the rewrite", || client.info("aof_rewrite_in_progress") == "0");
    }
    client.run("SET b 2");
    server.terminate();
    let torn = newest_increment(&server.directory());
    let bytes = std::fs::read(&torn).unwrap();
    assert_eq!(disk.files(), files(&server.directory()));
    // A start that mends the log, behind the library's back.
    std::fs::write(&torn, &bytes[..bytes.len() - 3]).unwrap();
    let before = disk.files().len();
    server.restart();
    server.terminate();
    let (seen, there) = (disk.files(), files(&server.directory()));
    assert!(seen.len() > before, "what was cut off was kept");
    assert_eq!(seen.keys().collect::<Vec<_>>(), there.keys().collect::<Vec<_>>());
}

fn newest_increment(data: &Path) -> PathBuf {
    let manifest = std::fs::read_to_string(data.join("appendonlydir/appendonly.aof.manifest")).unwrap();
    let line = manifest.lines().rfind(|line| line.ends_with("type i")).expect("an increment");
    data.join("appendonlydir").join(line.split(' ').nth(1).expect("its name"))
}

/// Starts the server on what a power cut left of it, and gives what is there.
fn after_cut(server: &mut Server, disk: &mut LossyDisk, loss: Loss) -> Client {
    server.kill();
    disk.cut_power(&mut Rng::with_seed(1), loss);
    server.restart();
    server.client()
}

/// Syncs that are none: had it not been seen that something is gone, the other tests here could not fail.
#[test]
fn a_disk_that_lies_loses_what_was_acknowledged() {
    let (mut server, mut disk) = LossyDisk::start(&ALWAYS);
    server.client().run("SET honest 1");
    disk.set(Word::Lies, 1);
    assert_eq!(server.client().run("SET dishonest 1"), "OK");
    disk.set(Word::Lies, 0);
    let mut client = after_cut(&mut server, &mut disk, Loss::Everything);
    assert_eq!(client.run("GET honest"), "1");
    assert!(client.run("GET dishonest").is_nil());
}

#[test]
fn without_syncs_a_power_cut_takes_what_a_kill_leaves() {
    let (mut server, mut disk) = LossyDisk::start(&NO);
    let write = |server: &Server, key: &str| {
        let mut client = server.client();
        assert_eq!(client.run(&format!("SET {key} 1")), "OK");
        wait_until_written(&mut client);
    };
    write(&server, "first");
    server.kill();
    server.restart();
    assert_eq!(server.client().run("GET first"), "1");
    write(&server, "second");
    let mut client = after_cut(&mut server, &mut disk, Loss::Everything);
    assert_eq!(client.run("GET first"), "1", "a start makes durable what it has loaded");
    assert!(client.run("GET second").is_nil());
    write(&server, "third");
    server.terminate();
    let mut client = after_cut(&mut server, &mut disk, Loss::Everything);
    assert_eq!(client.run("GET third"), "1", "so does an orderly end");
}

/// A last increment of more than 1 MiB is not written anew by a start, so it has to be synced.
#[test]
fn a_start_makes_durable_what_it_has_loaded_however_long_it_is() {
    let (mut server, mut disk) = LossyDisk::start(&["--appendonly", "yes", "--appendfsync", "no"]);
    let (mut client, value) = (server.client(), "v".repeat(100_000));
    for n in 0..20 {
        assert_eq!(client.run(&format!("SET key:{n} {value}")), "OK");
    }
    wait_until_written(&mut client);
    server.kill();
    server.restart();
    assert_eq!(server.client().run("DBSIZE"), 20);
    let mut client = after_cut(&mut server, &mut disk, Loss::Everything);
    assert_eq!(client.run("DBSIZE"), 20, "it was shown");
}

#[test]
fn a_sync_under_everysec_that_takes_its_time_leaves_what_came_before_it() {
    let (mut server, mut disk) = LossyDisk::start(&EVERYSEC);
    let mut client = server.client();
    client.run("SET old 1");
    assert_eq!(client.run("WAITAOF 1 0 0"), [1, 0]);
    disk.set(Word::Hold, 1);
    client.run("SET meanwhile 1");
    wait_until("a sync", || disk.get(Word::Held) > 0);
    assert_eq!(client.run("SET late 1"), "OK");
    server.kill();
    disk.set(Word::Hold, 0);
    let mut client = after_cut(&mut server, &mut disk, Loss::Everything);
    assert_eq!(client.run("GET old"), "1");
    assert_eq!(client.run("EXISTS meanwhile late"), 0);
}

/// The power goes before the first operation of a rewrite, before the second, and so on, and of what was not synced the newest is there
/// and the rest is not: no name may be relied on before what it stands for.
#[test]
fn the_power_goes_before_any_operation_of_a_rewrite_and_the_newest_survives() {
    let (mut server, mut disk) = LossyDisk::start(&ALWAYS);
    let mut kept = 0;
    for operation in 1.. {
        let mut client = server.client();
        kept += 1;
        assert_eq!(client.run("INCR kept"), kept);
        let before = client.info("aof_rewrites");
        disk.set(Word::CutIn, operation);
        client.call_if_open("BGREWRITEAOF");
        let is_over = |server: &Server| {
            let mut client = Client::connect(server.address()).ok()?;
            client.try_send_raw(b"INFO persistence\r\n").ok()?;
            Some(!client.try_read_reply().ok()?.text().contains(&format!("aof_rewrites:{before}\r")))
        };
        let mut was_cut = false;
        wait_until("the rewrite, or its end", || {
            was_cut = server.has_ended();
            was_cut || is_over(&server) == Some(true)
        });
        disk.set(Word::CutIn, 0);
        let mut client = after_cut(&mut server, &mut disk, Loss::Newest);
        assert_eq!(client.run("GET kept"), kept.to_string(), "operation {operation}");
        if !was_cut {
            assert!(operation > 15, "a rewrite does more than {operation} things to its files");
            break;
        }
    }
}

/// The power goes before the first operation of a start on a torn log, before the second, and so on to the last, each time with
/// another loss: what was acknowledged stays.
#[test]
fn the_power_goes_before_any_operation_of_a_start_that_mends_the_log() {
    let seed = seed();
    let mut rng = Rng::with_seed(seed);
    let arguments = LossyDisk::arguments(&ALWAYS);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (mut server, mut disk) = LossyDisk::start(&ALWAYS);
    let mut kept = 0;
    for operation in 1.. {
        let mut client = server.client();
        kept += 1;
        assert_eq!(client.run("INCR kept"), kept);
        // A block of several sectors that was never acknowledged is torn.
        disk.set(Word::Hold, 1);
        client.send(&["SET", "torn", &"t".repeat(5000)]);
        wait_until("its sync", || disk.get(Word::Held) > 0);
        server.kill();
        disk.set(Word::Hold, 0);
        disk.cut_power(&mut rng, Loss::Tails);
        disk.set(Word::CutIn, operation);
        server.restart_in_part(&arguments);
        let was_cut = server.ends_before_it_is_ready();
        server.kill();
        cut(&mut disk, &mut rng);
        disk.set(Word::CutIn, 0);
        server.restart();
        assert_eq!(server.client().run("GET kept"), kept.to_string(), "operation {operation}");
        if !was_cut {
            assert!(operation > 10, "a start does more than {operation} things to its files");
            break;
        }
    }
}
