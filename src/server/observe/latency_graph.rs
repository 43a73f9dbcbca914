//! LATENCY GRAPH: an event's samples as a small picture in ASCII, one column per sample.
//!
//! ```text
//! command - high 500 ms, low 101 ms (all time high 500 ms)
//! ---------------------------------------------------------   80 of them
//!    ##                    four rows of three heights each: `_`, `o`, `#`, and `|` for a row that is full
//!   _||
//!  _|||
//! _||||
//!                          one free line, then each sample's age, read downwards: 26s, 20s, ..
//! 22111
//! 60420
//! sssss
//! ```

use std::fmt::Write;

use super::latency::{Sample, Series};

const COLUMNS: usize = 80;
const ROWS: usize = 4;
const HEIGHTS: [char; 3] = ['_', 'o', '#'];

/// The picture of `series`, as seen at `now_seconds` since 1970. More samples than 80 go on in further pictures below.
pub fn graph(series: &Series, now_seconds: i64) -> String {
    let latencies = series.samples().map(|sample| sample.latency_ms);
    let low = latencies.clone().min().unwrap_or(0);
    let high = latencies.max().unwrap_or(0);
    let mut text = format!(
        "{} - high {high} ms, low {low} ms (all time high {} ms)\n{}\n",
        series.event(),
        series.max_ms(),
        "-".repeat(COLUMNS)
    );
    let samples: Vec<Sample> = series.samples().collect();
    for (index, part) in samples.chunks(COLUMNS).enumerate() {
        if index > 0 {
            text.push('\n');
        }
        draw(&mut text, part, low, high, now_seconds);
    }
    text
}

fn draw(text: &mut String, samples: &[Sample], low: u64, high: u64, now_seconds: i64) {
    let steps = (ROWS * HEIGHTS.len()) as u64;
    let span = (high - low).max(1);
    let step = |sample: &Sample| {
        let step = u128::from(sample.latency_ms - low) * u128::from(steps) / u128::from(span);
        step.min(u128::from(steps) - 1) as usize
    };
    for row in (0..ROWS).rev() {
        text.extend(samples.iter().map(|sample| match step(sample).checked_sub(row * HEIGHTS.len()) {
            None => ' ',
            Some(height) => HEIGHTS.get(height).copied().unwrap_or('|'),
        }));
        text.push('\n');
    }
    text.extend(std::iter::repeat_n(' ', samples.len()));
    text.push('\n');

    let ages: Vec<String> = samples.iter().map(|sample| age(now_seconds - sample.unix_time_seconds)).collect();
    for line in 0..ages.iter().map(String::len).max().unwrap_or(0) {
        text.extend(ages.iter().map(|age| age.as_bytes().get(line).map_or(' ', |&byte| char::from(byte))));
        text.push('\n');
    }
}

/// A number of seconds in the largest unit that it fills.
fn age(seconds: i64) -> String {
    let (number, unit) = match seconds {
        ..60 => (seconds, 's'),
        60..3600 => (seconds / 60, 'm'),
        3600..86400 => (seconds / 3600, 'h'),
        _ => (seconds / 86400, 'd'),
    };
    let mut text = String::new();
    write!(text, "{number}{unit}").expect("writing to a String does not fail");
    text
}

#[cfg(test)]
mod tests {
    use super::super::latency::LatencyMonitor;
    use super::*;

    fn graph_of(samples: &[(i64, u64)], now_seconds: i64) -> String {
        let mut monitor = LatencyMonitor::new();
        for &(second, latency_ms) in samples {
            monitor.record("command", second, latency_ms);
        }
        graph(monitor.event(b"command").unwrap(), now_seconds)
    }

    #[test]
    fn two_samples_are_drawn_as_redis_8_draws_them() {
        let expected = [
            "command - high 1500 ms, low 700 ms (all time high 1500 ms)",
            &"-".repeat(80),
            " #",
            " |",
            " |",
            "_|",
            "  ",
            "20",
            "ss",
            "",
        ];
        assert_eq!(graph_of(&[(100, 700), (102, 1500)], 102), expected.join("\n"));
    }

    #[test]
    fn one_height_is_drawn_at_the_bottom() {
        let text = graph_of(&[(100, 7), (101, 7)], 101);
        assert_eq!(text.lines().skip(2).collect::<Vec<_>>(), ["  ", "  ", "  ", "__", "  ", "10", "ss"]);
    }

    #[test]
    fn ages_are_told_in_their_largest_unit() {
        let text = graph_of(&[(0, 1), (300_000 - 7200, 2), (300_000 - 720, 3), (300_000 - 59, 4)], 300_000);
        assert_eq!(text.lines().skip(7).collect::<Vec<_>>(), ["3215", "dh29", "  ms"]);
    }

    #[test]
    fn what_does_not_fit_goes_on_below() {
        let samples: Vec<(i64, u64)> = (0..100).map(|second| (second, second as u64 + 1)).collect();
        let text = graph_of(&samples, 100);
        let widths: Vec<usize> = text.lines().skip(2).map(str::len).collect();
        assert_eq!(&widths[..5], [80; 5]);
        assert_eq!(&widths[widths.len() - 5..], [20; 5]);
        assert!(widths.contains(&0), "an empty line stands between the two");
    }
}
