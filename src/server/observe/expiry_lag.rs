//! How late keys leave after their deadlines: percentiles of the lag, by an HDR histogram of 1 µs to one hour in two digits.

use hdrhistogram::Histogram;

const HIGHEST_US: u64 = 3_600_000_000;
const DIGITS: u8 = 2;

/// The lags of all keys that have expired.
#[derive(Debug, Default)]
pub struct ExpiryLag {
    /// Made by the first key; about 26 KiB.
    histogram: Option<Box<Histogram<u64>>>,
    max_us: u64,
    total_us: u64,
}

impl ExpiryLag {
    /// One of no keys.
    pub fn new() -> ExpiryLag {
        ExpiryLag::default()
    }

    /// Notes `keys` keys that left `lag_us` after their deadline. A lag of 0 is noted as 1 µs, one past an hour as an hour.
    pub fn record(&mut self, lag_us: u64, keys: u64) {
        let histogram = self.histogram.get_or_insert_with(|| {
            Box::new(Histogram::new_with_bounds(1, HIGHEST_US, DIGITS).expect("the bounds are in range"))
        });
        histogram.saturating_record_n(lag_us.clamp(1, HIGHEST_US), keys);
        self.max_us = self.max_us.max(lag_us);
        self.total_us = self.total_us.saturating_add(lag_us.saturating_mul(keys));
    }

    /// How many keys were noted.
    pub fn keys(&self) -> u64 {
        self.histogram.as_ref().map_or(0, |histogram| histogram.len())
    }

    /// The lag in µs that the given share (0 to 100) of the keys did not exceed, to two digits; 0 without keys.
    pub fn percentile_us(&self, percentile: f64) -> u64 {
        let value_us = self.histogram.as_ref().map_or(0, |histogram| histogram.value_at_percentile(percentile));
        value_us.min(self.max_us.max(1))
    }

    /// How many keys left no later than each of `bounds_us` (ascending), to two digits.
    pub fn keys_within(&self, bounds_us: &[u64]) -> Vec<u64> {
        match &self.histogram {
            Some(histogram) => super::command_stats::counts_within(histogram, bounds_us),
            None => vec![0; bounds_us.len()],
        }
    }

    /// All lags together, in µs.
    pub fn total_us(&self) -> u64 {
        self.total_us
    }

    /// The longest lag in µs, exact.
    pub fn max_us(&self) -> u64 {
        self.max_us
    }

    /// Forgets all of it: CONFIG RESETSTAT.
    pub fn reset(&mut self) {
        *self = ExpiryLag::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_two_digits_and_the_maximum_is_exact() {
        let mut lag = ExpiryLag::new();
        assert_eq!((lag.keys(), lag.percentile_us(99.0), lag.max_us()), (0, 0, 0));
        for lag_us in 1..=10_000 {
            lag.record(lag_us, 1);
        }
        lag.record(123_457, 1);
        for (percentile, exact_us) in [(50.0, 5_000_u64), (99.0, 9_900), (99.9, 9_990)] {
            let found_us = lag.percentile_us(percentile);
            assert!(found_us.abs_diff(exact_us) <= exact_us / 100, "p{percentile}: {found_us}");
        }
        assert_eq!(lag.percentile_us(100.0), 123_457);
        assert_eq!((lag.max_us(), lag.keys()), (123_457, 10_001));
        lag.reset();
        assert_eq!((lag.max_us(), lag.keys()), (0, 0));
    }

    #[test]
    fn a_lag_outside_of_the_bounds_is_noted_at_them() {
        let mut lag = ExpiryLag::new();
        lag.record(0, 1000);
        assert_eq!((lag.percentile_us(50.0), lag.max_us()), (1, 0));
        lag.record(u64::MAX, 1);
        assert!(lag.percentile_us(100.0) >= HIGHEST_US);
        assert_eq!(lag.max_us(), u64::MAX);
    }
}
