//! How long what was handed to the writer has been waiting to be durable, to a tenth of a second.
//!
//! ```text
//! marks   (offset 400, at 10.0 s)  (offset 900, at 10.1 s)  (offset 950, at 10.4 s)      oldest first
//!          gone as soon as 400 is durable; what then stands first tells the age
//! ```

use std::collections::VecDeque;

/// How far apart two marks are at least.
const GRAIN_NS: u64 = 100_000_000;
/// What comes behind so many marks is younger than anybody asks.
const MARKS_MAX: usize = 64;

/// Log offsets, and when they were reached.
#[derive(Debug, Default)]
pub struct Lag {
    marks: VecDeque<(u64, u64)>,
}

impl Lag {
    /// At `now_ns` all up to `sent` has been handed over, and all up to `durable` is durable.
    pub fn note(&mut self, sent: u64, durable: u64, now_ns: u64) {
        while self.marks.front().is_some_and(|&(offset, _)| offset <= durable) {
            self.marks.pop_front();
        }
        let is_news = |&(offset, ns): &(u64, u64)| offset < sent && now_ns >= ns + GRAIN_NS;
        if sent > durable && self.marks.len() < MARKS_MAX && self.marks.back().is_none_or(is_news) {
            self.marks.push_back((sent, now_ns));
        }
    }

    /// How long the oldest that is not durable has been waiting.
    pub fn ns(&self, now_ns: u64) -> u64 {
        self.marks.front().map_or(0, |&(_, since_ns)| now_ns.saturating_sub(since_ns))
    }

    /// Nothing waits.
    pub fn forget(&mut self) {
        self.marks.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn it_is_as_old_as_the_first_that_is_not_durable() {
        let mut lag = Lag::default();
        lag.note(0, 0, 0);
        assert_eq!(lag.ns(SECOND), 0);
        lag.note(400, 0, SECOND);
        lag.note(900, 0, 2 * SECOND);
        lag.note(950, 0, 2 * SECOND + GRAIN_NS - 1); // too soon for a mark
        assert_eq!(lag.ns(3 * SECOND), 2 * SECOND);
        lag.note(950, 400, 3 * SECOND);
        assert_eq!(lag.ns(3 * SECOND), SECOND);
        lag.note(950, 950, 3 * SECOND);
        assert_eq!(lag.ns(4 * SECOND), 0);
        (0..1000).for_each(|n| lag.note(1000 + n, 950, n * SECOND));
        assert_eq!((lag.marks.len(), lag.ns(1000 * SECOND)), (MARKS_MAX, 1000 * SECOND));
    }
}
