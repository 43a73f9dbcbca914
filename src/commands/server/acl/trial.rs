//! What rights are about, and trying them: ACL CAT, DRYRUN.

use super::{ADMIN, ANYBODY, no_such_words};
use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::error::Error;
use crate::commands::registry;
use crate::commands::rights::RightsCall;
use crate::commands::row::{Arity, Command, Done, Outcome};
use crate::commands::server::command::find_call;
use crate::error;
use crate::server::acl::catalogue::{CATEGORIES, category};
use crate::server::acl::check::Denied;

/// ACL CAT: the categories, or the commands of one.
pub(super) static CAT: Command = Command::server("cat", cat)
    .arity(Arity::AtLeast(2))
    .flags(ANYBODY)
    .since("6.0.0")
    .complexity("O(1) since the categories and commands are a fixed set.")
    .summary("Lists the ACL categories, or the commands inside a category.")
    .syntax("[category]");

fn cat(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    if args.len() == 2 {
        cx.reply.bulks(CATEGORIES.iter());
        return Ok(Done);
    }
    if args.len() > 3 {
        return Err(no_such_words(args));
    }
    let name = args.get(2);
    let unknown = || error!("ERR Unknown category '{}'", String::from_utf8_lossy(&name[..name.len().min(128)]));
    let bit = category(name).ok_or_else(unknown)?;
    let catalogue = cx.server.acl.catalogue();
    let names: Vec<&str> = catalogue.in_categories(bit).map(|id| catalogue.get(id).name).collect();
    cx.reply.bulks(names.iter());
    Ok(Done)
}

/// ACL DRYRUN: whether a user could make a call.
pub(super) static DRYRUN: Command = Command::server("dryrun", dryrun)
    .arity(Arity::AtLeast(4))
    .flags(ADMIN)
    .since("7.0.0")
    .complexity("O(1).")
    .summary("Simulates the execution of a command by a user, without executing the command.")
    .syntax("username command [arg [arg ...]]");

fn dryrun(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let user = cx.server.acl.find(args.get(2)).ok_or_else(|| error!("ERR User '{}' not found", text(args.get(2))))?;
    let args = args.behind(3);
    let id = find_call(&cx.server.config, &args);
    let id = id.ok_or_else(|| error!("ERR Command '{}' not found", text(args.get(0))))?;
    let entry = &registry::all()[id];
    if !entry.command.arity.fits(args.len()) {
        return Err(Error::Arity(entry.full_name.clone()));
    }
    let (db, databases) = (cx.db_number(), cx.server.keyspace.count());
    let call = RightsCall { id, command: entry.command, args: &args, db, databases };
    let user = cx.server.acl.get(user);
    match call.judge(user) {
        Ok(()) => cx.reply.ok(),
        Err(denied) => cx.reply.bulk(explain(denied, &text(&user.name), &call).as_bytes()),
    }
    Ok(Done)
}

fn explain(denied: Denied, user: &str, call: &RightsCall<'_, '_>) -> String {
    let word = |place: usize| String::from_utf8_lossy(call.args.get(place));
    let what = match denied {
        Denied::Command => format!("run the '{}' command", registry::all()[call.id].full_name),
        Denied::Key(place) => format!("access the '{}' key", word(place)),
        Denied::AllKeys(place) => format!("access the '{}' key", word(place + 1)),
        Denied::Channel(place) => format!("access the '{}' channel", word(place)),
        Denied::Database(_, number) => format!("access database {number}"),
    };
    format!("User {user} has no permissions to {what}")
}
