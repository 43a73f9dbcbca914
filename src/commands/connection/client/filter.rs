//! Which connections CLIENT LIST shows and CLIENT KILL ends: those that fit everything that is said.
//!
//! Redis 8.0 knows ID, TYPE, USER, ADDR, LADDR, SKIPME and MAXAGE; the others, and `NOT-` before most of them, are of Valkey 9.1.

use super::Kind;
use super::line::flags;
use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::error::Error;
use crate::error;
use crate::server::acl::UserIndex;
use crate::server::clients::{Client, ClientIndex};
use std::mem::discriminant;

/// What HELP says of them.
pub(super) const HELP: &[&str] = &[
    "Filters, all of which must fit; NOT-<filter> wants the opposite, of all but IDLE, MAXAGE and SKIPME:",
    "* ID <client-id> [<client-id> ...]",
    "* ADDR <ip:port>, LADDR <ip:port>, IP <ip>",
    "* TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
    "* USER <username>",
    "* NAME <name>, LIB-NAME <name>, LIB-VER <version>",
    "* DB <number>",
    "* FLAGS <letters>, as CLIENT LIST shows them: it has them all.",
    "* CAPA <letters>",
    "* IDLE <seconds>, MAXAGE <seconds>: at least so long.",
    "* SKIPME (YES|NO)",
];

/// Letters that CLIENT LIST may show as flags.
const FLAGS: &str = "NOSMPxbtRBdcuAUreTI";

/// What a connection is to be.
enum Condition<'a> {
    Id(Vec<u64>),
    Address(&'a [u8]),
    LocalAddress(&'a [u8]),
    Ip(&'a [u8]),
    Kind(Kind),
    User(UserIndex),
    Flags(&'a str),
    Name(&'a [u8]),
    LibName(&'a [u8]),
    LibVersion(&'a [u8]),
    Db(usize),
    Capabilities(&'a str),
}

impl Condition<'_> {
    fn fits(&self, client: &Client) -> bool {
        match self {
            Condition::Id(ids) => ids.contains(&client.id),
            Condition::Address(address) => client.address.as_bytes() == *address,
            Condition::LocalAddress(address) => client.local_address.as_bytes() == *address,
            Condition::Ip(ip) => ip_of(&client.address).as_bytes() == *ip,
            Condition::Kind(kind) => kind.is_of(client),
            Condition::User(user) => client.user == *user,
            Condition::Flags(wanted) => {
                let has = flags(client);
                wanted.chars().all(|flag| has.contains(flag))
            }
            Condition::Name(name) => client.name == *name,
            Condition::LibName(name) => client.lib_name == *name,
            Condition::LibVersion(version) => client.lib_version == *version,
            Condition::Db(db) => client.db == *db,
            Condition::Capabilities(wanted) => wanted.is_empty() || client.follows_redirects,
        }
    }
}

/// The address without its port.
fn ip_of(address: &str) -> &str {
    let ip = address.rsplit_once(':').map_or(address, |(ip, _)| ip);
    ip.trim_start_matches('[').trim_end_matches(']')
}

/// Which connections.
#[derive(Default)]
pub(super) struct Filter<'a> {
    /// Conditions, and whether each must hold.
    conditions: Vec<(Condition<'a>, bool)>,
    age_seconds: u64,
    idle_seconds: u64,
    /// Whether the caller's own is left out; `None`: not said.
    pub(super) spares_caller: Option<bool>,
}

impl<'a> Filter<'a> {
    /// The one at an address.
    pub(super) fn at(address: &'a [u8]) -> Filter<'a> {
        Filter { conditions: vec![(Condition::Address(address), true)], ..Filter::default() }
    }

    /// What the words from 2 on say.
    pub(super) fn parse(cx: &ServerContext<'_>, args: &'a Args<'_>) -> Result<Filter<'a>, Error> {
        let mut filter = Filter::default();
        let mut i = 2;
        while i < args.len() {
            if i + 1 == args.len() {
                return Err(Error::Syntax);
            }
            let word = args.word(i);
            let next = i + 1;
            i += 2;
            match word.as_str() {
                "maxage" => filter.age_seconds = parse_seconds(args, next, "maxage")?,
                "idle" => filter.idle_seconds = parse_seconds(args, next, "idle")?,
                "skipme" if args.is(next, "yes") => filter.spares_caller = Some(true),
                "skipme" if args.is(next, "no") => filter.spares_caller = Some(false),
                _ => {
                    let (must_hold, name) =
                        word.strip_prefix("not-").map_or((true, word.as_str()), |name| (false, name));
                    let mut condition = condition(cx, args, name, next)?;
                    if let Condition::Id(ids) = &mut condition {
                        while i < args.len() && args.int(i).is_ok() {
                            ids.push(parse_id(args, i)?);
                            i += 1;
                        }
                    }
                    filter.add(condition, must_hold);
                }
            }
        }
        Ok(filter)
    }

    /// Numbers gather; of anything else the last word counts.
    fn add(&mut self, mut condition: Condition<'a>, must_hold: bool) {
        let kind = discriminant(&condition);
        let mut said = self.conditions.iter().map(|(other, holds)| (discriminant(other), *holds));
        if let Some(at) = said.position(|other| other == (kind, must_hold)) {
            let (before, _) = self.conditions.swap_remove(at);
            if let (Condition::Id(before), Condition::Id(ids)) = (before, &mut condition) {
                ids.extend(before);
            }
        }
        self.conditions.push((condition, must_hold));
    }

    /// All that fit, those that came first in front.
    pub(super) fn find(&self, cx: &ServerContext<'_>) -> Vec<ClientIndex> {
        let now_ms = cx.server.time.monotonic_ms();
        let all = cx.server.clients.by_age().into_iter();
        all.filter(|&index| !(self.spares_caller == Some(true) && index == cx.client))
            .filter(|&index| self.fits(cx.server.clients.get(index), now_ms))
            .collect()
    }

    fn fits(&self, client: &Client, now_ms: u64) -> bool {
        let seconds_since = |ms: u64| now_ms.saturating_sub(ms) / 1000;
        self.conditions.iter().all(|(condition, must_hold)| condition.fits(client) == *must_hold)
            && seconds_since(client.connected_ms) >= self.age_seconds
            && seconds_since(client.active_ms) >= self.idle_seconds
    }
}

fn condition<'a>(cx: &ServerContext<'_>, args: &'a Args<'_>, name: &str, i: usize) -> Result<Condition<'a>, Error> {
    let value = args.get(i);
    Ok(match name {
        "id" => Condition::Id(vec![parse_id(args, i)?]),
        "addr" => Condition::Address(value),
        "laddr" => Condition::LocalAddress(value),
        "ip" => Condition::Ip(value),
        "type" => Condition::Kind(Kind::parse(value)?),
        "user" => {
            let unknown = || error!("ERR No such user '{}'", String::from_utf8_lossy(value));
            Condition::User(cx.server.acl.find(value).ok_or_else(unknown)?)
        }
        "flags" => Condition::Flags(parse_letters(value, FLAGS, "flags")?),
        "name" => Condition::Name(value),
        "lib-name" => Condition::LibName(value),
        "lib-ver" => Condition::LibVersion(value),
        "db" => Condition::Db(parse_db(cx, args, i)?),
        "capa" => Condition::Capabilities(parse_letters(value, "r", "capa")?),
        _ => return Err(Error::Syntax),
    })
}

fn parse_id(args: &Args<'_>, i: usize) -> Result<u64, Error> {
    let id = args.int(i).ok().and_then(|id| u64::try_from(id).ok()).filter(|&id| id > 0);
    id.ok_or(Error::Text("ERR client-id should be greater than 0"))
}

fn parse_seconds(args: &Args<'_>, i: usize, name: &str) -> Result<u64, Error> {
    let seconds = args.int(i).map_err(|_| error!("ERR {name} is not an integer or out of range"))?;
    let seconds = u64::try_from(seconds).ok().filter(|&seconds| seconds > 0);
    seconds.ok_or_else(|| error!("ERR {name} should be greater than 0"))
}

fn parse_db(cx: &ServerContext<'_>, args: &Args<'_>, i: usize) -> Result<usize, Error> {
    let db = args.int(i).ok().and_then(|db| i32::try_from(db).ok());
    let db = db.ok_or(Error::Text("ERR DB is not an integer or out of range"))?;
    let count = cx.server.keyspace.count();
    let known = usize::try_from(db).ok().filter(|&db| db < count);
    known.ok_or_else(|| error!("ERR DB number should be between 0 and {}", count - 1))
}

fn parse_letters<'a>(value: &'a [u8], known: &str, what: &str) -> Result<&'a str, Error> {
    let letters = str::from_utf8(value).ok().filter(|letters| letters.chars().all(|letter| known.contains(letter)));
    letters.ok_or_else(|| error!("ERR Unknown {what} found in the provided filter: {}", String::from_utf8_lossy(value)))
}
