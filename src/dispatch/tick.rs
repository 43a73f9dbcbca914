//! The end of a round: due deadlines, eviction, slices of background work.

use super::Dispatcher;

/// Keys that may expire, or be moved on in the wheel, per tick.
const EXPIRE_BUDGET: usize = 2000;

impl Dispatcher {
    /// Ends a round. Gives how long the loop may sleep, in milliseconds (None: until something happens).
    pub fn tick(&mut self) -> Option<u64> {
        self.server.read_clock();
        let now = self.server.now();
        self.server.keyspace.set_now(now);
        let pause_ms = self.server.end_pause_when_due();
        if pause_ms.is_some() {
            return pause_ms;
        }
        if !self.server.debug.active_expire {
            return None;
        }
        let lag = &mut self.server.expiry_lag;
        if self.server.keyspace.expire_due(EXPIRE_BUDGET, |late_ms| lag.record(late_ms * 1000, 1)) {
            return Some(0);
        }
        self.server.keyspace.next_deadline().map(|deadline| deadline.saturating_sub(now.ms))
    }
}
