//! SortedSets in RDB.

use super::Row;
use crate::formats::rdb::Compression;
use crate::formats::rdb::encode::write_string;
use crate::formats::rdb::opcodes::type_number;
use crate::values::sorted_set::SortedSetRef;

/// What is read.
pub(super) static ROWS: &[Row] = &[];

/// The type number under which it is written.
pub(super) fn type_of(_value: SortedSetRef<'_>) -> u8 {
    type_number::ZSET_LISTPACK
}

/// Appends it.
pub(super) fn write(value: SortedSetRef<'_>, compression: Compression, out: &mut Vec<u8>) {
    match value {
        SortedSetRef::Packed(bytes) => write_string(bytes, compression, out),
    }
}
