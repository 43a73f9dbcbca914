//! Randomness: entropy from the operating system for secrets and identities, and a seeded generator for everything else.
//!
//! Only `main` and `net` draw [`entropy`]; what stands below is handed bytes or a [`Generator`], so that a test replays.

/// Draws `N` bytes from the operating system, fit for keys and identities.
///
/// # Panics
///
/// If the system has no entropy to give; a server must not start then.
pub fn entropy<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system should give entropy");
    bytes
}

/// Twenty bytes as the forty lower-case hexadecimal digits of a run or replication id.
pub fn hex40(bytes: &[u8; 20]) -> [u8; 40] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    std::array::from_fn(|index| {
        let byte = bytes[index / 2];
        let digit = if index % 2 == 0 { byte >> 4 } else { byte & 15 };
        DIGITS[usize::from(digit)]
    })
}

/// A fast generator for sampling. Its sequence follows from its seed: never for secrets.
#[derive(Clone, Debug)]
pub struct Generator(fastrand::Rng);

impl Generator {
    /// A generator whose whole sequence follows from `seed`.
    pub fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// A number in `0..n`, each as likely.
    ///
    /// # Panics
    ///
    /// If `n` is 0: there is no such number.
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "nothing is below 0");
        self.0.u64(..n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_does_not_repeat() {
        assert_ne!(entropy::<16>(), entropy::<16>());
    }

    #[test]
    fn ids_are_lower_case_hexadecimal() {
        let bytes = std::array::from_fn(|index| (index * 13) as u8);
        assert_eq!(&hex40(&bytes), b"000d1a2734414e5b6875828f9ca9b6c3d0ddeaf7");
    }

    #[test]
    fn a_seed_gives_one_sequence() {
        let draw = |seed| {
            let mut generator = Generator::new(seed);
            std::array::from_fn::<u64, 20, _>(|_| generator.below(1 << 40))
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn every_number_below_the_bound_comes_up() {
        let mut generator = Generator::new(1);
        let mut seen = [0u32; 6];
        for _ in 0..6000 {
            seen[generator.below(6) as usize] += 1;
        }
        assert!(seen.iter().all(|&count| count > 800), "seed 1: {seen:?}");
        assert_eq!(generator.below(1), 0);
    }
}
