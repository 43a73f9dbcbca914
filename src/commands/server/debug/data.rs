//! DEBUG on keys and tables: what is inside, and many keys at once.

use super::{Probe, probe};
use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::error::Error;
use crate::commands::row::{Done, Outcome};
use crate::formats::rdb::Compression;
use crate::formats::rdb::payload::dump;
use crate::keyspace::database::{Database, Expiry};
use crate::values::list::{ListRef, Quicklist};
use crate::values::string::{NewText, Text};
use crate::values::{AnyRef, FieldDeadlines};
use std::fmt::Write;

pub(super) const PROBES: &[Probe] = &[
    probe("object", (1, 2), "<key>", object, "What a key's value is made of."),
    probe("sdslen", (1, 1), "<key>", string_lengths, "Lengths of a key and its string."),
    probe("listpack", (1, 1), "<key>", listpack, "What a listpack holds."),
    probe("quicklist", (1, 2), "<key> [<0|1>]", quicklist, "What a quicklist is made of."),
    probe(
        "populate",
        (1, 3),
        "<count> [<prefix>] [<size>]",
        populate,
        "Makes strings <prefix>:0 and on, where there are none; not logged.",
    ),
    probe("htstats", (1, 2), "<dbid> [full]", table_stats, "The size of a database's table."),
    probe("htstats-key", (1, 2), "<key> [full]", table_stats_of_key, "The size of a value's table."),
];

fn object(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let now_ms = cx.server.time.wall_ms();
    let (size, depth) = (cx.server.config.list_max_listpack_size, cx.server.config.list_compress_depth);
    let db = cx.db();
    let handle = db.peek(args.get(2)).ok_or(Error::NoSuchKey)?;
    let idle_ms = db.idle_ms(handle);
    let mut line = format!(
        "Value at:{handle:#x} refcount:1 encoding:{} serializedlength:{} lru:{} lru_seconds_idle:{}",
        AnyRef::of(db.view(handle)).encoding(),
        serialized_len(db, handle),
        last_use_seconds(now_ms, idle_ms) & 0xff_ffff,
        idle_ms / 1000,
    );
    if let AnyRef::List(ListRef::Chunks(list)) = AnyRef::of(db.view(handle)) {
        line += &about_chunks(list, size, depth);
    }
    cx.reply.simple(&line);
    Ok(Done)
}

/// The second of the last use, which is known to a tenth of one: it stays the same until there is another use.
fn last_use_seconds(now_ms: u64, idle_ms: u64) -> u64 {
    (now_ms / 100 * 100).wrapping_sub(idle_ms) / 1000
}

/// What Redis tells of a quicklist's nodes.
fn about_chunks(list: &Quicklist, max_listpack_size: i32, compress_depth: u32) -> String {
    let bytes: usize = list.chunks().map(|chunk| chunk.bytes().len()).sum();
    format!(
        " ql_nodes:{} ql_avg_node:{:.2} ql_listpack_max:{max_listpack_size} ql_compressed:{} ql_uncompressed_size:{bytes}",
        list.chunk_count(),
        list.len() as f64 / list.chunk_count() as f64,
        (compress_depth > 0) as u8,
    )
}

/// Bytes of the value in a snapshot, without its type.
fn serialized_len(db: &Database, handle: u32) -> usize {
    const FRAME_BYTES: usize = 1 + 2 + 8;
    let mut payload = Vec::new();
    let compression = Compression::Lzf { max_bytes: usize::MAX };
    dump(AnyRef::of(db.view(handle)), compression, FieldDeadlines::Redis, &mut payload);
    payload.len() - FRAME_BYTES
}

fn string_lengths(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let key = args.get(2);
    let db = cx.db();
    let handle = db.peek(key).ok_or(Error::NoSuchKey)?;
    let len = match Text::view(db.view(handle)) {
        Ok(Text::Bytes { bytes, .. }) => bytes.len(),
        _ => return Err(Error::Text("ERR Not an sds encoded string.")),
    };
    let bytes = db.key_bytes(handle);
    let line = format!(
        "key_sds_len:{}, key_sds_avail:0, key_zmalloc: {bytes}, val_sds_len:{len}, val_sds_avail:0, val_zmalloc: {bytes}",
        key.len()
    );
    cx.reply.simple(&line);
    Ok(Done)
}

fn listpack(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    print_if(cx, args.get(2), &["listpack", "listpackex"], "ERR Not a listpack encoded object.")?;
    cx.reply.simple("Listpack structure printed on stdout");
    Ok(Done)
}

fn quicklist(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    print_if(cx, args.get(2), &["quicklist"], "ERR Not a quicklist encoded object.")?;
    cx.reply.simple("Quicklist structure printed on stdout");
    Ok(Done)
}

/// Prints a value to the server's own log if it has one of these encodings.
fn print_if(cx: &mut ServerContext<'_>, key: &[u8], encodings: &[&str], other: &'static str) -> Result<(), Error> {
    let db = cx.db();
    let handle = db.peek(key).ok_or(Error::NoSuchKey)?;
    let value = AnyRef::of(db.view(handle));
    if !encodings.contains(&value.encoding()) {
        return Err(Error::Text(other));
    }
    log::info!("{}: {value:?}", key.escape_ascii());
    Ok(())
}

fn populate(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let positive = |i: usize| match args.int(i) {
        Ok(n) if n >= 0 => Ok(n as usize),
        _ => Err(Error::Text("ERR value is out of range, must be positive")),
    };
    let count = positive(2)?;
    let prefix = if args.len() > 3 { args.get(3) } else { b"key" };
    let size = if args.len() > 4 { Some(positive(4)?) } else { None };
    let limit = cx.server.config.proto_max_bulk_len_bytes;
    if size.is_some_and(|size| size as u64 > limit) {
        return Err(Error::StringTooLong);
    }
    let db = cx.db();
    for n in 0..count {
        let key = [prefix, format!(":{n}").as_bytes()].concat();
        if db.peek(&key).is_some() {
            continue;
        }
        let mut value = format!("value:{n}").into_bytes();
        if let Some(size) = size {
            value.resize(size, 0);
        }
        db.set(&key, NewText::Bytes(&value), Expiry::Clear)?;
    }
    cx.reply.ok();
    Ok(Done)
}

fn table_stats(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let number = args.int(2).map_err(|_| Error::Text("ERR Out of range database"))?;
    let all = cx.server.keyspace.all();
    let db = usize::try_from(number).ok().and_then(|number| all.get(number));
    let db = db.ok_or(Error::Text("ERR Out of range database"))?;
    let mut text = String::from("[Dictionary HT]\n");
    write_table(&mut text, db.buckets(), db.len());
    text.push_str("[Expires HT]\n");
    write_table(&mut text, db.expiring().next_power_of_two(), db.expiring());
    cx.reply.verbatim("txt", text.as_bytes());
    Ok(Done)
}

fn write_table(text: &mut String, slots: usize, entries: usize) {
    let _ = match entries {
        0 => writeln!(text, "No stats available for empty dictionaries"),
        _ => writeln!(
            text,
            "Hash table 0 stats (main hash table):\n table size: {slots}\n number of elements: {entries}"
        ),
    };
}

fn table_stats_of_key(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    const NO_TABLE: Error =
        Error::Text("ERR The value stored at the specified key is not represented using an hash table");
    let db = cx.db();
    let handle = db.peek(args.get(2)).ok_or(Error::NoSuchKey)?;
    let (buckets, elements) = AnyRef::of(db.view(handle)).table_size().ok_or(NO_TABLE)?;
    let mut text = String::new();
    write_table(&mut text, buckets, elements);
    cx.reply.verbatim("txt", text.as_bytes());
    Ok(Done)
}
