//! Streams in RDB.

use super::Row;
use crate::formats::rdb::Compression;
use crate::formats::rdb::opcodes::type_number;
use crate::values::stream::StreamRef;

/// What is read.
pub(super) static ROWS: &[Row] = &[];

/// The type number under which it is written.
pub(super) fn type_of(_stream: StreamRef<'_>) -> u8 {
    type_number::STREAM_LISTPACKS_2
}

/// Appends it.
pub(super) fn write(_stream: StreamRef<'_>, _compression: Compression, _out: &mut Vec<u8>) {}
