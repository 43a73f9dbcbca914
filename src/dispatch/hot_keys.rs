//! Which of the calls that ran are looked at for hot keys: see `server/observe/hot_keys`.

use super::Dispatcher;
use super::batch::{Batch, Span};
use crate::commands::args::Args;
use crate::commands::registry::Hot;
use crate::server::clients::ClientIndex;
use crate::server::observe::hot_keys::{By, Load};

impl Dispatcher {
    /// Looks at one of the calls that the batch began with and that ran. Their replies end at `ends`, behind those that were there
    /// before.
    #[cold]
    pub(super) fn look_at_one_of(&mut self, client: ClientIndex, input: &[u8], batch: &Batch, ends: &[u32]) {
        let spans = &batch.spans[..ends.len()];
        for by in self.server.hot_keys.due() {
            let place = match by {
                By::Calls | By::Time => self.server.random.below(ends.len() as u64) as usize,
                By::Bytes => {
                    let drawn = self.server.random.below(bytes_up_to(spans, ends, ends.len() - 1).max(1));
                    (0..ends.len() - 1).find(|&place| bytes_up_to(spans, ends, place) > drawn).unwrap_or(ends.len() - 1)
                }
            };
            let span = &spans[place];
            let key = batch.rows[place].filter(|_| span.has_hash).map(|row| {
                let key = batch.ranges[span.first_range as usize + row.ahead_key as usize];
                (&input[key.start as usize..key.end as usize], span.hash)
            });
            self.look_for(by, client, key);
        }
    }

    /// The same of a call that came alone.
    pub(super) fn count_single(&mut self, client: ClientIndex, row: &Hot, args: &Args<'_>, load: Load) {
        if !self.server.hot_keys.add(load) {
            return;
        }
        let db = self.server.clients.get(client).db;
        let has_key = row.ahead_key != 0 && (row.ahead_key as usize) < args.len();
        let key = has_key.then(|| args.get(row.ahead_key as usize));
        let key = key.map(|key| (key, self.server.keyspace.all()[db].hash(key)));
        for by in self.server.hot_keys.due() {
            self.look_for(by, client, key);
        }
    }

    fn look_for(&mut self, by: By, client: ClientIndex, key: Option<(&[u8], u64)>) {
        let db = self.server.clients.get(client).db;
        let now_ms = self.server.time.monotonic_ms();
        let random = &mut self.server.random;
        self.server.hot_keys.look_at(by, db, key, now_ms, |n| random.below(n));
    }
}

/// Bytes of the calls up to `place`, and of the replies to them.
fn bytes_up_to(spans: &[Span], ends: &[u32], place: usize) -> u64 {
    u64::from(spans[place].end - spans[0].start) + u64::from(ends[place])
}
