//! Removing fields: HDEL, HGETDEL.

use super::fields::{NOT_POSITIVE, first_field};
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::effects::Event;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::values::hash::Hash;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&HDEL, &HGETDEL];

/// HDEL: fields go, and the key with the last.
static HDEL: Command = Command::data("hdel", hdel)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::Write, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Delete)])
    .element(2)
    .since("2.0.0")
    .complexity("O(N) where N is the number of fields to be removed.")
    .summary("Deletes one or more fields and their values from a hash. Deletes the hash if no fields remain.")
    .syntax("key field [field ...]")
    .history(&[("2.4.0", "Accepts multiple `field` arguments.")]);

fn hdel(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let key = args.get(1);
    let (mut removed, mut key_went) = (0, false);
    if let Some(mut hash) = cx.db.edit_existing::<Hash>(key)? {
        removed = args.from(2).filter(|field| hash.remove(field)).count();
        key_went = hash.finish();
    }
    if removed > 0 {
        told(cx, key, removed, key_went);
    }
    cx.reply.int(removed as i64);
    Ok(Done)
}

/// Says that fields have been removed.
pub(super) fn told(cx: &mut DataContext<'_>, key: &[u8], removed: usize, key_went: bool) {
    cx.changed(key, Event::hash("hdel"));
    cx.effects.dirty += removed as u64 - 1;
    if key_went {
        cx.happened(key, Event::generic("del"));
    }
}

/// HGETDEL: values, once.
static HGETDEL: Command = Command::data("hgetdel", hgetdel)
    .arity(Arity::AtLeast(5))
    .flags(&[Flag::Write, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Delete).told()])
    .since("8.0.0")
    .complexity("O(N) where N is the number of specified fields")
    .summary("Returns the value of a field and deletes it from the hash.")
    .syntax("key FIELDS numfields field [field ...]");

fn hgetdel(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let key = args.get(1);
    super::is_there(cx, key)?;
    let first = first_field(args, 2, NOT_POSITIVE)?;
    super::remove_expired(cx, key, args.from(first));
    cx.reply.array(args.len() - first);
    let Some(mut hash) = cx.db.edit_existing::<Hash>(key)? else {
        (first..args.len()).for_each(|_| cx.reply.null());
        return Ok(Done);
    };
    let mut call: Vec<&[u8]> = vec![b"HDEL", key];
    for field in args.from(first) {
        match hash.find(field) {
            Some(found) => {
                super::answer(cx.reply, found.value);
                hash.remove(field);
                call.push(field);
            }
            None => cx.reply.null(),
        }
    }
    let key_went = hash.finish();
    if call.len() > 2 {
        cx.propagate_as(&call);
        told(cx, key, call.len() - 2, key_went);
    }
    Ok(Done)
}
