//! What SCAN, SSCAN, HSCAN and ZSCAN have in common: cursors, options, and how far one call goes.

use super::args::Args;
use super::error::Error;
use crate::base::glob::{Case, matches};
use crate::base::number;
use crate::formats::resp::reply::Reply;
use crate::structures::listpack::Entry;

/// Most buckets looked at for each element asked for, when they are empty.
const BUCKETS_PER_ELEMENT: u64 = 10;

/// What is gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scanned {
    /// The keys of a database, which have a type.
    Keys,
    /// The fields of a hash, which have values.
    Fields,
    /// The members of a set.
    Members,
    /// The members of a sorted set, which have scores.
    Scores,
}

/// What a call asks for.
pub struct ScanOptions<'a> {
    /// Which elements.
    pub pattern: Pattern<'a>,
    /// Of which type; only of keys.
    pub kind: Option<&'a [u8]>,
    /// About how many are looked at.
    count: u64,
    /// Whether values or scores are left out; only of fields, and of a sorted set's members.
    pub no_values: bool,
}

impl<'a> ScanOptions<'a> {
    /// Reads the words from `first` on.
    pub fn parse(args: &'a Args<'_>, first: usize, scanned: Scanned) -> Result<ScanOptions<'a>, Error> {
        let mut options = ScanOptions { pattern: Pattern::All, kind: None, count: 10, no_values: false };
        let mut i = first;
        while i < args.len() {
            if args.is(i, "novalues") {
                if scanned != Scanned::Fields {
                    return Err(Error::Text("ERR NOVALUES option can only be used in HSCAN"));
                }
                options.no_values = true;
                i += 1;
                continue;
            }
            if scanned == Scanned::Scores && args.is(i, "noscores") {
                options.no_values = true;
                i += 1;
                continue;
            }
            if i + 1 == args.len() {
                return Err(Error::Syntax);
            }
            match args.word(i).as_str() {
                "count" => {
                    options.count = u64::try_from(args.int(i + 1)?).ok().filter(|&n| n > 0).ok_or(Error::Syntax)?
                }
                "match" => options.pattern = Pattern::of(args.get(i + 1)),
                "type" if scanned == Scanned::Keys => options.kind = Some(args.get(i + 1)),
                _ => return Err(Error::Syntax),
            }
            i += 2;
        }
        Ok(options)
    }

    /// Goes on from `cursor`, step by step, until enough was looked at; gives the cursor to go on with, 0 at the end. A step is given a
    /// cursor and answers the next one and how many elements it visited.
    pub fn scan(&self, mut cursor: u64, mut step: impl FnMut(u64) -> (u64, u64)) -> u64 {
        let (mut seen, mut buckets) = (0, 0);
        loop {
            let (next, visited) = step(cursor);
            cursor = next;
            seen += visited;
            buckets += 1;
            if cursor == 0 || seen >= self.count || buckets / BUCKETS_PER_ELEMENT >= self.count {
                return cursor;
            }
        }
    }

    /// The same over a collection: gives the elements for which `fits` holds, too. A step adds those that stand at a cursor to a list.
    pub fn gather<E>(
        &self,
        cursor: u64,
        step: impl Fn(u64, &mut Vec<E>) -> u64,
        fits: impl Fn(&E) -> bool,
    ) -> (u64, Vec<E>) {
        let (mut visited, mut found) = (Vec::new(), Vec::new());
        let cursor = self.scan(cursor, |cursor| {
            let next = step(cursor, &mut visited);
            let seen = visited.len() as u64;
            found.extend(visited.drain(..).filter(&fits));
            (next, seen)
        });
        (cursor, found)
    }
}

/// Begins an answer: the cursor to go on with, and an array of so many.
pub fn answer_head(reply: &mut Reply, cursor: u64, len: usize) {
    reply.array(2);
    reply.bulk(itoa::Buffer::new().format(cursor).as_bytes());
    reply.array(len);
}

/// A cursor, as Redis reads it: no negative number, but what is not written as one in full (`-0`, a blank in front, less than 64 bits
/// hold) goes to `strtoull`, which counts from 2^64 down.
pub fn parse_cursor(word: &[u8]) -> Result<u64, Error> {
    const INVALID: Error = Error::Text("ERR invalid cursor");
    if number::parse_i64(word).is_some_and(|n| n < 0) {
        return Err(INVALID);
    }
    let text = str::from_utf8(word.trim_ascii_start()).map_err(|_| INVALID)?;
    let (digits, is_negative) = match text.strip_prefix('-') {
        Some(digits) => (digits, true),
        None => (text.strip_prefix('+').unwrap_or(text), false),
    };
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    let cursor: u64 = digits.parse().ok().filter(|_| is_number).ok_or(INVALID)?;
    Ok(if is_negative { cursor.wrapping_neg() } else { cursor })
}

/// Which elements are asked for.
pub enum Pattern<'a> {
    /// All; also the empty one, which no glob but this one matches.
    All,
    /// Those that match.
    Glob(&'a [u8]),
}

impl<'a> Pattern<'a> {
    /// The pattern that this word is.
    pub fn of(pattern: &'a [u8]) -> Pattern<'a> {
        if pattern == b"*" { Pattern::All } else { Pattern::Glob(pattern) }
    }

    /// Whether an element is asked for.
    pub fn fits(&self, element: &[u8]) -> bool {
        match self {
            Pattern::All => true,
            Pattern::Glob(pattern) => matches(pattern, element, Case::Sensitive),
        }
    }

    /// The same of an element as a collection has it.
    pub fn fits_entry(&self, element: Entry<'_>) -> bool {
        self.fits(element.as_slice(&mut itoa::Buffer::new()))
    }
}
