//! CLIENT KILL: ends connections, by address or by what they are.

use super::{ADMIN, Kind};
use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::error::Error;
use crate::commands::row::{Arity, Command, Done, Outcome};
use crate::error;
use crate::server::acl::{Acl, UserIndex};
use crate::server::clients::{Client, ClientIndex, Closing};

/// CLIENT KILL: the old form ends the one at an address, the new one all that fit.
pub(super) static KILL: Command = Command::server("kill", kill)
    .arity(Arity::AtLeast(3))
    .flags(ADMIN)
    .since("2.4.0")
    .complexity("O(N) where N is the number of client connections")
    .summary("Terminates open connections.")
    .syntax(
        "<ip:port@old-format!2.8.12 | <[ID client-id]^2.8.12 | \
         [TYPE <NORMAL | MASTER^3.2.0 | SLAVE | REPLICA^5.0.0 | PUBSUB>@client-type]^2.8.12 | [USER username] | \
         [ADDR ip:port@addr] | [LADDR ip:port@laddr]^6.2.0 | [SKIPME <YES | NO>] | [MAXAGE maxage]^7.4.0 [[ID client-id] | \
         [TYPE <NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>] | [USER username] | [ADDR ip:port] | [LADDR ip:port] | \
         [SKIPME <YES | NO>] | [MAXAGE maxage] ...]>@new-format>@filter",
    )
    .history(&[
        ("2.8.12", "Added new filter format."),
        ("2.8.12", "`ID` option."),
        ("3.2.0", "Added `master` type in for `TYPE` option."),
        ("5.0.0", "Replaced `slave` `TYPE` with `replica`. `slave` still supported for backward compatibility."),
        ("6.2.0", "`LADDR` option."),
        ("7.4.0", "`MAXAGE` option."),
    ]);

fn kill(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    if args.len() == 3 {
        let filter = Filter { address: Some(args.get(2)), spares_caller: false, ..Filter::default() };
        if kill_all(cx, &filter) == 0 {
            return Err(Error::Text("ERR No such client"));
        }
        cx.reply.ok();
        return Ok(Done);
    }
    let filter = Filter::parse(args, &cx.server.acl)?;
    let killed = kill_all(cx, &filter);
    cx.reply.int(killed as i64);
    Ok(Done)
}

/// Ends all connections that fit; how many. The caller's own ends when it has the answer.
fn kill_all(cx: &mut ServerContext<'_>, filter: &Filter<'_>) -> usize {
    let now_ms = cx.server.time.monotonic_ms();
    let fits = |&(index, client): &(ClientIndex, &Client)| {
        !(filter.spares_caller && index == cx.client) && client.closing == Closing::No && filter.fits(client, now_ms)
    };
    let killed: Vec<ClientIndex> = cx.server.clients.iter().filter(fits).map(|(index, _)| index).collect();
    for &index in &killed {
        cx.server.clients.end(index, Some(cx.client));
    }
    killed.len()
}

/// Which connections to end: those that fit everything that is said.
#[derive(Default)]
struct Filter<'a> {
    address: Option<&'a [u8]>,
    local_address: Option<&'a [u8]>,
    kind: Option<Kind>,
    id: Option<u64>,
    user: Option<UserIndex>,
    age_seconds: Option<u64>,
    spares_caller: bool,
}

impl<'a> Filter<'a> {
    fn parse(args: &'a Args<'_>, acl: &Acl) -> Result<Filter<'a>, Error> {
        let mut filter = Filter { spares_caller: true, ..Filter::default() };
        for i in (2..args.len()).step_by(2) {
            if i + 1 == args.len() {
                return Err(Error::Syntax);
            }
            let value = args.get(i + 1);
            match args.word(i).as_str() {
                "id" => filter.id = Some(parse_id(args, i + 1)?),
                "maxage" => filter.age_seconds = Some(parse_age(args, i + 1)?),
                "type" => filter.kind = Some(Kind::parse(value)?),
                "addr" => filter.address = Some(value),
                "laddr" => filter.local_address = Some(value),
                "user" => {
                    let user = acl.find(value);
                    let unknown = || error!("ERR No such user '{}'", String::from_utf8_lossy(value));
                    filter.user = Some(user.ok_or_else(unknown)?);
                }
                "skipme" if args.is(i + 1, "yes") => filter.spares_caller = true,
                "skipme" if args.is(i + 1, "no") => filter.spares_caller = false,
                _ => return Err(Error::Syntax),
            }
        }
        Ok(filter)
    }

    fn fits(&self, client: &Client, now_ms: u64) -> bool {
        let age_seconds = now_ms.saturating_sub(client.connected_ms) / 1000;
        self.address.is_none_or(|address| client.address.as_bytes() == address)
            && self.local_address.is_none_or(|address| client.local_address.as_bytes() == address)
            && self.kind.is_none_or(|kind| kind.is_of(client))
            && self.id.is_none_or(|id| client.id == id)
            && self.user.is_none_or(|user| client.user == user)
            && self.age_seconds.is_none_or(|least| age_seconds >= least)
    }
}

fn parse_id(args: &Args<'_>, i: usize) -> Result<u64, Error> {
    let id = args.int(i).ok().and_then(|id| u64::try_from(id).ok()).filter(|&id| id > 0);
    id.ok_or(Error::Text("ERR client-id should be greater than 0"))
}

fn parse_age(args: &Args<'_>, i: usize) -> Result<u64, Error> {
    let age = args.int(i).map_err(|_| Error::Text("ERR maxage is not an integer or out of range"))?;
    let age = u64::try_from(age).ok().filter(|&age| age > 0);
    age.ok_or(Error::Text("ERR maxage should be greater than 0"))
}
