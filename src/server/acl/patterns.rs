//! Patterns of keys and channels, looked through once so that the common ones need no glob: a plain name, and a prefix and `*`.

use crate::base::glob::{self, Case};
use std::ops::BitOr;

/// What is done with a key: nothing that shows or changes its value, reading, writing, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyAccess(u8);

impl KeyAccess {
    /// Nothing that a right could stop (EXISTS, TYPE): any pattern that the key matches will do.
    pub const NONE: KeyAccess = KeyAccess(0);
    /// Its value is shown.
    pub const READ: KeyAccess = KeyAccess(1);
    /// Its value is changed.
    pub const WRITE: KeyAccess = KeyAccess(2);
    /// Both.
    pub const FULL: KeyAccess = KeyAccess(3);

    /// Whether this is part of `granted`.
    #[inline]
    pub fn is_within(self, granted: KeyAccess) -> bool {
        self.0 & !granted.0 == 0
    }
}

impl BitOr for KeyAccess {
    type Output = KeyAccess;

    fn bitor(self, other: KeyAccess) -> KeyAccess {
        KeyAccess(self.0 | other.0)
    }
}

/// A glob pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: Box<[u8]>,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Nothing in it is special.
    Plain,
    /// So many plain bytes, then one star.
    Prefix(usize),
    Glob,
}

impl Pattern {
    /// Looks through a pattern.
    pub fn new(text: &[u8]) -> Pattern {
        let plain = glob::literal_prefix(text).len();
        let form = match &text[plain..] {
            [] => Form::Plain,
            [b'*'] => Form::Prefix(plain),
            _ => Form::Glob,
        };
        Pattern { text: text.into(), form }
    }

    /// The pattern as it was given.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Whether a name matches, exactly as `glob::matches` says.
    #[inline]
    pub fn matches(&self, name: &[u8]) -> bool {
        match self.form {
            Form::Plain => *self.text == *name,
            // Not even a star matches the empty name.
            Form::Prefix(len) => name.starts_with(&self.text[..len]) && !name.is_empty(),
            Form::Glob => glob::matches(&self.text, name, Case::Sensitive),
        }
    }
}

/// A pattern of keys, and what may be done with those that match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPattern {
    /// What may be done.
    pub access: KeyAccess,
    /// With which keys.
    pub pattern: Pattern,
}

impl KeyPattern {
    /// The rule that makes it: `~a*`, `%R~a*`.
    pub fn word(&self) -> Vec<u8> {
        let sign: &[u8] = match self.access {
            KeyAccess::READ => b"%R~",
            KeyAccess::WRITE => b"%W~",
            _ => b"~",
        };
        [sign, self.pattern.text()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_cuts_match_what_the_glob_matches() {
        let patterns = ["", "*", "a", "ab*", "a**", "a*b", "a?", "[a]*", "\\*", "\\a*", "*a", "ab"];
        for pattern in patterns {
            for name in ["", "a", "ab", "abc", "b", "*", "a*", "aab"] {
                let expected = glob::matches(pattern.as_bytes(), name.as_bytes(), Case::Sensitive);
                assert_eq!(Pattern::new(pattern.as_bytes()).matches(name.as_bytes()), expected, "{pattern} {name}");
            }
        }
    }

    #[test]
    fn access_is_part_of_what_is_granted() {
        assert!(KeyAccess::NONE.is_within(KeyAccess::WRITE) && KeyAccess::READ.is_within(KeyAccess::FULL));
        assert!(!KeyAccess::FULL.is_within(KeyAccess::READ) && !KeyAccess::READ.is_within(KeyAccess::WRITE));
        assert_eq!(KeyAccess::READ | KeyAccess::WRITE, KeyAccess::FULL);
    }
}
