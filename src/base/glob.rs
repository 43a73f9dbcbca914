//! Glob patterns over bytes, with exactly the matches that Redis's `stringmatchlen` finds on x86-64.
//!
//! `*` any bytes, `?` one byte, `[abc]` `[a-z]` `[^a]` one byte of a class, `\x` the byte `x` itself. The quirks are kept:
//!
//! - an empty text matches only the empty pattern (not `*`: KEYS and SCAN short-cut that one themselves);
//! - a class without its `]` ends with the pattern; `[]` matches nothing and `[^]` anything;
//! - a range may stand backwards, bounds are compared as signed bytes, and `[a-]` is a range up to `]`;
//! - without regard to case, an escaped byte in a class still counts as written;
//! - from the 1001st star on nothing matches, except a star that ends the pattern.
//!
//! Never exponential: when the part behind a star fits nowhere in the rest of the text, no earlier star need be tried
//! again. What remains is the product of both lengths, and [`MAX_STEPS_PER_BYTE`] bounds that.

use memchr::memchr;

/// Steps allowed for each byte of pattern and text together, past which a text counts as not matching. A step is one
/// byte of the pattern, so a pattern shorter than this always gets its true answer.
pub const MAX_STEPS_PER_BYTE: usize = 1024;

/// Redis gives up at this depth of recursion, one level for each star.
const MAX_STARS: usize = 1000;

/// Whether upper and lower case (ASCII) are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// `A` is not `a`: keys, channels, members.
    Sensitive,
    /// `A` is `a`: names of directives and commands.
    Insensitive,
}

/// Whether all of `text` matches all of `pattern`.
pub fn matches(pattern: &[u8], text: &[u8], case: Case) -> bool {
    if text.is_empty() {
        return pattern.is_empty();
    }
    let mut steps_left = (pattern.len().saturating_add(text.len())).saturating_mul(MAX_STEPS_PER_BYTE);
    let (mut p, mut t) = (0, 0);
    let mut last_star: Option<Star> = None;
    let mut stars = 0;
    loop {
        if p < pattern.len() && pattern[p] == b'*' {
            p = skip_stars(pattern, p);
            stars += 1;
            if p == pattern.len() {
                return true;
            }
            if stars > MAX_STARS {
                return false;
            }
            let mut star = Star { rest: p, from: t };
            let Some(start) = star.seek(pattern, text, case) else { return false };
            t = start;
            last_star = Some(star);
        } else if let Some(next) = match_one(pattern, p, text[t], case) {
            steps_left = steps_left.saturating_sub(next - p);
            if steps_left == 0 {
                return false;
            }
            (p, t) = (next, t + 1);
            if t == text.len() {
                // A part that runs out of text here would run out sooner from any later start.
                return skip_stars(pattern, p) == pattern.len();
            }
        } else {
            let Some(star) = &mut last_star else { return false };
            star.from += 1;
            steps_left = steps_left.saturating_sub(1);
            let Some(start) = star.seek(pattern, text, case).filter(|_| steps_left > 0) else { return false };
            (p, t) = (star.rest, start);
        }
    }
}

/// The bytes that any match must begin with: the pattern up to its first special byte. If that is the whole pattern, it
/// matches only itself.
pub fn literal_prefix(pattern: &[u8]) -> &[u8] {
    let len = pattern.iter().position(|&byte| is_special(byte)).unwrap_or(pattern.len());
    &pattern[..len]
}

/// The star that is being stretched: where the pattern goes on, and where in the text that part was last tried.
struct Star {
    rest: usize,
    from: usize,
}

impl Star {
    /// Moves on to the next place where the rest may begin, and gives it; `None` at the end of the text.
    fn seek(&mut self, pattern: &[u8], text: &[u8], case: Case) -> Option<usize> {
        let first = pattern[self.rest];
        if case == Case::Sensitive && !is_special(first) {
            self.from += memchr(first, &text[self.from..])?;
        }
        (self.from < text.len()).then_some(self.from)
    }
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b'*' | b'?' | b'[' | b'\\')
}

fn skip_stars(pattern: &[u8], from: usize) -> usize {
    from + pattern[from..].iter().take_while(|&&byte| byte == b'*').count()
}

/// Matches one byte of text against the pattern's element at `p`, which is no star; gives where the next element begins.
#[inline]
fn match_one(pattern: &[u8], p: usize, byte: u8, case: Case) -> Option<usize> {
    match pattern.get(p..)? {
        [] => None,
        [b'?', ..] => Some(p + 1),
        [b'[', ..] => match_class(pattern, p + 1, byte, case),
        [b'\\', literal, ..] => same(*literal, byte, case).then_some(p + 2),
        [literal, ..] => same(*literal, byte, case).then_some(p + 1),
    }
}

/// Matches a byte against the class whose first byte is at `p`; gives where the element after the class begins.
fn match_class(pattern: &[u8], mut p: usize, byte: u8, case: Case) -> Option<usize> {
    let negated = pattern.get(p) == Some(&b'^');
    p += usize::from(negated);
    let mut found = false;
    let end = loop {
        match pattern[p..] {
            [b'\\', literal, ..] => {
                found |= literal == byte;
                p += 2;
            }
            [b']', ..] => break p + 1,
            [] => break p,
            [low, b'-', high, ..] => {
                found |= in_range(low, high, byte, case);
                p += 3;
            }
            [literal, ..] => {
                found |= same(literal, byte, case);
                p += 1;
            }
        }
    };
    (found != negated).then_some(end)
}

/// Bounds are put in order first and lower-cased after, so `[Z-a]` without regard to case holds nothing.
fn in_range(low: u8, high: u8, byte: u8, case: Case) -> bool {
    let signed = |byte: u8| byte as i8;
    let fold = |byte: i8| match case {
        Case::Sensitive => byte,
        Case::Insensitive => byte.cast_unsigned().to_ascii_lowercase().cast_signed(),
    };
    let (low, high, byte) = (signed(low), signed(high), fold(signed(byte)));
    (fold(low.min(high))..=fold(low.max(high))).contains(&byte)
}

#[inline]
fn same(one: u8, other: u8, case: Case) -> bool {
    match case {
        Case::Sensitive => one == other,
        Case::Insensitive => one.eq_ignore_ascii_case(&other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(pattern: &str, text: &str) -> bool {
        matches(pattern.as_bytes(), text.as_bytes(), Case::Sensitive)
    }

    #[test]
    fn the_usual_patterns_match() {
        for (pattern, text) in [
            ("*", "a"),
            ("h?llo", "hello"),
            ("h*llo", "heeeello"),
            ("h*llo", "hllo"),
            ("h[ae]llo", "hallo"),
            ("h[^e]llo", "hbllo"),
            ("h[a-b]llo", "hbllo"),
            ("h[b-a]llo", "hallo"),
            ("news.*", "news."),
            ("a*b*c", "a-b-b-c"),
            ("*ab", "aab"),
            ("\\*", "*"),
            ("a\\", "a\\"),
            ("[\\]]", "]"),
            ("a**", "a"),
            ("", ""),
        ] {
            assert!(check(pattern, text), "{pattern:?} {text:?}");
        }
        for (pattern, text) in [
            ("h?llo", "hllo"),
            ("h[^e]llo", "hello"),
            ("a", "ab"),
            ("ab", "a"),
            ("\\*", "a"),
            ("", "a"),
            ("*b", "ba"),
            ("a*b?", "aab"),
        ] {
            assert!(!check(pattern, text), "{pattern:?} {text:?}");
        }
    }

    #[test]
    fn the_quirks_are_kept() {
        assert!(!check("*", ""));
        assert!(check("[ab", "b"));
        assert!(!check("[", "["));
        assert!(check("[^", "x"));
        assert!(!check("[]", "]"));
        assert!(check("[^]", "x"));
        assert!(check("[a-]", "^")); // between ']' and 'a'
        assert!(!check("[a-]", "-"));
        assert!(check("[a-", "-"));
        assert!(check("[\\", "\\"));
        assert!(matches(b"[a-\xff]", b"A", Case::Sensitive)); // -1 to 'a'
        assert!(!matches(b"[a-\xff]", b"b", Case::Sensitive));
    }

    #[test]
    fn case_is_ignored_on_request_only() {
        assert!(!check("MAX*", "maxmemory"));
        assert!(matches(b"MAX*", b"maxmemory", Case::Insensitive));
        assert!(matches(b"[A-C]x", b"bX", Case::Insensitive));
        assert!(!matches(b"[Z-a]", b"z", Case::Insensitive));
        assert!(!matches(b"[\\A]", b"a", Case::Insensitive));
        assert!(matches(b"\\A", b"a", Case::Insensitive));
    }

    #[test]
    fn stars_past_a_thousand_match_nothing() {
        let pattern = |stars: usize| "*a".repeat(stars);
        let text = "a".repeat(3000);
        assert!(check(&pattern(1000), &text));
        assert!(!check(&pattern(1001), &text));
        assert!(check(&(pattern(1000) + "*"), &text));
    }

    #[test]
    fn hostile_patterns_come_to_an_end() {
        // Exponential in Redis before 7.0.9 (CVE-2022-36021).
        assert!(!check(&("a*".repeat(50) + "b"), &"a".repeat(50_000)));
        // Here the product of both lengths is what takes long. The long pattern would match, were it given the steps.
        let check_repeated =
            |len: usize| check(&format!("*{}b", "a".repeat(len)), &format!("{}b", "a".repeat(4 * len)));
        assert!(check_repeated(MAX_STEPS_PER_BYTE - 2));
        assert!(!check_repeated(2 * MAX_STEPS_PER_BYTE));
    }

    #[test]
    fn prefixes_end_at_the_first_special_byte() {
        for (pattern, prefix) in
            [("user:*", "user:"), ("user", "user"), ("", ""), ("a?b", "a"), ("a[b]", "a"), ("a\\*", "a")]
        {
            assert_eq!(literal_prefix(pattern.as_bytes()), prefix.as_bytes());
        }
    }

    /// The dumbest matcher: every split of the text for every star.
    fn naive(pattern: &[u8], text: &[u8], case: Case) -> bool {
        match (pattern, text) {
            ([b'*', rest @ ..], []) => naive(rest, text, case),
            ([b'*', rest @ ..], _) => (0..=text.len()).any(|skip| naive(rest, &text[skip..], case)),
            ([], _) => text.is_empty(),
            (_, []) => false,
            (_, [byte, tail @ ..]) => {
                match_one(pattern, 0, *byte, case).is_some_and(|next| naive(&pattern[next..], tail, case))
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn the_last_star_is_enough(pattern in "[ab*?\\[\\]\\\\^-]{0,10}", text in "[abAB]{1,10}", sensitive: bool) {
            let case = if sensitive { Case::Sensitive } else { Case::Insensitive };
            let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
            prop_assert_eq!(matches(pattern, text, case), naive(pattern, text, case));
        }

        #[test]
        fn any_bytes_are_survived(pattern: Vec<u8>, text: Vec<u8>) {
            let escaped: Vec<u8> = text.iter().flat_map(|&byte| [b'\\', byte]).collect();
            prop_assert!(matches(&escaped, &text, Case::Sensitive));
            if matches(&pattern, &text, Case::Sensitive) {
                prop_assert!(text.starts_with(literal_prefix(&pattern)));
            }
        }
    }
}
