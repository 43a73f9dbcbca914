//! CLIENT UNBLOCK: ends another client's wait for a key.

use super::ADMIN;
use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::error::Error;
use crate::commands::help;
use crate::commands::row::{Arity, Command, Done, Outcome};

/// CLIENT UNBLOCK: it is answered as if its time were up, or by an error.
pub(super) static UNBLOCK: Command = Command::server("unblock", unblock)
    .arity(Arity::AtLeast(3))
    .flags(ADMIN)
    .since("5.0.0")
    .complexity("O(log N) where N is the number of client connections")
    .summary("Unblocks a client blocked by a blocking command from a different connection.")
    .syntax("client-id [TIMEOUT | ERROR]@unblock-type");

fn unblock(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let by_error = match args.len() {
        3 => false,
        4 if args.is(3, "timeout") => false,
        4 if args.is(3, "error") => true,
        4 => return Err(Error::Text("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")),
        _ => return Err(help::wrong_words(&super::CLIENT, args)),
    };
    let id = args.int(2)?;
    let waits = |&index: &usize| cx.server.clients.get(index).wait.is_some();
    let found = u64::try_from(id).ok().and_then(|id| cx.server.clients.with_id(id)).filter(waits);
    if let Some(index) = found {
        match by_error {
            true => cx.server.end_wait_by_error(index, "UNBLOCKED client unblocked via CLIENT UNBLOCK"),
            false => cx.server.end_wait_by_timeout(index),
        }
    }
    cx.reply.int(found.is_some() as i64);
    Ok(Done)
}
