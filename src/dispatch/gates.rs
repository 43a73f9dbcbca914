//! Gates: reasons not to run a call, each a bit. On a quiet server all of them cost one AND.
//!
//! A gate is raised for all clients (`Server::raised`) or for one (`Client::raised`); a row says which ones stop it. A call that
//! meets a raised gate goes the slow way, where the gates are tested one after another (`meet_gates`).

use super::Dispatcher;
use super::settle::Room;
use super::transactions::RUN_AT_ONCE;
use crate::commands::args::Args;
use crate::commands::error::Error;
use crate::commands::registry::{self, Hot};
use crate::commands::row::{Command, Flag, Run};
use crate::formats::resp::reply::Reply;
use crate::server::clients::ClientIndex;
pub use crate::server::gates::*;

/// The gates that stop a row.
pub fn stopping(row: &Command) -> u32 {
    let may_write = row.has(Flag::Write) || row.has(Flag::MayReplicate);
    let mut gates = MONITOR | TIMED | NO_TOUCH;
    if !LISTENERS_MAY.contains(&row.name) {
        gates |= SUBSCRIBED;
    }
    // What SUBSCRIBE and its like say are messages, not answers: they are heard under CLIENT REPLY OFF, too.
    if !row.has(Flag::PubSub) || !LISTENERS_MAY.contains(&row.name) {
        gates |= MUTED;
    }
    if !RUN_AT_ONCE.contains(&row.name) {
        gates |= MULTI;
    }
    if !is_exempt_from_pause(row) {
        gates |= PAUSE_ALL;
    }
    for (gate, stops) in [
        (AUTH, !row.has(Flag::NoAuth)),
        (ACL, !row.has(Flag::NoAuth)),
        (LOADING, !row.has(Flag::Loading)),
        (MEMORY, row.has(Flag::DenyOom)),
        (DISK, row.has(Flag::Write)),
        (LOG_FULL, row.has(Flag::Write)),
        (PAUSE_WRITES, may_write),
        (PROTECTED, row.has(Flag::Protected)),
        (WATCHER, may_write || row.has(Flag::ReadOnly)),
        (CROWDED, SENDERS.contains(&row.name)),
    ] {
        if stops {
            gates |= gate;
        }
    }
    gates
}

/// What a client may do that listens to channels and speaks RESP2.
const LISTENERS_MAY: [&str; 9] =
    ["subscribe", "unsubscribe", "psubscribe", "punsubscribe", "ssubscribe", "sunsubscribe", "ping", "quit", "reset"];

/// What sends messages to channels.
const SENDERS: [&str; 2] = ["publish", "spublish"];

/// CLIENT is what ends a pause.
fn is_exempt_from_pause(row: &Command) -> bool {
    row.name == "client" || row.name == "unpause"
}

/// Whether a call that met raised gates may pass.
pub(super) enum Passage {
    /// It may.
    Open,
    /// It waits in its place.
    Parked,
    /// It is queued for EXEC.
    Queued,
    /// It is answered by this error.
    Refused(Error),
}

/// When a call is shown to monitors.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// Before it runs.
    Before,
    /// When it has run.
    After,
}

impl Dispatcher {
    /// Why the server cannot take reads and writes now, if it cannot: it is loading, or the disk refuses writes.
    pub fn unready_reason(&self) -> Option<String> {
        if self.server.raised & LOADING != 0 {
            let state = &self.server.persistence.loading;
            return Some(format!("loading: {} of {} bytes", state.loaded_bytes, state.total_bytes));
        }
        (self.server.raised & DISK != 0).then(|| self.disk_error().text().into_owned())
    }

    /// Tests the raised gates that stop a row, in order.
    #[cold]
    pub(super) fn meet_gates(
        &mut self,
        client: ClientIndex,
        row: &Hot,
        mut met: u32,
        args: &Args<'_>,
        reply: &Reply,
    ) -> Passage {
        let refused = |text| Passage::Refused(Error::Text(text));
        let is_exec = row.command.name == "exec";
        let is_queued = met & MULTI != 0 && !is_exec;
        if is_exec {
            met |= (self.server.raised | self.server.clients.get(client).raised) & self.gates_of_transaction(client);
        }
        if is_queued && row.command.has(Flag::NoMulti) {
            return refused("ERR Command not allowed inside a transaction");
        }
        if met & AUTH != 0 {
            return refused("NOAUTH Authentication required.");
        }
        if met & ACL != 0
            && let Err(denied) = self.judge(client, row, args)
        {
            return Passage::Refused(self.deny(client, row, args, denied, reply));
        }
        if met & SUBSCRIBED != 0 {
            return Passage::Refused(crate::error!(
                "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
                registry::all()[row.id].full_name
            ));
        }
        if met & PROTECTED != 0
            && let Err(error) = self.check_protected(client, row)
        {
            return Passage::Refused(error);
        }
        if met & LOADING != 0 {
            return refused("LOADING Redis is loading the dataset in memory");
        }
        if met & WATCHER != 0 {
            return refused("ERR Replica can't interact with the keyspace"); // what a monitor is in Redis
        }
        if met & DISK != 0 {
            return Passage::Refused(self.disk_error()); // before the wait for a log that is full because of that
        }
        if met & PARKING != 0 {
            self.parking |= met & PARKING & self.server.raised; // it may be cleared again before the tick
            return Passage::Parked;
        }
        if met & MEMORY != 0 && self.make_room() == Room::None {
            return Passage::Refused(Error::OutOfMemory);
        }
        if is_queued {
            return Passage::Queued;
        }
        if met & MONITOR != 0 {
            self.show_call(client, row, args, Moment::Before);
        }
        self.begin_use(client, row, met);
        Passage::Open
    }

    /// Shows a call to those who watch, at one of the two moments. One that sees data only is shown before it runs, since it may take its
    /// words along; others afterwards, as in Redis: in the database that they chose, behind the calls that they ran.
    pub(super) fn show_call(&mut self, client: ClientIndex, row: &Hot, args: &Args<'_>, moment: Moment) {
        let its_moment = if matches!(row.command.run, Run::Data(_)) { Moment::Before } else { Moment::After };
        if moment == its_moment && !row.command.has(Flag::SkipMonitor) && !row.command.has(Flag::Admin) {
            self.server.show_to_monitors(client, row.command.shown(args));
        }
    }

    /// Under CLIENT NO-TOUCH only TOUCH counts as a use of keys, until `end_use`.
    pub(super) fn begin_use(&mut self, client: ClientIndex, row: &Hot, raised: u32) {
        if raised & NO_TOUCH != 0 {
            let db = self.server.clients.get(client).db;
            self.server.keyspace.db(db).touches = row.command.name == "touch";
        }
    }

    /// The call is over: others' calls are uses.
    #[cold]
    pub(super) fn end_use(&mut self) {
        self.server.keyspace.all_mut().iter_mut().for_each(|db| db.touches = true);
    }

    fn check_protected(&self, client: ClientIndex, row: &Hot) -> Result<(), Error> {
        let is_local = self.server.clients.get(client).is_local();
        let name = registry::all()[row.id].full_name.split('|').next().unwrap_or_default();
        let config = &self.server.config;
        let permission = if name == "module" { config.enable_module_command } else { config.enable_debug_command };
        if permission.allows(is_local) {
            return Ok(());
        }
        Err(crate::error!(
            "ERR {name} command not allowed. If the enable-{lower}-command option is set to \"local\", you can run it from a \
             local connection, otherwise you need to set this option in the configuration file, and then restart the server.",
            name = name.to_ascii_uppercase(),
            lower = name
        ))
    }
}
