//! SLOWLOG and COMMANDLOG: the newest calls that took long, were large, or had a large reply, with their arguments cut to a bounded
//! size.
//!
//! Which calls are worth an entry, and which of their arguments must not be shown, is the caller's to decide (it hands in `(redacted)`).

use std::collections::VecDeque;

/// An entry keeps at most this many arguments; the last of them then says how many are missing.
pub const MAX_ARGUMENTS: usize = 32;
/// An argument keeps at most this many bytes, before the note on how many are missing.
pub const MAX_ARGUMENT_BYTES: usize = 128;

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Counts up from 0 for the life of the process, also across resets.
    pub id: u64,
    /// When the call ended, in seconds since 1970.
    pub unix_time_seconds: i64,
    /// How long it ran in microseconds, or how many bytes it or its reply had: what the log is of.
    pub amount: u64,
    /// Name and arguments, cut.
    pub arguments: Vec<Box<[u8]>>,
    /// The client's address, `ip:port`.
    pub client_address: Box<str>,
    /// The name the client has given itself, or nothing.
    pub client_name: Box<[u8]>,
}

/// Bytes of a call on the wire.
#[derive(Clone, Copy, Debug)]
pub struct CallBytes {
    /// Of the call itself.
    pub request: usize,
    /// Of what it was answered.
    pub reply: usize,
}

impl CallBytes {
    /// Whether either is at least as large as in `limits`.
    #[inline]
    pub fn reach(self, limits: CallBytes) -> bool {
        self.request >= limits.request || self.reply >= limits.reply
    }
}

/// The newest calls of one kind, at most so many.
#[derive(Debug)]
pub struct CommandLog {
    /// Oldest first.
    entries: VecDeque<Entry>,
    next_id: u64,
    max_len: usize,
}

impl CommandLog {
    /// An empty log that keeps at most `max_len` entries; 0 keeps none.
    pub fn new(max_len: usize) -> CommandLog {
        CommandLog { entries: VecDeque::new(), next_id: 0, max_len }
    }

    /// Changes the bound, and drops the oldest entries that exceed it.
    pub fn set_max_len(&mut self, max_len: usize) {
        self.max_len = max_len;
        self.entries.drain(..self.entries.len().saturating_sub(max_len));
    }

    /// Notes a call of that amount that ended at `unix_time_seconds`. `arguments` begin with the command's name and were cut by
    /// `cut_arguments`.
    pub fn record(
        &mut self,
        unix_time_seconds: i64,
        amount: u64,
        arguments: Vec<Box<[u8]>>,
        client_address: &str,
        client_name: &[u8],
    ) {
        if self.max_len == 0 {
            return;
        }
        if self.entries.len() == self.max_len {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry {
            id: self.next_id,
            unix_time_seconds,
            amount,
            arguments,
            client_address: client_address.into(),
            client_name: client_name.into(),
        });
        self.next_id += 1;
    }

    /// The entries, newest first.
    pub fn newest(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.iter().rev()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Drops all entries; ids go on.
    pub fn reset(&mut self) {
        self.entries.clear();
    }
}

/// The arguments of an entry: the first of them, and of each its first bytes, with notes on what is missing.
pub fn cut_arguments<'a>(arguments: impl ExactSizeIterator<Item = &'a [u8]>) -> Vec<Box<[u8]>> {
    let count = arguments.len();
    let kept = if count > MAX_ARGUMENTS { MAX_ARGUMENTS - 1 } else { count };
    let mut cut: Vec<Box<[u8]>> = arguments.take(kept).map(cut_argument).collect();
    if kept < count {
        cut.push(format!("... ({} more arguments)", count - kept).into_bytes().into());
    }
    cut
}

fn cut_argument(argument: &[u8]) -> Box<[u8]> {
    match argument.split_at_checked(MAX_ARGUMENT_BYTES) {
        Some((head, rest)) if !rest.is_empty() => {
            [head, format!("... ({} more bytes)", rest.len()).as_bytes()].concat().into()
        }
        _ => argument.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(log: &mut CommandLog, arguments: &[&[u8]]) {
        log.record(1_700_000_000, 12_345, cut_arguments(arguments.iter().copied()), "127.0.0.1:6000", b"worker");
    }

    #[test]
    fn newest_come_first_and_the_oldest_go() {
        let mut log = CommandLog::new(3);
        for name in ["a", "b", "c", "d"] {
            record(&mut log, &[name.as_bytes()]);
        }
        let ids: Vec<u64> = log.newest().map(|entry| entry.id).collect();
        assert_eq!(ids, [3, 2, 1]);
        let newest = log.newest().next().unwrap();
        assert_eq!((newest.unix_time_seconds, newest.amount), (1_700_000_000, 12_345));
        assert_eq!((&*newest.client_address, &*newest.client_name), ("127.0.0.1:6000", &b"worker"[..]));

        log.set_max_len(1);
        assert_eq!(log.newest().map(|entry| entry.id).collect::<Vec<_>>(), [3]);
        log.reset();
        assert!(log.is_empty());
        record(&mut log, &[b"e"]);
        assert_eq!(log.newest().next().unwrap().id, 4, "ids go on after a reset");
        log.set_max_len(0);
        record(&mut log, &[b"f"]);
        assert_eq!(log.len(), 0);
    }

    #[test]
    fn many_arguments_are_cut_to_32() {
        let mut log = CommandLog::new(10);
        record(&mut log, &[&b"x"[..]; 32]);
        record(&mut log, &[&b"x"[..]; 33]);
        let entries: Vec<&Entry> = log.newest().collect();
        assert_eq!(entries[1].arguments, vec![Box::from(&b"x"[..]); 32]);
        assert_eq!(entries[0].arguments.len(), 32);
        assert_eq!(&*entries[0].arguments[30], b"x");
        assert_eq!(&*entries[0].arguments[31], b"... (2 more arguments)");
    }

    #[test]
    fn long_arguments_are_cut_to_128_bytes() {
        let mut log = CommandLog::new(10);
        record(&mut log, &[&[b'a'; 128], &[b'b'; 129]]);
        let arguments = &log.newest().next().unwrap().arguments;
        assert_eq!(&*arguments[0], &[b'a'; 128]);
        assert_eq!(&*arguments[1], [&[b'b'; 128][..], b"... (1 more bytes)"].concat());
    }
}
