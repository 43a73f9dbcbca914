//! Ziplist: the listpack's predecessor. Each entry knows the length of the one before.
//!
//! ```text
//!  0           4          8       10                                  total - 1
//!  ┌───────────┬──────────┬───────┬─────────┬─────────┬──────┬─────────┬──────┐
//!  │ total u32 │ tail u32 │ count │ entry 0 │ entry 1 │ ...  │ entry n │ 0xFF │     little-endian
//!  └───────────┴──────────┴───────┴─────────┴─────────┴──────┴─────────┴──────┘
//!                    └─────────────────────────────────────────┘
//!                                 ├ prevlen, header, data ┤
//!
//!  prevlen: one byte up to 253, or 0xFE and a u32 (which may hold a small number: lengths shrink in place)
//!
//!  00llllll + data            text up to 63 bytes           11110000 + 3 bytes   integer of 24 bits
//!  01llllll l + data          text up to 16383 bytes        11010000 + 4 bytes   ... 32
//!  10______ l l l l + data    longer text (big-endian)      11100000 + 8 bytes   ... 64
//!  11111110 + 1 byte          integer of 8 bits             1111vvvv             v - 1, for v from 1 to 13
//!  11000000 + 2 bytes         ... 16
//! ```
//!
//! The count is 65535 once there are that many or more. An empty list points with its tail to its end byte; nobody looks there.

use super::Flaw;
use crate::structures::listpack::Entry;

const FIRST: usize = 10;
const END: u8 = 0xFF;
const UNKNOWN_COUNT: u16 = u16::MAX;

/// The elements of a ziplist, checked before as a whole: total, tail and count, and each entry's bounds and prevlen.
pub fn entries(bytes: &[u8]) -> Result<Entries<'_>, Flaw> {
    let Some((&[t0, t1, t2, t3, l0, l1, l2, l3, c0, c1], [entries @ .., end])) = bytes.split_first_chunk() else {
        return Err(Flaw::TooShort);
    };
    if u32::from_le_bytes([t0, t1, t2, t3]) as usize != bytes.len() {
        return Err(Flaw::Total);
    }
    if *end != END {
        return Err(Flaw::End);
    }
    let claimed_tail = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    let claimed_count = u16::from_le_bytes([c0, c1]);
    let count = checked_count(entries, claimed_tail)?;
    if claimed_count != UNKNOWN_COUNT && usize::from(claimed_count) != count {
        return Err(Flaw::Count);
    }
    Ok(Entries { rest: entries, count })
}

/// Walks over all entries, and counts them.
fn checked_count(entries: &[u8], claimed_tail: usize) -> Result<usize, Flaw> {
    let mut count = 0;
    let mut place = 0;
    let mut len_before = 0;
    while place < entries.len() {
        let entry = split_entry(&entries[place..]).ok_or(Flaw::Entry(FIRST + place))?;
        if entry.prevlen != len_before {
            return Err(Flaw::Entry(FIRST + place));
        }
        len_before = entry.len;
        place += entry.len;
        count += 1;
    }
    let tail = FIRST + place - len_before;
    match claimed_tail {
        _ if claimed_tail == tail => Ok(count),
        _ if count == 0 && claimed_tail <= tail => Ok(count),
        _ => Err(Flaw::Tail),
    }
}

/// Elements of a ziplist.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    rest: &'a [u8],
    count: usize,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        let entry = split_entry(self.rest)?;
        self.rest = &self.rest[entry.len..];
        self.count -= 1;
        Some(entry.element)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.count, Some(self.count))
    }
}

impl ExactSizeIterator for Entries<'_> {}

/// An entry in front of some bytes.
struct Parts<'a> {
    prevlen: usize,
    element: Entry<'a>,
    /// All its bytes.
    len: usize,
}

/// Takes the entry in front apart. `None` if it has no meaning or is not all there.
#[inline]
fn split_entry(bytes: &[u8]) -> Option<Parts<'_>> {
    let (prevlen, header_at) = match *bytes.first()? {
        END => return None,
        0xFE => {
            let prevlen: [u8; 4] = bytes.get(1..5)?.try_into().ok()?;
            (u32::from_le_bytes(prevlen) as usize, 5)
        }
        prevlen => (usize::from(prevlen), 1),
    };
    let body = &bytes[header_at..];
    let first = *body.first()?;
    let (element, body_len) = match first {
        0x00..=0x3F => text(body, 1, usize::from(first & 0x3F))?,
        0x40..=0x7F => text(body, 2, usize::from(first & 0x3F) << 8 | usize::from(*body.get(1)?))?,
        0x80..=0xBF => {
            let len: [u8; 4] = body.get(1..5)?.try_into().ok()?;
            text(body, 5, u32::from_be_bytes(len) as usize)?
        }
        0xC0 => int::<2>(body)?,
        0xD0 => int::<4>(body)?,
        0xE0 => int::<8>(body)?,
        0xF0 => int::<3>(body)?,
        0xFE => int::<1>(body)?,
        0xF1..=0xFD => (Entry::Int(i64::from(first & 0xF) - 1), 1),
        _ => return None,
    };
    Some(Parts { prevlen, element, len: header_at + body_len })
}

#[inline]
fn text(body: &[u8], header_len: usize, len: usize) -> Option<(Entry<'_>, usize)> {
    let end = header_len + len;
    body.get(header_len..end).map(|text| (Entry::from(text), end))
}

#[inline]
fn int<const WIDTH: usize>(body: &[u8]) -> Option<(Entry<'_>, usize)> {
    let mut high = [0; 8];
    high[8 - WIDTH..].copy_from_slice(body.get(1..1 + WIDTH)?);
    let value = i64::from_le_bytes(high) >> (64 - 8 * WIDTH);
    Some((Entry::Int(value), 1 + WIDTH))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Flaw> {
        let entries = entries(bytes)?;
        let len = entries.len();
        let texts: Vec<Vec<u8>> = entries.map(Entry::to_vec).collect();
        assert_eq!(texts.len(), len);
        Ok(texts)
    }

    /// Entries as Redis wrote them, except that every third prevlen takes five bytes.
    fn ziplist_of(texts: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = vec![0; FIRST];
        let mut tail = FIRST;
        for (index, text) in texts.iter().enumerate() {
            let prevlen = bytes.len() - tail;
            tail = bytes.len();
            if prevlen >= 0xFE || index % 3 == 2 {
                bytes.push(0xFE);
                bytes.extend_from_slice(&(prevlen as u32).to_le_bytes());
            } else {
                bytes.push(prevlen as u8);
            }
            push_body(&mut bytes, text);
        }
        bytes.push(END);
        let total = bytes.len() as u32;
        bytes[..4].copy_from_slice(&total.to_le_bytes());
        bytes[4..8].copy_from_slice(&(tail as u32).to_le_bytes());
        bytes[8..10].copy_from_slice(&(texts.len() as u16).to_le_bytes());
        bytes
    }

    fn push_body(bytes: &mut Vec<u8>, text: &[u8]) {
        let Entry::Int(value) = Entry::from(text) else {
            match text.len() {
                len @ 0..64 => bytes.push(len as u8),
                len @ 64..16_384 => bytes.extend_from_slice(&(0x4000 | len as u16).to_be_bytes()),
                len => {
                    bytes.push(0x80);
                    bytes.extend_from_slice(&(len as u32).to_be_bytes());
                }
            }
            return bytes.extend_from_slice(text);
        };
        let (header, width) = match value {
            0..=12 => return bytes.push(0xF1 + value as u8),
            -0x80..=0x7F => (0xFE, 1),
            -0x8000..=0x7FFF => (0xC0, 2),
            -0x80_0000..=0x7F_FFFF => (0xF0, 3),
            -0x8000_0000..=0x7FFF_FFFF => (0xD0, 4),
            _ => (0xE0, 8),
        };
        bytes.push(header);
        bytes.extend_from_slice(&value.to_le_bytes()[..width]);
    }

    #[test]
    fn lists_of_old_files() {
        // Redis 2.4: a list whose integers are all of 16 bits or more.
        let list =
            b"\x30\0\0\0\x25\0\0\0\x08\0\x00\xc0\x01\x00\x04\xc0\x02\x00\x04\xc0\x03\x00\x04\x01a\x03\x01b\x03\x01c\
            \x03\xd0\xa0\x86\x01\x00\x06\xe0\x00\xbc\xa0\x65\x01\x00\x00\x00\xff";
        let expected = ["1", "2", "3", "a", "b", "c", "100000", "6000000000"].map(|text| text.as_bytes().to_vec());
        assert_eq!(texts(list), Ok(expected.to_vec()));
        // Redis 4.0: a node of a quicklist.
        assert_eq!(texts(b"\x0d\0\0\0\x0a\0\0\0\x01\0\x00\xf8\xff"), Ok(vec![b"7".to_vec()]));
        // Redis 6.0: a hash, and a sorted set.
        let hash = b"\x1b\0\0\0\x16\0\0\0\x04\0\x00\x02f1\x04\x02v1\x04\x02f2\x04\x02v2\xff";
        assert_eq!(texts(hash).unwrap().concat(), b"f1v1f2v2");
        let sorted_set = b"\x19\0\0\0\x16\0\0\0\x04\0\x00\x03one\x05\xf2\x02\x03two\x05\xf3\xff";
        assert_eq!(texts(sorted_set).unwrap().concat(), b"one1two2");
        assert_eq!(texts(b"\x0b\0\0\0\x0a\0\0\0\0\0\xff"), Ok(vec![]));
    }

    /// Payloads that broke Redis, from its own tests.
    #[test]
    fn flaws_are_named() {
        let good = b"\x13\0\0\0\x0e\0\0\0\x02\0\x00\x02a\0\x04\x02b\0\xff";
        assert!(texts(good).is_ok());
        let wrong_prevlen = b"\x13\0\0\0\x0e\0\0\0\x02\0\x00\x02a\0\x0e\x02b\0\xff";
        assert_eq!(texts(wrong_prevlen), Err(Flaw::Entry(14)));
        let wrong_tail = b"\x13\0\0\0\x02\0\0\0\x02\0\x00\x02a\0\x04\x02b\0\xff";
        assert_eq!(texts(wrong_tail), Err(Flaw::Tail));
        let wrong_count = b"\x13\0\0\0\x0e\0\0\0\x03\0\x00\x02a\0\x04\x02b\0\xff";
        assert_eq!(texts(wrong_count), Err(Flaw::Count));
        let too_long_a_text = b"\x1b\0\0\0\x16\0\0\0\x04\0\x00\x02a\0\x04\x02b\0\x04\x14c\0\x04\x02d\0\xff";
        assert_eq!(texts(too_long_a_text), Err(Flaw::Entry(18)));
        let no_meaning = b"\x11\0\0\0\x0a\0\0\0\x01\0\x00\xf6\xff\xb0\x6c\x9c\xff";
        assert_eq!(texts(no_meaning), Err(Flaw::Entry(12)));
        let huge = b"\x11\0\0\0\x0a\0\0\0\x01\0\x00\x80\xff\xff\xff\xff\xff";
        assert_eq!(texts(huge), Err(Flaw::Entry(10)));
        assert_eq!(texts(&good[..10]), Err(Flaw::TooShort));
        assert_eq!(texts(&good[..18]), Err(Flaw::Total));
        assert_eq!(texts(b"\x0b\0\0\0\x0a\0\0\0\0\0\xfe"), Err(Flaw::End));
        assert_eq!(texts(b"\x0b\0\0\0\x0b\0\0\0\0\0\xff"), Err(Flaw::Tail));
    }

    #[test]
    fn a_count_may_be_unknown() {
        let mut bytes = ziplist_of(&vec![b"5".to_vec(); 70_000]);
        bytes[8..10].copy_from_slice(&[0xFF, 0xFF]);
        assert_eq!(entries(&bytes).map(|entries| entries.len()), Ok(70_000));
        bytes[8] = 0xFE;
        assert_eq!(entries(&bytes).err(), Some(Flaw::Count));
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        let number = |value: i64| value.to_string().into_bytes();
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..20),
            (0u32..64, -2i64..2).prop_map(move |(bit, near)| number((1i64 << bit).wrapping_add(near))),
            (-200i64..200).prop_map(number),
            prop_oneof![60usize..70, 245usize..260, 16_380usize..16_390].prop_map(|len| vec![b'x'; len]),
        ]
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(elements in prop::collection::vec(text(), 0..20)) {
            prop_assert_eq!(texts(&ziplist_of(&elements)), Ok(elements));
        }

        #[test]
        fn damage_is_found_or_harmless(
            elements in prop::collection::vec(text(), 0..6),
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = ziplist_of(&elements);
            for (at, byte) in damage {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let _ = texts(&bytes);
            let _ = texts(&bytes[..cut.index(bytes.len())]);
        }

        #[test]
        fn garbage_is_found_or_harmless(
            body in prop::collection::vec(prop_oneof![0u8..6, 0xF0u8..=0xFF, any::<u8>()], 0..30), tail in 0u8..40, count in 0u8..6,
        ) {
            let mut bytes = vec![body.len() as u8 + 11, 0, 0, 0, tail, 0, 0, 0, count, 0];
            bytes.extend_from_slice(&body);
            bytes.push(END);
            let _ = texts(&bytes);
        }
    }
}
