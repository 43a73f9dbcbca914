//! The log's writer: takes blocks off a queue, appends them, syncs by policy, and tells how far it has come.
//!
//! [`Writer::step`] does what is waiting and returns; production calls it on a thread of its own ([`Writer::run`]), the simulator
//! whenever its seed says so. It never trusts a file that the disk has been dishonest about:
//!
//! ```text
//!            write fails               cut back, synced         opened, durable
//! Appending ------------> cut the file -----------------> new ------------------> Appending
//!     |  ^                     |                       increment
//!     |  |                     | cannot                    | cannot, or it fails there too
//!     |  |                     v                           v
//!     |  |  sync fails      Unbased                  held: tried again after a pause, on what file is at hand
//!     |  |  ------------> ("broken")
//!     |  |                     | BeginRewrite: a new increment, in no manifest
//!     |  |   InstallBase       v
//!     |  '----------------  Unlisted
//!     '--- BeginRewrite: sync, new increment, manifest (stays Appending)
//! ```
//!
//! Invariants: a file behind which the log has gone on was synced first, so only the last file can be torn. After a sync has
//! failed, the file is closed and never synced again. Blocks that arrive while there is no increment are dropped: their effects
//! are in memory, hence in the base that the walk must bring.

mod increment;
mod rewrite;

use std::collections::VecDeque;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError};

use crate::base::sys::allocator;
use crate::formats::aof_manifest::FileInfo;
use crate::persistence::Trouble;

use super::block::HEAD_MAX_BYTES;
use super::job::{Block, Event, FsyncPolicy, JOBS_MAX, Job, Report, Status};
use super::store::{SaveError, Store};

pub use increment::Increment;
use rewrite::Rewrite;

/// Jobs after which it is looked again whether a sync is due under `everysec`: each block may wait for the disk, or for the CPU.
const JOBS_BEFORE_A_LOOK: usize = 8;
/// Under `everysec`, the time between two syncs.
const SYNC_INTERVAL_MS: u64 = 1000;
/// The first pause before a write that failed is tried again; it doubles each time.
const RETRY_FIRST_MS: u64 = 100;
/// The longest such pause.
const RETRY_MAX_MS: u64 = 5000;
/// How soon a report that found the queue full is sent again.
const REPORT_RETRY_MS: u64 = 5;

/// What the writer begins with.
pub enum Beginning {
    /// An increment that is listed in the manifest; all before it is durable.
    Increment(Increment),
    /// Nothing: blocks are dropped until a first base is installed.
    AwaitBase,
}

enum State {
    /// Blocks go to a listed increment.
    Appending(Increment),
    /// Blocks go to an increment that only counts once the base that is being written is in force. The trouble that led here.
    Unlisted(Increment, Option<Trouble>),
    /// Blocks are dropped. The trouble that led here, if it was one.
    Unbased(Option<Trouble>),
}

/// A block that could not be written.
struct Held {
    block: Block,
    trouble: Trouble,
    retry_at_ms: u64,
    pause_ms: u64,
}

enum Attempt {
    Written,
    Failed(Block, Trouble),
    Broken(Block, Trouble),
}

/// What to do after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Step again as soon as a job comes, or at this time (in the milliseconds handed to `step`) at the latest.
    Wait {
        /// None: there is nothing to do before a job comes.
        until_ms: Option<u64>,
    },
    /// There is more to do already.
    Again,
    /// It has ended.
    Ended,
}

/// The disk's side of the log.
pub struct Writer {
    store: Store,
    jobs: Receiver<Job>,
    reports: Sender<Report>,
    wake: Box<dyn Fn() + Send>,
    policy: FsyncPolicy,
    state: State,
    held: Option<Held>,
    rewrite: Option<Rewrite>,
    /// A job that arrived while waiting.
    arrived: Option<Job>,
    /// Log offset behind the last block taken.
    written: u64,
    /// Log offset up to which the file at hand is durable.
    synced: u64,
    last_sync_ms: u64,
    /// Whether files that a new base makes history are removed.
    removes_history: bool,
    /// What is still to be removed.
    doomed: VecDeque<FileInfo>,
    /// Bytes of the listed increments other than the one at hand.
    sealed_bytes: u64,
    scratch: Vec<u8>,
    report: Report,
    report_changed: bool,
    ended: bool,
}

impl Writer {
    /// A writer that begins at log offset `at`. `wake` is called after each report.
    pub(super) fn new(
        store: Store,
        beginning: Beginning,
        at: u64,
        policy: FsyncPolicy,
        (jobs, reports): (Receiver<Job>, Sender<Report>),
        wake: Box<dyn Fn() + Send>,
    ) -> Writer {
        let state = match beginning {
            Beginning::Increment(increment) => State::Appending(increment),
            Beginning::AwaitBase => State::Unbased(None),
        };
        let doomed = store.removable();
        let mut writer = Writer {
            store,
            jobs,
            reports,
            wake,
            policy,
            state,
            held: None,
            rewrite: None,
            arrived: None,
            written: at,
            synced: at,
            last_sync_ms: 0,
            removes_history: true,
            doomed,
            sealed_bytes: 0,
            scratch: Vec::with_capacity(2 * HEAD_MAX_BYTES),
            report: Report::new(at),
            report_changed: true,
            ended: false,
        };
        writer.measure();
        writer
    }

    /// Runs until the loop says `Shutdown` or goes away. `now_ms` reads a clock that never goes back.
    pub fn run(mut self, now_ms: impl Fn() -> u64) {
        loop {
            let next = self.step(now_ms());
            allocator::settle(); // what one thread allocates and another frees balances in the sum only
            match next {
                Next::Again => {}
                Next::Ended => return,
                Next::Wait { until_ms } => self.wait(until_ms, now_ms()),
            }
        }
    }

    fn wait(&mut self, until_ms: Option<u64>, now_ms: u64) {
        let pause = until_ms.map(|until| Duration::from_millis(until.saturating_sub(now_ms)));
        if let (true, Some(pause)) = (self.held.is_some() || self.ended, pause) {
            // Jobs have to wait, too.
            return std::thread::sleep(pause);
        }
        self.arrived = match pause {
            None => self.jobs.recv().ok(),
            Some(pause) => self.jobs.recv_timeout(pause).ok(),
        };
    }

    /// Does what is waiting, in a bounded slice. `now_ms` is any clock that never goes back.
    pub fn step(&mut self, now_ms: u64) -> Next {
        if self.held.is_some() {
            // Whether anybody still wants it: a log that was turned off is nobody's to write any more.
            self.report_changed = true;
            self.send_report();
        }
        if !self.ended {
            self.retry(now_ms);
            self.take_jobs(now_ms);
            self.sync_if_due(now_ms);
            self.remove_history_file();
        }
        self.send_report();
        self.next(now_ms)
    }

    fn next(&self, now_ms: u64) -> Next {
        let report_at = self.report_changed.then_some(now_ms + REPORT_RETRY_MS);
        if self.ended {
            return if self.report_changed { Next::Wait { until_ms: report_at } } else { Next::Ended };
        }
        if let Some(held) = &self.held {
            return Next::Wait { until_ms: Some(held.retry_at_ms) };
        }
        if !self.jobs.is_empty() || self.removes_history && !self.doomed.is_empty() {
            return Next::Again;
        }
        let sync_at = (self.policy == FsyncPolicy::EverySecond && self.has_unsynced())
            .then_some(self.last_sync_ms + SYNC_INTERVAL_MS);
        Next::Wait { until_ms: sync_at.into_iter().chain(report_at).min() }
    }

    // Jobs.

    fn take_jobs(&mut self, now_ms: u64) {
        let most = match self.policy {
            FsyncPolicy::EverySecond => JOBS_BEFORE_A_LOOK,
            FsyncPolicy::Always | FsyncPolicy::No => JOBS_MAX, // under `always` one sync is for all that wait
        };
        for _ in 0..most {
            if self.held.is_some() || self.ended {
                return;
            }
            match self.arrived.take().map_or_else(|| self.jobs.try_recv(), Ok) {
                Ok(job) => self.take(job, now_ms),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => self.shut_down(),
            }
        }
    }

    fn take(&mut self, job: Job, now_ms: u64) {
        self.report_changed = true;
        match job {
            Job::Block(block) => self.append(block, now_ms, RETRY_FIRST_MS),
            Job::Policy(policy) => self.policy = policy,
            Job::RemoveHistory(removes) => {
                self.removes_history = removes;
                self.doomed = self.store.removable();
            }
            Job::BeginRewrite { rewrite, at, increment } => self.begin_rewrite(rewrite, at, increment),
            Job::InstallBase(rewrite, format) => self.install_base(rewrite, format),
            Job::AbortRewrite(rewrite) => self.abort_rewrite(rewrite),
            Job::Shutdown => self.shut_down(),
        }
    }

    fn shut_down(&mut self) {
        self.report_changed = true;
        if self.has_unsynced() {
            self.sync();
        }
        let outcome = match &self.state {
            State::Unbased(Some(trouble)) | State::Unlisted(_, Some(trouble)) => Err(trouble.clone()),
            _ => Ok(()),
        };
        self.store.unlock();
        self.report.events.push(Event::Ended(outcome));
        self.ended = true;
    }

    // Appending.

    fn append(&mut self, block: Block, now_ms: u64, pause_ms: u64) {
        assert_eq!(block.at, self.written, "blocks come in order");
        let end = block.end();
        match self.attempt(block) {
            Attempt::Written => {}
            Attempt::Broken(block, trouble) => {
                self.give_back(block);
                self.break_off(trouble);
            }
            Attempt::Failed(block, trouble) => {
                let (retry_at_ms, pause_ms) = (now_ms + pause_ms, (pause_ms * 2).min(RETRY_MAX_MS));
                self.held = Some(Held { block, trouble, retry_at_ms, pause_ms });
                return;
            }
        }
        self.written = end;
    }

    fn retry(&mut self, now_ms: u64) {
        if let Some(held) = self.held.take_if(|held| held.retry_at_ms <= now_ms) {
            self.report_changed = true;
            self.append(held.block, now_ms, held.pause_ms);
        }
    }

    /// Writes a block to the increment at hand; if that fails, cuts it back and writes the block to a new one.
    fn attempt(&mut self, block: Block) -> Attempt {
        let trouble = match &mut self.state {
            State::Unbased(_) => {
                self.give_back(block);
                return Attempt::Written;
            }
            State::Appending(increment) | State::Unlisted(increment, _) => {
                match increment.append(&block, self.synced, &mut self.scratch) {
                    Ok(()) => {
                        self.give_back(block);
                        return Attempt::Written;
                    }
                    Err(error) => Trouble::new("write", &self.store.location().path(&increment.info.name), &error),
                }
            }
        };
        let State::Appending(increment) = &mut self.state else { return Attempt::Broken(block, trouble) };
        if increment.cut_back().is_err() {
            return Attempt::Broken(block, trouble);
        }
        self.synced = self.written;
        if increment.len == 0 {
            return Attempt::Failed(block, trouble);
        }
        let len = increment.len;
        match self.open_increment() {
            Err(SaveError::Unsure(unsure)) => Attempt::Broken(block, unsure),
            Err(SaveError::Kept(_)) => Attempt::Failed(block, trouble),
            Ok(()) => {
                self.report.events.push(Event::CutBack { trouble, len });
                // Into an empty increment, so this goes no deeper.
                self.attempt(block)
            }
        }
    }

    /// Opens the next increment, durably, and goes on there. The one at hand must be synced.
    fn open_increment(&mut self) -> Result<(), SaveError> {
        let increment = Increment::create(&self.store, self.store.next_increment()).map_err(SaveError::Kept)?;
        let mut manifest = self.store.manifest().clone();
        manifest.increments.push(increment.info.clone());
        manifest.last_begins_at = Some(self.written);
        if let Err(error) = self.store.save(manifest) {
            if let SaveError::Kept(_) = error {
                let _ = self.store.disk().remove(&self.store.location().path(&increment.info.name));
            }
            return Err(error);
        }
        self.report.events.push(Event::IncrementOpened { name: increment.info.name.clone() });
        self.state = State::Appending(increment);
        self.measure();
        Ok(())
    }

    fn give_back(&mut self, block: Block) {
        let mut body = block.body;
        body.clear();
        self.report.buffers.push(body);
    }

    // Syncing.

    fn has_unsynced(&self) -> bool {
        matches!(&self.state, State::Appending(increment) | State::Unlisted(increment, _) if increment.unsynced)
    }

    fn sync_if_due(&mut self, now_ms: u64) {
        let due = match self.policy {
            FsyncPolicy::Always => true,
            FsyncPolicy::EverySecond => now_ms >= self.last_sync_ms + SYNC_INTERVAL_MS,
            FsyncPolicy::No => false,
        };
        if due && self.has_unsynced() {
            self.last_sync_ms = now_ms;
            self.sync();
        }
    }

    fn sync(&mut self) {
        self.report_changed = true;
        let (State::Appending(increment) | State::Unlisted(increment, _)) = &mut self.state else { return };
        match increment.sync() {
            Ok(()) => {
                self.synced = self.written;
                self.report.syncs += 1;
            }
            Err(error) => {
                let trouble = Trouble::new("sync", &self.store.location().path(&increment.info.name), &error);
                self.break_off(trouble);
            }
        }
    }

    /// The file at hand is not to be trusted any more: closes it for good.
    fn break_off(&mut self, trouble: Trouble) {
        self.report_changed = true;
        // A log that is not in force yet refuses nothing: it still awaits its base.
        let was_in_force = !matches!(self.state, State::Unlisted(_, None) | State::Unbased(None));
        if let Some(rewrite) = self.drop_rewrite() {
            self.report.events.push(Event::RewriteFailed(rewrite, trouble.clone()));
        }
        // A block that waits is in memory, hence in the next base.
        if let Some(held) = self.held.take() {
            self.written = held.block.end();
            self.give_back(held.block);
        }
        self.state = State::Unbased(was_in_force.then_some(trouble));
    }

    // Reporting.

    fn status(&self) -> Status {
        match (&self.held, &self.state) {
            (Some(held), _) => Status::Failed(held.trouble.clone()),
            (None, State::Appending(_)) => Status::Ok,
            (None, State::Unbased(Some(trouble)) | State::Unlisted(_, Some(trouble))) => {
                Status::Broken(trouble.clone())
            }
            (None, State::Unbased(None) | State::Unlisted(_, None)) => Status::AwaitsBase,
        }
    }

    fn send_report(&mut self) {
        if !self.report_changed {
            return;
        }
        self.report.status = self.status();
        self.report.written_offset = self.written;
        self.report.increment_bytes = self.sealed_bytes;
        if let State::Appending(increment) = &self.state {
            self.report.durable_offset = self.synced;
            self.report.increment_bytes += increment.len;
        }
        match self.reports.try_send(self.report.take()) {
            Ok(()) => {
                self.report_changed = false;
                (self.wake)();
            }
            Err(TrySendError::Full(report)) => self.report = report,
            Err(TrySendError::Disconnected(_)) => {
                // Nobody waits any more; only what can still be written is.
                self.report_changed = false;
                self.ended |= self.held.is_some();
            }
        }
    }
}

#[cfg(test)]
mod tests;
