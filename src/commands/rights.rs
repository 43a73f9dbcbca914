//! What users' rights are about, read from the rows: the catalogue of commands, and what one call would reach.

use super::args::Args;
use super::connection::line::{Calling, describe};
use super::key_spec::{Access, KeyUse, Purpose};
use super::reach::{Channels, Databases};
use super::registry::{self, CommandId};
use super::row::{Command, Flag};
use crate::server::Server;
use crate::server::acl::catalogue::{Catalogue, Entry, category};
use crate::server::acl::check::{Call, Channel, Denied};
use crate::server::acl::judge_line;
use crate::server::acl::log::{Denial, Origin, Reason};
use crate::server::acl::patterns::KeyAccess;
use crate::server::acl::user::User;
use crate::server::clients::ClientIndex;
use crate::server::config::AclPubsubDefault;

/// All commands, by number.
pub fn catalogue() -> Catalogue {
    let entry = |entry: &'static registry::Entry| Entry {
        name: &entry.full_name,
        parent: entry.parent,
        children: entry.children.clone(),
        categories: categories_of(entry),
    };
    Catalogue::new(registry::all().iter().map(entry).collect())
}

fn categories_of(entry: &registry::Entry) -> u32 {
    let names = entry.command.category_names(entry.group);
    names.iter().filter_map(|name| category(name.as_bytes())).fold(0, |all, bit| all | bit)
}

/// Judges a `user` line of a configuration (`config::JudgeUser`).
///
/// # Errors
/// What is wrong.
pub fn judge_user(words: &[Vec<u8>], channels: AclPubsubDefault) -> Result<(), String> {
    judge_line(words, &catalogue(), channels).map(drop)
}

/// A call whose rights are asked for.
pub struct RightsCall<'a, 'b> {
    /// The command's number.
    pub id: CommandId,
    /// Its row.
    pub command: &'static Command,
    /// The call's words.
    pub args: &'a Args<'b>,
    /// The client's database.
    pub db: usize,
    /// How many databases there are.
    pub databases: usize,
}

impl RightsCall<'_, '_> {
    /// Whether a user may make the call. What logs in or out everybody may.
    #[inline]
    pub fn judge(&self, user: &User) -> Result<(), Denied> {
        if self.command.has(Flag::NoAuth) { Ok(()) } else { user.check(self) }
    }
}

/// What was denied, for the log and the counters; `calling` is what is known of the calling client beside its record.
pub fn note_denial(
    server: &mut Server,
    client: ClientIndex,
    calling: &Calling<'_>,
    (reason, origin): (Reason, Origin),
    (user, object): (&[u8], &[u8]),
) {
    let line = describe(server, client, Some(calling));
    server.note_denial(Denial { reason, origin, object: object.to_vec(), user: user.to_vec(), client: line });
}

impl Call for RightsCall<'_, '_> {
    #[inline]
    fn command(&self) -> usize {
        self.id
    }

    fn first_argument(&self) -> Option<&[u8]> {
        (self.args.len() > 1).then(|| self.args.get(1))
    }

    #[inline]
    fn keys(&self) -> impl Iterator<Item = (usize, &[u8], KeyAccess)> {
        self.command.keys.iter().flat_map(move |spec| {
            let access = access_of(spec.use_in(self.args));
            let places = spec.positions(self.args).into_iter().flatten();
            places.map(move |place| (place, self.args.get(place), access))
        })
    }

    #[inline]
    fn unnamed_keys(&self) -> Option<usize> {
        self.command.keys.iter().find_map(|spec| spec.read_for?(self.args))
    }

    fn channels(&self) -> impl Iterator<Item = (usize, Channel<'_>)> {
        let kind = self.command.channels;
        kind.positions(self.args).map(move |place| {
            let name = self.args.get(place);
            (place, if kind == Channels::Patterns { Channel::Matching(name) } else { Channel::Named(name) })
        })
    }

    fn databases(&self) -> impl Iterator<Item = (usize, usize)> {
        let row = self.command;
        // SWAPDB says all the databases that it is about.
        let names_all = row.databases != Databases::None && row.keys.is_empty();
        let uses_own = !names_all && (row.has(Flag::Write) || row.has(Flag::ReadOnly) || !row.keys.is_empty());
        let every = if row.databases == Databases::All { self.databases } else { 0 };
        let own = uses_own.then_some((0, self.db));
        own.into_iter().chain((0..every).map(|number| (0, number))).chain(row.databases.numbers(self.args))
    }
}

/// What rights an access to a key takes.
#[inline]
fn access_of(use_of_key: KeyUse) -> KeyAccess {
    let reads = use_of_key.is_told || use_of_key.purpose == Purpose::Access;
    let writes = matches!(use_of_key.purpose, Purpose::Update | Purpose::Insert | Purpose::Delete);
    match (use_of_key.access, reads, writes) {
        (Access::NotKey, ..) | (_, false, false) => KeyAccess::NONE,
        (_, true, false) => KeyAccess::READ,
        (_, false, true) => KeyAccess::WRITE,
        (_, true, true) => KeyAccess::FULL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_category_of_a_row_is_known() {
        for entry in registry::all() {
            let names = entry.command.category_names(entry.group);
            assert_eq!(categories_of(entry).count_ones() as usize, names.len(), "{}: {names:?}", entry.full_name);
        }
    }

    #[test]
    fn a_row_with_channels_is_about_channels() {
        for entry in registry::all() {
            let has_channels = entry.command.channels != Channels::None;
            assert!(!has_channels || entry.command.has(Flag::PubSub), "{}", entry.full_name);
        }
    }
}
