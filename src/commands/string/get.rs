//! Getting whole strings, and what comes with it: GET, STRLEN, GETDEL, GETEX, DELIFEQ.

use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::effects::Event;
use crate::commands::error::Error;
use crate::commands::expire_options::ExpireOption;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::keyspace::database::Expiry;
use crate::values::string::Text;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&GET, &STRLEN, &GETDEL, &GETEX, &DELIFEQ];

/// GET: the whole string.
static GET: Command = Command::data("get", get)
    .arity(Arity::Exactly(2))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("1.0.0")
    .complexity("O(1)")
    .summary("Returns the string value of a key.")
    .syntax("key");

fn get(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    super::answer(cx.reply, cx.db.string(args.get(1))?);
    Ok(Done)
}

/// STRLEN: how long it is.
static STRLEN: Command = Command::data("strlen", strlen)
    .arity(Arity::Exactly(2))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .keys(&[first_key(Access::ReadOnly, Purpose::None)])
    .since("2.2.0")
    .complexity("O(1)")
    .summary("Returns the length of a string value.")
    .syntax("key");

fn strlen(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let len = cx.db.string(args.get(1))?.map_or(0, |text| text.len());
    cx.reply.int(len as i64);
    Ok(Done)
}

/// GETDEL: the string, once.
static GETDEL: Command = Command::data("getdel", getdel)
    .arity(Arity::Exactly(2))
    .flags(&[Flag::Write, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Delete).told()])
    .since("6.2.0")
    .complexity("O(1)")
    .summary("Returns the string value of a key after deleting the key.")
    .syntax("key");

fn getdel(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let key = args.get(1);
    super::answer(cx.reply, cx.db.string(key)?);
    delete(cx, key);
    Ok(Done)
}

/// GETEX: the string, and another deadline for its key.
static GETEX: Command = Command::data("getex", getex)
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::Write, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Update).told().note("RW and UPDATE because it changes the TTL")])
    .since("6.2.0")
    .complexity("O(1)")
    .summary("Returns the string value of a key after setting its expiration time.")
    .syntax("key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]");

fn getex(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let mut option = ExpireOption::or_persist();
    let mut i = 2;
    while i < args.len() {
        i = option.read(args, i).ok_or(Error::Syntax)?;
    }
    let (key, now_ms) = (args.get(1), cx.now_ms());
    let Some(handle) = cx.db.read(key) else {
        cx.reply.null(); // as in Redis, whatever the number may be
        return Ok(Done);
    };
    let text = Text::view(cx.db.view(handle))?;
    let expiry = option.expiry(args, now_ms, "getex")?;
    super::answer(cx.reply, Some(text));
    match expiry {
        Expiry::At(deadline) if deadline <= now_ms => delete(cx, key),
        Expiry::At(deadline) => {
            cx.db.set_deadline(handle, Some(deadline))?;
            cx.changed(key, Event::generic("expire"));
            cx.propagate_as(&[b"PEXPIREAT", key, itoa::Buffer::new().format(deadline).as_bytes()]);
        }
        Expiry::Clear | Expiry::Keep if option.persists() && cx.db.deadline(handle).is_some() => {
            cx.db.set_deadline(handle, None)?;
            cx.changed(key, Event::generic("persist"));
            cx.propagate_as(&[b"PERSIST", key]);
        }
        Expiry::Clear | Expiry::Keep => {}
    }
    Ok(Done)
}

/// DELIFEQ: removes the key of a string that is what the caller thinks (as in Valkey).
static DELIFEQ: Command = Command::data("delifeq", delifeq)
    .arity(Arity::Exactly(3))
    .flags(&[Flag::Write, Flag::Fast])
    .keys(&[first_key(Access::Remove, Purpose::Delete)])
    .since("9.0.0")
    .complexity("O(1)")
    .summary("Delete key if value matches string.")
    .syntax("key value");

fn delifeq(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let [key, value] = args.exactly()?;
    let is_equal = cx.db.string_to_edit(key)?.is_some_and(|text| text == *value);
    if is_equal {
        delete(cx, key);
    }
    cx.reply.int(is_equal as i64);
    Ok(Done)
}

/// Removes a key and says so, in a word that every Redis knows.
fn delete(cx: &mut DataContext<'_>, key: &[u8]) {
    if cx.db.remove(key) {
        cx.changed(key, Event::generic("del"));
        cx.propagate_as(&[b"DEL", key]);
    }
}
