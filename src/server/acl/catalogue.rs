//! What rights are about: the commands, their subcommands and categories. The floor above has their rows and hands this in.

use std::collections::BTreeMap;

/// The categories, in the order of ACL CAT. A set of them has the bit of each one's place.
pub const CATEGORIES: [&str; 21] = [
    "keyspace",
    "read",
    "write",
    "set",
    "sortedset",
    "list",
    "hash",
    "string",
    "bitmap",
    "hyperloglog",
    "geo",
    "stream",
    "pubsub",
    "admin",
    "fast",
    "slow",
    "blocking",
    "dangerous",
    "connection",
    "transaction",
    "scripting",
];

/// The bit of a category, by its name in any case.
pub fn category(name: &[u8]) -> Option<u32> {
    let place = CATEGORIES.iter().position(|known| known.as_bytes().eq_ignore_ascii_case(name))?;
    Some(1 << place)
}

/// A command or subcommand.
#[derive(Debug, Clone)]
pub struct Entry {
    /// `get`, `config|get`.
    pub name: &'static str,
    /// Whose subcommand it is.
    pub parent: Option<usize>,
    /// Its subcommands.
    pub children: Vec<usize>,
    /// Its categories.
    pub categories: u32,
}

/// All commands, by number.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    entries: Vec<Entry>,
    by_name: BTreeMap<&'static str, usize>,
}

impl Catalogue {
    /// The commands in the order of their numbers.
    pub fn new(entries: Vec<Entry>) -> Catalogue {
        let by_name = entries.iter().enumerate().map(|(id, entry)| (entry.name, id)).collect();
        Catalogue { entries, by_name }
    }

    /// How many there are, subcommands included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// A command by its number.
    pub fn get(&self, id: usize) -> &Entry {
        &self.entries[id]
    }

    /// The number of `get` or `config|get`, in any case.
    pub fn find(&self, name: &[u8]) -> Option<usize> {
        let name = name.to_ascii_lowercase();
        self.by_name.get(std::str::from_utf8(&name).ok()?).copied()
    }

    /// The commands in any of these categories.
    pub fn in_categories(&self, categories: u32) -> impl Iterator<Item = usize> + '_ {
        let all = self.entries.iter().enumerate();
        all.filter(move |(_, entry)| entry.categories & categories != 0).map(|(id, _)| id)
    }
}

/// A small one for the tests of this folder: `get`, `set`, `config`, `config|get`, `config|set`, `publish`.
#[cfg(test)]
pub(super) fn sample() -> Catalogue {
    let bits = |names: &[&str]| names.iter().filter_map(|name| category(name.as_bytes())).sum();
    let entry = |name, parent, children: &[usize], categories: &[&str]| Entry {
        name,
        parent,
        children: children.to_vec(),
        categories: bits(categories),
    };
    Catalogue::new(vec![
        entry("get", None, &[], &["read", "string", "fast"]),
        entry("set", None, &[], &["write", "string", "slow"]),
        entry("config", None, &[3, 4], &["slow"]),
        entry("config|get", Some(2), &[], &["admin", "slow", "dangerous"]),
        entry("config|set", Some(2), &[], &["admin", "slow", "dangerous"]),
        entry("publish", None, &[], &["pubsub", "fast"]),
    ])
}
