//! The text of `/metrics`: OpenMetrics 1.0, every statistic that has a metric.

use super::{Distribution, Kind, Metric, Sample, Value, rows};
use crate::server::Server;
use std::fmt::Write;

/// What the text says it is.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const PREFIX: &str = "ferrodis_";

/// All metrics. The server's resources should have been read just before.
pub fn metrics(server: &Server) -> String {
    let mut text = String::with_capacity(16384);
    for row in rows() {
        if let Some(metric) = &row.metric {
            head(&mut text, metric);
            match (row.value)(server) {
                Value::Samples(samples) => samples.iter().for_each(|s| sample(&mut text, metric.name, s)),
                Value::Distributions(all) => all.iter().for_each(|one| distribution(&mut text, metric.name, one)),
                value => {
                    let value = value.number().unwrap_or(0.0);
                    sample(&mut text, metric.name, &Sample { labels: Vec::new(), value });
                }
            }
        }
    }
    text.push_str("# EOF\n");
    text
}

fn head(text: &mut String, metric: &Metric) {
    let kind = match metric.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Info => "info",
        Kind::Histogram => "histogram",
    };
    let family = metric.family();
    let _ = writeln!(text, "# TYPE {PREFIX}{family} {kind}");
    if let Some(unit) = metric.unit() {
        let _ = writeln!(text, "# UNIT {PREFIX}{family} {unit}");
    }
    let _ = writeln!(text, "# HELP {PREFIX}{family} {}", escaped(metric.help));
}

fn sample(text: &mut String, name: &str, sample: &Sample) {
    line(text, name, &sample.labels, &sample.value.to_string());
}

fn distribution(text: &mut String, name: &str, one: &Distribution) {
    let bounds = one.buckets.iter().map(|&(bound, count)| (bound.to_string(), count));
    for (bound, count) in bounds.chain([("+Inf".to_string(), one.count)]) {
        let mut labels = one.labels.clone();
        labels.push(("le", bound));
        line(text, &format!("{name}_bucket"), &labels, &count.to_string());
    }
    line(text, &format!("{name}_sum"), &one.labels, &one.sum_seconds.to_string());
    line(text, &format!("{name}_count"), &one.labels, &one.count.to_string());
}

fn line(text: &mut String, name: &str, labels: &[(&'static str, String)], value: &str) {
    let _ = write!(text, "{PREFIX}{name}");
    if !labels.is_empty() {
        let pairs: Vec<String> = labels.iter().map(|(label, is)| format!("{label}=\"{}\"", escaped(is))).collect();
        let _ = write!(text, "{{{}}}", pairs.join(","));
    }
    let _ = writeln!(text, " {value}");
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
