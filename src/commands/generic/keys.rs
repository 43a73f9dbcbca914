//! Keys by name: DEL, UNLINK, EXISTS, TOUCH, TYPE.

use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::effects::Event;
use crate::commands::key_spec::{Access, Purpose, first_key, keys_from};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::values::Kind;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&DEL, &UNLINK, &EXISTS, &TOUCH, &TYPE];

const PER_SHARD_SUMMED: &[&str] = &["request_policy:multi_shard", "response_policy:agg_sum"];

/// DEL: keys go. A value that is long to free is left to the reaper, as with UNLINK.
static DEL: Command = Command::data("del", del)
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::Write])
    .keys(&[keys_from(1, -1, 1, Access::Remove, Purpose::Delete)])
    .since("1.0.0")
    .complexity("O(N) where N is the number of keys that will be removed, whatever they hold.")
    .summary("Deletes one or more keys.")
    .syntax("key [key ...]")
    .tips(PER_SHARD_SUMMED);

/// UNLINK: the same.
static UNLINK: Command = Command::data("unlink", del)
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::Write, Flag::Fast])
    .keys(&[keys_from(1, -1, 1, Access::Remove, Purpose::Delete)])
    .since("4.0.0")
    .complexity("O(1) for each key removed regardless of its size. Memory is then freed in a different thread.")
    .summary("Asynchronously deletes one or more keys.")
    .syntax("key [key ...]")
    .tips(PER_SHARD_SUMMED);

fn del(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let deleted = count_keys(cx, args, |cx, key| {
        let was_there = cx.db.remove(key);
        if was_there {
            cx.changed(key, Event::generic("del"));
        }
        was_there
    });
    cx.reply.int(deleted);
    Ok(Done)
}

/// EXISTS: how many of the words name a key.
static EXISTS: Command = Command::data("exists", exists)
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .keys(&[keys_from(1, -1, 1, Access::ReadOnly, Purpose::None)])
    .since("1.0.0")
    .complexity("O(N) where N is the number of keys to check.")
    .summary("Determines whether one or more keys exist.")
    .syntax("key [key ...]")
    .tips(PER_SHARD_SUMMED)
    .history(&[("3.0.3", "Accepts multiple `key` arguments.")]);

fn exists(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let there = count_keys(cx, args, |cx, key| cx.db.look(key).is_some());
    cx.reply.int(there);
    Ok(Done)
}

/// TOUCH: EXISTS that counts as a use.
static TOUCH: Command = Command::data("touch", touch)
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .keys(&[keys_from(1, -1, 1, Access::ReadOnly, Purpose::None)])
    .since("3.2.1")
    .complexity("O(N) where N is the number of keys that will be touched.")
    .summary(
        "Returns the number of existing keys out of those specified after updating the time they were last accessed.",
    )
    .syntax("key [key ...]")
    .tips(PER_SHARD_SUMMED);

fn touch(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let there = count_keys(cx, args, |cx, key| cx.db.read(key).is_some());
    cx.reply.int(there);
    Ok(Done)
}

/// For how many of the words behind the name `does` holds. With several, the cache is asked for the next ones in time.
fn count_keys(
    cx: &mut DataContext<'_>,
    args: &Args<'_>,
    mut does: impl FnMut(&mut DataContext<'_>, &[u8]) -> bool,
) -> i64 {
    if args.len() == 2 {
        return does(cx, args.get(1)) as i64;
    }
    const GROUP: usize = 16;
    let (mut count, mut first) = (0, 1);
    while first < args.len() {
        let group = first..args.len().min(first + GROUP);
        let mut hashes = [0; GROUP];
        cx.db.look_ahead(group.clone().map(|i| args.get(i)), &mut hashes);
        for (i, &hash) in group.clone().zip(&hashes) {
            cx.db.expect_key(args.get(i), hash);
            count += does(cx, args.get(i)) as i64;
        }
        first = group.end;
    }
    count
}

/// TYPE: what a key holds.
static TYPE: Command = Command::data("type", type_of)
    .arity(Arity::Exactly(2))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .keys(&[first_key(Access::ReadOnly, Purpose::None)])
    .since("1.0.0")
    .complexity("O(1)")
    .summary("Determines the type of value stored at a key.")
    .syntax("key");

fn type_of(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let name = cx.db.look(args.get(1)).map_or("none", |handle| Kind::of(cx.db.view(handle)).name());
    cx.reply.simple(name);
    Ok(Done)
}
