//! Rates of the last 1.6 seconds: INFO's `instantaneous_*`.
//!
//! Counters are sampled every 100 ms. A rate is the mean of the last 16 samples, of which each is the growth of a counter over the
//! growth of its base (time, or the number of turns), as in Redis.

/// Samples that a rate is the mean of.
pub const SAMPLES: usize = 16;

/// How fast a counter grows over another.
#[derive(Clone, Debug, Default)]
pub struct Rate {
    samples: [u64; SAMPLES],
    next: usize,
    /// Value and base at the last sample.
    last: Option<(u64, u64)>,
}

impl Rate {
    /// Takes a sample: the counter stands at `value`, its base at `base`; the rate is told per `factor` of the base. The first sample is
    /// where measuring begins. A counter that has gone back, after a reset, counts as not having moved.
    pub fn sample(&mut self, value: u64, base: u64, factor: u64) {
        if let Some((last_value, last_base)) = self.last {
            let grown = u128::from(value.saturating_sub(last_value)) * u128::from(factor);
            let rate = grown.checked_div(u128::from(base.saturating_sub(last_base))).unwrap_or(0);
            self.samples[self.next] = u64::try_from(rate).unwrap_or(u64::MAX);
            self.next = (self.next + 1) % SAMPLES;
        }
        self.last = Some((value, base));
    }

    /// The mean of the last samples; those not taken yet are 0.
    pub fn mean(&self) -> u64 {
        let sum: u128 = self.samples.iter().map(|&sample| u128::from(sample)).sum();
        (sum / SAMPLES as u128) as u64
    }
}

/// The counters that have rates, as they stand at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counters {
    /// Monotonic time.
    pub now_us: u64,
    /// Commands run.
    pub commands: u64,
    /// Bytes read from clients and the primary.
    pub input_bytes: u64,
    /// Bytes written to clients and replicas.
    pub output_bytes: u64,
    /// Bytes read from the primary.
    pub replication_input_bytes: u64,
    /// Bytes written to replicas.
    pub replication_output_bytes: u64,
    /// Turns of the event loop.
    pub turns: u64,
    /// Time in those turns.
    pub turns_us: u64,
}

/// All rates of INFO.
#[derive(Clone, Debug, Default)]
pub struct Rates {
    commands: Rate,
    input: Rate,
    output: Rate,
    replication_input: Rate,
    replication_output: Rate,
    turns: Rate,
    turn_duration: Rate,
}

const US_PER_SECOND: u64 = 1_000_000;

impl Rates {
    /// All at 0.
    pub fn new() -> Rates {
        Rates::default()
    }

    /// Takes a sample of all; to be called every 100 ms.
    pub fn sample(&mut self, counters: &Counters) {
        let now_us = counters.now_us;
        self.commands.sample(counters.commands, now_us, US_PER_SECOND);
        self.input.sample(counters.input_bytes, now_us, US_PER_SECOND);
        self.output.sample(counters.output_bytes, now_us, US_PER_SECOND);
        self.replication_input.sample(counters.replication_input_bytes, now_us, US_PER_SECOND);
        self.replication_output.sample(counters.replication_output_bytes, now_us, US_PER_SECOND);
        self.turns.sample(counters.turns, now_us, US_PER_SECOND);
        self.turn_duration.sample(counters.turns_us, counters.turns, 1);
    }

    /// `instantaneous_ops_per_sec`.
    pub fn commands_per_second(&self) -> u64 {
        self.commands.mean()
    }

    /// `instantaneous_input_kbps`: KiB per second.
    pub fn input_kbps(&self) -> f64 {
        kbps(&self.input)
    }

    /// `instantaneous_output_kbps`: KiB per second.
    pub fn output_kbps(&self) -> f64 {
        kbps(&self.output)
    }

    /// `instantaneous_input_repl_kbps`: KiB per second.
    pub fn replication_input_kbps(&self) -> f64 {
        kbps(&self.replication_input)
    }

    /// `instantaneous_output_repl_kbps`: KiB per second.
    pub fn replication_output_kbps(&self) -> f64 {
        kbps(&self.replication_output)
    }

    /// `instantaneous_eventloop_cycles_per_sec`.
    pub fn turns_per_second(&self) -> u64 {
        self.turns.mean()
    }

    /// `instantaneous_eventloop_duration_usec`: how long a turn takes.
    pub fn turn_us(&self) -> u64 {
        self.turn_duration.mean()
    }

    /// Back to 0: CONFIG RESETSTAT.
    pub fn reset(&mut self) {
        *self = Rates::default();
    }
}

fn kbps(rate: &Rate) -> f64 {
    rate.mean() as f64 / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_rate_is_found_after_16_samples() {
        let mut rates = Rates::new();
        for tick in 1..=17 {
            rates.sample(&Counters {
                now_us: tick * 100_000,
                commands: tick * 500,
                input_bytes: tick * 102_400,
                output_bytes: tick * 51_200,
                turns: tick * 20,
                turns_us: tick * 20 * 75,
                ..Counters::default()
            });
            if tick == 9 {
                assert_eq!(rates.commands_per_second(), 2500, "half of the samples are taken");
            }
        }
        assert_eq!(rates.commands_per_second(), 5000);
        assert_eq!((rates.input_kbps(), rates.output_kbps()), (1000.0, 500.0));
        assert_eq!((rates.turns_per_second(), rates.turn_us()), (200, 75));
        assert_eq!(rates.replication_input_kbps(), 0.0);
        rates.reset();
        assert_eq!(rates.commands_per_second(), 0);
    }

    #[test]
    fn a_base_that_stands_still_and_a_counter_that_goes_back_give_0() {
        let mut rate = Rate::default();
        rate.sample(1000, 10, 1);
        rate.sample(2000, 10, 1);
        rate.sample(5, 20, 1);
        assert_eq!(rate.mean(), 0);
        rate.sample(5 + 160, 21, 1);
        assert_eq!(rate.mean(), 10);
    }
}
