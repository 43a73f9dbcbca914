//! `dump.rdb`: when it is written, and how.

use super::prelude::*;

/// The topic "Snapshots".
pub(crate) const TOPIC: Topic = Topic {
    title: "Snapshots",
    intro: "A snapshot is one RDB file of all data at a point in time. It is written without a fork, while clients \
            are served.",
    directives: DIRECTIVES,
};

const DIRECTIVES: &[Directive] = &[
    Directive::special("save", SAVE, "3600 1 300 100 60 10000").multi().doc(
        "Pairs of seconds and changes: a snapshot is taken once that much time has passed with at least that many \
         changes. Several lines add up; `save \"\"` takes none.",
    ),
    Directive::boolean("stop-writes-on-bgsave-error", flag!(stop_writes_on_bgsave_error), "yes").doc(
        "Refuses writes after a snapshot by `save` has failed, until one succeeds, so that the failure is noticed.",
    ),
    Directive::boolean("rdbcompression", flag!(rdbcompression), "yes").doc("Compresses strings in the file (LZF)."),
    Directive::boolean("rdbchecksum", flag!(rdbchecksum), "yes")
        .at_start()
        .doc("Ends the file with a CRC-64, and checks it on loading."),
    Directive::text("dbfilename", text!(dbfilename), "dump.rdb")
        .protected()
        .checked(validate::snapshot_name)
        .doc("Name of the file in `dir`; not a path."),
    Directive::choice("sanitize-dump-payload", choice!(sanitize_dump_payload), "yes")
        .no_effect("what comes from a file or a RESTORE is always checked whole")
        .doc("Whether loaded values are checked deeply."),
    Directive::choice("rdb-version-check", choice!(rdb_version_check), "strict")
        .doc("`relaxed` loads files of a newer version as long as they hold nothing unknown (Valkey)."),
    Directive::choice("rdb-hash-ttl-format", choice!(rdb_hash_ttl_format), "redis").doc(
        "Whose form a hash with expiring fields has in the file and in DUMP: that of `redis` (7.4 and later read it) or of \
         `valkey` (9.0 and later). Hashes without such fields, and the log, are read by both.",
    ),
    Directive::boolean("rdb-save-incremental-fsync", flag!(rdb_save_incremental_fsync), "yes")
        .no_effect("it is always so")
        .doc("Syncs the file every few megabytes while it is written, against one long pause at its end."),
    Directive::boolean("rdb-del-sync-files", flag!(rdb_del_sync_files), "no")
        .no_effect("replication leaves no files behind")
        .doc("Removes files that only replication needed."),
];
