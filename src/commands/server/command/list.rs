//! COMMAND LIST: names of commands and subcommands.

use super::{CATEGORIES, FLAGS, offered};
use crate::base::glob::{self, Case};
use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::error::Error;
use crate::commands::registry::{self, Entry};
use crate::commands::row::{Arity, Command, Done, Outcome};

/// COMMAND LIST: all names, or those that a filter lets through.
pub(super) static LIST: Command = Command::server("list", list)
    .arity(Arity::AtLeast(2))
    .flags(FLAGS)
    .categories(CATEGORIES)
    .since("7.0.0")
    .complexity("O(N) where N is the total number of Redis commands")
    .summary("Returns a list of command names.")
    .syntax("[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]")
    .tips(&["nondeterministic_output_order"]);

/// Which names are listed.
enum Filter<'a> {
    /// All.
    None,
    /// Those of a module: there are no modules.
    Module,
    /// Those of an ACL category.
    Category(&'a [u8]),
    /// Those whose full names match.
    Pattern(&'a [u8]),
}

impl Filter<'_> {
    fn parse<'a>(args: &'a Args<'_>) -> Result<Filter<'a>, Error> {
        if args.len() == 2 {
            return Ok(Filter::None);
        }
        if args.len() != 5 || !args.is(2, "filterby") {
            return Err(Error::Syntax);
        }
        match args.word(3).as_str() {
            "module" => Ok(Filter::Module),
            "aclcat" => Ok(Filter::Category(args.get(4))),
            "pattern" => Ok(Filter::Pattern(args.get(4))),
            _ => Err(Error::Syntax),
        }
    }

    fn lets_through(&self, entry: &Entry) -> bool {
        match self {
            Filter::None => true,
            Filter::Module => false,
            Filter::Category(category) => {
                let names = entry.command.category_names(entry.group);
                names.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(category))
            }
            Filter::Pattern(pattern) => glob::matches(pattern, entry.full_name.as_bytes(), Case::Insensitive),
        }
    }
}

fn list(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let filter = Filter::parse(args)?;
    let all = registry::all();
    let with_subcommands = offered(&cx.server.config)
        .into_iter()
        .flat_map(|id| std::iter::once(id).chain(all[id].children.iter().copied()));
    let names: Vec<&str> = with_subcommands
        .map(|id| &all[id])
        .filter(|entry| filter.lets_through(entry))
        .map(|entry| entry.full_name.as_str())
        .collect();
    cx.reply.bulks(names.iter());
    Ok(Done)
}
