//! Where an element stands: LPOS.

use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::structures::listpack::Entry;
use crate::values::list::{End, List, ListRef, Needle};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&LPOS];

/// LPOS: the indexes of an element.
static LPOS: Command = Command::data("lpos", lpos)
    .arity(Arity::AtLeast(3))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("6.0.6")
    .complexity(
        "O(N) where N is the number of elements in the list, for the average case. When searching for elements near the head \
         or the tail of the list, or when the MAXLEN option is provided, the command may run in constant time.",
    )
    .summary("Returns the index of matching elements in a list.")
    .syntax("key element [RANK rank] [COUNT num-matches] [MAXLEN len]");

fn lpos(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let options = Options::read(args)?;
    let found = match cx.db.read_as::<List>(args.get(1))? {
        Some(list) => options.find(list, Needle::new(args.get(2))),
        None => Vec::new(),
    };
    match (options.count, found.first()) {
        (Some(_), _) => {
            cx.reply.array(found.len());
            found.iter().for_each(|&place| cx.reply.int(place as i64));
        }
        (None, Some(&place)) => cx.reply.int(place as i64),
        (None, None) => cx.reply.null(),
    }
    Ok(Done)
}

struct Options {
    from: End,
    /// Matches that are passed over.
    skipped: usize,
    /// How many are asked for, 0: all; `None`: one, not in an array.
    count: Option<usize>,
    /// Elements that are looked at; 0: all.
    most: usize,
}

impl Options {
    fn read(args: &Args<'_>) -> Result<Options, Error> {
        let mut options = Options { from: End::Left, skipped: 0, count: None, most: 0 };
        let mut i = 3;
        while i < args.len() {
            if i + 1 == args.len() {
                return Err(Error::Syntax);
            }
            let natural = |error| args.int(i + 1).ok().and_then(|n| usize::try_from(n).ok()).ok_or(error);
            if args.is(i, "rank") {
                options.set_rank(super::bounded(args, i + 1)?)?;
            } else if args.is(i, "count") {
                options.count = Some(natural(Error::Text("ERR COUNT can't be negative"))?);
            } else if args.is(i, "maxlen") {
                options.most = natural(Error::Text("ERR MAXLEN can't be negative"))?;
            } else {
                return Err(Error::Syntax);
            }
            i += 2;
        }
        Ok(options)
    }

    fn set_rank(&mut self, rank: i64) -> Result<(), Error> {
        self.from = if rank < 0 { End::Right } else { End::Left };
        self.skipped = (rank.unsigned_abs() as usize).checked_sub(1).ok_or(Error::Text(
            "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start \
             from the end of the list",
        ))?;
        Ok(())
    }

    /// The places of the matches that are asked for, in the order they are met.
    fn find(&self, list: ListRef<'_>, needle: Needle<'_>) -> Vec<usize> {
        let last = list.len().saturating_sub(1);
        match self.from {
            End::Left => self.select(list.iter_from(0), needle),
            End::Right => {
                self.select(list.iter_back_from(last), needle).into_iter().map(|place| last - place).collect()
            }
        }
    }

    fn select<'a>(&self, elements: impl Iterator<Item = Entry<'a>>, needle: Needle<'_>) -> Vec<usize> {
        let all_if_zero = |n: usize| if n == 0 { usize::MAX } else { n };
        let matches = elements.take(all_if_zero(self.most)).enumerate().filter(|&(_, element)| needle.is(element));
        let asked_for = all_if_zero(self.count.unwrap_or(1));
        matches.map(|(place, _)| place).skip(self.skipped).take(asked_for).collect()
    }
}
