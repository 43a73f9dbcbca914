//! Writes RDB: items in, bytes out.
//!
//! The caller adds items and takes the bytes away whenever it has enough for a write; the checksum runs over all of them.
//! A value too large to be written in one go is written in parts (`parts`).

use crate::base::crc::crc64;
use crate::base::number::{decimal_len, parse_i64, print_i64};
use crate::formats::lzf;

use super::Usage;
use super::opcodes::{Dialect, opcode, prefix};
use super::types::{type_of, write_value};
use crate::values::{AnyRef, FieldDeadlines};

/// Strings up to this length are never compressed: it cannot pay.
const NEVER_COMPRESSED_BYTES: usize = 20;

/// Whether strings are compressed (`rdbcompression`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Never.
    Off,
    /// By LZF where that is shorter, for strings up to this many bytes: the work is done in one go.
    Lzf {
        /// Longer strings stand as they are.
        max_bytes: usize,
    },
}

/// Writes one RDB file: [`header`](Encoder::header), items, [`finish`](Encoder::finish).
pub struct Encoder {
    out: Vec<u8>,
    /// How much of `out` the checksum has seen.
    summed: usize,
    crc: u64,
    with_checksum: bool,
    compression: Compression,
    deadlines: FieldDeadlines,
}

impl Encoder {
    /// An encoder whose file ends in a checksum of all its bytes (`rdbchecksum yes`).
    pub fn new(compression: Compression) -> Encoder {
        let deadlines = FieldDeadlines::Redis;
        Encoder { out: Vec::new(), summed: 0, crc: 0, with_checksum: true, compression, deadlines }
    }

    /// The same, with 0 in the checksum's place: "not computed".
    pub fn without_checksum(compression: Compression) -> Encoder {
        Encoder { with_checksum: false, ..Encoder::new(compression) }
    }

    /// From now on the deadlines of fields are said this way.
    pub fn set_field_deadlines(&mut self, deadlines: FieldDeadlines) {
        self.deadlines = deadlines;
    }

    /// Bytes waiting to be taken.
    pub fn pending_bytes(&self) -> usize {
        self.out.len()
    }

    /// Takes what has been written so far, and writes on into `fresh`, which is cleared: a buffer that has done its work can come back.
    pub fn take(&mut self, mut fresh: Vec<u8>) -> Vec<u8> {
        self.sum();
        fresh.clear();
        self.summed = 0;
        std::mem::replace(&mut self.out, fresh)
    }

    /// Begins the file. `version`: the lowest that has everything this file will hold, which says whose magic it bears; `aux`: names and
    /// values about the file.
    pub fn header(&mut self, version: u32, aux: &[(&str, &[u8])]) {
        self.out.extend_from_slice(
            match Dialect::of_version(version) {
                Dialect::Redis => format!("REDIS{version:04}"),
                Dialect::Valkey => format!("VALKEY{version:03}"),
            }
            .as_bytes(),
        );
        for (name, value) in aux {
            self.aux(name, value);
        }
    }

    /// A name and a value about the file. Readers skip names they don't know.
    pub fn aux(&mut self, name: &str, value: &[u8]) {
        self.opcode(opcode::AUX);
        self.string(name.as_bytes());
        self.string(value);
    }

    /// The keys that follow are in database `index`.
    pub fn select_db(&mut self, index: u64) {
        self.opcode(opcode::SELECTDB);
        write_length(index, &mut self.out);
    }

    /// The selected database has about `keys` keys, of which `expires` have a deadline.
    pub fn resize_db(&mut self, keys: u64, expires: u64) {
        self.opcode(opcode::RESIZEDB);
        write_length(keys, &mut self.out);
        write_length(expires, &mut self.out);
    }

    /// A key with its value. `deadline_ms`: milliseconds since 1970.
    pub fn entry(&mut self, key: &[u8], deadline_ms: Option<u64>, usage: Usage, value: AnyRef<'_>) {
        self.begin_entry(key, deadline_ms, usage, type_of(value, self.deadlines));
        write_value(value, self.compression, self.deadlines, &mut self.out);
    }

    /// Ends the file with its checksum. What is pending is then to be taken a last time.
    pub fn finish(&mut self) {
        self.opcode(opcode::EOF);
        self.sum();
        let checksum = if self.with_checksum { self.crc } else { 0 };
        self.out.extend_from_slice(&checksum.to_le_bytes());
        self.summed = self.out.len();
    }

    /// What stands before a value. What follows is to be appended.
    pub(super) fn begin_entry(
        &mut self,
        key: &[u8],
        deadline_ms: Option<u64>,
        usage: Usage,
        number: u8,
    ) -> &mut Vec<u8> {
        self.attributes(deadline_ms, usage);
        self.opcode(number);
        self.string(key);
        &mut self.out
    }

    /// Where bytes are appended as they are to stand, and how strings among them are compressed.
    pub(super) fn raw(&mut self) -> (Compression, &mut Vec<u8>) {
        (self.compression, &mut self.out)
    }

    fn attributes(&mut self, deadline_ms: Option<u64>, usage: Usage) {
        if let Some(deadline_ms) = deadline_ms {
            self.opcode(opcode::EXPIRETIME_MS);
            // Readers take it for signed, and -1 for none.
            let deadline_ms = i64::try_from(deadline_ms).unwrap_or(i64::MAX);
            self.out.extend_from_slice(&deadline_ms.to_le_bytes());
        }
        match usage {
            Usage::Unknown => {}
            Usage::IdleSeconds(seconds) => {
                self.opcode(opcode::IDLE);
                write_length(seconds, &mut self.out);
            }
            Usage::Frequency(counter) => {
                self.opcode(opcode::FREQ);
                self.out.push(counter);
            }
        }
    }

    fn opcode(&mut self, byte: u8) {
        self.out.push(byte);
    }

    fn string(&mut self, bytes: &[u8]) {
        write_string(bytes, self.compression, &mut self.out);
    }

    fn sum(&mut self) {
        if self.with_checksum {
            self.crc = crc64(self.crc, &self.out[self.summed..]);
        }
        self.summed = self.out.len();
    }
}

/// Appends a length in its shortest form.
pub(super) fn write_length(length: u64, out: &mut Vec<u8>) {
    match length {
        0..=0x3F => out.push(length as u8),
        0x40..=0x3FFF => out.extend_from_slice(&[prefix::BITS_14 | (length >> 8) as u8, length as u8]),
        0x4000..=0xFFFF_FFFF => {
            out.push(prefix::BITS_32);
            out.extend_from_slice(&(length as u32).to_be_bytes());
        }
        _ => {
            out.push(prefix::BITS_64);
            out.extend_from_slice(&length.to_be_bytes());
        }
    }
}

/// Appends a string: as an integer if it is the canonical digits of one, compressed if that pays, else its bytes.
pub(super) fn write_string(bytes: &[u8], compression: Compression, out: &mut Vec<u8>) {
    if let Some(number) = small_integer(bytes) {
        return write_integer(number.into(), out);
    }
    if let Compression::Lzf { max_bytes } = compression
        && (NEVER_COMPRESSED_BYTES + 1..=max_bytes).contains(&bytes.len())
        && let Some(compressed) = lzf::compress(bytes)
    {
        let start = out.len();
        out.push(prefix::LZF);
        write_length(compressed.len() as u64, out);
        write_length(bytes.len() as u64, out);
        if out.len() - start + compressed.len() < bytes.len() {
            return out.extend_from_slice(&compressed);
        }
        out.truncate(start);
    }
    write_length(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// Appends an integer as the string of its digits.
pub(super) fn write_integer(number: i64, out: &mut Vec<u8>) {
    if let Ok(number) = i8::try_from(number) {
        out.push(prefix::INT8);
        out.extend_from_slice(&number.to_le_bytes());
    } else if let Ok(number) = i16::try_from(number) {
        out.push(prefix::INT16);
        out.extend_from_slice(&number.to_le_bytes());
    } else if let Ok(number) = i32::try_from(number) {
        out.push(prefix::INT32);
        out.extend_from_slice(&number.to_le_bytes());
    } else {
        write_length(decimal_len(number) as u64, out);
        print_i64(number, out);
    }
}

/// The integer whose canonical digits a string is, if the format has a short form for it.
fn small_integer(bytes: &[u8]) -> Option<i32> {
    const LONGEST: usize = "-2147483648".len();
    if bytes.is_empty() || bytes.len() > LONGEST || !(bytes[0] == b'-' || bytes[0].is_ascii_digit()) {
        return None;
    }
    i32::try_from(parse_i64(bytes)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LZF: Compression = Compression::Lzf { max_bytes: 1000 };

    fn string(bytes: &[u8], compression: Compression) -> Vec<u8> {
        let mut out = Vec::new();
        write_string(bytes, compression, &mut out);
        out
    }

    #[test]
    fn lengths_take_their_shortest_form() {
        let written = |length| {
            let mut out = Vec::new();
            write_length(length, &mut out);
            out
        };
        assert_eq!(written(0), [0]);
        assert_eq!(written(63), [63]);
        assert_eq!(written(64), [0x40, 64]);
        assert_eq!(written(16383), [0x7F, 0xFF]);
        assert_eq!(written(16384), [0x80, 0, 0, 0x40, 0]);
        assert_eq!(written(0xFFFF_FFFF), [0x80, 0xFF, 0xFF, 0xFF, 0xFF]);
        assert_eq!(written(1 << 32), [0x81, 0, 0, 0, 1, 0, 0, 0, 0]);
    }

    #[test]
    fn canonical_integers_of_up_to_32_bits_are_written_short() {
        assert_eq!(string(b"0", LZF), [0xC0, 0]);
        assert_eq!(string(b"-128", LZF), [0xC0, 0x80]);
        assert_eq!(string(b"128", LZF), [0xC1, 0x80, 0]);
        assert_eq!(string(b"-32769", LZF), [0xC2, 0xFF, 0x7F, 0xFF, 0xFF]);
        assert_eq!(string(b"-2147483648", LZF), [0xC2, 0, 0, 0, 0x80]);
        for other in ["2147483648", "-2147483649", "007", "+1", "-0", " 1", "1 ", "-", "", "1.0", "0x1"] {
            assert_eq!(string(other.as_bytes(), LZF), [&[other.len() as u8], other.as_bytes()].concat(), "{other}");
        }
    }

    #[test]
    fn strings_are_compressed_when_asked_and_when_it_pays() {
        assert_eq!(string(&[b'a'; 20], LZF)[0], 20);
        let compressed = string(&[b'a'; 1000], LZF);
        assert_eq!(compressed[0], prefix::LZF);
        assert!(compressed.len() < 40);
        assert_eq!(string(&[b'a'; 1001], LZF).len(), 2 + 1001);
        assert_eq!(string(&[b'a'; 1000], Compression::Off).len(), 2 + 1000);
        let incompressible: Vec<u8> = (0..200).collect();
        assert_eq!(string(&incompressible, LZF)[2..], incompressible);
    }

    #[test]
    fn a_file_byte_by_byte() {
        let mut encoder = Encoder::without_checksum(Compression::Off);
        encoder.header(10, &[("redis-bits", b"64")]);
        encoder.select_db(3);
        encoder.resize_db(2, 1);
        encoder.entry(b"k", Some(0x0102_0304_0506), Usage::Frequency(5), AnyRef::bytes(b"v"));
        encoder.entry(b"12", None, Usage::IdleSeconds(100), AnyRef::int(300));
        encoder.finish();
        let expected = [
            &b"REDIS0010"[..],
            b"\xFA\x0Aredis-bits\xC0\x40",
            b"\xFE\x03\xFB\x02\x01",
            b"\xFC\x06\x05\x04\x03\x02\x01\0\0\xF9\x05\0\x01k\x01v",
            b"\xF8\x40\x64\0\xC0\x0C\xC1\x2C\x01",
            b"\xFF\0\0\0\0\0\0\0\0",
        ];
        assert_eq!(encoder.take(Vec::new()).escape_ascii().to_string(), expected.concat().escape_ascii().to_string());
    }

    #[test]
    fn the_checksum_is_over_all_pieces_however_they_are_taken() {
        let write = |taken_every: usize| {
            let (mut file, mut recycled) = (Vec::new(), Vec::new());
            let mut encoder = Encoder::new(LZF);
            encoder.header(9, &[]);
            for number in 0..100i64 {
                encoder.entry(format!("key:{number}").as_bytes(), None, Usage::Unknown, AnyRef::int(number << 20));
                if encoder.pending_bytes() >= taken_every {
                    recycled = encoder.take(recycled);
                    file.extend_from_slice(&recycled);
                }
            }
            encoder.finish();
            file.extend_from_slice(&encoder.take(Vec::new()));
            file
        };
        let whole = write(usize::MAX);
        assert_eq!(write(1), whole);
        assert_eq!(write(50), whole);
        let (body, checksum) = whole.split_last_chunk::<8>().unwrap();
        assert!(body.ends_with(b"\xFF"));
        assert_eq!(u64::from_le_bytes(*checksum), crc64(0, body));
    }
}
