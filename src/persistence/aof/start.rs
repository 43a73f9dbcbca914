//! How a log begins: which file the first block goes to, after what was loaded has been made durable.
//!
//! Nothing is ever appended to a file that another process wrote. A small last increment is copied into a new file that takes its
//! name, so that restarts do not pile up small files; otherwise a new increment is opened. Before either, every file in force is
//! synced: what was loaded may have stood in the system's memory only, and acknowledged writes are about to build on it.

use std::io::IoSlice;

use crossbeam_channel::bounded;

use crate::base::disk::{DiskFile, OpenMode, read_full, write_all};
use crate::formats::aof_manifest::FileInfo;
use crate::persistence::Trouble;

use super::job::{FsyncPolicy, JOBS_MAX, REPORTS_MAX, Status};
use super::log::Log;
use super::store::{BaseFormat, SaveError, Store};
use super::writer::{Beginning, Increment, Writer};

/// A last increment up to this size is carried over into the new file.
const CARRY_OVER_MAX_BYTES: u64 = 1024 * 1024;
const COPY_STEP_BYTES: usize = 64 * 1024;

/// What loading found at the end of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogEnd {
    /// The log offset behind the last block.
    pub offset: u64,
    /// Whether the last increment is whole, so that blocks may follow in a copy of it.
    pub is_whole: bool,
}

/// How a log is to begin.
#[derive(Clone, Copy, Debug)]
pub enum BeginWith<'a> {
    /// At once, behind what was loaded. If there is nothing yet, with this empty base.
    Increment {
        /// The empty base's bytes.
        empty_base: &'a [u8],
        /// Its format.
        format: BaseFormat,
    },
    /// With the first rewrite (`CONFIG SET appendonly yes`, or a `dump.rdb` was loaded).
    AwaitBase,
}

/// Begins a log: gives the loop's side, and the writer to run or step. `wake` is called after each of the writer's reports.
///
/// Fails if the disk does not take what it must take; nothing is in force then that was not before.
pub fn start(
    mut store: Store,
    end: LogEnd,
    with: BeginWith<'_>,
    policy: FsyncPolicy,
    wake: Box<dyn Fn() + Send>,
) -> Result<(Log, Writer), Trouble> {
    let (job_sender, job_receiver) = bounded(JOBS_MAX);
    let (report_sender, report_receiver) = bounded(REPORTS_MAX);
    let (beginning, status) = match with {
        BeginWith::AwaitBase => (Beginning::AwaitBase, Status::AwaitsBase),
        BeginWith::Increment { empty_base, format } => {
            (Beginning::Increment(first_increment(&mut store, end, empty_base, format)?), Status::Ok)
        }
    };
    let log = Log::new(end.offset, policy, status, job_sender, report_receiver);
    Ok((log, Writer::new(store, beginning, end.offset, policy, (job_receiver, report_sender), wake)))
}

fn first_increment(
    store: &mut Store,
    end: LogEnd,
    empty_base: &[u8],
    format: BaseFormat,
) -> Result<Increment, Trouble> {
    store.create_dir()?;
    remove_temporary_files(store);
    sync_files_in_force(store)?;
    let mut manifest = store.manifest().clone();
    if manifest.is_empty() {
        manifest.base = Some(write_base(store, empty_base, format)?);
    }
    if end.is_whole
        && let Some(last) = manifest.increments.last()
    {
        let path = store.location().path(&last.name);
        let len = store.disk().len(&path).map_err(Trouble::at("read", &path))?;
        if len <= CARRY_OVER_MAX_BYTES {
            let increment = carry_over(store, last.clone(), len)?;
            // Its name may not be durable either, if the last process failed to make it so.
            store.save(manifest).map_err(SaveError::trouble)?;
            return Ok(increment);
        }
    }
    let increment = Increment::create(store, store.next_increment())?;
    manifest.increments.push(increment.info.clone());
    manifest.last_begins_at = Some(end.offset);
    store.save(manifest).map_err(SaveError::trouble)?;
    Ok(increment)
}

/// Syncs every file in force. One that fails now is not synced again: whoever starts the server decides.
fn sync_files_in_force(store: &Store) -> Result<(), Trouble> {
    for part in store.manifest().parts() {
        let path = store.location().path(&part.name);
        let mut file = store.disk().open(&path, OpenMode::Read).map_err(Trouble::at("open", &path))?;
        file.sync_data().map_err(Trouble::at("sync", &path))?;
    }
    Ok(())
}

/// Puts a new file with the same bytes, durable but for its name, in the place of an increment.
fn carry_over(store: &Store, info: FileInfo, len: u64) -> Result<Increment, Trouble> {
    let disk = store.disk();
    let (temp, path) = (store.location().temp_increment_path(), store.location().path(&info.name));
    let from = disk.open(&path, OpenMode::Read).map_err(Trouble::at("read", &path))?;
    let mut to = disk.open(&temp, OpenMode::Create).map_err(Trouble::at("create", &temp))?;
    copy(&*from, &mut *to, len).map_err(Trouble::at("write", &temp))?;
    to.sync_data().map_err(Trouble::at("sync", &temp))?;
    disk.rename(&temp, &path).map_err(Trouble::at("replace", &path))?;
    Ok(Increment::new(to, info, len))
}

fn copy(from: &dyn DiskFile, to: &mut dyn DiskFile, len: u64) -> std::io::Result<()> {
    let mut piece = vec![0; COPY_STEP_BYTES];
    let mut done = 0;
    while done < len {
        let want = piece.len().min((len - done) as usize);
        let read = read_full(from, &mut piece[..want], done)?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        write_all(to, &mut [IoSlice::new(&piece[..read])])?;
        done += read as u64;
    }
    Ok(())
}

/// Writes the base of an empty log, durably but for its name.
fn write_base(store: &Store, bytes: &[u8], format: BaseFormat) -> Result<FileInfo, Trouble> {
    let base = store.next_base(format);
    let path = store.location().path(&base.name);
    let mut file = store.disk().open(&path, OpenMode::Create).map_err(Trouble::at("create", &path))?;
    write_all(&mut *file, &mut [IoSlice::new(bytes)]).map_err(Trouble::at("write", &path))?;
    file.sync_data().map_err(Trouble::at("sync", &path))?;
    Ok(base)
}

/// Removes what a crash may have left unfinished. Each of them is in no manifest, so a failure only leaves it there.
fn remove_temporary_files(store: &Store) {
    let location = store.location();
    for path in [location.temp_base_path(), location.temp_increment_path()] {
        let _ = store.disk().remove(&path);
    }
}
