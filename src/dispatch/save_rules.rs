//! When a snapshot or a rewrite is due, and whether one that failed stops writes.

use super::{Dispatcher, gates};

impl Dispatcher {
    /// Save rules, automatic rewrites, what was scheduled: looked at ten times a second.
    pub(super) fn start_due_saves(&mut self) {
        if self.storage.saving.is_some() || self.storage.loading.is_some() {
            return;
        }
        let now_ms = self.server.time.monotonic_ms();
        let may_rewrite = now_ms >= self.storage.rewrite_not_before_ms;
        let log = self.storage.log.as_ref().filter(|log| !log.is_ending());
        let needs_base = log.is_some_and(|log| log.status().needs_new_base() && !log.is_rewriting());
        let is_wanted = self.server.persistence.log.rewrite_scheduled && !self.is_last_log_ending();
        if (needs_base && may_rewrite) || (!needs_base && is_wanted) {
            self.start_rewrite();
            return;
        }
        if self.server.persistence.snapshots.scheduled
            || (self.is_save_due() && now_ms >= self.storage.save_not_before_ms)
        {
            self.start_snapshot(None);
            return;
        }
        if may_rewrite && self.is_rewrite_due() {
            log::info!("Starting automatic rewriting of AOF on growth");
            self.start_rewrite();
        }
    }

    fn is_save_due(&self) -> bool {
        let since =
            (self.server.time.wall_us / 1_000_000).saturating_sub(self.server.persistence.snapshots.last_save_seconds);
        let rules = &self.server.config.save;
        rules.iter().any(|rule| self.server.dirty >= rule.changes && since > rule.seconds)
    }

    fn is_rewrite_due(&self) -> bool {
        let config = &self.server.config;
        let Some(log) = self.storage.log.as_ref().filter(|log| !log.is_ending()) else { return false };
        if config.auto_aof_rewrite_percentage == 0 || log.current_bytes() < config.auto_aof_rewrite_min_size_bytes {
            return false;
        }
        let base = log.base_bytes().max(1);
        (log.current_bytes() - log.base_bytes()) * 100 / base >= config.auto_aof_rewrite_percentage as u64
    }

    /// Writes are refused while the log cannot be written, or after a snapshot that failed, as the configuration says.
    pub(super) fn settle_disk_gate(&mut self) {
        let config = &self.server.config;
        let snapshot_failed =
            !self.server.persistence.snapshots.last_ok && config.stop_writes_on_bgsave_error && !config.save.is_empty();
        let log_failed = self.storage.log.as_ref().is_some_and(|log| log.status().trouble().is_some());
        let refuses = snapshot_failed || log_failed;
        if refuses && self.server.raised & gates::DISK == 0 {
            self.storage.unparked = true; // who waits for the log has to hear of it
        }
        self.server.set_gate(gates::DISK, refuses);
    }
}
