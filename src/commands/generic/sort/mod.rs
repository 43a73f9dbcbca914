//! Elements in another order: SORT, SORT_RO.
//!
//! What is sorted stays where it is: elements, and the strings and fields that BY and GET name, are borrowed until the answer is
//! written.

mod options;
mod order;
mod pattern;
mod source;

use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::effects::Event;
use crate::commands::key_spec::{Access, Begin, Find, KeySpec, Purpose, first_key};
use crate::commands::look_ahead::GROUP;
use crate::commands::row::{Arity, Category, Command, Done, Flag, Outcome};
use crate::formats::resp::reply::Reply;
use crate::keyspace::database::Expiry;
use crate::structures::listpack::Entry;
use crate::values::list::{Builder, List};
use crate::values::{Encodings, Owned};
use options::{Options, Stores};
use order::sorted;
use pattern::Reader;
use source::Source;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&SORT, &SORT_RO];

const CATEGORIES: &[Category] = &[Category::Set, Category::SortedSet, Category::List, Category::Dangerous];

/// The keys that patterns name.
const PATTERNS: KeySpec = KeySpec::new(Access::ReadOnly, Purpose::Access, Begin::Unknown, Find::Unknown)
    .read_for(options::first_pattern)
    .note("For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the content of the key we sort",
);

/// SORT: elements in order, answered or kept.
static SORT: Command = Command::data("sort", |cx, args| run(cx, args, Stores::OnDemand))
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::Write, Flag::DenyOom])
    .categories(CATEGORIES)
    .keys(&[
        first_key(Access::ReadOnly, Purpose::Access),
        PATTERNS,
        KeySpec::new(Access::Overwrite, Purpose::Update, Begin::Unknown, Find::Unknown).found_by(destination).note(
            "For the optional STORE keyword. It is marked 'unknown' because the keyword can appear anywhere in the argument array",
        ),
    ])
    .since("1.0.0")
    .complexity(
        "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the number of returned elements. \
         When the elements are not sorted, complexity is O(N).",
    )
    .summary("Sorts the elements in a list, a set, or a sorted set, optionally storing the result.")
    .syntax(
        "key [BY pattern@by-pattern#1] [LIMIT offset count] [GET pattern@get-pattern#1 [GET pattern ...]] [ASC | DESC] \
         [ALPHA@sorting] [STORE destination]",
    );

/// SORT_RO: the same, never kept.
static SORT_RO: Command = Command::data("sort_ro", |cx, args| run(cx, args, Stores::Never))
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::ReadOnly])
    .categories(CATEGORIES)
    .keys(&[first_key(Access::ReadOnly, Purpose::Access), PATTERNS])
    .since("7.0.0")
    .complexity(
        "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the number of returned elements. \
         When the elements are not sorted, complexity is O(N).",
    )
    .summary("Returns the sorted elements of a list, a set, or a sorted set.")
    .syntax(
        "key [BY pattern@by-pattern#1] [LIMIT offset count] [GET pattern@get-pattern#1 [GET pattern ...]] [ASC | DESC] \
         [ALPHA@sorting]",
    );

fn run(cx: &mut DataContext<'_>, args: &Args<'_>, stores: Stores) -> Outcome {
    let options = Options::parse(args, stores)?;
    let handle = cx.db.read(args.get(1));
    let source = Source::of(cx.db, handle)?;
    let mut reader = Reader::new(cx.db);
    let to_keep = sorted(source, &options, &mut reader).map(|elements| match options.store {
        Some(_) => Some(kept(&elements, &options, &mut reader, cx.encodings)),
        None => {
            answer(cx.reply, &elements, &options, &mut reader);
            None
        }
    });
    let noted = reader.finish();
    cx.db.make_up_for(noted);
    match (to_keep?, options.store) {
        (Some(list), Some(key)) => store(cx, key, list),
        _ => Ok(Done),
    }
}

fn answer<'a>(reply: &mut Reply, elements: &[Entry<'a>], options: &Options<'_>, reader: &mut Reader<'a>) {
    reply.array(elements.len() * options.gets.len().max(1));
    show(elements, options, reader, |value| match value {
        Some(value) => reply.bulk_entry(value),
        None => reply.null(),
    });
}

/// The result as a list, in which what is not there is an empty string.
fn kept<'a>(elements: &[Entry<'a>], options: &Options<'_>, reader: &mut Reader<'a>, encodings: &Encodings) -> List {
    let (mut list, mut digits) = (Builder::default(), itoa::Buffer::new());
    show(elements, options, reader, |value| {
        list.push(value.map_or(&[], |value| value.as_slice(&mut digits)), encodings);
    });
    list.finish(encodings)
}

/// Shows the elements, or what GET names for each.
fn show<'a>(
    elements: &[Entry<'a>],
    options: &Options<'_>,
    reader: &mut Reader<'a>,
    mut show: impl FnMut(Option<Entry<'a>>),
) {
    if options.gets.is_empty() {
        return elements.iter().for_each(|&element| show(Some(element)));
    }
    for group in elements.chunks(GROUP) {
        let values: Vec<_> = options.gets.iter().map(|pattern| reader.read(pattern, group)).collect();
        for i in 0..group.len() {
            values.iter().for_each(|of_pattern| show(of_pattern[i]));
        }
    }
}

/// Puts the list in the place of whatever is at the key; an empty one removes it.
fn store(cx: &mut DataContext<'_>, key: &[u8], list: List) -> Outcome {
    let len = list.len();
    if len > 0 {
        cx.db.put(key, Owned::of(list), Expiry::Clear)?;
        cx.changed(key, Event::list("sortstore"));
        cx.effects.dirty += len as u64 - 1;
    } else if cx.db.remove(key) {
        cx.changed(key, Event::generic("del"));
    }
    cx.reply.int(len as i64);
    Ok(Done)
}

/// The word behind the last STORE that is an option and not the word of another.
fn destination(args: &Args<'_>) -> Option<usize> {
    let (mut found, mut i) = (None, 2);
    while i < args.len() {
        match args {
            _ if args.is(i, "limit") => i += 2,
            _ if args.is(i, "get") || args.is(i, "by") => i += 1,
            _ if args.is(i, "store") && i + 1 < args.len() => found = Some(i + 1),
            _ => {}
        }
        i += 1;
    }
    found
}
