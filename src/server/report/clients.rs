//! INFO clients.

use super::{Statistic, Value};

pub(super) const ROWS: &[Statistic] = &[
    Statistic::new("connected_clients", |s| Value::Count(s.clients.len() as u64))
        .gauge("connected_clients", "Clients that are connected."),
    Statistic::zero("cluster_connections"),
    Statistic::new("maxclients", |s| Value::Count(u64::from(s.config.maxclients)))
        .gauge("max_clients", "The most clients that may be connected at once."),
    Statistic::new("client_recent_max_input_buffer", |s| {
        Value::Count(s.clients.iter().map(|(_, client)| client.input_capacity).max().unwrap_or(0) as u64)
    }),
    Statistic::new("client_recent_max_output_buffer", |s| {
        Value::Count(s.clients.iter().map(|(_, client)| client.output.capacity()).max().unwrap_or(0) as u64)
    }),
    Statistic::zero("blocked_clients").gauge("blocked_clients", "Clients that wait in a blocking call."),
    Statistic::zero("tracking_clients"),
    Statistic::zero("pubsub_clients"),
    Statistic::zero("watching_clients"),
    Statistic::zero("clients_in_timeout_table"),
    Statistic::zero("total_watched_keys"),
    Statistic::zero("total_blocking_keys"),
    Statistic::zero("total_blocking_keys_on_nokey"),
];
