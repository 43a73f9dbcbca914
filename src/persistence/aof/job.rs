//! What the loop and the writer say to each other.

use crate::persistence::Trouble;

use super::store::BaseFormat;

/// Jobs that wait for the writer at most; past that the loop keeps filling its block.
pub const JOBS_MAX: usize = 64;
/// Reports that wait for the loop at most; past that the writer adds to the one it holds.
pub const REPORTS_MAX: usize = 64;

/// A rewrite's number: both sides may speak of one that the other has ended already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RewriteId(pub u64);

/// When the log is synced (`appendfsync`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FsyncPolicy {
    /// After each batch, before anything that shows it leaves the server.
    Always,
    /// Once a second at most, off the loop.
    EverySecond,
    /// When the operating system sees fit.
    No,
}

/// Whole calls on their way to the disk.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// The calls, as RESP.
    pub body: Vec<u8>,
    /// The log offset of the body's first byte.
    pub at: u64,
    /// The database selected when the body begins; none if the body selects one itself.
    pub db: Option<u32>,
    /// A time stamp to write before it (`aof-timestamp-enabled`), in seconds since 1970.
    pub timestamp_s: Option<u64>,
}

impl Block {
    /// The log offset behind the body's last byte.
    pub fn end(&self) -> u64 {
        self.at + self.body.len() as u64
    }
}

/// From the loop to the writer.
#[derive(Debug)]
pub enum Job {
    /// Append this.
    Block(Block),
    /// Sync by this policy from now on.
    Policy(FsyncPolicy),
    /// Remove (or keep, with `aof-disable-auto-gc yes`) the files that a new base makes history.
    RemoveHistory(bool),
    /// A walk begins here: what follows goes to a new increment (or nowhere, if the log is off).
    BeginRewrite {
        /// Its number.
        rewrite: RewriteId,
        /// The log offset of the next block.
        at: u64,
        /// Whether the log goes on.
        increment: bool,
    },
    /// The base stands, durable, at [`super::store::Location::temp_base_path`]: put it in force.
    InstallBase(RewriteId, BaseFormat),
    /// The walk was given up.
    AbortRewrite(RewriteId),
    /// Make everything durable and end.
    Shutdown,
}

/// Whether the log takes writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// It does.
    Ok,
    /// There is no increment yet; one comes into force with the next base. Nothing went wrong.
    AwaitsBase,
    /// The disk refuses; the writer tries again by itself.
    Failed(Trouble),
    /// A file's state is unknown; only a new base and a new increment help.
    Broken(Trouble),
}

impl Status {
    /// What the disk refused, while it refuses: writes get an error that says so.
    pub fn trouble(&self) -> Option<&Trouble> {
        match self {
            Status::Ok | Status::AwaitsBase => None,
            Status::Failed(trouble) | Status::Broken(trouble) => Some(trouble),
        }
    }

    /// Whether a rewrite has to be begun for the log to go on.
    pub fn needs_new_base(&self) -> bool {
        matches!(self, Status::AwaitsBase | Status::Broken(_))
    }
}

/// Something that the loop should know of, or say in its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A new increment is in use.
    IncrementOpened {
        /// Its file name.
        name: Vec<u8>,
    },
    /// A write failed; the file was cut back to its last whole block, durably.
    CutBack {
        /// Why.
        trouble: Trouble,
        /// The file's length since, in bytes.
        len: u64,
    },
    /// The new base is in force, and all older files are history.
    BaseInstalled {
        /// Its file name.
        name: Vec<u8>,
    },
    /// The rewrite is over, history removed.
    RewriteDone(RewriteId),
    /// The rewrite cannot succeed any more: give up the walk.
    RewriteFailed(RewriteId, Trouble),
    /// A history file was not removed; it stays listed.
    HistoryKept(Trouble),
    /// The writer has ended.
    Ended(Result<(), Trouble>),
}

/// From the writer to the loop: the state of affairs, and what happened since the last report.
#[derive(Debug)]
pub struct Report {
    /// Up to here, blocks have been taken off the loop's hands.
    pub written_offset: u64,
    /// Up to here, a crash loses nothing.
    pub durable_offset: u64,
    /// Whether the log takes writes.
    pub status: Status,
    /// Bytes of the base.
    pub base_bytes: u64,
    /// Bytes of all increments.
    pub increment_bytes: u64,
    /// Syncs of the log so far.
    pub syncs: u64,
    /// Emptied buffers, for new blocks.
    pub buffers: Vec<Vec<u8>>,
    /// What happened.
    pub events: Vec<Event>,
}

impl Report {
    /// Nothing has happened; all before the log offset `at` is durable.
    pub(super) fn new(at: u64) -> Report {
        Report {
            written_offset: at,
            durable_offset: at,
            status: Status::Ok,
            base_bytes: 0,
            increment_bytes: 0,
            syncs: 0,
            buffers: Vec::new(),
            events: Vec::new(),
        }
    }

    /// The report as it stands; what is left has no buffers and no events.
    pub(super) fn take(&mut self) -> Report {
        let (buffers, events) = (std::mem::take(&mut self.buffers), std::mem::take(&mut self.events));
        Report { buffers, events, status: self.status.clone(), ..*self }
    }
}
