//! Jobs on their way to a writer. Its queue is bounded and never waited for: what it has no room for stays here, in order.

use std::collections::VecDeque;

use crossbeam_channel::{Sender, TrySendError};

/// The loop's end of a queue of jobs.
pub(super) struct Outbox<J> {
    queue: Sender<J>,
    waiting: VecDeque<J>,
}

impl<J> Outbox<J> {
    /// One from which nothing has been sent.
    pub(super) fn new(queue: Sender<J>) -> Outbox<J> {
        Outbox { queue, waiting: VecDeque::new() }
    }

    /// Sends a job behind all that wait, or has it wait with them.
    pub(super) fn push(&mut self, job: J) {
        self.waiting.push_back(job);
        self.send();
    }

    /// Sends what waits, as much of it as there is room for.
    pub(super) fn send(&mut self) {
        while let Some(job) = self.waiting.pop_front() {
            if let Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) = self.queue.try_send(job) {
                return self.waiting.push_front(job);
            }
        }
    }

    /// Whether a job would go at once.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.is_empty() && !self.queue.is_full()
    }

    /// Drops those that wait and that `keeps` does not want.
    pub(super) fn retain(&mut self, keeps: impl FnMut(&J) -> bool) {
        self.waiting.retain(keeps);
    }

    /// How many wait.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Whether all that was pushed has been taken out of the queue.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.queue.is_empty()
    }
}
