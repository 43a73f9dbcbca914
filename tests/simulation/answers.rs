//! Answers, compared with the model's in the order in which they came about: a call's, then those of others that had waited for what it
//! changed.

use std::collections::VecDeque;

use fastrand::Rng;
use ferrodis::server::clients::ClientIndex;
use ferrodis::server::config::AppendFsync;

use crate::model::{self, Call, Came, Key, NIL_ARRAY, State, Waiting};
use crate::peer::{compare, show};
use crate::server::{Life, LogState, Simulation};

/// So long after its time is up a client has been told.
const GRACE_MS: u64 = 100;
/// Under `everysec`, so long after the last sync no write is taken: two seconds, and the grains of time of the loop and of the log.
const LATE_MS: u64 = 2000 + 300;

/// A client that waits.
pub struct Waiter {
    index: ClientIndex,
    keys: Vec<Key>,
    db: usize,
    call: Call,
    /// When it gives up (monotonic ms).
    deadline_ms: Option<u64>,
    /// Its place among all that wait.
    turn: u64,
}

impl Waiter {
    /// Calls that may serve it.
    pub fn may_be_served_by(&self, rng: &mut Rng) -> Vec<Call> {
        if self.keys.is_empty() {
            return Vec::new();
        }
        let key = &self.keys[rng.usize(..self.keys.len())];
        crate::calls::what_is_awaited(rng, &self.call, key)
    }

    fn is_for_log(&self) -> bool {
        self.call[0] == b"WAITAOF"
    }

    pub fn is_of(&self, index: ClientIndex) -> bool {
        self.index == index
    }

    /// XREADGROUP has something to say when its key has gone.
    fn minds_loss(&self) -> bool {
        self.call[0] == b"XREADGROUP"
    }
}

/// When a call that waits from `now_ms` on gives up.
fn deadline(call: &Call, now_ms: u64) -> Option<u64> {
    let number = |word: &[u8]| std::str::from_utf8(word).expect("text").parse::<f64>().expect("a number");
    let block = call.iter().position(|word| word == b"BLOCK").map(|at| number(&call[at + 1]));
    let ms = match &call[0][..] {
        b"XREADGROUP" => block.expect("it waits"),
        b"WAITAOF" => number(&call[3]),
        _ => number(call.last().expect("it has words")) * 1000.0,
    };
    (ms > 0.0).then_some(now_ms + ms as u64)
}

impl Simulation {
    /// Compares what a client was answered since the last time.
    pub fn check_answers(&mut self, life: &mut Life, place: usize) {
        let index = life.peers[place].index;
        let output = life.process.output(index);
        life.peers[place].take_in(&output);
        let is_always = life.is_held_back();
        while let Some(actual) = life.peers[place].next_reply() {
            let now_ms = self.clock.wall_ms();
            let answered = life.peers[place].check(&mut self.history, now_ms, &actual, is_always);
            self.trace(|history| {
                let (call, reply) = (show(&answered.call), actual.escape_ascii());
                format!("{index}: {call} -> {reply} (change {})", history.now())
            });
            self.seen.calls += 1;
            self.seen.refused += answered.is_refusal as u64;
            match &answered.call[0][..] {
                b"EXEC" if actual == NIL_ARRAY => self.seen.aborted += 1,
                b"EXEC" if !answered.is_refusal => self.seen.transactions += 1,
                b"WAITAOF" => self.hear_of_log(life, place, &actual),
                _ => {}
            }
            if !answered.is_read {
                self.follow(life, &answered.came, &answered.before);
            }
        }
        let waits = life.process.dispatcher.server.clients.get(index).wait.is_some();
        if waits && !life.waiters.iter().any(|waiter| waiter.index == index) {
            self.begin_wait(life, place);
        }
        self.end_waits(life);
    }

    fn begin_wait(&mut self, life: &mut Life, place: usize) {
        let (peer, before) = (&mut life.peers[place], self.history.state().clone());
        let (call, came) = peer.wait(&mut self.history, self.clock.wall_ms());
        let deadline_ms = deadline(&call, self.clock.monotonic_ms());
        self.trace(|_| format!("{}: {} waits", peer.index, show(&call)));
        let waiter = Waiter {
            index: peer.index,
            keys: came.waits_for.clone(),
            db: peer.db,
            call,
            deadline_ms,
            turn: self.next_turn,
        };
        self.next_turn += 1;
        self.follow(life, &came, &before); // XREADGROUP has made its consumer
        life.waiters.push(waiter);
    }

    /// A call has changed something: who watches that, and who waits for it?
    fn follow(&mut self, life: &mut Life, came: &Came, before: &State) {
        self.tell_watchers(life, came, before);
        self.note_late(life, came);
        let mut ready = VecDeque::new();
        note_ready(&mut ready, life, came);
        while let Some(key) = ready.pop_front() {
            let mut from = 0;
            let next = |life: &Life, from: u64| {
                life.waiters.iter().position(|waiter| waiter.turn >= from && waiter.keys.contains(&key))
            };
            while let Some(at) = next(life, from) {
                from = life.waiters[at].turn + 1;
                let mut state = self.history.state().clone();
                model::expire(&mut state, self.clock.wall_ms());
                if state.contains_key(&key) || life.waiters[at].minds_loss() {
                    self.run_again(life, at, &mut ready);
                }
            }
        }
    }

    /// Somebody who waits runs the call again: in vain, or with an answer.
    fn run_again(&mut self, life: &mut Life, at: usize, ready: &mut VecDeque<Key>) {
        let (before, now_ms) = (self.history.state().clone(), self.clock.wall_ms());
        let mut state = before.clone();
        model::expire(&mut state, now_ms);
        let waiter = &life.waiters[at];
        let came = model::run(&mut state, &mut { waiter.db }, now_ms, &waiter.call, b"", Waiting::Woken);
        let shows = self.history.add(state, &came);
        let is_always = life.is_held_back();
        if came.waits_for.is_empty() {
            let waiter = life.waiters.remove(at);
            let output = life.process.output(waiter.index);
            let place = life.place_of(waiter.index);
            let peer = &mut life.peers[place];
            peer.take_in(&output);
            let actual = peer.next_reply().unwrap_or_default();
            self.trace(|_| format!("{}: {} had waited -> {}", waiter.index, show(&waiter.call), actual.escape_ascii()));
            compare(&waiter.call, &actual, &came.reply);
            peer.shows = if is_always { peer.shows.max(shows) } else { peer.shows };
            peer.note_write(&self.history, &came);
            self.seen.served += 1;
        }
        self.tell_watchers(life, &came, &before);
        note_ready(ready, life, &came);
    }

    fn tell_watchers(&mut self, life: &mut Life, came: &Came, before: &State) {
        let (after, now_ms) = (self.history.state(), self.clock.wall_ms());
        life.peers.iter_mut().for_each(|peer| peer.notice(came, before, after, now_ms));
    }

    /// Those whose time is up, for whom the log has come far enough, or whose key has gone by itself.
    pub fn end_waits(&mut self, life: &mut Life) {
        let now_ms = self.clock.monotonic_ms();
        for at in (0..life.waiters.len()).rev() {
            let waiter = &life.waiters[at];
            let output = life.process.output(waiter.index);
            let is_due = waiter.deadline_ms.is_some_and(|ms| ms <= now_ms + 1);
            let (place, call) = (life.place_of(waiter.index), waiter.call.clone());
            life.peers[place].take_in(&output);
            let Some(actual) = life.peers[place].next_reply() else { continue };
            self.trace(|_| format!("{}: {} waits no more -> {}", waiter.index, show(&call), actual.escape_ascii()));
            if waiter.is_for_log() {
                let is_off = !life.process.dispatcher.server.config.appendonly;
                assert!(is_due || is_off || actual.starts_with(b"*2\r\n:1"), "too early: {}", actual.escape_ascii());
                self.hear_of_log(life, place, &actual);
            } else if actual != NIL_ARRAY || !is_due {
                let (mut state, wall_ms) = (self.history.state().clone(), self.clock.wall_ms());
                model::expire(&mut state, wall_ms);
                let came = model::run(&mut state, &mut { waiter.db }, wall_ms, &call, b"", Waiting::Woken);
                compare(&call, &actual, &came.reply);
                assert!(came.changed.is_empty(), "nobody knows what {} was answered for", call[0].escape_ascii());
            }
            life.waiters.remove(at);
        }
    }

    /// At the end of a round nobody waits whose time is up.
    pub fn check_waits(&mut self, life: &mut Life) {
        self.end_waits(life);
        let now_ms = self.clock.monotonic_ms();
        let late = life.waiters.iter().find(|waiter| waiter.deadline_ms.is_some_and(|ms| ms + GRACE_MS < now_ms));
        assert!(late.is_none(), "{:?} still waits", late.map(|waiter| waiter.call[0].escape_ascii().to_string()));
    }

    /// WAITAOF says whether what the client wrote is durable.
    fn hear_of_log(&mut self, life: &Life, place: usize, actual: &[u8]) {
        if actual.starts_with(b"*2\r\n:1") {
            self.history.needed = self.history.needed.max(life.peers[place].own);
            self.seen.durable += 1;
        }
    }

    /// Under `everysec` the log takes nothing more when it has waited for the disk for so long.
    fn note_late(&mut self, life: &mut Life, came: &Came) {
        let is_write = !came.changed.is_empty() || !came.swept.is_empty();
        if !is_write || !life.is_stalled || life.policy != AppendFsync::Everysec || life.log != LogState::InForce {
            return;
        }
        let now_ms = self.clock.monotonic_ms();
        let since_ms = *life.unsynced_since_ms.get_or_insert(now_ms);
        assert!(now_ms <= since_ms + LATE_MS, "a write is taken {} ms after the first that waits", now_ms - since_ms);
    }
}

/// Keys whose change is told, and that somebody waits for.
fn note_ready(ready: &mut VecDeque<Key>, life: &Life, came: &Came) {
    let is_awaited = |key: &Key| life.waiters.iter().any(|waiter| waiter.keys.contains(key));
    let mut swept: Vec<&Key> = Vec::new();
    for db in &came.swept {
        let mut keys: Vec<&Key> = life.waiters.iter().flat_map(|w| &w.keys).filter(|key| key.0 == *db).collect();
        keys.sort();
        swept.extend(keys);
    }
    for key in came.woken.iter().chain(swept).filter(|key| is_awaited(key)) {
        if !ready.contains(key) {
            ready.push_back(key.clone());
        }
    }
}
