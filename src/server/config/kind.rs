//! The kinds of values: the field each is kept in, and how it is read and written as text.

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

/// Reads a value from words into the configuration; on an error the configuration stays as it was.
pub(crate) type SetWords = fn(&mut Config, &[&[u8]], Origin) -> Result<(), Reason>;

/// A directive with a form of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpecialField {
    pub(crate) get: fn(&Config) -> String,
    pub(crate) set: SetWords,
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

impl Unit {
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Unit::Plain => "integer",
            Unit::Seconds => "seconds",
            Unit::Memory | Unit::SignedMemory => "size",
            Unit::Octal => "octal",
        }
    }
}

pub(crate) fn range_text(min: i128, max: i128, unit: Unit) -> String {
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

pub(crate) fn parse_integer(word: &[u8], unit: Unit, min: i128, max: i128) -> Result<i128, Reason> {
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

pub(crate) fn parse_limit(word: &[u8], max: i128) -> Result<Limit, Reason> {
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
