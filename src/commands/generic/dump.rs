//! A value as bytes that travel: DUMP, RESTORE.

use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::effects::Event;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Category, Command, Done, Flag, Outcome};
use crate::formats::rdb::payload::{dump as dump_value, verify};
use crate::formats::rdb::{Compression, Limits, Value};
use crate::keyspace::database::{Expired, Expiry};
use crate::values::AnyRef;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&DUMP, &RESTORE];

/// Longer strings are dumped as they are: the work is done in one go.
const COMPRESSED_MAX_BYTES: usize = 256 * 1024;

/// DUMP: the value with version and checksum.
static DUMP: Command = Command::data("dump", dump)
    .arity(Arity::Exactly(2))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("2.6.0")
    .complexity("O(1) to access the key and additional O(N) to serialize it, where N is the size of its value.")
    .summary("Returns a serialized representation of the value stored at a key.")
    .syntax("key")
    .tips(&["nondeterministic_output"]);

fn dump(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let Some(handle) = cx.db.read(args.get(1)) else {
        cx.reply.null();
        return Ok(Done);
    };
    let mut payload = Vec::new();
    let compression = Compression::Lzf { max_bytes: COMPRESSED_MAX_BYTES };
    dump_value(AnyRef::of(cx.db.view(handle)), compression, cx.encodings.field_deadlines, &mut payload);
    cx.reply.bulk(&payload);
    Ok(Done)
}

/// RESTORE: a key from what DUMP gave.
static RESTORE: Command = Command::data("restore", restore)
    .arity(Arity::AtLeast(4))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(&[first_key(Access::Overwrite, Purpose::Update)])
    .categories(&[Category::Dangerous])
    .since("2.6.0")
    .complexity("O(1) to create the new key and additional O(N) to reconstruct its value, where N is its size.")
    .summary("Creates a key from the serialized representation of a value.")
    .syntax("key ttl serialized-value [REPLACE^3.0.0] [ABSTTL^5.0.0] [IDLETIME seconds^5.0.0] [FREQ frequency^5.0.0]")
    .history(&[
        ("3.0.0", "Added the `REPLACE` modifier."),
        ("5.0.0", "Added the `ABSTTL` modifier."),
        ("5.0.0", "Added the `IDLETIME` and `FREQ` options."),
    ]);

/// How a value is restored.
#[derive(Default)]
struct Options {
    replace: bool,
    is_absolute: bool,
    idle_seconds: Option<u64>,
    frequency: Option<u8>,
}

impl Options {
    fn parse(args: &Args<'_>) -> Result<Options, Error> {
        let mut options = Options::default();
        let mut i = 4;
        while i < args.len() {
            let is_last = i + 1 == args.len();
            match args.word(i).as_str() {
                "replace" => options.replace = true,
                "absttl" => options.is_absolute = true,
                "idletime" if !is_last && options.frequency.is_none() => {
                    i += 1;
                    let seconds = u64::try_from(args.int(i)?);
                    options.idle_seconds =
                        Some(seconds.map_err(|_| Error::Text("ERR Invalid IDLETIME value, must be >= 0"))?);
                }
                "freq" if !is_last && options.idle_seconds.is_none() => {
                    i += 1;
                    let frequency = u8::try_from(args.int(i)?);
                    options.frequency =
                        Some(frequency.map_err(|_| Error::Text("ERR Invalid FREQ value, must be >= 0 and <= 255"))?);
                }
                _ => return Err(Error::Syntax),
            }
            i += 1;
        }
        Ok(options)
    }
}

/// RESTORE and RESTORE-ASKING.
pub(in crate::commands) fn restore(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let options = Options::parse(args)?;
    let key = args.get(1);
    if !options.replace && cx.db.find(key).is_some() {
        return Err(Error::Text("BUSYKEY Target key name already exists."));
    }
    let ttl = u64::try_from(args.int(2)?).map_err(|_| Error::Text("ERR Invalid TTL value, must be >= 0"))?;
    let value = decoded(cx, args.get(3))?;
    let origin_ms = if options.is_absolute { 0 } else { cx.now_ms() };
    let deadline = (ttl != 0).then(|| ttl.saturating_add(origin_ms).min(i64::MAX as u64));
    let was_there = cx.db.remove(key);
    if deadline.is_some_and(|deadline| deadline <= cx.now_ms()) && cx.db.expired != Expired::There {
        if was_there {
            cx.propagate_as(&[b"DEL", key]);
            cx.changed(key, Event::generic("del"));
        }
        cx.reply.ok();
        return Ok(Done);
    }
    cx.db.put_decoded(key, value, deadline.map_or(Expiry::Clear, Expiry::At))?;
    put_usage(cx, key, &options);
    if let Some(deadline) = deadline.filter(|_| !options.is_absolute) {
        let (mut digits, mut call) = (itoa::Buffer::new(), args.iter().collect::<Vec<_>>());
        call[2] = digits.format(deadline).as_bytes();
        call.push(b"ABSTTL");
        cx.propagate_as(&call);
    }
    cx.changed(key, Event::generic("restore"));
    cx.reply.ok();
    Ok(Done)
}

fn decoded(cx: &DataContext<'_>, payload: &[u8]) -> Result<Value, Error> {
    let limits = Limits {
        max_string_bytes: cx.limits.string_bytes,
        checksum: cx.limits.checksum,
        encodings: *cx.encodings,
        ..Limits::default()
    };
    let verified =
        verify(payload, limits).map_err(|_| Error::Text("ERR DUMP payload version or checksum are wrong"))?;
    const BAD: Error = Error::Text("ERR Bad data format");
    match verified.decode(limits) {
        Ok(Value::Empty) => Err(BAD),
        Ok(value) => Ok(value),
        Err(error) => {
            log::warn!("RESTORE: {error}");
            Err(BAD)
        }
    }
}

/// What counts is what the policy looks at; the other option is taken and has no effect.
fn put_usage(cx: &mut DataContext<'_>, key: &[u8], options: &Options) {
    let Some(handle) = cx.db.peek(key) else { return };
    match (options.frequency, options.idle_seconds) {
        (Some(frequency), _) if cx.db.counts_frequency() => cx.db.set_frequency(handle, frequency),
        (_, Some(seconds)) if !cx.db.counts_frequency() => cx.db.set_idle_ms(handle, seconds.saturating_mul(1000)),
        _ => {}
    }
}
