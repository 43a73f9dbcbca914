//! What a command's function sees: one database, or the server. The kind of row says which.

use super::effects::{Block, Effects, Event};
use super::row::{Done, Outcome};
use crate::base::random::Generator;
use crate::formats::rdb::ChecksumCheck;
use crate::formats::resp::reply::Reply;
use crate::keyspace::database::Database;
use crate::server::Server;
use crate::server::clients::ClientIndex;
use crate::values::{Encodings, Kind};

/// Bounds that data commands keep.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest string, bytes (`proto-max-bulk-len`).
    pub string_bytes: u64,
    /// Where a reply is given up whose length the client alone decides, bytes (`client-output-buffer-limit`).
    pub reply_bytes: usize,
    /// What payloads' checksums count for.
    pub checksum: ChecksumCheck,
}

/// Whether a call may wait for keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// It may. One that has waited and runs again goes on waiting in its place.
    Allowed,
    /// It may not, as inside MULTI: it answers as if its time were up.
    Never,
}

/// What a command on data sees.
pub struct DataContext<'a> {
    /// The client's database.
    pub db: &'a mut Database,
    /// Its number.
    pub db_number: usize,
    /// Where the answer goes.
    pub reply: &'a mut Reply,
    /// What it changed.
    pub effects: &'a mut Effects,
    /// Bounds.
    pub limits: Limits,
    /// How collections are kept.
    pub encodings: &'a Encodings,
    /// Whether the call may wait for keys.
    pub waiting: Waiting,
    /// Whether the call comes from the log: it was accepted once, and is carried out.
    pub is_replayed: bool,
    /// Chance.
    pub random: &'a mut Generator,
}

impl DataContext<'_> {
    /// The time of this call, in milliseconds since 1970.
    #[inline]
    pub fn now_ms(&self) -> u64 {
        self.db.now.ms
    }

    /// A key changed: counted for the save rules, told to whoever watches, logged.
    #[inline]
    pub fn changed(&mut self, key: &[u8], event: Event) {
        self.effects.changed(self.db_number, key, event);
    }

    /// A further event of a key that `changed` has counted, as "expire" after "set".
    #[inline]
    pub fn happened(&mut self, key: &[u8], event: Event) {
        self.effects.happened(self.db_number, key, event);
    }

    /// The call waits until one of `keys` changes and is a `kind`, and then runs again; if `timeout_us` (`None`: for ever) is up before that, the answer
    /// is no array. Where calls may not wait that is the answer now.
    ///
    /// `call` is what runs then, if not the client's own words.
    pub fn wait_for<'k>(
        &mut self,
        kind: Kind,
        keys: impl Iterator<Item = &'k [u8]>,
        timeout_us: Option<u64>,
        call: Option<Vec<Vec<u8>>>,
    ) -> Outcome {
        match self.waiting {
            Waiting::Never => self.reply.null_array(),
            Waiting::Allowed => {
                self.effects.block = Some(Block {
                    keys: keys.map(Box::from).collect(),
                    kind: Some(kind),
                    timeout_us,
                    call,
                    even_without_key: false,
                    log_offset: None,
                });
            }
        }
        Ok(Done)
    }

    /// As `wait_for`; the call runs again when a key has gone or is of another type, too.
    pub fn wait_for_change<'k>(
        &mut self,
        kind: Kind,
        keys: impl Iterator<Item = &'k [u8]>,
        timeout_us: Option<u64>,
        call: Option<Vec<Vec<u8>>>,
    ) -> Outcome {
        let outcome = self.wait_for(kind, keys, timeout_us, call);
        if let Some(block) = &mut self.effects.block {
            block.even_without_key = true;
        }
        outcome
    }

    /// The log and the replicas get this call in place of the client's words.
    pub fn propagate_as(&mut self, call: &[&[u8]]) {
        self.effects.propagate_as(call);
    }
}

/// What a command on the server sees.
pub struct ServerContext<'a> {
    /// Everything.
    pub server: &'a mut Server,
    /// Who calls.
    pub client: ClientIndex,
    /// Where the answer goes.
    pub reply: &'a mut Reply,
    /// What it changed.
    pub effects: &'a mut Effects,
    /// Whether the call may wait.
    pub waiting: Waiting,
}

impl ServerContext<'_> {
    /// The number of the caller's database.
    pub fn db_number(&self) -> usize {
        self.server.clients.get(self.client).db
    }

    /// The caller's database.
    pub fn db(&mut self) -> &mut Database {
        let number = self.db_number();
        self.server.keyspace.db(number)
    }

    /// The call waits until the log is durable up to `offset`, or is turned off, and then runs again.
    pub fn wait_for_log(&mut self, offset: u64, timeout_us: Option<u64>) {
        let log_offset = Some(offset);
        self.effects.block =
            Some(Block { keys: Vec::new(), kind: None, timeout_us, call: None, even_without_key: false, log_offset });
    }

    /// A key of database `db` changed.
    pub fn changed_in(&mut self, db: usize, key: &[u8], event: Event) {
        self.effects.changed(db, key, event);
    }
}
