//! Has the disk begin with what was written, before a sync asks for all of it at once.
#![allow(unsafe_code)]

use std::fs::File;

/// Has the pages of `bytes` bytes from `offset` on written soon. Nothing is promised, and nothing is lost where a file system does
/// not do it: what is durable only a sync tells, and a failure is still there for it to tell.
#[cfg(target_os = "linux")]
pub fn begin(file: &File, offset: u64, bytes: u64) {
    use std::os::fd::AsRawFd;
    let (Ok(offset), Ok(bytes)) = (i64::try_from(offset), i64::try_from(bytes)) else { return };
    // SAFETY: the descriptor is open as long as `file` is; the call takes numbers only.
    unsafe { libc::sync_file_range(file.as_raw_fd(), offset, bytes, libc::SYNC_FILE_RANGE_WRITE) };
}

/// Elsewhere the sync does it all.
#[cfg(not(target_os = "linux"))]
pub fn begin(_: &File, _: u64, _: u64) {}
