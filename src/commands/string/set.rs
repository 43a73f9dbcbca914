//! Setting and getting whole strings: GET, SET.

use crate::commands::args::{Args, Taken};
use crate::commands::context::DataContext;
use crate::commands::effects::Event;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::keyspace::database::Expiry;
use crate::values::string::{NewText, Text};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&GET, &SET];

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
    match cx.db.string(args.get(1))? {
        Some(Text::Bytes { bytes, .. }) => cx.reply.bulk(bytes),
        Some(Text::Int(n)) => cx.reply.bulk_int(n),
        None => cx.reply.null(),
    }
    Ok(Done)
}

/// SET: a string in place of whatever was there.
static SET: Command = Command::data("set", set)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(&[first_key(Access::ReadWrite, Purpose::Insert).variable()])
    .since("1.0.0")
    .complexity("O(1)")
    .summary("Sets the string value of a key, ignoring its type. The key is created if it doesn't exist.")
    .syntax(
        "key value [NX | XX | IFEQ comparison-value] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | \
         PXAT unix-time-milliseconds | KEEPTTL]",
    );

fn set(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    if args.len() != 3 {
        return Err(Error::Syntax);
    }
    let value = args.take(2);
    put(cx, args.get(1), &value)?;
    cx.reply.ok();
    Ok(Done)
}

fn put(cx: &mut DataContext<'_>, key: &[u8], value: &Taken<'_>) -> Result<(), Error> {
    cx.db.set(key, NewText::of(value.as_slice()), Expiry::Clear)?;
    cx.changed(key, Event::string("set"));
    Ok(())
}
