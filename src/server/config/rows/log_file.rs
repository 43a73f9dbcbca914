//! The append-only log.

use super::prelude::*;

/// The topic "Append-only log".
pub(crate) const TOPIC: Topic = Topic {
    title: "Append-only log",
    intro: "With `appendonly yes` every write goes to a log that is replayed at start. `docs/PERSISTENCE.md` tells \
            what is promised when.",
    directives: DIRECTIVES,
};

const DIRECTIVES: &[Directive] = &[
    Directive::boolean("appendonly", flag!(appendonly), "no")
        .doc("Keeps the log; it is then loaded at start instead of the snapshot."),
    Directive::text("appendfilename", text!(appendfilename), "appendonly.aof")
        .at_start()
        .checked(validate::log_name)
        .doc("First part of the names of the log's files and of its manifest."),
    Directive::text("appenddirname", text!(appenddirname), "appendonlydir")
        .at_start()
        .checked(validate::log_directory)
        .doc("Directory in `dir` that holds them."),
    Directive::choice("appendfsync", choice!(appendfsync), "everysec").doc(
        "`always`: a write is answered, and shown to others, once it is on disk. `everysec`: at most about a \
         second is lost with the machine, nothing with the process. `no`: the kernel decides.",
    ),
    Directive::boolean("no-appendfsync-on-rewrite", flag!(no_appendfsync_on_rewrite), "no")
        .no_effect("a rewrite has a thread and a queue of its own, and holds up no sync of the log")
        .doc("Does not sync the log while a snapshot or a rewrite runs."),
    Directive::integer("auto-aof-rewrite-percentage", int!(auto_aof_rewrite_percentage), 0, INT_MAX, "100")
        .doc("Rewrites the log when it has grown by this much, in percent, since the last rewrite; 0 never."),
    Directive::integer("auto-aof-rewrite-min-size", int!(auto_aof_rewrite_min_size_bytes), 0, I64_MAX, "64mb")
        .memory()
        .doc("... but not before it has this size."),
    Directive::boolean("aof-load-truncated", flag!(aof_load_truncated), "yes").doc(
        "Starts from a log whose last record is cut short (what is cut off is kept in a file); `no` refuses to \
         start.",
    ),
    Directive::boolean("aof-use-rdb-preamble", flag!(aof_use_rdb_preamble), "yes")
        .doc("A rewritten base is RDB, which is smaller and loads faster, instead of commands."),
    Directive::boolean("aof-timestamp-enabled", flag!(aof_timestamp_enabled), "no")
        .doc("Notes the time in the log now and then, so that it can be cut at a moment."),
    Directive::boolean("aof-rewrite-incremental-fsync", flag!(aof_rewrite_incremental_fsync), "yes")
        .no_effect("it is always so")
        .doc("Syncs a new base every few megabytes while it is written."),
];
