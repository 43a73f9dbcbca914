//! Single bits: SETBIT, GETBIT.

use super::bit_offset;
use crate::base::number::parse_i64;
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::effects::Event;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::values::views::bits::{get_bit, set_bit};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&SETBIT, &GETBIT];

/// SETBIT: sets or clears one, and answers what it was.
static SETBIT: Command = Command::data("setbit", setbit)
    .arity(Arity::Exactly(4))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(&[first_key(Access::ReadWrite, Purpose::Update).told()])
    .since("2.2.0")
    .complexity("O(1)")
    .summary("Sets or clears the bit at offset of the string value. Creates the key if it doesn't exist.")
    .syntax("key offset value:integer");

fn setbit(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let offset = bit_offset(args.get(2), 0, cx.limits.string_bytes)?;
    let on = match parse_i64(args.get(3)) {
        Some(0) => false,
        Some(1) => true,
        _ => return Err(Error::Text("ERR bit is not an integer or out of range")),
    };
    let (key, len) = (args.get(1), (offset / 8) as usize + 1);
    let (was, grew) = cx.db.edit_string(key, len, |bytes, before| {
        (set_bit(bytes, offset, on), before.is_none_or(|before| before < len))
    })?;
    if grew || was != on {
        cx.changed(key, Event::string("setbit"));
    }
    cx.reply.int(was as i64);
    Ok(Done)
}

/// GETBIT: one bit.
static GETBIT: Command = Command::data("getbit", getbit)
    .arity(Arity::Exactly(3))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("2.2.0")
    .complexity("O(1)")
    .summary("Returns a bit value by offset.")
    .syntax("key offset");

fn getbit(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let offset = bit_offset(args.get(2), 0, cx.limits.string_bytes)?;
    let text = cx.db.string(args.get(1))?;
    let bit = text.is_some_and(|text| get_bit(text.bytes().as_slice(), offset));
    cx.reply.int(bit as i64);
    Ok(Done)
}
