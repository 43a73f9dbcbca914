//! How lives of the server begin and end, and what is found when one begins.

use ferrodis::server::config::{AppendFsync, Config, Permission};

use super::{Life, LogState, Simulation, WEIGHING_MS};
use crate::disk::{Faults, FaultyDisk};
use crate::peer::Peer;
use crate::process::Process;

impl Simulation {
    fn config(&mut self) -> Config {
        let mut config = Config { dir: "/data".into(), save: Vec::new(), ..Config::default() };
        config.enable_debug_command = Permission::Yes;
        config.appendonly = self.has_log;
        config.appendfsync =
            [AppendFsync::Always, AppendFsync::Always, AppendFsync::Everysec, AppendFsync::No][self.rng.usize(..4)];
        config.latency_tracking = false; // histograms come with a command's first call, and would count as memory
        config.aof_use_rdb_preamble = !self.history.forgets_orphans || self.rng.bool();
        config.aof_timestamp_enabled = self.rng.u8(..4) == 0;
        config.auto_aof_rewrite_min_size_bytes = [2_000, 64 << 20][self.rng.usize(..2)];
        config
    }

    /// Loads what is there; `Err` when the server would not start.
    fn load(&mut self, disk: &FaultyDisk, config: Config) -> Result<Process, String> {
        let mut process = Process::new(config, &self.clock, disk);
        process.dispatcher.begin_loading()?;
        while process.dispatcher.is_loading() {
            process.dispatcher.step_loading()?;
        }
        Ok(process)
    }

    /// Starts the server, perhaps after some starts that fail, and compares what it has found with what was.
    pub(super) fn start(&mut self) -> Life {
        loop {
            let is_hard = self.rng.u8(..4) == 0;
            if is_hard {
                let faults = self.faults();
                self.disk.set_faults(faults);
                if self.rng.bool() {
                    self.disk.crash_in(self.rng.u64(..30));
                }
            }
            let (before, config) = (self.disk.copy(), self.config());
            match self.load(&self.disk.clone(), config.clone()) {
                Ok(process) if !self.disk.is_down() => {
                    let mut life = self.begin(process, config.clone());
                    life.had_faults = is_hard;
                    if self.rng.u8(..4) == 0 {
                        self.load_twice(&before, &life, config);
                    }
                    return self.settle_in(life);
                }
                Ok(_) => {}
                Err(refusal) => assert!(is_hard, "a disk that is well: {refusal}\n{}", self.show_files()),
            }
            self.seen.failed_starts += 1;
            self.end_life();
        }
    }

    fn begin(&mut self, mut process: Process, config: Config) -> Life {
        let (found, digest) = (process.read_state(), process.operate("DEBUG DIGEST"));
        self.history.latest_ms = self.history.latest_ms.max(self.clock.wall_ms()); // waiting took its time, too
        let (has_log, begun) = (self.has_log, std::mem::take(&mut self.begun));
        let is_begun = |number: usize| begun.iter().any(|(first, last)| (*first..=*last).contains(&number));
        let is_candidate = |number: usize| match has_log {
            true => self.history.is_logged(number),
            false => number == 0 || is_begun(number),
        };
        let Some(number) = self.history.may_be_found(is_candidate, &found) else {
            panic!("what is there {}\n{}", self.history.explain(&found), self.show_files());
        };
        if !has_log {
            self.disk.write_back(); // a snapshot that was found need not be durable, but the next start is to find one no older
        }
        self.trace(|history| format!("found change {number} of {}", history.now()));
        self.seen.recoveries += 1;
        self.seen.lost += (number < self.history.now()) as u64;
        self.history.go_on_from(found);
        let peers = (0..self.rng.usize(1..5)).map(|_| Peer::new(process.connect())).collect();
        let policy = config.appendfsync;
        Life {
            process,
            digest,
            peers,
            waiters: Vec::new(),
            log: if has_log { LogState::InForce } else { LogState::Off },
            ending: None,
            is_stalled: false,
            unsynced_since_ms: None,
            had_faults: false,
            policy,
            rewrites_done: 0,
            delayed_syncs: 0,
            snapshot: None,
            snapshots_done: 0,
        }
    }

    /// What was there before this start, loaded again, and again from what that start has left, is the same.
    fn load_twice(&mut self, disk: &FaultyDisk, life: &Life, config: Config) {
        disk.set_faults(Faults::default());
        disk.crash_in(u64::MAX);
        let digest = |process: &mut Process| process.operate("DEBUG DIGEST");
        let mut digests = Vec::new();
        for _ in 0..2 {
            let mut process = self.load(disk, config.clone()).expect("it could be loaded before");
            digests.push(digest(&mut process));
            disk.kill();
        }
        assert_eq!(digests, [life.digest.clone(), life.digest.clone()], "loading it again gives something else");
    }

    /// The clock is where it was at least, and what it has left is gone.
    fn settle_in(&mut self, mut life: Life) -> Life {
        if self.clock.wall_ms() <= self.history.latest_ms {
            self.clock.jump_to(self.history.latest_ms + 1);
        }
        self.expire_all(&mut life);
        if self.evicts {
            self.pass_time(&mut life, WEIGHING_MS); // what the process takes counts as soon as it was weighed
            let limit = life.process.dispatcher.server.counted_memory() + self.rng.usize(1_000..10_000);
            let policy = ["allkeys-lru", "allkeys-random", "allkeys-lfu"][self.rng.usize(..3)];
            for line in [
                "CONFIG SET notify-keyspace-events Ee",
                &format!("CONFIG SET maxmemory {limit} maxmemory-policy {policy}"),
            ] {
                assert_eq!(life.process.operate(line), b"+OK\r\n");
            }
            life.process.listen("__keyevent@*__:evicted");
        }
        life
    }

    /// The process is killed, or the power fails, if it has not already.
    pub(super) fn end_life(&mut self) {
        self.trace(|_| "a life ends".into());
        if self.disk.is_down() || self.rng.bool() {
            self.seen.crashes += 1;
            self.disk.crash();
        } else {
            self.disk.kill();
        }
        self.disk.set_faults(Faults::default());
        self.disk.crash_in(u64::MAX);
    }
}
