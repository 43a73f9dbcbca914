//! How a value of each type is read and written: one file per type, one row per type number.
//!
//! A reader is started for each value and called until it has it. When the bytes run out it returns `NeedMore` and is called again, so
//! whatever it has so far is a field of its own; what a type of many elements has read goes straight into the value it builds.

pub(super) mod hash;
pub(super) mod list;
pub(super) mod set;
pub(super) mod sorted_set;
pub(super) mod stream;

use super::encode::{write_integer, write_string};
use super::input::{Input, Stop};
use super::opcodes::{Dialect, type_number};
use super::{Compression, Value};
use crate::values::string::Text;
use crate::values::{AnyRef, FieldDeadlines};

/// Reads one value, over as many feeds as it takes.
pub(super) trait ReadValue: Send {
    /// Goes on reading. `NeedMore`: call again once there are more bytes.
    fn read(&mut self, input: &mut Input) -> Result<Value, Stop>;
}

struct Row {
    number: u8,
    /// `None`: the same in all.
    dialect: Option<Dialect>,
    start: fn() -> Box<dyn ReadValue>,
}

/// All types.
static TYPES: &[&[Row]] = &[STRING, list::ROWS, set::ROWS, sorted_set::ROWS, hash::ROWS, stream::ROWS];

static STRING: &[Row] = &[Row { number: type_number::STRING, dialect: None, start: || Box::new(StringReader) }];

/// The type number under which a value is written.
pub(super) fn type_of(value: AnyRef<'_>, deadlines: FieldDeadlines) -> u8 {
    match value {
        AnyRef::String(_) => type_number::STRING,
        AnyRef::List(list) => list::type_of(list),
        AnyRef::Set(set) => set::type_of(set),
        AnyRef::SortedSet(set) => sorted_set::type_of(set),
        AnyRef::Hash(hash) => hash::type_of(hash, deadlines),
        AnyRef::Stream(stream) => stream::type_of(stream),
    }
}

/// Appends a value without its type number.
pub(super) fn write_value(value: AnyRef<'_>, compression: Compression, deadlines: FieldDeadlines, out: &mut Vec<u8>) {
    match value {
        AnyRef::String(Text::Int(number)) => write_integer(number, out),
        AnyRef::String(Text::Bytes { bytes, .. }) => write_string(bytes, compression, out),
        AnyRef::List(list) => list::write(list, compression, out),
        AnyRef::Set(set) => set::write(set, compression, out),
        AnyRef::SortedSet(set) => sorted_set::write(set, compression, out),
        AnyRef::Hash(hash) => hash::write(hash, compression, deadlines, out),
        AnyRef::Stream(stream) => stream::write(stream, compression, out),
    }
}

/// The reader for a type number, if there is one. (Boxing a reader without fields allocates nothing.)
pub(super) fn reader_of(number: u8, dialect: Dialect) -> Option<Box<dyn ReadValue>> {
    let row = TYPES
        .iter()
        .copied()
        .flatten()
        .find(|row| row.number == number && row.dialect.is_none_or(|only| only == dialect))?;
    Some((row.start)())
}

/// Type 0. The input itself keeps a string that has come in part.
struct StringReader;

impl ReadValue for StringReader {
    fn read(&mut self, input: &mut Input) -> Result<Value, Stop> {
        input.string().map(Value::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::rdb::opcodes::type_name;

    #[test]
    fn every_row_is_a_known_type_and_stands_once() {
        let rows: Vec<&Row> = TYPES.iter().copied().flatten().collect();
        for (index, row) in rows.iter().enumerate() {
            for dialect in [Dialect::Redis, Dialect::Valkey] {
                if row.dialect.is_none_or(|only| only == dialect) {
                    assert!(type_name(row.number, dialect).is_some(), "type {}", row.number);
                    let same =
                        |other: &&Row| other.number == row.number && other.dialect.is_none_or(|only| only == dialect);
                    assert!(!rows[..index].iter().any(same), "type {}", row.number);
                }
            }
        }
    }
}
