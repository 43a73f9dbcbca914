//! Adding entries: XADD.

use super::ids;
use super::trim::{TrimOptions, what_is_left};
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::effects::Event;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::keyspace::database::Edit;
use crate::values::stream::{AppendError, BlockLimits, NewId, Stream, StreamId};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&XADD];

/// XADD: an entry behind the last.
static XADD: Command = Command::data("xadd", xadd)
    .arity(Arity::AtLeast(5))
    .flags(&[Flag::Write, Flag::DenyOom, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Update)
        .note("UPDATE instead of INSERT because of the optional trimming feature")])
    .since("5.0.0")
    .complexity("O(1) when adding a new entry, O(N) when trimming where N being the number of entries evicted.")
    .summary("Appends a new message to a stream. Creates the key if it doesn't exist.")
    .syntax(
        "key [NOMKSTREAM^6.2.0] [<MAXLEN | MINID^6.2.0>@strategy [=@equal | ~@approximately]@operator threshold \
         [LIMIT count^6.2.0]]@trim <*@auto-id | id>@id-selector field value [field value ...]",
    )
    .history(&[
        ("6.2.0", "Added the `NOMKSTREAM` option, `MINID` trimming strategy and the `LIMIT` option."),
        ("7.0.0", "Added support for the `<ms>-*` explicit ID form."),
    ])
    .tips(&["nondeterministic_output"]);

fn xadd(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let options = AddOptions::read(args, cx.now_ms())?;
    let trim = options.trim.finish(cx)?;
    let first_field = options.id_at + 1;
    let words = args.len() - first_field.min(args.len());
    if words < 2 || words % 2 == 1 {
        return Err(Error::Arity("xadd".into()));
    }
    if options.id == NewId::Given(StreamId::MIN) {
        return Err(Error::Text("ERR The ID specified in XADD must be greater than 0-0"));
    }
    let key = args.get(1);
    let mut stream = if options.makes_no_stream {
        match cx.db.edit_existing::<Stream>(key)? {
            Some(stream) => stream,
            None => {
                cx.reply.null();
                return Ok(Done);
            }
        }
    } else {
        cx.db.edit::<Stream>(key)?
    };
    let id = append(&mut stream, options.id, words / 2, |i| args.get(first_field + i), BlockLimits::of(cx.encodings))?;
    let trimmed = trim.map_or(0, |trim| stream.entries.trim(trim));
    let left = trim.filter(|trim| trim.whole_blocks && args.is_logged());
    let left = left.map(|trim| what_is_left(&stream.entries, trim.keep));
    stream.finish();
    let text = id.text();
    cx.reply.bulk(text.as_bytes());
    cx.changed(key, Event::stream("xadd"));
    if trimmed > 0 {
        cx.happened(key, Event::stream("xtrim"));
    }
    if args.is_logged() && (left.is_some() || !matches!(options.id, NewId::Given(_))) {
        options.propagate(cx, args, left.as_deref(), text.as_bytes());
    }
    Ok(Done)
}

/// Adds an entry. One that is refused leaves no stream where there was none.
#[inline]
fn append<'w>(
    stream: &mut Edit<'_, Stream>,
    id: NewId,
    pairs: usize,
    word: impl Fn(usize) -> &'w [u8] + Copy,
    limits: BlockLimits,
) -> Result<StreamId, Error> {
    if stream.entries.last_id == StreamId::MAX {
        return Err(Error::Text("ERR The stream has exhausted the last possible ID, unable to add more items"));
    }
    let is_new = !stream.was_there();
    let refused = |error| match error {
        AppendError::NotGreater => {
            Error::Text("ERR The ID specified in XADD is equal or smaller than the target stream top item")
        }
        AppendError::TooLarge => Error::Text("ERR Elements are too large to be stored"),
    };
    let id = stream.entries.next_id(id).map_err(refused)?;
    match stream.entries.append(id, pairs, word, limits) {
        Ok(()) => Ok(id),
        Err(error) => {
            if is_new {
                stream.clear();
            }
            Err(refused(error))
        }
    }
}

/// What stands before the fields.
struct AddOptions {
    makes_no_stream: bool,
    trim: TrimOptions,
    id: NewId,
    id_at: usize,
}

impl AddOptions {
    fn read(args: &Args<'_>, now_ms: u64) -> Result<AddOptions, Error> {
        let mut options = AddOptions {
            makes_no_stream: false,
            trim: TrimOptions::default(),
            id: NewId::Now(now_ms),
            id_at: args.len(),
        };
        let mut i = 2;
        while i < args.len() {
            let word = args.get(i);
            if word == b"*" {
                options.id_at = i;
                break;
            }
            if let Some(next) = options.trim.read(args, i)? {
                i = next;
            } else if args.is(i, "nomkstream") {
                options.makes_no_stream = true;
                i += 1;
            } else {
                options.id = match ids::millisecond(word) {
                    Some(ms) => NewId::Within(ms),
                    None => NewId::Given(ids::id(word)?),
                };
                options.id_at = i;
                break;
            }
        }
        Ok(options)
    }

    /// The log gets the ID as it came out, and what was left by trimming.
    fn propagate(&self, cx: &mut DataContext<'_>, args: &Args<'_>, left: Option<&[u8]>, id: &[u8]) {
        let mut call: Vec<&[u8]> = args.iter().collect();
        call[self.id_at] = id;
        if let Some(left) = left {
            self.trim.rewrite(&mut call, left);
        }
        cx.propagate_as(&call);
    }
}
