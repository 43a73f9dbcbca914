//! INFO replication: a primary without replicas.

use super::{Statistic, Value};

pub(super) const ROWS: &[Statistic] = &[
    Statistic::new("role", |_| Value::text("master")),
    Statistic::zero("connected_slaves").gauge("connected_replicas", "Replicas that are connected."),
    Statistic::new("master_failover_state", |_| Value::text("no-failover")),
    Statistic::new("master_replid", |s| Value::text(&*s.identity.replication_id)),
    Statistic::new("master_replid2", |_| Value::Text("0".repeat(40))),
    Statistic::zero("master_repl_offset"),
    Statistic::new("second_repl_offset", |_| Value::Int(-1)),
    Statistic::zero("repl_backlog_active"),
    Statistic::new("repl_backlog_size", |s| Value::Count(s.config.repl_backlog_size_bytes)),
    Statistic::zero("repl_backlog_first_byte_offset"),
    Statistic::zero("repl_backlog_histlen"),
];
