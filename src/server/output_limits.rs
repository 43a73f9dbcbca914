//! Clients that do not take their replies: what waits for each is bounded by `client-output-buffer-limit`.
//!
//! As in Redis a reply counts as soon as it is written, before the socket is offered any of it.

use super::Server;
use super::clients::{ClientIndex, Closing};
use super::config::{OutputClass, OutputLimit};

/// The longest reply whose length the client alone decides, where nothing else bounds it.
const REPLY_MAX_BYTES: u64 = 1 << 30;

impl Server {
    fn output_limit(&self, index: ClientIndex) -> OutputLimit {
        let listens = !self.clients.get(index).subscriptions.is_empty();
        let class = if listens { OutputClass::PubSub } else { OutputClass::Normal };
        self.config.client_output_buffer_limit[class as usize]
    }

    /// A client whose replies pile up is to be closed.
    pub fn check_output_limit(&mut self, index: ClientIndex) {
        let (limit, now_ms) = (self.output_limit(index), self.time.monotonic_ms());
        let client = self.clients.get_mut(index);
        let bytes = (client.output.counted_bytes() + client.shown.len()) as u64;
        let is_over_hard = limit.hard_bytes > 0 && bytes > limit.hard_bytes;
        let is_over_soft = limit.soft_bytes > 0 && bytes > limit.soft_bytes;
        let since = if is_over_soft { *client.over_soft_limit_since_ms.get_or_insert(now_ms) } else { now_ms };
        if !is_over_soft {
            client.over_soft_limit_since_ms = None;
        }
        if is_over_hard || (is_over_soft && now_ms - since > limit.soft_seconds as u64 * 1000) {
            self.close_for_output(index);
        }
    }

    fn close_for_output(&mut self, index: ClientIndex) {
        let client = self.clients.get_mut(index);
        if client.closing == Closing::Now {
            return;
        }
        log::warn!("Client id={} addr={} closed for overcoming of output buffer limits.", client.id, client.address);
        client.closing = Closing::Now;
        self.counters.output_limit_disconnections += 1;
        self.clients.mark_pending(index);
    }

    /// Bytes at which a reply is given up whose length the client alone decides.
    #[inline]
    pub fn longest_reply_bytes(&self) -> usize {
        // Without a limit, 0 becomes the greatest number.
        let hard = self.config.client_output_buffer_limit[OutputClass::Normal as usize].hard_bytes.wrapping_sub(1);
        hard.min(REPLY_MAX_BYTES) as usize
    }

    /// A reply was given up as too long: where the client's own limit is what it broke, the client goes as if it had been written.
    pub fn note_reply_too_long(&mut self, index: ClientIndex) {
        let hard = self.output_limit(index).hard_bytes;
        if hard > 0 && hard <= REPLY_MAX_BYTES {
            self.close_for_output(index);
        }
    }
}
