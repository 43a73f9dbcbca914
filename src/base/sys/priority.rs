//! Threads beside the loop give way to it where they share its CPU. What the system refuses stays as it was.
//!
//! A lower priority is not for a thread that maps or frees memory: preempted while it holds the kernel's lock on the mappings, it
//! would keep the loop waiting for as long as anybody else wants the CPU. Such a thread works in short pieces and yields between.
#![allow(unsafe_code)]

use std::cell::Cell;

thread_local! {
    static STANDS_BACK: Cell<bool> = const { Cell::new(false) };
}

/// The calling thread runs when nobody else wants its CPU: for work that whoever waits for it can do as well.
pub fn run_when_idle() {
    #[cfg(target_os = "linux")]
    // SAFETY: 0 is the calling thread; the parameters are numbers of our own, read during the call.
    unsafe {
        let parameters: libc::sched_param = std::mem::zeroed();
        libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const parameters);
    }
}

/// The calling thread lets others go first whenever it has come to a [`pause`].
pub fn stand_back() {
    STANDS_BACK.set(true);
}

/// A piece of long work is done, with no lock held. A thread that stands back yields its CPU; for any other, nothing happens.
#[inline]
pub fn pause() {
    if STANDS_BACK.get() {
        std::thread::yield_now();
    }
}
