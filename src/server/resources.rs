//! What this process takes of the machine: memory and CPU, as the platform last told.

use super::{Server, gates};
use crate::base::platform::{AllocatorFacts, HostFacts, Platform, ProcessFacts, Still};
use std::sync::Arc;

/// What the process takes grows, as far as is counted, to the least of so many weighings.
const PROCESS_WEIGHINGS: u32 = 2;
/// ... and of so many beside a log, whose blocks come and go between the loop and the writer.
const PROCESS_WEIGHINGS_WITH_LOG: u32 = 10;

/// The platform and what it told.
pub struct Resources {
    /// Whom to ask.
    pub platform: Arc<dyn Platform>,
    /// What stays the same.
    pub host: HostFacts,
    /// The kernel's counts.
    pub process: ProcessFacts,
    /// The allocator's pages.
    pub allocator: AllocatorFacts,
    /// Bytes in use: what all threads were handed out, without slots of record pages that no record uses.
    pub used_bytes: u64,
    /// Bytes of those that are neither data nor buffers: what the process itself takes.
    pub process_bytes: u64,
    /// Weighings since it last changed, and the least of them.
    weighed: (u32, u64),
    /// The same before the first key.
    pub startup_bytes: u64,
    /// The most it ever was, since the start or the last reset.
    pub peak_bytes: u64,
    /// When that was (seconds since 1970).
    pub peak_seconds: u64,
    /// Bytes of memory that the machine has.
    pub machine_bytes: u64,
    /// Bytes of it that we may use.
    pub limit_bytes: u64,
}

impl Default for Resources {
    fn default() -> Self {
        Resources::of(Arc::new(Still))
    }
}

impl Resources {
    /// What `platform` tells of itself; nothing is measured yet.
    pub fn of(platform: Arc<dyn Platform>) -> Resources {
        Resources {
            host: platform.host(),
            machine_bytes: platform.machine_bytes(),
            limit_bytes: platform.memory_limit_bytes(),
            platform,
            process: ProcessFacts::default(),
            allocator: AllocatorFacts::default(),
            used_bytes: 0,
            process_bytes: 0,
            weighed: (PROCESS_WEIGHINGS_WITH_LOG, u64::MAX), // the first one stands
            startup_bytes: 0,
            peak_bytes: 0,
            peak_seconds: 0,
        }
    }

    /// Bytes of the process in RAM over bytes in use; 0 when not known.
    pub fn fragmentation(&self) -> f64 {
        ratio(self.process.resident_bytes, self.used_bytes)
    }
}

/// `part / whole`, 0 without a whole.
pub fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

impl Server {
    /// This server on a platform, whose memory is read.
    pub fn on(mut self, platform: Arc<dyn Platform>) -> Server {
        self.resources = Resources::of(platform);
        self.machine_memory_bytes = self.resources.limit_bytes;
        self.apply_memory_limit();
        self.read_memory();
        self.weigh_process();
        self.resources.startup_bytes = self.resources.used_bytes;
        self
    }

    /// Reads how much memory is in use: cheap, for the 100 ms cron.
    pub fn read_memory(&mut self) {
        let allocated = self.resources.platform.allocated_bytes();
        let used = match allocated {
            Some(bytes) => {
                (bytes + self.keyspace.mapped_bytes() as u64).saturating_sub(self.keyspace.slack_bytes() as u64)
            }
            None => self.counted_memory() as u64,
        };
        self.resources.used_bytes = used;
        if used > self.resources.peak_bytes {
            self.resources.peak_bytes = used;
            self.resources.peak_seconds = self.time.wall_us / 1_000_000;
        }
    }

    /// Weighs what of `used_bytes` is neither data nor buffers. As in Redis it counts towards `maxmemory`; buffers of a log, of a walk and
    /// what waits to be freed do not: while there are any of the last two, the last weight stands. What is there for a moment only, a
    /// reply or a block of the log, does not count: the least of some weighings does. For the cron, and where there is a limit for the
    /// end of each round: within a call, the buffer of its reply would weigh in.
    pub fn weigh_process(&mut self) {
        let is_freeing = self.counters.free_later_pending > 0 || !self.garbage.is_empty();
        let is_unclear = is_freeing || self.keyspace.is_walking() || self.raised & gates::LOADING != 0;
        if is_unclear && self.resources.process_bytes > 0 {
            return;
        }
        let others_bytes = self.bytes_by_count() as u64 + self.persistence.log.pending_bytes();
        let process_bytes = self.resources.used_bytes.saturating_sub(others_bytes);
        let weighings = if self.config.appendonly { PROCESS_WEIGHINGS_WITH_LOG } else { PROCESS_WEIGHINGS };
        let resources = &mut self.resources;
        resources.weighed.0 += 1;
        resources.weighed.1 = resources.weighed.1.min(process_bytes);
        if resources.weighed.0 >= weighings || process_bytes < resources.process_bytes {
            resources.process_bytes = resources.weighed.1;
            resources.weighed = (0, u64::MAX);
        }
    }

    /// Reads what the platform tells of this process, for a report: tens of microseconds. (What the machine leaves to it stands in
    /// half a dozen files, which the cron reads now and then.)
    pub fn read_resources(&mut self) {
        self.read_memory();
        self.resources.process = self.resources.platform.process();
        self.resources.allocator = self.resources.platform.allocator();
    }

    /// Has the census taken for a report that tells of it: at once where there are few keys, else in slices from now on.
    pub fn ask_for_census(&mut self) {
        self.census.ask(&self.keyspace, self.time.monotonic_ms());
    }

    /// Reads how much memory the machine or the control group leaves to us, and has a `maxmemory` in percent follow it: reads
    /// files, for once in some seconds.
    pub fn read_memory_limit(&mut self) {
        self.resources.limit_bytes = self.resources.platform.memory_limit_bytes();
        if self.machine_memory_bytes != self.resources.limit_bytes {
            self.machine_memory_bytes = self.resources.limit_bytes;
            self.apply_memory_limit();
        }
    }

    /// Bytes that are not data: tables, lists, clients' buffers, the log's, and what the process took at its start.
    pub fn overhead_bytes(&self) -> u64 {
        let tables: usize = self.keyspace.all().iter().map(|db| db.table_bytes() + db.links_bytes()).sum();
        let buffers = self.clients.memory.buffer_bytes() as u64 + self.persistence.log.buffer_bytes;
        self.resources.startup_bytes + tables as u64 + buffers
    }

    /// Bytes of data.
    pub fn dataset_bytes(&self) -> u64 {
        self.resources.used_bytes.saturating_sub(self.overhead_bytes())
    }

    /// The share of data in what was taken since the start, in percent.
    pub fn dataset_percent(&self) -> f64 {
        let net = self.resources.used_bytes.saturating_sub(self.resources.startup_bytes).max(1);
        self.dataset_bytes() as f64 * 100.0 / net as f64
    }
}
