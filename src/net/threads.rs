//! The threads beside the loop: the log's writer, the snapshots' writer, the reaper. Each owns what it works on.

use crate::base::clock::{Clock, SystemClock};
use crate::base::sys::{allocator, priority};
use crate::dispatch::storage::{Garbage, Threads};
use crate::persistence::aof::writer::Writer;
use crate::persistence::snapshot::SnapshotWriter;
use mio::Waker;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::Builder;

/// Real threads, which wake a loop.
pub struct SystemThreads {
    waker: Arc<Waker>,
    reaper: crossbeam_channel::Sender<Garbage>,
    /// Values that wait for the reaper.
    free_pending: Arc<AtomicU64>,
}

impl SystemThreads {
    /// Starts the reaper; the writers follow when they are asked for.
    pub fn new(waker: Arc<Waker>) -> std::io::Result<SystemThreads> {
        // Not bounded: what waits here is memory that is about to be free, and the loop must not wait.
        let (reaper, garbage) = crossbeam_channel::unbounded::<Garbage>();
        let free_pending = Arc::new(AtomicU64::new(0));
        let pending = free_pending.clone();
        Builder::new().name("reaper".into()).spawn(move || {
            priority::stand_back();
            for garbage in garbage {
                let objects = garbage.objects();
                drop(garbage);
                allocator::settle(); // used_memory goes down as soon as it is free
                pending.fetch_sub(objects, Relaxed);
            }
        })?;
        Ok(SystemThreads { waker, reaper, free_pending })
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
        let objects = garbage.objects();
        self.free_pending.fetch_add(objects, Relaxed);
        if self.reaper.send(garbage).is_err() {
            // A reaper that is gone frees nothing: it was done here.
            self.free_pending.fetch_sub(objects, Relaxed);
        }
    }

    fn free_pending(&self) -> u64 {
        self.free_pending.load(Relaxed)
    }
}
