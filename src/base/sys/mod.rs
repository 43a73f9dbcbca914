//! Calls to the operating system and the allocator: the platform of a real process.

pub mod affinity;
pub mod allocator;
pub mod crash;
pub mod daemon;
pub mod limits;
pub mod local_time;
pub mod memory;
pub mod pages;
pub mod priority;
pub mod process;
pub mod syslog;
pub mod title;
pub mod write_back;

use super::platform::{AllocatorFacts, Crash, HostFacts, Platform, ProcessFacts};
use std::time::Duration;

/// The machine that we run on.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl Platform for System {
    fn host(&self) -> HostFacts {
        HostFacts {
            kernel: process::kernel(),
            process_id: std::process::id(),
            executable: std::env::current_exe().map_or_else(|_| String::new(), |path| path.display().to_string()),
            allocator: allocator::name(),
        }
    }

    fn process(&self) -> ProcessFacts {
        process::facts()
    }

    fn allocator(&self) -> AllocatorFacts {
        allocator::facts()
    }

    fn allocated_bytes(&self) -> Option<u64> {
        allocator::settle();
        allocator::allocated_bytes()
    }

    fn machine_bytes(&self) -> u64 {
        memory::machine_bytes()
    }

    fn memory_limit_bytes(&self) -> u64 {
        memory::limit_bytes()
    }

    fn purge(&self) {
        allocator::purge();
    }

    fn allocator_report(&self) -> String {
        allocator::report()
    }

    fn read_tuning(&self, name: &str) -> Result<u64, String> {
        allocator::read_tuning(name)
    }

    fn read_tuning_text(&self, name: &str) -> Result<String, String> {
        allocator::read_tuning_text(name)
    }

    fn write_tuning(&self, name: &str, value: u64) -> Result<u64, String> {
        allocator::write_tuning(name, value)
    }

    fn sleep_us(&self, us: u64) {
        std::thread::sleep(Duration::from_micros(us));
    }

    fn crash(&self, how: Crash) {
        process::crash(how);
    }
}
