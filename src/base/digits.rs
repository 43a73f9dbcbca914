//! The digits with which Redis prints a double: those of Grisu2 (Florian Loitsch, "Printing Floating-Point Numbers Quickly and
//! Accurately with Integers", 2010).
//!
//! They always read back as the same number, and about once in a thousand are not the fewest that do: 6455.78152 comes out as
//! 6455.7815199999995. Clients compare the text of scores and coordinates, so these are the digits that count.
//!
//! ```text
//!      lower           value           upper      what lies between the middles to both neighbours reads back as the value. All three
//!  ──────┼───────────────┼───────────────┼────    are scaled by a power of ten known to 64 bits, so that the digits of `upper` can be
//!        └──────────── delta ────────────┘        cut off as soon as the rest is below delta; the last one then goes towards the value
//! ```

/// No double has more digits.
const MAX_DIGITS: usize = 18;

/// What a digit before the point may be worth: by the choice of the power there are no more than ten.
const UNITS: [u32; 10] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];

/// Digits without zeros in front, and the power of ten of the last one.
pub(super) struct Digits {
    text: [u8; MAX_DIGITS],
    len: usize,
    pub(super) exponent: i32,
}

impl Digits {
    /// Those of a finite number above zero.
    pub(super) fn of(value: f64) -> Digits {
        let value = Scaled::of(value);
        let (lower, upper) = value.bounds();
        let (power, ten_to) = power_of_ten(upper.exponent);
        let value = value.normalized().times(power);
        let upper = upper.times(power).moved(-1); // a unit inwards: the power is not exact
        let lower = lower.times(power).moved(1);
        let mut digits = Digits { text: [0; MAX_DIGITS], len: 0, exponent: -ten_to };
        digits.cut(value, lower, upper);
        digits
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.text[..self.len]
    }

    /// Takes digits of `upper` until the rest lies within the bounds.
    fn cut(&mut self, value: Scaled, lower: Scaled, upper: Scaled) {
        let (mut delta, mut to_value) = (upper.fraction - lower.fraction, upper.fraction - value.fraction);
        let point = -upper.exponent as u32;
        let one = 1_u64 << point;
        let (mut whole, mut part) = ((upper.fraction >> point) as u32, upper.fraction & (one - 1));
        for (power, unit) in UNITS.into_iter().enumerate().rev() {
            self.push((whole / unit) as u8);
            whole %= unit;
            let rest = (u64::from(whole) << point) + part;
            if rest <= delta {
                self.exponent += power as i32;
                return self.approach(to_value, delta, rest, u64::from(unit) << point);
            }
        }
        loop {
            (part, delta, to_value) = (part * 10, delta * 10, to_value.wrapping_mul(10));
            self.exponent -= 1;
            self.push((part >> point) as u8);
            part &= one - 1;
            if part < delta {
                return self.approach(to_value, delta, part, one);
            }
        }
    }

    fn push(&mut self, digit: u8) {
        if digit > 0 || self.len > 0 {
            self.text[self.len] = b'0' + digit;
            self.len += 1;
        }
    }

    /// Lowers the last digit as long as that leads nearer to the value and not below the bounds. `rest` is how far `upper` is from the
    /// digits, `to_value` how far from the value, and `unit` what one more of the last digit is worth.
    fn approach(&mut self, to_value: u64, delta: u64, mut rest: u64, unit: u64) {
        let is_nearer = |rest: u64| rest + unit < to_value || to_value - rest > rest + unit - to_value;
        while rest < to_value && delta - rest >= unit && is_nearer(rest) {
            self.text[self.len - 1] -= 1;
            rest += unit;
        }
    }
}

/// `fraction · 2^exponent`
#[derive(Clone, Copy)]
struct Scaled {
    fraction: u64,
    exponent: i32,
}

impl Scaled {
    /// A finite number above zero, as its bits have it.
    fn of(value: f64) -> Scaled {
        let (bits, hidden) = (value.to_bits(), 1_u64 << (f64::MANTISSA_DIGITS - 1));
        let fraction = bits & (hidden - 1);
        match (bits >> (f64::MANTISSA_DIGITS - 1)) as i32 {
            0 => Scaled { fraction, exponent: -1074 },
            biased => Scaled { fraction: fraction | hidden, exponent: biased - 1075 },
        }
    }

    fn normalized(self) -> Scaled {
        let shift = self.fraction.leading_zeros();
        Scaled { fraction: self.fraction << shift, exponent: self.exponent - shift as i32 }
    }

    /// The middles to the neighbours below and above, both scaled as the one above is when it is normalized.
    fn bounds(self) -> (Scaled, Scaled) {
        let upper = Scaled { fraction: 2 * self.fraction + 1, exponent: self.exponent - 1 }.normalized();
        // Below a power of two numbers stand half as far apart.
        let shift = if self.fraction == 1 << (f64::MANTISSA_DIGITS - 1) { 2 } else { 1 };
        let lower = ((self.fraction << shift) - 1) << (self.exponent - shift - upper.exponent);
        (Scaled { fraction: lower, exponent: upper.exponent }, upper)
    }

    /// The product, rounded to 64 bits.
    fn times(self, other: Scaled) -> Scaled {
        let product = u128::from(self.fraction) * u128::from(other.fraction) + (1 << 63);
        Scaled { fraction: (product >> 64) as u64, exponent: self.exponent + other.exponent + 64 }
    }

    fn moved(self, units: i64) -> Scaled {
        Scaled { fraction: self.fraction.wrapping_add_signed(units), ..self }
    }
}

/// The power of ten by which a number of this exponent comes to have between 32 and 60 bits behind the point, and which it is.
fn power_of_ten(exponent: i32) -> (Scaled, i32) {
    const LOG10_OF_2: f64 = 0.301_029_995_663_981_14;
    // The same place to begin as Redis: two neighbours may fit.
    let about = (f64::from(-(exponent + POWERS.len() as i32)) * LOG10_OF_2) as i32;
    let mut index = (about - FIRST_POWER) / POWER_STEP;
    loop {
        let ten_to = FIRST_POWER + index * POWER_STEP;
        let power = Scaled { fraction: POWERS[index as usize], exponent: ((ten_to * 217_706) >> 16) - 63 };
        match exponent + power.exponent + 64 {
            ..-60 => index += 1,
            -60..=-32 => return (power, ten_to),
            _ => index -= 1,
        }
    }
}

const FIRST_POWER: i32 = -348;
const POWER_STEP: i32 = 8;

/// The upper 64 bits of 10^-348, 10^-340 ... 10^340, rounded.
const POWERS: [u64; 87] = [
    0xfa8fd5a0081c0288,
    0xbaaee17fa23ebf76,
    0x8b16fb203055ac76,
    0xcf42894a5dce35ea,
    0x9a6bb0aa55653b2d,
    0xe61acf033d1a45df,
    0xab70fe17c79ac6ca,
    0xff77b1fcbebcdc4f,
    0xbe5691ef416bd60c,
    0x8dd01fad907ffc3c,
    0xd3515c2831559a83,
    0x9d71ac8fada6c9b5,
    0xea9c227723ee8bcb,
    0xaecc49914078536d,
    0x823c12795db6ce57,
    0xc21094364dfb5637,
    0x9096ea6f3848984f,
    0xd77485cb25823ac7,
    0xa086cfcd97bf97f4,
    0xef340a98172aace5,
    0xb23867fb2a35b28e,
    0x84c8d4dfd2c63f3b,
    0xc5dd44271ad3cdba,
    0x936b9fcebb25c996,
    0xdbac6c247d62a584,
    0xa3ab66580d5fdaf6,
    0xf3e2f893dec3f126,
    0xb5b5ada8aaff80b8,
    0x87625f056c7c4a8b,
    0xc9bcff6034c13053,
    0x964e858c91ba2655,
    0xdff9772470297ebd,
    0xa6dfbd9fb8e5b88f,
    0xf8a95fcf88747d94,
    0xb94470938fa89bcf,
    0x8a08f0f8bf0f156b,
    0xcdb02555653131b6,
    0x993fe2c6d07b7fac,
    0xe45c10c42a2b3b06,
    0xaa242499697392d3,
    0xfd87b5f28300ca0e,
    0xbce5086492111aeb,
    0x8cbccc096f5088cc,
    0xd1b71758e219652c,
    0x9c40000000000000,
    0xe8d4a51000000000,
    0xad78ebc5ac620000,
    0x813f3978f8940984,
    0xc097ce7bc90715b3,
    0x8f7e32ce7bea5c70,
    0xd5d238a4abe98068,
    0x9f4f2726179a2245,
    0xed63a231d4c4fb27,
    0xb0de65388cc8ada8,
    0x83c7088e1aab65db,
    0xc45d1df942711d9a,
    0x924d692ca61be758,
    0xda01ee641a708dea,
    0xa26da3999aef774a,
    0xf209787bb47d6b85,
    0xb454e4a179dd1877,
    0x865b86925b9bc5c2,
    0xc83553c5c8965d3d,
    0x952ab45cfa97a0b3,
    0xde469fbd99a05fe3,
    0xa59bc234db398c25,
    0xf6c69a72a3989f5c,
    0xb7dcbf5354e9bece,
    0x88fcf317f22241e2,
    0xcc20ce9bd35c78a5,
    0x98165af37b2153df,
    0xe2a0b5dc971f303a,
    0xa8d9d1535ce3b396,
    0xfb9b7cd9a4a7443c,
    0xbb764c4ca7a44410,
    0x8bab8eefb6409c1a,
    0xd01fef10a657842c,
    0x9b10a4e5e9913129,
    0xe7109bfba19c0c9d,
    0xac2820d9623bf429,
    0x80444b5e7aa7cf85,
    0xbf21e44003acdd2d,
    0x8e679c2f5e44ff8f,
    0xd433179d9c8cb841,
    0x9e19db92b4e31ba9,
    0xeb96bf6ebadf77d9,
    0xaf87023b9bf0ee6b,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(value: f64) -> (String, i32) {
        let digits = Digits::of(value);
        (String::from_utf8(digits.as_slice().to_vec()).unwrap(), digits.exponent)
    }

    /// As Redis 8.0.6 answers them.
    #[test]
    fn digits_are_those_of_redis() {
        for (value, text, exponent) in [
            (1.5, "15", -1),
            (0.1, "1", -1),
            (6455.78152, "64557815199999995", -13),
            (1e23, "9999999999999999", 7),
            (38.137_664_233_448_06, "38137664233448056", -15),
            (5e-324, "5", -324),
            (f64::MAX, "17976931348623157", 292),
            (f64::MIN_POSITIVE, "22250738585072014", -324),
        ] {
            assert_eq!(digits(value), (text.to_string(), exponent), "{value}");
        }
    }

    #[test]
    fn digits_read_back_as_the_same_number() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..100_000 {
            let value = f64::from_bits(random.u64(..) >> 1);
            if value.is_finite() && value > 0.0 {
                let (text, exponent) = digits(value);
                assert_eq!(format!("{text}e{exponent}").parse(), Ok(value), "{value:e}");
                assert!(text.len() <= 17, "{value:e}: {text}");
            }
        }
    }
}
