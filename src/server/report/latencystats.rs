//! INFO latencystats: percentiles by command, of those that `latency-tracking-info-percentiles` names.

use super::{Statistic, Value};
use crate::server::Server;

pub(super) const ROWS: &[Statistic] = &[Statistic::new("latency_percentiles_usec_", percentiles)];

fn percentiles(server: &Server) -> Value {
    let wanted = &server.config.latency_tracking_info_percentiles;
    let line = |(name, stat): (&str, &crate::server::observe::command_stats::CommandStat)| {
        Some((name.to_string(), stat.percentiles_text(wanted)?))
    };
    Value::Lines(server.commands.used().filter_map(line).collect())
}
