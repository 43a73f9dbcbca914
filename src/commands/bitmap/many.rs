//! Many bits at once: BITCOUNT, BITPOS, BITOP.

use super::Unit;
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::effects::Event;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, first_key, key_at, keys_from};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::keyspace::database::Expiry;
use crate::values::string::{Bytes, NewText, Text};
use crate::values::views::bits::{Combination, combine, count_range, find_bit};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&BITCOUNT, &BITPOS, &BITOP];

const RANGE_HISTORY: &[(&str, &str)] = &[("7.0.0", "Added the `BYTE|BIT` option.")];

/// BITCOUNT: how many are set.
static BITCOUNT: Command = Command::data("bitcount", bitcount)
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("2.6.0")
    .complexity("O(N)")
    .summary("Counts the number of set bits (population counting) in a string.")
    .syntax("key [start end [BYTE | BIT]^7.0.0]@range")
    .history(RANGE_HISTORY);

fn bitcount(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let (start, end, unit) = match args.len() {
        2 => (0, -1, Unit::Byte),
        4 | 5 => (args.int(2)?, args.int(3)?, Unit::read(args, 4)?),
        _ => return Err(Error::Syntax),
    };
    let count = match cx.db.string(args.get(1))? {
        Some(_) if start < 0 && end < 0 && start > end => 0,
        Some(text) => {
            let range = unit.clamped(start, end, text.len());
            range.map_or(0, |(first, last)| count_range(text.bytes().as_slice(), first, last))
        }
        None => 0,
    };
    cx.reply.int(count as i64);
    Ok(Done)
}

/// BITPOS: the first that is set, or clear.
static BITPOS: Command = Command::data("bitpos", bitpos)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("2.8.7")
    .complexity("O(N)")
    .summary("Finds the first set (1) or clear (0) bit in a string.")
    .syntax("key bit [start [end [BYTE | BIT]^7.0.0]@end-unit-block]@range")
    .history(RANGE_HISTORY);

fn bitpos(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let on = match args.int(2)? {
        0 => false,
        1 => true,
        _ => return Err(Error::Text("ERR The bit argument must be 1 or 0.")),
    };
    if args.len() > 6 {
        return Err(Error::Syntax);
    }
    let start = if args.len() > 3 { args.int(3)? } else { 0 };
    let unit = Unit::read(args, 5)?;
    let end = if args.len() > 4 { Some(args.int(4)?) } else { None };
    let position = match cx.db.string(args.get(1))? {
        None if on => -1,
        None => 0,
        Some(text) => match unit.clamped(start, end.unwrap_or(-1), text.len()) {
            None => -1,
            Some((first, last)) => match find_bit(text.bytes().as_slice(), on, first, last) {
                Some(position) => position as i64,
                // Without an end, the string counts as continued by zeros.
                None if !on && end.is_none() => text.len() as i64 * 8,
                None => -1,
            },
        },
    };
    cx.reply.int(position);
    Ok(Done)
}

/// BITOP: a string made of several, bit by bit.
static BITOP: Command = Command::data("bitop", bitop)
    .arity(Arity::AtLeast(4))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(&[key_at(2, Access::Overwrite, Purpose::Update), keys_from(3, -1, 1, Access::ReadOnly, Purpose::Access)])
    .since("2.6.0")
    .complexity("O(N)")
    .summary("Performs bitwise operations on multiple strings, and stores the result.")
    .syntax("<AND | OR | XOR | NOT> destkey key [key ...]");

fn bitop(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let how = combination(args)?;
    let result = combined(cx, args, how)?;
    let (key, len) = (args.get(2), result.len());
    if len > 0 {
        cx.db.set(key, NewText::Owned(result), Expiry::Clear)?;
        cx.changed(key, Event::string("set"));
    } else if cx.db.remove(key) {
        cx.changed(key, Event::generic("del"));
    }
    cx.reply.int(len as i64);
    Ok(Done)
}

fn combination(args: &Args<'_>) -> Result<Combination, Error> {
    let known =
        [("and", Combination::And), ("or", Combination::Or), ("xor", Combination::Xor), ("not", Combination::Not)];
    let (_, how) = known.into_iter().find(|(name, _)| args.is(1, name)).ok_or(Error::Syntax)?;
    if how == Combination::Not && args.len() != 4 {
        return Err(Error::Text("ERR BITOP NOT must be called with a single source key."));
    }
    Ok(how)
}

/// The combination of the strings at the words from 3 on; a key that is not there is an empty one.
fn combined(cx: &mut DataContext<'_>, args: &Args<'_>, how: Combination) -> Result<Vec<u8>, Error> {
    let mut handles = Vec::with_capacity(args.len() - 3);
    for key in args.from(3) {
        let handle = cx.db.read(key);
        if let Some(handle) = handle {
            Text::view(cx.db.view(handle))?;
        }
        handles.push(handle);
    }
    let mut texts: Vec<Bytes<'_>> = Vec::with_capacity(handles.len());
    for handle in handles {
        let text =
            handle.map_or(Ok(Text::Bytes { bytes: b"", edited: false }), |handle| Text::view(cx.db.view(handle)));
        texts.push(text?.bytes());
    }
    let sources: Vec<&[u8]> = texts.iter_mut().map(Bytes::as_slice).collect();
    Ok(combine(how, &sources))
}
