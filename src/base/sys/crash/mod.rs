//! What is written when a signal ends the process, or asks where it is: which signal, and the stacks of all threads.
//!
//! Handlers run in the middle of anything, so up to the stacks' addresses nothing here allocates, locks or formats on the heap: text is
//! gathered in an array and written to a descriptor. The names of functions come last, since finding them does allocate; should
//! that hang, an alarm ends the process.
#![allow(unsafe_code)]

mod stacks;
mod text;

use stacks::write_stacks;
use std::backtrace::Backtrace;
use std::fmt::Write;
use std::os::fd::RawFd;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicUsize, Ordering::Relaxed};
use text::{Raw, Text};

/// The signals that end the process with a report.
const FATAL: [libc::c_int; 5] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGABRT];
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

/// Whether a process that aborts itself, as a panic does, ends with status 1 instead of by the signal, its report written.
static EXITS_ON_ABORT: AtomicBool = AtomicBool::new(false);
/// What is to be told in a report.
static CONTEXT: Mutex<Text> = Mutex::new(Text::empty());

/// How a panic ends the process when crashes are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnPanic {
    /// By SIGABRT, with a core where the system is set up for it.
    Abort,
    /// With status 1.
    Exit,
}

/// A panic ends the process so from now on.
pub fn end_on_panic(how: OnPanic) {
    EXITS_ON_ABORT.store(how == OnPanic::Exit, Relaxed);
}

/// A report tells this text; nothing when it is empty.
pub fn report_context(context: &str) {
    if let Ok(mut text) = CONTEXT.lock() {
        *text = Text::empty();
        let _ = text.write_str(context);
    }
}

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

/// What must not happen for the first time in a handler: the unwinder is loaded, threads answer, the main thread's handlers get their stack.
fn prepare() {
    stacks::prepare();
    static HAS_STACK: AtomicBool = AtomicBool::new(false);
    if HAS_STACK.swap(true, Relaxed) {
        return;
    }
    // SAFETY: it only reads which thread this is.
    MAIN_THREAD.store(unsafe { libc::pthread_self() } as usize, Relaxed);
    let memory: &'static mut [u8] = Box::leak(vec![0; HANDLER_STACK_BYTES].into_boxed_slice());
    static STACK: AtomicPtr<u8> = AtomicPtr::new(std::ptr::null_mut());
    STACK.store(memory.as_mut_ptr(), Relaxed); // else only the kernel knows of it, and it looks like a leak
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
    // SAFETY: the kernel hands in a siginfo_t that is valid while the handler runs, and getpid reads a number.
    let is_own = unsafe { sender(&*info).is_some_and(|(pid, _)| pid == libc::getpid()) };
    if signal == libc::SIGABRT && is_own && EXITS_ON_ABORT.load(Relaxed) {
        // SAFETY: it ends the process at once, and runs nothing of it.
        unsafe { libc::_exit(1) };
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
    // The lock is held for the moment that a directive changes; who crashes then does without.
    if let Ok(context) = CONTEXT.try_lock()
        && !context.is_empty()
    {
        let _ = out.stamp();
        let _ = writeln!(out, "debug-context: {}", context.as_str());
        out.write();
    }
    write_stacks();
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
    write_stacks();
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
