//! LATENCY DOCTOR: the spikes of all events in words, and what may be done about them.

use std::fmt::Write;

use super::latency::{LatencyMonitor, Series};

/// What the doctor must know besides the spikes.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// Now, in seconds since 1970.
    pub now_seconds: i64,
    /// `latency-monitor-threshold`; 0 when the monitor is off.
    pub threshold_ms: u64,
    /// `slowlog-log-slower-than`; `None` when the slow log is off.
    pub slow_log_threshold_us: Option<u64>,
    /// Memory of the process in transparent huge pages.
    pub huge_page_bytes: u64,
}

/// An event's samples in figures.
#[derive(Debug, PartialEq)]
struct Figures {
    samples: usize,
    mean_ms: u64,
    /// How far the samples are from the mean, on average.
    deviation_ms: u64,
    /// Seconds between samples, on average.
    period_seconds: f64,
    max_ms: u64,
}

/// The report on `monitor`'s spikes, in a few lines that end with a line feed.
pub fn report(monitor: &LatencyMonitor, circumstances: &Circumstances) -> String {
    if monitor.events().len() == 0 && circumstances.threshold_ms == 0 {
        return "The latency monitor is off, so there is nothing to report. Switch it on with \
                'CONFIG SET latency-monitor-threshold <milliseconds>' and ask again after the next slow moment.\n"
            .to_owned();
    }
    let mut text = String::new();
    for (index, series) in monitor.events().enumerate() {
        if index == 0 {
            text.push_str("Latency spikes were seen in this instance:\n\n");
        }
        let figures = Figures::of(series, circumstances.now_seconds);
        write_event(&mut text, index + 1, series.event(), &figures);
    }
    let advice: Vec<String> = ADVICE
        .iter()
        .filter(|advice| (advice.applies)(monitor, circumstances))
        .map(|advice| (advice.text)(circumstances))
        .collect();
    match (monitor.events().len(), advice.is_empty()) {
        (0, true) => text.push_str("No latency spike was seen since the monitor was switched on or reset.\n"),
        (_, true) => text.push_str("\nNo simple remedy is known for these events.\n"),
        (_, false) => {
            text.push_str("\nWhat may help:\n\n");
            text.extend(advice.iter().flat_map(|line| ["- ", line, "\n"]));
        }
    }
    text
}

fn write_event(text: &mut String, number: usize, event: &str, figures: &Figures) {
    writeln!(
        text,
        "{number}. {event}: {} latency spikes (average {}ms, mean deviation {}ms, period {:.2} sec). Worst all time event {}ms.",
        figures.samples, figures.mean_ms, figures.deviation_ms, figures.period_seconds, figures.max_ms
    )
    .expect("writing to a String does not fail");
}

impl Figures {
    fn of(series: &Series, now_seconds: i64) -> Figures {
        let latencies = series.samples().map(|sample| sample.latency_ms);
        let samples = latencies.len();
        let mean = |sum: u64| sum / samples.max(1) as u64;
        let mean_ms = mean(latencies.clone().sum());
        let oldest = series.samples().map(|sample| sample.unix_time_seconds).min().unwrap_or(now_seconds);
        let span_seconds = (now_seconds - oldest).max(1);
        Figures {
            samples,
            mean_ms,
            deviation_ms: mean(latencies.map(|latency_ms| latency_ms.abs_diff(mean_ms)).sum()),
            period_seconds: span_seconds as f64 / samples.max(1) as f64,
            max_ms: series.max_ms(),
        }
    }
}

/// One line of advice, and when it is given.
struct Advice {
    applies: fn(&LatencyMonitor, &Circumstances) -> bool,
    text: fn(&Circumstances) -> String,
}

const ADVICE: &[Advice] = &[
    Advice {
        applies: |monitor, circumstances| has(monitor, &["command"]) && circumstances.slow_log_threshold_us.is_none(),
        text: |circumstances| {
            let threshold_us = circumstances.threshold_ms * 1000;
            format!(
                "Commands were slow, and the slow log is off: 'CONFIG SET slowlog-log-slower-than {threshold_us}' shows which."
            )
        },
    },
    Advice {
        applies: |monitor, circumstances| {
            let too_coarse = |threshold_us: u64| threshold_us / 1000 > circumstances.threshold_ms;
            has(monitor, &["command"]) && circumstances.slow_log_threshold_us.is_some_and(too_coarse)
        },
        text: |circumstances| {
            let threshold_us = circumstances.threshold_ms * 1000;
            format!(
                "The slow log only notes calls that are slower than the latency monitor's threshold: \
                 'CONFIG SET slowlog-log-slower-than {threshold_us}' makes them agree."
            )
        },
    },
    Advice {
        applies: |monitor, _| has(monitor, &["command"]),
        text: |_| "SLOWLOG GET names the commands that were slow, with their arguments.".to_owned(),
    },
    Advice {
        applies: |monitor, _| has(monitor, &["fast-command"]),
        text: |_| {
            "Commands of constant cost were slow, so the process did not get its CPU: look for other load on the machine, for noisy \
             neighbours of a virtual machine, for swapping, and measure with 'redis-cli --intrinsic-latency 100'."
                .to_owned()
        },
    },
    Advice {
        applies: |monitor, _| has(monitor, &["command", "expire-cycle", "eviction-del"]),
        text: |_| {
            "Deleting large values takes time: UNLINK, and 'lazyfree-lazy-expire' and its like, move that out of the way.".to_owned()
        },
    },
    Advice {
        applies: |monitor, _| has(monitor, &["eviction-cycle"]),
        text: |_| {
            "Many keys were evicted at once: lower 'maxmemory' in small steps, and leave room for bursts of writes."
                .to_owned()
        },
    },
    Advice {
        applies: |monitor, _| has(monitor, &["aof-fsync-always"]),
        text: |_| {
            "Each round of writes waits for the disk under 'appendfsync always'; 'everysec' does not, and risks one second.".to_owned()
        },
    },
    Advice {
        applies: |monitor, _| {
            monitor.events().any(|series| series.event().starts_with("aof-") || series.event().starts_with("rdb-"))
        },
        text: |_| {
            "The disk was slow: look for other processes that write to it ('iostat', 'iotop'), and prefer a local SSD to network storage."
                .to_owned()
        },
    },
    Advice {
        applies: |_, circumstances| circumstances.huge_page_bytes > 0,
        text: |_| {
            "Transparent huge pages are in use, which makes page faults slow and memory grow: \
             'echo madvise > /sys/kernel/mm/transparent_hugepage/enabled', then restart."
                .to_owned()
        },
    },
];

fn has(monitor: &LatencyMonitor, events: &[&str]) -> bool {
    monitor.events().any(|series| events.contains(&series.event()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Circumstances =
        Circumstances { now_seconds: 110, threshold_ms: 100, slow_log_threshold_us: Some(10_000), huge_page_bytes: 0 };

    fn report_of(events: &[&'static str], circumstances: &Circumstances) -> String {
        let mut monitor = LatencyMonitor::new();
        for event in events {
            monitor.record(event, 100, 10);
            monitor.record(event, 105, 40);
        }
        report(&monitor, circumstances)
    }

    #[test]
    fn without_spikes_it_says_whether_it_watched() {
        assert!(report_of(&[], &QUIET).starts_with("No latency spike was seen"));
        assert!(report_of(&[], &Circumstances { threshold_ms: 0, ..QUIET }).contains("monitor is off"));
    }

    #[test]
    fn events_are_told_in_figures() {
        let text = report_of(&["some-event"], &QUIET);
        let line = "1. some-event: 2 latency spikes (average 25ms, mean deviation 15ms, period 5.00 sec). Worst all time event 40ms.\n";
        assert!(text.contains(line), "{text}");
        assert!(text.ends_with("No simple remedy is known for these events.\n"), "{text}");
    }

    #[test]
    fn advice_follows_events_and_settings() {
        for (event, words) in [
            ("command", "SLOWLOG GET"),
            ("fast-command", "did not get its CPU"),
            ("expire-cycle", "UNLINK"),
            ("eviction-cycle", "evicted at once"),
            ("aof-fsync-always", "appendfsync always"),
            ("aof-write-alone", "The disk was slow"),
        ] {
            let text = report_of(&[event], &QUIET);
            assert!(text.contains(words), "{event}: {text}");
            assert!(!text.contains("slowlog-log-slower-than"), "{event}: {text}");
        }
        let slow_log_off = Circumstances { slow_log_threshold_us: None, ..QUIET };
        assert!(
            report_of(&["command"], &slow_log_off)
                .contains("slow log is off: 'CONFIG SET slowlog-log-slower-than 100000'")
        );
        let coarse = Circumstances { slow_log_threshold_us: Some(1_000_000), ..QUIET };
        assert!(report_of(&["command"], &coarse).contains("makes them agree"));
        assert!(report_of(&[], &Circumstances { huge_page_bytes: 1, ..QUIET }).contains("huge pages"));
    }
}
