//! Where members are: GEOPOS, GEOHASH, GEODIST.

use super::{answer_distance, answer_point, unit};
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Purpose, first_key};
use crate::commands::row::{Arity, Command, Done, Flag, Outcome};
use crate::values::sorted_set::SortedSet;
use crate::values::views::geohash::{Point, Unit};

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&GEOPOS, &GEOHASH, &GEODIST];

/// GEOPOS: longitudes and latitudes.
static GEOPOS: Command = Command::data("geopos", geopos)
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("3.2.0")
    .complexity("O(1) for each member requested.")
    .summary("Returns the longitude and latitude of members from a geospatial index.")
    .syntax("key [member [member ...]]");

fn geopos(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let set = cx.db.read_as::<SortedSet>(args.get(1))?;
    cx.reply.array(args.len() - 2);
    for member in args.from(2) {
        match set.and_then(|set| set.score(member)) {
            Some(score) => answer_point(cx.reply, Point::from_score(score)),
            None => cx.reply.null_array(),
        }
    }
    Ok(Done)
}

/// GEOHASH: the strings that geohash.org knows.
static GEOHASH: Command = Command::data("geohash", geohash)
    .arity(Arity::AtLeast(2))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("3.2.0")
    .complexity("O(1) for each member requested.")
    .summary("Returns members from a geospatial index as geohash strings.")
    .syntax("key [member [member ...]]");

fn geohash(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let set = cx.db.read_as::<SortedSet>(args.get(1))?;
    cx.reply.array(args.len() - 2);
    for member in args.from(2) {
        match set.and_then(|set| set.score(member)) {
            Some(score) => cx.reply.bulk(&Point::from_score(score).geohash()),
            None => cx.reply.null(),
        }
    }
    Ok(Done)
}

/// GEODIST: how far it is from one to another.
static GEODIST: Command = Command::data("geodist", geodist)
    .arity(Arity::AtLeast(4))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("3.2.0")
    .complexity("O(1)")
    .summary("Returns the distance between two members of a geospatial index.")
    .syntax("key member1 member2 [M | KM | FT | MI]");

fn geodist(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    let unit = match args.len() {
        4 => Unit::Metre,
        5 => unit(args, 4)?,
        _ => return Err(Error::Syntax),
    };
    let set = cx.db.read_as::<SortedSet>(args.get(1))?;
    let place = |i| set.and_then(|set| set.score(args.get(i))).map(Point::from_score);
    match (place(2), place(3)) {
        (Some(from), Some(to)) => answer_distance(cx.reply, from.distance_to(to) / unit.metres()),
        _ => cx.reply.null(),
    }
    Ok(Done)
}
