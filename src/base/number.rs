//! Numbers as text, by Redis's rules: what a client may write and what it gets back.
//!
//! Parsers are strict: the whole text is the number, or the answer is `None`. Printers append to a buffer and cannot fail.
//! The 80-bit arithmetic of INCRBYFLOAT lives next door in [`long_double`](super::long_double).

use super::digits::Digits;
use rustc_apfloat::Float;
use rustc_apfloat::ieee::Double;

/// The longest text (bytes) taken for a hexadecimal float or a long double; Redis's limit is that of a 5 KiB buffer.
pub(super) const MAX_LONG_TEXT_BYTES: usize = 5 * 1024 - 1;

/// Parses a signed decimal integer as Redis's `string2ll` does: an optional `-`, no `+`, no leading zeros, no spaces,
/// no `-0`, the full range of `i64`. `None` for anything else.
#[inline]
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    match text {
        [b'-', magnitude @ ..] => match parse_u64(magnitude)? {
            0 => None,
            magnitude => 0i64.checked_sub_unsigned(magnitude),
        },
        _ => i64::try_from(parse_u64(text)?).ok(),
    }
}

/// Parses an unsigned decimal integer: digits only, no leading zeros, the full range of `u64`. `None` for anything else.
#[inline]
pub fn parse_u64(text: &[u8]) -> Option<u64> {
    const DIGITS_THAT_FIT: usize = 19;
    if text.is_empty() || text.len() > DIGITS_THAT_FIT + 1 || (text[0] == b'0' && text.len() > 1) {
        return None;
    }
    let (head, last) = text.split_at(text.len().min(DIGITS_THAT_FIT));
    let mut value = 0u64;
    for &byte in head {
        value = value * 10 + decimal_digit(byte)?;
    }
    match last {
        [] => Some(value),
        [byte, ..] => value.checked_mul(10)?.checked_add(decimal_digit(*byte)?),
    }
}

/// Parses a double as Redis 8 does: what `strtod` takes, if it takes all of it.
///
/// So `+1.5`, `.5`, `1.`, `1e3`, `0x1.8p1` and, in any case, `inf` and `infinity` are fine; spaces and NaN are not, nor
/// are numbers too large for a double or too small to differ from zero.
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    let text = str::from_utf8(text).ok()?;
    let Ok(value) = text.parse::<f64>() else { return parse_hexadecimal_f64(text) };
    if value.is_nan() || (value.is_infinite() && !names_infinity(text)) || (value == 0.0 && !is_zero_as_written(text)) {
        return None;
    }
    Some(value)
}

/// Appends a double as Redis prints it in replies and stores it in files: `nan`, `inf`, `-0`, integers below 2^62 in full,
/// else digits that read back as the same double, as plain digits, with a point, or as `d.ddde+x`.
pub fn print_f64(value: f64, out: &mut Vec<u8>) {
    const INTEGER_LIMIT: f64 = (i64::MAX / 2) as f64;
    if value.is_nan() {
        out.extend_from_slice(b"nan");
    } else if value.is_infinite() {
        out.extend_from_slice(if value < 0.0 { b"-inf" } else { b"inf" });
    } else if value == 0.0 {
        out.extend_from_slice(if value.is_sign_negative() { b"-0" } else { b"0" });
    } else if value.abs() <= INTEGER_LIMIT && value.trunc() == value {
        print_i64(value as i64, out);
    } else {
        print_finite(value, out);
    }
}

/// The same, with integers laid out like all others: 10000000000 is `1e+10`. So Redis prints scores for DEBUG DIGEST.
pub fn print_f64_by_digits(value: f64, out: &mut Vec<u8>) {
    if value.is_finite() && value != 0.0 { print_finite(value, out) } else { print_f64(value, out) }
}

/// Appends a double as `%.17g` does: 17 digits without zeros at their end, an exponent of at least two digits below 1e-4 and from 1e17 on.
pub fn print_f64_in_17_digits(value: f64, out: &mut Vec<u8>) {
    if !value.is_finite() || value == 0.0 {
        return print_f64(value, out);
    }
    let text = format!("{value:.16e}");
    let (digits, exponent) = text.split_once('e').expect("it is asked for");
    let exponent: i32 = exponent.parse().expect("an integer");
    let plain = |text: &str| text.trim_end_matches('0').trim_end_matches('.').as_bytes().to_vec();
    if (-4..17).contains(&exponent) {
        let decimals = (16 - exponent) as usize;
        let text = format!("{value:.decimals$}");
        return out.extend(if decimals > 0 { plain(&text) } else { text.into_bytes() });
    }
    out.extend(plain(digits));
    out.extend_from_slice(format!("e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs()).as_bytes());
}

/// Appends a finite double that is not zero.
fn print_finite(value: f64, out: &mut Vec<u8>) {
    if value < 0.0 {
        out.push(b'-');
    }
    print_digits(&Digits::of(value.abs()), out);
}

/// Appends a signed integer in decimal.
#[inline]
pub fn print_i64(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// The length in bytes (1–20) of what [`print_i64`] prints, the sign included.
#[inline]
pub fn decimal_len(value: i64) -> usize {
    let digits = value.unsigned_abs().checked_ilog10().map_or(1, |log| log as usize + 1);
    digits + usize::from(value < 0)
}

/// Parses an amount of memory in bytes: digits and, in any case, a unit of `b`, `k` (1000), `kb` (1024), `m`, `mb`, `g`
/// or `gb`; no digits at all mean 0. `None` for anything else.
///
/// What does not fit 64 bits is refused; Redis takes it and wraps around.
pub fn parse_memory(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, unit) = text.split_at(digits);
    let unit_bytes: u64 = match unit.to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1000,
        b"kb" => 1 << 10,
        b"m" => 1000 * 1000,
        b"mb" => 1 << 20,
        b"g" => 1000 * 1000 * 1000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    let mut value = 0u64;
    for &byte in number {
        value = value.checked_mul(10)?.checked_add(decimal_digit(byte)?)?;
    }
    value.checked_mul(unit_bytes)
}

/// Checks a text against `strtod`'s hexadecimal grammar (`[+-]0x`, digits with at most one point, an optional `p`
/// exponent) and gives it in the spelling that `rustc_apfloat` reads: no plus sign, always an exponent.
pub(super) fn hexadecimal_float(text: &str) -> Option<String> {
    if text.len() > MAX_LONG_TEXT_BYTES {
        return None;
    }
    let (sign, magnitude) = match text.as_bytes().first()? {
        b'-' => ("-", &text[1..]),
        b'+' => ("", &text[1..]),
        _ => ("", text),
    };
    let magnitude = magnitude.strip_prefix("0x").or_else(|| magnitude.strip_prefix("0X"))?;
    let (significand, exponent) = magnitude.split_once(['p', 'P']).unwrap_or((magnitude, "0"));
    let points = significand.bytes().filter(|&byte| byte == b'.').count();
    let digits = significand.bytes().filter(u8::is_ascii_hexdigit).count();
    let exponent_digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let well_formed = digits > 0
        && points <= 1
        && digits + points == significand.len()
        && !exponent_digits.is_empty()
        && exponent_digits.bytes().all(|byte| byte.is_ascii_digit());
    well_formed.then(|| format!("{sign}0x{significand}p{exponent}"))
}

/// Whether a text that std has parsed as a float spells infinity, rather than a number too large.
pub(super) fn names_infinity(text: &str) -> bool {
    text.trim_start_matches(['+', '-']).starts_with(['i', 'I'])
}

/// Whether a well-formed float, decimal or hexadecimal, has no digit but zero in its significand: else a zero is underflow.
pub(super) fn is_zero_as_written(text: &str) -> bool {
    let magnitude = text.trim_start_matches(['+', '-']);
    let hexadecimal = magnitude.strip_prefix("0x").or_else(|| magnitude.strip_prefix("0X"));
    let exponent_marks = if hexadecimal.is_some() { ['p', 'P'] } else { ['e', 'E'] };
    let significand = hexadecimal.unwrap_or(magnitude).split(exponent_marks).next().unwrap_or_default();
    significand.bytes().all(|byte| matches!(byte, b'0' | b'.'))
}

fn parse_hexadecimal_f64(text: &str) -> Option<f64> {
    let value = hexadecimal_float(text)?.parse::<Double>().ok()?;
    if value.is_infinite() || (value.is_zero() && !is_zero_as_written(text)) {
        return None;
    }
    u64::try_from(value.to_bits()).ok().map(f64::from_bits)
}

fn decimal_digit(byte: u8) -> Option<u64> {
    let digit = byte.wrapping_sub(b'0');
    (digit <= 9).then_some(u64::from(digit))
}

/// Redis's choice among three layouts.
fn print_digits(digits: &Digits, out: &mut Vec<u8>) {
    let (exponent, digits) = (digits.exponent, digits.as_slice());
    let count = digits.len() as i32;
    let scientific_exponent = exponent + count - 1;
    if exponent >= 0 && scientific_exponent < count + 7 {
        out.extend_from_slice(digits);
        out.resize(out.len() + exponent as usize, b'0');
    } else if exponent < 0 && (exponent > -7 || scientific_exponent.abs() < 4) {
        print_with_point(digits, count + exponent, out);
    } else {
        out.push(digits[0]);
        if count > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits[1..]);
        }
        out.extend_from_slice(if scientific_exponent < 0 { b"e-" } else { b"e+" });
        print_i64(i64::from(scientific_exponent.abs()), out);
    }
}

/// Prints digits with the point after the first `before_point` of them; a negative count stands for zeros behind the point.
fn print_with_point(digits: &[u8], before_point: i32, out: &mut Vec<u8>) {
    if before_point > 0 {
        let (whole, fraction) = digits.split_at(before_point as usize);
        out.extend_from_slice(whole);
        out.push(b'.');
        out.extend_from_slice(fraction);
    } else {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + before_point.unsigned_abs() as usize, b'0');
        out.extend_from_slice(digits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn printed(value: f64) -> String {
        let mut out = Vec::new();
        print_f64(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// As `%.17g`.
    #[test]
    fn seventeen_digits_have_no_zeros_at_their_end() {
        for (value, text) in [
            (0.1, "0.10000000000000001"),
            (0.0001, "0.0001"),
            (1e-5, "1.0000000000000001e-05"),
            (-1.5, "-1.5"),
            (1e16, "10000000000000000"),
            (1e17, "1e+17"),
            (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
            (1e300, "1.0000000000000001e+300"),
            (-0.0, "-0"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            let mut out = Vec::new();
            print_f64_in_17_digits(value, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }

    #[test]
    fn integers_are_strict() {
        assert_eq!(parse_i64(b"0"), Some(0));
        assert_eq!(parse_i64(b"-1"), Some(-1));
        assert_eq!(parse_i64(b"9223372036854775807"), Some(i64::MAX));
        assert_eq!(parse_i64(b"-9223372036854775808"), Some(i64::MIN));
        for text in ["", "-", "+1", "01", "-01", "-0", " 1", "1 ", "1a", "0x1", "--1", "1.0", "\0", "/", ":"] {
            assert_eq!(parse_i64(text.as_bytes()), None, "{text:?}");
        }
        for text in ["9223372036854775808", "-9223372036854775809", "18446744073709551616", "100000000000000000000"] {
            assert_eq!(parse_i64(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(parse_u64(b"18446744073709551615"), Some(u64::MAX));
        for text in ["18446744073709551616", "99999999999999999999", "-1", "00", "1844674407370955161:"] {
            assert_eq!(parse_u64(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn doubles_follow_the_grammar_of_strtod() {
        let cases: &[(&str, f64)] = &[
            ("1", 1.0),
            ("+1.5", 1.5),
            ("-.5e-3", -0.0005),
            ("1.", 1.0),
            ("1E5", 1e5),
            ("00012", 12.0),
            ("0e99999999999999", 0.0),
            ("INF", f64::INFINITY),
            ("+inf", f64::INFINITY),
            ("-InFiNiTy", f64::NEG_INFINITY),
            ("5e-324", 5e-324),
            ("2.5e-324", 5e-324),
            ("1.7976931348623158e308", f64::MAX),
            ("0x10", 16.0),
            ("-0X1.8P1", -3.0),
            ("+0x.8", 0.5),
            ("0x1p-3", 0.125),
            ("0x1.8p-1075", 5e-324),
            ("0x0p0", 0.0),
            ("0x0.0p999999999999999999999", 0.0),
            ("0x1.00000000000008p0", 1.0),
            ("0x1.000000000000080001p0", 1.0000000000000002),
        ];
        for &(text, value) in cases {
            assert_eq!(parse_f64(text.as_bytes()), Some(value), "{text:?}");
        }
        assert!(parse_f64(b"-0").unwrap().is_sign_negative());
        assert!(parse_f64(b"-0x0").unwrap().is_sign_negative());
    }

    #[test]
    fn doubles_refuse_spaces_nan_and_what_is_out_of_range() {
        let texts = [
            "",
            " 1",
            "1 ",
            "+",
            "-",
            ".",
            "1e",
            "1e+",
            "++1",
            "-+1",
            "1_0",
            "1d5",
            "1f",
            "infin",
            "nan",
            "-NaN",
            "nan(1)",
            "1\u{0}2",
            "é",
            "1e400",
            "-1e400",
            "2.4e-324",
            "1e99999999999",
            "1e-99999999999",
            "0x",
            "0x.",
            "0xp1",
            "0x1p",
            "0x1p+",
            "0x1.1.1",
            "0xg",
            "0x1p1024",
            "0x1p-1075",
            "0x1p99999999999999999999",
            "0x-1",
            "x1",
        ];
        for text in texts {
            assert_eq!(parse_f64(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(parse_f64(b"\xff"), None);
    }

    #[test]
    fn integers_may_be_laid_out_by_their_digits() {
        let cases = [(3.0, "3"), (-1200.0, "-1200"), (1e7, "10000000"), (1e8, "1e+8"), (0.0, "0"), (-0.0, "-0")];
        for (value, expected) in cases.into_iter().chain([(f64::INFINITY, "inf"), (1.5, "1.5")]) {
            let mut out = Vec::new();
            print_f64_by_digits(value, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn doubles_are_laid_out_as_redis_does() {
        let cases: &[(f64, &str)] = &[
            (f64::NAN, "nan"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (0.0, "0"),
            (-0.0, "-0"),
            (3.0, "3"),
            (-17179869184.0, "-17179869184"),
            (1e17, "100000000000000000"),
            (123456789012345680.0, "123456789012345680"),
            (4611686018427387904.0, "4611686018427387904"),
            (9223372036854775808.0, "9223372036854776000"),
            (1e20, "1e+20"),
            (1e21, "1e+21"),
            (12345678901234568000000.0, "12345678901234568000000"),
            (-1.5e300, "-1.5e+300"),
            (0.1, "0.1"),
            (-3.25, "-3.25"),
            (1e-5, "0.00001"),
            (1e-7, "1e-7"),
            (1.25e-7, "1.25e-7"),
            (1.2e-5, "0.000012"),
            (1.25e-5, "1.25e-5"),
            (12.3456789012, "12.3456789012"),
            (123456.789012, "123456.789012"),
            (123456.7890123, "1.234567890123e+5"),
            (1.3234889800848443e-23, "1.3234889800848443e-23"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (1.0000000000000002, "1.0000000000000002"),
            (10203.00405, "10203.00405"),
        ];
        for &(value, text) in cases {
            assert_eq!(printed(value), text);
        }
    }

    #[test]
    fn memory_amounts_take_units() {
        let cases: &[(&str, u64)] = &[
            ("0", 0),
            ("", 0),
            ("kb", 0),
            ("10b", 10),
            ("1k", 1000),
            ("12kB", 12 * 1024),
            ("3M", 3_000_000),
            ("3mb", 3 << 20),
            ("1g", 1_000_000_000),
            ("1GB", 1 << 30),
            ("007", 7),
            ("18446744073709551615", u64::MAX),
        ];
        for &(text, value) in cases {
            assert_eq!(parse_memory(text.as_bytes()), Some(value), "{text:?}");
        }
        for text in
            ["-1", "+1", "1 kb", "1t", "1.5mb", "kbk", "18446744073709551616", "18446744073709551615k", "20000000000gb"]
        {
            assert_eq!(parse_memory(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn lengths_agree_with_what_is_printed() {
        let mut edges = vec![0, i64::MAX, i64::MIN];
        edges.extend((0..19).flat_map(|power| [10i64.pow(power), 10i64.pow(power) - 1, -(10i64.pow(power))]));
        for value in edges {
            assert_eq!(decimal_len(value), value.to_string().len(), "{value}");
        }
    }

    proptest! {
        #[test]
        fn integers_survive_print_and_parse(value: i64) {
            let mut out = Vec::new();
            print_i64(value, &mut out);
            prop_assert_eq!(out.len(), decimal_len(value));
            prop_assert_eq!(parse_i64(&out), Some(value));
        }

        #[test]
        fn any_text_is_taken_only_in_its_one_spelling(text in "[-+ 0-9a]{0,22}") {
            if let Some(value) = parse_i64(text.as_bytes()) {
                prop_assert_eq!(value.to_string(), text);
            }
        }

        #[test]
        fn doubles_survive_print_and_parse(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            prop_assert_eq!(parse_f64(printed(value).as_bytes()).map(f64::to_bits), Some(bits));
        }

        #[test]
        fn short_decimals_survive_as_written(whole in -100_000i64..100_000, hundredths in 1u8..10) {
            let text = format!("{whole}.{hundredths}");
            prop_assert_eq!(printed(parse_f64(text.as_bytes()).unwrap()), text);
        }
    }
}
