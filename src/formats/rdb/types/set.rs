//! Sets in RDB: type 11 for intsets, 2 for all else when written, which Redis reads from 2.2 on; 20, a listpack (7.2), is read.

use super::{ReadValue, Row};
use crate::formats::rdb::encode::{write_integer, write_length, write_string};
use crate::formats::rdb::error::Reason;
use crate::formats::rdb::input::{Input, Stop};
use crate::formats::rdb::opcodes::type_number;
use crate::formats::rdb::{Compression, Value};
use crate::structures::int_set::{self, IntSet};
use crate::structures::listpack::{self, Entry, Listpack};
use crate::values::set::{Set, SetRef};
use crate::values::{Collection, Encodings, Owned};

/// What is read.
pub(super) static ROWS: &[Row] = &[
    Row { number: type_number::SET, dialect: None, start: || Box::new(Members::default()) },
    Row { number: type_number::SET_INTSET, dialect: None, start: || Box::new(Packed(of_intset)) },
    Row { number: type_number::SET_LISTPACK, dialect: None, start: || Box::new(Packed(of_listpack)) },
];

const DUPLICATE: Reason = Reason::Value("Duplicate set members detected");
const TOO_MANY: Reason = Reason::Value("Set with more members than there can be");
const BAD_INTSET: Reason = Reason::Value("Intset integrity check failed.");
const BAD_LISTPACK: Reason = Reason::Value("Set listpack integrity check failed.");

/// The type number under which it is written.
pub(super) fn type_of(value: SetRef<'_>) -> u8 {
    match value {
        SetRef::Ints(_) => type_number::SET_INTSET,
        SetRef::Packed(_) | SetRef::Table(_) => type_number::SET,
    }
}

/// Appends it.
pub(super) fn write(value: SetRef<'_>, compression: Compression, out: &mut Vec<u8>) {
    if let SetRef::Ints(ints) = value {
        return write_string(ints.bytes(), compression, out);
    }
    write_length(value.len() as u64, out);
    value.for_each(|member| match member {
        Entry::Int(value) => write_integer(value, out),
        Entry::Bytes(text) => write_string(text, compression, out),
    });
}

/// Appends a member.
pub(in crate::formats::rdb) fn write_part(member: &[u8], compression: Compression, out: &mut Vec<u8>) {
    write_string(member, compression, out);
}

/// Type 2: count, members.
#[derive(Default)]
struct Members {
    set: Set,
    left: Option<u64>,
}

impl ReadValue for Members {
    fn read(&mut self, input: &mut Input) -> Result<Value, Stop> {
        let mut left = match self.left {
            Some(left) => left,
            None => self.begin(input)?,
        };
        while left > 0 {
            let member = input.string()?.into_bytes();
            left -= 1;
            self.left = Some(left);
            match self.set.insert(&member, &input.encodings) {
                Ok(true) => {}
                Ok(false) => return Err(input.error(DUPLICATE).into()),
                Err(_) => return Err(input.error(TOO_MANY).into()),
            }
        }
        Ok(finished(std::mem::take(&mut self.set)))
    }
}

impl Members {
    /// Reads the count. A set begins as integers, unless there are too many: then it is a table from the start, as in Redis.
    fn begin(&mut self, input: &mut Input) -> Result<u64, Stop> {
        let count = input.length()?;
        let coming = usize::try_from(count).unwrap_or(usize::MAX);
        self.set = Set::no_ints();
        if coming > input.encodings.set_max_intset_entries && self.set.make_table(&input.encodings).is_err() {
            return Err(input.error(TOO_MANY).into());
        }
        self.left = Some(count);
        Ok(count)
    }
}

/// Types 11 and 20: a packed form in a string.
struct Packed(fn(Vec<u8>, &Encodings) -> Result<Set, Reason>);

impl ReadValue for Packed {
    fn read(&mut self, input: &mut Input) -> Result<Value, Stop> {
        let bytes = input.string()?.into_bytes();
        let set = (self.0)(bytes, &input.encodings);
        set.map(finished).map_err(|reason| input.error(reason).into())
    }
}

fn of_intset(bytes: Vec<u8>, encodings: &Encodings) -> Result<Set, Reason> {
    int_set::verify(&bytes).map_err(|_| BAD_INTSET)?;
    let is_large = IntSet::new(&bytes).len() > encodings.set_max_intset_entries;
    let mut set = Set::Ints(bytes);
    if is_large {
        set.make_table(encodings).map_err(|_| TOO_MANY)?;
    }
    Ok(set)
}

fn of_listpack(bytes: Vec<u8>, encodings: &Encodings) -> Result<Set, Reason> {
    let len = listpack::verify(&bytes).map_err(|_| BAD_LISTPACK)?;
    let pack = Listpack::new(&bytes);
    if len <= encodings.set_max_listpack_entries {
        let is_plain = pack.iter().all(|member| matches!(member, Entry::Int(_)) || member.as_int().is_none());
        if !are_distinct(pack) {
            return Err(BAD_LISTPACK);
        }
        return Ok(Set::Packed(if is_plain { bytes } else { in_plain_form(pack) }));
    }
    let mut set = Set::default();
    set.make_table(encodings).map_err(|_| TOO_MANY)?;
    for member in pack {
        if !set.insert_entry(member, encodings).map_err(|_| TOO_MANY)? {
            return Err(BAD_LISTPACK);
        }
    }
    Ok(set)
}

/// Whether no member stands there twice. An integer that is spelled as a text is the same member.
fn are_distinct(pack: Listpack<'_>) -> bool {
    let mut members: Vec<Vec<u8>> = pack.iter().map(Entry::to_vec).collect();
    members.sort_unstable();
    members.windows(2).all(|two| two[0] != two[1])
}

/// The same members, all integers stored as such: the only form that anybody writes.
fn in_plain_form(pack: Listpack<'_>) -> Vec<u8> {
    let mut plain = listpack::new();
    for member in pack {
        listpack::push_back(&mut plain, member.as_int().map_or(member, Entry::Int));
    }
    plain
}

fn finished(set: Set) -> Value {
    if set.is_empty() { Value::Empty } else { Value::Collection(Owned::of(set)) }
}
