//! CLIENT PAUSE and UNPAUSE: calls wait in their places.

use super::{ADMIN, CLIENT};
use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::error::Error;
use crate::commands::help;
use crate::commands::row::{Arity, Command, Done, Outcome};
use crate::server::pause::Paused;

/// CLIENT PAUSE: writes or all calls wait for some milliseconds.
pub(super) static PAUSE: Command = Command::server("pause", pause)
    .arity(Arity::AtLeast(3))
    .flags(ADMIN)
    .since("3.0.0")
    .complexity("O(1)")
    .summary("Suspends commands processing.")
    .syntax("timeout:integer [WRITE | ALL]@mode^6.2.0")
    .history(&[("6.2.0", "`CLIENT PAUSE WRITE` mode added along with the `mode` option.")]);

fn pause(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let paused = match args.len() {
        3 => Paused::All,
        4 if args.is(3, "write") => Paused::Writes,
        4 if args.is(3, "all") => Paused::All,
        4 => return Err(Error::Text("ERR CLIENT PAUSE mode must be WRITE or ALL")),
        _ => return Err(help::wrong_words(&CLIENT, args)),
    };
    let ttl_ms = args.int(2).map_err(|_| Error::Text("ERR timeout is not an integer or out of range"))?;
    let ttl_ms = u64::try_from(ttl_ms).map_err(|_| Error::Text("ERR timeout is negative"))?;
    // Redis keeps the end as a signed time since 1970.
    if cx.server.time.wall_ms().saturating_add(ttl_ms) > i64::MAX as u64 {
        return Err(Error::Text("ERR timeout is out of range"));
    }
    cx.server.pause(paused, ttl_ms);
    cx.reply.ok();
    Ok(Done)
}

/// CLIENT UNPAUSE: they go on.
pub(super) static UNPAUSE: Command = Command::server("unpause", unpause)
    .arity(Arity::Exactly(2))
    .flags(ADMIN)
    .since("6.2.0")
    .complexity("O(N) Where N is the number of paused clients")
    .summary("Resumes processing commands from paused clients.");

fn unpause(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    cx.server.unpause();
    cx.reply.ok();
    Ok(Done)
}
