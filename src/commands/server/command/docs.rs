//! COMMAND DOCS: what commands are for, and their arguments, made of the syntax lines.

use super::{CATEGORIES, FLAGS, find, offered};
use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::registry::{self, CommandId, Entry};
use crate::commands::row::{Arity, Command, Done, Outcome};
use crate::commands::syntax::{self, Argument, Type};
use crate::formats::resp::reply::Reply;

/// COMMAND DOCS: some commands, or all.
pub(super) static DOCS: Command = Command::server("docs", docs)
    .arity(Arity::AtLeast(2))
    .flags(FLAGS)
    .categories(CATEGORIES)
    .since("7.0.0")
    .complexity("O(N) where N is the number of commands to look up")
    .summary("Returns documentary information about one, multiple or all commands.")
    .syntax("[command-name [command-name ...]]")
    .tips(&["nondeterministic_output_order"]);

fn docs(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    let ids: Vec<CommandId> = match args.len() {
        2 => offered(&cx.server.config),
        _ => args.from(2).filter_map(|name| find(&cx.server.config, name)).collect(),
    };
    write_all(cx.reply, &ids);
    Ok(Done)
}

fn write_all(reply: &mut Reply, ids: &[CommandId]) {
    reply.map(ids.len());
    for &id in ids {
        let entry = &registry::all()[id];
        reply.bulk(entry.full_name.as_bytes());
        write_docs(reply, entry);
    }
}

fn write_docs(reply: &mut Reply, entry: &Entry) {
    let command = entry.command;
    let arguments = syntax::parse(command.syntax).unwrap_or_default();
    let lines = [
        ("summary", command.summary),
        ("since", command.since),
        ("group", &entry.group.replace('_', "-")),
        ("complexity", command.complexity),
    ];
    let lines: Vec<_> = lines.into_iter().filter(|(_, text)| !text.is_empty()).collect();
    let further = [!command.history.is_empty(), !arguments.is_empty(), !entry.children.is_empty()];
    let of_flags = if command.deprecated.is_some() { 3 } else { usize::from(command.is_internal) };
    reply.map(lines.len() + of_flags + further.into_iter().filter(|is_there| *is_there).count());
    for (name, text) in lines {
        reply.bulk(name.as_bytes());
        reply.bulk(text.as_bytes());
    }
    if command.is_internal {
        reply.bulk(b"doc_flags");
        reply.set(1);
        reply.simple("syscmd");
    }
    if let Some((since, instead)) = command.deprecated {
        reply.bulk(b"doc_flags");
        reply.set(1);
        reply.simple("deprecated");
        for (name, text) in [("deprecated_since", since), ("replaced_by", instead)] {
            reply.bulk(name.as_bytes());
            reply.bulk(text.as_bytes());
        }
    }
    if !command.history.is_empty() {
        reply.bulk(b"history");
        reply.set(command.history.len());
        for (version, change) in command.history {
            reply.bulks([version, change].into_iter());
        }
    }
    if !arguments.is_empty() {
        reply.bulk(b"arguments");
        write_arguments(reply, &arguments);
    }
    if !entry.children.is_empty() {
        reply.bulk(b"subcommands");
        write_all(reply, &entry.children);
    }
}

fn write_arguments(reply: &mut Reply, arguments: &[Argument]) {
    reply.array(arguments.len());
    for argument in arguments {
        write_argument(reply, argument);
    }
}

fn write_argument(reply: &mut Reply, argument: &Argument) {
    let is_group = matches!(argument.kind, Type::OneOf | Type::Block);
    let flags: Vec<&str> = argument.flags().collect();
    let texts = [
        ("name", Some(argument.name.as_str())),
        ("type", Some(argument.kind.name())),
        ("display_text", argument.display_text.as_deref()),
    ];
    let texts: Vec<_> = texts.into_iter().filter_map(|(name, text)| Some((name, text?))).collect();
    let later = [
        ("token", argument.token.as_deref()),
        ("since", argument.since.as_deref()),
        ("deprecated_since", argument.deprecated_since.as_deref()),
    ];
    let later: Vec<_> = later.into_iter().filter_map(|(name, text)| Some((name, text?))).collect();
    let further = [argument.key_spec_index.is_some(), !flags.is_empty(), is_group].map(usize::from);
    reply.map(texts.len() + later.len() + further.iter().sum::<usize>());
    for (name, text) in texts {
        reply.bulk(name.as_bytes());
        reply.bulk(text.as_bytes());
    }
    if let Some(index) = argument.key_spec_index {
        reply.bulk(b"key_spec_index");
        reply.int(index as i64);
    }
    for (name, text) in later {
        reply.bulk(name.as_bytes());
        reply.bulk(text.as_bytes());
    }
    if !flags.is_empty() {
        reply.bulk(b"flags");
        reply.set(flags.len());
        flags.iter().for_each(|flag| reply.simple(flag));
    }
    if is_group {
        reply.bulk(b"arguments");
        write_arguments(reply, &argument.children);
    }
}
