//! LATENCY: spikes by event, and how long each command takes.

use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::help;
use crate::commands::registry::{self, CommandId};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::error;
use crate::server::observe::latency_doctor::{self, Circumstances};
use crate::server::observe::latency_graph::graph;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&LATENCY];

const ADMIN: &[Flag] = &[Flag::Admin, Flag::NoScript, Flag::Loading, Flag::Stale];
const TIPS: &[&str] = &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"];

/// LATENCY: a container.
static LATENCY: Command =
    Command::container("latency", &[&DOCTOR, &GRAPH, &HISTORY, &LATEST, &RESET, &HISTOGRAM, &HELP])
        .since("2.8.13")
        .complexity("Depends on subcommand.")
        .summary("A container for latency diagnostics commands.");

/// LATENCY DOCTOR: the spikes in words.
static DOCTOR: Command = Command::server("doctor", doctor)
    .arity(Arity::Exactly(2))
    .flags(ADMIN)
    .since("2.8.13")
    .complexity("O(1)")
    .summary("Returns a human-readable latency analysis report.")
    .tips(TIPS);

fn doctor(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    let config = &cx.server.config;
    let circumstances = Circumstances {
        now_seconds: (cx.server.time.wall_us / 1_000_000) as i64,
        threshold_ms: config.latency_monitor_threshold_ms,
        slow_log_threshold_us: u64::try_from(config.slowlog_log_slower_than_us).ok(),
        huge_page_bytes: 0,
    };
    cx.reply.verbatim("txt", latency_doctor::report(&cx.server.latency, &circumstances).as_bytes());
    Ok(Done)
}

/// LATENCY GRAPH: an event's spikes as a picture.
static GRAPH: Command = Command::server("graph", draw)
    .arity(Arity::Exactly(3))
    .flags(ADMIN)
    .since("2.8.13")
    .complexity("O(1)")
    .summary("Returns a latency graph for an event.")
    .syntax("event")
    .tips(TIPS);

fn draw(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let event = args.get(2);
    let Some(series) = cx.server.latency.event(event) else {
        return Err(error!("ERR No samples available for event '{}'", String::from_utf8_lossy(event)));
    };
    let text = graph(series, (cx.server.time.wall_us / 1_000_000) as i64);
    cx.reply.verbatim("txt", text.as_bytes());
    Ok(Done)
}

/// LATENCY HISTORY: an event's spikes.
static HISTORY: Command = Command::server("history", history)
    .arity(Arity::Exactly(3))
    .flags(ADMIN)
    .since("2.8.13")
    .complexity("O(1)")
    .summary("Returns timestamp-latency samples for an event.")
    .syntax("event")
    .tips(TIPS);

fn history(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let Some(series) = cx.server.latency.event(args.get(2)) else {
        cx.reply.array(0);
        return Ok(Done);
    };
    let samples = series.samples();
    cx.reply.array(samples.len());
    for sample in samples {
        cx.reply.array(2);
        cx.reply.int(sample.unix_time_seconds);
        cx.reply.int(sample.latency_ms as i64);
    }
    Ok(Done)
}

/// LATENCY LATEST: the newest and the worst spike of each event.
static LATEST: Command = Command::server("latest", latest)
    .arity(Arity::Exactly(2))
    .flags(ADMIN)
    .since("2.8.13")
    .complexity("O(1)")
    .summary("Returns the latest latency samples for all events.")
    .tips(TIPS);

fn latest(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    let events = cx.server.latency.events();
    cx.reply.array(events.len());
    for series in events {
        let newest = series.newest();
        cx.reply.array(4);
        cx.reply.bulk(series.event().as_bytes());
        cx.reply.int(newest.unix_time_seconds);
        cx.reply.int(newest.latency_ms as i64);
        cx.reply.int(series.max_ms() as i64);
    }
    Ok(Done)
}

/// LATENCY RESET: forgets the spikes of some events, or of all.
static RESET: Command = Command::server("reset", reset)
    .arity(Arity::AtLeast(2))
    .flags(ADMIN)
    .since("2.8.13")
    .complexity("O(1)")
    .summary("Resets the latency data for one or more events.")
    .syntax("[event [event ...]]")
    .tips(&["request_policy:all_nodes", "response_policy:agg_sum"]);

fn reset(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let latency = &mut cx.server.latency;
    let forgotten = match args.len() {
        2 => latency.reset_all(),
        _ => args.from(2).map(|event| latency.reset(event)).sum(),
    };
    cx.reply.int(forgotten as i64);
    Ok(Done)
}

/// LATENCY HISTOGRAM: how long calls took, by command.
static HISTOGRAM: Command = Command::server("histogram", histogram)
    .arity(Arity::AtLeast(2))
    .flags(ADMIN)
    .since("7.0.0")
    .complexity("O(N) where N is the number of commands with latency information being retrieved.")
    .summary("Returns the cumulative distribution of latencies of a subset or all commands.")
    .syntax("[command [command ...]]")
    .tips(TIPS);

fn histogram(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let all = registry::all();
    let asked: Vec<CommandId> = match args.len() {
        2 => (0..all.len()).collect(),
        _ => args.from(2).filter_map(registry::find_full).flat_map(with_children).collect(),
    };
    let stats = &cx.server.commands;
    let found: Vec<_> = asked.into_iter().filter_map(|id| Some((id, stats.command(id).histogram_us()?))).collect();
    cx.reply.map(found.len());
    for (id, buckets) in found {
        cx.reply.bulk(all[id].full_name.as_bytes());
        cx.reply.map(2);
        cx.reply.bulk(b"calls");
        cx.reply.int(buckets.last().map_or(0, |&(_, calls)| calls as i64));
        cx.reply.bulk(b"histogram_usec");
        cx.reply.map(buckets.len());
        for (bound_us, calls) in buckets {
            cx.reply.int(bound_us as i64);
            cx.reply.int(calls as i64);
        }
    }
    Ok(Done)
}

fn with_children(id: CommandId) -> impl Iterator<Item = CommandId> {
    std::iter::once(id).chain(registry::all()[id].children.iter().copied())
}

/// LATENCY HELP: the subcommands.
static HELP: Command = help::row("2.8.13", |cx, _| help::answer(cx, &LATENCY));
