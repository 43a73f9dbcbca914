//! Every directive, one row each, by topic. A new directive is a row here and a field in `fields.rs`; the rest follows.

mod clients;
mod cluster;
mod collections;
mod debug;
mod general;
mod log_file;
mod memory;
mod network;
mod replication;
mod security;
mod snapshot;
mod tls;

use super::directive::Directive;

/// A group of directives, in the order of the example file.
#[derive(Debug)]
pub struct Topic {
    /// Its heading.
    pub title: &'static str,
    /// A sentence or two that hold for the whole group, in Markdown.
    pub intro: &'static str,
    /// Its rows.
    pub directives: &'static [Directive],
}

/// All topics.
pub const TOPICS: &[Topic] = &[
    network::TOPIC,
    general::TOPIC,
    snapshot::TOPIC,
    log_file::TOPIC,
    memory::TOPIC,
    clients::TOPIC,
    collections::TOPIC,
    security::TOPIC,
    tls::TOPIC,
    replication::TOPIC,
    cluster::TOPIC,
    debug::TOPIC,
];

/// Directives of older versions that Redis and Valkey still read and ignore.
pub const IGNORED: &[&str] = &[
    "list-max-ziplist-entries",
    "list-max-ziplist-value",
    "lua-replicate-commands",
    "io-threads-do-reads",
    "events-per-io-thread",
];

/// All rows.
pub fn directives() -> impl Iterator<Item = &'static Directive> {
    TOPICS.iter().flat_map(|topic| topic.directives)
}

/// The row of a name or alias, in any case.
pub fn find(name: &[u8]) -> Option<&'static Directive> {
    directives().find(|row| row.is_named(name))
}

/// What the row files write their tables with.
mod prelude {
    pub(super) use super::super::directive::Directive;
    pub(super) use super::super::kind::{BoolField, IntField, TextField};
    pub(super) use super::super::special::*;
    pub(super) use super::super::validate;
    pub(super) use super::Topic;
    pub(super) use super::{choice, flag, int, limit, secret, text};

    pub(super) const PORT_MAX: i128 = 65535;
    pub(super) const INT_MIN: i128 = i32::MIN as i128;
    pub(super) const INT_MAX: i128 = i32::MAX as i128;
    pub(super) const UINT_MAX: i128 = u32::MAX as i128;
    pub(super) const I64_MAX: i128 = i64::MAX as i128;
    pub(super) const U64_MAX: i128 = u64::MAX as i128;
    pub(super) const NO_REPLICATION: &str = "this version has no replication";
}

/// The accessor of an integer field.
macro_rules! int {
    ($field:ident) => {
        crate::server::config::kind::IntField {
            get: |config| i128::from(config.$field),
            set: |config, value| config.$field = value as _,
        }
    };
}

/// The accessor of a yes/no field.
macro_rules! flag {
    ($field:ident) => {
        crate::server::config::kind::BoolField {
            get: |config| config.$field,
            set: |config, value| config.$field = value,
        }
    };
}

/// The accessor of a field that is a size or a percentage.
macro_rules! limit {
    ($field:ident) => {
        crate::server::config::kind::LimitField {
            get: |config| config.$field,
            set: |config, value| config.$field = value,
        }
    };
}

/// The accessor of a text field.
macro_rules! text {
    ($field:ident) => {
        crate::server::config::kind::TextField {
            get: |config| &config.$field,
            set: |config, value| config.$field = value,
        }
    };
}

/// The accessor of a secret field.
macro_rules! secret {
    ($field:ident) => {
        crate::server::config::kind::SecretField {
            get: |config| &config.$field,
            set: |config, value| config.$field = value,
        }
    };
}

/// The accessor of a field that is one word of a list.
macro_rules! choice {
    ($field:ident) => {
        crate::server::config::kind::ChoiceField {
            words: |config| crate::server::config::kind::words_of(&config.$field),
            get: |config| crate::server::config::kind::word_for(config.$field),
            set: |config, word| crate::server::config::kind::set_word(&mut config.$field, word),
        }
    };
}

use {choice, flag, int, limit, secret, text};

#[cfg(test)]
pub(crate) mod tests;
