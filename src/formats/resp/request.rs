//! Finding calls in the bytes that clients send.
//!
//! ```text
//! *3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nhello\r\n        one call: a count, then as many bulks
//! SET k "hello"\n                                      the same, inline
//! ```
//!
//! Nothing is copied: an argument is a range of the buffer. A call that is not there whole is found again from its start
//! when more bytes have come, except that a call with many arguments, or one that waits for a big bulk, is kept half parsed
//! (`Partial`), so that no amount of input makes parsing quadratic.

use crate::base::number::parse_i64;
use crate::base::quote::split_args;

/// A bulk of at least this size, of which part is missing, is read straight into an allocation of its own.
pub const BIG_BULK_BYTES: usize = 32 * 1024;
/// Longest inline call, and longest header line.
const LINE_MAX: usize = 64 * 1024;
/// Most arguments of a call, as in Redis.
const ARGUMENTS_MAX: i64 = i32::MAX as i64;
/// Longest buffer that may be kept for calls that are not whole: what it and one more read have is within reach of a `Range`.
pub const KEPT_MAX_BYTES: usize = u32::MAX as usize - (16 << 20);

/// Where an argument stands: a range of the buffer, or (with `start == BIG`) the number `end` of a bulk kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// First byte.
    pub start: u32,
    /// The byte behind the last.
    pub end: u32,
}

/// Marks a range that names a bulk kept apart.
pub const BIG: u32 = u32::MAX;

/// What a client may send.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// `proto-max-bulk-len`, bytes.
    pub bulk_bytes: u64,
    /// Whether the client has yet to authenticate: then 10 arguments of 16 KiB are the most.
    pub unauthenticated: bool,
}

/// A call that is half there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Arguments that have yet to be found; 0: not even the count was read.
    pub missing: u32,
    /// Where to go on.
    pub at: usize,
}

/// What stands at a place in the buffer.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A whole call, whose arguments were appended to the ranges; the next one begins at `end`.
    Call {
        /// The byte behind the call.
        end: usize,
    },
    /// An inline call: its arguments had to be unquoted.
    Inline {
        /// The byte behind the call.
        end: usize,
        /// The arguments, at least one.
        args: Vec<Vec<u8>>,
    },
    /// Nothing to do (an empty line, `*0`): the next call begins at `end`.
    Nothing {
        /// The byte behind it.
        end: usize,
    },
    /// More bytes are needed; the arguments found so far were appended to the ranges.
    Incomplete(Progress),
    /// The same, and what is missing is most of a bulk of `len` bytes whose content begins at `progress.at`.
    BigBulk {
        /// State behind the bulk's header.
        progress: Progress,
        /// Bytes of the bulk.
        len: usize,
    },
    /// Not the protocol: the text of the error, after which the connection is closed.
    Error(ProtocolError),
}

/// How a request breaks the protocol.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum ProtocolError {
    /// The count of a call's arguments is no number or beyond the limit.
    MultibulkLength,
    /// More than 10 arguments before AUTH.
    UnauthenticatedMultibulk,
    /// The length of a bulk is no number or beyond the limit.
    BulkLength,
    /// More than 16 KiB in a bulk before AUTH.
    UnauthenticatedBulk,
    /// Another byte where a bulk should begin.
    ExpectedDollar(u8),
    /// The line of a count is longer than 64 KiB.
    BigMultibulkLine,
    /// The line of a length is longer than 64 KiB.
    BigBulkLine,
    /// An inline call longer than 64 KiB.
    BigInline,
    /// An inline call whose quotes do not match.
    UnbalancedQuotes,
}

impl std::fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Protocol error: ")?;
        match self {
            ProtocolError::MultibulkLength => f.write_str("invalid multibulk length"),
            ProtocolError::UnauthenticatedMultibulk => f.write_str("unauthenticated multibulk length"),
            ProtocolError::BulkLength => f.write_str("invalid bulk length"),
            ProtocolError::UnauthenticatedBulk => f.write_str("unauthenticated bulk length"),
            ProtocolError::ExpectedDollar(byte) => write!(f, "expected '$', got '{}'", *byte as char),
            ProtocolError::BigMultibulkLine => f.write_str("too big mbulk count string"),
            ProtocolError::BigBulkLine => f.write_str("too big bulk count string"),
            ProtocolError::BigInline => f.write_str("too big inline request"),
            ProtocolError::UnbalancedQuotes => f.write_str("unbalanced quotes in request"),
        }
    }
}

/// Parses the call at `progress.at` (with `progress.missing == 0`: from its start). Arguments are appended to `ranges`.
#[inline]
pub fn parse(buffer: &[u8], progress: Progress, limits: &Limits, ranges: &mut Vec<Range>) -> Parsed {
    let Progress { mut missing, mut at } = progress;
    if missing == 0 {
        match buffer.get(at) {
            None => return Parsed::Incomplete(progress),
            Some(b'*') => {}
            Some(_) => return parse_inline(buffer, at),
        }
        let (count, next) = match header(buffer, at + 1) {
            Header::Number(n, next) => (n, next),
            Header::Missing if buffer.len() - at > LINE_MAX => return Parsed::Error(ProtocolError::BigMultibulkLine),
            Header::Missing => return Parsed::Incomplete(progress),
            Header::Bad => return Parsed::Error(ProtocolError::MultibulkLength),
        };
        if count <= 0 {
            return Parsed::Nothing { end: next };
        }
        if count > ARGUMENTS_MAX {
            return Parsed::Error(ProtocolError::MultibulkLength);
        }
        if limits.unauthenticated && count > 10 {
            return Parsed::Error(ProtocolError::UnauthenticatedMultibulk);
        }
        (missing, at) = (count as u32, next);
    }
    loop {
        let here = Progress { missing, at };
        match buffer.get(at) {
            None => return Parsed::Incomplete(here),
            Some(b'$') => {}
            Some(&other) => return Parsed::Error(ProtocolError::ExpectedDollar(other)),
        }
        let (len, start) = match header(buffer, at + 1) {
            Header::Number(len, next) => (len, next),
            Header::Missing if buffer.len() - at > LINE_MAX => return Parsed::Error(ProtocolError::BigBulkLine),
            Header::Missing => return Parsed::Incomplete(here),
            Header::Bad => return Parsed::Error(ProtocolError::BulkLength),
        };
        if len < 0 || len as u64 > limits.bulk_bytes {
            return Parsed::Error(ProtocolError::BulkLength);
        }
        if limits.unauthenticated && len > 16384 {
            return Parsed::Error(ProtocolError::UnauthenticatedBulk);
        }
        let end = start + len as usize;
        if end + 2 > buffer.len() {
            if len as usize >= BIG_BULK_BYTES {
                return Parsed::BigBulk { progress: Progress { missing, at: start }, len: len as usize };
            }
            return Parsed::Incomplete(here);
        }
        ranges.push(Range { start: start as u32, end: end as u32 });
        at = end + 2;
        missing -= 1;
        if missing == 0 {
            return Parsed::Call { end: at };
        }
    }
}

enum Header {
    Number(i64, usize),
    Missing,
    Bad,
}

/// The number between `at` and the next CRLF.
#[inline(always)]
fn header(buffer: &[u8], at: usize) -> Header {
    let (mut i, mut number) = (at, 0i64);
    while i < buffer.len() && i < at + 10 {
        let byte = buffer[i];
        if byte.is_ascii_digit() && !(number == 0 && i > at) {
            number = number * 10 + (byte - b'0') as i64;
            i += 1;
            continue;
        }
        if byte == b'\r' && i > at {
            // The byte behind CR is taken for LF, whatever it is, as Redis does.
            return if i + 1 < buffer.len() { Header::Number(number, i + 2) } else { Header::Missing };
        }
        break;
    }
    slow_header(buffer, at)
}

/// Signs, long numbers, bad ones.
#[cold]
fn slow_header(buffer: &[u8], at: usize) -> Header {
    let Some(len) = memchr::memchr(b'\r', &buffer[at.min(buffer.len())..]) else { return Header::Missing };
    if at + len + 1 >= buffer.len() {
        return Header::Missing;
    }
    match parse_i64(&buffer[at..at + len]) {
        Some(number) => Header::Number(number, at + len + 2),
        None => Header::Bad,
    }
}

#[cold]
fn parse_inline(buffer: &[u8], at: usize) -> Parsed {
    let Some(len) = memchr::memchr(b'\n', &buffer[at..]) else {
        if buffer.len() - at > LINE_MAX {
            return Parsed::Error(ProtocolError::BigInline);
        }
        return Parsed::Incomplete(Progress { missing: 0, at });
    };
    if len > LINE_MAX {
        return Parsed::Error(ProtocolError::BigInline);
    }
    let line = &buffer[at..at + len];
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let end = at + len + 1;
    match split_args(line) {
        None => Parsed::Error(ProtocolError::UnbalancedQuotes),
        Some(args) if args.is_empty() => Parsed::Nothing { end },
        Some(args) => Parsed::Inline { end, args },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { bulk_bytes: 512 << 20, unauthenticated: false };

    fn one(buffer: &[u8]) -> (Parsed, Vec<&[u8]>) {
        let mut ranges = Vec::new();
        let parsed = parse(buffer, Progress::default(), &LIMITS, &mut ranges);
        (parsed, ranges.iter().map(|r| &buffer[r.start as usize..r.end as usize]).collect())
    }

    #[test]
    fn a_call_is_found_however_it_is_cut() {
        let whole = b"*3\r\n$3\r\nSET\r\n$0\r\n\r\n$5\r\nhe\rlo\r\n";
        let (parsed, args) = one(whole);
        assert_eq!(parsed, Parsed::Call { end: whole.len() });
        assert_eq!(args, [&b"SET"[..], b"", b"he\rlo"]);
        for cut in 0..whole.len() {
            let mut ranges = Vec::new();
            let Parsed::Incomplete(progress) = parse(&whole[..cut], Progress::default(), &LIMITS, &mut ranges) else {
                panic!("cut at {cut}")
            };
            assert_eq!(parse(whole, progress, &LIMITS, &mut ranges), Parsed::Call { end: whole.len() });
            assert_eq!(ranges.len(), 3, "cut at {cut}");
        }
    }

    #[test]
    fn what_is_not_the_protocol_is_said_in_redis_words() {
        let error = |buffer: &[u8]| match one(buffer).0 {
            Parsed::Error(e) => e.to_string(),
            other => panic!("{other:?}"),
        };
        assert_eq!(error(b"*3000000000\r\n"), "Protocol error: invalid multibulk length");
        assert_eq!(error(b"*abc\r\n"), "Protocol error: invalid multibulk length");
        assert_eq!(error(b"*1\r\nfoo\r\n"), "Protocol error: expected '$', got 'f'");
        assert_eq!(error(b"*1\r\n$-10\r\n"), "Protocol error: invalid bulk length");
        assert_eq!(error(b"*1\r\n$2000000000\r\n"), "Protocol error: invalid bulk length");
        assert_eq!(error(b"get \"x\r\n"), "Protocol error: unbalanced quotes in request");
        assert_eq!(error(&[b'x'; 70_000]), "Protocol error: too big inline request");
        assert_eq!(one(b"*0\r\n").0, Parsed::Nothing { end: 4 });
        assert_eq!(one(b"*-1\r\n").0, Parsed::Nothing { end: 5 });
        assert_eq!(one(b"\r\nPING").0, Parsed::Nothing { end: 2 });
        assert_eq!(one(b"*01\r\n").0, Parsed::Error(ProtocolError::MultibulkLength));
    }

    #[test]
    fn a_call_of_more_than_a_million_words_was_refused() {
        let missing = |buffer: &[u8]| match one(buffer).0 {
            Parsed::Incomplete(progress) => progress.missing,
            other => panic!("{other:?}"),
        };
        assert_eq!(missing(b"*1048577\r\n"), 1_048_577);
        assert_eq!(missing(b"*2147483647\r\n"), 2_147_483_647);
        assert_eq!(one(b"*2147483648\r\n").0, Parsed::Error(ProtocolError::MultibulkLength));
    }

    #[test]
    fn a_big_bulk_is_announced() {
        let (parsed, args) = one(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000\r\nabc");
        assert_eq!(args.len(), 2);
        assert_eq!(parsed, Parsed::BigBulk { progress: Progress { missing: 1, at: 29 }, len: 100_000 });
    }

    #[test]
    fn inline_calls_are_unquoted() {
        let (parsed, _) = one(b"set k \"a\\x41 b\"\r\nrest");
        assert_eq!(parsed, Parsed::Inline { end: 17, args: vec![b"set".to_vec(), b"k".to_vec(), b"aA b".to_vec()] });
    }
}
