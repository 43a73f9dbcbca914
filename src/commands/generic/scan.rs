//! Keys that nobody named: KEYS, SCAN, RANDOMKEY.

use crate::base::glob::literal_prefix;
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::row::{Arity, Category, Command, Done, Flag, Outcome};
use crate::commands::scan_options::{Pattern, ScanOptions, Scanned, answer_head, parse_cursor};
use crate::formats::resp::reply::Reply;
use crate::keyspace::database::Database;
use crate::structures::record_arena::Handle;
use crate::values::Kind;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&KEYS, &SCAN, &RANDOMKEY];

/// KEYS: all keys that match, in one go, as in Redis.
static KEYS: Command = Command::data("keys", keys)
    .arity(Arity::Exactly(2))
    .flags(&[Flag::ReadOnly])
    .categories(&[Category::Dangerous])
    .since("1.0.0")
    .complexity(
        "O(N) with N being the number of keys in the database, under the assumption that the key names in the database \
         and the given pattern have limited length.",
    )
    .summary("Returns all key names that match a pattern.")
    .syntax("pattern")
    .tips(&["request_policy:all_shards", "nondeterministic_output_order"]);

fn keys(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let pattern = args.get(1);
    let mut found = Vec::new();
    if literal_prefix(pattern) == pattern {
        found.extend(cx.db.peek(pattern));
    } else {
        let (db, pattern, mut cursor) = (&*cx.db, Pattern::of(pattern), 0);
        loop {
            cursor = db.scan(cursor, |handle| {
                if !db.is_past_deadline(handle) && pattern.fits(db.key(handle)) {
                    found.push(handle);
                }
            });
            if cursor == 0 {
                break;
            }
        }
    }
    cx.reply.array(found.len());
    answer_keys(cx.reply, cx.db, &found);
    Ok(Done)
}

/// SCAN: some keys, and where to go on.
static SCAN: Command = Command::data("scan", scan)
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::ReadOnly, Flag::TouchesArbitraryKeys])
    .since("2.8.0")
    .complexity(
        "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back \
         to 0. N is the number of elements inside the collection.",
    )
    .summary("Iterates over the key names in the database.")
    .syntax("cursor [MATCH pattern] [COUNT count] [TYPE type^6.0.0]")
    .tips(&["nondeterministic_output", "request_policy:special", "response_policy:special"])
    .history(&[("6.0.0", "Added the `TYPE` subcommand.")]);

fn scan(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let cursor = parse_cursor(args.get(1))?;
    let options = ScanOptions::parse(args, 2, Scanned::Keys)?;
    let (db, mut found, mut expired) = (&*cx.db, Vec::new(), Vec::new());
    let cursor = options.scan(cursor, |cursor| {
        let mut seen = 0;
        let next = db.scan(cursor, |handle| {
            seen += 1;
            match options.pattern.fits(db.key(handle)) {
                true if db.is_past_deadline(handle) => expired.push(handle),
                true if is_of_kind(&options, db, handle) => found.push(handle),
                _ => {}
            }
        });
        (next, seen)
    });
    // As in Redis 8.0, SCAN is one of those who meet an expired key, if its name is asked for; the type does not matter.
    expired.into_iter().for_each(|handle| cx.db.remove_expired(handle));
    answer_head(cx.reply, cursor, found.len());
    answer_keys(cx.reply, cx.db, &found);
    Ok(Done)
}

fn is_of_kind(options: &ScanOptions<'_>, db: &Database, handle: Handle) -> bool {
    options.kind.is_none_or(|name| name.eq_ignore_ascii_case(Kind::of(db.view(handle)).name().as_bytes()))
}

fn answer_keys(reply: &mut Reply, db: &Database, handles: &[Handle]) {
    handles.iter().for_each(|&handle| reply.bulk(db.key(handle)));
}

/// RANDOMKEY: any key.
static RANDOMKEY: Command = Command::data("randomkey", randomkey)
    .arity(Arity::Exactly(1))
    .flags(&[Flag::ReadOnly, Flag::TouchesArbitraryKeys])
    .since("1.0.0")
    .complexity("O(1)")
    .summary("Returns a random key name from the database.")
    .tips(&["request_policy:all_shards", "response_policy:special", "nondeterministic_output"]);

fn randomkey(cx: &mut DataContext<'_>, _: &mut Args<'_>) -> Outcome {
    let random = &mut *cx.random;
    let handle = cx.db.random_key(|n| random.below(n as u64) as usize);
    cx.reply.bulk_or_null(handle.map(|handle| cx.db.key(handle)));
    Ok(Done)
}
