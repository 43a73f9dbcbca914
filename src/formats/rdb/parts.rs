//! Values that are too large to be written in one go: a head, and parts as a walk gives them.
//!
//! ```text
//! hash         [24: earliest]  count    field ...      each as in the type's own form; in any order
//! set          count                    member ...
//! sorted set   count                    member, score ...
//! list         count                    chunk ...      in order
//! stream       count                    block ...      in order     counters, then the groups' parts in order
//! string       length                   bytes ...      in order
//! ```
//!
//! Head and counters are made when the walk begins, so all of it is of one moment.

use super::Usage;
use super::encode::{Encoder, write_length};
use super::types::{hash, list, set, sorted_set, stream};
use crate::values::stream::GroupPart;
use crate::values::walk::Part;
use crate::values::{AnyRef, FieldDeadlines};

/// What is written of a value before its parts, and among them.
#[derive(Debug)]
pub struct Parts {
    pub(super) number: u8,
    /// A time no later than any field's deadline, which deadlines are counted from.
    pub(super) earliest: u64,
    head: Vec<u8>,
    /// What stands between a stream's blocks and its groups.
    counters: Vec<u8>,
}

impl Parts {
    /// For a value whose walk begins now.
    pub fn of(value: AnyRef<'_>, deadlines: FieldDeadlines) -> Parts {
        let number = super::types::type_of(value, deadlines);
        let mut parts = Parts { number, earliest: 0, head: Vec::new(), counters: Vec::new() };
        match value {
            AnyRef::Hash(value) => parts.earliest = hash::write_head(value, number, &mut parts.head),
            AnyRef::Set(value) => write_length(value.len() as u64, &mut parts.head),
            AnyRef::SortedSet(value) => write_length(value.len() as u64, &mut parts.head),
            AnyRef::List(value) => write_length(value.chunk_count() as u64, &mut parts.head),
            AnyRef::Stream(value) => {
                write_length(value.entries.block_count() as u64, &mut parts.head);
                stream::write_counters(value, &mut parts.counters);
            }
            AnyRef::String(text) => write_length(text.len() as u64, &mut parts.head),
        }
        parts
    }
}

impl Encoder {
    /// Begins a key whose value comes in parts. Nothing else may be written before its end.
    pub fn begin_parts(&mut self, key: &[u8], deadline_ms: Option<u64>, usage: Usage, parts: &Parts) {
        self.begin_entry(key, deadline_ms, usage, parts.number).extend_from_slice(&parts.head);
    }

    /// The next part.
    pub fn part(&mut self, parts: &Parts, part: Part<'_>) {
        let (compression, out) = self.raw();
        match part {
            Part::Field(field) => hash::write_part(field, parts.number, parts.earliest, compression, out),
            Part::Member(member) => set::write_part(member, compression, out),
            Part::Scored(member, score) => sorted_set::write_part(member, score, compression, out),
            Part::Chunk(chunk) => list::write_part(chunk, compression, out),
            Part::Block(block) => stream::write_part(block, compression, out),
            Part::Groups(GroupPart::Begin) => out.extend_from_slice(&parts.counters),
            Part::Groups(part) => stream::write_group_part(part, compression, out),
            Part::Text(bytes) => out.extend_from_slice(bytes),
        }
    }

    /// Takes over entries that another encoder has written.
    pub fn append(&mut self, other: &mut Encoder) {
        let entries = other.take(Vec::new());
        self.raw().1.extend_from_slice(&entries);
    }
}
