//! How long a call is ready to wait for keys, as its words say it. Zero is for ever.

use super::error::Error;
use crate::base::long_double::LongDouble;
use crate::base::number::{parse_f64, parse_i64};

const OUT_OF_RANGE: Error = Error::Text("ERR timeout is out of range");

/// A timeout in seconds, with a fraction if need be (BLPOP, BZPOPMIN ...), in microseconds; `None`: for ever.
///
/// It counts in whole milliseconds, rounded up, so that the least of positive times is not taken for none.
pub fn in_seconds(word: &[u8], now_ms: u64) -> Result<Option<u64>, Error> {
    // Redis reads a long double: 1e400 is a number to it, and 1e-400 is not zero.
    let seconds = parse_f64(word).or_else(|| Some(LongDouble::parse(word)?.to_f64_above()));
    let seconds = seconds.ok_or(Error::Text("ERR timeout is not a float or out of range"))?;
    let ms = (seconds * 1000.0).ceil();
    if ms >= i64::MAX as f64 {
        return Err(OUT_OF_RANGE);
    }
    checked(ms as i64, now_ms)
}

/// A timeout in milliseconds (XREAD BLOCK), in microseconds; `None`: for ever.
pub fn in_milliseconds(word: &[u8], now_ms: u64) -> Result<Option<u64>, Error> {
    let ms = parse_i64(word).ok_or(Error::Text("ERR timeout is not an integer or out of range"))?;
    checked(ms, now_ms)
}

fn checked(ms: i64, now_ms: u64) -> Result<Option<u64>, Error> {
    match u64::try_from(ms) {
        Err(_) => Err(Error::Text("ERR timeout is negative")),
        Ok(0) => Ok(None),
        Ok(ms) if ms > i64::MAX as u64 - now_ms => Err(OUT_OF_RANGE),
        Ok(ms) => Ok(Some(ms.saturating_mul(1000))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: u64 = 1_700_000_000_000;

    /// As Redis 8.0 answers them.
    #[test]
    fn seconds_are_read_as_redis_does() {
        for (word, us) in [
            ("0", None),
            ("-0.0001", None),
            ("1", Some(1_000_000)),
            ("0.0001", Some(1000)),
            ("1.5", Some(1_500_000)),
            ("0x10", Some(16_000_000)),
            ("1e-400", Some(1000)),
            ("-1e-400", None),
            ("9e15", Some(u64::MAX)), // 9e21 would be right
        ] {
            assert_eq!(in_seconds(word.as_bytes(), NOW_MS), Ok(us), "{word}");
        }
        for word in ["inf", "9223372036854775", "1e16", "0x1p63", "1e400"] {
            assert_eq!(in_seconds(word.as_bytes(), NOW_MS), Err(OUT_OF_RANGE), "{word}");
        }
        for word in ["-1", "-inf", "-0.001", "-1e400"] {
            assert_eq!(in_seconds(word.as_bytes(), NOW_MS), Err(Error::Text("ERR timeout is negative")), "{word}");
        }
        for word in ["", " 1", "abc", "nan", "1e5000"] {
            let expected = Err(Error::Text("ERR timeout is not a float or out of range"));
            assert_eq!(in_seconds(word.as_bytes(), NOW_MS), expected, "{word}");
        }
    }

    #[test]
    fn milliseconds_are_whole() {
        assert_eq!(in_milliseconds(b"0", NOW_MS), Ok(None));
        assert_eq!(in_milliseconds(b"15", NOW_MS), Ok(Some(15_000)));
        assert_eq!(in_milliseconds(b"-1", NOW_MS), Err(Error::Text("ERR timeout is negative")));
        assert_eq!(in_milliseconds(b"9223372036854775807", NOW_MS), Err(OUT_OF_RANGE));
        let expected = Err(Error::Text("ERR timeout is not an integer or out of range"));
        assert_eq!(in_milliseconds(b"1.5", NOW_MS), expected);
    }
}
