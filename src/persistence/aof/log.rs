//! The log as the loop sees it: calls go into a block, blocks go to the writer, and what comes back tells how far it has come.
//!
//! ```text
//! log offset   0 ............ durable ........... written ........... sent ........... next
//!              | on the disk    | in the file      | in the queue      | in `body`     |
//! ```
//!
//! `durable <= written <= sent <= next`. Nothing here waits: a full queue only means that blocks stay here, and past
//! [`PENDING_MAX_BYTES`] that [`Log::is_full`] says so. A block ends between two calls, never inside a group, so whatever a crash
//! leaves holds whole calls and whole transactions. The first call of an increment selects its database.
//!
//! Appending costs two or three copies into a buffer that has room, and one subtraction-and-compare per argument: no system call,
//! and no allocation once the buffers that come back have grown to the size of a block.

use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TryRecvError};

use super::job::{Block, Event, FsyncPolicy, Job, Report, RewriteId, Status};
use super::lag::Lag;
use super::store::BaseFormat;
use crate::persistence::Trouble;
use crate::persistence::outbox::Outbox;

/// Bytes that wait for the disk at most; past that writers have to wait.
pub const PENDING_MAX_BYTES: u64 = 64 * 1024 * 1024;
/// Under `everysec`, so long may anything wait to be durable: a second to the next sync, and a second for that.
pub const LATE_NS: u64 = 2_000_000_000;
/// A buffer that has grown past this is not kept.
const SPARE_MAX_BYTES: usize = 4 * 1024 * 1024;
/// Buffers kept for new blocks.
const SPARES_MAX: usize = 8;
/// What a first block has room for.
const BLOCK_FIRST_BYTES: usize = 64 * 1024;

const MULTI: &[u8] = b"*1\r\n$5\r\nMULTI\r\n";
const EXEC: &[u8] = b"*1\r\n$4\r\nEXEC\r\n";

/// What a [`Log::poll`] brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The durable offset moved: held replies may go.
    pub durable: bool,
    /// The status is another one.
    pub status: bool,
    /// What happened, oldest first.
    pub events: Vec<Event>,
}

/// A rewrite was asked for while one is under way, inside a group, or of a log that ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RewriteBusy;

/// The loop's side of the log.
pub struct Log {
    /// Jobs for the writer. What waits is bounded: one of each kind of setting, those of one rewrite, and blocks of
    /// [`PENDING_MAX_BYTES`] together.
    jobs: Outbox<Job>,
    reports: Receiver<Report>,
    /// The calls of the block at hand.
    body: Vec<u8>,
    /// The log offset of its first byte.
    at: u64,
    /// The database selected at its first byte.
    first_db: Option<u32>,
    /// The database selected now; none at the beginning of an increment.
    db: Option<u32>,
    in_group: bool,
    timestamp_s: Option<u64>,
    spares: Vec<Vec<u8>>,
    written: u64,
    durable: u64,
    lag: Lag,
    status: Status,
    base_bytes: u64,
    increment_bytes: u64,
    syncs: u64,
    policy: FsyncPolicy,
    /// The rewrite under way.
    rewrite: Option<RewriteId>,
    last_rewrite: RewriteId,
    /// Asked to end: nothing is appended any more.
    is_ending: bool,
    ended: bool,
}

impl Log {
    /// A log whose next byte stands at the log offset `at`, all before it being durable.
    pub(super) fn new(
        at: u64,
        policy: FsyncPolicy,
        status: Status,
        jobs: Sender<Job>,
        reports: Receiver<Report>,
    ) -> Log {
        Log {
            jobs: Outbox::new(jobs),
            reports,
            body: Vec::with_capacity(BLOCK_FIRST_BYTES),
            at,
            first_db: None,
            db: None,
            in_group: false,
            timestamp_s: None,
            spares: Vec::new(),
            written: at,
            durable: at,
            lag: Lag::default(),
            status,
            base_bytes: 0,
            increment_bytes: 0,
            syncs: 0,
            policy,
            rewrite: None,
            last_rewrite: RewriteId(0),
            is_ending: false,
            ended: false,
        }
    }

    // Appending.

    /// Appends a call that runs in database `db`; `args` begins with the command's name.
    pub fn append_call<'a>(&mut self, db: u32, args: impl ExactSizeIterator<Item = &'a [u8]>) {
        self.select(db);
        push_header(b'*', args.len(), &mut self.body);
        for arg in args {
            push_header(b'$', arg.len(), &mut self.body);
            self.body.extend_from_slice(arg);
            self.body.extend_from_slice(b"\r\n");
        }
    }

    /// Appends one or more whole calls, already as RESP arrays of bulk strings, that run in database `db` and select no other.
    pub fn append_raw(&mut self, db: u32, calls: &[u8]) {
        self.select(db);
        self.body.extend_from_slice(calls);
    }

    /// Begins a group: the calls up to [`Log::end_group`] take effect together or not at all.
    pub fn begin_group(&mut self) {
        debug_assert!(!self.in_group, "groups do not nest");
        self.in_group = true;
        self.body.extend_from_slice(MULTI);
    }

    /// Ends a group.
    pub fn end_group(&mut self) {
        debug_assert!(self.in_group);
        self.in_group = false;
        self.body.extend_from_slice(EXEC);
    }

    #[inline]
    fn select(&mut self, db: u32) {
        if self.db == Some(db) {
            return;
        }
        self.db = Some(db);
        let mut number = itoa::Buffer::new();
        let digits = number.format(db).as_bytes();
        self.body.extend_from_slice(b"*2\r\n$6\r\nSELECT\r\n");
        push_header(b'$', digits.len(), &mut self.body);
        self.body.extend_from_slice(digits);
        self.body.extend_from_slice(b"\r\n");
    }

    // Sending.

    /// Sends what can be sent: waiting jobs, then the block at hand. Gives whether the block is closed; while the queue is full it goes
    /// on to grow, and past `BLOCK_FIRST_BYTES` it is closed to wait: a buffer of megabytes would be copied each time it grows.
    pub fn submit(&mut self) -> bool {
        self.jobs.send();
        let has_room = self.jobs.has_room();
        if self.body.is_empty() || self.in_group || (!has_room && self.body.len() < BLOCK_FIRST_BYTES) {
            return false;
        }
        let block = self.take_block();
        self.jobs.push(Job::Block(block));
        true
    }

    fn take_block(&mut self) -> Block {
        let fresh = self.spares.pop().unwrap_or_else(|| Vec::with_capacity(BLOCK_FIRST_BYTES));
        let body = std::mem::replace(&mut self.body, fresh);
        let block = Block { body, at: self.at, db: self.first_db, timestamp_s: self.timestamp_s };
        self.at = block.end();
        self.first_db = self.db;
        block
    }

    /// Takes the place of a waiting job of the same kind, so that settings changed often do not pile up.
    fn set(&mut self, job: Job) {
        self.jobs.retain(|waiting| std::mem::discriminant(waiting) != std::mem::discriminant(&job));
        self.jobs.push(job);
    }

    /// Sends `job` behind everything appended so far.
    fn send_behind_block(&mut self, job: Job) {
        debug_assert!(!self.in_group);
        if !self.body.is_empty() {
            let block = self.take_block();
            self.jobs.push(Job::Block(block));
        }
        self.jobs.push(job);
    }

    // Settings.

    /// Syncs by another policy from now on.
    pub fn set_policy(&mut self, policy: FsyncPolicy) {
        self.policy = policy;
        self.set(Job::Policy(policy));
    }

    /// The policy in force.
    pub fn policy(&self) -> FsyncPolicy {
        self.policy
    }

    /// Has blocks preceded by this time stamp, in seconds since 1970, or by none.
    pub fn set_timestamp(&mut self, timestamp_s: Option<u64>) {
        self.timestamp_s = timestamp_s;
    }

    /// Has history files removed, or kept.
    pub fn set_removes_history(&mut self, removes: bool) {
        self.set(Job::RemoveHistory(removes));
    }

    // Rewriting.

    /// Begins a rewrite: what is appended from now on goes to a new increment, or, with the log off (`increment` false), nowhere.
    ///
    /// The walk has to begin in the same turn of the loop, since its base must hold exactly what has been appended so far. It
    /// writes to [`super::store::Location::temp_base_path`]; when that file is durable, call [`Log::install_base`]. An
    /// [`Event::RewriteFailed`] at any time says that it is in vain. Gives the log offset of the point in time.
    pub fn begin_rewrite(&mut self, increment: bool) -> Result<u64, RewriteBusy> {
        if self.rewrite.is_some() || self.in_group || self.is_ending {
            return Err(RewriteBusy);
        }
        self.last_rewrite.0 += 1;
        let rewrite = self.last_rewrite;
        self.rewrite = Some(rewrite);
        let at = self.next_offset();
        self.send_behind_block(Job::BeginRewrite { rewrite, at, increment });
        self.db = None;
        self.first_db = None;
        Ok(at)
    }

    /// Puts the new base, complete and durable at its temporary place, in force. [`Event::RewriteDone`] follows.
    pub fn install_base(&mut self, format: BaseFormat) {
        if let Some(rewrite) = self.rewrite {
            self.jobs.push(Job::InstallBase(rewrite, format));
        }
    }

    /// Gives up a rewrite. No event follows.
    pub fn abort_rewrite(&mut self) {
        if let Some(rewrite) = self.rewrite.take() {
            self.jobs.push(Job::AbortRewrite(rewrite));
        }
    }

    /// Whether a rewrite is under way.
    pub fn is_rewriting(&self) -> bool {
        self.rewrite.is_some()
    }

    // What comes back.

    /// Takes in what the writer has reported. Call it whenever the writer's waker fires, and once per turn.
    pub fn poll(&mut self) -> Changes {
        let mut changes = Changes::default();
        loop {
            match self.reports.try_recv() {
                Ok(report) => self.take_in(report, &mut changes),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    self.note_lost_writer(&mut changes);
                    break;
                }
            }
        }
        self.jobs.send();
        changes
    }

    /// There is no writer, though it was not told to end: the system had no thread for it.
    fn note_lost_writer(&mut self, changes: &mut Changes) {
        let trouble = Trouble::of_lost_writer("the log");
        changes.events.extend(self.rewrite.take().map(|rewrite| Event::RewriteFailed(rewrite, trouble.clone())));
        if !std::mem::replace(&mut self.ended, true) {
            self.status = Status::Failed(trouble);
            changes.status = true;
        }
    }

    /// Like [`Log::poll`], but waits for a report first: for the end of the server, when there is nothing else to do.
    pub fn wait(&mut self, timeout: Duration) -> Changes {
        let mut changes = Changes::default();
        self.jobs.send();
        if let Ok(report) = self.reports.recv_timeout(timeout) {
            self.take_in(report, &mut changes);
        }
        let Changes { durable, status, mut events } = self.poll();
        changes.durable |= durable;
        changes.status |= status;
        changes.events.append(&mut events);
        changes
    }

    fn take_in(&mut self, report: Report, changes: &mut Changes) {
        changes.durable |= report.durable_offset > self.durable;
        changes.status |= report.status != self.status;
        self.written = report.written_offset;
        self.durable = report.durable_offset;
        self.status = report.status;
        self.base_bytes = report.base_bytes;
        self.increment_bytes = report.increment_bytes;
        self.syncs = report.syncs;
        for event in report.events {
            match &event {
                Event::RewriteDone(rewrite) | Event::RewriteFailed(rewrite, _) => {
                    // One that was given up here is nobody's business any more.
                    if self.rewrite != Some(*rewrite) {
                        continue;
                    }
                    self.rewrite = None;
                }
                Event::Ended(_) => self.ended = true,
                _ => {}
            }
            changes.events.push(event);
        }
        for buffer in report.buffers {
            if self.spares.len() < SPARES_MAX && buffer.capacity() <= SPARE_MAX_BYTES {
                self.spares.push(buffer);
            }
        }
    }

    /// The log offset behind everything appended so far: what a reply to the last call depends on.
    pub fn next_offset(&self) -> u64 {
        self.at + self.body.len() as u64
    }

    /// The log offset up to which a crash loses nothing.
    pub fn durable_offset(&self) -> u64 {
        self.durable
    }

    /// Whether something that depends on the log up to `offset` may leave the server. Under `always` it has to be durable, but for
    /// the time before the log is in force at all. Of a log that ends it has to be, whatever the policy.
    pub fn may_show(&self, offset: u64) -> bool {
        let is_in_force = self.policy == FsyncPolicy::Always && self.status != Status::AwaitsBase;
        offset <= self.durable || !(is_in_force || self.is_ending)
    }

    /// The log offset up to which the writer has taken blocks.
    pub fn written_offset(&self) -> u64 {
        self.written
    }

    /// Bytes appended that the writer has not taken yet (`aof_pending_bytes`).
    pub fn pending_bytes(&self) -> u64 {
        self.next_offset() - self.written
    }

    /// Bytes of the block at hand (`aof_buffer_length`).
    pub fn block_bytes(&self) -> usize {
        self.body.len()
    }

    /// Whether so much waits for the disk that writers have to wait.
    pub fn is_full(&self) -> bool {
        self.pending_bytes() > PENDING_MAX_BYTES
    }

    /// Whether, under `everysec`, a sync takes so long at `now_ns` that writers have to wait: else a crash could take ever more. Ask it
    /// once per turn.
    pub fn is_late(&mut self, now_ns: u64) -> bool {
        if self.policy != FsyncPolicy::EverySecond || self.status != Status::Ok {
            self.lag.forget();
            return false;
        }
        self.lag.note(self.at, self.durable, now_ns);
        self.lag.ns(now_ns) > LATE_NS
    }

    /// Whether the log takes writes, and why not.
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// Bytes of all files in force (`aof_current_size`).
    pub fn current_bytes(&self) -> u64 {
        self.base_bytes + self.increment_bytes
    }

    /// Bytes of the base.
    pub fn base_bytes(&self) -> u64 {
        self.base_bytes
    }

    /// Syncs of the log so far.
    pub fn syncs(&self) -> u64 {
        self.syncs
    }

    /// Asks the writer to make everything durable and end; [`Event::Ended`] tells how that went. A writer that cannot write keeps
    /// trying: whoever waits sees [`Status::Failed`], and may drop the log to make it give up. Nothing may be appended from then on.
    pub fn shut_down(&mut self) {
        if !std::mem::replace(&mut self.is_ending, true) {
            self.send_behind_block(Job::Shutdown);
        }
    }

    /// Whether the writer was asked to end, or has.
    pub fn is_ending(&self) -> bool {
        self.is_ending
    }

    /// Whether the writer has ended.
    pub fn has_ended(&self) -> bool {
        self.ended
    }
}

/// Appends `*n\r\n` or `$n\r\n`.
#[inline]
fn push_header(kind: u8, n: usize, out: &mut Vec<u8>) {
    if n < 10 {
        out.extend_from_slice(&[kind, b'0' + n as u8, b'\r', b'\n']);
        return;
    }
    let mut number = itoa::Buffer::new();
    out.push(kind);
    out.extend_from_slice(number.format(n).as_bytes());
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests;
