//! Going over a set in steps: SSCAN.

use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::commands::scan_options::{ScanOptions, Scanned, answer_head, parse_cursor};
use crate::values::set::Set;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&SSCAN];

/// SSCAN: some members, and where to go on; all of them at once if the set is packed.
static SSCAN: Command = Command::data("sscan", sscan)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("2.8.0")
    .complexity(
        "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back \
         to 0. N is the number of elements inside the collection.",
    )
    .summary("Iterates over members of a set.")
    .syntax("key cursor [MATCH pattern] [COUNT count]")
    .tips(&["nondeterministic_output"]);

fn sscan(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let cursor = parse_cursor(args.get(2))?;
    let Some(set) = cx.db.read_as::<Set>(args.get(1))? else {
        answer_head(cx.reply, 0, 0);
        return Ok(Done);
    };
    let options = ScanOptions::parse(args, 3, Scanned::Members)?;
    let (cursor, found) = options.gather(
        cursor,
        |cursor, members| set.scan(cursor, |member| members.push(member)),
        |member| options.pattern.fits_entry(*member),
    );
    answer_head(cx.reply, cursor, found.len());
    found.into_iter().for_each(|member| cx.reply.bulk_entry(member));
    Ok(Done)
}
