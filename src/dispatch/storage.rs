//! What `dispatch` holds of files and threads: the log, the snapshot under way, the loading under way.

use super::group_commit::GroupCommit;
use super::loading::Loading;
use super::saving::{Saving, Waiting};
use crate::base::disk::Disk;
use crate::base::platform::Platform;
use crate::keyspace::database::Database;
use crate::persistence::aof::log::Log;
use crate::persistence::aof::store::Location;
use crate::persistence::aof::writer::Writer;
use crate::persistence::load::{Batches, Loader};
use crate::persistence::snapshot::{Snapshot, SnapshotWriter, snapshot_queue};
use crate::server::config::Config;
use crate::server::tracking::TrackedKeys;
use crate::values::Big;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How long a report of a writer that is to end is waited for at once.
const WAIT_STEP: Duration = Duration::from_millis(100);

/// What is left to be freed, where nobody waits.
pub enum Garbage {
    /// Values.
    Values(Vec<Box<Big>>),
    /// Whole databases.
    Databases(Vec<Database>),
    /// What clients have read.
    TrackedKeys(Box<TrackedKeys>),
}

impl Garbage {
    /// How many values they are.
    pub fn objects(&self) -> u64 {
        match self {
            Garbage::Values(values) => values.len() as u64,
            Garbage::TrackedKeys(keys) => keys.len() as u64,
            Garbage::Databases(databases) => databases.iter().map(|db| db.len() as u64).sum(),
        }
    }
}

/// Who runs the writers, the loader and the reaper: threads in production, a scheduler of its own in the simulator.
pub trait Threads {
    /// Runs the log's writer until it ends.
    fn run_log_writer(&self, writer: Writer);
    /// Runs the snapshots' writer until it ends.
    fn run_snapshot_writer(&self, writer: SnapshotWriter);
    /// Runs a loader: here, where its batches are applied, or ahead of that on another thread.
    fn run_loader(&self, loader: Loader) -> Batches {
        Batches::Here(Box::new(loader))
    }
    /// Makes a function that wakes the loop.
    fn waker(&self) -> Box<dyn Fn() + Send>;
    /// Frees garbage.
    fn free(&self, garbage: Garbage);
    /// How many values handed to [`Threads::free`] are not free yet.
    fn free_pending(&self) -> u64;
    /// The loop has nothing to do until the log's writer reports: waits for that, but not for long, and takes it in.
    fn await_log(&self, log: &mut Log) {
        log.wait(WAIT_STEP);
    }
    /// The loop has nothing to do until a writer has done something: leaves them `us` microseconds.
    fn await_writers(&self, us: u64, platform: &dyn Platform) {
        platform.sleep_us(us);
    }
}

/// Nobody: writers are dropped, garbage is freed at once. For tests without files.
pub struct NoThreads;

impl Threads for NoThreads {
    fn run_log_writer(&self, _: Writer) {}
    fn run_snapshot_writer(&self, _: SnapshotWriter) {}
    fn waker(&self) -> Box<dyn Fn() + Send> {
        Box::new(|| ())
    }
    fn free(&self, garbage: Garbage) {
        drop(garbage);
    }
    fn free_pending(&self) -> u64 {
        0
    }
}

/// Keys' hashes share this many places in the filter of what is not durable yet.
pub(super) const TOUCHED_PLACES: usize = 4096;

/// Files and threads.
pub struct Storage {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) threads: Box<dyn Threads>,
    pub(super) log: Option<Log>,
    /// Where it stands: `dir` may have changed since it began.
    pub(super) log_location: Location,
    /// Held by the writer of the last log, if that was given up before it had ended: until then it may still change files.
    pub(super) last_writer: Weak<()>,
    pub(super) snapshot: Snapshot,
    pub(super) saving: Option<Saving>,
    /// Clients whose SAVE waits until a rewrite under way is done.
    pub(super) save_waiting: Vec<Waiting>,
    pub(super) loading: Option<Loading>,
    /// By hash, the log offset behind the last write of any key with that hash (`appendfsync always`).
    pub(super) touched: Box<[u64; TOUCHED_PLACES]>,
    /// When blocks go to the disk under `always`.
    pub(super) group: GroupCommit,
    /// When the first call of the block at hand was appended (monotonic ns); 0: the block is empty.
    pub(super) block_since_ns: u64,
    /// When it may be said again that the disk does not keep up (monotonic ms).
    pub(super) say_full_at_ms: u64,
    /// Whether the log cannot go on without a new base, as far as was known last.
    pub(super) needs_base: bool,
    /// When a rewrite that failed may be tried again (monotonic ms).
    pub(super) rewrite_not_before_ms: u64,
    /// When a snapshot that failed may be tried again by the save rules (monotonic ms).
    pub(super) save_not_before_ms: u64,
    /// Clients that wait in their place may go on: a gate was cleared.
    pub(super) unparked: bool,
    /// Whether somebody is too impatient to wait for what is saved at the end.
    pub(super) interrupt: Arc<AtomicBool>,
    /// How the process is to end, when it is.
    pub(super) exit_code: Option<i32>,
    /// Whether the process is ours to start anew (DEBUG RESTART).
    pub(super) may_restart: bool,
    /// Whether it is to be started anew when it ends, and after how long.
    pub(super) restart_delay: Option<Duration>,
}

impl Storage {
    /// Storage on `disk`, with its snapshot writer running on `threads`; no log yet.
    pub fn new(disk: Arc<dyn Disk>, threads: Box<dyn Threads>) -> Storage {
        let (snapshot, writer) = snapshot_queue(disk.clone(), threads.waker());
        threads.run_snapshot_writer(writer);
        Storage {
            disk,
            threads,
            log: None,
            log_location: Location::new(Path::new(""), b"", b""),
            last_writer: Weak::new(),
            snapshot,
            saving: None,
            save_waiting: Vec::new(),
            loading: None,
            touched: Box::new([0; TOUCHED_PLACES]),
            group: GroupCommit::default(),
            block_since_ns: 0,
            say_full_at_ms: 0,
            needs_base: false,
            rewrite_not_before_ms: 0,
            save_not_before_ms: 0,
            unparked: false,
            interrupt: Arc::default(),
            exit_code: None,
            may_restart: false,
            restart_delay: None,
        }
    }
}

/// Where the log of a configuration stands.
pub fn location(config: &Config) -> Location {
    Location::new(&PathBuf::from(&config.dir), config.appenddirname.as_bytes(), config.appendfilename.as_bytes())
}

/// Where its snapshot stands.
pub(super) fn snapshot_path(config: &Config) -> PathBuf {
    PathBuf::from(&config.dir).join(&config.dbfilename)
}
