//! A selector: commands, and the keys, channels and databases that they may reach. A user has one of its own and any number besides;
//! a call may run if one of them lets it.

use super::commands::{Change, CommandRights};
use super::patterns::{KeyAccess, KeyPattern, Pattern};
use super::rules::{RuleError, Terms};
use crate::base::number::parse_i64;
use crate::base::quote::{is_space, print_quoted, split_args};
use crate::server::config::AclPubsubDefault;

/// A selector.
#[derive(Debug, Clone)]
pub struct Selector {
    /// The commands that may run.
    pub commands: CommandRights,
    /// The keys that they may reach; `None`: all.
    pub keys: Option<Vec<KeyPattern>>,
    /// The channels; `None`: all.
    pub channels: Option<Vec<Pattern>>,
    /// The databases, in order; `None`: all.
    pub databases: Option<Vec<u32>>,
}

impl Selector {
    /// One that lets nothing run, and that reaches no key, all databases, and channels as the configuration says.
    pub fn new(channels: AclPubsubDefault) -> Selector {
        let has_all_channels = channels == AclPubsubDefault::AllChannels;
        Selector {
            commands: CommandRights::default(),
            keys: Some(Vec::new()),
            channels: (!has_all_channels).then(Vec::new),
            databases: None,
        }
    }

    /// One that lets everything run.
    pub fn unrestricted() -> Selector {
        let mut commands = CommandRights::default();
        commands.change_all(Change::Allow);
        Selector { commands, keys: None, channels: None, databases: None }
    }

    /// Whether it lets everything run, also commands yet to come.
    pub fn is_unrestricted(&self) -> bool {
        self.commands.are_all() && self.keys.is_none() && self.channels.is_none() && self.databases.is_none()
    }

    /// Whether every key may be read.
    pub fn reads_all_keys(&self) -> bool {
        let is_full = |key: &KeyPattern| key.pattern.text() == b"*" && KeyAccess::READ.is_within(key.access);
        self.keys.as_ref().is_none_or(|keys| keys.iter().any(is_full))
    }

    /// Reads `(+get ~a*)`.
    pub fn parse(text: &[u8], terms: &Terms<'_>) -> Result<Selector, RuleError> {
        let inside = text.strip_prefix(b"(").and_then(|rest| rest.strip_suffix(b")")).ok_or(RuleError::Syntax)?;
        let mut selector = Selector::new(terms.channels);
        for rule in split_args(inside).ok_or(RuleError::Syntax)? {
            selector.apply(&rule, terms)?;
        }
        Ok(selector)
    }

    /// Applies a rule.
    pub fn apply(&mut self, rule: &[u8], terms: &Terms<'_>) -> Result<(), RuleError> {
        match rule.to_ascii_lowercase().as_slice() {
            b"allkeys" | b"~*" => self.keys = None,
            b"resetkeys" => self.keys = Some(Vec::new()),
            b"allchannels" | b"&*" => self.channels = None,
            b"resetchannels" => self.channels = Some(Vec::new()),
            b"alldbs" => self.databases = None,
            b"resetdbs" => self.databases = Some(Vec::new()),
            b"allcommands" => self.commands.change_all(Change::Allow),
            b"nocommands" => self.commands.change_all(Change::Deny),
            word => match word.first() {
                Some(b'~' | b'%') => self.add_keys(rule)?,
                Some(b'&') => self.add_channels(&rule[1..])?,
                Some(b'+') => self.commands.change(Change::Allow, &rule[1..], terms.catalogue)?,
                Some(b'-') => self.commands.change(Change::Deny, &rule[1..], terms.catalogue)?,
                _ => self.databases = Some(parse_databases(word.strip_prefix(b"db=").ok_or(RuleError::Syntax)?)?),
            },
        }
        Ok(())
    }

    fn add_keys(&mut self, rule: &[u8]) -> Result<(), RuleError> {
        let keys = self.keys.as_mut().ok_or(RuleError::KeysAreAll)?;
        let (access, text) = parse_key_rule(rule)?;
        check_pattern(text)?;
        match keys.iter_mut().find(|known| known.pattern.text() == text) {
            Some(known) => known.access = known.access | access,
            None => keys.push(KeyPattern { access, pattern: Pattern::new(text) }),
        }
        Ok(())
    }

    fn add_channels(&mut self, text: &[u8]) -> Result<(), RuleError> {
        let channels = self.channels.as_mut().ok_or(RuleError::ChannelsAreAll)?;
        check_pattern(text)?;
        if !channels.iter().any(|known| known.text() == text) {
            channels.push(Pattern::new(text));
        }
        Ok(())
    }

    /// The rules for keys, as GETUSER shows them.
    pub fn key_words(&self) -> Vec<Vec<u8>> {
        self.keys.as_ref().map_or(vec![b"~*".to_vec()], |keys| keys.iter().map(KeyPattern::word).collect())
    }

    /// The rules for channels.
    pub fn channel_words(&self) -> Vec<Vec<u8>> {
        let word = |pattern: &Pattern| [b"&", pattern.text()].concat();
        self.channels.as_ref().map_or(vec![b"&*".to_vec()], |channels| channels.iter().map(word).collect())
    }

    /// The rule for databases; none where all are allowed, which Redis has no word for.
    pub fn database_word(&self) -> Option<String> {
        let numbers: Vec<String> = self.databases.as_ref()?.iter().map(u32::to_string).collect();
        Some(if numbers.is_empty() { "resetdbs".into() } else { format!("db={}", numbers.join(",")) })
    }

    /// The rules that make a new selector this one.
    pub fn words(&self) -> Vec<Vec<u8>> {
        let mut words = self.key_words();
        if self.channels.is_some() {
            words.push(b"resetchannels".to_vec());
        }
        words.extend(self.channel_words());
        words.extend(self.database_word().map(String::into_bytes));
        words.extend(self.commands.words());
        words
    }

    /// The same as one word in parentheses. What would not be read back as it stands is in quotes.
    pub fn text(&self) -> Vec<u8> {
        let quoted = |word: Vec<u8>| {
            let mut text = Vec::new();
            match word.iter().any(|byte| b"\"'\\()".contains(byte)) {
                true => print_quoted(&word, &mut text),
                false => text = word,
            }
            text
        };
        let words: Vec<Vec<u8>> = self.words().into_iter().map(quoted).collect();
        [b"(", words.join(&b' ').as_slice(), b")"].concat()
    }
}

/// `~a`, `%R~a`, `%rw~a`: what may be done with which keys.
fn parse_key_rule(rule: &[u8]) -> Result<(KeyAccess, &[u8]), RuleError> {
    if let Some(text) = rule.strip_prefix(b"~") {
        return Ok((KeyAccess::FULL, text));
    }
    // `%R` alone is taken for `%R~`, as in Redis.
    let end = rule.iter().position(|&byte| byte == b'~').unwrap_or(rule.len());
    let access = match rule[1..end].to_ascii_lowercase().as_slice() {
        b"r" => KeyAccess::READ,
        b"w" => KeyAccess::WRITE,
        b"rw" | b"wr" => KeyAccess::FULL,
        _ => return Err(RuleError::Syntax),
    };
    Ok((access, rule.get(end + 1..).unwrap_or_default()))
}

fn check_pattern(text: &[u8]) -> Result<(), RuleError> {
    match text.iter().any(|&byte| is_space(byte) || byte == 0) {
        true => Err(RuleError::Syntax),
        false => Ok(()),
    }
}

/// `0,3,1`: numbers, in order and each once.
fn parse_databases(text: &[u8]) -> Result<Vec<u32>, RuleError> {
    let parse = |word: &[u8]| {
        let digits = word.strip_prefix(b"-").unwrap_or(word);
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return Err(RuleError::Syntax);
        }
        let number = parse_i64(word).and_then(|number| i32::try_from(number).ok());
        number.and_then(|number| u32::try_from(number).ok()).ok_or(RuleError::DatabaseNumber)
    };
    let mut numbers: Vec<u32> = text.split(|&byte| byte == b',').map(parse).collect::<Result<_, _>>()?;
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::sample;
    use super::*;

    fn selector(rules: &[&str]) -> Result<Selector, RuleError> {
        let catalogue = sample();
        let terms = Terms { catalogue: &catalogue, channels: AclPubsubDefault::ResetChannels };
        let mut selector = Selector::new(terms.channels);
        rules.iter().try_for_each(|rule| selector.apply(rule.as_bytes(), &terms))?;
        Ok(selector)
    }

    #[track_caller]
    fn is(rules: &[&str], words: &str) {
        let words_now = selector(rules).unwrap().words().join(&b' ');
        assert_eq!(String::from_utf8(words_now).unwrap(), words, "{rules:?}");
    }

    #[test]
    fn rules_add_up() {
        is(&[], "resetchannels -@all");
        is(&["~a", "%r~a", "%W~b", "%wr~c", "%R~d", "%W~d"], "~a %W~b ~c ~d resetchannels -@all");
        is(&["&a", "&b*", "&a", "AllKeys"], "~* resetchannels &a &b* -@all");
        is(&["&*", "~*", "+@all"], "~* &* +@all");
        is(&["%R"], "%R~ resetchannels -@all");
        is(&["allkeys", "resetkeys", "~x", "allchannels", "resetchannels"], "~x resetchannels -@all");
        is(&["db=3,1,3", "DB=2,0"], "resetchannels db=0,2 -@all");
        is(&["db=1", "resetdbs"], "resetchannels resetdbs -@all");
        is(&["resetdbs", "alldbs"], "resetchannels -@all");
    }

    #[test]
    fn bad_rules_are_told_apart() {
        let error = |rules: &[&str]| selector(rules).unwrap_err();
        for rule in ["", "x", "%~a", "%RR~a", "%", "%X~a", "~a b", "&a\0", "db=", "db=1,", "db=a", "db=1-3", "on"] {
            assert_eq!(error(&[rule]), RuleError::Syntax, "{rule}");
        }
        for rule in ["db=-1", "db=2147483648", "db=99999999999999999999"] {
            assert_eq!(error(&[rule]), RuleError::DatabaseNumber, "{rule}");
        }
        assert_eq!(error(&["~*", "~a"]), RuleError::KeysAreAll);
        assert_eq!(error(&["~*", "%R~a"]), RuleError::KeysAreAll);
        assert_eq!(error(&["&*", "&a"]), RuleError::ChannelsAreAll);
    }

    #[test]
    fn one_in_parentheses_is_read_back_whatever_its_patterns() {
        let catalogue = sample();
        let terms = Terms { catalogue: &catalogue, channels: AclPubsubDefault::ResetChannels };
        for pattern in ["~a\"b", "~a)", "~(", "~\\*", "~'", "%R~\"", "~"] {
            let text = selector(&[pattern, "+get"]).unwrap().text();
            let again = Selector::parse(&text, &terms).unwrap();
            assert_eq!(again.key_words(), [pattern.as_bytes()]);
            assert_eq!(again.text(), text);
        }
        assert_eq!(Selector::parse(b"(~\"a)", &terms).unwrap_err(), RuleError::Syntax);
        assert_eq!(Selector::parse(b"(on)", &terms).unwrap_err(), RuleError::Syntax);
    }
}
