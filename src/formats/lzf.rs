//! LZF, the compression of long strings in RDB files: liblzf's format, so that Redis reads what we write.
//!
//! A stream is a row of chunks, told apart by the top bits of their first byte:
//!
//! ```text
//!   000LLLLL  L+1 bytes                   literals: the next L+1 (1–32) bytes stand for themselves
//!   LLLooooo  oooooooo                    copy L+2 (3–8) bytes from o+1 (1–8192) bytes back;  L = 1–6
//!   111ooooo  LLLLLLLL  oooooooo          copy L+9 (9–264) bytes from o+1 bytes back
//! ```
//!
//! - A copy may overlap what it writes: one byte back and 100 long repeats that byte 100 times.
//! - The stream carries neither a length nor a checksum; the original's length is kept beside it.
//! - No stream grows more than 88-fold (3 bytes to 264), so a claimed length is checked before anything is allocated.

/// Redis keeps a string as it is unless compression saves this many bytes.
const MIN_SAVED_BYTES: usize = 4;
const MAX_LITERALS: usize = 32;
const MAX_DISTANCE: usize = 1 << 13;
const MIN_COPY: usize = 3;
const MAX_COPY: usize = 264;
/// Copies up to this long take two bytes, longer ones three.
const MAX_SHORT_COPY: usize = 8;
/// A long copy's 3 bytes give 264; no other chunk gives more for its length.
const MAX_EXPANSION: usize = MAX_COPY / 3;
const LONG_COPY: u8 = 0b111 << 5;

/// How a stream fails to be what it was said to be. Positions count bytes of the compressed stream, to the chunk's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LzfError {
    /// No stream of this length gives that many bytes.
    Implausible,
    /// The stream ends inside the chunk at this position.
    Truncated {
        /// Where the chunk begins.
        at: usize,
    },
    /// A copy reaches back before the first byte.
    ReachesBeforeStart {
        /// Where the chunk begins.
        at: usize,
    },
    /// The stream gives more bytes than it was said to.
    TooLong {
        /// Where the chunk that overflows begins.
        at: usize,
    },
    /// The stream gives fewer bytes than it was said to.
    TooShort {
        /// How many bytes it gives.
        got: usize,
    },
}

/// Compresses bytes. `None` if that does not save at least 4 bytes, or for 4 GiB and more.
pub fn compress(input: &[u8]) -> Option<Vec<u8>> {
    let limit = input.len().checked_sub(MIN_SAVED_BYTES).filter(|&limit| limit > 0)?;
    if u32::try_from(input.len()).is_err() {
        return None;
    }
    let mut output = Vec::with_capacity(limit / 2 + MIN_COPY);
    let mut recent = RecentTriples::new(input.len());
    let (mut at, mut literals_from) = (0, 0);
    while at + MIN_COPY <= input.len() {
        let Some(earlier) = recent.replace(input, at) else {
            at += 1;
            continue;
        };
        push_literals(&input[literals_from..at], &mut output);
        let len = common_len(&input[earlier..], &input[at..]).min(MAX_COPY);
        push_copy(at - earlier, len, &mut output);
        if output.len() > limit {
            return None;
        }
        at += len;
        literals_from = at;
        recent.note_end_of_copy(input, at);
    }
    push_literals(&input[literals_from..], &mut output);
    (output.len() <= limit).then_some(output)
}

/// Restores the `expected_len` bytes that a stream was made from; fails if it gives more or fewer, or is damaged.
pub fn decompress(stream: &[u8], expected_len: usize) -> Result<Vec<u8>, LzfError> {
    if expected_len.div_ceil(MAX_EXPANSION) > stream.len() {
        return Err(LzfError::Implausible);
    }
    let mut output = Vec::with_capacity(expected_len);
    let mut rest = stream;
    while let [control, tail @ ..] = rest {
        let at = stream.len() - rest.len();
        let room = expected_len - output.len();
        rest = match control >> 5 {
            0 => {
                let count = usize::from(*control) + 1;
                let (literals, tail) = tail.split_at_checked(count).ok_or(LzfError::Truncated { at })?;
                if count > room {
                    return Err(LzfError::TooLong { at });
                }
                output.extend_from_slice(literals);
                tail
            }
            _ => {
                let (distance, len, tail) = read_copy(*control, tail).ok_or(LzfError::Truncated { at })?;
                if len > room {
                    return Err(LzfError::TooLong { at });
                }
                if distance > output.len() {
                    return Err(LzfError::ReachesBeforeStart { at });
                }
                copy_within(&mut output, distance, len);
                tail
            }
        };
    }
    if output.len() < expected_len {
        return Err(LzfError::TooShort { got: output.len() });
    }
    Ok(output)
}

/// Where each three bytes were last seen, by a hash of them. Entries may be stale or another triple's: they are checked.
struct RecentTriples {
    positions: Vec<u32>,
    hash_shift: u32,
}

impl RecentTriples {
    /// Twice the bytes of a window: more slots would only be more memory to clear.
    const MAX_SLOTS_LOG2: u32 = 14;
    const MIN_SLOTS_LOG2: u32 = 6;

    fn new(input_len: usize) -> Self {
        let slots_log2 = input_len.ilog2().clamp(Self::MIN_SLOTS_LOG2, Self::MAX_SLOTS_LOG2);
        Self { positions: vec![0; 1 << slots_log2], hash_shift: u32::BITS - slots_log2 }
    }

    /// Notes the triple at `at`, and gives where it stood before, if that is near enough to copy from.
    #[inline]
    fn replace(&mut self, input: &[u8], at: usize) -> Option<usize> {
        let triple = &input[at..at + MIN_COPY];
        let slot = self.slot(triple);
        let earlier = self.positions[slot] as usize;
        self.positions[slot] = at as u32;
        let near = earlier < at && at - earlier <= MAX_DISTANCE;
        (near && input[earlier..earlier + MIN_COPY] == *triple).then_some(earlier)
    }

    /// Notes the last two triples that begin inside a copy ending at `end`, so that runs of copies find each other.
    fn note_end_of_copy(&mut self, input: &[u8], end: usize) {
        for at in end - 2..end {
            if let Some(triple) = input.get(at..at + MIN_COPY) {
                let slot = self.slot(triple);
                self.positions[slot] = at as u32;
            }
        }
    }

    #[inline]
    fn slot(&self, triple: &[u8]) -> usize {
        let value = u32::from_le_bytes([triple[0], triple[1], triple[2], 0]);
        // Fibonacci hashing: the multiplier is 2^32 divided by the golden ratio.
        (value.wrapping_mul(0x9e37_79b1) >> self.hash_shift) as usize
    }
}

fn common_len(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take(MAX_COPY).take_while(|(a, b)| a == b).count()
}

fn push_literals(literals: &[u8], output: &mut Vec<u8>) {
    for run in literals.chunks(MAX_LITERALS) {
        output.push(run.len() as u8 - 1);
        output.extend_from_slice(run);
    }
}

fn push_copy(distance: usize, len: usize, output: &mut Vec<u8>) {
    let offset = distance - 1;
    let (high, low) = ((offset >> 8) as u8, offset as u8);
    if len <= MAX_SHORT_COPY {
        output.extend([((len - 2) as u8) << 5 | high, low]);
    } else {
        output.extend([LONG_COPY | high, (len - MAX_SHORT_COPY - 1) as u8, low]);
    }
}

/// Reads a copy's distance and length and gives what follows it; `None` if the stream ends before.
fn read_copy(control: u8, tail: &[u8]) -> Option<(usize, usize, &[u8])> {
    let (len, tail) = match (control & LONG_COPY, tail) {
        (LONG_COPY, [len, tail @ ..]) => (usize::from(*len) + MAX_SHORT_COPY + 1, tail),
        (LONG_COPY, []) => return None,
        (short, tail) => (usize::from(short >> 5) + 2, tail),
    };
    let (low, tail) = tail.split_first()?;
    let offset = usize::from(control & !LONG_COPY) << 8 | usize::from(*low);
    Some((offset + 1, len, tail))
}

/// Appends `len` bytes from `distance` back; what is missing of an overlap repeats, doubling each time.
fn copy_within(output: &mut Vec<u8>, distance: usize, len: usize) {
    let from = output.len() - distance;
    let end = output.len() + len;
    while output.len() < end {
        let available = output.len() - from;
        output.extend_from_within(from..from + available.min(end - output.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn repetition_is_squeezed() {
        let input = b"a".repeat(1000);
        let stream = compress(&input).unwrap();
        assert!(stream.len() < 20, "{} bytes", stream.len());
        assert_eq!(decompress(&stream, input.len()), Ok(input));
    }

    #[test]
    fn little_or_no_gain_is_not_taken() {
        assert_eq!(compress(b""), None);
        assert_eq!(compress(b"aaaa"), None);
        assert_eq!(compress(b"the quick brown fox jumps"), None);
        for len in 0..64 {
            if let Some(stream) = compress(&b"a".repeat(len)) {
                assert!(stream.len() + MIN_SAVED_BYTES <= len);
            }
        }
    }

    #[test]
    fn every_kind_of_chunk_is_read() {
        assert_eq!(decompress(b"\x02abc", 3).unwrap(), b"abc");
        assert_eq!(decompress(b"\x02abc\x20\x02", 6).unwrap(), b"abcabc");
        assert_eq!(decompress(b"\x00a\xe0\xff\x00", 265).unwrap(), b"a".repeat(265));
        assert_eq!(decompress(b"\x01ab\xe0\x00\x01", 11).unwrap(), b"abababababa");
        assert_eq!(decompress(b"", 0).unwrap(), b"");
    }

    #[test]
    fn the_far_end_of_the_window_is_reached() {
        let filler: Vec<u8> =
            (0..MAX_DISTANCE as u32 / 4).flat_map(|number| (number.wrapping_mul(0x9e37_79b1)).to_le_bytes()).collect();
        for gap in [MAX_DISTANCE - 64, MAX_DISTANCE - 32, MAX_DISTANCE] {
            let marker = b"a marker of exactly 32 bytes....";
            let input = [marker, &filler[..gap - 32], &marker[..]].concat();
            let Some(stream) = compress(&input) else { continue };
            assert_eq!(decompress(&stream, input.len()), Ok(input));
        }
        let mut stream = vec![];
        push_literals(&filler, &mut stream);
        push_copy(MAX_DISTANCE, 3, &mut stream);
        assert_eq!(decompress(&stream, filler.len() + 3).unwrap()[filler.len()..], filler[..3]);
    }

    #[test]
    fn damage_is_named_with_its_place() {
        assert_eq!(decompress(b"\x02ab", 3), Err(LzfError::Truncated { at: 0 }));
        assert_eq!(decompress(b"\x00a\x20", 4), Err(LzfError::Truncated { at: 2 }));
        assert_eq!(decompress(b"\x00a\xe0\x01", 4), Err(LzfError::Truncated { at: 2 }));
        assert_eq!(decompress(b"\x00a\x20\x01", 4), Err(LzfError::ReachesBeforeStart { at: 2 }));
        assert_eq!(decompress(b"\x00a\x20\x00", 3), Err(LzfError::TooLong { at: 2 }));
        assert_eq!(decompress(b"\x02abc", 2), Err(LzfError::TooLong { at: 0 }));
        assert_eq!(decompress(b"\x02abc", 4), Err(LzfError::TooShort { got: 3 }));
    }

    #[test]
    fn a_claimed_length_is_doubted_before_it_is_allocated() {
        assert_eq!(decompress(b"\x00a", usize::MAX), Err(LzfError::Implausible));
        assert_eq!(decompress(b"\x00a\xe0\xff\x00", 5 * 88 + 1), Err(LzfError::Implausible));
        assert_eq!(decompress(b"", 1), Err(LzfError::Implausible));
    }

    proptest! {
        #[test]
        fn what_is_compressed_comes_back(input in prop_oneof![
            prop::collection::vec(0u8..3, 0..3000),
            prop::collection::vec(any::<u8>(), 0..300),
            "([a-f]{1,12}|key:[0-9]{3} ){0,200}".prop_map(String::into_bytes),
            (any::<u8>(), 0usize..40_000).prop_map(|(byte, len)| vec![byte; len]),
        ]) {
            if let Some(stream) = compress(&input) {
                prop_assert!(stream.len() + MIN_SAVED_BYTES <= input.len());
                prop_assert_eq!(decompress(&stream, input.len()), Ok(input));
            }
        }

        #[test]
        fn garbage_gives_the_right_length_or_an_error(stream: Vec<u8>, expected_len in 0usize..3000) {
            if let Ok(output) = decompress(&stream, expected_len) {
                prop_assert_eq!(output.len(), expected_len);
            }
        }

        #[test]
        fn a_damaged_stream_never_panics(input in prop::collection::vec(0u8..3, 20..500), at: prop::sample::Index, byte: u8) {
            if let Some(mut stream) = compress(&input) {
                let at = at.index(stream.len());
                stream[at] = byte;
                if let Ok(output) = decompress(&stream, input.len()) {
                    prop_assert_eq!(output.len(), input.len());
                }
            }
        }
    }
}
