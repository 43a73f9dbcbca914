//! How a value of each type is read: one row per type number.
//!
//! A reader is started for each value and called until it has it. When the bytes run out it returns `NeedMore` and is called again, so
//! whatever it has so far is a field of its own; what a type of many elements has read goes straight into the value it builds.

use super::Value;
use super::input::{Input, Stop};
use super::opcodes::{Dialect, type_number};

/// Reads one value, over as many feeds as it takes.
pub(super) trait ReadValue {
    /// Goes on reading. `NeedMore`: call again once there are more bytes.
    fn read(&mut self, input: &mut Input) -> Result<Value, Stop>;
}

struct Row {
    number: u8,
    /// `None`: the same in all.
    dialect: Option<Dialect>,
    start: fn() -> Box<dyn ReadValue>,
}

static ROWS: &[Row] = &[Row { number: type_number::STRING, dialect: None, start: || Box::new(StringReader) }];

/// The reader for a type number, if there is one. (Boxing a reader without fields allocates nothing.)
pub(super) fn reader_of(number: u8, dialect: Dialect) -> Option<Box<dyn ReadValue>> {
    let row = ROWS.iter().find(|row| row.number == number && row.dialect.is_none_or(|only| only == dialect))?;
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
        for (index, row) in ROWS.iter().enumerate() {
            for dialect in [Dialect::Redis, Dialect::Valkey] {
                if row.dialect.is_none_or(|only| only == dialect) {
                    assert!(type_name(row.number, dialect).is_some(), "type {}", row.number);
                    let same =
                        |other: &Row| other.number == row.number && other.dialect.is_none_or(|only| only == dialect);
                    assert!(!ROWS[..index].iter().any(same), "type {}", row.number);
                }
            }
        }
    }
}
