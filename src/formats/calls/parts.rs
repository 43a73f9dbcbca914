//! The calls that rebuild a value which comes in parts, as a walk gives them.
//!
//! Elements are gathered until there are enough for a call; what is known from the beginning (a stream's counters, the key's deadline)
//! is kept for its place behind them.

use super::hash::{write_entry, write_runs};
use super::{ELEMENTS_PER_CALL, write_head, write_word};
use crate::base::number::print_f64;
use crate::values::AnyRef;
use crate::values::stream::{BlockRef, GroupPart};
use crate::values::walk::Part;

/// A key's calls under way.
#[derive(Debug)]
pub struct CallParts {
    key: Box<[u8]>,
    verb: &'static [u8],
    /// Words of the next call, behind its key, and how many they are.
    words: Vec<u8>,
    count: usize,
    deadlines: DeadlineParts,
    /// A stream's counters.
    counters: Vec<u8>,
    tail: Vec<u8>,
}

/// Deadlines of a hash's fields, gathered until there are enough for a call.
#[derive(Debug, Default)]
pub struct DeadlineParts(Vec<(u64, Box<[u8]>)>);

impl DeadlineParts {
    /// Adds a field's. Calls are appended to `out` when there are enough.
    pub fn push(&mut self, key: &[u8], deadline: u64, name: &[u8], out: &mut Vec<u8>) {
        self.0.push((deadline, name.into()));
        if self.0.len() == ELEMENTS_PER_CALL {
            self.flush(key, out);
        }
    }

    /// Appends calls for what was gathered.
    pub fn flush(&mut self, key: &[u8], out: &mut Vec<u8>) {
        self.0.sort_unstable();
        write_runs(key, self.0.iter().map(|(deadline, name)| (*deadline, (&**name).into())), out);
        self.0.clear();
    }
}

impl CallParts {
    /// For a value whose walk begins now.
    pub fn of(key: &[u8], deadline_ms: Option<u64>, value: AnyRef<'_>) -> CallParts {
        let (mut counters, mut tail) = (Vec::new(), Vec::new());
        let verb: &[u8] = match value {
            AnyRef::List(_) => b"RPUSH",
            AnyRef::Set(_) => b"SADD",
            AnyRef::SortedSet(_) => b"ZADD",
            AnyRef::Hash(_) => b"HMSET",
            AnyRef::Stream(stream) => {
                super::stream::write_counters(key, &stream.entries, &mut counters);
                b"XADD"
            }
            AnyRef::String(_) => unreachable!("a string is one call"),
        };
        super::write_deadline(key, deadline_ms, &mut tail);
        let (key, words, deadlines) = (key.into(), Vec::new(), DeadlineParts::default());
        CallParts { key, verb, words, count: 0, deadlines, counters, tail }
    }

    /// The next part.
    pub fn part(&mut self, part: Part<'_>, out: &mut Vec<u8>) {
        match part {
            Part::Field(field) => {
                write_entry(field.name, &mut self.words);
                write_entry(field.value, &mut self.words);
                if let Some(deadline) = field.deadline {
                    self.deadlines.0.push((deadline, field.name.to_vec().into()));
                }
                self.added(2, out);
            }
            Part::Member(member) => {
                write_word(member, &mut self.words);
                self.added(1, out);
            }
            Part::Scored(member, score) => {
                let mut digits = Vec::new();
                print_f64(score, &mut digits);
                write_word(&digits, &mut self.words);
                write_word(member, &mut self.words);
                self.added(2, out);
            }
            Part::Chunk(chunk) => chunk.for_each(|element| {
                write_entry(element, &mut self.words);
                self.added(1, out);
            }),
            Part::Block(block) => self.block(block, out),
            Part::Groups(GroupPart::Begin) => out.append(&mut self.counters),
            Part::Groups(part) => super::stream::write_group_part(&self.key, part, out),
            Part::Text(_) => unreachable!("a string is one call"),
        }
    }

    fn block(&self, block: BlockRef<'_>, out: &mut Vec<u8>) {
        block.entries().for_each(|entry| super::stream::write_entry(&self.key, entry, out));
    }

    /// So many words were added, which are one element.
    fn added(&mut self, words: usize, out: &mut Vec<u8>) {
        self.count += words;
        if self.count >= words * ELEMENTS_PER_CALL {
            self.flush(out);
        }
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        if self.count > 0 {
            write_head(2 + self.count, out);
            write_word(self.verb, out);
            write_word(&self.key, out);
            out.append(&mut self.words);
            self.count = 0;
        }
        self.deadlines.flush(&self.key, out);
    }

    /// All parts have come.
    pub fn end(mut self, out: &mut Vec<u8>) {
        self.flush(out);
        out.append(&mut self.tail);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::calls::write_call;
    use crate::values::Big;
    use crate::values::stream::{BlockLimits, Pending, Stream, StreamId};

    #[test]
    fn elements_are_gathered_and_the_deadline_stands_last() {
        let mut parts = CallParts {
            key: (*b"k").into(),
            verb: b"SADD",
            words: Vec::new(),
            count: 0,
            deadlines: DeadlineParts::default(),
            counters: Vec::new(),
            tail: Vec::new(),
        };
        write_call(&[b"PEXPIREAT", b"k", b"9"], &mut parts.tail);
        let mut out = Vec::new();
        (0..ELEMENTS_PER_CALL + 1).for_each(|_| parts.part(Part::Member(b"m"), &mut out));
        parts.end(&mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("*66\r\n$4\r\nSADD\r\n$1\r\nk\r\n$1\r\nm\r\n"), "{text}");
        let rest = "*3\r\n$4\r\nSADD\r\n$1\r\nk\r\n$1\r\nm\r\n*3\r\n$9\r\nPEXPIREAT\r\n$1\r\nk\r\n$1\r\n9\r\n";
        assert!(text.ends_with(rest), "{text}");
    }

    #[test]
    fn a_stream_in_parts_is_the_calls_of_a_whole_one() {
        for entries in [0, 3000] {
            let mut stream = Stream::new();
            let limits = BlockLimits { bytes: 0, entries: 100 };
            (1..=entries).for_each(|n| stream.entries.append(StreamId::new(n, 0), 1, |_| &b"w"[..], limits).unwrap());
            for name in [&b"readers"[..], b"idle"] {
                stream.groups.create(name, StreamId::new(9, 9), Some(4));
            }
            let mut group = stream.groups.edit(b"readers").unwrap();
            let [one, _, two] = [b"one", b"non", b"two"].map(|name| group.create_consumer(name, 5).unwrap());
            for n in 1..1000 {
                let consumer = if n % 3 == 0 { one } else { two };
                group.put_pending(StreamId::new(n, 0), Pending { delivered_ms: 77, deliveries: n, consumer });
            }
            drop(group);
            let (mut whole, mut parts_out) = (Vec::new(), Vec::new());
            crate::formats::calls::write_value(b"k", Some(9), AnyRef::Stream(&stream), &mut whole);
            let mut parts = CallParts::of(b"k", Some(9), AnyRef::Stream(&stream));
            let mut big = Big::Stream(stream);
            big.begin_walk(1);
            while big.step_walk(7, |part| parts.part(part, &mut parts_out)) {}
            parts.end(&mut parts_out);
            assert!(whole == parts_out, "{}", parts_out.escape_ascii());
        }
    }
}
