//! The consumer groups of a stream, by name.

use super::group::Group;
use super::group_walk::Walk;
use super::id::StreamId;
use crate::values::walk::Slot;
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

/// What a group takes in the tree of groups, its own heap and its name left out.
const GROUP_BYTES: usize = 2 * (size_of::<Box<[u8]>>() + size_of::<Group>());

/// Groups in the order of their names.
///
/// Invariant: `bytes` is the heap that they hold. A group is changed through [`GroupEdit`], which keeps the sum.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Groups {
    pub(super) by_name: BTreeMap<Box<[u8]>, Group>,
    bytes: usize,
    pending: usize,
    pub(super) walk: Slot<Walk>,
}

impl Groups {
    /// No groups.
    pub const fn new() -> Groups {
        Groups { by_name: BTreeMap::new(), bytes: 0, pending: 0, walk: Slot::EMPTY }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Names and groups, in the order of names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &Group)> {
        self.by_name.iter().map(|(name, group)| (&**name, group))
    }

    /// The group of this name.
    pub fn get(&self, name: &[u8]) -> Option<&Group> {
        self.by_name.get(name)
    }

    /// The group of this name, to be changed.
    pub fn edit(&mut self, name: &[u8]) -> Option<GroupEdit<'_>> {
        let group = self.by_name.get_mut(name)?;
        let before = (group.heap_bytes(), group.pending().len(), group.noted_bytes());
        Some(GroupEdit { group, before, bytes: &mut self.bytes, pending: &mut self.pending, walk: &mut self.walk })
    }

    /// A new group. Whether there was none of this name.
    pub fn create(&mut self, name: &[u8], last_id: StreamId, entries_read: Option<i64>) -> bool {
        self.insert(name, Group::new(last_id, entries_read))
    }

    /// Puts a group here. Whether there was none of this name.
    pub fn insert(&mut self, name: &[u8], group: Group) -> bool {
        if self.by_name.contains_key(name) {
            return false;
        }
        self.bytes += GROUP_BYTES + name.len() + group.heap_bytes();
        self.pending += group.pending().len();
        self.by_name.insert(name.into(), group);
        true
    }

    /// Removes a group, and hands it to `free` unless a walk has yet to give it. Whether there was one.
    pub fn remove(&mut self, name: &[u8], free: impl FnOnce(Group)) -> bool {
        let Some(group) = self.by_name.remove(name) else { return false };
        self.bytes -= GROUP_BYTES + name.len() + group.heap_bytes();
        self.pending -= group.pending().len();
        if let Some(group) = self.keep_gone(name, group) {
            free(group);
        }
        true
    }

    /// Bytes of heap. O(1).
    pub fn heap_bytes(&self) -> usize {
        self.bytes
    }

    /// Pending entries of all of them. O(1).
    pub fn pending_count(&self) -> usize {
        self.pending
    }
}

/// A group that is being changed.
pub struct GroupEdit<'g> {
    group: &'g mut Group,
    /// Bytes, pending entries, and bytes noted for a walk, before.
    before: (usize, usize, usize),
    bytes: &'g mut usize,
    pending: &'g mut usize,
    walk: &'g mut Slot<Walk>,
}

impl Deref for GroupEdit<'_> {
    type Target = Group;

    fn deref(&self) -> &Group {
        self.group
    }
}

impl DerefMut for GroupEdit<'_> {
    fn deref_mut(&mut self) -> &mut Group {
        self.group
    }
}

impl Drop for GroupEdit<'_> {
    fn drop(&mut self) {
        let (bytes, pending, noted) = self.before;
        *self.bytes = *self.bytes - bytes + self.group.heap_bytes();
        *self.pending = *self.pending - pending + self.group.pending().len();
        if let Some(walk) = &mut self.walk.0 {
            walk.note_kept(noted, self.group.noted_bytes());
        }
    }
}
