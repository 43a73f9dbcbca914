//! SLOWLOG: the newest calls that took long.

use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::error::Error;
use crate::commands::help;
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&SLOWLOG];

const ADMIN: &[Flag] = &[Flag::Admin, Flag::Loading, Flag::Stale];
/// Entries that SLOWLOG GET gives when it is not told how many.
const DEFAULT_COUNT: usize = 10;

/// SLOWLOG: a container.
static SLOWLOG: Command = Command::container("slowlog", &[&GET, &LEN, &RESET, &HELP])
    .since("2.2.12")
    .complexity("Depends on subcommand.")
    .summary("A container for slow log commands.");

/// SLOWLOG GET: the newest entries.
static GET: Command = Command::server("get", get)
    .arity(Arity::AtLeast(2))
    .flags(ADMIN)
    .since("2.2.12")
    .complexity("O(N) where N is the number of entries returned")
    .summary("Returns the slow log's entries.")
    .syntax("[count]")
    .history(&[("4.0.0", "Added client IP address, port and name to the reply.")])
    .tips(&["request_policy:all_nodes", "nondeterministic_output"]);

fn get(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let count = match args.len() {
        2 => DEFAULT_COUNT,
        3 => match args.int(2) {
            Ok(-1) => usize::MAX,
            Ok(count @ 0..) => count as usize,
            _ => return Err(Error::Text("ERR count should be greater than or equal to -1")),
        },
        _ => return Err(help::wrong_words(&SLOWLOG, args)),
    };
    let log = &cx.server.slow_log;
    cx.reply.array(count.min(log.len()));
    for entry in log.newest().take(count) {
        cx.reply.array(6);
        cx.reply.int(entry.id as i64);
        cx.reply.int(entry.unix_time_seconds);
        cx.reply.int(entry.duration_us as i64);
        cx.reply.bulks(entry.arguments.iter());
        cx.reply.bulk(entry.client_address.as_bytes());
        cx.reply.bulk(&entry.client_name);
    }
    Ok(Done)
}

/// SLOWLOG LEN: how many entries there are.
static LEN: Command = Command::server("len", len)
    .arity(Arity::Exactly(2))
    .flags(ADMIN)
    .since("2.2.12")
    .complexity("O(1)")
    .summary("Returns the number of entries in the slow log.")
    .tips(&["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"]);

fn len(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    cx.reply.int(cx.server.slow_log.len() as i64);
    Ok(Done)
}

/// SLOWLOG RESET: drops all entries.
static RESET: Command = Command::server("reset", reset)
    .arity(Arity::Exactly(2))
    .flags(ADMIN)
    .since("2.2.12")
    .complexity("O(N) where N is the number of entries in the slowlog")
    .summary("Clears all entries from the slow log.")
    .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"]);

fn reset(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    cx.server.slow_log.reset();
    cx.reply.ok();
    Ok(Done)
}

/// SLOWLOG HELP: the subcommands.
static HELP: Command = Command::server("help", help)
    .arity(Arity::Exactly(2))
    .flags(&[Flag::Loading, Flag::Stale])
    .since("6.2.0")
    .complexity("O(1)")
    .summary("Show helpful text about the different subcommands");

fn help(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    help::answer(cx.reply, &SLOWLOG);
    Ok(Done)
}
