//! What is written when a signal ends the process, or asks where it is: which signal, and the stack.
//!
//! Handlers run in the middle of anything, so up to the stack's addresses nothing here allocates, locks or formats on the heap: text is
//! gathered in an array and written to a descriptor. The names of functions come last, since finding them does allocate; should
//! that hang, an alarm ends the process.
#![allow(unsafe_code)]

use std::backtrace::Backtrace;
use std::fmt::{self, Write};
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering::Relaxed};

/// The signals that end the process with a report.
const FATAL: [libc::c_int; 5] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGABRT];
/// Frames of a stack that are shown.
const FRAMES: usize = 100;
/// The stack on which the main thread's handlers run: its own may be what overflowed.
const HANDLER_STACK_BYTES: usize = 256 * 1024;
/// How long the thread that writes the log has for the lines before the report.
const LOG_PATIENCE_NS: libc::c_long = 20_000_000;
/// How long the names of functions may take.
const NAMES_PATIENCE_S: libc::c_uint = 10;

/// Where reports go.
static OUTPUT: AtomicI32 = AtomicI32::new(1);
/// The thread whose handlers have a large stack.
static MAIN_THREAD: AtomicUsize = AtomicUsize::new(0);
/// The thread that writes a report, 0: none does. A crash within it is not reported again; one of another thread waits for it.
static REPORTER: AtomicUsize = AtomicUsize::new(0);

/// Reports go to this descriptor from now on.
pub fn report_to(descriptor: RawFd) {
    OUTPUT.store(descriptor, Relaxed);
}

/// Whether crashes are reported, or left to the system. To be called by the main thread.
pub fn report_crashes(is_on: bool) {
    if is_on {
        prepare();
    }
    for signal in FATAL {
        let flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
        set_handler(signal, is_on.then_some(on_crash as Handler), flags);
    }
}

/// Has SIGALRM answered by the stack that it finds; the process goes on.
pub fn show_stack_on_alarm() {
    prepare();
    set_handler(libc::SIGALRM, Some(on_alarm as Handler), libc::SA_SIGINFO | libc::SA_RESTART);
}

/// A SIGALRM comes after so many milliseconds, unless this is called again before; 0: none comes.
pub fn set_watchdog(period_ms: u32) {
    let time = libc::timeval {
        tv_sec: (period_ms / 1000) as libc::time_t,
        tv_usec: (period_ms % 1000 * 1000) as libc::suseconds_t,
    };
    let timer = libc::itimerval { it_interval: libc::timeval { tv_sec: 0, tv_usec: 0 }, it_value: time };
    // SAFETY: the pointer is to an itimerval of our own, and nobody wants the old one.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &timer, std::ptr::null_mut()) };
}

type Handler = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);

/// What must not happen for the first time in a handler: the unwinder is loaded, the main thread's handlers get their stack.
fn prepare() {
    let mut frames = [std::ptr::null_mut(); 1];
    addresses(&mut frames);
    static HAS_STACK: AtomicBool = AtomicBool::new(false);
    if HAS_STACK.swap(true, Relaxed) {
        return;
    }
    // SAFETY: it only reads which thread this is.
    MAIN_THREAD.store(unsafe { libc::pthread_self() } as usize, Relaxed);
    let memory: &'static mut [u8] = Box::leak(vec![0; HANDLER_STACK_BYTES].into_boxed_slice());
    let stack = libc::stack_t { ss_sp: memory.as_mut_ptr().cast(), ss_flags: 0, ss_size: memory.len() };
    // SAFETY: the memory is leaked, so it is there whenever a handler runs, and nobody else has it.
    unsafe { libc::sigaltstack(&stack, std::ptr::null_mut()) };
}

fn set_handler(signal: libc::c_int, handler: Option<Handler>, flags: libc::c_int) {
    // SAFETY: sigaction is plain numbers, for which zeros are valid.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler.map_or(libc::SIG_DFL, |handler| handler as usize);
    action.sa_flags = if handler.is_some() { flags } else { 0 };
    // SAFETY: the pointers are to a sigaction of our own; the handlers of this file keep to what a handler may do.
    unsafe {
        libc::sigemptyset(&mut action.sa_mask);
        libc::sigaction(signal, &action, std::ptr::null_mut());
    }
}

extern "C" fn on_crash(signal: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: it only reads which thread this is.
    let this_thread = unsafe { libc::pthread_self() } as usize;
    match REPORTER.compare_exchange(0, this_thread, Relaxed, Relaxed) {
        Ok(_) => {
            set_handler(libc::SIGALRM, None, 0);
            // SAFETY: alarm takes any number; a SIGALRM ends the process now.
            unsafe { libc::alarm(NAMES_PATIENCE_S) };
            pause(0, LOG_PATIENCE_NS);
            // SAFETY: the kernel hands in a siginfo_t that is valid while the handler runs.
            write_report(signal, unsafe { &*info });
        }
        Err(reporter) if reporter != this_thread => pause(libc::time_t::from(NAMES_PATIENCE_S), 0),
        Err(_) => {}
    }
    set_handler(signal, None, 0);
    // SAFETY: raise takes any signal number; the signal ends the process as it would have without us, with a core where there is one.
    unsafe { libc::raise(signal) };
}

fn write_report(signal: libc::c_int, info: &libc::siginfo_t) {
    let mut out = Text::default();
    let _ = writeln!(out, "\n\n=== FERRODIS BUG REPORT START: Cut & paste starting from here ===");
    let _ = out.stamp();
    let _ = writeln!(
        out,
        "Ferrodis {} crashed by signal: {signal} ({}), si_code: {}",
        env!("CARGO_PKG_VERSION"),
        name(signal),
        info.si_code
    );
    let _ = out.stamp();
    let _ = match sender(info) {
        Some((pid, user)) => writeln!(out, "Killed by PID: {pid}, UID: {user}"),
        // SAFETY: a fault of the processor has an address, a plain number.
        None => writeln!(out, "Accessing address: {:p}", unsafe { info.si_addr() }),
    };
    out.write();
    write_stack();
    // SAFETY: it only reads which thread this is.
    if unsafe { libc::pthread_self() } as usize == MAIN_THREAD.load(Relaxed) {
        // Another thread's handler has too little stack for it. Whether the heap can still be used is not known.
        let mut out = Text::default();
        let _ = writeln!(out, "\n------ FUNCTIONS ------");
        out.write();
        let _ = write!(Raw, "{}", Backtrace::force_capture());
    }
    let mut out = Text::default();
    let _ = writeln!(
        out,
        "\n=== FERRODIS BUG REPORT END. ===\n\nPlease report the crash with all lines from \"BUG REPORT START\" on."
    );
    out.write();
}

extern "C" fn on_alarm(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: errno is this thread's own; whoever was interrupted finds it as it was.
    let before = unsafe { *errno() };
    // SAFETY: the kernel hands in a siginfo_t that is valid while the handler runs.
    let info = unsafe { &*info };
    let mut out = Text::default();
    let _ = writeln!(out);
    let _ = out.stamp();
    let _ = match sender(info) {
        Some((pid, user)) => writeln!(out, "Received SIGALRM (from PID {pid}, UID {user})"),
        None => writeln!(out, "--- WATCHDOG TIMER EXPIRED ---"),
    };
    out.write();
    write_stack();
    // SAFETY: as at the beginning.
    unsafe { *errno() = before };
}

/// The process and the user that sent the signal; `None` when the kernel did.
fn sender(info: &libc::siginfo_t) -> Option<(libc::pid_t, libc::uid_t)> {
    // SAFETY: a signal that a process sent has its number, a plain one.
    let pid = || unsafe { info.si_pid() };
    // SAFETY: the same of its user's.
    let user = || unsafe { info.si_uid() };
    (info.si_code <= 0).then(|| (pid(), user()))
}

#[cfg(target_os = "linux")]
use libc::__errno_location as errno;
#[cfg(not(target_os = "linux"))]
use libc::__error as errno;

/// The addresses of the stack, as `addr2line` takes them.
fn write_stack() {
    let mut frames = [std::ptr::null_mut(); FRAMES];
    let count = addresses(&mut frames);
    let mut out = Text::default();
    let _ = writeln!(out, "\n------ STACK TRACE ------");
    out.write();
    write_addresses(&frames[..count]);
    let _ = writeln!(out, "\n------ STACK TRACE DONE ------");
    out.write();
}

#[cfg(target_env = "gnu")]
fn addresses(frames: &mut [*mut libc::c_void]) -> usize {
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
fn addresses(_: &mut [*mut libc::c_void]) -> usize {
    0
}

#[cfg(not(target_env = "gnu"))]
fn write_addresses(_: &[*mut libc::c_void]) {}

fn name(signal: libc::c_int) -> &'static str {
    match signal {
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGILL => "SIGILL",
        _ => "SIGABRT",
    }
}

fn pause(seconds: libc::time_t, ns: libc::c_long) {
    let time = libc::timespec { tv_sec: seconds, tv_nsec: ns };
    // SAFETY: the pointer is to a timespec of our own, and nobody wants to know what is left.
    unsafe { libc::nanosleep(&time, std::ptr::null_mut()) };
}

/// Text that is gathered without the heap.
struct Text {
    bytes: [u8; 512],
    len: usize,
}

impl Default for Text {
    fn default() -> Text {
        Text { bytes: [0; 512], len: 0 }
    }
}

impl Text {
    /// What a line of the log begins with; the time is not told in words, since that may take a lock.
    fn stamp(&mut self) -> fmt::Result {
        // SAFETY: both only read numbers; nobody wants the time at a pointer too.
        let (pid, seconds) = unsafe { (libc::getpid(), libc::time(std::ptr::null_mut())) };
        write!(self, "{pid}:signal-handler ({seconds}) ")
    }

    fn write(&mut self) {
        let _ = write_all(&self.bytes[..self.len]);
        self.len = 0;
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let free = &mut self.bytes[self.len..];
        let taken = text.len().min(free.len());
        free[..taken].copy_from_slice(&text.as_bytes()[..taken]);
        self.len += taken;
        Ok(())
    }
}

/// Text that is written at once.
struct Raw;

impl Write for Raw {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write_all(text.as_bytes())
    }
}

fn write_all(mut bytes: &[u8]) -> fmt::Result {
    while !bytes.is_empty() {
        // SAFETY: the pointer and the length are those of a slice.
        let written = unsafe { libc::write(OUTPUT.load(Relaxed), bytes.as_ptr().cast(), bytes.len()) };
        match usize::try_from(written) {
            Ok(1..) => bytes = &bytes[written as usize..],
            _ => return Err(fmt::Error), // there is nobody left to tell
        }
    }
    Ok(())
}
