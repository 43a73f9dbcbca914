//! Large values in a walk: each is begun when the walk comes to it (a collection also before it first changes) and written part by part,
//! one after the other.
//!
//! ```text
//! deferred   [ open: parts are being written ] [ begun ] [ begun ] ...
//!              │
//!              ├─ Key: where it stands now          RENAME takes it to another key
//!              ├─ Nowhere: on its way to one
//!              ├─ Own: its key has gone (DEL, expiry, overwritten); it is kept here until it is written, then freed
//!              └─ Text: a long string, written so far; before it changes or goes, the rest of it is written at once
//! ```
//!
//! While one is open nothing else may stand in the image: what is written meanwhile waits aside.

use super::{BYTES_PER_RECORD, Image, TableWalk, long_text};
use crate::formats::calls::{CallParts, DeadlineParts};
use crate::formats::rdb::{Parts, Usage};
use crate::keyspace::database::Database;
use crate::structures::record_arena::{Handle, Payload, PayloadMut, RecordArena};
use crate::values::walk::{Part, WalkId};
use crate::values::{AnyRef, Big, FieldDeadlines};

/// Elements that are written for one record of a step's budget.
const ELEMENTS_PER_RECORD: usize = 8;
/// What a field's deadline takes behind the image, beside its name, about.
const DEADLINE_BYTES: usize = 48;

/// A large value whose walk has begun.
pub(super) struct Deferred {
    id: WalkId,
    place: Place,
    /// The key it had, and what else was known of it.
    key: Box<[u8]>,
    deadline_ms: Option<u64>,
    usage: Usage,
    writing: Writing,
    is_open: bool,
}

/// Where a value is.
enum Place {
    /// At this key.
    Key(Box<[u8]>),
    /// Taken out of its key, and not put anywhere yet.
    Nowhere,
    /// Here: it has no key any more.
    Own(Box<Big>),
    /// A long string, at the key it had, of which so many bytes are written.
    Text(usize),
}

/// How it is written.
enum Writing {
    /// As an entry; the fields' deadlines perhaps behind all entries.
    Rdb(Parts, Option<DeadlineParts>),
    Calls(CallParts),
    Nowhere,
}

impl TableWalk {
    /// Begins the walk of a large value.
    pub(super) fn defer(&mut self, records: &mut RecordArena<Big>, handle: Handle, usage: Usage) {
        self.entries += 1;
        let key: Box<[u8]> = records.key(handle).into();
        let deadline_ms = records.deadline_ms(handle);
        let writing = self.writing_of(&key, deadline_ms, AnyRef::of(records.payload(handle)));
        self.last_id += 1;
        let id = self.last_id;
        let place = match records.payload_mut(handle) {
            PayloadMut::Boxed(Big::String(_)) => Place::Text(0),
            PayloadMut::Boxed(big) => {
                big.begin_walk(id);
                Place::Key(key.clone())
            }
            PayloadMut::Inline { .. } => unreachable!("it is large"),
        };
        self.deferred.push_back(Deferred { id, place, key, deadline_ms, usage, writing, is_open: false });
    }

    fn writing_of(&mut self, key: &[u8], deadline_ms: Option<u64>, value: AnyRef<'_>) -> Writing {
        match &mut self.image {
            Image::Rdb { deadlines, behind, .. } => {
                let form = match value {
                    AnyRef::Hash(hash) if hash.has_deadlines() && *deadlines == FieldDeadlines::Behind => {
                        super::form_of_deadlines(behind.len() + hash.len() * DEADLINE_BYTES)
                    }
                    _ => *deadlines,
                };
                let is_behind = form == FieldDeadlines::Behind;
                Writing::Rdb(Parts::of(value, form), is_behind.then(DeadlineParts::default))
            }
            Image::Calls { .. } => Writing::Calls(CallParts::of(key, deadline_ms, value)),
            Image::None => Writing::Nowhere,
        }
    }

    /// Goes on with the first one, found at its key by `find`. Gives it when it is done and has no key any more: to be freed.
    pub(super) fn step_deferred(
        &mut self,
        records: &mut RecordArena<Big>,
        budget: usize,
        find: impl Fn(&RecordArena<Big>, &[u8]) -> Option<Handle>,
    ) -> Option<Box<Big>> {
        let mut first = self.deferred.pop_front()?;
        self.open(&mut first);
        let mut visit = |part: Part<'_>| self.image.part(&first.key, &mut first.writing, part);
        let elements = budget * ELEMENTS_PER_RECORD;
        let (mut before, mut after) = (0, 0);
        let mut step = |big: &mut Big| {
            before = big.kept_bytes();
            let more = big.step_walk(elements, &mut visit);
            after = big.kept_bytes();
            more
        };
        let more = match &mut first.place {
            Place::Own(big) => step(big),
            Place::Key(key) => {
                let handle = find(records, key).expect("it stands at its key");
                match records.payload_mut(handle) {
                    PayloadMut::Boxed(big) => step(big),
                    PayloadMut::Inline { .. } => unreachable!("what is walked stays large"),
                }
            }
            Place::Nowhere => unreachable!("it is put somewhere in the same call"),
            Place::Text(written) => {
                let handle = find(records, &first.key).expect("it stands at its key");
                let rest = &long_text(records, handle).expect("it has not changed")[*written..];
                let len = rest.len().min(budget * BYTES_PER_RECORD);
                visit(Part::Text(&rest[..len]));
                *written += len;
                len < rest.len()
            }
        };
        self.kept_bytes = self.kept_bytes + after - before;
        if more {
            self.deferred.push_front(first);
            return None;
        }
        self.close(&first.key, first.writing);
        match first.place {
            Place::Own(big) => Some(big),
            Place::Key(_) | Place::Nowhere | Place::Text(_) => None,
        }
    }

    /// A record is about to change or go: if it is a long string that is being written, the rest of it is written at once.
    pub(super) fn finish_text(&mut self, records: &RecordArena<Big>, handle: Handle) {
        let Some(bytes) = long_text(records, handle) else { return };
        let key = records.key(handle);
        let is_it = |deferred: &Deferred| matches!(deferred.place, Place::Text(_)) && *deferred.key == *key;
        let Some(at) = self.deferred.iter().position(is_it) else { return };
        let mut text = self.deferred.remove(at).expect("it was found");
        if !text.is_open {
            self.entries -= 1; // it is counted anew
            return self.write(records, handle, text.usage);
        }
        if let Place::Text(written) = text.place {
            self.image.part(&text.key, &mut text.writing, Part::Text(&bytes[written..]));
        }
        self.close(&text.key, text.writing);
    }

    fn open(&mut self, first: &mut Deferred) {
        if first.is_open {
            return;
        }
        first.is_open = true;
        match (&mut self.image, &first.writing) {
            (Image::Rdb { encoder, aside, .. }, Writing::Rdb(parts, _)) => {
                encoder.append(aside);
                encoder.begin_parts(&first.key, first.deadline_ms, first.usage, parts);
            }
            (Image::Calls { out, aside }, _) => out.append(aside),
            _ => {}
        }
        self.has_open = true;
    }

    fn close(&mut self, key: &[u8], writing: Writing) {
        match (&mut self.image, writing) {
            (Image::Rdb { encoder, aside, behind, .. }, Writing::Rdb(_, deadlines)) => {
                if let Some(mut deadlines) = deadlines {
                    deadlines.flush(key, behind);
                }
                encoder.append(aside);
            }
            (Image::Calls { out, aside }, Writing::Calls(parts)) => {
                parts.end(out);
                out.append(aside);
            }
            _ => {}
        }
        self.has_open = false;
    }
}

impl Image {
    fn part(&mut self, key: &[u8], writing: &mut Writing, part: Part<'_>) {
        match (self, writing) {
            (Image::Rdb { encoder, behind, .. }, Writing::Rdb(parts, deadlines)) => {
                encoder.part(parts, part);
                if let (Some(deadlines), Part::Field(field)) = (deadlines, part)
                    && let Some(deadline) = field.deadline
                {
                    deadlines.push(key, deadline, field.name.as_slice(&mut itoa::Buffer::new()), behind);
                }
            }
            (Image::Calls { out, .. }, Writing::Calls(parts)) => parts.part(part, out),
            _ => {}
        }
    }
}

// ---- collections that move ----

impl Database {
    /// A collection leaves its key for good. If it is being walked the walk has it from now on.
    pub(in crate::keyspace) fn keep_walked(&mut self, big: Box<Big>) -> Option<Box<Big>> {
        let (Some(walk), Some(id)) = (&mut self.walk, big.walk_id()) else { return Some(big) };
        match walk.deferred.iter_mut().find(|deferred| deferred.id == id) {
            Some(deferred) => {
                deferred.place = Place::Own(big);
                None
            }
            None => Some(big),
        }
    }

    /// A collection is taken out of its key, and about to be put elsewhere.
    pub(in crate::keyspace) fn walked_leaves(&mut self, handle: Handle) {
        self.place_walked(handle, |_| Place::Nowhere);
    }

    /// A collection was put where this record is.
    pub(in crate::keyspace) fn walked_arrives(&mut self, handle: Handle) {
        self.place_walked(handle, |key| Place::Key(key.into()));
    }

    #[inline]
    fn place_walked(&mut self, handle: Handle, place: impl FnOnce(&[u8]) -> Place) {
        let Some(walk) = &mut self.walk else { return };
        if let Payload::Boxed(big) = self.records.payload(handle)
            && let Some(id) = big.walk_id()
            && let Some(deferred) = walk.deferred.iter_mut().find(|deferred| deferred.id == id)
        {
            deferred.place = place(self.records.key(handle));
        }
    }

    /// The collection at a key is about to leave the table: if it is large and has not been written, its walk begins. Whether it has
    /// more to give.
    pub(in crate::keyspace) fn begin_walk_of(&mut self, key: &[u8]) -> bool {
        let Some(handle) = self.peek(key) else { return false };
        self.before_change(handle);
        match self.view(handle) {
            Payload::Boxed(big) => big.walk_id().is_some(),
            Payload::Inline { .. } => false,
        }
    }

    /// A walked collection was changed: what it keeps for the walk has grown.
    #[inline]
    pub(in crate::keyspace) fn note_kept(&mut self, before: usize, after: usize) {
        if let Some(walk) = &mut self.walk {
            walk.kept_bytes = walk.kept_bytes + after - before;
        }
    }
}
