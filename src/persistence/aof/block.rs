//! The annotation that heads each block of the log.
//!
//! ```text
//! # block len=61 at=4096 synced=3584 crc=0a1b2c3d head=4d3c2b1a\r\n     the annotation: a comment to Redis, which skips it
//! *2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n...               the body: len bytes, whole calls, whole transactions
//! ```
//!
//! | field | meaning |
//! |---|---|
//! | `len` | bytes of the body |
//! | `at` | the log offset of the body's first byte; `-` for a block that the log's offset does not count (in a base, or a SELECT at a file's head) |
//! | `synced` | the log offset up to which all was durable when this block was written; `-` likewise |
//! | `crc` | CRC-32C of the body |
//! | `head` | CRC-32C of the annotation up to the space before `head=` |
//!
//! Invariants: the annotation is shorter than [`HEAD_MAX_BYTES`], ends in CRLF, and begins with `# block `, never with `#TS:`.
//! A log offset counts body bytes since the log began, so it is what replicas count, too.

use crate::base::crc::crc32c;
use crate::formats::aof_manifest::OFFSET_MAX;

/// An annotation is shorter than this. (Redis reads lines of up to 1024 bytes.)
pub const HEAD_MAX_BYTES: usize = 200;
/// What an annotation begins with.
pub const HEAD_PREFIX: &[u8] = b"# block ";

/// What an annotation says about its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Bytes of the body.
    pub len: u64,
    /// Where the body stands in the log; none if it is not counted.
    pub place: Option<Place>,
    /// CRC-32C of the body.
    pub crc: u32,
}

/// Where a block stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The log offset of the body's first byte.
    pub at: u64,
    /// The log offset up to which all was durable when the block was written; at most `at`.
    pub synced: u64,
}

impl Head {
    /// The head of `body`.
    pub fn of(body: &[u8], place: Option<Place>) -> Head {
        Head { len: body.len() as u64, place, crc: crc32c(0, body) }
    }

    /// Appends the annotation, CRLF included, to `out`.
    pub fn print(&self, out: &mut Vec<u8>) {
        let start = out.len();
        let mut number = itoa::Buffer::new();
        out.extend_from_slice(HEAD_PREFIX);
        out.extend_from_slice(b"len=");
        out.extend_from_slice(number.format(self.len).as_bytes());
        for (key, value) in [
            (b" at=".as_slice(), self.place.map(|place| place.at)),
            (b" synced=", self.place.map(|place| place.synced)),
        ] {
            out.extend_from_slice(key);
            out.extend_from_slice(value.map_or("-", |value| number.format(value)).as_bytes());
        }
        out.extend_from_slice(b" crc=");
        push_hex(self.crc, out);
        let check = crc32c(0, &out[start..]);
        out.extend_from_slice(b" head=");
        push_hex(check, out);
        out.extend_from_slice(b"\r\n");
        debug_assert!(out.len() - start < HEAD_MAX_BYTES);
    }

    /// Makes what stands in `calls` from `start` on the body of a block that the log does not count: its annotation is put before it.
    pub fn put_before(calls: &mut Vec<u8>, start: usize) {
        let mut head = Vec::with_capacity(HEAD_MAX_BYTES);
        Head::of(&calls[start..], None).print(&mut head);
        calls.splice(start..start, head);
    }

    /// Reads an annotation, CRLF included. None unless every byte is as [`Head::print`] writes it.
    pub fn parse(line: &[u8]) -> Option<Head> {
        let fields = line.strip_prefix(HEAD_PREFIX)?.strip_suffix(b"\r\n")?;
        let mut fields = std::str::from_utf8(fields).ok()?.split(' ');
        let mut value = |key: &str| fields.next()?.strip_prefix(key)?.strip_prefix('=');
        let len = value("len")?.parse().ok()?;
        let place = match (value("at")?, value("synced")?) {
            ("-", "-") => None,
            (at, synced) => Some(Place { at: at.parse().ok()?, synced: synced.parse().ok()? }),
        };
        place.map_or(Some(0), |place| place.at.checked_add(len)).filter(|end| *end <= OFFSET_MAX)?;
        let crc = u32::from_str_radix(value("crc")?, 16).ok()?;
        let head = Head { len, place, crc };
        let mut printed = Vec::with_capacity(HEAD_MAX_BYTES);
        head.print(&mut printed);
        (printed == line).then_some(head)
    }

    /// Whether `body` is the body this annotation was written for.
    pub fn matches(&self, body: &[u8]) -> bool {
        body.len() as u64 == self.len && crc32c(0, body) == self.crc
    }
}

fn push_hex(value: u32, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend((0..8).rev().map(|digit| DIGITS[(value >> (digit * 4) & 15) as usize]));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(head: Head) -> Vec<u8> {
        let mut line = Vec::new();
        head.print(&mut line);
        line
    }

    #[test]
    fn it_prints_as_drawn_and_reads_back() {
        let head = Head::of(b"123456789", Some(Place { at: 4096, synced: 3584 }));
        let line = printed(head);
        assert!(line.starts_with(b"# block len=9 at=4096 synced=3584 crc=e3069283 head="), "{}", line.escape_ascii());
        assert_eq!(Head::parse(&line), Some(head));
        assert!(head.matches(b"123456789") && !head.matches(b"123456780") && !head.matches(b"12345678"));
        let uncounted = Head::of(b"", None);
        assert_eq!(Head::parse(&printed(uncounted)), Some(uncounted));
    }

    #[test]
    fn the_longest_annotation_keeps_its_bound() {
        let line =
            printed(Head { len: u64::MAX, place: Some(Place { at: u64::MAX, synced: u64::MAX }), crc: u32::MAX });
        assert!(line.len() < HEAD_MAX_BYTES, "{}", line.len());
    }

    /// What stands behind the block was counted from there on.
    #[test]
    fn an_offset_without_room_above_it_was_taken() {
        let head = |at| Head::of(b"body", Some(Place { at, synced: 0 }));
        assert_eq!(Head::parse(&printed(head(OFFSET_MAX - 4))), Some(head(OFFSET_MAX - 4)));
        assert_eq!(Head::parse(&printed(head(OFFSET_MAX - 3))), None);
        assert_eq!(Head::parse(&printed(head(u64::MAX))), None);
    }

    #[test]
    fn any_damaged_bit_is_noticed() {
        let line = printed(Head::of(b"body", Some(Place { at: 1, synced: 1 })));
        for bit in 0..line.len() * 8 {
            let mut damaged = line.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Head::parse(&damaged), None, "bit {bit}");
        }
    }
}
