//! Lists: elements in the order they were put.
//!
//! ```text
//! packed       one listpack: in the key's record up to 1 KiB, else in a box       OBJECT ENCODING listpack
//! quicklist    a deque of listpacks, large elements by themselves                 OBJECT ENCODING quicklist
//! ```
//!
//! A list leaves its packed form when what is put in could bring it over `list-max-listpack-size`, and comes back when removals leave
//! one listpack of half of that, both as in Redis 8.0. A listpack of either form has room at both ends, so that what is pushed and popped
//! moves nothing else (`structures/listpack/sliding`).
//!
//! `list-compress-depth` has no effect: chunks are not compressed in memory (they are in files).

mod builder;
mod chunk;
mod chunks;
mod limit;
mod quicklist;

pub use builder::Builder;
pub use chunk::{ChunkRef, Needle};
pub use quicklist::Quicklist;

use super::{Big, Collection, Encodings, Stowed, View, WrongType, tag};
use crate::structures::listpack::{self, Entry, Listpack, Sliding};
use crate::structures::record_arena::{Payload, PayloadMut};
use chunk::ChunkEntries;
use limit::Limit;

/// A list.
#[derive(Clone)]
pub enum List {
    /// A listpack.
    Packed(Sliding),
    /// A long one.
    Chunks(Box<Quicklist>),
}

/// A list as it stands.
#[derive(Clone, Copy)]
pub enum ListRef<'a> {
    /// A listpack.
    Packed(&'a [u8]),
    /// A long one.
    Chunks(&'a Quicklist),
}

/// The ends of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Where index 0 is: its head.
    Left,
    /// Where index -1 is: its tail.
    Right,
}

/// The sides of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Nearer to the head.
    Before,
    /// Nearer to the tail.
    After,
}

impl<'a> ListRef<'a> {
    /// The name that `OBJECT ENCODING` answers.
    pub fn encoding(&self) -> &'static str {
        match self {
            ListRef::Packed(_) => "listpack",
            ListRef::Chunks(_) => "quicklist",
        }
    }

    /// How many elements it has.
    #[inline]
    pub fn len(self) -> usize {
        match self {
            ListRef::Packed(_) => self.pack().len(),
            ListRef::Chunks(list) => list.len(),
        }
    }

    /// Whether it has none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The place from the head of an index as commands give it: negative ones count from the tail.
    #[inline]
    pub fn place(self, index: i64) -> Option<usize> {
        let len = self.len() as i64;
        let index = if index < 0 { index.checked_add(len)? } else { index };
        (0..len).contains(&index).then_some(index as usize)
    }

    /// The element at a place from the head.
    pub fn get(self, place: usize) -> Option<Entry<'a>> {
        match self {
            ListRef::Packed(_) => self.pack().get(place as i64),
            ListRef::Chunks(list) => list.get(place),
        }
    }

    /// The element at an end.
    #[inline]
    pub fn peek(self, end: End) -> Option<Entry<'a>> {
        match (self, end) {
            (ListRef::Packed(_), _) => {
                let pack = self.pack();
                let offset = if end == End::Left { pack.first() } else { pack.last() };
                offset.map(|offset| pack.at(offset))
            }
            (ListRef::Chunks(list), End::Left) => list.get(0),
            (ListRef::Chunks(list), End::Right) => list.get(list.len().checked_sub(1)?),
        }
    }

    /// All elements.
    pub fn iter(self) -> impl Iterator<Item = Entry<'a>> {
        let (pack, chunks) = match self {
            ListRef::Packed(_) => (Some(self.pack()), None),
            ListRef::Chunks(list) => (None, Some(list)),
        };
        pack.into_iter().flatten().chain(chunks.into_iter().flat_map(Quicklist::entries))
    }

    /// The elements from a place on.
    pub fn iter_from(self, place: usize) -> impl Iterator<Item = Entry<'a>> {
        let (pack, chunks) = match self {
            ListRef::Packed(_) => (Some(ChunkEntries::from(self.pack(), place)), None),
            ListRef::Chunks(list) => (None, Some(list)),
        };
        pack.into_iter().flatten().chain(chunks.into_iter().flat_map(move |list| list.entries_from(place)))
    }

    /// The elements from a place on, towards the head.
    pub fn iter_back_from(self, place: usize) -> impl Iterator<Item = Entry<'a>> {
        let (pack, chunks) = match self {
            ListRef::Packed(_) => (Some(ChunkEntries::to(self.pack(), place).rev()), None),
            ListRef::Chunks(list) => (None, Some(list)),
        };
        pack.into_iter().flatten().chain(chunks.into_iter().flat_map(move |list| list.entries_back_from(place)))
    }

    /// Its chunks: the one listpack of a packed list, or all of a long one.
    pub fn chunks(self) -> impl Iterator<Item = ChunkRef<'a>> {
        let (pack, chunks) = match self {
            ListRef::Packed(bytes) => (Some(ChunkRef::Packed(bytes)), None),
            ListRef::Chunks(list) => (None, Some(list)),
        };
        pack.into_iter().chain(chunks.into_iter().flat_map(Quicklist::chunks))
    }

    /// How many chunks it has.
    pub fn chunk_count(self) -> usize {
        match self {
            ListRef::Packed(_) => 1,
            ListRef::Chunks(list) => list.chunk_count(),
        }
    }

    /// The listpack of a packed list.
    #[inline]
    fn pack(self) -> Listpack<'a> {
        match self {
            ListRef::Packed(bytes) => Listpack::new(bytes),
            ListRef::Chunks(_) => unreachable!("asked of a packed list only"),
        }
    }
}

impl List {
    /// The list, to be read.
    #[inline]
    pub fn read(&self) -> ListRef<'_> {
        match self {
            List::Packed(pack) => ListRef::Packed(pack.as_slice()),
            List::Chunks(list) => ListRef::Chunks(list),
        }
    }

    /// How many elements it has.
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            List::Packed(pack) => pack.len(),
            List::Chunks(list) => list.len(),
        }
    }

    /// Whether it has none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes it long if so many elements, of so many bytes together, may be too much for a listpack. Asked before they are put in, and
    /// once for all of a call.
    #[inline]
    pub fn expect(&mut self, elements: usize, bytes: usize, encodings: &Encodings) {
        if let List::Packed(pack) = self
            && Limit::of(encodings).is_exceeded(pack.pack_bytes() + bytes, pack.len() + elements)
        {
            *self = List::Chunks(Box::new(Quicklist::of(std::mem::take(pack))));
        }
    }

    /// Adds an element at an end. It has been expected.
    #[inline]
    pub fn push(&mut self, end: End, element: &[u8], encodings: &Encodings) {
        let limit = Limit::of(encodings);
        match (self, end) {
            (List::Packed(pack), End::Left) => pack.push_front(element.into(), limit.bytes),
            (List::Packed(pack), End::Right) => pack.push_back(element.into(), limit.bytes),
            (List::Chunks(list), _) => list.push(end, element, &limit),
        }
    }

    /// Removes up to `count` elements at an end. Gives chunks that went whole: what is long to free.
    #[inline]
    pub fn pop(&mut self, end: End, count: usize, encodings: &Encodings) -> Option<List> {
        let removed = self.remove_at(end, count);
        self.shrink(encodings);
        removed
    }

    /// Moves the element at one end to the other (or the same).
    pub fn rotate(&mut self, from: End, to: End, encodings: &Encodings) {
        let Some(element) = self.read().peek(from).map(Entry::to_vec) else { return };
        self.remove_at(from, 1);
        self.expect(1, element.len(), encodings);
        self.push(to, &element, encodings);
        self.shrink(encodings);
    }

    /// Removes all but `len` elements from a place on. Gives chunks that went whole.
    pub fn trim(&mut self, place: usize, len: usize, encodings: &Encodings) -> [Option<List>; 2] {
        let behind = self.len().saturating_sub(place).saturating_sub(len);
        let removed = [self.remove_at(End::Left, place), self.remove_at(End::Right, behind)];
        self.shrink(encodings);
        removed
    }

    /// Puts another element at a place; it has been expected. Whether there is such a place.
    pub fn set(&mut self, place: usize, element: &[u8], encodings: &Encodings) -> bool {
        let limit = Limit::of(encodings);
        let is_set = match self {
            List::Packed(pack) => {
                let offset = pack.view().seek(place as i64);
                offset.map(|offset| pack.replace(offset, element.into(), limit.bytes)).is_some()
            }
            List::Chunks(list) => list.set(place, element, &limit),
        };
        self.shrink(encodings);
        is_set
    }

    /// Puts an element beside the first one that is `pivot`; it has been expected. Whether there is such a pivot.
    pub fn insert(&mut self, pivot: Needle<'_>, side: Side, element: &[u8], encodings: &Encodings) -> bool {
        let limit = Limit::of(encodings);
        match self {
            List::Packed(pack) => {
                let view = pack.view();
                let Some(found) = view.offsets().find(|&offset| pivot.is(view.at(offset))) else { return false };
                let offset = match side {
                    Side::Before => found,
                    Side::After => view.next(found).unwrap_or(view.end()),
                };
                pack.insert(offset, element.into(), limit.bytes);
                true
            }
            List::Chunks(list) => list.insert(pivot, side, element, &limit),
        }
    }

    /// Removes up to `most` elements that are `needle`, from one end on. Gives how many.
    pub fn remove(&mut self, needle: Needle<'_>, from: End, most: usize, encodings: &Encodings) -> usize {
        let removed = match self {
            List::Packed(pack) => quicklist::remove_equal(pack, needle, from, most),
            List::Chunks(list) => list.remove_equal(needle, from, most),
        };
        self.shrink(encodings);
        removed
    }

    /// Bytes of heap it holds.
    #[inline]
    pub fn heap_bytes(&self) -> usize {
        match self {
            List::Packed(pack) => pack.capacity(),
            List::Chunks(list) => size_of::<Quicklist>() + list.heap_bytes(),
        }
    }

    /// Steps that freeing it takes.
    pub fn free_effort(&self) -> usize {
        self.read().chunk_count()
    }

    #[inline]
    fn remove_at(&mut self, end: End, count: usize) -> Option<List> {
        match (self, end) {
            (List::Packed(pack), End::Left) => {
                pack.remove(listpack::FIRST, count);
                None
            }
            (List::Packed(pack), End::Right) => {
                pack.remove_last(count);
                None
            }
            (List::Chunks(list), End::Left) => list.remove(0, count).map(|removed| List::Chunks(Box::new(removed))),
            (List::Chunks(list), End::Right) => {
                list.remove(list.len().saturating_sub(count), count).map(|removed| List::Chunks(Box::new(removed)))
            }
        }
    }

    /// Packs a long list that has become short. One that is walked stays as it is: it has more to give than what is left.
    #[inline]
    fn shrink(&mut self, encodings: &Encodings) {
        if let List::Chunks(list) = self
            && list.chunk_count() <= 1
            && list.walk_id().is_none()
        {
            match list.take_pack(&Limit::of(encodings), true) {
                Some(pack) => *self = List::Packed(pack),
                None if list.is_empty() => *self = List::default(),
                None => {}
            }
        }
    }
}

impl Default for List {
    fn default() -> Self {
        List::Packed(Sliding::default())
    }
}

impl PartialEq for List {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.read().iter().eq(other.read().iter())
    }
}

impl std::fmt::Debug for List {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.read().fmt(f)
    }
}

impl std::fmt::Debug for ListRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.encoding())?;
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Collection for List {
    type Ref<'a> = ListRef<'a>;

    fn view(view: View<'_>) -> Result<ListRef<'_>, WrongType> {
        match view {
            Payload::Inline { tag: tag::LIST, bytes } => Ok(ListRef::Packed(bytes)),
            Payload::Boxed(Big::List(list)) => Ok(list.read()),
            _ => Err(WrongType),
        }
    }

    fn take(view: PayloadMut<'_, Big>, spare: Vec<u8>) -> Result<List, WrongType> {
        match view {
            PayloadMut::Inline { tag: tag::LIST, bytes } => Ok(List::Packed(Sliding::copied(bytes, spare))),
            PayloadMut::Boxed(Big::List(list)) => Ok(std::mem::take(list)),
            _ => Err(WrongType),
        }
    }

    fn begin(spare: Vec<u8>) -> List {
        List::Packed(Sliding::copied(&[], spare))
    }

    fn stow(self, inline_max: usize) -> Stowed {
        match self {
            List::Packed(pack) if pack.pack_bytes() <= inline_max => Stowed::Inline(tag::LIST, pack.into_vec()),
            other => Stowed::Big(Big::List(other)),
        }
    }

    fn is_empty(&self) -> bool {
        List::is_empty(self)
    }
}
