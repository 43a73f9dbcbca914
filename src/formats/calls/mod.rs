//! The calls that rebuild a value: what the log's base holds under `aof-use-rdb-preamble no`, and what stands behind its RDB part.
//!
//! Collections are rebuilt by calls of at most `ELEMENTS_PER_CALL` elements, as Redis writes them: one of millions would be one call too
//! large for any reader.

pub mod hash;
mod list;
mod parts;
mod set;
mod sorted_set;
mod stream;

pub use parts::{CallParts, DeadlineParts};

use crate::values::AnyRef;

/// Elements in one call.
pub const ELEMENTS_PER_CALL: usize = 64;

/// Appends the calls that make a key with this value and deadline (milliseconds since 1970) where there is none.
pub fn write_value(key: &[u8], deadline_ms: Option<u64>, value: AnyRef<'_>, out: &mut Vec<u8>) {
    match value {
        AnyRef::String(text) => write_call(&[b"SET", key, text.bytes().as_slice()], out),
        AnyRef::List(list) => list::write(key, list, out),
        AnyRef::Set(set) => set::write(key, set, out),
        AnyRef::SortedSet(set) => sorted_set::write(key, set, out),
        AnyRef::Hash(hash) => hash::write(key, hash, out),
        AnyRef::Stream(stream) => stream::write(key, stream, out),
    }
    write_deadline(key, deadline_ms, out);
}

/// How long the calls at the beginning of `calls` are, up to the one that reaches `enough` bytes. They are as [`write_call`] writes them.
pub fn calls_up_to(calls: &[u8], enough: usize) -> usize {
    let mut end = 0;
    while end < enough.min(calls.len()) {
        let (words, mut at) = number_at(calls, end);
        for _ in 0..words {
            let (len, start) = number_at(calls, at);
            at = start + len + 2;
        }
        end = at;
    }
    end
}

/// The number on a line that a call or a word begins with, and where the next line begins.
fn number_at(calls: &[u8], line: usize) -> (usize, usize) {
    let digits = calls[line + 1..].iter().take_while(|&&byte| byte != b'\r');
    let (number, count) =
        digits.fold((0, 0), |(number, count), &digit| (number * 10 + usize::from(digit - b'0'), count + 1));
    (number, line + 1 + count + 2)
}

fn write_deadline(key: &[u8], deadline_ms: Option<u64>, out: &mut Vec<u8>) {
    if let Some(deadline_ms) = deadline_ms {
        write_call(&[b"PEXPIREAT", key, itoa::Buffer::new().format(deadline_ms).as_bytes()], out);
    }
}

/// Appends one call.
pub fn write_call(words: &[&[u8]], out: &mut Vec<u8>) {
    write_head(words.len(), out);
    words.iter().for_each(|word| write_word(word, out));
}

/// Appends the head of a call of so many words.
pub(super) fn write_head(words: usize, out: &mut Vec<u8>) {
    out.push(b'*');
    out.extend_from_slice(itoa::Buffer::new().format(words).as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Appends a word of a call.
pub(super) fn write_word(word: &[u8], out: &mut Vec<u8>) {
    out.push(b'$');
    out.extend_from_slice(itoa::Buffer::new().format(word.len()).as_bytes());
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(word);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_with_a_deadline_is_two_calls() {
        let mut out = Vec::new();
        write_value(b"k", Some(12), AnyRef::int(-7), &mut out);
        let expected = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n-7\r\n*3\r\n$9\r\nPEXPIREAT\r\n$1\r\nk\r\n$2\r\n12\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn calls_are_taken_whole() {
        let mut out = Vec::new();
        let ends: Vec<usize> = (0..3)
            .map(|_| {
                write_call(&[b"SET", b"*1\r\n", b""], &mut out);
                out.len()
            })
            .collect();
        for enough in 0..=out.len() + 5 {
            let reached = ends.iter().copied().find(|&end| end >= enough).unwrap_or(out.len());
            assert_eq!(calls_up_to(&out, enough), if enough == 0 { 0 } else { reached }, "{enough}");
        }
    }
}
