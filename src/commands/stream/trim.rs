//! Trimming: XTRIM, and the options that XADD shares with it.

use super::ids;
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::effects::Event;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::values::stream::{Entries, Keep, Stream, StreamId, Trim};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&XTRIM];

/// What LIMIT is answered where nothing is approximate.
const STRAY_LIMIT: Error = Error::Text("ERR syntax error, LIMIT cannot be used without the special ~ option");

/// XTRIM: entries go from the front.
static XTRIM: Command = Command::data("xtrim", xtrim)
    .arity(Arity::AtLeast(4))
    .flags(&[Flag::Write])
    .keys(&[first_key(Access::ReadWrite, Purpose::Delete)])
    .since("5.0.0")
    .complexity(
        "O(N), with N being the number of evicted entries. Constant times are very small however, since entries are \
         organized in macro nodes containing multiple entries that can be released with a single deallocation.",
    )
    .summary("Deletes messages from the beginning of a stream.")
    .syntax(
        "key <<MAXLEN | MINID^6.2.0>@strategy [=@equal | ~@approximately]@operator threshold:string [LIMIT count^6.2.0]>@trim",
    )
    .history(&[("6.2.0", "Added the `MINID` trimming strategy and the `LIMIT` option.")])
    .tips(&["nondeterministic_output"]);

fn xtrim(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let mut options = TrimOptions::default();
    let mut i = 2;
    while i < args.len() {
        i = options.read(args, i)?.ok_or(Error::Syntax)?;
    }
    if options.keep.is_none() && options.limit == 0 {
        return Err(Error::Text("ERR syntax error, XTRIM must be called with a trimming strategy"));
    }
    let trim = options.finish(cx)?.expect("a strategy was given");
    let Some(mut stream) = cx.db.edit_existing::<Stream>(args.get(1))? else {
        cx.reply.int(0);
        return Ok(Done);
    };
    let trimmed = stream.entries.trim(trim);
    let left = what_is_left(&stream.entries, trim.keep);
    stream.finish();
    if trimmed > 0 {
        cx.changed(args.get(1), Event::stream("xtrim").wakes_nobody());
        cx.effects.dirty += trimmed - 1;
        if args.is_logged() && trim.whole_blocks {
            let mut call: Vec<&[u8]> = args.iter().collect();
            options.rewrite(&mut call, &left);
            cx.propagate_as(&call);
        }
    }
    cx.reply.int(trimmed as i64);
    Ok(Done)
}

/// MAXLEN or MINID and what belongs to it, as far as it was read.
#[derive(Default)]
pub(super) struct TrimOptions {
    keep: Option<Keep>,
    is_approximate: bool,
    /// Where the threshold stands; the operator stands before it.
    threshold_at: usize,
    limit: u64,
    /// Where LIMIT stands.
    limit_at: Option<usize>,
}

impl TrimOptions {
    /// Reads the option at word `i`. Gives the word behind it; `None`: it is no such option.
    pub(super) fn read(&mut self, args: &Args<'_>, i: usize) -> Result<Option<usize>, Error> {
        let has_more = i + 1 < args.len();
        if has_more && args.is(i, "maxlen") {
            let at = self.threshold(args, i)?;
            let len = u64::try_from(args.int(at)?);
            self.keep = Some(Keep::Length(len.map_err(|_| Error::Text("ERR The MAXLEN argument must be >= 0."))?));
            Ok(Some(at + 1))
        } else if has_more && args.is(i, "minid") {
            let at = self.threshold(args, i)?;
            self.keep = Some(Keep::From(ids::id(args.get(at))?));
            Ok(Some(at + 1))
        } else if has_more && args.is(i, "limit") {
            let limit = u64::try_from(args.int(i + 1)?);
            self.limit = limit.map_err(|_| Error::Text("ERR The LIMIT argument must be >= 0."))?;
            self.limit_at = Some(i);
            Ok(Some(i + 2))
        } else {
            Ok(None)
        }
    }

    /// Reads the operator behind word `i`. Gives where the threshold stands.
    fn threshold(&mut self, args: &Args<'_>, i: usize) -> Result<usize, Error> {
        if self.keep.is_some() {
            return Err(Error::Text("ERR syntax error, MAXLEN and MINID options at the same time are not compatible"));
        }
        let operator = if i + 2 < args.len() { args.get(i + 1) } else { b"" };
        self.is_approximate = operator == b"~";
        self.threshold_at = if matches!(operator, b"~" | b"=") { i + 2 } else { i + 1 };
        Ok(self.threshold_at)
    }

    /// What to do, when all options are read; nothing without a strategy.
    pub(super) fn finish(&self, cx: &DataContext<'_>) -> Result<Option<Trim>, Error> {
        if self.limit > 0 && self.keep.is_none() {
            return Err(Error::Text("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"));
        }
        let limit = match (self.limit_at, self.is_approximate) {
            _ if cx.is_replayed => 0, // how much went is in the threshold
            (Some(_), true) => self.limit,
            (Some(_), false) => return Err(STRAY_LIMIT),
            (None, true) => default_limit(cx.encodings.stream_node_max_entries),
            (None, false) => 0,
        };
        Ok(self.keep.map(|keep| Trim { keep, whole_blocks: self.is_approximate, limit }))
    }

    /// Changes the words of a call whose trimming was approximate so that it replays the same: the threshold is what was left, and
    /// LIMIT goes.
    pub(super) fn rewrite<'w>(&self, call: &mut Vec<&'w [u8]>, left: &'w [u8]) {
        call[self.threshold_at - 1] = b"=";
        call[self.threshold_at] = left;
        if let Some(at) = self.limit_at {
            call.drain(at..at + 2);
        }
    }
}

/// Without LIMIT, an approximate trimming takes away no more than a hundred blocks.
fn default_limit(block_entries: usize) -> u64 {
    match (block_entries as u64).saturating_mul(100) {
        0 => 10_000,
        limit => limit.min(1_000_000),
    }
}

/// The threshold that says what a trimming has left.
pub(super) fn what_is_left(entries: &Entries, keep: Keep) -> Vec<u8> {
    match keep {
        Keep::Length(_) => itoa::Buffer::new().format(entries.len()).into(),
        Keep::From(_) => entries.first_id_of_all().unwrap_or(StreamId::MAX).text().as_bytes().into(),
    }
}
