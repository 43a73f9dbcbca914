//! Errors by their first word: INFO errorstats.
//!
//! Scripts may invent error words without end. When more than 128 different ones have come, all are dropped for the one word
//! `ERRORSTATS_DISABLED` and no further ones are told apart until a reset, as in Redis 8. The total goes on.

use std::collections::BTreeMap;

/// Different words that are told apart.
pub const MAX_PREFIXES: usize = 128;

const DISABLED: &[u8] = b"ERRORSTATS_DISABLED";

/// Counts of errors.
#[derive(Debug, Default)]
pub struct ErrorStats {
    counts: BTreeMap<Box<[u8]>, u64>,
    total: u64,
    is_disabled: bool,
}

impl ErrorStats {
    /// One without errors.
    pub fn new() -> ErrorStats {
        ErrorStats::default()
    }

    /// Notes an error whose first word is `prefix`, without the `-`. When that was one word too many, returns all words so far,
    /// separated by commas, for the log; this happens once until a reset.
    pub fn record(&mut self, prefix: &[u8]) -> Option<String> {
        self.total += 1;
        if self.is_disabled {
            return None;
        }
        if let Some(count) = self.counts.get_mut(prefix) {
            *count += 1;
            return None;
        }
        if self.counts.len() < MAX_PREFIXES {
            self.counts.insert(prefix.into(), 1);
            return None;
        }
        let words: Vec<String> = self.iter().map(|(word, _)| word).collect();
        self.counts = BTreeMap::from([(DISABLED.into(), 1)]);
        self.is_disabled = true;
        Some(words.join(", "))
    }

    /// All words with their counts, in the order of their bytes. What would break an INFO line is replaced by `_`.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (String, u64)> + '_ {
        self.counts.iter().map(|(prefix, &count)| (info_word(prefix), count))
    }

    /// How many errors there were, of all words: `total_error_replies`.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Forgets all of it, and tells words apart again: CONFIG RESETSTAT.
    pub fn reset(&mut self) {
        *self = ErrorStats::default();
    }
}

fn info_word(prefix: &[u8]) -> String {
    String::from_utf8_lossy(prefix).replace(['#', ':', '\n', '\r'], "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(stats: &ErrorStats) -> Vec<(String, u64)> {
        stats.iter().collect()
    }

    #[test]
    fn errors_are_counted_by_word() {
        let mut stats = ErrorStats::new();
        for word in ["WRONGTYPE", "ERR", "ERR", "A:B#\r\n"] {
            assert_eq!(stats.record(word.as_bytes()), None);
        }
        let expected = [("A_B___".to_owned(), 1), ("ERR".to_owned(), 2), ("WRONGTYPE".to_owned(), 1)];
        assert_eq!(words(&stats), expected);
        assert_eq!(stats.total(), 4);
    }

    #[test]
    fn the_129th_word_disables_them_until_a_reset() {
        let mut stats = ErrorStats::new();
        for number in 0..128 {
            assert_eq!(stats.record(format!("E{number:03}").as_bytes()), None);
        }
        assert_eq!(stats.record(b"E000"), None, "a known word is not one too many");
        let told = stats.record(b"NEW").expect("the words so far");
        assert!(told.starts_with("E000, E001, ") && told.ends_with(", E127"), "{told}");
        assert_eq!(stats.record(b"NEWER"), None);
        assert_eq!(words(&stats), [("ERRORSTATS_DISABLED".to_owned(), 1)]);
        assert_eq!(stats.total(), 131);

        stats.reset();
        stats.record(b"NEWER");
        assert_eq!(words(&stats), [("NEWER".to_owned(), 1)]);
        assert_eq!(stats.total(), 1);
    }
}
