//! Channels: SUBSCRIBE and its relatives, PUBLISH, PUBSUB.

use super::args::Args;
use super::context::ServerContext;
use super::help;
use super::key_spec::{KeySpec, channels_from};
use super::reach::Channels;
use super::row::{Arity, Command, Done, Flag, Outcome};
use crate::server::gates;
use crate::server::pubsub::Space;

/// This file's commands.
pub const COMMANDS: &[&Command] =
    &[&PSUBSCRIBE, &PUBLISH, &PUBSUB, &PUNSUBSCRIBE, &SPUBLISH, &SSUBSCRIBE, &SUBSCRIBE, &SUNSUBSCRIBE, &UNSUBSCRIBE];

/// The lists of this group.
pub const LISTS: &[&[&Command]] = &[COMMANDS];

const LISTENING: &[Flag] = &[Flag::PubSub, Flag::NoScript, Flag::Loading, Flag::Stale];
const SENDING: &[Flag] = &[Flag::PubSub, Flag::Loading, Flag::Stale, Flag::Fast, Flag::MayReplicate];
const ASKING: &[Flag] = &[Flag::PubSub, Flag::Loading, Flag::Stale];
const SHARD_CHANNELS: &[KeySpec] = &[channels_from(1, -1)];

/// SUBSCRIBE: the client hears what is sent to these channels.
static SUBSCRIBE: Command = Command::server("subscribe", |cx, args| subscribe(cx, args, Space::Channels, "subscribe"))
    .arity(Arity::AtLeast(2))
    .flags(LISTENING)
    .channels(Channels::All)
    .since("2.0.0")
    .complexity("O(N) where N is the number of channels to subscribe to.")
    .summary("Listens for messages published to channels.")
    .syntax("channel [channel ...]");

/// PSUBSCRIBE: the client hears what is sent to channels that match these patterns.
static PSUBSCRIBE: Command =
    Command::server("psubscribe", |cx, args| subscribe(cx, args, Space::Patterns, "psubscribe"))
        .arity(Arity::AtLeast(2))
        .flags(LISTENING)
        .channels(Channels::Patterns)
        .since("2.0.0")
        .complexity("O(N) where N is the number of patterns to subscribe to.")
        .summary("Listens for messages published to channels that match one or more patterns.")
        .syntax("pattern:pattern [pattern:pattern ...]");

/// SSUBSCRIBE: the client hears what is sent to these shard channels.
static SSUBSCRIBE: Command = Command::server("ssubscribe", |cx, args| subscribe(cx, args, Space::Shards, "ssubscribe"))
    .arity(Arity::AtLeast(2))
    .flags(LISTENING)
    .channels(Channels::All)
    .keys(SHARD_CHANNELS)
    .since("7.0.0")
    .complexity("O(N) where N is the number of shard channels to subscribe to.")
    .summary("Listens for messages published to shard channels.")
    .syntax("shardchannel [shardchannel ...]");

/// UNSUBSCRIBE: no longer these channels, or none at all.
static UNSUBSCRIBE: Command =
    Command::server("unsubscribe", |cx, args| unsubscribe(cx, args, Space::Channels, "unsubscribe"))
        .arity(Arity::AtLeast(1))
        .flags(LISTENING)
        .since("2.0.0")
        .complexity("O(N) where N is the number of channels to unsubscribe.")
        .summary("Stops listening to messages posted to channels.")
        .syntax("[channel [channel ...]]");

/// PUNSUBSCRIBE: no longer these patterns, or none at all.
static PUNSUBSCRIBE: Command =
    Command::server("punsubscribe", |cx, args| unsubscribe(cx, args, Space::Patterns, "punsubscribe"))
        .arity(Arity::AtLeast(1))
        .flags(LISTENING)
        .since("2.0.0")
        .complexity("O(N) where N is the number of patterns to unsubscribe.")
        .summary("Stops listening to messages published to channels that match one or more patterns.")
        .syntax("[pattern:pattern [pattern:pattern ...]]");

/// SUNSUBSCRIBE: no longer these shard channels, or none at all.
static SUNSUBSCRIBE: Command =
    Command::server("sunsubscribe", |cx, args| unsubscribe(cx, args, Space::Shards, "sunsubscribe"))
        .arity(Arity::AtLeast(1))
        .flags(LISTENING)
        .keys(SHARD_CHANNELS)
        .since("7.0.0")
        .complexity("O(N) where N is the number of shard channels to unsubscribe.")
        .summary("Stops listening to messages posted to shard channels.")
        .syntax("[shardchannel [shardchannel ...]]");

fn subscribe(cx: &mut ServerContext<'_>, args: &mut Args<'_>, space: Space, kind: &str) -> Outcome {
    for name in args.from(1) {
        cx.server.clients.subscribe(cx.client, space, name);
        answer(cx, space, kind, Some(name));
    }
    Ok(Done)
}

fn unsubscribe(cx: &mut ServerContext<'_>, args: &mut Args<'_>, space: Space, kind: &str) -> Outcome {
    if args.len() > 1 {
        for name in args.from(1) {
            cx.server.clients.unsubscribe(cx.client, space, name);
            answer(cx, space, kind, Some(name));
        }
        return Ok(Done);
    }
    let all: Vec<Box<[u8]>> = cx.server.clients.get(cx.client).subscriptions.of(space).iter().cloned().collect();
    if all.is_empty() {
        answer(cx, space, kind, None);
    }
    for name in &all {
        cx.server.clients.unsubscribe(cx.client, space, name);
        answer(cx, space, kind, Some(name));
    }
    Ok(Done)
}

/// One push for each name: what happened, to which, and how many are left.
fn answer(cx: &mut ServerContext<'_>, space: Space, kind: &str, name: Option<&[u8]>) {
    let subscriptions = &cx.server.clients.get(cx.client).subscriptions;
    let left = if space == Space::Shards { subscriptions.shards.len() } else { subscriptions.count() };
    cx.reply.push(3);
    cx.reply.bulk(kind.as_bytes());
    cx.reply.bulk_or_null(name);
    cx.reply.int(left as i64);
}

/// PUBLISH: sends a message to all that listen.
static PUBLISH: Command = Command::server("publish", publish)
    .arity(Arity::Exactly(3))
    .flags(SENDING)
    .channels(Channels::First)
    .since("2.0.0")
    .complexity(
        "O(N+M) where N is the number of clients subscribed to the receiving channel and M is the total number of subscribed \
         patterns (by any client).",
    )
    .summary("Posts a message to a channel.")
    .syntax("channel message");

fn publish(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let heard = cx.server.clients.publish(args.get(1), args.get(2), may_tell_of(cx));
    answer_sender(cx, heard)
}

/// A message may tell of what its sender has written or been shown: the log offset that must be durable before anybody hears it.
fn may_tell_of(cx: &ServerContext<'_>) -> u64 {
    cx.server.clients.get(cx.client).held_for
}

/// How many hear a message. If too many messages are on their way, the next one waits.
fn answer_sender(cx: &mut ServerContext<'_>, heard: usize) -> Outcome {
    if cx.server.clients.pubsub.is_crowded() {
        cx.server.raised |= gates::CROWDED;
    }
    cx.reply.int(heard as i64);
    Ok(Done)
}

/// SPUBLISH: sends a message to all that listen to a shard channel.
static SPUBLISH: Command = Command::server("spublish", spublish)
    .arity(Arity::Exactly(3))
    .flags(SENDING)
    .channels(Channels::First)
    .keys(&[channels_from(1, 0)])
    .since("7.0.0")
    .complexity("O(N) where N is the number of clients subscribed to the receiving shard channel.")
    .summary("Post a message to a shard channel")
    .syntax("shardchannel message");

fn spublish(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let heard = cx.server.clients.publish_to_shard(args.get(1), args.get(2), may_tell_of(cx));
    answer_sender(cx, heard)
}

/// PUBSUB: a container.
static PUBSUB: Command =
    Command::container("pubsub", &[&CHANNELS, &HELP, &NUMPAT, &NUMSUB, &SHARDCHANNELS, &SHARDNUMSUB])
        .since("2.8.0")
        .complexity("Depends on subcommand.")
        .summary("A container for Pub/Sub commands.");

/// PUBSUB CHANNELS: channels that somebody listens to by name.
static CHANNELS: Command = Command::server("channels", |cx, args| channels(cx, args, Space::Channels))
    .arity(Arity::AtLeast(2))
    .flags(ASKING)
    .since("2.8.0")
    .complexity(
        "O(N) where N is the number of active channels, and assuming constant time pattern matching (relatively short channels \
         and patterns)",
    )
    .summary("Returns the active channels.")
    .syntax("[pattern:pattern]");

/// PUBSUB SHARDCHANNELS: the same for shard channels.
static SHARDCHANNELS: Command = Command::server("shardchannels", |cx, args| channels(cx, args, Space::Shards))
    .arity(Arity::AtLeast(2))
    .flags(ASKING)
    .since("7.0.0")
    .complexity(
        "O(N) where N is the number of active shard channels, and assuming constant time pattern matching (relatively short shard \
         channels).",
    )
    .summary("Returns the active shard channels.")
    .syntax("[pattern:pattern]");

fn channels(cx: &mut ServerContext<'_>, args: &mut Args<'_>, space: Space) -> Outcome {
    if args.len() > 3 {
        return Err(help::wrong_words(&PUBSUB, args));
    }
    let pattern = (args.len() == 3).then(|| args.get(2));
    cx.reply.bulks(cx.server.clients.pubsub.matching(space, pattern).into_iter());
    Ok(Done)
}

/// PUBSUB NUMSUB: how many listen to each of these channels.
static NUMSUB: Command = Command::server("numsub", |cx, args| count(cx, args, Space::Channels))
    .arity(Arity::AtLeast(2))
    .flags(ASKING)
    .since("2.8.0")
    .complexity("O(N) for the NUMSUB subcommand, where N is the number of requested channels")
    .summary("Returns a count of subscribers to channels.")
    .syntax("[channel [channel ...]]");

/// PUBSUB SHARDNUMSUB: the same for shard channels.
static SHARDNUMSUB: Command = Command::server("shardnumsub", |cx, args| count(cx, args, Space::Shards))
    .arity(Arity::AtLeast(2))
    .flags(ASKING)
    .since("7.0.0")
    .complexity("O(N) for the SHARDNUMSUB subcommand, where N is the number of requested shard channels")
    .summary("Returns the count of subscribers of shard channels.")
    .syntax("[shardchannel [shardchannel ...]]");

fn count(cx: &mut ServerContext<'_>, args: &mut Args<'_>, space: Space) -> Outcome {
    cx.reply.array(2 * (args.len() - 2));
    for name in args.from(2) {
        cx.reply.bulk(name);
        cx.reply.int(cx.server.clients.pubsub.listeners(space, name) as i64);
    }
    Ok(Done)
}

/// PUBSUB NUMPAT: how many patterns somebody listens to.
static NUMPAT: Command = Command::server("numpat", numpat)
    .arity(Arity::Exactly(2))
    .flags(ASKING)
    .since("2.8.0")
    .complexity("O(1)")
    .summary("Returns a count of unique pattern subscriptions.");

fn numpat(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    cx.reply.int(cx.server.clients.pubsub.names(Space::Patterns) as i64);
    Ok(Done)
}

/// PUBSUB HELP: the subcommands.
static HELP: Command = help::row("6.2.0", |cx, _| help::answer(cx, &PUBSUB));
