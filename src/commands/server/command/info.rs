//! COMMAND and COMMAND INFO: arity, flags, keys, categories, tips, key specifications.

use super::{CATEGORIES, FLAGS, find, offered};
use crate::commands::args::Args;
use crate::commands::context::ServerContext;
use crate::commands::key_spec::{Begin, Find, KeySpec, KeyUse};
use crate::commands::registry::{self, CommandId};
use crate::commands::row::{Arity, Command, Done, Outcome};
use crate::formats::resp::reply::Reply;

/// COMMAND INFO: some commands, or all.
pub(super) static INFO: Command = Command::server("info", info)
    .arity(Arity::AtLeast(2))
    .flags(FLAGS)
    .categories(CATEGORIES)
    .since("2.8.13")
    .complexity("O(N) where N is the number of commands to look up")
    .summary("Returns information about one, multiple or all commands.")
    .syntax("[command-name [command-name ...]]")
    .history(&[("7.0.0", "Allowed to be called with no argument to get info on all commands.")])
    .tips(&["nondeterministic_output_order"]);

fn info(cx: &mut ServerContext<'_>, args: &mut Args<'_>) -> Outcome {
    if args.len() == 2 {
        return all(cx, args);
    }
    cx.reply.array(args.len() - 2);
    for name in args.from(2) {
        match find(&cx.server.config, name) {
            Some(id) => write_info(cx.reply, id),
            None => cx.reply.null(),
        }
    }
    Ok(Done)
}

/// COMMAND without a subcommand.
pub(super) fn all(cx: &mut ServerContext<'_>, _: &mut Args<'_>) -> Outcome {
    let ids = offered(&cx.server.config);
    cx.reply.array(ids.len());
    for id in ids {
        write_info(cx.reply, id);
    }
    Ok(Done)
}

fn write_info(reply: &mut Reply, id: CommandId) {
    let entry = &registry::all()[id];
    let command = entry.command;
    let (first, last, step) = command.key_range();
    reply.array(10);
    reply.bulk(entry.full_name.as_bytes());
    reply.int(command.arity.number());
    write_words(reply, &command.flag_names(), "");
    for number in [first, last, step] {
        reply.int(number);
    }
    write_words(reply, &command.category_names(entry.group), "@");
    reply.set(command.tips.len());
    for tip in command.tips {
        reply.bulk(tip.as_bytes());
    }
    reply.set(command.keys.len());
    for spec in command.keys {
        write_key_spec(reply, spec);
    }
    match entry.children.len() {
        0 => reply.set(0),
        children => reply.array(children),
    }
    for &child in &entry.children {
        write_info(reply, child);
    }
}

/// A set of simple strings.
fn write_words(reply: &mut Reply, words: &[&str], prefix: &str) {
    reply.set(words.len());
    for word in words {
        reply.simple(&format!("{prefix}{word}"));
    }
}

/// What is done with a key, as COMMAND INFO and GETKEYSANDFLAGS say it.
pub(super) fn write_use(reply: &mut Reply, key_use: KeyUse, further: &[&str]) {
    write_words(reply, &[&key_use.flag_names(), further].concat(), "");
}

fn write_key_spec(reply: &mut Reply, spec: &KeySpec) {
    reply.map(if spec.note.is_empty() { 3 } else { 4 });
    if !spec.note.is_empty() {
        reply.bulk(b"notes");
        reply.bulk(spec.note.as_bytes());
    }
    reply.bulk(b"flags");
    let further = [spec.incomplete.then_some("incomplete"), spec.variable.then_some("variable_flags")];
    write_use(reply, spec.any_use(), &further.into_iter().flatten().collect::<Vec<_>>());
    reply.bulk(b"begin_search");
    match spec.begin {
        Begin::Index(index) => write_search(reply, "index", &[("index", index)]),
        Begin::Unknown => write_search(reply, "unknown", &[]),
        Begin::Keyword(keyword, from) => {
            write_kind(reply, "keyword", 2);
            reply.bulk(b"keyword");
            reply.bulk(keyword.as_bytes());
            reply.bulk(b"startfrom");
            reply.int(from.into());
        }
    }
    reply.bulk(b"find_keys");
    match spec.find {
        Find::Unknown => write_search(reply, "unknown", &[]),
        Find::Range { last, step, limit } => {
            write_search(reply, "range", &[("lastkey", last), ("keystep", step), ("limit", limit)]);
        }
        Find::Count { count, first, step } => {
            write_search(reply, "keynum", &[("keynumidx", count), ("firstkey", first), ("keystep", step)]);
        }
    }
}

fn write_search(reply: &mut Reply, kind: &str, fields: &[(&str, i32)]) {
    write_kind(reply, kind, fields.len());
    for &(name, number) in fields {
        reply.bulk(name.as_bytes());
        reply.int(number.into());
    }
}

fn write_kind(reply: &mut Reply, kind: &str, fields: usize) {
    reply.map(2);
    reply.bulk(b"type");
    reply.bulk(kind.as_bytes());
    reply.bulk(b"spec");
    reply.map(fields);
}
