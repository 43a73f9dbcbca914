//! The rows against what Redis 8 and Valkey know.

use super::super::Config;
use super::super::kind::{Kind, Origin};
use super::*;

/// What `CONFIG GET *` of Redis 8.0 answers after a start without a file, but for `dir`, `port`, `save` and
/// `syslog-ident`.
const REDIS_DEFAULTS: &str = include_str!("redis8_defaults.txt");

/// Further names: hidden ones and statements of Redis 8.0, and what only Valkey 9.1 has.
const OTHER_NAMES: &str = "dir port save syslog-ident include user rename-command loadmodule \
    aof-disable-auto-gc cluster-ping-interval rdb-key-save-delay key-load-delay loading-process-events-interval-bytes \
    use-exit-on-panic watchdog-period client-default-resp repl-rdb-channel lua-enable-deprecated-api req-res-logfile \
    active-defrag-cycle-us availability-zone cluster-announce-client-ipv4 cluster-announce-client-ipv6 \
    cluster-announce-client-port cluster-announce-client-tls-port cluster-blacklist-ttl cluster-config-save-behavior \
    cluster-databases cluster-manual-failover-timeout cluster-message-gossip-perc cluster-slot-migration-log-max-len \
    cluster-slot-stats-enabled commandlog-execution-slower-than commandlog-large-reply-max-len \
    commandlog-large-request-max-len commandlog-reply-larger-than commandlog-request-larger-than \
    commandlog-slow-execution-max-len debug-context dual-channel-replication-enabled enable-debug-assert \
    extended-redis-compatibility hash-seed import-mode io-threads-always-active log-format log-timestamp-format \
    lua-enable-insecure-api min-io-threads-avoid-copy-reply min-string-size-avoid-copy-reply \
    min-string-size-avoid-copy-reply-threaded mptcp prefetch-batch-max-size primaryauth primaryuser rdb-version-check \
    rdma-bind rdma-completion-vector rdma-port rdma-rx-size repl-mptcp slot-migration-max-failover-repl-bytes \
    tls-auth-clients-user tls-auto-reload-interval unixsocketgroup metrics-port metrics-bind";

#[test]
fn every_directive_of_redis_8_and_valkey_9_is_known() {
    let of_redis = REDIS_DEFAULTS.lines().filter_map(|line| Some(line.split_once('|')?.0));
    for name in of_redis.chain(OTHER_NAMES.split_whitespace()) {
        assert!(find(name.as_bytes()).is_some(), "'{name}' is not known");
    }
}

/// Defaults that say what is so here, not what is so there.
const OWN_DEFAULTS: [(&str, &str); 1] = [("sanitize-dump-payload", "yes")];

#[test]
fn defaults_are_those_of_redis_8() {
    let config = Config::default();
    for (name, value) in REDIS_DEFAULTS.lines().filter_map(|line| line.split_once('|')) {
        let row = find(name.as_bytes()).expect("known");
        let value = OWN_DEFAULTS.iter().find(|own| own.0 == name).map_or(value, |own| own.1);
        assert_eq!(String::from_utf8_lossy(&row.print(&config)), value, "default of '{name}'");
    }
    assert_eq!(config.port, 6379);
    assert_eq!(config.databases, 16);
}

#[test]
fn names_and_aliases_are_unique_and_in_lower_case() {
    let mut names: Vec<&str> = directives().flat_map(|row| [Some(row.name), row.alias]).flatten().collect();
    assert!(names.iter().all(|name| !name.contains(|letter: char| letter.is_ascii_uppercase() || letter == ' ')));
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(IGNORED.iter().all(|name| find(name.as_bytes()).is_none()));
}

#[test]
fn every_row_has_a_doc_that_ends_with_a_full_stop() {
    for row in directives() {
        assert!(row.doc.ends_with('.'), "doc of '{}'", row.name);
    }
}

#[test]
fn every_default_is_taken_by_its_own_row() {
    for row in directives().filter(|row| row.has_value()) {
        let mut config = Config::blank();
        row.set_text(&mut config, row.default.as_bytes()).unwrap_or_else(|reason| panic!("'{}': {reason}", row.name));
    }
}

#[test]
fn integers_fit_their_fields_at_both_ends_and_no_further() {
    for row in directives() {
        let Kind::Integer { field, min, max, clamp, .. } = row.kind else { continue };
        let mut config = Config::default();
        let (low, high) = clamp.unwrap_or((min, max));
        for (given, kept) in [(min, low), (max, high)] {
            // A plain integer is read as 64 bits with a sign, as in Redis.
            if i64::try_from(given).is_err() {
                continue;
            }
            let text = if row.name == "unixsocketperm" { format!("{given:o}") } else { given.to_string() };
            row.set(&mut config, &[text.as_bytes()], Origin::Live)
                .unwrap_or_else(|reason| panic!("'{}': {reason}", row.name));
            assert_eq!((field.get)(&config), kept, "'{}'", row.name);
        }
        for outside in [min - 1, max + 1] {
            let text = if row.name == "unixsocketperm" { format!("{outside:o}") } else { outside.to_string() };
            assert!(row.set(&mut config, &[text.as_bytes()], Origin::Live).is_err(), "'{}'", row.name);
        }
    }
}

#[test]
fn every_row_has_a_field_of_its_own() {
    let defaults = Config::default();
    for row in directives().filter(|row| row.has_value()) {
        let mut config = defaults.clone();
        let taken =
            another_value(row, &defaults).is_some_and(|value| row.set_text(&mut config, value.as_bytes()).is_ok());
        assert!(taken, "no other value for '{}'", row.name);
        for other in directives().filter(|other| other.has_value()) {
            let same = other.print(&config) == other.print(&defaults);
            assert_eq!(same, !std::ptr::eq(row, other), "'{}' and '{}'", row.name, other.name);
        }
    }
}

/// Some value that is not the default.
pub(crate) fn another_value(row: &Directive, defaults: &Config) -> Option<String> {
    let special = [
        ("bind", "10.0.0.1 -::1"),
        ("metrics-bind", "10.0.0.2"),
        ("dir", "/var/lib/some where"),
        ("save", "60 5 30 7"),
        ("client-output-buffer-limit", "normal 1 2 3 slave 268435456 67108864 60 pubsub 5 0 0"),
        ("oom-score-adj-values", "1 2 3"),
        ("notify-keyspace-events", "AKE"),
        ("latency-tracking-info-percentiles", "0.1 50"),
        ("replicaof", "10.0.0.1 6380"),
        ("shutdown-on-sigint", "nosave now"),
        ("shutdown-on-sigterm", "save force"),
        ("proc-title-template", "{title}"),
        ("server-cpulist", "0-2,4"),
        ("bio-cpulist", "1"),
        ("aof-rewrite-cpulist", "2"),
        ("bgsave-cpulist", "3"),
        ("cluster-announce-client-ipv4", "10.0.0.9"),
        ("cluster-announce-client-ipv6", "::1"),
    ];
    if let Some((_, value)) = special.iter().find(|(name, _)| *name == row.name) {
        return Some(value.to_string());
    }
    let default = String::from_utf8(row.print(defaults)).ok()?;
    let tries = match row.kind {
        Kind::Bool(_) => ["yes", "no"].map(str::to_string).to_vec(),
        Kind::Integer { field, .. } => {
            vec![((field.get)(defaults) + 1).to_string(), ((field.get)(defaults) - 1).to_string()]
        }
        Kind::Limit { .. } => vec!["50%".to_string()],
        Kind::Choice(field) => (field.words)(defaults).into_iter().map(str::to_string).collect(),
        _ => vec!["other".to_string()],
    };
    let differs = |value: &String| {
        let mut config = defaults.clone();
        row.set_text(&mut config, value.as_bytes()).is_ok() && row.print(&config) != default.as_bytes()
    };
    tries.into_iter().find(differs)
}
