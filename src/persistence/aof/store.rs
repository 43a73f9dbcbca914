//! Where the log's files stand, what they are called, and how the manifest is replaced so that a crash finds the old or the new one.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fmt;
use std::io::IoSlice;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::disk::{Disk, FileLock, OpenMode, exists, read_small, write_all};
use crate::formats::aof_manifest::{FileInfo, Manifest, ManifestError, parse_seq};
use crate::persistence::Trouble;

/// A manifest larger than this is not one. (About 70,000 increments.)
const MANIFEST_MAX_BYTES: usize = 4 * 1024 * 1024;

/// The format of a base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BaseFormat {
    /// A snapshot, perhaps with calls behind it (`aof-use-rdb-preamble yes`).
    Rdb,
    /// Calls.
    Resp,
}

/// Where a log's files stand and what they are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The server's directory (`dir`), where Redis before 7.0 kept a single file.
    root: PathBuf,
    /// The log's directory (`dir`/`appenddirname`).
    dir: PathBuf,
    /// What every file's name begins with (`appendfilename`).
    name: Vec<u8>,
}

impl Location {
    /// The log of `appendfilename` in `dir`/`appenddirname`.
    pub fn new(root: &Path, dir_name: &[u8], file_name: &[u8]) -> Location {
        let dir = root.join(OsStr::from_bytes(dir_name));
        Location { root: root.to_owned(), dir, name: file_name.to_owned() }
    }

    /// The log's directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The path of one of the log's files.
    pub fn path(&self, name: &[u8]) -> PathBuf {
        self.dir.join(OsStr::from_bytes(name))
    }

    /// The manifest's path.
    pub fn manifest_path(&self) -> PathBuf {
        self.path(&self.named(".manifest"))
    }

    /// Where a base is written before it is installed.
    pub fn temp_base_path(&self) -> PathBuf {
        self.path(&self.temp_named(".base"))
    }

    pub(super) fn temp_increment_path(&self) -> PathBuf {
        self.path(&self.temp_named(".incr"))
    }

    fn temp_manifest_path(&self) -> PathBuf {
        self.path(&self.temp_named(".manifest"))
    }

    /// Whoever has this file locked has the log. (Logs of several names may share a directory.)
    fn lock_path(&self) -> PathBuf {
        self.path(&self.named(".lock"))
    }

    /// Where Redis before 7.0 kept this log.
    fn single_file_path(&self) -> PathBuf {
        self.root.join(OsStr::from_bytes(&self.name))
    }

    fn base_name(&self, seq: u64, format: BaseFormat) -> Vec<u8> {
        let suffix = match format {
            BaseFormat::Rdb => "rdb",
            BaseFormat::Resp => "aof",
        };
        self.named(&format!(".{seq}.base.{suffix}"))
    }

    fn increment_name(&self, seq: u64) -> Vec<u8> {
        self.named(&format!(".{seq}.incr.aof"))
    }

    fn named(&self, suffix: &str) -> Vec<u8> {
        [&self.name, suffix.as_bytes()].concat()
    }

    /// The number in the name of an increment, or of a base.
    fn seq_of(&self, file_name: &[u8]) -> Option<u64> {
        let rest = file_name.strip_prefix(self.name.as_slice())?.strip_prefix(b".")?;
        let kinds: [&[u8]; 3] = [b".incr.aof", b".base.rdb", b".base.aof"];
        parse_seq(kinds.iter().find_map(|kind| rest.strip_suffix(*kind))?)
    }

    fn temp_named(&self, suffix: &str) -> Vec<u8> {
        [b"temp-", self.name.as_slice(), suffix.as_bytes()].concat()
    }
}

/// Why a log's manifest could not be found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// The disk refused.
    Disk(Trouble),
    /// The manifest is damaged.
    Manifest {
        /// Its path.
        path: PathBuf,
        /// What is wrong with it.
        error: ManifestError,
    },
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Disk(trouble) => trouble.fmt(f),
            StoreError::Manifest { path, error } => write!(f, "{error} ({})", path.display()),
        }
    }
}

impl std::error::Error for StoreError {}

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> StoreError {
        StoreError::Disk(trouble)
    }
}

/// Why the manifest was not replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaveError {
    /// The old one stands.
    Kept(Trouble),
    /// The new one stands, but after a crash it may be the old one again.
    Unsure(Trouble),
}

impl SaveError {
    /// What the disk refused.
    pub fn trouble(self) -> Trouble {
        match self {
            SaveError::Kept(trouble) | SaveError::Unsure(trouble) => trouble,
        }
    }
}

/// The manifest in force, and the way to replace it.
pub struct Store {
    disk: Arc<dyn Disk>,
    location: Location,
    manifest: Manifest,
    /// Whether it would stand after a crash. Of one that was read nobody knows: who put it there may not have made it durable.
    is_durable: bool,
    /// Files of this log that hold something where there is no manifest: it was lost, or a first rewrite was interrupted.
    unlisted: Vec<PathBuf>,
    /// The highest number of one of them.
    unlisted_seq: u64,
    /// Keeps other servers off the log, once its directory is there.
    lock: Option<FileLock>,
}

impl Store {
    /// Reads the manifest of a log to be loaded; an absent one is empty. A single file of Redis before 7.0 is taken into the directory
    /// as its base.
    pub fn open(disk: Arc<dyn Disk>, location: Location) -> Result<Store, StoreError> {
        let mut store = Store::inspect(disk, location)?;
        if exists(&*store.disk, store.location.dir()) {
            store.lock()?;
        }
        store.adopt_single_file()?;
        store.find_unlisted();
        Ok(store)
    }

    /// The same for a log that begins with what is in memory: a single file stays where it is.
    pub fn open_anew(disk: Arc<dyn Disk>, location: Location) -> Result<Store, StoreError> {
        let mut store = Store::inspect(disk, location)?;
        store.find_unlisted();
        Ok(store)
    }

    /// Files of this log that no manifest lists, since there is none. They are never written over.
    pub fn unlisted(&self) -> &[PathBuf] {
        &self.unlisted
    }

    fn find_unlisted(&mut self) {
        if !self.manifest.is_empty() {
            return;
        }
        let Ok(names) = self.disk.list(self.location.dir()) else { return };
        for name in names {
            let path = self.location.dir().join(&name);
            if let Some(seq) = self.location.seq_of(name.as_bytes())
                && self.disk.len(&path).is_ok_and(|len| len > 0)
            {
                self.unlisted_seq = self.unlisted_seq.max(seq);
                self.unlisted.push(path);
            }
        }
        self.unlisted.sort();
    }

    /// Reads the manifest, and changes nothing.
    pub fn inspect(disk: Arc<dyn Disk>, location: Location) -> Result<Store, StoreError> {
        let path = location.manifest_path();
        let mut store = Store {
            disk,
            location,
            manifest: Manifest::default(),
            is_durable: false,
            unlisted: Vec::new(),
            unlisted_seq: 0,
            lock: None,
        };
        if exists(&*store.disk, &path) {
            let text = read_small(&*store.disk, &path, MANIFEST_MAX_BYTES).map_err(Trouble::at("read", &path))?;
            store.manifest = Manifest::parse(&text).map_err(|error| StoreError::Manifest { path, error })?;
        }
        Ok(store)
    }

    /// The manifest in force.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Files that nothing needs any more, whatever happens. None before a manifest was saved here: the one that stands after a crash
    /// may need them all.
    pub(super) fn removable(&self) -> VecDeque<FileInfo> {
        if self.is_durable { self.manifest.history.iter().cloned().collect() } else { VecDeque::new() }
    }

    /// Where the files stand.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The disk they stand on.
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// Makes the log's directory if it is missing, durably, and keeps other servers off the log.
    pub fn create_dir(&mut self) -> Result<(), Trouble> {
        self.claim_dir()?;
        self.disk.sync_dir(&self.location.root).map_err(Trouble::at("sync", &self.location.root))
    }

    /// The same without a sync, for the loop: the directory may be gone after a crash.
    pub fn claim_dir(&mut self) -> Result<(), Trouble> {
        self.make_dir()?;
        self.lock()
    }

    fn make_dir(&self) -> Result<(), Trouble> {
        let dir = self.location.dir();
        self.disk.create_dir(dir).map_err(Trouble::at("create", dir))
    }

    /// Keeps other servers out: what they did to the files would take away what is acknowledged here, unseen.
    pub(super) fn lock(&mut self) -> Result<(), Trouble> {
        if self.lock.is_none() {
            let path = self.location.lock_path();
            self.lock = Some(self.disk.lock(&path).map_err(Trouble::at("lock", &path))?);
        }
        Ok(())
    }

    /// Nothing is done to the files from now on: another log may begin there.
    pub(super) fn unlock(&mut self) {
        self.lock = None;
    }

    /// Whether a log can begin here: no other server has one, nor this one (unless `is_ours`), and the directory takes files.
    ///
    /// # Errors
    /// What the disk does not take.
    pub fn try_directory(mut self, is_ours: bool) -> Result<(), Trouble> {
        if is_ours {
            self.make_dir()?
        } else {
            self.claim_dir()?
        }
        let path = self.location.path(&self.location.temp_named(".probe"));
        self.disk.open(&path, OpenMode::Create).map_err(Trouble::at("create", &path))?;
        self.disk.remove(&path).map_err(Trouble::at("remove", &path))
    }

    /// Puts `manifest` in force, durably, together with every name that was made in the directory before.
    ///
    /// All the files that it lists must be durable already, but for their names.
    pub fn save(&mut self, manifest: Manifest) -> Result<(), SaveError> {
        self.write_temp_manifest(&manifest).map_err(SaveError::Kept)?;
        let (temp, path, dir) =
            (self.location.temp_manifest_path(), self.location.manifest_path(), self.location.dir());
        // The names of the files that it lists go first: a manifest must not survive a crash that they did not.
        self.disk.sync_dir(dir).map_err(|error| SaveError::Kept(Trouble::new("sync", dir, &error)))?;
        self.disk.rename(&temp, &path).map_err(|error| SaveError::Kept(Trouble::new("replace", &path, &error)))?;
        (self.manifest, self.is_durable) = (manifest, false);
        self.disk.sync_dir(dir).map_err(|error| SaveError::Unsure(Trouble::new("sync", dir, &error)))?;
        self.is_durable = true;
        Ok(())
    }

    fn write_temp_manifest(&self, manifest: &Manifest) -> Result<(), Trouble> {
        let path = self.location.temp_manifest_path();
        let mut file = self.disk.open(&path, OpenMode::Create).map_err(Trouble::at("create", &path))?;
        write_all(&mut *file, &mut [IoSlice::new(&manifest.print())]).map_err(Trouble::at("write", &path))?;
        file.sync_data().map_err(Trouble::at("sync", &path))
    }

    /// The next increment, not yet made.
    pub fn next_increment(&self) -> FileInfo {
        let seq = self.manifest.next_increment_seq().max(self.unlisted_seq + 1);
        FileInfo { name: self.location.increment_name(seq), seq }
    }

    /// The next base, not yet made.
    pub fn next_base(&self, format: BaseFormat) -> FileInfo {
        let seq = self.manifest.next_base_seq().max(self.unlisted_seq + 1);
        FileInfo { name: self.location.base_name(seq, format), seq }
    }

    /// Moves a single file of Redis before 7.0 into the directory, as Redis 7 does: the manifest first, so that an interruption is
    /// seen and gone on with.
    fn adopt_single_file(&mut self) -> Result<(), StoreError> {
        let (from, to) = (self.location.single_file_path(), self.location.path(&self.location.name));
        let interrupted = self.manifest.increments.is_empty()
            && self.manifest.base.as_ref().is_some_and(|base| base.name == self.location.name)
            && !exists(&*self.disk, &to);
        if !(self.manifest.is_empty() || interrupted) || self.disk.len(&from).is_err() {
            return Ok(());
        }
        self.create_dir()?;
        let base = FileInfo { name: self.location.name.clone(), seq: 1 };
        self.save(Manifest { base: Some(base), ..Manifest::default() }).map_err(SaveError::trouble)?;
        self.disk.rename(&from, &to).map_err(Trouble::at("move into the log's directory", &from))?;
        for dir in [self.location.dir(), &self.location.root] {
            self.disk.sync_dir(dir).map_err(Trouble::at("sync", dir))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::disk::RealDisk;

    fn open(root: &Path) -> Result<Store, StoreError> {
        Store::open(Arc::new(RealDisk), Location::new(root, b"appendonlydir", b"appendonly.aof"))
    }

    #[test]
    fn a_single_file_of_an_older_redis_becomes_the_base_even_after_an_interruption() {
        for interrupted in [false, true] {
            let root = tempfile::tempdir().unwrap();
            let inner = root.path().join("appendonlydir");
            std::fs::write(root.path().join("appendonly.aof"), "x").unwrap();
            if interrupted {
                std::fs::create_dir(&inner).unwrap();
                std::fs::write(inner.join("appendonly.aof.manifest"), "file appendonly.aof seq 1 type b\n").unwrap();
            }
            let store = open(root.path()).unwrap();
            assert_eq!(store.manifest().base.as_ref().unwrap().name, b"appendonly.aof");
            assert_eq!(std::fs::read(inner.join("appendonly.aof")).unwrap(), b"x");
            assert!(!root.path().join("appendonly.aof").exists());
        }
    }

    #[test]
    fn a_single_file_beside_a_log_in_use_stays_where_it_is() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("appendonlydir");
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(inner.join("appendonly.aof.manifest"), "file appendonly.aof seq 1 type b\n").unwrap();
        for dir in [root.path(), &inner] {
            std::fs::write(dir.join("appendonly.aof"), "x").unwrap();
        }
        open(root.path()).unwrap();
        assert!(root.path().join("appendonly.aof").exists());
    }

    #[test]
    fn files_whose_manifest_was_lost_were_written_over() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("appendonlydir");
        std::fs::create_dir(&inner).unwrap();
        for (name, content) in [
            ("1.base.rdb", "x"),
            ("3.incr.aof", "x"),
            ("7.incr.aof", ""),
            ("8.incr.txt", "x"),
            ("18446744073709551615.incr.aof", "x"),
        ] {
            std::fs::write(inner.join(format!("appendonly.aof.{name}")), content).unwrap();
        }
        let store = open(root.path()).unwrap();
        let unlisted = ["1.base.rdb", "3.incr.aof"].map(|name| inner.join(format!("appendonly.aof.{name}")));
        assert_eq!(store.unlisted(), unlisted);
        assert_eq!(store.next_base(BaseFormat::Rdb).name, b"appendonly.aof.4.base.rdb");
        assert_eq!(store.next_increment().name, b"appendonly.aof.4.incr.aof");
    }

    #[test]
    fn what_is_saved_is_found_and_a_damaged_manifest_is_named() {
        let root = tempfile::tempdir().unwrap();
        let mut store = open(root.path()).unwrap();
        assert!(store.manifest().is_empty());
        store.create_dir().unwrap();
        let manifest = Manifest { increments: vec![store.next_increment()], ..Manifest::default() };
        store.save(manifest.clone()).unwrap();
        let busy = open(root.path()).err().unwrap().to_string();
        assert!(busy.ends_with("another server uses it"), "{busy}");
        drop(store);
        assert_eq!(open(root.path()).unwrap().manifest(), &manifest);
        let path = root.path().join("appendonlydir/appendonly.aof.manifest");
        std::fs::write(&path, "").unwrap();
        let error = open(root.path()).err().unwrap().to_string();
        assert_eq!(error, format!("Found an empty AOF manifest ({})", path.display()));
    }
}
