//! What DEBUG switches: for tests, never for production.

/// The switches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebugSwitches {
    /// Whether keys leave at their deadline though nobody asks for them (SET-ACTIVE-EXPIRE).
    pub active_expire: bool,
    /// Whether the periodic work is stopped (PAUSE-CRON).
    pub cron_paused: bool,
    /// How long the writer waits before it writes a block, in microseconds (AOF-FLUSH-SLEEP).
    pub log_write_delay_us: u64,
    /// Whether checksums of snapshots and of RESTORE's payloads are taken as right (SET-SKIP-CHECKSUM-VALIDATION).
    pub skips_checksums: bool,
}

impl Default for DebugSwitches {
    fn default() -> Self {
        DebugSwitches { active_expire: true, cron_paused: false, log_write_delay_us: 0, skips_checksums: false }
    }
}
