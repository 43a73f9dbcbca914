//! Adding points: GEOADD.

use super::point;
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Flag, Outcome};
use crate::commands::sorted_set::{Condition, Rule, add};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&GEOADD];

/// GEOADD: members with the scores of their places.
static GEOADD: Command = Command::data("geoadd", geoadd)
    .arity(Arity::AtLeast(5))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(&[first_key(Access::ReadWrite, Purpose::Update)])
    .since("3.2.0")
    .complexity("O(log(N)) for each item added, where N is the number of elements in the sorted set.")
    .summary("Adds one or more members to a geospatial index. The key is created if it doesn't exist.")
    .syntax("key [NX | XX]^6.2.0 [CH@change^6.2.0] longitude latitude member [longitude latitude member ...]")
    .history(&[("6.2.0", "Added the `CH`, `NX` and `XX` options.")]);

fn geoadd(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let (mut is_new, mut is_present, mut counts_changes) = (false, false, false);
    let mut first = 2;
    while first < args.len() {
        match () {
            _ if args.is(first, "nx") => is_new = true,
            _ if args.is(first, "xx") => is_present = true,
            _ if args.is(first, "ch") => counts_changes = true,
            _ => break,
        }
        first += 1;
    }
    if !(args.len() - first).is_multiple_of(3) || is_new && is_present {
        return Err(Error::Syntax);
    }
    let points = (first..args.len()).step_by(3).map(|i| Ok((args.get(i + 2), point(args, i)?.score() as f64)));
    let points = points.collect::<Result<Vec<_>, Error>>()?;
    if points.is_empty() {
        return Err(Error::Syntax);
    }
    let condition = match (is_new, is_present) {
        (true, _) => Condition::Missing,
        (_, true) => Condition::Present,
        _ => Condition::Always,
    };
    add(cx, args.get(1), points.into_iter(), Rule::new(condition, counts_changes))
}
