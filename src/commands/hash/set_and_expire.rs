//! Values and deadlines in one: HGETEX, HSETEX.

use super::expire::propagate_removed;
use super::fields::{NOT_POSITIVE, Scale, first_field};
use crate::base::number::parse_i64;
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::effects::Event;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::error;
use crate::values::hash::{FieldTtl, Hash};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&HGETEX, &HSETEX];

/// HGETEX: values, and another deadline for their fields.
static HGETEX: Command = Command::data("hgetex", hgetex)
    .arity(Arity::AtLeast(5))
    .flags(&[Flag::Write, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Update).told().note("RW and UPDATE because it changes the TTL")])
    .since("8.0.0")
    .complexity("O(N) where N is the number of specified fields")
    .summary("Get the value of one or more fields of a given hash key, and optionally set their expiration.")
    .syntax(
        "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST] FIELDS numfields \
         field [field ...]",
    );

/// What HGETEX does to the deadlines.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    None,
    Persist,
    At(u64),
}

fn hgetex(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let (key, now_ms) = (args.get(1), cx.now_ms());
    super::is_there(cx, key)?;
    let word = args.word(2);
    let (change, fields_at) = match Scale::named(&word, now_ms) {
        Some(scale) => (Change::At(scale.deadline(args.get(3), "hgetex")?), 4),
        None if word == "persist" => (Change::Persist, 3),
        None => (Change::None, 2),
    };
    let first = first_field(args, fields_at, NOT_POSITIVE)?;
    super::remove_expired(cx, key, args.from(first));
    let is_past = matches!(change, Change::At(deadline) if deadline <= cx.db.field_time_ms());
    cx.reply.array(args.len() - first);
    if change == Change::None {
        let hash = cx.db.find_as::<Hash>(key)?;
        for name in args.from(first) {
            match hash.and_then(|hash| hash.find(name)) {
                Some(field) => super::answer(cx.reply, field.value),
                None => cx.reply.null(),
            }
        }
        return Ok(Done);
    }
    let Some(mut hash) = cx.db.edit_existing::<Hash>(key)? else {
        (first..args.len()).for_each(|_| cx.reply.null());
        return Ok(Done);
    };
    let mut changed: Vec<&[u8]> = Vec::new();
    for name in args.from(first) {
        let Some(field) = hash.find(name) else {
            cx.reply.null();
            continue;
        };
        super::answer(cx.reply, field.value);
        match change {
            Change::None | Change::Persist if field.deadline.is_none() => continue,
            Change::None | Change::Persist => hash.set_deadline(name, None)?,
            Change::At(_) if is_past => drop(hash.remove(name)),
            Change::At(deadline) => hash.set_deadline(name, Some(deadline.max(1)))?,
        }
        changed.push(name);
    }
    let key_went = hash.finish();
    if changed.is_empty() {
        return Ok(Done);
    }
    let (mut time, mut count) = (itoa::Buffer::new(), itoa::Buffer::new());
    let count = count.format(changed.len()).as_bytes();
    match change {
        Change::At(_) if is_past => {
            propagate_removed(cx, key, changed.iter().copied());
            super::remove::told(cx, key, changed.len(), key_went);
            return Ok(Done);
        }
        Change::At(deadline) => {
            let head = [b"HPEXPIREAT", key, time.format(deadline).as_bytes(), b"FIELDS", count];
            cx.propagate_as(&[&head, &changed[..]].concat());
            cx.changed(key, Event::hash("hexpire"));
        }
        Change::None | Change::Persist => {
            cx.propagate_as(&[&[&b"HPERSIST"[..], key, b"FIELDS", count], &changed[..]].concat());
            cx.changed(key, Event::hash("hpersist"));
        }
    }
    cx.effects.dirty += changed.len() as u64 - 1;
    Ok(Done)
}

/// HSETEX: fields, values and a deadline.
static HSETEX: Command = Command::data("hsetex", hsetex)
    .arity(Arity::AtLeast(6))
    .flags(&[Flag::Write, Flag::DenyOom, Flag::Fast])
    .keys(&[first_key(Access::ReadWrite, Purpose::Update)])
    .since("8.0.0")
    .complexity("O(N) where N is the number of fields being set.")
    .summary("Set the value of one or more fields of a given hash key, and optionally set their expiration.")
    .syntax(
        "key [FNX | FXX] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL] FIELDS \
         numfields field value [field value ...]",
    );

/// When HSETEX sets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    Always,
    NonePresent,
    AllPresent,
}

/// What the words before the fields say.
struct Options {
    condition: Condition,
    deadline: Option<u64>,
    keeps_ttl: bool,
    /// The word of the first field.
    first: usize,
}

impl Options {
    fn read(args: &Args<'_>, now_ms: u64) -> Result<Options, Error> {
        let mut options = Options { condition: Condition::Always, deadline: None, keeps_ttl: false, first: 0 };
        let arity = || Error::Arity("hsetex".into());
        let mut i = 2;
        while i < args.len() {
            let word = args.word(i);
            let has_expiry = options.deadline.is_some() || options.keeps_ttl;
            match (word.as_str(), Scale::named(&word, now_ms)) {
                ("fields", _) => {
                    if i + 3 >= args.len() {
                        return Err(arity());
                    }
                    let number = parse_i64(args.get(i + 1)).filter(|number| (1..=i64::from(i32::MAX)).contains(number));
                    let number = number.ok_or(Error::Text("ERR invalid number of fields"))?;
                    if (args.len() - i - 2) as i64 != 2 * number {
                        return Err(arity());
                    }
                    options.first = i + 2;
                    return Ok(options);
                }
                ("keepttl", _) | (_, Some(_)) if has_expiry => {
                    return Err(Error::Text(
                        "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified",
                    ));
                }
                ("keepttl", _) => options.keeps_ttl = true,
                (_, Some(scale)) => {
                    i += 1;
                    if i == args.len() {
                        return Err(Error::Text("ERR missing expire time"));
                    }
                    options.deadline = Some(scale.deadline(args.get(i), "hsetex")?);
                }
                ("fxx" | "fnx", _) if options.condition != Condition::Always => {
                    return Err(Error::Text("ERR Only one of FXX or FNX arguments can be specified"));
                }
                ("fxx", _) => options.condition = Condition::AllPresent,
                ("fnx", _) => options.condition = Condition::NonePresent,
                _ => return Err(error!("ERR unknown argument: {}", String::from_utf8_lossy(args.get(i)))),
            }
            i += 1;
        }
        Err(arity())
    }

    fn is_met(&self, hash: &Hash, args: &Args<'_>) -> bool {
        let mut names = (self.first..args.len()).step_by(2).map(|i| args.get(i));
        match self.condition {
            Condition::Always => true,
            Condition::NonePresent => names.all(|name| hash.find(name).is_none()),
            Condition::AllPresent => names.all(|name| hash.find(name).is_some()),
        }
    }
}

fn hsetex(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let (key, now_ms) = (args.get(1), cx.now_ms());
    let options = Options::read(args, now_ms)?;
    let first = options.first;
    let names = || (first..args.len()).step_by(2).map(|i| args.get(i));
    super::is_there(cx, key)?;
    super::remove_expired(cx, key, names());
    let is_past = options.deadline.is_some_and(|deadline| deadline <= cx.db.field_time_ms());
    let mut hash = cx.db.edit::<Hash>(key)?;
    if !options.is_met(&hash, args) {
        cx.reply.int(0);
        return Ok(Done);
    }
    let (was_there, count) = (hash.was_there(), names().len());
    hash.expect(count, cx.encodings)?;
    let mut kept: Vec<(&[u8], u64)> = Vec::new();
    for i in (first..args.len()).step_by(2) {
        let (name, value) = (args.get(i), args.get(i + 1));
        if options.keeps_ttl && args.is_logged() {
            kept.extend(hash.find(name).and_then(|field| field.deadline).map(|deadline| (name, deadline)));
        }
        let ttl = if options.keeps_ttl { FieldTtl::Keep } else { FieldTtl::Clear };
        hash.set(name, value, ttl, cx.encodings)?;
        if is_past {
            hash.remove(name);
        } else if let Some(deadline) = options.deadline {
            hash.set_deadline(name, Some(deadline.max(1)))?;
        }
    }
    let key_went = hash.finish() || is_past && !was_there;
    cx.changed(key, Event::hash("hset"));
    cx.effects.dirty += count as u64 - 1;
    match options.deadline {
        _ if is_past => {
            propagate_removed(cx, key, names());
            cx.happened(key, Event::hash("hdel"));
        }
        deadline if args.is_logged() => propagate_set(cx, args, first, deadline, &kept),
        _ => {}
    }
    if options.deadline.is_some() && !is_past {
        cx.happened(key, Event::hash("hexpire"));
    }
    if key_went {
        cx.happened(key, Event::generic("del"));
    }
    cx.reply.int(1);
    Ok(Done)
}

/// The log gets an HSET, which takes deadlines away, and the deadlines behind it: Redis knows that from 7.4 on, HSETEX since 8.0.
fn propagate_set(
    cx: &mut DataContext<'_>,
    args: &Args<'_>,
    first: usize,
    deadline: Option<u64>,
    kept: &[(&[u8], u64)],
) {
    let key = args.get(1);
    let call: Vec<&[u8]> = [&b"HSET"[..], key].into_iter().chain(args.from(first)).collect();
    cx.propagate_as(&call);
    let (mut time, mut count) = (itoa::Buffer::new(), itoa::Buffer::new());
    if let Some(deadline) = deadline {
        let names = (first..args.len()).step_by(2).map(|i| args.get(i));
        let count = count.format(names.len()).as_bytes();
        let head = [&b"HPEXPIREAT"[..], key, time.format(deadline).as_bytes(), b"FIELDS", count];
        cx.propagate_as(&head.into_iter().chain(names).collect::<Vec<_>>());
    }
    for (name, deadline) in kept {
        cx.propagate_as(&[b"HPEXPIREAT", key, time.format(*deadline).as_bytes(), b"FIELDS", b"1", name]);
    }
}
