//! CLIENT KILL: ends connections, by address or by what they are.

use super::ADMIN;
use super::filter::Filter;
use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::error::Error;
use crate::commands::row::{Arity, Command, Done, Outcome};
use crate::server::clients::Closing;

const KILL_HELP: &[&str] =
    &["By filters, CLIENT LIST's, the caller's own is spared unless SKIPME NO is said; answers how many ended."];

/// CLIENT KILL: the old form ends the one at an address, the new one all that fit.
pub(super) static KILL: Command = Command::server("kill", kill)
    .arity(Arity::AtLeast(3))
    .flags(ADMIN)
    .since("2.4.0")
    .complexity("O(N) where N is the number of client connections")
    .summary("Terminates open connections.")
    .syntax(
        "<ip:port@old-format!2.8.12 | <[ID client-id]^2.8.12 | \
         [TYPE <NORMAL | MASTER^3.2.0 | SLAVE | REPLICA^5.0.0 | PUBSUB>@client-type]^2.8.12 | [USER username] | \
         [ADDR ip:port@addr] | [LADDR ip:port@laddr]^6.2.0 | [SKIPME <YES | NO>] | [MAXAGE maxage]^7.4.0 [[ID client-id] | \
         [TYPE <NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>] | [USER username] | [ADDR ip:port] | [LADDR ip:port] | \
         [SKIPME <YES | NO>] | [MAXAGE maxage] ...]>@new-format>@filter",
    )
    .help("<ip:port> | <filter> <value> [<filter> <value> ...]", KILL_HELP)
    .history(&[
        ("2.8.12", "Added new filter format."),
        ("2.8.12", "`ID` option."),
        ("3.2.0", "Added `master` type in for `TYPE` option."),
        ("5.0.0", "Replaced `slave` `TYPE` with `replica`. `slave` still supported for backward compatibility."),
        ("6.2.0", "`LADDR` option."),
        ("7.4.0", "`MAXAGE` option."),
    ]);

fn kill(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    if args.len() == 3 {
        if kill_all(cx, &Filter::at(args.get(2))) == 0 {
            return Err(Error::Text("ERR No such client"));
        }
        cx.reply.ok();
        return Ok(Done);
    }
    let mut filter = Filter::parse(cx, args)?;
    filter.spares_caller.get_or_insert(true);
    let killed = kill_all(cx, &filter);
    cx.reply.int(killed as i64);
    Ok(Done)
}

/// Ends all connections that fit; how many. The caller's own ends when it has the answer.
fn kill_all(cx: &mut ServerContext<'_>, filter: &Filter<'_>) -> usize {
    let mut killed = filter.find(cx);
    killed.retain(|&index| cx.server.clients.get(index).closing == Closing::No);
    for &index in &killed {
        cx.server.clients.end(index, Some(cx.client));
    }
    killed.len()
}
