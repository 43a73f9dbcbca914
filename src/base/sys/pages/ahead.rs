//! The thread that has huge pages made before they are needed.
//!
//! The system clears two mebibytes at the first touch of a huge page: a tenth of a millisecond, and several where a virtual
//! machine's host has yet to find the memory. Whoever cuts pieces would stand still meanwhile; so the next page is asked for
//! while there is still room before it. When the thread comes too late, or there is none, the first touch does the same work.
#![allow(unsafe_code)]

use crate::base::sys::priority;
use std::ptr::NonNull;
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Requests that may wait; what is beyond is left to the first touch.
const QUEUE: usize = 16;

/// A stretch of a mapping that is never given back.
struct Stretch {
    place: NonNull<u8>,
    bytes: usize,
}

// SAFETY: an address and a number; the thread has the system look at the mapping, and reads or writes nothing itself.
unsafe impl Send for Stretch {}

/// Has the pages of a stretch made soon, if they are not there. What stands in it is not changed.
///
/// # Safety
/// The stretch lies in a mapping that stays as long as the process does.
pub(super) unsafe fn make(place: NonNull<u8>, bytes: usize) {
    static QUEUED: OnceLock<Option<SyncSender<Stretch>>> = OnceLock::new();
    if let Some(queued) = QUEUED.get_or_init(start) {
        let _ = queued.try_send(Stretch { place, bytes }); // full: see the constant
    }
}

fn start() -> Option<SyncSender<Stretch>> {
    let (sender, receiver) = sync_channel(QUEUE);
    let thread = std::thread::Builder::new().name("pages".into()).stack_size(64 * 1024);
    thread.spawn(move || serve(&receiver)).ok().map(|_| sender)
}

fn serve(requests: &Receiver<Stretch>) {
    // Making a page can take longer than a turn of the loop, which must not wait for it on the same CPU.
    priority::run_when_idle();
    for Stretch { place, bytes } in requests {
        #[cfg(target_os = "linux")]
        // SAFETY: whole pages of a mapping that stays, as `make` wants; populating changes no byte. A kernel that does not know
        // the advice (before 5.14) refuses it, and nothing is lost.
        unsafe {
            libc::madvise(place.as_ptr().cast(), bytes, libc::MADV_POPULATE_WRITE);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = (place, bytes);
    }
}
