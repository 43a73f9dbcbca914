//! A value under another key or in another database: RENAME, RENAMENX, COPY, MOVE.

use crate::commands::args::Args;
use crate::commands::context::{DataContext, ServerContext};
use crate::commands::effects::Event;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, first_key, key_at};
use crate::commands::reach::Databases;
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::keyspace::Keyspace;
use crate::keyspace::database::Expiry;
use crate::values::Owned;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&RENAME, &RENAMENX, &COPY, &MOVE];

/// RENAME: another name, whatever that named before.
static RENAME: Command = Command::data("rename", rename)
    .arity(Arity::Exactly(3))
    .flags(&[Flag::Write])
    .keys(&[first_key(Access::ReadWrite, Purpose::Delete).told(), key_at(2, Access::Overwrite, Purpose::Update)])
    .since("1.0.0")
    .complexity("O(1)")
    .summary("Renames a key and overwrites the destination.")
    .syntax("key newkey");

fn rename(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let [from, to] = args.exactly()?;
    if cx.db.find(from).is_none() {
        return Err(Error::NoSuchKey);
    }
    if from != to {
        cx.db.remove(to);
        move_within(cx, from, to)?;
    }
    cx.reply.ok();
    Ok(Done)
}

/// RENAMENX: another name, unless that names a key.
static RENAMENX: Command = Command::data("renamenx", renamenx)
    .arity(Arity::Exactly(3))
    .flags(&[Flag::Write, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Delete).told(), key_at(2, Access::Overwrite, Purpose::Insert)])
    .since("1.0.0")
    .complexity("O(1)")
    .summary("Renames a key only when the target key name doesn't exist.")
    .syntax("key newkey")
    .history(&[("3.2.0", "The command no longer returns an error when source and destination names are the same.")]);

fn renamenx(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let [from, to] = args.exactly()?;
    if cx.db.find(from).is_none() {
        return Err(Error::NoSuchKey);
    }
    let is_free = from != to && cx.db.find(to).is_none();
    if is_free {
        move_within(cx, from, to)?;
    }
    cx.reply.int(is_free as i64);
    Ok(Done)
}

/// Gives the key `from`, which is there, the name `to`, which is free. Its idle time and counter begin anew, as in Redis.
fn move_within(cx: &mut DataContext<'_>, from: &[u8], to: &[u8]) -> Result<(), Error> {
    let (value, deadline) = cx.db.take(from).ok_or(Error::NoSuchKey)?;
    cx.db.put(to, value, expiry(deadline))?;
    cx.changed(from, Event::generic("rename_from"));
    cx.effects.happened(cx.db_number, to, Event::generic("rename_to"));
    Ok(())
}

fn expiry(deadline: Option<u64>) -> Expiry {
    deadline.map_or(Expiry::Clear, Expiry::At)
}

/// COPY: the same value and deadline a second time.
static COPY: Command = Command::server("copy", copy)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::Write, Flag::DenyOom])
    .databases(Databases::Behind("DB", 3))
    .keys(&[first_key(Access::ReadOnly, Purpose::Access), key_at(2, Access::Overwrite, Purpose::Update)])
    .since("6.2.0")
    .complexity("O(N) worst case for collections, where N is the number of nested items. O(1) for string values.")
    .summary("Copies the value of a key to a new key.")
    .syntax("source destination [DB destination-db] [REPLACE]");

fn copy(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let here = cx.db_number();
    let (mut there, mut replace, mut i) = (here, false, 3);
    while i < args.len() {
        if args.is(i, "replace") {
            replace = true;
        } else if args.is(i, "db") && i + 1 < args.len() {
            i += 1;
            there = database(&cx.server.keyspace, args.get(i))?;
        } else {
            return Err(Error::Syntax);
        }
        i += 1;
    }
    let (from, to) = (args.get(1), args.get(2));
    if here == there && from == to {
        return Err(Error::SameObject);
    }
    let keyspace = &mut cx.server.keyspace;
    let source = keyspace.db(here);
    let found = source.read(from);
    let is_wanted = found.is_some() && {
        let target = keyspace.db(there);
        target.find(to).is_none() || replace && target.remove(to)
    };
    if is_wanted {
        // Looked up again: the target may be the same database, where removing moves nothing but expiring may have.
        let source = keyspace.db(here);
        let handle = source.peek(from).ok_or(Error::NoSuchKey)?;
        let (value, deadline) = (Owned::copy_of(source.view(handle)), source.deadline(handle));
        keyspace.db(there).put(to, value, expiry(deadline))?;
        cx.changed_in(there, to, Event::generic("copy_to"));
    }
    cx.reply.int(is_wanted as i64);
    Ok(Done)
}

/// MOVE: the key goes to another database.
static MOVE: Command = Command::server("move", move_key)
    .arity(Arity::Exactly(3))
    .flags(&[Flag::Write, Flag::Fast])
    .databases(Databases::At(2, 2))
    .keys(&[first_key(Access::ReadWrite, Purpose::Update).told()])
    .since("1.0.0")
    .complexity("O(1)")
    .summary("Moves a key to another database.")
    .syntax("key db");

fn move_key(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let here = cx.db_number();
    let there = database(&cx.server.keyspace, args.get(2))?;
    if here == there {
        return Err(Error::SameObject);
    }
    let key = args.get(1);
    let keyspace = &mut cx.server.keyspace;
    let is_wanted = keyspace.db(here).find(key).is_some() && keyspace.db(there).find(key).is_none();
    if is_wanted {
        keyspace.finish_walk_of(here, key);
        let (source, target) = keyspace.pair(here, there);
        let (value, deadline) = source.take(key).ok_or(Error::NoSuchKey)?;
        target.put(key, value, expiry(deadline))?;
        cx.changed_in(here, key, Event::generic("move_from"));
        cx.effects.happened(there, key, Event::generic("move_to"));
    }
    cx.reply.int(is_wanted as i64);
    Ok(Done)
}

/// The number of a database that is there.
fn database(keyspace: &Keyspace, word: &[u8]) -> Result<usize, Error> {
    let number = crate::base::number::parse_i64(word).ok_or(Error::NotInteger)?;
    if i32::try_from(number).is_err() {
        return Err(Error::Text("ERR value is out of range, value must between -2147483648 and 2147483647"));
    }
    usize::try_from(number).ok().filter(|&number| number < keyspace.count()).ok_or(Error::DbIndex)
}
