//! SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE, SHUTDOWN: they check and answer; `dispatch` carries out what they request.

use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::error::Error;
use crate::commands::row::{Arity, Category, Command, Done, Flag, Outcome};
use crate::server::config::ShutdownFlags;
use crate::server::request::Request;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&SAVE, &BGSAVE, &BGREWRITEAOF, &LASTSAVE, &SHUTDOWN];

const SAVING: Error = Error::Text("ERR Background save already in progress");

/// SAVE: a snapshot, now.
static SAVE: Command = Command::server("save", save)
    .arity(Arity::Exactly(1))
    .flags(&[Flag::Admin, Flag::NoScript, Flag::NoAsyncLoading, Flag::NoMulti])
    .since("1.0.0")
    .complexity("O(N) where N is the total number of keys in all databases")
    .summary("Synchronously saves the database(s) to disk.");

fn save(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    if cx.server.persistence.snapshots.started_ms.is_some() {
        return Err(SAVING);
    }
    cx.server.requests.push(Request::Save { client: cx.client });
    Ok(Done)
}

/// BGSAVE: a snapshot, while clients are served.
static BGSAVE: Command = Command::server("bgsave", bgsave)
    .arity(Arity::AtLeast(1))
    .flags(&[Flag::Admin, Flag::NoScript, Flag::NoAsyncLoading])
    .since("1.0.0")
    .complexity("O(1)")
    .summary("Asynchronously saves the database(s) to disk.")
    .syntax("[SCHEDULE]")
    .history(&[("3.2.2", "Added the `SCHEDULE` option.")]);

fn bgsave(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let schedule = match args.len() {
        1 => false,
        2 if args.is(1, "schedule") => true,
        2 if args.is(1, "cancel") => return cancel(cx),
        _ => return Err(Error::Syntax),
    };
    let in_transaction = is_in_transaction(cx);
    let state = &mut cx.server.persistence;
    if state.snapshots.started_ms.is_some() {
        return Err(SAVING);
    }
    if state.log.rewrite_started_ms.is_none() && !in_transaction {
        cx.server.requests.push(Request::StartSnapshot);
        cx.reply.simple("Background saving started");
    } else if schedule || in_transaction {
        state.snapshots.scheduled = true;
        cx.reply.simple("Background saving scheduled");
    } else {
        return Err(Error::Text(
            "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a \
             BGSAVE whenever possible.",
        ));
    }
    Ok(Done)
}

/// Whether EXEC runs the call. What is saved then comes behind the transaction: half of one is the state at no moment.
fn is_in_transaction(cx: &ServerContext<'_>) -> bool {
    cx.server.clients.get(cx.client).executing.is_some()
}

/// BGSAVE CANCEL (Valkey): no snapshot after all.
fn cancel(cx: &mut ServerContext<'_>) -> Outcome {
    let state = &mut cx.server.persistence.snapshots;
    if state.started_ms.is_some() {
        cx.server.requests.push(Request::CancelSnapshot);
        cx.reply.simple("Background saving cancelled");
    } else if std::mem::take(&mut state.scheduled) {
        cx.reply.simple("Scheduled background saving cancelled");
    } else {
        return Err(Error::Text("ERR Background saving is currently not in progress or scheduled"));
    }
    Ok(Done)
}

/// BGREWRITEAOF: a new base for the log, while clients are served.
static BGREWRITEAOF: Command = Command::server("bgrewriteaof", bgrewriteaof)
    .arity(Arity::Exactly(1))
    .flags(&[Flag::Admin, Flag::NoScript, Flag::NoAsyncLoading])
    .since("1.0.0")
    .complexity("O(1)")
    .summary("Asynchronously rewrites the append-only file to disk.");

fn bgrewriteaof(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    let in_transaction = is_in_transaction(cx);
    let state = &mut cx.server.persistence;
    if state.log.rewrite_started_ms.is_some() {
        return Err(Error::Text("ERR Background append only file rewriting already in progress"));
    }
    if state.snapshots.started_ms.is_some() || in_transaction {
        state.log.rewrite_scheduled = true;
        state.log.rewrite_failures_in_a_row = 0;
        cx.reply.simple("Background append only file rewriting scheduled");
    } else {
        cx.server.requests.push(Request::StartRewrite);
        cx.reply.simple("Background append only file rewriting started");
    }
    Ok(Done)
}

/// LASTSAVE: when the last snapshot was done.
static LASTSAVE: Command = Command::server("lastsave", lastsave)
    .arity(Arity::Exactly(1))
    .flags(&[Flag::Loading, Flag::Stale, Flag::Fast])
    .categories(&[Category::Admin, Category::Dangerous])
    .since("1.0.0")
    .complexity("O(1)")
    .summary("Returns the Unix timestamp of the last successful save to disk.")
    .tips(&["nondeterministic_output"]);

fn lastsave(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    cx.reply.int(cx.server.persistence.snapshots.last_save_seconds as i64);
    Ok(Done)
}

/// SHUTDOWN: the end, with a snapshot or without; answers only when it cannot be.
static SHUTDOWN: Command = Command::server("shutdown", shutdown)
    .arity(Arity::AtLeast(1))
    .flags(&[Flag::Admin, Flag::NoScript, Flag::Loading, Flag::Stale, Flag::NoMulti, Flag::AllowBusy])
    .since("1.0.0")
    .complexity(
        "O(N) when saving, where N is the total number of keys in all databases when saving data, otherwise O(1)",
    )
    .summary("Synchronously saves the database(s) to disk and shuts down the Redis server.")
    .syntax("[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]")
    .history(&[("7.0.0", "Added the `NOW`, `FORCE` and `ABORT` modifiers.")]);

fn shutdown(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let (mut flags, mut abort) = (ShutdownFlags::default(), false);
    for i in 1..args.len() {
        match args.word(i).as_str() {
            "nosave" => flags.nosave = true,
            "save" => flags.save = true,
            "now" => flags.now = true,
            "force" => flags.force = true,
            "abort" => abort = true,
            _ => return Err(Error::Syntax),
        }
    }
    if abort && flags != ShutdownFlags::default() || flags.save && flags.nosave {
        return Err(Error::Syntax);
    }
    if !abort {
        cx.server.requests.push(Request::Shutdown(flags));
    } else if cx.server.ending_signal.take().is_some() {
        log::info!("Shutdown manually aborted.");
        cx.reply.ok();
    } else {
        return Err(Error::Text("ERR No shutdown in progress."));
    }
    Ok(Done)
}
