//! Sorted sets as ZADD calls.

use super::{ELEMENTS_PER_CALL, write_head, write_word};
use crate::base::number::print_f64;
use crate::values::sorted_set::SortedSetRef;

/// Appends the calls.
pub(super) fn write(key: &[u8], set: SortedSetRef<'_>, out: &mut Vec<u8>) {
    let mut elements = set.iter();
    let mut digits = Vec::new();
    while elements.len() > 0 {
        let count = elements.len().min(ELEMENTS_PER_CALL);
        write_head(2 + 2 * count, out);
        write_word(b"ZADD", out);
        write_word(key, out);
        for (member, score) in elements.by_ref().take(count) {
            digits.clear();
            print_f64(score, &mut digits);
            write_word(&digits, out);
            write_word(member.as_slice(&mut itoa::Buffer::new()), out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::hash::KeyHasher;
    use crate::values::Encodings;
    use crate::values::sorted_set::SortedSet;

    #[test]
    fn sixty_four_members_a_call() {
        let encodings = Encodings::new(KeyHasher::new([0; 16]));
        let mut set = SortedSet::default();
        for n in 0..65 {
            set.write(format!("m{n}").as_bytes(), &encodings, |_| Some(n as f64 / 2.0)).unwrap();
        }
        let mut out = Vec::new();
        write(b"k", set.as_ref(), &mut out);
        let out = String::from_utf8(out).unwrap();
        assert!(out.starts_with("*130\r\n$4\r\nZADD\r\n$1\r\nk\r\n$1\r\n0\r\n$2\r\nm0\r\n$3\r\n0.5\r\n$2\r\nm1\r\n"));
        assert!(out.ends_with("*4\r\n$4\r\nZADD\r\n$1\r\nk\r\n$2\r\n32\r\n$3\r\nm64\r\n"));
    }
}
