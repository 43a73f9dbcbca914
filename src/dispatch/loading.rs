//! Loading at the start: the log, or the snapshot, in slices, while clients hear -LOADING.

use super::storage::{location, snapshot_path};
use super::{Dispatcher, gates};
use crate::base::disk::{DiskFile, OpenMode, exists, read_full};
use crate::commands::args::Args;
use crate::formats::rdb::{ChecksumCheck, Decoder, Entry, Limits, Step, Usage, Value, VersionCheck};
use crate::formats::resp::reply::{Protocol, Reply};
use crate::formats::resp::request::Range;
use crate::keyspace::database::Expiry;
use crate::persistence::aof::read::{Item, Reader, Tail};
use crate::persistence::aof::store::Store;
use crate::server::clients::{Client, ClientIndex};
use crate::server::config::RdbVersionCheck;
use crate::structures::record_arena::INLINE_MAX;
use crate::values::string::NewText;

/// Time that loading may take of one turn.
const SLICE_NS: u64 = 20_000_000;
/// Things loaded between two looks at the clock.
const STEP_ITEMS: usize = 512;
/// Bytes of a snapshot read at once.
const PIECE_BYTES: usize = 256 * 1024;

/// What is being loaded.
pub(super) struct Loading {
    source: Source,
    decoder: Option<Decoder>,
    /// The client that replayed calls run as.
    client: ClientIndex,
    db: usize,
    queued: Option<Vec<Vec<Vec<u8>>>>,
    begun_ns: u64,
}

enum Source {
    Log { store: Option<Store>, reader: Box<Reader> },
    Snapshot { file: Box<dyn DiskFile>, offset: u64, total: u64 },
}

/// Why the server cannot start.
pub type Refusal = String;

impl Dispatcher {
    /// Begins to load what the configuration says. When nothing is there, the server is ready at once.
    pub fn begin_loading(&mut self) -> Result<(), Refusal> {
        self.server.read_clock();
        let source = if self.server.config.appendonly { self.open_log()? } else { self.open_snapshot()? };
        let Some(source) = source else { return Ok(()) };
        self.begin_loading_from(source);
        Ok(())
    }

    fn begin_loading_from(&mut self, source: Source) {
        let total = match &source {
            Source::Log { reader, .. } => reader.total_bytes(),
            Source::Snapshot { total, .. } => *total,
        };
        let client = self.server.clients.add(Client { is_internal: true, authenticated: true, ..Client::default() });
        let state = &mut self.server.persistence.loading;
        (state.started_seconds, state.total_bytes, state.loaded_bytes) =
            (Some(self.server.time.wall_us / 1_000_000), total, 0);
        (state.loaded_keys, state.expired_keys) = (0, 0);
        self.server.raised |= gates::LOADING;
        self.server.keyspace.all_mut().iter_mut().for_each(|db| db.removes_expired = false);
        let begun_ns = self.server.clock.monotonic_ns();
        self.storage.loading = Some(Loading { source, decoder: None, client, db: 0, queued: None, begun_ns });
    }

    /// Begins to load the snapshot (DEBUG RELOAD); whether there is one.
    pub(super) fn begin_loading_snapshot(&mut self) -> Result<bool, Refusal> {
        let source = self.open_snapshot()?;
        let is_there = source.is_some();
        if let Some(source) = source {
            self.begin_loading_from(source);
        }
        Ok(is_there)
    }

    fn open_log(&mut self) -> Result<Option<Source>, Refusal> {
        let store = Store::open(self.storage.disk.clone(), location(&self.server.config)).map_err(|e| e.to_string())?;
        if store.manifest().is_empty() {
            let snapshot = self.open_snapshot()?;
            if snapshot.is_none() {
                self.begin_log(store, Default::default(), false).map_err(|e| e.to_string())?;
            }
            return Ok(snapshot);
        }
        let tail = if self.server.config.aof_load_truncated { Tail::Cut } else { Tail::Refuse };
        let reader = Reader::open(&store, tail).map_err(|e| e.to_string())?;
        Ok(Some(Source::Log { store: Some(store), reader: Box::new(reader) }))
    }

    fn open_snapshot(&mut self) -> Result<Option<Source>, Refusal> {
        let path = snapshot_path(&self.server.config);
        if !exists(&*self.storage.disk, &path) {
            return Ok(None);
        }
        let refused = |e: std::io::Error| {
            format!("Fatal error loading the DB, check server logs. Can't open {}: {e}", path.display())
        };
        let file = self.storage.disk.open(&path, OpenMode::Read).map_err(refused)?;
        let total = file.len().map_err(refused)?;
        Ok(Some(Source::Snapshot { file, offset: 0, total }))
    }

    /// Whether something is being loaded.
    pub fn is_loading(&self) -> bool {
        self.storage.loading.is_some()
    }

    /// Goes on loading for a slice of time.
    ///
    /// # Errors
    /// The files cannot be loaded: the server must not go on.
    pub fn step_loading(&mut self) -> Result<(), Refusal> {
        let begun = self.server.clock.monotonic_ns();
        self.server.read_clock();
        let Some(mut loading) = self.storage.loading.take() else { return Ok(()) };
        let mut done = false;
        while !done && self.server.clock.monotonic_ns() - begun < SLICE_NS {
            done = self.load_some(&mut loading)?;
        }
        if done {
            return self.end_loading(loading);
        }
        self.server.persistence.loading.loaded_bytes = match &loading.source {
            Source::Log { reader, .. } => reader.read_bytes(),
            Source::Snapshot { offset, .. } => *offset,
        };
        self.storage.loading = Some(loading);
        Ok(())
    }

    /// Loads a few hundred things; true at the end.
    fn load_some(&mut self, loading: &mut Loading) -> Result<bool, Refusal> {
        if loading.decoder.is_some() {
            return self.load_snapshot_part(loading);
        }
        let Loading { source: Source::Log { reader, .. }, .. } = loading else {
            loading.decoder = Some(self.decoder());
            return Ok(false);
        };
        for _ in 0..STEP_ITEMS {
            match reader.next().map_err(|e| e.to_string())? {
                Item::End => return Ok(true),
                Item::Rdb => {
                    loading.decoder = Some(self.decoder());
                    return Ok(false);
                }
                Item::File { name, is_base } => {
                    let what = if is_base { "base" } else { "incr" };
                    log::info!("Reading {what} AOF file {}", String::from_utf8_lossy(name));
                    self.server.clients.get_mut(loading.client).db = 0;
                    loading.queued = None;
                }
                Item::Call(call) => {
                    let ranges: smallvec::SmallVec<[Range; 8]> =
                        call.ranges().iter().map(|r| Range { start: r.start as u32, end: r.end as u32 }).collect();
                    let mut args = Args::new(call.bytes(), &ranges, &mut [], None, false);
                    self.replay(loading.client, &mut loading.queued, &mut args)?;
                }
            }
        }
        Ok(false)
    }

    fn decoder(&self) -> Decoder {
        let skips = !self.server.config.rdbchecksum || self.server.debug.skips_checksums;
        Decoder::new(Limits {
            max_string_bytes: self.server.config.proto_max_bulk_len_bytes.max(512 << 20),
            versions: match self.server.config.rdb_version_check {
                RdbVersionCheck::Strict => VersionCheck::Strict,
                RdbVersionCheck::Relaxed => VersionCheck::Relaxed,
            },
            checksum: if skips { ChecksumCheck::Skip } else { ChecksumCheck::Verify },
        })
    }

    fn load_snapshot_part(&mut self, loading: &mut Loading) -> Result<bool, Refusal> {
        let decoder = loading.decoder.as_mut().expect("checked by the caller");
        for _ in 0..STEP_ITEMS {
            match decoder.next().map_err(|e| e.to_string())? {
                Step::Entry(entry) => self.load_entry(loading.db, entry)?,
                Step::SelectDb(number) => {
                    if number >= self.server.keyspace.count() as u64 {
                        return Err(format!(
                            "FATAL: Data file was created with a Redis server configured to handle more than {} databases. Exiting",
                            self.server.keyspace.count()
                        ));
                    }
                    loading.db = number as usize;
                }
                Step::NeedMore => {
                    let fed = match &mut loading.source {
                        Source::Log { reader, .. } => {
                            let piece = reader.rdb_piece().map_err(|e| e.to_string())?;
                            decoder.feed(piece);
                            piece.len()
                        }
                        Source::Snapshot { file, offset, .. } => {
                            let mut piece = vec![0; PIECE_BYTES];
                            let n = read_full(&**file, &mut piece, *offset)
                                .map_err(|e| format!("Can't read the RDB file: {e}"))?;
                            decoder.feed(&piece[..n]);
                            *offset += n as u64;
                            n
                        }
                    };
                    if fed == 0 {
                        return Err(format!(
                            "{} Terminating server after rdb file reading failure.",
                            decoder.cut_off()
                        ));
                    }
                }
                Step::End { consumed, .. } => {
                    loading.decoder = None;
                    return match &mut loading.source {
                        Source::Log { reader, .. } => {
                            reader.end_rdb(consumed);
                            Ok(false)
                        }
                        Source::Snapshot { .. } => Ok(true),
                    };
                }
                Step::Aux { .. } | Step::ResizeDb { .. } => {}
                Step::Function(_) => {
                    return Err("The file holds a library of functions, which this version cannot run".into());
                }
            }
        }
        Ok(false)
    }

    fn load_entry(&mut self, db: usize, entry: Entry) -> Result<(), Refusal> {
        let now = self.server.now();
        if entry.deadline_ms.is_some_and(|deadline| deadline <= now.ms) && !self.server.config.appendonly {
            self.server.persistence.loading.expired_keys += 1;
            return Ok(());
        }
        let db = self.server.keyspace.db(db);
        db.now = now;
        let expiry = entry.deadline_ms.map_or(Expiry::Clear, Expiry::At);
        let result = match entry.value {
            Value::Int(n) => db.set(&entry.key, NewText::Int(n), expiry),
            Value::Bytes(bytes) if bytes.len() <= INLINE_MAX => db.set(&entry.key, NewText::of(&bytes), expiry),
            Value::Bytes(bytes) => db.set(&entry.key, NewText::Owned(bytes), expiry),
        };
        result.map_err(|_| "The data set has more keys than a database can hold".to_string())?;
        match entry.usage {
            Usage::IdleSeconds(seconds) => {
                if let Some(handle) = db.peek(&entry.key) {
                    db.set_idle_ms(handle, seconds * 1000);
                }
            }
            Usage::Frequency(counter) => {
                if let Some(handle) = db.peek(&entry.key) {
                    db.set_frequency(handle, counter);
                }
            }
            Usage::Unknown => {}
        }
        self.server.persistence.loading.loaded_keys += 1;
        Ok(())
    }

    /// Runs a call of the log. MULTI gathers until EXEC: a group takes effect whole.
    fn replay(
        &mut self,
        client: ClientIndex,
        queued: &mut Option<Vec<Vec<Vec<u8>>>>,
        args: &mut Args<'_>,
    ) -> Result<(), Refusal> {
        if args.is(0, "multi") {
            *queued = Some(Vec::new());
            return Ok(());
        }
        if args.is(0, "exec") {
            for call in queued.take().unwrap_or_default() {
                self.replay_words(client, &call)?;
            }
            return Ok(());
        }
        if let Some(calls) = queued {
            calls.push(args.to_vecs());
            return Ok(());
        }
        self.replay_one(client, args)
    }

    fn replay_words(&mut self, client: ClientIndex, words: &[Vec<u8>]) -> Result<(), Refusal> {
        let buffer = words.concat();
        let mut end = 0;
        let ranges: Vec<Range> = words
            .iter()
            .map(|word| {
                let start = end;
                end += word.len() as u32;
                Range { start, end }
            })
            .collect();
        self.replay_one(client, &mut Args::new(&buffer, &ranges, &mut [], None, false))
    }

    fn replay_one(&mut self, client: ClientIndex, args: &mut Args<'_>) -> Result<(), Refusal> {
        let Some(row) = self.lookup.find(args.get(0)).copied() else {
            return Err(format!(
                "Unknown command '{}' reading the append only file",
                String::from_utf8_lossy(args.get(0))
            ));
        };
        let mut reply = Reply::new(Default::default(), Protocol::Resp2);
        self.effects.clear();
        // An error here was an error then: what it left unchanged stays so.
        let _ = self.run_row(client, &row, args, None, &mut reply);
        self.effects.clear();
        if self.server.keyspace.all().iter().any(|db| db.has_removals()) {
            self.collect_removals();
        }
        Ok(())
    }

    fn end_loading(&mut self, loading: Loading) -> Result<(), Refusal> {
        self.server.clients.remove(loading.client);
        let seconds = (self.server.clock.monotonic_ns() - loading.begun_ns) as f64 / 1e9;
        self.server.keyspace.all_mut().iter_mut().for_each(|db| db.removes_expired = true);
        let keys: usize = self.server.keyspace.all().iter().map(|db| db.len()).sum();
        let from_snapshot = matches!(loading.source, Source::Snapshot { .. });
        if let Source::Log { store, mut reader } = loading.source {
            reader.take_notices().iter().for_each(|notice| log::warn!("{notice}"));
            if let Some(store) = store {
                self.begin_log(store, reader.end(), false).map_err(|e| e.to_string())?;
            }
            log::info!("DB loaded from append only file: {seconds:.3} seconds, {keys} keys");
        } else {
            let state = &self.server.persistence.loading;
            log::info!("Done loading RDB, keys loaded: {}, keys expired: {}.", state.loaded_keys, state.expired_keys);
            log::info!("DB loaded from disk: {seconds:.3} seconds");
        }
        if from_snapshot && self.server.config.appendonly && self.storage.log.is_none() {
            self.turn_log_on().map_err(|e| e.to_string())?;
        }
        self.server.dirty = 0;
        self.server.persistence.loading.started_seconds = None;
        self.set_gate(gates::LOADING, false);
        Ok(())
    }
}
