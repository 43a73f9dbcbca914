//! INFO stats.

use super::{Distribution, Kind, Sample, Statistic, Value};
use crate::server::Server;
use crate::server::observe::turn::Phase;
use crate::server::pubsub::Space;

pub(super) const ROWS: &[Statistic] = &[
    Statistic::new("total_connections_received", |s| Value::Count(s.counters.connections))
        .counter("connections_total", "Connections accepted."),
    Statistic::new("total_commands_processed", |s| Value::Count(s.counters.calls))
        .counter("calls_total", "Calls run, of all commands."),
    Statistic::new("instantaneous_ops_per_sec", |s| Value::Count(s.rates.commands_per_second())),
    Statistic::new("total_net_input_bytes", |s| Value::Count(s.counters.bytes_in))
        .counter("net_input_bytes_total", "Bytes read from clients."),
    Statistic::new("total_net_output_bytes", |s| Value::Count(s.counters.bytes_out))
        .counter("net_output_bytes_total", "Bytes written to clients."),
    Statistic::zero("total_net_repl_input_bytes"),
    Statistic::zero("total_net_repl_output_bytes"),
    Statistic::new("instantaneous_input_kbps", |s| Value::Fixed(s.rates.input_kbps(), 2)),
    Statistic::new("instantaneous_output_kbps", |s| Value::Fixed(s.rates.output_kbps(), 2)),
    Statistic::new("instantaneous_input_repl_kbps", |s| Value::Fixed(s.rates.replication_input_kbps(), 2)),
    Statistic::new("instantaneous_output_repl_kbps", |s| Value::Fixed(s.rates.replication_output_kbps(), 2)),
    Statistic::new("rejected_connections", |s| Value::Count(s.counters.rejected_connections))
        .counter("rejected_connections_total", "Connections refused for `maxclients` or the limit of open files."),
    Statistic::zero("sync_full"),
    Statistic::zero("sync_partial_ok"),
    Statistic::zero("sync_partial_err"),
    Statistic::new("expired_subkeys", |s| Value::Count(s.keyspace.counts().expired_fields))
        .counter("expired_fields_total", "Fields of hashes that left at their deadline."),
    Statistic::new("expired_keys", |s| Value::Count(s.keyspace.counts().expired))
        .counter("expired_keys_total", "Keys that left at their deadline."),
    Statistic::new("expired_stale_perc", |_| Value::Fixed(0.0, 2)),
    Statistic::new("expired_time_cap_reached_count", |s| Value::Count(s.counters.expiry_slices_cut)),
    Statistic::new("expire_cycle_cpu_milliseconds", |s| Value::Count(s.event_loop.expiry_ns() / 1_000_000)),
    Statistic::new("expiry_lag_p50_ms", |s| Value::MicrosAsMillis(s.expiry_lag.percentile_us(50.0))),
    Statistic::new("expiry_lag_p99_ms", |s| Value::MicrosAsMillis(s.expiry_lag.percentile_us(99.0))),
    Statistic::new("expiry_lag_p999_ms", |s| Value::MicrosAsMillis(s.expiry_lag.percentile_us(99.9))),
    Statistic::new("expiry_lag_max_ms", |s| Value::MicrosAsMillis(s.expiry_lag.max_us())),
    Statistic::unlisted(expiry_lag).metric(
        "expiry_lag_seconds",
        Kind::Histogram,
        "How late keys left after their deadline.",
    ),
    Statistic::new("evicted_keys", |s| Value::Count(s.keyspace.counts().evicted))
        .counter("evicted_keys_total", "Keys removed because memory was short."),
    Statistic::new("evicted_clients", |s| Value::Count(s.counters.evicted_clients))
        .counter("evicted_clients_total", "Clients closed for `maxmemory-clients`."),
    Statistic::zero("evicted_scripts"),
    Statistic::zero("total_eviction_exceeded_time"),
    Statistic::zero("current_eviction_exceeded_time"),
    Statistic::new("keyspace_hits", |s| Value::Count(s.keyspace.counts().hits))
        .counter("keyspace_hits_total", "Reads that found their key."),
    Statistic::new("keyspace_misses", |s| Value::Count(s.keyspace.counts().misses))
        .counter("keyspace_misses_total", "Reads that did not find their key."),
    Statistic::new("pubsub_channels", |s| Value::Count(s.clients.pubsub.names(Space::Channels) as u64)),
    Statistic::new("pubsub_patterns", |s| Value::Count(s.clients.pubsub.names(Space::Patterns) as u64)),
    Statistic::new("pubsubshard_channels", |s| Value::Count(s.clients.pubsub.names(Space::Shards) as u64)),
    Statistic::zero("latest_fork_usec"),
    Statistic::zero("total_forks"),
    Statistic::zero("migrate_cached_sockets"),
    Statistic::zero("slave_expires_tracked_keys"),
    Statistic::zero("active_defrag_hits"),
    Statistic::zero("active_defrag_misses"),
    Statistic::zero("active_defrag_key_hits"),
    Statistic::zero("active_defrag_key_misses"),
    Statistic::zero("total_active_defrag_time"),
    Statistic::zero("current_active_defrag_time"),
    Statistic::new("tracking_total_keys", |s| {
        Value::Count(s.clients.trackers.keys().map_or(0, |keys| keys.len() as u64))
    })
    .gauge("tracked_keys", "Keys that clients have read and are told of."),
    Statistic::new("tracking_total_items", |s| {
        Value::Count(s.clients.trackers.keys().map_or(0, |keys| keys.items() as u64))
    }),
    Statistic::new("tracking_total_prefixes", |s| Value::Count(s.clients.trackers.prefixes() as u64)),
    Statistic::zero("unexpected_error_replies"),
    Statistic::new("total_error_replies", |s| Value::Count(s.errors.total())),
    Statistic::zero("dump_payload_sanitizations"),
    Statistic::new("total_reads_processed", |s| Value::Count(s.counters.reads))
        .counter("reads_total", "Reads from clients' sockets."),
    Statistic::new("total_writes_processed", |s| Value::Count(s.counters.writes))
        .counter("writes_total", "Writes to clients' sockets."),
    Statistic::zero("io_threaded_reads_processed"),
    Statistic::zero("io_threaded_writes_processed"),
    Statistic::new("client_query_buffer_limit_disconnections", |s| Value::Count(s.counters.query_limit_disconnections))
        .counter("query_limit_disconnections_total", "Clients closed for the size of their input."),
    Statistic::new("client_output_buffer_limit_disconnections", |s| {
        Value::Count(s.counters.output_limit_disconnections)
    })
    .counter("output_limit_disconnections_total", "Clients closed because they did not read their replies."),
    Statistic::zero("reply_buffer_shrinks"),
    Statistic::zero("reply_buffer_expands"),
    Statistic::new("eventloop_cycles", |s| Value::Count(s.event_loop.turns().count))
        .counter("loop_turns_total", "Turns of the event loop."),
    Statistic::new("eventloop_duration_sum", |s| Value::Micros(s.event_loop.turns().sum_us))
        .counter("loop_busy_seconds_total", "Time that the event loop spent in its turns."),
    Statistic::new("eventloop_duration_cmd_sum", |s| Value::Micros(s.event_loop.commands().sum_us))
        .counter("loop_command_seconds_total", "Time that the event loop spent in calls."),
    Statistic::new("loop_longest_turn_us", |s| Value::Micros(s.event_loop.turns().max_us))
        .gauge("loop_longest_turn_seconds", "The longest turn of the event loop since the start or CONFIG RESETSTAT."),
    Statistic::new("loop_longest_turn_phases_us", |s| Value::text(s.event_loop.longest().laps.text())),
    Statistic::new("loop_longest_run_us", |s| Value::Micros(s.event_loop.longest_run().ns / 1000)).gauge(
        "loop_longest_run_seconds",
        "The longest that a turn of the event loop ran on its CPU: without what others took of it.",
    ),
    Statistic::new("loop_longest_run_phases_us", |s| Value::text(s.event_loop.longest_run().laps.text())),
    Statistic::new("loop_longest_phases_us", |s| Value::text(s.event_loop.longest_phases().text())),
    Statistic::unlisted(longest_phases)
        .gauge("loop_longest_phase_seconds", "The longest that each kind of work took of a turn of the event loop."),
    Statistic::new("instantaneous_eventloop_cycles_per_sec", |s| Value::Count(s.rates.turns_per_second())),
    Statistic::new("instantaneous_eventloop_duration_usec", |s| Value::Count(s.rates.turn_us())),
    Statistic::new("acl_access_denied_auth", |s| Value::Count(s.counters.failed_authentications))
        .counter("failed_authentications_total", "Calls of AUTH and HELLO with a wrong name or password."),
    Statistic::new("acl_access_denied_cmd", |s| Value::Count(s.counters.denied_commands))
        .counter("denied_commands_total", "Calls that their user may not make."),
    Statistic::new("acl_access_denied_key", |s| Value::Count(s.counters.denied_keys))
        .counter("denied_keys_total", "Calls with a key that their user may not use."),
    Statistic::new("acl_access_denied_channel", |s| Value::Count(s.counters.denied_channels))
        .counter("denied_channels_total", "Calls with a channel that their user may not use."),
    Statistic::new("acl_access_denied_db", |s| Value::Count(s.counters.denied_databases))
        .counter("denied_databases_total", "Calls in a database that their user may not use."),
    Statistic::new("acl_access_denied_tls_cert", |s| Value::Count(s.counters.unknown_certificates))
        .counter("unknown_certificates_total", "Clients whose certificate names no user who is on."),
];

/// Upper bounds of the histograms' buckets, in nanoseconds: 1, 2, 5 to the power of ten, 1 µs to 10 s.
pub(super) const BOUNDS_NS: &[u64] = &[
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    20_000_000,
    50_000_000,
    100_000_000,
    200_000_000,
    500_000_000,
    1_000_000_000,
    2_000_000_000,
    5_000_000_000,
    10_000_000_000,
];

/// Counts up to each of `BOUNDS_NS`, labelled with the bounds in seconds.
pub(super) fn buckets(counts: Vec<u64>) -> Vec<(f64, u64)> {
    BOUNDS_NS.iter().zip(counts).map(|(&bound, count)| (bound as f64 / 1e9, count)).collect()
}

fn longest_phases(server: &Server) -> Value {
    let sample = |phase: Phase| Sample {
        labels: vec![("phase", phase.name().to_string())],
        value: server.event_loop.longest_phases().of(phase) as f64 / 1e9,
    };
    Value::Samples(Phase::ALL.into_iter().map(sample).collect())
}

fn expiry_lag(server: &Server) -> Value {
    let bounds_us: Vec<u64> = BOUNDS_NS.iter().map(|bound| bound / 1000).collect();
    Value::Distributions(vec![Distribution {
        labels: Vec::new(),
        buckets: buckets(server.expiry_lag.keys_within(&bounds_us)),
        count: server.expiry_lag.keys(),
        sum_seconds: server.expiry_lag.total_us() as f64 / 1e6,
    }])
}
