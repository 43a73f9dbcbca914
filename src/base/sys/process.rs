//! What the kernel knows of this process: memory in RAM, CPU time, its own name.
#![allow(unsafe_code)]

use crate::base::platform::{Crash, ProcessFacts};
use std::ffi::{CStr, CString, c_char};
use std::{fs, io};

/// Memory and CPU time until now. What cannot be read is 0.
pub fn facts() -> ProcessFacts {
    let (user, system) = cpu_seconds(libc::RUSAGE_SELF);
    let (thread_user, thread_system) = thread_cpu_seconds(user, system);
    let (children_user, children_system) = cpu_seconds(libc::RUSAGE_CHILDREN);
    ProcessFacts {
        resident_bytes: resident_bytes(),
        user_seconds: user,
        system_seconds: system,
        thread_user_seconds: thread_user,
        thread_system_seconds: thread_system,
        children_user_seconds: children_user,
        children_system_seconds: children_system,
    }
}

/// Bytes of this process in RAM.
pub fn resident_bytes() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").ok().and_then(|text| {
        let pages = text.split(' ').nth(1)?;
        pages.parse::<u64>().ok()
    });
    pages.unwrap_or(0) * page_bytes() as u64
}

/// Name, release and machine of the kernel.
pub fn kernel() -> String {
    // SAFETY: utsname is arrays of bytes, for which zeros are valid.
    let mut names: libc::utsname = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a utsname of our own.
    if unsafe { libc::uname(&mut names) } != 0 {
        return "unknown".into();
    }
    let text = |field: &[c_char]| {
        // SAFETY: uname has ended each field with a zero byte within its array, which lives until the copy is made.
        unsafe { CStr::from_ptr(field.as_ptr()) }.to_string_lossy().into_owned()
    };
    format!("{} {} {}", text(&names.sysname), text(&names.release), text(&names.machine))
}

/// The number of a group of this machine. To be called while no other thread asks for users or groups.
///
/// # Errors
/// There is none of this name.
pub fn group_number(name: &str) -> io::Result<u32> {
    let c_name = CString::new(name)?;
    // SAFETY: the name ends with a zero and lives through the call; what is given points to memory of the C library, or nowhere.
    let group = unsafe { libc::getgrnam(c_name.as_ptr()) };
    // SAFETY: where it points to a group, that stays until the next question, which nobody asks before the number is read.
    let number = unsafe { group.as_ref() }.map(|group| group.gr_gid);
    number.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("there is no group '{name}'")))
}

/// Ends the process by a signal, as a bug would.
pub fn crash(how: Crash) {
    let signal = match how {
        Crash::Segfault => libc::SIGSEGV,
        Crash::Abort => libc::SIGABRT,
    };
    // SAFETY: raise takes any signal number; what the signal does is what the caller asked for.
    unsafe { libc::raise(signal) };
}

/// Nanoseconds that the calling thread has run on a CPU; 0 when the kernel does not say.
pub fn thread_run_ns() -> u64 {
    clock_ns(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// Nanoseconds of the system's monotonic clock: what `Instant` reads, without its arithmetic.
#[inline]
pub fn monotonic_ns() -> u64 {
    clock_ns(libc::CLOCK_MONOTONIC)
}

#[inline]
fn clock_ns(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a timespec of our own.
    let failed = unsafe { libc::clock_gettime(clock, &raw mut time) };
    if failed == 0 { time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64 } else { 0 }
}

/// Bytes of the system's smallest page.
pub(super) fn page_bytes() -> usize {
    // SAFETY: sysconf reads a constant of the system.
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(bytes).unwrap_or(4096)
}

fn cpu_seconds(who: libc::c_int) -> (f64, f64) {
    // SAFETY: rusage is plain numbers, for which zeros are valid.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a rusage of our own.
    if unsafe { libc::getrusage(who, &mut usage) } != 0 {
        return (0.0, 0.0);
    }
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    (seconds(usage.ru_utime), seconds(usage.ru_stime))
}

#[cfg(target_os = "linux")]
fn thread_cpu_seconds(_: f64, _: f64) -> (f64, f64) {
    cpu_seconds(libc::RUSAGE_THREAD)
}

/// Elsewhere the kernel does not tell threads apart.
#[cfg(not(target_os = "linux"))]
fn thread_cpu_seconds(user: f64, system: f64) -> (f64, f64) {
    (user, system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_memory_and_has_used_its_cpu() {
        let mut sum = 0u64;
        while facts().thread_user_seconds + facts().thread_system_seconds == 0.0 {
            (0..1_000_000u64).for_each(|i| sum = sum.wrapping_mul(31).wrapping_add(std::hint::black_box(i)));
        }
        let now = facts();
        assert!(now.resident_bytes > 100_000, "{now:?}");
        // The kernel splits the same time into user and system for a thread and for the process on its own: only sums compare.
        let (thread, process) =
            (now.thread_user_seconds + now.thread_system_seconds, now.user_seconds + now.system_seconds);
        assert!(thread > 0.0 && thread <= process + 0.1, "{now:?}");
        assert_eq!(kernel().split(' ').count(), 3);
    }
}
