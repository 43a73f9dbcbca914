//! Time, handed in: wall-clock time for deadlines, monotonic time for durations and time-outs.

use super::sys;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

/// A source of time. Production has the system's, tests and the simulator one that they move.
pub trait Clock: Send + Sync {
    /// Microseconds since 1970 (UTC). May jump, both ways.
    fn wall_us(&self) -> u64;
    /// Nanoseconds since some fixed moment. Never goes back.
    fn monotonic_ns(&self) -> u64;
    /// Nanoseconds that the calling thread has run on a CPU.
    fn run_ns(&self) -> u64;
}

/// The operating system's clocks.
pub struct SystemClock {
    origin_ns: u64,
}

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock { origin_ns: sys::process::monotonic_ns() }
    }
}

impl Clock for SystemClock {
    fn wall_us(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros() as u64)
    }

    fn monotonic_ns(&self) -> u64 {
        sys::process::monotonic_ns() - self.origin_ns
    }

    fn run_ns(&self) -> u64 {
        sys::process::thread_run_ns()
    }
}

/// A clock that stands still until it is moved. Clones show the same time.
#[derive(Clone, Default)]
pub struct ManualClock {
    wall_us: Arc<AtomicU64>,
    monotonic_ns: Arc<AtomicU64>,
}

impl ManualClock {
    /// A clock that shows `wall_ms` milliseconds since 1970.
    pub fn at(wall_ms: u64) -> Self {
        let clock = ManualClock::default();
        clock.wall_us.store(wall_ms * 1000, Relaxed);
        clock
    }

    /// Lets `ms` milliseconds pass, on both clocks.
    pub fn advance_ms(&self, ms: u64) {
        self.wall_us.fetch_add(ms * 1000, Relaxed);
        self.monotonic_ns.fetch_add(ms * 1_000_000, Relaxed);
    }

    /// Sets the wall clock, as an administrator or NTP might.
    pub fn jump_to(&self, wall_ms: u64) {
        self.wall_us.store(wall_ms * 1000, Relaxed);
    }
}

impl Clock for ManualClock {
    fn wall_us(&self) -> u64 {
        self.wall_us.load(Relaxed)
    }

    fn monotonic_ns(&self) -> u64 {
        self.monotonic_ns.load(Relaxed)
    }

    /// Nobody else is there to have the CPU.
    fn run_ns(&self) -> u64 {
        self.monotonic_ns()
    }
}
