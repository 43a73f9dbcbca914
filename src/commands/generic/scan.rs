//! Keys that nobody named: KEYS, SCAN, RANDOMKEY.

use crate::base::glob::{Case, literal_prefix, matches};
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::error::Error;
use crate::commands::row::{Arity, Category, Command, Done, Flag, Outcome};
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

/// What SCAN is asked for.
struct Wanted<'a> {
    pattern: Pattern<'a>,
    kind: Option<&'a [u8]>,
    count: u64,
}

impl<'a> Wanted<'a> {
    fn parse(args: &'a Args<'_>) -> Result<Wanted<'a>, Error> {
        let mut wanted = Wanted { pattern: Pattern::All, kind: None, count: 10 };
        let mut i = 2;
        while i < args.len() {
            if args.is(i, "novalues") {
                return Err(Error::Text("ERR NOVALUES option can only be used in HSCAN"));
            }
            if i + 1 == args.len() {
                return Err(Error::Syntax);
            }
            match args.word(i).as_str() {
                "count" => {
                    wanted.count = u64::try_from(args.int(i + 1)?).ok().filter(|&n| n > 0).ok_or(Error::Syntax)?
                }
                "match" => wanted.pattern = Pattern::of(args.get(i + 1)),
                "type" => wanted.kind = Some(args.get(i + 1)),
                _ => return Err(Error::Syntax),
            }
            i += 2;
        }
        Ok(wanted)
    }

    fn fits(&self, db: &Database, handle: Handle) -> bool {
        !db.is_past_deadline(handle)
            && self.pattern.fits(db.key(handle))
            && self.kind.is_none_or(|name| name.eq_ignore_ascii_case(Kind::of(db.view(handle)).name().as_bytes()))
    }
}

/// Most buckets looked at for each key asked for, when they are empty.
const BUCKETS_PER_KEY: u64 = 10;

fn scan(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let mut cursor = parse_cursor(args.get(1)).ok_or(Error::Text("ERR invalid cursor"))?;
    let wanted = Wanted::parse(args)?;
    let (db, mut found, mut seen, mut buckets) = (&*cx.db, Vec::new(), 0, 0);
    loop {
        cursor = db.scan(cursor, |handle| {
            seen += 1;
            if wanted.fits(db, handle) {
                found.push(handle);
            }
        });
        buckets += 1;
        if cursor == 0 || seen >= wanted.count || buckets / BUCKETS_PER_KEY >= wanted.count {
            break;
        }
    }
    cx.reply.array(2);
    cx.reply.bulk(itoa::Buffer::new().format(cursor).as_bytes());
    answer_keys(cx.reply, cx.db, &found);
    Ok(Done)
}

/// A cursor as `strtoull` reads it: blanks and a plus in front are fine.
fn parse_cursor(text: &[u8]) -> Option<u64> {
    let text = str::from_utf8(text.trim_ascii_start()).ok()?;
    text.parse().ok()
}

/// Which keys are asked for.
enum Pattern<'a> {
    /// All; also the empty one, which no glob but this one matches.
    All,
    /// Those that match.
    Glob(&'a [u8]),
}

impl<'a> Pattern<'a> {
    fn of(pattern: &'a [u8]) -> Pattern<'a> {
        if pattern == b"*" { Pattern::All } else { Pattern::Glob(pattern) }
    }

    fn fits(&self, key: &[u8]) -> bool {
        match self {
            Pattern::All => true,
            Pattern::Glob(pattern) => matches(pattern, key, Case::Sensitive),
        }
    }
}

fn answer_keys(reply: &mut Reply, db: &Database, handles: &[Handle]) {
    reply.array(handles.len());
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
