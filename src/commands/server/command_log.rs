//! COMMANDLOG, as Valkey has it, and SLOWLOG: the newest calls that took long, were large, or had a large reply.

use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::error::Error;
use crate::commands::help;
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::formats::resp::reply::Reply;
use crate::server::Server;
use crate::server::observe::command_log::CommandLog;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&SLOWLOG, &COMMANDLOG];

/// The logs of COMMANDLOG by their names.
const LOGS: [(&str, Log); 3] = [
    ("slow", |server| &mut server.slow_log),
    ("large-request", |server| &mut server.large_requests),
    ("large-reply", |server| &mut server.large_replies),
];
type Log = fn(&mut Server) -> &mut CommandLog;

const ENTRY_HELP: &str = "number, time since 1970, microseconds or bytes, words, client's address, client's name.";

const ADMIN: &[Flag] = &[Flag::Admin, Flag::Loading, Flag::Stale];
/// Entries that SLOWLOG GET gives when it is not told how many.
const DEFAULT_COUNT: usize = 10;

/// SLOWLOG: a container.
static SLOWLOG: Command = Command::container("slowlog", &[&SLOW_GET, &SLOW_LEN, &SLOW_RESET, &SLOW_HELP])
    .since("2.2.12")
    .complexity("Depends on subcommand.")
    .summary("A container for slow log commands.");

/// SLOWLOG GET: the newest entries.
static SLOW_GET: Command = Command::server("get", slow_get)
    .arity(Arity::AtLeast(2))
    .flags(ADMIN)
    .since("2.2.12")
    .complexity("O(N) where N is the number of entries returned")
    .summary("Returns the slow log's entries.")
    .syntax("[count]")
    .help("[count]", &["The newest 10 without a count, all with -1. Of each:", ENTRY_HELP])
    .history(&[("4.0.0", "Added client IP address, port and name to the reply.")])
    .tips(&["request_policy:all_nodes", "nondeterministic_output"]);

fn slow_get(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let count = match args.len() {
        2 => DEFAULT_COUNT,
        3 => read_count(args)?,
        _ => return Err(help::wrong_words(&SLOWLOG, args)),
    };
    print_entries(cx.reply, &cx.server.slow_log, count);
    Ok(Done)
}

/// How many entries are asked for; -1: all.
fn read_count(args: &Args<'_>) -> Result<usize, Error> {
    match args.int(2) {
        Ok(-1) => Ok(usize::MAX),
        Ok(count @ 0..) => Ok(count as usize),
        _ => Err(Error::Text("ERR count should be greater than or equal to -1")),
    }
}

fn print_entries(reply: &mut Reply, log: &CommandLog, count: usize) {
    reply.array(count.min(log.len()));
    for entry in log.newest().take(count) {
        reply.array(6);
        reply.int(entry.id as i64);
        reply.int(entry.unix_time_seconds);
        reply.int(entry.amount as i64);
        reply.bulks(entry.arguments.iter());
        reply.bulk(entry.client_address.as_bytes());
        reply.bulk(&entry.client_name);
    }
}

/// SLOWLOG LEN: how many entries there are.
static SLOW_LEN: Command = Command::server("len", slow_len)
    .arity(Arity::Exactly(2))
    .flags(ADMIN)
    .since("2.2.12")
    .complexity("O(1)")
    .summary("Returns the number of entries in the slow log.")
    .tips(&["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"]);

fn slow_len(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    cx.reply.int(cx.server.slow_log.len() as i64);
    Ok(Done)
}

/// SLOWLOG RESET: drops all entries.
static SLOW_RESET: Command = Command::server("reset", slow_reset)
    .arity(Arity::Exactly(2))
    .flags(ADMIN)
    .since("2.2.12")
    .complexity("O(N) where N is the number of entries in the slowlog")
    .summary("Clears all entries from the slow log.")
    .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"]);

fn slow_reset(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    cx.server.slow_log.reset();
    cx.reply.ok();
    Ok(Done)
}

/// SLOWLOG HELP: the subcommands.
static SLOW_HELP: Command =
    help::row("6.2.0", |cx, _| help::answer(cx, &SLOWLOG)).summary("Show helpful text about the different subcommands");

/// COMMANDLOG: a container.
static COMMANDLOG: Command =
    Command::container("commandlog", &[&COMMAND_GET, &COMMAND_LEN, &COMMAND_RESET, &COMMAND_HELP])
        .since("8.1.0")
        .complexity("Depends on subcommand.")
        .summary("A container for command log commands.");

/// COMMANDLOG GET: the newest entries of one log.
static COMMAND_GET: Command = Command::server("get", get)
    .arity(Arity::Exactly(4))
    .flags(ADMIN)
    .since("8.1.0")
    .complexity("O(N) where N is the number of entries returned")
    .summary("Returns the specified command log's entries.")
    .syntax("count <SLOW | LARGE-REQUEST | LARGE-REPLY>@type")
    .help("count <SLOW | LARGE-REQUEST | LARGE-REPLY>", &["All with a count of -1. Of each:", ENTRY_HELP])
    .tips(&["request_policy:all_nodes", "nondeterministic_output"]);

fn get(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let count = read_count(args)?;
    let log = read_log(args, 3)?(cx.server);
    print_entries(cx.reply, log, count);
    Ok(Done)
}

/// COMMANDLOG LEN: how many entries one log has.
static COMMAND_LEN: Command = Command::server("len", len)
    .arity(Arity::Exactly(3))
    .flags(ADMIN)
    .since("8.1.0")
    .complexity("O(1)")
    .summary("Returns the number of entries in the specified type of command log.")
    .syntax("<SLOW | LARGE-REQUEST | LARGE-REPLY>@type")
    .tips(&["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"]);

fn len(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    cx.reply.int(read_log(args, 2)?(cx.server).len() as i64);
    Ok(Done)
}

/// COMMANDLOG RESET: drops all entries of one log.
static COMMAND_RESET: Command = Command::server("reset", reset)
    .arity(Arity::Exactly(3))
    .flags(ADMIN)
    .since("8.1.0")
    .complexity("O(N) where N is the number of entries in the commandlog")
    .summary("Clears all entries from the specified type of command log.")
    .syntax("<SLOW | LARGE-REQUEST | LARGE-REPLY>@type")
    .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"]);

fn reset(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    read_log(args, 2)?(cx.server).reset();
    cx.reply.ok();
    Ok(Done)
}

/// COMMANDLOG HELP: the subcommands.
static COMMAND_HELP: Command = help::row("8.1.0", |cx, _| help::answer(cx, &COMMANDLOG))
    .summary("Shows helpful text about the different subcommands.");

fn read_log(args: &Args<'_>, at: usize) -> Result<Log, Error> {
    let named = LOGS.iter().find(|(name, _)| args.is(at, name));
    named
        .map(|&(_, log)| log)
        .ok_or(Error::Text("ERR type should be one of the following: slow, large-request, large-reply"))
}
