//! The 80-bit floating point of x86-64's `long double`, in which Redis does INCRBYFLOAT and HINCRBYFLOAT.
//!
//! Ten and a half plus a tenth is 10.6 here and 10.59999999999999964 in doubles, and clients compare the text. Redis
//! itself differs between CPUs (arm64 has 113 bits); we give x86-64's answers everywhere.
//!
//! ```text
//!    79    78 ........ 64   63 ................. 0
//!   +------+--------------+-----------------------+    value = significand · 2^(exponent − 16383 − 63)
//!   | sign |   exponent   |      significand      |    the significand's top bit is explicit; an exponent of 0
//!   +------+--------------+-----------------------+    counts as 1 (denormals, zero), 0x7fff is infinity or NaN
//! ```

use rustc_apfloat::ieee::{Double, X87DoubleExtended};
use rustc_apfloat::{Float, FloatConvert, Round};

use super::number::{MAX_LONG_TEXT_BYTES, hexadecimal_float, is_zero_as_written, names_infinity};

/// Digits printed behind the point, before trailing zeros are cut.
const FRACTION_DIGITS: u32 = 17;
const EXPONENT_BIAS: i32 = 16383;
const SIGNIFICAND_BITS: i32 = 64;

/// An 80-bit floating-point number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LongDouble(X87DoubleExtended);

impl LongDouble {
    /// Parses what `strtold` takes, if it takes all of it: decimal or hexadecimal, a sign of either kind, `inf` and
    /// `infinity` in any case.
    ///
    /// `None` for spaces, NaN, more than 5119 bytes, and numbers too large or too small to differ from zero.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = str::from_utf8(text).ok().filter(|text| text.len() <= MAX_LONG_TEXT_BYTES)?;
        // apfloat's own grammar is both looser and stricter than strtold's; std's is the same but for hexadecimals.
        let parsed = match text.parse::<f64>() {
            Ok(value) if value.is_nan() => return None,
            Ok(value) if names_infinity(text) => return Some(Self(infinity(value < 0.0))),
            Ok(_) => text.parse::<X87DoubleExtended>(),
            Err(_) => hexadecimal_float(text)?.parse(),
        };
        let value = parsed.ok()?;
        let underflowed = value.is_zero() && !is_zero_as_written(text);
        (!value.is_infinite() && !underflowed).then_some(Self(value))
    }

    /// The same number, exactly: 64 bits of significand hold any `i64`.
    pub fn from_i64(value: i64) -> Self {
        Self(X87DoubleExtended::from_i128(i128::from(value)).value)
    }

    /// The sum, rounded to nearest. It may be infinite, or NaN for two infinities of opposite sign: the caller checks
    /// by [`is_finite`](Self::is_finite).
    pub fn checked_add(self, other: Self) -> Self {
        Self((self.0 + other.0).value)
    }

    /// Whether the number is neither infinite nor NaN.
    pub fn is_finite(self) -> bool {
        self.0.is_finite()
    }

    /// The least double that is not below it: infinity for what is beyond all doubles, the smallest of them for what is next to nothing.
    pub fn to_f64_above(self) -> f64 {
        let above: Double = self.0.convert_r(Round::TowardPositive, &mut false).value;
        f64::from_bits(above.to_bits() as u64)
    }

    /// Appends the number as `%.17Lf` with trailing zeros cut: never an exponent, so up to 4,951 bytes. `inf`, `-inf`
    /// and `nan` print as that; minus zero prints as `0`.
    pub fn print(self, out: &mut Vec<u8>) {
        if self.0.is_nan() {
            return out.extend_from_slice(b"nan");
        }
        let negative = self.0.is_negative();
        if self.0.is_infinite() {
            return out.extend_from_slice(if negative { b"-inf" } else { b"inf" });
        }
        let (whole, fraction) = self.decimal_parts();
        if negative && (whole != b"0" || fraction != 0) {
            out.push(b'-');
        }
        out.extend_from_slice(&whole);
        if fraction != 0 {
            let digits = format!(".{fraction:0width$}", width = FRACTION_DIGITS as usize);
            out.extend_from_slice(digits.trim_end_matches('0').as_bytes());
        }
    }

    /// The digits before the point, and the number (below 10^17) that the digits behind it make, rounded half to even.
    fn decimal_parts(self) -> (Vec<u8>, u64) {
        let bits = self.0.to_bits();
        let significand = bits as u64;
        let exponent = ((bits >> SIGNIFICAND_BITS) as i32 & 0x7fff).max(1);
        let shift = exponent - EXPONENT_BIAS - (SIGNIFICAND_BITS - 1);
        if shift >= 0 {
            return (shifted_to_decimal(significand, shift as u32), 0);
        }
        let places = shift.unsigned_abs();
        let whole = significand.checked_shr(places).unwrap_or(0);
        let below_point = if places < 64 { significand & ((1 << places) - 1) } else { significand };
        let unit = 10u64.pow(FRACTION_DIGITS);
        let fraction = divide_by_power_of_two(u128::from(below_point) * u128::from(unit), places);
        if fraction == unit {
            // The carry cannot overflow: with places > 0 the whole part has fewer than 64 bits.
            return ((whole + 1).to_string().into_bytes(), 0);
        }
        (whole.to_string().into_bytes(), fraction)
    }
}

fn infinity(negative: bool) -> X87DoubleExtended {
    if negative { -X87DoubleExtended::INFINITY } else { X87DoubleExtended::INFINITY }
}

/// `product / 2^places`, rounded half to even. `product` is below 2^121 (64 bits times 10^17).
fn divide_by_power_of_two(product: u128, places: u32) -> u64 {
    if places >= 128 {
        return 0; // less than a half, however the bits lie
    }
    let quotient = (product >> places) as u64;
    let remainder = product & ((1 << places) - 1);
    let half = 1u128 << (places - 1);
    quotient + u64::from(remainder > half || (remainder == half && quotient % 2 == 1))
}

/// The decimal digits of `significand · 2^shift`, by repeated division of a big number by 10^9.
fn shifted_to_decimal(significand: u64, shift: u32) -> Vec<u8> {
    const CHUNK: u64 = 1_000_000_000;
    let mut limbs = vec![0u32; (shift / 32) as usize];
    let top = u128::from(significand) << (shift % 32);
    limbs.extend([top as u32, (top >> 32) as u32, (top >> 64) as u32]);
    let mut chunks = Vec::new();
    while let Some(most) = limbs.iter().rposition(|&limb| limb != 0) {
        limbs.truncate(most + 1);
        let mut remainder = 0u64;
        for limb in limbs.iter_mut().rev() {
            let dividend = remainder << 32 | u64::from(*limb);
            *limb = (dividend / CHUNK) as u32;
            remainder = dividend % CHUNK;
        }
        chunks.push(remainder);
    }
    let mut digits = chunks.pop().unwrap_or(0).to_string();
    for chunk in chunks.iter().rev() {
        digits.push_str(&format!("{chunk:09}"));
    }
    digits.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str) -> LongDouble {
        LongDouble::parse(text.as_bytes()).unwrap_or_else(|| panic!("{text:?} should parse"))
    }

    fn printed(value: LongDouble) -> String {
        let mut out = Vec::new();
        value.print(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn sum(one: &str, other: &str) -> String {
        printed(parsed(one).checked_add(parsed(other)))
    }

    #[test]
    fn sums_match_what_users_saw_on_x86_64() {
        assert_eq!(sum("128", "0.1"), "128.10000000000000001"); // redis/redis#3695
        assert_eq!(sum("1000", "0.1"), "1000.09999999999999998"); // redis/redis#4663, and the next two
        assert_eq!(sum("1000", "-0.1"), "999.90000000000000002");
        assert_eq!(sum("1000", "1.8"), "1001.79999999999999999");
        assert_eq!(sum("10.5", "0.1"), "10.6"); // redis/redis#7935
        assert_eq!(sum("0.1", "0.2"), "0.3");
        assert_eq!(sum("3", "1.1"), "4.1");
        assert_eq!(sum("5.0e3", "2.0e2"), "5200");
    }

    #[test]
    fn texts_are_taken_as_strtold_takes_them() {
        let cases = [
            ("+1.5", "1.5"),
            ("1e3", "1000"),
            ("1.", "1"),
            (".5", "0.5"),
            ("-0", "0"),
            ("00012", "12"),
            ("0x10", "16"),
            ("-0x1.8P1", "-3"),
            ("0x.8", "0.5"),
            ("1e-18", "0"),
            ("-1e-18", "0"),
            ("5e-18", "0"),
            ("6e-18", "0.00000000000000001"),
            ("1e-4950", "0"),
            ("0x1.1p-16446", "0"),
            ("0e999999999999", "0"),
            ("inf", "inf"),
            ("-Infinity", "-inf"),
            ("9223372036854775807", "9223372036854775807"),
            ("18446744073709551615", "18446744073709551615"),
            ("18446744073709551616", "18446744073709551616"),
            ("1e27", "1000000000000000000000000000"),
            ("1e28", "9999999999999999999731564544"),
        ];
        for (text, expected) in cases {
            assert_eq!(printed(parsed(text)), expected, "{text}");
        }
    }

    #[test]
    fn texts_are_refused_as_redis_refuses_them() {
        let texts = [
            "",
            " 1",
            "1 ",
            "+",
            ".",
            "1e",
            "1e+",
            "nan",
            "-nan",
            "infin",
            "0x",
            "0xp1",
            "0x1p",
            "++1",
            "1e4933",
            "-1e99999999999",
            "1.2e4932",
            "1e-5000",
            "0x1p16384",
            "0x1p-16446",
            "1\u{0}",
        ];
        for text in texts {
            assert_eq!(LongDouble::parse(text.as_bytes()), None, "{text:?}");
        }
        let long = |bytes: usize| format!("{}1", "0".repeat(bytes - 1));
        assert_eq!(printed(parsed(&long(5119))), "1");
        assert_eq!(LongDouble::parse(long(5120).as_bytes()), None);
    }

    #[test]
    fn the_largest_number_is_printed_in_full() {
        let largest = parsed("1.18973149535723176502e4932");
        let text = printed(largest);
        assert_eq!(text.len(), 4933);
        assert!(text.starts_with(
            "118973149535723176502126385303097020516906332229462420044032373389173700552297072261641029033"
        ));
        assert!(text.ends_with("156604419552086811989770240"));
        assert!(largest.is_finite());
        assert!(!largest.checked_add(largest).is_finite());
    }

    #[test]
    fn infinities_are_for_the_caller_to_refuse() {
        let infinity = parsed("inf");
        assert!(!infinity.is_finite());
        assert!(!infinity.checked_add(parsed("1")).is_finite());
        assert_eq!(printed(infinity.checked_add(parsed("-inf"))), "nan");
    }

    #[test]
    fn halves_round_to_even_and_carries_reach_the_whole_part() {
        // 2^-18 has 18 digits behind the point, the last a 5: an exact tie.
        assert_eq!(printed(parsed("0x1p-18")), "0.00000381469726562");
        assert_eq!(printed(parsed("0x3p-18")), "0.00001144409179688");
        assert_eq!(printed(parsed("0.999999999999999999")), "1");
        assert_eq!(printed(parsed("-0.999999999999999999")), "-1");
    }

    proptest! {
        #[test]
        fn integers_pass_through(value: i64) {
            prop_assert_eq!(printed(LongDouble::from_i64(value)), value.to_string());
            prop_assert_eq!(parsed(&value.to_string()), LongDouble::from_i64(value));
        }

        #[test]
        fn big_integers_print_like_u128(value: u64, shift in 0u32..64) {
            let text = format!("0x{value:x}p{shift}");
            prop_assert_eq!(printed(parsed(&text)), (u128::from(value) << shift).to_string());
        }

        #[test]
        fn short_decimals_print_as_written(whole in 0u32..1000, tenths in 1u8..10) {
            let text = format!("{whole}.{tenths}");
            let out = printed(parsed(&text));
            let error: f64 = out.parse::<f64>().unwrap() - text.parse::<f64>().unwrap();
            prop_assert_eq!(error, 0.0);
        }
    }
}
