//! Where a command's keys stand among its words, and what it does to them: for COMMAND INFO, COMMAND GETKEYS, the look-ahead.

use super::args::Args;

/// What a command does with a key's value, as Redis's key specifications say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reads it.
    ReadOnly,
    /// Reads and changes it.
    ReadWrite,
    /// Replaces it without reading.
    Overwrite,
    /// Removes it.
    Remove,
    /// It is no key, but a channel that counts as one for the slot.
    NotKey,
}

/// What the access is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Tells the user about the value.
    Access,
    /// Changes the value by what it was.
    Update,
    /// Adds to it or sets it.
    Insert,
    /// Removes from it, or the key.
    Delete,
    /// Neither reads nor changes the value itself (EXISTS, TYPE, ...).
    None,
}

/// Where the first key of a specification stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// At this word.
    Index(i32),
    /// Behind this word, searched from `from` on (negative: from the end backwards).
    Keyword(&'static str, i32),
    /// Nobody can tell.
    Unknown,
}

/// How the further keys follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Find {
    /// Up to `last` (from the first; negative: from the end), each `step` words; with `limit` n > 1 the n-th part of them.
    Range {
        /// Last key, relative to the first; -1: the last word.
        last: i32,
        /// Words from key to key.
        step: i32,
        /// 0 or 1: all; n: one n-th of the words.
        limit: i32,
    },
    /// As many as the word at `count` says, from `first` on.
    Count {
        /// The word with the number, relative to the begin.
        count: i32,
        /// The first key, relative to the begin.
        first: i32,
        /// Words from key to key.
        step: i32,
    },
    /// Nobody can tell.
    Unknown,
}

/// One specification.
#[derive(Debug, Clone, Copy)]
pub struct KeySpec {
    /// What is done with the values.
    pub access: Access,
    /// What for.
    pub purpose: Purpose,
    /// Whether the caller also learns of the value, when that is not the purpose.
    pub is_told: bool,
    /// Where the first key is.
    pub begin: Begin,
    /// How the others follow.
    pub find: Find,
    /// Its keyword may be given again: the word behind each may be the key.
    pub is_repeated: bool,
    /// More may be keys than can be told (`incomplete`).
    pub incomplete: bool,
    /// The access depends on the words (`variable_flags`).
    pub variable: bool,
    /// The access of a call with these words, when it depends on them.
    pub use_of: Option<fn(&Args<'_>) -> KeyUse>,
    /// The key in a call, where begin and find cannot tell it.
    pub found_by: Option<fn(&Args<'_>) -> Option<usize>>,
    /// The word of a call that has it read keys which only the data names.
    pub read_for: Option<fn(&Args<'_>) -> Option<usize>>,
    /// What else is to be known, for COMMAND INFO; or nothing.
    pub note: &'static str,
}

/// What one call does with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyUse {
    /// What is done with the value.
    pub access: Access,
    /// What for.
    pub purpose: Purpose,
    /// Whether the caller also learns of the value.
    pub is_told: bool,
}

impl KeyUse {
    /// Its flags as COMMAND INFO and GETKEYSANDFLAGS name them.
    pub fn flag_names(self) -> Vec<&'static str> {
        let access = match self.access {
            Access::ReadOnly => "RO",
            Access::ReadWrite => "RW",
            Access::Overwrite => "OW",
            Access::Remove => "RM",
            Access::NotKey => return vec!["not_key"],
        };
        let purpose = match self.purpose {
            Purpose::Access | Purpose::None => None,
            Purpose::Update => Some("update"),
            Purpose::Insert => Some("insert"),
            Purpose::Delete => Some("delete"),
        };
        let is_told = self.is_told || self.purpose == Purpose::Access;
        [Some(access), is_told.then_some("access"), purpose].into_iter().flatten().collect()
    }
}

/// The key at word 1.
pub const fn first_key(access: Access, purpose: Purpose) -> KeySpec {
    key_at(1, access, purpose)
}

/// The key at word `index`.
pub const fn key_at(index: i32, access: Access, purpose: Purpose) -> KeySpec {
    keys_from(index, 0, 1, access, purpose)
}

/// The keys from word `index` on: `last` is relative to the first (-1: to the end), each `step` words.
pub const fn keys_from(index: i32, last: i32, step: i32, access: Access, purpose: Purpose) -> KeySpec {
    KeySpec::new(access, purpose, Begin::Index(index), Find::Range { last, step, limit: 0 })
}

/// As many keys as word `index` says, behind it, each `step` words.
pub const fn counted_keys(index: i32, step: i32, access: Access, purpose: Purpose) -> KeySpec {
    KeySpec::new(access, purpose, Begin::Index(index), Find::Count { count: 0, first: 1, step })
}

/// Words from word `index` on that decide on a slot as keys do, and are none: shard channels.
pub const fn channels_from(index: i32, last: i32) -> KeySpec {
    keys_from(index, last, 1, Access::NotKey, Purpose::None)
}

impl KeySpec {
    /// Keys that begin and follow like this.
    pub const fn new(access: Access, purpose: Purpose, begin: Begin, find: Find) -> KeySpec {
        let (is_told, is_repeated, incomplete, variable) = (false, false, false, false);
        let (use_of, found_by, read_for, note) = (None, None, None, "");
        KeySpec {
            access,
            purpose,
            is_told,
            begin,
            find,
            is_repeated,
            incomplete,
            variable,
            use_of,
            found_by,
            read_for,
            note,
        }
    }

    /// The same, where the caller learns of the value too.
    pub const fn told(mut self) -> KeySpec {
        self.is_told = true;
        self
    }

    /// The same, with an access that `use_of` reads from the words.
    pub const fn by_words(mut self, use_of: fn(&Args<'_>) -> KeyUse) -> KeySpec {
        self.variable = true;
        self.use_of = Some(use_of);
        self
    }

    /// The same, where the keyword may be given again.
    pub const fn repeated(mut self) -> KeySpec {
        self.is_repeated = true;
        self
    }

    /// The same, with keys that only the data names, and `read_for` which of the words reads them.
    pub const fn read_for(mut self, read_for: fn(&Args<'_>) -> Option<usize>) -> KeySpec {
        self.read_for = Some(read_for);
        self
    }

    /// The same, with a key that nobody can tell from the specification, and `found_by` from the words.
    pub const fn found_by(mut self, found_by: fn(&Args<'_>) -> Option<usize>) -> KeySpec {
        self.found_by = Some(found_by);
        self
    }

    /// The same, with a note for COMMAND INFO.
    pub const fn note(mut self, note: &'static str) -> KeySpec {
        self.note = note;
        self
    }

    /// What any call may do with the key.
    pub const fn any_use(&self) -> KeyUse {
        KeyUse { access: self.access, purpose: self.purpose, is_told: self.is_told }
    }

    /// What the call of these words does with the key.
    pub fn use_in(&self, args: &Args<'_>) -> KeyUse {
        self.use_of.map_or(self.any_use(), |use_of| use_of(args))
    }

    /// Whether it is one key at a fixed word.
    #[inline]
    pub fn is_one_key(&self) -> bool {
        matches!((self.begin, self.find), (Begin::Index(_), Find::Range { last: 0, .. }))
    }

    /// Whether all keys can be found by one range from a fixed word.
    pub fn is_range(&self) -> bool {
        matches!((self.begin, self.find), (Begin::Index(_), Find::Range { .. }))
    }

    /// The words of this call that are keys by this specification; None when the call's words do not fit it.
    #[inline]
    pub fn positions<'a>(&self, args: &'a Args<'_>) -> Option<impl Iterator<Item = usize> + 'a> {
        let (range, behind) = match (self.access, self.begin) {
            (Access::NotKey, _) => (NONE, None),
            _ if self.found_by.is_some() => (self.found_by.and_then(|found| found(args)).map_or(NONE, Span::one), None),
            (_, Begin::Keyword(word, from)) if self.is_repeated => (Span::behind(from, args), Some(word)),
            _ => (self.span(args)?, None),
        };
        let is_key = move |place: &usize| behind.is_none_or(|word| args.is(place - 1, word));
        Some(range.filter(is_key))
    }

    #[inline]
    fn span(&self, args: &Args<'_>) -> Option<Span> {
        let len = args.len() as i32;
        let begin = match self.begin {
            Begin::Index(index) => index,
            Begin::Keyword(word, from) => match find_keyword(args, word, from) {
                Some(place) => place + 1,
                None => return Some(NONE),
            },
            Begin::Unknown => return Some(NONE),
        };
        let (first, last, step) = match self.find {
            Find::Range { last, step, limit } => {
                let last = match last {
                    0.. => begin + last,
                    _ if limit <= 1 => len + last,
                    _ => begin + (len - begin) / limit + last,
                };
                (begin, last, step)
            }
            Find::Count { count, first, step } => {
                let word = begin + count;
                if word >= len {
                    return None;
                }
                let n = i32::try_from(args.int(word as usize).ok()?).ok().filter(|&n| n >= 0)?;
                (begin + first, (begin + first).checked_add((n - 1).checked_mul(step)?)?, step)
            }
            Find::Unknown => return Some(NONE),
        };
        if last >= len || first < 1 || first >= len && last >= first {
            return None;
        }
        Some(Span { first: first as usize, end: (last + 1).max(first) as usize, step: step.max(1) as usize })
    }
}

/// Words from `first` on, each `step`, below `end`. Unlike `StepBy` it divides nothing to begin.
struct Span {
    first: usize,
    end: usize,
    step: usize,
}

const NONE: Span = Span { first: 1, end: 1, step: 1 };

impl Span {
    /// One word.
    fn one(place: usize) -> Span {
        Span { first: place, end: place + 1, step: 1 }
    }

    /// All words behind the first that may be a keyword.
    fn behind(from: i32, args: &Args<'_>) -> Span {
        Span { first: from.max(0) as usize + 1, end: args.len(), step: 1 }
    }
}

impl Iterator for Span {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let place = self.first;
        self.first += self.step;
        (place < self.end).then_some(place)
    }
}

/// The place of a keyword, searched from `from` on (negative: from the end backwards).
fn find_keyword(args: &Args<'_>, word: &str, from: i32) -> Option<i32> {
    let len = args.len() as i32;
    match from >= 0 {
        true => (from..len).find(|&i| args.is(i as usize, word)),
        false => (1..=(len + from)).rev().find(|&i| args.is(i as usize, word)),
    }
}
