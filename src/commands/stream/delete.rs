//! Single entries and the stream's counters: XDEL, XSETID.

use super::ids;
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::effects::Event;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::values::stream::{Entries, Stream, StreamId};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&XDEL, &XSETID];

/// XDEL: entries go.
static XDEL: Command = Command::data("xdel", xdel)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::Write, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Delete)])
    .since("5.0.0")
    .complexity("O(1) for each single item to delete in the stream, regardless of the stream size.")
    .summary("Returns the number of messages after removing them from a stream.")
    .syntax("key id:string [id ...]");

fn xdel(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let key = args.get(1);
    let Some(mut stream) = cx.db.edit_existing::<Stream>(key)? else {
        cx.reply.int(0);
        return Ok(Done);
    };
    // A bad ID must be found before anything goes.
    for word in args.from(2) {
        ids::id(word)?;
    }
    let deleted = args.from(2).filter(|word| ids::id(word).is_ok_and(|id| stream.entries.delete(id))).count();
    stream.finish();
    if deleted > 0 {
        cx.changed(key, Event::stream("xdel").wakes_nobody());
        cx.effects.dirty += deleted as u64 - 1;
    }
    cx.reply.int(deleted as i64);
    Ok(Done)
}

/// XSETID: the last ID, and what is counted of entries that are gone.
static XSETID: Command = Command::data("xsetid", xsetid)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::Write, Flag::DenyOom, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Update)])
    .since("5.0.0")
    .complexity("O(1)")
    .summary("An internal command for replicating stream values.")
    .syntax("key last-id:string [ENTRIESADDED entries-added:integer]^7.0.0 [MAXDELETEDID max-deleted-id:string]^7.0.0")
    .history(&[("7.0.0", "Added the `entries_added` and `max_deleted_entry_id` arguments.")]);

fn xsetid(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let counters = Counters::read(args)?;
    let key = args.get(1);
    let mut stream = cx.db.edit_existing::<Stream>(key)?.ok_or(Error::NoSuchKey)?;
    counters.check(&stream.entries)?;
    let entries = &mut stream.entries;
    entries.last_id = counters.last_id;
    entries.added = counters.added.unwrap_or(entries.added);
    if !counters.max_deleted_id.is_zero() {
        entries.max_deleted_id = counters.max_deleted_id;
    }
    stream.finish();
    cx.reply.ok();
    cx.changed(key, Event::stream("xsetid").wakes_nobody());
    Ok(Done)
}

struct Counters {
    last_id: StreamId,
    added: Option<u64>,
    /// 0-0: as it was.
    max_deleted_id: StreamId,
}

impl Counters {
    fn read(args: &Args<'_>) -> Result<Counters, Error> {
        let mut counters = Counters { last_id: ids::id(args.get(2))?, added: None, max_deleted_id: StreamId::MIN };
        for i in (3..args.len()).step_by(2) {
            if i + 1 < args.len() && args.is(i, "entriesadded") {
                let added = u64::try_from(args.int(i + 1)?);
                counters.added = Some(added.map_err(|_| Error::Text("ERR entries_added must be positive"))?);
            } else if i + 1 < args.len() && args.is(i, "maxdeletedid") {
                counters.max_deleted_id = ids::id(args.get(i + 1))?;
                if counters.last_id < counters.max_deleted_id {
                    return Err(Error::Text(
                        "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
                    ));
                }
            } else {
                return Err(Error::Syntax);
            }
        }
        Ok(counters)
    }

    /// Whether the stream's entries allow them.
    fn check(&self, entries: &Entries) -> Result<(), Error> {
        Err(Error::Text(if self.last_id < entries.max_deleted_id {
            "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id"
        } else if entries.last_live_id().is_some_and(|last| self.last_id < last) {
            "ERR The ID specified in XSETID is smaller than the target stream top item"
        } else if self.added.is_some_and(|added| added < entries.len()) {
            "ERR The entries_added specified in XSETID is smaller than the target stream length"
        } else {
            return Ok(());
        }))
    }
}
