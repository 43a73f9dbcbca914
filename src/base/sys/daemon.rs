//! How a process leaves its terminal, and what a service manager asks of it.
#![allow(unsafe_code)]

use std::fs::OpenOptions;
use std::io;
use std::os::fd::AsRawFd;

/// Goes on in the background: forks twice, in a session of its own, with standard input, output and error at `/dev/null`.
/// Returns in the last child; the processes before it end with 0.
///
/// # Errors
/// A fork failed, or there is no `/dev/null`. When there is more than one thread: the others would be missing in the child.
pub fn daemonize() -> io::Result<()> {
    if thread_count().is_some_and(|threads| threads > 1) {
        return Err(io::Error::other("there are threads already"));
    }
    let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    fork()?;
    // SAFETY: setsid takes nothing; it fails only in a group's leader, which a child just forked is not.
    unsafe { libc::setsid() };
    fork()?;
    for descriptor in 0..=2 {
        // SAFETY: both are descriptors; what stood at the second is replaced, which is what is wanted.
        if unsafe { libc::dup2(null.as_raw_fd(), descriptor) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Forks, and ends the parent.
fn fork() -> io::Result<()> {
    // SAFETY: the process has one thread (checked above), so the child has all that the parent had.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(()),
        // SAFETY: _exit ends the process without running what `atexit` has, which belongs to the child now.
        _ => unsafe { libc::_exit(0) },
    }
}

fn thread_count() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/task").ok()?.count())
}

/// Stops this process until it is told to go on (SIGSTOP): how upstart is told that a service is ready.
pub fn stop_self() {
    // SAFETY: raise takes any signal number.
    unsafe { libc::raise(libc::SIGSTOP) };
}

/// Microseconds of the system's monotonic clock, the one that systemd compares with.
pub fn monotonic_us() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a timespec of our own.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec as u64 * 1_000_000 + time.tv_nsec as u64 / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_threads_does_not_fork() {
        let refused = std::thread::scope(|scope| scope.spawn(daemonize).join().expect("the thread ends"));
        assert_eq!(refused.unwrap_err().to_string(), "there are threads already");
    }

    #[test]
    fn the_monotonic_clock_does_not_go_back() {
        let before = monotonic_us();
        assert!(before > 0 && monotonic_us() >= before);
    }
}
