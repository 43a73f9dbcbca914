//! Cutting the tail off a file, with what is cut kept in a file beside it.

use std::ffi::OsString;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};

use crate::base::disk::{Disk, DiskFile, OpenMode, exists, read_full, write_all};
use crate::persistence::Trouble;

const COPY_STEP_BYTES: usize = 64 * 1024;
/// Tails kept beside one file for one offset at most.
const NAMES_MAX: u32 = 1000;

/// Cuts `path` to `len` bytes, durably, after the rest has been copied, durably, to a file beside it; gives that file's path.
pub(super) fn cut_and_keep(disk: &dyn Disk, path: &Path, len: u64) -> Result<PathBuf, Trouble> {
    let mut file = disk.open(path, OpenMode::Edit).map_err(Trouble::at("open", path))?;
    let kept = unused_name(disk, path, len)?;
    if let Err(trouble) = copy_from(&*file, path, len, disk, &kept) {
        // Nothing was cut: half of a copy is of no use, and one more would come with each try.
        let _ = disk.remove(&kept);
        return Err(trouble);
    }
    file.truncate(len).map_err(Trouble::at("cut", path))?;
    file.sync_data().map_err(Trouble::at("sync", path))?;
    Ok(kept)
}

/// Copies what `file`, at `path`, holds from `position` on to a new file, durably.
fn copy_from(file: &dyn DiskFile, path: &Path, mut position: u64, disk: &dyn Disk, kept: &Path) -> Result<(), Trouble> {
    let mut copy = disk.open(kept, OpenMode::Create).map_err(Trouble::at("create", kept))?;
    let mut piece = vec![0; COPY_STEP_BYTES];
    loop {
        let read = read_full(file, &mut piece, position).map_err(Trouble::at("read", path))?;
        if read == 0 {
            break;
        }
        write_all(&mut *copy, &mut [IoSlice::new(&piece[..read])]).map_err(Trouble::at("write", kept))?;
        position += read as u64;
    }
    copy.sync_data().map_err(Trouble::at("sync", kept))?;
    let dir = path.parent().unwrap_or(path);
    disk.sync_dir(dir).map_err(Trouble::at("sync", dir))
}

/// `FILE.cut-OFFSET`, or `FILE.cut-OFFSET.2` and so on if there is one.
fn unused_name(disk: &dyn Disk, path: &Path, len: u64) -> Result<PathBuf, Trouble> {
    for number in 1..=NAMES_MAX {
        let mut name = OsString::from(path.as_os_str());
        name.push(format!(".cut-{len}"));
        if number > 1 {
            name.push(format!(".{number}"));
        }
        if !exists(disk, Path::new(&name)) {
            return Ok(name.into());
        }
    }
    Err(Trouble::new("find a name for what is cut off", path, &io::ErrorKind::AlreadyExists.into()))
}
