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
//! A large value is not written in one go but by a walk of its own, inside of this one: `deferred` tells.
//!
//! Part of what an RDB image says may stand *behind* it, as calls: the deadlines of hashes' fields, in the base of a log. They are
//! kept until the walk ends, so there is a bound: past it, fields' deadlines go into the image in Redis's form.

mod deferred;

use super::database::Database;
use super::eviction::Order;
use crate::formats::calls::{self, hash::write_deadlines};
use crate::formats::rdb::{Compression, Encoder, Usage};
use crate::structures::record_arena::{Handle, Payload, RecordArena};
use crate::values::walk::WalkId;
use crate::values::{AnyRef, Big, FieldDeadlines};
use deferred::Deferred;
use std::collections::VecDeque;

/// Bytes of calls behind the image of one database.
const BEHIND_MAX_BYTES: usize = 64 << 20;
/// Bytes of a value that are written in about the time of a record.
const BYTES_PER_RECORD: usize = 1024;
/// Longer strings are written part by part.
const LONG_TEXT_BYTES: usize = 64 * 1024;

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
        /// Entries that wait until the value under way is complete.
        aside: Encoder,
        deadlines: FieldDeadlines,
        /// Calls that follow all entries.
        behind: Vec<u8>,
    },
    Calls {
        out: Vec<u8>,
        aside: Vec<u8>,
    },
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
    /// Large values whose own walk has begun: the first is written first.
    deferred: VecDeque<Deferred>,
    /// Whether the first of them stands in the image in part.
    has_open: bool,
    /// Whether what is taken next goes on with a value of which a part was taken.
    has_given_part: bool,
    /// Bytes of copies that they keep.
    kept_bytes: usize,
    last_id: WalkId,
}

impl TableWalk {
    fn has_more(&self) -> bool {
        !self.done || !self.deferred.is_empty()
    }

    /// Writes a record that is about to change or go, unless that was done.
    #[inline]
    pub(super) fn write_before_change(&mut self, records: &mut RecordArena<Big>, handle: Handle) {
        if !self.deferred.is_empty() {
            self.finish_text(records, handle);
        }
        if !self.done && records.mark(handle) != self.mark {
            records.set_mark(handle, self.mark);
            self.reach(records, handle, Usage::Unknown);
        }
    }

    /// Writes a record that the walk has come to, or begins the walk of its large value. What it costs, in records.
    fn visit(&mut self, records: &mut RecordArena<Big>, handle: Handle, usage: Usage) -> usize {
        // As a call it is one argument, hence one piece.
        if long_text(records, handle).is_some() && matches!(self.image, Image::Rdb { .. }) {
            self.defer(records, handle, usage);
            return 1;
        }
        self.reach(records, handle, usage)
    }

    /// Writes a record, or begins the walk of a large collection. What it costs, in records.
    fn reach(&mut self, records: &mut RecordArena<Big>, handle: Handle, usage: Usage) -> usize {
        let cost = match records.payload(handle) {
            Payload::Boxed(big) if big.is_large() => {
                self.defer(records, handle, usage);
                return 1;
            }
            Payload::Inline { .. } => 1,
            Payload::Boxed(big) => 1 + big.heap_bytes() / BYTES_PER_RECORD,
        };
        self.write(records, handle, usage);
        cost
    }

    fn write(&mut self, records: &RecordArena<Big>, handle: Handle, usage: Usage) {
        let (key, deadline, view) = (records.key(handle), records.deadline_ms(handle), records.payload(handle));
        self.entries += 1;
        match &mut self.image {
            Image::Rdb { encoder, aside, deadlines, behind, .. } => {
                let encoder = if self.has_open { aside } else { encoder };
                let value = AnyRef::of(view);
                if let (AnyRef::Hash(hash), FieldDeadlines::Behind) = (value, *deadlines)
                    && hash.has_deadlines()
                {
                    let form = form_of_deadlines(behind.len());
                    encoder.set_field_deadlines(form);
                    if form == FieldDeadlines::Behind {
                        write_deadlines(key, hash, behind);
                    }
                }
                encoder.entry(key, deadline, usage, value);
            }
            Image::Calls { out, aside } => {
                let out = if self.has_open { aside } else { out };
                calls::write_value(key, deadline, AnyRef::of(view), out);
            }
            Image::None => {}
        }
    }
}

/// The bytes of a string that is long enough to be written part by part.
fn long_text(records: &RecordArena<Big>, handle: Handle) -> Option<&[u8]> {
    match records.payload(handle) {
        Payload::Boxed(Big::String(bytes)) if bytes.len() > LONG_TEXT_BYTES => Some(bytes),
        _ => None,
    }
}

/// How the deadlines of a hash's fields are said, when so many bytes would stand behind the image.
fn form_of_deadlines(behind_bytes: usize) -> FieldDeadlines {
    if behind_bytes >= BEHIND_MAX_BYTES { FieldDeadlines::Redis } else { FieldDeadlines::Behind }
}

impl Database {
    /// Begins a walk over this database as it is now, which was number `number`. None may be under way.
    pub fn begin_walk(&mut self, number: usize, format: ImageFormat) {
        assert!(!self.is_walked(), "one walk at a time");
        self.mark = !self.mark;
        let image = match format {
            ImageFormat::Rdb(compression, deadlines) => {
                let encoder = || {
                    let mut encoder = Encoder::without_checksum(compression);
                    encoder.set_field_deadlines(deadlines);
                    encoder
                };
                Image::Rdb { encoder: encoder(), aside: encoder(), deadlines, behind: Vec::new() }
            }
            ImageFormat::Calls => Image::Calls { out: Vec::new(), aside: Vec::new() },
        };
        let usage = match self.policy.order {
            Order::Lru => |db: &Database, handle| Usage::IdleSeconds(db.idle_ms(handle) / 1000),
            Order::Lfu => |db: &Database, handle| Usage::Frequency(db.frequency(handle)),
            _ => |_: &Database, _| Usage::Unknown,
        };
        self.walk = Some(TableWalk {
            number,
            cursor: 0,
            done: self.is_empty(),
            mark: self.mark,
            image,
            usage,
            entries: 0,
            deferred: VecDeque::new(),
            has_open: false,
            has_given_part: false,
            kept_bytes: 0,
            last_id: 0,
        });
    }

    /// Goes on with the walk, by about `budget` records; whether there is more to do.
    pub fn step_walk(&mut self, budget: usize) -> bool {
        let Some(mut walk) = self.walk.take() else { return false };
        let mut left = budget as isize;
        let too_far = -left; // where long values stand, the walk stops within a bucket
        if !walk.deferred.is_empty() {
            let (hasher, table) = (&self.hasher, &self.table);
            let find = |records: &RecordArena<Big>, key: &[u8]| {
                table.find(hasher.hash(key), |handle| records.key(handle) == key)
            };
            let done = walk.step_deferred(&mut self.records, budget, find);
            self.removals.garbage.extend(done);
            left = 0;
        }
        while left > 0 && !walk.done && walk.deferred.is_empty() {
            let mut found = smallvec::SmallVec::<[Handle; 32]>::new();
            let next = self.scan(walk.cursor, |handle| found.push(handle));
            let mut is_through = true;
            for &handle in &found {
                if self.records.mark(handle) != walk.mark {
                    if left < too_far {
                        is_through = false; // they are found again, and the marks tell which are written
                        break;
                    }
                    let usage = (walk.usage)(self, handle);
                    self.records.set_mark(handle, walk.mark);
                    left -= walk.visit(&mut self.records, handle, usage) as isize;
                }
            }
            left -= 1;
            if is_through {
                walk.cursor = next;
                walk.done = next == 0;
            }
        }
        let more = walk.has_more();
        self.walk = Some(walk);
        more
    }

    /// Whether a walk has yet to reach part of this database.
    pub fn is_walked(&self) -> bool {
        self.walk.as_ref().is_some_and(TableWalk::has_more)
    }

    /// Whether a value stands in the image in part: what other databases have written must wait.
    pub fn has_open_value(&self) -> bool {
        self.walk.as_ref().is_some_and(|walk| walk.has_open)
    }

    /// Whether what the walk has written begins within a value: nothing else may come before it.
    pub fn has_given_part(&self) -> bool {
        self.walk.as_ref().is_some_and(|walk| walk.has_given_part)
    }

    /// What the walk has written since the last call, and the number the database had when it began.
    pub fn take_image(&mut self) -> Option<(usize, Vec<u8>)> {
        let walk = self.walk.as_mut()?;
        walk.has_given_part = walk.has_open;
        let bytes = match &mut walk.image {
            Image::Rdb { encoder, .. } => encoder.take(Vec::new()),
            Image::Calls { out, .. } => std::mem::take(out),
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
        let Some(walk) = &self.walk else { return 0 };
        match &walk.image {
            Image::Rdb { encoder, .. } => encoder.pending_bytes(),
            Image::Calls { out, .. } => out.len(),
            Image::None => 0,
        }
    }

    /// Bytes that wait in memory until the walk has come to them: entries set aside, and copies of what has changed in large
    /// collections.
    pub fn kept_bytes(&self) -> usize {
        let Some(walk) = &self.walk else { return 0 };
        let aside = match &walk.image {
            Image::Rdb { aside, .. } => aside.pending_bytes(),
            Image::Calls { aside, .. } => aside.len(),
            Image::None => 0,
        };
        aside + walk.kept_bytes
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
        if !self.is_walked() {
            self.walk = None;
        }
    }
}
