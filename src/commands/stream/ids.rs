//! IDs among the words of a call.

use crate::commands::error::Error;
use crate::values::stream::StreamId;

/// What any malformed ID is answered.
pub(super) const INVALID_ID: Error = Error::Text("ERR Invalid stream ID specified as stream command argument");
const INVALID_START: Error = Error::Text("ERR invalid start ID for the interval");
const INVALID_END: Error = Error::Text("ERR invalid end ID for the interval");

/// Redis reads IDs in a buffer of this size.
const LONGEST: usize = 127;

/// `ms-seq`, or `ms`, which is `ms-0`.
#[inline]
pub(super) fn id(text: &[u8]) -> Result<StreamId, Error> {
    parse(text, 0).ok_or(INVALID_ID)
}

/// The ID where an interval begins: also `-` and `+`, or `(ms-seq` for one that does not belong to it.
pub(super) fn start(text: &[u8]) -> Result<StreamId, Error> {
    match text {
        [b'(', exclusive @ ..] if !exclusive.is_empty() => id(exclusive)?.next().ok_or(INVALID_START),
        _ => parse_any(text, 0),
    }
}

/// The ID where an interval ends, like its start; `ms` alone is all of the millisecond.
pub(super) fn end(text: &[u8]) -> Result<StreamId, Error> {
    match text {
        [b'(', exclusive @ ..] if !exclusive.is_empty() => {
            parse(exclusive, u64::MAX).ok_or(INVALID_ID)?.previous().ok_or(INVALID_END)
        }
        _ => parse_any(text, u64::MAX),
    }
}

/// An ID, `-` for the lowest or `+` for the highest.
pub(super) fn parse_any(text: &[u8], missing_seq: u64) -> Result<StreamId, Error> {
    match text {
        b"-" => Ok(StreamId::MIN),
        b"+" => Ok(StreamId::MAX),
        _ => parse(text, missing_seq).ok_or(INVALID_ID),
    }
}

/// `ms-*`: the millisecond alone is given.
pub(super) fn millisecond(text: &[u8]) -> Option<u64> {
    let ms = text.strip_suffix(b"-*").filter(|_| text.len() <= LONGEST)?;
    if ms.contains(&b'-') { None } else { number(ms) }
}

#[inline]
fn parse(text: &[u8], missing_seq: u64) -> Option<StreamId> {
    if let Some(id) = StreamId::parse(text, missing_seq) {
        return Some(id);
    }
    if text.len() > LONGEST {
        return None;
    }
    match text.iter().position(|&byte| byte == b'-') {
        Some(dash) => Some(StreamId::new(number(&text[..dash])?, number(&text[dash + 1..])?)),
        None => Some(StreamId::new(number(text)?, missing_seq)),
    }
}

/// A number as `strtoull` takes it, which is what Redis falls back to: blanks and a sign in front, leading zeros. A negative one that
/// has nothing odd about it is refused all the same; with a blank in front it wraps around.
#[cold]
fn number(text: &[u8]) -> Option<u64> {
    let digits = text.trim_ascii_start();
    let (is_negative, digits) = match digits {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    if is_negative && crate::base::number::parse_i64(text).is_some() {
        return None;
    }
    let value =
        digits.iter().try_fold(0u64, |value, digit| value.checked_mul(10)?.checked_add((digit - b'0').into()))?;
    Some(if is_negative { value.wrapping_neg() } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_taken_and_refused_as_by_redis_8_0() {
        let max = StreamId::new(5, u64::MAX);
        for (text, expected) in [
            ("5", Some(StreamId::new(5, 0))),
            ("5-7", Some(StreamId::new(5, 7))),
            ("005-+7", Some(StreamId::new(5, 7))),
            (" 5- 7", Some(StreamId::new(5, 7))),
            ("5- -1", Some(max)),
            ("5--1", None),
            ("5--01", Some(max)),
            ("", None),
            ("-", None),
            ("+", None),
            ("5-", None),
            ("5-7 ", None),
            ("5-*", None),
            ("5-7-1", None),
            ("5-18446744073709551616", None),
        ] {
            assert_eq!(id(text.as_bytes()).ok(), expected, "{text}");
        }
        assert_eq!(end(b"5"), Ok(max));
        assert_eq!(end(b"(5-0"), Ok(StreamId::new(4, u64::MAX)));
        assert_eq!((end(b"(0-0"), end(b"("), end(b"(+")), (Err(INVALID_END), Err(INVALID_ID), Err(INVALID_ID)));
        assert_eq!(start(b"(18446744073709551615-18446744073709551615"), Err(INVALID_START));
        assert_eq!((start(b"-"), start(b"+")), (Ok(StreamId::MIN), Ok(StreamId::MAX)));
        assert_eq!((millisecond(b"5-*"), millisecond(b"-*"), millisecond(b"5-1-*")), (Some(5), None, None));
    }
}
