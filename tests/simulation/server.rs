//! The whole production server from one seed: clients' calls, store, expiry, eviction, log, rewrites, snapshots, loading, on a disk that
//! fails and a clock that jumps, with the power going at any moment.
//!
//! A run is a few lives of a server, each loading what the last one left. The oracle (`model`, `history`) runs every call beside it and
//! compares every answer. When a life begins, what is there must be a state that was: one after a whole call or transaction, none
//! older than the promise allows, and the same however often it is loaded.

mod lives;
mod saving;

use std::sync::Arc;

use fastrand::Rng;
use ferrodis::server::clients::ClientIndex;
use ferrodis::server::config::AppendFsync;
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
    /// Times that one was turned off, and ended with all it had.
    logs_ended: u64,
    /// Rounds in which one was about to.
    log_ends: u64,
    /// Times that a slow sync held the writers.
    delayed: u64,
    /// Lives at whose end something had to be kept for its age alone.
    aged: u64,
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
    /// The last change of a log that was turned off and has not ended, as far as anybody was told.
    ending: Option<usize>,
    /// Whether the disk may have refused something in this life: it may be told later.
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
        self.note_log_end(life);
        self.note_log(life);
        self.check_waits(life);
        let visible = life.process.dispatcher.visible_offset();
        // Up to which change nobody hears of what may be lost: a log that has ended lets go of what waited for it.
        let held_back = match life.ending {
            Some(last) if life.policy == AppendFsync::Always => last,
            _ if life.is_held_back() && life.process.dispatcher.server.config.appendonly => usize::MAX,
            _ => 0,
        };
        for peer in &mut life.peers {
            let waits_for = life.process.dispatcher.server.clients.get(peer.index).waits_for();
            peer.is_held = waits_for > visible;
            self.seen.held += peer.is_held as u64;
            if !peer.is_held && self.rng.u8(..4) > 0 {
                let shown = peer.hear();
                if shown <= held_back {
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
                let has_faults = self.rng.bool();
                life.had_faults |= has_faults;
                let faults = if has_faults { self.faults() } else { Faults::default() };
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

    /// Leaves what was written last to itself until its age alone has to keep it. Then the power fails.
    fn let_it_age(&mut self, life: &mut Life) {
        life.is_stalled = false;
        self.disk.set_faults(Faults::default());
        for _ in 0..self.rng.u8(1..4) {
            (0..life.peers.len()).for_each(|place| self.deliver(life, place));
            let ms = self.rng.u64(1100..1500);
            self.pass_time(life, ms);
        }
        self.disk.cut_power();
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
            let may_age = life.policy == AppendFsync::Everysec && life.log == LogState::InForce;
            if may_age && self.rng.u8(..4) > 0 {
                self.let_it_age(&mut life);
            }
            self.seen.rewrites += life.process.dispatcher.server.persistence.log.rewrites;
            if self.rng.u8(..4) == 0 && !self.disk.is_down() {
                self.shut_down(&mut life);
            }
            if self.has_log {
                let needed = self.history.needed;
                self.history.need_what_is_old();
                self.seen.aged += (self.history.needed > needed && self.disk.is_down()) as u64;
            }
            self.end_life();
        }
        self.start();
        self.seen
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
    let mut total = [0; 19];
    for seed in 0..200 {
        let seen = Simulation::new(seed).run();
        let Seen { calls, recoveries, lost, failed_starts, crashes, rewrites, snapshots, evicted, .. } = seen;
        let Seen { refused, transactions, aborted, held, served, durable, logs_begun, delayed, aged, .. } = seen;
        let Seen { logs_ended, log_ends, .. } = seen;
        let seen = [
            &[calls, recoveries, lost, failed_starts, crashes, rewrites, snapshots, evicted][..],
            &[refused, transactions, aborted, held, served, durable, logs_begun, delayed, aged, logs_ended, log_ends],
        ];
        total.iter_mut().zip(seen.concat()).for_each(|(sum, n)| *sum += n);
    }
    assert!(total.iter().all(|&count| count > 10), "{total:?}");
}
