//! What a call reaches beside keys, as its row says it: channels, and databases other than the client's own. For users' rights.

use super::args::Args;

/// The words of a call that are channels which it listens to or sends to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channels {
    /// None.
    None,
    /// Word 1.
    First,
    /// All words behind the name.
    All,
    /// The same, and they are patterns.
    Patterns,
}

impl Channels {
    /// The places of the words.
    pub fn positions(self, args: &Args<'_>) -> std::ops::Range<usize> {
        match self {
            Channels::None => 0..0,
            Channels::First => 1..args.len().min(2),
            Channels::All | Channels::Patterns => 1..args.len(),
        }
    }
}

/// The databases that a call reaches beside the client's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Databases {
    /// None.
    None,
    /// Those whose numbers stand from this word to that.
    At(usize, usize),
    /// Those whose numbers stand behind a word that is searched from this place on.
    Behind(&'static str, usize),
    /// Every one.
    All,
}

impl Databases {
    /// The places of the words that are numbers; those which are none make the call fail by itself.
    pub fn numbers<'a>(self, args: &'a Args<'_>) -> impl Iterator<Item = (usize, usize)> + 'a {
        let (first, last) = match self {
            Databases::None | Databases::All => (1, 0),
            Databases::At(first, last) => (first, last),
            Databases::Behind(_, from) => (from + 1, args.len().saturating_sub(1)),
        };
        let is_number = move |place: &usize| match self {
            Databases::Behind(word, _) => args.is(place - 1, word),
            _ => true,
        };
        let number = |place: usize| Some((place, usize::try_from(args.int(place).ok()?).ok()?));
        (first..=last.min(args.len().saturating_sub(1))).filter(is_number).filter_map(number)
    }
}
