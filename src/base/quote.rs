//! Lines of words, with Redis's quoting: inline commands, config files, MONITOR.
//!
//! Words stand apart by white space. `"…"` knows `\n \r \t \b \a \xHH`, and any other escaped byte as itself; `'…'` knows
//! only `\'`. A quote may open inside a word (`a"b c"` is `ab c`), but what follows its end must be white space.

/// Splits a line into its words, without their quotes. A zero byte ends the line, as it does for Redis.
///
/// `None` if a quote is not closed or is followed by anything but white space. An empty line has no words.
pub fn split_args(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let line = line.split(|&byte| byte == 0).next().unwrap_or(line);
    let mut words = Vec::new();
    let mut rest = skip_space(line);
    while !rest.is_empty() {
        let mut word = Vec::new();
        rest = skip_space(read_word(rest, &mut word)?);
        words.push(word);
    }
    Some(words)
}

/// Appends bytes in double quotes, such that [`split_args`] reads them back as one word: what is not printable ASCII is
/// escaped.
pub fn print_quoted(bytes: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    for &byte in bytes {
        match byte {
            b'\\' | b'"' => out.extend([b'\\', byte]),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            BELL => out.extend(b"\\a"),
            BACKSPACE => out.extend(b"\\b"),
            b' '..=b'~' => out.push(byte),
            _ => out.extend([b'\\', b'x', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]),
        }
    }
    out.push(b'"');
}

/// Bytes in double quotes, as [`print_quoted`] writes them.
pub fn quoted(bytes: &[u8]) -> String {
    let mut out = Vec::new();
    print_quoted(bytes, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

const BELL: u8 = 0x07;
const BACKSPACE: u8 = 0x08;

/// C's `isspace`: unlike Rust's, it counts the vertical tab.
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn skip_space(line: &[u8]) -> &[u8] {
    let spaces = line.iter().take_while(|&&byte| is_space(byte)).count();
    &line[spaces..]
}

/// Reads one word and gives what follows it. Form feed and vertical tab part words only where one would begin.
fn read_word<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        match rest {
            [] | [b' ' | b'\n' | b'\r' | b'\t', ..] => return Some(rest),
            [b'"', inside @ ..] => return read_double_quoted(inside, word),
            [b'\'', inside @ ..] => return read_single_quoted(inside, word),
            [byte, tail @ ..] => {
                word.push(*byte);
                rest = tail;
            }
        }
    }
}

fn read_double_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        let (byte, tail) = match rest {
            [] => return None,
            [b'"', tail @ ..] => return ends_word(tail),
            [b'\\', b'x', high, low, tail @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                (hex_value(*high) << 4 | hex_value(*low), tail)
            }
            [b'\\', letter, tail @ ..] => (unescape(*letter), tail),
            [byte, tail @ ..] => (*byte, tail),
        };
        word.push(byte);
        rest = tail;
    }
}

fn read_single_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        let (byte, tail) = match rest {
            [] => return None,
            [b'\'', tail @ ..] => return ends_word(tail),
            [b'\\', b'\'', tail @ ..] => (b'\'', tail),
            [byte, tail @ ..] => (*byte, tail),
        };
        word.push(byte);
        rest = tail;
    }
}

/// What follows a closing quote, if a word may end there.
fn ends_word(rest: &[u8]) -> Option<&[u8]> {
    rest.first().is_none_or(|&byte| is_space(byte)).then_some(rest)
}

fn unescape(letter: u8) -> u8 {
    match letter {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => BACKSPACE,
        b'a' => BELL,
        other => other,
    }
}

/// The value of a hexadecimal digit.
fn hex_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(line: &str) -> Option<Vec<String>> {
        let words = split_args(line.as_bytes())?;
        Some(words.into_iter().map(|word| String::from_utf8(word).unwrap()).collect())
    }

    fn words(words: &[&str]) -> Option<Vec<String>> {
        Some(words.iter().map(|word| word.to_string()).collect())
    }

    #[test]
    fn words_and_quotes() {
        assert_eq!(split("set key value"), words(&["set", "key", "value"]));
        assert_eq!(split("  a \t b\r\n"), words(&["a", "b"]));
        assert_eq!(split(""), words(&[]));
        assert_eq!(split("   "), words(&[]));
        assert_eq!(split(r#"save """#), words(&["save", ""]));
        assert_eq!(split(r#""a b" 'c d'"#), words(&["a b", "c d"]));
        assert_eq!(split(r#"a"b c" d'e f'"#), words(&["ab c", "de f"]));
        assert_eq!(split(r#""\x41\n\r\t\b\a\q\"\\""#), words(&["A\n\r\t\x08\x07q\"\\"]));
        assert_eq!(split_args(br#""\x4g\xAf""#), Some(vec![b"x4g\xaf".to_vec()]));
        assert_eq!(split(r"'it\'s \n'"), words(&["it's \\n"]));
        assert_eq!(split("a\0b c"), words(&["a"]));
        assert_eq!(split("\x0ba\x0bb"), words(&["a\x0bb"]));
        assert_eq!(split("\"a\"\x0bb"), words(&["a", "b"]));
    }

    #[test]
    fn quotes_must_close_and_end_the_word() {
        for line in [r#""foo"#, "'foo", r#""foo"bar"#, "'foo'bar", r#""foo\""#, r"'foo\'", r#"""''"#, "\"a\0\""] {
            assert_eq!(split(line), None, "{line:?}");
        }
    }

    #[test]
    fn what_is_not_printable_is_escaped() {
        let mut out = b">".to_vec();
        print_quoted(b"a \"b\\\n\r\t\x07\x08\x00\x7f\xff~", &mut out);
        assert_eq!(out, br#">"a \"b\\\n\r\t\a\b\x00\x7f\xff~""#);
    }

    proptest! {
        #[test]
        fn quoted_words_read_back(list: Vec<Vec<u8>>) {
            let mut line = Vec::new();
            for word in &list {
                print_quoted(word, &mut line);
                line.push(b' ');
            }
            prop_assert_eq!(split_args(&line), Some(list));
        }

        #[test]
        fn any_line_is_survived(line: Vec<u8>, quotes in "[ab \"'\\\\x0]{0,20}") {
            split_args(&line);
            if let Some(list) = split_args(quotes.as_bytes()) {
                prop_assert!(list.iter().map(Vec::len).sum::<usize>() <= quotes.len());
            }
        }
    }
}
