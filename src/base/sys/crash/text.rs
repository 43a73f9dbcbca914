//! Text for a report, made and written where the heap must not be touched.

use super::OUTPUT;
use std::fmt::{self, Write};
use std::sync::atomic::Ordering::Relaxed;

/// Text that is gathered without the heap.
pub(super) struct Text {
    bytes: [u8; 512],
    len: usize,
}

impl Default for Text {
    fn default() -> Text {
        Text::empty()
    }
}

impl Text {
    pub(super) const fn empty() -> Text {
        Text { bytes: [0; 512], len: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The text, up to where it was cut within a character.
    pub(super) fn as_str(&self) -> &str {
        let bytes = &self.bytes[..self.len];
        std::str::from_utf8(bytes).unwrap_or_else(|e| std::str::from_utf8(&bytes[..e.valid_up_to()]).unwrap_or(""))
    }

    /// What a line of the log begins with; the time is not told in words, since that may take a lock.
    pub(super) fn stamp(&mut self) -> fmt::Result {
        // SAFETY: both only read numbers; nobody wants the time at a pointer too.
        let (pid, seconds) = unsafe { (libc::getpid(), libc::time(std::ptr::null_mut())) };
        write!(self, "{pid}:signal-handler ({seconds}) ")
    }

    pub(super) fn write(&mut self) {
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
pub(super) struct Raw;

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
