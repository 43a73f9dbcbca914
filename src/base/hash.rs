//! The keyed hash of everything a client can fill: SipHash-1-3.
//!
//! SCAN shows the low bits of every key's hash, so only a pseudo-random function keeps its own key from being found out.

use siphasher::sip::SipHasher13;

/// Hashes bytes under a 128-bit key of its own.
#[derive(Clone, Copy)]
pub struct KeyHasher(SipHasher13);

impl KeyHasher {
    /// A hasher for a key, which should be random and secret, one per process.
    pub fn new(key: [u8; 16]) -> Self {
        Self(SipHasher13::new_with_key(&key))
    }

    /// The hash of some bytes: uniform over all 64 bits to whoever lacks the key.
    #[inline]
    pub fn hash(&self, bytes: &[u8]) -> u64 {
        self.0.hash(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn matches_the_reference_vectors_of_siphash_1_3() {
        let key = std::array::from_fn(|index| index as u8);
        let hasher = KeyHasher::new(key);
        assert_eq!(hasher.hash(b"").to_le_bytes(), [0xdc, 0xc4, 0x0f, 0x05, 0x58, 0x01, 0xac, 0xab]);
        assert_eq!(hasher.hash(&[0]).to_le_bytes(), [0x93, 0xca, 0x57, 0x7d, 0xf3, 0x9b, 0xf4, 0xc9]);
    }

    #[test]
    fn depends_on_key_and_bytes() {
        let (one, other) = (KeyHasher::new([1; 16]), KeyHasher::new([2; 16]));
        assert_ne!(one.hash(b"key"), other.hash(b"key"));
        let hashes: HashSet<u64> = (0u32..10_000).map(|number| one.hash(&number.to_le_bytes())).collect();
        assert_eq!(hashes.len(), 10_000);
    }
}
