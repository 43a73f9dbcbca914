//! Syncs and writes that fail: who writes is refused with path and reason, who reads is not, service resumes by itself, and what was
//! acknowledged survives a kill and a power cut thereafter. What a failed sync was to write counts as lost.

use super::disk_slow::assert_silent;
use super::kill::{fill, rounds, seed};
use super::load::{Load, Promise};
use crate::support::{Client, Loss, LossyDisk, Server, Word, wait_until};
use fastrand::Rng;
use std::fs::{self, File};
use std::io::Write;

const ALWAYS: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];
const EVERYSEC: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "everysec"];
/// What writers hear while the disk refuses, alone and in transactions.
const REFUSALS: [&str; 2] = ["MISCONF", "EXECABORT"];
/// Every sync from the next one on, until it is told otherwise.
const ALL: u64 = u64::MAX;

fn fail_syncs(disk: &LossyDisk, from: u64, count: u64) {
    disk.set(Word::SyncFailures, count);
    disk.set(Word::SyncFailsIn, from);
}

fn mend_syncs(disk: &LossyDisk) {
    disk.set(Word::SyncFailsIn, 0);
}

#[track_caller]
fn assert_refused(client: &mut Client, words: &[&str]) {
    wait_until("trouble", || client.info("aof_last_write_status") == "err");
    let refusal = client.run("SET refused 1").text();
    assert!(refusal.starts_with("MISCONF Errors writing to the AOF file: "), "{refusal}");
    for word in words {
        assert!(refusal.contains(word), "{word:?} is missing from: {refusal}");
    }
}

fn cut_and_restart(server: &mut Server, disk: &mut LossyDisk) -> Client {
    server.kill();
    disk.cut_power(&mut Rng::with_seed(1), Loss::Everything);
    server.restart();
    server.client()
}

#[test]
fn under_always_a_failed_sync_is_told_and_what_waits_for_it_is_answered_when_it_is_durable() {
    let (mut server, mut disk) = LossyDisk::start(&ALWAYS);
    let (mut writer, mut other) = (server.client(), server.client());
    assert_eq!(writer.run("SET before 1"), "OK");
    fail_syncs(&disk, 1, ALL);
    writer.send(&["SET", "meanwhile", "1"]);
    assert_refused(&mut other, &["sync", "appendonly.aof.1.incr.aof", "Input/output error"]);
    assert_eq!(other.run("GET before"), "1");
    assert!(disk.get(Word::Failed) > 0);
    mend_syncs(&disk);
    assert_eq!(writer.read_reply(), "OK");
    assert_eq!(writer.run("SET after 1"), "OK");
    assert_eq!(other.info("aof_last_write_status"), "ok");
    let mut client = cut_and_restart(&mut server, &mut disk);
    assert_eq!(client.run("MGET before meanwhile after"), ["1", "1", "1"]);
    assert!(client.run("GET refused").is_nil());
}

/// It shows that somebody has written, which must not be known before it is durable.
#[test]
fn under_always_a_transaction_is_not_aborted_by_a_write_that_the_disk_refuses() {
    let (server, disk) = LossyDisk::start(&ALWAYS);
    let (mut writer, mut watcher, mut other) = (server.client(), server.client(), server.client());
    watcher.run("WATCH key");
    fail_syncs(&disk, 1, ALL);
    writer.send(&["SET", "key", "1"]);
    assert_refused(&mut other, &["Input/output error"]);
    watcher.run("MULTI");
    watcher.send(&["EXEC"]);
    assert_silent(&mut watcher);
    mend_syncs(&disk);
    assert!(watcher.read_reply().is_nil());
    assert_eq!(writer.read_reply(), "OK");
}

#[test]
fn under_everysec_a_failed_sync_is_told_and_service_resumes_on_a_new_base() {
    let (mut server, mut disk) = LossyDisk::start(&EVERYSEC);
    let mut client = server.client();
    fail_syncs(&disk, 1, ALL);
    assert_eq!(client.run("SET before 1"), "OK");
    assert_refused(&mut client, &["sync", "appendonly.aof.1.incr.aof", "Input/output error"]);
    assert_eq!(client.run("GET before"), "1");
    mend_syncs(&disk);
    wait_until("service", || client.run("SET after 1") == "OK");
    assert_eq!(client.run("WAITAOF 1 0 0"), [1, 0]);
    let mut client = cut_and_restart(&mut server, &mut disk);
    assert_eq!(client.run("MGET before after"), ["1", "1"]);
}

/// What was acknowledged before the sync failed may be in no file until the new base is.
#[test]
fn an_orderly_end_did_not_wait_for_the_new_base_of_a_broken_log() {
    let (mut server, mut disk) = LossyDisk::start(&EVERYSEC);
    let mut client = server.client();
    fail_syncs(&disk, 1, ALL);
    assert_eq!(client.run("SET before 1"), "OK");
    wait_until("trouble", || server.log().contains("writes are refused"));
    assert_eq!(client.run("SHUTDOWN").text(), "ERR Errors trying to SHUTDOWN. Check logs.");
    mend_syncs(&disk);
    wait_until("service", || client.run("SET after 1") == "OK");
    assert_eq!(client.run_to_end("SHUTDOWN"), b"");
    let mut client = cut_and_restart(&mut server, &mut disk);
    assert_eq!(client.run("MGET before after"), ["1", "1"]);
}

#[test]
fn an_orderly_end_dropped_what_a_full_disk_had_not_taken() {
    let (mut server, disk) = LossyDisk::start(&["--appendonly", "yes", "--save", ""]);
    let mut client = server.client();
    disk.set(Word::Room, 1);
    assert_eq!(client.run("SET before 1"), "OK");
    wait_until("trouble", || server.log().contains("writes are refused"));
    assert_eq!(client.run("SHUTDOWN").text(), "ERR Errors trying to SHUTDOWN. Check logs.");
    disk.set(Word::Room, 0);
    wait_until("service", || client.run("SET after 1") == "OK");
    assert_eq!(client.run_to_end("SHUTDOWN"), b"");
    server.restart();
    assert_eq!(server.client().run("MGET before after"), ["1", "1"]);
}

/// Without a power cut: what the failed sync was to write is in the system's memory still, and the next start must not trust it.
#[test]
fn a_kill_between_a_failed_sync_and_the_new_base_leaves_a_log_that_the_next_start_makes_durable() {
    let (mut server, mut disk) = LossyDisk::start(&ALWAYS);
    let (mut writer, mut other) = (server.client(), server.client());
    writer.run("SET before 1");
    fail_syncs(&disk, 1, ALL);
    writer.send(&["SET", "meanwhile", "1"]);
    assert_refused(&mut other, &["Input/output error"]);
    server.kill();
    mend_syncs(&disk);
    server.restart();
    let found = server.client().run("MGET before meanwhile");
    assert_eq!(found, ["1", "1"], "a kill takes nothing from files");
    let mut client = cut_and_restart(&mut server, &mut disk);
    assert_eq!(client.run("MGET before meanwhile"), found, "it was shown");
}

#[test]
fn a_start_on_a_disk_that_does_not_sync_is_refused_and_changes_nothing() {
    let (mut server, disk) = LossyDisk::start(&ALWAYS);
    server.client().run("SET before 1");
    server.kill();
    for failing in 1..4 {
        fail_syncs(&disk, failing, ALL);
        let trouble = server.try_restart().expect_err("it cannot promise anything");
        assert!(trouble.contains("cannot sync /") && trouble.contains("Input/output error"), "{trouble}");
    }
    mend_syncs(&disk);
    server.restart();
    assert_eq!(server.client().run("GET before"), "1");
}

/// Each of the starts that a service manager tries left another half copy of the torn end.
#[test]
fn starts_on_a_full_disk_left_ever_more_files() {
    let (mut server, disk) = LossyDisk::start(&ALWAYS);
    server.client().run("SET before 1");
    server.kill();
    let directory = server.directory().join("appendonlydir");
    let files = || fs::read_dir(&directory).unwrap().count();
    let mut increment = File::options().append(true).open(directory.join("appendonly.aof.1.incr.aof")).unwrap();
    increment.write_all(b"*3\r\n$3\r\nSET").unwrap();
    let before = files();
    disk.set(Word::Room, 1);
    for _ in 0..2 {
        let trouble = server.try_restart().expect_err("there is no room for what is cut off");
        assert!(trouble.contains("No space left on device"), "{trouble}");
        assert_eq!(files(), before);
    }
    disk.set(Word::Room, 0);
    server.restart();
    assert_eq!(server.client().run("GET before"), "1");
    assert_eq!(files(), before + 1, "what was cut off is kept");
}

#[test]
fn a_rewrite_whose_base_is_not_synced_fails_and_the_log_goes_on() {
    let (mut server, mut disk) = LossyDisk::start(&EVERYSEC);
    let mut client = server.client();
    fill(&mut client);
    client.run("SET before 1");
    assert_eq!(client.run("WAITAOF 1 0 0"), [1, 0]);
    client.run("CONFIG SET rdb-key-save-delay 100000");
    client.run("BGREWRITEAOF");
    wait_until("its increment", || server.log().contains("Creating AOF incr file appendonly.aof.2.incr.aof"));
    fail_syncs(&disk, 1, 1);
    client.run("CONFIG SET rdb-key-save-delay 0");
    wait_until("its end", || client.info("aof_rewrite_in_progress") == "0");
    assert_eq!(client.info("aof_last_bgrewrite_status"), "err");
    assert_eq!(client.info("aof_last_write_status"), "ok");
    wait_until("what is said of it", || server.log().contains("temp-appendonly.aof.base"));
    assert_eq!(client.run("SET after 1"), "OK");
    assert_eq!(client.run("WAITAOF 1 0 0"), [1, 0]);
    let mut client = cut_and_restart(&mut server, &mut disk);
    assert_eq!(client.run("MGET before after"), ["1", "1"]);
}

/// A rewrite that fails is tried again after minutes, since the log goes on without it; when the log broke within that time, the
/// rewrite that was to mend it had to wait, too.
#[test]
fn a_log_that_broke_behind_a_rewrite_that_had_failed_refused_writes_for_minutes() {
    let (server, disk) = LossyDisk::start(&EVERYSEC);
    let mut client = server.client();
    disk.set(Word::Room, 1);
    client.run("BGREWRITEAOF");
    wait_until("its end", || server.log().contains("Background AOF rewrite failed"));
    disk.set(Word::Room, 0);
    fail_syncs(&disk, 1, ALL); // the first may be one of the rewrite's, which the log's writer had yet to begin
    assert_eq!(client.run("SET before 1"), "OK");
    wait_until("trouble", || server.log().contains("Input/output error; writes are refused"));
    mend_syncs(&disk);
    wait_until("service", || client.run("SET after 1") == "OK");
}

/// Now and then syncs fail, any of them and some in a row, amid writers and rewrites; then the power goes.
#[test]
fn syncs_that_fail_under_load_lose_nothing_that_was_acknowledged() {
    let seed = seed();
    let (mut rng, mut load) = (Rng::with_seed(seed), Load::new(seed, 3));
    let (mut server, mut disk) = LossyDisk::start(&ALWAYS);
    for round in 0..rounds(2) {
        eprintln!("round {round}");
        load.run(&mut server, &REFUSALS, |server, progress| {
            let mut client = server.client();
            let enough = rng.u64(10..100);
            wait_until("some writes", || progress.acknowledged() >= enough);
            let failed = disk.get(Word::Failed);
            fail_syncs(&disk, rng.u64(1..20), rng.u64(1..4));
            if rng.bool() {
                client.call_if_open("BGREWRITEAOF");
            }
            wait_until("a failure", || disk.get(Word::Failed) > failed);
            if rng.bool() {
                let enough = progress.acknowledged() + 20;
                wait_until("service", || progress.acknowledged() >= enough);
            }
            server.kill();
        });
        mend_syncs(&disk);
        let loss = Loss::any(&mut rng);
        disk.cut_power(&mut rng, loss);
        server.restart();
        load.verify(&mut server.client(), Promise::All);
    }
}

#[test]
fn a_disk_that_fills_up_under_load_loses_nothing_that_was_acknowledged() {
    let seed = seed();
    let (mut rng, mut load) = (Rng::with_seed(seed), Load::new(seed, 3));
    let (mut server, mut disk) = LossyDisk::start(&ALWAYS);
    for round in 0..rounds(2) {
        eprintln!("round {round}");
        load.run(&mut server, &REFUSALS, |server, progress| {
            let mut client = server.client();
            let enough = rng.u64(10..100);
            wait_until("some writes", || progress.acknowledged() >= enough);
            disk.set(Word::Room, rng.u64(1..20_000));
            if rng.bool() {
                client.call_if_open("BGREWRITEAOF");
            }
            assert_refused(&mut client, &["write", "appendonly.aof.", "No space left on device"]);
            disk.set(Word::Room, 0);
            let enough = progress.acknowledged() + 20;
            wait_until("service", || progress.acknowledged() >= enough);
            server.kill();
        });
        let loss = Loss::any(&mut rng);
        disk.cut_power(&mut rng, loss);
        server.restart();
        load.verify(&mut server.client(), Promise::All);
    }
}
