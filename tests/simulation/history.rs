//! What has happened, as the oracle keeps it: the state after each call that changed something (a transaction is one call), who was shown
//! what, and what must therefore be there after a crash.

use std::collections::BTreeMap;

use crate::model::{self, Came, Key, State};

/// Under `everysec` so much may be lost: a second, and the loop's own grain of time.
const MAY_BE_LOST_MS: u64 = 1000 + 100;

/// What log or snapshots promise of what has been.
pub struct History {
    /// The state after each change; at first what was loaded.
    states: Vec<State>,
    /// When it came about, on a clock that stands while the disk cannot keep up.
    stamps_ms: Vec<u64>,
    /// The last change of a key ...
    changed: BTreeMap<Key, usize>,
    /// ... and of everything in a database.
    swept: [usize; 3],
    /// This change must not be lost, nor any before it.
    pub needed: usize,
    /// The clock that stands while the disk cannot keep up.
    pub writing_ms: u64,
    /// No deadline up to here is of interest: what it left may be there or not.
    pub latest_ms: u64,
    /// While the log was off: the last change before, and the first from which a new log may begin.
    unlogged: Vec<(usize, Option<usize>)>,
    /// Whether a stream may lose what is pending and deleted: a base of calls cannot say that, here as in Redis.
    pub forgets_orphans: bool,
}

impl History {
    pub fn new(state: State, forgets_orphans: bool) -> History {
        History {
            states: vec![state],
            stamps_ms: vec![0],
            changed: BTreeMap::new(),
            swept: [0; 3],
            needed: 0,
            writing_ms: 0,
            latest_ms: 0,
            unlogged: Vec::new(),
            forgets_orphans,
        }
    }

    /// What changes from now on is not logged.
    pub fn end_log(&mut self) {
        if self.unlogged.last().is_none_or(|(_, until)| until.is_some()) {
            self.unlogged.push((self.now(), None));
        }
    }

    /// A new log begins with what is there now, as soon as its base is.
    pub fn begin_log(&mut self) {
        let now = self.now();
        if let Some((_, until)) = self.unlogged.last_mut() {
            *until = Some(now);
        }
    }

    /// Whether the log may hold that state.
    pub fn is_logged(&self, number: usize) -> bool {
        let lacks = |&(from, until): &(usize, Option<usize>)| number > from && until.is_none_or(|until| number < until);
        !self.unlogged.iter().any(lacks)
    }

    /// The last change's number.
    pub fn now(&self) -> usize {
        self.states.len() - 1
    }

    pub fn state(&self) -> &State {
        self.states.last().expect("there is a first one")
    }

    /// A call came to this, and left `state`. Gives which change its answer depends on.
    pub fn add(&mut self, state: State, came: &Came) -> usize {
        if !came.changed.is_empty() || !came.swept.is_empty() {
            self.states.push(state);
            self.stamps_ms.push(self.writing_ms);
        }
        let now = self.now();
        for key in &came.changed {
            self.changed.insert(key.clone(), now);
        }
        came.swept.iter().for_each(|&db| self.swept[db] = now);
        let shown = came.shown.iter().chain(&came.changed);
        let of_keys = shown.map(|key| self.swept[key.0].max(self.changed.get(key).copied().unwrap_or(0)));
        of_keys.chain(came.swept.iter().map(|_| now)).max().unwrap_or(0)
    }

    /// What has passed its deadline is gone for good.
    pub fn forget_expired(&mut self, now_ms: u64) {
        let state = self.states.last_mut().expect("there is a first one");
        model::expire(state, now_ms);
        model::drop_empty(state);
    }

    /// Fields that have passed their deadlines have been removed.
    pub fn forget_fields(&mut self, now_ms: u64) {
        if self.has_field_past(now_ms) {
            let state = self.states.last_mut().expect("there is a first one");
            model::expire_fields(state, now_ms);
            model::drop_empty(state);
        }
    }

    /// Whether a field has passed its deadline.
    pub fn has_field_past(&self, now_ms: u64) -> bool {
        self.state().values().any(|entry| entry.has_field_past(now_ms))
    }

    /// Under `everysec`, what is old enough must not be lost.
    pub fn need_what_is_old(&mut self) {
        let old = self.stamps_ms.partition_point(|stamp| stamp + MAY_BE_LOST_MS < self.writing_ms);
        self.needed = self.needed.max(old.saturating_sub(1));
    }

    /// The states that may be found, the newest first.
    pub fn may_be_found(&self, is_candidate: impl Fn(usize) -> bool, found: &State) -> Option<usize> {
        let found = self.lasting(found);
        let matches = |&number: &usize| is_candidate(number) && self.lasting(&self.states[number]) == found;
        (self.needed..self.states.len()).rev().find(matches)
    }

    /// Says what differs, for a state that was not expected.
    pub fn explain(&self, found: &State) -> String {
        let found = self.lasting(found);
        if let Some(number) = (0..self.needed).rev().find(|&n| self.lasting(&self.states[n]) == found) {
            return format!("change {number} of {} is the last that is there; {} was needed", self.now(), self.needed);
        }
        let differences = |number: usize| {
            let expected = self.lasting(&self.states[number]);
            let keys = expected.keys().chain(found.keys()).collect::<std::collections::BTreeSet<_>>();
            let differ = keys.into_iter().filter(|key| expected.get(*key) != found.get(*key));
            differ.map(|key| format!("{key:?}: {:?}, not {:?}", found.get(key), expected.get(key))).collect::<Vec<_>>()
        };
        let nearest = (0..self.states.len()).min_by_key(|&number| differences(number).len()).expect("there is one");
        let lines = differences(nearest).join("\n");
        format!("never was; change {nearest} of {} ({} was needed) comes nearest:\n{lines}", self.now(), self.needed)
    }

    fn alive(&self, state: &State) -> State {
        let mut state = state.clone();
        model::expire(&mut state, self.latest_ms);
        model::drop_empty(&mut state);
        state
    }

    /// What must be found of a state.
    fn lasting(&self, state: &State) -> State {
        let mut state = self.alive(state);
        if self.forgets_orphans {
            state.values_mut().for_each(model::forget_orphans);
        }
        state
    }

    /// This was found, and it goes on from there.
    pub fn go_on_from(&mut self, found: State) {
        *self = History { latest_ms: self.latest_ms, ..History::new(self.alive(&found), self.forgets_orphans) };
    }
}
