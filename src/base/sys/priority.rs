//! Threads beside the loop give way to it where they share its CPU. What the system refuses stays as it was.
#![allow(unsafe_code)]

/// How far whoever gives way stands back: a tenth of the CPU is still its own while the loop wants all of it.
#[cfg(target_os = "linux")]
const NICE: libc::c_int = 10;

/// The calling thread runs when nobody else wants its CPU: for work that whoever waits for it can do as well.
pub fn run_when_idle() {
    #[cfg(target_os = "linux")]
    // SAFETY: 0 is the calling thread; the parameters are numbers of our own, read during the call.
    unsafe {
        let parameters: libc::sched_param = std::mem::zeroed();
        libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const parameters);
    }
}

/// The calling thread lets others go first, but gets on: for work that must be done some time.
pub fn give_way() {
    #[cfg(target_os = "linux")]
    // SAFETY: numbers only; 0 is the calling thread, since in Linux each has a priority of its own.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, NICE);
    }
}
