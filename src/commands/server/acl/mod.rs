//! ACL: users and what they may do.

mod denials;
mod files;
mod trial;
mod users;

use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::error::Error;
use crate::commands::help;
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::error;

/// This folder's commands.
pub const COMMANDS: &[&Command] = &[&ACL];

/// ACL: a container.
static ACL: Command = Command::container(
    "acl",
    &[
        &trial::CAT,
        &users::DELUSER,
        &trial::DRYRUN,
        &users::GETUSER,
        &GENPASS,
        &users::LIST,
        &files::LOAD,
        &denials::LOG,
        &files::SAVE,
        &users::SETUSER,
        &users::USERS,
        &WHOAMI,
        &HELP,
    ],
)
.since("6.0.0")
.complexity("Depends on subcommand.")
.summary("A container for Access List Control commands.");

const ANYBODY: &[Flag] = &[Flag::NoScript, Flag::Loading, Flag::Stale];
const ADMIN: &[Flag] = &[Flag::Admin, Flag::NoScript, Flag::Loading, Flag::Stale];
const TIPS: &[&str] = &["request_policy:all_nodes", "response_policy:all_succeeded"];

/// ACL WHOAMI: the caller's user.
static WHOAMI: Command = Command::server("whoami", whoami)
    .arity(Arity::Exactly(2))
    .flags(ANYBODY)
    .since("6.0.0")
    .complexity("O(1)")
    .summary("Returns the authenticated username of the current connection.");

fn whoami(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    let user = cx.server.clients.get(cx.client).user;
    cx.reply.bulk(&cx.server.acl.get(user).name);
    Ok(Done)
}

/// The longest password that ACL GENPASS makes.
const MOST_BITS: i64 = 4096;

/// ACL GENPASS: a password that nobody can guess.
static GENPASS: Command = Command::server("genpass", genpass)
    .arity(Arity::AtLeast(2))
    .flags(ANYBODY)
    .since("6.0.0")
    .complexity("O(1)")
    .summary("Generates a pseudorandom, secure password that can be used to identify ACL users.")
    .syntax("[bits:integer]");

fn genpass(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let bits = match args.len() {
        2 => 256,
        3 => args.int(2)?,
        _ => return Err(help::wrong_words(&ACL, args)),
    };
    if !(1..=MOST_BITS).contains(&bits) {
        return Err(error!(
            "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to {MOST_BITS}"
        ));
    }
    let digits = cx.server.acl.secret_digits((bits as usize).div_ceil(4));
    cx.reply.bulk(digits.as_bytes());
    Ok(Done)
}

/// ACL HELP: the subcommands.
static HELP: Command = help::row("6.0.0", |cx, _| help::answer(cx, &ACL));

fn no_such_words(args: &Args<'_>) -> Error {
    help::wrong_words(&ACL, args)
}
