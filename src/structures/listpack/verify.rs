//! A look at bytes that claim to be a listpack, before they are believed.

use super::entry::{backlen_bytes, print_backlen};
use super::{EMPTY_BYTES, END, FIRST, UNKNOWN_COUNT};

/// What is wrong with bytes that claim to be a listpack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Too few bytes for a header and an end.
    TooShort,
    /// The total that it claims is not the number of its bytes.
    Total,
    /// It does not end with the end byte.
    End,
    /// At this offset, an entry that has no meaning, reaches beyond the end, or has a wrong backlen.
    Entry(usize),
    /// The count that it claims is not that of its entries.
    Count,
}

/// Checks every byte that readers rely on. Gives the number of elements.
///
/// Stricter than Redis in one thing: a backlen must have its one shortest form, which is the only one that anybody writes. (Redis takes
/// one that runs on into its entry's data, and loses its way when the data changes.)
pub fn verify(bytes: &[u8]) -> Result<usize, Flaw> {
    if bytes.len() < EMPTY_BYTES {
        return Err(Flaw::TooShort);
    }
    let total = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    if total as usize != bytes.len() {
        return Err(Flaw::Total);
    }
    let end = bytes.len() - 1;
    if bytes[end] != END {
        return Err(Flaw::End);
    }
    let entries = &bytes[..end];
    let mut place = FIRST;
    let mut count = 0;
    while place < end {
        place += verified_entry(&entries[place..]).ok_or(Flaw::Entry(place))?;
        count += 1;
    }
    let claimed = u16::from_le_bytes([bytes[4], bytes[5]]);
    if claimed != UNKNOWN_COUNT && usize::from(claimed) != count {
        return Err(Flaw::Count);
    }
    Ok(count)
}

/// The bytes of the entry in front, its backlen included, if it is as it has to be.
#[inline]
fn verified_entry(bytes: &[u8]) -> Option<usize> {
    let encoded_len = match *bytes.first()? {
        0..=0x7F => 1,
        first @ 0x80..=0xBF => 1 + usize::from(first & 0x3F),
        0xC0..=0xDF => 2,
        first @ 0xE0..=0xEF => 2 + (usize::from(first & 0xF) << 8 | usize::from(*bytes.get(1)?)),
        0xF0 => {
            let length: [u8; 4] = bytes.get(1..5)?.try_into().ok()?;
            5 + u32::from_le_bytes(length) as usize
        }
        0xF1 => 3,
        0xF2 => 4,
        0xF3 => 5,
        0xF4 => 9,
        _ => return None,
    };
    let backlen_bytes = backlen_bytes(encoded_len);
    let found = bytes.get(encoded_len..encoded_len + backlen_bytes)?;
    let mut expected = [0; 5];
    let expected = &mut expected[..backlen_bytes];
    print_backlen(encoded_len, expected);
    (found == expected).then_some(encoded_len + backlen_bytes)
}
