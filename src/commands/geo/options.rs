//! The words of a search: those of GEOSEARCH and those of GEORADIUS, which partly are the same.

use super::shape::{Order, Shape};
use super::{point, unit};
use crate::base::number::parse_i64;
use crate::commands::args::Args;
use crate::commands::error::Error;
use crate::error;
use crate::values::sorted_set::SortedSetRef;
use crate::values::views::geohash::{self, Area, Point, Unit};
use crate::values::views::polygon::Polygon;

/// Whether what is found is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stores {
    Never,
    /// In the key at word 1.
    Always,
    /// If STORE or STOREDIST says so.
    OnDemand,
}

/// How a command's words stand.
#[derive(Clone, Copy)]
pub(super) struct Form {
    /// The word that is the set's key.
    pub(super) source: usize,
    /// The first option.
    pub(super) first: usize,
    pub(super) stores: Stores,
    /// Reads what is searched from the words before the options. `None`: options say it.
    pub(super) around: Option<ReadArea>,
}

/// Reads what is searched; `None` where that cannot be said without the set.
pub(super) type ReadArea = fn(&Args<'_>, Option<SortedSetRef<'_>>) -> Result<Option<Area>, Error>;

/// What a call asks for.
pub(super) struct Options {
    /// What is searched; unknown if a member was to be its centre and there is no set.
    pub(super) shape: Option<Shape>,
    pub(super) with_distance: bool,
    pub(super) with_hash: bool,
    pub(super) with_point: bool,
    /// How many at most.
    pub(super) count: Option<usize>,
    /// Any so many will do.
    pub(super) any: bool,
    pub(super) order: Option<Order>,
    /// The word that is the key where what is found is kept.
    pub(super) store: Option<usize>,
    /// Scores are distances then.
    pub(super) stores_distances: bool,
}

impl Options {
    pub(super) fn parse(args: &Args<'_>, form: Form, set: Option<SortedSetRef<'_>>) -> Result<Options, Error> {
        let mut options = Options {
            shape: None,
            with_distance: false,
            with_hash: false,
            with_point: false,
            count: None,
            any: false,
            order: None,
            store: (form.stores == Stores::Always).then_some(1),
            stores_distances: false,
        };
        if let Some(read) = form.around {
            options.shape = read(args, set)?.map(Shape::Area);
        }
        let mut place = Place::default();
        let mut i = form.first;
        while i < args.len() {
            i += match options.parse_common(args, i)? {
                Some(used) => used,
                None => match options.parse_store(args, i, form.stores) {
                    Some(used) => used,
                    None if form.around.is_none() => place.parse(args, i, set)?,
                    None => return Err(Error::Syntax),
                },
            };
        }
        options.check_store(form.stores)?;
        if form.around.is_none() {
            options.shape = place.shape(args)?;
        }
        if options.any && options.count.is_none() {
            return Err(Error::Text("ERR the ANY argument requires COUNT argument"));
        }
        // The first few are the nearest, unless any will do.
        if options.count.is_some() && !options.any {
            options.order = options.order.or(Some(Order::Nearest));
        }
        Ok(options)
    }

    /// Reads an option that all commands have; how many words it is.
    fn parse_common(&mut self, args: &Args<'_>, i: usize) -> Result<Option<usize>, Error> {
        match () {
            _ if args.is(i, "withdist") => self.with_distance = true,
            _ if args.is(i, "withhash") => self.with_hash = true,
            _ if args.is(i, "withcoord") => self.with_point = true,
            _ if args.is(i, "any") => self.any = true,
            _ if args.is(i, "asc") => self.order = Some(Order::Nearest),
            _ if args.is(i, "desc") => self.order = Some(Order::Farthest),
            _ if args.is(i, "count") && i + 1 < args.len() => {
                let count = args.int(i + 1)?;
                if count <= 0 {
                    return Err(Error::Text("ERR COUNT must be > 0"));
                }
                self.count = Some(usize::try_from(count).unwrap_or(usize::MAX));
                return Ok(Some(2));
            }
            _ => return Ok(None),
        }
        Ok(Some(1))
    }

    /// Reads where and how to keep what is found.
    fn parse_store(&mut self, args: &Args<'_>, i: usize, stores: Stores) -> Option<usize> {
        match stores {
            Stores::Always if args.is(i, "storedist") => {
                self.stores_distances = true;
                Some(1)
            }
            Stores::OnDemand if i + 1 < args.len() && (args.is(i, "store") || args.is(i, "storedist")) => {
                (self.store, self.stores_distances) = (Some(i + 1), args.is(i, "storedist"));
                Some(2)
            }
            _ => None,
        }
    }

    fn check_store(&self, stores: Stores) -> Result<(), Error> {
        if self.store.is_none() || !(self.with_distance || self.with_hash || self.with_point) {
            return Ok(());
        }
        let name = if stores == Stores::Always { "GEOSEARCHSTORE" } else { "STORE option in GEORADIUS" };
        Err(error!("ERR {name} is not compatible with WITHDIST, WITHHASH and WITHCOORD options"))
    }
}

/// What GEOSEARCH's options say of the place. The same may be said twice: then the last word counts.
#[derive(Default)]
struct Place {
    from: From,
    by: By,
}

#[derive(Default, Clone, Copy, PartialEq)]
enum From {
    #[default]
    Nowhere,
    /// Where that is, if there is a set.
    Member(Option<Point>),
    Point(Point),
}

#[derive(Default)]
enum By {
    #[default]
    Nothing,
    Circle(geohash::Shape, Unit),
    Box(geohash::Shape, Unit),
    Polygon(Polygon),
}

impl Place {
    /// Reads an option; how many words it is.
    fn parse(&mut self, args: &Args<'_>, i: usize, set: Option<SortedSetRef<'_>>) -> Result<usize, Error> {
        let behind = args.len() - i - 1;
        let has_polygon = matches!(self.by, By::Polygon(_));
        match (self.from, &self.by) {
            (From::Nowhere | From::Member(_), _) if behind >= 1 && !has_polygon && args.is(i, "frommember") => {
                self.from = From::Member(place_of(args.get(i + 1), set)?);
                Ok(2)
            }
            (From::Nowhere | From::Point(_), _) if behind >= 2 && !has_polygon && args.is(i, "fromlonlat") => {
                self.from = From::Point(point(args, i + 1)?);
                Ok(3)
            }
            (_, By::Nothing | By::Circle(..)) if behind >= 2 && args.is(i, "byradius") => {
                let (radius, unit) = circle(args, i + 1)?;
                self.by = By::Circle(radius, unit);
                Ok(3)
            }
            (_, By::Nothing | By::Box(..)) if behind >= 3 && args.is(i, "bybox") => {
                let (extent, unit) = width_and_height(args, i + 1)?;
                self.by = By::Box(extent, unit);
                Ok(4)
            }
            (From::Nowhere, By::Nothing | By::Polygon(_)) if behind >= 1 && args.is(i, "bypolygon") => {
                let vertices = vertices(args, i + 1)?;
                let used = 2 + 2 * vertices.len();
                self.by = By::Polygon(Polygon::new(vertices));
                Ok(used)
            }
            _ => Err(Error::Syntax),
        }
    }

    /// All of it; nothing, if it is around a member and there is no set.
    fn shape(self, args: &Args<'_>) -> Result<Option<Shape>, Error> {
        let name = || String::from_utf8_lossy(args.get(0)).into_owned();
        let (shape, unit) = match (self.from, self.by) {
            (_, By::Polygon(polygon)) => return Ok(Some(Shape::Polygon(polygon))),
            (From::Nowhere, _) => {
                return Err(error!("ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for {}", name()));
            }
            (_, By::Nothing) => {
                return Err(error!("ERR exactly one of BYRADIUS and BYBOX can be specified for {}", name()));
            }
            (_, By::Circle(shape, unit) | By::Box(shape, unit)) => (shape, unit),
        };
        let center = match self.from {
            From::Point(center) => Some(center),
            From::Member(center) => center,
            From::Nowhere => None,
        };
        Ok(center.map(|center| Shape::Area(Area { center, shape, unit })))
    }
}

/// Where a member is; nothing without a set.
pub(super) fn place_of(member: &[u8], set: Option<SortedSetRef<'_>>) -> Result<Option<Point>, Error> {
    let Some(set) = set else { return Ok(None) };
    let score = set.score(member).ok_or(Error::Text("ERR could not decode requested zset member"))?;
    Ok(Some(Point::from_score(score)))
}

/// Word `i` and the next: a radius and its unit.
pub(super) fn circle(args: &Args<'_>, i: usize) -> Result<(geohash::Shape, Unit), Error> {
    let radius = args.double(i).map_err(|_| Error::Text("ERR need numeric radius"))?;
    if radius < 0.0 {
        return Err(Error::Text("ERR radius cannot be negative"));
    }
    Ok((geohash::Shape::Circle { radius }, unit(args, i + 1)?))
}

/// Word `i` and two more: width, height and their unit.
fn width_and_height(args: &Args<'_>, i: usize) -> Result<(geohash::Shape, Unit), Error> {
    let width = args.double(i).map_err(|_| Error::Text("ERR need numeric width"))?;
    let height = args.double(i + 1).map_err(|_| Error::Text("ERR need numeric height"))?;
    if width < 0.0 || height < 0.0 {
        return Err(Error::Text("ERR height or width cannot be negative"));
    }
    Ok((geohash::Shape::Box { width, height }, unit(args, i + 2)?))
}

/// Word `i`, a number, and so many points behind it.
fn vertices(args: &Args<'_>, i: usize) -> Result<Vec<Point>, Error> {
    let number = parse_i64(args.get(i)).filter(|number| i32::try_from(*number).is_ok());
    let number = number.ok_or(Error::Text("ERR invalid number of vertices"))?;
    let there = (args.len() - i - 1) / 2;
    if number < 3 || number > there as i64 {
        return Err(Error::Text("ERR GEOSEARCH BYPOLYGON must have at least 3 vertices"));
    }
    (0..number as usize).map(|vertex| point(args, i + 1 + 2 * vertex)).collect()
}
