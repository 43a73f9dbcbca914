//! Cluster.

use super::prelude::*;

/// The topic "Cluster".
pub(crate) const TOPIC: Topic = Topic {
    title: "Cluster",
    intro: "This version has no cluster: `cluster-enabled yes` is refused, the rest is kept and has no effect.",
    directives: DIRECTIVES,
};

const NO_CLUSTER: &str = "this version has no cluster";

const DIRECTIVES: &[Directive] = &[
    Directive::boolean("cluster-enabled", flag!(cluster_enabled), "no")
        .at_start()
        .refused(NO_CLUSTER)
        .doc("Makes this server a node of a cluster."),
    Directive::text("cluster-config-file", text!(cluster_config_file), "nodes.conf")
        .at_start()
        .no_effect(NO_CLUSTER)
        .doc("File in which the node keeps what it knows of the cluster."),
    number("cluster-node-timeout", int!(cluster_node_timeout_ms), 0, I64_MAX, "15000")
        .doc("Milliseconds of silence after which a node is thought to be down."),
    number("cluster-port", int!(cluster_port), 0, PORT_MAX, "0")
        .at_start()
        .doc("Port of the cluster bus; 0 means `port` + 10000."),
    number("cluster-databases", int!(cluster_databases), 1, INT_MAX, "1")
        .at_start()
        .hidden()
        .doc("Databases in cluster mode (Valkey)."),
    number("cluster-replica-validity-factor", int!(cluster_replica_validity_factor), 0, INT_MAX, "10")
        .alias("cluster-slave-validity-factor")
        .doc("How stale a replica may be to take over, in node timeouts; 0 always may."),
    number("cluster-migration-barrier", int!(cluster_migration_barrier), 0, INT_MAX, "1")
        .doc("Replicas that a primary keeps before one of them moves to an orphaned primary."),
    yes_no("cluster-allow-replica-migration", "yes", flag!(cluster_allow_replica_migration))
        .doc("Replicas may move so."),
    yes_no("cluster-require-full-coverage", "yes", flag!(cluster_require_full_coverage))
        .doc("The cluster stops when a slot has no node."),
    yes_no("cluster-replica-no-failover", "no", flag!(cluster_replica_no_failover))
        .alias("cluster-slave-no-failover")
        .doc("This replica never takes over by itself."),
    yes_no("cluster-allow-reads-when-down", "no", flag!(cluster_allow_reads_when_down))
        .doc("Reads go on while the cluster is down."),
    yes_no("cluster-allow-pubsubshard-when-down", "yes", flag!(cluster_allow_pubsubshard_when_down))
        .doc("Sharded pub/sub goes on meanwhile."),
    number("cluster-link-sendbuf-limit", int!(cluster_link_sendbuf_limit_bytes), 0, U64_MAX, "0")
        .memory()
        .doc("Most that waits on one link of the bus; 0: no limit."),
    text("cluster-announce-hostname", text!(cluster_announce_hostname))
        .checked(validate::host_name)
        .doc("Host name that clients are told."),
    text("cluster-announce-human-nodename", text!(cluster_announce_human_nodename))
        .checked(validate::node_name)
        .doc("Name of the node in log lines."),
    text("cluster-announce-ip", text!(cluster_announce_ip)).doc("Address that others are told, behind NAT."),
    text("cluster-announce-client-ipv4", text!(cluster_announce_client_ipv4))
        .checked(validate::ipv4)
        .doc("Address that IPv4 clients are told (Valkey)."),
    text("cluster-announce-client-ipv6", text!(cluster_announce_client_ipv6))
        .checked(validate::ipv6)
        .doc("Address that IPv6 clients are told (Valkey)."),
    number("cluster-announce-client-port", int!(cluster_announce_client_port), 0, PORT_MAX, "0")
        .doc("Port that clients are told (Valkey)."),
    number("cluster-announce-client-tls-port", int!(cluster_announce_client_tls_port), 0, PORT_MAX, "0")
        .doc("TLS port that clients are told (Valkey)."),
    number("cluster-announce-port", int!(cluster_announce_port), 0, PORT_MAX, "0").doc("Port that others are told."),
    number("cluster-announce-tls-port", int!(cluster_announce_tls_port), 0, PORT_MAX, "0")
        .doc("TLS port that others are told."),
    number("cluster-announce-bus-port", int!(cluster_announce_bus_port), 0, PORT_MAX, "0")
        .doc("Bus port that others are told."),
    Directive::choice("cluster-preferred-endpoint-type", choice!(cluster_preferred_endpoint_type), "ip")
        .no_effect(NO_CLUSTER)
        .doc("What redirections name: address, host name, or nothing."),
    number("cluster-compatibility-sample-ratio", int!(cluster_compatibility_sample_ratio), 0, 100, "0")
        .doc("Percentage of calls that are checked for use in a cluster, for INFO."),
    number("cluster-blacklist-ttl", int!(cluster_blacklist_ttl_seconds), 0, U64_MAX, "60")
        .seconds()
        .doc("How long a forgotten node stays forgotten (Valkey)."),
    number("cluster-manual-failover-timeout", int!(cluster_manual_failover_timeout_ms), 1, INT_MAX, "5000")
        .doc("Milliseconds a manual failover may take (Valkey)."),
    number("cluster-slot-migration-log-max-len", int!(cluster_slot_migration_log_max_len), 0, I64_MAX, "1000")
        .doc("Length of the list of slot migrations (Valkey)."),
    yes_no("cluster-slot-stats-enabled", "no", flag!(cluster_slot_stats_enabled))
        .doc("Keeps statistics by slot (Valkey)."),
    Directive::choice("cluster-config-save-behavior", choice!(cluster_config_save_behavior), "sync")
        .no_effect(NO_CLUSTER)
        .doc("Whether a node stops when its file cannot be written (Valkey)."),
    Directive::integer(
        "slot-migration-max-failover-repl-bytes",
        int!(slot_migration_max_failover_repl_bytes),
        -1,
        I64_MAX,
        "0",
    )
    .signed_memory()
    .no_effect(NO_CLUSTER)
    .doc("Writes still on their way at which a slot may change hands; -1: any (Valkey)."),
    number("cluster-message-gossip-perc", int!(cluster_message_gossip_perc), 1, 100, "10")
        .hidden()
        .doc("Percentage of nodes told of in each message (Valkey)."),
    number("cluster-ping-interval", int!(cluster_ping_interval_ms), 0, I64_MAX, "0")
        .hidden()
        .doc("Milliseconds between pings (for tests)."),
];

const fn yes_no(name: &'static str, default: &'static str, field: BoolField) -> Directive {
    Directive::boolean(name, field, default).no_effect(NO_CLUSTER)
}

const fn number(name: &'static str, field: IntField, min: i128, max: i128, default: &'static str) -> Directive {
    Directive::integer(name, field, min, max, default).no_effect(NO_CLUSTER)
}

const fn text(name: &'static str, field: TextField) -> Directive {
    Directive::optional_text(name, field, "").no_effect(NO_CLUSTER)
}
