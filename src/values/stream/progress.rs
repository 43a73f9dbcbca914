//! How far a group has read: Redis's counters, and when they can be told (7.0's rules with 8.0's corrections).
//!
//! Every entry ever added has a number, the first one 1. A group counts the number of its last delivered entry. That stays true as long
//! as nothing was deleted behind it; where it is lost, the ends of the stream are places whose numbers are known.

use super::entries::Entries;
use super::group::Group;
use super::id::StreamId;

impl Entries {
    /// The number of the entry of this ID, or of the last one before it, if that can be told.
    pub fn number_of(&self, id: StreamId) -> Option<i64> {
        let added = self.added as i64;
        if self.added == 0 {
            return Some(0);
        }
        if self.is_empty() && id <= self.last_id {
            return Some(added);
        }
        if !id.is_zero() && id < self.max_deleted_id {
            return None; // something behind it was deleted
        }
        if id == self.last_id {
            return Some(added);
        }
        if id > self.last_id {
            return None;
        }
        let is_whole = self.max_deleted_id.is_zero() || self.max_deleted_id < self.first_id();
        let before_first = added.wrapping_sub(self.len() as i64);
        match is_whole {
            true if id < self.first_id() => Some(before_first),
            true if id == self.first_id() => Some(before_first.wrapping_add(1)),
            _ => None,
        }
    }

    /// Entries that the group has yet to read, if that can be told.
    pub fn lag(&self, group: &Group) -> Option<i64> {
        if self.added == 0 || self.is_empty() {
            return Some(0);
        }
        if group.last_id < self.first_id() && self.max_deleted_id < self.first_id() {
            return Some(self.len() as i64);
        }
        let read = match group.entries_read {
            Some(read) if !self.has_gap_from(group.last_id) => Some(read),
            _ => self.number_of(group.last_id),
        };
        read.map(|read| (self.added as i64).wrapping_sub(read))
    }

    /// Whether an entry from this ID on was deleted by itself, as far as is known.
    fn has_gap_from(&self, id: StreamId) -> bool {
        !self.is_empty() && !self.max_deleted_id.is_zero() && id <= self.max_deleted_id
    }
}

impl Group {
    /// The group was given this entry: if it is the furthest so far, that is where it stands.
    pub fn advance(&mut self, entries: &Entries, id: StreamId) -> bool {
        if id <= self.last_id {
            return false;
        }
        match self.entries_read {
            Some(read) if self.last_id >= entries.first_id() && !entries.has_gap_from(self.last_id) => {
                self.entries_read = Some(read.wrapping_add(1));
            }
            _ if entries.added > 0 => self.entries_read = entries.number_of(id),
            _ => {}
        }
        self.last_id = id;
        true
    }
}
