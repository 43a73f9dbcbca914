//! INFO errorstats: errors by their first word.

use super::{Kind, Sample, Statistic, Value};
use crate::server::Server;

pub(super) const ROWS: &[Statistic] = &[
    Statistic::new("errorstat_", |s| {
        Value::Lines(s.errors.iter().map(|(word, count)| (word, format!("count={count}"))).collect())
    }),
    Statistic::unlisted(errors).metric("errors_total", Kind::Counter, "Errors answered, by their first word."),
];

fn errors(server: &Server) -> Value {
    let sample = |(word, count)| Sample { labels: vec![("error", word)], value: count as f64 };
    Value::Samples(server.errors.iter().map(sample).collect())
}
