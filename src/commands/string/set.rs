//! Setting whole strings: SET and its older relatives SETEX, PSETEX, SETNX, GETSET.

use crate::commands::args::{Args, Taken};
use crate::commands::context::DataContext;
use crate::commands::effects::Event;
use crate::commands::error::Error;
use crate::commands::expire_options::{ExpireOption, deadline_in_ms, deadline_in_seconds};
use crate::commands::key_spec::{Access, KeyUse, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::keyspace::database::Expiry;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&SET, &SETEX, &PSETEX, &SETNX, &GETSET];

/// SET: a string in place of whatever was there.
static SET: Command = Command::data("set", set)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(&[first_key(Access::ReadWrite, Purpose::Update)
        .told()
        .by_words(use_of_key)
        .note("RW and ACCESS due to the optional `GET` argument")])
    .since("1.0.0")
    .complexity("O(1)")
    .summary("Sets the string value of a key, ignoring its type. The key is created if it doesn't exist.")
    .syntax(
        "key value [NX | XX | IFEQ comparison-value^8.1.0]^2.6.12 [GET^6.2.0] [EX seconds^2.6.12 | PX milliseconds^2.6.12 | \
         EXAT unix-time-seconds^6.2.0 | PXAT unix-time-milliseconds^6.2.0 | KEEPTTL^6.0.0]",
    )
    .history(&[
        ("2.6.12", "Added the `EX`, `PX`, `NX` and `XX` options."),
        ("6.0.0", "Added the `KEEPTTL` option."),
        ("6.2.0", "Added the `GET`, `EXAT` and `PXAT` option."),
        ("7.0.0", "Allowed the `NX` and `GET` options to be used together."),
        ("8.1.0", "Added the `IFEQ` option."),
    ]);

/// Only with GET is the old value told.
fn use_of_key(args: &Args<'_>) -> KeyUse {
    let is_told = (3..args.len()).any(|i| args.is(i, "get"));
    let access = if is_told { Access::ReadWrite } else { Access::Overwrite };
    KeyUse { access, purpose: Purpose::Update, is_told }
}

fn set(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    if args.len() > 3 {
        return set_with_options(cx, args);
    }
    let value = args.take(2);
    put(cx, args.get(1), value, Expiry::Clear)?;
    cx.reply.ok();
    Ok(Done)
}

fn set_with_options(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let options = SetOptions::read(args)?;
    let expiry = options.expire.expiry(args, cx.now_ms(), "set")?;
    let is_met = options.examine(cx, args)?;
    if is_met {
        let value = args.take(2);
        put(cx, args.get(1), value, expiry)?;
        if args.is_logged() && options.is_told_otherwise() {
            propagate_set(cx, args.get(1), args.get(2), expiry);
        }
    }
    match (options.get, is_met) {
        (true, _) => {} // answered by what was there
        (false, true) => cx.reply.ok(),
        (false, false) => cx.reply.null(),
    }
    Ok(Done)
}

/// When SET sets.
#[derive(Clone, Copy)]
enum Condition {
    Always,
    Missing,
    Present,
    /// The value now is that of this word (as in Valkey).
    Equal(usize),
}

struct SetOptions {
    condition: Condition,
    get: bool,
    expire: ExpireOption,
}

impl SetOptions {
    fn read(args: &Args<'_>) -> Result<SetOptions, Error> {
        let mut options = SetOptions { condition: Condition::Always, get: false, expire: ExpireOption::or_keep() };
        let mut i = 3;
        while i < args.len() {
            i = match options.condition {
                Condition::Always | Condition::Missing if args.is(i, "nx") => {
                    options.condition = Condition::Missing;
                    i + 1
                }
                Condition::Always | Condition::Present if args.is(i, "xx") => {
                    options.condition = Condition::Present;
                    i + 1
                }
                Condition::Always if args.is(i, "ifeq") && i + 1 < args.len() => {
                    options.condition = Condition::Equal(i + 1);
                    i + 2
                }
                _ if args.is(i, "get") => {
                    options.get = true;
                    i + 1
                }
                _ => options.expire.read(args, i).ok_or(Error::Syntax)?,
            };
        }
        Ok(options)
    }

    /// Whether the condition is met; with GET, answers what is there.
    fn examine(&self, cx: &mut DataContext<'_>, args: &Args<'_>) -> Result<bool, Error> {
        let key = args.get(1);
        let text = match (self.get, self.condition) {
            (true, _) => cx.db.string(key)?,
            (false, Condition::Equal(_)) => cx.db.string_to_edit(key)?,
            (false, Condition::Missing) => return Ok(cx.db.find(key).is_none()),
            (false, Condition::Present) => return Ok(cx.db.find(key).is_some()),
            (false, Condition::Always) => return Ok(true),
        };
        if self.get {
            super::answer(cx.reply, text);
        }
        Ok(match self.condition {
            Condition::Always => true,
            Condition::Missing => text.is_none(),
            Condition::Present => text.is_some(),
            Condition::Equal(word) => text.is_some_and(|text| text == *args.get(word)),
        })
    }

    /// Whether the log gets other words than the client's: times as they are, no question, nothing that Redis 7.0 lacks.
    fn is_told_otherwise(&self) -> bool {
        self.get || self.expire.is_relative() || matches!(self.condition, Condition::Equal(_))
    }
}

/// SETEX: a string and its time to live in seconds.
static SETEX: Command = Command::data("setex", setex)
    .arity(Arity::Exactly(4))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(&[first_key(Access::Overwrite, Purpose::Update)])
    .since("2.0.0")
    .complexity("O(1)")
    .summary("Sets the string value and expiration time of a key. Creates the key if it doesn't exist.")
    .deprecated("2.6.12", "`SET` with the `EX` argument")
    .syntax("key seconds value");

fn setex(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let deadline = deadline_in_seconds(args.get(2), cx.now_ms(), "setex")?;
    set_until(cx, args, deadline)
}

/// PSETEX: a string and its time to live in milliseconds.
static PSETEX: Command = Command::data("psetex", psetex)
    .arity(Arity::Exactly(4))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(&[first_key(Access::Overwrite, Purpose::Update)])
    .since("2.6.0")
    .complexity("O(1)")
    .summary(
        "Sets both string value and expiration time in milliseconds of a key. The key is created if it doesn't exist.",
    )
    .deprecated("2.6.12", "`SET` with the `PX` argument")
    .syntax("key milliseconds value");

fn psetex(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let deadline = deadline_in_ms(args.get(2), cx.now_ms(), "psetex")?;
    set_until(cx, args, deadline)
}

#[inline]
fn set_until(cx: &mut DataContext<'_>, args: &mut Args<'_>, deadline: u64) -> Outcome {
    let value = args.take(3);
    let expiry = Expiry::At(deadline);
    put(cx, args.get(1), value, expiry)?;
    if args.is_logged() {
        propagate_set(cx, args.get(1), args.get(3), expiry);
    }
    cx.reply.ok();
    Ok(Done)
}

/// SETNX: a string where there is no key.
static SETNX: Command = Command::data("setnx", setnx)
    .arity(Arity::Exactly(3))
    .flags(&[Flag::Write, Flag::DenyOom, Flag::Fast])
    .keys(&[first_key(Access::Overwrite, Purpose::Insert)])
    .since("1.0.0")
    .complexity("O(1)")
    .summary("Set the string value of a key only when the key doesn't exist.")
    .deprecated("2.6.12", "`SET` with the `NX` argument")
    .syntax("key value");

fn setnx(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let is_missing = cx.db.find(args.get(1)).is_none();
    if is_missing {
        let value = args.take(2);
        put(cx, args.get(1), value, Expiry::Clear)?;
    }
    cx.reply.int(is_missing as i64);
    Ok(Done)
}

/// GETSET: a new string for the one that was there.
static GETSET: Command = Command::data("getset", getset)
    .arity(Arity::Exactly(3))
    .flags(&[Flag::Write, Flag::DenyOom, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Update).told()])
    .since("1.0.0")
    .complexity("O(1)")
    .summary("Returns the previous string value of a key after setting it to a new value.")
    .deprecated("6.2.0", "`SET` with the `!GET` argument")
    .syntax("key value");

fn getset(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    super::answer(cx.reply, cx.db.string(args.get(1))?);
    let value = args.take(2);
    put(cx, args.get(1), value, Expiry::Clear)?;
    if args.is_logged() {
        propagate_set(cx, args.get(1), args.get(2), Expiry::Clear);
    }
    Ok(Done)
}

/// Sets a key and says so.
#[inline]
pub(super) fn put(cx: &mut DataContext<'_>, key: &[u8], mut value: Taken<'_>, expiry: Expiry) -> Result<(), Error> {
    cx.db.set(key, value.text(), expiry)?;
    cx.changed(key, Event::string("set"));
    if matches!(expiry, Expiry::At(_)) {
        cx.happened(key, Event::generic("expire"));
    }
    Ok(())
}

/// The log gets a SET that replays the same at any time.
pub(super) fn propagate_set(cx: &mut DataContext<'_>, key: &[u8], value: &[u8], expiry: Expiry) {
    match expiry {
        Expiry::Clear => cx.propagate_as(&[b"SET", key, value]),
        Expiry::Keep => cx.propagate_as(&[b"SET", key, value, b"KEEPTTL"]),
        Expiry::At(deadline) => {
            let mut digits = itoa::Buffer::new();
            cx.propagate_as(&[b"SET", key, value, b"PXAT", digits.format(deadline).as_bytes()]);
        }
    }
}
