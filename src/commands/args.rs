//! The arguments of one call: ranges of the input, read once into types.

use super::error::Error;
use crate::base::number::{parse_f64, parse_i64};
use crate::formats::resp::request::{BIG, Range};
use crate::values::string::NewText;

/// A call's words, its name first.
pub struct Args<'a> {
    buffer: &'a [u8],
    ranges: &'a [Range],
    /// Bulks that came in an allocation of their own.
    big: &'a mut [Vec<u8>],
    /// The call's own bytes when they are RESP.
    raw: Option<&'a [u8]>,
    /// Whether the call may be logged after it ran: then a big bulk is copied rather than taken.
    logged: bool,
}

/// An argument on its way into the store.
#[derive(Debug)]
pub enum Taken<'a> {
    /// Part of the input: to be copied.
    Borrowed(&'a [u8]),
    /// In an allocation of its own: to be kept.
    Owned(Vec<u8>),
}

impl Taken<'_> {
    /// The string that SET makes of it: an integer where it is one. Bytes with an allocation of their own are taken out.
    #[inline]
    pub fn text(&mut self) -> NewText<'_> {
        match self {
            Taken::Borrowed(bytes) => NewText::of(bytes),
            Taken::Owned(bytes) => NewText::of_vec(bytes),
        }
    }
}

impl<'a> Args<'a> {
    /// The call whose words stand at `ranges` of `buffer`, or in `big`.
    #[inline]
    pub fn new(
        buffer: &'a [u8],
        ranges: &'a [Range],
        big: &'a mut [Vec<u8>],
        raw: Option<&'a [u8]>,
        logged: bool,
    ) -> Args<'a> {
        Args { buffer, ranges, big, raw, logged }
    }

    /// Words, the command's name included.
    #[inline]
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Never: a call has a name.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Word `i`; panics beyond the last one.
    #[inline]
    pub fn get(&self, i: usize) -> &[u8] {
        let Range { start, end } = self.ranges[i];
        if start == BIG { &self.big[end as usize] } else { &self.buffer[start as usize..end as usize] }
    }

    /// The words from `i` on as a call of their own.
    pub fn behind(&mut self, i: usize) -> Args<'_> {
        let ranges = &self.ranges[i.min(self.ranges.len())..];
        Args { buffer: self.buffer, ranges, big: self.big, raw: None, logged: self.logged }
    }

    /// All words.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.len()).map(|i| self.get(i))
    }

    /// The words from `i` on.
    pub fn from(&self, i: usize) -> impl ExactSizeIterator<Item = &[u8]> {
        (i..self.len().max(i)).map(|i| self.get(i))
    }

    /// The call's own bytes, when it came as RESP and in one piece: fit to be logged as they are.
    pub fn raw(&self) -> Option<&'a [u8]> {
        self.raw.filter(|_| self.has_right_line_ends())
    }

    /// Whether its lines end in CRLF: clients are let pass any two bytes behind a bulk, and any byte behind a CR; no reader of a log is.
    fn has_right_line_ends(&self) -> bool {
        let bulk_is_right = |&Range { start, end }: &Range| {
            self.buffer[start as usize - 1] == b'\n' && self.buffer[end as usize..].starts_with(b"\r\n")
        };
        let count_is_right = |first: &Range| {
            let dollar = self.buffer[..first.start as usize].iter().rposition(|&byte| byte == b'$');
            dollar.is_some_and(|at| self.buffer[..at].ends_with(b"\n"))
        };
        self.ranges.iter().all(bulk_is_right) && self.ranges.first().is_some_and(count_is_right)
    }

    /// The bytes of the call on the wire; of one that did not come as RESP or in one piece, those of its plain form.
    pub fn wire_bytes(&self) -> usize {
        let line = |count: usize| "*\r\n".len() + itoa::Buffer::new().format(count).len();
        let plain = || line(self.len()) + self.iter().map(|word| line(word.len()) + word.len() + 2).sum::<usize>();
        self.raw.map_or_else(plain, <[u8]>::len)
    }

    /// Word `i` to be kept: a big one is handed over, and reads as empty from then on.
    #[inline]
    pub fn take(&mut self, i: usize) -> Taken<'a> {
        let Range { start, end } = self.ranges[i];
        match start {
            BIG if self.logged => Taken::Owned(self.big[end as usize].clone()),
            BIG => Taken::Owned(std::mem::take(&mut self.big[end as usize])),
            _ => Taken::Borrowed(&self.buffer[start as usize..end as usize]),
        }
    }

    /// The words behind the name when there are exactly `N` of them (the row's arity says so).
    #[inline]
    pub fn exactly<const N: usize>(&self) -> Result<[&[u8]; N], Error> {
        if self.len() != N + 1 {
            return Err(Error::Arity(String::from_utf8_lossy(self.get(0)).to_ascii_lowercase()));
        }
        Ok(std::array::from_fn(|i| self.get(i + 1)))
    }

    /// Word `i` as an integer.
    pub fn int(&self, i: usize) -> Result<i64, Error> {
        parse_i64(self.get(i)).ok_or(Error::NotInteger)
    }

    /// Word `i` as a double.
    pub fn double(&self, i: usize) -> Result<f64, Error> {
        parse_f64(self.get(i)).ok_or(Error::NotFloat)
    }

    /// Whether word `i` is there and is `word`, in any case.
    pub fn is(&self, i: usize, word: &str) -> bool {
        i < self.len() && self.get(i).eq_ignore_ascii_case(word.as_bytes())
    }

    /// Word `i` in lower case, for matching; not UTF-8 reads as a word that matches nothing.
    pub fn word(&self, i: usize) -> String {
        String::from_utf8(self.get(i).to_ascii_lowercase()).unwrap_or_else(|_| "\u{fffd}".into())
    }

    /// Whether anybody logs calls or sends them on: then each word reads the same after `take`. Else a call need not say
    /// how it is to be propagated.
    #[inline]
    pub fn is_logged(&self) -> bool {
        self.logged
    }

    /// Appends the call to `buffer`, its own bytes where there are any, and to `ranges` where its words stand there. Gives where its own
    /// bytes stand.
    pub fn append_to(&self, buffer: &mut Vec<u8>, ranges: &mut Vec<Range>) -> Option<(u32, u32)> {
        let start = buffer.len() as u32;
        let Some(raw) = self.raw else {
            for word in self.iter() {
                let start = buffer.len() as u32;
                buffer.extend_from_slice(word);
                ranges.push(Range { start, end: buffer.len() as u32 });
            }
            return None;
        };
        let before = (raw.as_ptr() as usize - self.buffer.as_ptr() as usize) as u32;
        buffer.extend_from_slice(raw);
        let moved = |range: &Range| Range { start: range.start - before + start, end: range.end - before + start };
        ranges.extend(self.ranges.iter().map(moved));
        Some((start, buffer.len() as u32))
    }

    /// Copies all words.
    pub fn to_vecs(&self) -> Vec<Vec<u8>> {
        self.iter().map(<[u8]>::to_vec).collect()
    }
}
