//! Members that are named: added (SADD), removed (SREM), moved (SMOVE).

use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::effects::Event;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, first_key, key_at};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::values::set::Set;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&SADD, &SREM, &SMOVE];

/// SADD: members, those that are there already left alone.
static SADD: Command = Command::data("sadd", sadd)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::Write, Flag::DenyOom, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Insert)])
    .element(2)
    .since("1.0.0")
    .complexity(
        "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
    )
    .summary("Adds one or more members to a set. Creates the key if it doesn't exist.")
    .syntax("key member [member ...]")
    .history(&[("2.4.0", "Accepts multiple `member` arguments.")]);

fn sadd(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let key = args.get(1);
    let mut set = cx.db.edit::<Set>(key)?;
    set.expect(args.get(2), args.len() - 2, cx.encodings)?;
    let added = set.insert_all(args.from(2), cx.encodings)?;
    set.finish();
    if added > 0 {
        cx.changed(key, Event::set("sadd"));
        cx.effects.dirty += added as u64 - 1;
    }
    cx.reply.int(added as i64);
    Ok(Done)
}

/// SREM: members are removed, and with the last one the key.
static SREM: Command = Command::data("srem", srem)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::Write, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Delete)])
    .element(2)
    .since("1.0.0")
    .complexity("O(N) where N is the number of members to be removed.")
    .summary("Removes one or more members from a set. Deletes the set if the last member was removed.")
    .syntax("key member [member ...]")
    .history(&[("2.4.0", "Accepts multiple `member` arguments.")]);

fn srem(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let key = args.get(1);
    let Some(mut set) = cx.db.edit_existing::<Set>(key)? else {
        cx.reply.int(0);
        return Ok(Done);
    };
    let removed = set.remove_all(args.from(2));
    let is_gone = set.finish();
    if removed > 0 {
        cx.changed(key, Event::set("srem"));
        cx.effects.dirty += removed as u64 - 1;
        if is_gone {
            cx.happened(key, Event::generic("del"));
        }
    }
    cx.reply.int(removed as i64);
    Ok(Done)
}

/// SMOVE: a member leaves one set for another.
static SMOVE: Command = Command::data("smove", smove)
    .arity(Arity::Exactly(4))
    .flags(&[Flag::Write, Flag::Fast])
    .keys(&[key_at(1, Access::ReadWrite, Purpose::Delete).told(), key_at(2, Access::ReadWrite, Purpose::Insert)])
    .since("1.0.0")
    .complexity("O(1)")
    .summary("Moves a member from one set to another.")
    .syntax("source destination member");

fn smove(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let [source, destination, member] = args.exactly()?;
    let is_moved = is_to_move(cx, source, destination, member)?;
    if is_moved && source != destination {
        move_member(cx, source, destination, member)?;
    }
    cx.reply.int(is_moved as i64);
    Ok(Done)
}

/// Whether the member is there. What is at the destination has to be a set, if there is a source.
fn is_to_move(cx: &mut DataContext<'_>, source: &[u8], destination: &[u8], member: &[u8]) -> Result<bool, Error> {
    let Some(from) = cx.db.find(source) else { return Ok(false) };
    let is_there = cx.db.view_as::<Set>(from)?.contains(member);
    if let Some(to) = cx.db.find(destination) {
        cx.db.view_as::<Set>(to)?;
    }
    Ok(is_there)
}

fn move_member(cx: &mut DataContext<'_>, source: &[u8], destination: &[u8], member: &[u8]) -> Result<(), Error> {
    let mut to = cx.db.edit::<Set>(destination)?;
    to.expect(member, 1, cx.encodings)?;
    let is_new = to.insert(member, cx.encodings)?;
    to.finish();
    let is_gone = match cx.db.edit_existing::<Set>(source)? {
        Some(mut from) => {
            from.remove(member);
            from.finish()
        }
        None => false,
    };
    cx.changed(source, Event::set("srem"));
    if is_gone {
        cx.happened(source, Event::generic("del"));
    }
    if is_new {
        cx.changed(destination, Event::set("sadd"));
    }
    Ok(())
}
