//! Polygons on the map, as Valkey 9 searches them: their sides are straight in degrees of longitude and latitude.

use super::geohash::{Cell, LATITUDES, LONGITUDES, Point, RADIANS, STEPS};
use std::ops::Range;

/// A polygon of three or more vertices.
#[derive(Debug, Clone, PartialEq)]
pub struct Polygon {
    vertices: Vec<Point>,
    /// What distances are measured from.
    center: Point,
}

impl Polygon {
    /// The polygon with these vertices in their order, of which there must be three at least.
    pub fn new(vertices: Vec<Point>) -> Polygon {
        assert!(vertices.len() >= 3, "a polygon has three vertices");
        let center = middle(&vertices);
        Polygon { vertices, center }
    }

    /// Metres from its middle to a point, if that lies in it.
    pub fn distance_if_within(&self, point: Point) -> Option<f64> {
        self.contains(point).then(|| self.center.distance_to(point))
    }

    /// Ranges of scores, at most nine, in which all of its points lie, though not only they.
    pub fn score_ranges(&self) -> impl Iterator<Item = Range<u64>> {
        let (longitudes, latitudes) = self.bounding_box();
        // The box's middle, unlike the polygon's, has it reach equally far in all directions.
        let center =
            Point { longitude: (longitudes[0] + longitudes[1]) / 2.0, latitude: (latitudes[0] + latitudes[1]) / 2.0 };
        // Cells as deep as they are still as wide, and as high, as half the box: with its neighbours one covers all of it.
        let is_deep = |steps: u32| {
            let covers = |[low, high]: [f64; 2], [min, max]: [f64; 2]| {
                (high - low) / 2.0 <= (max - min) / (1u64 << steps) as f64
            };
            covers(longitudes, LONGITUDES) && covers(latitudes, LATITUDES)
        };
        let steps = (2..=STEPS).take_while(|steps| is_deep(*steps)).last().unwrap_or(1);
        Cell::of(center, LATITUDES, steps).score_ranges((longitudes, latitudes))
    }

    /// Whether a line from the point to the west crosses an odd number of sides.
    fn contains(&self, point: Point) -> bool {
        let behind = self.vertices.iter().skip(1).chain(&self.vertices[..1]);
        let crosses = |(a, b): &(&Point, &Point)| {
            (a.latitude > point.latitude) != (b.latitude > point.latitude)
                && point.longitude
                    < (b.longitude - a.longitude) * (point.latitude - a.latitude) / (b.latitude - a.latitude)
                        + a.longitude
        };
        self.vertices.iter().zip(behind).filter(crosses).count() % 2 == 1
    }

    fn bounding_box(&self) -> ([f64; 2], [f64; 2]) {
        let ends = |it: fn(&Point) -> f64| {
            let all = self.vertices.iter().map(it);
            [all.clone().fold(f64::INFINITY, f64::min), all.fold(f64::NEG_INFINITY, f64::max)]
        };
        (ends(|point| point.longitude), ends(|point| point.latitude))
    }
}

/// The point on the globe above the mean of some points within it.
fn middle(points: &[Point]) -> Point {
    let (mut x, mut y, mut z) = (0.0, 0.0, 0.0);
    for point in points {
        let (longitude, latitude) = (point.longitude * RADIANS, point.latitude * RADIANS);
        x += latitude.cos() * longitude.cos();
        y += latitude.cos() * longitude.sin();
        z += latitude.sin();
    }
    let count = points.len() as f64;
    let (x, y, z) = (x / count, y / count, z / count);
    Point { longitude: y.atan2(x) / RADIANS, latitude: z.atan2((x * x + y * y).sqrt()) / RADIANS }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polygon(vertices: &[(f64, f64)]) -> Polygon {
        Polygon::new(vertices.iter().map(|(x, y)| Point::new(*x, *y).expect("within bounds")).collect())
    }

    /// As Valkey 9.1 answers.
    #[test]
    fn distances_are_from_the_middle_on_the_globe() {
        let distance = |polygon: &Polygon, x, y| {
            let stored = Point::from_score(Point::new(x, y).expect("within bounds").score() as f64);
            polygon.distance_if_within(stored).map(|metres| format!("{metres:.4}"))
        };
        let square = polygon(&[(10.0, 36.0), (16.0, 36.0), (16.0, 39.0), (10.0, 39.0)]);
        assert_eq!(distance(&square, 13.361389, 38.115556).as_deref(), Some("71661.3437"));
        assert_eq!(distance(&square, 15.087269, 37.502669).as_deref(), Some("184172.0735"));
        assert_eq!(distance(&square, 12.5, 41.9), None);
        let notched = polygon(&[(0.0, 36.0), (20.0, 36.0), (20.0, 50.0), (10.0, 43.0), (0.0, 50.0)]);
        assert_eq!(distance(&notched, 12.5, 41.9).as_deref(), Some("260439.4490"));
        assert_eq!(distance(&notched, 9.19, 45.46), None);
        let triangle = polygon(&[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)]);
        assert_eq!(distance(&triangle, 0.0, 0.0).as_deref(), Some("82901.5498"));
    }

    #[test]
    fn ranges_hold_every_point_within() {
        let mut state = 1u64;
        let mut random = |limit: f64| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((state >> 33) as f64 / (1u64 << 30) as f64 - 1.0) * limit
        };
        for round in 0..300 {
            let size = [170.0, 20.0, 1.0, 0.001][round % 4];
            let (x, y) = (random(179.0 - size), random((84.0 - size).max(0.5)));
            let height = size.min(84.0 - y.abs());
            let vertices: Vec<_> = (0..3 + round % 5).map(|_| (x + random(size), y + random(height))).collect();
            let polygon = polygon(&vertices);
            let ranges: Vec<_> = polygon.score_ranges().collect();
            for _ in 0..100 {
                let point = Point { longitude: x + random(size), latitude: y + random(height) };
                if polygon.distance_if_within(point).is_some() {
                    let count = ranges.iter().filter(|range| range.contains(&point.score())).count();
                    assert_eq!(count, 1, "{vertices:?} {point:?}");
                }
            }
        }
    }
}
