//! "Did you mean": the known directive that is nearest to a misspelt one.

use super::rows::directives;

/// The name or alias with the smallest number of letters inserted, left out, changed or swapped, if that number is
/// small enough for the length of the word. Of several, the first in the order of the rows.
pub fn nearest(word: &[u8]) -> Option<&'static str> {
    let word = String::from_utf8_lossy(word).to_ascii_lowercase();
    let limit = (word.len() / 3).min(3);
    let names = directives().flat_map(|row| [Some(row.name), row.alias]).flatten();
    names
        .filter(|name| name.len().abs_diff(word.len()) <= limit)
        .map(|name| (strsim::osa_distance(&word, name), name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_names_find_the_right_one() {
        assert_eq!(nearest(b"maxmemroy"), Some("maxmemory"));
        assert_eq!(nearest(b"Appendonli"), Some("appendonly"));
        assert_eq!(nearest(b"requirpass"), Some("requirepass"));
        assert_eq!(nearest(b"prt"), Some("port"));
        assert_eq!(nearest(b"something-else"), None);
        assert_eq!(nearest(b""), None);
        assert_eq!(nearest(&[0xff; 12]), None);
        assert_eq!(nearest(&[b'p'; 1 << 20]), None);
    }
}
