//! The threads beside the loop: the log's writer, the snapshots' writer, the loader, the reaper. Each owns what it works on.

use super::config_files::plain;
use crate::base::clock::{Clock, SystemClock};
use crate::base::sys::affinity::{self, CpuList};
use crate::base::sys::{allocator, priority};
use crate::dispatch::storage::{Garbage, Threads};
use crate::persistence::aof::writer::Writer;
use crate::persistence::load::{Batches, Loader};
use crate::persistence::snapshot::SnapshotWriter;
use crate::server::config::Config;
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
    pins: Pins,
}

/// Where threads run.
#[derive(Clone)]
pub struct Pins {
    /// The thread that writes snapshots and bases.
    snapshots: CpuList,
    /// The others beside the loop.
    background: CpuList,
}

impl Pins {
    /// What the configuration says; else where the process may run now.
    pub fn of(config: &Config) -> Pins {
        let list = |text: &str| text.parse().unwrap_or_else(|_| affinity::current());
        Pins { snapshots: list(&config.bgsave_cpulist), background: list(&config.bio_cpulist) }
    }
}

/// Pins the calling thread; one that cannot be runs where the system wants.
pub(super) fn pin(list: &CpuList) {
    if let Err(e) = affinity::pin(list) {
        log::warn!("A thread cannot be pinned to its CPUs: {}", plain(&e));
    }
}

impl SystemThreads {
    /// Starts the reaper; the writers follow when they are asked for.
    pub fn new(waker: Arc<Waker>, pins: Pins) -> std::io::Result<SystemThreads> {
        // Not bounded: what waits here is memory that is about to be free, and the loop must not wait.
        let (reaper, garbage) = crossbeam_channel::unbounded::<Garbage>();
        let free_pending = Arc::new(AtomicU64::new(0));
        let (pending, cpus) = (free_pending.clone(), pins.background.clone());
        Builder::new().name("reaper".into()).spawn(move || {
            pin(&cpus);
            priority::stand_back();
            for garbage in garbage {
                let objects = garbage.objects();
                drop(garbage);
                allocator::settle(); // used_memory goes down as soon as it is free
                pending.fetch_sub(objects, Relaxed);
            }
        })?;
        Ok(SystemThreads { waker, reaper, free_pending, pins })
    }

    fn spawn(&self, name: &str, cpus: &CpuList, run: impl FnOnce() + Send + 'static) {
        let cpus = cpus.clone();
        let pinned = move || {
            pin(&cpus);
            run();
        };
        if let Err(e) = Builder::new().name(name.into()).spawn(pinned) {
            log::error!("the thread {name} could not be started: {e}");
        }
    }
}

impl Threads for SystemThreads {
    fn run_log_writer(&self, writer: Writer) {
        let clock = SystemClock::default();
        self.spawn("log-writer", &self.pins.background, move || writer.run(|| clock.monotonic_ns() / 1_000_000));
    }

    fn run_snapshot_writer(&self, writer: SnapshotWriter) {
        self.spawn("snapshot", &self.pins.snapshots, move || writer.run());
    }

    /// With one CPU for all threads there is nothing to gain.
    fn run_loader(&self, loader: Loader) -> Batches {
        if self.pins.background.is_all_of(&affinity::current()) {
            return Batches::Here(Box::new(loader));
        }
        let (batches, reader) = Batches::ahead(loader);
        self.spawn("loader", &self.pins.background, move || reader.run());
        batches
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
