//! SortedSets as ZADD calls.

use crate::values::sorted_set::SortedSetRef;

/// Appends the calls.
pub(super) fn write(_key: &[u8], _value: SortedSetRef<'_>, _out: &mut Vec<u8>) {}
