//! Saying who one is, and which dialect one speaks: AUTH, HELLO.

use super::client::check_name;
use super::line::Calling;
use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::error::Error;
use crate::commands::rights::note_denial;
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::error;
use crate::formats::resp::reply::Protocol;
use crate::server::acl::log::{Origin, Reason};
use crate::server::acl::{DEFAULT, DEFAULT_USER};
use crate::server::{REDIS_VERSION, gates};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&AUTH, &HELLO];

/// AUTH: a password, or a user's name and password.
static AUTH: Command = Command::server("auth", auth)
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::NoScript, Flag::Loading, Flag::Stale, Flag::Fast, Flag::NoAuth, Flag::AllowBusy])
    .since("1.0.0")
    .complexity("O(N) where N is the number of passwords defined for the user")
    .summary("Authenticates the connection.")
    .syntax("[username^6.0.0] password")
    .history(&[("6.0.0", "Added ACL style (username and password).")])
    .secrets(|_, i| i > 0);

fn auth(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    match args.len() {
        2 if cx.server.acl.get(DEFAULT).needs_no_password => {
            return Err(Error::Text(
                "ERR AUTH <password> called without any password configured for the default user. Are you sure your \
                 configuration is correct?",
            ));
        }
        2 => log_in(cx, args, DEFAULT_USER.as_bytes(), args.get(1))?,
        3 => log_in(cx, args, args.get(1), args.get(2))?,
        _ => return Err(Error::Syntax),
    }
    cx.reply.ok();
    Ok(Done)
}

fn log_in(cx: &mut ServerContext<'_>, args: &Args<'_>, name: &[u8], password: &[u8]) -> Result<(), Error> {
    if let Some(user) = cx.server.acl.log_in(name, password) {
        cx.server.authenticate(cx.client, user);
        return Ok(());
    }
    let command = args.word(0);
    let calling = Calling::of(args, &cx.reply.out, &command);
    let origin = Origin::of(cx.server.clients.get(cx.client));
    note_denial(cx.server, cx.client, &calling, (Reason::Auth, origin), (name, args.get(0)));
    Err(Error::Text("WRONGPASS invalid username-password pair or user is disabled."))
}

/// HELLO: the dialect, and on the way name and password.
static HELLO: Command = Command::server("hello", hello)
    .arity(Arity::AtLeast(1))
    .flags(&[Flag::NoScript, Flag::Loading, Flag::Stale, Flag::Fast, Flag::NoAuth, Flag::AllowBusy])
    .since("6.0.0")
    .complexity("O(1)")
    .summary("Handshakes with the Redis server.")
    .syntax("[protover [AUTH username password] [SETNAME clientname]]@arguments")
    .history(&[(
        "6.2.0",
        "`protover` made optional; when called without arguments the command reports the current connection's context.",
    )])
    .secrets(|args, i| (i.saturating_sub(2)..i).any(|j| j >= 2 && args.is(j, "auth")));

/// What a HELLO asks for.
#[derive(Default)]
struct Greeting<'a> {
    protocol: Option<Protocol>,
    login: Option<(&'a [u8], &'a [u8])>,
    name: Option<&'a [u8]>,
}

fn hello(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let greeting = parse_greeting(args)?;
    if let Some((user, password)) = greeting.login {
        log_in(cx, args, user, password)?;
    }
    let client = cx.server.clients.get_mut(cx.client);
    if client.raised & gates::AUTH != 0 {
        return Err(Error::Text(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> \
             option can be used to authenticate the client and select the RESP protocol version at the same time",
        ));
    }
    if let Some(name) = greeting.name {
        client.name = name.to_vec();
    }
    if let Some(protocol) = greeting.protocol {
        client.protocol = protocol;
        client.raise_if_listening();
        cx.reply.protocol = protocol;
    }
    let id = client.id;
    let zone = &cx.server.config.availability_zone;
    cx.reply.map(7 + usize::from(!zone.is_empty()));
    for (field, text) in [("server", "redis"), ("version", REDIS_VERSION)] {
        cx.reply.bulk(field.as_bytes());
        cx.reply.bulk(text.as_bytes());
    }
    for (field, number) in [("proto", if cx.reply.protocol == Protocol::Resp3 { 3 } else { 2 }), ("id", id as i64)] {
        cx.reply.bulk(field.as_bytes());
        cx.reply.int(number);
    }
    for (field, text) in [("mode", "standalone"), ("role", "master")] {
        cx.reply.bulk(field.as_bytes());
        cx.reply.bulk(text.as_bytes());
    }
    cx.reply.bulk(b"modules");
    cx.reply.array(0);
    if !zone.is_empty() {
        cx.reply.bulk(b"availability_zone");
        cx.reply.bulk(zone.as_bytes());
    }
    Ok(Done)
}

fn parse_greeting<'a>(args: &'a Args<'_>) -> Result<Greeting<'a>, Error> {
    let mut greeting = Greeting::default();
    if args.len() >= 2 {
        greeting.protocol = match args.int(1) {
            Ok(2) => Some(Protocol::Resp2),
            Ok(3) => Some(Protocol::Resp3),
            Ok(_) => return Err(Error::Text("NOPROTO unsupported protocol version")),
            Err(_) => return Err(Error::Text("ERR Protocol version is not an integer or out of range")),
        };
    }
    let mut i = 2;
    while i < args.len() {
        let more = args.len() - 1 - i;
        if args.is(i, "auth") && more >= 2 {
            greeting.login = Some((args.get(i + 1), args.get(i + 2)));
            i += 3;
        } else if args.is(i, "setname") && more >= 1 {
            check_name(args.get(i + 1))?;
            greeting.name = Some(args.get(i + 1));
            i += 2;
        } else {
            return Err(error!("ERR Syntax error in HELLO option '{}'", String::from_utf8_lossy(args.get(i))));
        }
    }
    Ok(greeting)
}
