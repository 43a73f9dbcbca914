//! A disk that hangs: under `always` replies wait in order and reads pass, under `everysec` writers wait when a bound is reached.

use super::kill::wait_until_written;
use crate::support::{Client, Loss, LossyDisk, Reply, Server, Word, wait_until};
use fastrand::Rng;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

const ALWAYS: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];
const EVERYSEC: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "everysec"];
const HANG: Duration = Duration::from_secs(2);
/// How long an answer is waited for that is not to come.
const A_WHILE: Duration = Duration::from_millis(50);
const MIB: usize = 1 << 20;

/// Has syncs hang, and a client wait for one.
fn hang(server: &Server, disk: &LossyDisk) -> Client {
    disk.set(Word::Hold, 1);
    let mut writer = server.client();
    writer.send(&["SET", "held", "1"]);
    wait_until("a sync", || disk.get(Word::Held) > 0);
    writer
}

#[track_caller]
pub(super) fn assert_silent(client: &mut Client) {
    client.set_patience(A_WHILE).unwrap();
    let reply = client.try_read_reply();
    assert!(reply.as_ref().is_err_and(|trouble| trouble.kind() == ErrorKind::TimedOut), "{reply:?} came");
    client.set_patience(crate::support::PATIENCE).unwrap();
}

#[test]
fn under_always_a_disk_that_hangs_for_two_seconds_adds_nothing_to_a_get() {
    let (server, disk) = LossyDisk::start(&ALWAYS);
    let mut reader = server.client();
    assert_eq!(reader.run("SET other 1"), "OK");
    let mut writer = hang(&server, &disk);
    let (begun, mut took) = (Instant::now(), Vec::new());
    while begun.elapsed() < HANG {
        let asked = Instant::now();
        assert_eq!(reader.run("GET other"), "1");
        took.push(asked.elapsed());
    }
    took.sort();
    assert!(disk.get(Word::Held) > 0, "the disk hangs all the while");
    // Of the slowest, a busy machine has its share.
    let usual = took[took.len() / 2];
    assert!(
        took.len() > 100 && usual < Duration::from_millis(2),
        "{} answers, the usual one after {usual:?}",
        took.len()
    );
    assert_silent(&mut writer);
    disk.set(Word::Hold, 0);
    assert_eq!(writer.read_reply(), "OK");
}

#[test]
fn under_always_replies_wait_in_their_order_and_no_other_client_is_shown_what_they_wait_for() {
    let (server, disk) = LossyDisk::start(&ALWAYS);
    server.client().run("SET other 1");
    let mut writer = hang(&server, &disk);
    writer.send_raw(b"GET other\r\nINCR counter\r\nPING\r\nGET counter\r\n");
    let mut reader = server.client();
    reader.send(&["GET", "held"]);
    assert_silent(&mut writer);
    assert_silent(&mut reader);
    disk.set(Word::Hold, 0);
    assert_eq!(writer.read_reply(), "OK");
    assert_eq!(writer.read_reply(), "1");
    assert_eq!(writer.read_reply(), 1);
    assert_eq!(writer.read_reply(), "PONG");
    assert_eq!(writer.read_reply(), "1");
    assert_eq!(reader.read_reply(), "1");
}

/// A second SIGINT was not seen before a sync had ended that would not.
#[test]
fn a_second_sigint_does_not_wait_for_the_disk() {
    let (mut server, disk) = LossyDisk::start(&["--appendonly", "yes", "--save", ""]);
    disk.set(Word::Hold, 1);
    server.client().run("SET k 1");
    server.signal("INT");
    wait_until("the last sync", || server.log().contains("User requested shutdown") && disk.get(Word::Held) > 0);
    assert!(!server.has_ended());
    server.signal("INT");
    assert_eq!(server.wait_for_exit().code(), Some(1));
    assert!(server.log().contains("You insist"));
}

/// Under load there is always more to tell that is not durable yet: they heard nothing until it ended.
#[test]
fn under_always_what_listeners_were_told_waited_for_all_that_came_behind_it() {
    let (server, disk) = LossyDisk::start(&ALWAYS);
    let (mut listener, mut tracker) = (server.client(), server.client());
    listener.run("CONFIG SET notify-keyspace-events KEA");
    listener.run("SUBSCRIBE __keyevent@0__:set");
    tracker.hello3();
    assert_eq!(tracker.run("CLIENT TRACKING ON BCAST"), "OK");
    let mut hears = |key: &str| {
        assert!(format!("{:?}", listener.read_reply()).contains(key));
        assert!(format!("{:?}", tracker.read_reply()).contains(key));
    };
    let mut first = hang(&server, &disk);
    let (mut second, mut observer) = (server.client(), server.client());
    second.run("CLIENT SETNAME second");
    second.send(&["SET", "behind", "1"]);
    wait_until("the second write", || {
        let clients = format!("{:?}", observer.run("CLIENT LIST"));
        clients.split("name=second").nth(1).is_some_and(|rest| rest.contains("cmd=set"))
    });
    disk.set(Word::Hold, 2); // the sync ends, and the next block's write waits
    assert_eq!(first.read_reply(), "OK");
    hears("held");
    assert_silent(&mut second);
    disk.set(Word::Hold, 0);
    assert_eq!(second.read_reply(), "OK");
    hears("behind");
}

/// Not only replies show a write.
#[test]
fn under_always_events_invalidations_and_what_is_popped_wait_for_the_write_that_they_show() {
    let (server, disk) = LossyDisk::start(&ALWAYS);
    let mut setup = server.client();
    setup.run("CONFIG SET notify-keyspace-events KEA");
    let [mut events, mut invalidations, mut popper, mut pusher] = [(); 4].map(|()| server.client());
    events.run("PSUBSCRIBE __key*");
    let place = invalidations.run("CLIENT ID").integer();
    invalidations.run("SUBSCRIBE __redis__:invalidate");
    setup.run(&format!("CLIENT TRACKING ON REDIRECT {place}"));
    setup.run("GET held");
    popper.send(&["BLPOP", "list", "0"]);
    wait_until("it waits", || setup.info("blocked_clients") == "1");
    let mut writer = hang(&server, &disk);
    pusher.send(&["RPUSH", "list", "popped"]);
    for client in [&mut writer, &mut pusher, &mut popper, &mut events, &mut invalidations] {
        assert_silent(client);
    }
    disk.set(Word::Hold, 0);
    assert_eq!(writer.read_reply(), "OK");
    assert_eq!(pusher.read_reply(), 1);
    assert_eq!(popper.read_reply(), ["list", "popped"]);
    assert_eq!(events.read_reply().items()[2], "__keyspace@0__:held");
    assert_eq!(invalidations.read_reply().items()[1], "__redis__:invalidate");
}

/// Has writers send more than may wait for the disk, all to one key: readers of a few others would wait too. Gives them.
fn overfill(server: &Server, calls: usize) -> Vec<Client> {
    let value = vec![b'v'; MIB];
    let writer = |_| {
        let mut writer = server.client();
        writer.send(&[b"RPUSH".as_slice(), b"big", &value]);
        writer
    };
    (0..calls).map(writer).collect()
}

/// What waits is bounded, said and counted; reads go on; and when the disk is well again everybody is answered.
fn assert_bounded(arguments: &[&str]) {
    let (mut server, mut disk) = LossyDisk::start(arguments);
    let mut reader = server.client();
    reader.run("SET other 1");
    let hung = hang(&server, &disk);
    let mut writers = overfill(&server, 80);
    wait_until("the bound", || server.log().contains("The disk does not keep up: "));
    // Under `everysec`, where it takes the writers so long, the two seconds are over first.
    let is_full = server.log().contains("The disk does not keep up: 6");
    assert!(is_full || arguments == EVERYSEC);
    assert_eq!(reader.run("GET other"), "1");
    let mut last = server.client();
    last.send(&["SET", "last", "1"]);
    assert_silent(&mut last);
    reader.send(&["INFO", "everything"]);
    disk.set(Word::Hold, 0);
    let info = reader.read_reply().text();
    let field = |name: &str| -> u64 {
        let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name}: {info}"))
    };
    let least = if is_full { 64 * MIB as u64 } else { 1 };
    assert!((least..72 * MIB as u64).contains(&field("aof_pending_bytes")), "{info}");
    assert!(field("aof_delayed_fsync") > 0 && field("blocked_clients") > 5, "{info}");
    assert_eq!(last.read_reply(), "OK");
    let mut lengths: Vec<i64> = writers.iter_mut().map(|writer| writer.read_reply().integer()).collect();
    lengths.sort();
    assert!(lengths.into_iter().eq(1..=80));
    assert_eq!(reader.run("SET other 2"), "OK");
    assert_eq!(reader.run("WAITAOF 1 0 0").items()[0], 1, "behind all that was answered");
    wait_until("the disk", || reader.info("aof_pending_bio_fsync") == "0" && reader.info("aof_pending_bytes") == "0");
    drop(hung);
    server.kill();
    disk.cut_power(&mut Rng::with_seed(1), Loss::Everything);
    server.restart();
    assert_eq!(server.client().run("DBSIZE"), 4);
    assert_eq!(server.client().run("LLEN big"), 80);
}

#[test]
fn under_always_what_waits_for_the_disk_is_bounded_and_visible() {
    assert_bounded(&ALWAYS);
}

#[test]
fn under_everysec_what_waits_for_the_disk_is_bounded_and_visible() {
    assert_bounded(&EVERYSEC);
}

/// Were they to go on, a power cut would take ever more than the second that is promised. Readers go on all the while.
#[test]
fn under_everysec_a_sync_that_hangs_holds_up_writers_after_two_seconds_and_readers_never() {
    let (server, disk) = LossyDisk::start(&EVERYSEC);
    let mut writer = hang(&server, &disk);
    assert_eq!(writer.read_reply(), "OK");
    let mut reader = server.client();
    let mut counted = 0;
    while reader.info("aof_delayed_fsync") == "0" {
        writer.send(&["INCR", "counter"]);
        counted += 1;
        // The last one may find the gate closed already.
        if reader.info("aof_delayed_fsync") == "0" {
            assert_eq!(writer.read_reply(), counted);
        }
    }
    assert!(disk.get(Word::Held) > 0, "the disk hangs all the while");
    assert!(counted > 10, "{counted} writes before they were held");
    writer.send(&["INCR", "counter"]);
    let (begun, mut read) = (Instant::now(), 0);
    while begun.elapsed() < HANG {
        assert!(!matches!(reader.run("GET counter"), Reply::Error(_)));
        read += 1;
    }
    assert!(read > 10, "{read} in {HANG:?}");
    disk.set(Word::Hold, 0);
    let all = (counted + 1).to_string();
    wait_until("all writes", || reader.run("GET counter") == all.as_str());
}

#[test]
fn writes_that_hang_hold_up_nobody_under_everysec() {
    let (server, disk) = LossyDisk::start(&EVERYSEC);
    let mut client = server.client();
    disk.set(Word::Hold, 2);
    assert_eq!(client.run("SET first 1"), "OK");
    wait_until("a write", || disk.get(Word::Held) > 0);
    for n in 1..200 {
        assert_eq!(client.run("INCR counter"), n);
    }
    client.send_raw(b"SET last 1\r\nINFO persistence\r\n");
    assert_eq!(client.read_reply(), "OK");
    let info = client.read_reply().text();
    assert!(!info.contains("aof_pending_bytes:0\r"), "it was told as it had been up to 100 ms before: {info}");
    disk.set(Word::Hold, 0);
    wait_until_written(&mut client);
}

/// Everybody waited with it.
#[test]
fn a_log_that_is_turned_off_ends_beside_the_loop() {
    for arguments in [&ALWAYS, &EVERYSEC] {
        let (server, disk) = LossyDisk::start(arguments);
        let mut writer = hang(&server, &disk);
        let (mut admin, mut other) = (server.client(), server.client());
        let is_held = *arguments == ALWAYS;
        if !is_held {
            assert_eq!(writer.read_reply(), "OK");
            writer.send(&["WAITAOF", "1", "0", "0"]);
            assert_silent(&mut writer);
        }
        admin.send_raw(b"CONFIG SET appendonly no\r\nPING\r\n");
        assert_silent(&mut admin);
        if !is_held {
            let refused = "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";
            assert_eq!(writer.read_reply(), Reply::Error(refused.into()));
        }
        assert_eq!(other.run("SET unlogged 1"), "OK");
        assert_eq!(other.run("GET unlogged"), "1");
        // Another log begins behind the one that ends, and until then the process does not.
        other.send(&["CONFIG", "SET", "appendonly", "yes"]);
        if is_held {
            assert_silent(&mut other);
            assert_silent(&mut writer);
        } else {
            assert_eq!(other.read_reply(), "OK");
            assert_eq!(other.run("SHUTDOWN NOSAVE"), Reply::Error("ERR Errors trying to SHUTDOWN. Check logs.".into()));
        }
        assert!(disk.get(Word::Held) > 0, "the disk hangs all the while");
        disk.set(Word::Hold, 0);
        if is_held {
            assert_eq!(other.read_reply(), "OK");
            assert_eq!(writer.read_reply(), "OK");
        }
        assert_eq!(admin.read_reply(), "OK");
        assert_eq!(admin.read_reply(), "PONG");
        wait_until("the first base", || other.info("aof_rewrites") == "1");
        assert_eq!(other.run("SET logged 1"), "OK");
        wait_until_written(&mut other);
        let mut server = server;
        server.kill();
        server.restart();
        assert_eq!(server.client().run("MGET held unlogged logged"), ["1", "1", "1"]);
    }
}

#[test]
fn waitaof_answers_when_the_sync_is_done_and_says_the_truth_when_it_is_not() {
    let (mut server, mut disk) = LossyDisk::start(&EVERYSEC);
    let mut client = hang(&server, &disk);
    assert_eq!(client.read_reply(), "OK");
    assert_eq!(client.run("WAITAOF 1 0 20"), [0, 0]);
    client.send(&["WAITAOF", "1", "0", "0"]);
    assert_silent(&mut client);
    disk.set(Word::Hold, 0);
    assert_eq!(client.read_reply(), [1, 0]);
    server.kill();
    disk.cut_power(&mut Rng::with_seed(1), Loss::Everything);
    server.restart();
    assert_eq!(server.client().run("GET held"), "1");
}

/// It waits in its place, however long. Who changes what it has not reached leaves images, for which there is a bound: past that it is
/// given up, and the next one is none the worse for it. Nobody else waits.
#[test]
fn a_walk_waits_for_a_disk_that_hangs_or_is_given_up_and_clients_go_on() {
    const KEYS: usize = 400;
    let arguments = ["--appendonly", "yes", "--appendfsync", "no", "--enable-debug-command", "yes"];
    let (mut server, disk) = LossyDisk::start(&arguments);
    let mut client = server.client();
    for n in 0..KEYS {
        assert_eq!(client.run(&format!("SETRANGE key:{n} {} x", MIB - 1)), MIB as i64);
    }
    client.run("CONFIG SET rdb-key-save-delay 10000000");
    client.run("BGREWRITEAOF");
    wait_until("its increment", || server.log().contains("Creating AOF incr file appendonly.aof.2.incr.aof"));
    disk.set(Word::Hold, 1);
    client.run("CONFIG SET rdb-key-save-delay 0");
    wait_until("a sync of the base", || disk.get(Word::Held) > 0);
    let begun = Instant::now();
    while begun.elapsed() < HANG {
        assert_eq!(client.run("SET other 1"), "OK");
    }
    assert_eq!(client.info("aof_rewrite_in_progress"), "1");
    for n in 0..KEYS {
        assert_eq!(client.run(&format!("DEL key:{n}")), 1);
    }
    wait_until("the bound", || server.log().contains("The disk does not keep up with the changes during the save"));
    assert_eq!(client.run("SET last 1"), "OK");
    disk.set(Word::Hold, 0);
    wait_until("its end", || client.info("aof_rewrite_in_progress") == "0");
    assert_eq!(client.info("aof_last_bgrewrite_status"), "err");
    client.run("BGREWRITEAOF");
    wait_until("another", || client.info("aof_last_bgrewrite_status") == "ok");
    let digest = client.run("DEBUG DIGEST");
    wait_until_written(&mut client);
    server.kill();
    server.restart();
    assert_eq!(server.client().run("DEBUG DIGEST"), digest);
}
