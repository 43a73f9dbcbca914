//! Group commit under `always`: when a block goes to the disk, so that one sync carries the calls of nearly all who write.
//!
//! ```text
//! sync under way   | calls of A          | calls of A, B, C         |
//! meanwhile        | B, C write: wait    | nobody is left to write  |
//! durable          | A is answered ...   | all are answered         |
//!                    ... and writes again, soon: worth waiting for
//! ```
//!
//! Were the block of B and C to go at once, A would miss it, and two groups would take turns for ever, each of them waiting for two
//! syncs. So a block waits until as many calls have come as were freed by the last sync and waited for the next, but no longer than
//! a fourth of what that sync took: the loop goes on serving meanwhile.

/// The longest that a block waits for more calls.
const WAIT_MAX_NS: u64 = 1_000_000;
/// ... and as a part of what the last sync took.
const WAIT_PART: u64 = 4;

/// When the block at hand goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Now.
    Now,
    /// When those have called who are expected at once: the loop is not to sleep.
    Soon,
    /// When the one before it is durable.
    Later,
}

/// The blocks of a log under `always`.
#[derive(Debug, Default)]
pub(super) struct GroupCommit {
    /// Calls of the block at hand.
    calls: usize,
    /// Calls of the block on its way to the disk, and since when it is (monotonic ns): the next one waits for it, and grows meanwhile.
    in_flight: Option<(usize, u64)>,
    /// The block at hand waits for so many calls ...
    wanted: usize,
    /// ... until then (monotonic ns).
    until_ns: u64,
}

impl GroupCommit {
    /// A call was added to the block at hand.
    #[inline]
    pub(super) fn note_call(&mut self) {
        self.calls += 1;
    }

    /// The block at hand went to the disk.
    pub(super) fn note_submitted(&mut self, now_ns: u64) {
        self.in_flight = Some((std::mem::take(&mut self.calls), now_ns));
    }

    /// What went to the disk is durable.
    pub(super) fn note_durable(&mut self, now_ns: u64) {
        if let Some((freed, since_ns)) = self.in_flight.take() {
            self.wanted = self.calls + freed;
            self.until_ns = now_ns + (now_ns.saturating_sub(since_ns) / WAIT_PART).min(WAIT_MAX_NS);
        }
    }

    /// When the block at hand goes.
    pub(super) fn due(&self, now_ns: u64) -> Due {
        match self.in_flight {
            Some(_) => Due::Later,
            None if self.calls < self.wanted && now_ns < self.until_ns => Due::Soon,
            None => Due::Now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYNC_NS: u64 = 400_000;

    /// A block of so many calls goes to the disk at 0 and is durable after SYNC_NS; so many came meanwhile.
    fn after_a_sync(carried: usize, meanwhile: usize) -> GroupCommit {
        let mut group = GroupCommit::default();
        (0..carried).for_each(|_| group.note_call());
        assert_eq!(group.due(0), Due::Now, "nobody is expected yet");
        group.note_submitted(0);
        (0..meanwhile).for_each(|_| group.note_call());
        assert_eq!(group.due(SYNC_NS - 1), Due::Later, "one block at a time");
        group.note_durable(SYNC_NS);
        group
    }

    #[test]
    fn a_block_waits_for_those_who_were_freed() {
        let mut group = after_a_sync(2, 3);
        for _ in 0..2 {
            assert_eq!(group.due(SYNC_NS), Due::Soon);
            group.note_call();
        }
        assert_eq!(group.due(SYNC_NS), Due::Now);
    }

    #[test]
    fn those_who_do_not_come_are_waited_for_no_longer_than_a_part_of_a_sync() {
        let group = after_a_sync(2, 3);
        let until_ns = SYNC_NS + SYNC_NS / WAIT_PART;
        assert_eq!([until_ns - 1, until_ns].map(|now_ns| group.due(now_ns)), [Due::Soon, Due::Now]);
    }

    #[test]
    fn a_lone_writer_never_waits() {
        let mut group = after_a_sync(1, 0);
        group.note_call();
        assert_eq!(group.due(SYNC_NS), Due::Now);
    }
}
