//! IDs of entries.

use crate::base::number::parse_u64;

/// The ID of an entry: milliseconds since 1970, and a number among the entries of that millisecond. `1526919030474-55` as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct StreamId {
    /// Milliseconds since 1970 (or whatever whoever adds entries counts by).
    pub ms: u64,
    /// The number among those of the same millisecond.
    pub seq: u64,
}

/// Bytes of the longest ID as text.
const TEXT_BYTES: usize = 41;

impl StreamId {
    /// The lowest: no entry has it.
    pub const MIN: StreamId = StreamId { ms: 0, seq: 0 };
    /// The highest.
    pub const MAX: StreamId = StreamId { ms: u64::MAX, seq: u64::MAX };

    /// The ID of this time and number.
    pub const fn new(ms: u64, seq: u64) -> StreamId {
        StreamId { ms, seq }
    }

    /// Whether it is `0-0`.
    pub fn is_zero(self) -> bool {
        self == StreamId::MIN
    }

    /// The ID behind it.
    pub fn next(self) -> Option<StreamId> {
        match self.seq.checked_add(1) {
            Some(seq) => Some(StreamId { ms: self.ms, seq }),
            None => Some(StreamId { ms: self.ms.checked_add(1)?, seq: 0 }),
        }
    }

    /// The ID before it.
    pub fn previous(self) -> Option<StreamId> {
        match self.seq.checked_sub(1) {
            Some(seq) => Some(StreamId { ms: self.ms, seq }),
            None => Some(StreamId { ms: self.ms.checked_sub(1)?, seq: u64::MAX }),
        }
    }

    /// Reads `ms-seq`, or `ms` alone, to which `missing_seq` is added.
    #[inline]
    pub fn parse(text: &[u8], missing_seq: u64) -> Option<StreamId> {
        match text.iter().position(|&byte| byte == b'-') {
            Some(dash) => Some(StreamId { ms: parse_u64(&text[..dash])?, seq: parse_u64(&text[dash + 1..])? }),
            None => Some(StreamId { ms: parse_u64(text)?, seq: missing_seq }),
        }
    }

    /// Its text.
    #[inline]
    pub fn text(self) -> IdText {
        let mut text = IdText { bytes: [0; TEXT_BYTES], len: 0 };
        text.push(itoa::Buffer::new().format(self.ms).as_bytes());
        text.push(b"-");
        text.push(itoa::Buffer::new().format(self.seq).as_bytes());
        text
    }

    /// Its 16 bytes in RDB, which sort as IDs do.
    pub fn to_bytes(self) -> [u8; 16] {
        ((self.ms as u128) << 64 | self.seq as u128).to_be_bytes()
    }

    /// The ID of these 16 bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> StreamId {
        let both = u128::from_be_bytes(bytes);
        StreamId { ms: (both >> 64) as u64, seq: both as u64 }
    }

    /// The ID that stands so far behind this one, part by part: how a block's entries say theirs. (Differences of 64 bits wrap around.)
    #[inline]
    pub(super) fn offset(self, ms: i64, seq: i64) -> StreamId {
        StreamId { ms: self.ms.wrapping_add_signed(ms), seq: self.seq.wrapping_add_signed(seq) }
    }

    /// How far it stands behind `key`, part by part.
    #[inline]
    pub(super) fn offset_from(self, key: StreamId) -> (i64, i64) {
        (self.ms.wrapping_sub(key.ms) as i64, self.seq.wrapping_sub(key.seq) as i64)
    }
}

/// An ID as text, on the stack.
#[derive(Debug, Clone, Copy)]
pub struct IdText {
    bytes: [u8; TEXT_BYTES],
    len: usize,
}

impl IdText {
    /// The text.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    #[inline]
    fn push(&mut self, part: &[u8]) {
        self.bytes[self.len..self.len + part.len()].copy_from_slice(part);
        self.len += part.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_carry_over_the_millisecond() {
        let edge = StreamId::new(5, u64::MAX);
        assert_eq!(edge.next(), Some(StreamId::new(6, 0)));
        assert_eq!(StreamId::new(6, 0).previous(), Some(edge));
        assert_eq!((StreamId::MAX.next(), StreamId::MIN.previous()), (None, None));
    }

    #[test]
    fn texts_and_bytes_come_back() {
        for id in [StreamId::MIN, StreamId::new(12, 3), StreamId::MAX] {
            assert_eq!(StreamId::parse(id.text().as_bytes(), 9), Some(id));
            assert_eq!(StreamId::from_bytes(id.to_bytes()), id);
        }
        assert_eq!(StreamId::parse(b"7", 9), Some(StreamId::new(7, 9)));
        for bad in ["", "-", "1-", "-1", "1-2-3", "01-2", "1-*", " 1", "18446744073709551616-0"] {
            assert_eq!(StreamId::parse(bad.as_bytes(), 0), None, "{bad}");
        }
    }

    #[test]
    fn offsets_wrap_around() {
        for (key, id) in [(StreamId::new(5, 9), StreamId::new(6, 0)), (StreamId::MIN, StreamId::MAX)] {
            let (ms, seq) = id.offset_from(key);
            assert_eq!(key.offset(ms, seq), id);
        }
    }
}
