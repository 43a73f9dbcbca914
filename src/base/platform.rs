//! What the operating system and the allocator know of this process, handed in like the clock: production has `sys::System`,
//! tests have [`Still`], of which nothing ever changes.

/// What stays the same while the process runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostFacts {
    /// Name, release and machine of the kernel: `Linux 6.1.0 x86_64`.
    pub kernel: String,
    /// This process.
    pub process_id: u32,
    /// Path of the program, empty when not known.
    pub executable: String,
    /// Name and version of the allocator: `jemalloc-5.3.1`, `libc`.
    pub allocator: String,
}

/// What the kernel has counted for this process.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ProcessFacts {
    /// Bytes in RAM.
    pub resident_bytes: u64,
    /// Seconds of CPU in user mode, all threads.
    pub user_seconds: f64,
    /// Seconds of CPU in the kernel, all threads.
    pub system_seconds: f64,
    /// The same of the calling thread.
    pub thread_user_seconds: f64,
    /// The same of the calling thread.
    pub thread_system_seconds: f64,
    /// The same of children that have ended.
    pub children_user_seconds: f64,
    /// The same of children that have ended.
    pub children_system_seconds: f64,
}

/// What the allocator says of its pages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AllocatorFacts {
    /// Bytes handed out.
    pub allocated_bytes: u64,
    /// Bytes of pages with anything handed out.
    pub active_bytes: u64,
    /// Bytes of pages in RAM.
    pub resident_bytes: u64,
    /// Bytes of pages that the kernel may take back when it wants to.
    pub muzzy_bytes: u64,
}

/// How a process is to be ended for a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// By a wild access.
    Segfault,
    /// By SIGABRT.
    Abort,
}

/// Everything below `net` that would otherwise ask the operating system.
pub trait Platform: Send + Sync {
    /// What stays the same.
    fn host(&self) -> HostFacts;
    /// What the kernel has counted until now.
    fn process(&self) -> ProcessFacts;
    /// What the allocator says now; all of its pages are looked at, so not for every call.
    fn allocator(&self) -> AllocatorFacts;
    /// Bytes that are handed out to all threads, cheaply; `None` when the allocator does not count.
    fn allocated_bytes(&self) -> Option<u64>;
    /// Bytes of memory that the machine has.
    fn machine_bytes(&self) -> u64;
    /// Bytes of memory that this process may use: the machine's, or its control group's limit if that is less.
    fn memory_limit_bytes(&self) -> u64;
    /// Gives free pages back to the kernel.
    fn purge(&self);
    /// The allocator's own report, empty when it has none.
    fn allocator_report(&self) -> String;
    /// A number that the allocator keeps under a name (`arenas.nbins`); `Err` with the reason.
    fn read_tuning(&self, name: &str) -> Result<u64, String>;
    /// A text that the allocator keeps under a name (`version`); `Err` with the reason.
    fn read_tuning_text(&self, name: &str) -> Result<String, String>;
    /// Sets a number that the allocator keeps under a name, and gives the former one; `Err` with the reason.
    fn write_tuning(&self, name: &str, value: u64) -> Result<u64, String>;
    /// Stops the calling thread for so long.
    fn sleep_us(&self, us: u64);
    /// Ends the process at once, as a bug would.
    fn crash(&self, how: Crash);
}

/// A platform on which nothing happens: the allocator does not count, sleep takes no time, crashes do nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Still;

impl Platform for Still {
    fn host(&self) -> HostFacts {
        HostFacts { kernel: "Linux 0 none".into(), process_id: 1, executable: String::new(), allocator: "libc".into() }
    }

    fn process(&self) -> ProcessFacts {
        ProcessFacts::default()
    }

    fn allocator(&self) -> AllocatorFacts {
        AllocatorFacts::default()
    }

    fn allocated_bytes(&self) -> Option<u64> {
        None
    }

    fn machine_bytes(&self) -> u64 {
        1 << 33
    }

    fn memory_limit_bytes(&self) -> u64 {
        1 << 32
    }

    fn purge(&self) {}

    fn allocator_report(&self) -> String {
        String::new()
    }

    fn read_tuning(&self, _: &str) -> Result<u64, String> {
        Err("No such file or directory".into())
    }

    fn read_tuning_text(&self, _: &str) -> Result<String, String> {
        Err("No such file or directory".into())
    }

    fn write_tuning(&self, _: &str, _: u64) -> Result<u64, String> {
        Err("No such file or directory".into())
    }

    fn sleep_us(&self, _: u64) {}

    fn crash(&self, _: Crash) {}
}
