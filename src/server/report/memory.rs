//! INFO memory.

use super::{Kind, Sample, Statistic, Value};
use crate::server::Server;
use crate::server::resources::ratio;

pub(super) const ROWS: &[Statistic] = &[
    Statistic::new("used_memory", |s| Value::Count(s.resources.used_bytes))
        .gauge("memory_used_bytes", "Bytes that the allocator has handed out, free record slots left out."),
    Statistic::new("used_memory_human", |s| Value::Human(s.resources.used_bytes)),
    Statistic::new("used_memory_rss", |s| Value::Count(s.resources.process.resident_bytes))
        .gauge("memory_resident_bytes", "Bytes of the process in RAM."),
    Statistic::new("used_memory_rss_human", |s| Value::Human(s.resources.process.resident_bytes)),
    Statistic::new("used_memory_peak", |s| Value::Count(s.resources.peak_bytes))
        .gauge("memory_peak_bytes", "The most bytes that were ever in use."),
    Statistic::new("used_memory_peak_human", |s| Value::Human(s.resources.peak_bytes)),
    Statistic::new("used_memory_peak_time", |s| Value::Count(s.resources.peak_seconds)),
    Statistic::new("used_memory_peak_perc", |s| Value::Percent(peak_percent(s))),
    Statistic::new("used_memory_overhead", |s| Value::Count(s.overhead_bytes())).gauge(
        "memory_overhead_bytes",
        "Bytes in use that are not data: tables, buffers, what the process took at its start.",
    ),
    Statistic::new("used_memory_startup", |s| Value::Count(s.resources.startup_bytes)),
    Statistic::new("used_memory_dataset", |s| Value::Count(s.dataset_bytes())),
    Statistic::new("used_memory_dataset_perc", |s| Value::Percent(s.dataset_percent())),
    Statistic::new("allocator_allocated", |s| Value::Count(s.resources.allocator.allocated_bytes))
        .gauge("allocator_allocated_bytes", "Bytes that the allocator has handed out."),
    Statistic::new("allocator_active", |s| Value::Count(s.resources.allocator.active_bytes))
        .gauge("allocator_active_bytes", "Bytes of the allocator's pages with anything handed out."),
    Statistic::new("allocator_resident", |s| Value::Count(s.resources.allocator.resident_bytes))
        .gauge("allocator_resident_bytes", "Bytes of the allocator's pages in RAM."),
    Statistic::new("allocator_muzzy", |s| Value::Count(s.resources.allocator.muzzy_bytes)),
    Statistic::new("total_system_memory", |s| Value::Count(s.resources.machine_bytes))
        .gauge("memory_machine_bytes", "Bytes of memory that the machine has."),
    Statistic::new("total_system_memory_human", |s| Value::Human(s.resources.machine_bytes)),
    Statistic::new("memory_limit", |s| Value::Count(s.resources.limit_bytes))
        .gauge("memory_limit_bytes", "Bytes of memory that the machine or the control group leaves to this process."),
    Statistic::zero("used_memory_lua"),
    Statistic::zero("used_memory_vm_eval"),
    Statistic::new("used_memory_lua_human", |_| Value::Human(0)),
    Statistic::zero("used_memory_scripts_eval"),
    Statistic::zero("number_of_cached_scripts"),
    Statistic::zero("number_of_functions"),
    Statistic::zero("number_of_libraries"),
    Statistic::zero("used_memory_vm_functions"),
    Statistic::zero("used_memory_vm_total"),
    Statistic::new("used_memory_vm_total_human", |_| Value::Human(0)),
    Statistic::zero("used_memory_functions"),
    Statistic::zero("used_memory_scripts"),
    Statistic::new("used_memory_scripts_human", |_| Value::Human(0)),
    Statistic::new("maxmemory", |s| Value::Count(s.memory_limit_bytes))
        .gauge("memory_max_bytes", "The limit `maxmemory` in bytes; 0: none."),
    Statistic::new("maxmemory_human", |s| Value::Human(s.memory_limit_bytes)),
    Statistic::new("maxmemory_policy", |s| Value::text(s.config.maxmemory_policy.word())),
    Statistic::unlisted(policy).metric("maxmemory_policy_info", Kind::Info, "Which keys go when memory is short."),
    Statistic::new("lru_order_exact", |s| Value::YesNo(s.keyspace.is_order_exact())).gauge(
        "lru_order_exact",
        "Whether the order of use is exact; it is built in slices after the policy was switched.",
    ),
    Statistic::new("counted_memory", |s| Value::Count(s.counted_memory() as u64)).gauge(
        "memory_counted_bytes",
        "Bytes that count towards `maxmemory`: keys, tables, clients' buffers, the process itself.",
    ),
    Statistic::new("allocator_frag_ratio", |s| {
        Value::Fixed(ratio(s.resources.allocator.active_bytes, s.resources.allocator.allocated_bytes), 2)
    }),
    Statistic::new("allocator_frag_bytes", |s| {
        difference(s.resources.allocator.active_bytes, s.resources.allocator.allocated_bytes)
    }),
    Statistic::new("allocator_rss_ratio", |s| {
        Value::Fixed(ratio(s.resources.allocator.resident_bytes, s.resources.allocator.active_bytes), 2)
    }),
    Statistic::new("allocator_rss_bytes", |s| {
        difference(s.resources.allocator.resident_bytes, s.resources.allocator.active_bytes)
    }),
    Statistic::new("rss_overhead_ratio", |s| {
        Value::Fixed(ratio(s.resources.process.resident_bytes, s.resources.allocator.resident_bytes), 2)
    }),
    Statistic::new("rss_overhead_bytes", |s| {
        difference(s.resources.process.resident_bytes, s.resources.allocator.resident_bytes)
    }),
    Statistic::new("mem_fragmentation_ratio", |s| Value::Fixed(s.resources.fragmentation(), 2))
        .gauge("memory_fragmentation_ratio", "Bytes of the process in RAM over bytes in use."),
    Statistic::new("mem_fragmentation_bytes", |s| {
        difference(s.resources.process.resident_bytes, s.resources.used_bytes)
    }),
    Statistic::new("mem_not_counted_for_evict", |s| Value::Count(s.persistence.log.buffer_bytes)),
    Statistic::zero("mem_replication_backlog"),
    Statistic::zero("mem_total_replication_buffers"),
    Statistic::zero("mem_replica_full_sync_buffer"),
    Statistic::zero("mem_clients_slaves"),
    Statistic::new("mem_clients_normal", |s| Value::Count(s.clients.memory.bytes() as u64))
        .gauge("client_bytes", "Bytes that clients take, most of it for what they have sent and are to be sent."),
    Statistic::zero("mem_cluster_links"),
    Statistic::new("mem_aof_buffer", |s| Value::Count(s.persistence.log.buffer_bytes)),
    Statistic::new("mem_allocator", |s| Value::text(&*s.resources.host.allocator)),
    Statistic::zero("mem_overhead_db_hashtable_rehashing"),
    Statistic::zero("active_defrag_running"),
    Statistic::new("lazyfree_pending_objects", |s| Value::Count(s.counters.free_later_pending)),
    Statistic::new("lazyfreed_objects", |s| Value::Count(s.counters.freed_later)),
];

fn difference(more: u64, less: u64) -> Value {
    Value::Int(more as i64 - less as i64)
}

fn peak_percent(server: &Server) -> f64 {
    ratio(server.resources.used_bytes, server.resources.peak_bytes) * 100.0
}

fn policy(server: &Server) -> Value {
    let labels = vec![("policy", server.config.maxmemory_policy.word().to_string())];
    Value::Samples(vec![Sample { labels, value: 1.0 }])
}
