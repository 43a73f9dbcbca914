//! Sorted sets whose scores are points on earth.

mod add;
mod options;
mod position;
mod radius;
mod search;
mod shape;

use super::args::Args;
use super::error::Error;
use super::row::Command;
use crate::error;
use crate::formats::resp::reply::Reply;
use crate::values::views::geohash::{Point, Unit};

/// The lists of this folder's files.
pub const LISTS: &[&[&Command]] = &[add::COMMANDS, position::COMMANDS, search::COMMANDS, radius::COMMANDS];

/// Words `i` and the next as longitude and latitude.
fn point(args: &Args<'_>, i: usize) -> Result<Point, Error> {
    let (longitude, latitude) = (args.double(i)?, args.double(i + 1)?);
    let out_of_bounds = || error!("ERR invalid longitude,latitude pair {longitude:.6},{latitude:.6}");
    Point::new(longitude, latitude).ok_or_else(out_of_bounds)
}

/// Word `i` as a unit of length.
fn unit(args: &Args<'_>, i: usize) -> Result<Unit, Error> {
    match args.get(i).to_ascii_lowercase().as_slice() {
        b"m" => Ok(Unit::Metre),
        b"km" => Ok(Unit::Kilometre),
        b"ft" => Ok(Unit::Foot),
        b"mi" => Ok(Unit::Mile),
        _ => Err(Error::Text("ERR unsupported unit provided. please use M, KM, FT, MI")),
    }
}

/// Answers a point: longitude and latitude.
fn answer_point(reply: &mut Reply, point: Point) {
    reply.array(2);
    reply.double(point.longitude);
    reply.double(point.latitude);
}

/// Answers a distance as a string with four digits behind the point: less than anybody can measure is left out.
fn answer_distance(reply: &mut Reply, distance: f64) {
    reply.bulk(fixed(distance).as_bytes());
}

/// As Redis rounds: to an integer of ten-thousandths, halves to the even one.
fn fixed(distance: f64) -> String {
    let parts = (distance * 10_000.0).round_ties_even() as i64;
    let (sign, parts) = (if parts < 0 { "-" } else { "" }, parts.unsigned_abs());
    format!("{sign}{}.{:04}", parts / 10_000, parts % 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_have_four_digits() {
        for (distance, text) in [
            (0.0, "0.0000"),
            (0.00004, "0.0000"),
            (6.064_295_159_839_17e-5, "0.0001"),
            (0.775, "0.7750"),
            (166274.15156960033, "166274.1516"),
            (10.01, "10.0100"),
        ] {
            assert_eq!(fixed(distance), text);
        }
    }
}
