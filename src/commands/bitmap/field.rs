//! Strings as arrays of integers of any width: BITFIELD, BITFIELD_RO.

use super::bit_offset;
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::effects::Event;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, KeyUse, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::formats::resp::reply::Reply;
use crate::values::views::bits::{FieldType, Overflow};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&BITFIELD, &BITFIELD_RO];

/// BITFIELD: reads, writes and adds.
static BITFIELD: Command = Command::data("bitfield", bitfield)
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(&[first_key(Access::ReadWrite, Purpose::Update)
        .told()
        .by_words(use_of_key)
        .note("This command allows both access and modification of the key")])
    .since("3.2.0")
    .complexity("O(1) for each subcommand specified")
    .summary("Performs arbitrary bitfield integer operations on strings.")
    .syntax(
        "key [<GET encoding offset>@get-block | <[OVERFLOW <WRAP | SAT | FAIL>@overflow-block] \
         <<SET encoding offset value:integer>@set-block | <INCRBY encoding offset increment>@incrby-block>@write-operation>@write \
         [<GET encoding offset> | <[OVERFLOW <WRAP | SAT | FAIL>] <<SET encoding offset value> | <INCRBY encoding offset increment>>> \
         ...]]@operation",
    );

/// Without SET and INCRBY it only reads.
fn use_of_key(args: &Args<'_>) -> KeyUse {
    let writes = (2..args.len()).any(|i| args.is(i, "set") || args.is(i, "incrby"));
    let (access, purpose) =
        if writes { (Access::ReadWrite, Purpose::Update) } else { (Access::ReadOnly, Purpose::Access) };
    KeyUse { access, purpose, is_told: true }
}

fn bitfield(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let operations = operations(args, cx.limits.string_bytes)?;
    match last_written_bit(&operations) {
        Some(last_bit) => write(cx, args.get(1), &operations, last_bit),
        None => read(cx, args.get(1), &operations),
    }
}

/// BITFIELD_RO: reads.
static BITFIELD_RO: Command = Command::data("bitfield_ro", bitfield_ro)
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::ReadOnly, Flag::Fast])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("6.0.0")
    .complexity("O(1) for each subcommand specified")
    .summary("Performs arbitrary read-only bitfield integer operations on strings.")
    .syntax("key [GET encoding offset [GET encoding offset ...]@get-block]");

fn bitfield_ro(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let operations = operations(args, cx.limits.string_bytes)?;
    match last_written_bit(&operations) {
        Some(_) => Err(Error::Text("ERR BITFIELD_RO only supports the GET subcommand")),
        None => read(cx, args.get(1), &operations),
    }
}

/// One subcommand.
struct Operation {
    kind: Kind,
    field: FieldType,
    /// The field's first bit.
    offset: u64,
    overflow: Overflow,
}

enum Kind {
    Get,
    Set(i64),
    Add(i64),
}

/// All subcommands, in order.
fn operations(args: &Args<'_>, string_bytes: u64) -> Result<Vec<Operation>, Error> {
    const INVALID_TYPE: Error =
        Error::Text("ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.");
    let mut operations = Vec::new();
    let mut overflow = Overflow::Wrap;
    let mut i = 2;
    while i < args.len() {
        let following = args.len() - i - 1;
        if args.is(i, "overflow") && following >= 1 {
            overflow = read_overflow(args, i + 1)?;
            i += 2;
            continue;
        }
        let gets = args.is(i, "get") && following >= 2;
        let sets = args.is(i, "set") && following >= 3;
        let adds = args.is(i, "incrby") && following >= 3;
        if !(gets || sets || adds) {
            return Err(Error::Syntax);
        }
        let field = FieldType::parse(args.get(i + 1)).ok_or(INVALID_TYPE)?;
        let offset = bit_offset(args.get(i + 2), field.bits(), string_bytes)?;
        let kind = match gets {
            true => Kind::Get,
            false if sets => Kind::Set(args.int(i + 3)?),
            false => Kind::Add(args.int(i + 3)?),
        };
        operations.push(Operation { kind, field, offset, overflow });
        i += if gets { 3 } else { 4 };
    }
    Ok(operations)
}

fn read_overflow(args: &Args<'_>, i: usize) -> Result<Overflow, Error> {
    match () {
        _ if args.is(i, "wrap") => Ok(Overflow::Wrap),
        _ if args.is(i, "sat") => Ok(Overflow::Saturate),
        _ if args.is(i, "fail") => Ok(Overflow::Fail),
        _ => Err(Error::Text("ERR Invalid OVERFLOW type specified")),
    }
}

/// The last bit that any subcommand may write; None when all read.
fn last_written_bit(operations: &[Operation]) -> Option<u64> {
    let writes = operations.iter().filter(|operation| !matches!(operation.kind, Kind::Get));
    writes.map(|operation| operation.offset + operation.field.bits() as u64 - 1).max()
}

fn read(cx: &mut DataContext<'_>, key: &[u8], operations: &[Operation]) -> Outcome {
    let text = cx.db.string(key)?;
    let mut bytes = text.map(|text| text.bytes());
    let bytes = bytes.as_mut().map_or(&b""[..], |bytes| bytes.as_slice());
    cx.reply.array(operations.len());
    for operation in operations {
        cx.reply.int(operation.field.get(bytes, operation.offset));
    }
    Ok(Done)
}

fn write(cx: &mut DataContext<'_>, key: &[u8], operations: &[Operation], last_bit: u64) -> Outcome {
    let len = (last_bit / 8) as usize + 1;
    let reply = &mut *cx.reply;
    let changes = cx.db.edit_string(key, len, |bytes, before| {
        let grew = before.is_none_or(|before| before < len);
        reply.array(operations.len());
        let changes =
            operations.iter().map(|operation| operation.run(bytes, reply)).filter(|ran| ran.changed(grew)).count();
        changes.max(grew as usize) // zeros that a failed write has added are logged too
    })?;
    if changes > 0 {
        cx.changed(key, Event::string("setbit"));
        cx.effects.dirty += changes as u64 - 1;
    }
    Ok(Done)
}

/// What a subcommand did.
#[derive(PartialEq, Eq)]
enum Ran {
    Read,
    Failed,
    WroteSame,
    WroteOther,
}

impl Ran {
    /// Whether it counts as a change, in a string that has just grown or not.
    fn changed(&self, grew: bool) -> bool {
        *self == Ran::WroteOther || *self == Ran::WroteSame && grew
    }
}

impl Operation {
    /// Runs it, and answers.
    fn run(&self, bytes: &mut [u8], reply: &mut Reply) -> Ran {
        let old = self.field.get(bytes, self.offset);
        let new = match self.kind {
            Kind::Get => {
                reply.int(old);
                return Ran::Read;
            }
            Kind::Set(value) => self.field.fitted(value, self.overflow),
            Kind::Add(by) => self.field.sum(old, by, self.overflow),
        };
        let Some(new) = new else {
            reply.null();
            return Ran::Failed;
        };
        reply.int(if matches!(self.kind, Kind::Set(_)) { old } else { new });
        self.field.set(bytes, self.offset, new);
        if old == new { Ran::WroteSame } else { Ran::WroteOther }
    }
}
