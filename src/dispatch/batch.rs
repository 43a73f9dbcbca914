//! Looking ahead over the calls that clients have sent: parse, find the rows, hash the first keys, ask the cache for
//! buckets, then for records, then for the same of an element that the call names in a big collection. It holds no
//! references and has no effect: after a call that changes how the rest is to be read, the rest is parsed again.
//!
//! Within one client's turn the calls of its pipeline are looked at together. Where several clients have been read before the
//! first of them is run, so are the first batches of all: each stage is done for all of them before the next one begins, and
//! what one stage has asked for comes while the others are under way.

use super::Dispatcher;
use crate::commands::registry::{Hot, Lookup};
use crate::formats::resp::request::{Limits, Parsed, Progress, ProtocolError, Range, parse};
use crate::keyspace::database::Database;
use crate::server::clients::ClientIndex;
use crate::server::gates;
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
    /// The record that its first key most likely leads to.
    record: Handle,
    /// The hash of the element that it names there, if that was hashed.
    element: Option<u64>,
}

/// What stopped the parsing.
#[derive(Debug, Default)]
pub(super) enum Stop {
    /// There may be more whole calls.
    #[default]
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
pub struct Batch {
    pub(super) ranges: Vec<Range>,
    pub(super) spans: Vec<Span>,
    /// The row of each span, None when the name is unknown.
    pub(super) rows: Vec<Option<Hot>>,
    /// Where the parsing stopped ...
    pub(super) end: usize,
    /// ... and why.
    pub(super) stop: Stop,
    /// Whether it was looked at ahead and has not been run since.
    pub(super) is_ahead: bool,
    /// The database of its client.
    db: usize,
    /// Whether any of its calls names an element.
    has_elements: bool,
    /// Whether it is remembered which keys its calls read.
    is_tracked: bool,
}

impl Batch {
    /// Bytes of its calls.
    #[inline]
    pub(super) fn bytes(&self) -> usize {
        self.spans.first().map_or(0, |first| self.end.saturating_sub(first.start as usize))
    }

    /// What was looked at ahead will not be run from here.
    pub fn forget(&mut self) {
        self.is_ahead = false;
    }

    /// Parses up to `most` calls from `at` on.
    fn parse(&mut self, input: &[u8], at: usize, most: usize, limits: &Limits) {
        self.ranges.clear();
        self.spans.clear();
        self.rows.clear();
        self.has_elements = false;
        (self.end, self.stop) = self.parse_calls(input, at, most, limits);
    }

    /// Gives where parsing stopped and why. The ranges of a half call at the end stay behind those of the spans.
    #[inline]
    fn parse_calls(&mut self, input: &[u8], mut at: usize, most: usize, limits: &Limits) -> (usize, Stop) {
        while self.spans.len() < most {
            let first_range = self.ranges.len();
            match parse(input, Progress { missing: 0, at }, limits, &mut self.ranges) {
                Parsed::Call { end, .. } => {
                    let ranges = (self.ranges.len() - first_range) as u32;
                    let (start, first_range) = (at as u32, first_range as u32);
                    let end = end as u32;
                    self.spans.push(Span {
                        first_range,
                        ranges,
                        start,
                        end,
                        hash: 0,
                        has_hash: false,
                        record: NONE,
                        element: None,
                    });
                    at = end as usize;
                }
                Parsed::Nothing { end } => at = end,
                Parsed::Inline { end, args } => return (at, Stop::Inline { end, args }),
                Parsed::Incomplete(progress) => return (at, Stop::Incomplete(progress)),
                Parsed::BigBulk { progress, len } => return (at, Stop::BigBulk { progress, len }),
                Parsed::Error(error) => return (at, Stop::Error(error)),
            }
        }
        (at, Stop::BatchFull)
    }

    /// The ranges found of the half call at the end.
    pub(super) fn partial_ranges(&self) -> &[Range] {
        let whole: usize = self.spans.last().map_or(0, |span| (span.first_range + span.ranges) as usize);
        &self.ranges[whole..]
    }

    /// Finds the rows, hashes first keys, and asks the cache for their buckets.
    #[inline]
    fn ask_for_buckets(&mut self, input: &[u8], lookup: &Lookup, db: &Database) {
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
                self.has_elements |= hot.ahead_element != 0;
            }
            self.rows.push(row);
        }
    }

    /// Asks the cache for where keys that will be read are remembered: for their buckets, and when those have come for the keys.
    #[inline]
    fn ask_for_tracked(&self, ask: impl Fn(u64)) {
        self.spans.iter().filter(|span| span.has_hash).for_each(|span| ask(span.hash));
    }

    /// Asks the cache for the records that the buckets name.
    #[inline]
    fn ask_for_records(&mut self, db: &Database) {
        for span in self.spans.iter_mut().filter(|span| span.has_hash) {
            span.record = db.prefetch_record(span.hash).unwrap_or(NONE);
        }
    }

    /// Asks the cache for the records' neighbours in the LRU list.
    #[inline]
    fn ask_for_neighbours(&self, db: &Database) {
        if db.is_in_order() {
            self.spans.iter().filter(|span| span.record != NONE).for_each(|span| db.prefetch_neighbours(span.record));
        }
    }

    /// Asks the cache for the buckets of elements in big collections, whose records have been asked for; then for the elements.
    #[inline]
    fn ask_for_elements(&mut self, input: &[u8], db: &Database) {
        if !self.has_elements {
            return;
        }
        for (span, row) in self.spans.iter_mut().zip(&self.rows) {
            let Some(Hot { ahead_element, .. }) = row else { continue };
            if *ahead_element != 0 && (*ahead_element as u32) < span.ranges && span.record != NONE {
                let name = self.ranges[span.first_range as usize + *ahead_element as usize];
                span.element = db.prefetch_element_bucket(span.record, &input[name.start as usize..name.end as usize]);
            }
        }
        for span in &self.spans {
            if let Some(hash) = span.element {
                db.prefetch_element(span.record, hash);
            }
        }
    }
}

impl Dispatcher {
    /// Parses the first calls of an input that begins with a whole one and will be run next for its client, and asks the cache for
    /// their buckets. Gives how many calls there are.
    pub fn look_ahead(&self, client: ClientIndex, input: &[u8], batch: &mut Batch) -> usize {
        self.parse_batch(client, input, 0, batch);
        batch.spans.len()
    }

    /// Asks the cache for what the calls of those batches that are looked at ahead will touch beyond the buckets. Each comes with its
    /// input.
    pub fn look_further(&self, batches: &mut [(&[u8], &mut Batch)]) {
        let databases = self.server.keyspace.all();
        for (_, batch) in batches.iter_mut().filter(|(_, batch)| batch.is_ahead) {
            batch.ask_for_records(&databases[batch.db]);
        }
        for (input, batch) in batches.iter_mut().filter(|(_, batch)| batch.is_ahead) {
            if let (true, Some(keys)) = (batch.is_tracked, self.server.clients.trackers.keys()) {
                batch.ask_for_tracked(|hash| keys.prefetch_key(hash));
            }
            batch.ask_for_neighbours(&databases[batch.db]);
            batch.ask_for_elements(input, &databases[batch.db]);
        }
    }

    /// Parses the batch of calls that begins at `at`, and asks the cache for their buckets.
    #[inline]
    pub(super) fn parse_batch(&self, client: ClientIndex, input: &[u8], at: usize, batch: &mut Batch) {
        let limits = self.request_limits(client);
        let most = if limits.unauthenticated { 1 } else { BATCH_CALLS };
        batch.parse(input, at, most, &limits);
        batch.is_ahead = true;
        batch.db = self.server.clients.get(client).db;
        batch.ask_for_buckets(input, &self.lookup, &self.server.keyspace.all()[batch.db]);
        batch.is_tracked = self.server.clients.get(client).raised & gates::TRACKING != 0;
        if let (true, Some(keys)) = (batch.is_tracked, self.server.clients.trackers.keys()) {
            batch.ask_for_tracked(|hash| keys.prefetch(hash));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::ManualClock;
    use crate::base::disk::RealDisk;
    use crate::commands::registry;
    use crate::dispatch::Partial;
    use crate::dispatch::storage::{NoThreads, Storage};
    use crate::server::Server;
    use crate::server::clients::{Client, Closing};
    use crate::server::config::Config;
    use std::sync::Arc;

    fn dispatcher() -> Dispatcher {
        let server = Server::new(Config::default(), Arc::new(ManualClock::at(1)), [7; 16], registry::all().len());
        Dispatcher::new(server, Storage::new(Arc::new(RealDisk), Box::new(NoThreads)))
    }

    fn newcomer(dispatcher: &mut Dispatcher) -> ClientIndex {
        dispatcher.server.clients.add(Client { authenticated: true, ..Client::default() })
    }

    fn output(dispatcher: &Dispatcher, client: ClientIndex) -> String {
        String::from_utf8(dispatcher.server.clients.get(client).output.to_vec()).expect("text")
    }

    #[test]
    fn calls_looked_at_ahead_of_others_that_take_their_keys_away_find_them_gone() {
        let mut dispatcher = dispatcher();
        let (one, other) = (newcomer(&mut dispatcher), newcomer(&mut dispatcher));
        let hash = b"*4\r\n$4\r\nHSET\r\n$1\r\nh\r\n$5\r\nfield\r\n$1\r\nv\r\n";
        let flush = b"*3\r\n$6\r\nCONFIG\r\n$3\r\nGET\r\n$1\r\nx\r\n*1\r\n$8\r\nFLUSHALL\r\n";
        let get = b"*3\r\n$4\r\nHGET\r\n$1\r\nh\r\n$5\r\nfield\r\n";
        dispatcher.run(one, hash, &mut Partial::default());
        let (mut first, mut second) = (Batch::default(), Batch::default());
        assert_eq!(dispatcher.look_ahead(one, flush, &mut first), 2);
        assert_eq!(dispatcher.look_ahead(other, get, &mut second), 1);
        dispatcher.look_further(&mut [(flush, &mut first), (get, &mut second)]);
        dispatcher.run_ahead(one, flush, &mut Partial::default(), &mut first);
        dispatcher.run_ahead(other, get, &mut Partial::default(), &mut second);
        assert_eq!(output(&dispatcher, one), ":1\r\n*0\r\n+OK\r\n");
        assert_eq!(output(&dispatcher, other), "$-1\r\n");
    }

    #[test]
    fn what_was_looked_at_for_a_client_that_is_closed_before_its_turn_is_not_run_for_the_next() {
        let mut dispatcher = dispatcher();
        let (closed, next) = (newcomer(&mut dispatcher), newcomer(&mut dispatcher));
        let (ping, echo) = (b"*1\r\n$4\r\nPING\r\n", b"*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n");
        let mut batch = Batch::default();
        dispatcher.look_ahead(closed, ping, &mut batch);
        dispatcher.server.clients.get_mut(closed).closing = Closing::Now;
        dispatcher.run_ahead(closed, ping, &mut Partial::default(), &mut batch);
        dispatcher.run_ahead(next, echo, &mut Partial::default(), &mut batch);
        assert_eq!((output(&dispatcher, closed), output(&dispatcher, next)), (String::new(), "$2\r\nhi\r\n".into()));
    }
}
