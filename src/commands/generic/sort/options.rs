//! The words behind SORT's key.

use super::pattern::Pattern;
use crate::commands::args::Args;
use crate::commands::error::Error;
use smallvec::SmallVec;
use std::ops::Range;

/// Which way the elements go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Ascending,
    Descending,
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Numbers,
    Texts,
}

/// Whether a command can keep its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stores {
    OnDemand,
    Never,
}

/// The first BY or GET that reads keys which only the elements name, as far as the words before it are in order. GET counts whatever
/// it names, as in Redis.
pub(super) fn first_pattern(args: &Args<'_>) -> Option<usize> {
    let mut i = 2;
    while i < args.len() {
        let has = |words: usize| i + words < args.len();
        i += match args.word(i).as_str() {
            "asc" | "desc" | "alpha" => 1,
            "limit" if has(2) && args.int(i + 1).is_ok() && args.int(i + 2).is_ok() => 3,
            "store" if has(1) => 2,
            "by" if has(1) && !matches!(Pattern::parse(args.get(i + 1)), Pattern::Key { .. }) => 2,
            "by" | "get" if has(1) => return Some(i),
            _ => return None,
        };
    }
    None
}

/// What SORT is asked for.
pub(super) struct Options<'a> {
    /// Where the weights of the elements are, if they are not their own.
    pub(super) by: Option<Pattern<'a>>,
    /// A BY without an asterisk was among the words: nothing is to be sorted.
    pub(super) keeps_order: bool,
    pub(super) direction: Direction,
    pub(super) comparison: Comparison,
    offset: i64,
    count: i64,
    /// What is answered for each element, if it is not the element.
    pub(super) gets: SmallVec<[Pattern<'a>; 4]>,
    pub(super) store: Option<&'a [u8]>,
}

impl<'a> Options<'a> {
    /// Reads them; of an option that is there several times the last one counts, but for GET.
    pub(super) fn parse(args: &'a Args<'_>, stores: Stores) -> Result<Options<'a>, Error> {
        let mut options = Options {
            by: None,
            keeps_order: false,
            direction: Direction::Ascending,
            comparison: Comparison::Numbers,
            offset: 0,
            count: -1,
            gets: SmallVec::new(),
            store: None,
        };
        let mut i = 2;
        while i < args.len() {
            i += options.take(args, i, stores)?;
        }
        Ok(options)
    }

    /// Takes the option at word `i`; gives the words that it has.
    fn take(&mut self, args: &'a Args<'_>, i: usize, stores: Stores) -> Result<usize, Error> {
        let has = |words: usize| i + words < args.len();
        if args.is(i, "asc") {
            self.direction = Direction::Ascending;
        } else if args.is(i, "desc") {
            self.direction = Direction::Descending;
        } else if args.is(i, "alpha") {
            self.comparison = Comparison::Texts;
        } else if args.is(i, "limit") && has(2) {
            (self.offset, self.count) = (args.int(i + 1)?, args.int(i + 2)?);
            return Ok(3);
        } else if args.is(i, "store") && has(1) && stores == Stores::OnDemand {
            self.store = Some(args.get(i + 1));
            return Ok(2);
        } else if args.is(i, "by") && has(1) {
            self.by(Pattern::parse(args.get(i + 1)));
            return Ok(2);
        } else if args.is(i, "get") && has(1) {
            self.gets.push(Pattern::parse(args.get(i + 1)));
            return Ok(2);
        } else {
            return Err(Error::Syntax);
        }
        Ok(1)
    }

    fn by(&mut self, pattern: Pattern<'a>) {
        match pattern {
            Pattern::Key { .. } => self.by = Some(pattern),
            Pattern::Element | Pattern::Nothing => self.keeps_order = true,
        }
    }

    /// The places that are asked for, of `len`.
    pub(super) fn window(&self, len: usize) -> Range<usize> {
        let start = usize::try_from(self.offset).unwrap_or(0).min(len);
        let count = usize::try_from(self.count).unwrap_or(len);
        start..start.saturating_add(count).min(len)
    }
}
