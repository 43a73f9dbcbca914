//! Waiting for replicas: WAIT.

use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::error::Error;
use crate::commands::row::{Arity, Category, Command, Done, Flag, Outcome};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&WAIT];

/// WAIT: how many replicas have acknowledged all writes so far. There are none, so there is nothing to wait for.
static WAIT: Command = Command::data("wait", wait)
    .arity(Arity::Exactly(3))
    .flags(&[Flag::Blocking])
    .categories(&[Category::Connection])
    .since("3.0.0")
    .complexity("O(1)")
    .summary("Blocks until the asynchronous replication of all preceding write commands sent by the connection is completed.")
    .syntax("numreplicas timeout:integer")
    .tips(&["request_policy:all_shards", "response_policy:agg_min"]);

fn wait(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    args.int(1)?;
    match args.int(2) {
        Err(_) => return Err(Error::Text("ERR timeout is not an integer or out of range")),
        Ok(..0) => return Err(Error::Text("ERR timeout is negative")),
        Ok(ms) if ms > i64::MAX - cx.now_ms() as i64 => return Err(Error::Text("ERR timeout is out of range")),
        Ok(_) => cx.reply.int(0),
    }
    Ok(Done)
}
