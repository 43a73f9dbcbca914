//! CLIENT: what is known of connections, and what can be done to them.

mod filter;
mod identity;
mod kill;
pub mod line;
mod modes;
mod pause;
mod tracking;
mod unblock;

use crate::commands::error::Error;
use crate::commands::help;
use crate::commands::row::{Command, Flag};
use crate::error;
use crate::server::clients::Client;

/// This folder's commands.
pub const COMMANDS: &[&Command] = &[&CLIENT];

/// CLIENT: a container.
static CLIENT: Command = Command::container(
    "client",
    &[
        &identity::ID,
        &identity::INFO,
        &identity::LIST,
        &identity::GETNAME,
        &identity::SETNAME,
        &identity::SETINFO,
        &identity::CAPA,
        &kill::KILL,
        &modes::IMPORT_SOURCE,
        &modes::NO_EVICT,
        &modes::NO_TOUCH,
        &modes::REPLY,
        &tracking::CACHING,
        &tracking::GETREDIR,
        &tracking::TRACKING,
        &tracking::TRACKINGINFO,
        &pause::PAUSE,
        &unblock::UNBLOCK,
        &pause::UNPAUSE,
        &HELP,
    ],
)
.since("2.4.0")
.complexity("Depends on subcommand.")
.summary("A container for client connection commands.");

/// CLIENT HELP: the subcommands.
static HELP: Command = help::row("5.0.0", |cx, _| help::answer(cx, &CLIENT));

/// Most subcommands' flags.
const ANYBODY: &[Flag] = &[Flag::NoScript, Flag::Loading, Flag::Stale];
/// Those of the subcommands that concern others.
const ADMIN: &[Flag] = &[Flag::Admin, Flag::NoScript, Flag::Loading, Flag::Stale];

/// What CLIENT LIST could not show in one word.
fn is_showable(text: &[u8]) -> bool {
    text.iter().all(|byte| (b'!'..=b'~').contains(byte))
}

/// Whether a connection may have this name.
pub(super) fn check_name(name: &[u8]) -> Result<(), Error> {
    if is_showable(name) {
        return Ok(());
    }
    Err(Error::Text("ERR Client names cannot contain spaces, newlines or special characters."))
}

/// What CLIENT LIST and CLIENT KILL call the kinds of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Normal,
    Primary,
    Replica,
    Pubsub,
}

impl Kind {
    fn parse(word: &[u8]) -> Result<Kind, Error> {
        Ok(match word.to_ascii_lowercase().as_slice() {
            b"normal" => Kind::Normal,
            b"master" | b"primary" => Kind::Primary,
            b"slave" | b"replica" => Kind::Replica,
            b"pubsub" => Kind::Pubsub,
            _ => return Err(error!("ERR Unknown client type '{}'", String::from_utf8_lossy(word))),
        })
    }

    /// Whether a client is of this kind. There is no replication yet.
    fn is_of(self, client: &Client) -> bool {
        self == if client.subscriptions.is_empty() { Kind::Normal } else { Kind::Pubsub }
    }
}
