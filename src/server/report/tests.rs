//! INFO and `/metrics`, byte for byte where tools read them.

use super::*;
use crate::base::clock::ManualClock;
use crate::server::config::Config;
use std::collections::BTreeSet;
use std::sync::Arc;

fn server() -> Server {
    let mut server = Server::new(Config::default(), Arc::new(ManualClock::at(1_700_000_000_000)), [7; 16], 2);
    server.commands.set_names(vec!["get", "config|get"]);
    server.commands.record_batch(0, 3, 6_000);
    server.expiry_lag.record(1_500, 2);
    server.errors.record(b"ERR");
    server
}

fn names(words: &str) -> Selection {
    Selection::of(words.split_whitespace().map(str::as_bytes))
}

fn titles(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("# ")).collect()
}

#[test]
fn sections_are_chosen_as_by_redis() {
    let server = server();
    let default = info(&server, &names(""));
    assert_eq!(
        titles(&default),
        [
            "Server",
            "Clients",
            "Memory",
            "Persistence",
            "Threads",
            "Stats",
            "Replication",
            "CPU",
            "Modules",
            "Errorstats",
            "Cluster",
            "Keyspace",
            "Keysizes"
        ]
    );
    assert_eq!(titles(&info(&server, &names("all"))), titles(&info(&server, &names("EVERYTHING"))));
    assert!(titles(&info(&server, &names("all"))).contains(&"Commandstats"));
    assert_eq!(titles(&info(&server, &names("keyspace CPU cpu sentinel"))), ["CPU", "Keyspace"]);
    assert_eq!(info(&server, &names("nosuch")), "");
    assert!(info(&server, &names("cpu")).starts_with("# CPU\r\nused_cpu_sys:0.000000\r\n"));
    assert!(default.contains("\r\n\r\n# Clients\r\nconnected_clients:0\r\n"));
}

#[test]
fn lines_of_commands_errors_and_percentiles() {
    let text = info(&server(), &names("commandstats errorstats latencystats"));
    assert!(
        text.contains("cmdstat_get:calls=3,usec=6,usec_per_call=2.00,rejected_calls=0,failed_calls=0\r\n"),
        "{text}"
    );
    assert!(text.contains("errorstat_ERR:count=1\r\n"), "{text}");
    assert!(text.contains("latency_percentiles_usec_get:p50=2."), "{text}");
    assert!(!text.contains("config|get"), "{text}");
}

#[test]
fn fields_of_a_state_are_shown_only_in_it() {
    let mut server = server();
    assert!(!info(&server, &names("persistence")).contains("aof_current_size"));
    server.persistence.log.enabled = true;
    server.persistence.loading.started_seconds = Some(1_699_999_990);
    (server.persistence.loading.total_bytes, server.persistence.loading.loaded_bytes) = (100, 25);
    let text = info(&server, &names("persistence"));
    for line in ["aof_current_size:0", "loading:1", "loading_loaded_perc:25.00", "loading_eta_seconds:30"] {
        assert!(text.contains(&format!("\r\n{line}\r\n")), "{line} in {text}");
    }
}

#[test]
fn names_are_unique_and_metrics_end_in_their_unit_and_kind() {
    for section in SECTIONS {
        let mut seen = BTreeSet::new();
        for row in section.rows.iter().filter(|row| !row.name.is_empty()) {
            assert!(seen.insert(row.name), "{} is there twice", row.name);
        }
    }
    let mut seen = BTreeSet::new();
    for metric in rows().filter_map(|row| row.metric) {
        assert!(seen.insert(metric.family()), "{} is there twice", metric.name);
        assert_eq!(metric.name.ends_with("_total"), metric.kind == Kind::Counter, "{}", metric.name);
        assert_eq!(metric.name.ends_with("_info"), metric.kind == Kind::Info, "{}", metric.name);
        assert!(metric.help.ends_with('.'), "{}", metric.name);
    }
}

#[test]
fn the_text_of_metrics_is_openmetrics() {
    let text = metrics(&server());
    assert!(text.ends_with("# EOF\n"));
    for line in [
        "# TYPE ferrodis_commands counter",
        "ferrodis_commands_total{command=\"get\"} 3",
        "# TYPE ferrodis_maxmemory_policy info",
        "ferrodis_maxmemory_policy_info{policy=\"noeviction\"} 1",
        "# UNIT ferrodis_expiry_lag_seconds seconds",
        "ferrodis_expiry_lag_seconds_bucket{le=\"0.001\"} 0",
        "ferrodis_expiry_lag_seconds_bucket{le=\"0.002\"} 2",
        "ferrodis_expiry_lag_seconds_bucket{le=\"+Inf\"} 2",
        "ferrodis_expiry_lag_seconds_sum 0.003",
        "ferrodis_errors_total{error=\"ERR\"} 1",
        "ferrodis_loading 0",
    ] {
        assert!(text.lines().any(|other| other == line), "{line} in {text}");
    }
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (_, value) = line.rsplit_once(' ').expect("a name and a number");
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
}

/// Whoever deploys the alerts and the dashboard of `docs/deploy` shall find every metric that they ask for.
#[test]
fn metrics_named_by_alerts_and_dashboard_exist() {
    let mut server = server();
    let expiry = crate::keyspace::database::Expiry::Clear;
    server.keyspace.db(0).set(b"k", crate::values::string::NewText::Int(1), expiry).unwrap();
    let text = metrics(&server);
    let exists = |name: &str| {
        text.lines().any(|line| line.starts_with(&format!("{name} ")) || line.starts_with(&format!("{name}{{")))
    };
    let mut named = BTreeSet::new();
    for file in [include_str!("../../../docs/deploy/alerts.yml"), include_str!("../../../docs/deploy/grafana.json")] {
        for line in file.lines().filter(|line| line.contains("ferrodis_") && !line.contains("uid")) {
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            named.extend(line.split(|c| !is_name(c)).filter(|word| word.starts_with("ferrodis_")));
        }
    }
    assert!(named.len() > 25, "{named:?}");
    for name in named {
        assert!(exists(name), "{name} is named in docs/deploy but is no metric");
    }
}
