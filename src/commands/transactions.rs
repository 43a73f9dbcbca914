//! Calls that run together: MULTI, EXEC, DISCARD, WATCH, UNWATCH.

use super::args::Args;
use super::context::ServerContext;
use super::error::Error;
use super::key_spec::{Access, Purpose, keys_from};
use super::row::{Arity, Category, Command, Done, Flag, Outcome};
use crate::server::request::Request;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&DISCARD, &EXEC, &MULTI, &UNWATCH, &WATCH];

/// The lists of this group.
pub const LISTS: &[&[&Command]] = &[COMMANDS];

/// MULTI: the calls that follow are queued.
static MULTI: Command = Command::server("multi", multi)
    .arity(Arity::Exactly(1))
    .flags(&[Flag::NoScript, Flag::Loading, Flag::Stale, Flag::Fast, Flag::AllowBusy])
    .categories(&[Category::Transaction])
    .since("1.2.0")
    .complexity("O(1)")
    .summary("Starts a transaction.");

fn multi(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    let client = cx.server.clients.get_mut(cx.client);
    if client.transaction.is_some() {
        return Err(Error::Text("ERR MULTI calls can not be nested"));
    }
    client.begin_transaction();
    cx.reply.ok();
    Ok(Done)
}

/// EXEC: the queued calls run, one after the other and nothing between them, unless one was refused or a watched key has changed.
static EXEC: Command = Command::server("exec", exec)
    .arity(Arity::Exactly(1))
    .flags(&[Flag::NoScript, Flag::Loading, Flag::Stale, Flag::SkipSlowlog])
    .categories(&[Category::Transaction])
    .since("1.2.0")
    .complexity("Depends on commands in the transaction")
    .summary("Executes all commands in a transaction.");

fn exec(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    let has_expired = cx.server.has_expired_watch(cx.client);
    let client = cx.server.clients.get_mut(cx.client);
    let Some(transaction) = client.end_transaction() else {
        return Err(Error::Text("ERR EXEC without MULTI"));
    };
    let is_broken = client.watched.is_broken || has_expired;
    cx.server.clients.unwatch(cx.client);
    if transaction.is_aborted {
        return Err(Error::Text("EXECABORT Transaction discarded because of previous errors."));
    }
    if is_broken {
        cx.server.requests.push(Request::ShowWrites { client: cx.client });
        cx.reply.null_array();
        return Ok(Done);
    }
    cx.server.requests.push(Request::RunTransaction { client: cx.client, transaction });
    Ok(Done)
}

/// DISCARD: the queued calls are forgotten.
static DISCARD: Command = Command::server("discard", discard)
    .arity(Arity::Exactly(1))
    .flags(&[Flag::NoScript, Flag::Loading, Flag::Stale, Flag::Fast, Flag::AllowBusy])
    .categories(&[Category::Transaction])
    .since("2.0.0")
    .complexity("O(N), when N is the number of queued commands")
    .summary("Discards a transaction.");

fn discard(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    if cx.server.clients.get_mut(cx.client).end_transaction().is_none() {
        return Err(Error::Text("ERR DISCARD without MULTI"));
    }
    cx.server.clients.unwatch(cx.client);
    cx.reply.ok();
    Ok(Done)
}

/// WATCH: EXEC will run nothing if one of these keys changes before it.
static WATCH: Command = Command::server("watch", watch)
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::NoScript, Flag::Loading, Flag::Stale, Flag::Fast, Flag::AllowBusy])
    .keys(&[keys_from(1, -1, 1, Access::ReadOnly, Purpose::None)])
    .categories(&[Category::Transaction])
    .since("2.2.0")
    .complexity("O(1) for every key.")
    .summary("Monitors changes to keys to determine the execution of a transaction.")
    .syntax("key [key ...]");

fn watch(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let client = cx.server.clients.get(cx.client);
    if client.transaction.is_some() {
        return Err(Error::Text("ERR WATCH inside MULTI is not allowed"));
    }
    let db = client.db;
    // A broken watch makes the others pointless.
    if !client.watched.is_broken {
        for key in args.from(1) {
            let was_there = cx.server.keyspace.db(db).peek(key).is_some();
            cx.server.clients.watch(cx.client, db, key, was_there);
        }
    }
    cx.reply.ok();
    Ok(Done)
}

/// UNWATCH: no key is watched any more.
static UNWATCH: Command = Command::server("unwatch", unwatch)
    .arity(Arity::Exactly(1))
    .flags(&[Flag::NoScript, Flag::Loading, Flag::Stale, Flag::Fast, Flag::AllowBusy])
    .categories(&[Category::Transaction])
    .since("2.2.0")
    .complexity("O(1)")
    .summary("Forgets about watched keys of a transaction.");

fn unwatch(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    cx.server.clients.unwatch(cx.client);
    cx.reply.ok();
    Ok(Done)
}
