//! LCS: the longest common subsequence of two strings.

use crate::base::number::parse_i64;
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, keys_from};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::formats::resp::reply::Reply;
use crate::keyspace::database::Database;
use crate::structures::record_arena::Handle;
use crate::values::string::{Bytes, Text};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&LCS];

/// LCS: what two strings have in common, in order.
static LCS: Command = Command::data("lcs", lcs)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::ReadOnly])
    .keys(&[keys_from(1, 1, 1, Access::ReadOnly, Purpose::Access)])
    .since("7.0.0")
    .complexity("O(N*M) where N and M are the lengths of s1 and s2, respectively")
    .summary("Finds the longest common substring.")
    .syntax("key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]");

fn lcs(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let handles = [cx.db.read(args.get(1)), cx.db.read(args.get(2))];
    let [mut a, mut b] = [text_of(cx.db, handles[0])?, text_of(cx.db, handles[1])?];
    let (a, b) = (a.as_slice(), b.as_slice());
    let options = Options::read(args)?;
    let table = Table::new(a, b, cx.limits.string_bytes)?;
    match options.show {
        Show::Length => cx.reply.int(table.length() as i64),
        Show::Text => cx.reply.bulk(&table.common()),
        Show::Matches => options.answer_matches(cx.reply, &table),
    }
    Ok(Done)
}

/// The string of a key; one that is not there is empty.
fn text_of(db: &Database, handle: Option<Handle>) -> Result<Bytes<'_>, Error> {
    let text = handle.map_or(Ok(Text::Bytes { bytes: b"", edited: false }), |handle| Text::view(db.view(handle)));
    Ok(text.map_err(|_| Error::Text("ERR The specified keys must contain string values"))?.bytes())
}

/// What is asked for.
#[derive(PartialEq, Eq)]
enum Show {
    Text,
    Length,
    Matches,
}

struct Options {
    show: Show,
    min_match_len: i64,
    with_match_len: bool,
}

impl Options {
    fn read(args: &Args<'_>) -> Result<Options, Error> {
        let mut options = Options { show: Show::Text, min_match_len: 0, with_match_len: false };
        let (mut length, mut matches) = (false, false);
        let mut i = 3;
        while i < args.len() {
            if args.is(i, "idx") {
                matches = true;
            } else if args.is(i, "len") {
                length = true;
            } else if args.is(i, "withmatchlen") {
                options.with_match_len = true;
            } else if args.is(i, "minmatchlen") && i + 1 < args.len() {
                i += 1;
                options.min_match_len = parse_i64(args.get(i)).ok_or(Error::NotInteger)?;
            } else {
                return Err(Error::Syntax);
            }
            i += 1;
        }
        options.show = match (length, matches) {
            (true, true) => {
                return Err(Error::Text("ERR If you want both the length and indexes, please just use IDX."));
            }
            (true, false) => Show::Length,
            (false, true) => Show::Matches,
            (false, false) => Show::Text,
        };
        Ok(options)
    }

    fn answer_matches(&self, reply: &mut Reply, table: &Table<'_>) {
        let mut matches = table.matches();
        matches.retain(|found| found.len as i64 >= self.min_match_len);
        reply.map(2);
        reply.bulk(b"matches");
        reply.array(matches.len());
        for found in matches {
            reply.array(2 + self.with_match_len as usize);
            for start in [found.a, found.b] {
                reply.array(2);
                reply.int(start as i64);
                reply.int((start + found.len - 1) as i64);
            }
            if self.with_match_len {
                reply.int(found.len as i64);
            }
        }
        reply.bulk(b"len");
        reply.int(table.length() as i64);
    }
}

/// The lengths of the longest common subsequences of all pairs of beginnings: row `i`, column `j` for the first `i` bytes of
/// `a` and the first `j` of `b`.
struct Table<'a> {
    a: &'a [u8],
    b: &'a [u8],
    lengths: Vec<u32>,
}

/// A run of bytes that both strings have.
struct Match {
    /// Where it begins in the first string.
    a: usize,
    /// And in the second.
    b: usize,
    /// Bytes.
    len: usize,
}

impl<'a> Table<'a> {
    /// Takes memory of four bytes for each pair of bytes, at most `most_bytes`.
    fn new(a: &'a [u8], b: &'a [u8], most_bytes: u64) -> Result<Table<'a>, Error> {
        const TOO_LONG: usize = u32::MAX as usize - 1;
        if a.len() >= TOO_LONG || b.len() >= TOO_LONG {
            return Err(Error::Text("ERR String too long for LCS"));
        }
        let cells = (a.len() as u64 + 1) * (b.len() as u64 + 1);
        if cells.checked_mul(4).is_none_or(|bytes| bytes > most_bytes) {
            return Err(Error::Text("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"));
        }
        let mut lengths = Vec::new();
        lengths
            .try_reserve_exact(cells as usize)
            .map_err(|_| Error::Text("ERR Insufficient memory, failed allocating transient memory for LCS"))?;
        lengths.resize(cells as usize, 0);
        let mut table = Table { a, b, lengths };
        table.fill();
        Ok(table)
    }

    fn fill(&mut self) {
        let width = self.b.len() + 1;
        for (i, byte) in self.a.iter().enumerate() {
            let (above, row) = self.lengths[i * width..(i + 2) * width].split_at_mut(width);
            for j in 1..width {
                row[j] = if *byte == self.b[j - 1] { above[j - 1] + 1 } else { above[j].max(row[j - 1]) };
            }
        }
    }

    fn at(&self, i: usize, j: usize) -> u32 {
        self.lengths[i * (self.b.len() + 1) + j]
    }

    fn length(&self) -> usize {
        self.at(self.a.len(), self.b.len()) as usize
    }

    /// The common bytes, last first: of each its place in both strings.
    fn backwards(&self) -> impl Iterator<Item = (usize, usize)> {
        let (mut i, mut j) = (self.a.len(), self.b.len());
        std::iter::from_fn(move || {
            while i > 0 && j > 0 {
                if self.a[i - 1] == self.b[j - 1] {
                    (i, j) = (i - 1, j - 1);
                    return Some((i, j));
                }
                if self.at(i - 1, j) > self.at(i, j - 1) {
                    i -= 1;
                } else {
                    j -= 1;
                }
            }
            None
        })
    }

    fn common(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.backwards().map(|(i, _)| self.a[i]).collect();
        bytes.reverse();
        bytes
    }

    /// The runs, last first.
    fn matches(&self) -> Vec<Match> {
        let mut matches: Vec<Match> = Vec::new();
        for (i, j) in self.backwards() {
            match matches.last_mut() {
                Some(found) if found.a == i + 1 && found.b == j + 1 => {
                    *found = Match { a: i, b: j, len: found.len + 1 };
                }
                _ => matches.push(Match { a: i, b: j, len: 1 }),
            }
        }
        matches
    }
}
