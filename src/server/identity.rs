//! Who this server is: ids for INFO and replication.

use crate::base::random::hex40;
use sha1::{Digest, Sha1};

/// Names of this run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// Forty hexadecimal digits, others at each start.
    pub run_id: String,
    /// Forty hexadecimal digits that name the history of the data.
    pub replication_id: String,
}

impl Identity {
    /// Ids that follow from a secret seed and do not give it away.
    pub fn of(seed: &[u8]) -> Identity {
        Identity { run_id: id(seed, b"run"), replication_id: id(seed, b"replication") }
    }

    /// Names the data's history anew; the name follows from the old one and `nonce`.
    pub fn change_replication_id(&mut self, nonce: u64) {
        self.replication_id = id(self.replication_id.as_bytes(), &nonce.to_le_bytes());
    }
}

/// The seed of all chance: it follows from a secret seed and does not give it away.
pub(super) fn chance_seed(seed: &[u8]) -> u64 {
    u64::from_le_bytes(digest(seed, b"chance")[..8].try_into().expect("8 of 20"))
}

fn id(seed: &[u8], purpose: &[u8]) -> String {
    hex40(&digest(seed, purpose)).iter().map(|&digit| digit as char).collect()
}

fn digest(seed: &[u8], purpose: &[u8]) -> [u8; 20] {
    Sha1::new().chain_update(seed).chain_update(purpose).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_by_purpose_and_seed() {
        let (a, b) = (Identity::of(&[1; 16]), Identity::of(&[2; 16]));
        assert_eq!(a.run_id.len(), 40);
        assert!(a.run_id != a.replication_id && a.run_id != b.run_id);
        assert_eq!(a, Identity::of(&[1; 16]));
    }

    #[test]
    fn the_seed_of_chance_shows_nothing_of_the_hash_key() {
        let seed = [7; 16];
        assert_eq!(chance_seed(&seed), chance_seed(&seed));
        assert_ne!(chance_seed(&seed).to_le_bytes(), seed[..8]);
        assert_ne!(chance_seed(&seed), chance_seed(&[8; 16]));
    }
}
