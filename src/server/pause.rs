//! CLIENT PAUSE: writes, or all calls, wait until a time.

use super::{Server, gates};
use crate::keyspace::database::Expired;

const PAUSES: u32 = gates::PAUSE_ALL | gates::PAUSE_WRITES;

/// What a pause holds back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paused {
    /// Calls that may change data.
    Writes,
    /// All calls.
    All,
}

impl Server {
    /// Pauses for so long from now. Of a pause under way and this one, the longer and the stricter holds.
    pub fn pause(&mut self, paused: Paused, ttl_ms: u64) {
        let until_ms = self.time.monotonic_ms().saturating_add(ttl_ms);
        let is_strict = paused == Paused::All || self.raised & gates::PAUSE_ALL != 0;
        self.pause_until_ms = if self.is_paused() { self.pause_until_ms.max(until_ms) } else { until_ms };
        self.raised |= if is_strict { PAUSES } else { gates::PAUSE_WRITES };
        self.settle_expired();
    }

    /// Ends a pause.
    pub fn unpause(&mut self) {
        self.raised &= !PAUSES;
        self.settle_expired();
    }

    /// Says what becomes of keys past their deadline as things are. To be called when a pause or loading begins or ends.
    pub fn settle_expired(&mut self) {
        let expired = match () {
            () if self.raised & gates::LOADING != 0 => Expired::There,
            () if self.is_paused() => Expired::Hidden,
            () => Expired::Removed,
        };
        self.keyspace.all_mut().iter_mut().for_each(|db| db.expired = expired);
    }

    /// What the pause under way holds back.
    pub fn paused(&self) -> Option<Paused> {
        let strictness = if self.raised & gates::PAUSE_ALL != 0 { Paused::All } else { Paused::Writes };
        self.is_paused().then_some(strictness)
    }

    /// Whether a pause is under way: nothing changes then, so keys neither expire nor are evicted.
    pub(super) fn is_paused(&self) -> bool {
        self.raised & PAUSES != 0
    }

    /// Ends a pause whose time is over; how long one under way still lasts, in milliseconds.
    pub fn end_pause_when_due(&mut self) -> Option<u64> {
        if !self.is_paused() {
            return None;
        }
        match self.pause_until_ms.saturating_sub(self.time.monotonic_ms()) {
            0 => {
                self.unpause();
                None
            }
            left_ms => Some(left_ms),
        }
    }
}
