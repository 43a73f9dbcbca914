//! Client-side caching: clients keep copies of what they have read, and hear when a key has changed (CLIENT TRACKING).
//!
//! ```text
//! keys       key ─► who has read it          forgotten with the first change, and then told      (`table`)
//! prefixes   prefix ─► who listens           all changes of keys that begin so, once a round     (`broadcast`)
//! ```
//!
//! A message is a push to a client that speaks RESP3. To one that speaks RESP2 it can only come by way of another connection that
//! listens to channels (REDIRECT). What a client hears because of its own call stands behind the answer to that call.
//!
//! One thing is not as in Redis: under NOLOOP a client hears of keys that expired or were evicted while its own call ran.

mod broadcast;
mod table;

use super::client_memory::ELEMENT_BYTES;
use super::clients::{Client, ClientIndex, Clients};
use super::gates;
use crate::base::hash::KeyHasher;
use crate::formats::resp::output::Output;
use crate::formats::resp::reply::{Protocol, Reply};
use broadcast::Prefixes;
use std::collections::BTreeSet;
use std::sync::Arc;
pub use table::{Reader, TrackedKeys};

/// Keys that are forgotten in one go when there are more than may be.
const FORGET_BUDGET: usize = 100;

/// Which reads of a client are remembered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Choice {
    /// All.
    #[default]
    All,
    /// Those behind CLIENT CACHING YES.
    OptIn,
    /// All but those behind CLIENT CACHING NO.
    OptOut,
}

/// How a client is told of changes.
#[derive(Debug, Default)]
pub struct Tracking {
    /// Which reads are remembered.
    pub choice: Choice,
    /// Whether CLIENT CACHING was said for the next call.
    pub said_caching: bool,
    /// Whether it hears of all keys with its prefixes, and none of its reads are remembered.
    pub is_broadcast: bool,
    /// Whether it does not hear of what it changes itself.
    pub no_loop: bool,
    /// The connection that hears in its place: where it was, and its number.
    pub redirect: Option<(ClientIndex, u64)>,
    /// Whether that one has gone, as was found when it was to be told.
    pub is_redirect_broken: bool,
    /// Prefixes of keys that it hears of.
    pub prefixes: BTreeSet<Box<[u8]>>,
    /// Bytes that those take.
    pub prefix_bytes: usize,
}

impl Tracking {
    /// Whether what it reads now is remembered.
    #[inline]
    pub fn remembers(&self) -> bool {
        !self.is_broadcast
            && match self.choice {
                Choice::All => true,
                Choice::OptIn => self.said_caching,
                Choice::OptOut => !self.said_caching,
            }
    }
}

/// Who is to hear of changes.
#[derive(Default)]
pub struct Trackers {
    keys: Option<Box<TrackedKeys>>,
    prefixes: Prefixes,
    clients: usize,
}

impl Trackers {
    /// Clients that are told of changes.
    pub fn clients(&self) -> usize {
        self.clients
    }

    /// What was read, if anybody ever wanted it remembered.
    #[inline]
    pub fn keys(&self) -> Option<&TrackedKeys> {
        self.keys.as_deref()
    }

    /// Prefixes that somebody hears of.
    pub fn prefixes(&self) -> usize {
        self.prefixes.len()
    }

    /// Whether changes of keys are of any interest.
    pub(super) fn want_changes(&self) -> bool {
        self.clients > 0 || self.keys().is_some_and(|keys| !keys.is_empty())
    }

    /// Bytes that it takes to remember.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.keys().map_or(0, TrackedKeys::bytes)
    }
}

/// What a message says: an array of keys in RESP, or that any may have changed.
enum Said<'a> {
    Keys(&'a [u8]),
    Shared(&'a Arc<[u8]>),
    Everything,
}

impl Clients {
    /// A client is told of changes from now on, in this way; prefixes that it has already stay. `hasher` is that of the keyspace.
    pub fn track(&mut self, index: ClientIndex, mut tracking: Tracking, hasher: KeyHasher) {
        let had = self.get_mut(index).tracking.take();
        self.trackers.clients += had.is_none() as usize;
        for prefix in &tracking.prefixes {
            self.trackers.prefixes.add(prefix, index);
        }
        tracking.prefix_bytes = tracking.prefixes.iter().map(|prefix| prefix.len() + 2 * ELEMENT_BYTES).sum();
        if let Some(had) = had {
            tracking.prefix_bytes += had.prefix_bytes;
            tracking.prefixes.extend(had.prefixes);
        }
        let (id, reader) = (self.get(index).id, self.get(index).reader);
        if !tracking.is_broadcast && reader.is_none() {
            let keys = self.trackers.keys.get_or_insert_with(|| Box::new(TrackedKeys::new(hasher)));
            self.get_mut(index).reader = Some(keys.begin(index, id));
        }
        let client = self.get_mut(index);
        client.tracking = Some(Box::new(tracking));
        client.raised |= gates::TRACKING;
        self.note_observers();
    }

    /// A client is told of nothing any more. What it has read is forgotten when that changes.
    pub fn untrack(&mut self, index: ClientIndex) {
        let client = self.get_mut(index);
        let Some(tracking) = client.tracking.take() else { return };
        client.raised &= !gates::TRACKING;
        self.trackers.clients -= 1;
        for prefix in &tracking.prefixes {
            self.trackers.prefixes.remove(prefix, index);
        }
        self.note_observers();
    }

    /// A client has gone: its place may be another's.
    pub(super) fn end_reading(&mut self, index: ClientIndex) {
        self.untrack(index);
        let reader = self.get_mut(index).reader.take();
        if let (Some(reader), Some(keys)) = (reader, &mut self.trackers.keys) {
            keys.end(reader);
            self.note_observers();
        }
    }

    /// A client that is told of changes has read a key.
    #[inline]
    pub fn note_read(&mut self, index: ClientIndex, hash: u64, key: &[u8]) {
        let reader = self.get(index).reader;
        if let (Some(reader), Some(keys)) = (reader, &mut self.trackers.keys) {
            keys.note(hash, key, reader);
        }
    }

    /// Forgets keys, as if they had changed, while there are more than `most` (0: any number). Whether there still are.
    pub fn forget_reads(&mut self, most: u64, mut random: impl FnMut(usize) -> usize) -> bool {
        for _ in 0..FORGET_BUDGET {
            let Some(keys) = self.trackers.keys.as_mut().filter(|keys| most > 0 && keys.len() as u64 > most) else {
                return false;
            };
            let Some((key, readers)) = keys.take_any(&mut random) else { return false };
            self.tell_readers(&key, &readers, None, 0);
        }
        true
    }

    /// A key has changed, by the call of `author` or (`None`) by itself: who has read it is told, who listens to it will be. Nobody hears
    /// of it before the log is durable up to `held_for`.
    pub fn invalidate(&mut self, key: &[u8], author: Option<ClientIndex>, held_for: u64) {
        self.trackers.prefixes.note(key, author);
        let Some(keys) = &mut self.trackers.keys else { return };
        let readers = keys.take(key);
        self.tell_readers(key, &readers, author, held_for);
    }

    fn tell_readers(&mut self, key: &[u8], readers: &[(ClientIndex, u64)], author: Option<ClientIndex>, held_for: u64) {
        if readers.is_empty() {
            return;
        }
        let said = array_of([key].into_iter());
        for &(index, _) in readers {
            let hears = |tracking: &Tracking| !(tracking.is_broadcast || tracking.no_loop && author == Some(index));
            if self.get(index).tracking.as_deref().is_some_and(hears) {
                self.tell(index, &Said::Keys(&said), held_for);
            }
        }
    }

    /// Databases were emptied: all who are told of changes hear that any key may have gone. Gives what is to be freed.
    pub fn invalidate_all(&mut self, held_for: u64) -> Option<Box<TrackedKeys>> {
        let all: Vec<ClientIndex> =
            if self.trackers.clients == 0 { Vec::new() } else { self.iter().map(|(index, _)| index).collect() };
        for index in all {
            if self.get(index).tracking.is_some() {
                self.tell(index, &Said::Everything, held_for);
            }
        }
        let emptied = self.trackers.keys.as_mut().map(|keys| Box::new(keys.take_all()));
        self.note_observers();
        emptied
    }

    /// Whether anybody is to hear of keys that have changed in this round.
    #[inline]
    pub fn has_broadcasts(&self) -> bool {
        self.trackers.prefixes.has_changed()
    }

    /// Tells those who listen to prefixes what has changed in this round.
    pub fn broadcast(&mut self, held_for: u64) {
        for changed in self.trackers.prefixes.take_changed() {
            let all: Arc<[u8]> = array_of(changed.keys.iter().map(|(key, _)| &**key)).into();
            for index in changed.listeners {
                let no_loop = self.get(index).tracking.as_deref().is_some_and(|tracking| tracking.no_loop);
                if !no_loop {
                    self.tell(index, &Said::Shared(&all), held_for);
                    continue;
                }
                let foreign = changed.keys.iter().filter(|(_, author)| *author != Some(index)).map(|(key, _)| &**key);
                let foreign: Vec<&[u8]> = foreign.collect();
                if !foreign.is_empty() {
                    self.tell(index, &Said::Keys(&array_of(foreign.into_iter())), held_for);
                }
            }
        }
    }

    /// Gives a message to a client, or to the connection that hears in its place.
    fn tell(&mut self, index: ClientIndex, said: &Said<'_>, held_for: u64) {
        let own_protocol = self.get(index).protocol;
        let redirect = self.get(index).tracking.as_ref().and_then(|tracking| tracking.redirect);
        let to = match redirect {
            None => index,
            Some((to, id)) if self.find(to).is_some_and(|client| client.id == id) => to,
            Some((_, id)) => return self.tell_of_broken_redirect(index, id),
        };
        let client = self.get_mut(to);
        let head: &[u8] = match client.protocol {
            Protocol::Resp3 => b">2\r\n$10\r\ninvalidate\r\n",
            Protocol::Resp2 if redirect.is_some() && !client.subscriptions.is_empty() => {
                b"*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n"
            }
            Protocol::Resp2 => return,
        };
        client.output.reserve(0);
        client.output.tail().extend_from_slice(head);
        match said {
            Said::Keys(array) => append(&mut client.output, array),
            Said::Shared(array) => client.output.share(b'*', array),
            Said::Everything if own_protocol == Protocol::Resp3 => append(&mut client.output, b"_\r\n"),
            Said::Everything => append(&mut client.output, b"$-1\r\n"),
        }
        client.told_for = client.told_for.max(held_for);
        self.note_told(to);
    }

    /// The connection that was to hear in its place has gone.
    fn tell_of_broken_redirect(&mut self, index: ClientIndex, id: u64) {
        let client = self.get_mut(index);
        if let Some(tracking) = &mut client.tracking {
            tracking.is_redirect_broken = true;
        }
        if client.protocol == Protocol::Resp3 {
            let mut reply = Reply::new(std::mem::take(&mut client.output), Protocol::Resp3);
            reply.push(2);
            reply.bulk(b"tracking-redir-broken");
            reply.int(id as i64);
            client.output = reply.out;
            self.note_told(index);
        }
    }
}

impl Client {
    /// The number of the connection that hears of changes in its place; 0: none, -1: it is not told of any.
    pub fn redirect_number(&self) -> i64 {
        self.tracking.as_ref().map_or(-1, |tracking| tracking.redirect.map_or(0, |(_, id)| id as i64))
    }

    /// What it was told while its call ran goes behind the answer, in `output`.
    #[inline]
    pub fn take_told(&mut self, output: &mut Output) {
        self.raised &= !gates::TOLD;
        if !self.output.is_empty() {
            output.append(std::mem::take(&mut self.output));
        }
    }

    /// CLIENT CACHING counts for one call only; inside MULTI for all up to EXEC.
    pub fn end_caching(&mut self) {
        if let (Some(tracking), None) = (&mut self.tracking, &self.transaction) {
            tracking.said_caching = false;
        }
    }
}

fn append(output: &mut Output, bytes: &[u8]) {
    output.reserve(bytes.len());
    output.tail().extend_from_slice(bytes);
}

fn array_of<'a>(keys: impl ExactSizeIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut reply = Reply::default();
    reply.bulks(keys);
    reply.out.to_vec()
}
