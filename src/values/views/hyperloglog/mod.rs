//! HyperLogLogs: strings that estimate how many different elements they have been shown. Byte for byte Redis's own.
//!
//! ```text
//! 0     4  5      8                      16
//! | HYLL | e | 0 0 0 | cached count u64 LE | registers ...
//!
//! e = 0   dense    16384 registers of six bits (12,288 bytes, see structures/six_bits)
//! e = 1   sparse   runs of equal registers (see `sparse`)
//! ```
//! An element's hash (64-bit MurmurHash 2) names a register by its low 14 bits; the register keeps the longest run of zero bits, and the one
//! that ends it, seen at the start of the other 50. The top bit of the cached count says that registers have changed since it was taken.

mod estimate;
pub mod sparse;

use crate::structures::six_bits;
use estimate::estimate;
pub use sparse::Run;

/// Registers of each.
pub const REGISTERS: usize = 1 << INDEX_BITS;
const INDEX_BITS: u32 = 14;
/// Bits of a hash that do not name the register.
const RANK_BITS: u32 = 64 - INDEX_BITS;

const MAGIC: &[u8] = b"HYLL";
const ENCODING_AT: usize = 4;
const DENSE: u8 = 0;
const SPARSE: u8 = 1;
const CACHED_AT: usize = 8;
const IS_STALE: u64 = 1 << 63;
/// Bytes before the registers.
const HEADER_BYTES: usize = 16;
const DENSE_BYTES: usize = HEADER_BYTES + REGISTERS * 6 / 8;

/// The runs of a sparse one do not make up 16384 registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corrupt;

/// How registers are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Six bits each.
    Dense,
    /// Runs.
    Sparse,
}

impl Form {
    /// The form of a HyperLogLog; `None`: these bytes are none. A sparse one's runs are not looked at.
    pub fn of(bytes: &[u8]) -> Option<Form> {
        if bytes.len() < HEADER_BYTES || !bytes.starts_with(MAGIC) {
            return None;
        }
        match bytes[ENCODING_AT] {
            DENSE if bytes.len() == DENSE_BYTES => Some(Form::Dense),
            SPARSE => Some(Form::Sparse),
            _ => None,
        }
    }

    /// As PFDEBUG names it.
    pub fn name(self) -> &'static str {
        match self {
            Form::Dense => "dense",
            Form::Sparse => "sparse",
        }
    }
}

/// One that has seen nothing.
pub fn new() -> Vec<u8> {
    let mut bytes = vec![0; HEADER_BYTES];
    bytes[..MAGIC.len()].copy_from_slice(MAGIC);
    bytes[ENCODING_AT] = SPARSE;
    sparse::push_zeros(&mut bytes, REGISTERS);
    bytes
}

/// What an element does to the registers: this one is at least so much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observation {
    /// Which register.
    pub register: u16,
    /// 1 to 51 (up to 63 in what comes from elsewhere).
    pub rank: u8,
}

impl Observation {
    /// That of an element.
    #[inline]
    pub fn of(element: &[u8]) -> Observation {
        let hash = murmur_64a(element, SEED);
        let rest = hash >> INDEX_BITS | 1 << RANK_BITS; // so that the run of zeros ends
        Observation { register: (hash % REGISTERS as u64) as u16, rank: rest.trailing_zeros() as u8 + 1 }
    }
}

/// A change that an observation makes: good for the bytes that it was found in.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    seen: Observation,
    /// Where in a sparse one.
    place: Option<sparse::Place>,
}

/// What an observation would change, if it does.
#[inline]
pub fn change(bytes: &[u8], seen: Observation) -> Result<Option<Change>, Corrupt> {
    if bytes[ENCODING_AT] == DENSE {
        let is_more = seen.rank > six_bits::get(&bytes[HEADER_BYTES..], usize::from(seen.register));
        return Ok(is_more.then_some(Change { seen, place: None }));
    }
    let place = sparse::Place::find(bytes, sparse::Start::default(), usize::from(seen.register))?;
    Ok((seen.rank > place.rank()).then_some(Change { seen, place: Some(place) }))
}

/// Makes a change. A sparse one that is to have more than `sparse_max` bytes, or a rank over 32, becomes dense.
///
/// # Errors
/// It was to become dense and its runs do not add up; then nothing has changed.
pub fn apply(bytes: &mut Vec<u8>, change: Change, sparse_max: usize) -> Result<(), Corrupt> {
    let register = usize::from(change.seen.register);
    match change.place {
        Some(place) if place.set(bytes, register, change.seen.rank, sparse_max) => {}
        Some(_) => {
            make_dense(bytes)?;
            six_bits::set(&mut bytes[HEADER_BYTES..], register, change.seen.rank);
        }
        None => six_bits::set(&mut bytes[HEADER_BYTES..], register, change.seen.rank),
    }
    forget_count(bytes);
    Ok(())
}

/// Makes a sparse one dense. Whether it was sparse.
pub fn make_dense(bytes: &mut Vec<u8>) -> Result<bool, Corrupt> {
    if bytes[ENCODING_AT] == DENSE {
        return Ok(false);
    }
    let mut dense = vec![0; DENSE_BYTES];
    let (header, registers) = dense.split_at_mut(HEADER_BYTES);
    header.copy_from_slice(&bytes[..HEADER_BYTES]);
    header[ENCODING_AT] = DENSE;
    let mut next = 0;
    for run in sparse::runs(bytes) {
        let end = next + run.len;
        if end > REGISTERS {
            return Err(Corrupt);
        }
        if run.rank > 0 {
            (next..end).for_each(|register| six_bits::set(registers, register, run.rank));
        }
        next = end;
    }
    if next != REGISTERS {
        return Err(Corrupt);
    }
    *bytes = dense;
    Ok(true)
}

/// The count that was taken last, if no register has changed since.
pub fn cached_count(bytes: &[u8]) -> Option<u64> {
    let word = bytes[CACHED_AT..].first_chunk().expect("a header");
    Some(u64::from_le_bytes(*word)).filter(|count| count & IS_STALE == 0)
}

/// Keeps a count.
pub fn keep_count(bytes: &mut [u8], count: u64) {
    bytes[CACHED_AT..HEADER_BYTES].copy_from_slice(&count.to_le_bytes());
}

/// Says that the count that is kept is no longer right.
pub fn forget_count(bytes: &mut [u8]) {
    bytes[HEADER_BYTES - 1] |= (IS_STALE >> 56) as u8;
}

/// Estimates how many different elements were seen.
pub fn count(bytes: &[u8]) -> Result<u64, Corrupt> {
    if bytes[ENCODING_AT] == DENSE {
        return Ok(estimate(&six_bits::histogram(&bytes[HEADER_BYTES..])));
    }
    let (mut counts, mut registers) = ([0; 64], 0);
    for run in sparse::runs(bytes) {
        registers += run.len;
        if registers > REGISTERS {
            return Err(Corrupt);
        }
        counts[usize::from(run.rank)] += run.len as u32;
    }
    if registers == REGISTERS { Ok(estimate(&counts)) } else { Err(Corrupt) }
}

/// The register with this index of a dense one.
pub fn dense_register(bytes: &[u8], index: usize) -> u8 {
    six_bits::get(&bytes[HEADER_BYTES..], index)
}

/// The registers of several, joined: a byte for each.
pub struct Union(Box<[u8; REGISTERS]>);

impl Default for Union {
    fn default() -> Self {
        let registers = vec![0; REGISTERS].into_boxed_slice();
        Union(registers.try_into().expect("so many were made"))
    }
}

impl Union {
    /// Joins one more.
    pub fn join(&mut self, bytes: &[u8]) -> Result<(), Corrupt> {
        if bytes[ENCODING_AT] == DENSE {
            six_bits::raise(&mut self.0[..], &bytes[HEADER_BYTES..]);
            return Ok(());
        }
        let mut next = 0;
        for run in sparse::runs(bytes) {
            let registers = self.0.get_mut(next..next + run.len).ok_or(Corrupt)?;
            if run.rank > 0 {
                registers.iter_mut().for_each(|register| *register = run.rank.max(*register));
            }
            next += run.len;
        }
        if next == REGISTERS { Ok(()) } else { Err(Corrupt) }
    }

    /// Estimates how many different elements were seen by any of them.
    pub fn count(&self) -> u64 {
        let mut counts = [0; 64];
        self.0.iter().for_each(|rank| counts[usize::from(*rank & 63)] += 1);
        estimate(&counts)
    }

    /// Raises the registers of another to these.
    ///
    /// # Errors
    /// It is sparse and its runs do not add up.
    pub fn write_to(&self, bytes: &mut Vec<u8>, sparse_max: usize) -> Result<(), Corrupt> {
        let mut start = sparse::Start::default();
        for (register, &rank) in self.0.iter().enumerate() {
            if bytes[ENCODING_AT] == DENSE {
                break;
            }
            if rank > 0 {
                let place = sparse::Place::find(bytes, start, register)?;
                start = place.start();
                let seen = Observation { register: register as u16, rank };
                if rank > place.rank() {
                    apply(bytes, Change { seen, place: Some(place) }, sparse_max)?;
                }
            }
        }
        if bytes[ENCODING_AT] == DENSE {
            let mut registers = self.0.clone();
            six_bits::raise(&mut registers[..], &bytes[HEADER_BYTES..]);
            six_bits::pack(&registers[..], &mut bytes[HEADER_BYTES..]);
        }
        forget_count(bytes);
        Ok(())
    }
}

/// Redis's seed.
const SEED: u64 = 0xadc8_3b19;

/// MurmurHash 2 for 64-bit machines (Austin Appleby), little endian.
fn murmur_64a(bytes: &[u8], seed: u64) -> u64 {
    const M: u64 = 0xc6a4_a793_5bd1_e995;
    let mut hash = seed ^ (bytes.len() as u64).wrapping_mul(M);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        let k = u64::from_le_bytes(*word).wrapping_mul(M);
        hash = (hash ^ (k ^ k >> 47).wrapping_mul(M)).wrapping_mul(M);
    }
    if !rest.is_empty() {
        let mut word = [0; 8];
        word[..rest.len()].copy_from_slice(rest);
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(M);
    }
    hash = (hash ^ hash >> 47).wrapping_mul(M);
    hash ^ hash >> 47
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(bytes: &mut Vec<u8>, element: &[u8]) -> bool {
        match change(bytes, Observation::of(element)).unwrap() {
            Some(change) => apply(bytes, change, 3000).map(|()| true).unwrap(),
            None => false,
        }
    }

    #[test]
    fn a_new_one_has_seen_nothing() {
        let bytes = new();
        assert_eq!(bytes, b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\0\x7f\xff");
        assert_eq!((cached_count(&bytes), count(&bytes)), (Some(0), Ok(0)));
    }

    #[test]
    fn dense_and_sparse_count_the_same() {
        let mut bytes = new();
        for i in 0..1000u32 {
            add(&mut bytes, &i.to_le_bytes());
            assert!(!add(&mut bytes, &i.to_le_bytes()));
        }
        assert_eq!(Form::of(&bytes), Some(Form::Sparse));
        let estimated = count(&bytes).unwrap();
        assert!(estimated.abs_diff(1000) < 30, "{estimated}");
        assert_eq!(make_dense(&mut bytes), Ok(true));
        assert_eq!((count(&bytes), Form::of(&bytes)), (Ok(estimated), Some(Form::Dense)));
    }

    #[test]
    fn a_union_is_written_as_element_by_element() {
        for elements in [3, 300, 30_000u32] {
            let (mut a, mut b, mut union) = (new(), new(), Union::default());
            (0..elements).for_each(|i| assert!(add(&mut a, &i.to_le_bytes()) || i > 0));
            (0..elements).for_each(|i| assert!(add(&mut b, &(i * 2).to_le_bytes()) || i > 0));
            union.join(&a).unwrap();
            union.join(&b).unwrap();
            union.write_to(&mut a, 3000).unwrap();
            assert_eq!(count(&a).unwrap(), union.count());
            let mut again = Union::default();
            again.join(&a).unwrap();
            assert!(again.0 == union.0);
        }
    }

    #[test]
    fn runs_that_do_not_add_up_are_found() {
        for runs in [&b""[..], b"\x7f", b"\x7f\xfe", b"\x7f\xff\x00", b"\x7f\xff\x80", b"\x40"] {
            let mut bytes = [&new()[..HEADER_BYTES], runs].concat();
            assert_eq!(count(&bytes), Err(Corrupt), "{runs:?}");
            assert_eq!(Union::default().join(&bytes), Err(Corrupt), "{runs:?}");
            assert_eq!(make_dense(&mut bytes), Err(Corrupt), "{runs:?}");
        }
    }
}
