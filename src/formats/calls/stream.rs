//! Streams as XADD and XGROUP calls.

use crate::values::stream::StreamRef;

/// Appends the calls.
pub(super) fn write(_key: &[u8], _stream: StreamRef<'_>, _out: &mut Vec<u8>) {}
