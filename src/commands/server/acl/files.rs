//! The ACL file: ACL LOAD, SAVE.

use super::{ADMIN, TIPS};
use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::error::Error;
use crate::commands::row::{Arity, Command, Done, Outcome};
use crate::error;

/// ACL LOAD: the file's users and no others, if the file has no error.
pub(super) static LOAD: Command = Command::server("load", load)
    .arity(Arity::Exactly(2))
    .flags(ADMIN)
    .since("6.0.0")
    .complexity("O(N). Where N is the number of configured users.")
    .summary("Reloads the rules from the configured ACL file.");

fn load(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    check_configured(cx)?;
    cx.server.load_acl_file(Some(cx.client)).map_err(|errors| error!("ERR {errors}"))?;
    cx.reply.ok();
    Ok(Done)
}

/// ACL SAVE: the present users into the file.
pub(super) static SAVE: Command = Command::server("save", save)
    .arity(Arity::Exactly(2))
    .flags(ADMIN)
    .since("6.0.0")
    .complexity("O(N). Where N is the number of configured users.")
    .summary("Saves the effective ACL rules in the configured ACL file.")
    .tips(TIPS);

fn save(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    check_configured(cx)?;
    cx.server.save_acl_file().map_err(|error| {
        log::error!("Saving the ACL file '{}': {error}", cx.server.config.aclfile);
        Error::Text("ERR There was an error trying to save the ACLs. Please check the server logs for more information")
    })?;
    cx.reply.ok();
    Ok(Done)
}

fn check_configured(cx: &ServerContext<'_>) -> Result<(), Error> {
    if !cx.server.config.aclfile.is_empty() {
        return Ok(());
    }
    Err(Error::Text(
        "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and \
         then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis \
         configuration.",
    ))
}
