//! Going over a sorted set in steps: ZSCAN.

use super::answer_member;
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::commands::scan_options::{ScanOptions, Scanned, answer_head, parse_cursor};
use crate::values::sorted_set::SortedSet;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&ZSCAN];

/// ZSCAN: some members with their scores, and where to go on; all of them at once if the set is packed.
static ZSCAN: Command = Command::data("zscan", zscan)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("2.8.0")
    .complexity(
        "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return \
         back to 0. N is the number of elements inside the collection.",
    )
    .summary("Iterates over members and scores of a sorted set.")
    .syntax("key cursor [MATCH pattern] [COUNT count] [NOSCORES^8.0.0]")
    .tips(&["nondeterministic_output"]);

fn zscan(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let cursor = parse_cursor(args.get(2))?;
    let Some(set) = cx.db.read_as::<SortedSet>(args.get(1))? else {
        answer_head(cx.reply, 0, 0);
        return Ok(Done);
    };
    let options = ScanOptions::parse(args, 3, Scanned::Scores)?;
    let (cursor, found) = options.gather(
        cursor,
        |cursor, elements| set.scan(cursor, |member, score| elements.push((member, score))),
        |(member, _)| options.pattern.fits_entry(*member),
    );
    answer_head(cx.reply, cursor, if options.no_values { found.len() } else { 2 * found.len() });
    let mut text = Vec::new();
    for (member, score) in found {
        answer_member(cx.reply, member);
        if !options.no_values {
            text.clear();
            set.print_scanned(score, &mut text);
            cx.reply.bulk(&text);
        }
    }
    Ok(Done)
}
