//! The walk: writes out a database as it was at one moment, in slices, while it goes on changing.
//!
//! ```text
//! begin   every record's mark differs from the database's     not reached
//! step    visits keys in scan order: written, then marked      reached
//! change  a record not yet reached is written as it was, marked, and only then changed or removed
//! new     records are born with the database's mark            not part of that moment
//! ```
//!
//! The walk belongs to the table, not to the database's number: FLUSHALL detaches a table that is being walked and the walk
//! goes on over it; SWAPDB takes it along. A walk that is given up goes on without writing, so that all marks agree
//! again at its end.
//!
//! Part of what an RDB image says may stand *behind* it, as calls: the deadlines of hashes' fields, in the base of a log. They are
//! kept until the walk ends, so there is a bound: past it, fields' deadlines go into the image in Redis's form.

use super::database::Database;
use super::eviction::Order;
use crate::formats::calls::{self, hash::write_deadlines};
use crate::formats::rdb::{Compression, Encoder, Usage};
use crate::structures::record_arena::{Handle, RecordArena};
use crate::values::{AnyRef, Big, FieldDeadlines};

/// Bytes of calls behind the image of one database.
const BEHIND_MAX_BYTES: usize = 64 << 20;

/// How entries are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageFormat {
    /// Entries of an RDB file, with the deadlines of fields said this way.
    Rdb(Compression, FieldDeadlines),
    /// Calls that set the keys.
    Calls,
}

/// Where entries are written.
enum Image {
    Rdb {
        encoder: Encoder,
        deadlines: FieldDeadlines,
        /// Calls that follow all entries.
        behind: Vec<u8>,
    },
    Calls(Vec<u8>),
    /// Given up: nowhere.
    None,
}

/// The walk over one table.
pub struct TableWalk {
    number: usize,
    cursor: u64,
    done: bool,
    mark: bool,
    image: Image,
    usage: fn(&Database, Handle) -> Usage,
    entries: u64,
}

impl TableWalk {
    /// Writes a record that is about to change or go, unless that was done.
    #[inline]
    pub(super) fn write_before_change(&mut self, records: &mut RecordArena<Big>, handle: Handle) {
        if !self.done && records.mark(handle) != self.mark {
            records.set_mark(handle, self.mark);
            self.write(records, handle, Usage::Unknown);
        }
    }

    fn write(&mut self, records: &RecordArena<Big>, handle: Handle, usage: Usage) {
        let (key, deadline, view) = (records.key(handle), records.deadline_ms(handle), records.payload(handle));
        self.entries += 1;
        match &mut self.image {
            Image::Rdb { encoder, deadlines, behind } => {
                let value = AnyRef::of(view);
                if let (AnyRef::Hash(hash), FieldDeadlines::Behind) = (value, *deadlines)
                    && hash.has_deadlines()
                {
                    let is_full = behind.len() >= BEHIND_MAX_BYTES;
                    encoder.set_field_deadlines(if is_full { FieldDeadlines::Redis } else { FieldDeadlines::Behind });
                    if !is_full {
                        write_deadlines(key, hash, behind);
                    }
                }
                encoder.entry(key, deadline, usage, value);
            }
            Image::Calls(out) => calls::write_value(key, deadline, AnyRef::of(view), out),
            Image::None => {}
        }
    }
}

impl Database {
    /// Begins a walk over this database as it is now, which was number `number`. None may be under way.
    pub fn begin_walk(&mut self, number: usize, format: ImageFormat) {
        assert!(self.walk.as_ref().is_none_or(|walk| walk.done), "one walk at a time");
        self.mark = !self.mark;
        let image = match format {
            ImageFormat::Rdb(compression, deadlines) => {
                let mut encoder = Encoder::without_checksum(compression);
                encoder.set_field_deadlines(deadlines);
                Image::Rdb { encoder, deadlines, behind: Vec::new() }
            }
            ImageFormat::Calls => Image::Calls(Vec::new()),
        };
        let usage = match self.policy.order {
            Order::Lru => |db: &Database, handle| Usage::IdleSeconds(db.idle_ms(handle) / 1000),
            Order::Lfu => |db: &Database, handle| Usage::Frequency(db.frequency(handle)),
            _ => |_: &Database, _| Usage::Unknown,
        };
        self.walk =
            Some(TableWalk { number, cursor: 0, done: self.is_empty(), mark: self.mark, image, usage, entries: 0 });
    }

    /// Goes on with the walk, by about `budget` records; whether there is more to do.
    pub fn step_walk(&mut self, budget: usize) -> bool {
        let Some(mut walk) = self.walk.take() else { return false };
        let mut left = budget as isize;
        while left > 0 && !walk.done {
            let mut found = smallvec::SmallVec::<[Handle; 32]>::new();
            walk.cursor = self.scan(walk.cursor, |handle| found.push(handle));
            for &handle in &found {
                if self.records.mark(handle) != walk.mark {
                    let usage = (walk.usage)(self, handle);
                    self.records.set_mark(handle, walk.mark);
                    walk.write(&self.records, handle, usage);
                }
            }
            left -= found.len().max(1) as isize;
            walk.done = walk.cursor == 0;
        }
        let more = !walk.done;
        self.walk = Some(walk);
        more
    }

    /// Whether a walk has yet to reach part of this database.
    pub fn is_walked(&self) -> bool {
        self.walk.as_ref().is_some_and(|walk| !walk.done)
    }

    /// What the walk has written since the last call, and the number the database had when it began.
    pub fn take_image(&mut self) -> Option<(usize, Vec<u8>)> {
        let walk = self.walk.as_mut()?;
        let bytes = match &mut walk.image {
            Image::Rdb { encoder, .. } => encoder.take(Vec::new()),
            Image::Calls(out) => std::mem::take(out),
            Image::None => Vec::new(),
        };
        (!bytes.is_empty()).then_some((walk.number, bytes))
    }

    /// The calls that stand behind the image, and the number the database had when the walk began. To be taken when it is done.
    pub fn take_calls_behind(&mut self) -> Option<(usize, Vec<u8>)> {
        let walk = self.walk.as_mut()?;
        match &mut walk.image {
            Image::Rdb { behind, .. } if !behind.is_empty() => Some((walk.number, std::mem::take(behind))),
            _ => None,
        }
    }

    /// Bytes that the walk has written and nobody has taken. (Calls behind the image have a bound of their own.)
    pub fn image_bytes(&self) -> usize {
        match self.walk.as_ref().map(|walk| &walk.image) {
            Some(Image::Rdb { encoder, .. }) => encoder.pending_bytes(),
            Some(Image::Calls(out)) => out.len(),
            _ => 0,
        }
    }

    /// Entries that the walk has written.
    pub fn walked_entries(&self) -> u64 {
        self.walk.as_ref().map_or(0, |walk| walk.entries)
    }

    /// Nothing more is to be written; the walk goes on in silence until all marks agree.
    pub fn give_up_walk(&mut self) {
        if let Some(walk) = &mut self.walk {
            walk.image = Image::None;
        }
    }

    /// Forgets a walk that is done and whose image was taken.
    pub fn end_walk(&mut self) {
        if self.walk.as_ref().is_some_and(|walk| walk.done) {
            self.walk = None;
        }
    }
}
