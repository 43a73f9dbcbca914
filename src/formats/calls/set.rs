//! Sets as SADD calls.

use crate::values::set::SetRef;

/// Appends the calls.
pub(super) fn write(_key: &[u8], _value: SetRef<'_>, _out: &mut Vec<u8>) {}
