//! Which commands a selector lets run.
//!
//! ```text
//! bits    one for each command's number; beyond their end, and for commands yet to come, `future` counts
//! rules   the words that made the bits, behind `+@all` or `-@all`, without those that later ones made void
//! ```
//!
//! Invariant: applying `rules` in order to all or nothing, as `future` says, gives `bits`.

use super::catalogue::{Catalogue, category};
use super::rules::RuleError;
use crate::base::quote::is_space;

/// Whether a rule gives a right or takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// `+`
    Allow,
    /// `-`
    Deny,
}

/// The commands that may run.
#[derive(Debug, Clone, Default)]
pub struct CommandRights {
    future: bool,
    bits: Vec<u64>,
    rules: Vec<(Change, Vec<u8>)>,
    /// Commands that are allowed with this first argument only.
    first_arguments: Vec<(usize, Box<[u8]>)>,
}

impl CommandRights {
    /// Whether all commands may run, also those yet to come.
    pub fn are_all(&self) -> bool {
        self.future && self.bits.iter().all(|&word| word == u64::MAX)
    }

    /// Whether a command may run, whatever its arguments.
    #[inline]
    pub fn allow(&self, id: usize) -> bool {
        self.bits.get(id / 64).map_or(self.future, |word| word >> (id % 64) & 1 == 1)
    }

    /// Whether a command may run with this first argument, though not with others.
    pub fn allow_with(&self, id: usize, first_argument: &[u8]) -> bool {
        let fits = |(known, word): &(usize, Box<[u8]>)| *known == id && word.eq_ignore_ascii_case(first_argument);
        self.first_arguments.iter().any(fits)
    }

    /// `+@all`, `-@all`.
    pub fn change_all(&mut self, change: Change) {
        *self = CommandRights { future: change == Change::Allow, ..CommandRights::default() };
    }

    /// `+get`, `-config|set`, `+@read`, `+select|0`: a rule without its sign.
    pub fn change(&mut self, change: Change, what: &[u8], catalogue: &Catalogue) -> Result<(), RuleError> {
        if let Some(name) = what.strip_prefix(b"@") {
            return self.change_category(change, name, catalogue);
        }
        if let Some(id) = catalogue.find(what) {
            self.set(id, change, catalogue);
        } else {
            self.allow_first_argument(change, what, catalogue)?;
        }
        self.note(change, what);
        Ok(())
    }

    fn change_category(&mut self, change: Change, name: &[u8], catalogue: &Catalogue) -> Result<(), RuleError> {
        if name.eq_ignore_ascii_case(b"all") {
            self.change_all(change);
            return Ok(());
        }
        let bit = category(name).ok_or(RuleError::Unknown)?;
        for id in catalogue.in_categories(bit) {
            self.set(id, change, catalogue);
        }
        self.note(change, &[b"@", name].concat());
        Ok(())
    }

    /// A word behind `|` that names no subcommand: of a command without subcommands it is the first argument.
    fn allow_first_argument(&mut self, change: Change, what: &[u8], catalogue: &Catalogue) -> Result<(), RuleError> {
        let bar = what.iter().rposition(|&byte| byte == b'|').ok_or(RuleError::Unknown)?;
        let (name, word) = (&what[..bar], &what[bar + 1..]);
        let id = catalogue.find(name).filter(|_| change == Change::Allow).ok_or(RuleError::Unknown)?;
        let entry = catalogue.get(id);
        if entry.parent.is_some() {
            return Err(RuleError::FirstArgumentOfSubcommand);
        }
        if word.is_empty() || word.iter().any(|&byte| is_space(byte) || byte == 0) {
            return Err(RuleError::Syntax);
        }
        if !entry.children.is_empty() {
            return Err(RuleError::Unknown);
        }
        if !self.allow_with(id, word) {
            self.first_arguments.push((id, word.into()));
        }
        Ok(())
    }

    /// The bit of a command and of its subcommands.
    fn set(&mut self, id: usize, change: Change, catalogue: &Catalogue) {
        let fill = if self.future { u64::MAX } else { 0 };
        self.bits.resize(catalogue.len().div_ceil(64), fill);
        for &id in [id].iter().chain(&catalogue.get(id).children) {
            match change {
                Change::Allow => self.bits[id / 64] |= 1 << (id % 64),
                Change::Deny => self.bits[id / 64] &= !(1 << (id % 64)),
            }
        }
        self.first_arguments.retain(|(known, _)| *known != id);
    }

    /// Keeps a rule, and drops those of the same command and its subcommands.
    fn note(&mut self, change: Change, what: &[u8]) {
        let what = what.to_ascii_lowercase();
        let is_void = |rule: &[u8]| {
            let rest = rule.strip_prefix(what.as_slice());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"|"))
        };
        self.rules.retain(|(_, rule)| !is_void(rule));
        self.rules.push((change, what));
    }

    /// The rules that make this: `-@all`, `+get`.
    pub fn words(&self) -> Vec<Vec<u8>> {
        let first = if self.future { b"+@all" } else { b"-@all" };
        let sign = |change: &Change| if *change == Change::Allow { b"+" } else { b"-" };
        let rules = self.rules.iter().map(|(change, what)| [sign(change), what.as_slice()].concat());
        std::iter::once(first.to_vec()).chain(rules).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::sample;
    use super::*;

    fn rights(rules: &str) -> CommandRights {
        let mut rights = CommandRights::default();
        for rule in rules.split(' ') {
            let (sign, what) = rule.as_bytes().split_at(1);
            let change = if sign == b"+" { Change::Allow } else { Change::Deny };
            rights.change(change, what, &sample()).unwrap_or_else(|error| panic!("{rule}: {error}"));
        }
        rights
    }

    fn allowed(rules: &str) -> Vec<&'static str> {
        let (rights, catalogue) = (rights(rules), sample());
        (0..catalogue.len()).filter(|&id| rights.allow(id)).map(|id| catalogue.get(id).name).collect()
    }

    #[test]
    fn a_container_takes_its_subcommands_along() {
        assert_eq!(allowed("+config"), ["config", "config|get", "config|set"]);
        assert_eq!(allowed("+config -config|set"), ["config", "config|get"]);
        assert_eq!(allowed("+config|get"), ["config|get"]);
        assert_eq!(allowed("+@admin +GET"), ["get", "config|get", "config|set"]);
        assert_eq!(allowed("+@all -@slow"), ["get", "publish"]);
    }

    #[test]
    fn rules_say_what_is_left_of_them() {
        let text = |rules: &str| String::from_utf8(rights(rules).words().join(&b' ')).unwrap();
        assert_eq!(text("+get"), "-@all +get");
        assert_eq!(text("+get -get +@Read -@read"), "-@all -get -@read");
        assert_eq!(text("+config|get +config|set -config"), "-@all -config");
        assert_eq!(text("-get +@all -CONFIG|Set"), "+@all -config|set");
        assert_eq!(text("+get|A +set"), "-@all +get|a +set");
    }

    #[test]
    fn a_first_argument_allows_a_command_with_it_alone() {
        let catalogue = sample();
        let some = rights("+get|k");
        let get = catalogue.find(b"get").unwrap();
        assert!(!some.allow(get) && some.allow_with(get, b"K") && !some.allow_with(get, b"j"));
        assert!(!rights("+get|k -get").allow_with(get, b"k"));
    }

    #[test]
    fn what_is_not_known_is_told_apart() {
        let error = |what: &str| {
            let mut rights = CommandRights::default();
            rights.change(Change::Allow, what.as_bytes(), &sample()).unwrap_err()
        };
        for what in ["nope", "@nope", "nope|x", "config|nope", "get|a|b", "", "@"] {
            assert_eq!(error(what), RuleError::Unknown, "{what}");
        }
        assert_eq!(error("config|get|x"), RuleError::FirstArgumentOfSubcommand);
        assert_eq!(error("get|"), RuleError::Syntax);
        let denied = CommandRights::default().change(Change::Deny, b"get|x", &sample());
        assert_eq!(denied, Err(RuleError::Unknown));
    }

    #[test]
    fn all_means_commands_yet_to_come_too() {
        let all = rights("+@all");
        assert!(all.are_all() && all.allow(100_000));
        let most = rights("+@all -get");
        assert!(!most.are_all() && most.allow(100_000) && !most.allow(0));
        assert!(rights("+@all -get +get").are_all());
    }
}
