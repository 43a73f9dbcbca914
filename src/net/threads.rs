//! The threads beside the loop: the log's writer, the snapshots' writer, the reaper. Each owns what it works on.

use crate::base::clock::{Clock, SystemClock};
use crate::base::sys::allocator;
use crate::dispatch::storage::{Garbage, Threads};
use crate::persistence::aof::writer::Writer;
use crate::persistence::snapshot::SnapshotWriter;
use mio::Waker;
use std::sync::Arc;
use std::thread::Builder;

/// Real threads, which wake a loop.
pub struct SystemThreads {
    waker: Arc<Waker>,
    reaper: crossbeam_channel::Sender<Garbage>,
}

impl SystemThreads {
    /// Starts the reaper; the writers follow when they are asked for.
    pub fn new(waker: Arc<Waker>) -> std::io::Result<SystemThreads> {
        // Not bounded: what waits here is memory that is about to be free, and the loop must not wait.
        let (reaper, garbage) = crossbeam_channel::unbounded();
        Builder::new().name("reaper".into()).spawn(move || {
            for garbage in garbage {
                drop(garbage);
                allocator::settle(); // used_memory goes down as soon as it is free
            }
        })?;
        Ok(SystemThreads { waker, reaper })
    }

    fn spawn(&self, name: &str, run: impl FnOnce() + Send + 'static) {
        if let Err(e) = Builder::new().name(name.into()).spawn(run) {
            log::error!("the thread {name} could not be started: {e}");
        }
    }
}

impl Threads for SystemThreads {
    fn run_log_writer(&self, writer: Writer) {
        let clock = SystemClock::default();
        self.spawn("log-writer", move || writer.run(|| clock.monotonic_ns() / 1_000_000));
    }

    fn run_snapshot_writer(&self, writer: SnapshotWriter) {
        self.spawn("snapshot", move || writer.run());
    }

    fn waker(&self) -> Box<dyn Fn() + Send> {
        let waker = self.waker.clone();
        Box::new(move || {
            if let Err(e) = waker.wake() {
                log::error!("the loop cannot be woken: {e}");
            }
        })
    }

    fn free(&self, garbage: Garbage) {
        // A reaper that is gone frees nothing: then it is done here.
        let _ = self.reaper.send(garbage);
    }
}
