//! INFO persistence.

use super::{Statistic, Value};
use crate::server::Server;

pub(super) const ROWS: &[Statistic] = &[
    Statistic::new("loading", |s| Value::Flag(is_loading(s))).gauge("loading", "Whether the data set is being loaded."),
    Statistic::zero("async_loading"),
    Statistic::zero("current_cow_peak"),
    Statistic::zero("current_cow_size"),
    Statistic::zero("current_cow_size_age"),
    Statistic::new("current_fork_perc", |s| Value::Fixed(walked_percent(s), 2)),
    Statistic::new("current_save_keys_processed", |s| Value::Count(s.persistence.walk_keys_done)),
    Statistic::new("current_save_keys_total", |s| Value::Count(s.persistence.walk_keys_total)),
    Statistic::new("rdb_changes_since_last_save", |s| Value::Count(s.dirty))
        .gauge("rdb_changes_since_last_save", "Changes that no snapshot has yet."),
    Statistic::new("rdb_bgsave_in_progress", |s| Value::Flag(s.persistence.snapshots.started_ms.is_some()))
        .gauge("rdb_bgsave_in_progress", "Whether a snapshot is being written."),
    Statistic::new("rdb_last_save_time", |s| Value::Count(s.persistence.snapshots.last_save_seconds))
        .gauge("rdb_last_save_timestamp_seconds", "When the last snapshot was done, in seconds since 1970."),
    Statistic::new("rdb_last_bgsave_status", |s| Value::Ok(s.persistence.snapshots.last_ok))
        .gauge("rdb_last_bgsave_ok", "Whether the last snapshot went well."),
    Statistic::new("rdb_last_bgsave_time_sec", |s| or_minus_one(s.persistence.snapshots.last_seconds)),
    Statistic::new("rdb_current_bgsave_time_sec", |s| {
        or_minus_one(seconds_since(s, s.persistence.snapshots.started_ms))
    }),
    Statistic::new("rdb_saves", |s| Value::Count(s.persistence.snapshots.done))
        .counter("rdb_saves_total", "Snapshots that went well."),
    Statistic::zero("rdb_last_cow_size"),
    Statistic::new("rdb_last_load_keys_expired", |s| Value::Count(s.persistence.loading.expired_keys)),
    Statistic::new("rdb_last_load_keys_loaded", |s| Value::Count(s.persistence.loading.loaded_keys)),
    Statistic::new("aof_enabled", |s| Value::Flag(s.persistence.log.enabled))
        .gauge("aof_enabled", "Whether calls are logged."),
    Statistic::new("aof_rewrite_in_progress", |s| Value::Flag(s.persistence.log.rewrite_started_ms.is_some()))
        .gauge("aof_rewrite_in_progress", "Whether the log is being rewritten."),
    Statistic::new("aof_rewrite_scheduled", |s| Value::Flag(s.persistence.log.rewrite_scheduled)),
    Statistic::new("aof_last_rewrite_time_sec", |s| or_minus_one(s.persistence.log.last_rewrite_seconds)),
    Statistic::new("aof_current_rewrite_time_sec", |s| {
        or_minus_one(seconds_since(s, s.persistence.log.rewrite_started_ms))
    }),
    Statistic::new("aof_last_bgrewrite_status", |s| Value::Ok(s.persistence.log.last_rewrite_ok))
        .gauge("aof_last_bgrewrite_ok", "Whether the last rewrite of the log went well."),
    Statistic::new("aof_rewrites", |s| Value::Count(s.persistence.log.rewrites))
        .counter("aof_rewrites_total", "Rewrites of the log that went well."),
    Statistic::new("aof_rewrites_consecutive_failures", |s| Value::Count(s.persistence.log.rewrite_failures_in_a_row)),
    Statistic::new("aof_last_write_status", |s| Value::Ok(s.persistence.log.last_write_ok))
        .gauge("aof_last_write_ok", "Whether the log can be written and synced; writes are refused while it cannot."),
    Statistic::zero("aof_last_cow_size"),
    Statistic::zero("module_fork_in_progress"),
    Statistic::zero("module_fork_last_cow_size"),
    Statistic::new("aof_current_size", |s| Value::Count(s.persistence.log.current_bytes))
        .gauge("aof_current_size_bytes", "Bytes of the log: its base and increments.")
        .when(is_logged),
    Statistic::new("aof_base_size", |s| Value::Count(s.persistence.log.base_bytes))
        .gauge("aof_base_size_bytes", "Bytes of the log after its last rewrite.")
        .when(is_logged),
    Statistic::zero("aof_pending_rewrite").when(is_logged),
    Statistic::new("aof_buffer_length", |s| Value::Count(s.persistence.log.buffer_bytes)).when(is_logged),
    Statistic::new("aof_pending_bytes", |s| Value::Count(s.persistence.log.pending_bytes()))
        .gauge("aof_pending_bytes", "Bytes of the log that wait for the disk.")
        .when(is_logged),
    Statistic::new("aof_pending_bio_fsync", |s| {
        Value::Flag(s.persistence.log.durable_offset < s.persistence.log.written_offset)
    })
    .when(is_logged),
    Statistic::new("aof_delayed_fsync", |s| Value::Count(s.persistence.log.delayed_syncs))
        .counter("aof_delayed_syncs_total", "Syncs of the log that took so long that writes had to wait.")
        .when(is_logged),
    Statistic::new("aof_logged_offset", |s| Value::Count(s.persistence.log.logged_offset))
        .counter("aof_logged_bytes_total", "Bytes logged.")
        .when(is_logged),
    Statistic::new("aof_written_offset", |s| Value::Count(s.persistence.log.written_offset)).when(is_logged),
    Statistic::new("aof_durable_offset", |s| Value::Count(s.persistence.log.durable_offset)).when(is_logged),
    Statistic::new("loading_start_time", |s| Value::Count(s.persistence.loading.started_seconds.unwrap_or(0)))
        .when(is_loading),
    Statistic::new("loading_total_bytes", |s| Value::Count(s.persistence.loading.total_bytes)).when(is_loading),
    Statistic::new("loading_rdb_used_mem", |s| Value::Count(s.resources.used_bytes)).when(is_loading),
    Statistic::new("loading_loaded_bytes", |s| Value::Count(s.persistence.loading.loaded_bytes)).when(is_loading),
    Statistic::new("loading_loaded_perc", |s| Value::Fixed(loaded_percent(s), 2)).when(is_loading),
    Statistic::new("loading_eta_seconds", eta_seconds).when(is_loading),
];

fn is_loading(server: &Server) -> bool {
    server.persistence.loading.started_seconds.is_some()
}

fn is_logged(server: &Server) -> bool {
    server.persistence.log.enabled
}

fn or_minus_one(seconds: Option<u64>) -> Value {
    Value::Int(seconds.map_or(-1, |seconds| seconds as i64))
}

fn seconds_since(server: &Server, started_ms: Option<u64>) -> Option<u64> {
    Some(server.time.monotonic_ms().saturating_sub(started_ms?) / 1000)
}

fn walked_percent(server: &Server) -> f64 {
    let state = &server.persistence;
    crate::server::resources::ratio(state.walk_keys_done, state.walk_keys_total).min(1.0) * 100.0
}

fn loaded_percent(server: &Server) -> f64 {
    let loading = &server.persistence.loading;
    crate::server::resources::ratio(loading.loaded_bytes, loading.total_bytes) * 100.0
}

/// How long it will take if it goes on as until now; 1 while nothing can be said.
fn eta_seconds(server: &Server) -> Value {
    let loading = &server.persistence.loading;
    let elapsed = (server.time.wall_us / 1_000_000).saturating_sub(loading.started_seconds.unwrap_or(0));
    if elapsed == 0 || loading.loaded_bytes == 0 {
        return Value::Count(1);
    }
    let rest = loading.total_bytes.saturating_sub(loading.loaded_bytes);
    Value::Count((u128::from(elapsed) * u128::from(rest) / u128::from(loading.loaded_bytes)) as u64)
}
