//! The older searches: GEORADIUS, GEORADIUSBYMEMBER, and their forms that only read (`_RO`).

use super::options::{Form, ReadArea, Stores, circle, place_of};
use super::point;
use super::search::search;
use crate::commands::args::Args;
use crate::commands::context::DataContext;
use crate::commands::error::Error;
use crate::commands::key_spec::{Access, Begin, Find, KeySpec, Purpose, first_key};
use crate::commands::row::{Arity, Command, Flag, Outcome};
use crate::values::sorted_set::SortedSetRef;
use crate::values::views::geohash::Area;

/// This file's commands.
pub const COMMANDS: &[&Command] = &[&GEORADIUS, &GEORADIUS_RO, &GEORADIUSBYMEMBER, &GEORADIUSBYMEMBER_RO];

/// The key behind STORE.
const ONE_KEY: Find = Find::Range { last: 0, step: 1, limit: 0 };

/// GEORADIUS: members around a point.
static GEORADIUS: Command = Command::data("georadius", georadius)
    .arity(Arity::AtLeast(6))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(&[
        first_key(Access::ReadOnly, Purpose::Access),
        KeySpec::new(Access::Overwrite, Purpose::Update, Begin::Keyword("STORE", 6), ONE_KEY).repeated(),
        KeySpec::new(Access::Overwrite, Purpose::Update, Begin::Keyword("STOREDIST", 6), ONE_KEY).repeated(),
    ])
    .since("3.2.0")
    .complexity(
        "O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by \
         center and radius and M is the number of items inside the index.",
    )
    .summary(
        "Queries a geospatial index for members within a distance from a coordinate, optionally stores the result.",
    )
    .deprecated("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument")
    .syntax(
        "key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count \
         [ANY^6.2.0]]@count-block [ASC | DESC] [STORE key@storekey | STOREDIST key@storedistkey]@store",
    )
    .history(&[("6.2.0", "Added the `ANY` option for `COUNT`."), ("7.0.0", "Added support for uppercase unit names.")]);

fn georadius(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    search(cx, args, Form { source: 1, first: 6, stores: Stores::OnDemand, around: Some(AROUND_POINT) })
}

/// GEORADIUS_RO: the same, never kept.
static GEORADIUS_RO: Command = Command::data("georadius_ro", georadius_ro)
    .arity(Arity::AtLeast(6))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("3.2.10")
    .complexity(
        "O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by \
         center and radius and M is the number of items inside the index.",
    )
    .summary("Returns members from a geospatial index that are within a distance from a coordinate.")
    .deprecated("6.2.0", "`GEOSEARCH` with the `BYRADIUS` argument")
    .syntax(
        "key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count \
         [ANY^6.2.0]]@count-block [ASC | DESC]",
    )
    .history(&[("6.2.0", "Added the `ANY` option for `COUNT`."), ("7.0.0", "Added support for uppercase unit names.")]);

fn georadius_ro(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    search(cx, args, Form { source: 1, first: 6, stores: Stores::Never, around: Some(AROUND_POINT) })
}

/// GEORADIUSBYMEMBER: members around a member.
static GEORADIUSBYMEMBER: Command = Command::data("georadiusbymember", georadiusbymember)
    .arity(Arity::AtLeast(5))
    .flags(&[Flag::Write, Flag::DenyOom])
    .keys(&[
        first_key(Access::ReadOnly, Purpose::Access),
        KeySpec::new(Access::Overwrite, Purpose::Update, Begin::Keyword("STORE", 5), ONE_KEY).repeated(),
        KeySpec::new(Access::Overwrite, Purpose::Update, Begin::Keyword("STOREDIST", 5), ONE_KEY).repeated(),
    ])
    .since("3.2.0")
    .complexity(
        "O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by \
         center and radius and M is the number of items inside the index.",
    )
    .summary("Queries a geospatial index for members within a distance from a member, optionally stores the result.")
    .deprecated("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments")
    .syntax(
        "key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]]@count-block [ASC \
         | DESC] [STORE key@storekey | STOREDIST key@storedistkey]@store",
    )
    .history(&[("6.2.0", "Added the `ANY` option for `COUNT`."), ("7.0.0", "Added support for uppercase unit names.")]);

fn georadiusbymember(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    search(cx, args, Form { source: 1, first: 5, stores: Stores::OnDemand, around: Some(AROUND_MEMBER) })
}

/// GEORADIUSBYMEMBER_RO: the same, never kept.
static GEORADIUSBYMEMBER_RO: Command = Command::data("georadiusbymember_ro", georadiusbymember_ro)
    .arity(Arity::AtLeast(5))
    .flags(&[Flag::ReadOnly])
    .keys(&[first_key(Access::ReadOnly, Purpose::Access)])
    .since("3.2.10")
    .complexity(
        "O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by \
         center and radius and M is the number of items inside the index.",
    )
    .summary("Returns members from a geospatial index that are within a distance from a member.")
    .deprecated("6.2.0", "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments")
    .syntax(
        "key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]]@count-block [ASC \
         | DESC]",
    )
    .history(&[("6.2.0", "Added the `ANY` option for `COUNT`."), ("7.0.0", "Added support for uppercase unit names.")]);

fn georadiusbymember_ro(cx: &mut DataContext<'_>, args: &mut Args<'_>) -> Outcome {
    search(cx, args, Form { source: 1, first: 5, stores: Stores::Never, around: Some(AROUND_MEMBER) })
}

const AROUND_POINT: ReadArea = around_point;
const AROUND_MEMBER: ReadArea = around_member;

fn around_point(args: &Args<'_>, _: Option<SortedSetRef<'_>>) -> Result<Option<Area>, Error> {
    let center = point(args, 2)?;
    let (shape, unit) = circle(args, 4)?;
    Ok(Some(Area { center, shape, unit }))
}

/// Without a set, the words are not even looked at, as in Redis.
fn around_member(args: &Args<'_>, set: Option<SortedSetRef<'_>>) -> Result<Option<Area>, Error> {
    let Some(center) = place_of(args.get(2), set)? else { return Ok(None) };
    let (shape, unit) = circle(args, 3)?;
    Ok(Some(Area { center, shape, unit }))
}
