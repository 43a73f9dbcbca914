//! INFO clients.

use super::{Statistic, Value};
use crate::server::pause::Paused;

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
    Statistic::new("blocked_clients", |s| {
        Value::Count(s.clients.iter().filter(|(_, client)| client.wait.is_some() || client.is_parked).count() as u64)
    })
    .gauge("blocked_clients", "Clients that wait: in a blocking call, for the end of a pause, for the log."),
    Statistic::new("tracking_clients", |s| Value::Count(s.clients.trackers.clients() as u64))
        .gauge("tracking_clients", "Clients that are told of changes to what they have read."),
    Statistic::new("pubsub_clients", |s| Value::Count(s.clients.pubsub.clients() as u64)),
    Statistic::new("watching_clients", |s| {
        Value::Count(s.clients.iter().filter(|(_, client)| !client.watched.keys.is_empty()).count() as u64)
    }),
    Statistic::new("clients_in_timeout_table", |s| Value::Count(s.clients.waiters.timed() as u64)),
    Statistic::new("total_watched_keys", |s| Value::Count(s.clients.watchers.keys() as u64)),
    Statistic::new("total_blocking_keys", |s| Value::Count(s.clients.waiters.keys() as u64)),
    Statistic::new("total_blocking_keys_on_nokey", |s| Value::Count(s.clients.keys_whose_loss_wakes() as u64)),
    // As Valkey has it.
    Statistic::new("paused_reason", |s| Value::text(if s.is_paused() { "client_pause" } else { "none" })),
    Statistic::new("paused_actions", |s| {
        Value::text(match s.paused() {
            Some(Paused::All) => "all",
            Some(Paused::Writes) => "write",
            None => "none",
        })
    }),
    Statistic::new("paused_timeout_milliseconds", |s| {
        Value::Count(if s.is_paused() { s.pause_until_ms.saturating_sub(s.time.monotonic_ms()) } else { 0 })
    }),
];
