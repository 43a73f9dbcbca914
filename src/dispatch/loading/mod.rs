//! Loading at the start: the log, or the snapshot, in slices, while clients hear -LOADING.
//!
//! `persistence::load` reads and verifies, on another thread if there is a CPU for it; `apply` puts what was read into the keyspace.

mod apply;

use super::log::FirstBase;
use super::saving::Beside;
use super::storage::{location, snapshot_path};
use super::{Dispatcher, gates};
use crate::base::disk::exists;
use crate::formats::rdb::{ChecksumCheck, Limits, VersionCheck};
use crate::persistence::aof::read::{Reader, Tail};
use crate::persistence::aof::store::Store;
use crate::persistence::load::{Batches, LoadEnd, Loader};
use crate::server::clients::Client;
use crate::server::config::RdbVersionCheck;
use crate::server::observe::turn::Phase;
use apply::Applying;
use std::time::Duration;

/// Time that loading may take of one turn.
const SLICE_NS: u64 = 20_000_000;
/// How long the loop waits for what is read on another thread, before clients have their turn.
const BATCH_PATIENCE: Duration = Duration::from_millis(5);
/// How often a long start is told of in the log.
const PROGRESS_NS: u64 = 5_000_000_000;
/// How long the loop sleeps while the log's first base waits for the disk.
const FIRST_BASE_STEP_US: u64 = 500;

/// What is being loaded.
pub(super) struct Loading {
    source: Source,
    applying: Applying,
    begun_ns: u64,
    /// When the log was told of the progress last.
    told_ns: u64,
}

enum Source {
    Log {
        /// Where the log goes on, unless what is loaded is not to be continued.
        store: Option<Box<Store>>,
        batches: Batches,
    },
    Snapshot(Batches),
    /// Nothing any more: what the snapshot gave is being written as the log's first base.
    FirstBase,
}

/// Why the server cannot start.
pub type Refusal = String;

impl Dispatcher {
    /// Begins to load what the configuration says. When nothing is there, the server is ready at once.
    pub fn begin_loading(&mut self) -> Result<(), Refusal> {
        self.server.read_clock();
        let place = location(&self.server.config);
        let store = self.server.config.appendonly.then(|| Store::open(self.storage.disk.clone(), place));
        let store = store.transpose().map_err(|e| e.to_string())?;
        for path in store.iter().flat_map(Store::unlisted) {
            log::warn!(
                "{} is in no AOF manifest, since there is none: it is not loaded, and left as it is",
                path.display()
            );
        }
        match store {
            Some(store) if !store.manifest().is_empty() => {
                let tail = if self.server.config.aof_load_truncated { Tail::Cut } else { Tail::Refuse };
                let reader = Reader::open(&store, tail).map_err(|e| e.to_string())?;
                self.begin_loading_log_from(reader, Some(store));
            }
            store => match (self.open_snapshot()?, store) {
                (Some(loader), _) => self.begin_loading_from(loader, Source::Snapshot),
                (None, Some(store)) => {
                    self.begin_log(store, Default::default(), FirstBase::InForce).map_err(|e| e.to_string())?
                }
                (None, None) => {}
            },
        }
        Ok(())
    }

    /// Begins to load the snapshot (DEBUG RELOAD). Its keys replace those that are there, unless `refuses_present`: then such
    /// a key ends the loading.
    pub(super) fn begin_loading_snapshot(&mut self, refuses_present: bool) -> Result<(), Refusal> {
        match self.open_snapshot()? {
            Some(loader) => self.begin_loading_from(loader, Source::Snapshot),
            None => return Err(format!("{} is not there", snapshot_path(&self.server.config).display())),
        }
        if let Some(loading) = &mut self.storage.loading {
            loading.applying.refuses_present = refuses_present;
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
        let reader = Reader::open(&store, Tail::Report).map_err(|e| e.to_string())?;
        self.begin_loading_log_from(reader, None);
        Ok(())
    }

    fn open_snapshot(&mut self) -> Result<Option<Loader>, Refusal> {
        let path = snapshot_path(&self.server.config);
        // Without a name it is the directory, which is there.
        if self.server.config.dbfilename.is_empty() || !exists(&*self.storage.disk, &path) {
            return Ok(None);
        }
        let hasher = self.server.keyspace.db(0).hasher();
        let loader = Loader::of_snapshot(&*self.storage.disk, &path, self.rdb_limits(), hasher).map_err(|e| {
            format!("Fatal error loading the DB, check server logs. Can't open {}: {e}", path.display())
        })?;
        Ok(Some(loader))
    }

    fn begin_loading_log_from(&mut self, reader: Reader, store: Option<Store>) {
        let loader = Loader::of_log(reader, self.rdb_limits(), self.server.keyspace.db(0).hasher());
        let store = store.map(Box::new);
        self.begin_loading_from(loader, |batches| Source::Log { store, batches });
    }

    fn begin_loading_from(&mut self, loader: Loader, source: impl FnOnce(Batches) -> Source) {
        let client = self.server.clients.add(Client { is_internal: true, authenticated: true, ..Client::default() });
        let state = &mut self.server.persistence.loading;
        (state.started_seconds, state.total_bytes, state.loaded_bytes) =
            (Some(self.server.time.wall_us / 1_000_000), loader.total_bytes(), 0);
        (state.loaded_keys, state.expired_keys, state.empty_keys) = (0, 0, 0);
        self.server.raised |= gates::LOADING;
        self.server.settle_expired();
        let begun_ns = self.server.clock.monotonic_ns();
        let source = source(self.storage.threads.run_loader(loader));
        let applying = Applying::new(client, matches!(source, Source::Snapshot(_)));
        self.storage.loading = Some(Loading { source, applying, begun_ns, told_ns: begun_ns });
    }

    fn rdb_limits(&self) -> Limits {
        Limits {
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
        }
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
        while self.server.clock.monotonic_ns() - begun < SLICE_NS {
            let Loading { source, applying, .. } = &mut loading;
            let batches = match source {
                Source::Log { batches, .. } | Source::Snapshot(batches) => batches,
                Source::FirstBase => return self.step_first_base(loading),
            };
            if applying.batch.is_empty() && !batches.next(&mut applying.batch, BATCH_PATIENCE) {
                break;
            }
            match self.apply_some(applying) {
                Ok(None) => {}
                Ok(Some(end)) => return self.end_loading(loading, end),
                Err(refusal) => {
                    self.leave_loading(&loading);
                    return Err(refusal);
                }
            }
        }
        self.server.persistence.loading.loaded_bytes = loading.applying.batch.read_bytes;
        self.tell_progress(&mut loading);
        self.storage.loading = Some(loading);
        Ok(())
    }

    fn tell_progress(&self, loading: &mut Loading) {
        let now_ns = self.server.clock.monotonic_ns();
        if now_ns - loading.told_ns < PROGRESS_NS {
            return;
        }
        loading.told_ns = now_ns;
        let state = &self.server.persistence.loading;
        let keys: usize = self.server.keyspace.all().iter().map(|db| db.len()).sum();
        let seconds = (now_ns - loading.begun_ns) / 1_000_000_000;
        log::info!(
            "Loading: {} of {} bytes in {seconds} seconds, {keys} keys so far",
            state.loaded_bytes,
            state.total_bytes
        );
    }

    /// Goes on with the log's first base. Until it is in force nothing can be made durable, so no client is served: what would be
    /// acknowledged could be lost.
    fn step_first_base(&mut self, loading: Loading) -> Result<(), Refusal> {
        self.tick_log();
        if self.step_saving(Beside::Nobody).is_none() {
            self.storage.threads.await_writers(FIRST_BASE_STEP_US, &*self.server.resources.platform);
        }
        let awaits_base = self.storage.log.as_ref().is_some_and(|log| log.status().needs_new_base());
        if awaits_base && self.server.persistence.log.rewrite_started_ms.is_some() {
            self.storage.loading = Some(loading);
            return Ok(());
        }
        self.leave_loading(&loading);
        match awaits_base {
            true => Err("The append only file's first base cannot be written".into()),
            false => Ok(()),
        }
    }

    /// Loading is over, well or not.
    fn leave_loading(&mut self, loading: &Loading) {
        self.server.clients.remove(loading.applying.client());
        self.server.persistence.loading.started_seconds = None;
        self.server.set_gate(gates::LOADING, false);
        self.server.settle_expired();
    }

    fn end_loading(&mut self, mut loading: Loading, end: LoadEnd) -> Result<(), Refusal> {
        let seconds = (self.server.clock.monotonic_ns() - loading.begun_ns) as f64 / 1e9;
        let keys: usize = self.server.keyspace.all().iter().map(|db| db.len()).sum();
        end.notices.iter().for_each(|notice| log::warn!("{notice}"));
        if let Source::Log { store, .. } = &mut loading.source {
            let store = store.take();
            self.leave_loading(&loading);
            if let Some(store) = store {
                self.begin_log(*store, end.log.unwrap_or_default(), FirstBase::InForce).map_err(|e| e.to_string())?;
            }
            log::info!("DB loaded from append only file: {seconds:.3} seconds, {keys} keys");
            self.server.dirty = 0;
            return Ok(());
        }
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
        self.leave_loading(&loading);
        self.server.dirty = 0;
        Ok(())
    }
}
