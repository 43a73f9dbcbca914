//! INFO server.

use super::{Kind, Sample, Statistic, Value};
use crate::server::config::Supervised;
use crate::server::{REDIS_VERSION, Server};

pub(super) const ROWS: &[Statistic] = &[
    Statistic::new("redis_version", |_| Value::text(REDIS_VERSION)),
    Statistic::new("server_name", |_| Value::text("ferrodis")),
    Statistic::new("ferrodis_version", |_| Value::text(env!("CARGO_PKG_VERSION"))),
    Statistic::unlisted(build).metric(
        "build_info",
        Kind::Info,
        "Version of Ferrodis, and of the Redis whose behaviour it has.",
    ),
    Statistic::new("redis_git_sha1", |_| Value::text("00000000")),
    Statistic::zero("redis_git_dirty"),
    Statistic::new("redis_build_id", |_| Value::text("0000000000000000")),
    Statistic::new("redis_mode", |_| Value::text("standalone")),
    Statistic::new("availability_zone", |s| Value::text(&*s.config.availability_zone)),
    Statistic::new("os", |s| Value::text(&*s.resources.host.kernel)),
    Statistic::new("arch_bits", |_| Value::Count(u64::from(usize::BITS))),
    Statistic::new("monotonic_clock", |_| Value::text("POSIX clock_gettime")),
    Statistic::new("multiplexing_api", |_| Value::text(if cfg!(target_os = "linux") { "epoll" } else { "kqueue" })),
    Statistic::new("atomicvar_api", |_| Value::text("rust-core")),
    Statistic::new("gcc_version", |_| Value::text("0.0.0")),
    Statistic::new("rust_version", |_| Value::text(env!("CARGO_PKG_RUST_VERSION"))),
    Statistic::new("process_id", |s| Value::Count(u64::from(s.resources.host.process_id))),
    Statistic::new("process_supervised", |s| Value::text(supervisor(s))),
    Statistic::new("run_id", |s| Value::text(&*s.identity.run_id)),
    Statistic::new("tcp_port", |s| {
        let config = &s.config;
        Value::Count(u64::from(if config.port != 0 { config.port } else { config.tls_port }))
    }),
    Statistic::new("server_time_usec", |s| Value::Count(s.time.wall_us)),
    Statistic::new("uptime_in_seconds", |s| Value::Count(uptime_seconds(s)))
        .gauge("uptime_seconds", "Seconds since the server started."),
    Statistic::new("uptime_in_days", |s| Value::Count(uptime_seconds(s) / 86_400)),
    Statistic::new("hz", |s| Value::Count(u64::from(s.config.hz))),
    Statistic::new("configured_hz", |s| Value::Count(u64::from(s.config.hz))),
    Statistic::new("lru_clock", |s| Value::Count((s.time.wall_us / 1_000_000) & 0xff_ffff)),
    Statistic::new("executable", |s| Value::text(&*s.resources.host.executable)),
    Statistic::new("config_file", |s| {
        Value::Text(s.config_path.as_ref().map_or_else(String::new, |path| path.display().to_string()))
    }),
    Statistic::zero("io_threads_active"),
    Statistic::new("listener", listeners),
];

fn build(_: &Server) -> Value {
    let labels = vec![("version", env!("CARGO_PKG_VERSION").to_string()), ("redis_version", REDIS_VERSION.to_string())];
    Value::Samples(vec![Sample { labels, value: 1.0 }])
}

fn uptime_seconds(server: &Server) -> u64 {
    (server.time.monotonic_ms() - server.started.monotonic_ms()) / 1000
}

fn supervisor(server: &Server) -> &'static str {
    match server.config.supervised {
        Supervised::No => "no",
        Supervised::Upstart => "upstart",
        Supervised::Systemd => "systemd",
        Supervised::Auto => "unknown",
    }
}

/// One line for TCP with all its addresses, one for the Unix socket, one for TLS.
fn listeners(server: &Server) -> Value {
    let mut lines = Vec::new();
    let config = &server.config;
    let mut add = |line: String| lines.push((lines.len().to_string(), line));
    let binds: String = config.bind.iter().map(|address| format!(",bind={address}")).collect();
    if config.port != 0 {
        add(format!("name=tcp{binds},port={}", config.port));
    }
    if !config.unixsocket.is_empty() {
        add(format!("name=unix,bind={}", config.unixsocket));
    }
    if config.tls_port != 0 {
        add(format!("name=tls{binds},port={}", config.tls_port));
    }
    Value::Lines(lines)
}
