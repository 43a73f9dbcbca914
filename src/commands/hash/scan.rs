//! Going over a hash in steps: HSCAN.

use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::commands::scan_options::{ScanOptions, Scanned, answer_head, parse_cursor};
use crate::values::hash::Hash;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&HSCAN];

/// HSCAN: some fields, and where to go on; all of them at once if the hash is packed.
static HSCAN: Command = Command::data("hscan", hscan)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("2.8.0")
    .complexity(
        "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back \
         to 0. N is the number of elements inside the collection.",
    )
    .summary("Iterates over fields and values of a hash.")
    .syntax("key cursor [MATCH pattern] [COUNT count] [NOVALUES]")
    .tips(&["nondeterministic_output"]);

fn hscan(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let cursor = parse_cursor(args.get(2))?;
    let now_ms = cx.now_ms();
    let Some(hash) = cx.db.read_as::<Hash>(args.get(1))? else {
        answer_head(cx.reply, 0, 0);
        return Ok(Done);
    };
    let options = ScanOptions::parse(args, 3, Scanned::Fields)?;
    let (cursor, found) = options.gather(
        cursor,
        |cursor, fields| hash.scan(cursor, |field| fields.push(field)),
        |field| !field.is_past(now_ms) && options.pattern.fits_entry(field.name),
    );
    answer_head(cx.reply, cursor, if options.no_values { found.len() } else { 2 * found.len() });
    for field in found {
        super::answer(cx.reply, field.name);
        if !options.no_values {
            super::answer(cx.reply, field.value);
        }
    }
    Ok(Done)
}
