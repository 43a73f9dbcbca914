//! Puts what was read into the keyspace: calls are run as a client's, entries are put into their database. Both are taken some
//! together, so that the cache is asked for all they need before the first is touched.

use super::Refusal;
use crate::commands::args::Args;
use crate::commands::registry::{self, Hot};
use crate::commands::row::{Command, Flag, Run};
use crate::dispatch::Dispatcher;
use crate::formats::rdb::{Usage, Value};
use crate::formats::resp::reply::{Protocol, Reply};
use crate::keyspace::database::{Database, Expiry, Full};
use crate::persistence::check_rdb::HOLDS_FUNCTIONS;
use crate::persistence::load::{Batch, Call, Entry, Failure, Held, LoadEnd, Thing};
use crate::server::clients::ClientIndex;
use crate::server::config::Config;
use crate::values::string::NewText;
use std::path::PathBuf;

/// Things applied between two looks at the clock.
const STEP_THINGS: usize = 512;
/// Entries, or calls, taken together: as many cache misses as a core can have under way, and some more.
const GROUP: usize = 32;
/// What a key takes in a file, at the very least: type, and two lengths with a byte each.
const ENTRY_MIN_BYTES: u64 = 5;

/// What is applied, and where that has got to.
pub(super) struct Applying {
    /// What was read last.
    pub(super) batch: Batch,
    /// Whether a key that is there already may not come again.
    pub(super) refuses_present: bool,
    /// Whether keys past their deadline are left out. What follows in a log was true of them, until it says that they have gone.
    skips_expired: bool,
    /// The client that calls run as.
    client: ClientIndex,
    /// The database of entries.
    db: usize,
    /// The file that calls are from.
    path: PathBuf,
    calls: Vec<Gathered>,
    entries: Vec<Entry>,
    reply: Reply,
    /// Whether the last call run answered an error.
    failed: bool,
}

/// A call that is to run, and the hash of its key.
struct Gathered {
    call: Call,
    row: Hot,
    hash: Option<u64>,
}

impl Applying {
    /// Nothing applied yet, on behalf of `client`.
    pub(super) fn new(client: ClientIndex, skips_expired: bool) -> Applying {
        Applying {
            batch: Batch::default(),
            refuses_present: false,
            skips_expired,
            client,
            db: 0,
            path: PathBuf::new(),
            calls: Vec::new(),
            entries: Vec::new(),
            reply: Reply::new(Default::default(), Protocol::Resp2),
            failed: false,
        }
    }

    pub(super) fn client(&self) -> ClientIndex {
        self.client
    }
}

impl Dispatcher {
    /// Applies some of the batch at hand; gives the end of all, once it has come.
    pub(super) fn apply_some(&mut self, applying: &mut Applying) -> Result<Option<LoadEnd>, Refusal> {
        for _ in 0..STEP_THINGS {
            let Some(thing) = applying.batch.take_next() else { break };
            match thing {
                Thing::Call(call) => self.gather_call(applying, call)?,
                Thing::Entry(entry) => self.gather_entry(applying, entry)?,
                thing => {
                    self.flush_gathered(applying)?;
                    if let Thing::End(end) = thing {
                        return Ok(Some(end));
                    }
                    self.apply_mark(applying, thing)?;
                }
            }
        }
        self.flush_gathered(applying)?;
        self.collect_removals();
        Ok(None)
    }

    /// Applies what is neither call nor entry, nor the end.
    fn apply_mark(&mut self, applying: &mut Applying, thing: Thing) -> Result<(), Refusal> {
        match thing {
            Thing::File { path, is_base } => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                log::info!("Reading {} AOF file {name}", if is_base { "base" } else { "incr" });
                self.server.clients.get_mut(applying.client).db = 0;
                applying.path = path;
            }
            Thing::SelectDb { number, place } => {
                let count = self.server.keyspace.count();
                if number >= count as u64 {
                    return Err(format!(
                        "FATAL: Data file was created with a Redis server configured to handle more than {count} databases. Exiting ({place})"
                    ));
                }
                applying.db = number as usize;
            }
            Thing::ResizeDb { keys } => {
                // The file's word is taken as far as it has room for so many.
                let most = self.server.persistence.loading.total_bytes / ENTRY_MIN_BYTES;
                self.server.keyspace.db(applying.db).expect_keys(keys.min(most) as usize);
            }
            Thing::Function(_) => return Err(HOLDS_FUNCTIONS.into()),
            Thing::Failed(Failure { detail, refusal }) => {
                if let Some(detail) = detail {
                    log::error!("{detail}");
                }
                return Err(refusal);
            }
            Thing::Call(_) | Thing::Entry(_) | Thing::End(_) => {}
        }
        Ok(())
    }

    /// `key-load-delay`: tests hold a load open with it.
    fn delay_load(&self) {
        if let Ok(delay_us @ 1..) = u64::try_from(self.server.config.key_load_delay_us) {
            self.server.resources.platform.sleep_us(delay_us);
        }
    }

    fn flush_gathered(&mut self, applying: &mut Applying) -> Result<(), Refusal> {
        self.put_entries(applying)?;
        self.run_gathered(applying);
        Ok(())
    }

    // ---- entries ----

    fn gather_entry(&mut self, applying: &mut Applying, entry: Entry) -> Result<(), Refusal> {
        self.delay_load();
        // The cache has until the group is full to bring the bucket.
        self.server.keyspace.db(applying.db).prefetch_bucket(entry.hash);
        applying.entries.push(entry);
        if applying.entries.len() >= GROUP { self.put_entries(applying) } else { Ok(()) }
    }

    fn put_entries(&mut self, applying: &mut Applying) -> Result<(), Refusal> {
        if applying.entries.is_empty() {
            return Ok(());
        }
        let now = self.server.now();
        let Applying { batch, entries, .. } = applying;
        let db = self.server.keyspace.db(applying.db);
        db.now = now;
        let state = &mut self.server.persistence.loading;
        for entry in entries.drain(..) {
            let key = batch.key(&entry);
            if applying.skips_expired && entry.deadline_ms.is_some_and(|deadline| deadline <= now.ms) {
                state.expired_keys += 1;
                continue;
            }
            if matches!(entry.value, Held::Whole(Value::Empty)) {
                log::info!("Loading RDB, skipping empty key: {}", shown_key(&self.server.config, key));
                state.empty_keys += 1;
                continue;
            }
            if applying.refuses_present && db.peek(key).is_some() {
                let key = shown_key(&self.server.config, key);
                return Err(format!("RDB has duplicated key '{key}' in DB {}", applying.db));
            }
            put_entry(db, batch, entry)
                .map_err(|_| "The data set has more keys than a database can hold".to_string())?;
            state.loaded_keys += 1;
        }
        db.forget_hash();
        Ok(())
    }

    // ---- calls ----

    /// Gathers a call that changes one database; runs what is gathered behind any other.
    fn gather_call(&mut self, applying: &mut Applying, call: Call) -> Result<(), Refusal> {
        self.delay_load();
        self.put_entries(applying)?; // the end of a base may be calls
        let gathered = self
            .judge_call(applying, call)
            .map_err(|reason| format!("{reason} ({}, byte {})", applying.path.display(), call.end))?;
        let row = gathered.row;
        applying.calls.push(gathered);
        let is_plain = matches!(row.command.run, Run::Data(_));
        if !is_plain || applying.calls.len() >= GROUP {
            self.run_gathered(applying);
            if row.command.name == "select" && applying.failed {
                return Err(format!(
                    "The log selects a database that the configuration does not allow ({}, byte {})",
                    applying.path.display(),
                    call.end
                ));
            }
        }
        Ok(())
    }

    /// Looks a call up, and asks the cache for its key's bucket.
    fn judge_call(&mut self, applying: &Applying, call: Call) -> Result<Gathered, String> {
        let (bytes, words) = applying.batch.words(call);
        let args = Args::new(bytes, words, &mut [], None, false);
        let Some(mut row) = self.lookup.find(args.get(0)).copied() else {
            let name = String::from_utf8_lossy(args.get(0));
            return Err(format!("Unknown command '{name}' reading the append only file"));
        };
        if !row.command.subcommands.is_empty() && args.len() > 1 {
            row = self.subcommand(&row, &args).map_err(|error| error.text().into_owned())?;
        }
        if !row.command.arity.fits(args.len()) {
            return Err(format!("Wrong number of arguments for '{}'", registry::all()[row.id].full_name));
        }
        let hash = (row.ahead_key > 0).then(|| {
            let db = self.server.keyspace.db(self.server.clients.get(applying.client).db);
            let hash = match row.ahead_key {
                1 => call.hash,
                key => db.hash(args.get(key as usize)),
            };
            db.prefetch_bucket(hash);
            hash
        });
        Ok(Gathered { call, row, hash })
    }

    /// Runs the calls gathered.
    fn run_gathered(&mut self, applying: &mut Applying) {
        let Applying { batch, client, calls, reply, failed, .. } = applying;
        let number = self.server.clients.get(*client).db;
        for hash in calls.iter().filter_map(|call| call.hash) {
            self.server.keyspace.db(number).prefetch_record(hash);
        }
        for Gathered { call, row, hash } in calls.drain(..) {
            if !changes_data(row.command) && row.command.name != "select" {
                continue; // a log does not run the server
            }
            let mark = reply.mark();
            let (bytes, words) = batch.words(call);
            let mut args = Args::new(bytes, words, &mut [], None, false);
            // An error here was an error then: what it left unchanged stays so.
            *failed = self.run_row(*client, &row, &mut args, hash, reply).is_err();
            reply.out.cut_back(mark);
            self.effects.clear();
        }
        self.server.requests.clear();
    }
}

/// Whether a call may have left something: writes, and PFCOUNT, which keeps its count in the value.
fn changes_data(command: &Command) -> bool {
    command.has(Flag::Write) || command.has(Flag::MayReplicate) && matches!(command.run, Run::Data(_))
}

/// A key as the log may tell it.
fn shown_key(config: &Config, key: &[u8]) -> String {
    if config.hide_user_data_from_log { "*redacted*".into() } else { key.escape_ascii().to_string() }
}

fn put_entry(db: &mut Database, batch: &Batch, entry: Entry) -> Result<(), Full> {
    let key = batch.key(&entry);
    db.expect_key(key, entry.hash);
    let expiry = entry.deadline_ms.map_or(Expiry::Clear, Expiry::At);
    let usage = entry.usage;
    match entry.value {
        Held::Text(text) => db.set(key, NewText::of(batch.span(text)), expiry),
        Held::Packed(tag, packed) => db.put_packed(key, tag, batch.span(packed), expiry),
        Held::Whole(value) => db.put_decoded(key, value, expiry),
    }?;
    match usage {
        Usage::IdleSeconds(seconds) => {
            if let Some(handle) = db.peek(key) {
                db.set_idle_ms(handle, seconds * 1000);
            }
        }
        Usage::Frequency(counter) => {
            if let Some(handle) = db.peek(key) {
                db.set_frequency(handle, counter);
            }
        }
        Usage::Unknown => {}
    }
    Ok(())
}
