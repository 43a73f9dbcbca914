//! What is known of loading, snapshots and the log: filled in by whoever does them, shown by INFO and `/metrics`.
//!
//! The work itself is `crate::persistence`'s; here stand only its results.

/// Loading at the start, or by DEBUG RELOAD.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Loading {
    /// When it began (seconds since 1970); `None` when nothing is being loaded.
    pub started_seconds: Option<u64>,
    /// Bytes of all files.
    pub total_bytes: u64,
    /// Bytes read of them.
    pub loaded_bytes: u64,
    /// Keys that the last load of a snapshot left out because they had expired.
    pub expired_keys: u64,
    /// Keys left out since their collection had no element, which old versions of Redis wrote.
    pub empty_keys: u64,
    /// Keys that the last load of a snapshot brought.
    pub loaded_keys: u64,
}

/// Snapshots: `dump.rdb`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshots {
    /// When the last one was done (seconds since 1970); at first the server's start.
    pub last_save_seconds: u64,
    /// Whether the last BGSAVE went well.
    pub last_ok: bool,
    /// Whether the last one, however it was begun, was written to its end.
    pub last_was_written: bool,
    /// When the one under way began (monotonic ms).
    pub started_ms: Option<u64>,
    /// Whether one is wanted as soon as a rewrite of the log is done.
    pub scheduled: bool,
    /// How long the last one took, in seconds.
    pub last_seconds: Option<u64>,
    /// How many went well since the start.
    pub done: u64,
    /// `Server::dirty` when the one under way began.
    pub dirty_at_start: u64,
}

impl Default for Snapshots {
    fn default() -> Self {
        Snapshots {
            last_save_seconds: 0,
            last_ok: true,
            last_was_written: true,
            started_ms: None,
            scheduled: false,
            last_seconds: None,
            done: 0,
            dirty_at_start: 0,
        }
    }
}

/// The append-only log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Whether calls are logged.
    pub enabled: bool,
    /// Whether a log of this server holds its directory, be it one that ends.
    pub has_writer: bool,
    /// Whether that counts only when the base is there that is being written.
    pub awaits_base: bool,
    /// When the rewrite under way began (monotonic ms).
    pub rewrite_started_ms: Option<u64>,
    /// Whether a rewrite is wanted as soon as a snapshot is done.
    pub rewrite_scheduled: bool,
    /// Whether the last rewrite went well.
    pub last_rewrite_ok: bool,
    /// How long the last rewrite took, in seconds.
    pub last_rewrite_seconds: Option<u64>,
    /// How many rewrites went well since the start.
    pub rewrites: u64,
    /// Rewrites that failed since the last that went well.
    pub rewrite_failures_in_a_row: u64,
    /// Whether the last write and sync went well: else writes are refused.
    pub last_write_ok: bool,
    /// Bytes of base and increments.
    pub current_bytes: u64,
    /// Bytes of the base.
    pub base_bytes: u64,
    /// Bytes that wait to be handed to the writer.
    pub buffer_bytes: u64,
    /// Syncs that took so long that writes had to wait.
    pub delayed_syncs: u64,
    /// Bytes logged since the start.
    pub logged_offset: u64,
    /// Bytes of them that are written.
    pub written_offset: u64,
    /// Bytes of them that are synced.
    pub durable_offset: u64,
}

impl Default for Log {
    fn default() -> Self {
        Log {
            enabled: false,
            has_writer: false,
            awaits_base: false,
            rewrite_started_ms: None,
            rewrite_scheduled: false,
            last_rewrite_ok: true,
            last_rewrite_seconds: None,
            rewrites: 0,
            rewrite_failures_in_a_row: 0,
            last_write_ok: true,
            current_bytes: 0,
            base_bytes: 0,
            buffer_bytes: 0,
            delayed_syncs: 0,
            logged_offset: 0,
            written_offset: 0,
            durable_offset: 0,
        }
    }
}

impl Log {
    /// Bytes logged that no file has yet.
    pub fn pending_bytes(&self) -> u64 {
        self.logged_offset.saturating_sub(self.written_offset)
    }
}

/// All of it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct PersistenceState {
    /// Loading.
    pub loading: Loading,
    /// Snapshots.
    pub snapshots: Snapshots,
    /// The log.
    pub log: Log,
    /// Keys that the walk under way has written.
    pub walk_keys_done: u64,
    /// Keys that were there when it began; 0: none is under way.
    pub walk_keys_total: u64,
}

impl PersistenceState {
    /// Nothing done yet by a server that starts now: that counts as the last save.
    pub fn at_start(now_seconds: u64) -> PersistenceState {
        let snapshots = Snapshots { last_save_seconds: now_seconds, ..Snapshots::default() };
        PersistenceState { snapshots, ..PersistenceState::default() }
    }
}
