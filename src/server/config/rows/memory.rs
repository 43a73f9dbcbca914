//! The limit on memory and what happens at it.

use super::prelude::*;

/// The topic "Memory".
pub(crate) const TOPIC: Topic = Topic {
    title: "Memory",
    intro: "Sizes are bytes, or take a unit: k, m, g are powers of 1000, kb, mb, gb powers of 1024, in any case.",
    directives: DIRECTIVES,
};

const DIRECTIVES: &[Directive] = &[
    Directive::limit("maxmemory", limit!(maxmemory), U64_MAX, "0").doc(
        "Memory that keys, values and clients' buffers may take: a size, or a percentage of the machine's or the \
         control group's limit (`75%`). 0 means no limit.",
    ),
    Directive::choice("maxmemory-policy", choice!(maxmemory_policy), "noeviction").doc(
        "What goes when the limit is reached: the key used longest ago (`-lru`, exact), least often (`-lfu`), any \
         (`-random`) or the one that expires first (`volatile-ttl`), of all keys or of those with an expiry; or \
         nothing, and writes fail.",
    ),
    Directive::integer("maxmemory-samples", int!(maxmemory_samples), 1, 64, "5")
        .doc("Keys looked at to choose one under `-lfu`. LRU is exact and does not sample, and `volatile-ttl` asks the expiry wheel."),
    Directive::integer("maxmemory-eviction-tenacity", int!(maxmemory_eviction_tenacity), 0, 100, "10")
        .no_effect("room is made before the very call that needs it, as much as it needs")
        .doc("How long eviction may keep clients waiting, 0 to 100."),
    Directive::limit("maxmemory-clients", limit!(maxmemory_clients), I64_MAX, "0")
        .doc(
        "Memory that all clients' buffers may take, a size or a percentage of `maxmemory`; the largest clients go \
         first. 0: no limit.",
    ),
    Directive::integer("lfu-log-factor", int!(lfu_log_factor), 0, INT_MAX, "10")
        .doc("How slowly the 8-bit counter of `-lfu` grows; with 10 it is full after about a million uses."),
    Directive::integer("lfu-decay-time", int!(lfu_decay_time_minutes), 0, INT_MAX, "1")
        .doc("Minutes after which that counter loses one; 0 never."),
    Directive::boolean("replica-ignore-maxmemory", flag!(replica_ignore_maxmemory), "yes")
        .alias("slave-ignore-maxmemory")
        .no_effect(NO_REPLICATION)
        .doc("A replica evicts nothing by itself: its primary does, and tells it."),
    Directive::integer("active-expire-effort", int!(active_expire_effort), 1, 10, "1")
        .no_effect("due keys leave at their millisecond, whatever the effort")
        .doc("How hard expired keys are looked for."),
    Directive::boolean("lazyfree-lazy-eviction", flag!(lazyfree_lazy_eviction), "no")
        .no_effect("whatever is long to free always goes to a thread of its own")
        .doc("Evicted values are freed in the background."),
    Directive::boolean("lazyfree-lazy-expire", flag!(lazyfree_lazy_expire), "no")
        .no_effect("whatever is long to free always goes to a thread of its own")
        .doc("Expired values are freed in the background."),
    Directive::boolean("lazyfree-lazy-server-del", flag!(lazyfree_lazy_server_del), "no")
        .no_effect("whatever is long to free always goes to a thread of its own")
        .doc("Overwritten values are freed in the background."),
    Directive::boolean("lazyfree-lazy-user-del", flag!(lazyfree_lazy_user_del), "no")
        .no_effect("whatever is long to free always goes to a thread of its own")
        .doc("DEL frees as UNLINK does."),
    Directive::boolean("lazyfree-lazy-user-flush", flag!(lazyfree_lazy_user_flush), "no")
        .no_effect("flushed databases always go to a thread of their own")
        .doc("FLUSHDB, FLUSHALL and SCRIPT FLUSH without a word mean ASYNC."),
    Directive::boolean("activerehashing", flag!(activerehashing), "yes")
        .no_effect("tables grow and shrink a piece at a time with the calls that use them")
        .doc("Spends idle time on growing tables."),
    Directive::boolean("activedefrag", flag!(activedefrag), "no")
        .refused("Active defragmentation cannot be enabled: records of sparse pages are moved together in any case")
        .doc("Moves values together to give memory back."),
    defrag("active-defrag-ignore-bytes", int!(active_defrag_ignore_bytes), 1, I64_MAX, "100mb")
        .memory()
        .doc("Waste below which nothing is moved."),
    defrag("active-defrag-threshold-lower", int!(active_defrag_threshold_lower), 0, 1000, "10")
        .doc("Percentage of waste at which it begins."),
    defrag("active-defrag-threshold-upper", int!(active_defrag_threshold_upper), 0, 1000, "100")
        .doc("Percentage of waste at which it is at its hardest."),
    defrag("active-defrag-cycle-min", int!(active_defrag_cycle_min), 1, 99, "1")
        .doc("Percentage of CPU it takes at least."),
    defrag("active-defrag-cycle-max", int!(active_defrag_cycle_max), 1, 99, "25")
        .doc("Percentage of CPU it takes at most."),
    defrag("active-defrag-cycle-us", int!(active_defrag_cycle_us), 0, 100_000, "500")
        .doc("Length of one slice in microseconds (Valkey)."),
    defrag("active-defrag-max-scan-fields", int!(active_defrag_max_scan_fields), 1, I64_MAX, "1000")
        .doc("Collections larger than this are moved in pieces."),
    Directive::boolean("jemalloc-bg-thread", flag!(jemalloc_bg_thread), "yes")
        .no_effect("the allocator gives memory back from the loop, in small steps")
        .doc("Lets the allocator give memory back from a thread."),
];

const fn defrag(name: &'static str, field: IntField, min: i128, max: i128, default: &'static str) -> Directive {
    Directive::integer(name, field, min, max, default)
        .no_effect("records of sparse pages are moved together in small steps, whenever there are any")
}
