//! One chunk of a long list: some elements in a listpack, or a large one alone.

use super::End;
use super::limit::Limit;
use crate::structures::counted_deque::Counted;
use crate::structures::listpack::{self, Entry, Listpack, Sliding};

/// Some elements that follow each other. A plain one is in no listpack: it is stored, sent and written as it is.
#[derive(Clone)]
pub(super) enum Chunk {
    Packed(Sliding),
    Plain(Box<[u8]>),
}

/// The bytes of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkRef<'a> {
    /// A listpack.
    Packed(&'a [u8]),
    /// One element.
    Plain(&'a [u8]),
}

impl<'a> ChunkRef<'a> {
    /// The bytes, whatever they are.
    pub fn bytes(self) -> &'a [u8] {
        match self {
            ChunkRef::Packed(bytes) | ChunkRef::Plain(bytes) => bytes,
        }
    }

    /// Shows its elements.
    pub fn for_each(self, mut show: impl FnMut(Entry<'a>)) {
        match self {
            ChunkRef::Packed(bytes) => Listpack::new(bytes).iter().for_each(show),
            ChunkRef::Plain(text) => show(Entry::Bytes(text)),
        }
    }
}

/// A chunk's elements.
pub(super) enum ChunkEntries<'a> {
    Packed(listpack::Iter<'a>),
    Plain(Option<&'a [u8]>),
}

/// A text to be looked for.
#[derive(Clone, Copy)]
pub struct Needle<'a> {
    text: &'a [u8],
    int: Option<i64>,
}

impl<'a> Needle<'a> {
    /// A text that is looked for.
    pub fn new(text: &'a [u8]) -> Needle<'a> {
        let int = match Entry::from(text) {
            Entry::Int(value) => Some(value),
            Entry::Bytes(_) => None,
        };
        Needle { text, int }
    }

    /// Whether this is it.
    #[inline]
    pub fn is(&self, entry: Entry<'_>) -> bool {
        match entry {
            Entry::Int(value) => self.int == Some(value),
            Entry::Bytes(text) => self.text == text,
        }
    }
}

impl Chunk {
    /// A chunk of one element.
    pub(super) fn of(element: &[u8], limit: &Limit) -> Chunk {
        if limit.is_large(element.len()) {
            return Chunk::Plain(element.into());
        }
        let mut pack = Sliding::default();
        pack.push_back(element.into(), limit.bytes);
        Chunk::Packed(pack)
    }

    /// A chunk of one element at the end of a list, to whose other side `neighbour` stands: it gets that one's capacity at once. A
    /// list that has filled one chunk is likely to fill the next, and a buffer that grows step by step leaves a trail of freed ones.
    pub(super) fn beside(neighbour: &Chunk, end: End, element: &[u8], limit: &Limit) -> Chunk {
        let Chunk::Packed(full) = neighbour else { return Chunk::of(element, limit) };
        if limit.is_large(element.len()) {
            return Chunk::Plain(element.into());
        }
        let side = match end {
            End::Left => listpack::Side::Front,
            End::Right => listpack::Side::Back,
        };
        let mut chunk = Chunk::Packed(Sliding::with_room(full.capacity().min(limit.bytes), side));
        chunk.push(end, element, limit);
        chunk
    }

    /// Adds an element at an end.
    #[inline]
    pub(super) fn push(&mut self, end: End, element: &[u8], limit: &Limit) {
        match end {
            End::Left => self.pack_mut().push_front(element.into(), limit.bytes),
            End::Right => self.pack_mut().push_back(element.into(), limit.bytes),
        }
    }

    /// Its elements' number.
    #[inline]
    pub(super) fn len(&self) -> usize {
        match self {
            Chunk::Packed(pack) => pack.len(),
            Chunk::Plain(_) => 1,
        }
    }

    pub(super) fn as_ref(&self) -> ChunkRef<'_> {
        match self {
            Chunk::Packed(pack) => ChunkRef::Packed(pack.as_slice()),
            Chunk::Plain(text) => ChunkRef::Plain(text),
        }
    }

    /// Whether an element of this length may be added.
    #[inline]
    pub(super) fn takes(&self, element_len: usize, limit: &Limit) -> bool {
        match self {
            Chunk::Packed(pack) => limit.takes(pack.pack_bytes(), pack.len(), element_len),
            Chunk::Plain(_) => false,
        }
    }

    /// Whether the elements of the chunk behind may be added.
    pub(super) fn takes_all(&self, behind: &Chunk, limit: &Limit) -> bool {
        match (self, behind) {
            (Chunk::Packed(a), Chunk::Packed(b)) => {
                let bytes = a.pack_bytes() + b.pack_bytes() - listpack::EMPTY_BYTES;
                !limit.is_exceeded(bytes, a.len() + b.len())
            }
            _ => false,
        }
    }

    /// The listpack; a plain chunk has none.
    #[inline]
    pub(super) fn pack_mut(&mut self) -> &mut Sliding {
        match self {
            Chunk::Packed(pack) => pack,
            Chunk::Plain(_) => unreachable!("a plain chunk takes no elements"),
        }
    }

    /// The element with this index.
    pub(super) fn get(&self, index: usize) -> Option<Entry<'_>> {
        match self {
            Chunk::Packed(pack) => pack.view().get(index as i64),
            Chunk::Plain(text) => (index == 0).then_some(Entry::Bytes(text)),
        }
    }

    /// The offset of the element with this index in the listpack, or its end.
    pub(super) fn offset(&self, index: usize) -> usize {
        match self {
            Chunk::Packed(pack) => offset(pack.view(), index),
            Chunk::Plain(_) => 0,
        }
    }

    /// Removes `count` elements from one index on, not all.
    #[inline]
    pub(super) fn remove(&mut self, index: usize, count: usize) {
        let pack = self.pack_mut();
        match index + count == pack.len() {
            true => pack.remove_last(count),
            false => pack.remove(offset(pack.view(), index), count),
        };
    }

    /// All its elements.
    #[inline]
    pub(super) fn iter(&self) -> ChunkEntries<'_> {
        match self {
            Chunk::Packed(pack) => ChunkEntries::Packed(pack.view().iter()),
            Chunk::Plain(text) => ChunkEntries::Plain(Some(text)),
        }
    }

    /// Its elements from one index on.
    pub(super) fn iter_from(&self, index: usize) -> ChunkEntries<'_> {
        match self {
            Chunk::Packed(pack) => ChunkEntries::from(pack.view(), index),
            Chunk::Plain(text) => ChunkEntries::Plain(Some(text)),
        }
    }

    /// Its elements up to the one with this index.
    pub(super) fn iter_to(&self, index: usize) -> ChunkEntries<'_> {
        match self {
            Chunk::Packed(pack) => ChunkEntries::to(pack.view(), index),
            Chunk::Plain(text) => ChunkEntries::Plain(Some(text)),
        }
    }
}

/// The offset of the element with this index, or the end.
#[inline]
pub(super) fn offset(pack: Listpack<'_>, index: usize) -> usize {
    if index == 0 { listpack::FIRST } else { pack.seek(index as i64).unwrap_or(pack.end()) }
}

impl<'a> ChunkEntries<'a> {
    /// Those of a listpack from one index on.
    pub(super) fn from(pack: Listpack<'a>, index: usize) -> ChunkEntries<'a> {
        ChunkEntries::Packed(pack.iter_from(offset(pack, index)))
    }

    /// Those of a listpack up to the one with this index.
    pub(super) fn to(pack: Listpack<'a>, index: usize) -> ChunkEntries<'a> {
        ChunkEntries::Packed(pack.iter_before(offset(pack, index + 1)))
    }
}

impl<'a> Iterator for ChunkEntries<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        match self {
            ChunkEntries::Packed(entries) => entries.next(),
            ChunkEntries::Plain(text) => text.take().map(Entry::Bytes),
        }
    }
}

impl DoubleEndedIterator for ChunkEntries<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        match self {
            ChunkEntries::Packed(entries) => entries.next_back(),
            ChunkEntries::Plain(text) => text.take().map(Entry::Bytes),
        }
    }
}

impl Counted for Chunk {
    #[inline]
    fn count(&self) -> usize {
        self.len()
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        match self {
            Chunk::Packed(pack) => pack.capacity(),
            Chunk::Plain(text) => text.len(),
        }
    }
}
