//! Looking ahead over the calls that a client has pipelined: parse, find the rows, hash the first keys, ask the cache for
//! buckets, then for records. It holds no references and has no effect: after a call that changes how the rest is to be
//! read, the rest is parsed again.

use crate::commands::registry::{Hot, Lookup};
use crate::formats::resp::request::{Limits, Parsed, Progress, ProtocolError, Range, parse};
use crate::keyspace::database::Database;
use crate::server::tracking::TrackedKeys;
use crate::structures::record_arena::{Handle, NONE};

/// Calls looked at ahead.
pub(super) const BATCH_CALLS: usize = 32;

/// A call found in the input.
#[derive(Clone, Copy)]
pub(super) struct Span {
    /// Its ranges begin here.
    pub(super) first_range: u32,
    /// And are so many.
    pub(super) ranges: u32,
    /// Its first byte in the input.
    pub(super) start: u32,
    /// The byte behind it.
    pub(super) end: u32,
    /// The hash of its first key, if `has_hash`.
    pub(super) hash: u64,
    /// Whether its first key was hashed.
    pub(super) has_hash: bool,
}

/// What stopped the parsing.
#[derive(Debug)]
pub(super) enum Stop {
    /// There may be more whole calls.
    BatchFull,
    /// An inline call comes next.
    Inline { end: usize, args: Vec<Vec<u8>> },
    /// The rest is half a call.
    Incomplete(Progress),
    /// The rest is half a call whose big bulk begins at `progress.at`.
    BigBulk { progress: Progress, len: usize },
    /// The rest is not the protocol.
    Error(ProtocolError),
}

/// The calls of a batch, in buffers that are used again.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) ranges: Vec<Range>,
    pub(super) spans: Vec<Span>,
    /// The row of each span, None when the name is unknown.
    pub(super) rows: Vec<Option<Hot>>,
}

impl Batch {
    /// Parses up to `most` calls from `at` on; gives where parsing stopped and why.
    pub(super) fn parse(&mut self, input: &[u8], at: usize, most: usize, limits: &Limits) -> (usize, Stop) {
        self.ranges.clear();
        self.spans.clear();
        self.rows.clear();
        let mut at = at;
        while self.spans.len() < most {
            let first_range = self.ranges.len();
            match parse(input, Progress { missing: 0, at }, limits, &mut self.ranges) {
                Parsed::Call { end, .. } => {
                    let ranges = (self.ranges.len() - first_range) as u32;
                    let (start, first_range) = (at as u32, first_range as u32);
                    self.spans.push(Span { first_range, ranges, start, end: end as u32, hash: 0, has_hash: false });
                    at = end;
                }
                Parsed::Nothing { end } => at = end,
                Parsed::Inline { end, args } => return (at, Stop::Inline { end, args }),
                Parsed::Incomplete(progress) => {
                    self.keep_partial(first_range);
                    return (at, Stop::Incomplete(progress));
                }
                Parsed::BigBulk { progress, len } => {
                    self.keep_partial(first_range);
                    return (at, Stop::BigBulk { progress, len });
                }
                Parsed::Error(error) => return (at, Stop::Error(error)),
            }
        }
        (at, Stop::BatchFull)
    }

    /// The ranges of the half call stay behind those of the spans.
    fn keep_partial(&mut self, first_range: usize) {
        debug_assert!(first_range <= self.ranges.len());
    }

    /// The ranges found of the half call at the end.
    pub(super) fn partial_ranges(&self) -> &[Range] {
        let whole: usize = self.spans.last().map_or(0, |span| (span.first_range + span.ranges) as usize);
        &self.ranges[whole..]
    }

    /// Finds the rows, hashes first keys, and asks the cache for what the calls will touch, in `tracked` too if what they read will be
    /// remembered there.
    #[inline]
    pub(super) fn look_ahead(&mut self, input: &[u8], lookup: &Lookup, db: &Database, tracked: Option<&TrackedKeys>) {
        for span in &mut self.spans {
            let name = self.ranges[span.first_range as usize];
            let row = lookup.find(&input[name.start as usize..name.end as usize]).copied();
            if let Some(hot) = &row
                && hot.ahead_key != 0
                && (hot.ahead_key as u32) < span.ranges
            {
                let key = self.ranges[span.first_range as usize + hot.ahead_key as usize];
                span.hash = db.hash(&input[key.start as usize..key.end as usize]);
                span.has_hash = true;
                db.prefetch_bucket(span.hash);
                if let Some(tracked) = tracked {
                    tracked.prefetch(span.hash);
                }
            }
            self.rows.push(row);
        }
        if self.spans.len() < 2 {
            return;
        }
        let mut handles = [NONE as Handle; BATCH_CALLS];
        for (span, place) in self.spans.iter().zip(&mut handles).filter(|(span, _)| span.has_hash) {
            *place = db.prefetch_record(span.hash).unwrap_or(NONE);
        }
        if let Some(tracked) = tracked {
            self.spans.iter().filter(|span| span.has_hash).for_each(|span| tracked.prefetch_key(span.hash));
        }
        for &handle in handles.iter().filter(|&&handle| handle != NONE) {
            db.prefetch_neighbours(handle);
        }
    }
}
