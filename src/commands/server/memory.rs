//! MEMORY: what keys take, what the server takes, what the allocator makes of it.

use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::error::Error;
use crate::commands::help;
use crate::commands::key_spec::{Access, Purpose, key_at};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::server::Server;
use crate::server::report::human;
use crate::server::resources::ratio;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&MEMORY];

const PER_SHARD: &[&str] = &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"];

/// MEMORY: a container.
static MEMORY: Command = Command::container("memory", &[&DOCTOR, &MALLOC_STATS, &PURGE, &STATS, &USAGE, &HELP])
    .since("4.0.0")
    .complexity("Depends on subcommand.")
    .summary("A container for memory diagnostics commands.");

/// MEMORY USAGE: bytes that a key and its value take.
static USAGE: Command = Command::server("usage", usage)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::ReadOnly])
    .keys(&[key_at(2, Access::ReadOnly, Purpose::None)])
    .since("4.0.0")
    .complexity("O(N) where N is the number of samples.")
    .summary("Estimates the memory usage of a key.")
    .syntax("key [SAMPLES count]")
    .help("key [SAMPLES count]", &["All elements count, whatever the number of samples."]);

/// The number of samples is checked and not needed: what a value takes is counted, not estimated.
fn usage(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let mut i = 3;
    while i < args.len() {
        if !args.is(i, "samples") || i + 1 == args.len() {
            return Err(Error::Syntax);
        }
        if args.int(i + 1)? < 0 {
            return Err(Error::Syntax);
        }
        i += 2;
    }
    let db = cx.db();
    match db.peek(args.get(2)).map(|handle| db.key_bytes(handle)) {
        Some(bytes) => cx.reply.int(bytes as i64),
        None => cx.reply.null(),
    }
    Ok(Done)
}

/// MEMORY STATS: where the memory is.
static STATS: Command = Command::server("stats", stats)
    .arity(Arity::Exactly(2))
    .since("4.0.0")
    .complexity("O(1)")
    .summary("Returns details about memory usage.")
    .tips(PER_SHARD);

/// A field of MEMORY STATS.
enum Field {
    Bytes(u64),
    Signed(i64),
    Ratio(f64),
}

fn stats(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    cx.server.read_resources();
    let server = &*cx.server;
    let tables: Vec<_> = server.keyspace.all().iter().enumerate().filter(|(_, db)| db.holds_pages()).collect();
    let (before, after) = (parts(server), wholes(server));
    cx.reply.map(before.len() + tables.len() + after.len());
    let write = |reply: &mut crate::formats::resp::reply::Reply, fields: Vec<(&str, Field)>| {
        for (name, field) in fields {
            reply.bulk(name.as_bytes());
            match field {
                Field::Bytes(n) => reply.int(n as i64),
                Field::Signed(n) => reply.int(n),
                Field::Ratio(x) => reply.double(x),
            }
        }
    };
    write(cx.reply, before);
    for (number, db) in tables {
        cx.reply.bulk(format!("db.{number}").as_bytes());
        cx.reply.map(2);
        cx.reply.bulk(b"overhead.hashtable.main");
        cx.reply.int(db.table_bytes() as i64);
        cx.reply.bulk(b"overhead.hashtable.expires");
        cx.reply.int(0);
    }
    write(cx.reply, after);
    Ok(Done)
}

/// The fields before those of the databases.
fn parts(server: &Server) -> Vec<(&'static str, Field)> {
    let r = &server.resources;
    vec![
        ("peak.allocated", Field::Bytes(r.peak_bytes)),
        ("total.allocated", Field::Bytes(r.used_bytes)),
        ("startup.allocated", Field::Bytes(r.startup_bytes)),
        ("replication.backlog", Field::Bytes(0)),
        ("replica.fullsync.buffer", Field::Bytes(0)),
        ("clients.slaves", Field::Bytes(0)),
        ("clients.normal", Field::Bytes(server.clients.memory.bytes() as u64)),
        ("cluster.links", Field::Bytes(0)),
        ("aof.buffer", Field::Bytes(server.persistence.log.buffer_bytes)),
        ("lua.caches", Field::Bytes(0)),
        ("functions.caches", Field::Bytes(0)),
        ("script.VMs", Field::Bytes(0)),
    ]
}

/// The fields behind those of the databases.
fn wholes(server: &Server) -> Vec<(&'static str, Field)> {
    let (r, a) = (&server.resources, &server.resources.allocator);
    let keys: usize = server.keyspace.all().iter().map(|db| db.len()).sum();
    let less = |more: u64, less: u64| Field::Signed(more as i64 - less as i64);
    vec![
        ("overhead.db.hashtable.lut", Field::Bytes(0)),
        ("overhead.db.hashtable.rehashing", Field::Bytes(0)),
        ("overhead.total", Field::Bytes(server.overhead_bytes())),
        ("db.dict.rehashing.count", Field::Bytes(0)),
        ("keys.count", Field::Bytes(keys as u64)),
        ("keys.bytes-per-key", Field::Bytes(server.dataset_bytes().checked_div(keys as u64).unwrap_or(0))),
        ("dataset.bytes", Field::Bytes(server.dataset_bytes())),
        ("dataset.percentage", Field::Ratio(server.dataset_percent())),
        ("peak.percentage", Field::Ratio(ratio(r.used_bytes, r.peak_bytes) * 100.0)),
        ("allocator.allocated", Field::Bytes(a.allocated_bytes)),
        ("allocator.active", Field::Bytes(a.active_bytes)),
        ("allocator.resident", Field::Bytes(a.resident_bytes)),
        ("allocator.muzzy", Field::Bytes(a.muzzy_bytes)),
        ("allocator-fragmentation.ratio", Field::Ratio(ratio(a.active_bytes, a.allocated_bytes))),
        ("allocator-fragmentation.bytes", less(a.active_bytes, a.allocated_bytes)),
        ("allocator-rss.ratio", Field::Ratio(ratio(a.resident_bytes, a.active_bytes))),
        ("allocator-rss.bytes", less(a.resident_bytes, a.active_bytes)),
        ("rss-overhead.ratio", Field::Ratio(ratio(r.process.resident_bytes, a.resident_bytes))),
        ("rss-overhead.bytes", less(r.process.resident_bytes, a.resident_bytes)),
        ("fragmentation", Field::Ratio(r.fragmentation())),
        ("fragmentation.bytes", less(r.process.resident_bytes, r.used_bytes)),
    ]
}

/// MEMORY DOCTOR: what looks wrong, in words.
static DOCTOR: Command = Command::server("doctor", doctor)
    .arity(Arity::Exactly(2))
    .since("4.0.0")
    .complexity("O(1)")
    .summary("Outputs a memory problems report.")
    .tips(PER_SHARD);

/// Less than this is not worth a diagnosis.
const WORTH_DIAGNOSIS_BYTES: u64 = 5 << 20;
/// Ratios matter only where this many bytes are behind them.
const WORTH_MENTION_BYTES: u64 = 10 << 20;
/// Buffers of a client, on average, that are large.
const LARGE_BUFFERS_BYTES: u64 = 200 << 10;

fn doctor(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    cx.server.read_resources();
    cx.reply.verbatim("txt", diagnosis(cx.server).as_bytes());
    Ok(Done)
}

/// The thresholds are Redis's.
fn diagnosis(server: &Server) -> String {
    let (r, a) = (&server.resources, &server.resources.allocator);
    if r.used_bytes < WORTH_DIAGNOSIS_BYTES {
        return format!("The server uses {} only: too little to say anything about.\n", human(r.used_bytes));
    }
    let exceeds = |more: u64, less: u64, limit: f64| {
        less > 0 && ratio(more, less) > limit && more.saturating_sub(less) > WORTH_MENTION_BYTES
    };
    let clients = server.clients.len().max(1) as u64;
    let findings = [
        (
            ratio(r.peak_bytes, r.used_bytes) > 1.5,
            format!(
                "Peak: memory in use was {} at its peak, more than 1.5 times what it is now ({}). Pages from then may still be in RAM; \
                 new data will use them, and MEMORY PURGE gives back what is free.",
                human(r.peak_bytes),
                human(r.used_bytes)
            ),
        ),
        (
            exceeds(r.process.resident_bytes, r.used_bytes, 1.4),
            format!(
                "RAM: the process takes {}, {:.2} times what is in use. A former peak or fragmentation is behind it. The \
                 allocator is {}.",
                human(r.process.resident_bytes),
                r.fragmentation(),
                r.host.allocator
            ),
        ),
        (
            exceeds(a.active_bytes, a.allocated_bytes, 1.1),
            "Fragmentation: the allocator's pages are less than ten elevenths full.".to_string(),
        ),
        (
            exceeds(a.resident_bytes, a.active_bytes, 1.1),
            "Idle pages: the allocator holds pages with nothing in them. MEMORY PURGE gives them back.".to_string(),
        ),
        (
            exceeds(r.process.resident_bytes, a.resident_bytes, 1.1),
            "Outside of the allocator: the process holds much memory that the allocator does not know of.".to_string(),
        ),
        (
            server.clients.memory.buffer_bytes() as u64 / clients > LARGE_BUFFERS_BYTES,
            format!(
                "Clients: their buffers take {} for each on average. CLIENT LIST says whose they are: clients that do not read \
                 their replies, or that send very long pipelines.",
                human(server.clients.memory.buffer_bytes() as u64 / clients)
            ),
        ),
    ];
    let told: Vec<String> =
        findings.into_iter().filter(|(is_found, _)| *is_found).map(|(_, text)| format!(" * {text}\n\n")).collect();
    match told.is_empty() {
        true => "No trouble with memory was found.\n".into(),
        false => format!("What was found:\n\n{}", told.concat()),
    }
}

/// MEMORY MALLOC-STATS: the allocator's own report.
static MALLOC_STATS: Command = Command::server("malloc-stats", malloc_stats)
    .arity(Arity::Exactly(2))
    .since("4.0.0")
    .complexity("Depends on how much memory is allocated, could be slow")
    .summary("Returns the allocator statistics.")
    .tips(PER_SHARD);

fn malloc_stats(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    let report = cx.server.resources.platform.allocator_report();
    match report.is_empty() {
        true => cx.reply.bulk(b"Stats not supported for the current allocator"),
        false => cx.reply.verbatim("txt", report.as_bytes()),
    }
    Ok(Done)
}

/// MEMORY PURGE: free pages go back to the kernel.
static PURGE: Command = Command::server("purge", purge)
    .arity(Arity::Exactly(2))
    .since("4.0.0")
    .complexity("Depends on how much memory is allocated, could be slow")
    .summary("Asks the allocator to release memory.")
    .tips(&["request_policy:all_shards", "response_policy:all_succeeded"]);

fn purge(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    cx.server.resources.platform.purge();
    cx.reply.ok();
    Ok(Done)
}

/// MEMORY HELP: the subcommands.
static HELP: Command = help::row("4.0.0", |cx, _| help::answer(cx, &MEMORY));
