//! Users' rights: whether a call may run, and what follows when it may not. Only calls of restricted users come here.

use super::Dispatcher;
use crate::commands::args::Args;
use crate::commands::connection::line::Calling;
use crate::commands::error::Error;
use crate::commands::registry::{self, Hot};
use crate::commands::rights::{RightsCall, note_denial};
use crate::error;
use crate::formats::resp::reply::Reply;
use crate::server::acl::check::Denied;
use crate::server::acl::log::{Origin, Reason};
use crate::server::clients::ClientIndex;
use crate::server::gates;

impl Dispatcher {
    /// Whether the client's user may make a call.
    #[inline]
    pub(super) fn judge(&self, client: ClientIndex, row: &Hot, args: &Args<'_>) -> Result<(), Denied> {
        let client = self.server.clients.get(client);
        let databases = self.server.keyspace.count();
        let call = RightsCall { id: row.id, command: row.command, args, db: client.db, databases };
        call.judge(self.server.acl.get(client.user))
    }

    /// A call is denied: it is counted and noted. The error to answer.
    #[cold]
    pub(super) fn deny(
        &mut self,
        client: ClientIndex,
        row: &Hot,
        args: &Args<'_>,
        denied: Denied,
        reply: &Reply,
    ) -> Error {
        let state = self.server.clients.get(client);
        let origin = Origin::of(state);
        let user = self.server.acl.get(state.user).name.to_vec();
        let name = &registry::all()[row.id].full_name;
        let (reason, object) = match denied {
            Denied::Command => (Reason::Command, name.as_bytes().to_vec()),
            Denied::Key(place) => (Reason::Key, args.get(place).to_vec()),
            Denied::AllKeys(place) => (Reason::Key, args.get(place + 1).to_vec()),
            Denied::Channel(place) => (Reason::Channel, args.get(place).to_vec()),
            Denied::Database(_, number) => (Reason::Database, number.to_string().into_bytes()),
        };
        let calling = Calling::of(args, &reply.out, name);
        note_denial(&mut self.server, client, &calling, (reason, origin), (&user, &object));
        if let Denied::AllKeys(place) = denied {
            let option = args.word(place).to_ascii_uppercase();
            return error!("ERR {option} option of SORT denied due to insufficient ACL permissions.");
        }
        match reason {
            Reason::Key => Error::Text("NOPERM No permissions to access a key"),
            Reason::Channel => Error::Text("NOPERM No permissions to access a channel"),
            Reason::Database => Error::Text("NOPERM No permissions to access database"),
            Reason::Command | Reason::Auth | Reason::Certificate => {
                let user = String::from_utf8_lossy(&user);
                error!("NOPERM User {user} has no permissions to run the '{name}' command")
            }
        }
    }

    /// Judges a call that was queued, which its user may have lost the right to.
    pub(super) fn judge_again(
        &mut self,
        client: ClientIndex,
        row: &Hot,
        args: &Args<'_>,
        reply: &Reply,
    ) -> Result<(), Error> {
        if self.server.clients.get(client).raised & gates::ACL == 0 {
            return Ok(());
        }
        let Err(denied) = self.judge(client, row, args) else { return Ok(()) };
        let error = self.deny(client, row, args, denied, reply);
        let reason = match denied {
            Denied::AllKeys(_) => return Err(error),
            Denied::Command => "no permission to execute the command or subcommand",
            Denied::Key(_) => "no permission to touch the specified keys",
            Denied::Channel(_) => "no permission to access one of the channels used as arguments to the command",
            Denied::Database(..) => "no permission",
        };
        Err(error!(
            "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer \
             allowed for the following reason: {reason}"
        ))
    }
}
