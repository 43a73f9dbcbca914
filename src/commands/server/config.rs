//! CONFIG: the configuration in force.

use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::error::Error;
use crate::commands::help;
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::error;
use crate::server::config::{self, Extent, SetContext, SetError};
use crate::server::config_changes::ChangeError;
use crate::server::gates;
use crate::server::request::Request;
use crate::server::surroundings::Refusal;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&CONFIG];

const ADMIN: &[Flag] = &[Flag::Admin, Flag::NoScript, Flag::Loading, Flag::Stale];
const TIPS: &[&str] = &["request_policy:all_nodes", "response_policy:all_succeeded"];

/// CONFIG: a container.
static CONFIG: Command = Command::container("config", &[&GET, &SET, &RESETSTAT, &REWRITE, &HELP])
    .since("2.0.0")
    .complexity("Depends on subcommand.")
    .summary("A container for server configuration commands.");

/// CONFIG GET: directives that match patterns, and their values.
static GET: Command = Command::server("get", get)
    .arity(Arity::AtLeast(3))
    .flags(ADMIN)
    .since("2.0.0")
    .complexity("O(N) when N is the number of configuration parameters provided")
    .summary("Returns the effective values of configuration parameters.")
    .syntax("parameter [parameter ...]")
    .history(&[("7.0.0", "Added the ability to pass multiple pattern parameters in one call")]);

fn get(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let patterns: Vec<&[u8]> = args.from(2).collect();
    let found = cx.server.config.get(&patterns);
    cx.reply.map(found.len());
    for (name, value) in found {
        cx.reply.bulk(name.as_bytes());
        cx.reply.bulk(&value);
    }
    Ok(Done)
}

/// CONFIG SET: new values, all or none.
static SET: Command = Command::server("set", set)
    .arity(Arity::AtLeast(4))
    .flags(ADMIN)
    .since("2.0.0")
    .complexity("O(N) when N is the number of configuration parameters provided")
    .summary("Sets configuration parameters in-flight.")
    .syntax("parameter value [parameter value ...]")
    .history(&[("7.0.0", "Added the ability to set multiple parameters in one call.")])
    .tips(TIPS)
    .secrets(|args, i| i >= 3 && i % 2 == 1 && config::find(args.get(i - 1)).is_some_and(|row| row.sensitive));

fn set(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    if args.len() % 2 == 1 {
        return Err(Error::Syntax);
    }
    let pairs: Vec<(&[u8], &[u8])> = (2..args.len()).step_by(2).map(|i| (args.get(i), args.get(i + 1))).collect();
    let context = SetContext {
        client_is_local: cx.server.clients.get(cx.client).is_local(),
        loading: cx.server.raised & gates::LOADING != 0,
    };
    let was_logged = cx.server.config.appendonly;
    cx.server.change_config(&pairs, context).map_err(|error| match error {
        ChangeError::Set(SetError::Loading) => Error::Text("LOADING Redis is loading the dataset in memory"),
        ChangeError::Set(error) => error!("ERR {error}"),
        ChangeError::Refused(Refusal { name, reason }) => {
            error!("ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}")
        }
    })?;
    if was_logged && !cx.server.config.appendonly {
        cx.server.requests.push(Request::AwaitLogEnd { client: cx.client });
    }
    cx.reply.ok();
    Ok(Done)
}

/// CONFIG RESETSTAT: statistics from zero.
static RESETSTAT: Command = Command::server("resetstat", resetstat)
    .arity(Arity::Exactly(2))
    .flags(ADMIN)
    .since("2.0.0")
    .complexity("O(1)")
    .summary("Resets the server's statistics.")
    .tips(TIPS);

fn resetstat(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    cx.server.reset_statistics();
    cx.reply.ok();
    Ok(Done)
}

/// CONFIG REWRITE: the present values into the file.
static REWRITE: Command = Command::server("rewrite", rewrite)
    .arity(Arity::Exactly(2))
    .flags(ADMIN)
    .since("2.8.0")
    .complexity("O(1)")
    .summary("Persists the effective configuration to file.")
    .tips(TIPS);

fn rewrite(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    cx.server.rewrite_config(Extent::Needed).map_err(|error| error!("{error}"))?;
    cx.reply.ok();
    Ok(Done)
}

/// CONFIG HELP: the subcommands.
static HELP: Command = help::row("5.0.0", |cx, _| help::answer(cx, &CONFIG));
