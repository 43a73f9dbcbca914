//! `FIELDS numfields field ...`, the words by which newer commands name fields, and the deadlines before them.

use crate::base::number::parse_i64;
use crate::commands::args::Args;
use crate::commands::error::Error;
use crate::values::hash::DEADLINE_MAX_MS;

/// How a number becomes a deadline.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    /// Milliseconds of one.
    pub(super) unit_ms: i64,
    /// Where 0 is, in milliseconds since 1970.
    pub(super) origin_ms: u64,
}

impl Scale {
    /// The scale that a word names (EX, PX, EXAT, PXAT), if it is one of these.
    pub(super) fn named(word: &str, now_ms: u64) -> Option<Scale> {
        Some(match word {
            "ex" => Scale { unit_ms: 1000, origin_ms: now_ms },
            "px" => Scale { unit_ms: 1, origin_ms: now_ms },
            "exat" => Scale { unit_ms: 1000, origin_ms: 0 },
            "pxat" => Scale { unit_ms: 1, origin_ms: 0 },
            _ => return None,
        })
    }

    /// The deadline that a word means, in milliseconds since 1970: 0 to [`DEADLINE_MAX_MS`]. `command` is what the error names.
    pub(super) fn deadline(self, word: &[u8], command: &'static str) -> Result<u64, Error> {
        let number = parse_i64(word).ok_or(Error::NotInteger)?;
        if number < 0 {
            return Err(Error::Text("ERR invalid expire time, must be >= 0"));
        }
        let deadline = number.checked_mul(self.unit_ms).and_then(|ms| ms.checked_add(self.origin_ms as i64));
        let deadline = deadline.map(|deadline| deadline as u64).filter(|&deadline| deadline <= DEADLINE_MAX_MS);
        deadline.ok_or(Error::InvalidExpire(command))
    }
}

/// What is said when the number of fields is none.
pub(super) const NOT_POSITIVE: &str = "ERR Number of fields must be a positive integer";

/// Reads `FIELDS numfields` at word `at`: where the first field stands. All words from there on are fields, as many as it says.
pub(super) fn first_field(args: &Args<'_>, at: usize, not_positive: &'static str) -> Result<usize, Error> {
    if !args.is(at, "fields") {
        return Err(Error::Text("ERR Mandatory argument FIELDS is missing or not at the right position"));
    }
    let number = if at + 1 < args.len() { parse_i64(args.get(at + 1)) } else { None };
    let number = number.filter(|&number| number > 0).ok_or(Error::Text(not_positive))?;
    if number != (args.len() - at - 2) as i64 {
        return Err(Error::Text("ERR The `numfields` parameter must match the number of arguments"));
    }
    Ok(at + 2)
}
