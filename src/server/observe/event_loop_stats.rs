//! The event loop's turns: how many, how long, how much of it in commands. INFO's `eventloop_*`.
//!
//! A turn is what the loop does between two waits; the wait itself is no part of it.

/// Number, sum and maximum of durations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    /// How many there were.
    pub count: u64,
    /// Their sum.
    pub sum_us: u64,
    /// The longest.
    pub max_us: u64,
}

impl Durations {
    fn record(&mut self, duration_us: u64) {
        self.count += 1;
        self.sum_us += duration_us;
        self.max_us = self.max_us.max(duration_us);
    }
}

/// What is known of the loop's turns.
#[derive(Clone, Debug, Default)]
pub struct EventLoopStats {
    turns: Durations,
    commands: Durations,
    log_handover: Durations,
    cron: Durations,
    max_commands_per_turn: u64,
}

impl EventLoopStats {
    /// One of a loop that has not turned yet.
    pub fn new() -> EventLoopStats {
        EventLoopStats::default()
    }

    /// Notes a turn of `duration_us` in which `commands` commands ran.
    pub fn record_turn(&mut self, duration_us: u64, commands: u64) {
        self.turns.record(duration_us);
        self.max_commands_per_turn = self.max_commands_per_turn.max(commands);
    }

    /// Notes time that a turn spent in commands.
    pub fn record_commands(&mut self, duration_us: u64) {
        self.commands.record(duration_us);
    }

    /// Notes time that a turn spent on the log.
    pub fn record_log(&mut self, duration_us: u64) {
        self.log_handover.record(duration_us);
    }

    /// Notes time that a turn spent in periodic work.
    pub fn record_cron(&mut self, duration_us: u64) {
        self.cron.record(duration_us);
    }

    /// The turns: `eventloop_cycles`, `eventloop_duration_sum`, `eventloop_duration_max`.
    pub fn turns(&self) -> Durations {
        self.turns
    }

    /// Time in commands: `eventloop_duration_cmd_sum`.
    pub fn commands(&self) -> Durations {
        self.commands
    }

    /// Time on the log: `eventloop_duration_aof_sum`.
    pub fn log(&self) -> Durations {
        self.log_handover
    }

    /// Time in periodic work: `eventloop_duration_cron_sum`.
    pub fn cron(&self) -> Durations {
        self.cron
    }

    /// The most commands that ran in one turn: `eventloop_cmd_per_cycle_max`.
    pub fn max_commands_per_turn(&self) -> u64 {
        self.max_commands_per_turn
    }

    /// Forgets all of it: CONFIG RESETSTAT.
    pub fn reset(&mut self) {
        *self = EventLoopStats::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_maxima() {
        let mut stats = EventLoopStats::new();
        stats.record_turn(100, 3);
        stats.record_commands(70);
        stats.record_turn(250, 1);
        stats.record_commands(200);
        stats.record_log(5);
        stats.record_cron(9);
        assert_eq!(stats.turns(), Durations { count: 2, sum_us: 350, max_us: 250 });
        assert_eq!(stats.commands(), Durations { count: 2, sum_us: 270, max_us: 200 });
        assert_eq!((stats.log().sum_us, stats.cron().sum_us), (5, 9));
        assert_eq!(stats.max_commands_per_turn(), 3);
        stats.reset();
        assert_eq!(stats.turns(), Durations::default());
        assert_eq!(stats.max_commands_per_turn(), 0);
    }
}
