//! Passwords: only their SHA-256 is kept, and compared in a time that tells nothing.

use sha2::{Digest as _, Sha256};
use std::hint::black_box;

/// The SHA-256 of a password.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PasswordHash([u8; 32]);

impl PasswordHash {
    /// The hash of a password.
    pub fn of(password: &[u8]) -> PasswordHash {
        PasswordHash(Sha256::digest(password).into())
    }

    /// Reads 64 lower-case hexadecimal digits.
    pub fn parse(digits: &[u8]) -> Option<PasswordHash> {
        let value = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        };
        let digits: &[u8; 64] = digits.try_into().ok()?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = value(pair[0])? << 4 | value(pair[1])?;
        }
        Some(PasswordHash(bytes))
    }

    /// Whether both are the same. Every byte is compared, so the time tells nothing.
    pub fn is(&self, other: &PasswordHash) -> bool {
        let difference = self.0.iter().zip(&other.0).fold(0u8, |sum, (x, y)| black_box(sum | (x ^ y)));
        black_box(difference) == 0
    }

    /// The 64 digits.
    pub fn digits(&self) -> String {
        hexadecimal(&self.0)
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// A source of secrets (ACL GENPASS): the SHA-256 of a key and a counter. The key follows from the server's seed.
#[derive(Clone)]
pub struct SecretSource {
    key: PasswordHash,
    drawn: u64,
}

impl SecretSource {
    /// A source whose secrets follow from a secret seed and do not give it away.
    pub fn new(seed: &[u8]) -> SecretSource {
        SecretSource { key: PasswordHash::of(&[seed, b"secrets"].concat()), drawn: 0 }
    }

    /// The next `len` hexadecimal digits.
    pub fn digits(&mut self, len: usize) -> String {
        let mut digits = String::with_capacity(len + 64);
        while digits.len() < len {
            let block = Sha256::new().chain_update(self.key.0).chain_update(self.drawn.to_le_bytes()).finalize();
            self.drawn += 1;
            digits.push_str(&hexadecimal(&block));
        }
        digits.truncate(len);
        digits
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut digits, byte| {
        write!(digits, "{byte:02x}").expect("a String takes all");
        digits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_read_as_they_are_printed() {
        let hash = PasswordHash::of(b"passwd4");
        assert_eq!(hash.digits(), "34344e4d60c2b6d639b7bd22e18f2b0b91bc34bf0ac5f9952744435093cfb4e6");
        let read = PasswordHash::parse(hash.digits().as_bytes()).unwrap();
        assert!(read.is(&hash) && !read.is(&PasswordHash::of(b"passwd5")));
        let upper = hash.digits().to_ascii_uppercase();
        for wrong in ["", &hash.digits()[..63], &format!("{}0", hash.digits()), &upper] {
            assert_eq!(PasswordHash::parse(wrong.as_bytes()), None, "{wrong}");
        }
        assert!(!format!("{hash:?}").contains("34"));
    }

    #[test]
    fn secrets_do_not_repeat() {
        let mut source = SecretSource::new(&[1; 16]);
        let (first, second) = (source.digits(64), source.digits(1024));
        assert_eq!((first.len(), second.len(), source.digits(1).len()), (64, 1024, 1));
        assert!(!second.contains(&first));
        assert_eq!(SecretSource::new(&[1; 16]).digits(64), first);
        assert_ne!(SecretSource::new(&[2; 16]).digits(64), first);
    }
}
