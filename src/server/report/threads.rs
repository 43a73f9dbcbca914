//! INFO threads: the one that serves clients.

use super::{Statistic, Value};

pub(super) const ROWS: &[Statistic] = &[Statistic::new("io_thread_0", |s| {
    Value::Text(format!("clients={},reads={},writes={}", s.clients.len(), s.counters.reads, s.counters.writes))
})];
