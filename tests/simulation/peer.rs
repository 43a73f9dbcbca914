//! A simulated client: what it has sent, in pieces; what of it has been answered; what of the answers has reached it.

use std::collections::VecDeque;

use fastrand::Rng;
use ferrodis::dispatch::{Partial, Turn};
use ferrodis::server::clients::ClientIndex;

use crate::calls::encode;
use crate::history::History;
use crate::model::{self, Call, Came, Key, NIL_ARRAY, State, Waiting, reply_len};
use crate::process::Process;

/// What only looks.
const READS: [&str; 12] = [
    "GET",
    "LRANGE",
    "HGET",
    "HPEXPIRETIME",
    "SISMEMBER",
    "SCARD",
    "ZSCORE",
    "ZCARD",
    "EXISTS",
    "XLEN",
    "XRANGE",
    "WAITAOF",
];

pub struct Peer {
    pub index: ClientIndex,
    /// Whether answers wait for the disk: then nothing more is read from it.
    pub is_held: bool,
    /// Whether its next call waits in its place.
    pub is_parked: bool,
    unsent: VecDeque<Vec<u8>>,
    /// What the server has read and not run.
    rest: Vec<u8>,
    partial: Partial,
    /// Calls sent that have no answer yet.
    calls: VecDeque<Call>,
    /// Answers that have not been compared.
    unchecked: Vec<u8>,
    /// The last change that an answer on its way depends on.
    pub shows: usize,
    /// The last change that it made.
    pub own: usize,
    pub db: usize,
    queued: Option<Vec<Call>>,
    is_aborted: bool,
    /// Keys, and whether they were there when that began.
    watched: Vec<(Key, bool)>,
    /// Whether a watched key was touched, so that its transaction may not run ...
    may_abort: bool,
    /// ... or must not, since it is another now.
    must_abort: bool,
}

/// What a call came to, and the state before it.
pub struct Answered {
    pub came: Came,
    pub before: State,
    pub is_read: bool,
    pub is_refusal: bool,
    pub call: Call,
}

impl Peer {
    pub fn new(index: ClientIndex) -> Peer {
        Peer {
            index,
            is_held: false,
            is_parked: false,
            unsent: VecDeque::new(),
            rest: Vec::new(),
            partial: Partial::default(),
            calls: VecDeque::new(),
            unchecked: Vec::new(),
            shows: 0,
            own: 0,
            db: 0,
            queued: None,
            is_aborted: false,
            watched: Vec::new(),
            may_abort: false,
            must_abort: false,
        }
    }

    pub fn has_sent_all(&self) -> bool {
        self.unsent.is_empty()
    }

    /// Whether something that came in is still to be run.
    pub fn has_rest(&self) -> bool {
        !self.rest.is_empty()
    }

    pub fn send(&mut self, calls: Vec<Call>) {
        self.unsent.extend(calls.iter().map(|call| encode(call)));
        self.calls.extend(calls);
    }

    /// The next bytes on the wire, of `most` calls at most, cut anywhere.
    pub fn next_bytes(&mut self, rng: &mut Rng, most: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..most {
            let Some(mut call) = self.unsent.pop_front() else { break };
            if rng.u8(..6) == 0 {
                let rest = call.split_off(rng.usize(..call.len()));
                self.unsent.push_front(rest);
                bytes.append(&mut call);
                break;
            }
            bytes.append(&mut call);
        }
        bytes
    }

    /// Those bytes have come in behind what was left.
    pub fn receive(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        let mut input = std::mem::take(&mut self.rest);
        input.extend(bytes);
        input
    }

    /// The server runs what is there.
    pub fn run(&mut self, process: &mut Process, input: Vec<u8>) {
        let (consumed, turn) = process.dispatcher.run(self.index, &input, &mut self.partial);
        assert_ne!(turn, Turn::Closed, "{}", input.escape_ascii());
        self.rest = input[consumed..].to_vec();
        self.is_parked = turn == Turn::Parked;
    }

    /// All answers on their way arrive. Gives the last change that they depend on.
    pub fn hear(&mut self) -> usize {
        std::mem::take(&mut self.shows)
    }

    /// The answers that it gets.
    pub fn take_in(&mut self, output: &[u8]) {
        self.unchecked.extend_from_slice(output);
    }

    /// The next answer.
    pub fn next_reply(&mut self) -> Option<Vec<u8>> {
        let len = (!self.unchecked.is_empty()).then(|| reply_len(&self.unchecked))?;
        Some(self.unchecked.drain(..len).collect())
    }

    /// The next call has no answer, since it waits: for what it does.
    pub fn wait(&mut self, history: &mut History, now_ms: u64) -> (Call, Came) {
        let call = self.calls.pop_front().expect("there is one that waits");
        let mut state = history.state().clone();
        model::expire(&mut state, now_ms);
        if call[0] == b"WAITAOF" {
            return (call, Came::default());
        }
        let came = model::run(&mut state, &mut self.db, now_ms, &call, b"", Waiting::Allowed);
        assert!(!came.waits_for.is_empty(), "{} need not wait", show(&call));
        history.add(state, &came);
        self.note_write(history, &came);
        (call, came)
    }

    /// What a call came to may be a write of its own.
    pub fn note_write(&mut self, history: &History, came: &Came) {
        if !came.changed.is_empty() || !came.swept.is_empty() {
            self.own = history.now();
        }
    }

    /// Compares an answer given at `now_ms` with what it should have been. Under `always` (`is_always`) it depends on what it shows.
    pub fn check(&mut self, history: &mut History, now_ms: u64, actual: &[u8], is_always: bool) -> Answered {
        let call = self.calls.pop_front().expect("an answer is to a call");
        let mut state = history.state().clone();
        model::expire(&mut state, now_ms);
        let before = history.state().clone();
        let is_refusal = [&b"-MISCONF"[..], b"-OOM", b"-EXECABORT"].iter().any(|code| actual.starts_with(code));
        let is_queued = self.queued.is_some();
        let came = match is_refusal {
            true => self.refused(&call, actual),
            false => self.ran(&mut state, &before, now_ms, &call, actual),
        };
        compare(&call, actual, &came.reply);
        let shows = history.add(state, &came);
        if is_always {
            self.shows = self.shows.max(shows);
        }
        self.note_write(history, &came);
        let is_read = is_queued && call[0] != b"EXEC" || READS.iter().any(|name| name.as_bytes() == call[0]);
        Answered { came, before, is_read, is_refusal, call }
    }

    /// Others, or it itself, may have changed what it watches, at `now_ms`.
    pub fn notice(&mut self, came: &Came, before: &State, after: &State, now_ms: u64) {
        if self.watched.is_empty() {
            return;
        }
        let is_touched = |key: &Key| before.get(key) != after.get(key) || came.shown.contains(key);
        self.may_abort |= !came.swept.is_empty() || self.watched.iter().any(|(key, _)| is_touched(key));
        self.must_abort |= self.has_expired(before, now_ms);
        // A field that has passed its deadline breaks a watch when it is removed, whenever that is. What becomes of a stream's groups may
        // break one (XACK does not, as in Redis).
        let (mut before, mut after) = (before.clone(), after.clone());
        for state in [&mut before, &mut after] {
            model::expire(state, now_ms);
            model::forget_groups(state);
        }
        self.must_abort |= self.watched.iter().any(|(key, _)| before.get(key) != after.get(key));
    }

    /// Whether a watched key was there, and has passed its deadline since.
    fn has_expired(&self, state: &State, now_ms: u64) -> bool {
        let is_past = |key| state.get(key).and_then(|entry| entry.deadline_ms).is_some_and(|ms| ms <= now_ms);
        self.watched.iter().any(|(key, was_there)| *was_there && is_past(key))
    }

    fn refused(&mut self, call: &Call, actual: &[u8]) -> Came {
        if call[0] == b"EXEC" {
            let because = [&b"MISCONF"[..], b"OOM"];
            let tells_why = because.iter().any(|code| actual.windows(code.len()).any(|part| part == *code));
            assert!(tells_why || self.is_aborted, "{}", actual.escape_ascii());
            self.end_transaction();
        } else {
            self.is_aborted = self.queued.is_some();
        }
        Came { reply: actual.to_vec(), ..Came::default() }
    }

    fn end_transaction(&mut self) {
        (self.queued, self.is_aborted) = (None, false);
        self.unwatch();
    }

    fn unwatch(&mut self) {
        self.watched.clear();
        (self.may_abort, self.must_abort) = (false, false);
    }

    fn ran(&mut self, state: &mut State, before: &State, now_ms: u64, call: &Call, actual: &[u8]) -> Came {
        let plain = |reply: &[u8]| Came { reply: reply.to_vec(), ..Came::default() };
        match (&call[0][..], &mut self.queued) {
            (b"MULTI", _) => {
                self.queued = Some(Vec::new());
                plain(b"+OK\r\n")
            }
            (b"DISCARD", _) => {
                self.end_transaction();
                plain(b"+OK\r\n")
            }
            (b"WATCH", _) => {
                let keys: Vec<Key> = call[1..].iter().map(|name| (self.db, name.clone())).collect();
                self.watched.extend(keys.iter().map(|key| (key.clone(), state.contains_key(key))));
                Came { shown: keys, ..plain(b"+OK\r\n") }
            }
            (b"UNWATCH", None) => {
                self.unwatch();
                plain(b"+OK\r\n")
            }
            (b"WAITAOF", None) => plain(actual), // who calls looks at what it says
            (b"EXEC", _) => {
                assert!(!self.is_aborted, "a call was refused, and the transaction run");
                let must_not = self.must_abort || self.has_expired(before, now_ms);
                let is_not_run = actual == NIL_ARRAY;
                let is_right = if is_not_run { must_not || self.may_abort } else { !must_not };
                assert!(is_right, "must it not run? {must_not}; but: {}", actual.escape_ascii());
                let calls = self.queued.take().unwrap_or_default();
                let shown = std::mem::take(&mut self.watched).into_iter().map(|(key, _)| key).collect();
                self.unwatch();
                if is_not_run {
                    return Came { shown, ..plain(NIL_ARRAY) };
                }
                self.exec(state, now_ms, &calls, actual)
            }
            (_, Some(queued)) => {
                queued.push(call.clone());
                plain(b"+QUEUED\r\n")
            }
            _ => model::run(state, &mut self.db, now_ms, call, actual, Waiting::Allowed),
        }
    }

    fn exec(&mut self, state: &mut State, now_ms: u64, calls: &[Call], actual: &[u8]) -> Came {
        let mut all = Came { reply: format!("*{}\r\n", calls.len()).into_bytes(), ..Came::default() };
        let mut at = all.reply.len();
        for call in calls {
            let reply = &actual[at..at + reply_len(&actual[at..])];
            at += reply.len();
            let came = model::run(state, &mut self.db, now_ms, call, reply, Waiting::Never);
            all.reply.extend(came.reply);
            all.shown.extend(came.shown);
            all.changed.extend(came.changed);
            all.woken.extend(came.woken);
            all.swept.extend(came.swept);
        }
        all
    }
}

/// An answer must be the one that was expected.
pub fn compare(call: &Call, actual: &[u8], expected: &[u8]) {
    assert_eq!(actual.escape_ascii().to_string(), expected.escape_ascii().to_string(), "{}", show(call));
}

/// A call as one types it.
pub fn show(call: &Call) -> String {
    call.iter().map(|word| word.escape_ascii().to_string()).collect::<Vec<_>>().join(" ")
}
