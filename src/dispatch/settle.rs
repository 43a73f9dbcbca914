//! What follows from a call that changed something: the dirty count, who watches, the log.

use super::removals::Birth;
use super::storage::{Garbage, TOUCHED_PLACES};
use super::{Dispatcher, gates};
use crate::commands::args::Args;
use crate::commands::effects::Propagation;
use crate::commands::error::Error;
use crate::commands::registry::{self, Hot};
use crate::commands::row::{Flag, Run};
use crate::error;
use crate::persistence::aof::job::FsyncPolicy;
use crate::server::Server;
use crate::server::clients::ClientIndex;
use std::collections::BTreeSet;

/// Keys evicted in one go.
const EVICT_BUDGET: usize = 1000;
/// Whether there is memory for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// Memory is below the limit.
    Enough,
    /// It is not yet, but more keys can be evicted.
    Coming,
    /// Nothing is left that may be evicted.
    None,
}

impl Dispatcher {
    /// Whether anything follows from the call that just ran.
    #[inline]
    pub(super) fn needs_settling(&self, client: ClientIndex) -> bool {
        let client = self.server.clients.get(client);
        self.effects.dirty > 0
            || self.effects.propagation != Propagation::AsReceived
            || self.server.keyspace.all()[client.db].has_removals()
            || client.raised & gates::NO_TOUCH != 0
            || !self.server.requests.is_empty()
            || self.effects.block.is_some()
            || !self.effects.changes.is_empty()
    }

    /// Reads the call's effects once.
    pub(super) fn settle(&mut self, client: ClientIndex, row: &Hot, args: &Args<'_>) {
        self.server.dirty += self.effects.dirty;
        let db = self.server.clients.get(client).db;
        let own = self.server.keyspace.db(db);
        own.touches = true;
        // A data command sees no other database than its client's.
        let mut born = match own.has_removals() || !matches!(row.command.run, Run::Data(_)) {
            true => self.collect_removals_and_births(),
            false => BTreeSet::new(),
        };
        if self.is_logged() {
            self.log_call(client, db, row, args);
        }
        if self.effects.observed {
            self.tell_observers(client, &mut born);
        }
        if !born.is_empty() {
            self.tell_of_births(born);
        }
        if let Some(block) = self.effects.block.take() {
            self.begin_wait(client, row, args, block);
        }
        self.effects.clear();
    }

    /// Tells whoever watches keys or waits for them what the call changed.
    #[cold]
    fn tell_observers(&mut self, author: ClientIndex, born: &mut BTreeSet<Birth>) {
        let held_for = self.offset_to_hold_for();
        for change in std::mem::take(&mut self.effects.changes) {
            // That a key is new is told just before what first happened to it; where one key becomes another, before the old one goes.
            if !born.is_empty() && matches!(change.event.name, "rename_from" | "move_from") {
                self.tell_of_births(std::mem::take(born));
            } else if !born.is_empty()
                && let Some((db, key)) = born.take(&(change.db, change.key.clone()))
            {
                self.server.notify(db, &key, 'n', "new", held_for);
            }
            self.server.clients.invalidate(&change.key, Some(author), held_for);
            self.server.notify(change.db, &change.key, change.event.class, change.event.name, held_for);
            self.server.clients.break_watches(change.db, &change.key);
            if change.event.wakes {
                self.note_ready(change.db, &change.key);
            }
        }
        if self.effects.flushed {
            self.invalidate_all(held_for);
        }
        for db in std::mem::take(&mut self.effects.databases) {
            let Server { clients, keyspace, .. } = &mut self.server;
            clients.break_watches_of_database(db, |key| keyspace.db(db).peek(key).is_some());
            self.note_ready_all(db);
        }
    }

    /// Tells all who are told of changes that databases were emptied.
    pub(super) fn invalidate_all(&mut self, held_for: u64) {
        if let Some(keys) = self.server.clients.invalidate_all(held_for).filter(|keys| !keys.is_empty()) {
            self.free_later(Garbage::TrackedKeys(keys));
        }
    }

    /// Remembers which keys a call has read, if its client is to be told of changes to those.
    pub(super) fn note_reads(&mut self, client: ClientIndex, row: &Hot, args: &Args<'_>) {
        let state = self.server.clients.get(client);
        let remembers = state.tracking.as_ref().is_some_and(|tracking| tracking.remembers());
        if !remembers || row.command.keys.is_empty() || !row.command.has(Flag::ReadOnly) {
            return;
        }
        let db = state.db;
        if row.command.keys.len() == 1 && row.command.keys[0].is_one_key() && row.ahead_key > 0 {
            self.note_read(client, db, args.get(row.ahead_key as usize));
        } else {
            let positions = row.command.keys.iter().filter_map(|spec| spec.positions(args));
            positions.flatten().for_each(|position| self.note_read(client, db, args.get(position)));
        }
        self.forget_reads();
    }

    #[inline]
    fn note_read(&mut self, client: ClientIndex, db: usize, key: &[u8]) {
        let hash = self.server.keyspace.db(db).hash_of_call(key);
        self.server.clients.note_read(client, hash, key);
    }

    /// Has some of the keys that clients have read forgotten when there are more than may be; whether there still are.
    pub(super) fn forget_reads(&mut self) -> bool {
        let Server { clients, random, config, .. } = &mut self.server;
        clients.forget_reads(config.tracking_table_max_keys, |n| random.below(n as u64) as usize)
    }

    /// Up to where the log must be durable before anybody may hear of what has just been appended.
    pub(super) fn offset_to_hold_for(&self) -> u64 {
        self.storage.log.as_ref().filter(|log| log.policy() == FsyncPolicy::Always).map_or(0, |log| log.next_offset())
    }

    /// Whether calls that change data are logged.
    #[inline]
    pub(super) fn is_logged(&self) -> bool {
        self.storage.log.as_ref().is_some_and(|log| !log.is_ending()) && self.storage.loading.is_none()
    }

    fn log_call(&mut self, client: ClientIndex, db: usize, row: &Hot, args: &Args<'_>) {
        let Some(log) = &mut self.storage.log else { return };
        match &self.effects.propagation {
            Propagation::AsReceived if self.effects.dirty == 0 || !row.command.has(Flag::Write) => return,
            Propagation::Instead(calls) if calls.is_empty() => return,
            _ if self.in_transaction && !std::mem::replace(&mut self.has_open_group, true) => log.begin_group(),
            _ => {}
        }
        match &self.effects.propagation {
            Propagation::AsReceived | Propagation::Always => match args.raw() {
                Some(raw) => log.append_raw(db as u32, raw),
                None => log.append_call(db as u32, args.iter()),
            },
            Propagation::Instead(calls) => {
                let is_group = calls.len() > 1 && !self.in_transaction;
                if is_group {
                    log.begin_group();
                }
                for call in calls {
                    log.append_call(db as u32, call.iter().map(Vec::as_slice));
                }
                if is_group {
                    log.end_group();
                }
            }
        }
        if self.storage.block_since_ns == 0 {
            self.storage.block_since_ns = self.server.time.monotonic_ns;
        }
        self.storage.group.note_call();
        let offset = log.next_offset();
        self.server.persistence.log.logged_offset = offset; // INFO behind it must not say that nothing waits
        self.server.clients.get_mut(client).last_write_offset = offset;
        if log.policy() == FsyncPolicy::Always {
            self.note_touched(db, row, args, offset);
        }
        let log = self.storage.log.as_mut().expect("it is there");
        if log.is_full() && self.server.raised & gates::LOG_FULL == 0 {
            self.hold_writers();
        }
    }

    /// Keys of a write that is not durable yet: whoever reads them has to wait.
    fn note_touched(&mut self, db: usize, row: &Hot, args: &Args<'_>, offset: u64) {
        let named = row.command.keys.iter().filter_map(|spec| spec.positions(args)).flatten().collect::<Vec<_>>();
        if named.is_empty() {
            return self.storage.touched.fill(offset); // FLUSHALL, SWAPDB, ...: anything
        }
        for position in named {
            let hash = self.server.keyspace.db(db).hash(args.get(position));
            self.storage.touched[hash as usize % TOUCHED_PLACES] = offset;
        }
    }

    /// Under `always`: the log offset that the reply to this call depends on. Calls that look at the server as a whole (INFO, SLOWLOG ...)
    /// show anything; only while the disk refuses they do not wait, since they tell why.
    pub(super) fn hold_reply(&mut self, client: ClientIndex, row: &Hot, args: &Args<'_>) {
        let Some(log) = &self.storage.log else { return };
        if log.policy() != FsyncPolicy::Always || log.next_offset() == log.durable_offset() {
            return;
        }
        let is_of_data =
            matches!(row.command.run, Run::Data(_)) || row.command.has(Flag::Write) || !row.command.keys.is_empty();
        if !is_of_data {
            if shows_server(row) {
                self.server.clients.get_mut(client).looks_at = self.shown_offset();
            }
            return;
        }
        let next = log.next_offset();
        let db = self.server.clients.get(client).db;
        let specs = row.command.keys;
        let keys = specs.iter().filter_map(|spec| spec.positions(args)).flatten();
        // Keys that only the data names may be any.
        let reads_any = specs.iter().any(|spec| spec.read_for.is_some_and(|read_for| read_for(args).is_some()));
        let mut depends_on = reads_any.then_some(next);
        for position in keys {
            let hash = self.server.keyspace.db(db).hash(args.get(position));
            let touched = self.storage.touched[hash as usize % TOUCHED_PLACES];
            depends_on = Some(depends_on.unwrap_or(0).max(touched));
        }
        let client = self.server.clients.get_mut(client);
        client.held_for = client.held_for.max(depends_on.unwrap_or(next));
    }

    /// Why writes are refused while the disk refuses them.
    pub(super) fn disk_error(&self) -> Error {
        match self.storage.log.as_ref().and_then(|log| log.status().trouble()) {
            Some(trouble) => error!("MISCONF Errors writing to the AOF file: {trouble}"),
            None => Error::Text(
                "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that \
                 may modify the data set are disabled, because this instance is configured to report errors during writes if RDB \
                 snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB \
                 error.",
            ),
        }
    }

    /// Evicts until memory is below the limit, or the slice is used up: that happens when the limit was lowered, and then every
    /// call removes far more than it can add.
    pub(super) fn make_room(&mut self) -> Room {
        let limit = self.server.memory_limit_bytes as usize;
        if limit == 0 || self.server.counted_memory() <= limit {
            return Room::Enough;
        }
        let begun = self.begin_spike();
        let mut evicted = 0;
        let room = loop {
            if self.server.counted_memory() <= limit {
                break Room::Enough;
            }
            if evicted == EVICT_BUDGET {
                break Room::Coming;
            }
            let random = &mut self.server.random;
            if self.server.keyspace.evict_one(&mut |n| random.below(n as u64) as usize).is_none() {
                break Room::None;
            }
            evicted += 1;
        };
        if evicted > 0 {
            self.collect_removals();
        }
        self.end_spike("eviction-cycle", begun);
        room
    }
}

/// Whether a call that names no key may show what was written, as INFO does. EXEC runs calls that wait for what they show.
fn shows_server(row: &Hot) -> bool {
    let entry = &registry::all()[row.id];
    let name = entry.full_name.split('|').next().unwrap_or_default();
    !matches!(entry.group, "connection" | "transactions" | "pubsub")
        && !matches!(name, "command" | "time" | "wait" | "waitaof")
}
