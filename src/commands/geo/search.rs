//! Members in an area: GEOSEARCH, GEOSEARCHSTORE; and what GEORADIUS and its like have in common with them.

use super::options::{Form, Options, Stores};
use super::shape::{Found, Shape, sort};
use super::{answer_distance, answer_point};
use crate::base::number::print_f64;
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::key_spec::{Access, Purpose, first_key, key_at};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::commands::sorted_set::{answer_member, store};
use crate::formats::resp::reply::Reply;
use crate::structures::element_table::Full;
use crate::values::Encodings;
use crate::values::sorted_set::{Builder, SortedSet, SortedSetRef};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&GEOSEARCH, &GEOSEARCHSTORE];

/// GEOSEARCH: members in a circle, a box or a polygon.
static GEOSEARCH: Command = Command::data("geosearch", geosearch)
    .arity(Arity::AtLeast(7))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("6.2.0")
    .complexity(
        "O(N+log(M)) where N is the number of elements in the grid-aligned bounding box area around the shape \
         provided as the filter and M is the number of items inside the shape",
    )
    .summary("Queries a geospatial index for members inside an area of a box or a circle.")
    .syntax(
        "key [FROMMEMBER member | FROMLONLAT longitude latitude]@from <<<BYRADIUS radius> <M | KM | FT | MI>>@circle \
         | <<BYBOX width> height <M | KM | FT | MI>>@box | <<BYPOLYGON num-vertices:integer> <longitude latitude \
         [longitude latitude ...]>@vertices>@polygon^9.0.0>@by [ASC | DESC] [COUNT count [ANY]]@count-block \
         [WITHCOORD] [WITHDIST] [WITHHASH]",
    )
    .history(&[
        ("7.0.0", "Added support for uppercase unit names."),
        ("9.0.0", "Added support for the BYPOLYGON option."),
    ]);

fn geosearch(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    search(cx, args, Form { source: 1, first: 2, stores: Stores::Never, around: None })
}

/// GEOSEARCHSTORE: the same, kept.
static GEOSEARCHSTORE: Command = Command::data("geosearchstore", geosearchstore)
    .arity(Arity::AtLeast(8))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(&[first_key(Access::Overwrite, Purpose::Update), key_at(2, Access::ReadOnly, Purpose::Access)])
    .since("6.2.0")
    .complexity(
        "O(N+log(M)) where N is the number of elements in the grid-aligned bounding box area around the shape \
         provided as the filter and M is the number of items inside the shape",
    )
    .summary(
        "Queries a geospatial index for members inside an area of a box or a circle, optionally stores the result.",
    )
    .syntax(
        "destination source [FROMMEMBER member | FROMLONLAT longitude latitude]@from <<<BYRADIUS radius> <M | KM | FT \
         | MI>>@circle | <<BYBOX width> height <M | KM | FT | MI>>@box | <<BYPOLYGON num-vertices:integer> <longitude \
         latitude [longitude latitude ...]>@vertices>@polygon^9.0.0>@by [ASC | DESC] [COUNT count [ANY]]@count-block \
         [STOREDIST]",
    )
    .history(&[
        ("7.0.0", "Added support for uppercase unit names."),
        ("9.0.0", "Added support for the BYPOLYGON option."),
    ]);

fn geosearchstore(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    search(cx, args, Form { source: 2, first: 3, stores: Stores::Always, around: None })
}

/// Searches, and answers or keeps what is found.
pub(super) fn search(cx: &mut DataContext<'_>, args: &Args<'_>, form: Form) -> Outcome {
    let set = cx.db.read_as::<SortedSet>(args.get(form.source))?;
    let options = Options::parse(args, form, set)?;
    let Some(key) = options.store else {
        match set.zip(options.shape.as_ref()) {
            Some((set, shape)) => answer(cx.reply, &find(set, shape, &options), shape, &options),
            None => cx.reply.array(0),
        }
        return Ok(Done);
    };
    let result = match set.zip(options.shape.as_ref()) {
        Some((set, shape)) => kept(&find(set, shape, &options), shape, &options, cx.encodings)?,
        None => SortedSet::default(),
    };
    let key = args.get(key);
    if matches!(options.shape, Some(Shape::Polygon(_))) && args.is_logged() {
        propagate(cx, key, &result);
    }
    let len = result.as_ref().len() as u64;
    store(cx, key, result, if form.around.is_some() { "georadiusstore" } else { "geosearchstore" })?;
    cx.effects.dirty += len.saturating_sub(1); // one more for each member, which other commands do not count
    Ok(Done)
}

/// What is asked for, in its order.
fn find<'a>(set: SortedSetRef<'a>, shape: &Shape, options: &Options) -> Vec<Found<'a>> {
    let enough = options.any.then_some(options.count).flatten().unwrap_or(usize::MAX);
    let mut found = shape.find(set, enough);
    let count = options.count.unwrap_or(usize::MAX);
    if let Some(order) = options.order {
        sort(&mut found, order, count);
    }
    found.truncate(count);
    found
}

fn answer(reply: &mut Reply, found: &[Found<'_>], shape: &Shape, options: &Options) {
    let extras = [options.with_distance, options.with_hash, options.with_point].map(usize::from).iter().sum::<usize>();
    reply.array(found.len());
    for it in found {
        if extras > 0 {
            reply.array(1 + extras);
        }
        answer_member(reply, it.member);
        if options.with_distance {
            answer_distance(reply, it.metres / shape.unit_metres());
        }
        if options.with_hash {
            reply.int(it.score as i64);
        }
        if options.with_point {
            answer_point(reply, it.point);
        }
    }
}

/// What was found as a sorted set.
fn kept(found: &[Found<'_>], shape: &Shape, options: &Options, encodings: &Encodings) -> Result<SortedSet, Full> {
    let mut result = Builder::new(encodings);
    for it in found {
        let score = if options.stores_distances { it.metres / shape.unit_metres() } else { it.score };
        result.add(it.member.as_slice(&mut itoa::Buffer::new()), score, |_, score| score)?;
    }
    Ok(result.finish(encodings))
}

/// The log gets what Redis knows, which has no polygons.
fn propagate(cx: &mut DataContext<'_>, key: &[u8], set: &SortedSet) {
    let mut words = vec![b"ZADD".to_vec(), key.to_vec()];
    for (member, score) in set.as_ref().iter() {
        let mut digits = Vec::new();
        print_f64(score, &mut digits);
        words.extend([digits, member.to_vec()]);
    }
    cx.propagate_as(&[b"DEL", key]);
    if words.len() > 2 {
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        cx.propagate_as(&words);
    }
}
