//! Entries behind an ID, waited for if need be: XREAD.

use super::read_options::{ReadOptions, Reader};
use super::{ids, range};
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Begin, Find, KeySpec, Purpose};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::formats::resp::reply::{Protocol, Reply};
use crate::values::Kind;
use crate::values::stream::{Stream, StreamId, StreamRef};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&XREAD];

/// XREAD: entries behind an ID, of any number of streams.
static XREAD: Command = Command::data("xread", xread)
    .arity(Arity::AtLeast(4))
    .flags(&[Flag::ReadOnly, Flag::Blocking])
    .keys(&[KeySpec::new(
        Access::ReadOnly,
        Purpose::Access,
        Begin::Keyword("STREAMS", 1),
        Find::Range { last: -1, step: 1, limit: 2 },
    )])
    .since("5.0.0")
    .complexity("")
    .summary(
        "Returns messages from multiple streams with IDs greater than the ones requested. Blocks until a message is \
         available otherwise.",
    )
    .syntax("[COUNT count] [BLOCK milliseconds] <STREAMS key [key ...] id:string [id ...]>@streams");

fn xread(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let options = ReadOptions::read(args, Reader::Anyone, cx.now_ms())?;
    let (mut after, mut served) = (Vec::with_capacity(options.streams), 0);
    for i in 0..options.streams {
        let (key, word) = options.stream(args, i);
        let stream = cx.db.read_as::<Stream>(key)?;
        let id = behind(word, stream)?;
        let is_served = stream.is_some_and(|stream| stream.entries.last_live_id().is_some_and(|last| last > id));
        served += usize::from(is_served);
        after.push((id, is_served));
    }
    if served == 0 {
        return wait(cx, args, &options, &after);
    }
    head(cx.reply, served);
    for (i, (id, _)) in after.into_iter().enumerate().filter(|(_, (_, is_served))| *is_served) {
        let (key, _) = options.stream(args, i);
        let stream = cx.db.read_as::<Stream>(key)?.expect("it was there just now");
        name(cx.reply, key);
        let from = id.next().expect("there is something behind it");
        range::forward(cx.reply, &stream.entries, from, StreamId::MAX, options.most);
    }
    Ok(Done)
}

/// The ID behind which entries are asked for: `$` is the last one ever given, `+` what stands before the last one there is.
fn behind(word: &[u8], stream: Option<StreamRef<'_>>) -> Result<StreamId, Error> {
    match word {
        b"$" => Ok(stream.map_or(StreamId::MIN, |stream| stream.entries.last_id)),
        b"+" => {
            let last = stream.and_then(|stream| stream.entries.last_live_id());
            Ok(last.and_then(StreamId::previous).unwrap_or(StreamId::MIN))
        }
        b">" => Err(Error::Text(
            "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
        )),
        _ => ids::id(word),
    }
}

/// Waits if it may: by IDs, for what is last by then is not what is last now.
fn wait(cx: &mut DataContext<'_>, args: &Args<'_>, options: &ReadOptions, after: &[(StreamId, bool)]) -> Outcome {
    let Some(timeout_us) = options.timeout_us else {
        cx.reply.null_array();
        return Ok(Done);
    };
    let ids_at = options.keys_at + options.streams;
    let call = args.from(ids_at).any(|word| word == b"$").then(|| {
        let mut call = args.to_vecs();
        for (word, (id, _)) in call[ids_at..].iter_mut().zip(after).filter(|(word, _)| *word == b"$") {
            *word = id.text().as_bytes().to_vec();
        }
        call
    });
    cx.wait_for(Kind::Stream, options.keys(args), timeout_us, call)
}

/// The head of the streams that follow.
pub(super) fn head(reply: &mut Reply, streams: usize) {
    match reply.protocol {
        Protocol::Resp2 => reply.array(streams),
        Protocol::Resp3 => reply.map(streams),
    }
}

/// A stream's key; its entries follow.
pub(super) fn name(reply: &mut Reply, key: &[u8]) {
    if reply.protocol == Protocol::Resp2 {
        reply.array(2);
    }
    reply.bulk(key);
}
