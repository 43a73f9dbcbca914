//! Fields by chance: HRANDFIELD.

use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::draws::answer_draws;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::error;
use crate::formats::resp::reply::{Protocol, Reply};
use crate::values::hash::{Field, Hash};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&HRANDFIELD];

/// Fields past their deadline that are removed before; what may be left of them is not drawn.
const EXPIRE_BUDGET: usize = 10_000;

/// HRANDFIELD: a field, several different ones, or so many draws.
static HRANDFIELD: Command = Command::data("hrandfield", hrandfield)
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("6.2.0")
    .complexity("O(N) where N is the number of fields returned")
    .summary("Returns one or more random fields from a hash.")
    .syntax("key [count [WITHVALUES]]@options")
    .tips(&["nondeterministic_output"]);

fn hrandfield(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    if args.len() > 2 {
        return several(cx, args);
    }
    let now_ms = cx.now_ms();
    cx.db.remove_expired_fields(args.get(1), EXPIRE_BUDGET);
    let hash = cx.db.read_as::<Hash>(args.get(1))?;
    match hash.and_then(|hash| hash.sample(now_ms, cx.random)) {
        Some(field) => super::answer(cx.reply, field.name),
        None => cx.reply.null(),
    }
    Ok(Done)
}

/// Whether fields are answered with their values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Values {
    Shown,
    Hidden,
}

/// What is asked for: a number, below 0 for draws with repetition, and whether with the values.
fn wanted(args: &Args<'_>) -> Result<(i64, Values), Error> {
    let count = args.int(2)?;
    if count == i64::MIN {
        return Err(error!("ERR value is out of range, value must between -{} and {}", i64::MAX, i64::MAX));
    }
    if args.len() > 4 || args.len() == 4 && !args.is(3, "withvalues") {
        return Err(Error::Syntax);
    }
    let values = if args.len() == 4 { Values::Shown } else { Values::Hidden };
    if values == Values::Shown && count.unsigned_abs() > i64::MAX as u64 / 2 {
        return Err(Error::ValueOutOfRange);
    }
    Ok((count, values))
}

fn several(cx: &mut DataContext<'_>, args: &Args<'_>) -> Outcome {
    let (count, values) = wanted(args)?;
    let now_ms = cx.now_ms();
    cx.db.remove_expired_fields(args.get(1), EXPIRE_BUDGET);
    let Some(hash) = cx.db.read_as::<Hash>(args.get(1))?.filter(|_| count != 0) else {
        cx.reply.array(0);
        return Ok(Done);
    };
    if count < 0 {
        let draws = if super::live_len(hash, now_ms) == 0 { 0 } else { count.unsigned_abs() as usize };
        head(cx.reply, draws, values);
        answer_draws(cx.reply, cx.limits.reply_bytes, draws, |reply, count| {
            hash.sample_with_repetition(count, now_ms, cx.random, |field| answer(reply, field, values));
        })?;
        return Ok(Done);
    }
    let fields = hash.sample_distinct(count as usize, now_ms, cx.random);
    head(cx.reply, fields.len(), values);
    fields.into_iter().for_each(|field| answer(cx.reply, field, values));
    Ok(Done)
}

/// In RESP3 a field with its value is an array of two; in RESP2 all is flat.
fn head(reply: &mut Reply, fields: usize, values: Values) {
    let is_flat = values == Values::Shown && reply.protocol == Protocol::Resp2;
    reply.array(if is_flat { 2 * fields } else { fields });
}

fn answer(reply: &mut Reply, field: Field<'_>, values: Values) {
    if values == Values::Shown && reply.protocol == Protocol::Resp3 {
        reply.array(2);
    }
    super::answer(reply, field.name);
    if values == Values::Shown {
        super::answer(reply, field.value);
    }
}
