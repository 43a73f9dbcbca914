//! From lexemes to groups: alternatives, repeats, and which token belongs to what.

use std::ops::Range;

use super::lexemes::{Bracket, Lexeme, Suffix};
use super::words::{customary_name, type_of_word};
use super::{Argument, Type};

/// An argument in the making.
pub(super) struct Part {
    pub(super) argument: Argument,
    /// A token that has not found what it belongs to.
    free_token: bool,
    /// Named by the line, not by us.
    named: bool,
    /// Where it stands among the lexemes.
    span: Range<usize>,
}

/// What stands between two brackets, or on the whole line.
pub(super) struct Body {
    pub(super) alternatives: Vec<Vec<Part>>,
    /// A repeat of all the alternatives ends it.
    pub(super) repeats: bool,
}

/// Where a token looks for what it belongs to.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Scope {
    Line,
    Group,
}

/// Reads groups from the lexemes of a line.
pub(super) struct Parser<'a, 'l> {
    pub(super) lexemes: &'l [Lexeme<'a>],
    pub(super) at: usize,
}

impl Parser<'_, '_> {
    /// Reads up to the closing bracket, and past it; without one, up to the end of the line.
    pub(super) fn body(&mut self, bracket: Option<Bracket>) -> Result<Body, String> {
        let start = self.at;
        let mut body = Body { alternatives: vec![Vec::new()], repeats: false };
        loop {
            let lexeme = self.lexemes.get(self.at).copied();
            let parts = body.alternatives.last_mut().expect("there is always one");
            let ends = match lexeme {
                None => true,
                Some(lexeme) => matches!(lexeme, Lexeme::Close(..) | Lexeme::Bar),
            };
            if ends && parts.is_empty() {
                return Err("an empty alternative or group".to_owned());
            }
            if !ends && body.repeats {
                return Err("more words after the repeat of all alternatives".to_owned());
            }
            match lexeme {
                None if bracket.is_none() => return Ok(body),
                None => return Err("a bracket is not closed".to_owned()),
                Some(Lexeme::Close(found, _)) if Some(found) == bracket => {
                    self.at += 1;
                    return Ok(body);
                }
                Some(Lexeme::Close(..)) => return Err("a closing bracket that closes nothing".to_owned()),
                Some(Lexeme::Bar) if body.repeats => return Err("an alternative after the repeat of all".to_owned()),
                Some(Lexeme::Bar) => {
                    self.at += 1;
                    body.alternatives.push(Vec::new());
                }
                Some(Lexeme::Dots) => return Err("`...` stands outside of a repeat".to_owned()),
                Some(Lexeme::Word(word, suffix)) => {
                    parts.push(word_part(word, suffix, self.at)?);
                    self.at += 1;
                }
                Some(Lexeme::Open(bracket)) => match self.repeat_ahead()? {
                    Some(repeat) if self.has_alternatives(&repeat) => {
                        self.check_cut(start..self.at, repeat.clone())?;
                        body.repeats = true;
                        self.at = repeat.end + 2;
                    }
                    Some(repeat) => self.repeat(parts, repeat)?,
                    None => parts.push(self.group(bracket)?),
                },
            }
        }
    }

    /// Reads a group whose bracket opens here.
    fn group(&mut self, bracket: Bracket) -> Result<Part, String> {
        let start = self.at;
        self.at += 1;
        let body = self.body(Some(bracket))?;
        let Lexeme::Close(_, suffix) = self.lexemes[self.at - 1] else { unreachable!("a body ends at its bracket") };
        let mut part = match <[Vec<Part>; 1]>::try_from(body.alternatives) {
            Ok([parts]) => block(bind_tokens(parts, Scope::Group)),
            Err(alternatives) => one_of(alternatives),
        };
        part.argument.multiple |= body.repeats;
        if bracket == Bracket::Square {
            if part.argument.optional {
                return Err(format!("`{}` is optional twice", part.argument.name));
            }
            part.argument.optional = true;
        }
        apply_suffix(&mut part, suffix)?;
        part.span = start..self.at;
        Ok(part)
    }

    /// The words of the repeat (`[.. ...]`) that opens here, without the dots, if it is one.
    fn repeat_ahead(&self) -> Result<Option<Range<usize>>, String> {
        let close = self.closing(self.at).ok_or("a bracket is not closed")?;
        let square = matches!(self.lexemes[self.at], Lexeme::Open(Bracket::Square))
            && matches!(self.lexemes[close], Lexeme::Close(Bracket::Square, _));
        Ok((square && matches!(self.lexemes[close - 1], Lexeme::Dots)).then_some(self.at + 1..close - 1))
    }

    /// Where the bracket that opens at `open` closes.
    fn closing(&self, open: usize) -> Option<usize> {
        let mut depth = 0;
        let offset = self.lexemes[open..].iter().position(|lexeme| {
            depth += lexeme.depth();
            depth == 0
        });
        offset.map(|offset| open + offset)
    }

    fn has_alternatives(&self, words: &Range<usize>) -> bool {
        let mut depth = 0;
        self.lexemes[words.clone()].iter().any(|lexeme| {
            depth += lexeme.depth();
            depth == 0 && matches!(lexeme, Lexeme::Bar)
        })
    }

    /// Marks the last parts as repeated, when the repeat's words are theirs.
    fn repeat(&mut self, parts: &mut Vec<Part>, repeat: Range<usize>) -> Result<(), String> {
        let words = &self.lexemes[repeat.clone()];
        let first = (0..parts.len()).rev().find(|&first| {
            let original = &self.lexemes[parts[first].span.start..self.at];
            original.len() == words.len() && original.iter().zip(words).all(|(a, b)| a.reads_as(b))
        });
        let first = first.ok_or_else(|| format!("a repeat of {} words that are not those before it", words.len()))?;
        let Lexeme::Close(_, suffix) = self.lexemes[repeat.end + 1] else {
            unreachable!("a repeat ends at its bracket")
        };
        let start = parts[first].span.start;
        let repeated: Vec<Part> = parts.drain(first..).collect();
        let with_token = repeated[0].free_token;
        let mut part = block(bind_tokens(repeated, Scope::Group));
        if part.argument.kind == Type::Block && part.argument.token.is_none() && !part.named {
            part.argument.name = "data".to_owned();
        }
        part.argument.multiple = true;
        part.argument.multiple_token = with_token;
        apply_suffix(&mut part, suffix)?;
        self.at = repeat.end + 2;
        part.span = start..self.at;
        parts.push(part);
        Ok(())
    }

    /// Checks that a repeat of alternatives begins as they do. It may stop early, and `...` in a group stands for the group's rest.
    fn check_cut(&self, original: Range<usize>, repeat: Range<usize>) -> Result<(), String> {
        let mut at = original.start;
        for word in &self.lexemes[repeat] {
            if matches!(word, Lexeme::Dots) {
                let mut depth = 0;
                while at < original.end && depth + self.lexemes[at].depth() >= 0 {
                    depth += self.lexemes[at].depth();
                    at += 1;
                }
            } else if at < original.end && word.reads_as(&self.lexemes[at]) {
                at += 1;
            } else {
                return Err("a repeat of alternatives that are not those before it".to_owned());
            }
        }
        Ok(())
    }
}

fn word_part(word: &str, suffix: Suffix, at: usize) -> Result<Part, String> {
    let free_token = !word.contains(|letter: char| letter.is_ascii_lowercase());
    let argument = if free_token {
        let token = if word == "\"\"" { "" } else { word };
        Argument::leaf(&word.to_ascii_lowercase(), Type::PureToken, Some(token.to_owned()))
    } else {
        Argument::leaf(word, type_of_word(word), None)
    };
    let mut part = Part { argument, free_token, named: false, span: at..at + 1 };
    apply_suffix(&mut part, suffix)?;
    // The shown word of a token is its name, of an argument the word that stands in the line.
    if free_token {
        part.argument.display_text = Some(part.argument.name.clone());
    }
    Ok(part)
}

fn apply_suffix(part: &mut Part, suffix: Suffix) -> Result<(), String> {
    let is_group = matches!(part.argument.kind, Type::OneOf | Type::Block);
    if let Some(name) = suffix.name {
        part.argument.name = name.to_owned();
        part.named = true;
    }
    for (version, place) in
        [(suffix.since, &mut part.argument.since), (suffix.deprecated_since, &mut part.argument.deprecated_since)]
    {
        *place = version.map(str::to_owned).or(place.take());
    }
    if let Some(kind) = suffix.kind {
        if is_group || part.free_token {
            return Err(format!(
                "`{}` is a group or a token and cannot be of type {}",
                part.argument.name,
                kind.name()
            ));
        }
        part.argument.kind = kind;
    }
    if suffix.key_spec_index.is_some() {
        if is_group || part.free_token {
            return Err(format!("`{}` is a group or a token, not a key", part.argument.name));
        }
        part.argument.key_spec_index = suffix.key_spec_index;
    }
    Ok(())
}

/// Gives each token what it belongs to: the argument behind it, or a block of all that it heads.
pub(super) fn bind_tokens(parts: Vec<Part>, scope: Scope) -> Vec<Part> {
    let mut bound = Vec::with_capacity(parts.len());
    let mut rest = parts.into_iter().peekable();
    while let Some(part) = rest.next() {
        if !part.free_token || part.argument.multiple {
            bound.push(part);
            continue;
        }
        let heads_group = scope == Scope::Group && bound.is_empty();
        let mut run: Vec<Part> = Vec::new();
        while let Some(next) = rest.peek() {
            // `[TO host port [FORCE]]` is one block; in `[COUNT count [ANY]]`, COUNT is the count's.
            let ends = next.argument.optional && !(heads_group && run.len() > 1);
            if next.free_token || ends {
                break;
            }
            run.extend(rest.next());
        }
        bound.push(if run.is_empty() { part } else { with_token(part, run) });
    }
    bound
}

fn with_token(token: Part, run: Vec<Part>) -> Part {
    // What has a token already cannot take a second one: it becomes a block of one.
    let wraps = run.len() == 1 && run[0].argument.token.is_some();
    let mut part = if wraps {
        Part {
            span: run[0].span.clone(),
            argument: Argument::group(Type::Block, run.into_iter().map(|part| part.argument).collect()),
            free_token: false,
            named: false,
        }
    } else {
        block(run)
    };
    let is_group = matches!(part.argument.kind, Type::OneOf | Type::Block);
    if token.named || (is_group && !part.named) {
        part.argument.name = token.argument.name;
        part.named = true;
    }
    part.argument.token = token.argument.token;
    part.span.start = token.span.start;
    part
}

/// One part as it is, several as a block.
fn block(mut parts: Vec<Part>) -> Part {
    if parts.len() == 1 {
        let mut part = parts.remove(0);
        part.free_token = false;
        return part;
    }
    let span = parts[0].span.start..parts[parts.len() - 1].span.end;
    let children = parts.into_iter().map(|part| part.argument).collect();
    Part { argument: Argument::group(Type::Block, children), free_token: false, named: false, span }
}

/// Alternatives as one argument.
pub(super) fn one_of(alternatives: Vec<Vec<Part>>) -> Part {
    let children: Vec<Argument> =
        alternatives.into_iter().map(|parts| block(bind_tokens(parts, Scope::Group)).argument).collect();
    let mut argument = Argument::group(Type::OneOf, children);
    if let Some(name) = customary_name(&argument.children) {
        argument.name = name.to_owned();
    }
    Part { argument, free_token: false, named: false, span: 0..0 }
}
