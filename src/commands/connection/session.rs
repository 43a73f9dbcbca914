//! The small talk of a connection: PING, ECHO, SELECT, RESET, QUIT.

use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::error::Error;
use crate::commands::reach::Databases;
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::formats::resp::reply::Protocol;
use crate::server::clients::Closing;
use crate::server::gates;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&PING, &ECHO, &SELECT, &RESET, &QUIT];

/// PING: whether the server answers.
static PING: Command = Command::server("ping", ping)
    .arity(Arity::AtLeast(1))
    .flags(&[Flag::Fast])
    .since("1.0.0")
    .complexity("O(1)")
    .summary("Returns the server's liveliness response.")
    .syntax("[message]")
    .tips(&["request_policy:all_shards", "response_policy:all_succeeded"]);

fn ping(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let listens = cx.server.clients.get(cx.client).raised & gates::SUBSCRIBED != 0;
    match args.len() {
        // A listener expects messages: this is one in form.
        1 | 2 if listens => {
            cx.reply.array(2);
            cx.reply.bulk(b"pong");
            cx.reply.bulk(if args.len() == 2 { args.get(1) } else { b"" });
        }
        1 => cx.reply.simple("PONG"),
        2 => cx.reply.bulk(args.get(1)),
        _ => return Err(Error::Arity("ping".into())),
    }
    Ok(Done)
}

/// ECHO: the same words back.
static ECHO: Command = Command::server("echo", echo)
    .arity(Arity::Exactly(2))
    .flags(&[Flag::Loading, Flag::Stale, Flag::Fast])
    .since("1.0.0")
    .complexity("O(1)")
    .summary("Returns the given string.")
    .syntax("message");

fn echo(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    cx.reply.bulk(args.get(1));
    Ok(Done)
}

/// SELECT: another database for this connection.
static SELECT: Command = Command::server("select", select)
    .arity(Arity::Exactly(2))
    .flags(&[Flag::Loading, Flag::Stale, Flag::Fast])
    .databases(Databases::At(1, 1))
    .since("1.0.0")
    .complexity("O(1)")
    .summary("Changes the selected database.")
    .syntax("index");

fn select(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let index = args.int(1)?;
    if i32::try_from(index).is_err() {
        return Err(Error::Text("ERR value is out of range, value must between -2147483648 and 2147483647"));
    }
    let known = usize::try_from(index).ok().filter(|&index| index < cx.server.keyspace.count());
    cx.server.clients.get_mut(cx.client).db = known.ok_or(Error::DbIndex)?;
    cx.reply.ok();
    Ok(Done)
}

/// RESET: the connection as if it had just been made.
static RESET: Command = Command::server("reset", reset)
    .arity(Arity::Exactly(1))
    .flags(&[Flag::NoScript, Flag::Loading, Flag::Stale, Flag::Fast, Flag::NoAuth, Flag::AllowBusy])
    .since("6.2.0")
    .complexity("O(1)")
    .summary("Resets the connection.");

fn reset(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    cx.server.start_over(cx.client);
    // Redis goes back to RESP2 whatever `client-default-resp` says.
    cx.server.clients.get_mut(cx.client).protocol = Protocol::Resp2;
    cx.reply.protocol = Protocol::Resp2;
    cx.reply.simple("RESET");
    Ok(Done)
}

/// QUIT: the connection ends behind the answer.
static QUIT: Command = Command::server("quit", quit)
    .arity(Arity::AtLeast(1))
    .flags(&[Flag::AllowBusy, Flag::NoScript, Flag::Loading, Flag::Stale, Flag::Fast, Flag::NoAuth])
    .since("1.0.0")
    .complexity("O(1)")
    .summary("Closes the connection.")
    .deprecated("7.2.0", "just closing the connection");

fn quit(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    cx.reply.ok();
    cx.server.clients.get_mut(cx.client).closing = Closing::AfterReplies;
    Ok(Done)
}
