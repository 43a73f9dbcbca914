//! The words, brackets and suffixes of a syntax line.

use super::Type;
use super::words::type_by_name;

/// The two kinds of brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bracket {
    Square,
    Angle,
}

/// What a suffix overrides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Suffix<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) kind: Option<Type>,
    pub(super) key_spec_index: Option<usize>,
    pub(super) since: Option<&'a str>,
    pub(super) deprecated_since: Option<&'a str>,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lexeme<'a> {
    Open(Bracket),
    Close(Bracket, Suffix<'a>),
    Bar,
    Dots,
    Word(&'a str, Suffix<'a>),
}

impl Lexeme<'_> {
    /// The same to a reader: suffixes do not count.
    pub(super) fn reads_as(&self, other: &Lexeme) -> bool {
        match (self, other) {
            (Lexeme::Open(a), Lexeme::Open(b)) => a == b,
            (Lexeme::Close(a, _), Lexeme::Close(b, _)) => a == b,
            (Lexeme::Word(a, _), Lexeme::Word(b, _)) => a == b,
            (Lexeme::Bar, Lexeme::Bar) | (Lexeme::Dots, Lexeme::Dots) => true,
            _ => false,
        }
    }

    /// What it adds to the nesting.
    pub(super) fn depth(&self) -> isize {
        match self {
            Lexeme::Open(_) => 1,
            Lexeme::Close(..) => -1,
            _ => 0,
        }
    }
}

/// Splits a line into its lexemes.
pub(super) fn lex(line: &str) -> Result<Vec<Lexeme<'_>>, String> {
    let mut lexemes = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = |text: &str| text.find([' ', '[', ']', '<', '>', '|']).unwrap_or(text.len());
        let (lexeme, length) = match first {
            '[' => (Lexeme::Open(Bracket::Square), 1),
            '<' => (Lexeme::Open(Bracket::Angle), 1),
            '|' => (Lexeme::Bar, 1),
            ']' | '>' => {
                let bracket = if first == ']' { Bracket::Square } else { Bracket::Angle };
                let length = 1 + end(&rest[1..]);
                let (nothing, suffix) = split_suffix(&rest[1..length])?;
                if !nothing.is_empty() {
                    return Err(format!("`{nothing}` hangs on a closing bracket"));
                }
                (Lexeme::Close(bracket, suffix), length)
            }
            _ => {
                let length = end(rest);
                let (word, suffix) = split_suffix(&rest[..length])?;
                (if word == "..." { Lexeme::Dots } else { Lexeme::Word(word, suffix) }, length)
            }
        };
        lexemes.push(lexeme);
        rest = rest[length..].trim_start();
    }
    Ok(lexemes)
}

/// Splits `word@name:type#index^since!deprecated`; each part but the word may be absent.
fn split_suffix(text: &str) -> Result<(&str, Suffix<'_>), String> {
    let (text, deprecated_since) = split_version(text, '!')?;
    let (text, since) = split_version(text, '^')?;
    let (mut word, mut name) = match text.split_once('@') {
        Some((word, name)) => (word, Some(name)),
        None => (text, None),
    };
    let carrier = name.as_mut().unwrap_or(&mut word);
    let key_spec_index = match carrier.rsplit_once('#') {
        Some((head, index)) => {
            *carrier = head;
            Some(index.parse().map_err(|_| format!("`{text}`: `{index}` is no index"))?)
        }
        None => None,
    };
    let kind = match carrier.rsplit_once(':') {
        // The one word of the notation that has a colon of its own.
        Some(_) if *carrier == "ip:port" => None,
        Some((head, kind)) => {
            *carrier = head;
            Some(type_by_name(kind).ok_or_else(|| format!("`{text}`: no type is called `{kind}`"))?)
        }
        None => None,
    };
    match name {
        Some("") if kind.is_none() && key_spec_index.is_none() => Err(format!("`{text}`: no name after `@`")),
        name => {
            let name = name.filter(|name| !name.is_empty());
            Ok((word, Suffix { name, kind, key_spec_index, since, deprecated_since }))
        }
    }
}

/// Splits a version off the end, behind `mark`.
fn split_version(text: &str, mark: char) -> Result<(&str, Option<&str>), String> {
    match text.rsplit_once(mark) {
        None => Ok((text, None)),
        Some((head, version)) if version.split('.').all(|number| number.parse::<u16>().is_ok()) => {
            Ok((head, Some(version)))
        }
        Some((_, version)) => Err(format!("`{text}`: `{version}` is no version")),
    }
}
