//! Users: who may log in, and which commands, keys, channels and databases each may use.
//!
//! ```text
//! catalogue   the commands that rights are about, handed in from above
//! user        name, passwords, selectors     password   SHA-256, secrets
//! selector    commands, keys, channels, databases: commands patterns
//! rules       the words that make them       file       ACL files: many users
//! check       may this call run?             log        what was denied
//! accounts    the server's side: log in, change users, and what that means for those who are connected
//! ```
//!
//! A client names its user by a place in here. Only a client whose user is restricted has its gate `ACL` raised: all others pay
//! nothing.

mod accounts;
pub mod catalogue;
pub mod check;
mod commands;
pub mod file;
pub mod log;
mod password;
pub mod patterns;
pub mod rules;
pub mod selector;
pub mod user;

use super::config::AclPubsubDefault;
use catalogue::Catalogue;
use log::AclLog;
use password::{PasswordHash, SecretSource};
use rules::Terms;
use slab::Slab;
use std::collections::BTreeMap;
use user::User;

/// The user that every client is at first.
pub const DEFAULT_USER: &str = "default";

/// A user's place, as long as there is the user.
pub type UserIndex = usize;

/// The place of the default user, which is always there.
pub const DEFAULT: UserIndex = 0;

/// All users.
pub struct Acl {
    catalogue: Catalogue,
    users: Slab<User>,
    by_name: BTreeMap<Box<[u8]>, UserIndex>,
    /// What was denied.
    pub log: AclLog,
    secrets: SecretSource,
}

impl Acl {
    /// The default user alone, who may do everything. `seed` is where secrets come from.
    pub fn new(seed: &[u8]) -> Acl {
        let mut acl = Acl {
            catalogue: Catalogue::default(),
            users: Slab::new(),
            by_name: BTreeMap::new(),
            log: AclLog::default(),
            secrets: SecretSource::new(seed),
        };
        let index = acl.put(User::unrestricted(DEFAULT_USER.as_bytes()));
        assert_eq!(index, DEFAULT);
        acl
    }

    /// Tells which commands there are. To be called before rules are applied.
    pub fn set_catalogue(&mut self, catalogue: Catalogue) {
        self.catalogue = catalogue;
    }

    /// The commands.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// A user by its place.
    #[inline]
    pub fn get(&self, index: UserIndex) -> &User {
        &self.users[index]
    }

    /// The place of the user of this name.
    pub fn find(&self, name: &[u8]) -> Option<UserIndex> {
        self.by_name.get(name).copied()
    }

    /// All users, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &User> {
        self.by_name.values().map(|&index| &self.users[index])
    }

    /// The user whom this name and password log in. Takes as long for a name that is not known.
    pub fn log_in(&self, name: &[u8], password: &[u8]) -> Option<UserIndex> {
        let hash = PasswordHash::of(password);
        self.find(name).filter(|&index| self.users[index].accepts(&hash))
    }

    /// Whether a user may run a command at all, whatever it reaches.
    pub fn may_run(&self, user: UserIndex, command: &str) -> bool {
        let id = self.catalogue.find(command.as_bytes());
        id.is_some_and(|id| self.users[user].selectors().iter().any(|selector| selector.commands.allow(id)))
    }

    /// So many hexadecimal digits that nobody can guess.
    pub fn secret_digits(&mut self, len: usize) -> String {
        self.secrets.digits(len)
    }

    fn terms(&self, channels: AclPubsubDefault) -> Terms<'_> {
        Terms { catalogue: &self.catalogue, channels }
    }

    /// Adds a user, or replaces the one of its name in its place.
    fn put(&mut self, user: User) -> UserIndex {
        match self.find(&user.name) {
            Some(index) => {
                self.users[index] = user;
                index
            }
            None => {
                let name = user.name.clone();
                let index = self.users.insert(user);
                self.by_name.insert(name, index);
                index
            }
        }
    }

    fn remove(&mut self, index: UserIndex) {
        debug_assert_ne!(index, DEFAULT);
        let user = self.users.remove(index);
        self.by_name.remove(&user.name);
    }
}

/// Judges the words of a `user` line of a configuration: name, then rules.
///
/// # Errors
/// What is wrong, without any password.
pub fn judge_line(words: &[Vec<u8>], catalogue: &Catalogue, channels: AclPubsubDefault) -> Result<User, String> {
    let (name, rules) = words.split_first().ok_or("a user has a name")?;
    if !file::is_name(name) {
        return Err("Spaces not allowed in ACL usernames".into());
    }
    let mut user = User::new(name, channels);
    let terms = Terms { catalogue, channels };
    user.apply_all(rules.iter().map(Vec::as_slice), &terms).map_err(|bad| file::explain(&bad))?;
    Ok(user)
}
