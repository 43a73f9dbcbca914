//! A user: who may log in how, and what its calls may do.

use super::password::PasswordHash;
use super::rules::{RuleError, Terms, join_selectors};
use super::selector::Selector;
use crate::server::config::AclPubsubDefault;

/// A user.
#[derive(Debug, Clone)]
pub struct User {
    /// Its name: no white space, no zero byte.
    pub name: Box<[u8]>,
    /// Whether it may log in.
    pub is_enabled: bool,
    /// Whether any password will do.
    pub needs_no_password: bool,
    /// Whether payloads of its RESTOREs are looked through (`sanitize-dump-payload clients`).
    pub sanitizes_payload: bool,
    /// Its passwords.
    pub passwords: Vec<PasswordHash>,
    /// Its own selector, then those in parentheses: never empty.
    selectors: Vec<Selector>,
}

impl User {
    /// A new user: it may not log in, and do nothing.
    pub fn new(name: &[u8], channels: AclPubsubDefault) -> User {
        User {
            name: name.into(),
            is_enabled: false,
            needs_no_password: false,
            sanitizes_payload: true,
            passwords: Vec::new(),
            selectors: vec![Selector::new(channels)],
        }
    }

    /// One that may do everything and needs no password.
    pub fn unrestricted(name: &[u8]) -> User {
        User {
            is_enabled: true,
            needs_no_password: true,
            selectors: vec![Selector::unrestricted()],
            ..User::new(name, AclPubsubDefault::AllChannels)
        }
    }

    /// All selectors, its own first.
    #[inline]
    pub fn selectors(&self) -> &[Selector] {
        &self.selectors
    }

    /// Whether any of its calls may do anything.
    pub fn is_unrestricted(&self) -> bool {
        self.selectors.iter().any(Selector::is_unrestricted)
    }

    /// Whether a client that has not logged in may be taken for this user.
    pub fn is_open(&self) -> bool {
        self.is_enabled && self.needs_no_password
    }

    /// Whether it may log in with this password. Takes equally long whatever the two have in common.
    pub fn accepts(&self, password: &PasswordHash) -> bool {
        let fits = self.passwords.iter().fold(false, |found, known| found | known.is(password));
        self.is_enabled && (self.needs_no_password | fits)
    }

    /// What `requirepass` says: this password and no other, or none at all.
    pub fn require(&mut self, password: &[u8]) {
        self.needs_no_password = password.is_empty();
        self.passwords.clear();
        if !password.is_empty() {
            self.passwords.push(PasswordHash::of(password));
        }
    }

    /// Applies rules in order. A selector may stand in several words.
    ///
    /// # Errors
    /// The first rule that is not taken, and why; the user is then not to be used.
    pub fn apply_all<'a>(
        &mut self,
        rules: impl IntoIterator<Item = &'a [u8]>,
        terms: &Terms<'_>,
    ) -> Result<(), BadRule> {
        let rules = join_selectors(rules).map_err(BadRule::Unmatched)?;
        for rule in rules {
            self.apply(&rule, terms).map_err(|error| BadRule::Refused { rule, error })?;
        }
        Ok(())
    }

    /// Applies a rule.
    pub fn apply(&mut self, rule: &[u8], terms: &Terms<'_>) -> Result<(), RuleError> {
        match rule.to_ascii_lowercase().as_slice() {
            b"" => {}
            b"on" => self.is_enabled = true,
            b"off" => self.is_enabled = false,
            b"sanitize-payload" => self.sanitizes_payload = true,
            b"skip-sanitize-payload" => self.sanitizes_payload = false,
            b"nopass" => self.require(b""),
            b"resetpass" => (self.needs_no_password, self.passwords) = (false, Vec::new()),
            b"clearselectors" => self.selectors.truncate(1),
            b"reset" => *self = User::new(&self.name, terms.channels),
            _ => match rule[0] {
                b'>' => self.add_password(PasswordHash::of(&rule[1..])),
                b'#' => self.add_password(PasswordHash::parse(&rule[1..]).ok_or(RuleError::BadHash)?),
                b'<' => self.remove_password(&PasswordHash::of(&rule[1..]))?,
                b'!' => self.remove_password(&PasswordHash::parse(&rule[1..]).ok_or(RuleError::BadHash)?)?,
                b'(' if rule.ends_with(b")") => self.selectors.push(Selector::parse(rule, terms)?),
                _ => self.selectors[0].apply(rule, terms)?,
            },
        }
        Ok(())
    }

    fn add_password(&mut self, password: PasswordHash) {
        self.needs_no_password = false;
        if !self.passwords.contains(&password) {
            self.passwords.push(password);
        }
    }

    fn remove_password(&mut self, password: &PasswordHash) -> Result<(), RuleError> {
        let place = self.passwords.iter().position(|known| known == password).ok_or(RuleError::NoSuchPassword)?;
        self.passwords.remove(place);
        Ok(())
    }

    /// What ACL GETUSER calls flags.
    pub fn flags(&self) -> Vec<&'static str> {
        let mut flags = vec![if self.is_enabled { "on" } else { "off" }];
        if self.needs_no_password {
            flags.push("nopass");
        }
        flags.push(if self.sanitizes_payload { "sanitize-payload" } else { "skip-sanitize-payload" });
        flags
    }

    /// The rules that make a new user this one; each selector is one word.
    pub fn words(&self) -> Vec<Vec<u8>> {
        let mut words: Vec<Vec<u8>> = self.flags().into_iter().map(|flag| flag.as_bytes().to_vec()).collect();
        words.extend(self.passwords.iter().map(|hash| format!("#{}", hash.digits()).into_bytes()));
        words.extend(self.selectors[0].words());
        words.extend(self.selectors[1..].iter().map(Selector::text));
        words
    }

    /// A line of an ACL file: `user`, the name, the rules.
    pub fn line(&self) -> Vec<u8> {
        [b"user ", &*self.name, b" ", &self.words().join(&b' ')].concat()
    }
}

/// A rule that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadRule {
    /// This word opens a selector that nothing closes.
    Unmatched(Vec<u8>),
    /// This rule is wrong.
    Refused {
        /// The rule; it may be a password.
        rule: Vec<u8>,
        /// Why.
        error: RuleError,
    },
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::sample;
    use super::*;

    fn with<T>(channels: AclPubsubDefault, then: impl FnOnce(&Terms<'_>) -> T) -> T {
        let catalogue = sample();
        then(&Terms { catalogue: &catalogue, channels })
    }

    fn user(rules: &str) -> User {
        with(AclPubsubDefault::ResetChannels, |terms| {
            let mut user = User::new(b"u", terms.channels);
            user.apply_all(rules.split(' ').map(str::as_bytes), terms).unwrap();
            user
        })
    }

    #[track_caller]
    fn is(rules: &str, line: &str) {
        assert_eq!(String::from_utf8(user(rules).line()).unwrap(), line, "{rules}");
    }

    const HASH: &str = "34344e4d60c2b6d639b7bd22e18f2b0b91bc34bf0ac5f9952744435093cfb4e6";

    #[test]
    fn a_user_is_said_by_the_rules_that_make_it() {
        is("", "user u off sanitize-payload resetchannels -@all");
        is("on nopass ~* &* +@all", "user u on nopass sanitize-payload ~* &* +@all");
        is(
            "on >passwd4 >passwd4 skip-sanitize-payload",
            &format!("user u on skip-sanitize-payload #{HASH} resetchannels -@all"),
        );
        is("nopass >x <x", "user u off sanitize-payload resetchannels -@all");
        is(
            "(~a +get) ( +set &c ) ~b",
            "user u off sanitize-payload ~b resetchannels -@all (~a resetchannels -@all +get) (resetchannels &c -@all +set)",
        );
        is("(~a) clearselectors on reset", "user u off sanitize-payload resetchannels -@all");
    }

    #[test]
    fn passwords_count_only_while_the_user_is_on() {
        let accepts = |rules: &str, password: &[u8]| user(rules).accepts(&PasswordHash::of(password));
        assert!(accepts("on >a >b", b"a") && accepts("on >a >b", b"b") && !accepts("on >a >b", b"c"));
        assert!(accepts("on nopass", b"anything") && !accepts("on", b"") && !accepts("off nopass", b"a"));
        assert!(!accepts("on >a <a", b"a") && !accepts("on nopass resetpass", b"a"));
        assert!(accepts(&format!("on #{HASH}"), b"passwd4") && !accepts(&format!("on #{HASH} !{HASH}"), b"passwd4"));
    }

    #[test]
    fn bad_rules_are_told() {
        let error = |rules: &[&str]| {
            with(AclPubsubDefault::ResetChannels, |terms| {
                let mut user = User::new(b"u", terms.channels);
                user.apply_all(rules.iter().map(|rule| rule.as_bytes()), terms).unwrap_err()
            })
        };
        let refused = |rule: &str, error| BadRule::Refused { rule: rule.into(), error };
        assert_eq!(error(&["on", "<x"]), refused("<x", RuleError::NoSuchPassword));
        assert_eq!(error(&["#abc"]), refused("#abc", RuleError::BadHash));
        assert_eq!(error(&["!abc"]), refused("!abc", RuleError::BadHash));
        assert_eq!(error(&["(on", ")"]), refused("(on )", RuleError::Syntax));
        assert_eq!(error(&["on", "(+get"]), BadRule::Unmatched(b"(+get".to_vec()));
    }

    #[test]
    fn what_is_unrestricted_has_one_selector_that_is() {
        assert!(User::unrestricted(b"default").is_unrestricted());
        assert!(user("~* &* +@all").is_unrestricted() && user("(~* &* +@all)").is_unrestricted());
        for rules in ["~* &* +@all -get", "~* &* +@all db=0", "~* +@all", "&* +@all (~* +@all)"] {
            assert!(!user(rules).is_unrestricted(), "{rules}");
        }
    }

    #[test]
    fn channels_of_new_users_and_selectors_follow_the_configuration() {
        with(AclPubsubDefault::AllChannels, |terms| {
            let mut user = User::new(b"u", terms.channels);
            user.apply_all([b"(+get)".as_slice()], terms).unwrap();
            assert_eq!(user.line(), b"user u off sanitize-payload &* -@all (&* -@all +get)");
        });
    }
}
