//! The process: how it runs, logs and ends.

use super::prelude::*;

/// The topic "General".
pub(crate) const TOPIC: Topic = Topic {
    title: "General",
    intro: "The process itself: where it works, what it writes about its doings, and how it ends.",
    directives: DIRECTIVES,
};

const DIRECTIVES: &[Directive] = &[
    Directive::statement("include", "/etc/ferrodis/conf.d/*.conf").doc(
        "Reads another file, or all that match a pattern, as if its lines stood here; what comes later wins. A \
         plain name must exist, a pattern may match nothing.",
    ),
    Directive::boolean("daemonize", flag!(daemonize), "no")
        .at_start()
        .doc("Runs in the background and writes a pid file. A service manager wants `no`."),
    Directive::choice("supervised", choice!(supervised), "no")
        .at_start()
        .doc("Whether a service manager is told of start, reload and stop; `auto` looks at `NOTIFY_SOCKET`."),
    Directive::optional_text("pidfile", text!(pidfile), "").at_start().doc("File that the process id is written to."),
    Directive::special("dir", DIR, ".")
        .protected()
        .deny_loading()
        .doc("Working directory: the log, snapshots and relative paths belong here. It must be writable."),
    Directive::choice("loglevel", choice!(loglevel), "notice")
        .doc("Least important lines that are written: everything from `debug` on, or `nothing`."),
    Directive::text("logfile", text!(logfile), "")
        .at_start()
        .doc("File the log lines go to; empty means standard output. Rotate it by renaming and SIGHUP."),
    Directive::choice("log-format", choice!(log_format), "text").doc(
        "`text` is Redis's own line, `json` and `logfmt` carry the same as fields. `legacy` is Valkey's word for \
         `text`.",
    ),
    Directive::choice("log-timestamp-format", choice!(log_timestamp_format), "legacy")
        .doc("How times are written in log lines (Valkey): `legacy` is Redis's local date."),
    Directive::boolean("hide-user-data-from-log", flag!(hide_user_data_from_log), "no")
        .doc(
            "Keeps keys out of log lines. Crash reports hold neither keys nor values, and log lines keys only where one cannot \
             be loaded.",
        ),
    Directive::boolean("syslog-enabled", flag!(syslog_enabled), "no")
        .at_start()
        .doc("Sends log lines to the system's log (syslog) as well."),
    Directive::text("syslog-ident", text!(syslog_ident), "ferrodis")
        .at_start()
        .doc("Name used in syslog."),
    Directive::choice("syslog-facility", choice!(syslog_facility), "local0")
        .at_start()
        .doc("Facility used in syslog."),
    Directive::integer("databases", int!(databases), 1, INT_MAX, "16")
        .at_start()
        .doc("Number of databases, chosen by SELECT; they are numbered from 0."),
    Directive::boolean("always-show-logo", flag!(always_show_logo), "no")
        .at_start()
        .no_effect("there is no logo")
        .doc("Shows a logo in the log at start."),
    Directive::boolean("set-proc-title", flag!(set_proc_title), "yes")
        .at_start()
        .doc("Shows address and mode in the process title."),
    Directive::text("proc-title-template", text!(proc_title_template), "{title} {listen-addr} {server-mode}")
        .checked(validate::process_title)
        .doc(
            "What the process title shows: {title}, {listen-addr}, {server-mode}, {port}, {tls-port}, \
             {unixsocket}, {config-file}.",
        ),
    Directive::text("locale-collate", text!(locale_collate), "")
        .no_effect("strings are compared byte by byte")
        .doc("Locale by which SORT ALPHA compares strings."),
    Directive::integer("shutdown-timeout", int!(shutdown_timeout_seconds), 0, INT_MAX, "10")
        .seconds()
        .no_effect(NO_REPLICATION)
        .doc("How long SHUTDOWN waits for replicas to catch up."),
    Directive::special("shutdown-on-sigint", SHUTDOWN_ON_SIGINT, "default")
        .multi()
        .doc("Options of the SHUTDOWN that SIGINT means: default, save, nosave, now, force."),
    Directive::special("shutdown-on-sigterm", SHUTDOWN_ON_SIGTERM, "default").multi().doc("The same for SIGTERM."),
    Directive::integer("hz", int!(hz), 0, INT_MAX, "10")
        .clamped(1, 500)
        .doc("Turns a second of the periodic work (timeouts, due saves, figures). Kept within 1 and 500. Keys expire at their millisecond in any case."),
    Directive::boolean("dynamic-hz", flag!(dynamic_hz), "yes")
        .no_effect("periodic work costs by what is due, not by the number of clients")
        .doc("Raises `hz` with the number of clients."),
    Directive::integer("io-threads", int!(io_threads), 1, 128, "1")
        .at_start()
        .no_effect("one thread serves all sockets and runs all commands, by design")
        .doc("Threads that read and write sockets."),
    Directive::boolean("io-threads-always-active", flag!(io_threads_always_active), "no")
        .hidden()
        .no_effect("one thread serves all sockets")
        .doc("Keeps all I/O threads in use (Valkey, for tests)."),
    Directive::integer("prefetch-batch-max-size", int!(prefetch_batch_max_size), 0, 128, "16")
        .no_effect("the depth of look-ahead is fixed")
        .doc("Commands looked ahead to fetch their keys into cache (Valkey)."),
    Directive::integer("min-io-threads-avoid-copy-reply", int!(min_io_threads_avoid_copy_reply), 0, INT_MAX, "7")
        .hidden()
        .no_effect("one thread serves all sockets")
        .doc("I/O threads from which large replies are sent without a copy (Valkey)."),
    Directive::integer("min-string-size-avoid-copy-reply", int!(min_string_size_avoid_copy_reply), 0, INT_MAX, "16384")
        .hidden()
        .no_effect("the size is fixed")
        .doc("Size from which a string is sent without a copy (Valkey)."),
    Directive::integer(
        "min-string-size-avoid-copy-reply-threaded",
        int!(min_string_size_avoid_copy_reply_threaded),
        0,
        INT_MAX,
        "65536",
    )
    .hidden()
    .no_effect("one thread serves all sockets")
    .doc("The same with I/O threads (Valkey)."),
    cpulist("server-cpulist", "server_cpulist", text!(server_cpulist))
        .doc("CPUs that the loop runs on, as taskset takes them: `0,2-5`, `0-20:3` for every third."),
    cpulist("bio-cpulist", "bio_cpulist", text!(bio_cpulist))
        .doc("CPUs of the threads that write the log and free memory."),
    cpulist("aof-rewrite-cpulist", "aof_rewrite_cpulist", text!(aof_rewrite_cpulist))
        .no_effect("there is no child, and the thread that writes a new base is that of `bgsave-cpulist`")
        .doc("CPUs of the log rewriting child."),
    cpulist("bgsave-cpulist", "bgsave_cpulist", text!(bgsave_cpulist))
        .doc("CPUs of the thread that writes snapshots, and the log's new bases."),
    Directive::choice("oom-score-adj", choice!(oom_score_adj), "no")
        .doc("Whether the kernel's out-of-memory score is adjusted."),
    Directive::special("oom-score-adj-values", OOM_SCORE_ADJ_VALUES, "0 200 800")
        .multi()
        .doc("Scores of a primary, a replica and a background child, of which there is none here."),
    Directive::boolean("disable-thp", flag!(disable_thp), "yes")
        .at_start()
        .no_effect("there is no fork whose copies large pages would make dear")
        .doc("Turns transparent huge pages off for the process."),
    Directive::text("ignore-warnings", text!(ignore_warnings), "")
        .no_effect("there is no such check at start")
        .doc("Start-up checks to skip, as `ARM64-COW-BUG`."),
    Directive::boolean("crash-log-enabled", flag!(crash_log_enabled), "yes")
        .doc("Writes a report with the stack to the log when a signal ends the process (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT)."),
    Directive::boolean("crash-memcheck-enabled", flag!(crash_memcheck_enabled), "yes")
        .no_effect("a crash report has no memory test")
        .doc("Adds a quick memory test to it."),
    Directive::text("availability-zone", text!(availability_zone), "")
        .doc("Free text that INFO and HELLO show, so that clients can choose a server near them (Valkey)."),
    Directive::boolean("extended-redis-compatibility", flag!(extended_redis_compatibility), "no")
        .no_effect("the server answers as Redis does in any case")
        .doc("Makes Valkey call itself redis (Valkey)."),
];

const fn cpulist(name: &'static str, alias: &'static str, field: TextField) -> Directive {
    Directive::optional_text(name, field, "").alias(alias).at_start().checked(validate::cpu_list)
}
