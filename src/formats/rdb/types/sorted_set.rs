//! Sorted sets in RDB.
//!
//! ```text
//!  3   count, (member, score as text)*      length u8 and digits; 255: -inf, 254: inf, 253: NaN
//!  5   count, (member, score as f64)*       little-endian; from the last to the first, as Redis likes to read it
//! 12   ziplist of member, score             (each packed form in a string)
//! 17   listpack of member, score
//! ```
//!
//! Whatever the form, a member comes once, a score is a number, and packed bytes are checked whole. The thresholds of now decide the
//! encoding.

use super::{ReadValue, Row};
use crate::base::number::parse_f64;
use crate::formats::rdb::encode::{write_length, write_string};
use crate::formats::rdb::error::Reason;
use crate::formats::rdb::input::{Input, Stop};
use crate::formats::rdb::legacy::ziplist;
use crate::formats::rdb::opcodes::type_number;
use crate::formats::rdb::{Compression, Value};
use crate::structures::listpack::{self, MAX_BYTES, entry_bytes};
use crate::values::sorted_set::{Builder, Direction, SortedSet, SortedSetRef};
use crate::values::{Encodings, Owned};

/// What is read.
pub(super) static ROWS: &[Row] = &[
    Row { number: type_number::ZSET, dialect: None, start: || Box::new(Elements::new(read_text_score)) },
    Row { number: type_number::ZSET_2, dialect: None, start: || Box::new(Elements::new(read_binary_score)) },
    Row { number: type_number::ZSET_ZIPLIST, dialect: None, start: || Box::new(Packed(of_ziplist)) },
    Row { number: type_number::ZSET_LISTPACK, dialect: None, start: || Box::new(Packed(of_listpack)) },
];

/// The type number under which it is written.
pub(super) fn type_of(set: SortedSetRef<'_>) -> u8 {
    match set {
        SortedSetRef::Packed(_) => type_number::ZSET_LISTPACK,
        SortedSetRef::Ranked(_) => type_number::ZSET_2,
    }
}

/// Appends it.
pub(super) fn write(set: SortedSetRef<'_>, compression: Compression, out: &mut Vec<u8>) {
    match set {
        SortedSetRef::Packed(pack) => write_string(pack.bytes(), compression, out),
        SortedSetRef::Ranked(_) => {
            write_length(set.len() as u64, out);
            for (member, score) in set.walk(0..set.len(), Direction::Backward) {
                write_part(member.as_slice(&mut itoa::Buffer::new()), score, compression, out);
            }
        }
    }
}

/// Appends an element.
pub(in crate::formats::rdb) fn write_part(member: &[u8], score: f64, compression: Compression, out: &mut Vec<u8>) {
    write_string(member, compression, out);
    out.extend_from_slice(&score.to_le_bytes());
}

const TOO_MANY: Reason = Reason::Value("Zset with more members than there can be");

/// Count, then member and score.
struct Elements {
    read_score: fn(&mut Input) -> Result<f64, Stop>,
    /// Elements to come, once it is known.
    left: Option<u64>,
    /// A member whose score has not come.
    member: Option<Vec<u8>>,
    builder: Option<Builder>,
}

impl Elements {
    fn new(read_score: fn(&mut Input) -> Result<f64, Stop>) -> Elements {
        Elements { read_score, left: None, member: None, builder: None }
    }
}

impl ReadValue for Elements {
    fn read(&mut self, input: &mut Input) -> Result<Value, Stop> {
        let mut left = match self.left {
            Some(left) => left,
            None => input.length()?,
        };
        let builder = self.builder.get_or_insert_with(|| Builder::new(&input.encodings));
        while left > 0 {
            self.left = Some(left);
            let member = match self.member.take() {
                Some(member) => member,
                None => input.string()?.into_bytes(),
            };
            let score = match input.whole(self.read_score) {
                Ok(score) => score,
                Err(stop) => {
                    self.member = Some(member);
                    return Err(stop);
                }
            };
            if score.is_nan() {
                return Err(input.error(Reason::Value("Zset with NAN score detected")).into());
            }
            match builder.add(&member, score, |_, score| score) {
                Ok(true) => {}
                Ok(false) => return Err(input.error(Reason::Value("Duplicate zset fields detected")).into()),
                Err(_) => return Err(input.error(TOO_MANY).into()),
            }
            left -= 1;
        }
        let builder = self.builder.take().expect("made above");
        Ok(value_of(builder.finish(&input.encodings)))
    }
}

fn value_of(set: SortedSet) -> Value {
    if set.as_ref().is_empty() { Value::Empty } else { Value::Collection(Owned::of(set)) }
}

fn read_binary_score(input: &mut Input) -> Result<f64, Stop> {
    input.array().map(f64::from_le_bytes)
}

fn read_text_score(input: &mut Input) -> Result<f64, Stop> {
    match input.byte()? {
        255 => Ok(f64::NEG_INFINITY),
        254 => Ok(f64::INFINITY),
        253 => Ok(f64::NAN),
        length => {
            let mut text = [0; 252];
            let text = &mut text[..usize::from(length)];
            for byte in text.iter_mut() {
                *byte = input.byte()?;
            }
            parse_f64(text).ok_or(input.error(Reason::Value("Zset with a score that is no number")).into())
        }
    }
}

/// A packed form, in a string.
struct Packed(fn(Vec<u8>, &Encodings) -> Result<SortedSet, Reason>);

impl ReadValue for Packed {
    fn read(&mut self, input: &mut Input) -> Result<Value, Stop> {
        let bytes = input.string()?.into_bytes();
        let set = (self.0)(bytes, &input.encodings).map_err(|reason| input.error(reason))?;
        Ok(value_of(set))
    }
}

fn of_listpack(bytes: Vec<u8>, encodings: &Encodings) -> Result<SortedSet, Reason> {
    SortedSet::from_packed(bytes, encodings).map_err(|_| Reason::Value("Zset listpack integrity check failed."))
}

fn of_ziplist(bytes: Vec<u8>, encodings: &Encodings) -> Result<SortedSet, Reason> {
    const FLAW: Reason = Reason::Value("Zset ziplist integrity check failed.");
    let entries = ziplist::entries(&bytes).map_err(|_| FLAW)?;
    let mut pack = listpack::new();
    for entry in entries {
        if entry_bytes(entry) > MAX_BYTES - pack.len() {
            return Err(FLAW);
        }
        listpack::push_back(&mut pack, entry);
    }
    SortedSet::from_packed(pack, encodings).map_err(|_| FLAW)
}
