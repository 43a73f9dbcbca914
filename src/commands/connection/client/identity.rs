//! Who is connected: CLIENT ID, INFO, LIST, GETNAME, SETNAME, SETINFO.

use super::filter::{self, Filter};
use super::line::{Calling, describe};
use super::{ADMIN, ANYBODY, check_name, is_showable};
use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::error::Error;
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::error;
use crate::server::clients::ClientIndex;

/// CLIENT ID: the connection's number.
pub(super) static ID: Command = Command::server("id", id)
    .arity(Arity::Exactly(2))
    .flags(ANYBODY)
    .since("5.0.0")
    .complexity("O(1)")
    .summary("Returns the unique client ID of the connection.");

fn id(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    cx.reply.int(cx.server.clients.get(cx.client).id as i64);
    Ok(Done)
}

/// CLIENT INFO: the connection's own line.
pub(super) static INFO: Command = Command::server("info", info)
    .arity(Arity::Exactly(2))
    .flags(ANYBODY)
    .since("6.2.0")
    .complexity("O(1)")
    .summary("Returns information about the connection.")
    .tips(&["nondeterministic_output"]);

fn info(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    answer_lines(cx, args, "client|info", &[cx.client]);
    Ok(Done)
}

/// CLIENT LIST: all connections, those of a kind, or those named.
pub(super) static LIST: Command = Command::server("list", list)
    .arity(Arity::AtLeast(2))
    .flags(ADMIN)
    .since("2.4.0")
    .complexity("O(N) where N is the number of client connections")
    .summary("Lists open connections.")
    .syntax("[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>@client-type]^5.0.0 [ID client-id [client-id ...]]^6.2.0")
    .help("[<filter> <value> [<filter> <value> ...]]", filter::HELP)
    .history(&[
        ("2.8.12", "Added unique client `id` field."),
        ("5.0.0", "Added optional `TYPE` filter."),
        ("6.0.0", "Added `user` field."),
        ("6.2.0", "Added `argv-mem`, `tot-mem`, `laddr` and `redir` fields and the optional `ID` filter."),
        ("7.0.0", "Added `resp`, `multi-mem`, `rbs` and `rbp` fields."),
        ("7.0.3", "Added `ssub` field."),
        ("7.2.0", "Added `lib-name` and `lib-ver` fields."),
        ("7.4.0", "Added `watch` field."),
        ("8.0.0", "Added `io-thread` field."),
    ])
    .tips(&["nondeterministic_output"]);

fn list(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let shown = match args.is(2, "id") && args.len() > 3 {
        true => with_numbers(cx, args)?,
        false => Filter::parse(cx, args)?.find(cx),
    };
    answer_lines(cx, args, "client|list", &shown);
    Ok(Done)
}

/// Those with the numbers behind ID, in the order of the numbers, as in Redis; with further words it is a filter among others.
fn with_numbers(cx: &ServerContext<'_>, args: &Args<'_>) -> Result<Vec<ClientIndex>, Error> {
    let ids: Vec<i64> = (3..args.len()).map_while(|i| args.int(i).ok()).collect();
    if ids.is_empty() {
        return Err(Error::Text("ERR Invalid client ID"));
    }
    if ids.len() < args.len() - 3 {
        return Ok(Filter::parse(cx, args)?.find(cx));
    }
    Ok(ids.into_iter().filter_map(|id| cx.server.clients.with_id(id as u64)).collect())
}

fn answer_lines(cx: &mut ServerContext<'_>, args: &Args<'_>, command: &str, shown: &[ClientIndex]) {
    let calling = Calling::of(args, &cx.reply.out, command);
    let mut text = String::new();
    for &index in shown {
        text += &describe(cx.server, index, (index == cx.client).then_some(&calling));
        text.push('\n');
    }
    cx.reply.verbatim("txt", text.as_bytes());
}

/// CLIENT GETNAME: the connection's name.
pub(super) static GETNAME: Command = Command::server("getname", getname)
    .arity(Arity::Exactly(2))
    .flags(ANYBODY)
    .since("2.6.9")
    .complexity("O(1)")
    .summary("Returns the name of the connection.");

fn getname(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    let name = &cx.server.clients.get(cx.client).name;
    cx.reply.bulk_or_null((!name.is_empty()).then_some(name));
    Ok(Done)
}

/// CLIENT SETNAME: a name for the connection; an empty one takes it away.
pub(super) static SETNAME: Command = Command::server("setname", setname)
    .arity(Arity::Exactly(3))
    .flags(ANYBODY)
    .since("2.6.9")
    .complexity("O(1)")
    .summary("Sets the connection name.")
    .syntax("connection-name")
    .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"]);

fn setname(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    check_name(args.get(2))?;
    cx.server.clients.get_mut(cx.client).name = args.get(2).to_vec();
    cx.reply.ok();
    Ok(Done)
}

/// CLIENT CAPA: what the client's library can do, of which only REDIRECT is known; of Valkey.
pub(super) static CAPA: Command = Command::server("capa", capa)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::AllowBusy, Flag::NoScript, Flag::Loading, Flag::Stale])
    .since("8.0.0")
    .complexity("O(1)")
    .summary("A client claims its capability.")
    .syntax("capability [capability ...]");

fn capa(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    cx.server.clients.get_mut(cx.client).follows_redirects |= (2..args.len()).any(|i| args.is(i, "redirect"));
    cx.reply.ok();
    Ok(Done)
}

/// CLIENT SETINFO: what the client's library is.
pub(super) static SETINFO: Command = Command::server("setinfo", setinfo)
    .arity(Arity::Exactly(4))
    .flags(ANYBODY)
    .since("7.2.0")
    .complexity("O(1)")
    .summary("Sets information specific to the client or connection.")
    .syntax("<LIB-NAME libname | LIB-VER libver>@attr")
    .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"]);

fn setinfo(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let client = cx.server.clients.get_mut(cx.client);
    let attribute = String::from_utf8_lossy(args.get(2));
    let place = match attribute.to_ascii_lowercase().as_str() {
        "lib-name" => &mut client.lib_name,
        "lib-ver" => &mut client.lib_version,
        _ => return Err(error!("ERR Unrecognized option '{attribute}'")),
    };
    if !is_showable(args.get(3)) {
        return Err(error!("ERR {attribute} cannot contain spaces, newlines or special characters."));
    }
    *place = args.get(3).to_vec();
    cx.reply.ok();
    Ok(Done)
}
