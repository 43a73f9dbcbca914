//! Ends of ranges, as words.

use crate::commands::args::Args;
use crate::commands::error::Error;
use crate::values::sorted_set::{LexBound, LexRange, ScoreBound, ScoreRange};
use std::ops::Range;

/// The words `min` and `max` as scores: `5` is inside, `(5` is outside.
pub(super) fn score_range(args: &Args<'_>, min: usize, max: usize) -> Result<ScoreRange, Error> {
    let bound = |i| score_bound(args.get(i)).ok_or(Error::Text("ERR min or max is not a float"));
    Ok(ScoreRange { min: bound(min)?, max: bound(max)? })
}

/// More lenient than other numbers, as in Redis: nothing is 0, what is too large is infinite, and a NUL ends the word.
fn score_bound(word: &[u8]) -> Option<ScoreBound> {
    let (is_exclusive, word) = match word {
        [b'(', word @ ..] => (true, word),
        word => (false, word),
    };
    let end = word.iter().position(|byte| *byte == 0).unwrap_or(word.len());
    let score = match &word[..end] {
        b"" => 0.0,
        text => str::from_utf8(text).ok()?.parse::<f64>().ok().filter(|score| !score.is_nan())?,
    };
    Some(ScoreBound { score, is_exclusive })
}

/// The words `min` and `max` as members: `[m` is inside, `(m` is outside, `-` is before and `+` behind all.
pub(super) fn lex_range<'a>(args: &'a Args<'_>, min: usize, max: usize) -> Result<LexRange<'a>, Error> {
    let bound = |i| lex_bound(args.get(i)).ok_or(Error::Text("ERR min or max not valid string range item"));
    Ok(LexRange { min: bound(min)?, max: bound(max)? })
}

fn lex_bound(word: &[u8]) -> Option<LexBound<'_>> {
    match word {
        b"-" => Some(LexBound::Lowest),
        b"+" => Some(LexBound::Highest),
        [b'[', member @ ..] => Some(LexBound::Inclusive(member)),
        [b'(', member @ ..] => Some(LexBound::Exclusive(member)),
        _ => None,
    }
}

/// The ranks from one to another, both inside, of `len`; negative ones count from the end.
pub(super) fn ranks(first: i64, last: i64, len: usize) -> Range<usize> {
    let len = len as i64;
    let from_end = |rank: i64| if rank < 0 { rank.saturating_add(len) } else { rank };
    let (first, last) = (from_end(first).max(0), from_end(last).min(len - 1));
    if first > last { 0..0 } else { first as usize..last as usize + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Redis 8.0 takes them.
    #[test]
    fn bounds_of_scores() {
        let number = |word: &str| score_bound(word.as_bytes()).map(|bound| (bound.score, bound.is_exclusive));
        let infinity = f64::INFINITY;
        for (word, score) in [("", 0.0), ("1.", 1.0), (".5", 0.5), ("1e400", infinity), ("-1e400", -infinity)] {
            assert_eq!(number(word), Some((score, false)), "{word}");
            assert_eq!(number(&format!("({word}")), Some((score, true)), "({word}");
        }
        for (word, score) in [("1e-400", 0.0), ("+1", 1.0), ("INF", infinity), ("-infinity", -infinity), ("2\0x", 2.0)]
        {
            assert_eq!(number(word), Some((score, false)), "{word}");
        }
        for word in [" 1", "1 ", "0x10", "nan", "-nan", "1x", "abc", "((1", "1e", "+", "0x"] {
            assert_eq!(number(word), None, "{word}");
        }
    }

    #[test]
    fn ranks_are_cut_to_what_is_there() {
        for (first, last, expected) in
            [(0, -1, 0..3), (1, 1, 1..2), (-2, 9, 1..3), (-9, 0, 0..1), (3, 5, 0..0), (2, 1, 0..0)]
        {
            assert_eq!(ranks(first, last, 3), expected, "{first} {last}");
        }
        assert_eq!(ranks(0, -1, 0), 0..0);
        assert_eq!(ranks(i64::MIN, i64::MAX, 3), 0..3);
    }
}
