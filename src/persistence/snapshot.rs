//! A snapshot file, written piece by piece beside the loop: `dump.rdb`, or the base of a rewritten log.
//!
//! ```text
//! loop                                thread (or the simulator's step)
//! Snapshot --- bounded queue: pieces ---> SnapshotWriter ---> temporary file, synced every few MiB
//!     ^------- bounded queue: reports ------'                 ... synced, renamed, directory synced
//! ```
//!
//! It has a queue of its own, so that its syncs never hold up the log's. A file that was begun ends in exactly one
//! [`Outcome`]: complete and durable, or gone.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::path::PathBuf;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError, bounded};

use crate::base::disk::{Disk, DiskFile, OpenMode, write_all};
use crate::base::sys::allocator;
use crate::persistence::Trouble;
use crate::persistence::outbox::Outbox;

/// Pieces that wait for the disk at most ...
const PIECES_MAX: usize = 16;
/// ... and no other is taken while they have so many bytes: one may be a string of half a gigabyte.
const WAITING_MAX_BYTES: usize = 8 * 1024 * 1024;
/// Reports that wait for the loop at most: one per piece, and the outcomes.
const REPORTS_MAX: usize = 64;
/// Bytes written between two syncs (`rdb-save-incremental-fsync`), so that the last one does not have it all to do.
const SYNC_STEP_BYTES: u64 = 4 * 1024 * 1024;
/// Buffers kept for new pieces ...
const SPARES_MAX: usize = PIECES_MAX;
/// ... but for those that have grown past this.
const SPARE_MAX_BYTES: usize = 1024 * 1024;

#[derive(Debug)]
enum Job {
    Begin { temp: PathBuf, target: Option<PathBuf> },
    Piece(Vec<u8>),
    Finish,
    Abort,
}

#[derive(Debug)]
enum Report {
    /// A piece is written, or skipped: its buffer, empty, and how many bytes it had.
    Emptied(Vec<u8>, usize),
    Ended(Outcome),
}

/// How a snapshot file ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is complete and durable, in its place.
    Done {
        /// Its length in bytes.
        bytes: u64,
    },
    /// The disk refused; what there was of it has been removed.
    Failed(Trouble),
    /// It was given up, and has been removed.
    Aborted,
}

/// Makes both sides of the queue. `wake` is called after each report.
pub fn snapshot_queue(disk: Arc<dyn Disk>, wake: Box<dyn Fn() + Send>) -> (Snapshot, SnapshotWriter) {
    let (job_sender, jobs) = bounded(PIECES_MAX);
    let (report_sender, reports) = bounded(REPORTS_MAX);
    let snapshot =
        Snapshot { jobs: Outbox::new(job_sender), reports, spares: Vec::new(), waiting_bytes: 0, active: false };
    let writer = SnapshotWriter {
        disk,
        jobs,
        reports: report_sender,
        wake,
        state: State::Idle,
        unsent: VecDeque::new(),
        ended: false,
    };
    (snapshot, writer)
}

/// The loop's side.
pub struct Snapshot {
    /// Jobs for the writer. No piece waits in it, and of the other jobs at most one file's.
    jobs: Outbox<Job>,
    reports: Receiver<Report>,
    spares: Vec<Vec<u8>>,
    /// Bytes of pieces that have not come back.
    waiting_bytes: usize,
    active: bool,
}

impl Snapshot {
    /// Begins a file at `temp`. When it is finished it gets the name `target`, durably; without one it stays, synced, where it is.
    ///
    /// There must be none under way.
    pub fn begin(&mut self, temp: PathBuf, target: Option<PathBuf>) {
        assert!(!self.active, "one file at a time");
        self.active = true;
        self.jobs.push(Job::Begin { temp, target });
    }

    /// Whether a file is under way: begun, and its outcome not yet polled.
    pub fn is_active(&self) -> bool {
        self.active
    }

    /// Appends a piece. If the queue is full, the piece comes back; try again after the next poll.
    pub fn piece(&mut self, bytes: Vec<u8>) -> Result<(), Vec<u8>> {
        debug_assert!(self.active);
        self.jobs.send();
        if !self.has_room() {
            return Err(bytes);
        }
        self.waiting_bytes += bytes.len();
        self.jobs.push(Job::Piece(bytes));
        Ok(())
    }

    /// Whether a piece would be taken.
    pub fn has_room(&self) -> bool {
        self.jobs.has_room() && self.waiting_bytes < WAITING_MAX_BYTES
    }

    /// An empty buffer for a piece: one that came back, or a new one.
    pub fn buffer(&mut self) -> Vec<u8> {
        self.spares.pop().unwrap_or_default()
    }

    /// All pieces have been given: finish the file.
    pub fn finish(&mut self) {
        self.jobs.push(Job::Finish);
    }

    /// Give the file up. An outcome still follows.
    pub fn abort(&mut self) {
        self.jobs.retain(|job| !matches!(job, Job::Finish));
        self.jobs.push(Job::Abort);
    }

    /// Takes in what the writer has reported; gives the outcome of the file under way, once.
    pub fn poll(&mut self) -> Option<Outcome> {
        self.jobs.send();
        let outcome = loop {
            match self.reports.try_recv() {
                Ok(Report::Emptied(buffer, bytes)) => {
                    self.waiting_bytes -= bytes;
                    if self.spares.len() < SPARES_MAX && buffer.capacity() <= SPARE_MAX_BYTES {
                        self.spares.push(buffer);
                    }
                }
                Ok(Report::Ended(outcome)) => break outcome,
                Err(TryRecvError::Empty) => return None,
                // There is no writer: the system had no thread for it.
                Err(TryRecvError::Disconnected) if self.active => {
                    self.jobs.retain(|_| false);
                    self.waiting_bytes = 0;
                    break Outcome::Failed(Trouble::of_lost_writer("snapshots"));
                }
                Err(TryRecvError::Disconnected) => return None,
            }
        };
        self.active = false;
        Some(outcome)
    }
}

struct OpenFile {
    file: Box<dyn DiskFile>,
    temp: PathBuf,
    target: Option<PathBuf>,
    bytes: u64,
    unsynced_bytes: u64,
}

enum State {
    Idle,
    Writing(OpenFile),
    /// The file has failed, which was said; the rest of it is skipped.
    Skipping,
}

/// The disk's side.
pub struct SnapshotWriter {
    disk: Arc<dyn Disk>,
    jobs: Receiver<Job>,
    reports: Sender<Report>,
    wake: Box<dyn Fn() + Send>,
    state: State,
    unsent: VecDeque<Report>,
    ended: bool,
}

impl SnapshotWriter {
    /// Runs until the loop's side goes away; a file under way is then removed.
    pub fn run(mut self) {
        while let Ok(job) = self.jobs.recv() {
            self.take(job);
            while let Some(report) = self.unsent.pop_front() {
                if self.reports.send(report).is_err() {
                    break;
                }
                (self.wake)();
            }
            allocator::settle(); // what one thread allocates and another frees balances in the sum only
        }
        self.abandon();
    }

    /// Does one job; gives whether there may be more to do at once.
    pub fn step(&mut self) -> bool {
        self.send_unsent();
        if self.ended || !self.unsent.is_empty() {
            return false;
        }
        match self.jobs.try_recv() {
            Ok(job) => self.take(job),
            Err(TryRecvError::Empty) => return false,
            Err(TryRecvError::Disconnected) => {
                self.abandon();
                self.ended = true;
                return false;
            }
        }
        self.send_unsent();
        true
    }

    fn send_unsent(&mut self) {
        while let Some(report) = self.unsent.pop_front() {
            match self.reports.try_send(report) {
                Ok(()) => (self.wake)(),
                Err(TrySendError::Full(report)) => return self.unsent.push_front(report),
                Err(TrySendError::Disconnected(_)) => {}
            }
        }
    }

    fn take(&mut self, job: Job) {
        let outcome = match job {
            Job::Begin { temp, target } => self.begin(temp, target),
            Job::Piece(bytes) => self.piece(bytes),
            Job::Finish => self.finish(),
            Job::Abort => self.abandon().then_some(Ok(Outcome::Aborted)).transpose(),
        };
        let outcome = outcome.unwrap_or_else(|trouble| {
            self.abandon();
            self.state = State::Skipping;
            Some(Outcome::Failed(trouble))
        });
        self.unsent.extend(outcome.map(Report::Ended));
    }

    fn begin(&mut self, temp: PathBuf, target: Option<PathBuf>) -> Result<Option<Outcome>, Trouble> {
        let file = self.disk.open(&temp, OpenMode::Create).map_err(Trouble::at("create", &temp))?;
        self.state = State::Writing(OpenFile { file, temp, target, bytes: 0, unsynced_bytes: 0 });
        Ok(None)
    }

    fn piece(&mut self, bytes: Vec<u8>) -> Result<Option<Outcome>, Trouble> {
        let written = match &mut self.state {
            State::Writing(open) => open.append(&bytes),
            State::Idle | State::Skipping => Ok(()),
        };
        let (len, mut buffer) = (bytes.len(), bytes);
        buffer.clear();
        self.unsent.push_back(Report::Emptied(buffer, len));
        written.map(|()| None)
    }

    fn finish(&mut self) -> Result<Option<Outcome>, Trouble> {
        let State::Writing(open) = &mut self.state else { return Ok(None) };
        open.file.sync_data().map_err(Trouble::at("sync", &open.temp))?;
        if let Some(target) = &open.target {
            self.disk.rename(&open.temp, target).map_err(Trouble::at("replace", target))?;
            let dir = target.parent().unwrap_or(target);
            self.disk.sync_dir(dir).map_err(Trouble::at("sync", dir))?;
        }
        let bytes = open.bytes;
        self.state = State::Idle;
        Ok(Some(Outcome::Done { bytes }))
    }

    /// Removes the file under way; gives whether there was one.
    fn abandon(&mut self) -> bool {
        let State::Writing(open) = std::mem::replace(&mut self.state, State::Idle) else { return false };
        // It is nobody's: if it cannot be removed, the next one of that name replaces it.
        let _ = self.disk.remove(&open.temp);
        true
    }
}

impl OpenFile {
    fn append(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        write_all(&mut *self.file, &mut [IoSlice::new(bytes)]).map_err(Trouble::at("write", &self.temp))?;
        self.bytes += bytes.len() as u64;
        self.unsynced_bytes += bytes.len() as u64;
        if self.unsynced_bytes >= SYNC_STEP_BYTES {
            self.unsynced_bytes = 0;
            self.file.sync_data().map_err(Trouble::at("sync", &self.temp))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::disk::RealDisk;
    use std::path::Path;

    fn queue() -> (Snapshot, SnapshotWriter, tempfile::TempDir) {
        let (snapshot, writer) = snapshot_queue(Arc::new(RealDisk), Box::new(|| {}));
        (snapshot, writer, tempfile::tempdir().unwrap())
    }

    fn outcome(snapshot: &mut Snapshot, writer: &mut SnapshotWriter) -> Outcome {
        loop {
            if let Some(outcome) = snapshot.poll() {
                return outcome;
            }
            assert!(writer.step() || snapshot.jobs.is_empty(), "nothing left to do, and no outcome");
        }
    }

    #[test]
    fn pieces_become_the_file_and_a_full_queue_gives_them_back() {
        let (mut snapshot, mut writer, dir) = queue();
        let (temp, target) = (dir.path().join("temp-1.rdb"), dir.path().join("dump.rdb"));
        snapshot.begin(temp.clone(), Some(target.clone()));
        let mut expected = Vec::new();
        for piece in 0..100u8 {
            let mut bytes = snapshot.buffer();
            bytes.extend_from_slice(&[piece; 1000]);
            expected.extend_from_slice(&bytes);
            while let Err(back) = snapshot.piece(std::mem::take(&mut bytes)) {
                assert!(!target.exists());
                bytes = back;
                writer.step();
                snapshot.poll();
            }
        }
        snapshot.finish();
        assert_eq!(outcome(&mut snapshot, &mut writer), Outcome::Done { bytes: 100_000 });
        assert_eq!(std::fs::read(&target).unwrap(), expected);
        assert!(!temp.exists() && !snapshot.is_active());
    }

    #[test]
    fn what_is_given_up_or_fails_leaves_nothing_and_the_next_one_works() {
        let (mut snapshot, mut writer, dir) = queue();
        let (temp, target) = (dir.path().join("temp-1.rdb"), dir.path().join("dump.rdb"));
        snapshot.begin(temp.clone(), Some(target.clone()));
        snapshot.piece(b"half".to_vec()).unwrap();
        snapshot.abort();
        assert_eq!(outcome(&mut snapshot, &mut writer), Outcome::Aborted);
        snapshot.begin(dir.path().join("no/such/dir"), None);
        snapshot.piece(b"lost".to_vec()).unwrap();
        let Outcome::Failed(trouble) = outcome(&mut snapshot, &mut writer) else { panic!("it cannot have worked") };
        assert_eq!((trouble.action, trouble.kind), ("create", std::io::ErrorKind::NotFound));
        snapshot.begin(temp.clone(), None);
        snapshot.piece(b"whole".to_vec()).unwrap();
        snapshot.finish();
        assert_eq!(outcome(&mut snapshot, &mut writer), Outcome::Done { bytes: 5 });
        assert_eq!(std::fs::read(&temp).unwrap(), b"whole");
        assert!(!Path::exists(&target));
    }

    #[test]
    fn long_pieces_wait_one_by_one_and_leave_no_long_buffer() {
        let (mut snapshot, mut writer, dir) = queue();
        snapshot.begin(dir.path().join("temp-1.rdb"), None);
        snapshot.piece(vec![1; WAITING_MAX_BYTES]).unwrap();
        assert_eq!(snapshot.piece(vec![2; 10]), Err(vec![2; 10]));
        while writer.step() {}
        assert!(snapshot.poll().is_none() && snapshot.has_room());
        snapshot.piece(vec![2; 10]).unwrap();
        while writer.step() {}
        assert!(snapshot.poll().is_none());
        assert_eq!(snapshot.spares.iter().map(Vec::capacity).collect::<Vec<_>>(), [10]);
        snapshot.finish();
        assert_eq!(outcome(&mut snapshot, &mut writer), Outcome::Done { bytes: WAITING_MAX_BYTES as u64 + 10 });
    }

    #[test]
    fn without_a_writer_every_file_fails() {
        let (mut snapshot, writer, dir) = queue();
        drop(writer);
        for _ in 0..2 {
            snapshot.begin(dir.path().join("temp-1.rdb"), None);
            snapshot.finish();
            let Some(Outcome::Failed(trouble)) = snapshot.poll() else { panic!("nobody writes it") };
            assert_eq!(trouble.to_string(), "cannot write snapshots: there is no thread for it");
            assert!(!snapshot.is_active() && snapshot.poll().is_none());
        }
    }
}
