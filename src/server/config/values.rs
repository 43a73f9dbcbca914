//! The types of configuration values that are more than a number, a word or a text.

use std::fmt;
use std::ops::Deref;

/// A size that may be given as a share of something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// So many bytes; 0 means no limit.
    Bytes(u64),
    /// So many hundredths, 0 to 100.
    Percent(u8),
}

impl Limit {
    /// The limit in bytes (0: none), where a percentage is taken of `whole_bytes`.
    pub fn resolve(self, whole_bytes: u64) -> u64 {
        match self {
            Limit::Bytes(bytes) => bytes,
            Limit::Percent(percent) => (u128::from(whole_bytes) * u128::from(percent) / 100) as u64,
        }
    }
}

impl Default for Limit {
    fn default() -> Self {
        Limit::Bytes(0)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::Bytes(bytes) => write!(f, "{bytes}"),
            Limit::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

/// A text that must not be seen in logs: `Debug` hides it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Keeps `bytes` as a secret; empty means none is set.
    pub fn new(bytes: &[u8]) -> Self {
        Secret(bytes.to_vec())
    }

    /// The secret itself.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Whether none is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "Secret(none)" } else { "Secret(hidden)" })
    }
}

/// A `user` line: the name, which is always there, and its rules, some of which are passwords. `Debug` shows the name.
#[derive(Clone, PartialEq, Eq)]
pub struct UserLine(Vec<Vec<u8>>);

impl From<Vec<Vec<u8>>> for UserLine {
    fn from(words: Vec<Vec<u8>>) -> UserLine {
        UserLine(words)
    }
}

impl Deref for UserLine {
    type Target = [Vec<u8>];

    fn deref(&self) -> &[Vec<u8>] {
        &self.0
    }
}

impl fmt::Debug for UserLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserLine({}, hidden)", self.0[0].escape_ascii())
    }
}

/// One rule of `save`: take a snapshot after this time with at least this many changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaveRule {
    /// Time since the last snapshot, at least 1.
    pub seconds: u64,
    /// Changes since the last snapshot.
    pub changes: u64,
}

/// The limits of `client-output-buffer-limit` for one class of clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputLimit {
    /// Closes the connection at once when passed; 0: no limit.
    pub hard_bytes: u64,
    /// Closes the connection when passed for `soft_seconds`; 0: no limit.
    pub soft_bytes: u64,
    /// How long `soft_bytes` may be passed.
    pub soft_seconds: u32,
}

/// Index into `Config::client_output_buffer_limit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputClass {
    /// Clients that are nothing else.
    Normal = 0,
    /// Replicas.
    Replica = 1,
    /// Clients with a subscription.
    PubSub = 2,
}

/// What a signal's SHUTDOWN does; all false is SHUTDOWN without options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShutdownFlags {
    /// Takes a snapshot even without `save` rules.
    pub save: bool,
    /// Takes no snapshot even with `save` rules.
    pub nosave: bool,
    /// Does not wait for replicas.
    pub now: bool,
    /// Exits even when saving fails.
    pub force: bool,
}

/// The primary named by `replicaof`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrimaryAddress {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// A command renamed by `rename-command`, with the place it was said at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenamedCommand {
    /// The command's own name.
    pub from: Vec<u8>,
    /// Its new name; empty removes the command.
    pub to: Vec<u8>,
}

/// The classes of keyspace events that `notify-keyspace-events` turns on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventClasses(u16);

impl EventClasses {
    /// `g`: DEL, EXPIRE, RENAME and other events that any type has.
    pub const GENERIC: EventClasses = EventClasses(1);
    /// `$`: strings.
    pub const STRING: EventClasses = EventClasses(1 << 1);
    /// `l`: lists.
    pub const LIST: EventClasses = EventClasses(1 << 2);
    /// `s`: sets.
    pub const SET: EventClasses = EventClasses(1 << 3);
    /// `h`: hashes.
    pub const HASH: EventClasses = EventClasses(1 << 4);
    /// `z`: sorted sets.
    pub const SORTED_SET: EventClasses = EventClasses(1 << 5);
    /// `x`: a key expired.
    pub const EXPIRED: EventClasses = EventClasses(1 << 6);
    /// `e`: a key was evicted.
    pub const EVICTED: EventClasses = EventClasses(1 << 7);
    /// `t`: streams.
    pub const STREAM: EventClasses = EventClasses(1 << 8);
    /// `d`: types of modules.
    pub const MODULE: EventClasses = EventClasses(1 << 9);
    /// `n`: a key was created. Not in `A`, though Redis 8 prints it only outside `A`.
    pub const NEW: EventClasses = EventClasses(1 << 10);
    /// `K`: events are published on `__keyspace@<db>__:<key>`.
    pub const KEYSPACE: EventClasses = EventClasses(1 << 11);
    /// `E`: events are published on `__keyevent@<db>__:<event>`.
    pub const KEYEVENT: EventClasses = EventClasses(1 << 12);
    /// `m`: a key was asked for that does not exist. Not in `A`.
    pub const KEY_MISS: EventClasses = EventClasses(1 << 13);
    /// `A`: all classes but `n` and `m`.
    pub const ALL: EventClasses = EventClasses(0x3ff);

    /// In the order in which Redis prints them; those up to `d` are what `A` stands for.
    const LETTERS: [(u8, EventClasses); 14] = [
        (b'g', Self::GENERIC),
        (b'$', Self::STRING),
        (b'l', Self::LIST),
        (b's', Self::SET),
        (b'h', Self::HASH),
        (b'z', Self::SORTED_SET),
        (b'x', Self::EXPIRED),
        (b'e', Self::EVICTED),
        (b't', Self::STREAM),
        (b'd', Self::MODULE),
        (b'n', Self::NEW),
        (b'K', Self::KEYSPACE),
        (b'E', Self::KEYEVENT),
        (b'm', Self::KEY_MISS),
    ];

    /// Reads letters; `None` when one is unknown.
    pub fn parse(letters: &[u8]) -> Option<Self> {
        letters.iter().try_fold(EventClasses(0), |classes, &letter| {
            let class = match letter {
                b'A' => Self::ALL,
                _ => Self::LETTERS.iter().find(|(known, _)| *known == letter)?.1,
            };
            Some(EventClasses(classes.0 | class.0))
        })
    }

    /// The class of this letter, if there is one.
    pub fn of_letter(letter: char) -> Option<Self> {
        Self::LETTERS.iter().find(|(known, _)| char::from(*known) == letter).map(|(_, class)| *class)
    }

    /// Whether every class of `other` is on.
    pub fn contains(self, other: EventClasses) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether nothing is on.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for EventClasses {
    /// Redis 8 leaves `n` out when it prints `A` (`notify.c`), and so do we.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.contains(Self::ALL);
        if all {
            f.write_str("A")?;
        }
        for (letter, class) in Self::LETTERS {
            let covered = all && (Self::ALL.contains(class) || class == Self::NEW);
            if self.contains(class) && !covered {
                write!(f, "{}", char::from(letter))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_letters_are_printed_in_the_order_of_redis() {
        let print = |letters: &str| EventClasses::parse(letters.as_bytes()).map(|classes| classes.to_string());
        assert_eq!(print("EK$g").as_deref(), Some("g$KE"));
        assert_eq!(print("KEA").as_deref(), Some("AKE"));
        assert_eq!(print("g$lshzxetdKEm").as_deref(), Some("AKEm"));
        assert_eq!(print("").as_deref(), Some(""));
        assert_eq!(print("KQ"), None);
    }

    #[test]
    fn a_percentage_is_taken_of_the_whole() {
        assert_eq!(Limit::Percent(75).resolve(u64::MAX), (u128::from(u64::MAX) * 75 / 100) as u64);
        assert_eq!(Limit::Percent(50).resolve(1000), 500);
        assert_eq!(Limit::Bytes(7).resolve(1000), 7);
    }

    #[test]
    fn debug_output_hides_a_secret() {
        assert!(!format!("{:?}", Secret::new(b"hunter2")).contains("hunter2"));
    }
}
