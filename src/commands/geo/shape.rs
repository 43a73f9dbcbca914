//! What is searched, and what is found there.

use crate::structures::listpack::Entry;
use crate::values::sorted_set::{Direction, ScoreRange, SortedSetRef};
use crate::values::views::geohash::{Area, Point};
use crate::values::views::polygon::Polygon;
use std::cmp::Ordering;

/// A place on the map.
pub(super) enum Shape {
    /// Around a point.
    Area(Area),
    /// Between vertices.
    Polygon(Polygon),
}

/// A member found.
pub(super) struct Found<'a> {
    pub(super) member: Entry<'a>,
    pub(super) score: f64,
    pub(super) point: Point,
    /// From the middle of what was searched.
    pub(super) metres: f64,
}

/// In which order members are told, by their distance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Nearest,
    Farthest,
}

impl Shape {
    /// What one unit of its distances is, in metres.
    pub(super) fn unit_metres(&self) -> f64 {
        match self {
            Shape::Area(area) => area.unit.metres(),
            Shape::Polygon(_) => 1.0,
        }
    }

    fn distance_if_within(&self, point: Point) -> Option<f64> {
        match self {
            Shape::Area(area) => area.distance_if_within(point),
            Shape::Polygon(polygon) => polygon.distance_if_within(point),
        }
    }

    /// The members within, cell by cell; as soon as there are `enough`, no more.
    pub(super) fn find<'a>(&self, set: SortedSetRef<'a>, enough: usize) -> Vec<Found<'a>> {
        let ranges: smallvec::SmallVec<[_; 9]> = match self {
            Shape::Area(area) => area.score_ranges().collect(),
            Shape::Polygon(polygon) => polygon.score_ranges().collect(),
        };
        let mut found = Vec::new();
        for range in ranges {
            let ranks = set.score_ranks(&ScoreRange::half_open(range.start as f64, range.end as f64));
            for (member, score) in set.walk(ranks, Direction::Forward) {
                let point = Point::from_score(score);
                if let Some(metres) = self.distance_if_within(point) {
                    found.push(Found { member, score, point, metres });
                    if found.len() >= enough {
                        return found;
                    }
                }
            }
        }
        found
    }
}

/// Keeps the first `count` by distance, in their order; where distances are equal, in that in which they were found.
pub(super) fn sort(found: &mut Vec<Found<'_>>, order: Order, count: usize) {
    let by_distance = |a: &Found<'_>, b: &Found<'_>| {
        let nearer = a.metres.partial_cmp(&b.metres).unwrap_or(Ordering::Equal);
        if order == Order::Nearest { nearer } else { nearer.reverse() }
    };
    if count < found.len() {
        found.select_nth_unstable_by(count, by_distance);
        found.truncate(count);
    }
    found.sort_by(by_distance);
}
