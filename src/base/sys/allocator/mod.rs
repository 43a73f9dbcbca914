//! What the allocator has handed out: exact bytes, summed over threads without a lock.
//!
//! ```text
//! thread    counts what it allocates and frees (jemalloc does, in size classes; else the counting allocator here)
//!    |      settle(): what was counted since the last time
//!    v
//! BALANCE   allocated - freed, of all threads
//! ```
//!
//! A thread settles when it asks, when it ends, and whenever it calls [`settle`]: the threads of the server do after each batch.
//! A buffer that one thread allocates and another frees balances in the sum.
//!
//! The program chooses the allocator (`main.rs`); a library must not. So whether jemalloc, or the counting one, really serves this
//! process is found out by an allocation; if neither does, nothing is counted and [`allocated_bytes`] is `None`.
#![allow(unsafe_code)]

pub mod counting;
#[cfg(feature = "jemalloc")]
mod jemalloc;

#[cfg(not(feature = "jemalloc"))]
pub use counting::Counting as ProgramAllocator;
#[cfg(feature = "jemalloc")]
pub use tikv_jemallocator::Jemalloc as ProgramAllocator;

#[cfg(not(feature = "jemalloc"))]
use counting as backend;
#[cfg(feature = "jemalloc")]
use jemalloc as backend;

pub use backend::{facts, name, purge, read_tuning, read_tuning_text, report, write_tuning};

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// Bytes allocated minus bytes freed, of all threads, as they last settled.
static BALANCE: AtomicI64 = AtomicI64::new(0);

/// What this thread has added to the balance.
struct Account(Cell<i64>);

impl Account {
    fn settle(&self) {
        let balance = backend::thread_balance();
        BALANCE.fetch_add(balance - self.0.replace(balance), Relaxed);
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.settle();
    }
}

thread_local! {
    static ACCOUNT: Account = const { Account(Cell::new(0)) };
}

/// Adds what this thread has allocated and freed since the last time to what [`allocated_bytes`] gives. Costs a few nanoseconds.
pub fn settle() {
    let _ = ACCOUNT.try_with(Account::settle);
}

/// Bytes handed out to all threads, as they last settled; `None` when the program has another allocator.
pub fn allocated_bytes() -> Option<u64> {
    is_counted().then(|| BALANCE.load(Relaxed).max(0) as u64)
}

/// Whether the allocator that counts is the program's.
pub fn is_counted() -> bool {
    static COUNTED: OnceLock<bool> = OnceLock::new();
    *COUNTED.get_or_init(|| {
        let before = backend::thread_balance();
        let probe = std::hint::black_box(vec![0u8; 4000]);
        let after = backend::thread_balance();
        drop(probe);
        after - before >= 4000
    })
}
