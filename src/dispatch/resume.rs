//! Calls that come in half: what is kept of one, and how it goes on when the rest comes.

use super::batch::Batch;
use super::execute::Ran;
use super::tally::Tally;
use super::{Dispatcher, Partial, Turn};
use crate::commands::args::Args;
use crate::formats::resp::reply::Reply;
use crate::formats::resp::request::{self, BIG, Parsed, Progress, Range};
use crate::server::clients::ClientIndex;
use crate::server::observe::hot_keys::Load;

/// A half call with fewer arguments than this is parsed again from its start.
const KEEP_ARGUMENTS: usize = 64;

/// Remembers the half call at `at`, with which the batch ends, when it would be costly to parse it again.
pub(super) fn keep_partial(batch: &Batch, at: usize, progress: Progress, partial: &mut Partial) {
    if progress.missing > 0 && batch.partial_ranges().len() >= KEEP_ARGUMENTS {
        (partial.progress, partial.ranges) = (progress_from(at, progress), rebased(batch, at));
    }
}

/// Remembers the half call at `at`, whose next bulk of `len` bytes gets an allocation of its own.
pub(super) fn keep_big_partial(batch: &Batch, at: usize, progress: Progress, len: usize, partial: &mut Partial) {
    (partial.progress, partial.ranges) = (progress_from(at, progress), rebased(batch, at));
    partial.filling = len + 2;
}

/// The half call's ranges, counted from its start.
fn rebased(batch: &Batch, at: usize) -> Vec<Range> {
    let at = at as u32;
    batch.partial_ranges().iter().map(|r| Range { start: r.start - at, end: r.end - at }).collect()
}

impl Dispatcher {
    /// Goes on with a half call at the start of the input: `Ok` with the byte behind it when it ran.
    pub(super) fn resume(
        &mut self,
        client: ClientIndex,
        input: &[u8],
        partial: &mut Partial,
        reply: &mut Reply,
    ) -> Result<usize, (usize, Turn)> {
        let end = self.complete(client, input, partial, reply)?;
        let mut owned = std::mem::take(partial);
        let logged = self.is_logged();
        let name = word(input, &owned.ranges, &owned.big, 0);
        let row = self.lookup.find(name).copied();
        let raw = owned.big.is_empty().then(|| &input[..end]);
        let mut args = Args::new(input, &owned.ranges, &mut owned.big, raw, logged);
        let mut tally = Tally::default();
        let request_bytes = args.wire_bytes();
        let large = self.large_request(row.as_ref(), &args, request_bytes);
        let replied_before = reply.out.len();
        match self.call(client, row, &mut args, None, reply, &mut tally) {
            Ran::Done => {
                let reply_bytes = reply.out.len().saturating_sub(replied_before);
                match (large, row) {
                    (Some(request), _) if tally.calls > 0 => self.note_large_request(client, &request, reply_bytes),
                    (None, Some(row)) if tally.calls > 0 => self.note_sizes(client, &row, &args, reply_bytes),
                    _ => {}
                }
                let calls = tally.calls;
                let ns = self.settle_tally(client, tally, self.server.time.monotonic_ns);
                if let Some(row) = row {
                    let bytes = (request_bytes + reply_bytes) as u64;
                    self.count_single(client, &row, &args, Load { calls, ns, bytes });
                }
                Ok(end)
            }
            Ran::Parked => {
                *partial = without_last(owned, end);
                Err((0, Turn::Parked))
            }
        }
    }

    /// Takes in what has come of a half call: `Ok` with the byte behind it when that is all of it.
    fn complete(
        &mut self,
        client: ClientIndex,
        input: &[u8],
        partial: &mut Partial,
        reply: &mut Reply,
    ) -> Result<usize, (usize, Turn)> {
        if partial.filling > 0 {
            let big = partial.big.last_mut().expect("being filled");
            if big.len() < partial.filling {
                return Err((0, Turn::Drained));
            }
            big.truncate(partial.filling - 2);
            partial.filling = 0;
            partial.ranges.push(Range { start: BIG, end: partial.big.len() as u32 - 1 });
            partial.progress.missing -= 1;
        }
        if partial.progress.missing == 0 {
            return Ok(partial.progress.at);
        }
        let limits = self.request_limits(client);
        let known = partial.ranges.len();
        match request::parse(input, partial.progress, &limits, &mut partial.ranges) {
            Parsed::Call { end, .. } => Ok(end),
            Parsed::Incomplete(progress) => {
                partial.progress = progress;
                Err((0, Turn::Drained))
            }
            Parsed::BigBulk { progress, len } => {
                (partial.progress, partial.filling) = (progress, len + 2);
                Err((0, Turn::Drained))
            }
            Parsed::Error(_) if self.is_waiting(client) => {
                partial.ranges.truncate(known);
                Err((0, Turn::Parked))
            }
            Parsed::Error(error) => {
                self.server.count_error("ERR");
                reply.error(&format!("ERR {error}"));
                Err((input.len(), Turn::Closed))
            }
            Parsed::Nothing { .. } | Parsed::Inline { .. } => unreachable!("a half call goes on with its bulks"),
        }
    }
}

/// A whole call, ending at `end`, that may not run yet: its last word counts as still to come, so that it will be found whole again.
fn without_last(call: Partial, end: usize) -> Partial {
    let Partial { mut ranges, mut big, .. } = call;
    let last = ranges.pop().expect("a call has a name");
    let (at, filling) = match last.start {
        BIG => {
            let word = &mut big[last.end as usize];
            word.extend_from_slice(b"\r\n");
            (end, word.len())
        }
        _ => (end - header_and_body(last, end), 0),
    };
    Partial { progress: Progress { missing: 1, at }, ranges, big, filling }
}

fn progress_from(at: usize, progress: Progress) -> Progress {
    Progress { missing: progress.missing, at: progress.at - at }
}

/// Bytes of a bulk with its header and line ends, which end at `end`.
fn header_and_body(range: Range, end: usize) -> usize {
    let body = (range.end - range.start) as usize;
    let digits = itoa::Buffer::new().format(body).len();
    debug_assert_eq!(range.end as usize + 2, end);
    1 + digits + 2 + body + 2
}

fn word<'a>(input: &'a [u8], ranges: &[Range], big: &'a [Vec<u8>], i: usize) -> &'a [u8] {
    let Range { start, end } = ranges[i];
    if start == BIG { &big[end as usize] } else { &input[start as usize..end as usize] }
}
