//! DEBUG: for tests, never for production; off unless the configuration allows it (`enable-debug-command`).
//!
//! In Redis its words are no subcommands of their own, so they are rows of a table here rather than commands.

mod data;
mod digest;
mod process;
mod protocol;
mod switches;

use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&DEBUG];

/// DEBUG: looks inside, and makes trouble.
static DEBUG: Command = Command::server("debug", debug)
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::Admin, Flag::NoScript, Flag::Loading, Flag::Stale, Flag::Protected])
    .since("1.0.0")
    .complexity("Depends on subcommand.")
    .summary("A container for debugging commands.")
    .internal();

/// One thing that DEBUG can do.
struct Probe {
    /// Its word.
    name: &'static str,
    /// How many words may follow: at least, at most.
    words: (usize, usize),
    /// What they are, for HELP.
    syntax: &'static str,
    /// What it does, for HELP.
    summary: &'static str,
    run: fn(&mut ServerContext<'_>, &mut Args<'_>) -> Outcome,
}

const MANY: usize = usize::MAX;

const fn probe(
    name: &'static str,
    words: (usize, usize),
    syntax: &'static str,
    run: fn(&mut ServerContext<'_>, &mut Args<'_>) -> Outcome,
    summary: &'static str,
) -> Probe {
    Probe { name, words, syntax, summary, run }
}

const TABLES: &[&[Probe]] = &[data::PROBES, digest::PROBES, process::PROBES, protocol::PROBES, switches::PROBES];

fn debug(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let (name, words) = (args.word(1), args.len() - 2);
    if name == "help" && words == 0 {
        return help(cx);
    }
    let fits = |probe: &&Probe| probe.name == name && (probe.words.0..=probe.words.1).contains(&words);
    match TABLES.iter().copied().flatten().find(fits) {
        Some(probe) => (probe.run)(cx, args),
        None => {
            let shown = String::from_utf8_lossy(&args.get(1)[..args.get(1).len().min(128)]).into_owned();
            Err(crate::error!("ERR unknown subcommand or wrong number of arguments for '{shown}'. Try DEBUG HELP."))
        }
    }
}

fn help(cx: &mut ServerContext<'_>) -> Outcome {
    let mut probes: Vec<&Probe> = TABLES.iter().copied().flatten().collect();
    probes.sort_by_key(|probe| probe.name);
    let mut lines = vec!["DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:".to_string()];
    for probe in probes {
        lines.push(format!("{} {}", probe.name.to_ascii_uppercase(), probe.syntax).trim_end().to_string());
        lines.push(format!("    {}", probe.summary));
    }
    lines.extend(["HELP".to_string(), "    Prints this help.".to_string()]);
    cx.reply.array(lines.len());
    lines.iter().for_each(|line| cx.reply.simple(line));
    Ok(Done)
}

/// A number as C's `atoi` reads it, as Redis does here: what is none is 0.
fn lenient_int(text: &[u8]) -> i64 {
    let digits = |text: &[u8]| text.iter().take_while(|b| b.is_ascii_digit()).count();
    let end = match text {
        [b'-' | b'+', rest @ ..] => 1 + digits(rest),
        _ => digits(text),
    };
    std::str::from_utf8(&text[..end]).ok().and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::lenient_int;

    #[test]
    fn numbers_are_read_as_atoi_does() {
        for (text, number) in [("1", 1), ("0", 0), ("x", 0), ("-3x", -3), ("", 0), ("12 ", 12), ("-", 0)] {
            assert_eq!(lenient_int(text.as_bytes()), number, "{text}");
        }
    }
}
