//! ACL LOG: the newest calls and logins that were denied. One that comes again within a minute is counted with the one before.

use crate::server::clients::Client;
use std::collections::VecDeque;

/// Entries that are looked through for one that is the same.
const SEARCHED: usize = 10;
/// Longest object and user that an entry keeps: a denied key may be as long as any.
const MOST_BYTES: usize = 4096;
/// How old the same entry may be.
const GROUPED_MS: u64 = 60_000;

/// What was missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The right password.
    Auth,
    /// The right to a command.
    Command,
    /// ... to a key.
    Key,
    /// ... to a channel.
    Channel,
    /// ... to a database.
    Database,
    /// A user whom a client's certificate names.
    Certificate,
}

impl Reason {
    /// As ACL LOG shows it.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Auth => "auth",
            Reason::Command => "command",
            Reason::Key => "key",
            Reason::Channel => "channel",
            Reason::Database => "database",
            Reason::Certificate => "tls-cert",
        }
    }
}

/// Where the call came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// From a client, to be run at once.
    TopLevel,
    /// From a client's transaction.
    Multi,
}

impl Origin {
    /// Where a call of this client comes from.
    pub fn of(client: &Client) -> Origin {
        let is_in_transaction = client.transaction.is_some() || client.executing.is_some();
        if is_in_transaction { Origin::Multi } else { Origin::TopLevel }
    }

    /// As ACL LOG shows it.
    pub fn name(self) -> &'static str {
        match self {
            Origin::TopLevel => "toplevel",
            Origin::Multi => "multi",
        }
    }
}

/// Something that was denied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// What was missing.
    pub reason: Reason,
    /// Where it came from.
    pub origin: Origin,
    /// The command, key, channel or database.
    pub object: Vec<u8>,
    /// Whose call it was, or who wanted to log in.
    pub user: Vec<u8>,
    /// The client, as CLIENT LIST shows it.
    pub client: String,
}

impl Denial {
    fn is_like(&self, other: &Denial) -> bool {
        (self.reason, self.origin) == (other.reason, other.origin)
            && self.object == other.object
            && self.user == other.user
    }
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub id: u64,
    /// How often it happened.
    pub count: u64,
    /// What it was, the last time.
    pub denial: Denial,
    /// When it happened first (ms since 1970).
    pub first_ms: u64,
    /// And last.
    pub last_ms: u64,
}

/// The log, newest entry in front.
#[derive(Debug, Default)]
pub struct AclLog {
    entries: VecDeque<Entry>,
    next_id: u64,
}

impl AclLog {
    /// Notes a denial; at most `most` entries are kept.
    pub fn record(&mut self, mut denial: Denial, now_ms: u64, most: usize) {
        for text in [&mut denial.object, &mut denial.user] {
            text.truncate(MOST_BYTES);
            text.shrink_to_fit();
        }
        if most > 0 {
            self.add(denial, now_ms);
        }
        self.entries.truncate(most);
    }

    fn add(&mut self, denial: Denial, now_ms: u64) {
        let is_same = |entry: &Entry| entry.denial.is_like(&denial) && now_ms.abs_diff(entry.last_ms) <= GROUPED_MS;
        let entry = match self.entries.iter().take(SEARCHED).position(is_same) {
            Some(place) => {
                let entry = self.entries.remove(place).expect("found there");
                Entry { count: entry.count + 1, last_ms: now_ms, denial, ..entry }
            }
            None => {
                self.next_id += 1;
                Entry { id: self.next_id - 1, count: 1, denial, first_ms: now_ms, last_ms: now_ms }
            }
        };
        self.entries.push_front(entry);
    }

    /// The entries, newest first.
    pub fn newest(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Drops all entries; numbers go on.
    pub fn reset(&mut self) {
        self.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denial(object: &str) -> Denial {
        let (reason, origin) = (Reason::Key, Origin::TopLevel);
        Denial { reason, origin, object: object.into(), user: b"u".to_vec(), client: String::new() }
    }

    fn shown(log: &AclLog) -> Vec<(u64, u64, &str)> {
        log.newest().map(|e| (e.id, e.count, std::str::from_utf8(&e.denial.object).unwrap())).collect()
    }

    #[test]
    fn the_same_within_a_minute_is_counted_and_comes_to_the_front() {
        let mut log = AclLog::default();
        for (object, now_ms) in [("a", 0), ("b", 10), ("a", 60_000), ("b", 60_011)] {
            log.record(denial(object), now_ms, 100);
        }
        assert_eq!(shown(&log), [(2, 1, "b"), (0, 2, "a"), (1, 1, "b")]);
        let entry = log.newest().nth(1).unwrap();
        assert_eq!((entry.first_ms, entry.last_ms), (0, 60_000));
        for other in [
            Denial { reason: Reason::Channel, ..denial("b") },
            Denial { origin: Origin::Multi, ..denial("b") },
            Denial { user: b"v".to_vec(), ..denial("b") },
        ] {
            log.record(other, 60_012, 100);
            assert_eq!(log.newest().next().unwrap().count, 1);
        }
    }

    #[test]
    fn a_long_object_is_cut() {
        let mut log = AclLog::default();
        for len in [4097, 5000] {
            log.record(denial(&"x".repeat(len)), 0, 100);
        }
        assert_eq!(shown(&log), [(0, 2, "x".repeat(4096).as_str())]);
    }

    #[test]
    fn only_the_ten_newest_are_searched() {
        let mut log = AclLog::default();
        for object in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "a", "c"] {
            log.record(denial(object), 0, 100);
        }
        let shown = shown(&log);
        assert_eq!((shown[0], shown[1], shown.len()), ((2, 2, "c"), (11, 1, "a"), 12));
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many() {
        let mut log = AclLog::default();
        for object in ["a", "b", "c"] {
            log.record(denial(object), 0, 2);
        }
        assert_eq!(shown(&log), [(2, 1, "c"), (1, 1, "b")]);
        log.reset();
        log.record(denial("d"), 0, 2);
        assert_eq!(shown(&log), [(3, 1, "d")]);
        log.record(denial("e"), 0, 0);
        assert_eq!(shown(&log), []);
    }
}
