//! Directives for tests of the server.

use super::prelude::*;

/// The topic "Debugging".
pub(crate) const TOPIC: Topic = Topic {
    title: "Debugging",
    intro: "For tests of the server itself. CONFIG GET shows these only by their full name.",
    directives: DIRECTIVES,
};

const DIRECTIVES: &[Directive] = &[
    Directive::integer("rdb-key-save-delay", int!(rdb_key_save_delay_us), INT_MIN, INT_MAX, "0")
        .hidden()
        .doc("Microseconds that each key of a snapshot or a new base takes at least."),
    Directive::integer("key-load-delay", int!(key_load_delay_us), INT_MIN, INT_MAX, "0")
        .hidden()
        .doc("Microseconds to wait after each key or call that is loaded."),
    Directive::integer(
        "loading-process-events-interval-bytes",
        int!(loading_process_events_interval_bytes),
        1024,
        INT_MAX,
        "524288",
    )
    .hidden()
    .no_effect("the sockets have their turn every 20 milliseconds of loading")
    .doc("Bytes loaded between two looks at the sockets."),
    Directive::boolean("aof-disable-auto-gc", flag!(aof_disable_auto_gc), "no")
        .hidden()
        .doc("Keeps log files that are no longer needed."),
    Directive::integer("watchdog-period", int!(watchdog_period_ms), 0, INT_MAX, "0")
        .hidden()
        .doc("Logs the stack when a turn of the loop takes longer than this many milliseconds; 0 turns it off."),
    Directive::boolean("use-exit-on-panic", flag!(use_exit_on_panic), "no")
        .hidden()
        .doc("After a panic, and the report of it that `crash-log-enabled` asks for, exits with status 1 rather than by SIGABRT."),
    Directive::boolean("enable-debug-assert", flag!(enable_debug_assert), "no")
        .at_start()
        .hidden()
        .no_effect("assertions are chosen when building")
        .doc("Checks costly assertions (Valkey)."),
    Directive::text("debug-context", text!(debug_context), "")
        .hidden()
        .doc("Text shown in crash reports, up to 512 bytes (Valkey)."),
    Directive::optional_text("req-res-logfile", text!(req_res_logfile), "")
        .at_start()
        .hidden()
        .no_effect("requests and replies are not logged")
        .doc("File for all requests and replies."),
];
