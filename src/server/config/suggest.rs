//! "Did you mean": the known directive that is nearest to a misspelt one.

use super::rows::directives;

/// The name or alias with the smallest number of letters inserted, left out, changed or swapped, if that number is
/// small enough for the length of the word. Of several, the first in the order of the rows.
pub fn nearest(word: &[u8]) -> Option<&'static str> {
    let word = word.to_ascii_lowercase();
    let limit = (word.len() / 3).min(3);
    let names = directives().flat_map(|row| [Some(row.name), row.alias]).flatten();
    names
        .map(|name| (edit_distance(&word, name.as_bytes()), name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Optimal string alignment distance (Levenshtein's, and a swap of neighbours counts as one).
fn edit_distance(a: &[u8], b: &[u8]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut current = vec![i];
        for j in 1..=b.len() {
            let substituted = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = substituted.min(last[j] + 1).min(current[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before_last[j - 2] + 1);
            }
            current.push(best);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last[b.len()]
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
    }

    #[test]
    fn a_swap_counts_once() {
        assert_eq!(edit_distance(b"port", b"prot"), 1);
        assert_eq!(edit_distance(b"", b"abc"), 3);
        assert_eq!(edit_distance(b"kitten", b"sitting"), 3);
    }
}
