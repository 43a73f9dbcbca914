//! The system's log, by the C library: the one way that works whatever daemon listens, and wherever.
#![allow(unsafe_code)]

use std::ffi::CString;

/// What a line is, to the system's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Of use when looking for a bug.
    Debug,
    /// Told beside the rest.
    Info,
    /// Normal, and worth knowing.
    Notice,
    /// Something is amiss.
    Warning,
}

/// Which part of the system speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Facility {
    /// A user's program.
    User,
    /// `local0` to `local7`.
    Local(u8),
}

/// Opens the system's log under a name. To be called once, before any line.
pub fn open(name: &str, facility: Facility) {
    let facility = match facility {
        Facility::User => libc::LOG_USER,
        Facility::Local(number) => (16 + libc::c_int::from(number.min(7))) << 3,
    };
    let name = Box::leak(terminated(name).into_boxed_c_str());
    // SAFETY: the C library keeps the pointer; the name is leaked, so it stays.
    unsafe { libc::openlog(name.as_ptr(), libc::LOG_PID | libc::LOG_NDELAY | libc::LOG_NOWAIT, facility) };
}

/// Writes one line.
pub fn write(severity: Severity, line: &str) {
    let priority = match severity {
        Severity::Debug => libc::LOG_DEBUG,
        Severity::Info => libc::LOG_INFO,
        Severity::Notice => libc::LOG_NOTICE,
        Severity::Warning => libc::LOG_WARNING,
    };
    let line = terminated(line);
    // SAFETY: the format takes one string, which ends with a zero and lives through the call.
    unsafe { libc::syslog(priority, c"%s".as_ptr(), line.as_ptr()) };
}

/// The text as C takes it, up to its first zero.
fn terminated(text: &str) -> CString {
    let end = text.find('\0').unwrap_or(text.len());
    CString::new(&text[..end]).unwrap_or_default()
}
