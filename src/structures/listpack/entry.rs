//! One entry of a listpack: from bytes, to bytes.

use crate::base::number::{decimal_len, parse_i64, print_i64};

/// An element, as it is stored.
///
/// `Entry::from(text)` chooses as Redis does: an integer if the text is one in its canonical spelling, else the text itself. Made
/// that way, equal elements are equal entries. (Bytes from elsewhere may spell an integer as text; [`equals`](Entry::equals) sees
/// through that.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entry<'a> {
    /// The text of this integer.
    Int(i64),
    /// A text.
    Bytes(&'a [u8]),
}

impl<'a> Entry<'a> {
    /// Its text, printed into `buffer` if it is an integer.
    #[inline]
    pub fn as_slice<'b>(self, buffer: &'b mut itoa::Buffer) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            Entry::Int(value) => buffer.format(value).as_bytes(),
            Entry::Bytes(text) => text,
        }
    }

    /// Whether this is its text.
    #[inline]
    pub fn equals(self, text: &[u8]) -> bool {
        match self {
            Entry::Int(value) => parse_i64(text) == Some(value),
            Entry::Bytes(own) => own == text,
        }
    }

    /// The length of its text in bytes.
    #[inline]
    pub fn len(self) -> usize {
        match self {
            Entry::Int(value) => decimal_len(value),
            Entry::Bytes(text) => text.len(),
        }
    }

    /// Whether its text is empty.
    #[inline]
    pub fn is_empty(self) -> bool {
        self == Entry::Bytes(b"")
    }

    /// The integer that its text is in canonical spelling.
    #[inline]
    pub fn as_int(self) -> Option<i64> {
        match self {
            Entry::Int(value) => Some(value),
            Entry::Bytes(text) => parse_i64(text),
        }
    }

    /// A copy of its text.
    pub fn to_vec(self) -> Vec<u8> {
        let mut text = Vec::new();
        self.append_to(&mut text);
        text
    }

    /// Appends its text.
    #[inline]
    pub fn append_to(self, out: &mut Vec<u8>) {
        match self {
            Entry::Int(value) => print_i64(value, out),
            Entry::Bytes(text) => out.extend_from_slice(text),
        }
    }
}

impl<'a> From<&'a [u8]> for Entry<'a> {
    #[inline]
    fn from(text: &'a [u8]) -> Self {
        parse_i64(text).map_or(Entry::Bytes(text), Entry::Int)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Entry<'a> {
    #[inline]
    fn from(text: &'a [u8; N]) -> Self {
        Entry::from(&text[..])
    }
}

impl<'a> From<&'a Vec<u8>> for Entry<'a> {
    #[inline]
    fn from(text: &'a Vec<u8>) -> Self {
        Entry::from(&text[..])
    }
}

impl From<i64> for Entry<'_> {
    #[inline]
    fn from(value: i64) -> Self {
        Entry::Int(value)
    }
}

/// The bytes that an element takes in a listpack.
#[inline]
pub fn entry_bytes<'v>(value: impl Into<Entry<'v>>) -> usize {
    let encoded_len = match value.into() {
        Entry::Int(value) => match value {
            0..=127 => 1,
            -4096..=4095 => 2,
            -0x8000..=0x7FFF => 3,
            -0x80_0000..=0x7F_FFFF => 4,
            -0x8000_0000..=0x7FFF_FFFF => 5,
            _ => 9,
        },
        Entry::Bytes(text) => match text.len() {
            len @ 0..64 => 1 + len,
            len @ 64..4096 => 2 + len,
            len => 5 + len,
        },
    };
    encoded_len + backlen_bytes(encoded_len)
}

/// An entry in the making: header, data, backlen. An integer is all header.
pub(super) struct Encoded<'v> {
    header: [u8; 9],
    header_len: usize,
    data: &'v [u8],
    backlen: [u8; 5],
    backlen_len: usize,
}

impl<'v> Encoded<'v> {
    #[inline]
    pub(super) fn of(entry: Entry<'v>) -> Self {
        let mut encoded = Encoded { header: [0; 9], header_len: 0, data: &[], backlen: [0; 5], backlen_len: 0 };
        match entry {
            Entry::Int(value) => encoded.set_int(value),
            Entry::Bytes(text) => encoded.set_text(text),
        }
        let encoded_len = encoded.header_len + encoded.data.len();
        encoded.backlen_len = backlen_bytes(encoded_len);
        print_backlen(encoded_len, &mut encoded.backlen[..encoded.backlen_len]);
        encoded
    }

    /// Its bytes in all.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.header_len + self.data.len() + self.backlen_len
    }

    /// Writes it over the front of `place`.
    #[inline]
    pub(super) fn write(&self, place: &mut [u8]) {
        let (header, rest) = place.split_at_mut(self.header_len);
        put(header, &self.header);
        let (data, rest) = rest.split_at_mut(self.data.len());
        data.copy_from_slice(self.data);
        put(&mut rest[..self.backlen_len], &self.backlen);
    }

    #[inline]
    fn set_int(&mut self, value: i64) {
        let (kind, width) = match value {
            0..=127 => {
                self.header[0] = value as u8;
                self.header_len = 1;
                return;
            }
            -4096..=4095 => {
                self.header[0] = 0xC0 | ((value >> 8) as u8 & 0x1F);
                self.header[1] = value as u8;
                self.header_len = 2;
                return;
            }
            -0x8000..=0x7FFF => (0xF1, 2),
            -0x80_0000..=0x7F_FFFF => (0xF2, 3),
            -0x8000_0000..=0x7FFF_FFFF => (0xF3, 4),
            _ => (0xF4, 8),
        };
        self.header[0] = kind;
        self.header[1..].copy_from_slice(&value.to_le_bytes());
        self.header_len = 1 + width;
    }

    #[inline]
    fn set_text(&mut self, text: &'v [u8]) {
        self.data = text;
        match text.len() {
            len @ 0..64 => {
                self.header[0] = 0x80 | len as u8;
                self.header_len = 1;
            }
            len @ 64..4096 => {
                self.header[0] = 0xE0 | (len >> 8) as u8;
                self.header[1] = len as u8;
                self.header_len = 2;
            }
            len => {
                let len = u32::try_from(len).expect("an element below the bound of a listpack");
                self.header[0] = 0xF0;
                self.header[1..5].copy_from_slice(&len.to_le_bytes());
                self.header_len = 5;
            }
        }
    }
}

/// Fills `place` with the beginning of `bytes`. It is a single byte nearly always, and to copy a number of bytes that is only known now
/// would be a call.
#[inline]
fn put(place: &mut [u8], bytes: &[u8]) {
    match place {
        [only] => *only = bytes[0],
        _ => place.copy_from_slice(&bytes[..place.len()]),
    }
}

/// The element at `offset`, and the length of its header and data.
#[inline]
pub(super) fn decode(bytes: &[u8], offset: usize) -> (Entry<'_>, usize) {
    let bytes = &bytes[offset..];
    let text = |header_len: usize, len: usize| (Entry::Bytes(&bytes[header_len..header_len + len]), header_len + len);
    match bytes[0] {
        first @ 0..=0x7F => (Entry::Int(i64::from(first)), 1),
        first @ 0x80..=0xBF => text(1, usize::from(first & 0x3F)),
        first @ 0xC0..=0xDF => {
            // Its 13 bits go to the top of 16, from where the sign spreads downwards.
            let bits = u16::from_be_bytes([first, bytes[1]]) << 3;
            (Entry::Int(i64::from(bits as i16 >> 3)), 2)
        }
        first @ 0xE0..=0xEF => text(2, long_text_len(first, bytes[1])),
        0xF0 => text(5, huge_text_len(bytes)),
        0xF1 => (Entry::Int(wide_int::<2>(bytes)), 3),
        0xF2 => (Entry::Int(wide_int::<3>(bytes)), 4),
        0xF3 => (Entry::Int(wide_int::<4>(bytes)), 5),
        0xF4 => (Entry::Int(wide_int::<8>(bytes)), 9),
        first => not_an_entry(first),
    }
}

/// The length of header and data of the entry at `offset`.
#[inline]
pub(super) fn encoded_len(bytes: &[u8], offset: usize) -> usize {
    match bytes[offset] {
        0..=0x7F => 1,
        first @ 0x80..=0xBF => 1 + usize::from(first & 0x3F),
        0xC0..=0xDF => 2,
        first @ 0xE0..=0xEF => 2 + long_text_len(first, bytes[offset + 1]),
        0xF0 => 5 + huge_text_len(&bytes[offset..]),
        0xF1 => 3,
        0xF2 => 4,
        0xF3 => 5,
        0xF4 => 9,
        first => not_an_entry(first),
    }
}

#[inline]
fn long_text_len(first: u8, second: u8) -> usize {
    usize::from(first & 0xF) << 8 | usize::from(second)
}

#[inline]
fn huge_text_len(bytes: &[u8]) -> usize {
    let length: [u8; 4] = bytes[1..5].try_into().expect("four bytes");
    u32::from_le_bytes(length) as usize
}

#[inline]
fn wide_int<const WIDTH: usize>(bytes: &[u8]) -> i64 {
    let mut high = [0; 8];
    high[8 - WIDTH..].copy_from_slice(&bytes[1..1 + WIDTH]);
    i64::from_le_bytes(high) >> (64 - 8 * WIDTH)
}

#[cold]
fn not_an_entry(first: u8) -> ! {
    panic!("no entry of a listpack begins with {first:#04x}");
}

/// How many bytes the backlen of an entry takes. (The bounds are Redis's: one short of what would fit.)
#[inline]
pub(super) fn backlen_bytes(encoded_len: usize) -> usize {
    match encoded_len {
        0..=127 => 1,
        128..16_383 => 2,
        16_383..2_097_151 => 3,
        2_097_151..268_435_455 => 4,
        _ => 5,
    }
}

/// Writes a backlen over all of `place`.
#[inline]
pub(super) fn print_backlen(encoded_len: usize, place: &mut [u8]) {
    let mut rest = encoded_len;
    for byte in place.iter_mut().rev() {
        *byte = (rest & 0x7F) as u8 | 0x80;
        rest >>= 7;
    }
    place[0] &= 0x7F;
}

/// The backlen that ends before `offset`.
#[inline]
pub(super) fn backlen_before(bytes: &[u8], offset: usize) -> usize {
    let mut value = 0;
    let mut shift = 0;
    for &byte in bytes[..offset].iter().rev().take(5) {
        value |= usize::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            break;
        }
        shift += 7;
    }
    value
}
