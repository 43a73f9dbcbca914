//! The stacks of all threads. Each writes its own, asked by a signal, one after another: whoever asks waits a moment for each and
//! goes on without those that do not come to it.

use super::text::Text;
use super::{OUTPUT, errno, pause, set_handler};
use std::fmt::Write;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

/// Frames of a stack that are shown.
const FRAMES: usize = 100;
/// By this signal a thread is asked.
const ASK: libc::c_int = libc::SIGUSR2;
/// How long a thread has to begin, and again to end, in steps of a millisecond.
const PATIENCE_MS: u32 = 200;
/// Threads that are asked, at most.
const THREADS: usize = 64;

/// The thread that is to write its stack; below 0 it has begun, 0: none is to.
static ASKED: AtomicI32 = AtomicI32::new(0);
/// The thread that asks, 0: none does.
static ASKING: AtomicI32 = AtomicI32::new(0);

/// Has threads answer when they are asked, and the unwinder loaded: that must not happen for the first time in a handler.
pub(super) fn prepare() {
    let mut frames = [std::ptr::null_mut(); 1];
    addresses(&mut frames);
    set_handler(ASK, Some(on_asked), libc::SA_SIGINFO | libc::SA_RESTART);
}

/// Writes the stack of this thread, then those of the others: addresses, as `addr2line` takes them.
pub(super) fn write_stacks() {
    let mut out = Text::default();
    let _ = writeln!(out, "\n------ STACK TRACE ------");
    out.write();
    write_own(" *");
    // An alarm may come while another thread asks: what asks already goes on, and this one tells of itself.
    if ASKING.compare_exchange(0, this_thread(), Relaxed, Relaxed).is_ok() {
        let (others, answered) = ask_others();
        let _ = writeln!(out, "\n{} expected, {} collected.", others + 1, answered + 1);
        out.write();
        ASKING.store(0, Relaxed);
    }
    let _ = writeln!(out, "\n------ STACK TRACE DONE ------");
    out.write();
}

extern "C" fn on_asked(_: libc::c_int, _: *mut libc::siginfo_t, _: *mut libc::c_void) {
    let this = this_thread();
    if ASKED.compare_exchange(this, -this, Relaxed, Relaxed).is_err() {
        return; // sent by somebody else, or too late
    }
    // SAFETY: errno is this thread's own; whoever was interrupted finds it as it was.
    let before = unsafe { *errno() };
    write_own("");
    ASKED.store(0, Relaxed);
    // SAFETY: as before.
    unsafe { *errno() = before };
}

#[inline(never)]
fn write_own(mark: &str) {
    let mut name = [0; 16];
    let mut out = Text::default();
    let _ = writeln!(out, "\n{} {}{mark}", this_thread(), name_of_this_thread(&mut name));
    out.write();
    let mut frames = [std::ptr::null_mut(); FRAMES];
    let count = addresses(&mut frames);
    write_addresses(&frames[..count]);
}

/// Asks the other threads one by one; how many there are, and how many have answered.
#[cfg(target_os = "linux")]
fn ask_others() -> (usize, usize) {
    let this = this_thread();
    let mut threads = [0; THREADS];
    let count = threads_of_process(&mut threads);
    let others = || threads[..count].iter().filter(|&&thread| thread != this);
    (others().count(), others().filter(|&&thread| ask(thread)).count())
}

/// Elsewhere threads cannot be asked by number.
#[cfg(not(target_os = "linux"))]
fn ask_others() -> (usize, usize) {
    (0, 0)
}

/// Whether the thread has written its stack.
#[cfg(target_os = "linux")]
fn ask(thread: libc::pid_t) -> bool {
    ASKED.store(thread, Relaxed);
    // SAFETY: tgkill takes any numbers; a thread that has gone is an error.
    let sent = unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), thread, ASK) };
    if sent != 0 {
        ASKED.store(0, Relaxed);
        return false;
    }
    let is_done = || {
        (0..PATIENCE_MS).any(|_| {
            ASKED.load(Relaxed) == 0 || {
                pause(0, 1_000_000);
                false
            }
        })
    };
    // One that has begun when its time is up has as long again to end.
    is_done() || ASKED.compare_exchange(thread, 0, Relaxed, Relaxed).is_err() && is_done()
}

/// The numbers of the process's threads, read without the heap; how many.
#[cfg(target_os = "linux")]
fn threads_of_process(threads: &mut [libc::pid_t; THREADS]) -> usize {
    // SAFETY: the path ends with a zero.
    let directory =
        unsafe { libc::open(c"/proc/self/task".as_ptr(), libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC) };
    if directory < 0 {
        return 0;
    }
    let mut count = 0;
    let mut entries = [0_u8; 1024];
    loop {
        // SAFETY: the pointer and the length are those of an array of ours.
        let read = unsafe { libc::syscall(libc::SYS_getdents64, directory, entries.as_mut_ptr(), entries.len()) };
        let Some(mut rest) = usize::try_from(read).ok().filter(|read| *read > 0).and_then(|read| entries.get(..read))
        else {
            break;
        };
        while let Some((name, behind)) = next_entry(rest) {
            rest = behind;
            if let (Some(thread), true) = (number(name), count < THREADS) {
                threads[count] = thread;
                count += 1;
            }
        }
    }
    // SAFETY: the descriptor is ours and not used again.
    unsafe { libc::close(directory) };
    count
}

/// The name in the first of the entries, and the entries behind it. An entry of the kernel: inode and offset (8 bytes each), its length
/// (2), type (1), the name with a zero behind it.
#[cfg(target_os = "linux")]
fn next_entry(entries: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = u16::from_ne_bytes(entries.get(16..18)?.try_into().ok()?) as usize;
    let name = entries.get(19..length)?;
    let end = name.iter().position(|byte| *byte == 0)?;
    Some((&name[..end], &entries[length..]))
}

#[cfg(target_os = "linux")]
fn number(name: &[u8]) -> Option<libc::pid_t> {
    std::str::from_utf8(name).ok()?.parse().ok()
}

#[cfg(target_os = "linux")]
fn this_thread() -> libc::pid_t {
    // SAFETY: it only reads a number.
    unsafe { libc::gettid() }
}

#[cfg(not(target_os = "linux"))]
fn this_thread() -> libc::pid_t {
    // SAFETY: it only reads a number.
    unsafe { libc::getpid() }
}

#[cfg(target_os = "linux")]
fn name_of_this_thread(name: &mut [u8; 16]) -> &str {
    // SAFETY: the kernel writes at most 16 bytes there, a zero at the end.
    unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    std::str::from_utf8(&name[..end]).unwrap_or("")
}

#[cfg(not(target_os = "linux"))]
fn name_of_this_thread(_: &mut [u8; 16]) -> &str {
    ""
}

#[cfg(target_env = "gnu")]
pub(super) fn addresses(frames: &mut [*mut libc::c_void]) -> usize {
    // SAFETY: the pointer and the length are those of a slice of ours.
    let count = unsafe { libc::backtrace(frames.as_mut_ptr(), frames.len() as libc::c_int) };
    count as usize
}

#[cfg(target_env = "gnu")]
fn write_addresses(frames: &[*mut libc::c_void]) {
    // SAFETY: the pointer and the length are those of a slice that `backtrace` has filled.
    unsafe { libc::backtrace_symbols_fd(frames.as_ptr(), frames.len() as libc::c_int, OUTPUT.load(Relaxed)) };
}

/// Elsewhere the C library does not walk stacks.
#[cfg(not(target_env = "gnu"))]
pub(super) fn addresses(_: &mut [*mut libc::c_void]) -> usize {
    0
}

#[cfg(not(target_env = "gnu"))]
fn write_addresses(_: &[*mut libc::c_void]) {}
