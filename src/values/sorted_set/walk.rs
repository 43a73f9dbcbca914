//! Elements one after the other, from either end.

use super::packed;
use super::ranked::Ranked;
use crate::structures::element_table::ElementTable;
use crate::structures::listpack::{self, Entry, Listpack};
use crate::structures::ranked_tree;
use std::ops::Range;

/// Which way a walk goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the lowest score on.
    Forward,
    /// From the highest score back.
    Backward,
}

/// Elements whose members are asked for before they are read: as many misses as a core can have under way.
const AHEAD: usize = 10;

/// Members and scores of some ranks.
pub struct Walk<'a> {
    source: Source<'a>,
    direction: Direction,
    left: usize,
}

enum Source<'a> {
    Packed(listpack::Iter<'a>),
    Ranked {
        entries: ranked_tree::Iter<'a>,
        /// The same, some elements ahead.
        ahead: ranked_tree::Iter<'a>,
        elements: &'a ElementTable,
    },
}

impl<'a> Walk<'a> {
    pub(super) fn packed(pack: Listpack<'a>, ranks: Range<usize>, direction: Direction) -> Walk<'a> {
        let entries = match direction {
            Direction::Forward => pack.iter_from(packed::offset_of(pack, ranks.start)),
            Direction::Backward => pack.iter_between(listpack::FIRST, packed::offset_of(pack, ranks.end)),
        };
        Walk { source: Source::Packed(entries), direction, left: ranks.len() }
    }

    pub(super) fn ranked(set: &'a Ranked, ranks: Range<usize>, direction: Direction) -> Walk<'a> {
        let left = ranks.len();
        let (entries, elements) = (set.entries(ranks), set.elements());
        let mut ahead = entries.clone();
        for _ in 0..AHEAD.min(left) {
            prefetch_next(&mut ahead, direction, elements);
        }
        Walk { source: Source::Ranked { entries, ahead, elements }, direction, left }
    }
}

#[inline]
fn next_of(entries: &mut ranked_tree::Iter<'_>, direction: Direction) -> Option<(f64, u32)> {
    match direction {
        Direction::Forward => entries.next(),
        Direction::Backward => entries.next_back(),
    }
}

#[inline]
fn prefetch_next(ahead: &mut ranked_tree::Iter<'_>, direction: Direction, elements: &ElementTable) {
    if let Some((_, handle)) = next_of(ahead, direction) {
        elements.prefetch_element(handle);
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = (Entry<'a>, f64);

    #[inline]
    fn next(&mut self) -> Option<(Entry<'a>, f64)> {
        self.left = self.left.checked_sub(1)?;
        match &mut self.source {
            Source::Packed(entries) => {
                let (member, score) = match self.direction {
                    Direction::Forward => (entries.next()?, entries.next()?),
                    Direction::Backward => {
                        let score = entries.next_back()?;
                        (entries.next_back()?, score)
                    }
                };
                Some((member, packed::score_of(score)))
            }
            Source::Ranked { entries, ahead, elements } => {
                prefetch_next(ahead, self.direction, elements);
                let (score, handle) = next_of(entries, self.direction)?;
                Some((Entry::Bytes(elements.name(handle)), score))
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Walk<'_> {}
