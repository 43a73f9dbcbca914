//! What a row says, and what follows from its kind: reading a value, printing it, and writing it into a file.

use std::borrow::Cow;

use super::Config;
use super::values::{Limit, Secret};
use super::words::Words;
use crate::base::number::{parse_i64, parse_memory};
use crate::base::quote::print_quoted;

/// Why a value is not taken, in the words of Redis.
pub(crate) type Reason = Cow<'static, str>;

/// Where a value comes from: repeated `save` lines of a file add up, CONFIG SET replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The first time that a file (or the command line behind it) names the directive.
    FirstInFile,
    /// A later time.
    LaterInFile,
    /// CONFIG SET, or a value that was printed before.
    Live,
}

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
    /// It is taken and shown, and changes nothing, for this reason. A file that sets it to another value is told so at start.
    NoEffect(&'static str),
    /// Any value but the default is an error, for this reason: ignoring it would be dangerous.
    Refused(&'static str),
}

/// How the value is written, and the field it is kept in.
#[derive(Debug)]
pub(crate) enum Kind {
    Bool(BoolField),
    Integer {
        field: IntField,
        min: i128,
        max: i128,
        unit: Unit,
        clamp: Option<(i128, i128)>,
    },
    Limit {
        field: LimitField,
        max: i128,
    },
    Choice(ChoiceField),
    Text {
        field: TextField,
        check: Option<TextCheck>,
        empty_means_none: bool,
    },
    Secret(SecretField),
    Special(SpecialField),
    /// Only for files: `include`, `user` and the like, which the reader of files knows by name.
    Statement,
}

/// How an integer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Plain,
    Seconds,
    Memory,
    SignedMemory,
    Octal,
}

/// Accepts a text or says what is wrong with it.
pub(crate) type TextCheck = fn(&str) -> Result<(), &'static str>;

#[derive(Clone, Copy, Debug)]
pub(crate) struct BoolField {
    pub(crate) get: fn(&Config) -> bool,
    pub(crate) set: fn(&mut Config, bool),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct IntField {
    pub(crate) get: fn(&Config) -> i128,
    pub(crate) set: fn(&mut Config, i128),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct LimitField {
    pub(crate) get: fn(&Config) -> Limit,
    pub(crate) set: fn(&mut Config, Limit),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct TextField {
    pub(crate) get: fn(&Config) -> &str,
    pub(crate) set: fn(&mut Config, String),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct SecretField {
    pub(crate) get: fn(&Config) -> &Secret,
    pub(crate) set: fn(&mut Config, Secret),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct ChoiceField {
    pub(crate) words: fn(&Config) -> Vec<&'static str>,
    pub(crate) get: fn(&Config) -> &'static str,
    pub(crate) set: fn(&mut Config, &str) -> bool,
}

/// A directive with a form of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpecialField {
    pub(crate) get: fn(&Config) -> String,
    pub(crate) set: fn(&mut Config, &[&[u8]], Origin) -> Result<(), Reason>,
    /// The lines of a file that say this value, without the directive's name. None: the default needs no line.
    pub(crate) lines: fn(&Config, &Config) -> Vec<Line>,
}

/// One line of a file that CONFIG REWRITE would write.
pub(crate) struct Line {
    /// What follows the directive's name.
    pub(crate) value: Vec<u8>,
    /// Whether the line is added when the file has none to replace.
    pub(crate) wanted: bool,
}

impl Line {
    pub(crate) fn new(value: impl Into<Vec<u8>>, wanted: bool) -> Self {
        Line { value: value.into(), wanted }
    }
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
        if self.multi {
            let words: Vec<&[u8]> = text.split(|&byte| byte == b' ').collect();
            self.set(config, &words, Origin::Live)
        } else {
            self.set(config, &[text], Origin::Live)
        }
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

impl Unit {
    fn noun(self) -> &'static str {
        match self {
            Unit::Plain => "integer",
            Unit::Seconds => "seconds",
            Unit::Memory | Unit::SignedMemory => "size",
            Unit::Octal => "octal",
        }
    }
}

fn range_text(min: i128, max: i128, unit: Unit) -> String {
    let bound = |value: i128| match unit {
        Unit::Octal => format!("{value:o}"),
        Unit::Memory | Unit::SignedMemory => memory_with_unit(value),
        Unit::Plain | Unit::Seconds => value.to_string(),
    };
    let unbounded_above = max >= i128::from(i32::MAX);
    match (min <= i128::from(i32::MIN), unbounded_above) {
        (true, _) => String::new(),
        (false, true) if min == 0 => String::new(),
        (false, true) => format!(" from {}", bound(min)),
        (false, false) => format!(" {} to {}", bound(min), bound(max)),
    }
}

pub(crate) fn parse_yes_no(word: &[u8]) -> Result<bool, Reason> {
    match word.to_ascii_lowercase().as_slice() {
        b"yes" => Ok(true),
        b"no" => Ok(false),
        _ => Err("argument must be 'yes' or 'no'".into()),
    }
}

fn parse_integer(word: &[u8], unit: Unit, min: i128, max: i128) -> Result<i128, Reason> {
    let value = match unit {
        Unit::Plain | Unit::Seconds => {
            parse_i64(word).map(i128::from).ok_or("argument couldn't be parsed into an integer")?
        }
        Unit::Memory => parse_memory(word).map(i128::from).ok_or("argument must be a memory value")?,
        Unit::SignedMemory => parse_i64(word)
            .map(i128::from)
            .or_else(|| parse_memory(word).map(i128::from))
            .ok_or("argument must be a memory value")?,
        Unit::Octal => std::str::from_utf8(word)
            .ok()
            .and_then(|text| i64::from_str_radix(text, 8).ok())
            .map(i128::from)
            .ok_or("argument couldn't be parsed as an octal number")?,
    };
    if (min..=max).contains(&value) {
        return Ok(value);
    }
    Err(match unit {
        Unit::Octal => format!("argument must be between {min:o} and {max:o} inclusive"),
        _ => format!("argument must be between {min} and {max} inclusive"),
    }
    .into())
}

fn parse_limit(word: &[u8], max: i128) -> Result<Limit, Reason> {
    if let Some(bytes) = parse_memory(word) {
        return match i128::from(bytes) <= max {
            true => Ok(Limit::Bytes(bytes)),
            false => Err(format!("argument must be between 0 and {max} inclusive").into()),
        };
    }
    let percent = word.strip_suffix(b"%").and_then(parse_i64).filter(|&percent| percent >= 0);
    match percent {
        Some(percent @ 0..=100) => Ok(Limit::Percent(percent as u8)),
        Some(_) => Err("percentage argument must be less or equal to 100".into()),
        None => Err("argument must be a memory or percent value".into()),
    }
}

pub(crate) fn text_of(word: &[u8]) -> Result<&str, Reason> {
    std::str::from_utf8(word).map_err(|_| "argument must be valid UTF-8".into())
}

pub(crate) fn one_of(words: &[&str]) -> Reason {
    format!("argument(s) must be one of the following: {}", words.join(", ")).into()
}

/// A size with the largest unit that leaves it whole: `64mb`.
pub(crate) fn memory_with_unit(bytes: i128) -> String {
    for (unit, shift) in [("gb", 30), ("mb", 20), ("kb", 10)] {
        if bytes != 0 && bytes % (1 << shift) == 0 {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    bytes.to_string()
}

/// A text in quotes, as a file takes it.
pub(crate) fn quoted(text: &[u8]) -> Vec<u8> {
    let mut line = Vec::with_capacity(text.len() + 2);
    print_quoted(text, &mut line);
    line
}

pub(crate) fn words_of<W: Words>(_: &W) -> Vec<&'static str> {
    W::WORDS.iter().map(|(word, _)| *word).collect()
}

pub(crate) fn word_for<W: Words>(value: W) -> &'static str {
    W::WORDS.iter().find(|(_, meaning)| *meaning == value).map_or("unknown", |(word, _)| word)
}

pub(crate) fn set_word<W: Words>(field: &mut W, word: &str) -> bool {
    let found = W::WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word));
    if let Some((_, value)) = found {
        *field = *value;
    }
    found.is_some()
}
