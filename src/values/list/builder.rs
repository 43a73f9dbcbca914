//! A list put together from its end, as a file is read.

use super::chunk::Chunk;
use super::limit::Limit;
use super::quicklist::Quicklist;
use super::{End, List};
use crate::structures::listpack::Sliding;
use crate::values::Encodings;

/// A list in the making.
#[derive(Default)]
pub struct Builder {
    list: Quicklist,
}

impl Builder {
    /// Adds an element.
    pub fn push(&mut self, element: &[u8], encodings: &Encodings) {
        self.list.push(End::Right, element, &Limit::of(encodings));
    }

    /// Adds all elements of a listpack, whatever its size. It has been verified.
    pub fn append_listpack(&mut self, bytes: Vec<u8>) {
        self.list.append(Chunk::Packed(Sliding::from_listpack(bytes)));
    }

    /// Adds an element that stands alone, whatever its size.
    pub fn append_plain(&mut self, element: Vec<u8>) {
        self.list.append(Chunk::Plain(element.into()));
    }

    /// The list, packed if it may be.
    pub fn finish(mut self, encodings: &Encodings) -> List {
        match self.list.take_pack(&Limit::of(encodings), false) {
            Some(pack) => List::Packed(pack),
            None if self.list.is_empty() => List::default(),
            None => List::Chunks(Box::new(self.list)),
        }
    }
}
