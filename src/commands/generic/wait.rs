//! Waiting for replicas and for the disk: WAIT, WAITAOF.

use crate::commands::args::Args;
use crate::commands::context::{DataContext, ServerContext, Waiting};
use crate::commands::error::Error;
use crate::commands::row::{Arity, Category, Command, Done, Flag, Outcome};
use crate::commands::timeout::in_milliseconds;
use crate::server::blocking::durable_copies;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&WAIT, &WAITAOF];

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

/// WAITAOF: whether the log is durable up to the client's last write, waiting for it if asked to. There are no replicas: who waits for
/// any waits until its time is up.
static WAITAOF: Command = Command::server("waitaof", waitaof)
    .arity(Arity::Exactly(4))
    .flags(&[Flag::Blocking])
    .categories(&[Category::Connection])
    .since("7.2.0")
    .complexity("O(1)")
    .summary(
        "Blocks until all of the preceding write commands sent by the connection are written to the append-only file of the \
         master and/or replicas.",
    )
    .syntax("numlocal:integer numreplicas:integer timeout:integer")
    .tips(&["request_policy:all_shards", "response_policy:agg_min"]);

fn waitaof(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let wants_local = match args.int(1)? {
        0 => false,
        1 => true,
        _ => return Err(Error::Text("ERR value is out of range, value must between 0 and 1")),
    };
    let Ok(replicas @ 0..) = args.int(2) else {
        return Err(Error::Text("ERR value is out of range, must be positive"));
    };
    let timeout_us = in_milliseconds(args.get(3), cx.server.time.wall_ms())?;
    if wants_local && !cx.server.config.appendonly {
        return Err(Error::Text("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."));
    }
    let is_durable = cx.server.is_logged_durably(cx.client);
    let is_enough = replicas == 0 && (is_durable || !wants_local);
    if is_enough || cx.waiting == Waiting::Never {
        durable_copies(is_durable, cx.reply);
    } else {
        let own_offset = cx.server.clients.get(cx.client).last_write_offset;
        cx.wait_for_log(if replicas > 0 { u64::MAX } else { own_offset }, timeout_us);
    }
    Ok(Done)
}
