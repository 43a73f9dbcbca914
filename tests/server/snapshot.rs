//! `dump.rdb`: SAVE, BGSAVE, save rules, DEBUG RELOAD, and starting from it.

use crate::support::{Client, Server, wait_until};

const DEBUG: [&str; 2] = ["--enable-debug-command", "yes"];

fn fill(client: &mut Client) {
    for i in 0..500 {
        client.run(&format!("SET key:{i} {}", "v".repeat(i + 1)));
        client.run(&format!("SET number:{i} {}", i * 1_000_003));
    }
    client.run("PEXPIREAT key:7 4102444800000");
    client.run("SELECT 9");
    client.run("SET elsewhere 1");
    client.run("SELECT 0");
}

#[test]
fn what_was_saved_is_there_after_a_crash() {
    for save in ["SAVE", "BGSAVE"] {
        let mut server = Server::start(&DEBUG);
        let mut client = server.client();
        fill(&mut client);
        client.run(save);
        wait_until("the snapshot", || {
            client.info("rdb_bgsave_in_progress") == "0" && client.info("rdb_changes_since_last_save") == "0"
        });
        let digest = client.run("DEBUG DIGEST");
        client.run("SET lost 1");
        server.kill();
        server.restart();
        let mut client = server.client();
        assert_eq!(client.run("DEBUG DIGEST"), digest, "{save}");
        assert_eq!(client.run("PEXPIRETIME key:7"), 4_102_444_800_000);
    }
}

#[test]
fn the_snapshot_is_of_one_moment_whatever_happens_meanwhile() {
    let mut server = Server::start(&DEBUG);
    let mut client = server.client();
    let keys: Vec<String> = (0..4_000).map(|i| format!("key:{i}")).collect();
    let calls: Vec<[&str; 3]> = keys.iter().map(|key| ["SET", key.as_str(), "before"]).collect();
    client.pipeline(&calls.iter().map(|call| call.as_slice()).collect::<Vec<&[&str]>>());
    let digest = client.run("DEBUG DIGEST");
    assert_eq!(client.run("BGSAVE"), "Background saving started");
    for i in (0..1000).rev() {
        client.send_raw(format!("SET key:{i} after\r\nDEL key:{}\r\nSET new:{i} 1\r\n", i + 2_000).as_bytes());
    }
    client.send_raw(b"SWAPDB 0 3\r\nSELECT 3\r\nFLUSHDB\r\nSELECT 0\r\nSET key:1 flushed\r\n");
    (0..3_005).for_each(|_| drop(client.read_reply()));
    wait_until("the snapshot", || client.info("rdb_bgsave_in_progress") == "0");
    server.kill();
    server.restart();
    assert_eq!(server.client().run("DEBUG DIGEST"), digest);
}

#[test]
fn a_snapshot_asked_for_in_a_transaction_held_half_of_it() {
    let mut server = Server::start(&[]);
    let mut client = server.client();
    client.send_raw(b"MULTI\r\nSET first 1\r\nBGSAVE\r\nBGREWRITEAOF\r\nSET last 1\r\nEXEC\r\n");
    (0..5).for_each(|_| drop(client.read_reply()));
    let (saving, rewriting) = ("Background saving scheduled", "Background append only file rewriting scheduled");
    assert_eq!(client.read_reply(), ["OK", saving, rewriting, "OK"]);
    wait_until("the snapshot", || client.info("rdb_saves") == "1");
    server.kill();
    server.restart();
    assert_eq!(server.client().run("MGET first last"), ["1", "1"]);
}

#[test]
fn save_in_a_pipeline_answers_in_its_place() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.send_raw(b"SET a 1\r\nSAVE\r\nGET a\r\nSAVE\r\nBGREWRITEAOF\r\nSAVE\r\nPING\r\n");
    for expected in ["OK", "OK", "1", "OK", "Background append only file rewriting started", "OK", "PONG"] {
        assert_eq!(client.read_reply(), expected);
    }
}

#[test]
fn another_client_in_the_place_of_one_that_waited_hears_nothing_of_it() {
    let server = Server::start(&[]);
    let mut other = server.client();
    fill(&mut other);
    for _ in 0..20 {
        let mut waiting = server.client();
        waiting.send_raw(b"SAVE\r\n");
        drop(waiting);
        let mut next = server.client();
        assert_eq!(next.run("ECHO mine"), "mine");
        assert_eq!(next.run("ECHO again"), "again");
    }
}

#[test]
fn a_save_that_fails_says_so_and_writes_are_refused_until_one_works() {
    let server = Server::start(&["--save", "3600 1000"]);
    let mut client = server.client();
    client.run("SET a 1");
    let blocked = server.directory().join(format!("temp-{}.rdb", server.pid()));
    std::fs::create_dir_all(blocked.join("in the way")).unwrap();
    assert!(client.run("SAVE").is_error());
    assert_eq!(client.info("rdb_last_bgsave_status"), "err");
    assert!(client.run("SET a 2").text().starts_with("MISCONF"));
    assert_eq!(client.run("GET a"), "1");
    std::fs::remove_dir_all(blocked).unwrap();
    assert_eq!(client.run("SAVE"), "OK");
    assert_eq!(client.run("SET a 2"), "OK");
}

#[test]
fn reload_gives_back_the_same_data() {
    let server = Server::start(&[&DEBUG[..], &["--appendonly", "yes"]].concat());
    let mut client = server.client();
    fill(&mut client);
    let digest = client.run("DEBUG DIGEST");
    client.send_raw(b"DEBUG RELOAD\r\nDBSIZE\r\n");
    assert_eq!(client.read_reply(), "OK");
    assert_eq!(client.read_reply(), 1000);
    assert_eq!(client.run("DEBUG DIGEST"), digest);
}

#[test]
fn a_damaged_file_is_refused_with_its_name() {
    let mut server = Server::start(&[]);
    let mut client = server.client();
    fill(&mut client);
    assert_eq!(client.run("SAVE"), "OK");
    server.kill();
    let path = server.directory().join("dump.rdb");
    let whole = std::fs::read(&path).unwrap();
    for (damaged, what) in [
        (whole[..whole.len() / 2].to_vec(), "cut off"),
        ([&whole[..whole.len() / 2], b"?", &whole[whole.len() / 2 + 1..]].concat(), "changed"),
    ] {
        std::fs::write(&path, &damaged).unwrap();
        let trouble = server.try_restart().expect_err(what);
        assert!(trouble.contains("dump.rdb") && trouble.contains("exit status: 1"), "{what}: {trouble}");
    }
    std::fs::write(&path, &whole).unwrap();
    server.restart();
    assert_eq!(server.client().run("DBSIZE"), 1000);
}

#[test]
fn reload_over_what_is_there_merges_or_refuses() {
    let server = Server::start(&[&DEBUG[..], &["--appendonly", "yes"]].concat());
    let mut client = server.client();
    client.run("MSET a 1 b 1");
    assert_eq!(client.run("SAVE"), "OK");
    client.run("MSET a 2 c 2");
    client.run("DEL b");
    let refused = client.run("DEBUG RELOAD NOSAVE NOFLUSH").text();
    assert!(refused.contains("Error trying to load the RDB dump"), "{refused}");
    wait_until("the reason in the log", || server.log().contains("RDB has duplicated key 'a' in DB 0"));
    assert_eq!(client.run("GET a"), "2");
    assert_eq!(client.run("CONFIG SET hide-user-data-from-log yes"), "OK");
    assert!(client.run("DEBUG RELOAD NOSAVE NOFLUSH").is_error());
    wait_until("the reason without the key", || server.log().contains("RDB has duplicated key '*redacted*' in DB 0"));
    assert_eq!(client.run("DEBUG RELOAD NOSAVE NOFLUSH MERGE"), "OK");
    assert_eq!(client.run("GET a"), "1", "the file's value wins");
    assert_eq!(client.run("GET c"), "2", "what only the server has stays");
    assert_eq!(client.run("DBSIZE"), 3);
}

#[test]
fn a_small_database_is_free_when_its_flush_is_answered() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.run("MSET a 1 b 2 c 3");
    assert_eq!(client.run("FLUSHALL"), "OK");
    assert_eq!(client.info("lazyfreed_objects"), "3");
}

#[test]
fn what_the_reaper_frees_is_counted() {
    let server = Server::start(&[]);
    let mut client = server.client();
    for key in ["a", "b", "c"] {
        client.call(&["SETRANGE", key, "100000", "x"]);
    }
    assert_eq!(client.run("FLUSHALL"), "OK");
    wait_until("the reaper", || client.info("lazyfree_pending_objects") == "0");
    assert_eq!(client.info("lazyfreed_objects"), "3");
    assert_eq!(client.run("CONFIG RESETSTAT"), "OK");
    assert_eq!(client.info("lazyfreed_objects"), "0");
}

#[test]
fn a_save_that_is_slowed_down_holds_up_nobody_and_can_be_cancelled() {
    let server = Server::start(&["--enable-debug-command", "yes", "--rdb-key-save-delay", "1000000"]);
    let mut client = server.client();
    let not_running = "ERR Background saving is currently not in progress or scheduled";
    client.run("DEBUG POPULATE 100");
    assert_eq!(client.run("BGSAVE CANCEL").text(), not_running);
    assert_eq!(client.run("BGSAVE").text(), "Background saving started");
    assert_eq!(client.info("rdb_bgsave_in_progress"), "1");
    assert_eq!(client.run("BGSAVE CANCEL").text(), "Background saving cancelled");
    wait_until("its end", || client.info("rdb_bgsave_in_progress") == "0");
    assert_eq!(client.run("BGSAVE CANCEL").text(), not_running);
    assert!(std::fs::read_dir(server.directory()).unwrap().next().is_none(), "no file is left");
    assert_eq!(client.run("BGREWRITEAOF").text(), "Background append only file rewriting started");
    assert_eq!(client.run("BGSAVE SCHEDULE").text(), "Background saving scheduled");
    assert_eq!(client.run("BGSAVE CANCEL").text(), "Scheduled background saving cancelled");
    assert_eq!(client.run("BGSAVE CANCEL").text(), not_running);
    assert_eq!(client.run("CONFIG SET rdb-key-save-delay 0"), "OK");
    wait_until("the rewrite's end", || client.info("aof_rewrite_in_progress") == "0");
}

#[test]
fn a_snapshot_under_way_outlived_flushall_and_brought_the_keys_back() {
    let mut server = Server::start(&["--enable-debug-command", "yes", "--save", ""]);
    let mut client = server.client();
    client.run("DEBUG POPULATE 1000");
    assert_eq!(client.run("SAVE"), "OK");
    assert_eq!(client.run("CONFIG SET rdb-key-save-delay 1000000"), "OK");
    client.run("BGSAVE");
    assert_eq!(client.run("FLUSHALL"), "OK");
    wait_until("its end", || client.info("rdb_bgsave_in_progress") == "0");
    assert!(client.info("rdb_changes_since_last_save").parse::<u64>().unwrap() >= 1000, "it was not saved");
    // With save rules a snapshot of nothing follows at once.
    assert_eq!(client.call(&["CONFIG", "SET", "save", "3600 1000000"]), "OK");
    client.run("DEBUG POPULATE 1000");
    client.run("BGSAVE");
    assert_eq!(client.run("FLUSHALL"), "OK");
    wait_until("a snapshot of nothing", || client.info("rdb_changes_since_last_save") == "0");
    server.kill();
    server.restart();
    assert_eq!(server.client().run("DBSIZE"), 0);
}

/// As Redis does; the directory was taken for the file.
#[test]
fn without_a_name_for_the_snapshot_no_server_started() {
    let server = Server::start(&["--dbfilename", ""]);
    assert!(server.client().run("SAVE").is_error());
    assert_eq!(server.client().run("PING"), "PONG");
}
