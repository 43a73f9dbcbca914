//! Primary and replica.

use super::prelude::*;

/// The topic "Replication".
pub(crate) const TOPIC: Topic = Topic {
    title: "Replication",
    intro: "This version has no replication: `replicaof` is refused, the rest is kept and has no effect.",
    directives: DIRECTIVES,
};

const DIRECTIVES: &[Directive] = &[
    Directive::special("replicaof", REPLICA_OF, "")
        .alias("slaveof")
        .multi()
        .at_start()
        .refused("this version has no replication")
        .doc("Host and port of the primary to follow; `no one` follows none."),
    Directive::secret("masterauth", secret!(masterauth))
        .alias("primaryauth")
        .no_effect(NO_REPLICATION)
        .doc("Password sent to the primary."),
    Directive::secret("masteruser", secret!(masteruser))
        .alias("primaryuser")
        .no_effect(NO_REPLICATION)
        .doc("User it is sent for."),
    yes_no("replica-serve-stale-data", "yes", flag!(replica_serve_stale_data))
        .alias("slave-serve-stale-data")
        .doc("A replica that has lost its primary still answers, with what it has."),
    yes_no("replica-read-only", "yes", flag!(replica_read_only))
        .alias("slave-read-only")
        .doc("A replica refuses writes of clients."),
    yes_no("repl-diskless-sync", "yes", flag!(repl_diskless_sync))
        .doc("Sends the first copy to replicas without a file in between."),
    number("repl-diskless-sync-delay", int!(repl_diskless_sync_delay_seconds), 0, INT_MAX, "5")
        .seconds()
        .doc("Waits this long for more replicas to join that copy."),
    number("repl-diskless-sync-max-replicas", int!(repl_diskless_sync_max_replicas), 0, INT_MAX, "0")
        .doc("... or until that many have come; 0 waits out the time."),
    Directive::choice("repl-diskless-load", choice!(repl_diskless_load), "disabled")
        .deny_loading()
        .no_effect(NO_REPLICATION)
        .doc("Whether a replica loads that copy straight from the socket."),
    yes_no("repl-disable-tcp-nodelay", "no", flag!(repl_disable_tcp_nodelay))
        .doc("Gathers small writes to replicas: less traffic, more delay."),
    yes_no("repl-rdb-channel", "yes", flag!(repl_rdb_channel))
        .hidden()
        .doc("Sends the first copy on a connection of its own."),
    yes_no("dual-channel-replication-enabled", "no", flag!(dual_channel_replication_enabled))
        .doc("The same in Valkey."),
    yes_no("repl-mptcp", "no", flag!(repl_mptcp))
        .at_start()
        .hidden()
        .doc("Uses Multipath TCP towards the primary (Valkey)."),
    number("repl-ping-replica-period", int!(repl_ping_replica_period_seconds), 1, INT_MAX, "10")
        .seconds()
        .alias("repl-ping-slave-period")
        .doc("How often replicas are pinged."),
    number("repl-timeout", int!(repl_timeout_seconds), 1, INT_MAX, "60")
        .seconds()
        .doc("Silence after which a replication link is broken."),
    number("repl-backlog-size", int!(repl_backlog_size_bytes), 1, I64_MAX, "1mb")
        .memory()
        .clamped(16 << 10, I64_MAX)
        .doc("Writes kept for replicas that come back after a short absence."),
    number("repl-backlog-ttl", int!(repl_backlog_ttl_seconds), 0, I64_MAX, "3600")
        .seconds()
        .doc("How long they are kept once no replica is left; 0 for ever."),
    number("replica-priority", int!(replica_priority), 0, INT_MAX, "100")
        .alias("slave-priority")
        .doc("Order in which Sentinel promotes replicas, the smallest first; 0 never."),
    yes_no("replica-announced", "yes", flag!(replica_announced)).doc("Sentinel lists this replica."),
    Directive::optional_text("replica-announce-ip", text!(replica_announce_ip), "")
        .alias("slave-announce-ip")
        .no_effect(NO_REPLICATION)
        .doc("Address that the primary is told, when it differs from the one it sees."),
    number("replica-announce-port", int!(replica_announce_port), 0, PORT_MAX, "0")
        .alias("slave-announce-port")
        .doc("Port that the primary is told."),
    yes_no("replica-lazy-flush", "no", flag!(replica_lazy_flush))
        .alias("slave-lazy-flush")
        .doc("Old data is freed in the background before the first copy is loaded."),
    yes_no("replica-ignore-disk-write-errors", "no", flag!(replica_ignore_disk_write_errors))
        .doc("A replica goes on when its log cannot be written."),
    number("replica-full-sync-buffer-limit", int!(replica_full_sync_buffer_limit_bytes), 0, I64_MAX, "0")
        .memory()
        .doc("Most that a replica gathers while it loads the first copy; 0: as for its output buffer."),
    number("min-replicas-to-write", int!(min_replicas_to_write), 0, INT_MAX, "0")
        .alias("min-slaves-to-write")
        .doc("Writes are refused with fewer replicas in sync than this."),
    number("min-replicas-max-lag", int!(min_replicas_max_lag_seconds), 0, INT_MAX, "10")
        .seconds()
        .alias("min-slaves-max-lag")
        .doc("Lag up to which a replica counts as in sync."),
    Directive::choice("propagation-error-behavior", choice!(propagation_error_behavior), "ignore")
        .doc("What an error means in a command from the primary or the log."),
];

const fn yes_no(name: &'static str, default: &'static str, field: BoolField) -> Directive {
    Directive::boolean(name, field, default).no_effect(NO_REPLICATION)
}

const fn number(name: &'static str, field: IntField, min: i128, max: i128, default: &'static str) -> Directive {
    Directive::integer(name, field, min, max, default).no_effect(NO_REPLICATION)
}
