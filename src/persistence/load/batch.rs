//! What a loader has read: things in the order in which they stand in the files, with their bytes beside them.
//!
//! ```text
//! things   [ File ] [ Call ] [ Call ] [ Entry ] ...
//! bytes    calls as they stand in their file, keys, and values that a record will hold
//! ranges   words of calls, each counted from its call's first byte
//! ```
//! A batch that has been applied is filled again, so that its buffers are made once; and what one thread allocates for each thing,
//! another need not free.

use std::collections::VecDeque;
use std::path::PathBuf;

use crate::formats::rdb::{self, Usage, Value};
use crate::formats::resp::request::Range;
use crate::persistence::aof::read::{self, Notice};
use crate::persistence::aof::start::LogEnd;
use crate::structures::record_arena::INLINE_MAX;
use crate::values::Owned;

/// Something that was read.
pub enum Thing {
    /// A file of a log begins: database 0 is selected.
    File {
        /// Where it is.
        path: PathBuf,
        /// Whether it is the base.
        is_base: bool,
    },
    /// A call of a log; calls of a transaction come as any others, but only with its end.
    Call(Call),
    /// A key and its value.
    Entry(Entry),
    /// Entries that follow are in this database.
    SelectDb {
        /// Its number.
        number: u64,
        /// Where that is said, for messages.
        place: String,
    },
    /// So many keys follow in the database, the file says.
    ResizeDb {
        /// Not to be believed.
        keys: u64,
    },
    /// Source text of a function library.
    Function(Vec<u8>),
    /// The end of all.
    End(LoadEnd),
    /// The files cannot be loaded. Nothing follows.
    Failed(Failure),
}

/// Where a call stands in its batch.
#[derive(Clone, Copy)]
pub struct Call {
    start: usize,
    first: usize,
    count: usize,
    /// The offset behind it in its file.
    pub end: u64,
    /// The hash of its second word, which most often is its key; 0 if it has none.
    pub hash: u64,
}

/// A key, and what it holds.
pub struct Entry {
    key: Span,
    /// The key's hash.
    pub hash: u64,
    /// Milliseconds since 1970, if it expires. May have passed.
    pub deadline_ms: Option<u64>,
    /// Its last use.
    pub usage: Usage,
    /// Its value.
    pub value: Held,
}

/// A value, in its batch if a record will hold it.
pub enum Held {
    /// A string.
    Text(Span),
    /// A packed collection, and its tag.
    Packed(u8, Span),
    /// Any other.
    Whole(Value),
}

/// Some bytes of a batch.
#[derive(Clone, Copy)]
pub struct Span {
    start: usize,
    end: usize,
}

/// What is known when all has been read.
#[derive(Default)]
pub struct LoadEnd {
    /// How the log ended, if it was one.
    pub log: Option<LogEnd>,
    /// What was noticed.
    pub notices: Vec<Notice>,
}

/// Why the files cannot be loaded.
pub struct Failure {
    /// What is wrong, to be logged first, if the refusal does not say it.
    pub detail: Option<String>,
    /// Why the server cannot start.
    pub refusal: String,
}

impl Failure {
    pub(super) fn new(refusal: String) -> Failure {
        Failure { detail: None, refusal }
    }
}

/// Some of what was read.
#[derive(Default)]
pub struct Batch {
    bytes: Vec<u8>,
    ranges: Vec<Range>,
    things: VecDeque<Thing>,
    /// Bytes of all files up to its end.
    pub read_bytes: u64,
}

/// A place in a batch that is being filled.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    bytes: usize,
    ranges: usize,
    things: usize,
}

impl Batch {
    /// Takes the next thing. The words of calls stay until [`clear`](Batch::clear).
    #[inline]
    pub fn take_next(&mut self) -> Option<Thing> {
        self.things.pop_front()
    }

    /// A call's bytes, and where its words stand in them.
    #[inline]
    pub fn words(&self, call: Call) -> (&[u8], &[Range]) {
        (&self.bytes[call.start..], &self.ranges[call.first..call.first + call.count])
    }

    /// An entry's key.
    #[inline]
    pub fn key(&self, entry: &Entry) -> &[u8] {
        self.span(entry.key)
    }

    /// Some of its bytes.
    #[inline]
    pub fn span(&self, span: Span) -> &[u8] {
        &self.bytes[span.start..span.end]
    }

    /// Whether all of it has been taken.
    pub fn is_empty(&self) -> bool {
        self.things.is_empty()
    }

    /// Empties it.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ranges.clear();
        self.things.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.things.len()
    }

    pub(super) fn push(&mut self, thing: Thing) {
        self.things.push_back(thing);
    }

    /// Whether nothing follows it.
    pub(super) fn is_last(&self) -> bool {
        matches!(self.things.back(), Some(Thing::End(_) | Thing::Failed(_)))
    }

    pub(super) fn push_call(&mut self, call: &read::Call<'_>, hash: u64) -> Result<(), Failure> {
        if u32::try_from(call.bytes().len()).is_err() {
            return Err(Failure::new("A call is longer than 4 GiB".into()));
        }
        let (start, first) = (self.bytes.len(), self.ranges.len());
        self.bytes.extend_from_slice(call.bytes());
        self.ranges.extend(call.ranges().iter().map(|word| Range { start: word.start as u32, end: word.end as u32 }));
        self.push(Thing::Call(Call { start, first, count: self.ranges.len() - first, end: call.end(), hash }));
        Ok(())
    }

    pub(super) fn push_entry(&mut self, entry: rdb::Entry, hash: u64) {
        let rdb::Entry { key, deadline_ms, usage, value } = entry;
        let key = self.hold(&key);
        let value = match value {
            Value::Bytes(text) if text.len() <= INLINE_MAX => Held::Text(self.hold(&text)),
            Value::Collection(Owned::Inline(tag, packed)) => Held::Packed(tag, self.hold(&packed)),
            value => Held::Whole(value),
        };
        self.push(Thing::Entry(Entry { key, hash, deadline_ms, usage, value }));
    }

    fn hold(&mut self, bytes: &[u8]) -> Span {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        Span { start, end: self.bytes.len() }
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { bytes: self.bytes.len(), ranges: self.ranges.len(), things: self.things.len() }
    }

    /// Forgets what was added since.
    pub(super) fn cut_back(&mut self, mark: Mark) {
        self.bytes.truncate(mark.bytes);
        self.ranges.truncate(mark.ranges);
        self.things.truncate(mark.things);
    }
}
