//! The disk as the log sees it: a handful of operations that a test can make fail, tear and forget.
//!
//! [`RealDisk`] is the operating system's. The simulator has one of its own that remembers what was durable. Whoever holds a
//! `dyn Disk` may assume no more than this, since no more is true of real ones:
//!
//! - a write is durable only after [`DiskFile::sync_data`] of that file has succeeded,
//! - a created, renamed or removed name is durable only after [`Disk::sync_dir`] of its directory has succeeded,
//! - after a sync that failed, what was unsynced may or may not be there, and a second sync that succeeds proves nothing,
//! - a write may take fewer bytes than it was given, and one that fails may have taken some.

use super::sys::write_back;
use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, IoSlice, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// An existing file, to read.
    Read,
    /// A new file, to append to. One of that name is removed first, so that no link to the old file sees the new bytes.
    Create,
    /// An existing file, to read, cut and sync.
    Edit,
}

/// A file that is open. Writes go to its end.
pub trait DiskFile: Send {
    /// Reads into `buffer` from `offset`; gives the number of bytes read, 0 at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Appends the parts one behind the other with one call; gives the number of bytes taken, which may fall short.
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize>;
    /// Returns once everything written so far is durable (`fdatasync`).
    fn sync_data(&mut self) -> io::Result<()>;
    /// Cuts the file to `len` bytes; later writes go there.
    fn truncate(&mut self, len: u64) -> io::Result<()>;
    /// The file's length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Whether the file holds no byte.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}

/// What the log and the snapshots ask of a file system. Errors are the operating system's (`raw_os_error` is set), but for that of a lock.
pub trait Disk: Send + Sync {
    /// Opens a file.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn DiskFile>>;
    /// Gives a file another name, replacing what had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file's name.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes a directory; one that exists already is no error.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Returns once the names in a directory are durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// Keeps out other processes that ask for the same file, as long as what is given lives; the file is made if it is missing. Fails
    /// with `ResourceBusy` if one was there first.
    fn lock(&self, path: &Path) -> io::Result<FileLock>;
    /// The names of the files in a directory, sorted.
    fn list(&self, path: &Path) -> io::Result<Vec<OsString>>;
    /// A file's length in bytes; fails with `NotFound` if there is none of that name, and `IsADirectory` for a directory.
    fn len(&self, path: &Path) -> io::Result<u64>;
}

/// A file that nobody else locks while this lives.
pub type FileLock = Box<dyn Send>;

/// Whether a file of that name exists. Trouble of another kind counts as "exists": whoever opens the file then meets it.
pub fn exists(disk: &dyn Disk, path: &Path) -> bool {
    !matches!(disk.len(path), Err(error) if error.kind() == io::ErrorKind::NotFound)
}

/// Appends all the bytes of `parts`, in as many writes as it takes.
///
/// Fails with the error of the write that failed; some of the bytes may then be in the file.
pub fn write_all(file: &mut dyn DiskFile, mut parts: &mut [IoSlice<'_>]) -> io::Result<()> {
    IoSlice::advance_slices(&mut parts, 0);
    while !parts.is_empty() {
        match file.write(parts) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(taken) => IoSlice::advance_slices(&mut parts, taken),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads from `offset` until `buffer` is full or the file ends; gives the number of bytes read.
pub fn read_full(file: &dyn DiskFile, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Reads a whole small file; fails with `FileTooLarge` past `limit_bytes`.
pub fn read_small(disk: &dyn Disk, path: &Path, limit_bytes: usize) -> io::Result<Vec<u8>> {
    let file = disk.open(path, OpenMode::Read)?;
    let len = usize::try_from(file.len()?).unwrap_or(usize::MAX);
    if len > limit_bytes {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut bytes = vec![0; len];
    let read = read_full(&*file, &mut bytes, 0)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// The operating system's file systems.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

/// After so many bytes the disk begins with them: a sync that finds a second's worth of writes would keep a CPU busy for milliseconds.
const WRITE_BACK_BYTES: u64 = 512 * 1024;
/// What a file system writes at once.
const PAGE_BYTES: u64 = 4096;

struct RealFile {
    file: File,
    /// Where the next byte goes.
    end: u64,
    /// Up to where the disk has begun with what was written.
    begun: u64,
}

impl RealFile {
    fn new(file: File) -> io::Result<RealFile> {
        let end = file.metadata()?.len();
        Ok(RealFile { file, end, begun: end })
    }

    /// Has the disk begin with the whole pages that were written. Whoever writes much does it beside the loop, perhaps on the same
    /// CPU: the loop has it first, now and not in the middle of a turn.
    fn begin_write_back(&mut self) {
        let whole = self.end / PAGE_BYTES * PAGE_BYTES;
        write_back::begin(&self.file, self.begun, whole - self.begun);
        self.begun = whole;
        std::thread::yield_now();
    }
}

impl DiskFile for RealFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(&self.file, buffer, offset)
    }

    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let taken = self.file.write_vectored(parts)?;
        self.end += taken as u64;
        if self.end - self.begun >= WRITE_BACK_BYTES {
            self.begin_write_back();
        }
        Ok(taken)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        (self.end, self.begun) = (len, self.begun.min(len));
        self.file.set_len(len)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }
}

impl Disk for RealDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        match mode {
            OpenMode::Read => options.read(true),
            OpenMode::Edit => options.read(true).append(true),
            OpenMode::Create => match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => options.append(true).create_new(true),
            },
        };
        Ok(Box::new(RealFile::new(options.open(path)?)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        match std::fs::create_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            other => other,
        }
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        open_dir(path)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<FileLock> {
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(io::Error::new(io::ErrorKind::ResourceBusy, "another server uses it")),
            // There are file systems without locks.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Box::new(file)),
        }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(path)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                names.push(entry.file_name());
            }
        }
        names.sort();
        Ok(names)
    }

    fn len(&self, path: &Path) -> io::Result<u64> {
        let metadata = std::fs::metadata(path)?;
        if metadata.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(metadata.len()) }
    }
}

/// The parent of a bare name is empty: it is the directory at hand.
fn open_dir(path: &Path) -> io::Result<File> {
    File::open(if path.as_os_str().is_empty() { Path::new(".") } else { path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_created_file_is_a_new_one_and_appends_where_it_was_cut() {
        let dir = tempfile::tempdir().unwrap();
        let (path, link) = (dir.path().join("log"), dir.path().join("backup"));
        std::fs::write(&path, "old").unwrap();
        std::fs::hard_link(&path, &link).unwrap();
        let mut file = RealDisk.open(&path, OpenMode::Create).unwrap();
        write_all(&mut *file, &mut [IoSlice::new(b"hel"), IoSlice::new(b""), IoSlice::new(b"lo!!")]).unwrap();
        file.truncate(5).unwrap();
        write_all(&mut *file, &mut [IoSlice::new(b"?")]).unwrap();
        file.sync_data().unwrap();
        RealDisk.sync_dir(dir.path()).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"hello?");
        assert_eq!(std::fs::read(&link).unwrap(), b"old", "a hard link kept as a backup keeps the old bytes");
        assert_eq!(read_small(&RealDisk, &path, 6).unwrap(), b"hello?");
        assert_eq!(read_small(&RealDisk, &path, 5).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn names_come_and_go() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("appendonlydir");
        RealDisk.create_dir(&inner).unwrap();
        RealDisk.create_dir(&inner).unwrap();
        drop(RealDisk.open(&inner.join("a"), OpenMode::Create).unwrap());
        RealDisk.rename(&inner.join("a"), &inner.join("b")).unwrap();
        assert_eq!(RealDisk.list(&inner).unwrap(), ["b"]);
        assert!(exists(&RealDisk, &inner.join("b")) && !exists(&RealDisk, &inner.join("a")));
        RealDisk.remove(&inner.join("b")).unwrap();
        assert_eq!(RealDisk.open(&inner.join("b"), OpenMode::Read).err().unwrap().kind(), io::ErrorKind::NotFound);
        assert_eq!(RealDisk.len(&inner).unwrap_err().kind(), io::ErrorKind::IsADirectory);
    }
}
