//! INFO, MEMORY, DEBUG, and the commands about snapshots and the log.

use crate::harness::{Db, START_MS};
use ferrodis::server::config::Permission;
/// The value of a field of INFO.
#[track_caller]
fn field(db: &mut Db, name: &str) -> String {
    let text = db.run("INFO everything");
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).to_string()
}

/// A worker's BLPOP on an empty list was a miss, told as `keymiss`, and one that was served two hits: a queue's polls made the ratio.
#[test]
fn calls_that_take_elements_were_hits_and_misses() {
    let mut db = Db::new();
    db.run("CONFIG SET notify-keyspace-events Km");
    let (listener, waiting) = (db.connect(), db.connect());
    db.call_on(listener, &[b"PSUBSCRIBE", b"*"]);
    let calls = "BLPOP l 0.01;LMPOP 1 l LEFT;BLMPOP 0.01 1 l LEFT;RPOP l 2;LMOVE l m LEFT LEFT;BLMOVE l m LEFT LEFT 0.01;HGETEX h FIELDS 1 f";
    for call in calls.split(';') {
        db.run("RPUSH l a b c");
        db.run("HSET h f v");
        db.run(call);
        db.run("DEL l h");
        let words: Vec<&[u8]> = call.split(' ').map(str::as_bytes).collect();
        db.call_on(waiting, &words);
        db.advance_ms(20);
        db.dispatcher.tick();
        db.output_of(waiting);
        let counts = (field(&mut db, "keyspace_hits"), field(&mut db, "keyspace_misses"));
        assert_eq!(counts, ("0".into(), "0".into()), "{call}");
    }
    assert!(db.output_of(listener).is_empty());
}

#[test]
fn info_counts_what_happened() {
    let mut db = Db::new();
    db.run("SET a 1");
    db.run("SET b 2");
    db.run("GET a");
    db.run("GET nothing");
    db.run("GET");
    for (name, value) in [
        ("redis_version", "8.0.6"),
        ("role", "master"),
        ("db0", "keys=2,expires=0,avg_ttl=0,subexpiry=0"),
        ("keyspace_hits", "1"),
        ("keyspace_misses", "1"),
        ("errorstat_ERR", "count=1"),
        ("expire_cycle_cpu_milliseconds", "0"),
        ("rdb_changes_since_last_save", "2"),
        ("maxmemory_policy", "noeviction"),
        ("lru_order_exact", "yes"),
        ("connected_clients", "1"),
        ("uptime_in_seconds", "0"),
    ] {
        assert_eq!(field(&mut db, name), value, "{name}");
    }
    assert!(field(&mut db, "cmdstat_get").starts_with("calls=2,"), "{}", field(&mut db, "cmdstat_get"));
    db.clock.advance_ms(3_000);
    db.advance_ms(0);
    assert_eq!(field(&mut db, "uptime_in_seconds"), "3");
    assert_eq!(field(&mut db, "run_id").len(), 40);
}

/// They looked at a list or a hash as a read does before they changed it, and told of a missing key.
#[test]
fn calls_that_take_elements_counted_as_reads() {
    let mut db = Db::new();
    db.run("CONFIG SET notify-keyspace-events Em");
    let calls =
        ["LPOP l 1", "RPOP l 2", "LMPOP 2 none l LEFT", "RPOPLPUSH l d", "BLMPOP 1 1 l LEFT", "HGETEX h FIELDS 1 f"];
    for is_there in [false, true] {
        for call in calls.iter().chain(&["BLPOP l 1"]).take(if is_there { 7 } else { 4 }) {
            if is_there {
                db.run("RPUSH l a b c");
                db.run("HSET h f v");
            }
            db.run(call);
        }
    }
    assert_eq!((field(&mut db, "keyspace_hits"), field(&mut db, "keyspace_misses")), ("0".into(), "0".into()));
}

/// The time in calls and the rates of turns stood at 0: nobody told the statistics.
#[test]
fn info_tells_how_the_loop_spends_its_time() {
    let mut db = Db::new();
    for _ in 0..20 {
        db.dispatcher.begin_turn();
        db.run("PING");
        db.advance_ms(100);
        db.dispatcher.end_turn();
    }
    assert_ne!(field(&mut db, "eventloop_cycles"), "0");
    assert_ne!(field(&mut db, "instantaneous_eventloop_cycles_per_sec"), "0");
}

#[test]
fn info_tells_of_keys_by_size_and_prefix() {
    let mut db = Db::new();
    for call in
        ["SET e \"\"", "SET user:1 xx", "RPUSH user:2 1 2 3", "SADD s:1 1", "ZADD z 1 a", "HSET h a b", "XADD x * a b"]
    {
        db.run(call);
    }
    db.run("SELECT 3");
    db.run("MSET user:3 x user:4 x");
    // What Redis 8.0.6 says of the same keys.
    for (name, value) in [
        ("db0_distrib_strings_sizes", "0=1,2=1"),
        ("db0_distrib_lists_items", "2=1"),
        ("db0_distrib_sets_items", "1=1"),
        ("db0_distrib_zsets_items", "1=1"),
        ("db0_distrib_hashes_items", "1=1"),
        ("db3_distrib_strings_sizes", "1=2"),
    ] {
        assert_eq!(field(&mut db, name), value, "{name}");
    }
    let text = db.run("INFO prefixes");
    assert!(text.contains("name=user:,keys=4,bytes=") && text.contains("name=s:,keys=1,bytes="), "{text}");
    assert!(text.contains("name=,keys=4,bytes=") && text.contains("other_prefixes:keys=0,bytes=0"), "{text}");
    db.run("FLUSHALL");
    assert!(!db.run("INFO keysizes").contains("db0"));
    assert!(!db.run("INFO prefixes").contains("name="));
}

/// Every INFO began a census, those of a health check too.
#[test]
fn a_census_is_taken_for_those_who_ask_for_keys() {
    let mut db = Db::new();
    let keys: Vec<String> = (0..2000).map(|i| format!("k:{i} v")).collect();
    db.run(&format!("MSET {}", keys.join(" ")));
    let counted = |db: &mut Db| {
        (0..100).for_each(|_| db.advance_ms(5));
        !db.dispatcher.server.census.last().databases.is_empty()
    };
    db.run("INFO memory");
    assert!(!counted(&mut db));
    db.run("INFO prefixes");
    assert!(counted(&mut db));
    assert!(db.run("INFO prefixes").contains("name=k:,keys=2000,"));
}

#[test]
fn info_tells_which_keys_are_hot() {
    let mut db = Db::new();
    db.run(&format!("SET large {}", "x".repeat(50_000)));
    for i in 0..20_000 {
        db.run(if i % 2 == 0 { "GET hot" } else { "GET cold" });
        if i % 100 == 0 {
            db.run("GET large");
        }
    }
    let text = db.run("INFO hotkeys");
    let share = |by: &str, key: &str| -> f64 {
        let line = text.lines().find(|line| line.starts_with(by) && line.contains(&format!(":key={key},db=0,")));
        line.and_then(|line| line.rsplit_once('=')?.1.strip_suffix('%')?.parse().ok()).unwrap_or(0.0)
    };
    assert!((40.0..60.0).contains(&share("by_calls", "hot")), "{text}");
    assert!((40.0..60.0).contains(&share("by_calls", "cold")), "{text}");
    assert!(share("by_bytes", "large") > 80.0, "{text}");
    db.run("CONFIG RESETSTAT");
}

#[test]
fn there_are_no_modules() {
    let mut db = Db::new();
    db.is("MODULE LIST", "*0\r\n");
    db.fails(
        "MODULE LOAD /x.so",
        "ERR MODULE command not allowed. If the enable-module-command option is set to \"local\", you can run it from a local \
         connection, otherwise you need to set this option in the configuration file, and then restart the server.",
    );
    let mut db = Db::with(|config| config.enable_module_command = Permission::Yes);
    for call in ["MODULE LOAD /x.so a", "MODULE LOADEX /x.so CONFIG a b"] {
        db.fails(call, "ERR Error loading the extension. Please check the server logs.");
    }
    db.fails("MODULE UNLOAD x", "ERR Error unloading module: no such module with that name");
    db.fails("MODULE x", "ERR unknown subcommand 'x'. Try MODULE HELP.");
}

#[test]
fn info_shows_the_sections_that_are_named() {
    let mut db = Db::new();
    let titles = |text: String| text.lines().filter(|line| line.starts_with('#')).map(String::from).collect::<Vec<_>>();
    assert_eq!(titles(db.run("INFO cpu sentinel CLUSTER")), ["# CPU", "# Cluster"]);
    assert!(titles(db.run("INFO")).contains(&"# Errorstats".to_string()));
    assert!(!titles(db.run("INFO")).contains(&"# Commandstats".to_string()));
    assert!(titles(db.run("INFO all")).contains(&"# Commandstats".to_string()));
    db.is("INFO nosuch", "$0\r\n\r\n");
    db.run("HELLO 3");
    assert!(db.run("INFO cpu").starts_with('='), "verbatim in RESP3");
}

#[test]
fn memory_usage_and_its_errors() {
    let mut db = Db::new();
    db.run("SET k v");
    assert!(db.run("MEMORY USAGE k").starts_with(':'));
    assert_eq!(db.run("MEMORY USAGE k"), db.run("memory usage k samples 0"));
    db.is("MEMORY USAGE none", "$-1\r\n");
    for call in ["MEMORY USAGE k SAMPLES -1", "MEMORY USAGE k WHAT 1", "MEMORY USAGE k SAMPLES"] {
        db.fails(call, "ERR syntax error");
    }
    db.fails("MEMORY USAGE k SAMPLES x", "ERR value is not an integer or out of range");
    db.fails("MEMORY USAGE", "ERR wrong number of arguments for 'memory|usage' command");
    db.fails("MEMORY what", "ERR unknown subcommand 'what'. Try MEMORY HELP.");
}

#[test]
fn memory_tells_of_the_server() {
    let mut db = Db::new();
    db.run("SET k v");
    let stats = db.run("MEMORY STATS");
    assert!(stats.starts_with("*68\r\n$14\r\npeak.allocated\r\n:"), "{stats}");
    assert!(stats.contains("$4\r\ndb.0\r\n*4\r\n") && stats.contains("$10\r\nkeys.count\r\n:1\r\n"), "{stats}");
    assert!(db.run("MEMORY DOCTOR").contains("too little"));
    db.is("MEMORY PURGE", "+OK\r\n");
    db.is_bulk("MEMORY MALLOC-STATS", "Stats not supported for the current allocator");
    assert!(db.run("MEMORY HELP").contains("+USAGE key [SAMPLES count]\r\n"));
}

#[test]
fn saving_is_begun_once() {
    let mut db = debugged();
    db.is("LASTSAVE", &format!(":{}\r\n", START_MS / 1000));
    for call in ["BGSAVE now", "BGSAVE SCHEDULE now"] {
        db.fails(call, "ERR syntax error");
    }
    db.fails("DEBUG RELOAD what", "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
    db.is("BGSAVE SCHEDULE", "+Background saving started\r\n");
    db.fails("BGSAVE", "ERR Background save already in progress");
    db.fails("SAVE", "ERR Background save already in progress");
    db.is("BGREWRITEAOF", "+Background append only file rewriting scheduled\r\n");
}

#[test]
fn one_walk_at_a_time() {
    let mut db = Db::new();
    db.dispatcher.server.persistence.snapshots.started_ms = Some(1);
    db.fails("SAVE", "ERR Background save already in progress");
    db.fails("BGSAVE SCHEDULE", "ERR Background save already in progress");
    db.is("BGREWRITEAOF", "+Background append only file rewriting scheduled\r\n");
    assert_eq!(field(&mut db, "aof_rewrite_scheduled"), "1");
    assert_eq!(field(&mut db, "rdb_bgsave_in_progress"), "1");
    db.dispatcher.server.persistence.snapshots.started_ms = None;
    db.dispatcher.server.persistence.log.rewrite_started_ms = Some(1);
    assert!(db.run("BGSAVE").starts_with("-ERR Another child process is active (AOF?)"));
    db.is("BGSAVE SCHEDULE", "+Background saving scheduled\r\n");
    db.fails("BGREWRITEAOF", "ERR Background append only file rewriting already in progress");
}

#[test]
fn shutdown_checks_its_words() {
    let mut db = Db::new();
    for call in ["SHUTDOWN what", "SHUTDOWN SAVE NOSAVE", "SHUTDOWN ABORT NOW", "SHUTDOWN SAVE ABORT"] {
        db.fails(call, "ERR syntax error");
    }
    db.fails("SHUTDOWN ABORT", "ERR No shutdown in progress.");
    assert_eq!(db.dispatcher.exit_code(), None);
    db.dispatcher.server.ending_signal = Some("SIGTERM");
    db.is("SHUTDOWN ABORT", "+OK\r\n");
    db.is("SHUTDOWN NOSAVE NOW FORCE", "");
    assert_eq!(db.dispatcher.exit_code(), Some(0));
}

fn debugged() -> Db {
    Db::with(|config| config.enable_debug_command = Permission::Yes)
}

#[test]
fn debug_must_be_allowed() {
    assert!(Db::new().run("DEBUG DIGEST").starts_with("-ERR DEBUG command not allowed."));
    let mut db = debugged();
    for name in ["foo", "sleep", "digest x", "object"] {
        let word = name.split(' ').next().unwrap_or_default();
        db.fails(
            &format!("DEBUG {name}"),
            &format!("ERR unknown subcommand or wrong number of arguments for '{word}'. Try DEBUG HELP."),
        );
    }
    assert!(db.run("DEBUG HELP").contains("+SET-ACTIVE-EXPIRE <0|1>\r\n"));
}

/// The hashes are those that Redis 8.0.6 answers for the same calls.
#[test]
fn digests_are_those_of_redis() {
    let mut db = debugged();
    db.is("DEBUG DIGEST", "+0000000000000000000000000000000000000000\r\n");
    for call in ["SET a 1", "SET f hello", "SET ff hellohellohellohellohellohellohellohellohellohellohello"] {
        db.run(call);
    }
    db.is("DEBUG DIGEST", "+0dc5e5b87eb71ef9f13778c27d215fc09dcc2396\r\n");
    db.is(
        "DEBUG DIGEST-VALUE a f nokey",
        "*3\r\n+b4fc66738120fba0b5aa500ab5c2bf89cea1c5da\r\n+36b23a1456b2dce2c3ed252c456761301dba8060\r\n\
         +0000000000000000000000000000000000000000\r\n",
    );
    set_with_deadline(&mut db, b"t", 100_000);
    db.is("DEBUG DIGEST", "+b79ae9271a40baa25c5db64ff67218352ab14431\r\n");
    db.is("DEBUG DIGEST-VALUE t", "*1\r\n+5279988c5d1911f474bcbbf2f0a87012d40f8459\r\n");
    db.run("SELECT 3");
    db.run("SET x y");
    db.is("DEBUG DIGEST", "+71d1183ec0dec7e35fda820c4e20617b1328f393\r\n");
}

fn set_with_deadline(db: &mut Db, key: &[u8], ttl_ms: u64) {
    use ferrodis::keyspace::database::Expiry;
    use ferrodis::values::string::NewText;
    let deadline = Expiry::At(START_MS + ttl_ms);
    db.dispatcher.server.keyspace.db(0).set(key, NewText::Int(1), deadline).expect("room");
}

#[test]
fn keys_stay_past_their_deadline_while_active_expiry_is_off() {
    let mut db = debugged();
    set_with_deadline(&mut db, b"t", 10);
    db.is("DEBUG SET-ACTIVE-EXPIRE 0", "+OK\r\n");
    db.advance_ms(50);
    assert_eq!(field(&mut db, "db0"), "keys=1,expires=1,avg_ttl=0,subexpiry=0");
    db.is("DEBUG SET-ACTIVE-EXPIRE 1", "+OK\r\n");
    db.advance_ms(1);
    assert_eq!(field(&mut db, "expired_keys"), "1");
    assert_eq!(field(&mut db, "expiry_lag_max_ms"), "41.000");
}

/// DEBUG OBJECT's `lru` was the second of now less whole seconds of idleness, and so went to and fro by one.
#[test]
fn the_second_of_the_last_use_changed_without_a_use() {
    let mut db = debugged();
    db.advance_ms(950);
    db.run("SET a 1");
    let lru = |line: &str| line.split("lru:").nth(1).unwrap().split(' ').next().unwrap().to_string();
    let first = lru(&db.run("DEBUG OBJECT a"));
    for step in 0..50 {
        db.advance_ms(37);
        assert_eq!(lru(&db.run("DEBUG OBJECT a")), first, "after {} ms", (step + 1) * 37);
    }
    db.run("GET a");
    assert_ne!(lru(&db.run("DEBUG OBJECT a")), first);
}

#[test]
fn debug_looks_at_keys() {
    let mut db = debugged();
    db.run("SET a 1");
    db.run("SET ff hellohellohellohellohellohellohellohellohellohellohello");
    let line = db.run("DEBUG OBJECT a");
    assert!(line.contains("refcount:1 encoding:int serializedlength:2 lru:"), "{line}");
    db.run("SET f hello");
    let line = db.run("DEBUG OBJECT f");
    assert!(line.contains("encoding:embstr serializedlength:6 "), "{line}");
    db.fails("DEBUG OBJECT none", "ERR no such key");
    db.fails("DEBUG SDSLEN a", "ERR Not an sds encoded string.");
    assert!(db.run("DEBUG SDSLEN ff").starts_with("+key_sds_len:2, key_sds_avail:0, "));
    db.fails("DEBUG LISTPACK a", "ERR Not a listpack encoded object.");
    assert!(db.run("DEBUG HTSTATS 0").contains(" number of elements: 3\n"));
    db.fails("DEBUG HTSTATS 99", "ERR Out of range database");
    db.fails("DEBUG HTSTATS-KEY a", "ERR The value stored at the specified key is not represented using an hash table");
}

#[test]
fn debug_populates() {
    let mut db = debugged();
    db.run("SET key:1 mine");
    db.is("DEBUG POPULATE 3", "+OK\r\n");
    db.is_bulk("GET key:0", "value:0");
    db.is_bulk("GET key:1", "mine");
    db.is("DEBUG POPULATE 2 p 10", "+OK\r\n");
    db.is_bulk("GET p:1", "value:1\0\0\0");
    db.is("DEBUG POPULATE 2 q 3", "+OK\r\n");
    db.is_bulk("GET q:1", "val");
    db.fails("DEBUG POPULATE x", "ERR value is out of range, must be positive");
    assert_eq!(field(&mut db, "rdb_changes_since_last_save"), "1");
}

#[test]
fn debug_answers_in_every_type() {
    let mut db = debugged();
    db.is("DEBUG PROTOCOL bignum", "$37\r\n1234567999999999999999999999999999999\r\n");
    db.is("DEBUG PROTOCOL map", "*6\r\n:0\r\n:0\r\n:1\r\n:1\r\n:2\r\n:0\r\n");
    db.fails("DEBUG PROTOCOL push", "ERR RESP2 is not supported by this command");
    assert!(db.run("DEBUG PROTOCOL foo").starts_with("-ERR Wrong protocol type name."));
    db.fails("DEBUG ERROR \"MY words\"", "MY words");
    db.run("HELLO 3");
    for (name, reply) in [
        ("double", ",3.141\r\n"),
        ("map", "%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n"),
        ("set", "~3\r\n:0\r\n:1\r\n:2\r\n"),
        ("verbatim", "=29\r\ntxt:This is a verbatim\nstring\r\n"),
        ("push", "$40\r\nSome real reply following the push reply\r\n>2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n"),
        (
            "attrib",
            "|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n$39\r\nSome real reply following the attribute\r\n",
        ),
    ] {
        db.is(&format!("DEBUG PROTOCOL {name}"), reply);
    }
}

#[test]
fn debug_switches_take_what_redis_takes() {
    let mut db = debugged();
    for call in [
        "DEBUG PAUSE-CRON 1",
        "DEBUG AOF-FLUSH-SLEEP 1000",
        "DEBUG SET-SKIP-CHECKSUM-VALIDATION 1",
        "DEBUG QUICKLIST-PACKED-THRESHOLD 100b",
        "DEBUG REPLYBUFFER PEAK-RESET-TIME NEVER",
        "DEBUG REPLYBUFFER RESIZING 0",
        "DEBUG DICT-RESIZING 0",
        "DEBUG HASHTABLE-CAN-ABORT-SHRINK 0",
        "DEBUG CLIENT-ENFORCE-REPLY-LIST 1",
        "DEBUG SLEEP abc",
        "DEBUG LOG hello",
        "DEBUG LEAK x",
        "DEBUG CHANGE-REPL-ID",
    ] {
        db.is(call, "+OK\r\n");
    }
    let switches = &db.dispatcher.server.debug;
    assert!(switches.cron_paused && switches.log_write_delay_us == 1000);
    assert_eq!(switches.payload_checksums, ferrodis::formats::rdb::ChecksumCheck::Skip);
    db.fails("DEBUG REPLYBUFFER PEAK-RESET-TIME x", "ERR value is not an integer or out of range");
    db.fails(
        "DEBUG QUICKLIST-PACKED-THRESHOLD 5gb",
        "ERR argument must be a memory value bigger than 1 and smaller than 4gb",
    );
    db.fails("DEBUG MALLCTL no.such", "ERR No such file or directory");
    db.is("DEBUG STRINGMATCH-LEN a* abc", ":1\r\n");
}

#[test]
fn role_is_that_of_a_primary() {
    Db::new().is("ROLE", "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n");
}
