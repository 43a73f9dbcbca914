//! CONFIG SET: all or nothing, and what it answers.

use super::super::{AppendFsync, Limit, SaveRule};
use super::*;

fn get(config: &Config, name: &str) -> String {
    let found = config.get(&[name.as_bytes()]);
    found.into_iter().next().map_or("(none)".to_string(), |(_, value)| String::from_utf8(value).expect("text"))
}

fn set(config: &mut Config, pairs: &[(&str, &str)]) -> Result<Vec<&'static str>, String> {
    let pairs: Vec<(&[u8], &[u8])> = pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    let changed = config.set(&pairs, SetContext::default()).map_err(|error| error.to_string())?;
    Ok(changed.iter().map(|row| row.name).collect())
}

#[test]
fn values_are_printed_as_redis_prints_them() {
    let mut config = Config::default();
    for (name, printed) in [
        ("save", "3600 1 300 100 60 10000"),
        ("bind", "* -::*"),
        ("client-output-buffer-limit", "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"),
        ("auto-aof-rewrite-min-size", "67108864"),
        ("latency-tracking-info-percentiles", "50 99 99.9"),
        ("shutdown-on-sigterm", "default"),
        ("unixsocketperm", "0"),
        ("notify-keyspace-events", ""),
    ] {
        assert_eq!(get(&config, name), printed, "{name}");
    }
    for (name, given, printed) in [
        ("maxmemory", "1gb", "1073741824"),
        ("maxmemory", "50%", "50%"),
        ("maxmemory-clients", "5%", "5%"),
        ("notify-keyspace-events", "KEg$", "g$KE"),
        ("latency-tracking-info-percentiles", "0.1 99.9999999 50.0", "0.1 100 50"),
        ("shutdown-on-sigterm", "NOW nosave", "nosave now"),
        ("client-output-buffer-limit", "replica 1mb 0 5", "normal 0 0 0 slave 1048576 0 5 pubsub 33554432 8388608 60"),
        ("client-output-buffer-limit", "", "normal 0 0 0 slave 1048576 0 5 pubsub 33554432 8388608 60"),
        ("bind", "", ""),
        ("repl-backlog-size", "1", "16384"),
        ("save", "", ""),
        ("oom-score-adj", "relative", "yes"),
        ("hz", "100000", "500"),
        ("hz", "0", "1"),
        ("loglevel", "DEBUG", "debug"),
        ("log-format", "legacy", "text"),
        ("requirepass", "a b", "a b"),
    ] {
        set(&mut config, &[(name, given)]).unwrap_or_else(|error| panic!("{name} {given}: {error}"));
        assert_eq!(get(&config, name), printed, "{name} {given}");
    }
}

#[test]
fn errors_are_in_the_words_of_redis() {
    let mut config = Config::default();
    for (name, value, reason) in [
        ("databases", "3", "can't set immutable config"),
        ("dir", "/tmp", "can't set protected config"),
        ("appendonly", "maybe", "argument must be 'yes' or 'no'"),
        ("repl-backlog-size", "10x", "argument must be a memory value"),
        ("maxmemory-clients", "5x", "argument must be a memory or percent value"),
        ("maxmemory-clients", "200%", "percentage argument must be less or equal to 100"),
        ("port", "99999", "argument must be between 0 and 65535 inclusive"),
        ("port", "0x10", "argument couldn't be parsed into an integer"),
        ("timeout", "", "argument couldn't be parsed into an integer"),
        ("maxclients", "0", "argument must be between 1 and 4294967295 inclusive"),
        ("proto-max-bulk-len", "1", "argument must be between 1048576 and 9223372036854775807 inclusive"),
        ("save", "1", "Invalid save parameters"),
        ("save", "0 1", "Invalid save parameters"),
        ("loglevel", "foo", "argument(s) must be one of the following: debug, verbose, notice, warning, nothing"),
        ("client-output-buffer-limit", "foo", "Wrong number of arguments in buffer limit configuration."),
        ("client-output-buffer-limit", "master 1 1 1", "Invalid client class specified in buffer limit configuration."),
        (
            "client-output-buffer-limit",
            "normal 1 x 1",
            "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
        ),
        ("notify-keyspace-events", "Q", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."),
        ("shutdown-on-sigint", "save nosave", "shutdown options SAVE and NOSAVE can't be used simultaneously"),
        (
            "latency-tracking-info-percentiles",
            "101",
            "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]",
        ),
        ("latency-tracking-info-percentiles", "x", "Invalid latency-tracking-info-percentiles parameters"),
        ("oom-score-adj-values", "1", "wrong number of arguments"),
        ("oom-score-adj-values", "1 2 3000", "Invalid oom-score-adj-values, elements must be between -2000 and 2000."),
        ("cluster-announce-human-nodename", "a!b", "Announced human node name contained invalid character"),
        ("proc-title-template", "{foo}", "template format is invalid or contains unknown variables"),
        ("rdma-port", "1", "RDMA is not supported"),
    ] {
        let expected = format!("CONFIG SET failed (possibly related to argument '{name}') - {reason}");
        assert_eq!(set(&mut config, &[(name, value)]), Err(expected));
    }
    let unknown = "Unknown option or number of arguments for CONFIG SET - 'foo'";
    assert_eq!(set(&mut config, &[("port", "1"), ("foo", "1")]), Err(unknown.to_string()));
    let duplicate = "CONFIG SET failed (possibly related to argument 'pOrt') - duplicate parameter";
    assert_eq!(set(&mut config, &[("PORT", "1"), ("pOrt", "1")]), Err(duplicate.to_string()));
    for statement in ["include", "user", "rename-command"] {
        assert!(set(&mut config, &[(statement, "x")]).is_err());
    }
    assert_eq!(config, Config::default());
}

#[test]
fn several_values_are_set_together_or_not_at_all() {
    let mut config = Config::default();
    let all = [("maxmemory", "10000001"), ("repl-backlog-size", "10000002"), ("save", "3000 5"), ("hz", "10")];
    assert_eq!(set(&mut config, &all), Ok(vec!["maxmemory", "repl-backlog-size", "save"]));
    assert_eq!(config.save, [SaveRule { seconds: 3000, changes: 5 }]);
    let before = config.clone();
    assert!(set(&mut config, &[("maxmemory", "1"), ("appendfsync", "always"), ("port", "x")]).is_err());
    assert_eq!(config, before);
    assert_eq!(set(&mut config, &[("appendfsync", "always")]), Ok(vec!["appendfsync"]));
    assert_eq!(config.appendfsync, AppendFsync::Always);
}

#[test]
fn trying_values_leaves_the_present_ones() {
    let config = Config::default();
    let (new, changed) = config.with(&[(b"port", b"7000")], SetContext::default()).expect("valid");
    assert_eq!((config.port, new.port, changed.len()), (6379, 7000, 1));
}

#[test]
fn protected_and_loading_directives_ask_who_and_when() {
    let mut config = Config { enable_protected_configs: super::super::Permission::Local, ..Config::default() };
    let local = SetContext { client_is_local: true, loading: false };
    assert!(config.set(&[(b"dbfilename", b"x.rdb")], local).is_ok());
    assert!(config.set(&[(b"dbfilename", b"x.rdb")], SetContext::default()).is_err());
    let loading = SetContext { loading: true, ..local };
    assert_eq!(config.set(&[(b"dir", b"/tmp")], loading).err(), Some(SetError::Loading));
    assert!(config.set(&[(b"hz", b"20")], loading).is_ok());
}

#[test]
fn get_answers_each_name_once_and_hidden_ones_by_name_only() {
    let config = Config::default();
    let names = |patterns: &[&str]| -> Vec<String> {
        let patterns: Vec<&[u8]> = patterns.iter().map(|pattern| pattern.as_bytes()).collect();
        config.get(&patterns).into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(names(&["maxmemory", "MAXMEMORY-P*", "maxmemory*", "nothing"]).len(), 5);
    assert_eq!(names(&["*of"]), ["replicaof", "slaveof"]);
    assert_eq!(names(&["PORT", "port"]), ["PORT"]);
    assert!(!names(&["*"]).contains(&"key-load-delay".to_string()));
    assert_eq!(names(&["key-load-delay"]), ["key-load-delay"]);
    assert_eq!(names(&["include", "user"]), Vec::<String>::new());
}

/// Tools copy a server's configuration by writing back what they read (and so does the Tcl suite).
#[test]
fn every_printed_value_is_taken_again() {
    let mut config = Config { maxmemory: Limit::Percent(10), ..Config::default() };
    let before = config.clone();
    for (name, value) in config.get(&[b"*"]) {
        let row = find(name.as_bytes()).expect("known");
        let context = SetContext { client_is_local: true, loading: false };
        if row.when == When::Live && !row.protected {
            config.set(&[(name.as_bytes(), &value)], context).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
    assert_eq!(config, before);
}

#[test]
fn a_reload_applies_what_is_live_and_names_the_rest() {
    let config = Config::default();
    let mut new = Config { port: 7000, databases: 32, ..Config::default() };
    new.save.clear();
    new.requirepass = super::super::Secret::new(b"hunter2");
    let (merged, changes) = config.reload(&new);
    assert_eq!((merged.port, merged.databases, merged.save.len()), (7000, 16, 0));
    assert_eq!(merged.requirepass.expose(), b"hunter2");
    let told: Vec<(&str, &str, &str)> =
        changes.iter().map(|change| (change.directive.name, change.old.as_str(), change.new.as_str())).collect();
    assert_eq!(
        told,
        [
            ("port", "6379", "7000"),
            ("databases", "16", "32"),
            ("save", "3600 1 300 100 60 10000", ""),
            ("requirepass", "", "(hidden)"),
        ]
    );
}
