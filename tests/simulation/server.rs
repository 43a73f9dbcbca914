//! The whole production server from one seed: clients' calls, store, expiry, eviction, log, rewrites, snapshots, loading, on a disk that
//! fails and a clock that jumps, with the power going at any moment.
//!
//! A run is a few lives of a server, each loading what the last one left. The oracle (`model`, `history`) runs every call beside it and
//! compares every answer. When a life begins, what is there must be a state that was: one after a whole call or transaction, none
//! older than the promise allows, and the same however often it is loaded.

use std::sync::Arc;

use fastrand::Rng;
use ferrodis::server::clients::ClientIndex;
use ferrodis::server::config::{AppendFsync, Config, Permission, ShutdownFlags};
use ferrodis::server::gates;

use crate::answers::Waiter;
use crate::disk::{Faults, FaultyDisk};
use crate::for_each_seed;
use crate::history::History;
use crate::model::{Came, State, reply_len};
use crate::peer::Peer;
use crate::process::{Process, SimulatedClock, items};

const START_MS: u64 = 1_700_000_000_000;
/// The grain in which time passes.
const GRAIN_MS: u64 = 20;
/// After so long the server has weighed its process.
const WEIGHING_MS: u64 = 2000;

/// What came about, for the test that wants to have seen it all.
#[derive(Debug, Default)]
pub struct Seen {
    pub calls: u64,
    recoveries: u64,
    lost: u64,
    failed_starts: u64,
    crashes: u64,
    rewrites: u64,
    snapshots: u64,
    evicted: u64,
    pub refused: u64,
    pub transactions: u64,
    /// Transactions that were not run, for a watched key had changed.
    pub aborted: u64,
    held: u64,
    /// Calls that waited, and were answered since a key had changed.
    pub served: u64,
    /// Times that WAITAOF said that all is durable.
    pub durable: u64,
    /// Times that the log was turned on again and had its base.
    logs_begun: u64,
    /// Times that a slow sync held the writers.
    delayed: u64,
}

/// Whether what changes is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogState {
    InForce,
    Off,
    /// It will be when its first base is.
    AwaitsBase,
}

pub struct Simulation {
    rng: Rng,
    disk: FaultyDisk,
    pub clock: Arc<SimulatedClock>,
    /// Whether there is a log; else there are snapshots only.
    has_log: bool,
    evicts: bool,
    keys: usize,
    pub history: History,
    /// Snapshots begun in this life: between which changes each of them stands.
    begun: Vec<(usize, usize)>,
    pub seen: Seen,
    /// The place of the next client that waits.
    pub next_turn: u64,
    /// Whether all that happens is to be told.
    is_traced: bool,
}

pub struct Life {
    pub process: Process,
    /// DEBUG DIGEST of what it found.
    digest: Vec<u8>,
    pub peers: Vec<Peer>,
    pub waiters: Vec<Waiter>,
    pub log: LogState,
    /// Whether the disk stands still for the log's writer ...
    pub is_stalled: bool,
    /// ... and since when a write waits for it (monotonic ms).
    pub unsynced_since_ms: Option<u64>,
    /// Whether the disk may refuse something.
    has_faults: bool,
    /// Whether it did in this life: what failed then may be told later.
    had_faults: bool,
    /// The policy that is in force.
    pub policy: AppendFsync,
    rewrites_done: u64,
    delayed_syncs: u64,
    /// When the snapshot under way began (monotonic ms), and which it is.
    snapshot: Option<(u64, usize)>,
    snapshots_done: u64,
}

impl Life {
    /// Whether answers wait for the disk.
    pub fn is_held_back(&self) -> bool {
        self.policy == AppendFsync::Always && self.log == LogState::InForce
    }

    /// Whether what is due goes at the end of a round.
    fn expires(&self) -> bool {
        self.process.dispatcher.server.raised & gates::LOG_FULL == 0
    }

    fn rewrites(&self) -> u64 {
        self.process.dispatcher.server.persistence.log.rewrites
    }

    pub fn place_of(&self, index: ClientIndex) -> usize {
        self.peers.iter().position(|peer| peer.index == index).expect("it is there")
    }
}

impl Simulation {
    fn new(seed: u64) -> Simulation {
        let mut rng = Rng::with_seed(seed ^ 0x5e7);
        let has_log = rng.u8(..8) > 0;
        let look_ns = [100, 2_000, 20_000][rng.usize(..3)];
        Simulation {
            disk: FaultyDisk::new(seed ^ 0xd15c),
            clock: Arc::new(SimulatedClock::new(START_MS, look_ns)),
            has_log,
            evicts: rng.u8(..4) == 0,
            keys: [6, 30, 120][rng.usize(..3)],
            history: History::new(State::new(), rng.bool()),
            begun: Vec::new(),
            seen: Seen::default(),
            next_turn: 1,
            is_traced: std::env::var_os("FERRODIS_TRACE").is_some(),
            rng,
        }
    }

    /// Tells what has happened, for whoever looks into a seed that failed.
    pub fn trace(&self, what: impl FnOnce(&History) -> String) {
        if self.is_traced {
            eprintln!("{} ms: {} ({} needed)", self.clock.monotonic_ms(), what(&self.history), self.history.needed);
        }
    }

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

    fn faults(&mut self) -> Faults {
        let mut likelihood = |highest: f64| if self.rng.bool() { self.rng.f64() * highest } else { 0.0 };
        Faults {
            write_error: likelihood(0.3),
            short_write: likelihood(0.5),
            sync_error: likelihood(0.2),
            sync_dir_error: likelihood(0.2),
            change_error: likelihood(0.3),
        }
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
    fn start(&mut self) -> Life {
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
                    (life.has_faults, life.had_faults) = (is_hard, is_hard);
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
            self.disk.write_back(); // a snapshot that nobody was told of need not be durable, but is looked for below
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
            is_stalled: false,
            unsynced_since_ms: None,
            has_faults: false,
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

    /// Ticks until nothing is left that is past its deadline; whether that came about: expiry rests while the disk does not keep up.
    fn expire_all(&mut self, life: &mut Life) -> bool {
        self.history.latest_ms = self.history.latest_ms.max(self.clock.wall_ms());
        for _ in 0..10 {
            if !life.expires() {
                return false;
            }
            self.turn(life);
        }
        self.history.forget_expired(self.clock.wall_ms());
        true
    }

    // A life.

    /// The end of a round: what `net` does when all clients had their turn.
    fn turn(&mut self, life: &mut Life) {
        let before = self.history.now();
        let expires = life.expires();
        life.process.dispatcher.begin_turn();
        life.process.dispatcher.tick();
        life.policy = life.process.dispatcher.server.config.appendfsync;
        if expires {
            self.forget_fields(life);
        }
        self.hear_evictions(life);
        self.note_snapshots(life, before);
        self.note_log(life);
        self.check_waits(life);
        let visible = life.process.dispatcher.visible_offset();
        // A log that is turned off lets go of what waited for it.
        let is_held_back = life.is_held_back() && life.process.dispatcher.server.config.appendonly;
        for peer in &mut life.peers {
            let waits_for = life.process.dispatcher.server.clients.get(peer.index).waits_for();
            peer.is_held = waits_for > visible;
            self.seen.held += peer.is_held as u64;
            if !peer.is_held && self.rng.u8(..4) > 0 {
                let shown = peer.hear();
                if is_held_back {
                    self.history.needed = self.history.needed.max(shown);
                }
            }
        }
        if life.process.dispatcher.take_unparked() {
            life.peers.iter_mut().for_each(|peer| peer.is_parked = false);
        }
        life.process.dispatcher.end_turn();
        // What has passed its deadline goes first: whether a hash is there all of whose fields have, is not looked at.
        if !expires && life.expires() {
            self.turn(life);
        }
    }

    /// Fields that have passed their deadlines have gone, and told those who watch.
    fn forget_fields(&mut self, life: &mut Life) {
        let (before, now_ms) = (self.history.state().clone(), self.clock.wall_ms());
        self.history.forget_fields(now_ms);
        let after = self.history.state();
        life.peers.iter_mut().for_each(|peer| peer.notice(&Came::default(), &before, after, now_ms));
    }

    fn hear_evictions(&mut self, life: &mut Life) {
        while life.process.dispatcher.server.clients.deliver_slice() {}
        let heard = life.process.output(life.process.listener);
        let mut at = 0;
        while at < heard.len() {
            let len = reply_len(&heard[at..]);
            let words = items(&heard[at..at + len]);
            at += len;
            let db = words[2]["__keyevent@".len()] - b'0';
            let key = (db as usize, words[3].clone());
            let before = self.history.state().clone();
            let mut state = before.clone();
            if state.remove(&key).is_some() {
                self.history.add(state, &Came { changed: vec![key], ..Came::default() });
                let (after, now_ms) = (self.history.state(), self.clock.wall_ms());
                life.peers.iter_mut().for_each(|peer| peer.notice(&Came::default(), &before, after, now_ms));
            }
            self.seen.evicted += 1;
        }
    }

    fn note_snapshots(&mut self, life: &mut Life, before: usize) {
        let state = &life.process.dispatcher.server.persistence.snapshots;
        if state.done > life.snapshots_done {
            life.snapshots_done = state.done;
            self.seen.snapshots += 1;
            if let (false, Some((_, which))) = (self.has_log, life.snapshot) {
                self.history.needed = self.history.needed.max(self.begun[which].0);
            }
        }
        match state.started_ms {
            None => life.snapshot = None,
            Some(ms) if life.snapshot.is_some_and(|(begun_ms, _)| begun_ms == ms) => {}
            Some(ms) => {
                life.snapshot = Some((ms, self.begun.len()));
                self.begun.push((before, self.history.now()));
            }
        }
    }

    /// A client's bytes come in, cut anywhere. Where keys are evicted that is one call at most, since it is before a call that they go.
    fn deliver(&mut self, life: &mut Life, place: usize) {
        let peer = &mut life.peers[place];
        if peer.is_held || peer.is_parked {
            return;
        }
        if peer.has_sent_all() && !life.waiters.is_empty() && self.rng.bool() {
            let waiter = &life.waiters[self.rng.usize(..life.waiters.len())];
            peer.send(waiter.may_be_served_by(&mut self.rng));
        }
        if peer.has_sent_all() {
            let most = if self.evicts { 2 } else { 20 };
            for _ in 0..self.rng.usize(1..most) {
                peer.send(crate::calls::calls(&mut self.rng, self.keys, self.history.state()));
            }
        }
        let most = match self.evicts {
            true => usize::from(!peer.has_rest()),
            false => self.rng.usize(1..30),
        };
        let bytes = peer.next_bytes(&mut self.rng, most);
        let input = peer.receive(bytes);
        let before = self.history.now();
        peer.run(&mut life.process, input);
        self.hear_evictions(life);
        self.check_answers(life, place);
        self.note_snapshots(life, before);
    }

    fn pass_time(&mut self, life: &mut Life, ms: u64) {
        for _ in 0..ms.div_ceil(GRAIN_MS) {
            self.clock.advance_ms(GRAIN_MS);
            self.history.latest_ms = self.history.latest_ms.max(self.clock.wall_ms());
            self.turn(life);
            life.process.steps.step_snapshots(self.rng.usize(..4));
            if life.is_stalled {
                continue;
            }
            life.process.steps.step_log();
            let is_well = life.process.dispatcher.unready_reason().is_none();
            if is_well && life.policy != AppendFsync::No && life.log == LogState::InForce {
                self.history.writing_ms += GRAIN_MS;
            }
        }
    }

    fn act(&mut self, life: &mut Life) {
        let place = self.rng.usize(..life.peers.len());
        match self.rng.u8(..64) {
            0..30 => {
                let pieces = if self.evicts { self.rng.u8(1..12) } else { 1 };
                (0..pieces).for_each(|_| self.deliver(life, place));
            }
            30..34 if !life.is_stalled => life.process.steps.step_log(),
            34..38 => life.process.steps.step_snapshots(self.rng.usize(..20)),
            38..44 => self.turn(life),
            44..48 => {
                let most_ms = [50, 1500][self.rng.usize(..2)];
                let ms = self.rng.u64(..most_ms);
                self.pass_time(life, ms);
            }
            48 => self.jump(life),
            49 | 50 => {
                let before = self.history.now();
                match self.rng.u8(..8) {
                    // Without a log it would put a base in force that the oracle does not know of.
                    0..5 if life.log != LogState::Off => drop(life.process.operate("BGREWRITEAOF")),
                    0 => self.save(life),
                    _ => drop(life.process.operate("BGSAVE")),
                }
                self.note_snapshots(life, before);
            }
            51 => {
                let policy = ["always", "always", "everysec", "no"][self.rng.usize(..4)];
                life.process.operate(&format!("CONFIG SET appendfsync {policy}"));
                self.trace(|_| format!("appendfsync {policy}"));
            }
            52 if self.rng.bool() => {
                life.has_faults = self.rng.bool();
                life.had_faults |= life.has_faults;
                let faults = if life.has_faults { self.faults() } else { Faults::default() };
                self.disk.set_faults(faults);
            }
            53 | 54 => {
                life.is_stalled = !life.is_stalled && self.rng.bool();
                life.unsynced_since_ms = None;
            }
            55 => {
                let gone = life.peers.swap_remove(place);
                life.process.dispatcher.server.clients.remove(gone.index);
                life.waiters.retain(|waiter| !waiter.is_of(gone.index));
                life.peers.push(Peer::new(life.process.connect()));
            }
            56 if self.has_log && self.rng.u8(..3) == 0 => self.toggle_log(life),
            _ => {}
        }
    }

    /// SAVE: what is there now is durable when it says so. All wait for that, unless the disk stands still.
    fn save(&mut self, life: &mut Life) {
        let (before, done) = (self.history.now(), life.snapshots_done);
        let mut answer = life.process.operate("SAVE");
        self.note_snapshots(life, before);
        for _ in 0..200 {
            if !answer.is_empty() || self.disk.is_down() {
                break;
            }
            self.pass_time(life, GRAIN_MS);
            answer = life.process.output(life.process.operator);
        }
        match &*answer {
            b"+OK\r\n" => assert!(life.snapshots_done > done, "none was seen to be done"),
            b"" => life.process.operator = life.process.connect(), // it hears of it some time, or never
            _ => {}
        }
    }

    /// CONFIG SET appendonly: off, all so far being made durable; or on again, from a base of what is there.
    fn toggle_log(&mut self, life: &mut Life) {
        let word = if life.log == LogState::Off { "yes" } else { "no" };
        let is_well = !life.had_faults && life.process.dispatcher.unready_reason().is_none();
        self.trace(|_| format!("appendonly {word}, {:?}, is the disk well: {is_well}", life.log));
        self.turn(life);
        life.process.operate(&format!("CONFIG SET appendonly {word}"));
        self.turn(life);
        life.unsynced_since_ms = None;
        match life.log {
            LogState::Off if life.process.dispatcher.server.config.appendonly => {
                self.history.begin_log();
                (life.log, life.rewrites_done) = (LogState::AwaitsBase, life.rewrites());
            }
            LogState::Off => {}
            LogState::AwaitsBase => {
                self.history.end_log(); // though its base may be in force already
                life.log = LogState::Off;
            }
            LogState::InForce => {
                self.history.end_log();
                life.log = LogState::Off;
                if is_well && !self.disk.is_down() {
                    self.history.needed = self.history.now();
                }
            }
        }
        self.turn(life); // it may have taken some time
    }

    /// The base that was awaited is in force; or the log could not be turned on, behind the last writer of the one before.
    fn note_log(&mut self, life: &mut Life) {
        if life.log == LogState::AwaitsBase && !life.process.dispatcher.server.config.appendonly {
            self.history.end_log();
            life.log = LogState::Off;
        }
        if life.log == LogState::AwaitsBase && life.rewrites() > life.rewrites_done {
            life.log = LogState::InForce;
            self.trace(|_| "the new log is in force".into());
            self.seen.logs_begun += 1;
        }
        let may_be_late = life.policy == AppendFsync::Everysec && life.log == LogState::InForce;
        if !may_be_late || life.process.dispatcher.unready_reason().is_some() {
            life.unsynced_since_ms = None;
        }
        let delayed = life.process.dispatcher.server.persistence.log.delayed_syncs;
        self.seen.delayed += delayed - std::mem::replace(&mut life.delayed_syncs, delayed);
    }

    /// The wall clock is set, forth or back. What has passed its deadline goes before it goes back, since it would live again.
    fn jump(&mut self, life: &mut Life) {
        if self.rng.bool() {
            self.clock.jump_to(self.clock.wall_ms() + self.rng.u64(..5000));
            self.history.latest_ms = self.history.latest_ms.max(self.clock.wall_ms());
            if self.history.has_field_past(self.clock.wall_ms()) {
                self.turn(life); // else a hash without fields would be there, or not
            }
        } else if self.expire_all(life) {
            self.clock.jump_to(self.clock.wall_ms() - self.rng.u64(..5000));
        }
    }

    /// Ends in order, on a disk that is well: nothing may be lost.
    fn shut_down(&mut self, life: &mut Life) {
        self.disk.set_faults(Faults::default());
        life.is_stalled = false;
        self.pass_time(life, 100);
        let is_kept = life.log == LogState::InForce || !self.has_log;
        let is_well = life.process.dispatcher.unready_reason().is_none();
        let now = self.history.now();
        let flags = ShutdownFlags { save: !self.has_log, ..ShutdownFlags::default() };
        let ended = life.process.dispatcher.shut_down(flags);
        self.begun.push((now, now));
        if self.disk.is_down() || !is_well || !is_kept {
            return;
        }
        assert!(ended.is_ok(), "{ended:?}");
        self.history.needed = now;
    }

    fn run(mut self) -> Seen {
        for _ in 0..self.rng.u8(1..5) {
            let mut life = self.start();
            if self.rng.bool() {
                self.disk.crash_in(self.rng.u64(..1500));
            }
            for _ in 0..self.rng.u32(..400) {
                self.act(&mut life);
                if self.disk.is_down() {
                    break;
                }
            }
            self.seen.rewrites += life.process.dispatcher.server.persistence.log.rewrites;
            if self.rng.u8(..4) == 0 && !self.disk.is_down() {
                self.shut_down(&mut life);
            }
            if self.has_log {
                self.history.need_what_is_old();
            }
            self.end_life();
        }
        self.start();
        self.seen
    }

    /// The process is killed, or the power fails, if it has not already.
    fn end_life(&mut self) {
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

    fn show_files(&self) -> String {
        let files = self.disk.files();
        files.iter().map(|(path, bytes)| format!("{}: {}\n", path.display(), bytes.escape_ascii())).collect()
    }
}

#[test]
fn the_server_keeps_what_it_promises() {
    for_each_seed(150, |seed| {
        Simulation::new(seed).run();
    });
}

#[test]
fn the_servers_runs_meet_what_they_are_made_for() {
    let mut total = [0; 16];
    for seed in 0..150 {
        let seen = Simulation::new(seed).run();
        let Seen { calls, recoveries, lost, failed_starts, crashes, rewrites, snapshots, evicted, .. } = seen;
        let Seen { refused, transactions, aborted, held, served, durable, logs_begun, delayed, .. } = seen;
        let seen = [
            [calls, recoveries, lost, failed_starts, crashes, rewrites, snapshots, evicted],
            [refused, transactions, aborted, held, served, durable, logs_begun, delayed],
        ];
        total.iter_mut().zip(seen.concat()).for_each(|(sum, n)| *sum += n);
    }
    assert!(total.iter().all(|&count| count > 10), "{total:?}");
}
