//! Bounds on what clients may take, and what the server watches of their calls.

use super::prelude::*;

/// The topic "Clients".
pub(crate) const TOPIC: Topic = Topic {
    title: "Clients",
    intro: "How many, how much each may hold, and what is noted about slow calls.",
    directives: DIRECTIVES,
};

const DIRECTIVES: &[Directive] = &[
    Directive::integer("maxclients", int!(maxclients), 1, UINT_MAX, "10000")
        .doc("Connections at a time. Lowered at start when the process may not open that many files."),
    Directive::special(
        "client-output-buffer-limit",
        OUTPUT_BUFFER_LIMIT,
        "normal 0 0 0 replica 256mb 64mb 60 pubsub 32mb 8mb 60",
    )
    .multi()
    .doc(
        "For a class of clients (normal, replica, pubsub): a connection is closed when its waiting replies pass \
         the first size, or stay above the second for that many seconds. 0 means no limit.",
    ),
    Directive::integer("client-query-buffer-limit", int!(client_query_buffer_limit_bytes), 1 << 20, I64_MAX, "1gb")
        .memory()
        .doc("Most that one client may send without completing a call. No call may be longer than 4 GiB, less 16 MiB."),
    Directive::integer("proto-max-bulk-len", int!(proto_max_bulk_len_bytes), 1 << 20, I64_MAX, "512mb")
        .memory()
        .doc("Largest single argument, and largest string that APPEND or SETRANGE may make."),
    Directive::integer("client-default-resp", int!(client_default_resp), 2, 3, "2")
        .at_start()
        .hidden()
        .doc("Protocol version a connection starts with."),
    Directive::special("notify-keyspace-events", NOTIFY_KEYSPACE_EVENTS, "").doc(
        "Events published about keys, by letter: K and E choose the channels (by key, by event), g $ l s h z x e t \
         d m n the classes, A all but m and n. Empty means none.",
    ),
    Directive::integer("tracking-table-max-keys", int!(tracking_table_max_keys), 0, I64_MAX, "1000000")
        .doc("Keys remembered for client-side caching; beyond, some are invalidated early. 0: no limit."),
    Directive::integer("slowlog-log-slower-than", int!(slowlog_log_slower_than_us), -1, I64_MAX, "10000")
        .alias("commandlog-execution-slower-than")
        .doc("Calls that run for at least this many microseconds enter the slow log; 0 all, -1 none."),
    Directive::integer("slowlog-max-len", int!(slowlog_max_len), 0, I64_MAX, "128")
        .alias("commandlog-slow-execution-max-len")
        .doc("Length of the slow log."),
    Directive::integer(
        "commandlog-request-larger-than",
        int!(commandlog_request_larger_than_bytes),
        -1,
        I64_MAX,
        "1048576",
    )
    .doc("Requests of at least this many bytes, as they came over the wire, are noted for COMMANDLOG; 0 all, -1 none (Valkey)."),
    Directive::integer("commandlog-large-request-max-len", int!(commandlog_large_request_max_len), 0, I64_MAX, "128")
            .doc("Length of that log (Valkey)."),
    Directive::integer(
        "commandlog-reply-larger-than",
        int!(commandlog_reply_larger_than_bytes),
        -1,
        I64_MAX,
        "1048576",
    )
    .doc("Calls with replies of at least this many bytes are noted for COMMANDLOG; 0 all, -1 none (Valkey)."),
    Directive::integer("commandlog-large-reply-max-len", int!(commandlog_large_reply_max_len), 0, I64_MAX, "128")
            .doc("Length of that log (Valkey)."),
    Directive::integer("latency-monitor-threshold", int!(latency_monitor_threshold_ms), 0, I64_MAX, "0")
        .doc("Events of at least this many milliseconds are kept for the LATENCY command; 0 turns it off."),
    Directive::boolean("latency-tracking", flag!(latency_tracking), "yes")
        .doc("Keeps a histogram of times for each command."),
    Directive::special("latency-tracking-info-percentiles", LATENCY_PERCENTILES, "50 99 99.9")
        .multi()
        .doc("Percentiles that INFO latencystats shows of it."),
    Directive::integer("busy-reply-threshold", int!(busy_reply_threshold_ms), 0, I64_MAX, "5000")
        .alias("lua-time-limit")
        .no_effect("there are no scripts")
        .doc("Milliseconds after which a script is slow: others then get -BUSY, and it can be killed."),
    Directive::boolean("import-mode", flag!(import_mode), "no")
        .no_effect("there is no import mode")
        .doc("Keeps expired keys while another server's data is copied in (Valkey)."),
];
