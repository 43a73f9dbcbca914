//! Walks over the live entries between two IDs, in order and back.

use super::block::{self, BlockRef, StreamEntry};
use super::entries::Entries;
use super::id::StreamId;
use super::index::{BlocksBack, BlocksFrom};

/// Entries in order.
#[derive(Debug, Clone)]
pub struct Forward<'a> {
    sealed: BlocksFrom<'a>,
    tail: Option<BlockRef<'a>>,
    block: Option<block::Forward<'a>>,
    from: StreamId,
    to: StreamId,
}

impl<'a> Forward<'a> {
    pub(super) fn new(entries: &'a Entries, from: StreamId, to: StreamId) -> Forward<'a> {
        let sealed = entries.sealed.from(entries.key_before(from));
        Forward { sealed, tail: entries.tail_block(), block: None, from, to }
    }

    /// The next block, if it may have entries in the range.
    fn next_block(&mut self) -> Option<block::Forward<'a>> {
        let block = match self.sealed.next() {
            Some((key, pack)) => BlockRef::new(key, pack),
            None => self.tail.take()?,
        };
        (block.key <= self.to).then(|| block.all())
    }
}

impl<'a> Iterator for Forward<'a> {
    type Item = StreamEntry<'a>;

    #[inline]
    fn next(&mut self) -> Option<StreamEntry<'a>> {
        loop {
            let Some(block) = &mut self.block else {
                self.block = Some(self.next_block()?);
                continue;
            };
            match block.next() {
                Some(found) if found.is_deleted || found.entry.id < self.from => {}
                Some(found) => return (found.entry.id <= self.to).then_some(found.entry),
                None => self.block = None,
            }
        }
    }
}

/// Entries from the last to the first.
#[derive(Debug, Clone)]
pub struct Backward<'a> {
    sealed: BlocksBack<'a>,
    tail: Option<BlockRef<'a>>,
    block: Option<block::Backward<'a>>,
    from: StreamId,
    to: StreamId,
}

impl<'a> Backward<'a> {
    pub(super) fn new(entries: &'a Entries, from: StreamId, to: StreamId) -> Backward<'a> {
        let tail = entries.tail_block().filter(|tail| tail.key <= to);
        Backward { sealed: entries.sealed.back_from(to), tail, block: None, from, to }
    }

    fn next_block(&mut self) -> Option<block::Backward<'a>> {
        let block = match self.tail.take() {
            Some(tail) => tail,
            None => {
                let (key, pack) = self.sealed.next()?;
                BlockRef::new(key, pack)
            }
        };
        Some(block.all_back())
    }
}

impl<'a> Iterator for Backward<'a> {
    type Item = StreamEntry<'a>;

    #[inline]
    fn next(&mut self) -> Option<StreamEntry<'a>> {
        loop {
            let Some(block) = &mut self.block else {
                self.block = Some(self.next_block()?);
                continue;
            };
            match block.next() {
                Some(found) if found.is_deleted || found.entry.id > self.to => {}
                Some(found) => return (found.entry.id >= self.from).then_some(found.entry),
                None => self.block = None,
            }
        }
    }
}
