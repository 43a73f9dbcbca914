//! How long a key has: TTL, PTTL, EXPIRETIME, PEXPIRETIME.

use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&TTL, &PTTL, &EXPIRETIME, &PEXPIRETIME];

/// TTL: seconds left.
static TTL: Command = Command::data("ttl", ttl)
    .arity(Arity::Exactly(2))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("1.0.0")
    .complexity("O(1)")
    .summary("Returns the expiration time in seconds of a key.")
    .syntax("key")
    .tips(&["nondeterministic_output"])
    .history(&[("2.8.0", "Added the -2 reply.")]);

fn ttl(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let now_ms = cx.now_ms();
    answer(cx, args, |deadline| rounded_seconds(deadline.saturating_sub(now_ms)))
}

/// PTTL: milliseconds left.
static PTTL: Command = Command::data("pttl", pttl)
    .arity(Arity::Exactly(2))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("2.6.0")
    .complexity("O(1)")
    .summary("Returns the expiration time in milliseconds of a key.")
    .syntax("key")
    .tips(&["nondeterministic_output"])
    .history(&[("2.8.0", "Added the -2 reply.")]);

fn pttl(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let now_ms = cx.now_ms();
    answer(cx, args, |deadline| deadline.saturating_sub(now_ms))
}

/// EXPIRETIME: the deadline in seconds since 1970.
static EXPIRETIME: Command = Command::data("expiretime", |cx, args| answer(cx, args, rounded_seconds))
    .arity(Arity::Exactly(2))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("7.0.0")
    .complexity("O(1)")
    .summary("Returns the expiration time of a key as a Unix timestamp.")
    .syntax("key");

/// PEXPIRETIME: the deadline in milliseconds since 1970.
static PEXPIRETIME: Command = Command::data("pexpiretime", |cx, args| answer(cx, args, |deadline| deadline))
    .arity(Arity::Exactly(2))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("7.0.0")
    .complexity("O(1)")
    .summary("Returns the expiration time of a key as a Unix milliseconds timestamp.")
    .syntax("key");

/// Answers by `print` of the deadline; -1: there is none, -2: there is no key.
fn answer(cx: &mut DataContext<'_>, args: &Args<'_>, print: impl Fn(u64) -> u64) -> Outcome {
    let answer = match cx.db.look(args.get(1)) {
        None => -2,
        Some(handle) => cx.db.deadline(handle).map_or(-1, |deadline| print(deadline) as i64),
    };
    cx.reply.int(answer);
    Ok(Done)
}

fn rounded_seconds(ms: u64) -> u64 {
    (ms + 500) / 1000
}
