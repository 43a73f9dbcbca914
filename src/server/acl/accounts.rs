//! The server's side of users: logging in, changing users and files of them, and what that means for clients who are connected.

use super::check::Channel;
use super::file;
use super::log::{Denial, Reason};
use super::patterns::Pattern;
use super::user::{BadRule, User};
use super::{DEFAULT, UserIndex, judge_line};
use crate::server::clients::{Client, ClientIndex};
use crate::server::config::UserLine;
use crate::server::{Server, gates};
use std::path::PathBuf;

impl Server {
    /// The client is `user` from now on.
    pub fn authenticate(&mut self, index: ClientIndex, user: UserIndex) {
        let client = self.clients.get_mut(index);
        client.user = user;
        client.authenticated = true;
        self.apply_rights_to(index);
    }

    /// The client has shown a certificate with this name in it: it is the user of that name. Answers whether there is
    /// one who is on; else it stays who it is.
    #[must_use]
    pub fn authenticate_by_certificate(&mut self, index: ClientIndex, name: &[u8]) -> bool {
        let user = self.acl.find(name).filter(|user| self.acl.get(*user).is_enabled);
        if let Some(user) = user {
            self.authenticate(index, user);
        }
        user.is_some()
    }

    /// What a client is before it has said who it is.
    pub fn enter_as_default(&mut self, index: ClientIndex) {
        let is_open = self.acl.get(DEFAULT).is_open();
        let client = self.clients.get_mut(index);
        client.user = DEFAULT;
        client.authenticated = is_open;
        self.apply_rights_to(index);
    }

    /// `requirepass` has changed.
    pub fn apply_requirepass(&mut self) {
        self.acl.users[DEFAULT].require(self.config.requirepass.expose());
        self.apply_rights_of(DEFAULT);
    }

    /// Counts and notes what was denied.
    pub fn note_denial(&mut self, denial: Denial) {
        let counters = &mut self.counters;
        *match denial.reason {
            Reason::Auth => &mut counters.failed_authentications,
            Reason::Command => &mut counters.denied_commands,
            Reason::Key => &mut counters.denied_keys,
            Reason::Channel => &mut counters.denied_channels,
            Reason::Database => &mut counters.denied_databases,
            Reason::Certificate => &mut counters.unknown_certificates,
        } += 1;
        let most = usize::try_from(self.config.acllog_max_len).unwrap_or(usize::MAX);
        self.acl.log.record(denial, self.time.wall_ms(), most);
    }

    /// Users of the configuration and of the ACL file, at start.
    ///
    /// # Errors
    /// Why there can be no server with these.
    pub fn load_users(&mut self) -> Result<(), String> {
        // They may hold passwords, which nobody needs from here on.
        for words in std::mem::take(&mut self.config.users) {
            let user = judge_line(&words, &self.acl.catalogue, self.config.acl_pubsub_default)?;
            if !user.is_enabled {
                log::info!(
                    "The user '{}' is disabled (there is no 'on' modifier in the user description). Make sure this is not a \
                     configuration error.",
                    String::from_utf8_lossy(&user.name)
                );
            }
            self.acl.put(user);
        }
        if !self.config.aclfile.is_empty() {
            let loaded = self.load_acl_file(None);
            loaded.map_err(|errors| format!("Aborting the start because of ACL errors: {errors}"))?;
        }
        Ok(())
    }

    /// ACL SETUSER: changes a user, or makes a new one; all rules count, or none.
    ///
    /// # Errors
    /// Why not, as the call is answered.
    pub fn set_user<'a>(
        &mut self,
        caller: ClientIndex,
        name: &[u8],
        rules: impl Iterator<Item = &'a [u8]>,
    ) -> Result<(), String> {
        if !file::is_name(name) {
            return Err("Usernames can't contain spaces or null characters".into());
        }
        let terms = self.acl.terms(self.config.acl_pubsub_default);
        let old = self.acl.find(name);
        let mut user = old.map_or_else(|| User::new(name, terms.channels), |index| self.acl.get(index).clone());
        user.apply_all(rules, &terms).map_err(|bad| match bad {
            BadRule::Unmatched(word) => {
                format!("Unmatched parenthesis in acl selector starting at '{}'.", String::from_utf8_lossy(&word))
            }
            BadRule::Refused { rule, error } => {
                format!("Error in ACL SETUSER modifier '{}': {error}", String::from_utf8_lossy(&rule))
            }
        })?;
        self.put_user(user, Some(caller));
        Ok(())
    }

    /// ACL DELUSER: the users are no more, and those who were logged in as them are disconnected; how many users.
    pub fn delete_users<'a>(&mut self, caller: ClientIndex, names: impl Iterator<Item = &'a [u8]>) -> usize {
        let mut deleted = 0;
        for name in names {
            if let Some(index) = self.acl.find(name) {
                self.delete_user(index, Some(caller));
                deleted += 1;
            }
        }
        deleted
    }

    /// ACL LOAD: the users of the ACL file and no others. `caller` is the client that asks.
    ///
    /// # Errors
    /// The file cannot be read, or has errors: nothing is changed.
    pub fn load_acl_file(&mut self, caller: Option<ClientIndex>) -> Result<(), String> {
        let path = self.acl_file_path();
        let shown = &self.config.aclfile;
        let text = self.surroundings.read_file(&path).map_err(|error| {
            let reason = error.to_string();
            let reason = reason.split(" (os error").next().unwrap_or_default();
            format!("Error loading ACLs, opening file '{shown}': {reason}")
        })?;
        let users = file::parse(&text, shown, &self.acl.terms(self.config.acl_pubsub_default))?;
        let gone: Vec<UserIndex> = self
            .acl
            .by_name
            .values()
            .copied()
            .filter(|&i| !users.iter().any(|u| u.name == self.acl.get(i).name))
            .collect();
        for index in gone {
            match index {
                DEFAULT => self.put_user(User::unrestricted(super::DEFAULT_USER.as_bytes()), caller),
                _ => self.delete_user(index, caller),
            }
        }
        for user in users {
            self.put_user(user, caller);
        }
        Ok(())
    }

    /// ACL SAVE: the ACL file says the present users.
    pub fn save_acl_file(&self) -> std::io::Result<()> {
        self.surroundings.replace_file(&self.acl_file_path(), &file::print(self.acl.iter()))
    }

    fn acl_file_path(&self) -> PathBuf {
        PathBuf::from(&self.config.dir).join(&self.config.aclfile)
    }

    /// The users as `user` lines of a configuration say them: all but a default user that `requirepass` alone would make.
    /// None where an ACL file has them.
    pub(in crate::server) fn user_directives(&self) -> Vec<UserLine> {
        if !self.config.aclfile.is_empty() {
            return Vec::new();
        }
        let mut plain = User::unrestricted(super::DEFAULT_USER.as_bytes());
        plain.require(self.config.requirepass.expose());
        let is_said = |user: &&User| user.name != plain.name || user.line() != plain.line();
        let words = |user: &User| {
            let rules = user.words();
            // A selector goes over several words, so that it can be read without quotes.
            let rules = rules.iter().flat_map(|rule| rule.split(|&byte| byte == b' ').map(<[u8]>::to_vec));
            std::iter::once(user.name.to_vec()).chain(rules).collect::<Vec<_>>().into()
        };
        self.acl.iter().filter(is_said).map(words).collect()
    }

    fn put_user(&mut self, user: User, caller: Option<ClientIndex>) {
        if let Some(index) = self.acl.find(&user.name)
            && let Some(lost) = lost_channels(self.acl.get(index), &user)
        {
            let uses_lost = |client: &Client| client.user == index && listens_beyond(client, &lost);
            self.disconnect(uses_lost, caller);
        }
        let index = self.acl.put(user);
        self.apply_rights_of(index);
    }

    fn delete_user(&mut self, index: UserIndex, caller: Option<ClientIndex>) {
        self.disconnect(|client| client.user == index, caller);
        self.acl.remove(index);
    }

    /// Ends the connections that fit, which are nobody's from now on.
    fn disconnect(&mut self, fits: impl Fn(&Client) -> bool, caller: Option<ClientIndex>) {
        let all: Vec<ClientIndex> =
            self.clients.iter().filter(|(_, client)| fits(client)).map(|(index, _)| index).collect();
        for index in all {
            let client = self.clients.get_mut(index);
            client.user = DEFAULT;
            client.authenticated = false;
            self.apply_rights_to(index);
            self.clients.end(index, caller);
        }
    }

    /// Raises and clears the gates of all who are this user.
    fn apply_rights_of(&mut self, user: UserIndex) {
        let all: Vec<ClientIndex> =
            self.clients.iter().filter(|(_, client)| client.user == user).map(|(index, _)| index).collect();
        all.into_iter().for_each(|index| self.apply_rights_to(index));
    }

    fn apply_rights_to(&mut self, index: ClientIndex) {
        let default_is_open = self.acl.get(DEFAULT).is_open();
        let client = self.clients.get_mut(index);
        if client.is_internal {
            return;
        }
        client.raised &= !(gates::AUTH | gates::ACL);
        if !client.authenticated && !default_is_open {
            client.raised |= gates::AUTH;
        }
        if !self.acl.get(client.user).is_unrestricted() {
            client.raised |= gates::ACL;
        }
    }
}

/// The channels that are left to a user, if it had more before; `None`: it has all that it had.
fn lost_channels(old: &User, new: &User) -> Option<Vec<Pattern>> {
    let has_all = |user: &User| user.selectors().iter().any(|selector| selector.channels.is_none());
    let patterns = |user: &User| user.selectors().iter().flat_map(|s| s.channels.clone().unwrap_or_default()).collect();
    if has_all(new) {
        return None;
    }
    let (before, left): (Vec<Pattern>, Vec<Pattern>) = (patterns(old), patterns(new));
    let keeps = !has_all(old) && before.iter().all(|pattern| left.contains(pattern));
    (!keeps).then_some(left)
}

/// Whether a client listens to anything but these channels.
fn listens_beyond(client: &Client, granted: &[Pattern]) -> bool {
    let subscriptions = &client.subscriptions;
    subscriptions.patterns.iter().any(|pattern| !Channel::Matching(pattern).is_within(granted))
        || subscriptions.channels.iter().any(|name| !Channel::Named(name).is_within(granted))
        || subscriptions.shards.iter().any(|name| !Channel::Named(name).is_within(granted))
}
