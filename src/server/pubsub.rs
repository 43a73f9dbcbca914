//! Channels: who listens to which, and messages on their way to them.
//!
//! ```text
//! channels, shards   name -> listeners
//! patterns           glob -> listeners
//! queue              messages that have more listeners than are served at once, each with those who are still to hear it
//! ```
//!
//! A message is encoded once. Its listeners are served in slices: while any message waits, all later ones wait behind it, so each client
//! hears messages in the order in which they were sent. A large message is shared between the outputs, a small one copied.

use super::client_memory::ELEMENT_BYTES;
use super::clients::{Client, ClientIndex, Clients};
use super::gates;
use crate::base::glob::{Case, matches};
use crate::formats::resp::reply::{Protocol, Reply};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Listeners served in one go.
const SLICE: usize = 1000;

/// What a client listens to.
#[derive(Debug, Default)]
pub struct Subscriptions {
    /// Channels by name.
    pub channels: BTreeSet<Box<[u8]>>,
    /// Channels by pattern.
    pub patterns: BTreeSet<Box<[u8]>>,
    /// Shard channels.
    pub shards: BTreeSet<Box<[u8]>>,
    name_bytes: usize,
}

impl Subscriptions {
    /// Channels and patterns: what SUBSCRIBE and its like count.
    pub fn count(&self) -> usize {
        self.channels.len() + self.patterns.len()
    }

    /// Whether it listens to nothing.
    pub fn is_empty(&self) -> bool {
        self.count() == 0 && self.shards.is_empty()
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        self.name_bytes + (self.count() + self.shards.len()) * 2 * ELEMENT_BYTES
    }

    /// Those of one kind.
    pub fn of(&self, space: Space) -> &BTreeSet<Box<[u8]>> {
        match space {
            Space::Channels => &self.channels,
            Space::Patterns => &self.patterns,
            Space::Shards => &self.shards,
        }
    }

    fn of_mut(&mut self, space: Space) -> &mut BTreeSet<Box<[u8]>> {
        match space {
            Space::Channels => &mut self.channels,
            Space::Patterns => &mut self.patterns,
            Space::Shards => &mut self.shards,
        }
    }
}

/// The three kinds of subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// SUBSCRIBE.
    Channels,
    /// PSUBSCRIBE.
    Patterns,
    /// SSUBSCRIBE.
    Shards,
}

/// A message for all listeners of one channel, or of one pattern.
#[derive(Debug)]
struct Message {
    /// As RESP3 says it; RESP2 differs in the first byte.
    bytes: Arc<[u8]>,
    space: Space,
    /// The channel or pattern that they listen to.
    name: Box<[u8]>,
    /// The log offset that must be durable before anybody hears of it.
    held_for: u64,
    /// Who is to hear it, the next one last.
    listeners: Vec<(ClientIndex, u64)>,
}

/// Who listens to each name: places in order.
type Names = BTreeMap<Box<[u8]>, Vec<ClientIndex>>;

/// Listeners by channel, and messages under way.
#[derive(Debug, Default)]
pub struct PubSub {
    channels: Names,
    patterns: Names,
    shards: Names,
    queue: VecDeque<Message>,
    clients: usize,
}

impl PubSub {
    fn of(&self, space: Space) -> &Names {
        match space {
            Space::Channels => &self.channels,
            Space::Patterns => &self.patterns,
            Space::Shards => &self.shards,
        }
    }

    fn of_mut(&mut self, space: Space) -> &mut Names {
        match space {
            Space::Channels => &mut self.channels,
            Space::Patterns => &mut self.patterns,
            Space::Shards => &mut self.shards,
        }
    }

    /// Names that somebody listens to: how many.
    pub fn names(&self, space: Space) -> usize {
        self.of(space).len()
    }

    /// Names that somebody listens to and that match (`None`: all).
    pub fn matching(&self, space: Space, pattern: Option<&[u8]>) -> Vec<&[u8]> {
        let fits = |name: &&[u8]| pattern.is_none_or(|pattern| matches(pattern, name, Case::Sensitive));
        self.of(space).keys().map(|name| &**name).filter(fits).collect()
    }

    /// Who listens to a name: how many.
    pub fn listeners(&self, space: Space, name: &[u8]) -> usize {
        self.of(space).get(name).map_or(0, Vec::len)
    }

    /// Clients that listen to anything.
    pub fn clients(&self) -> usize {
        self.clients
    }

    /// Whether messages wait for a further slice.
    pub fn is_behind(&self) -> bool {
        !self.queue.is_empty()
    }
}

impl Client {
    /// Who listens and speaks RESP2, where messages and answers look alike, may do little else.
    pub fn raise_if_listening(&mut self) {
        match self.protocol == Protocol::Resp2 && !self.subscriptions.is_empty() {
            true => self.raised |= gates::SUBSCRIBED,
            false => self.raised &= !gates::SUBSCRIBED,
        }
    }
}

impl Clients {
    /// A client begins to listen; whether it did not already.
    pub fn subscribe(&mut self, index: ClientIndex, space: Space, name: &[u8]) -> bool {
        let client = self.get_mut(index);
        let was_empty = client.subscriptions.is_empty();
        if !client.subscriptions.of_mut(space).insert(name.into()) {
            return false;
        }
        client.subscriptions.name_bytes += name.len();
        client.raise_if_listening();
        self.pubsub.clients += was_empty as usize;
        let listeners = self.pubsub.of_mut(space).entry(name.into()).or_default();
        if let Err(place) = listeners.binary_search(&index) {
            listeners.insert(place, index);
        }
        true
    }

    /// A client no longer listens; whether it did.
    pub fn unsubscribe(&mut self, index: ClientIndex, space: Space, name: &[u8]) -> bool {
        let client = self.get_mut(index);
        if !client.subscriptions.of_mut(space).remove(name) {
            return false;
        }
        client.subscriptions.name_bytes -= name.len();
        if client.subscriptions.is_empty() {
            client.raised &= !gates::SUBSCRIBED;
            self.pubsub.clients -= 1;
        }
        let names = self.pubsub.of_mut(space);
        if let Some(listeners) = names.get_mut(name) {
            if let Ok(place) = listeners.binary_search(&index) {
                listeners.remove(place);
            }
            if listeners.is_empty() {
                names.remove(name);
            }
        }
        true
    }

    /// A client listens to nothing any more.
    pub fn unsubscribe_all(&mut self, index: ClientIndex) {
        for space in [Space::Channels, Space::Patterns, Space::Shards] {
            for name in self.get(index).subscriptions.of(space).iter().cloned().collect::<Vec<_>>() {
                self.unsubscribe(index, space, &name);
            }
        }
    }

    /// Sends a message to all that listen to a channel, by name or by pattern; how many will hear it (a client counts once for each
    /// way in which it listens). `held_for`: the log offset that must be durable before they do.
    pub fn publish(&mut self, channel: &[u8], message: &[u8], held_for: u64) -> usize {
        let mut heard = self.send(Space::Channels, channel, held_for, &[b"message", channel, message]);
        if !self.pubsub.patterns.is_empty() {
            for pattern in self.patterns_of(channel) {
                heard += self.send(Space::Patterns, &pattern, held_for, &[b"pmessage", &pattern, channel, message]);
            }
        }
        heard
    }

    fn patterns_of(&self, channel: &[u8]) -> Vec<Box<[u8]>> {
        self.pubsub.patterns.keys().filter(|pattern| matches(pattern, channel, Case::Sensitive)).cloned().collect()
    }

    /// Sends a message to all that listen to a shard channel; how many.
    pub fn publish_to_shard(&mut self, channel: &[u8], message: &[u8]) -> usize {
        self.send(Space::Shards, channel, 0, &[b"smessage", channel, message])
    }

    fn send(&mut self, space: Space, name: &[u8], held_for: u64, words: &[&[u8]]) -> usize {
        let was_behind = self.pubsub.is_behind();
        let Some(listeners) = self.pubsub.of_mut(space).get_mut(name) else { return 0 };
        let heard = listeners.len();
        let bytes = encode(words);
        if heard <= SLICE && !was_behind {
            // The common case: all hear it now. Nobody comes or goes meanwhile, so the list can be lent.
            let all = std::mem::take(listeners);
            all.iter().for_each(|&index| self.give(index, &bytes, held_for));
            *self.pubsub.of_mut(space).get_mut(name).expect("it was there") = all;
            return heard;
        }
        let all: Vec<ClientIndex> = listeners.clone();
        let listeners = all.into_iter().rev().map(|index| (index, self.get(index).id)).collect();
        self.pubsub.queue.push_back(Message { bytes, space, name: name.into(), held_for, listeners });
        if !was_behind {
            self.deliver(SLICE);
        }
        heard
    }

    /// Serves a slice of those who are still to hear messages; whether there are more.
    pub fn deliver_slice(&mut self) -> bool {
        self.deliver(SLICE);
        self.pubsub.is_behind()
    }

    fn deliver(&mut self, mut budget: usize) {
        while let Some(mut message) = self.pubsub.queue.pop_front() {
            while let Some((index, id)) = message.listeners.pop() {
                self.hand_over(&message, index, id);
                budget -= 1;
                if budget == 0 && !message.listeners.is_empty() {
                    return self.pubsub.queue.push_front(message);
                }
            }
            if budget == 0 {
                return;
            }
        }
    }

    /// Gives a message to one listener, unless it has gone or listens no longer.
    fn hand_over(&mut self, message: &Message, index: ClientIndex, id: u64) {
        let is_there = self.find(index).is_some_and(|client| client.id == id);
        if !is_there || !self.get(index).subscriptions.of(message.space).contains(&message.name) {
            return;
        }
        self.give(index, &message.bytes, message.held_for);
    }

    /// Gives a client an encoded message, in its dialect.
    #[inline]
    fn give(&mut self, index: ClientIndex, bytes: &Arc<[u8]>, held_for: u64) {
        let client = self.get_mut(index);
        let first = if client.protocol == Protocol::Resp3 { b'>' } else { b'*' };
        client.output.share(first, bytes);
        client.held_for = client.held_for.max(held_for);
        self.note_told(index);
    }
}

/// A message as RESP3 says it.
fn encode(words: &[&[u8]]) -> Arc<[u8]> {
    let mut reply = Reply { protocol: Protocol::Resp3, ..Reply::default() };
    reply.push(words.len());
    words.iter().for_each(|word| reply.bulk(word));
    reply.out.to_vec().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(clients: &mut Clients, index: ClientIndex) -> String {
        let output = std::mem::take(&mut clients.get_mut(index).output);
        String::from_utf8(output.to_vec()).unwrap()
    }

    #[test]
    fn messages_reach_listeners_by_name_and_by_pattern_in_their_dialect() {
        let mut clients = Clients::default();
        let two = clients.add(Client::default());
        let three = clients.add(Client { protocol: Protocol::Resp3, ..Client::default() });
        assert!(clients.subscribe(two, Space::Channels, b"news"));
        assert!(!clients.subscribe(two, Space::Channels, b"news"));
        clients.subscribe(three, Space::Patterns, b"n*");
        assert_eq!(clients.publish(b"news", b"hi", 0), 2);
        assert_eq!(clients.publish(b"other", b"hi", 0), 0);
        assert_eq!(clients.publish_to_shard(b"news", b"hi"), 0);
        assert_eq!(heard(&mut clients, two), "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n");
        assert_eq!(heard(&mut clients, three), ">4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$2\r\nhi\r\n");
        let raised = |index| clients.get(index).raised & !gates::TOLD;
        assert_eq!((raised(two), raised(three)), (gates::SUBSCRIBED, 0));
        clients.remove(three);
        clients.unsubscribe_all(two);
        assert_eq!((clients.pubsub.clients(), clients.get(two).raised & gates::SUBSCRIBED), (0, 0));
        assert!(clients.pubsub.channels.is_empty() && clients.pubsub.patterns.is_empty());
    }

    #[test]
    fn many_listeners_are_served_in_slices_and_in_order() {
        let mut clients = Clients::default();
        let all: Vec<ClientIndex> = (0..2 * SLICE + 1).map(|_| clients.add(Client::default())).collect();
        all.iter().for_each(|&index| assert!(clients.subscribe(index, Space::Channels, b"c")));
        assert_eq!(clients.publish(b"c", b"1", 0), all.len());
        assert_eq!(clients.publish(b"c", b"2", 0), all.len());
        assert!(clients.get(all[2 * SLICE]).output.is_empty());
        let gone = clients.remove(all[2 * SLICE]);
        let newcomer = clients.add(Client::default());
        assert_eq!((newcomer, gone.id == clients.get(newcomer).id), (all[2 * SLICE], false));
        clients.subscribe(newcomer, Space::Channels, b"c");
        let slices = 1 + std::iter::repeat_with(|| clients.deliver_slice()).take_while(|more| *more).count();
        assert!(slices >= 3, "{slices}");
        let both = "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\n1\r\n*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\n2\r\n";
        assert!(all[..2 * SLICE].iter().all(|&index| heard(&mut clients, index) == both));
        assert_eq!(heard(&mut clients, newcomer), "", "it came after the messages");
    }
}
