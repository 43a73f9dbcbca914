//! A string's bytes as bits, and as integers of any width at any place.
//!
//! ```text
//! byte           0                 1
//! bit        0 1 2 3 4 5 6 7   8 9 10 ..      the most significant bit of a byte comes first
//! u5 at 6                └───────────┘        an integer's most significant bit comes first too
//! ```
//!
//! Long strings are worked on in words of 64 bits, several at a time.

/// The bit at `offset`; beyond the end all are clear.
pub fn get_bit(bytes: &[u8], offset: u64) -> bool {
    bytes.get((offset / 8) as usize).is_some_and(|byte| byte & mask_of(offset) != 0)
}

/// Sets or clears the bit at `offset`, which must be within `bytes`, and gives what it was.
pub fn set_bit(bytes: &mut [u8], offset: u64, on: bool) -> bool {
    let byte = &mut bytes[(offset / 8) as usize];
    let was = *byte & mask_of(offset) != 0;
    *byte = if on { *byte | mask_of(offset) } else { *byte & !mask_of(offset) };
    was
}

fn mask_of(offset: u64) -> u8 {
    0x80 >> (offset % 8)
}

/// Bits that are set.
pub fn count(bytes: &[u8]) -> u64 {
    let mut blocks = bytes.chunks_exact(64);
    let (mut ones, mut twos, mut fours, mut eights) = (0, 0, 0, 0u64);
    for block in &mut blocks {
        // Eight words are added up bit by bit (Harley and Seal): their eights are counted once per block.
        let word = |i: usize| u64::from_le_bytes(block[8 * i..8 * i + 8].try_into().expect("8 bytes"));
        let (sum, twos_a) = add(ones, word(0), word(1));
        let (sum, twos_b) = add(sum, word(2), word(3));
        let (two_sum, fours_a) = add(twos, twos_a, twos_b);
        let (sum, twos_a) = add(sum, word(4), word(5));
        let (sum, twos_b) = add(sum, word(6), word(7));
        let (two_sum, fours_b) = add(two_sum, twos_a, twos_b);
        let (four_sum, eight) = add(fours, fours_a, fours_b);
        (ones, twos, fours) = (sum, two_sum, four_sum);
        eights += eight.count_ones() as u64;
    }
    let rest: u32 = blocks.remainder().iter().map(|byte| byte.count_ones()).sum();
    let partial = ones.count_ones() + 2 * twos.count_ones() + 4 * fours.count_ones();
    8 * eights + partial as u64 + rest as u64
}

/// Adds three bits in each of 64 places: sums and carries.
fn add(a: u64, b: u64, c: u64) -> (u64, u64) {
    let half = a ^ b;
    (half ^ c, (a & b) | (half & c))
}

/// Bits that are set from bit `first` to bit `last`, which must be within `bytes` and in order.
pub fn count_range(bytes: &[u8], first: u64, last: u64) -> u64 {
    let (first_byte, last_byte) = ((first / 8) as usize, (last / 8) as usize);
    let before = (bytes[first_byte] & !from_bit(first)).count_ones();
    let behind = (bytes[last_byte] & !to_bit(last)).count_ones();
    count(&bytes[first_byte..=last_byte]) - before as u64 - behind as u64
}

/// The bits of a byte from this one on.
fn from_bit(offset: u64) -> u8 {
    0xff >> (offset % 8)
}

/// The bits of a byte up to this one.
fn to_bit(offset: u64) -> u8 {
    !(0x7f >> (offset % 8))
}

/// The first bit that is `on` from bit `first` to bit `last`, which must be within `bytes` and in order.
pub fn find_bit(bytes: &[u8], on: bool, first: u64, last: u64) -> Option<u64> {
    let (first_byte, last_byte) = ((first / 8) as usize, (last / 8) as usize);
    // Looked for as set bits of the bytes, or of their complement.
    let wanted = |i: usize| if on { bytes[i] } else { !bytes[i] };
    let place = |i: usize, found: u8| 8 * i as u64 + found.leading_zeros() as u64;
    if first_byte == last_byte {
        let found = wanted(first_byte) & from_bit(first) & to_bit(last);
        return (found != 0).then(|| place(first_byte, found));
    }
    let found = wanted(first_byte) & from_bit(first);
    if found != 0 {
        return Some(place(first_byte, found));
    }
    let empty = if on { 0 } else { 0xff };
    if let Some(i) = find_other(&bytes[first_byte + 1..last_byte], empty) {
        let i = first_byte + 1 + i;
        return Some(place(i, wanted(i)));
    }
    let found = wanted(last_byte) & to_bit(last);
    (found != 0).then(|| place(last_byte, found))
}

/// The first byte that is not `byte`.
fn find_other(bytes: &[u8], byte: u8) -> Option<usize> {
    const BLOCK: usize = 64;
    let skipped = bytes.chunks_exact(BLOCK).take_while(|block| {
        block.iter().fold(0, |other, b| other | (b ^ byte)) == 0 // without a branch in it: several words at a time
    });
    let at = skipped.count() * BLOCK;
    bytes[at..].iter().position(|&b| b != byte).map(|i| at + i)
}

/// How several strings become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Combination {
    /// Bits set in all.
    And,
    /// Bits set in any.
    Or,
    /// Bits set in an odd number of them.
    Xor,
    /// Bits not set in the only one.
    Not,
}

/// Combines strings; shorter ones count as continued by zeros. The result is as long as the longest.
pub fn combine(how: Combination, sources: &[&[u8]]) -> Vec<u8> {
    const CHUNK: usize = 16 * 1024; // stays in the first cache while all sources pass over it
    let len = sources.iter().map(|source| source.len()).max().unwrap_or(0);
    let mut result = vec![0; len];
    for (i, chunk) in result.chunks_mut(CHUNK).enumerate() {
        let part = |source: &&'_ [u8]| {
            let start = (i * CHUNK).min(source.len());
            start..(start + chunk.len()).min(source.len())
        };
        let (head, rest) = sources.split_first().expect("a string that is longest");
        let range = part(head);
        let mut parts = rest.iter().map(|source| &source[part(source)]).collect::<smallvec::SmallVec<[&[u8]; 16]>>();
        chunk[..range.len()].copy_from_slice(&head[range]);
        for part in parts.drain(..) {
            apply(how, chunk, part);
        }
        if how == Combination::Not {
            chunk.iter_mut().for_each(|byte| *byte = !*byte);
        }
    }
    result
}

/// Combines a chunk with another string's part of it, which may be shorter.
fn apply(how: Combination, chunk: &mut [u8], part: &[u8]) {
    let (common, beyond) = chunk.split_at_mut(part.len());
    let pairs = common.iter_mut().zip(part);
    match how {
        Combination::And => {
            pairs.for_each(|(a, b)| *a &= b);
            beyond.fill(0);
        }
        Combination::Or => pairs.for_each(|(a, b)| *a |= b),
        Combination::Xor => pairs.for_each(|(a, b)| *a ^= b),
        Combination::Not => unreachable!("of one string only"),
    }
}

/// What becomes of a sum that does not fit its field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// Its low bits stay.
    Wrap,
    /// The nearest number that fits.
    Saturate,
    /// Nothing is changed.
    Fail,
}

/// The type of an integer in a bit field: 1 to 64 bits with a sign, 1 to 63 without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldType {
    signed: bool,
    bits: u32,
}

/// Bytes that a field can touch: 64 bits that begin within a byte.
const FIELD_BYTES: usize = 9;

impl FieldType {
    /// Reads `i16` or `u8`.
    pub fn parse(text: &[u8]) -> Option<FieldType> {
        let (signed, bits) = match text {
            [b'i', bits @ ..] => (true, bits),
            [b'u', bits @ ..] => (false, bits),
            _ => return None,
        };
        let bits = crate::base::number::parse_u64(bits)?;
        let most = if signed { 64 } else { 63 };
        (1..=most).contains(&bits).then_some(FieldType { signed, bits: bits as u32 })
    }

    /// Its width.
    pub fn bits(self) -> u32 {
        self.bits
    }

    /// The integer at bit `offset`; beyond the end all bits are clear.
    pub fn get(self, bytes: &[u8], offset: u64) -> i64 {
        let mut window = [0; 16];
        let start = usize::try_from(offset / 8).unwrap_or(usize::MAX).min(bytes.len());
        let end = (start + FIELD_BYTES).min(bytes.len());
        window[..end - start].copy_from_slice(&bytes[start..end]);
        let raw = (u128::from_be_bytes(window) << (offset % 8)) >> (128 - self.bits);
        self.truncated(raw as u64)
    }

    /// Writes the low bits of `value` at bit `offset`; the field must lie within `bytes`.
    pub fn set(self, bytes: &mut [u8], offset: u64, value: i64) {
        let start = (offset / 8) as usize;
        let end = (start + FIELD_BYTES).min(bytes.len());
        let mut window = [0; 16];
        window[..end - start].copy_from_slice(&bytes[start..end]);
        let shift = 128 - self.bits - (offset % 8) as u32;
        let mask = self.mask() as u128;
        let kept = u128::from_be_bytes(window) & !(mask << shift);
        let window = (kept | (value as u64 as u128 & mask) << shift).to_be_bytes();
        bytes[start..end].copy_from_slice(&window[..end - start]);
    }

    /// What an integer given for this field becomes (a negative one for a field without sign is a large one); None when it does not
    /// fit and that is a failure.
    pub fn fitted(self, value: i64, overflow: Overflow) -> Option<i64> {
        self.fit(if self.signed { value as i128 } else { value as u64 as i128 }, overflow)
    }

    /// The sum of this field's integer and another; None when it does not fit and that is a failure.
    pub fn sum(self, value: i64, by: i64, overflow: Overflow) -> Option<i64> {
        self.fit(value as i128 + by as i128, overflow)
    }

    fn fit(self, value: i128, overflow: Overflow) -> Option<i64> {
        let max = (self.mask() >> self.signed as u32) as i128;
        let min = if self.signed { -max - 1 } else { 0 };
        match overflow {
            _ if (min..=max).contains(&value) => Some(value as i64),
            Overflow::Wrap => Some(self.truncated(value as u64)),
            Overflow::Saturate => Some(value.clamp(min, max) as i64),
            Overflow::Fail => None,
        }
    }

    fn mask(self) -> u64 {
        u64::MAX >> (64 - self.bits)
    }

    /// The integer of the low bits.
    fn truncated(self, raw: u64) -> i64 {
        let unused = 64 - self.bits;
        if self.signed { (raw << unused) as i64 >> unused } else { (raw & self.mask()) as i64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The dumbest model: one bool a bit.
    fn bools(bytes: &[u8]) -> Vec<bool> {
        (0..bytes.len() as u64 * 8).map(|i| get_bit(bytes, i)).collect()
    }

    fn naive_field(bits: &[bool], offset: usize, field: FieldType) -> i64 {
        let mut value = 0u64;
        for i in 0..field.bits as usize {
            value = value << 1 | bits.get(offset + i).copied().unwrap_or(false) as u64;
        }
        if field.signed && value >> (field.bits - 1) & 1 == 1 {
            (value as i128 - (1i128 << field.bits)) as i64
        } else {
            value as i64
        }
    }

    fn field_types() -> impl Strategy<Value = FieldType> {
        (any::<bool>(), 1u32..=64)
            .prop_map(|(signed, bits)| FieldType { signed, bits: if signed { bits } else { bits.min(63) } })
    }

    proptest! {
        #[test]
        fn counts_and_places_agree_with_single_bits(
            mut bytes in prop::collection::vec(prop::sample::select(vec![0u8, 0xff, 1, 0x80, 0x5a]), 1..300),
            fill: bool, a: prop::sample::Index, b: prop::sample::Index, on: bool,
        ) {
            if fill {
                let byte = bytes[0];
                let keep = bytes.len() - bytes.len() / 8;
                bytes[..keep].fill(byte);
            }
            let bits = bools(&bytes);
            let (a, b) = (a.index(bits.len()), b.index(bits.len()));
            let (first, last) = (a.min(b), a.max(b));
            prop_assert_eq!(count(&bytes), bits.iter().filter(|bit| **bit).count() as u64);
            let range = &bits[first..=last];
            let expected = range.iter().filter(|bit| **bit).count() as u64;
            prop_assert_eq!(count_range(&bytes, first as u64, last as u64), expected);
            let expected = range.iter().position(|bit| *bit == on).map(|i| (first + i) as u64);
            prop_assert_eq!(find_bit(&bytes, on, first as u64, last as u64), expected);
        }

        #[test]
        fn fields_read_back(
            mut bytes in prop::collection::vec(any::<u8>(), 10..40), field in field_types(), at: prop::sample::Index, value: i64,
        ) {
            let offset = at.index(bytes.len() * 8 - 64);
            let before = bools(&bytes);
            prop_assert_eq!(field.get(&bytes, offset as u64), naive_field(&before, offset, field));
            field.set(&mut bytes, offset as u64, value);
            prop_assert_eq!(Some(field.get(&bytes, offset as u64)), field.fitted(value, Overflow::Wrap));
            let after = bools(&bytes);
            prop_assert_eq!(&after[..offset], &before[..offset]);
            let end = offset + field.bits as usize;
            prop_assert_eq!(&after[end..], &before[end..]);
            let beyond = bytes.len() as u64 * 8 - 3;
            prop_assert_eq!(field.get(&bytes, beyond), naive_field(&after, beyond as usize, field));
        }

        #[test]
        fn combinations_agree_with_single_bytes(
            sources in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..5), long: bool,
        ) {
            let stretch = if long { 700 } else { 1 };
            let sources: Vec<Vec<u8>> = sources.iter().map(|source| source.repeat(stretch)).collect();
            let slices: Vec<&[u8]> = sources.iter().map(Vec::as_slice).collect();
            let len = slices.iter().map(|source| source.len()).max().unwrap();
            let column = |i: usize| slices.iter().map(move |source| source.get(i).copied().unwrap_or(0));
            let naive = |fold: fn(u8, u8) -> u8| (0..len).map(|i| column(i).reduce(fold).unwrap()).collect::<Vec<u8>>();
            prop_assert!(combine(Combination::And, &slices) == naive(|a, b| a & b));
            prop_assert!(combine(Combination::Or, &slices) == naive(|a, b| a | b));
            prop_assert!(combine(Combination::Xor, &slices) == naive(|a, b| a ^ b));
            let not: Vec<u8> = slices[0].iter().map(|byte| !byte).collect();
            prop_assert!(combine(Combination::Not, &slices[..1]) == not);
        }
    }

    #[test]
    fn sums_wrap_saturate_or_fail() {
        let u8 = FieldType::parse(b"u8").unwrap();
        let i8 = FieldType::parse(b"i8").unwrap();
        let i64 = FieldType::parse(b"i64").unwrap();
        assert_eq!(u8.sum(250, 10, Overflow::Wrap), Some(4));
        assert_eq!(u8.sum(250, 10, Overflow::Saturate), Some(255));
        assert_eq!(u8.sum(5, -10, Overflow::Saturate), Some(0));
        assert_eq!(u8.sum(250, 10, Overflow::Fail), None);
        assert_eq!(u8.fitted(-1, Overflow::Saturate), Some(255));
        assert_eq!(i8.sum(-120, -10, Overflow::Wrap), Some(126));
        assert_eq!(i8.sum(-120, -10, Overflow::Saturate), Some(-128));
        assert_eq!(i8.fitted(200, Overflow::Wrap), Some(-56));
        assert_eq!(i64.sum(i64::MAX, i64::MAX, Overflow::Wrap), Some(-2));
        assert_eq!(i64.sum(i64::MIN, -1, Overflow::Saturate), Some(i64::MIN));
    }

    #[test]
    fn types_are_a_sign_and_a_width() {
        for text in ["", "i", "u", "i0", "i65", "u64", "u0", "x8", "I8", "u08", "u-1", "u8 "] {
            assert_eq!(FieldType::parse(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(FieldType::parse(b"u63"), Some(FieldType { signed: false, bits: 63 }));
        assert_eq!(FieldType::parse(b"i64").map(FieldType::bits), Some(64));
    }
}
