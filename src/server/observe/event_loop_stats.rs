//! The event loop's turns: how many, how long, how much of it in commands. INFO's `eventloop_*`.
//!
//! A turn is what the loop does between two waits; the wait itself is no part of it.

use super::turn::{Laps, Longest, Phase, Stopwatch};

/// Up to so long before a turn, what the thread's CPU clock has shown still tells how long the turn ran.
const RUN_STALE_NS: u64 = 100_000;

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
    watch: Stopwatch,
    longest: Longest,
    longest_run: Longest,
    /// The longest that each phase took of a turn.
    longest_phases: Laps,
    expiry_ns: u64,
    /// What the thread's CPU clock showed last, and when.
    run_seen: (u64, u64),
}

impl EventLoopStats {
    /// One of a loop that has not turned yet.
    pub fn new() -> EventLoopStats {
        EventLoopStats::default()
    }

    /// A turn begins. `run_ns` asks how long the loop's thread has run on a CPU, which costs a system call: so it is asked at the
    /// beginning of a turn only when that is known for too long, and at the end only when the turn may have run for longest.
    pub fn begin_turn(&mut self, now_ns: u64, run_ns: impl FnOnce() -> u64) {
        self.watch = Stopwatch::start(now_ns);
        if now_ns >= self.run_seen.1 + RUN_STALE_NS {
            self.run_seen = (run_ns(), now_ns);
        }
    }

    /// What the turn did since the last lap was of this kind. Gives how long that took, in nanoseconds.
    #[inline]
    pub fn lap(&mut self, phase: Phase, now_ns: u64) -> u64 {
        self.watch.lap(phase, now_ns)
    }

    /// The turn has ended with its last lap; `commands` commands ran in it.
    pub fn end_turn(&mut self, commands: u64, run_ns: impl FnOnce() -> u64) {
        let wall_ns = self.watch.wall_ns();
        self.turns.record(wall_ns / 1000);
        self.max_commands_per_turn = self.max_commands_per_turn.max(commands);
        self.longest.note(wall_ns, self.watch.laps());
        self.longest_phases.raise_to(self.watch.laps());
        self.expiry_ns += self.watch.laps().of(Phase::Expiry);
        if wall_ns > self.longest_run.ns {
            let ran_ns = run_ns().saturating_sub(self.run_seen.0);
            self.longest_run.note(wall_ns.min(ran_ns), self.watch.laps());
        }
    }

    /// The turn that took longest: `loop_longest_turn_us`.
    pub fn longest(&self) -> &Longest {
        &self.longest
    }

    /// The turn that ran for longest on its CPU: `loop_longest_run_us`. At most `RUN_STALE_NS` too much.
    pub fn longest_run(&self) -> &Longest {
        &self.longest_run
    }

    /// The longest that each phase took of a turn: `loop_longest_phases_us`.
    pub fn longest_phases(&self) -> &Laps {
        &self.longest_phases
    }

    /// What all turns gave to expiry, in nanoseconds: `expire_cycle_cpu_milliseconds`.
    pub fn expiry_ns(&self) -> u64 {
        self.expiry_ns
    }

    /// The laps of the turn at hand.
    pub fn laps(&self) -> &Laps {
        self.watch.laps()
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

    /// Forgets all of it: CONFIG RESETSTAT. The turn at hand goes on.
    pub fn reset(&mut self) {
        *self = EventLoopStats { watch: self.watch, run_seen: self.run_seen, ..EventLoopStats::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A turn of so many microseconds on the wall and on its CPU.
    fn turn(stats: &mut EventLoopStats, wall_us: u64, commands: u64, run_us: u64) {
        stats.begin_turn(0, || unreachable!("it was known a moment ago"));
        stats.lap(Phase::Commands, wall_us * 1000);
        stats.end_turn(commands, || run_us * 1000);
    }

    #[test]
    fn a_turn_that_others_interrupt_is_long_and_runs_shortly() {
        let mut stats = EventLoopStats::new();
        turn(&mut stats, 300, 1, 280);
        turn(&mut stats, 5000, 1, 40);
        assert_eq!((stats.longest().ns, stats.longest_run().ns), (5_000_000, 280_000));
        assert_eq!(stats.longest_run().laps.text(), "commands=300");
        assert_eq!(stats.longest_phases().text(), "commands=5000");
    }

    #[test]
    fn what_ran_before_a_turn_is_no_part_of_it() {
        let mut stats = EventLoopStats::new();
        stats.begin_turn(RUN_STALE_NS, || 7_000_000);
        stats.lap(Phase::Walk, RUN_STALE_NS + 500_000);
        stats.end_turn(0, || 7_400_000);
        assert_eq!(stats.longest_run().ns, 400_000);
    }

    #[test]
    fn sums_and_maxima() {
        let mut stats = EventLoopStats::new();
        turn(&mut stats, 100, 3, 100);
        stats.record_commands(70);
        turn(&mut stats, 250, 1, 90);
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
