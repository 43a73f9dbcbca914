//! The registers of a sparse HyperLogLog, as runs.
//!
//! ```text
//! ZERO    00xxxxxx             x + 1 registers are 0 (1 to 64)
//! XZERO   01xxxxxx yyyyyyyy    xy + 1 registers are 0 (1 to 16384), x the high bits
//! VAL     1vvvvvxx             x + 1 registers (1 to 4) are v + 1 (1 to 32)
//! ```
//! The runs cover all registers in order. One that has been set splits its run in up to three; equal VALs beside each other are then joined,
//! as far as Redis joins them, so that the bytes are the same.

use super::{Corrupt, HEADER_BYTES};

const XZERO: u8 = 0x40;
const VAL: u8 = 0x80;
const ZERO_MAX: usize = 64;
const VAL_MAX: usize = 4;
/// Highest rank that a run can have.
const RANK_MAX: u8 = 32;
/// Runs that are looked at for neighbours to join, from the one before the change on.
const JOIN_STEPS: usize = 5;

/// So many registers of one rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// How many.
    pub len: usize,
    /// Their rank; 0: no element has met them.
    pub rank: u8,
    /// Bytes that it takes.
    width: usize,
}

impl Run {
    /// The run that begins at `at`. An XZERO whose second byte is cut off reads as if that were 0, as behind the end of Redis's strings.
    #[inline]
    fn read(bytes: &[u8], at: usize) -> Run {
        match bytes[at] {
            head if head & VAL != 0 => Run { len: usize::from(head & 3) + 1, rank: (head >> 2 & 31) + 1, width: 1 },
            head if head & XZERO != 0 => {
                let low = bytes.get(at + 1).copied().unwrap_or(0);
                Run { len: (usize::from(head & 63) << 8 | usize::from(low)) + 1, rank: 0, width: 2 }
            }
            head => Run { len: usize::from(head) + 1, rank: 0, width: 1 },
        }
    }

    /// As PFDEBUG DECODE writes it: `z` for ZERO, `Z` for XZERO.
    pub fn text(self) -> String {
        match self {
            Run { len, rank: 0, width: 1 } => format!("z:{len}"),
            Run { len, rank: 0, .. } => format!("Z:{len}"),
            Run { len, rank, .. } => format!("v:{rank},{len}"),
        }
    }
}

/// All runs of a HyperLogLog, which need not add up.
pub fn runs(bytes: &[u8]) -> impl Iterator<Item = Run> {
    let mut at = HEADER_BYTES;
    std::iter::from_fn(move || {
        (at < bytes.len()).then(|| {
            let run = Run::read(bytes, at);
            at += run.width;
            run
        })
    })
}

/// Where to look from: at the start of a run.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    at: usize,
    /// The run's first register.
    first: usize,
}

impl Default for Start {
    fn default() -> Self {
        Start { at: HEADER_BYTES, first: 0 }
    }
}

/// The run that a register lies in.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    at: usize,
    /// Its first register.
    first: usize,
    run: Run,
    /// The run before it; itself if there is none.
    before: Start,
}

/// Registers of a run by its first byte, for all but XZERO.
static LEN: [u8; 256] = {
    let mut table = [0; 256];
    let mut head = 0;
    while head < 256 {
        table[head] = if head as u8 & VAL != 0 { (head as u8 & 3) + 1 } else { (head as u8 & 63) + 1 };
        head += 1;
    }
    table
};

impl Place {
    /// Finds the run of a register. `start` must lie before the register's run, or be the default.
    #[inline]
    pub fn find(bytes: &[u8], start: Start, register: usize) -> Result<Place, Corrupt> {
        let Start { mut at, mut first } = start;
        let mut before = start;
        // Most runs are of one byte, whose length needs no branch to be found.
        while let Some(&head) = bytes.get(at) {
            let (len, width) = match head & (VAL | XZERO) {
                XZERO => (Run::read(bytes, at).len, 2),
                _ => (usize::from(LEN[usize::from(head)]), 1),
            };
            if register < first + len {
                if at == start.at && at != HEADER_BYTES {
                    return Place::find(bytes, Start::default(), register);
                }
                let run = Run::read(bytes, at);
                let is_whole = at + run.width <= bytes.len();
                return if is_whole { Ok(Place { at, first, run, before }) } else { Err(Corrupt) };
            }
            before = Start { at, first };
            (at, first) = (at + width, first + len);
        }
        Err(Corrupt)
    }

    /// The rank of its registers.
    #[inline]
    pub fn rank(&self) -> u8 {
        self.run.rank
    }

    /// Where to look from for registers behind this one, though it be changed.
    pub fn start(&self) -> Start {
        self.before
    }

    /// Sets one of its registers to a higher rank. Whether that can be said by runs in `sparse_max` bytes; if not, nothing has changed.
    pub fn set(self, bytes: &mut Vec<u8>, register: usize, rank: u8, sparse_max: usize) -> bool {
        if rank > RANK_MAX {
            return false;
        }
        let mut split = Split::default();
        split.push(self.run.rank, register - self.first);
        split.push(rank, 1);
        split.push(self.run.rank, self.first + self.run.len - 1 - register);
        let new = split.bytes();
        if new.len() > self.run.width && bytes.len() + new.len() - self.run.width > sparse_max {
            return false;
        }
        replace(bytes, self.at, self.run.width, new);
        join_equal(bytes, self.before.at);
        true
    }
}

/// Up to three runs in place of one.
#[derive(Default)]
struct Split {
    bytes: [u8; 5],
    len: usize,
}

impl Split {
    fn push(&mut self, rank: u8, len: usize) {
        if len == 0 {
            return;
        }
        let (head, low) = match (rank, len - 1) {
            (0, more) if len <= ZERO_MAX => (more as u8, None),
            (0, more) => (XZERO | (more >> 8) as u8, Some(more as u8)),
            (_, more) => (val(rank, more + 1), None),
        };
        for byte in [Some(head), low].into_iter().flatten() {
            self.bytes[self.len] = byte;
            self.len += 1;
        }
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

fn val(rank: u8, len: usize) -> u8 {
    VAL | (rank - 1) << 2 | (len - 1) as u8
}

/// Appends a run of so many zeros, more than 64.
pub(super) fn push_zeros(bytes: &mut Vec<u8>, len: usize) {
    let mut split = Split::default();
    split.push(0, len);
    bytes.extend_from_slice(split.bytes());
}

/// Puts `new` in the place of `width` bytes; it may be up to four bytes longer.
#[inline]
fn replace(bytes: &mut Vec<u8>, at: usize, width: usize, new: &[u8]) {
    let (old_len, end) = (bytes.len(), at + new.len());
    if new.len() > width {
        bytes.resize(old_len + new.len() - width, 0);
        bytes.copy_within(at + width..old_len, end);
    } else if new.len() < width {
        bytes.copy_within(at + width.., end);
        bytes.truncate(old_len - (width - new.len()));
    }
    bytes[at..end].copy_from_slice(new);
}

/// Joins neighbours of the same rank, among the next few runs.
fn join_equal(bytes: &mut Vec<u8>, mut at: usize) {
    for _ in 0..JOIN_STEPS {
        if at >= bytes.len() {
            return;
        }
        let run = Run::read(bytes, at);
        if run.rank > 0 && at + 1 < bytes.len() {
            let next = Run::read(bytes, at + 1);
            if next.rank == run.rank && run.len + next.len <= VAL_MAX {
                bytes[at] = val(run.rank, run.len + next.len);
                bytes.remove(at + 1);
                continue; // perhaps with the one behind it, too
            }
        }
        at += run.width;
    }
}

#[cfg(test)]
mod tests {
    use super::super::new;
    use super::*;

    fn text(bytes: &[u8]) -> String {
        runs(bytes).map(Run::text).collect::<Vec<_>>().join(" ")
    }

    fn set(bytes: &mut Vec<u8>, register: usize, rank: u8) {
        let place = Place::find(bytes, Start::default(), register).unwrap();
        assert!(rank > place.rank() && place.set(bytes, register, rank, 3000));
    }

    #[test]
    fn runs_are_split_and_joined() {
        let mut bytes = new();
        for (register, rank, runs) in [
            (1000, 2, "Z:1000 v:2,1 Z:15383"),
            (1020, 3, "Z:1000 v:2,1 z:19 v:3,1 Z:15363"),
            (1021, 3, "Z:1000 v:2,1 z:19 v:3,2 Z:15362"),
            (16_383, 32, "Z:1000 v:2,1 z:19 v:3,2 Z:15361 v:32,1"),
            (1002, 1, "Z:1000 v:2,1 z:1 v:1,1 z:17 v:3,2 Z:15361 v:32,1"),
            (1001, 2, "Z:1000 v:2,2 v:1,1 z:17 v:3,2 Z:15361 v:32,1"),
            (1002, 2, "Z:1000 v:2,3 z:17 v:3,2 Z:15361 v:32,1"),
            (1001, 9, "Z:1000 v:2,1 v:9,1 v:2,1 z:17 v:3,2 Z:15361 v:32,1"),
            (0, 1, "v:1,1 Z:999 v:2,1 v:9,1 v:2,1 z:17 v:3,2 Z:15361 v:32,1"),
        ] {
            set(&mut bytes, register, rank);
            assert_eq!(text(&bytes), runs);
        }
    }

    #[test]
    fn what_runs_cannot_say_is_refused() {
        let mut bytes = new();
        let place = Place::find(&bytes, Start::default(), 5).unwrap();
        assert!(!place.set(&mut bytes, 5, 33, 3000));
        assert!(!place.set(&mut bytes, 5, 1, 19));
        assert_eq!(bytes, new());
        assert!(place.set(&mut bytes, 5, 1, 20));
    }

    #[test]
    fn a_register_beyond_the_runs_is_not_found() {
        let short = [&new()[..HEADER_BYTES], &[0x3f]].concat();
        assert!(Place::find(&short, Start::default(), 63).is_ok());
        assert!(Place::find(&short, Start::default(), 64).is_err());
        let cut = [&new()[..HEADER_BYTES], &[0x7f]].concat();
        assert!(Place::find(&cut, Start::default(), 0).is_err());
    }
}
