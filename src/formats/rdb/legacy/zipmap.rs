//! Zipmap: the first packed hash.
//!
//! ```text
//!  ┌───────┬─────┬───────┬─────┬──────┬───────┬──────┬─────┬──────┐
//!  │ count │ len │ field │ len │ free │ value │ free │ ... │ 0xFF │
//!  └───────┴─────┴───────┴─────┴──────┴───────┴──────┴─────┴──────┘
//!    u8     ├──────────── one field ─────────────────┤
//!
//!  len: one byte up to 253, or 0xFE and a u32 (little-endian)     free: u8, that many unused bytes behind the value
//! ```
//!
//! The count is 254 once there are that many or more.

use super::Flaw;
use crate::structures::listpack::Entry;

const END: u8 = 0xFF;
const UNKNOWN_COUNT: u8 = 254;

/// The fields and values of a zipmap, checked before as a whole. One without fields is a flaw: Redis keeps no empty hash.
pub fn pairs(bytes: &[u8]) -> Result<Pairs<'_>, Flaw> {
    let [claimed_count, pairs @ .., end] = bytes else {
        return Err(Flaw::TooShort);
    };
    if *end != END {
        return Err(Flaw::End);
    }
    let mut rest = pairs;
    let mut count = 0;
    while !rest.is_empty() {
        (_, rest) = split_pair(rest).ok_or(Flaw::Entry(1 + pairs.len() - rest.len()))?;
        count += 1;
    }
    if count == 0 || (*claimed_count != UNKNOWN_COUNT && usize::from(*claimed_count) != count) {
        return Err(Flaw::Count);
    }
    Ok(Pairs { rest: pairs, count })
}

/// Fields and values of a zipmap.
#[derive(Clone, Debug)]
pub struct Pairs<'a> {
    rest: &'a [u8],
    count: usize,
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (Entry<'a>, Entry<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (pair, rest) = split_pair(self.rest)?;
        self.rest = rest;
        self.count -= 1;
        Some(pair)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.count, Some(self.count))
    }
}

impl ExactSizeIterator for Pairs<'_> {}

/// The field and value in front, and what is behind them. `None` if they are not all there.
#[inline]
fn split_pair(bytes: &[u8]) -> Option<((Entry<'_>, Entry<'_>), &[u8])> {
    let (field_len, rest) = split_len(bytes)?;
    let (field, rest) = rest.split_at_checked(field_len)?;
    let (value_len, rest) = split_len(rest)?;
    let (&free, rest) = rest.split_first()?;
    let (value, rest) = rest.split_at_checked(value_len)?;
    let rest = rest.get(usize::from(free)..)?;
    Some(((Entry::from(field), Entry::from(value)), rest))
}

#[inline]
fn split_len(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match bytes.split_first()? {
        (&END, _) => None,
        (0xFE, rest) => rest.split_first_chunk().map(|(&len, rest)| (u32::from_le_bytes(len) as usize, rest)),
        (&len, rest) => Some((usize::from(len), rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Texts = Vec<(Vec<u8>, Vec<u8>)>;

    fn texts(bytes: &[u8]) -> Result<Texts, Flaw> {
        let pairs = pairs(bytes)?;
        let len = pairs.len();
        let texts: Texts = pairs.map(|(field, value)| (field.to_vec(), value.to_vec())).collect();
        assert_eq!(texts.len(), len);
        Ok(texts)
    }

    fn zipmap_of(pairs: &Texts, free: usize) -> Vec<u8> {
        let mut bytes = vec![pairs.len().min(254) as u8];
        let push_len = |bytes: &mut Vec<u8>, len: usize| match len {
            0..254 => bytes.push(len as u8),
            len => {
                bytes.push(0xFE);
                bytes.extend_from_slice(&(len as u32).to_le_bytes());
            }
        };
        for (field, value) in pairs {
            push_len(&mut bytes, field.len());
            bytes.extend_from_slice(field);
            push_len(&mut bytes, value.len());
            bytes.push(free as u8);
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(&[0xFF, 0xFE, 0, 0xFF][..free]);
        }
        bytes.push(END);
        bytes
    }

    #[test]
    fn a_hash_of_an_old_file() {
        // Redis 2.4. The second value was shorter before: what was free is used.
        let hash = b"\x02\x02f1\x02\x00v1\x02f2\x02\x00v2\xff";
        let expected = [("f1", "v1"), ("f2", "v2")].map(|(field, value)| (field.into(), value.into()));
        assert_eq!(texts(hash), Ok(expected.to_vec()));
        let with_room = b"\x02\x02f1\x02\x01v1\xff\x02f2\x02\x00v2\xff";
        assert_eq!(texts(with_room), Ok(expected.to_vec()));
    }

    #[test]
    fn flaws_are_named() {
        assert_eq!(texts(b"\x00"), Err(Flaw::TooShort));
        assert_eq!(texts(b"\x00\xff"), Err(Flaw::Count));
        assert_eq!(texts(b"\xfe\xff"), Err(Flaw::Count));
        assert_eq!(texts(b"\x01\x01a\x01\x00b\xfe"), Err(Flaw::End));
        assert_eq!(texts(b"\x02\x01a\x01\x00b\xff"), Err(Flaw::Count));
        for cut in [
            &b"\x01\x01a\x02\x00b\xff"[..],
            b"\x01\x01a\x01\x01b\xff",
            b"\x01\x01a\x01\xff",
            b"\x01\x01a\xff",
            b"\x01\x02a\xff",
            b"\x01\xfe\xff\xff\xff\xff\xff",
            b"\x01\xfe\xff\xff\xff",
            b"\x01\xff\x01\x00b\xff",
        ] {
            assert_eq!(texts(cut), Err(Flaw::Entry(1)), "{cut:?}");
        }
        assert_eq!(texts(b"\x02\x01a\x01\x00b\x01a\xff"), Err(Flaw::Entry(6)));
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..20),
            "[0-9]{1,4}".prop_map(String::into_bytes),
            (250usize..260).prop_map(|len| vec![b'x'; len]),
        ]
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(pairs in prop::collection::vec((text(), text()), 1..10), repeats in 1usize..60, free in 0usize..=4) {
            let pairs = vec![pairs; repeats].concat();
            prop_assert_eq!(texts(&zipmap_of(&pairs, free)), Ok(pairs));
        }

        #[test]
        fn damage_is_found_or_harmless(
            pairs in prop::collection::vec((text(), text()), 1..6),
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = zipmap_of(&pairs, 1);
            for (at, byte) in damage {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let _ = texts(&bytes);
            let _ = texts(&bytes[..cut.index(bytes.len())]);
        }

        #[test]
        fn garbage_is_found_or_harmless(mut bytes in prop::collection::vec(prop_oneof![0u8..6, 0xF8u8..=0xFF], 0..30)) {
            bytes.push(END);
            let _ = texts(&bytes);
        }
    }
}
