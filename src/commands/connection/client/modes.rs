//! How a connection is treated: CLIENT NO-EVICT, NO-TOUCH, REPLY, and Valkey's IMPORT-SOURCE.

use super::{ADMIN, ANYBODY};
use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::error::Error;
use crate::commands::row::{Arity, Command, Done, Outcome};
use crate::server::clients::Answers;
use crate::server::gates;

/// CLIENT NO-EVICT: whether `maxmemory-clients` is to spare the connection.
pub(super) static NO_EVICT: Command = Command::server("no-evict", no_evict)
    .arity(Arity::Exactly(3))
    .flags(ADMIN)
    .since("7.0.0")
    .complexity("O(1)")
    .summary("Sets the client eviction mode of the connection.")
    .syntax("ON | OFF");

fn no_evict(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    cx.server.clients.get_mut(cx.client).no_evict = parse_switch(args)?;
    cx.reply.ok();
    Ok(Done)
}

/// CLIENT NO-TOUCH: whether the connection's reads are uses.
pub(super) static NO_TOUCH: Command = Command::server("no-touch", no_touch)
    .arity(Arity::Exactly(3))
    .flags(ANYBODY)
    .since("7.2.0")
    .complexity("O(1)")
    .summary("Controls whether commands sent by the client affect the LRU/LFU of accessed keys.")
    .syntax("ON | OFF");

fn no_touch(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let is_on = parse_switch(args)?;
    let client = cx.server.clients.get_mut(cx.client);
    client.no_touch = is_on;
    client.raised = if is_on { client.raised | gates::NO_TOUCH } else { client.raised & !gates::NO_TOUCH };
    cx.reply.ok();
    Ok(Done)
}

fn parse_switch(args: &Args<'_>) -> Result<bool, Error> {
    match args.word(2).as_str() {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(Error::Syntax),
    }
}

/// CLIENT REPLY: which answers the connection hears.
pub(super) static REPLY: Command = Command::server("reply", reply)
    .arity(Arity::Exactly(3))
    .flags(ANYBODY)
    .since("3.2.0")
    .complexity("O(1)")
    .summary("Instructs the server whether to reply to commands.")
    .syntax("<ON | OFF | SKIP>@action");

/// The gate takes the answers back behind each call that met it; the call that raises it does not meet it, and answers nothing.
fn reply(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let client = cx.server.clients.get_mut(cx.client);
    let is_muted = client.raised & gates::MUTED != 0;
    match args.word(2).as_str() {
        "on" => {
            client.answers = Answers::On;
            cx.reply.ok();
            return Ok(Done);
        }
        "off" => client.answers = Answers::Off,
        "skip" if client.answers == Answers::Off => {}
        // This call is itself a skipped one: the next is behind it.
        "skip" if is_muted => client.answers = Answers::SkipNext,
        "skip" => client.answers = Answers::Skip,
        _ => return Err(Error::Syntax),
    }
    client.raised |= gates::MUTED;
    Ok(Done)
}

/// CLIENT IMPORT-SOURCE: for an import mode, which there is not.
pub(super) static IMPORT_SOURCE: Command = Command::server("import-source", import_source)
    .arity(Arity::Exactly(3))
    .flags(ANYBODY)
    .since("8.1.0")
    .complexity("O(1)")
    .summary("Marks this client as an import source when the server is in import mode.")
    .syntax("ON | OFF");

fn import_source(_: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    Err(Error::Text("ERR Server is not in import mode"))
}
