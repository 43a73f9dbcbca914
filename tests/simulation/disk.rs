//! A disk in memory that remembers what was durable, and loses, tears, reorders and refuses the rest, all from one seed.
//!
//! ```text
//! name ----> inode: live      what a process sees
//!                   durable   what is there after a crash for certain
//!                   pending   writes since the last sync: each sector of each of them may or may not be there
//! names: live, durable, and pending changes since the last sync of the directory, each of which may or may not be there
//! ```
//!
//! The machine may lose its power before any operation ([`FaultyDisk::crash_in`]): the process then sees nothing but errors.
//!
//! A sync that fails decides on the spot which pending sectors made it; the rest is gone for good, though still visible until the
//! next crash: a later sync that succeeds says nothing about it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use fastrand::Rng;
use ferrodis::base::disk::{Disk, DiskFile, FileLock, OpenMode};
use ferrodis::persistence::aof::store::{Location, Store};

const SECTOR_BYTES: usize = 512;
const EINTR: i32 = 4;
const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// How likely each kind of trouble is, from 0 to 1.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// A write takes some of the bytes and fails.
    pub write_error: f64,
    /// A write takes some of the bytes.
    pub short_write: f64,
    /// A sync of a file fails.
    pub sync_error: f64,
    /// A sync of a directory fails.
    pub sync_dir_error: f64,
    /// Making, renaming, removing or cutting a file fails.
    pub change_error: f64,
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate(usize),
}

#[derive(Clone, Debug, Default)]
struct Inode {
    live: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Clone, Debug)]
enum NameChange {
    Set(PathBuf, usize),
    Rename(PathBuf, PathBuf, usize),
    Remove(PathBuf),
}

#[derive(Clone, Default)]
struct State {
    rng: Option<Rng>,
    faults: Faults,
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    pending_names: Vec<NameChange>,
    /// Files opened before a crash are of no use behind it.
    crashes: u64,
    /// So many operations from now the power fails.
    crash_in: Option<u64>,
    /// Whether the power has failed, and the machine has not been started again.
    is_down: bool,
}

/// The disk; clones are the same disk.
#[derive(Clone)]
pub struct FaultyDisk(Arc<Mutex<State>>);

struct FaultyFile {
    disk: FaultyDisk,
    inode: usize,
    opened_after_crashes: u64,
}

fn error(code: i32) -> io::Error {
    io::Error::from_raw_os_error(code)
}

impl State {
    fn rng(&mut self) -> &mut Rng {
        self.rng.as_mut().expect("a seed was given")
    }

    /// An operation begins: none does when the power is off.
    fn operate(&mut self) -> io::Result<()> {
        match &mut self.crash_in {
            Some(0) => self.lose_power(),
            Some(left) => *left -= 1,
            None => {}
        }
        if self.is_down { Err(error(EIO)) } else { Ok(()) }
    }

    fn lose_power(&mut self) {
        (self.crash_in, self.is_down) = (None, true);
        let rng = self.rng.as_mut().expect("a seed was given");
        let survival = [0.0, 0.3, 0.8, 0.97, 1.0][rng.usize(..5)];
        for inode in &mut self.inodes {
            inode.settle(rng, survival);
            inode.live = inode.durable.clone();
        }
        for change in std::mem::take(&mut self.pending_names) {
            if rng.f64() < survival {
                apply_name(&mut self.durable_names, change);
            }
        }
        self.names = self.durable_names.clone();
        self.crashes += 1;
    }

    fn strikes(&mut self, of: impl Fn(&Faults) -> f64) -> bool {
        let likelihood = of(&self.faults);
        likelihood > 0.0 && self.rng().f64() < likelihood
    }

    fn inode_of(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Inode {
    /// Lets each pending sector be there with the likelihood `survival`.
    fn settle(&mut self, rng: &mut Rng, survival: f64) {
        let end_of_all = self.live.len();
        for change in std::mem::take(&mut self.pending) {
            match change {
                Change::Truncate(len) if rng.f64() < survival => self.durable.truncate(len),
                Change::Truncate(_) => {}
                Change::Write { offset, bytes } => {
                    let mut start = 0;
                    while start < bytes.len() {
                        let end = ((offset + start) / SECTOR_BYTES + 1) * SECTOR_BYTES - offset;
                        let end = end.min(bytes.len());
                        if rng.f64() < survival {
                            // Now and then the last thing written is torn within its sector.
                            let is_last = offset + end == end_of_all;
                            let torn = if is_last && rng.bool() { rng.usize(start..=end) } else { end };
                            put(&mut self.durable, offset + start, &bytes[start..torn]);
                        }
                        start = end;
                    }
                }
            }
        }
    }

    fn apply_all(&mut self) {
        for change in std::mem::take(&mut self.pending) {
            match change {
                Change::Truncate(len) => self.durable.truncate(len),
                Change::Write { offset, bytes } => put(&mut self.durable, offset, &bytes),
            }
        }
    }
}

fn put(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}

fn apply_name(names: &mut BTreeMap<PathBuf, usize>, change: NameChange) {
    match change {
        NameChange::Set(path, inode) => {
            names.insert(path, inode);
        }
        NameChange::Rename(from, to, inode) => {
            if names.get(&from) == Some(&inode) {
                names.remove(&from);
            }
            names.insert(to, inode);
        }
        NameChange::Remove(path) => {
            names.remove(&path);
        }
    }
}

impl FaultyDisk {
    /// An empty disk.
    pub fn new(seed: u64) -> FaultyDisk {
        FaultyDisk(Arc::new(Mutex::new(State { rng: Some(Rng::with_seed(seed)), ..State::default() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nothing panics while it holds the disk")
    }

    /// Makes trouble this likely from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.state().faults = faults;
    }

    /// The power fails, if it has not already: of what was not synced, chance decides.
    pub fn cut_power(&self) {
        let state = &mut *self.state();
        if !state.is_down {
            state.lose_power();
        }
    }

    /// The power fails, if it has not already, and comes back.
    pub fn crash(&self) {
        self.cut_power();
        let state = &mut *self.state();
        (state.crash_in, state.is_down) = (None, false);
    }

    /// The power fails before the operation that comes behind the next `operations`.
    pub fn crash_in(&self, operations: u64) {
        self.state().crash_in = Some(operations);
    }

    /// Whether the power has failed.
    pub fn is_down(&self) -> bool {
        self.state().is_down
    }

    /// Gives a file another content, durably.
    pub fn replace(&self, path: &Path, bytes: Vec<u8>) {
        let state = &mut *self.state();
        let inode = state.names[path];
        state.inodes[inode] = Inode { live: bytes.clone(), durable: bytes, pending: Vec::new() };
    }

    /// Another disk, which is in the same state.
    pub fn copy(&self) -> FaultyDisk {
        FaultyDisk(Arc::new(Mutex::new(self.state().clone())))
    }

    /// The process ends, the machine does not: nothing is lost, and nothing becomes durable.
    pub fn kill(&self) {
        self.state().crashes += 1;
    }

    /// Everything becomes durable by itself, as it does in time.
    pub fn write_back(&self) {
        let state = &mut *self.state();
        state.inodes.iter_mut().for_each(Inode::apply_all);
        state.pending_names.clear();
        state.durable_names = state.names.clone();
    }

    /// The files that a log's manifest has in force, in their order, as a process sees them.
    pub fn files_of(&self, location: &Location) -> Vec<(PathBuf, Vec<u8>)> {
        let store = Store::inspect(Arc::new(self.clone()), location.clone()).expect("the manifest is whole");
        let paths: Vec<PathBuf> = store.manifest().parts().map(|part| location.path(&part.name)).collect();
        let state = self.state();
        paths.into_iter().map(|path| (path.clone(), state.inodes[state.names[&path]].live.clone())).collect()
    }

    /// Every file as a process sees it, for messages.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let state = self.state();
        state.names.iter().map(|(path, &inode)| (path.clone(), state.inodes[inode].live.clone())).collect()
    }
}

impl FaultyFile {
    fn with<T>(&self, run: impl FnOnce(&mut State, usize) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.disk.state();
        state.operate()?;
        if state.crashes != self.opened_after_crashes {
            return Err(error(EIO));
        }
        run(&mut state, self.inode)
    }
}

impl DiskFile for FaultyFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.with(|state, inode| {
            let live = &state.inodes[inode].live;
            let rest = &live[live.len().min(offset as usize)..];
            let count = rest.len().min(buffer.len());
            buffer[..count].copy_from_slice(&rest[..count]);
            Ok(count)
        })
    }

    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let bytes = parts.iter().map(|part| &**part).collect::<Vec<_>>().concat();
        self.with(|state, inode| {
            if state.strikes(|faults| faults.short_write / 4.0) {
                return Err(error(EINTR));
            }
            let fails = state.strikes(|faults| faults.write_error);
            let is_short = fails || state.strikes(|faults| faults.short_write);
            let count = match is_short && !bytes.is_empty() {
                true if fails => state.rng().usize(0..bytes.len()),
                true => state.rng().usize(1..=bytes.len()),
                false => bytes.len(),
            };
            let file = &mut state.inodes[inode];
            let offset = file.live.len();
            file.live.extend_from_slice(&bytes[..count]);
            file.pending.push(Change::Write { offset, bytes: bytes[..count].to_vec() });
            if fails { Err(error(if state.rng().bool() { ENOSPC } else { EIO })) } else { Ok(count) }
        })
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.with(|state, inode| {
            if state.strikes(|faults| faults.sync_error) {
                let survival = state.rng().f64();
                let rng = state.rng.as_mut().expect("a seed was given");
                state.inodes[inode].settle(rng, survival);
                return Err(error(EIO));
            }
            state.inodes[inode].apply_all();
            Ok(())
        })
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.with(|state, inode| {
            if state.strikes(|faults| faults.change_error) {
                return Err(error(EIO));
            }
            let file = &mut state.inodes[inode];
            assert!(len as usize <= file.live.len(), "the log never grows a file by cutting it");
            file.live.truncate(len as usize);
            file.pending.push(Change::Truncate(len as usize));
            Ok(())
        })
    }

    fn len(&self) -> io::Result<u64> {
        self.with(|state, inode| Ok(state.inodes[inode].live.len() as u64))
    }
}

impl Disk for FaultyDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        state.operate()?;
        let inode = if mode == OpenMode::Create {
            if state.strikes(|faults| faults.change_error) {
                return Err(error(ENOSPC));
            }
            state.inodes.push(Inode::default());
            let inode = state.inodes.len() - 1;
            state.names.insert(path.to_owned(), inode);
            state.pending_names.push(NameChange::Set(path.to_owned(), inode));
            inode
        } else {
            state.inode_of(path)?
        };
        Ok(Box::new(FaultyFile { disk: self.clone(), inode, opened_after_crashes: state.crashes }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.operate()?;
        let inode = state.inode_of(from)?;
        if state.strikes(|faults| faults.change_error) {
            return Err(error(EIO));
        }
        let change = NameChange::Rename(from.to_owned(), to.to_owned(), inode);
        apply_name(&mut state.names, change.clone());
        state.pending_names.push(change);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.operate()?;
        state.inode_of(path)?;
        if state.strikes(|faults| faults.change_error) {
            return Err(error(EIO));
        }
        state.names.remove(path);
        state.pending_names.push(NameChange::Remove(path.to_owned()));
        Ok(())
    }

    fn create_dir(&self, _: &Path) -> io::Result<()> {
        self.state().operate()
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let state = &mut *self.state();
        state.operate()?;
        let fails = state.strikes(|faults| faults.sync_dir_error);
        for change in std::mem::take(&mut state.pending_names) {
            let in_dir = |name: &Path| name.parent() == Some(path);
            let concerned = match &change {
                NameChange::Set(name, _) | NameChange::Remove(name) => in_dir(name),
                NameChange::Rename(from, to, _) => in_dir(from) || in_dir(to),
            };
            if !concerned {
                state.pending_names.push(change);
            } else if !fails || state.rng.as_mut().is_some_and(Rng::bool) {
                apply_name(&mut state.durable_names, change);
            }
        }
        if fails { Err(error(EIO)) } else { Ok(()) }
    }

    fn lock(&self, _: &Path) -> io::Result<FileLock> {
        Ok(Box::new(()))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        let mut state = self.state();
        state.operate()?;
        let names = state.names.keys().filter(|name| name.parent() == Some(path));
        Ok(names.filter_map(|name| name.file_name().map(OsString::from)).collect())
    }

    fn len(&self, path: &Path) -> io::Result<u64> {
        let mut state = self.state();
        state.operate()?;
        Ok(state.inodes[state.inode_of(path)?].live.len() as u64)
    }
}
