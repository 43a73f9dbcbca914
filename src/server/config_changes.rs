//! Putting a configuration in force: what concerns the server's own parts, and the file that CONFIG REWRITE writes.

use super::config::{Config, Directive, Extent, HashTtlFormat, SetContext, SetError};
use super::observe::command_log::CallBytes;
use super::surroundings::Refusal;
use super::{Counters, Server, gates, memory};
use crate::values::{Encodings, FieldDeadlines};
use std::{fmt, io};

/// Below this many microseconds even calls that are O(1) may be slow: each is then timed on its own.
const TIMED_BELOW_US: i64 = 1000;

/// Why CONFIG SET changed nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeError {
    /// A name or value cannot be had.
    Set(SetError),
    /// The process cannot have it now.
    Refused(Refusal),
}

/// Why CONFIG REWRITE wrote nothing.
#[derive(Debug)]
pub enum RewriteError {
    /// The server was started without a file.
    NoFile,
    /// The file could not be read or written.
    Io(io::Error),
}

impl fmt::Display for RewriteError {
    /// As CONFIG REWRITE answers it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RewriteError::NoFile => f.write_str("ERR The server is running without a config file"),
            RewriteError::Io(error) => write!(f, "ERR Rewriting config file: {error}"),
        }
    }
}

impl Server {
    /// CONFIG SET, all or none: checks, asks the process, puts the new values in force, and notes the names in
    /// `config_changes` for those who own what they are about.
    pub fn change_config(&mut self, pairs: &[(&[u8], &[u8])], context: SetContext) -> Result<(), ChangeError> {
        let (new, changed) = self.config.with(pairs, context).map_err(ChangeError::Set)?;
        self.take_config(new, &changed).map_err(ChangeError::Refused)
    }

    /// Puts `new` in force, whose rows in `changed` differ from the present ones (CONFIG SET, a file read again).
    ///
    /// # Errors
    /// The process cannot have it; all is as before.
    pub fn take_config(&mut self, mut new: Config, changed: &[&'static Directive]) -> Result<(), Refusal> {
        if new.appendonly && !self.config.appendonly {
            self.surroundings.try_log(&new, self.persistence.log.has_writer)?;
        }
        self.surroundings.try_config(&self.config, &mut new, changed)?;
        self.config = new;
        self.apply_config_changes(&changed.iter().map(|row| row.name).collect::<Vec<_>>());
        Ok(())
    }

    /// Acts on the directives of these names, which have just changed; notes all of them in `config_changes`.
    fn apply_config_changes(&mut self, changed: &[&'static str]) {
        for &name in changed {
            match name {
                "maxmemory-clients" => self.apply_client_limit(),
                "maxmemory" | "maxmemory-policy" | "maxmemory-samples" | "lfu-log-factor" | "lfu-decay-time" => {
                    self.apply_memory_limit();
                }
                "slowlog-max-len" => self.slow_log.set_max_len(self.config.slowlog_max_len as usize),
                "commandlog-large-request-max-len" => {
                    self.large_requests.set_max_len(self.config.commandlog_large_request_max_len as usize);
                }
                "commandlog-large-reply-max-len" => {
                    self.large_replies.set_max_len(self.config.commandlog_large_reply_max_len as usize);
                }
                "commandlog-request-larger-than" | "commandlog-reply-larger-than" => self.apply_large_from(),
                "slowlog-log-slower-than" | "latency-monitor-threshold" => self.apply_timing(),
                "notify-keyspace-events" => self.apply_notifications(),
                name if is_encoding(name) => self.apply_encodings(),
                "latency-tracking" => self.commands.track_latency(self.config.latency_tracking),
                "requirepass" => self.apply_requirepass(),
                _ => {}
            }
            if !self.config_changes.contains(&name) {
                self.config_changes.push(name);
            }
        }
    }

    /// Thresholds count for what is written from now on; values that are there stay as they are until then.
    fn apply_encodings(&mut self) {
        let config = &self.config;
        self.encodings = Encodings {
            hash_max_listpack_entries: config.hash_max_listpack_entries as usize,
            hash_max_listpack_value: config.hash_max_listpack_value_bytes as usize,
            list_max_listpack_size: config.list_max_listpack_size,
            set_max_intset_entries: config.set_max_intset_entries as usize,
            set_max_listpack_entries: config.set_max_listpack_entries as usize,
            set_max_listpack_value: config.set_max_listpack_value_bytes as usize,
            zset_max_listpack_entries: config.zset_max_listpack_entries as usize,
            zset_max_listpack_value: config.zset_max_listpack_value_bytes as usize,
            stream_node_max_bytes: config.stream_node_max_bytes as usize,
            stream_node_max_entries: config.stream_node_max_entries as usize,
            hll_sparse_max_bytes: config.hll_sparse_max_bytes as usize,
            field_deadlines: match config.rdb_hash_ttl_format {
                HashTtlFormat::Redis => FieldDeadlines::Redis,
                HashTtlFormat::Valkey => FieldDeadlines::Valkey,
            },
            ..self.encodings
        };
    }

    /// Puts in force what the configuration says at start.
    pub(super) fn apply_config(&mut self) {
        self.apply_requirepass();
        self.apply_encodings();
        self.apply_notifications();
        self.apply_memory_limit();
        self.apply_timing();
        self.apply_large_from();
    }

    /// The memory limit in bytes, its gate and the eviction policy. To be called too when `machine_memory_bytes` changes.
    pub fn apply_memory_limit(&mut self) {
        self.memory_limit_bytes = self.config.maxmemory.resolve(self.machine_memory_bytes);
        self.set_gate(gates::MEMORY, self.memory_limit_bytes > 0);
        self.keyspace.set_policy(memory::policy(&self.config));
        self.apply_client_limit();
    }

    /// Calls are timed one by one while somebody wants to know of short ones.
    fn apply_timing(&mut self) {
        let threshold_us = self.config.slowlog_log_slower_than_us;
        let is_fine = (0..TIMED_BELOW_US).contains(&threshold_us) || self.config.latency_monitor_threshold_ms > 0;
        self.set_gate(gates::TIMED, is_fine);
    }

    fn apply_large_from(&mut self) {
        let limit = |bytes: i64| usize::try_from(bytes).unwrap_or(usize::MAX); // -1: none is large
        self.large_from = CallBytes {
            request: limit(self.config.commandlog_request_larger_than_bytes),
            reply: limit(self.config.commandlog_reply_larger_than_bytes),
        };
    }

    /// CONFIG REWRITE: the configuration file says the present values.
    pub fn rewrite_config(&mut self, extent: Extent) -> Result<(), RewriteError> {
        let path = self.config_path.as_ref().ok_or(RewriteError::NoFile)?;
        let old = match self.surroundings.read_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(RewriteError::Io(error)),
            read => read.unwrap_or_default(),
        };
        let config = Config { users: self.user_directives(), ..self.config.clone() };
        self.surroundings.replace_file(path, &config.rewrite(&old, extent)).map_err(RewriteError::Io)
    }

    /// CONFIG RESETSTAT: all statistics from zero. The peak of memory and what users were denied stay, as in Redis.
    pub fn reset_statistics(&mut self) {
        let Counters { free_later_pending, failed_authentications, .. } = self.counters;
        let Counters { denied_commands, denied_keys, denied_channels, denied_databases, .. } = self.counters;
        self.counters = Counters {
            free_later_pending,
            failed_authentications,
            denied_commands,
            denied_keys,
            denied_channels,
            denied_databases,
            ..Counters::default()
        };
        self.keyspace.reset_counts();
        self.commands.reset();
        self.errors.reset();
        self.rates.reset();
        self.event_loop.reset();
        self.expiry_lag.reset();
        self.hot_keys.reset();
        (self.persistence.log.delayed_syncs, self.persistence.log.rewrites) = (0, 0);
        self.persistence.snapshots.done = 0;
    }
}
/// Whether a directive is about how collections are kept.
fn is_encoding(name: &str) -> bool {
    const PREFIXES: [&str; 6] = ["hash-max-", "list-", "set-max-", "zset-max-", "stream-node-max-", "hll-sparse-"];
    name == "rdb-hash-ttl-format" || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}
