//! Hashs as HMSET calls.

use crate::values::hash::HashRef;

/// Appends the calls.
pub(super) fn write(_key: &[u8], _value: HashRef<'_>, _out: &mut Vec<u8>) {}
