//! Loading at the start: the log, or the snapshot, in slices, while clients hear -LOADING.

use super::storage::{location, snapshot_path};
use super::{Dispatcher, gates};
use crate::base::disk::{DiskFile, OpenMode, exists, read_full};
use crate::commands::args::Args;
use crate::commands::registry::{self, Hot};
use crate::commands::row::{Flag, Run};
use crate::formats::rdb::{ChecksumCheck, Decoder, Entry, Limits, RdbError, Step, Usage, Value, VersionCheck};
use crate::formats::resp::reply::{Protocol, Reply};
use crate::formats::resp::request::Range;
use crate::keyspace::database::{Database, Expiry, Full};
use crate::persistence::aof::read::{Call, Item, Reader, Tail};
use crate::persistence::aof::store::Store;
use crate::server::clients::{Client, ClientIndex};
use crate::server::config::{Config, RdbVersionCheck};
use crate::server::observe::turn::Phase;
use std::path::PathBuf;

/// Time that loading may take of one turn.
const SLICE_NS: u64 = 20_000_000;
/// Things loaded between two looks at the clock.
const STEP_ITEMS: usize = 512;
/// Entries, or calls, taken together: as many cache misses as a core can have under way, and some more.
const GROUP: usize = 32;
/// Bytes of calls taken together.
const GROUP_BYTES: usize = 64 * 1024;
/// Bytes of a snapshot read at once.
const PIECE_BYTES: usize = 256 * 1024;
/// What a key takes in a file, at the very least: type, and two lengths with a byte each.
const ENTRY_MIN_BYTES: u64 = 5;
/// How long the loop sleeps while the log's first base waits for the disk.
const FIRST_BASE_STEP_US: u64 = 500;

/// What is being loaded.
pub(super) struct Loading {
    source: Source,
    decoder: Option<Decoder>,
    /// The client that replayed calls run as.
    client: ClientIndex,
    db: usize,
    /// Calls of a transaction that has no end yet.
    queued: Option<Vec<Vec<Vec<u8>>>>,
    replay: Replay,
    /// Entries that are put into their database together, with their keys' hashes.
    entries: Vec<(Entry, u64)>,
    /// Whether a key that is there already may not come again.
    refuses_present: bool,
    begun_ns: u64,
}

enum Source {
    Log {
        store: Option<Store>,
        reader: Box<Reader>,
    },
    Snapshot {
        file: Box<dyn DiskFile>,
        path: PathBuf,
        offset: u64,
        total: u64,
    },
    /// Nothing any more: what the snapshot gave is being written as the log's first base.
    FirstBase,
}

impl Source {
    /// Where it stands, for messages.
    fn place(&self) -> String {
        match self {
            Source::Log { reader, .. } => {
                reader.place().map_or(String::new(), |(path, offset)| format!("{}, byte {offset}", path.display()))
            }
            Source::Snapshot { path, offset, .. } => format!("{}, before byte {offset}", path.display()),
            Source::FirstBase => String::new(),
        }
    }
}

/// Calls that run together: their keys are asked for before the first is run.
struct Replay {
    bytes: Vec<u8>,
    ranges: Vec<Range>,
    calls: Vec<Gathered>,
    reply: Reply,
    /// Whether the last call run answered an error.
    failed: bool,
}

impl Default for Replay {
    fn default() -> Replay {
        let reply = Reply::new(Default::default(), Protocol::Resp2);
        Replay { bytes: Vec::new(), ranges: Vec::new(), calls: Vec::new(), reply, failed: false }
    }
}

/// One of them: its words are so many ranges from `first` on.
struct Gathered {
    first: usize,
    count: usize,
    row: Hot,
    hash: Option<u64>,
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
            Source::FirstBase => 0,
        };
        let client = self.server.clients.add(Client { is_internal: true, authenticated: true, ..Client::default() });
        let state = &mut self.server.persistence.loading;
        (state.started_seconds, state.total_bytes, state.loaded_bytes) =
            (Some(self.server.time.wall_us / 1_000_000), total, 0);
        (state.loaded_keys, state.expired_keys, state.empty_keys) = (0, 0, 0);
        self.server.raised |= gates::LOADING;
        self.server.settle_expired();
        let begun_ns = self.server.clock.monotonic_ns();
        self.storage.loading = Some(Loading {
            source,
            decoder: None,
            client,
            db: 0,
            queued: None,
            replay: Replay::default(),
            entries: Vec::new(),
            refuses_present: false,
            begun_ns,
        });
    }

    /// Begins to load the snapshot (DEBUG RELOAD). Its keys replace those that are there, unless `refuses_present`: then such
    /// a key ends the loading.
    pub(super) fn begin_loading_snapshot(&mut self, refuses_present: bool) -> Result<(), Refusal> {
        match self.open_snapshot()? {
            Some(source) => self.begin_loading_from(source),
            None => return Err(format!("{} is not there", snapshot_path(&self.server.config).display())),
        }
        if let Some(loading) = &mut self.storage.loading {
            loading.refuses_present = refuses_present;
        }
        Ok(())
    }

    /// Begins to load the log (DEBUG LOADAOF), which goes on behind it if the configuration says so.
    pub(super) fn begin_loading_log(&mut self) -> Result<(), Refusal> {
        if self.server.config.appendonly {
            return self.begin_loading();
        }
        let store =
            Store::inspect(self.storage.disk.clone(), location(&self.server.config)).map_err(|e| e.to_string())?;
        let reader = Box::new(Reader::open(&store, Tail::Report).map_err(|e| e.to_string())?);
        self.begin_loading_from(Source::Log { store: None, reader });
        Ok(())
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
        Ok(Some(Source::Snapshot { file, path, offset: 0, total }))
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
        self.server.read_clock();
        self.server.event_loop.lap(Phase::Commands, self.server.time.monotonic_ns);
        let loaded = self.load_slice();
        self.lap(Phase::Loading);
        loaded
    }

    fn load_slice(&mut self) -> Result<(), Refusal> {
        let begun = self.server.time.monotonic_ns;
        let Some(mut loading) = self.storage.loading.take() else { return Ok(()) };
        if matches!(loading.source, Source::FirstBase) {
            return self.step_first_base(loading);
        }
        let mut done = false;
        while !done && self.server.clock.monotonic_ns() - begun < SLICE_NS {
            match self.load_some(&mut loading) {
                Ok(at_end) => done = at_end,
                Err(refusal) => {
                    self.leave_loading(loading.client);
                    return Err(refusal);
                }
            }
        }
        if done {
            return self.end_loading(loading);
        }
        self.server.persistence.loading.loaded_bytes = match &loading.source {
            Source::Log { reader, .. } => reader.read_bytes(),
            Source::Snapshot { offset, .. } => *offset,
            Source::FirstBase => return Ok(()),
        };
        self.storage.loading = Some(loading);
        Ok(())
    }

    /// Goes on with the log's first base. Until it is in force nothing can be made durable, so no client is served: what would be
    /// acknowledged could be lost.
    fn step_first_base(&mut self, loading: Loading) -> Result<(), Refusal> {
        self.tick_log();
        if !self.step_saving() {
            self.storage.threads.await_writers(FIRST_BASE_STEP_US, &*self.server.resources.platform);
        }
        let awaits_base = self.storage.log.as_ref().is_some_and(|log| log.status().needs_new_base());
        if awaits_base && self.server.persistence.log.rewrite_started_ms.is_some() {
            self.storage.loading = Some(loading);
            return Ok(());
        }
        self.leave_loading(loading.client);
        match awaits_base {
            true => Err("The append only file's first base cannot be written".into()),
            false => Ok(()),
        }
    }

    /// Loads a few hundred things; true at the end.
    fn load_some(&mut self, loading: &mut Loading) -> Result<bool, Refusal> {
        let done = match (&loading.decoder, &loading.source) {
            (None, Source::Log { .. }) => self.load_calls(loading)?,
            (None, Source::Snapshot { .. } | Source::FirstBase) => {
                loading.decoder = Some(self.decoder());
                false
            }
            (Some(_), _) => self.load_entries(loading)?,
        };
        self.put_entries(loading)?;
        self.run_gathered(loading.client, &mut loading.replay);
        self.collect_removals();
        Ok(done)
    }

    fn load_calls(&mut self, loading: &mut Loading) -> Result<bool, Refusal> {
        for _ in 0..STEP_ITEMS {
            let Source::Log { reader, .. } = &mut loading.source else { return Ok(true) };
            match reader.next().map_err(|e| e.to_string())? {
                Item::End => return Ok(true),
                Item::Rdb => {
                    loading.decoder = Some(self.decoder());
                    return Ok(false);
                }
                Item::File { name, is_base } => {
                    let what = if is_base { "base" } else { "incr" };
                    log::info!("Reading {what} AOF file {}", String::from_utf8_lossy(name));
                    self.run_gathered(loading.client, &mut loading.replay);
                    self.server.clients.get_mut(loading.client).db = 0;
                    loading.queued = None;
                }
                Item::Call(call) => {
                    self.delay_load();
                    let Loading { client, queued, replay, .. } = loading;
                    if let Err(reason) = self.replay(*client, queued, replay, &call) {
                        return Err(format!("{reason} ({})", loading.source.place()));
                    }
                }
            }
        }
        Ok(false)
    }

    /// `key-load-delay`: tests hold a load open with it.
    fn delay_load(&self) {
        if let Ok(delay_us @ 1..) = u64::try_from(self.server.config.key_load_delay_us) {
            self.server.resources.platform.sleep_us(delay_us);
        }
    }

    fn decoder(&self) -> Decoder {
        Decoder::new(Limits {
            max_string_bytes: self.server.config.proto_max_bulk_len_bytes.max(512 << 20),
            versions: match self.server.config.rdb_version_check {
                RdbVersionCheck::Strict => VersionCheck::Strict,
                RdbVersionCheck::Relaxed => VersionCheck::Relaxed,
            },
            checksum: if self.server.config.rdbchecksum {
                self.server.debug.payload_checksums
            } else {
                ChecksumCheck::Skip
            },
            encodings: self.server.encodings,
        })
    }

    fn load_entries(&mut self, loading: &mut Loading) -> Result<bool, Refusal> {
        for _ in 0..STEP_ITEMS {
            if loading.entries.len() >= GROUP {
                self.put_entries(loading)?;
            }
            let decoder = loading.decoder.as_mut().expect("checked by the caller");
            match decoder.next().map_err(|error| unreadable(error, &loading.source))? {
                Step::Entry(entry) => {
                    self.delay_load();
                    // The cache has until the group is full to bring the bucket.
                    let db = self.server.keyspace.db(loading.db);
                    let hash = db.hash(&entry.key);
                    db.prefetch_bucket(hash);
                    loading.entries.push((entry, hash));
                }
                Step::SelectDb(number) => {
                    if number >= self.server.keyspace.count() as u64 {
                        return Err(format!(
                            "FATAL: Data file was created with a Redis server configured to handle more than {} databases. Exiting ({})",
                            self.server.keyspace.count(),
                            loading.source.place()
                        ));
                    }
                    self.put_entries(loading)?;
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
                        Source::FirstBase => 0,
                    };
                    if fed == 0 {
                        return Err(unreadable(decoder.cut_off(), &loading.source));
                    }
                }
                Step::End { consumed, .. } => {
                    self.put_entries(loading)?;
                    loading.decoder = None;
                    return match &mut loading.source {
                        Source::Log { reader, .. } => {
                            reader.end_rdb(consumed);
                            Ok(false)
                        }
                        Source::Snapshot { .. } | Source::FirstBase => Ok(true),
                    };
                }
                Step::ResizeDb { keys, .. } => {
                    // The file's word is taken as far as it has room for so many.
                    let most = self.server.persistence.loading.total_bytes / ENTRY_MIN_BYTES;
                    self.server.keyspace.db(loading.db).expect_keys(keys.min(most) as usize);
                }
                Step::Aux { .. } => {}
                Step::Function(_) => {
                    return Err("The file holds a library of functions, which this version cannot run".into());
                }
            }
        }
        Ok(false)
    }

    /// Puts the entries gathered into their database.
    fn put_entries(&mut self, loading: &mut Loading) -> Result<(), Refusal> {
        if loading.entries.is_empty() {
            return Ok(());
        }
        let now = self.server.now();
        let is_snapshot = matches!(loading.source, Source::Snapshot { .. });
        let db = self.server.keyspace.db(loading.db);
        db.now = now;
        for (entry, hash) in loading.entries.drain(..) {
            // What follows in a log was true of keys past their deadline, too, until it says that they have gone.
            if is_snapshot && entry.deadline_ms.is_some_and(|deadline| deadline <= now.ms) {
                self.server.persistence.loading.expired_keys += 1;
                continue;
            }
            if entry.value == Value::Empty {
                log::info!("Loading RDB, skipping empty key: {}", shown_key(&self.server.config, &entry.key));
                self.server.persistence.loading.empty_keys += 1;
                continue;
            }
            if loading.refuses_present && db.peek(&entry.key).is_some() {
                let key = shown_key(&self.server.config, &entry.key);
                return Err(format!("RDB has duplicated key '{key}' in DB {}", loading.db));
            }
            put_entry(db, entry, hash)
                .map_err(|_| "The data set has more keys than a database can hold".to_string())?;
            self.server.persistence.loading.loaded_keys += 1;
        }
        db.forget_hash();
        Ok(())
    }

    /// Takes a call of the log. MULTI gathers until EXEC: a group takes effect whole.
    fn replay(
        &mut self,
        client: ClientIndex,
        queued: &mut Option<Vec<Vec<Vec<u8>>>>,
        replay: &mut Replay,
        call: &Call<'_>,
    ) -> Result<(), Refusal> {
        let name = call.args().next().unwrap_or_default();
        if name.eq_ignore_ascii_case(b"multi") {
            *queued = Some(Vec::new());
        } else if name.eq_ignore_ascii_case(b"exec") {
            for words in queued.take().unwrap_or_default() {
                self.run_gathered(client, replay);
                let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
                self.take_call(client, replay, words.into_iter())?;
            }
        } else if let Some(calls) = queued {
            calls.push(call.args().map(<[u8]>::to_vec).collect());
        } else {
            self.take_call(client, replay, call.args())?;
        }
        Ok(())
    }

    /// Gathers a call that changes one database; runs what is gathered before any other.
    fn take_call<'a>(
        &mut self,
        client: ClientIndex,
        replay: &mut Replay,
        words: impl ExactSizeIterator<Item = &'a [u8]>,
    ) -> Result<(), Refusal> {
        let count = words.len();
        let first = replay.ranges.len();
        for word in words {
            let start = replay.bytes.len();
            replay.bytes.extend_from_slice(word);
            let (Ok(start), Ok(end)) = (u32::try_from(start), u32::try_from(replay.bytes.len())) else {
                return Err("A call is longer than 4 GiB".into());
            };
            replay.ranges.push(Range { start, end });
        }
        let Range { start, end } = replay.ranges[first];
        let name = &replay.bytes[start as usize..end as usize];
        let Some(mut row) = self.lookup.find(name).copied() else {
            return Err(format!("Unknown command '{}' reading the append only file", String::from_utf8_lossy(name)));
        };
        if !row.command.subcommands.is_empty() && count > 1 {
            let args = Args::new(&replay.bytes, &replay.ranges[first..], &mut [], None, false);
            row = self.subcommand(&row, &args).map_err(|error| error.text().into_owned())?;
        }
        if !row.command.arity.fits(count) {
            return Err(format!("Wrong number of arguments for '{}'", registry::all()[row.id].full_name));
        }
        let hash = match row.ahead_key {
            0 => None,
            key => {
                let Range { start, end } = replay.ranges[first + key as usize];
                let db = self.server.keyspace.db(self.server.clients.get(client).db);
                let hash = db.hash(&replay.bytes[start as usize..end as usize]);
                db.prefetch_bucket(hash);
                Some(hash)
            }
        };
        replay.calls.push(Gathered { first, count, row, hash });
        let is_plain = matches!(row.command.run, Run::Data(_));
        if !is_plain || replay.calls.len() >= GROUP || replay.bytes.len() >= GROUP_BYTES {
            self.run_gathered(client, replay);
            if row.command.name == "select" && replay.failed {
                return Err("The log selects a database that the configuration does not allow".into());
            }
        }
        Ok(())
    }

    /// Runs the calls gathered.
    fn run_gathered(&mut self, client: ClientIndex, replay: &mut Replay) {
        let number = self.server.clients.get(client).db;
        for hash in replay.calls.iter().filter_map(|call| call.hash) {
            self.server.keyspace.db(number).prefetch_record(hash);
        }
        for Gathered { first, count, row, hash } in replay.calls.drain(..) {
            // Nothing else changes data; and a log does not run the server.
            if !row.command.has(Flag::Write) && row.command.name != "select" {
                continue;
            }
            let mark = replay.reply.mark();
            let ranges = &replay.ranges[first..first + count];
            let mut args = Args::new(&replay.bytes, ranges, &mut [], None, false);
            // An error here was an error then: what it left unchanged stays so.
            replay.failed = self.run_row(client, &row, &mut args, hash, &mut replay.reply).is_err();
            replay.reply.out.cut_back(mark);
            self.effects.clear();
        }
        replay.bytes.clear();
        replay.ranges.clear();
        self.server.requests.clear();
    }

    /// Loading is over, well or not.
    fn leave_loading(&mut self, client: ClientIndex) {
        self.server.clients.remove(client);
        self.server.persistence.loading.started_seconds = None;
        self.set_gate(gates::LOADING, false);
        self.server.settle_expired();
    }

    fn end_loading(&mut self, mut loading: Loading) -> Result<(), Refusal> {
        let seconds = (self.server.clock.monotonic_ns() - loading.begun_ns) as f64 / 1e9;
        let keys: usize = self.server.keyspace.all().iter().map(|db| db.len()).sum();
        if let Source::Log { store, mut reader } = loading.source {
            reader.take_notices().iter().for_each(|notice| log::warn!("{notice}"));
            self.leave_loading(loading.client);
            if let Some(store) = store {
                self.begin_log(store, reader.end(), false).map_err(|e| e.to_string())?;
            }
            log::info!("DB loaded from append only file: {seconds:.3} seconds, {keys} keys");
        } else {
            let state = &self.server.persistence.loading;
            log::info!(
                "Done loading RDB, keys loaded: {}, keys expired: {}, empty keys skipped: {}.",
                state.loaded_keys,
                state.expired_keys,
                state.empty_keys
            );
            log::info!("DB loaded from disk: {seconds:.3} seconds");
            self.server.dirty = 0;
            if self.server.config.appendonly && self.storage.log.is_none() {
                self.turn_log_on().map_err(|e| e.to_string())?;
                self.start_rewrite();
                loading.source = Source::FirstBase;
                self.storage.loading = Some(loading);
                return Ok(());
            }
            self.leave_loading(loading.client);
        }
        self.server.dirty = 0;
        Ok(())
    }
}

/// Says what is wrong with RDB data, and gives why the server cannot go on.
fn unreadable(error: RdbError, source: &Source) -> Refusal {
    log::error!("{error} ({})", source.place());
    format!("Terminating server after rdb file reading failure. {}", error.reason)
}

/// A key as the log may tell it.
fn shown_key(config: &Config, key: &[u8]) -> String {
    if config.hide_user_data_from_log { "*redacted*".into() } else { key.escape_ascii().to_string() }
}

fn put_entry(db: &mut Database, entry: Entry, hash: u64) -> Result<(), Full> {
    db.expect_key(&entry.key, hash);
    let expiry = entry.deadline_ms.map_or(Expiry::Clear, Expiry::At);
    db.put_decoded(&entry.key, entry.value, expiry)?;
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
    Ok(())
}
