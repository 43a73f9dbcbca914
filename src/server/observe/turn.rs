//! Where a turn of the event loop spends its time: a stopwatch with a lap for each kind of work, and the longest turns as it saw them.
//!
//! ```text
//! turn   begun --- commands --- expiry --- walk --- log --- replies --- end       laps: what lies between is the phase's
//!            |<------------------------- wall -------------------------->|
//!            |<-- run: the same without what other threads took of the CPU -->|
//! ```
//!
//! Two turns are kept: the longest by the clock on the wall, for which clients waited, and the one that ran for longest on its CPU,
//! which is what the work of the loop costs. Where they differ, somebody else had the CPU.

use std::fmt::Write;

/// What a turn does, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Connections are taken, requests read and run.
    Commands,
    /// The data set is loaded.
    Loading,
    /// Keys and fields leave at their deadline.
    Expiry,
    /// Who waits for a key, or for a message, is served.
    Waits,
    /// A save walks the keys.
    Walk,
    /// Keys make room for others.
    Eviction,
    /// LRU lists are built.
    Order,
    /// Sparse pages are emptied.
    Defragment,
    /// Blocks go to the log's writer, its reports come back.
    Log,
    /// What is due `hz` times a second.
    Cron,
    /// Replies leave; metrics are served.
    Replies,
}

impl Phase {
    /// All of them, in order.
    pub const ALL: [Phase; 11] = [
        Phase::Commands,
        Phase::Loading,
        Phase::Expiry,
        Phase::Waits,
        Phase::Walk,
        Phase::Eviction,
        Phase::Order,
        Phase::Defragment,
        Phase::Log,
        Phase::Cron,
        Phase::Replies,
    ];

    /// Its name in INFO and `/metrics`.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Commands => "commands",
            Phase::Loading => "loading",
            Phase::Expiry => "expiry",
            Phase::Waits => "waits",
            Phase::Walk => "walk",
            Phase::Eviction => "eviction",
            Phase::Order => "order",
            Phase::Defragment => "defragment",
            Phase::Log => "log",
            Phase::Cron => "cron",
            Phase::Replies => "replies",
        }
    }

    /// Its event in LATENCY; none where Redis has one of its own, or where no client waits.
    pub fn event(self) -> Option<&'static str> {
        match self {
            Phase::Commands | Phase::Loading | Phase::Expiry | Phase::Eviction => None,
            Phase::Waits => Some("loop-waits"),
            Phase::Walk => Some("loop-walk"),
            Phase::Order => Some("loop-order"),
            Phase::Defragment => Some("loop-defragment"),
            Phase::Log => Some("loop-log"),
            Phase::Cron => Some("loop-cron"),
            Phase::Replies => Some("loop-replies"),
        }
    }
}

/// Nanoseconds by phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Laps([u64; Phase::ALL.len()]);

impl Laps {
    /// What a phase took.
    pub fn of(&self, phase: Phase) -> u64 {
        self.0[phase as usize]
    }

    /// Each phase's greater one.
    pub fn raise_to(&mut self, other: &Laps) {
        self.0.iter_mut().zip(other.0).for_each(|(most, ns)| *most = ns.max(*most));
    }

    /// What each phase took, those that took less than a microsecond left out: `commands=120,log=15`.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for phase in Phase::ALL.into_iter().filter(|&phase| self.of(phase) >= 1000) {
            let comma = if text.is_empty() { "" } else { "," };
            let _ = write!(text, "{comma}{}={}", phase.name(), self.of(phase) / 1000);
        }
        text
    }
}

/// The turn at hand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stopwatch {
    begun_ns: u64,
    lapped_ns: u64,
    laps: Laps,
}

impl Stopwatch {
    /// One that starts at `now_ns`.
    pub fn start(now_ns: u64) -> Stopwatch {
        Stopwatch { begun_ns: now_ns, lapped_ns: now_ns, laps: Laps::default() }
    }

    /// What lies between the last lap and `now_ns` was spent in `phase`. Gives how much that was, in nanoseconds.
    #[inline]
    pub fn lap(&mut self, phase: Phase, now_ns: u64) -> u64 {
        let spent_ns = now_ns.saturating_sub(self.lapped_ns);
        self.laps.0[phase as usize] += spent_ns;
        self.lapped_ns = now_ns;
        spent_ns
    }

    /// From its start to the last lap, in nanoseconds.
    pub fn wall_ns(&self) -> u64 {
        self.lapped_ns - self.begun_ns
    }

    /// The laps so far.
    pub fn laps(&self) -> &Laps {
        &self.laps
    }
}

/// The longest of some turns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Longest {
    /// How long it took, in nanoseconds.
    pub ns: u64,
    /// Where it went, by the clock on the wall.
    pub laps: Laps,
}

impl Longest {
    /// Takes a turn's place when that took longer.
    pub fn note(&mut self, ns: u64, laps: &Laps) {
        if ns > self.ns {
            *self = Longest { ns, laps: *laps };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_between_two_laps_belongs_to_the_second() {
        let mut watch = Stopwatch::start(1_000_000);
        assert_eq!(watch.lap(Phase::Commands, 1_120_500), 120_500);
        watch.lap(Phase::Log, 1_121_000);
        watch.lap(Phase::Walk, 1_200_000);
        watch.lap(Phase::Log, 1_215_000);
        assert_eq!(watch.wall_ns(), 215_000);
        assert_eq!(watch.laps().text(), "commands=120,walk=79,log=15");
    }

    #[test]
    fn only_a_longer_turn_is_the_longest() {
        let mut longest = Longest::default();
        let mut watch = Stopwatch::start(0);
        watch.lap(Phase::Cron, 5_000);
        longest.note(5_000, watch.laps());
        longest.note(5_000, &Laps::default());
        assert_eq!((longest.ns, longest.laps.text()), (5_000, "cron=5".to_string()));
    }

    #[test]
    fn every_phase_has_its_own_place() {
        assert!(Phase::ALL.iter().enumerate().all(|(i, &phase)| phase as usize == i));
    }
}
