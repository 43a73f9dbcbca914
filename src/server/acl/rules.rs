//! Rules: the words by which users are made, why one is not taken, and selectors that were given in several words.

use super::catalogue::Catalogue;
use crate::server::config::AclPubsubDefault;
use std::fmt;

/// What the meaning of a rule depends on.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    /// The commands that rules may name.
    pub catalogue: &'a Catalogue,
    /// The channels of a new user or selector.
    pub channels: AclPubsubDefault,
}

/// Why a rule is not taken. `Display` prints Redis's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleError {
    /// No such command, subcommand or category.
    Unknown,
    /// Not a rule.
    Syntax,
    /// A key pattern beside `~*`.
    KeysAreAll,
    /// A channel pattern beside `&*`.
    ChannelsAreAll,
    /// The user does not have the password.
    NoSuchPassword,
    /// Not 64 lower-case hexadecimal digits.
    BadHash,
    /// `+config|get|x`.
    FirstArgumentOfSubcommand,
    /// No database can have this number.
    DatabaseNumber,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RuleError::Unknown => "Unknown command or category name in ACL",
            RuleError::Syntax => "Syntax error",
            RuleError::KeysAreAll => {
                "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try \
                 'resetkeys' to start with an empty list of patterns"
            }
            RuleError::ChannelsAreAll => {
                "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try \
                 'resetchannels' to start with an empty list of channels"
            }
            RuleError::NoSuchPassword => "The password you are trying to remove from the user does not exist",
            RuleError::BadHash => {
                "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
            }
            RuleError::FirstArgumentOfSubcommand => "Allowing first-arg of a subcommand is not supported",
            RuleError::DatabaseNumber => "The provided database ID is out of range",
        })
    }
}

/// Joins the words of each selector: `(+get`, `~a)` becomes `(+get ~a)`.
///
/// # Errors
/// The word that opens a selector which nothing closes.
pub fn join_selectors<'a>(words: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Vec<u8>>, Vec<u8>> {
    let mut joined: Vec<Vec<u8>> = Vec::new();
    let mut open: Option<&[u8]> = None;
    for word in words {
        match (open, joined.last_mut()) {
            (Some(_), Some(selector)) => {
                selector.push(b' ');
                selector.extend_from_slice(word);
                open = open.filter(|_| !word.ends_with(b")"));
            }
            _ => {
                open = (word.starts_with(b"(") && !word.ends_with(b")")).then_some(word);
                joined.push(word.to_vec());
            }
        }
    }
    match open {
        Some(word) => Err(word.to_vec()),
        None => Ok(joined),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(words: &[&str]) -> Result<Vec<String>, String> {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        match join_selectors(words.iter().map(|word| word.as_bytes())) {
            Ok(words) => Ok(words.into_iter().map(text).collect()),
            Err(word) => Err(text(word)),
        }
    }

    #[test]
    fn a_selector_may_come_in_pieces() {
        assert_eq!(joined(&["on", "(+get", "~a", "&b)", "off"]).unwrap(), ["on", "(+get ~a &b)", "off"]);
        assert_eq!(joined(&["(+get)", "(", ")"]).unwrap(), ["(+get)", "( )"]);
        assert_eq!(joined(&["(a", "(b", "c)"]).unwrap(), ["(a (b c)"]);
        assert_eq!(joined(&["on", "(a", "(b"]).unwrap_err(), "(a");
        assert_eq!(joined(&[]).unwrap(), [""; 0]);
    }
}
