//! Calls, time and latency by command: INFO commandstats and latencystats, LATENCY HISTOGRAM.
//!
//! Commands are known here by a small number, their row's. A command's histogram (24 KiB: 1 ns to 1 s, two digits) is made at its first
//! call.

use hdrhistogram::Histogram;

const LOWEST_NS: u64 = 1;
const HIGHEST_NS: u64 = 1_000_000_000;
const DIGITS: u8 = 2;

/// What is known of one command.
#[derive(Clone, Debug, Default)]
pub struct CommandStat {
    calls: u64,
    total_ns: u64,
    rejected_calls: u64,
    failed_calls: u64,
    histogram: Option<Box<Histogram<u64>>>,
}

/// What is known of all commands.
#[derive(Debug)]
pub struct CommandStats {
    commands: Vec<CommandStat>,
    /// By number; empty until somebody tells them.
    names: Vec<&'static str>,
    tracks_latency: bool,
    /// Bytes of all histograms.
    histogram_bytes: usize,
}

impl CommandStats {
    /// For commands numbered below `commands`; `tracks_latency` as `latency-tracking` says.
    pub fn new(commands: usize, tracks_latency: bool) -> CommandStats {
        CommandStats {
            commands: vec![CommandStat::default(); commands],
            names: Vec::new(),
            tracks_latency,
            histogram_bytes: 0,
        }
    }

    /// Tells what the commands are called, by number.
    pub fn set_names(&mut self, names: Vec<&'static str>) {
        self.names = names;
    }

    /// The commands that were called or refused, with their names.
    pub fn used(&self) -> impl Iterator<Item = (&'static str, &CommandStat)> {
        self.names.iter().copied().zip(&self.commands).filter(|(_, command)| command.is_used())
    }

    /// Switches the histograms on or off. What they hold stays.
    pub fn track_latency(&mut self, tracks_latency: bool) {
        self.tracks_latency = tracks_latency;
    }

    /// Notes a call that took `duration_ns`. `id` must be below the number of commands.
    pub fn record(&mut self, id: usize, duration_ns: u64) {
        self.record_batch(id, 1, duration_ns);
    }

    /// Notes `calls` calls that took `total_ns` together; the histogram gets their mean. `id` must be below the number of commands.
    pub fn record_batch(&mut self, id: usize, calls: u64, total_ns: u64) {
        if calls == 0 {
            return;
        }
        let command = &mut self.commands[id];
        command.calls += calls;
        command.total_ns += total_ns;
        if self.tracks_latency {
            let mean_ns = (total_ns / calls).clamp(LOWEST_NS, HIGHEST_NS);
            let histogram_bytes = &mut self.histogram_bytes;
            let first = || {
                let histogram = new_histogram();
                *histogram_bytes += bytes_of(&histogram);
                histogram
            };
            command.histogram.get_or_insert_with(first).saturating_record_n(mean_ns, calls);
        }
    }

    /// Notes a call that was refused before it ran.
    pub fn record_rejected(&mut self, id: usize) {
        self.commands[id].rejected_calls += 1;
    }

    /// Notes that a call, noted as such too, answered an error.
    pub fn record_failed(&mut self, id: usize) {
        self.commands[id].failed_calls += 1;
    }

    /// What is known of one command.
    pub fn command(&self, id: usize) -> &CommandStat {
        &self.commands[id]
    }

    /// Forgets all of it: CONFIG RESETSTAT.
    pub fn reset(&mut self) {
        self.commands.fill(CommandStat::default());
        self.histogram_bytes = 0;
    }

    /// Bytes of memory that the histograms take: a command's first call adds one.
    pub fn histogram_bytes(&self) -> usize {
        self.histogram_bytes
    }
}

impl CommandStat {
    /// Whether INFO commandstats has a line for it: it was called, or refused.
    pub fn is_used(&self) -> bool {
        self.calls + self.rejected_calls + self.failed_calls > 0
    }

    /// How often it ran.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// How long it ran, all calls together.
    pub fn total_us(&self) -> u64 {
        self.total_ns / 1000
    }

    /// How often it was refused before it ran.
    pub fn rejected_calls(&self) -> u64 {
        self.rejected_calls
    }

    /// How often it ran and answered an error.
    pub fn failed_calls(&self) -> u64 {
        self.failed_calls
    }

    /// How many calls were tracked: no more than `calls`.
    pub fn tracked_calls(&self) -> u64 {
        self.histogram.as_ref().map_or(0, |histogram| histogram.len())
    }

    /// How many tracked calls took no longer than each of `bounds_ns` (ascending); `None` when no call was tracked.
    pub fn calls_within(&self, bounds_ns: &[u64]) -> Option<Vec<u64>> {
        Some(counts_within(self.histogram.as_ref()?, bounds_ns))
    }

    /// Its line in INFO commandstats, behind `cmdstat_<name>:`.
    pub fn info_text(&self) -> String {
        let usec_per_call = if self.calls == 0 { 0.0 } else { self.total_us() as f64 / self.calls as f64 };
        format!(
            "calls={},usec={},usec_per_call={usec_per_call:.2},rejected_calls={},failed_calls={}",
            self.calls,
            self.total_us(),
            self.rejected_calls,
            self.failed_calls
        )
    }

    /// The latency below which the given share (0 to 100) of the calls stayed, in µs; `None` when no call was tracked.
    pub fn percentile_us(&self, percentile: f64) -> Option<f64> {
        let histogram = self.histogram.as_ref()?;
        Some(histogram.value_at_percentile(percentile) as f64 / 1000.0)
    }

    /// Its line in INFO latencystats, behind `latency_percentiles_usec_<name>:`; `None` when no call was tracked.
    pub fn percentiles_text(&self, percentiles: &[f64]) -> Option<String> {
        self.histogram.as_ref()?;
        let texts = percentiles.iter().filter_map(|&percentile| {
            let name = format!("{percentile:.6}");
            let name = name.trim_end_matches('0').trim_end_matches('.');
            Some(format!("p{name}={:.3}", self.percentile_us(percentile)?))
        });
        Some(texts.collect::<Vec<_>>().join(","))
    }

    /// LATENCY HISTOGRAM: upper bounds in µs, each with the number of calls up to it, where that number grows. `None` when no call was
    /// tracked.
    ///
    /// The bounds are powers of two of 1024 ns and up, as Redis has them: each reaches to the end of the histogram's cell that it falls
    /// in (33 µs, not 32), and the last is where the histogram ends.
    pub fn histogram_us(&self) -> Option<Vec<(u64, u64)>> {
        let histogram = self.histogram.as_ref()?;
        let end_ns = HIGHEST_NS.next_power_of_two() - 1;
        let bound = |level_ns: u64| if level_ns > end_ns { end_ns } else { histogram.highest_equivalent(level_ns) };
        let mut buckets: Vec<(u64, u64)> = Vec::new();
        let mut level_ns = 1024;
        let mut calls = 0;
        for cell in histogram.iter_recorded() {
            while bound(level_ns) < cell.value_iterated_to() {
                level_ns *= 2;
            }
            calls += cell.count_at_value();
            let bound_us = bound(level_ns) / 1000;
            match buckets.last_mut() {
                Some(last) if last.0 == bound_us => last.1 = calls,
                _ => buckets.push((bound_us, calls)),
            }
        }
        Some(buckets)
    }
}

/// How many values are no more than each of `bounds` (ascending), in one pass.
pub(super) fn counts_within(histogram: &Histogram<u64>, bounds: &[u64]) -> Vec<u64> {
    let mut counts = vec![0; bounds.len()];
    for cell in histogram.iter_recorded() {
        let from = bounds.partition_point(|&bound| bound < histogram.lowest_equivalent(cell.value_iterated_to()));
        if let Some(count) = counts.get_mut(from) {
            *count += cell.count_at_value();
        }
    }
    let mut sum = 0;
    for count in &mut counts {
        sum += *count;
        *count = sum;
    }
    counts
}

fn new_histogram() -> Box<Histogram<u64>> {
    Box::new(Histogram::new_with_bounds(LOWEST_NS, HIGHEST_NS, DIGITS).expect("the bounds are in range"))
}

fn bytes_of(histogram: &Histogram<u64>) -> usize {
    size_of::<Histogram<u64>>() + histogram.distinct_values() * size_of::<u64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(durations_ns: &[u64]) -> CommandStats {
        let mut stats = CommandStats::new(2, true);
        for &duration_ns in durations_ns {
            stats.record(1, duration_ns);
        }
        stats
    }

    #[test]
    fn calls_and_time_add_up() {
        let mut stats = recorded(&[1_500, 2_500, 96_000]);
        stats.record_failed(1);
        stats.record_rejected(0);
        assert_eq!(
            stats.command(1).info_text(),
            "calls=3,usec=100,usec_per_call=33.33,rejected_calls=0,failed_calls=1"
        );
        assert_eq!(stats.command(0).info_text(), "calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0");
        assert!(stats.command(0).is_used());
        assert!(stats.command(0).histogram_us().is_none());
        stats.reset();
        assert!(!stats.command(1).is_used());
        assert!(stats.command(1).percentiles_text(&[50.0]).is_none());
    }

    #[test]
    fn a_batch_shares_its_time() {
        let mut stats = CommandStats::new(2, true);
        stats.record_batch(1, 100, 20_000);
        stats.record_batch(1, 0, 0);
        let command = stats.command(1);
        assert_eq!((command.calls(), command.total_us()), (100, 20));
        assert_eq!(command.percentiles_text(&[50.0, 99.9]).unwrap(), "p50=0.200,p99.9=0.200");
        assert_eq!(command.histogram_us().unwrap(), [(1, 100)]);
    }

    /// What Redis 8.0 answers after DEBUG SLEEP of 0.3, 0.7 and 1.5 s: the last is cut to one second.
    #[test]
    fn bounds_and_percentiles_are_those_of_redis() {
        let stats = recorded(&[300_200_000, 700_100_000, 1_500_100_000]);
        let command = stats.command(1);
        assert_eq!(command.histogram_us().unwrap(), [(541_065, 1), (1_073_741, 3)]);
        assert_eq!(
            command.percentiles_text(&[50.0, 99.0, 99.9]).unwrap(),
            "p50=700448.767,p99=1002438.655,p99.9=1002438.655"
        );

        let stats = recorded(&[0, 900, 1_030, 1_033, 17_000, 32_900, 60_000, 131_500, 131_900]);
        assert_eq!(stats.command(1).histogram_us().unwrap(), [(1, 3), (2, 4), (33, 6), (66, 7), (132, 9)]);
    }

    #[test]
    fn calls_within_bounds_add_up() {
        let stats = recorded(&[900, 1_000, 4_000, 70_000]);
        assert_eq!(stats.command(1).calls_within(&[500, 1_000, 5_000, 60_000, 100_000]).unwrap(), [0, 2, 3, 3, 4]);
        assert_eq!(stats.command(0).calls_within(&[1]), None);
        assert_eq!(stats.command(1).tracked_calls(), 4);
    }

    #[test]
    fn without_tracking_only_sums_are_kept() {
        let mut stats = CommandStats::new(1, false);
        stats.record(0, 5_000);
        assert_eq!(stats.command(0).calls(), 1);
        assert!(stats.command(0).histogram_us().is_none());
        stats.track_latency(true);
        stats.record(0, 5_000);
        assert_eq!(stats.command(0).histogram_us().unwrap(), [(8, 1)]);
    }
}
