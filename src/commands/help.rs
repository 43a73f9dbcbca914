//! HELP of a container: made of the rows of its subcommands.

use super::args::Args;
use super::context::ServerContext;
use super::error::Error;
use super::row::{Arity, Command, Done, Flag, Outcome, Run};
use super::syntax;
use crate::error;

/// The row of a container's HELP, which Redis has since the version `since`; `run` calls `answer` with the container.
pub const fn row(since: &'static str, run: fn(&mut ServerContext<'_>, &mut Args<'_>) -> Outcome) -> Command {
    Command::server("help", run)
        .arity(Arity::Exactly(2))
        .flags(&[Flag::Loading, Flag::Stale])
        .since(since)
        .complexity("O(1)")
        .summary("Returns helpful text about the different subcommands.")
}

/// Answers the HELP of `container`: a head line, then for each subcommand its words and what it does.
pub fn answer(cx: &mut ServerContext<'_>, container: &Command) -> Outcome {
    let mut lines = vec![format!("{} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", upper(container.name))];
    if !matches!(container.run, Run::Container) {
        lines.extend(["(no subcommand)".into(), format!("    {}", container.summary)]);
    }
    let is_help = |sub: &Command| sub.name == "help";
    for sub in container.subcommands.iter().filter(|sub| !is_help(sub)) {
        let printed = || syntax::parse(sub.syntax).map(|arguments| syntax::print(&arguments)).unwrap_or_default();
        let (words, notes) = sub.help.map_or_else(|| (printed(), &[][..]), |(words, notes)| (words.to_string(), notes));
        lines.push(format!("{} {words}", upper(sub.name)).trim_end().to_string());
        lines.push(format!("    {}", sub.summary));
        lines.extend(notes.iter().map(|note| format!("    {note}")));
    }
    lines.push("HELP".into());
    lines.push("    Prints this help.".into());
    cx.reply.array(lines.len());
    for line in &lines {
        cx.reply.simple(line);
    }
    Ok(Done)
}

/// The error for a subcommand whose words are too many in a way that its arity does not tell.
pub fn wrong_words(container: &Command, args: &Args<'_>) -> Error {
    let name = String::from_utf8_lossy(args.get(1));
    error!("ERR unknown subcommand or wrong number of arguments for '{name}'. Try {} HELP.", upper(container.name))
}

fn upper(name: &str) -> String {
    name.to_ascii_uppercase()
}
