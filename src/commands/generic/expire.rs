//! Deadlines: EXPIRE, PEXPIRE, EXPIREAT, PEXPIREAT, PERSIST.

use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::effects::Event;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::error;
use crate::keyspace::database::Expired;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&EXPIRE, &PEXPIRE, &EXPIREAT, &PEXPIREAT, &PERSIST];

const ADDED_CONDITIONS: &[(&str, &str)] = &[("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`.")];

/// EXPIRE: a deadline in seconds from now.
static EXPIRE: Command = Command::data("expire", expire)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::Write, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Update)])
    .since("1.0.0")
    .complexity("O(1)")
    .summary("Sets the expiration time of a key in seconds.")
    .syntax("key seconds [NX | XX | GT | LT]^7.0.0")
    .history(ADDED_CONDITIONS);

fn expire(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let now_ms = cx.now_ms();
    set_deadline(cx, args, Scale { name: "expire", unit_ms: 1000, origin_ms: now_ms })
}

/// PEXPIRE: a deadline in milliseconds from now.
static PEXPIRE: Command = Command::data("pexpire", pexpire)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::Write, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Update)])
    .since("2.6.0")
    .complexity("O(1)")
    .summary("Sets the expiration time of a key in milliseconds.")
    .syntax("key milliseconds [NX | XX | GT | LT]^7.0.0")
    .history(ADDED_CONDITIONS);

fn pexpire(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let now_ms = cx.now_ms();
    set_deadline(cx, args, Scale { name: "pexpire", unit_ms: 1, origin_ms: now_ms })
}

/// EXPIREAT: a deadline in seconds since 1970.
static EXPIREAT: Command = Command::data("expireat", expireat)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::Write, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Update)])
    .since("1.2.0")
    .complexity("O(1)")
    .summary("Sets the expiration time of a key to a Unix timestamp.")
    .syntax("key unix-time-seconds [NX | XX | GT | LT]^7.0.0")
    .history(ADDED_CONDITIONS);

fn expireat(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    set_deadline(cx, args, Scale { name: "expireat", unit_ms: 1000, origin_ms: 0 })
}

/// PEXPIREAT: a deadline in milliseconds since 1970.
static PEXPIREAT: Command = Command::data("pexpireat", pexpireat)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::Write, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Update)])
    .since("2.6.0")
    .complexity("O(1)")
    .summary("Sets the expiration time of a key to a Unix milliseconds timestamp.")
    .syntax("key unix-time-milliseconds [NX | XX | GT | LT]^7.0.0")
    .history(ADDED_CONDITIONS);

fn pexpireat(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    set_deadline(cx, args, Scale { name: "pexpireat", unit_ms: 1, origin_ms: 0 })
}

/// How a command counts time.
struct Scale {
    name: &'static str,
    unit_ms: i64,
    /// Where its 0 is, in milliseconds since 1970.
    origin_ms: u64,
}

impl Scale {
    /// Milliseconds since 1970, negative before, of a time on this scale.
    fn deadline_ms(&self, time: i64) -> Result<i64, Error> {
        let deadline_ms = time.checked_mul(self.unit_ms).and_then(|ms| ms.checked_add(self.origin_ms as i64));
        deadline_ms.ok_or(Error::InvalidExpire(self.name))
    }
}

/// On which present deadlines a new one is set.
#[derive(Default)]
struct Conditions {
    none_set: bool,
    one_set: bool,
    later: bool,
    earlier: bool,
}

impl Conditions {
    /// Those that the words from `first` on name.
    fn parse(args: &Args<'_>, first: usize) -> Result<Conditions, Error> {
        let mut set = Conditions::default();
        for i in first..args.len() {
            match args.word(i).as_str() {
                "nx" => set.none_set = true,
                "xx" => set.one_set = true,
                "gt" => set.later = true,
                "lt" => set.earlier = true,
                _ => return Err(error!("ERR Unsupported option {}", String::from_utf8_lossy(args.get(i)))),
            }
        }
        if set.none_set && (set.one_set || set.later || set.earlier) {
            return Err(Error::Text("ERR NX and XX, GT or LT options at the same time are not compatible"));
        }
        if set.later && set.earlier {
            return Err(Error::Text("ERR GT and LT options at the same time are not compatible"));
        }
        Ok(set)
    }

    /// Whether `new_ms` may take the place of `present_ms`. No deadline is later than any.
    fn allow(&self, present_ms: Option<u64>, new_ms: i64) -> bool {
        let present = present_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX));
        !(self.none_set && present.is_some()
            || self.one_set && present.is_none()
            || self.later && present.is_none_or(|present| new_ms <= present)
            || self.earlier && present.is_some_and(|present| new_ms >= present))
    }
}

fn set_deadline(cx: &mut DataContext<'_>, args: &Args<'_>, scale: Scale) -> Outcome {
    let conditions = Conditions::parse(args, 3)?;
    let deadline_ms = scale.deadline_ms(args.int(2)?)?;
    let key = args.get(1);
    let Some(handle) = cx.db.find(key).filter(|&handle| conditions.allow(cx.db.deadline(handle), deadline_ms)) else {
        cx.reply.int(0);
        return Ok(Done);
    };
    // While loading, and on a replica, a deadline in the past is only noted: it is the primary that deletes.
    if deadline_ms <= cx.now_ms() as i64 && cx.db.expired != Expired::There {
        cx.db.remove(key);
        cx.propagate_as(&[b"DEL", key]);
        cx.changed(key, Event::generic("del"));
    } else {
        cx.db.set_deadline(handle, Some(deadline_ms.max(0) as u64))?;
        if scale.name != "pexpireat" {
            let mut digits = itoa::Buffer::new();
            let absolute: [&[u8]; 3] = [b"PEXPIREAT", key, digits.format(deadline_ms).as_bytes()];
            let call: Vec<&[u8]> = absolute.into_iter().chain(args.from(3)).collect();
            cx.propagate_as(&call);
        }
        cx.changed(key, Event::generic("expire").wakes_nobody());
    }
    cx.reply.int(1);
    Ok(Done)
}

/// PERSIST: no deadline any more.
static PERSIST: Command = Command::data("persist", persist)
    .arity(Arity::Exactly(2))
    .flags(&[Flag::Write, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Update)])
    .since("2.2.0")
    .complexity("O(1)")
    .summary("Removes the expiration time of a key.")
    .syntax("key");

fn persist(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let key = args.get(1);
    let had = cx.db.find(key).filter(|&handle| cx.db.deadline(handle).is_some());
    if let Some(handle) = had {
        cx.db.set_deadline(handle, None)?;
        cx.changed(key, Event::generic("persist").wakes_nobody());
    }
    cx.reply.int(had.is_some() as i64);
    Ok(Done)
}
