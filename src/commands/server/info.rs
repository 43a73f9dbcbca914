//! INFO and ROLE: what the server says of itself.

use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::row::{Arity, Category, Command, Done, Flag, Outcome};
use crate::server::report::{Selection, info as report};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&INFO, &ROLE];

/// INFO: statistics by section.
static INFO: Command = Command::server("info", info)
    .arity(Arity::AtLeast(1))
    .flags(&[Flag::Loading, Flag::Stale])
    .categories(&[Category::Dangerous])
    .since("1.0.0")
    .complexity("O(1)")
    .summary("Returns information and statistics about the server.")
    .syntax("[section [section ...]]")
    .history(&[("7.0.0", "Added support for taking multiple section arguments.")])
    .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"]);

fn info(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let selection = Selection::of(args.from(1));
    cx.server.read_resources();
    if selection.tells_of_keys() {
        cx.server.ask_for_census();
    }
    cx.reply.verbatim("txt", report(cx.server, &selection).as_bytes());
    Ok(Done)
}

/// ROLE: a primary, how much it has logged for replicas, and which it has.
static ROLE: Command = Command::server("role", role)
    .arity(Arity::Exactly(1))
    .flags(&[Flag::NoScript, Flag::Loading, Flag::Stale, Flag::Fast])
    .categories(&[Category::Admin, Category::Dangerous])
    .since("2.8.12")
    .complexity("O(1)")
    .summary("Returns the replication role.");

fn role(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    cx.reply.array(3);
    cx.reply.bulk(b"master");
    cx.reply.int(0);
    cx.reply.array(0);
    Ok(Done)
}
