//! INFO commandstats: calls and time by command.

use super::stats::{BOUNDS_NS, buckets};
use super::{Distribution, Kind, Sample, Statistic, Value};
use crate::server::Server;
use crate::server::observe::command_stats::CommandStat;

pub(super) const ROWS: &[Statistic] = &[
    Statistic::new("cmdstat_", |s| {
        Value::Lines(s.commands.used().map(|(name, stat)| (name.to_string(), stat.info_text())).collect())
    }),
    Statistic::unlisted(|s| samples(s, CommandStat::calls)).metric(
        "commands_total",
        Kind::Counter,
        "Calls run, by command.",
    ),
    Statistic::unlisted(|s| samples(s, CommandStat::failed_calls)).metric(
        "commands_failed_total",
        Kind::Counter,
        "Calls that ran and answered an error, by command.",
    ),
    Statistic::unlisted(|s| samples(s, CommandStat::rejected_calls)).metric(
        "commands_rejected_total",
        Kind::Counter,
        "Calls that were refused before they ran, by command.",
    ),
    Statistic::unlisted(durations).metric(
        "command_duration_seconds",
        Kind::Histogram,
        "How long calls took, by command.",
    ),
];

fn samples(server: &Server, count: fn(&CommandStat) -> u64) -> Value {
    let sample = |(name, stat): (&str, &CommandStat)| Sample {
        labels: vec![("command", name.to_string())],
        value: count(stat) as f64,
    };
    Value::Samples(server.commands.used().map(sample).collect())
}

fn durations(server: &Server) -> Value {
    let one = |(name, stat): (&str, &CommandStat)| {
        let counts = stat.calls_within(BOUNDS_NS)?;
        Some(Distribution {
            labels: vec![("command", name.to_string())],
            buckets: buckets(counts),
            count: stat.tracked_calls(),
            sum_seconds: stat.total_us() as f64 / 1e6,
        })
    };
    Value::Distributions(server.commands.used().filter_map(one).collect())
}
