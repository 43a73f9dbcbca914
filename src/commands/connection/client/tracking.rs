//! Client-side caching: CLIENT TRACKING, CACHING, TRACKINGINFO, GETREDIR.

use super::ANYBODY;
use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::error::Error;
use crate::commands::row::{Arity, Command, Done, Outcome};
use crate::error;
use crate::server::clients::Client;
use crate::server::tracking::{Choice, Tracking};

/// CLIENT TRACKING: whether the connection is told of changes to keys, and of which.
pub(super) static TRACKING: Command = Command::server("tracking", tracking)
    .arity(Arity::AtLeast(3))
    .flags(ANYBODY)
    .since("6.0.0")
    .complexity("O(1). Some options may introduce additional complexity.")
    .summary("Controls server-assisted client-side caching for the connection.")
    .syntax(
        "<ON | OFF>@status [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST]@BCAST [OPTIN]@OPTIN [OPTOUT]@OPTOUT \
         [NOLOOP]@NOLOOP",
    );

fn tracking(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let options = Options::parse(cx, args)?;
    match args.word(2).as_str() {
        "on" => {
            options.check(cx.server.clients.get(cx.client))?;
            let hasher = cx.server.encodings.hasher;
            cx.server.clients.track(cx.client, options.into_tracking(), hasher);
        }
        "off" => cx.server.clients.untrack(cx.client),
        _ => return Err(Error::Syntax),
    }
    cx.reply.ok();
    Ok(Done)
}

/// The words behind ON or OFF.
#[derive(Default)]
struct Options<'a> {
    redirect: Option<(usize, u64)>,
    is_broadcast: bool,
    opts_in: bool,
    opts_out: bool,
    no_loop: bool,
    prefixes: Vec<&'a [u8]>,
}

impl<'a> Options<'a> {
    fn parse(cx: &ServerContext<'_>, args: &'a Args<'_>) -> Result<Options<'a>, Error> {
        let mut options = Options::default();
        let mut i = 3;
        while i < args.len() {
            let has_more = i + 1 < args.len();
            match args.word(i).as_str() {
                "redirect" if has_more => {
                    if options.redirect.is_some() {
                        return Err(Error::Text("ERR A client can only redirect to a single other client"));
                    }
                    let id = args.int(i + 1)? as u64;
                    let index = cx.server.clients.with_id(id);
                    let index = index.ok_or(Error::Text("ERR The client ID you want redirect to does not exist"))?;
                    options.redirect = Some((index, id));
                    i += 1;
                }
                "prefix" if has_more => {
                    options.prefixes.push(args.get(i + 1));
                    i += 1;
                }
                "bcast" => options.is_broadcast = true,
                "optin" => options.opts_in = true,
                "optout" => options.opts_out = true,
                "noloop" => options.no_loop = true,
                _ => return Err(Error::Syntax),
            }
            i += 1;
        }
        Ok(options)
    }

    /// Whether the options go together, and with what the client has said before.
    fn check(&self, client: &Client) -> Result<(), Error> {
        let before = client.tracking.as_deref();
        let was = |choice| before.is_some_and(|tracking| tracking.choice == choice);
        if !self.is_broadcast && !self.prefixes.is_empty() {
            return Err(Error::Text("ERR PREFIX option requires BCAST mode to be enabled"));
        }
        if before.is_some_and(|tracking| tracking.is_broadcast != self.is_broadcast) {
            return Err(Error::Text(
                "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a \
                 different mode.",
            ));
        }
        if self.is_broadcast && (self.opts_in || self.opts_out) {
            return Err(Error::Text("ERR OPTIN and OPTOUT are not compatible with BCAST"));
        }
        if self.opts_in && self.opts_out {
            return Err(Error::Text("ERR You can't specify both OPTIN mode and OPTOUT mode"));
        }
        if self.opts_in && was(Choice::OptOut) || self.opts_out && was(Choice::OptIn) {
            return Err(Error::Text(
                "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a \
                 different mode.",
            ));
        }
        self.check_prefixes(before)
    }

    /// No key may begin with two of a client's prefixes.
    fn check_prefixes(&self, before: Option<&Tracking>) -> Result<(), Error> {
        let overlap = |a: &[u8], b: &[u8]| a.starts_with(b) || b.starts_with(a);
        for (i, prefix) in self.prefixes.iter().enumerate() {
            let text = String::from_utf8_lossy(prefix);
            if let Some(other) = before.and_then(|tracking| tracking.prefixes.iter().find(|had| overlap(prefix, had))) {
                return Err(error!(
                    "ERR Prefix '{text}' overlaps with an existing prefix '{}'. Prefixes for a single client must not overlap.",
                    String::from_utf8_lossy(other)
                ));
            }
            if let Some(other) = self.prefixes[i + 1..].iter().find(|other| overlap(prefix, other)) {
                return Err(error!(
                    "ERR Prefix '{text}' overlaps with another provided prefix '{}'. Prefixes for a single client must not overlap.",
                    String::from_utf8_lossy(other)
                ));
            }
        }
        Ok(())
    }

    fn into_tracking(self) -> Tracking {
        let mut prefixes = self.prefixes;
        if self.is_broadcast && prefixes.is_empty() {
            prefixes.push(b""); // all keys
        }
        Tracking {
            choice: match (self.opts_in, self.opts_out) {
                (true, _) => Choice::OptIn,
                (_, true) => Choice::OptOut,
                _ => Choice::All,
            },
            is_broadcast: self.is_broadcast,
            no_loop: self.no_loop,
            redirect: self.redirect,
            prefixes: prefixes.into_iter().map(Box::from).collect(),
            ..Tracking::default()
        }
    }
}

/// CLIENT CACHING: whether the keys that the next call reads are remembered.
pub(super) static CACHING: Command = Command::server("caching", caching)
    .arity(Arity::Exactly(3))
    .flags(ANYBODY)
    .since("6.0.0")
    .complexity("O(1)")
    .summary("Instructs the server whether to track the keys in the next request.")
    .syntax("<YES | NO>@mode");

fn caching(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let Some(tracking) = &mut cx.server.clients.get_mut(cx.client).tracking else {
        return Err(Error::Text(
            "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled",
        ));
    };
    match (args.word(2).as_str(), tracking.choice) {
        ("yes", Choice::OptIn) | ("no", Choice::OptOut) => tracking.said_caching = true,
        ("yes", _) => {
            return Err(Error::Text("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode."));
        }
        ("no", _) => {
            return Err(Error::Text("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode."));
        }
        _ => return Err(Error::Syntax),
    }
    cx.reply.ok();
    Ok(Done)
}

/// CLIENT GETREDIR: the number of the connection that hears in this one's place.
pub(super) static GETREDIR: Command = Command::server("getredir", getredir)
    .arity(Arity::Exactly(2))
    .flags(ANYBODY)
    .since("6.0.0")
    .complexity("O(1)")
    .summary("Returns the client ID to which the connection's tracking notifications are redirected.");

fn getredir(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    cx.reply.int(cx.server.clients.get(cx.client).redirect_number());
    Ok(Done)
}

/// CLIENT TRACKINGINFO: what CLIENT TRACKING has set up.
pub(super) static TRACKINGINFO: Command = Command::server("trackinginfo", trackinginfo)
    .arity(Arity::Exactly(2))
    .flags(ANYBODY)
    .since("6.2.0")
    .complexity("O(1)")
    .summary("Returns information about server-assisted client-side caching for the connection.");

fn trackinginfo(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    let client = cx.server.clients.get(cx.client);
    let flags = client.tracking.as_deref().map_or(vec!["off"], flags);
    cx.reply.map(3);
    cx.reply.bulk(b"flags");
    cx.reply.set(flags.len());
    flags.iter().for_each(|flag| cx.reply.bulk(flag.as_bytes()));
    cx.reply.bulk(b"redirect");
    cx.reply.int(client.redirect_number());
    cx.reply.bulk(b"prefixes");
    let prefixes = client.tracking.as_ref().map(|tracking| &tracking.prefixes);
    cx.reply.array(prefixes.map_or(0, |prefixes| prefixes.len()));
    prefixes.into_iter().flatten().for_each(|prefix| cx.reply.bulk(prefix));
    Ok(Done)
}

fn flags(tracking: &Tracking) -> Vec<&'static str> {
    let all = [
        ("on", true),
        ("bcast", tracking.is_broadcast),
        ("optin", tracking.choice == Choice::OptIn),
        ("caching-yes", tracking.choice == Choice::OptIn && tracking.said_caching),
        ("optout", tracking.choice == Choice::OptOut),
        ("caching-no", tracking.choice == Choice::OptOut && tracking.said_caching),
        ("noloop", tracking.no_loop),
        ("broken_redirect", tracking.is_redirect_broken),
    ];
    all.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name).collect()
}
