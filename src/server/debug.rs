//! What DEBUG switches: for tests, never for production.

use crate::formats::rdb::ChecksumCheck;

/// The switches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebugSwitches {
    /// Whether keys leave at their deadline though nobody asks for them (SET-ACTIVE-EXPIRE).
    pub active_expire: bool,
    /// Whether the periodic work is stopped (PAUSE-CRON).
    pub cron_paused: bool,
    /// How long the writer waits before it writes a block, in microseconds (AOF-FLUSH-SLEEP).
    pub log_write_delay_us: u64,
    /// What checksums of snapshots and of RESTORE's payloads count for (SET-SKIP-CHECKSUM-VALIDATION).
    pub payload_checksums: ChecksumCheck,
}

impl Default for DebugSwitches {
    fn default() -> Self {
        DebugSwitches {
            active_expire: true,
            cron_paused: false,
            log_write_delay_us: 0,
            payload_checksums: ChecksumCheck::Verify,
        }
    }
}
