//! COMMAND GETKEYS and GETKEYSANDFLAGS: the keys in a call.

use super::info::write_use;
use super::{CATEGORIES, FLAGS, find};
use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::error::Error;
use crate::commands::key_spec::KeyUse;
use crate::commands::registry::{self, CommandId};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::server::config::Config;

/// COMMAND GETKEYS: the keys of a call.
pub(super) static GETKEYS: Command = Command::server("getkeys", getkeys)
    .arity(Arity::AtLeast(3))
    .flags(FLAGS)
    .categories(CATEGORIES)
    .since("2.8.13")
    .complexity("O(N) where N is the number of arguments to the command")
    .summary("Extracts the key names from an arbitrary command.")
    .syntax("command [arg [arg ...]]");

fn getkeys(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let call = args.behind(2);
    let found = keys_of(&cx.server.config, &call)?;
    cx.reply.bulks(found.iter().map(|&(i, _)| call.get(i)));
    Ok(Done)
}

/// COMMAND GETKEYSANDFLAGS: the same, with what is done to each.
pub(super) static GETKEYSANDFLAGS: Command = Command::server("getkeysandflags", getkeysandflags)
    .arity(Arity::AtLeast(3))
    .flags(FLAGS)
    .categories(CATEGORIES)
    .since("7.0.0")
    .complexity("O(N) where N is the number of arguments to the command")
    .summary("Extracts the key names and access flags for an arbitrary command.")
    .syntax("command [arg [arg ...]]");

fn getkeysandflags(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let call = args.behind(2);
    let found = keys_of(&cx.server.config, &call)?;
    cx.reply.array(found.len());
    for (i, key_use) in found {
        cx.reply.array(2);
        cx.reply.bulk(call.get(i));
        write_use(cx.reply, key_use, &[]);
    }
    Ok(Done)
}

/// The words of a call that are keys, in the order of the key specifications.
fn keys_of(config: &Config, call: &Args<'_>) -> Result<Vec<(usize, KeyUse)>, Error> {
    let id = find_call(config, call).ok_or(Error::Text("ERR Invalid command specified"))?;
    let command = registry::all()[id].command;
    if command.keys.is_empty() {
        return Err(Error::Text("ERR The command has no key arguments"));
    }
    if !command.arity.fits(call.len()) {
        return Err(Error::Text("ERR Invalid number of arguments specified for command"));
    }
    let invalid = Error::Text("ERR Invalid arguments specified for command");
    let mut found = Vec::new();
    for spec in command.keys {
        let positions = spec.positions(call).ok_or(invalid.clone())?;
        found.extend(positions.map(|i| (i, spec.use_in(call))));
    }
    if found.is_empty() && !command.has(Flag::NoMandatoryKeys) {
        return Err(invalid);
    }
    Ok(found)
}

/// The row of a call: a container's subcommand, when it names one.
pub(in crate::commands::server) fn find_call(config: &Config, call: &Args<'_>) -> Option<CommandId> {
    let id = find(config, call.get(0)).filter(|_| !call.get(0).contains(&b'|'))?;
    let children = &registry::all()[id].children;
    if children.is_empty() || call.len() < 2 {
        return Some(id);
    }
    let is_named =
        |child: &&CommandId| registry::all()[**child].command.name.as_bytes().eq_ignore_ascii_case(call.get(1));
    children.iter().find(is_named).copied()
}
