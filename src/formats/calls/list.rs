//! Lists as RPUSH calls.

use super::{ELEMENTS_PER_CALL, write_head, write_word};
use crate::values::list::ListRef;

/// Appends the calls.
pub(super) fn write(key: &[u8], value: ListRef<'_>, out: &mut Vec<u8>) {
    let mut digits = itoa::Buffer::new();
    let mut left = value.len();
    for (number, element) in value.iter().enumerate() {
        if number % ELEMENTS_PER_CALL == 0 {
            write_head(2 + left.min(ELEMENTS_PER_CALL), out);
            write_word(b"RPUSH", out);
            write_word(key, out);
            left = left.saturating_sub(ELEMENTS_PER_CALL);
        }
        write_word(element.as_slice(&mut digits), out);
    }
}
