//! Strings as bits.

mod bit;
mod field;
mod many;

use super::args::Args;
use super::error::Error;
use super::row::Command;
use crate::base::number::parse_i64;

/// The lists of this folder's files.
pub const LISTS: &[&[&Command]] = &[bit::COMMANDS, many::COMMANDS, field::COMMANDS];

/// A bit's place within the longest string allowed; `width` more than 0 lets `#3` count in fields of that width.
fn bit_offset(text: &[u8], width: u32, string_bytes: u64) -> Result<u64, Error> {
    let offset = match text {
        [b'#', number @ ..] if width > 0 => parse_i64(number).and_then(|n| n.checked_mul(width as i64)),
        _ => parse_i64(text),
    };
    let offset = offset.and_then(|offset| u64::try_from(offset).ok()).filter(|offset| offset / 8 < string_bytes);
    offset.ok_or(Error::Text("ERR bit offset is not an integer or out of range"))
}

/// What the numbers of a range count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Byte,
    Bit,
}

impl Unit {
    /// Reads word `i`, if it is there.
    fn read(args: &Args<'_>, i: usize) -> Result<Unit, Error> {
        match () {
            _ if i >= args.len() || args.is(i, "byte") => Ok(Unit::Byte),
            _ if args.is(i, "bit") => Ok(Unit::Bit),
            _ => Err(Error::Syntax),
        }
    }

    /// The range from `start` to `end` (negative: from the end of a string of `bytes` bytes) as first and last bit; None when
    /// it is empty.
    fn clamped(self, start: i64, end: i64, bytes: usize) -> Option<(u64, u64)> {
        let bits_each = if self == Unit::Byte { 8 } else { 1 };
        let len = bytes as i64 * 8 / bits_each;
        let from_end = |i: i64| if i < 0 { i.saturating_add(len).max(0) } else { i };
        let (first, last) = (from_end(start), from_end(end).min(len - 1));
        (first <= last).then(|| ((first * bits_each) as u64, (last * bits_each + bits_each - 1) as u64))
    }
}
