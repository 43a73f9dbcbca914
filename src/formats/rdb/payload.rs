//! DUMP payloads: one value that travels alone.
//!
//! ```text
//! type u8 | value | RDB version u16 | CRC-64 of all before it, u64
//! ```
//! Both numbers are little-endian. There is no magic, so the version says which dialect the type number belongs to.

use crate::base::crc::crc64;

use super::encode::Compression;
use super::error::{RdbError, Reason};
use super::input::{Input, Stop};
use super::item::is_version_read;
use super::opcodes::{Dialect, FIRST_VALKEY_VERSION, LOWEST_VERSION_WRITTEN, type_name, type_number};
use super::types::{ReadValue, reader_of, type_of, write_value};
use super::{ChecksumCheck, Limits, Value};
use crate::values::{AnyRef, FieldDeadlines};

/// How much of a payload is handed to the reader at a time, so that a large one is not held twice.
const PIECE_BYTES: usize = 64 * 1024;

/// The payload's version or checksum is wrong, or it is too short to have any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadFooter;

/// A payload whose footer is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified<'a> {
    body: &'a [u8],
    dialect: Dialect,
}

/// Appends the payload of a value, in the lowest version that has its type.
pub fn dump(value: AnyRef<'_>, compression: Compression, deadlines: FieldDeadlines, out: &mut Vec<u8>) {
    let start = out.len();
    let number = type_of(value, deadlines);
    out.push(number);
    write_value(value, compression, deadlines, out);
    let version = match number {
        type_number::VALKEY_HASH_2 => FIRST_VALKEY_VERSION,
        _ => LOWEST_VERSION_WRITTEN,
    };
    out.extend_from_slice(&(version as u16).to_le_bytes());
    let checksum = crc64(0, &out[start..]);
    out.extend_from_slice(&checksum.to_le_bytes());
}

/// Looks at a payload's version and checksum, as RESTORE does first.
pub fn verify(payload: &[u8], limits: Limits) -> Result<Verified<'_>, BadFooter> {
    let (rest, checksum) = payload.split_last_chunk::<8>().ok_or(BadFooter)?;
    let (body, version) = rest.split_last_chunk::<2>().ok_or(BadFooter)?;
    let version = u32::from(u16::from_le_bytes(*version));
    let dialect = Dialect::of_version(version);
    if !is_version_read(dialect, version, limits.versions) {
        return Err(BadFooter);
    }
    if limits.checksum == ChecksumCheck::Verify && crc64(0, rest) != u64::from_le_bytes(*checksum) {
        return Err(BadFooter);
    }
    Ok(Verified { body, dialect })
}

impl Verified<'_> {
    /// The value, which must fill the payload. `limits` as in [`verify`].
    pub fn decode(self, limits: Limits) -> Result<Value, RdbError> {
        let bad = |offset, reason| RdbError { offset, reason };
        let (&number, body) = self.body.split_first().ok_or(bad(0, Reason::UnexpectedEnd))?;
        let dialect = self.dialect;
        let Some(mut reader) = reader_of(number, dialect) else {
            return Err(match type_name(number, dialect) {
                Some(_) => bad(0, Reason::UnsupportedType { number, dialect, key: None }),
                None => bad(0, Reason::UnknownType(number)),
            });
        };
        // The footer has been summed already, and the type number has been read.
        let mut input = Input::new(Limits { checksum: ChecksumCheck::Skip, ..limits });
        let (value, fed) = read_in_pieces(&mut *reader, &mut input, body)?;
        match body.len() as u64 - fed + input.rest().len() as u64 {
            0 => Ok(value),
            count => Err(bad(1 + input.offset(), Reason::TrailingBytes(count))),
        }
    }
}

/// Reads a value from `body`; also gives how many of its bytes were fed.
fn read_in_pieces(reader: &mut dyn ReadValue, input: &mut Input, body: &[u8]) -> Result<(Value, u64), RdbError> {
    let mut fed = 0;
    for piece in body.chunks(PIECE_BYTES) {
        input.feed(piece);
        fed += piece.len() as u64;
        match reader.read(input) {
            Ok(value) => return Ok((value, fed)),
            Err(Stop::NeedMore) => {}
            Err(Stop::Bad(RdbError { offset, reason })) => return Err(RdbError { offset: 1 + offset, reason }),
        }
    }
    Err(RdbError { offset: 1 + input.offset(), reason: Reason::UnexpectedEnd })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::VersionCheck;
    use super::*;
    use crate::values::string::Text;

    const LZF: Compression = Compression::Lzf { max_bytes: usize::MAX };

    fn dumped(value: AnyRef<'_>) -> Vec<u8> {
        let mut out = b"before".to_vec();
        dump(value, LZF, FieldDeadlines::Redis, &mut out);
        out.split_off(6)
    }

    fn with_footer(body: &[u8], version: u16) -> Vec<u8> {
        let mut payload = [body, &version.to_le_bytes()].concat();
        payload.extend_from_slice(&crc64(0, &payload).to_le_bytes());
        payload
    }

    fn restored(payload: &[u8]) -> Result<Value, RdbError> {
        let limits = Limits::default();
        verify(payload, limits).expect("the footer is right").decode(limits)
    }

    /// `DUMP` of Redis 7.0.15 (`SET k 10`; `SET k hello`; `SET k` to 30 times `a`).
    #[test]
    fn payloads_of_redis_7_0_are_read_and_differ_from_ours_by_the_version_only() {
        for (theirs, value) in [
            (&b"\x00\xc0\n\n\x00n\x9fWE\x0e\xaec\xbb"[..], AnyRef::int(10)),
            (b"\x00\x05hello\n\x00cr\xdfve4 \n", AnyRef::bytes(b"hello")),
            (b"\x00\xc3\t\x1e\x01aa\xe0\x11\x00\x01aa\n\x00Es|\xbb+d{\xbb", AnyRef::bytes(&[b'a'; 30])),
        ] {
            let expected = match value {
                AnyRef::String(Text::Int(number)) => Value::Int(number),
                AnyRef::String(Text::Bytes { bytes, .. }) => Value::Bytes(bytes.to_vec()),
                other => panic!("{other:?}"),
            };
            assert_eq!(restored(theirs), Ok(expected.clone()));
            let ours = dumped(value);
            assert_eq!(restored(&ours), Ok(expected));
            assert_eq!(ours[ours.len() - 10..ours.len() - 8], [9, 0]);
            assert!(verify(&with_footer(&ours[..ours.len() - 10], 10), Limits::default()).is_ok());
        }
    }

    #[test]
    fn version_and_checksum_are_looked_at_as_asked() {
        let body = [0, 1, b'x'];
        let relaxed = Limits { versions: VersionCheck::Relaxed, ..Limits::default() };
        let skipping = Limits { checksum: ChecksumCheck::Skip, ..Limits::default() };
        for version in [1, 9, 12, 80] {
            assert!(verify(&with_footer(&body, version), Limits::default()).is_ok(), "version {version}");
        }
        for version in [0, 13, 79, 81] {
            assert_eq!(verify(&with_footer(&body, version), Limits::default()), Err(BadFooter), "version {version}");
        }
        assert!(verify(&with_footer(&body, 300), relaxed).is_ok());
        let mut broken = with_footer(&body, 9);
        *broken.last_mut().unwrap() ^= 1;
        assert_eq!(verify(&broken, Limits::default()), Err(BadFooter));
        assert_eq!(verify(&broken, skipping).unwrap().decode(skipping), Ok(Value::Bytes(b"x".to_vec())));
        assert_eq!(verify(b"123456789", skipping), Err(BadFooter));
    }

    #[test]
    fn a_value_must_fill_its_payload() {
        let reason = |body: &[u8]| restored(&with_footer(body, 9)).unwrap_err().reason;
        assert_eq!(reason(b""), Reason::UnexpectedEnd);
        assert_eq!(reason(b"\0"), Reason::UnexpectedEnd);
        assert_eq!(reason(b"\0\x05abc"), Reason::UnexpectedEnd);
        assert_eq!(reason(b"\0\x03abcde"), Reason::TrailingBytes(2));
        assert_eq!(reason(b"\x07\0"), Reason::UnsupportedType { number: 7, dialect: Dialect::Redis, key: None });
        assert_eq!(reason(b"\xC8\0"), Reason::UnknownType(200));
        let large = [&[0, 0x80, 0, 1, 0, 0][..], &[7; 1 << 16][..], &[8; 100_000][..]].concat();
        assert_eq!(reason(&large), Reason::TrailingBytes(100_000));
    }

    proptest! {
        #[test]
        fn any_string_comes_back(bytes in proptest::collection::vec(prop_oneof![Just(b'a'), any::<u8>()], 0..600)) {
            prop_assert_eq!(restored(&dumped(AnyRef::bytes(&bytes))).map(digits), Ok(bytes));
        }

        #[test]
        fn any_integer_comes_back(number: i64, shift in 0..64u32) {
            let number = number >> shift;
            let both = [dumped(AnyRef::int(number)), dumped(AnyRef::bytes(number.to_string().as_bytes()))];
            prop_assert_eq!(&both[0], &both[1]);
            prop_assert_eq!(restored(&both[0]).map(digits), Ok(number.to_string().into_bytes()));
        }

        #[test]
        fn garbage_with_a_right_footer_gives_a_value_or_an_error(body in proptest::collection::vec(any::<u8>(), 0..100), version in 1..12u16) {
            let string = [&[0], &body[..]].concat();
            for body in [body, string] {
                if let Ok(Value::Bytes(bytes)) = restored(&with_footer(&body, version)) {
                    prop_assert!(bytes.capacity() <= 100 * 88);
                }
            }
        }

        #[test]
        fn a_changed_payload_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..100), place: prop::sample::Index, flip in 1..=255u8) {
            let mut payload = dumped(AnyRef::bytes(&bytes));
            let place = place.index(payload.len());
            payload[place] ^= flip;
            prop_assert_eq!(verify(&payload, Limits::default()), Err(BadFooter));
        }
    }

    fn digits(value: Value) -> Vec<u8> {
        match value {
            Value::Int(number) => number.to_string().into_bytes(),
            Value::Bytes(bytes) => bytes,
            other => panic!("{other:?}"),
        }
    }
}
