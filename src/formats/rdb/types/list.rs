//! Lists in RDB.

use super::Row;
use crate::formats::rdb::Compression;
use crate::formats::rdb::encode::write_string;
use crate::formats::rdb::opcodes::type_number;
use crate::values::list::ListRef;

/// What is read.
pub(super) static ROWS: &[Row] = &[];

/// The type number under which it is written.
pub(super) fn type_of(_value: ListRef<'_>) -> u8 {
    type_number::LIST_QUICKLIST_2
}

/// Appends it.
pub(super) fn write(value: ListRef<'_>, compression: Compression, out: &mut Vec<u8>) {
    match value {
        ListRef::Packed(bytes) => write_string(bytes, compression, out),
    }
}
