//! Sets as SADD calls.

use super::{ELEMENTS_PER_CALL, write_head, write_word};
use crate::values::set::SetRef;

/// Appends the calls.
pub(super) fn write(key: &[u8], set: SetRef<'_>, out: &mut Vec<u8>) {
    let mut left = set.len();
    let mut members = set.iter();
    while left > 0 {
        let count = left.min(ELEMENTS_PER_CALL);
        write_head(2 + count, out);
        write_word(b"SADD", out);
        write_word(key, out);
        for member in members.by_ref().take(count) {
            write_word(member.as_slice(&mut itoa::Buffer::new()), out);
        }
        left -= count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::hash::KeyHasher;
    use crate::values::Encodings;
    use crate::values::set::Set;

    #[test]
    fn sixty_four_members_a_call() {
        let encodings = Encodings::new(KeyHasher::new([0; 16]));
        let mut set = Set::no_ints();
        for number in 0..70 {
            set.insert(format!("{number}").as_bytes(), &encodings).unwrap();
        }
        let mut out = Vec::new();
        write(b"k", set.as_ref(), &mut out);
        let out = String::from_utf8(out).unwrap();
        assert!(out.starts_with("*66\r\n$4\r\nSADD\r\n$1\r\nk\r\n$1\r\n0\r\n$1\r\n1\r\n"), "{out}");
        let rest = "$2\r\n63\r\n*8\r\n$4\r\nSADD\r\n$1\r\nk\r\n$2\r\n64\r\n$2\r\n65\r\n$2\r\n66\r\n$2\r\n67\r\n$2\r\n68\r\n$2\r\n69\r\n";
        assert!(out.ends_with(rest), "{out}");
    }
}
