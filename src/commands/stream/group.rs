//! Consumer groups: XGROUP.

use super::{ids, no_group};
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::effects::Event;
use crate::commands::error::Error;
use crate::commands::help;
use crate::commands::key_spec::{Access, KeySpec, Purpose, key_at};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::keyspace::database::Edit;
use crate::values::stream::Stream;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&XGROUP];

static XGROUP: Command =
    Command::container("xgroup", &[&CREATE, &CREATECONSUMER, &DELCONSUMER, &DESTROY, &HELP, &SETID])
        .since("5.0.0")
        .complexity("Depends on subcommand.")
        .summary("A container for consumer groups commands.");

const fn key(purpose: Purpose) -> KeySpec {
    key_at(2, Access::ReadWrite, purpose)
}

/// XGROUP CREATE: a group that begins to read behind an ID.
static CREATE: Command = Command::data("create", create)
    .arity(Arity::AtLeast(5))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(&[key(Purpose::Insert)])
    .since("5.0.0")
    .complexity("O(1)")
    .summary("Creates a consumer group.")
    .syntax("key group <id:string | $@new-id>@id-selector [MKSTREAM] [ENTRIESREAD entries-read@entriesread:integer]")
    .history(&[("7.0.0", "Added the `entries_read` named argument.")]);

fn create(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let options = GroupOptions::read(args, Takes::MakeStream)?;
    if args.len() > 8 {
        return Err(wrong_words(args));
    }
    let (key, name) = (args.get(2), args.get(3));
    let mut stream = match options.makes_stream {
        true => cx.db.edit::<Stream>(key)?,
        false => existing(cx, key)?,
    };
    let last_id = match args.get(4) {
        b"$" => stream.entries.last_id,
        word => ids::id(word)?,
    };
    if stream.groups.get(name).is_some() {
        return Err(Error::Text("BUSYGROUP Consumer Group name already exists"));
    }
    stream.groups.create(name, last_id, options.entries_read);
    let event = Event::stream("xgroup-create");
    let event = if stream.was_there() { event.wakes_nobody() } else { event };
    stream.finish();
    cx.reply.ok();
    cx.changed(key, event);
    Ok(Done)
}

/// XGROUP SETID: a group goes on behind another ID.
static SETID: Command = Command::data("setid", set_id)
    .arity(Arity::AtLeast(5))
    .flags(&[Flag::Write])
    .keys(&[key(Purpose::Update)])
    .since("5.0.0")
    .complexity("O(1)")
    .summary("Sets the last-delivered ID of a consumer group.")
    .syntax("key group <id:string | $@new-id>@id-selector [ENTRIESREAD entries-read@entriesread:integer]")
    .history(&[("7.0.0", "Added the optional `entries_read` argument.")]);

fn set_id(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let options = GroupOptions::read(args, Takes::OnlyProgress)?;
    let (key, name) = (args.get(2), args.get(3));
    let mut stream = with_group(cx, key, name)?;
    if args.len() > 7 {
        return Err(wrong_words(args));
    }
    let last_id = match args.get(4) {
        b"$" => stream.entries.last_id,
        word => ids::parse_any(word, 0)?,
    };
    let mut group = stream.groups.edit(name).expect("it is there");
    (group.last_id, group.entries_read) = (last_id, options.entries_read);
    drop(group);
    stream.finish();
    cx.reply.ok();
    cx.changed(key, Event::stream("xgroup-setid").wakes_nobody());
    Ok(Done)
}

/// What stands behind the ID.
struct GroupOptions {
    makes_stream: bool,
    entries_read: Option<i64>,
}

/// Which options a subcommand has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    MakeStream,
    OnlyProgress,
}

impl GroupOptions {
    fn read(args: &Args<'_>, takes: Takes) -> Result<GroupOptions, Error> {
        let mut options = GroupOptions { makes_stream: false, entries_read: None };
        let mut i = 5;
        while i < args.len() {
            if takes == Takes::MakeStream && args.is(i, "mkstream") {
                options.makes_stream = true;
                i += 1;
            } else if i + 1 < args.len() && args.is(i, "entriesread") {
                options.entries_read = match args.int(i + 1)? {
                    -1 => None,
                    ..-1 => return Err(Error::Text("ERR value for ENTRIESREAD must be positive or -1")),
                    read => Some(read),
                };
                i += 2;
            } else {
                return Err(wrong_words(args));
            }
        }
        Ok(options)
    }
}

/// XGROUP DESTROY: a group goes, with all that is pending in it.
static DESTROY: Command = Command::data("destroy", destroy)
    .arity(Arity::Exactly(4))
    .flags(&[Flag::Write])
    .keys(&[key(Purpose::Delete)])
    .since("5.0.0")
    .complexity("O(N) where N is the number of entries in the group's pending entries list (PEL).")
    .summary("Destroys a consumer group.")
    .syntax("key group");

fn destroy(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let (key, name) = (args.get(2), args.get(3));
    let mut stream = existing(cx, key)?;
    let mut gone = None;
    let is_destroyed = stream.groups.remove(name, |group| gone = Some(group));
    if let Some(group) = gone {
        let mut rest = Stream::new();
        rest.groups.insert(name, group);
        stream.free(rest);
    }
    stream.finish();
    if is_destroyed {
        cx.changed(key, Event::stream("xgroup-destroy"));
    }
    cx.reply.int(is_destroyed.into());
    Ok(Done)
}

/// XGROUP CREATECONSUMER: a consumer that has read nothing yet.
static CREATECONSUMER: Command = Command::data("createconsumer", create_consumer)
    .arity(Arity::Exactly(5))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(&[key(Purpose::Insert)])
    .since("6.2.0")
    .complexity("O(1)")
    .summary("Creates a consumer in a consumer group.")
    .syntax("key group consumer");

fn create_consumer(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let (key, name) = (args.get(2), args.get(3));
    let now_ms = cx.now_ms() as i64;
    let mut stream = with_group(cx, key, name)?;
    let mut group = stream.groups.edit(name).expect("it is there");
    let is_created = group.create_consumer(args.get(4), now_ms).is_some();
    drop(group);
    stream.finish();
    if is_created {
        cx.changed(key, Event::stream("xgroup-createconsumer").wakes_nobody());
    }
    cx.reply.int(is_created.into());
    Ok(Done)
}

/// XGROUP DELCONSUMER: a consumer goes, with what is pending with it.
static DELCONSUMER: Command = Command::data("delconsumer", delete_consumer)
    .arity(Arity::Exactly(5))
    .flags(&[Flag::Write])
    .keys(&[key(Purpose::Delete)])
    .since("5.0.0")
    .complexity("O(1)")
    .summary("Deletes a consumer from a consumer group.")
    .syntax("key group consumer");

fn delete_consumer(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let (key, name) = (args.get(2), args.get(3));
    let mut stream = with_group(cx, key, name)?;
    let mut group = stream.groups.edit(name).expect("it is there");
    let consumer = group.find_consumer(args.get(4));
    let pending = consumer.map(|consumer| group.remove_consumer(consumer));
    drop(group);
    stream.finish();
    if pending.is_some() {
        cx.changed(key, Event::stream("xgroup-delconsumer").wakes_nobody());
    }
    cx.reply.int(pending.unwrap_or(0) as i64);
    Ok(Done)
}

/// XGROUP HELP: what XGROUP has.
static HELP: Command = help::row("5.0.0", |cx, _| help::answer(cx, &XGROUP));

fn wrong_words(args: &Args<'_>) -> Error {
    help::wrong_words(&XGROUP, args)
}

/// The stream at a key that has to be there.
fn existing<'d>(cx: &'d mut DataContext<'_>, key: &'d [u8]) -> Result<Edit<'d, Stream>, Error> {
    cx.db.edit_existing::<Stream>(key)?.ok_or(Error::Text(
        "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option \
         to create an empty stream automatically.",
    ))
}

/// The same, where the group has to be there too.
fn with_group<'d>(cx: &'d mut DataContext<'_>, key: &'d [u8], name: &[u8]) -> Result<Edit<'d, Stream>, Error> {
    let stream = existing(cx, key)?;
    match stream.groups.get(name) {
        Some(_) => Ok(stream),
        None => Err(no_group(name, key)),
    }
}
