//! Finding a command by its name.

use super::GROUPS;
use super::key_spec::Begin;
use super::row::{Command, Run};
use crate::server::config::Known;
use std::sync::LazyLock;

/// A command's number: its place in `all()`.
pub type CommandId = usize;

/// A command or subcommand, and what follows from where it stands.
pub struct Entry {
    /// The row.
    pub command: &'static Command,
    /// Its parent's number, for a subcommand.
    pub parent: Option<CommandId>,
    /// Its subcommands' numbers.
    pub children: Vec<CommandId>,
    /// Its group.
    pub group: &'static str,
    /// `config|get`
    pub full_name: String,
}

/// All commands and subcommands, in the order of the lists; a subcommand stands behind its parent.
pub fn all() -> &'static [Entry] {
    static ALL: LazyLock<Vec<Entry>> = LazyLock::new(|| {
        let mut all = Vec::new();
        for group in GROUPS {
            for &command in group.lists.iter().copied().flatten() {
                let parent = all.len();
                all.push(entry(command, None, group.name, command.name.to_string()));
                for &sub in command.subcommands {
                    let child = all.len();
                    all.push(entry(sub, Some(parent), group.name, format!("{}|{}", command.name, sub.name)));
                    all[parent].children.push(child);
                }
            }
        }
        all
    });
    &ALL
}

fn entry(command: &'static Command, parent: Option<CommandId>, group: &'static str, full_name: String) -> Entry {
    Entry { command, parent, children: Vec::new(), group, full_name }
}

/// The number of the top-level command of this name, in any case, whatever it was renamed to.
pub fn find(name: &[u8]) -> Option<CommandId> {
    all().iter().position(|e| e.parent.is_none() && e.command.name.as_bytes().eq_ignore_ascii_case(name))
}

/// Commands of Redis 8.0 and Valkey 9.1 that are not here.
const ELSEWHERE: &str = "asking cluster clusterscan eval eval_ro evalsha evalsha_ro failover fcall fcall_ro function migrate psync \
    readonly readwrite replconf replicaof script sflush slaveof sync vadd vcard vdim vemb vgetattr vinfo vismember vlinks \
    vrandmember vrem vsetattr vsim";

/// What is known of a top-level command, whatever it was renamed to (`config::JudgeCommand`).
pub fn known(name: &[u8]) -> Known {
    match find(name) {
        Some(_) => Known::Here,
        None if ELSEWHERE.split_ascii_whitespace().any(|other| other.as_bytes().eq_ignore_ascii_case(name)) => {
            Known::Elsewhere
        }
        None => Known::Nowhere,
    }
}

/// The number of a command named `get`, `config|get`.
pub fn find_full(name: &[u8]) -> Option<CommandId> {
    all().iter().position(|e| e.full_name.as_bytes().eq_ignore_ascii_case(name))
}

/// What the loop needs of a command on its path.
#[derive(Clone, Copy)]
pub struct Hot {
    /// The number.
    pub id: CommandId,
    /// The row.
    pub command: &'static Command,
    /// The word that is its first key, 0: none that can be told ahead.
    pub ahead_key: u16,
    /// The word that names an element of that key's collection, 0: none that can be told ahead.
    pub ahead_element: u16,
    /// Calls of so many words at most are done in no time: they are timed by batch, others each on its own.
    pub quick_words: usize,
    /// Gates that stop it (`dispatch::gates`).
    pub stopped_by: u32,
}

const SLOTS: usize = 1024;

/// Names to commands: a perfect fit is not needed, an almost empty table is.
pub struct Lookup {
    names: Vec<Vec<u8>>,
    /// The first eight bytes of a name of letters that has no more; 0 for all others.
    words: Vec<u64>,
    hot: Vec<Hot>,
    slots: Box<[u16; SLOTS]>,
}

impl Lookup {
    /// All commands; `renamed` gives some another name, or (empty) none; `gates` tells what stops a row.
    pub fn new(renamed: impl Fn(&str) -> Option<Vec<u8>>, gates: impl Fn(&Command) -> u32) -> Lookup {
        let hot = all().iter().enumerate().map(|(id, entry)| hot(id, entry.command, gates(entry.command))).collect();
        let names: Vec<Vec<u8>> = all()
            .iter()
            .map(|entry| match entry.parent {
                Some(_) => Vec::new(),
                None => {
                    renamed(entry.command.name).unwrap_or(entry.command.name.as_bytes().to_vec()).to_ascii_lowercase()
                }
            })
            .collect();
        let is_word = |name: &[u8]| (1..=8).contains(&name.len()) && name.iter().all(u8::is_ascii_lowercase);
        let words = names.iter().map(|name| if is_word(name) { folded(name) } else { 0 }).collect();
        let mut lookup = Lookup { names, words, hot, slots: Box::new([u16::MAX; SLOTS]) };
        for id in 0..lookup.names.len() {
            if !lookup.names[id].is_empty() {
                let mut slot = slot_of(folded(&lookup.names[id]), lookup.names[id].len());
                while lookup.slots[slot] != u16::MAX {
                    slot = (slot + 1) % SLOTS;
                }
                lookup.slots[slot] = id as u16;
            }
        }
        lookup
    }

    /// The top-level command of this name, in any case.
    #[inline]
    pub fn find(&self, name: &[u8]) -> Option<&Hot> {
        let word = folded(name);
        let mut slot = slot_of(word, name.len());
        loop {
            let id = self.slots[slot] as usize;
            if id == u16::MAX as usize {
                return None;
            }
            // Of the bytes that fold to a lower-case letter, both are that letter.
            if (self.words[id] == word && self.names[id].len() == name.len())
                || self.names[id].eq_ignore_ascii_case(name)
            {
                return Some(&self.hot[id]);
            }
            slot = (slot + 1) % SLOTS;
        }
    }

    /// A command by its number.
    #[inline]
    pub fn get(&self, id: CommandId) -> &Hot {
        &self.hot[id]
    }
}

fn hot(id: CommandId, command: &'static Command, stopped_by: u32) -> Hot {
    let ahead_key = match (command.run, command.keys.first().map(|spec| spec.begin)) {
        (Run::Data(_), Some(Begin::Index(index))) if index > 0 => index as u16,
        _ => 0,
    };
    let quick_words = quick_words(command.complexity);
    Hot { id, command, ahead_key, ahead_element: command.element, quick_words, stopped_by }
}

/// What costs little for each word costs little for few of them.
fn quick_words(complexity: &str) -> usize {
    const FEW_WORDS: usize = 16;
    match complexity {
        "O(1)" => usize::MAX,
        "O(log(N))" => FEW_WORDS,
        _ if complexity.starts_with("O(1) for each ") || complexity.starts_with("O(log(N)) for each ") => FEW_WORDS,
        _ => 0,
    }
}

/// The first eight bytes without case: letters become small, a missing byte a blank. Read in at most three pieces, which may
/// overlap: to copy a number of bytes that is only known now would be a call.
#[inline]
fn folded(name: &[u8]) -> u64 {
    let word = if let Some(&first) = name.first_chunk::<8>() {
        u64::from_le_bytes(first)
    } else if let (Some(&first), Some(&last)) = (name.first_chunk::<4>(), name.last_chunk::<4>()) {
        u32::from_le_bytes(first) as u64 | (u32::from_le_bytes(last) as u64) << (8 * (name.len() - 4))
    } else if let (Some(&first), Some(&last)) = (name.first(), name.last()) {
        let (middle, end) = (name.len() / 2, name.len() - 1);
        first as u64 | (name[middle] as u64) << (8 * middle) | (last as u64) << (8 * end)
    } else {
        0
    };
    word | 0x2020_2020_2020_2020
}

/// By the first eight bytes, without case, and the length.
#[inline]
fn slot_of(word: u64, len: usize) -> usize {
    ((word ^ (len as u64) << 3).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_are_elsewhere_are_not_here() {
        assert!(ELSEWHERE.split_ascii_whitespace().all(|name| find(name.as_bytes()).is_none()));
        assert_eq!([known(b"GET"), known(b"Eval"), known(b"gett")], [Known::Here, Known::Elsewhere, Known::Nowhere]);
    }

    #[test]
    fn a_name_is_folded_as_byte_by_byte() {
        let name = b"SetRange2";
        for len in 0..=name.len() {
            let mut word = [b' '; 8];
            for (place, byte) in word.iter_mut().zip(&name[..len]) {
                *place = byte | 0x20;
            }
            assert_eq!(folded(&name[..len]), u64::from_le_bytes(word), "{len} bytes");
        }
    }
}
