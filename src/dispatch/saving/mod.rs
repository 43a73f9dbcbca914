//! Snapshots and log rewrites: one walk over all keys, written piece by piece beside the loop.

mod slices;

use super::storage::snapshot_path;
use super::{Dispatcher, gates};
use crate::base::crc::crc64;
use crate::formats::rdb::opcodes::{NEWEST_REDIS_VERSION, NEWEST_VALKEY_VERSION};
use crate::formats::rdb::{Compression, Encoder};
use crate::keyspace::walk::ImageFormat;
use crate::persistence::aof::block::Head;
use crate::persistence::aof::store::BaseFormat;
use crate::persistence::snapshot::Outcome;
use crate::server::clients::ClientIndex;
use crate::server::{REDIS_VERSION, Server};
use crate::values::FieldDeadlines;
pub(super) use slices::Beside;
use slices::Pace;

/// The RDB version of a file in which no field of a hash has a deadline: Redis 5 to 8 and all of Valkey know it.
const RDB_VERSION: u32 = 9;
/// How long the save rules wait after a snapshot that failed.
const SAVE_RETRY_MS: u64 = 5000;
/// How often, and how long each time, the end of the process waits for a file that was given up.
const ABANDON_STEPS: usize = 1000;
const ABANDON_STEP_US: u64 = 1000;
/// Values longer than this are not compressed: that would hold up the loop.
const COMPRESS_MAX_BYTES: usize = 16 * 1024;

/// What a walk is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// `dump.rdb`.
    Snapshot,
    /// The base of the log.
    Base(BaseFormat),
}

/// How a rewrite of the log ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rewrite {
    /// Its base is in force.
    Done,
    /// It was in vain.
    Failed,
}

/// A walk under way.
pub(super) struct Saving {
    target: Target,
    /// Bytes that wait to be given to the writer.
    piece: Vec<u8>,
    /// Bytes of the piece that go into the file as they are. What is behind them are calls, which have yet to be made a block.
    headed: usize,
    /// Calls that stand behind the RDB part of a log's base, and how much of them has been given.
    behind: (Vec<u8>, usize),
    /// The checksum so far (RDB).
    crc: u64,
    with_checksum: bool,
    db: Option<usize>,
    /// Keys and keys with a deadline of each database when it began; what is said already is gone.
    sizes: Vec<Option<(u64, u64)>>,
    /// When it began (monotonic).
    begun_ns: u64,
    stage: Stage,
    pace: Pace,
    /// Whether it was given up: marks are made to agree, nothing is written.
    given_up: bool,
    /// How the file ended, as soon as that is known: a walk that was given up goes on in silence after it.
    outcome: Option<Outcome>,
    /// Clients that wait for it (SAVE).
    waiting: Vec<Waiting>,
}

/// How far a save has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Keys are being walked.
    Walking,
    /// All are written; the last piece has yet to be given.
    Closing,
    /// All has been given; the outcome is awaited.
    Awaiting,
}

/// A client whose answer comes later: its place, and its number, since another may have its place by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waiting {
    index: ClientIndex,
    id: u64,
}

impl Saving {
    fn is_rdb(&self) -> bool {
        self.target != Target::Base(BaseFormat::Resp)
    }

    fn append(&mut self, bytes: &[u8]) {
        if self.is_rdb() && self.with_checksum {
            self.crc = crc64(self.crc, bytes);
        }
        self.piece.extend_from_slice(bytes);
    }

    /// Makes the calls that were gathered a block, so that damage to them is seen.
    fn end_block(&mut self) {
        if self.piece.len() > self.headed {
            Head::put_before(&mut self.piece, self.headed);
        }
        self.headed = self.piece.len();
    }
}

/// The bytes of a base without keys.
pub(super) fn empty_base(server: &Server) -> Vec<u8> {
    let mut encoder = Encoder::new(Compression::Off);
    header(&mut encoder, server, RDB_VERSION, Target::Base(BaseFormat::Rdb));
    encoder.finish();
    encoder.take(Vec::new())
}

/// The version in which a snapshot of now can be written.
fn snapshot_version(server: &Server) -> u32 {
    let has_field_deadlines = server.keyspace.all().iter().any(|db| db.hashes_expiring() > 0);
    match server.encodings.field_deadlines {
        _ if !has_field_deadlines => RDB_VERSION,
        FieldDeadlines::Valkey => NEWEST_VALKEY_VERSION,
        FieldDeadlines::Redis | FieldDeadlines::Behind => NEWEST_REDIS_VERSION,
    }
}

fn header(encoder: &mut Encoder, server: &Server, version: u32, target: Target) {
    let seconds = (server.time.wall_us / 1_000_000).to_string();
    let used = server.resources.used_bytes.to_string();
    let mut aux: Vec<(&str, &[u8])> = vec![
        ("redis-ver", REDIS_VERSION.as_bytes()),
        ("redis-bits", b"64"),
        ("ctime", seconds.as_bytes()),
        ("used-mem", used.as_bytes()),
    ];
    if target != Target::Snapshot {
        aux.push(("aof-base", b"1"));
    }
    encoder.header(version, &aux);
}

impl Dispatcher {
    /// Begins a walk; false when one is under way.
    fn begin_saving(&mut self, target: Target) -> bool {
        if self.storage.saving.is_some() || self.server.keyspace.is_walking() || self.storage.snapshot.is_active() {
            return false;
        }
        let config = &self.server.config;
        let compression = match config.rdbcompression {
            true => Compression::Lzf { max_bytes: COMPRESS_MAX_BYTES },
            false => Compression::Off,
        };
        let format = match target {
            Target::Base(BaseFormat::Resp) => ImageFormat::Calls,
            Target::Base(BaseFormat::Rdb) => ImageFormat::Rdb(compression, FieldDeadlines::Behind),
            Target::Snapshot => ImageFormat::Rdb(compression, self.server.encodings.field_deadlines),
        };
        let temp_snapshot =
            snapshot_path(config).with_file_name(format!("temp-{}.rdb", self.server.resources.host.process_id));
        match target {
            Target::Snapshot => self.storage.snapshot.begin(temp_snapshot, Some(snapshot_path(config))),
            Target::Base(_) => self.storage.snapshot.begin(self.storage.log_location.temp_base_path(), None),
        }
        let mut saving = Saving {
            target,
            piece: self.storage.snapshot.buffer(),
            headed: 0,
            behind: (Vec::new(), 0),
            crc: 0,
            with_checksum: config.rdbchecksum,
            db: None,
            sizes: self.server.keyspace.all().iter().map(|db| Some((db.len() as u64, db.expiring() as u64))).collect(),
            begun_ns: self.server.clock.monotonic_ns(),
            stage: Stage::Walking,
            pace: Pace::default(),
            given_up: false,
            outcome: None,
            waiting: Vec::new(),
        };
        if saving.is_rdb() {
            let mut encoder = Encoder::without_checksum(Compression::Off);
            let version = match target {
                Target::Snapshot => snapshot_version(&self.server),
                Target::Base(_) => RDB_VERSION,
            };
            header(&mut encoder, &self.server, version, target);
            saving.append(&encoder.take(Vec::new()));
        } else if self.server.config.aof_timestamp_enabled {
            saving.append(format!("#TS:{}\r\n", self.server.time.wall_us / 1_000_000).as_bytes());
            saving.headed = saving.piece.len();
        }
        self.server.keyspace.begin_walk(format);
        self.server.persistence.walk_keys_total = self.server.keyspace.all().iter().map(|db| db.len() as u64).sum();
        self.storage.saving = Some(saving);
        true
    }

    /// BGSAVE, a save rule, SAVE: begins a snapshot; `client` waits for it.
    pub(super) fn start_snapshot(&mut self, client: Option<ClientIndex>) -> bool {
        if !self.begin_saving(Target::Snapshot) {
            return client.is_some_and(|client| self.wait_for_rewrite(client));
        }
        let waiting = std::mem::take(&mut self.storage.save_waiting);
        self.storage.saving.as_mut().expect("begun").waiting = waiting;
        let state = &mut self.server.persistence.snapshots;
        state.started_ms = Some(self.server.time.monotonic_ms());
        state.dirty_at_start = self.server.dirty;
        state.scheduled = false;
        log::info!("Background saving started");
        if let Some(client) = client {
            let waiting = self.make_wait(client);
            self.storage.saving.as_mut().expect("begun").waiting.push(waiting);
        }
        true
    }

    /// The client's next calls wait until its call is answered.
    fn make_wait(&mut self, index: ClientIndex) -> Waiting {
        let client = self.server.clients.get_mut(index);
        client.raised |= gates::WAITING;
        Waiting { index, id: client.id }
    }

    /// SAVE while the log is being rewritten: a snapshot follows, and the client waits for that. False: a snapshot is what is
    /// under way.
    fn wait_for_rewrite(&mut self, client: ClientIndex) -> bool {
        if self.storage.saving.as_ref().is_some_and(|saving| saving.target == Target::Snapshot) {
            return false;
        }
        let waiting = self.make_wait(client);
        self.storage.save_waiting.push(waiting);
        self.server.persistence.snapshots.scheduled = true;
        true
    }

    /// BGREWRITEAOF and its kin: begins a new base. Without a log it is written all the same, as Redis does.
    pub(super) fn start_rewrite(&mut self) -> bool {
        self.server.persistence.log.rewrite_scheduled = false;
        let is_busy =
            self.storage.saving.is_some() || self.server.keyspace.is_walking() || self.storage.snapshot.is_active();
        if is_busy || self.is_last_log_ending() {
            self.server.persistence.log.rewrite_scheduled = true;
            return false;
        }
        if self.storage.log.is_none() && !self.begin_log_for_rewrite() {
            return false;
        }
        let Some(log) = &mut self.storage.log else { return false };
        if log.begin_rewrite(self.server.config.appendonly).is_err() {
            self.server.persistence.log.rewrite_scheduled = true;
            return false;
        }
        let format = super::log::base_format(&self.server.config);
        let began = self.begin_saving(Target::Base(format));
        debug_assert!(began, "checked above");
        self.server.persistence.log.rewrite_started_ms = Some(self.server.time.monotonic_ms());
        log::info!("Background append only file rewriting started");
        true
    }

    fn begin_log_for_rewrite(&mut self) -> bool {
        match self.turn_log_on() {
            Ok(()) => {
                self.server.persistence.log.rewrite_scheduled = false;
                self.server.persistence.log.enabled = self.server.config.appendonly;
                true
            }
            Err(trouble) => {
                log::error!("Background AOF rewrite failed: {trouble}");
                self.server.persistence.log.last_rewrite_ok = false;
                false
            }
        }
    }

    /// The walk under way is in vain.
    fn give_up_saving(&mut self) {
        if let Some(mut saving) = self.storage.saving.take() {
            self.give_up_one(&mut saving);
            self.storage.saving = Some(saving);
        }
    }

    /// A snapshot under way is in vain.
    pub(super) fn give_up_snapshot(&mut self) {
        if self.storage.saving.as_ref().is_some_and(|saving| saving.target == Target::Snapshot) {
            self.give_up_saving();
        }
    }

    /// A rewrite under way is in vain; false when there is none (its end is told when the walk has ended).
    pub(super) fn give_up_rewrite(&mut self) -> bool {
        let is_rewrite = self.storage.saving.as_ref().is_some_and(|saving| saving.target != Target::Snapshot);
        if is_rewrite {
            self.give_up_saving();
        }
        is_rewrite
    }

    fn give_up_one(&mut self, saving: &mut Saving) {
        if saving.given_up || matches!(saving.outcome, Some(Outcome::Done { .. })) {
            return;
        }
        saving.given_up = true;
        saving.piece.clear();
        self.server.keyspace.give_up_walk();
        if self.storage.snapshot.is_active() {
            self.storage.snapshot.abort();
        }
    }

    /// Gives up what is under way and waits, within bounds, until its file is gone: the process ends.
    pub(super) fn abandon_saving(&mut self) {
        self.give_up_saving();
        for _ in 0..ABANDON_STEPS {
            if !self.storage.snapshot.is_active() || self.storage.snapshot.poll().is_some() {
                return;
            }
            self.storage.threads.await_writers(ABANDON_STEP_US, &*self.server.resources.platform);
        }
    }

    /// The file has ended, well or not, and the walk with it.
    fn end_saving(&mut self, saving: Saving, outcome: &Outcome) {
        let ok = matches!(outcome, Outcome::Done { .. }) && !saving.given_up;
        self.server.persistence.walk_keys_total = 0;
        match saving.target {
            Target::Snapshot => self.end_snapshot(outcome),
            Target::Base(format) => match (&mut self.storage.log, ok) {
                (Some(log), true) if log.is_rewriting() => log.install_base(format),
                (Some(log), _) => {
                    log.abort_rewrite();
                    if let Outcome::Failed(trouble) = outcome {
                        log::error!("Background AOF rewrite failed: {trouble}");
                    }
                    self.end_rewrite(Rewrite::Failed);
                }
                (None, _) => self.end_rewrite(Rewrite::Failed),
            },
        }
        for waiting in saving.waiting {
            self.answer_waiting(waiting, if ok { Ok(()) } else { Err("ERR") });
        }
    }

    fn end_snapshot(&mut self, outcome: &Outcome) {
        let now_ms = self.server.time.monotonic_ms();
        let state = &mut self.server.persistence.snapshots;
        state.last_seconds = state.started_ms.take().map(|started| (now_ms - started) / 1000);
        state.last_was_written = matches!(outcome, Outcome::Done { .. });
        match outcome {
            Outcome::Done { bytes } => {
                self.server.dirty -= state.dirty_at_start.min(self.server.dirty);
                state.last_save_seconds = self.server.time.wall_us / 1_000_000;
                state.done += 1;
                state.last_ok = true;
                log::info!(bytes; "DB saved on disk");
                log::info!("Background saving terminated with success");
            }
            Outcome::Failed(trouble) => {
                state.last_ok = false;
                self.storage.save_not_before_ms = now_ms + SAVE_RETRY_MS;
                log::error!("Background saving error: {trouble}");
            }
            Outcome::Aborted => {
                self.storage.save_not_before_ms = now_ms + SAVE_RETRY_MS;
                log::warn!("Background saving was given up");
            }
        }
        self.settle_disk_gate();
    }

    /// A rewrite has ended. One that failed is tried again later.
    pub(super) fn end_rewrite(&mut self, rewrite: Rewrite) {
        let now_ms = self.server.time.monotonic_ms();
        let state = &mut self.server.persistence.log;
        state.last_rewrite_seconds = state.rewrite_started_ms.take().map(|started| (now_ms - started) / 1000);
        state.last_rewrite_ok = rewrite == Rewrite::Done;
        if rewrite == Rewrite::Done {
            state.rewrites += 1;
            state.rewrite_failures_in_a_row = 0;
            log::info!("Background AOF rewrite finished successfully");
        } else {
            state.rewrite_failures_in_a_row += 1;
            let failures = state.rewrite_failures_in_a_row;
            // A log that cannot go on without a new base is tried again soon; one that merely grows has time.
            let is_urgent = self.storage.log.as_ref().is_some_and(|log| log.status().needs_new_base());
            let wait_s = if is_urgent { 1 << (failures - 1).min(5) } else { 60 << failures.min(6) };
            self.storage.rewrite_not_before_ms = now_ms + wait_s * 1000;
        }
        if !self.server.config.appendonly {
            self.turn_log_off();
        } else if self.storage.log.as_ref().is_some_and(|log| log.status().needs_new_base()) {
            // It failed, or was begun while the log was off: what is acknowledged since is in no file.
            self.server.persistence.log.rewrite_scheduled = true;
        }
    }

    /// Answers a client whose call waited for something.
    fn answer_waiting(&mut self, waiting: Waiting, result: Result<(), &str>) {
        if self.server.clients.find(waiting.index).is_none_or(|client| client.id != waiting.id) {
            return;
        }
        let client = self.server.clients.get_mut(waiting.index);
        client.raised &= !gates::WAITING;
        match result {
            Ok(()) => client.output.tail().extend_from_slice(b"+OK\r\n"),
            Err(text) => client.output.tail().extend_from_slice(format!("-{text}\r\n").as_bytes()),
        }
        self.server.clients.mark_pending(waiting.index);
        self.storage.unparked = true;
    }
}
