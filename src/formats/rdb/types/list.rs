//! Lists in RDB.
//!
//! ```text
//!  1   count, element*                              each element a string
//! 10   ziplist                                      in one string
//! 14   count, ziplist*                              each in a string
//! 18   count, (container, bytes)*                   container 1: the bytes are an element; 2: they are a listpack
//! ```
//!
//! Written is type 18, which Redis knows since 7.0, with a chunk as it stands in memory for each of its nodes. What is read keeps its
//! listpacks as they are, as in Redis, but for a list that may be packed.

use super::{ReadValue, Row};
use crate::formats::rdb::encode::{write_length, write_string};
use crate::formats::rdb::error::Reason;
use crate::formats::rdb::input::{Input, Stop};
use crate::formats::rdb::legacy::ziplist;
use crate::formats::rdb::opcodes::type_number;
use crate::formats::rdb::{Compression, Value};
use crate::structures::listpack;
use crate::values::list::{Builder, ChunkRef, ListRef};
use crate::values::{Encodings, Owned};

/// What is read.
pub(super) static ROWS: &[Row] = &[
    Row { number: type_number::LIST, dialect: None, start: || ListReader::start(Layout::Elements) },
    Row { number: type_number::LIST_ZIPLIST, dialect: None, start: || ListReader::start(Layout::Ziplist) },
    Row { number: type_number::LIST_QUICKLIST, dialect: None, start: || ListReader::start(Layout::Ziplists) },
    Row { number: type_number::LIST_QUICKLIST_2, dialect: None, start: || ListReader::start(Layout::Containers) },
];

/// A node that is one element.
const PLAIN: u64 = 1;
/// A node that is a listpack.
const PACKED: u64 = 2;

/// The type number under which it is written.
pub(super) fn type_of(_value: ListRef<'_>) -> u8 {
    type_number::LIST_QUICKLIST_2
}

/// Appends it.
pub(super) fn write(value: ListRef<'_>, compression: Compression, out: &mut Vec<u8>) {
    write_length(value.chunk_count() as u64, out);
    value.chunks().for_each(|chunk| write_part(chunk, compression, out));
}

/// Appends a node.
pub(in crate::formats::rdb) fn write_part(chunk: ChunkRef<'_>, compression: Compression, out: &mut Vec<u8>) {
    let (container, bytes) = match chunk {
        ChunkRef::Plain(element) => (PLAIN, element),
        ChunkRef::Packed(pack) => (PACKED, pack),
    };
    write_length(container, out);
    write_string(bytes, compression, out);
}

/// What stands in the file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    Elements,
    Ziplist,
    Ziplists,
    Containers,
}

struct ListReader {
    layout: Layout,
    /// Strings to come; `None`: the count comes first.
    left: Option<u64>,
    /// What the next string is, once that has come.
    container: Option<u64>,
    list: Builder,
}

impl ListReader {
    fn start(layout: Layout) -> Box<dyn ReadValue> {
        let left = (layout == Layout::Ziplist).then_some(1);
        Box::new(ListReader { layout, left, container: None, list: Builder::default() })
    }

    /// Adds what one string holds.
    fn take(&mut self, bytes: Vec<u8>, encodings: &Encodings) -> Result<(), Reason> {
        match (self.layout, self.container.take()) {
            (Layout::Elements, _) => self.list.push(&bytes, encodings),
            (Layout::Containers, _) if bytes.is_empty() => return Err(Reason::Value("Empty quicklist node")),
            (Layout::Containers, Some(PLAIN)) => self.list.append_plain(bytes),
            (Layout::Containers, _) => {
                listpack::verify(&bytes).map_err(|_| Reason::Value("Listpack integrity check failed."))?;
                self.list.append_listpack(bytes);
            }
            (Layout::Ziplists, _) => {
                let entries = ziplist::entries(&bytes).map_err(|_| Reason::Value("Ziplist integrity check failed."))?;
                let mut pack = listpack::new();
                for entry in entries {
                    listpack::push_back(&mut pack, entry);
                }
                self.list.append_listpack(pack);
            }
            (Layout::Ziplist, _) => {
                let entries =
                    ziplist::entries(&bytes).map_err(|_| Reason::Value("List ziplist integrity check failed."))?;
                let mut digits = itoa::Buffer::new();
                entries.for_each(|entry| self.list.push(entry.as_slice(&mut digits), encodings));
            }
        }
        Ok(())
    }
}

impl ReadValue for ListReader {
    fn read(&mut self, input: &mut Input) -> Result<Value, Stop> {
        let encodings = input.encodings;
        let mut left = match self.left {
            Some(left) => left,
            None => input.length()?,
        };
        while left > 0 {
            self.left = Some(left);
            if self.layout == Layout::Containers && self.container.is_none() {
                let container = input.length()?;
                if container != PLAIN && container != PACKED {
                    return Err(input.error(Reason::Value("Quicklist integrity check failed.")).into());
                }
                self.container = Some(container);
            }
            let bytes = input.string()?.into_bytes();
            self.take(bytes, &encodings).map_err(|reason| input.error(reason))?;
            left -= 1;
        }
        let list = std::mem::take(&mut self.list).finish(&encodings);
        Ok(if list.is_empty() { Value::Empty } else { Value::Collection(Owned::of(list)) })
    }
}
