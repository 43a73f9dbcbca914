//! MODULE, as a server answers it that has none and can have none.

use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::error::Error;
use crate::commands::help;
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&MODULE];

const ADMIN: &[Flag] = &[Flag::Admin, Flag::NoScript];
const CHANGES: &[Flag] = &[Flag::Admin, Flag::NoScript, Flag::NoAsyncLoading, Flag::Protected];

/// MODULE: a container.
static MODULE: Command = Command::container("module", &[&LIST, &LOAD, &LOADEX, &UNLOAD, &HELP])
    .since("4.0.0")
    .complexity("Depends on subcommand.")
    .summary("A container for module commands.");

/// MODULE LIST: there are none.
static LIST: Command = Command::server("list", list)
    .arity(Arity::Exactly(2))
    .flags(ADMIN)
    .since("4.0.0")
    .complexity("O(N) where N is the number of loaded modules.")
    .summary("Returns all loaded modules.")
    .tips(&["nondeterministic_output_order"]);

fn list(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    cx.reply.array(0);
    Ok(Done)
}

/// MODULE LOAD: what is built in Rust here has no place for Redis's C interface.
static LOAD: Command = Command::server("load", load)
    .arity(Arity::AtLeast(3))
    .flags(CHANGES)
    .since("4.0.0")
    .complexity("O(1)")
    .summary("Loads a module.")
    .syntax("path [arg [arg ...]]");

fn load(_: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let path = args.get(2).escape_ascii();
    log::warn!("Module {path} failed to load: there are no modules here");
    Err(Error::Text("ERR Error loading the extension. Please check the server logs."))
}

/// MODULE LOADEX: the same.
static LOADEX: Command = Command::server("loadex", load)
    .arity(Arity::AtLeast(3))
    .flags(CHANGES)
    .since("7.0.0")
    .complexity("O(1)")
    .summary("Loads a module using extended parameters.")
    .syntax("path [CONFIG name value [CONFIG name value ...]]@configs [ARGS args [args ...]]");

/// MODULE UNLOAD: none has that name.
static UNLOAD: Command = Command::server("unload", unload)
    .arity(Arity::Exactly(3))
    .flags(CHANGES)
    .since("4.0.0")
    .complexity("O(1)")
    .summary("Unloads a module.")
    .syntax("name");

fn unload(_: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    Err(Error::Text("ERR Error unloading module: no such module with that name"))
}

/// MODULE HELP: the subcommands.
static HELP: Command = help::row("5.0.0", |cx, _| help::answer(cx, &MODULE));
