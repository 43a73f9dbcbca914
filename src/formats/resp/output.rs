//! Bytes on their way to a client.
//!
//! ```text
//! chunks (sealed, oldest first)  [....][........][...]   tail [...>    ]
//!         ^ sent                                          replies are appended here
//! ```
//!
//! Small replies gather in `tail`; a big one gets a chunk of just its size, so that its bytes are copied once. Invariant:
//! sealed chunks are not empty, `sent` lies within the oldest chunk (or in `tail` when there is no chunk).

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::Arc;

/// A tail that has grown past this is sealed.
const SEAL_BYTES: usize = 64 * 1024;
/// What a tail has room for when the first message comes.
const FIRST_BYTES: usize = 1024;
/// Replies of this size and more get a chunk of their own.
const BIG_BYTES: usize = 16 * 1024;

/// So many bytes may wait before limits count them: in Redis, every client has a buffer for them.
const UNCOUNTED_BYTES: usize = 16 * 1024;

/// A sealed chunk.
#[derive(Debug)]
enum Chunk {
    Own(Vec<u8>),
    /// The same bytes go to others too. The first byte, which is not the same for all, has gone to the chunk before.
    Shared(Arc<[u8]>),
}

impl Chunk {
    fn capacity(&self) -> usize {
        match self {
            Chunk::Own(bytes) => bytes.capacity(),
            Chunk::Shared(bytes) => bytes.len(), // counted with each that still has to send it, as Redis does
        }
    }
}

impl Deref for Chunk {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Chunk::Own(bytes) => bytes,
            Chunk::Shared(bytes) => &bytes[1..],
        }
    }
}

/// A queue of bytes.
#[derive(Default, Debug)]
pub struct Output {
    tail: Vec<u8>,
    chunks: VecDeque<Chunk>,
    sent: usize,
    chunk_bytes: usize,
    chunk_capacity: usize,
}

/// A place in the output to which it can be cut back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    chunks: usize,
    tail: usize,
}

impl Output {
    /// An output that gathers in `buffer`, whose content is dropped.
    pub fn with_buffer(mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        Output { tail: buffer, ..Output::default() }
    }

    /// Bytes that wait to be sent.
    pub fn len(&self) -> usize {
        self.chunk_bytes + self.tail.len() - self.sent
    }

    /// The bytes that wait, as limits count them: few count as none.
    #[inline]
    pub fn counted_bytes(&self) -> usize {
        let len = self.len();
        if len > UNCOUNTED_BYTES { len } else { 0 }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.tail.len() == self.sent
    }

    /// Bytes of memory held, used or not.
    pub fn capacity(&self) -> usize {
        self.tail.capacity() + self.chunk_capacity
    }

    /// Sealed chunks that wait.
    pub fn chunk_count(&self) -> usize {
        self.chunks.len()
    }

    /// Bytes of memory that the open tail holds, used or not.
    pub fn tail_capacity(&self) -> usize {
        self.tail.capacity()
    }

    /// Where small replies are appended.
    #[inline(always)]
    pub fn tail(&mut self) -> &mut Vec<u8> {
        &mut self.tail
    }

    /// Makes room for `len` bytes to come, in a chunk of their own when they are many.
    #[inline]
    pub fn reserve(&mut self, len: usize) {
        if len >= BIG_BYTES || self.tail.len() >= SEAL_BYTES {
            self.reserve_chunk(len);
        }
    }

    #[cold]
    fn reserve_chunk(&mut self, len: usize) {
        if self.tail.capacity() - self.tail.len() >= len + 64 {
            return;
        }
        let next = Vec::with_capacity(len + 64);
        self.seal(next);
    }

    /// Makes a chunk of the tail; `next` is the tail from now on.
    fn seal(&mut self, next: Vec<u8>) {
        let full = std::mem::replace(&mut self.tail, next);
        if !full.is_empty() {
            self.push(Chunk::Own(full));
        }
    }

    /// Makes room for a message: a full tail is sealed, a new one has room for some more.
    #[cold]
    fn make_room(&mut self, len: usize) {
        if self.tail.len() >= SEAL_BYTES {
            self.seal(Vec::new());
        }
        let len = if len < BIG_BYTES { len } else { 1 };
        if self.tail.capacity() < FIRST_BYTES {
            self.tail.reserve_exact((4 * len).max(FIRST_BYTES));
        } else {
            self.tail.reserve(len);
        }
    }

    fn push(&mut self, chunk: Chunk) {
        self.chunk_bytes += chunk.len();
        self.chunk_capacity += chunk.capacity();
        self.chunks.push_back(chunk);
    }

    /// Appends bytes that go to others too, but for the first, in whose place `first` is sent. Many bytes are not copied.
    #[inline]
    pub fn share(&mut self, first: u8, bytes: &Arc<[u8]>) {
        if self.tail.len() + bytes.len() > self.tail.capacity() {
            self.make_room(bytes.len());
        }
        self.tail.push(first);
        if bytes.len() < BIG_BYTES {
            return self.tail.extend_from_slice(&bytes[1..]);
        }
        self.seal(Vec::new());
        self.push(Chunk::Shared(bytes.clone()));
    }

    /// Appends all of another output, of which nothing has been sent.
    pub fn append(&mut self, other: Output) {
        debug_assert_eq!(other.sent, 0);
        if other.chunks.is_empty() {
            return self.tail.extend_from_slice(&other.tail);
        }
        self.seal(other.tail);
        self.chunk_bytes += other.chunk_bytes;
        self.chunk_capacity += other.chunk_capacity;
        self.chunks.extend(other.chunks);
    }

    /// A copy of all that waits.
    pub fn to_vec(&self) -> Vec<u8> {
        let all = self.chunks.iter().map(|chunk| &chunk[..]).chain([&self.tail[..]]);
        let mut bytes = all.collect::<Vec<_>>().concat();
        bytes.drain(..self.sent);
        bytes
    }

    /// The place reached by now.
    #[inline]
    pub fn mark(&self) -> Mark {
        Mark { chunks: self.chunks.len(), tail: self.tail.len() }
    }

    /// Drops what was appended since `mark`, which must be of this output with nothing sent since.
    pub fn cut_back(&mut self, mark: Mark) {
        while self.chunks.len() > mark.chunks {
            let last = self.chunks.pop_back().expect("counted");
            self.chunk_bytes -= last.len();
            self.chunk_capacity -= last.capacity();
            self.tail = match last {
                Chunk::Own(bytes) => bytes,
                Chunk::Shared(_) => Vec::new(), // it came behind the mark: none of it is kept
            };
        }
        self.tail.truncate(mark.tail);
    }

    /// Puts bytes in at `mark`, before what was appended since: the head of an array whose length was not known.
    pub fn insert(&mut self, mark: Mark, bytes: &[u8]) {
        let place = match self.chunks.get_mut(mark.chunks) {
            Some(Chunk::Own(chunk)) => {
                let before = chunk.capacity();
                self.chunk_bytes += bytes.len();
                chunk.splice(mark.tail..mark.tail, bytes.iter().copied());
                self.chunk_capacity += chunk.capacity() - before;
                return;
            }
            Some(Chunk::Shared(_)) => unreachable!("a call shares no part of its own answer"),
            None => &mut self.tail,
        };
        place.splice(mark.tail..mark.tail, bytes.iter().copied());
    }

    /// The bytes to send next; empty when nothing waits.
    pub fn front(&self) -> &[u8] {
        &self.chunks.front().map_or(&self.tail[..], |chunk| chunk)[self.sent..]
    }

    /// The bytes to send next as up to `N` slices, for one gathered write.
    pub fn slices<const N: usize>(&self) -> smallvec::SmallVec<[std::io::IoSlice<'_>; N]> {
        let all = self.chunks.iter().map(|chunk| &chunk[..]).chain([&self.tail[..]]);
        let mut skip = self.sent;
        all.take(N).map(|chunk| std::io::IoSlice::new(&chunk[std::mem::take(&mut skip)..])).collect()
    }

    /// Notes that `n` more bytes were sent.
    pub fn advance(&mut self, n: usize) {
        self.sent += n;
        while let Some(front) = self.chunks.front() {
            if self.sent < front.len() {
                return;
            }
            self.sent -= front.len();
            self.chunk_bytes -= front.len();
            self.chunk_capacity -= front.capacity();
            self.chunks.pop_front();
        }
        assert!(self.sent <= self.tail.len(), "more sent than there was");
        if self.sent == self.tail.len() {
            self.tail.clear();
            self.sent = 0;
        }
    }

    /// Gives the buffer back when all is sent, for another client to use.
    pub fn take_buffer(&mut self) -> Option<Vec<u8>> {
        (self.is_empty() && self.tail.capacity() > 0).then(|| std::mem::take(&mut self.tail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_in_order() {
        let (mut out, mut want, mut got) = (Output::default(), Vec::new(), Vec::new());
        for i in 0..2000usize {
            let len = if i % 97 == 0 { 40_000 } else { i % 50 };
            let part: Vec<u8> = (0..len).map(|j| (i + j) as u8).collect();
            out.reserve(part.len());
            out.tail().extend_from_slice(&part);
            want.extend_from_slice(&part);
            if i % 7 == 0 {
                let n = out.front().len().min(i * 3);
                got.extend_from_slice(&out.front()[..n]);
                out.advance(n);
            }
            assert_eq!(out.len(), want.len() - got.len());
        }
        while !out.is_empty() {
            let all: Vec<u8> = out.slices::<4>().iter().flat_map(|s| s.to_vec()).collect();
            got.extend_from_slice(&all);
            out.advance(all.len());
        }
        assert_eq!(got, want);
        assert!(out.take_buffer().is_some());
    }

    #[test]
    fn cut_back_reopens_chunks() {
        let mut out = Output::default();
        out.tail().extend_from_slice(b"kept");
        let mark = out.mark();
        for _ in 0..3 {
            out.reserve(20_000);
            out.tail().extend_from_slice(&[1; 20_000]);
        }
        out.cut_back(mark);
        assert_eq!((out.front(), out.len()), (&b"kept"[..], 4));
    }

    #[test]
    fn what_is_inserted_stands_at_its_mark_in_a_sealed_chunk_and_in_the_open_one() {
        for appended in [3, 20_000] {
            let mut out = Output::default();
            out.tail().extend_from_slice(b"before ");
            let mark = out.mark();
            for _ in 0..appended / 3 {
                out.reserve(appended);
                out.tail().extend_from_slice(b"abc");
            }
            out.insert(mark, b"head ");
            let (mut all, len) = (Vec::new(), out.len());
            while !out.is_empty() {
                all.extend_from_slice(out.front());
                out.advance(out.front().len());
            }
            assert!(all.starts_with(b"before head abc"));
            assert_eq!((all.len(), len), (12 + appended / 3 * 3, all.len()));
        }
    }
}
