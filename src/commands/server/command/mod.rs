//! COMMAND: what commands there are, all of it from their rows.

mod docs;
mod info;
mod keys;
mod list;

use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::help;
use crate::commands::registry::{self, CommandId};
use crate::commands::row::{Arity, Category, Command, Done, Flag, Outcome};
use crate::server::config::Config;

pub(super) use keys::find_call;

/// This folder's commands.
pub const COMMANDS: &[&Command] = &[&COMMAND];

const FLAGS: &[Flag] = &[Flag::Loading, Flag::Stale];
const CATEGORIES: &[Category] = &[Category::Connection];

/// COMMAND: all commands, as COMMAND INFO tells them.
static COMMAND: Command = Command::server("command", info::all)
    .subcommands(&[&COUNT, &list::LIST, &info::INFO, &docs::DOCS, &keys::GETKEYS, &keys::GETKEYSANDFLAGS, &HELP])
    .arity(Arity::AtLeast(1))
    .flags(FLAGS)
    .categories(CATEGORIES)
    .since("2.8.13")
    .complexity("O(N) where N is the total number of Redis commands")
    .summary("Returns detailed information about all commands.")
    .tips(&["nondeterministic_output_order"]);

/// COMMAND COUNT: how many there are, without subcommands.
static COUNT: Command = Command::server("count", count)
    .arity(Arity::Exactly(2))
    .flags(FLAGS)
    .categories(CATEGORIES)
    .since("2.8.13")
    .complexity("O(1)")
    .summary("Returns a count of commands.");

fn count(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    cx.reply.int(offered(&cx.server.config).len() as i64);
    Ok(Done)
}

/// COMMAND HELP: the subcommands.
static HELP: Command = help::row("5.0.0", |cx, _| help::answer(cx, &COMMAND)).categories(CATEGORIES);

/// The commands that can be called, without subcommands: `rename-command` takes some away.
fn offered(config: &Config) -> Vec<CommandId> {
    let is_gone = |name: &str| {
        let renamed =
            config.renamed_commands.iter().rfind(|renamed| renamed.from.eq_ignore_ascii_case(name.as_bytes()));
        renamed.is_some_and(|renamed| renamed.to.is_empty())
    };
    let all = registry::all().iter().enumerate();
    all.filter(|(_, entry)| entry.parent.is_none() && !is_gone(entry.command.name)).map(|(id, _)| id).collect()
}

/// The command that is called `name` (`get`, `config|get`), whatever it was named before.
fn find(config: &Config, name: &[u8]) -> Option<CommandId> {
    let end = name.iter().position(|&byte| byte == b'|').unwrap_or(name.len());
    let (parent, rest) = name.split_at(end);
    let renamed = &config.renamed_commands;
    if let Some(new) = renamed.iter().rfind(|renamed| !parent.is_empty() && renamed.to.eq_ignore_ascii_case(parent)) {
        return registry::find_full(&[new.from.as_slice(), rest].concat());
    }
    if renamed.iter().any(|renamed| renamed.from.eq_ignore_ascii_case(parent)) {
        return None;
    }
    registry::find_full(name)
}
