//! What a row says, and what follows from its kind: reading a value, printing it, and writing it into a file.

use super::Config;
use super::kind::{
    BoolField, ChoiceField, IntField, Kind, LimitField, Line, Origin, Reason, SecretField, SpecialField, TextCheck,
    TextField, Unit, memory_with_unit, one_of, parse_integer, parse_limit, parse_yes_no, quoted, range_text, text_of,
};
use super::values::{Limit, Secret};

/// One directive of the configuration.
#[derive(Debug)]
pub struct Directive {
    /// The name that files and CONFIG use.
    pub name: &'static str,
    /// A second name that means the same, mostly an older one.
    pub alias: Option<&'static str>,
    /// What it takes when a file does not name it, as it would be written there. For a statement: an example.
    pub default: &'static str,
    /// Whether it can change while the server runs.
    pub when: When,
    /// Whether it does something here.
    pub support: Support,
    /// One to three sentences, in Markdown, for CONFIG.md and the example file.
    pub doc: &'static str,
    /// CONFIG GET shows it only when asked by its full name.
    pub hidden: bool,
    /// Its value must not appear in logs and messages.
    pub sensitive: bool,
    /// CONFIG SET needs `enable-protected-configs`.
    pub protected: bool,
    /// CONFIG SET waits for the end of loading.
    pub deny_loading: bool,
    /// It takes any number of words.
    pub multi: bool,
    /// CONFIG SET to the value it has is a change as well: what it names may be another thing by now.
    pub names_outside: bool,
    pub(crate) kind: Kind,
}

/// Whether a directive can change while the server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// CONFIG SET and SIGHUP change it.
    Live,
    /// Only a start reads it.
    AtStart,
}

/// Whether a directive does something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// It does what it says.
    Works,
    /// It is taken and shown, and changes nothing, for this reason. A file that sets it to another value is told so
    /// at start.
    NoEffect(&'static str),
    /// Any value but the default is an error, for this reason: ignoring it would be dangerous.
    Refused(&'static str),
}

impl Directive {
    const fn new(name: &'static str, kind: Kind, default: &'static str) -> Self {
        Directive {
            name,
            alias: None,
            default,
            when: When::Live,
            support: Support::Works,
            doc: "",
            hidden: false,
            sensitive: false,
            protected: false,
            deny_loading: false,
            multi: false,
            names_outside: false,
            kind,
        }
    }

    pub(crate) const fn boolean(name: &'static str, field: BoolField, default: &'static str) -> Self {
        Self::new(name, Kind::Bool(field), default)
    }

    pub(crate) const fn integer(
        name: &'static str,
        field: IntField,
        min: i128,
        max: i128,
        default: &'static str,
    ) -> Self {
        Self::new(name, Kind::Integer { field, min, max, unit: Unit::Plain, clamp: None }, default)
    }

    pub(crate) const fn limit(name: &'static str, field: LimitField, max: i128, default: &'static str) -> Self {
        Self::new(name, Kind::Limit { field, max }, default)
    }

    pub(crate) const fn choice(name: &'static str, field: ChoiceField, default: &'static str) -> Self {
        Self::new(name, Kind::Choice(field), default)
    }

    pub(crate) const fn text(name: &'static str, field: TextField, default: &'static str) -> Self {
        Self::new(name, Kind::Text { field, check: None, empty_means_none: false }, default)
    }

    /// A text that is not there when empty: CONFIG REWRITE then drops its line.
    pub(crate) const fn optional_text(name: &'static str, field: TextField, default: &'static str) -> Self {
        Self::new(name, Kind::Text { field, check: None, empty_means_none: true }, default)
    }

    pub(crate) const fn secret(name: &'static str, field: SecretField) -> Self {
        let mut row = Self::new(name, Kind::Secret(field), "");
        row.sensitive = true;
        row
    }

    pub(crate) const fn special(name: &'static str, field: SpecialField, default: &'static str) -> Self {
        Self::new(name, Kind::Special(field), default)
    }

    pub(crate) const fn statement(name: &'static str, example: &'static str) -> Self {
        let mut row = Self::new(name, Kind::Statement, example);
        row.when = When::AtStart;
        row.multi = true;
        row
    }

    pub(crate) const fn alias(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    pub(crate) const fn at_start(mut self) -> Self {
        self.when = When::AtStart;
        self
    }

    pub(crate) const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    pub(crate) const fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    pub(crate) const fn protected(mut self) -> Self {
        self.protected = true;
        self
    }

    pub(crate) const fn deny_loading(mut self) -> Self {
        self.deny_loading = true;
        self
    }

    pub(crate) const fn multi(mut self) -> Self {
        self.multi = true;
        self
    }

    pub(crate) const fn no_effect(mut self, reason: &'static str) -> Self {
        self.support = Support::NoEffect(reason);
        self
    }

    pub(crate) const fn refused(mut self, reason: &'static str) -> Self {
        self.support = Support::Refused(reason);
        self
    }

    pub(crate) const fn names_outside(mut self) -> Self {
        self.names_outside = true;
        self
    }

    pub(crate) const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }

    pub(crate) const fn seconds(self) -> Self {
        self.unit(Unit::Seconds)
    }

    pub(crate) const fn memory(self) -> Self {
        self.unit(Unit::Memory)
    }

    pub(crate) const fn signed_memory(self) -> Self {
        self.unit(Unit::SignedMemory)
    }

    pub(crate) const fn octal(self) -> Self {
        self.unit(Unit::Octal)
    }

    const fn unit(mut self, new: Unit) -> Self {
        if let Kind::Integer { unit, .. } = &mut self.kind {
            *unit = new;
        }
        self
    }

    /// Values outside are taken, and moved to the nearer end.
    pub(crate) const fn clamped(mut self, low: i128, high: i128) -> Self {
        if let Kind::Integer { clamp, .. } = &mut self.kind {
            *clamp = Some((low, high));
        }
        self
    }

    pub(crate) const fn checked(mut self, new: TextCheck) -> Self {
        if let Kind::Text { check, .. } = &mut self.kind {
            *check = Some(new);
        }
        self
    }

    /// Whether `name` (in any case) names this directive.
    pub fn is_named(&self, name: &[u8]) -> bool {
        name.eq_ignore_ascii_case(self.name.as_bytes())
            || self.alias.is_some_and(|alias| name.eq_ignore_ascii_case(alias.as_bytes()))
    }

    /// Whether it has a value that CONFIG GET shows, unlike `include` and other statements of files.
    pub fn has_value(&self) -> bool {
        !matches!(self.kind, Kind::Statement)
    }

    /// The value as CONFIG GET prints it: memory in bytes, words separated by one blank. Empty for a statement.
    pub fn print(&self, config: &Config) -> Vec<u8> {
        match &self.kind {
            Kind::Bool(field) => if (field.get)(config) { "yes" } else { "no" }.into(),
            Kind::Integer { field, unit: Unit::Octal, .. } => format!("{:o}", (field.get)(config)).into(),
            Kind::Integer { field, .. } => (field.get)(config).to_string().into(),
            Kind::Limit { field, .. } => (field.get)(config).to_string().into(),
            Kind::Choice(field) => (field.get)(config).into(),
            Kind::Text { field, .. } => (field.get)(config).into(),
            Kind::Secret(field) => (field.get)(config).expose().to_vec(),
            Kind::Special(field) => (field.get)(config).into(),
            Kind::Statement => Vec::new(),
        }
    }

    /// The value for people, in messages and logs: text, with a secret hidden.
    pub fn print_for_log(&self, config: &Config) -> String {
        let value = self.print(config);
        if self.sensitive && !value.is_empty() {
            return "(hidden)".to_string();
        }
        String::from_utf8_lossy(&value).into_owned()
    }

    /// Reads the value from words and writes it into the field; on an error the configuration stays as it was.
    pub(crate) fn set(&self, config: &mut Config, words: &[&[u8]], origin: Origin) -> Result<(), Reason> {
        if let Kind::Special(field) = &self.kind {
            return (field.set)(config, words, origin);
        }
        if let (Kind::Choice(field), true) = (&self.kind, words.len() != 1) {
            return Err(one_of(&(field.words)(config)));
        }
        let &[word] = words else { return Err("wrong number of arguments".into()) };
        match &self.kind {
            Kind::Bool(field) => (field.set)(config, parse_yes_no(word)?),
            Kind::Integer { field, min, max, unit, clamp } => {
                let value = parse_integer(word, *unit, *min, *max)?;
                let (low, high) = clamp.unwrap_or((*min, *max));
                (field.set)(config, value.clamp(low, high));
            }
            Kind::Limit { field, max } => (field.set)(config, parse_limit(word, *max)?),
            Kind::Choice(field) => {
                let text = String::from_utf8_lossy(word);
                if !(field.set)(config, &text) {
                    return Err(one_of(&(field.words)(config)));
                }
            }
            Kind::Text { field, check, .. } => {
                let text = text_of(word)?;
                if let Some(check) = check {
                    check(text)?;
                }
                (field.set)(config, text.to_string());
            }
            Kind::Secret(field) => (field.set)(config, Secret::new(word)),
            Kind::Special(_) | Kind::Statement => unreachable!("handled above, or never set by name"),
        }
        Ok(())
    }

    /// As `set`, from one text: the words of a list stand in it with single blanks between, as CONFIG SET takes them.
    pub(crate) fn set_text(&self, config: &mut Config, text: &[u8]) -> Result<(), Reason> {
        let words: Vec<&[u8]> = match self.multi {
            true if text.is_empty() => Vec::new(),
            true => text.split(|&byte| byte == b' ').collect(),
            false => vec![text],
        };
        self.set(config, &words, Origin::Live)
    }

    /// The error for a value that this server refuses to have, if `config` has one.
    pub(crate) fn refusal(&self, config: &Config) -> Option<&'static str> {
        match self.support {
            Support::Refused(reason) if self.print(config) != self.print(&Config::default()) => Some(reason),
            _ => None,
        }
    }

    /// The lines that say this value in a file (see `SpecialField::lines`).
    pub(crate) fn lines(&self, config: &Config, defaults: &Config) -> Vec<Line> {
        let value = self.print(config);
        let wanted = value != self.print(defaults);
        match &self.kind {
            Kind::Special(field) => (field.lines)(config, defaults),
            Kind::Statement => Vec::new(),
            Kind::Secret(_) | Kind::Text { empty_means_none: true, .. } if value.is_empty() => Vec::new(),
            Kind::Secret(_) | Kind::Text { .. } => vec![Line::new(quoted(&value), wanted)],
            Kind::Integer { field, unit: Unit::Memory | Unit::SignedMemory, .. } => {
                vec![Line::new(memory_with_unit((field.get)(config)), wanted)]
            }
            Kind::Limit { field, .. } => {
                let text = match (field.get)(config) {
                    Limit::Bytes(bytes) => memory_with_unit(i128::from(bytes)),
                    percent => percent.to_string(),
                };
                vec![Line::new(text, wanted)]
            }
            _ => vec![Line::new(value, wanted)],
        }
    }

    /// The values it takes, for people: "yes or no", "0 to 65535".
    pub(crate) fn values(&self, config: &Config) -> String {
        match &self.kind {
            Kind::Bool(_) => "yes, no".to_string(),
            Kind::Integer { min, max, unit, .. } => format!("{}{}", unit.noun(), range_text(*min, *max, *unit)),
            Kind::Limit { .. } => "size or percentage".to_string(),
            Kind::Choice(field) => (field.words)(config).join(", "),
            Kind::Text { .. } | Kind::Secret(_) => "text".to_string(),
            Kind::Special(_) => "see text".to_string(),
            Kind::Statement => "statement".to_string(),
        }
    }
}
