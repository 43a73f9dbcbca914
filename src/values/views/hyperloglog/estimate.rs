//! From registers to a count: the estimator of Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches"
//! (arXiv:1702.01284), algorithm 6, in the order of operations that gives Redis's digits.

use super::{RANK_BITS, REGISTERS};

/// 1 / (2 ln 2).
const ALPHA: f64 = 0.721_347_520_444_481_7;

/// The estimate for registers of which so many have each rank.
pub(super) fn estimate(counts: &[u32; 64]) -> u64 {
    let m = REGISTERS as f64;
    let of_rank = |rank: u32| f64::from(counts[rank as usize]);
    let mut z = m * tau((m - of_rank(RANK_BITS + 1)) / m);
    for rank in (1..=RANK_BITS).rev() {
        z = (z + of_rank(rank)) * 0.5;
    }
    z += m * sigma(of_rank(0) / m);
    rounded(ALPHA * m * m / z)
}

/// To the nearest integer. Of registers that no element sets, z may be 0; the count is then what x86 makes of infinity, as in Redis.
fn rounded(x: f64) -> u64 {
    if x < i64::MAX as f64 { x.round() as u64 } else { i64::MIN as u64 }
}

/// x + the sum of x^(2^k) 2^(k-1) for k from 1, until it stands.
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if before == z {
            return z;
        }
    }
}

/// (1 - x - the sum of (1 - x^(2^-k))^2 2^-k for k from 1) / 3, until it stands.
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if before == z {
            return z / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_registers_are_counted_almost_exactly() {
        for elements in 0..100 {
            let mut counts = [0; 64];
            (counts[0], counts[1]) = (REGISTERS as u32 - elements, elements);
            assert_eq!(estimate(&counts), u64::from(elements));
        }
    }

    #[test]
    fn registers_beyond_all_ranks_end_in_no_panic() {
        let mut counts = [0; 64];
        counts[63] = REGISTERS as u32;
        assert_eq!(estimate(&counts), 1 << 63);
        (counts[63], counts[51]) = (0, REGISTERS as u32);
        assert_eq!(estimate(&counts), 1 << 63);
    }
}
