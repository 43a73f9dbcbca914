//! Lists as RPUSH calls.

use crate::values::list::ListRef;

/// Appends the calls.
pub(super) fn write(_key: &[u8], _value: ListRef<'_>, _out: &mut Vec<u8>) {}
