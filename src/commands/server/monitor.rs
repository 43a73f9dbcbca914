//! MONITOR: sees all calls.

use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::error::Error;
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&MONITOR];

/// MONITOR: from now on the connection is shown every call.
static MONITOR: Command = Command::server("monitor", monitor)
    .arity(Arity::Exactly(1))
    .flags(&[Flag::Admin, Flag::NoScript, Flag::Loading, Flag::Stale])
    .since("1.0.0")
    .complexity("")
    .summary("Listens for all requests received by the server in real-time.");

fn monitor(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    if cx.server.clients.get(cx.client).executing.is_some() {
        return Err(Error::Text("ERR MONITOR isn't allowed for DENY BLOCKING client"));
    }
    cx.server.watch_calls(cx.client);
    cx.reply.ok();
    Ok(Done)
}
