//! LATENCY: spikes by event, the highest of each second, a ring of 160 seconds with spikes per event.
//!
//! ```text
//! events:  "command"       [ (1700000000, 12 ms) (1700000007, 250 ms) .. ]   oldest first, at most 160, seconds strictly apart
//!          "expire-cycle"  [ .. ]                                            an event exists from its first spike to its reset
//! ```
//!
//! Whether something took long enough to be a spike (`latency-monitor-threshold`) is the caller's to decide.

use std::collections::VecDeque;

/// Seconds with spikes that an event remembers.
pub const MAX_SAMPLES: usize = 160;

/// The worst spike of one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The second, since 1970.
    pub unix_time_seconds: i64,
    /// How long the worst of its spikes took.
    pub latency_ms: u64,
}

/// The spikes of one event.
#[derive(Debug)]
pub struct Series {
    event: &'static str,
    samples: VecDeque<Sample>,
    max_ms: u64,
}

impl Series {
    /// The event's name.
    pub fn event(&self) -> &'static str {
        self.event
    }

    /// The samples, oldest first; at least one, at most [`MAX_SAMPLES`].
    pub fn samples(&self) -> impl ExactSizeIterator<Item = Sample> + Clone + '_ {
        self.samples.iter().copied()
    }

    /// The newest sample.
    pub fn newest(&self) -> Sample {
        *self.samples.back().expect("a series begins with a sample")
    }

    /// The worst spike since the event exists, also when its sample is gone.
    pub fn max_ms(&self) -> u64 {
        self.max_ms
    }
}

/// The spikes of all events. Events are named in the code, so there are few, and they are looked up one by one.
#[derive(Debug, Default)]
pub struct LatencyMonitor {
    events: Vec<Series>,
}

impl LatencyMonitor {
    /// One without spikes.
    pub fn new() -> LatencyMonitor {
        LatencyMonitor::default()
    }

    /// Notes a spike of `event` in the second `unix_time_seconds`.
    pub fn record(&mut self, event: &'static str, unix_time_seconds: i64, latency_ms: u64) {
        let sample = Sample { unix_time_seconds, latency_ms };
        let Some(series) = self.events.iter_mut().find(|series| series.event == event) else {
            self.events.push(Series { event, samples: VecDeque::from([sample]), max_ms: latency_ms });
            return;
        };
        series.max_ms = series.max_ms.max(latency_ms);
        match series.samples.back_mut() {
            Some(last) if last.unix_time_seconds == unix_time_seconds => {
                last.latency_ms = last.latency_ms.max(latency_ms)
            }
            _ => {
                if series.samples.len() == MAX_SAMPLES {
                    series.samples.pop_front();
                }
                series.samples.push_back(sample);
            }
        }
    }

    /// All events, in the order of their first spikes: what LATENCY LATEST tells of.
    pub fn events(&self) -> impl ExactSizeIterator<Item = &Series> {
        self.events.iter()
    }

    /// The spikes of `event`, if it has any: LATENCY HISTORY and GRAPH. Names are told apart by case here, as in Redis.
    pub fn event(&self, event: &[u8]) -> Option<&Series> {
        self.events.iter().find(|series| series.event.as_bytes() == event)
    }

    /// Forgets the spikes of `event`, in whatever case. Returns how many events that were: 0 or 1.
    pub fn reset(&mut self, event: &[u8]) -> usize {
        let before = self.events.len();
        self.events.retain(|series| !series.event.as_bytes().eq_ignore_ascii_case(event));
        before - self.events.len()
    }

    /// Forgets all spikes. Returns how many events had any.
    pub fn reset_all(&mut self) -> usize {
        std::mem::take(&mut self.events).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(monitor: &LatencyMonitor, event: &str) -> Vec<(i64, u64)> {
        let series = monitor.event(event.as_bytes()).unwrap();
        series.samples().map(|sample| (sample.unix_time_seconds, sample.latency_ms)).collect()
    }

    #[test]
    fn a_second_keeps_its_worst_spike() {
        let mut monitor = LatencyMonitor::new();
        for (second, latency_ms) in [(100, 5), (100, 9), (100, 7), (103, 1)] {
            monitor.record("command", second, latency_ms);
        }
        assert_eq!(history(&monitor, "command"), [(100, 9), (103, 1)]);
        let series = monitor.event(b"command").unwrap();
        assert_eq!(series.newest(), Sample { unix_time_seconds: 103, latency_ms: 1 });
        assert_eq!(series.max_ms(), 9);
        assert!(monitor.event(b"COMMAND").is_none());
    }

    #[test]
    fn the_ring_holds_160_samples_and_the_all_time_high_outlives_them() {
        let mut monitor = LatencyMonitor::new();
        monitor.record("command", 0, 1000);
        for second in 1..=160 {
            monitor.record("command", second, 2);
        }
        let seconds: Vec<i64> = history(&monitor, "command").iter().map(|sample| sample.0).collect();
        assert_eq!(seconds, (1..=160).collect::<Vec<_>>());
        assert_eq!(monitor.event(b"command").unwrap().max_ms(), 1000);
    }

    #[test]
    fn reset_forgets_one_or_all() {
        let mut monitor = LatencyMonitor::new();
        for event in ["command", "fast-command", "expire-cycle"] {
            monitor.record(event, 1, 1);
        }
        assert_eq!(monitor.reset(b"nothing"), 0);
        assert_eq!(monitor.reset(b"Fast-Command"), 1);
        assert_eq!(monitor.events().map(Series::event).collect::<Vec<_>>(), ["command", "expire-cycle"]);
        assert_eq!(monitor.reset_all(), 2);
        assert_eq!(monitor.events().len(), 0);
    }
}
