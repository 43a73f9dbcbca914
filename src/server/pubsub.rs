//! Channels: who listens to which, and messages on their way to them.
//!
//! ```text
//! channels, shards   name -> listeners
//! patterns           glob -> listeners
//! queue              deliveries that have more listeners than are served at once:
//!                    messages for the same listeners, the list of those, how far it has been served
//! ```
//!
//! A message is encoded once. Its listeners are served in slices: while any message waits, all later ones wait behind it, so each client
//! hears messages in the order in which they were sent. What is sent to the same listeners before the first of them is served goes
//! together, so that each of them costs one `send` for all of it. A large message is shared between the outputs, a small one copied.
//!
//! Who sends faster than listeners are served waits, too: PUBLISH is parked while [`PubSub::is_crowded`].

use super::client_memory::ELEMENT_BYTES;
use super::clients::{Client, ClientIndex, Clients};
use super::gates;
use crate::base::glob::{Case, matches};
use crate::formats::resp::reply::{Protocol, Reply};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Listeners served in one go: about half a millisecond, most of it the kernel's.
const SLICE: usize = 128;
/// Messages that go together at most, and so are given to one listener in one go ...
const TOGETHER: usize = 32;
/// ... and about so many bytes of them.
const TOGETHER_BYTES: usize = 16 << 10;
/// So many messages may wait before senders do ...
const MOST_WAITING: usize = 1024;
/// ... or so many bytes.
const MOST_WAITING_BYTES: usize = 4 << 20;
/// So many times as much when those who send cannot be made to wait: keyspace notifications. Beyond, some are served out of turn.
const OVERFLOW: usize = 4;

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

/// An encoded message.
#[derive(Debug)]
struct Message {
    /// As RESP3 says it; RESP2 differs in the first byte.
    bytes: Arc<[u8]>,
    /// The log offset that must be durable before anybody hears of it.
    held_for: u64,
}

/// Messages for all listeners of one channel, or of one pattern.
#[derive(Debug)]
struct Delivery {
    messages: Vec<Message>,
    /// Bytes of the messages.
    bytes: usize,
    space: Space,
    /// The channel or pattern that they listen to.
    name: Box<[u8]>,
    /// Who is to hear them.
    listeners: Listeners,
    /// How many of those have.
    served: usize,
}

impl Delivery {
    fn may_take_more(&self) -> bool {
        self.served == 0 && self.messages.len() < TOGETHER && self.bytes < TOGETHER_BYTES
    }

    fn is_for(&self, space: Space, name: &[u8], listeners: &Listeners) -> bool {
        (self.space, &*self.name) == (space, name) && Arc::ptr_eq(&self.listeners, listeners)
    }
}

/// Places and numbers of clients; the place of one that has gone may be another's.
type Listeners = Arc<[(ClientIndex, u64)]>;

/// Who listens to a name.
#[derive(Debug, Default)]
struct Audience {
    /// Their places, in order.
    places: Vec<ClientIndex>,
    /// The same for those who are told later; made when it is wanted, dropped when anybody comes or goes.
    listeners: Option<Listeners>,
}

/// Who listens to each name.
type Names = BTreeMap<Box<[u8]>, Audience>;

/// Listeners by channel, and messages under way.
#[derive(Debug, Default)]
pub struct PubSub {
    channels: Names,
    patterns: Names,
    shards: Names,
    queue: VecDeque<Delivery>,
    /// Messages in the queue, and what they and the lists of who hears them take.
    waiting: usize,
    waiting_bytes: usize,
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
        self.of(space).get(name).map_or(0, |audience| audience.places.len())
    }

    /// Clients that listen to anything.
    pub fn clients(&self) -> usize {
        self.clients
    }

    /// Whether messages wait for a further slice.
    pub fn is_behind(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Whether so much waits that nobody should send more.
    pub fn is_crowded(&self) -> bool {
        self.waiting > MOST_WAITING || self.waiting_bytes > MOST_WAITING_BYTES
    }

    fn overflows(&self) -> bool {
        self.waiting > OVERFLOW * MOST_WAITING || self.waiting_bytes > OVERFLOW * MOST_WAITING_BYTES
    }

    /// Puts a message behind all that wait: together with the last one if the same clients hear it and none has yet.
    fn push(&mut self, space: Space, name: &[u8], listeners: Listeners, message: Message) {
        let bytes = message.bytes.len();
        self.waiting += 1;
        self.waiting_bytes += bytes;
        match self.queue.back_mut() {
            Some(last) if last.may_take_more() && last.is_for(space, name, &listeners) => {
                last.messages.push(message);
                last.bytes += bytes;
            }
            _ => {
                self.waiting_bytes += size_of_val(&*listeners);
                let (messages, name) = (vec![message], name.into());
                self.queue.push_back(Delivery { messages, bytes, space, name, listeners, served: 0 });
            }
        }
    }

    /// A delivery has been heard by all.
    fn note_delivered(&mut self, delivery: &Delivery) {
        self.waiting -= delivery.messages.len();
        self.waiting_bytes -= delivery.bytes + size_of_val(&*delivery.listeners);
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
        let audience = self.pubsub.of_mut(space).entry(name.into()).or_default();
        if let Err(place) = audience.places.binary_search(&index) {
            audience.places.insert(place, index);
            audience.listeners = None;
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
        if let Some(audience) = names.get_mut(name) {
            if let Ok(place) = audience.places.binary_search(&index) {
                audience.places.remove(place);
                audience.listeners = None;
            }
            if audience.places.is_empty() {
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

    /// The same to all that listen to a shard channel.
    pub fn publish_to_shard(&mut self, channel: &[u8], message: &[u8], held_for: u64) -> usize {
        self.send(Space::Shards, channel, held_for, &[b"smessage", channel, message])
    }

    fn send(&mut self, space: Space, name: &[u8], held_for: u64, words: &[&[u8]]) -> usize {
        let was_behind = self.pubsub.is_behind();
        let Some(audience) = self.pubsub.of_mut(space).get_mut(name) else { return 0 };
        let heard = audience.places.len();
        let message = Message { bytes: encode(words), held_for };
        if heard <= SLICE && !was_behind {
            // The common case: all hear it now. Nobody comes or goes meanwhile, so the list can be lent.
            let all = std::mem::take(&mut audience.places);
            all.iter().for_each(|&index| self.give(index, &message));
            self.pubsub.of_mut(space).get_mut(name).expect("it was there").places = all;
            return heard;
        }
        let listeners = self.listeners(space, name);
        self.pubsub.push(space, name, listeners, message);
        while self.pubsub.overflows() {
            self.deliver(usize::MAX);
        }
        heard
    }

    /// Those who listen to a name now, to be served later.
    fn listeners(&mut self, space: Space, name: &[u8]) -> Listeners {
        let audience = &self.pubsub.of(space)[name];
        if let Some(listeners) = &audience.listeners {
            return listeners.clone();
        }
        let listeners: Listeners = audience.places.iter().map(|&index| (index, self.get(index).id)).collect();
        self.pubsub.of_mut(space).get_mut(name).expect("looked at").listeners = Some(listeners.clone());
        listeners
    }

    /// Serves a slice of those who are still to hear messages; whether there are more.
    pub fn deliver_slice(&mut self) -> bool {
        let mut left = SLICE;
        while left > 0 && self.pubsub.is_behind() {
            left -= self.deliver(left);
        }
        self.pubsub.is_behind()
    }

    /// Serves at most so many of those who are to hear the oldest messages; how many.
    fn deliver(&mut self, most: usize) -> usize {
        let Some(mut delivery) = self.pubsub.queue.pop_front() else { return 0 };
        let before = delivery.served;
        let end = before.saturating_add(most).min(delivery.listeners.len());
        for &(index, id) in &delivery.listeners[before..end] {
            self.hand_over(&delivery, index, id);
        }
        delivery.served = end;
        match end == delivery.listeners.len() {
            true => self.pubsub.note_delivered(&delivery),
            false => self.pubsub.queue.push_front(delivery),
        }
        end - before
    }

    /// Gives messages to one listener, unless it has gone or listens no longer.
    fn hand_over(&mut self, delivery: &Delivery, index: ClientIndex, id: u64) {
        let is_there = self.find(index).is_some_and(|client| client.id == id);
        if is_there && self.get(index).subscriptions.of(delivery.space).contains(&delivery.name) {
            delivery.messages.iter().for_each(|message| self.give(index, message));
        }
    }

    /// Gives a client an encoded message, in its dialect.
    #[inline]
    fn give(&mut self, index: ClientIndex, message: &Message) {
        let client = self.get_mut(index);
        let first = if client.protocol == Protocol::Resp3 { b'>' } else { b'*' };
        client.output.share(first, &message.bytes);
        client.told_for = client.told_for.max(message.held_for);
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
        assert_eq!(clients.publish_to_shard(b"news", b"hi", 0), 0);
        assert_eq!(heard(&mut clients, two), "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n");
        assert_eq!(heard(&mut clients, three), ">4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$2\r\nhi\r\n");
        let raised = |index| clients.get(index).raised & !gates::TOLD;
        assert_eq!((raised(two), raised(three)), (gates::SUBSCRIBED, 0));
        clients.remove(three);
        clients.unsubscribe_all(two);
        assert_eq!((clients.pubsub.clients(), clients.get(two).raised & gates::SUBSCRIBED), (0, 0));
        assert!(clients.pubsub.channels.is_empty() && clients.pubsub.patterns.is_empty());
    }

    /// A channel with so many listeners.
    fn crowd(count: usize) -> (Clients, Vec<ClientIndex>) {
        let mut clients = Clients::default();
        let all: Vec<ClientIndex> = (0..count).map(|_| clients.add(Client::default())).collect();
        all.iter().for_each(|&index| assert!(clients.subscribe(index, Space::Channels, b"c")));
        (clients, all)
    }

    fn said(message: &str) -> String {
        format!("*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n${}\r\n{message}\r\n", message.len())
    }

    #[test]
    fn many_listeners_are_served_in_slices_and_in_order() {
        let (mut clients, all) = crowd(2 * SLICE + 1);
        assert_eq!(clients.publish(b"c", b"1", 0), all.len());
        assert!(clients.deliver_slice());
        assert_eq!(clients.publish(b"c", b"2", 0), all.len());
        assert!(clients.get(all[2 * SLICE]).output.is_empty());
        let gone = clients.remove(all[2 * SLICE]);
        let newcomer = clients.add(Client::default());
        assert_eq!((newcomer, gone.id == clients.get(newcomer).id), (all[2 * SLICE], false));
        clients.subscribe(newcomer, Space::Channels, b"c");
        let slices = 1 + std::iter::repeat_with(|| clients.deliver_slice()).take_while(|more| *more).count();
        assert!(slices >= 3, "{slices}");
        let both = said("1") + &said("2");
        assert!(all[..2 * SLICE].iter().all(|&index| heard(&mut clients, index) == both));
        assert_eq!(heard(&mut clients, newcomer), "", "it came after the messages");
        assert_eq!((clients.pubsub.waiting, clients.pubsub.waiting_bytes), (0, 0));
    }

    #[test]
    fn messages_sent_before_the_first_is_heard_go_together() {
        let (mut clients, all) = crowd(2 * SLICE);
        let messages: Vec<String> = (0..TOGETHER).map(|i| i.to_string()).collect();
        for message in &messages {
            clients.publish(b"c", message.as_bytes(), 0);
        }
        assert!(clients.deliver_slice(), "half of them has yet to hear all");
        assert!(!clients.deliver_slice());
        let everything: String = messages.iter().map(|message| said(message)).collect();
        assert!(all.iter().all(|&index| heard(&mut clients, index) == everything));
    }

    #[test]
    fn a_sender_that_does_not_wait_is_served_out_of_turn_at_last() {
        let (mut clients, all) = crowd(2 * SLICE);
        for sent in 0..2 * OVERFLOW * MOST_WAITING {
            clients.publish(b"c", b"m", 0);
            assert_eq!(clients.pubsub.is_crowded(), sent >= MOST_WAITING);
        }
        assert!(clients.pubsub.waiting <= OVERFLOW * MOST_WAITING);
        while clients.deliver_slice() {}
        let total = said("m").len() * 2 * OVERFLOW * MOST_WAITING;
        assert!(all.iter().all(|&index| heard(&mut clients, index).len() == total));
    }
}
