//! Whole databases: DBSIZE, FLUSHDB, FLUSHALL, SWAPDB; and RESTORE-ASKING, which Redis counts among the server's.

use crate::base::number::parse_i64;
use crate::commands::args::Args;
use crate::commands::context::{DataContext, ServerContext};
use crate::commands::effects::Propagation;
use crate::commands::error::Error;
use crate::commands::generic::restore;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::reach::Databases;
use crate::commands::row::{Arity, Category, Command, Done, Flag, Outcome};
use crate::server::request::Request;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&DBSIZE, &FLUSHDB, &FLUSHALL, &SWAPDB, &RESTORE_ASKING];

const ADDED_MODES: &[(&str, &str)] =
    &[("4.0.0", "Added the `ASYNC` flushing mode modifier."), ("6.2.0", "Added the `SYNC` flushing mode modifier.")];

/// DBSIZE: how many keys there are, expired ones that nobody has met included.
static DBSIZE: Command = Command::data("dbsize", dbsize)
    .arity(Arity::Exactly(1))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .categories(&[Category::Keyspace])
    .since("1.0.0")
    .complexity("O(1)")
    .summary("Returns the number of keys in the database.")
    .tips(&["request_policy:all_shards", "response_policy:agg_sum"]);

fn dbsize(cx: &mut DataContext<'_>, _: &mut Args<'_>) -> Outcome {
    cx.reply.int(cx.db.len() as i64);
    Ok(Done)
}

/// FLUSHDB: no key is left in the caller's database.
static FLUSHDB: Command = Command::server("flushdb", flushdb)
    .arity(Arity::AtLeast(1))
    .flags(&[Flag::Write])
    .categories(&[Category::Keyspace, Category::Dangerous])
    .since("1.0.0")
    .complexity("O(1); memory is freed in a different thread.")
    .summary("Remove all keys from the current database.")
    .syntax("[ASYNC^4.0.0 | SYNC^6.2.0]")
    .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
    .history(ADDED_MODES);

fn flushdb(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    check_mode(args)?;
    flush(cx, cx.db_number());
    cx.reply.ok();
    Ok(Done)
}

/// FLUSHALL: no key is left anywhere.
static FLUSHALL: Command = Command::server("flushall", flushall)
    .arity(Arity::AtLeast(1))
    .flags(&[Flag::Write])
    .databases(Databases::All)
    .categories(&[Category::Keyspace, Category::Dangerous])
    .since("1.0.0")
    .complexity("O(N) where N is the number of databases; memory is freed in a different thread.")
    .summary("Removes all keys from all databases.")
    .syntax("[ASYNC^4.0.0 | SYNC^6.2.0]")
    .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
    .history(ADDED_MODES);

fn flushall(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    check_mode(args)?;
    for number in 0..cx.server.keyspace.count() {
        flush(cx, number);
    }
    // A snapshot under way is of data that nobody wants any more; where snapshots are kept, one of nothing takes its place.
    if cx.server.persistence.snapshots.started_ms.is_some() {
        cx.server.requests.push(Request::CancelSnapshot);
    }
    if !cx.server.config.save.is_empty() {
        cx.server.requests.push(Request::StartSnapshot);
    }
    cx.reply.ok();
    Ok(Done)
}

/// Both modes are alike here: the keys are gone at once, and their memory is freed elsewhere.
fn check_mode(args: &Args<'_>) -> Result<(), Error> {
    match args.len() {
        1 => Ok(()),
        2 if args.is(1, "sync") || args.is(1, "async") => Ok(()),
        _ => Err(Error::Syntax),
    }
}

/// Empties a database. The call is logged even when there was nothing in it, as in Redis.
fn flush(cx: &mut ServerContext<'_>, number: usize) {
    cx.effects.propagation = Propagation::Always;
    cx.effects.flushed = true;
    let keys = cx.server.keyspace.db(number).len();
    if keys > 0 {
        cx.effects.dirty += keys as u64;
        cx.server.garbage.extend(cx.server.keyspace.flush(number));
        cx.effects.database_changed(number);
    }
}

/// SWAPDB: two databases exchange their numbers.
static SWAPDB: Command = Command::server("swapdb", swapdb)
    .arity(Arity::Exactly(3))
    .flags(&[Flag::Write, Flag::Fast])
    .databases(Databases::At(1, 2))
    .categories(&[Category::Keyspace, Category::Dangerous])
    .since("4.0.0")
    .complexity("O(N) where N is the count of clients watching or blocking on keys from both databases.")
    .summary("Swaps two Redis databases.")
    .syntax("index1 index2");

fn swapdb(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let number = |i, error| parse_i64(args.get(i)).and_then(|n| i32::try_from(n).ok()).ok_or(Error::Text(error));
    let numbers = [number(1, "ERR invalid first DB index")?, number(2, "ERR invalid second DB index")?];
    let count = cx.server.keyspace.count();
    let valid = |n: i32| usize::try_from(n).ok().filter(|&n| n < count).ok_or(Error::DbIndex);
    let (a, b) = (valid(numbers[0])?, valid(numbers[1])?);
    cx.server.keyspace.swap(a, b);
    cx.effects.database_changed(a);
    cx.effects.database_changed(b);
    cx.effects.dirty += 1;
    cx.reply.ok();
    Ok(Done)
}

/// RESTORE-ASKING: RESTORE while a slot is being moved.
static RESTORE_ASKING: Command = Command::data("restore-asking", restore)
    .arity(Arity::AtLeast(4))
    .flags(&[Flag::Write, Flag::DenyOom, Flag::Asking])
    .keys(&[first_key(Access::Overwrite, Purpose::Update)])
    .categories(&[Category::Keyspace, Category::Dangerous])
    .since("3.0.0")
    .complexity("O(1) to create the new key and additional O(N) to reconstruct its value, where N is its size.")
    .summary("An internal command for migrating keys in a cluster.")
    .internal()
    .syntax("key ttl serialized-value [REPLACE^3.0.0] [ABSTTL^5.0.0] [IDLETIME seconds^5.0.0] [FREQ frequency^5.0.0]")
    .history(&[
        ("3.0.0", "Added the `REPLACE` modifier."),
        ("5.0.0", "Added the `ABSTTL` modifier."),
        ("5.0.0", "Added the `IDLETIME` and `FREQ` options."),
    ]);
