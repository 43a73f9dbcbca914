//! What a command asks of those above it: files are saved and loaded, and the process ends, by `dispatch`.
//!
//! A command pushes a request to `Server::requests`; `dispatch` carries it out right after the call, before anyone's next, and writes
//! the reply unless the command has (which its line here says). A request that may be answered later names its client.

use super::clients::ClientIndex;
use super::config::ShutdownFlags;
use super::transaction::Transaction;

/// A thing to be done after the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// EXEC: run what was queued, then answer.
    RunTransaction {
        /// Whose it is.
        client: ClientIndex,
        /// The calls.
        transaction: Box<Transaction>,
    },
    /// EXEC that is not run: its answer shows that somebody has written, so it waits for the disk as a look at what was written would.
    ShowWrites {
        /// Who hears of it.
        client: ClientIndex,
    },
    /// CONFIG SET appendonly no (answered already): the answer says that the log has ended, so it waits for that.
    AwaitLogEnd {
        /// Who hears of it.
        client: ClientIndex,
    },
    /// SAVE: write a snapshot before anything else happens, then answer.
    Save {
        /// Who waits.
        client: ClientIndex,
    },
    /// BGSAVE: begin a snapshot (answered already).
    StartSnapshot,
    /// BGSAVE CANCEL: give up the snapshot under way (answered already).
    CancelSnapshot,
    /// BGREWRITEAOF: begin a rewrite of the log (answered already).
    StartRewrite,
    /// SHUTDOWN: end the process; answer only if it cannot be.
    Shutdown(ShutdownFlags),
    /// DEBUG RELOAD: save a snapshot, empty all databases, load it; then answer.
    Reload(Reload),
    /// DEBUG LOADAOF: write out the log, empty all databases, load it; then answer.
    LoadLog,
    /// DEBUG RESTART, DEBUG CRASH-AND-RECOVER: run the program anew after so long, having ended as SHUTDOWN does, or not.
    Restart {
        /// How it ends before.
        ending: Ending,
        /// How long to wait before.
        delay_ms: u64,
    },
}

/// How DEBUG RELOAD goes about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reload {
    /// Whether to save first.
    pub save: bool,
    /// Whether to empty the databases before loading.
    pub flush: bool,
    /// Whether keys of the file win over those that are there (else such a key is an error).
    pub merge: bool,
}

/// How a process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// As SHUTDOWN ends it.
    Orderly,
    /// At once, as a crash would.
    Abrupt,
}
