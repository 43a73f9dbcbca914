//! Parts of strings: GETRANGE, SUBSTR, SETRANGE, APPEND.

use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::effects::Event;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::keyspace::database::Expiry;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&GETRANGE, &SUBSTR, &SETRANGE, &APPEND];

const RANGE_COMPLEXITY: &str = "O(N) where N is the length of the returned string. Copying that much is all there is to do, \
    so for short ranges it can be taken for O(1), however long the string.";

/// GETRANGE: the bytes from one place to another.
static GETRANGE: Command = Command::data("getrange", getrange)
    .arity(Arity::Exactly(4))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("2.4.0")
    .complexity(RANGE_COMPLEXITY)
    .summary("Returns a substring of the string stored at a key.")
    .syntax("key start end");

/// SUBSTR: GETRANGE's old name.
static SUBSTR: Command = Command::data("substr", getrange)
    .arity(Arity::Exactly(4))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("1.0.0")
    .complexity(RANGE_COMPLEXITY)
    .summary("Returns a substring from a string value.")
    .deprecated("2.0.0", "`GETRANGE`")
    .syntax("key start end");

fn getrange(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let (start, end) = (args.int(2)?, args.int(3)?);
    match cx.db.string(args.get(1))? {
        Some(text) => {
            let mut bytes = text.bytes();
            let bytes = bytes.as_slice();
            let range = clamped(start, end, bytes.len());
            cx.reply.bulk(range.map_or(&[], |(first, last)| &bytes[first..=last]));
        }
        None => cx.reply.bulk(b""),
    }
    Ok(Done)
}

/// The range from `start` to `end` (negative: from the end of `len` bytes) as first and last index; None when it is empty.
/// As in Redis 8.0, an end before the first byte is the first byte.
fn clamped(start: i64, end: i64, len: usize) -> Option<(usize, usize)> {
    if start < 0 && end < 0 && start > end {
        return None;
    }
    let len = len as i64;
    let from_end = |i: i64| if i < 0 { i.saturating_add(len).max(0) } else { i };
    let (first, last) = (from_end(start), from_end(end).min(len - 1));
    (first <= last).then_some((first as usize, last as usize))
}

/// SETRANGE: other bytes from one place on.
static SETRANGE: Command = Command::data("setrange", setrange)
    .arity(Arity::Exactly(4))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(&[first_key(Access::ReadWrite, Purpose::Update)])
    .since("2.2.0")
    .complexity(
        "O(M) with M being the length of the value argument, and what it takes to move a string that has to grow; for short \
         values, O(1) on average.",
    )
    .summary("Overwrites a part of a string value with another by an offset. Creates the key if it doesn't exist.")
    .syntax("key offset value");

fn setrange(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let offset = args.int(2)?;
    let offset = u64::try_from(offset).map_err(|_| Error::Text("ERR offset is out of range"))?;
    let (key, value) = (args.get(1), args.get(3));
    let before = cx.db.string_to_edit(key)?.map_or(0, |text| text.len());
    if value.is_empty() {
        cx.reply.int(before as i64);
        return Ok(Done);
    }
    let end = offset + value.len() as u64; // an i64 and a length: no overflow
    if end > cx.limits.string_bytes {
        return Err(Error::StringTooLong);
    }
    let len = cx.db.edit_string(key, end as usize, |bytes, _| {
        bytes[offset as usize..end as usize].copy_from_slice(value);
        bytes.len()
    })?;
    cx.changed(key, Event::string("setrange"));
    cx.reply.int(len as i64);
    Ok(Done)
}

/// APPEND: more bytes at the end.
static APPEND: Command = Command::data("append", append)
    .arity(Arity::Exactly(3))
    .flags(&[Flag::Write, Flag::DenyOom, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Insert)])
    .since("2.0.0")
    .complexity(
        "O(1) on average for short values, whatever the length of the string: a string that has to grow gets room in advance.",
    )
    .summary("Appends a string to the value of a key. Creates the key if it doesn't exist.")
    .syntax("key value");

fn append(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let before = cx.db.string_to_edit(args.get(1))?.map(|text| text.len());
    let len = before.unwrap_or(0) + args.get(2).len();
    match before {
        Some(_) if len as u64 > cx.limits.string_bytes => return Err(Error::StringTooLong),
        Some(before) => {
            let value = args.get(2);
            cx.db.edit_string(args.get(1), len, |bytes, _| bytes[before..].copy_from_slice(value))?;
        }
        None => {
            let mut value = args.take(2);
            cx.db.set(args.get(1), value.text(), Expiry::Clear)?;
        }
    }
    cx.changed(args.get(1), Event::string("append"));
    cx.reply.int(len as i64);
    Ok(Done)
}
