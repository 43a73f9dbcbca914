//! A sorted set's scores as points on earth.
//!
//! ```text
//!   longitude  -180 ...... 180      → 26 bits, x: which of 2^26 equal strips
//!   latitude   -85.05 .. 85.05      → 26 bits, y
//!
//!   score      x y x y x y .. x y     52 bits, exact in a double; the first 2·n of them name a cell of a grid
//!              └── cell of 2^n by 2^n ──┘       and points of one cell are neighbours in the order of scores
//! ```
//!
//! A search covers its area with cells as large as the area: the one of its centre and the eight around, each a range of
//! scores; what lies in them is measured point by point. All sums are done in Redis's order, as its replies show every digit.

use std::ops::Range;

/// The lowest and the highest longitude.
pub const LONGITUDES: [f64; 2] = [-180.0, 180.0];
/// The lowest and the highest latitude: the Mercator projection (EPSG:3857) is a square between them.
pub const LATITUDES: [f64; 2] = [-85.05112878, 85.05112878];

/// Mean radius of the earth, in metres, that Redis measures with.
const EARTH_RADIUS: f64 = 6372797.560856;
/// Half the length of the Mercator projection's side, in metres, as Redis has it.
const MERCATOR_MAX: f64 = 20037726.37;
pub(super) const RADIANS: f64 = std::f64::consts::PI / 180.0;
/// Bits of each coordinate in a score.
pub(super) const STEPS: u32 = 26;
/// The bits of longitude, and those of latitude, in a cell's number.
const X_BITS: u64 = 0xaaaa_aaaa_aaaa_aaaa;
const Y_BITS: u64 = 0x5555_5555_5555_5555;

/// A point in degrees, within [`LONGITUDES`] and [`LATITUDES`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Degrees east.
    pub longitude: f64,
    /// Degrees north.
    pub latitude: f64,
}

/// A unit of length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// `m`
    Metre,
    /// `km`
    Kilometre,
    /// `ft`
    Foot,
    /// `mi`
    Mile,
}

/// What is searched around a centre, in the search's unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// All at most this far.
    Circle {
        /// At least 0.
        radius: f64,
    },
    /// All at most half the width to the east or west, along their own latitude, and half the height to the north or south.
    Box {
        /// At least 0.
        width: f64,
        /// At least 0.
        height: f64,
    },
}

/// An area to be searched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    /// Its middle.
    pub center: Point,
    /// Its extent.
    pub shape: Shape,
    /// What the extent is given in.
    pub unit: Unit,
}

impl Unit {
    /// Its length.
    pub fn metres(self) -> f64 {
        match self {
            Unit::Metre => 1.0,
            Unit::Kilometre => 1000.0,
            Unit::Foot => 0.3048,
            Unit::Mile => 1609.34,
        }
    }
}

impl Point {
    /// A point, unless it is out of bounds.
    pub fn new(longitude: f64, latitude: f64) -> Option<Point> {
        let is_within = |it: f64, [min, max]: [f64; 2]| min <= it && it <= max;
        (is_within(longitude, LONGITUDES) && is_within(latitude, LATITUDES)).then_some(Point { longitude, latitude })
    }

    /// The score that stands for it in a sorted set.
    pub fn score(self) -> u64 {
        Cell::of(self, LATITUDES, STEPS).bits
    }

    /// The middle of the smallest cell that a score names. Any score will do: it may have been set as that.
    pub fn from_score(score: f64) -> Point {
        let (longitude, latitude) = Cell { bits: to_bits(score), steps: STEPS }.bounds();
        let middle = |[low, high]: [f64; 2], [min, max]: [f64; 2]| ((low + high) / 2.0).clamp(min, max);
        Point { longitude: middle(longitude, LONGITUDES), latitude: middle(latitude, LATITUDES) }
    }

    /// The standard geohash (geohash.org) in base 32. It divides latitudes from -90 to 90, and its eleventh digit would take
    /// more bits than there are: it is always `0`.
    pub fn geohash(self) -> [u8; 11] {
        const DIGITS: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
        let bits = Cell::of(self, [-90.0, 90.0], STEPS).bits;
        std::array::from_fn(|at| match at {
            10 => DIGITS[0],
            at => DIGITS[(bits >> (2 * STEPS as usize - 5 * (at + 1)) & 31) as usize],
        })
    }

    /// Metres to another point along a great circle, by the haversine formula.
    pub fn distance_to(self, other: Point) -> f64 {
        let v = ((other.longitude * RADIANS - self.longitude * RADIANS) / 2.0).sin();
        if v == 0.0 {
            return self.latitude_distance_to(other);
        }
        let (from, to) = (self.latitude * RADIANS, other.latitude * RADIANS);
        let u = ((to - from) / 2.0).sin();
        let a = u * u + from.cos() * to.cos() * v * v;
        2.0 * EARTH_RADIUS * a.sqrt().asin()
    }

    /// Metres to the latitude of another point.
    fn latitude_distance_to(self, other: Point) -> f64 {
        EARTH_RADIUS * (other.latitude * RADIANS - self.latitude * RADIANS).abs()
    }
}

/// A score as Redis converts it, on the processors that it is run on: what is no number of 64 bits wraps.
fn to_bits(score: f64) -> u64 {
    const HALF: f64 = (1u64 << 63) as f64;
    match score {
        _ if score < HALF => score as i64 as u64,
        _ if score < 2.0 * HALF => score as u64,
        _ => 0,
    }
}

impl Area {
    /// Metres from its centre to a point, if that lies in it.
    pub fn distance_if_within(&self, point: Point) -> Option<f64> {
        let unit = self.unit.metres();
        match self.shape {
            Shape::Circle { radius } => Some(self.center.distance_to(point)).filter(|it| *it <= radius * unit),
            Shape::Box { width, height } => {
                let beside = Point { longitude: self.center.longitude, ..point };
                let is_within = point.latitude_distance_to(self.center) <= height * unit / 2.0
                    && point.distance_to(beside) <= width * unit / 2.0;
                is_within.then(|| self.center.distance_to(point))
            }
        }
    }

    /// Ranges of scores, at most nine, in which all of its points lie, though not only they; in the order in which Redis searches
    /// them.
    pub fn score_ranges(&self) -> impl Iterator<Item = Range<u64>> {
        let bounds = self.bounding_box();
        let ([west, east], [south, north]) = bounds;
        let steps = self.steps();
        let mut center = Cell::of(self.center, LATITUDES, steps);
        // Near the edge of a cell, the next one may end before the area does.
        let is_too_small = center.beside(0, 1).bounds().1[1] < north
            || center.beside(0, -1).bounds().1[0] > south
            || center.beside(1, 0).bounds().0[1] < east
            || center.beside(-1, 0).bounds().0[0] > west;
        if steps > 1 && is_too_small {
            center = Cell::of(self.center, LATITUDES, steps - 1);
        }
        center.score_ranges(bounds)
    }

    /// How deep to divide for cells that are as large as the area.
    fn steps(&self) -> u32 {
        let radius = match self.shape {
            Shape::Circle { radius } => radius,
            Shape::Box { width, height } => ((width / 2.0) * (width / 2.0) + (height / 2.0) * (height / 2.0)).sqrt(),
        };
        let mut range = radius * self.unit.metres();
        if range == 0.0 {
            return STEPS;
        }
        let mut steps = -1;
        while range < MERCATOR_MAX {
            range *= 2.0;
            steps += 1;
        }
        // Towards the poles, cells are narrower than they seem.
        let latitude = self.center.latitude.abs();
        steps -= i32::from(latitude > 66.0) + i32::from(latitude > 80.0);
        steps.clamp(1, STEPS as i32) as u32
    }

    /// The lowest and the highest longitude and latitude, about: a box on a globe has bent sides.
    fn bounding_box(&self) -> ([f64; 2], [f64; 2]) {
        let (width, height) = match self.shape {
            Shape::Circle { radius } => (radius, radius),
            Shape::Box { width, height } => (width / 2.0, height / 2.0),
        };
        let (width, height) = (self.unit.metres() * width, self.unit.metres() * height);
        let Point { longitude, latitude } = self.center;
        let y = height / EARTH_RADIUS / RADIANS;
        let edge = if latitude < 0.0 { latitude - y } else { latitude + y };
        let x = width / EARTH_RADIUS / (edge * RADIANS).cos() / RADIANS;
        ([longitude - x, longitude + x], [latitude - y, latitude + y])
    }
}

/// A cell of the grid that divides the map `steps` times in either direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    bits: u64,
    steps: u32,
}

impl Cell {
    /// The cell of a point. The highest coordinates are a cell of their own, beyond the last.
    pub(super) fn of(point: Point, latitudes: [f64; 2], steps: u32) -> Cell {
        let strip = |it: f64, [min, max]: [f64; 2]| ((it - min) / (max - min) * (1u64 << steps) as f64) as u32;
        let (x, y) = (strip(point.longitude, LONGITUDES), strip(point.latitude, latitudes));
        Cell { bits: spread(y) | spread(x) << 1, steps }
    }

    /// Its longitudes and latitudes.
    fn bounds(self) -> ([f64; 2], [f64; 2]) {
        let edge =
            |strip: u32, [min, max]: [f64; 2]| min + (f64::from(strip) / (1u64 << self.steps) as f64) * (max - min);
        let edges = |strip: u32, limits| [edge(strip, limits), edge(strip.wrapping_add(1), limits)];
        (edges(gather(self.bits >> 1), LONGITUDES), edges(gather(self.bits), LATITUDES))
    }

    /// The cell so many to the east and to the north, each -1, 0 or 1; beyond the edge of the map it is one at the other edge.
    fn beside(self, x: i8, y: i8) -> Cell {
        let shift = 64 - 2 * self.steps;
        let bits = moved(self.bits, x, X_BITS, X_BITS >> shift, Y_BITS >> shift);
        Cell { bits: moved(bits, y, Y_BITS, Y_BITS >> shift, X_BITS >> shift), ..self }
    }

    /// The ranges of scores of this cell and its neighbours, as far as a box of longitudes and latitudes reaches into them.
    pub(super) fn score_ranges(self, bounds: ([f64; 2], [f64; 2])) -> impl Iterator<Item = Range<u64>> {
        let mut last: Option<Cell> = None;
        self.cells(bounds).into_iter().enumerate().filter_map(move |(at, cell)| {
            // Cells of half the earth have the same neighbour on either side. The centre is not compared with.
            let cell = cell.filter(|cell| last != Some(*cell))?;
            last = (at > 0).then_some(cell);
            Some(cell.scores())
        })
    }

    /// The cell itself, then those to the north, south, east, west, north-east, north-west, south-east and south-west, as far as a
    /// box reaches into them.
    fn cells(self, ([west, east], [south, north]): ([f64; 2], [f64; 2])) -> [Option<Cell>; 9] {
        let (longitude, latitude) = self.bounds();
        // With the four cells of one step, all are searched.
        let is_coarse = self.steps < 2;
        let reaches = |x: i8, y: i8| {
            let is_out = (y < 0 && latitude[0] < south)
                || (y > 0 && latitude[1] > north)
                || (x < 0 && longitude[0] < west)
                || (x > 0 && longitude[1] > east);
            is_coarse || !is_out
        };
        let around = [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)];
        around.map(|(x, y)| reaches(x, y).then(|| self.beside(x, y)))
    }

    /// The scores of all points in it.
    fn scores(self) -> Range<u64> {
        let shift = 2 * (STEPS - self.steps);
        self.bits << shift..(self.bits + 1) << shift
    }
}

/// Adds -1, 0 or 1 to the number in every other bit, those of `axis`; of its bits `kept` are left. With the bits between set a carry
/// runs through.
fn moved(bits: u64, by: i8, axis: u64, kept: u64, between: u64) -> u64 {
    let number = bits & axis;
    let number = match by {
        0 => return bits,
        1 => number.wrapping_add(between + 1),
        _ => (number | between).wrapping_sub(between + 1),
    };
    number & kept | bits & !axis
}

/// A number's bits in the even places of a longer one.
fn spread(number: u32) -> u64 {
    let spaced = |it: u64, by: u32, mask: u64| (it | it << by) & mask;
    let it = spaced(u64::from(number), 16, 0x0000_ffff_0000_ffff);
    let it = spaced(it, 8, 0x00ff_00ff_00ff_00ff);
    let it = spaced(it, 4, 0x0f0f_0f0f_0f0f_0f0f);
    let it = spaced(it, 2, 0x3333_3333_3333_3333);
    spaced(it, 1, Y_BITS)
}

/// The bits in the even places of a number.
fn gather(number: u64) -> u32 {
    let packed = |it: u64, by: u32, mask: u64| (it | it >> by) & mask;
    let it = packed(number & Y_BITS, 1, 0x3333_3333_3333_3333);
    let it = packed(it, 2, 0x0f0f_0f0f_0f0f_0f0f);
    let it = packed(it, 4, 0x00ff_00ff_00ff_00ff);
    let it = packed(it, 8, 0x0000_ffff_0000_ffff);
    packed(it, 16, 0x0000_0000_ffff_ffff) as u32
}

/// What is expected is what a Redis 8.0.6 answered.
#[cfg(test)]
mod tests {
    use super::*;

    /// Points as they were added.
    const POINTS: [(&str, [f64; 2]); 9] = [
        ("Palermo", [13.361389, 38.115556]),
        ("Catania", [15.087269, 37.502669]),
        ("low", [-180.0, -85.05112878]),
        ("high", [180.0, 85.05112878]),
        ("east", [179.9, 0.5]),
        ("west", [-179.9, 0.5]),
        ("arctic", [12.5, 81.3]),
        ("edge1", [12.758489, 38.788135]),
        ("edge2", [17.241510, 38.788135]),
    ];

    /// Scores of the first, what they are read as, and their geohashes.
    const STORED: [(u64, [f64; 2], &str); 7] = [
        (3479099956230698, [13.361389338970184, 38.1155563954963], "sqc8b49rny0"),
        (3479447370796909, [15.087267458438873, 37.50266842333162], "sqdtr74hyu0"),
        (0, [-179.99999731779099, -85.05112751263943], "00bh0hbj200"),
        (13510798882111488, [180.0, 85.05112878], "bp05b5048p0"),
        (4128320588237048, [179.89999920129776, 0.5000003632517789], "xbpfvep0ty0"),
        (1125921927258706, [-179.89999920129776, 0.5000003632517789], "8004f70bdn0"),
        (3760654388104849, [12.499997913837433, 81.29999873837602], "uq2ys2nnz40"),
    ];

    fn point([longitude, latitude]: [f64; 2]) -> Point {
        Point::new(longitude, latitude).expect("within bounds")
    }

    fn stored(name: &str) -> Point {
        let (_, added) = POINTS.iter().find(|it| it.0 == name).expect("a point of the table");
        Point::from_score(point(*added).score() as f64)
    }

    /// Searches as GEOSEARCH does: names and distances, in the order of cells and scores.
    fn search(longitude: f64, latitude: f64, shape: Shape, unit: Unit) -> Vec<(&'static str, String)> {
        let area = Area { center: point([longitude, latitude]), shape, unit };
        let mut points: Vec<_> = POINTS.iter().map(|it| (point(it.1).score(), it.0)).collect();
        points.sort_unstable();
        let mut found = Vec::new();
        for range in area.score_ranges() {
            for (score, name) in points.iter().filter(|it| range.contains(&it.0)) {
                if let Some(metres) = area.distance_if_within(Point::from_score(*score as f64)) {
                    found.push((*name, format!("{:.4}", metres / unit.metres())));
                }
            }
        }
        found
    }

    fn names(found: Vec<(&'static str, String)>) -> Vec<&'static str> {
        found.into_iter().map(|it| it.0).collect()
    }

    #[test]
    fn points_are_stored_and_read_to_the_digit() {
        for ((name, added), (score, read, geohash)) in POINTS.iter().zip(&STORED) {
            assert_eq!(point(*added).score(), *score, "{name}");
            let again = Point::from_score(*score as f64);
            assert_eq!([again.longitude, again.latitude], *read, "{name}");
            assert_eq!(again.geohash(), geohash.as_bytes(), "{name}");
        }
    }

    #[test]
    fn points_out_of_bounds_are_none() {
        for (longitude, latitude) in [(180.1, 0.0), (-180.1, 0.0), (0.0, 85.06), (0.0, -85.06), (f64::NAN, 0.0)] {
            assert_eq!(Point::new(longitude, latitude), None);
        }
    }

    #[test]
    fn scores_that_are_no_points_are_read_all_the_same() {
        let (low, high) = ([-179.99999731779099, -85.05112751263943], [180.0, 85.05112878]);
        let cases =
            [(-1.0, high), (1e300, low), (f64::INFINITY, low), (9007199254740992.0, [180.0, low[1]]), (9.3e18, high)];
        for (score, read) in cases {
            let point = Point::from_score(score);
            assert_eq!([point.longitude, point.latitude], read, "{score}");
        }
    }

    #[test]
    fn distances_follow_great_circles() {
        let distance = |from, to, unit: Unit| format!("{:.4}", stored(from).distance_to(stored(to)) / unit.metres());
        assert_eq!(distance("Palermo", "Catania", Unit::Metre), "166274.1516");
        assert_eq!(distance("Palermo", "Catania", Unit::Mile), "103.3182");
        assert_eq!(distance("Palermo", "Palermo", Unit::Metre), "0.0000");
        assert_eq!(distance("east", "west", Unit::Kilometre), "22.2446");
        assert_eq!(distance("low", "high", Unit::Metre), "18919844.5891");
        assert_eq!(distance("low", "arctic", Unit::Foot), "64220454.7982");
    }

    #[test]
    fn searches_find_what_lies_within() {
        let found = search(15.0, 37.0, Shape::Circle { radius: 200.0 }, Unit::Kilometre);
        assert_eq!(found, [("Palermo", "190.4424".into()), ("Catania", "56.4413".into())]);
        let found = search(15.0, 37.0, Shape::Circle { radius: 190.4424 }, Unit::Kilometre);
        assert_eq!(names(found), ["Catania"]);
        let found = search(15.0, 37.0, Shape::Box { width: 400.0, height: 400.0 }, Unit::Kilometre);
        let wanted = [("Palermo", "190.4424"), ("edge1", "279.7405"), ("Catania", "56.4413"), ("edge2", "279.7403")];
        assert_eq!(found, wanted.map(|(name, distance)| (name, distance.into())));
    }

    #[test]
    fn searches_go_on_beyond_the_date_line_and_near_the_pole() {
        let east = stored("east");
        let found = search(east.longitude, east.latitude, Shape::Circle { radius: 30.0 }, Unit::Kilometre);
        assert_eq!(names(found), ["east", "west"]);
        let arctic = stored("arctic");
        let square = Shape::Box { width: 1e6, height: 1e6 };
        assert_eq!(names(search(arctic.longitude, arctic.latitude, square, Unit::Foot)), ["arctic"]);
    }

    /// The very highest coordinates are beyond the last cell, so that Redis does not find them: nor do we.
    #[test]
    fn a_search_of_the_whole_earth_takes_each_cell_once() {
        let found = search(15.0, 37.0, Shape::Circle { radius: 30_000.0 }, Unit::Kilometre);
        assert_eq!(names(found), ["Palermo", "edge1", "Catania", "edge2", "arctic", "east", "west", "low"]);
    }

    #[test]
    fn a_point_is_searched_in_the_smallest_cells() {
        let Point { longitude, latitude } = stored("Catania");
        assert_eq!(names(search(longitude, latitude, Shape::Circle { radius: 0.0 }, Unit::Metre)), ["Catania"]);
    }
}
