//! Counters of six bits, packed without gaps: unpacked to bytes, packed again, counted by value.
//!
//! ```text
//! byte     0        1        2        3
//!        |11000000|22221111|33333322|55444444| ...     counter i: bits 6i to 6i+5, lowest bit first
//! ```
//! Eight counters are six bytes, and one 64-bit word when each has a byte. The way from one to the other halves three times:
//!
//! ```text
//! 48 bits   hhhhhhhhhhhhhhhhhhhhhhhhllllllllllllllllllllllll
//! 2 x 24    00000000hhhhhhhhhhhhhhhhhhhhhhhh00000000llllllllllllllllllllllll    the upper half moves up by 8
//! 4 x 12    0000............0000............0000............0000............    each upper half by 4
//! 8 x  6    00......00......00......00......00......00......00......00......    each upper half by 2
//! ```
//! These are shifts and masks that a compiler turns into vectors; on x86-64 there is a second copy of the same code for AVX2, chosen
//! when the processor has it.

#![allow(unsafe_code)]

/// Counters that are packed and unpacked at a time.
const GROUP: usize = 8;
/// Bytes of a packed group.
const GROUP_BYTES: usize = 6;

/// Defines a function twice: for every processor, and for those with AVX2; the second calls what fits.
macro_rules! for_wide_vectors {
    ($(#[$doc:meta])* pub fn $name:ident = $plain:ident($($arg:ident: $type:ty),*)) => {
        $(#[$doc])*
        pub fn $name($($arg: $type),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                fn with_avx2($($arg: $type),*) {
                    $plain($($arg),*);
                }
                if std::arch::is_x86_feature_detected!("avx2") {
                    // SAFETY: the processor has just said that it has AVX2, all that the function asks for.
                    return unsafe { with_avx2($($arg),*) };
                }
            }
            $plain($($arg),*);
        }
    };
}

for_wide_vectors! {
    /// Raises each byte of `counters` to the packed counter of its place, if that is more. As many as both have in whole groups of eight.
    pub fn raise = raise_plain(counters: &mut [u8], packed: &[u8])
}

for_wide_vectors! {
    /// Packs `counters`, each below 64, into `packed`. As many as both have in whole groups of eight.
    pub fn pack = pack_plain(counters: &[u8], packed: &mut [u8])
}

#[inline(always)]
fn raise_plain(counters: &mut [u8], packed: &[u8]) {
    // Two groups at a time: one vector of sixteen bytes.
    let pairs = counters.as_chunks_mut::<{ 2 * GROUP }>().0.iter_mut().zip(packed.as_chunks::<{ 2 * GROUP_BYTES }>().0);
    let mut done = 0;
    for (pair, bytes) in pairs {
        let mut unpacked = [0; 2 * GROUP];
        unpacked[..GROUP].copy_from_slice(&spread(low_word(bytes)).to_le_bytes());
        unpacked[GROUP..].copy_from_slice(&spread(high_word(bytes)).to_le_bytes());
        for (counter, other) in pair.iter_mut().zip(unpacked) {
            *counter = (*counter).max(other);
        }
        done += 2;
    }
    let rest = counters[done * GROUP..].as_chunks_mut::<GROUP>().0.iter_mut();
    for (group, bytes) in rest.zip(packed[done * GROUP_BYTES..].as_chunks::<GROUP_BYTES>().0) {
        for (counter, other) in group.iter_mut().zip(spread(word(bytes)).to_le_bytes()) {
            *counter = (*counter).max(other);
        }
    }
}

#[inline(always)]
fn pack_plain(counters: &[u8], packed: &mut [u8]) {
    for (group, bytes) in counters.as_chunks::<GROUP>().0.iter().zip(packed.as_chunks_mut::<GROUP_BYTES>().0) {
        let word = gather(u64::from_le_bytes(*group));
        bytes.copy_from_slice(&word.to_le_bytes()[..GROUP_BYTES]);
    }
}

/// How many of the packed counters have each value; whole groups of eight.
pub fn histogram(packed: &[u8]) -> [u32; 64] {
    // Neighbours are often equal: four tables, so that one need not wait for the other's store.
    let mut tables = [[0u32; 64]; 4];
    for bytes in packed.as_chunks::<GROUP_BYTES>().0 {
        let bytes = spread(word(bytes)).to_le_bytes();
        for (i, counter) in bytes.into_iter().enumerate() {
            tables[i % 4][usize::from(counter & 63)] += 1;
        }
    }
    let [a, b, c, d] = tables;
    std::array::from_fn(|value| a[value] + b[value] + c[value] + d[value])
}

/// The counter with this index.
#[inline]
pub fn get(packed: &[u8], index: usize) -> u8 {
    let (at, shift) = place(index);
    let high = packed.get(at + 1).map_or(0, |&byte| u16::from(byte));
    ((u16::from(packed[at]) | high << 8) >> shift) as u8 & 63
}

/// Sets the counter with this index to a value below 64.
#[inline]
pub fn set(packed: &mut [u8], index: usize, value: u8) {
    let (at, shift) = place(index);
    let (mask, bits) = (63u16 << shift, u16::from(value) << shift);
    packed[at] = packed[at] & !(mask as u8) | bits as u8;
    if let Some(high) = packed.get_mut(at + 1) {
        *high = *high & !((mask >> 8) as u8) | (bits >> 8) as u8;
    }
}

/// Where a counter begins: its byte, and the bit there.
#[inline]
fn place(index: usize) -> (usize, usize) {
    (index * 6 / 8, index * 6 % 8)
}

#[inline(always)]
fn word(bytes: &[u8; GROUP_BYTES]) -> u64 {
    let [a, b, c, d, e, f] = *bytes;
    u64::from_le_bytes([a, b, c, d, e, f, 0, 0])
}

/// The first group of two, and two bytes of the next above it, which `spread` masks away.
#[inline(always)]
fn low_word(bytes: &[u8; 2 * GROUP_BYTES]) -> u64 {
    u64::from_le_bytes(*bytes.first_chunk().expect("12 bytes"))
}

/// The second group of two.
#[inline(always)]
fn high_word(bytes: &[u8; 2 * GROUP_BYTES]) -> u64 {
    u64::from_le_bytes(*bytes.last_chunk().expect("12 bytes")) >> 16
}

/// Six-bit counters to bytes.
#[inline(always)]
fn spread(packed: u64) -> u64 {
    let x = packed & 0xff_ffff | (packed & 0xffff_ff00_0000) << 8;
    let x = x & 0x0000_0fff_0000_0fff | (x & 0x00ff_f000_00ff_f000) << 4;
    x & 0x003f_003f_003f_003f | (x & 0x0fc0_0fc0_0fc0_0fc0) << 2
}

/// Bytes below 64 to six-bit counters.
#[inline(always)]
fn gather(bytes: u64) -> u64 {
    let x = bytes & 0x003f_003f_003f_003f | (bytes & 0x3f00_3f00_3f00_3f00) >> 2;
    let x = x & 0x0000_0fff_0000_0fff | (x & 0x0fff_0000_0fff_0000) >> 4;
    x & 0xff_ffff | (x & 0x00ff_ffff_0000_0000) >> 8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(count: usize) -> Vec<u8> {
        let mut rng = fastrand::Rng::with_seed(7);
        (0..count).map(|_| rng.u8(..64)).collect()
    }

    #[test]
    fn counters_are_set_one_by_one_or_all_at_once() {
        for count in [8, 16, 40, 1024] {
            let wanted = counters(count);
            let (mut all, mut single) = (vec![0; count * 6 / 8], vec![0xff; count * 6 / 8]);
            pack(&wanted, &mut all);
            for (index, value) in wanted.iter().enumerate() {
                set(&mut single, index, *value);
            }
            assert_eq!(all, single);
            assert!((0..count).all(|index| get(&all, index) == wanted[index]));
        }
    }

    #[test]
    fn the_larger_counter_stays() {
        for count in [8, 16, 40, 1024] {
            let (mut ours, theirs) = (counters(count), counters(2 * count).split_off(count));
            let mut packed = vec![0; count * 6 / 8];
            pack(&theirs, &mut packed);
            let wanted: Vec<u8> = ours.iter().zip(&theirs).map(|(a, b)| *a.max(b)).collect();
            raise(&mut ours, &packed);
            assert_eq!(ours, wanted);
        }
    }

    #[test]
    fn values_are_counted() {
        let counters = counters(16_384);
        let mut packed = vec![0; 12_288];
        pack(&counters, &mut packed);
        let mut counts = [0; 64];
        counters.iter().for_each(|&counter| counts[usize::from(counter)] += 1);
        assert_eq!(histogram(&packed), counts);
    }
}
