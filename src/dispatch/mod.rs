//! Floor 9: the life of one call and the order of one tick. Knows no sockets and no data type.
//!
//! ```text
//! Dispatcher::run      bytes of one client -> calls -> replies in its output
//!   turn               the calls of one client, until they end or have had their share
//!   batch              looks ahead over the pipelined calls: parses, hashes, prefetches
//!   execute            takes them one by one: gates -> run -> settle
//! Dispatcher::tick     ends a round: expiry, eviction, the walk, the log
//! ```

mod batch;
mod blocking;
mod execute;
pub mod gates;
mod group_commit;
mod hot_keys;
pub mod loading;
mod log;
mod refuse;
mod removals;
mod requests;
mod resume;
mod rights;
mod save_rules;
mod saving;
mod settle;
mod sizes;
pub mod storage;
mod tally;
mod tick;
mod transactions;
mod turn;

use crate::commands::context::Waiting;
use crate::commands::effects::Effects;
use crate::commands::registry::{self, Lookup};
use crate::commands::rights as command_rights;
use crate::formats::resp::request::{Progress, Range};
use crate::server::Server;
pub use batch::Batch;
use blocking::ReadyKeys;
use storage::Storage;

/// The server and what is needed to run calls on it.
pub struct Dispatcher {
    /// All state.
    pub server: Server,
    lookup: Lookup,
    /// For turns that were not looked at ahead.
    batch: Batch,
    effects: Effects,
    /// Keys that have changed and that somebody waits for.
    ready: ReadyKeys,
    /// Whether the call at hand may wait for keys.
    waiting: Waiting,
    /// Whether EXEC is running calls ...
    in_transaction: bool,
    /// ... and one of them has begun the log's group.
    has_open_group: bool,
    storage: Storage,
    /// A page of records that is being emptied: database and page.
    sparse: Option<(usize, u32)>,
    /// When the cron runs next (monotonic ms).
    next_cron_ms: u64,
    /// When memory and rates are looked at next (monotonic ms).
    next_sample_ms: u64,
    /// When the limit on memory is looked up next (monotonic ms).
    next_memory_limit_ms: u64,
    /// The calls run before the round.
    calls_before: u64,
    /// Time spent in calls that the statistics of the loop have not been told yet.
    command_ns: u64,
    /// Time spent in calls within the calls of the batch at hand.
    nested_ns: u64,
    /// Whether the configuration file is to be read again.
    config_reload: bool,
    /// Gates that made calls wait at the end of the last round.
    parking: u32,
    /// Directives whose change `net` has to follow.
    config_changes: Vec<&'static str>,
    /// When the log last heard of a cross-protocol attack (monotonic ms).
    attack_log_ms: Option<u64>,
}

/// A call that has come in half: kept with its connection.
#[derive(Debug, Default)]
pub struct Partial {
    /// How far it is parsed; `missing == 0`: not at all.
    pub progress: Progress,
    /// Its arguments so far, as ranges of the input from its start.
    pub ranges: Vec<Range>,
    /// Arguments that came in an allocation of their own.
    pub big: Vec<Vec<u8>>,
    /// The length of the bulk that is to be read into the last of `big`, line end included; 0: none.
    pub filling: usize,
}

impl Partial {
    /// Whether nothing is kept.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.progress.missing == 0
    }

    /// Bytes of memory held.
    pub fn capacity(&self) -> usize {
        self.ranges.capacity() * size_of::<Range>() + self.big.iter().map(Vec::capacity).sum::<usize>()
    }
}

/// How a client's turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// All whole calls were run; the rest waits for more bytes.
    Drained,
    /// The turn was long enough; there are more calls in the input.
    Again,
    /// The next call has to wait in its place until a gate is cleared.
    Parked,
    /// Nothing more is to be read: the connection ends when its replies are sent (or at once, as its client says).
    Closed,
}

impl Dispatcher {
    /// A dispatcher over a server and its files.
    pub fn new(mut server: Server, storage: Storage) -> Dispatcher {
        server.commands.set_names(registry::all().iter().map(|entry| entry.full_name.as_str()).collect());
        let renamed = |name: &str| {
            let found =
                server.config.renamed_commands.iter().rev().find(|r| r.from.eq_ignore_ascii_case(name.as_bytes()));
            found.map(|r| r.to.clone())
        };
        let lookup = Lookup::new(renamed, gates::stopping);
        server.acl.set_catalogue(command_rights::catalogue());
        server.raised |= gates::PROTECTED;
        Dispatcher {
            server,
            lookup,
            batch: Batch::default(),
            effects: Effects::default(),
            ready: ReadyKeys::new(),
            waiting: Waiting::Allowed,
            in_transaction: false,
            has_open_group: false,
            storage,
            sparse: None,
            next_cron_ms: 0,
            next_sample_ms: 0,
            next_memory_limit_ms: 0,
            calls_before: 0,
            command_ns: 0,
            nested_ns: 0,
            config_reload: false,
            parking: 0,
            config_changes: Vec::new(),
            attack_log_ms: None,
        }
    }

    /// Whether clients that wait in their place may go on; asked once per round.
    pub fn take_unparked(&mut self) -> bool {
        std::mem::take(&mut self.storage.unparked)
    }
}
