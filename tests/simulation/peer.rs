//! A simulated client: what it has sent, in pieces; what of it has been answered; what of the answers has reached it.

use std::collections::VecDeque;

use fastrand::Rng;
use ferrodis::dispatch::{Partial, Turn};
use ferrodis::server::clients::ClientIndex;

use crate::calls::encode;
use crate::history::History;
use crate::model::{self, Call, Came, State, reply_len};
use crate::process::Process;

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
    /// The last change that an answer on its way depends on.
    shows: usize,
    db: usize,
    queued: Option<Vec<Call>>,
    is_aborted: bool,
}

/// How many of what kind were answered.
#[derive(Debug, Default)]
pub struct Answered {
    pub calls: u64,
    pub refused: u64,
    pub transactions: u64,
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
            shows: 0,
            db: 0,
            queued: None,
            is_aborted: false,
        }
    }

    pub fn has_sent_all(&self) -> bool {
        self.unsent.is_empty()
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

    /// Compares what was answered at `now_ms` with what it should have been. Under `always` (`is_always`) it depends on what it shows.
    pub fn check(&mut self, history: &mut History, now_ms: u64, output: &[u8], is_always: bool) -> Answered {
        let (mut answered, mut at) = (Answered::default(), 0);
        while at < output.len() {
            let actual = &output[at..at + reply_len(&output[at..])];
            at += actual.len();
            let call = self.calls.pop_front().expect("an answer is to a call");
            answered.calls += 1;
            let mut state = history.state().clone();
            state.retain(|_, entry| entry.deadline_ms.is_none_or(|ms| ms > now_ms));
            let is_refusal = [&b"-MISCONF"[..], b"-OOM", b"-EXECABORT"].iter().any(|code| actual.starts_with(code));
            answered.refused += is_refusal as u64;
            answered.transactions += (call[0] == b"EXEC" && !is_refusal) as u64;
            let came =
                if is_refusal { self.refused(&call, actual) } else { self.ran(&mut state, now_ms, &call, actual) };
            assert_eq!(
                actual.escape_ascii().to_string(),
                came.reply.escape_ascii().to_string(),
                "{:?}",
                call.iter().map(|word| word.escape_ascii().to_string()).collect::<Vec<_>>()
            );
            let shows = history.add(state, &came);
            if is_always {
                self.shows = self.shows.max(shows);
            }
        }
        answered
    }

    fn refused(&mut self, call: &Call, actual: &[u8]) -> Came {
        if call[0] == b"EXEC" {
            let because = [&b"MISCONF"[..], b"OOM"];
            let tells_why = because.iter().any(|code| actual.windows(code.len()).any(|part| part == *code));
            assert!(tells_why || self.is_aborted, "{}", actual.escape_ascii());
            (self.queued, self.is_aborted) = (None, false);
        } else {
            self.is_aborted = self.queued.is_some();
        }
        Came { reply: actual.to_vec(), ..Came::default() }
    }

    fn ran(&mut self, state: &mut State, now_ms: u64, call: &Call, actual: &[u8]) -> Came {
        let plain = |reply: &[u8]| Came { reply: reply.to_vec(), ..Came::default() };
        match (&call[0][..], &mut self.queued) {
            (b"MULTI", _) => {
                self.queued = Some(Vec::new());
                plain(b"+OK\r\n")
            }
            (b"DISCARD", _) => {
                (self.queued, self.is_aborted) = (None, false);
                plain(b"+OK\r\n")
            }
            (b"EXEC", _) => {
                assert!(!self.is_aborted, "a call was refused, and the transaction run");
                let calls = self.queued.take().unwrap_or_default();
                self.exec(state, now_ms, &calls, actual)
            }
            (_, Some(queued)) => {
                queued.push(call.clone());
                plain(b"+QUEUED\r\n")
            }
            _ => model::run(state, &mut self.db, now_ms, call, actual),
        }
    }

    fn exec(&mut self, state: &mut State, now_ms: u64, calls: &[Call], actual: &[u8]) -> Came {
        let mut all = Came { reply: format!("*{}\r\n", calls.len()).into_bytes(), ..Came::default() };
        let mut at = all.reply.len();
        for call in calls {
            let reply = &actual[at..at + reply_len(&actual[at..])];
            at += reply.len();
            let came = model::run(state, &mut self.db, now_ms, call, reply);
            all.reply.extend(came.reply);
            all.shown.extend(came.shown);
            all.changed.extend(came.changed);
            all.swept.extend(came.swept);
        }
        all
    }
}
