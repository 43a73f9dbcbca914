//! The decoder's bytes: fed in pieces, consumed as lengths and strings, with nothing believed before it is there.
//!
//! ```text
//! buffer   | summed ... | consumed, not summed | to come |
//!          0         summed              position       len
//! ```
//!
//! `summed <= position <= buffer.len()`; `start_offset` is the file's offset of `buffer[0]`. A small thing (a length, an opcode with
//! its operands) is consumed whole or not at all, so between feeds at most a few bytes stay behind `position`. A string moves to a
//! buffer of its own as it comes; that buffer doubles up to the string's length, and never runs ahead of what has come by more.

use crate::base::crc::crc64;
use crate::formats::lzf;
use crate::values::Encodings;

use super::error::{RdbError, Reason};
use super::opcodes::prefix;
use super::{ChecksumCheck, Limits, Value};

/// LZF's longest match takes 3 bytes and gives 264.
const LZF_BEST_RATIO: u64 = 88;
/// A string's first buffer is no larger, however long the string claims to be.
const FIRST_RESERVATION_BYTES: usize = 64 * 1024;

/// Why reading stopped: not enough bytes yet, or never.
#[derive(Debug)]
pub(super) enum Stop {
    NeedMore,
    Bad(RdbError),
}

impl From<RdbError> for Stop {
    fn from(error: RdbError) -> Stop {
        Stop::Bad(error)
    }
}

/// A string as it was written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Text {
    Int(i32),
    Bytes(Vec<u8>),
}

impl Text {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        match self {
            Text::Int(number) => itoa::Buffer::new().format(number).as_bytes().to_vec(),
            Text::Bytes(bytes) => bytes,
        }
    }
}

impl From<Text> for Value {
    fn from(text: Text) -> Value {
        match text {
            Text::Int(number) => Value::Int(number.into()),
            Text::Bytes(bytes) => Value::Bytes(bytes),
        }
    }
}

/// What a string's first bytes say.
#[derive(Clone, Copy)]
enum StringHead {
    Int(i32),
    Plain { length: usize },
    Lzf { compressed_length: usize, length: usize },
}

/// A string of which the end has not come yet.
struct PartialString {
    bytes: Vec<u8>,
    missing: usize,
    /// Its length once decompressed, if it is compressed.
    plain_length: Option<usize>,
}

/// The bytes fed and not yet consumed.
pub(super) struct Input {
    buffer: Vec<u8>,
    position: usize,
    summed: usize,
    start_offset: u64,
    crc: u64,
    summing: bool,
    max_string_bytes: u64,
    /// How collections are to be kept.
    pub(super) encodings: Encodings,
    partial: Option<PartialString>,
}

impl Input {
    pub(super) fn new(limits: Limits) -> Input {
        Input {
            buffer: Vec::new(),
            position: 0,
            summed: 0,
            start_offset: 0,
            crc: 0,
            summing: limits.checksum == ChecksumCheck::Verify,
            max_string_bytes: limits.max_string_bytes,
            encodings: limits.encodings,
            partial: None,
        }
    }

    /// Adds bytes. What has been consumed leaves the buffer.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.checksum();
        self.start_offset += self.position as u64;
        self.buffer.drain(..self.position);
        self.position = 0;
        self.summed = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The offset of the next byte.
    pub(super) fn offset(&self) -> u64 {
        self.start_offset + self.position as u64
    }

    /// CRC-64 of everything consumed.
    pub(super) fn checksum(&mut self) -> u64 {
        if self.summing {
            self.crc = crc64(self.crc, &self.buffer[self.summed..self.position]);
        }
        self.summed = self.position;
        self.crc
    }

    /// Bytes of memory held.
    pub(super) fn held_bytes(&self) -> usize {
        self.buffer.capacity() + self.partial.as_ref().map_or(0, |partial| partial.bytes.capacity())
    }

    /// Bytes fed and not consumed.
    pub(super) fn rest(&self) -> &[u8] {
        &self.buffer[self.position..]
    }

    pub(super) fn error(&self, reason: Reason) -> RdbError {
        RdbError { offset: self.offset(), reason }
    }

    fn bad(&self, reason: Reason) -> Stop {
        Stop::Bad(self.error(reason))
    }

    /// Runs `read`; if it runs out of bytes, nothing has been consumed. Not for strings: they keep what has come.
    pub(super) fn whole<T>(&mut self, read: impl FnOnce(&mut Input) -> Result<T, Stop>) -> Result<T, Stop> {
        let start = self.position;
        let outcome = read(self);
        if let Err(Stop::NeedMore) = outcome {
            self.position = start;
        }
        outcome
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        let bytes = *self.rest().first_chunk::<N>().ok_or(Stop::NeedMore)?;
        self.position += N;
        Ok(bytes)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Stop> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn length(&mut self) -> Result<u64, Stop> {
        self.whole(|input| {
            let first = input.byte()?;
            if first >= prefix::ENCODED {
                return Err(input.bad(Reason::LengthPrefix(first)));
            }
            input.length_after(first)
        })
    }

    fn length_after(&mut self, first: u8) -> Result<u64, Stop> {
        match first {
            0..prefix::BITS_14 => Ok(first.into()),
            prefix::BITS_14..prefix::BITS_32 => Ok(u16::from_be_bytes([first ^ prefix::BITS_14, self.byte()?]).into()),
            prefix::BITS_32 => Ok(u32::from_be_bytes(self.array()?).into()),
            prefix::BITS_64 => Ok(u64::from_be_bytes(self.array()?)),
            _ => Err(self.bad(Reason::LengthPrefix(first))),
        }
    }

    /// A string. Called again after `NeedMore`, it goes on where it stopped.
    pub(super) fn string(&mut self) -> Result<Text, Stop> {
        let mut partial = match self.partial.take() {
            Some(partial) => partial,
            None => match self.whole(Input::string_head)? {
                StringHead::Int(number) => return Ok(Text::Int(number)),
                StringHead::Plain { length } if length <= self.rest().len() => {
                    return Ok(Text::Bytes(self.next_bytes(length).to_vec()));
                }
                StringHead::Lzf { compressed_length, length } if compressed_length <= self.rest().len() => {
                    let plain = lzf::decompress(self.next_bytes(compressed_length), length);
                    return self.decompressed(plain);
                }
                StringHead::Plain { length } => {
                    PartialString { bytes: Vec::new(), missing: length, plain_length: None }
                }
                StringHead::Lzf { compressed_length, length } => {
                    PartialString { bytes: Vec::new(), missing: compressed_length, plain_length: Some(length) }
                }
            },
        };
        self.fill(&mut partial);
        if partial.missing > 0 {
            self.partial = Some(partial);
            return Err(Stop::NeedMore);
        }
        match partial.plain_length {
            None => Ok(Text::Bytes(partial.bytes)),
            Some(length) => self.decompressed(lzf::decompress(&partial.bytes, length)),
        }
    }

    /// Consumes so many bytes, which are there.
    fn next_bytes(&mut self, count: usize) -> &[u8] {
        self.position += count;
        &self.buffer[self.position - count..self.position]
    }

    fn decompressed<E>(&self, plain: Result<Vec<u8>, E>) -> Result<Text, Stop> {
        plain.map(Text::Bytes).map_err(|_| self.bad(Reason::Lzf))
    }

    fn string_head(&mut self) -> Result<StringHead, Stop> {
        match self.byte()? {
            prefix::INT8 => Ok(StringHead::Int(i8::from_le_bytes(self.array()?).into())),
            prefix::INT16 => Ok(StringHead::Int(i16::from_le_bytes(self.array()?).into())),
            prefix::INT32 => Ok(StringHead::Int(i32::from_le_bytes(self.array()?))),
            prefix::LZF => {
                let compressed = self.length()?;
                let plain = self.length()?;
                Ok(StringHead::Lzf {
                    compressed_length: self.allow(compressed, self.max_string_bytes)?,
                    length: self.allow(plain, self.max_string_bytes.min(compressed.saturating_mul(LZF_BEST_RATIO)))?,
                })
            }
            first if first >= prefix::ENCODED => Err(self.bad(Reason::StringPrefix(first))),
            first => {
                let length = self.length_after(first)?;
                Ok(StringHead::Plain { length: self.allow(length, self.max_string_bytes)? })
            }
        }
    }

    fn allow(&self, length: u64, limit: u64) -> Result<usize, Stop> {
        match usize::try_from(length) {
            Ok(allowed) if length <= limit => Ok(allowed),
            _ => Err(self.bad(Reason::TooLong { length, limit })),
        }
    }

    /// Moves what has come of a string to its buffer.
    fn fill(&mut self, partial: &mut PartialString) {
        let count = partial.missing.min(self.rest().len());
        let bytes = &mut partial.bytes;
        if bytes.capacity() - bytes.len() < count {
            // Doubling, but never past the string's end: the last reservation is exact.
            let ahead = count.max(bytes.len()).max(FIRST_RESERVATION_BYTES);
            bytes.reserve_exact(partial.missing.min(ahead));
        }
        bytes.extend_from_slice(&self.buffer[self.position..self.position + count]);
        self.position += count;
        partial.missing -= count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(bytes: &[u8]) -> Input {
        let mut input = Input::new(Limits::default());
        input.feed(bytes);
        input
    }

    fn reason<T: std::fmt::Debug>(outcome: Result<T, Stop>) -> Option<Reason> {
        match outcome {
            Err(Stop::Bad(error)) => Some(error.reason),
            Err(Stop::NeedMore) => None,
            Ok(value) => panic!("read {value:?}"),
        }
    }

    #[test]
    fn a_length_is_consumed_whole_or_not_at_all() {
        let mut input = fed(&[0x80, 0, 1]);
        assert_eq!(reason(input.length()), None);
        assert_eq!(input.offset(), 0);
        input.feed(&[2, 3, 0x41, 0]);
        assert_eq!(input.length().unwrap(), 0x0001_0203);
        assert_eq!(input.length().unwrap(), 0x100);
        assert_eq!(input.offset(), 7);
    }

    #[test]
    fn first_bytes_without_a_meaning_are_refused() {
        assert_eq!(reason(fed(&[0x82, 0]).length()), Some(Reason::LengthPrefix(0x82)));
        assert_eq!(reason(fed(&[0xC0, 0]).length()), Some(Reason::LengthPrefix(0xC0)));
        assert_eq!(reason(fed(&[0xBF, 0]).string()), Some(Reason::LengthPrefix(0xBF)));
        assert_eq!(reason(fed(&[0xC4, 0]).string()), Some(Reason::StringPrefix(0xC4)));
        // In LZF's lengths as well.
        assert_eq!(reason(fed(&[0xC3, 0xC0, 0]).string()), Some(Reason::LengthPrefix(0xC0)));
    }

    #[test]
    fn a_string_goes_on_where_its_bytes_ended() {
        let written = [&[0x40, 100][..], &[b'x'; 100]].concat();
        for piece_bytes in [1, 2, 7, 102] {
            let mut input = Input::new(Limits::default());
            let mut read = None;
            for piece in written.chunks(piece_bytes) {
                assert_eq!(read, None);
                input.feed(piece);
                read = input.string().ok();
            }
            assert_eq!(read, Some(Text::Bytes(vec![b'x'; 100])));
            assert_eq!(input.checksum(), crc64(0, &written));
        }
    }

    #[test]
    fn a_claimed_length_reserves_nothing_until_the_bytes_come() {
        let claim = (512u32 << 20).to_be_bytes();
        let mut input = fed(&[&[0x80][..], &claim, b"abc"].concat());
        assert_eq!(reason(input.string()), None);
        assert!(input.held_bytes() <= FIRST_RESERVATION_BYTES + 64, "{}", input.held_bytes());
        for _ in 0..64 {
            input.feed(&[b'x'; 64 * 1024]);
            assert_eq!(reason(input.string()), None);
        }
        let come = input.offset() as usize;
        assert!(input.held_bytes() <= 2 * come + 3 * 64 * 1024, "{}", input.held_bytes());
    }

    #[test]
    fn a_large_string_ends_in_a_buffer_of_its_own_size() {
        let length = 1_000_003;
        let mut input = fed(&[&[0x80][..], &(length as u32).to_be_bytes()].concat());
        let mut left = length;
        loop {
            match input.string() {
                Ok(Text::Bytes(bytes)) => {
                    assert_eq!((bytes.len(), bytes.capacity()), (length, length));
                    return;
                }
                Ok(other) => panic!("{other:?}"),
                Err(Stop::Bad(error)) => panic!("{error}"),
                Err(Stop::NeedMore) => {
                    let count = left.min(10_000);
                    left -= count;
                    input.feed(&vec![1; count]);
                }
            }
        }
    }

    #[test]
    fn lengths_past_the_limit_or_past_what_lzf_can_give_are_refused() {
        let mut input = Input::new(Limits { max_string_bytes: 10, ..Limits::default() });
        input.feed(&[11, 0]);
        assert_eq!(reason(input.string()), Some(Reason::TooLong { length: 11, limit: 10 }));
        // 2 compressed bytes that claim 177.
        assert_eq!(reason(fed(&[0xC3, 2, 0x40, 177]).string()), Some(Reason::TooLong { length: 177, limit: 176 }));
        assert_eq!(reason(fed(&[0xC3, 2, 20, 0, b'a']).string()), Some(Reason::Lzf));
        let enormous = [&[0x81][..], &[0xFF; 8]].concat();
        assert!(matches!(reason(fed(&enormous).string()), Some(Reason::TooLong { length: u64::MAX, .. })));
    }
}
