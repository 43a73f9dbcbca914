//! Hashs in RDB.

use super::Row;
use crate::formats::rdb::Compression;
use crate::formats::rdb::encode::write_string;
use crate::formats::rdb::opcodes::type_number;
use crate::values::hash::HashRef;

/// What is read.
pub(super) static ROWS: &[Row] = &[];

/// The type number under which it is written.
pub(super) fn type_of(_value: HashRef<'_>) -> u8 {
    type_number::HASH_LISTPACK
}

/// Appends it.
pub(super) fn write(value: HashRef<'_>, compression: Compression, out: &mut Vec<u8>) {
    match value {
        HashRef::Packed(bytes) => write_string(bytes, compression, out),
    }
}
