//! Whether a user's call may run.

use super::commands::CommandRights;
use super::patterns::{KeyAccess, Pattern};
use super::selector::Selector;
use super::user::User;

/// What a call would reach, as the floor of the commands reads it from a row and the call's words. A place is the number of a word.
pub trait Call {
    /// The command's number.
    fn command(&self) -> usize;
    /// The word behind the name, if any.
    fn first_argument(&self) -> Option<&[u8]>;
    /// The keys, and what is done with them.
    fn keys(&self) -> impl Iterator<Item = (usize, &[u8], KeyAccess)>;
    /// The place of a word that has it read keys which no word names, if there is one.
    fn unnamed_keys(&self) -> Option<usize>;
    /// The channels that are listened to or sent to.
    fn channels(&self) -> impl Iterator<Item = (usize, Channel<'_>)>;
    /// The numbers of the databases; place 0 stands for the one that the client is in.
    fn databases(&self) -> impl Iterator<Item = (usize, usize)>;
}

/// A channel of a call.
#[derive(Debug, Clone, Copy)]
pub enum Channel<'a> {
    /// By its name.
    Named(&'a [u8]),
    /// All that match a pattern: a right to them is the same pattern, letter by letter.
    Matching(&'a [u8]),
}

impl Channel<'_> {
    /// Whether any of the patterns gives a right to it.
    pub fn is_within(&self, granted: &[Pattern]) -> bool {
        match self {
            Channel::Named(name) => granted.iter().any(|pattern| pattern.matches(name)),
            Channel::Matching(pattern) => granted.iter().any(|known| known.text() == *pattern),
        }
    }
}

/// Why a call may not run. Of several reasons the greatest is told: it came nearest to running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Denied {
    /// The command or subcommand.
    Command,
    /// The key at this place.
    Key(usize),
    /// All keys: the word at this place may reach any.
    AllKeys(usize),
    /// The channel at this place.
    Channel(usize),
    /// A database: the place of its number (0: the client's own), and the number.
    Database(usize, usize),
}

impl User {
    /// Whether a call may run.
    #[inline]
    pub fn check(&self, call: &impl Call) -> Result<(), Denied> {
        let mut reason = Denied::Command;
        for selector in self.selectors() {
            match selector.check(call) {
                Ok(()) => return Ok(()),
                Err(denied) => reason = reason.max(denied),
            }
        }
        Err(reason)
    }
}

impl Selector {
    #[inline]
    fn check(&self, call: &impl Call) -> Result<(), Denied> {
        if !self.commands.allow(call.command()) {
            check_first_argument(&self.commands, call)?;
        }
        if let Some(granted) = &self.databases {
            let is_denied = |&(_, number): &(usize, usize)| !granted.contains(&(number as u32));
            if let Some((place, number)) = call.databases().find(is_denied) {
                return Err(Denied::Database(place, number));
            }
        }
        if let Some(granted) = &self.keys {
            for (place, key, access) in call.keys() {
                let gives = |p: &super::patterns::KeyPattern| access.is_within(p.access) && p.pattern.matches(key);
                if !granted.iter().any(gives) {
                    return Err(Denied::Key(place));
                }
            }
            if let Some(place) = call.unnamed_keys().filter(|_| !self.reads_all_keys()) {
                return Err(Denied::AllKeys(place));
            }
        }
        if let Some(granted) = &self.channels {
            for (place, channel) in call.channels() {
                if !channel.is_within(granted) {
                    return Err(Denied::Channel(place));
                }
            }
        }
        Ok(())
    }
}

#[cold]
fn check_first_argument(commands: &CommandRights, call: &impl Call) -> Result<(), Denied> {
    let is_allowed = call.first_argument().is_some_and(|word| commands.allow_with(call.command(), word));
    if is_allowed { Ok(()) } else { Err(Denied::Command) }
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::sample;
    use super::super::rules::Terms;
    use super::*;
    use crate::server::config::AclPubsubDefault;

    #[derive(Default)]
    struct Sample {
        command: &'static str,
        keys: Vec<(&'static str, KeyAccess)>,
        unnamed: Option<usize>,
        channels: Vec<Channel<'static>>,
        databases: Vec<usize>,
    }

    impl Call for Sample {
        fn command(&self) -> usize {
            sample().find(self.command.as_bytes()).unwrap()
        }

        fn first_argument(&self) -> Option<&[u8]> {
            self.keys.first().map(|(key, _)| key.as_bytes())
        }

        fn keys(&self) -> impl Iterator<Item = (usize, &[u8], KeyAccess)> {
            self.keys.iter().enumerate().map(|(i, (key, access))| (i + 1, key.as_bytes(), *access))
        }

        fn unnamed_keys(&self) -> Option<usize> {
            self.unnamed
        }

        fn channels(&self) -> impl Iterator<Item = (usize, Channel<'_>)> {
            self.channels.iter().enumerate().map(|(i, channel)| (i + 1, *channel))
        }

        fn databases(&self) -> impl Iterator<Item = (usize, usize)> {
            self.databases.iter().copied().enumerate()
        }
    }

    fn check(rules: &str, call: &Sample) -> Result<(), Denied> {
        let catalogue = sample();
        let terms = Terms { catalogue: &catalogue, channels: AclPubsubDefault::ResetChannels };
        let mut user = User::new(b"u", terms.channels);
        user.apply_all(rules.split(' ').map(str::as_bytes), &terms).unwrap();
        user.check(call)
    }

    fn get(key: &'static str) -> Sample {
        Sample { command: "get", keys: vec![(key, KeyAccess::READ)], ..Sample::default() }
    }

    #[test]
    fn all_keys_must_be_granted_by_one_selector() {
        let both = Sample { keys: vec![("a", KeyAccess::READ), ("b", KeyAccess::WRITE)], ..get("a") };
        assert_eq!(check("+get ~a %W~b", &both), Ok(()));
        assert_eq!(check("+get ~a %R~b", &both), Err(Denied::Key(2)));
        assert_eq!(check("+get ~a (+get ~b)", &both), Err(Denied::Key(2)));
        assert_eq!(check("+get ~c (+get ~a ~b)", &both), Ok(()));
        let neither = Sample { keys: vec![("a", KeyAccess::NONE)], ..get("a") };
        assert_eq!(check("+get %W~a", &neither), Ok(()));
    }

    #[test]
    fn keys_that_no_word_names_take_a_right_to_read_all() {
        let call = Sample { unnamed: Some(2), ..get("a") };
        assert_eq!(check("+get ~a", &call), Err(Denied::AllKeys(2)));
        assert_eq!(check("+get ~a %W~*", &call), Err(Denied::AllKeys(2)));
        assert_eq!(check("+get ~a (%R~* +set)", &call), Err(Denied::AllKeys(2)));
        assert_eq!(check("+get %R~*", &call), Ok(()));
        assert_eq!(check("+get ~*", &call), Ok(()));
    }

    #[test]
    fn the_reason_is_that_of_the_selector_that_came_nearest() {
        assert_eq!(check("~a", &get("a")), Err(Denied::Command));
        assert_eq!(check("+get ~b", &get("a")), Err(Denied::Key(1)));
        assert_eq!(check("~* (+get ~b)", &get("a")), Err(Denied::Key(1)));
        assert_eq!(check("+get|A ~*", &get("a")), Ok(()));
        assert_eq!(check("+get|b ~*", &get("a")), Err(Denied::Command));
        let elsewhere = Sample { databases: vec![3], ..get("a") };
        assert_eq!(check("+get ~b db=1", &elsewhere), Err(Denied::Database(0, 3)));
        assert_eq!(check("+get ~a db=1,3", &elsewhere), Ok(()));
        assert_eq!(check("+get ~a resetdbs", &elsewhere), Err(Denied::Database(0, 3)));
    }

    #[test]
    fn a_channel_pattern_is_granted_letter_by_letter() {
        let channel = |channel| Sample { command: "publish", channels: vec![channel], ..Sample::default() };
        assert_eq!(check("+publish &a*", &channel(Channel::Named(b"ab"))), Ok(()));
        assert_eq!(check("+publish &a*", &channel(Channel::Named(b"b"))), Err(Denied::Channel(1)));
        assert_eq!(check("+publish &a*", &channel(Channel::Matching(b"a*"))), Ok(()));
        assert_eq!(check("+publish &a*", &channel(Channel::Matching(b"ab"))), Err(Denied::Channel(1)));
        assert_eq!(check("+publish &*", &channel(Channel::Matching(b"ab*"))), Ok(()));
    }
}
