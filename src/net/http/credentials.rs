//! Name and password of HTTP's Basic scheme (RFC 7617).

/// The user and the password of an `Authorization` header: `Basic`, and the base64 of `user:password`.
pub(super) fn parse(header: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (scheme, token) = header.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let mut user = decode_base64(token.trim_ascii())?;
    let colon = user.iter().position(|&byte| byte == b':')?;
    let password = user.split_off(colon + 1);
    user.pop();
    Some((user, password))
}

/// The bytes of a base64 text (RFC 4648, section 4), padded or not.
fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let digits = text.strip_suffix(b"==").or(text.strip_suffix(b"=")).unwrap_or(text);
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    for group in digits.chunks(4) {
        if group.len() == 1 {
            return None;
        }
        let mut bits = 0u32;
        for &digit in group {
            bits = bits << 6 | sextet(digit)?;
        }
        bits <<= 6 * (4 - group.len());
        bytes.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    Some(bytes)
}

fn sextet(digit: u8) -> Option<u32> {
    Some(u32::from(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_every_length() {
        for (text, bytes) in
            [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmE", "fooba"), ("Zm9vYmFy", "foobar")]
        {
            assert_eq!(decode_base64(text.as_bytes()).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
        for text in ["Z", "Zm9vY", "Zm9!", "Zm 9", "Zg===", "=Zg"] {
            assert_eq!(decode_base64(text.as_bytes()), None, "{text}");
        }
        assert_eq!(decode_base64(b"+/+/"), Some(vec![0xfb, 0xff, 0xbf]));
    }

    #[test]
    fn users_and_passwords() {
        let both = |user: &str, password: &str| Some((user.as_bytes().to_vec(), password.as_bytes().to_vec()));
        assert_eq!(parse(b"Basic ZGVmYXVsdDphOmI="), both("default", "a:b"));
        assert_eq!(parse(b"bAsIc OnNlY3JldA=="), both("", "secret"));
        for header in [&b"Basic"[..], b"Basic ", b"Basic c2VjcmV0", b"Bearer OnNlY3JldA==", b""] {
            assert_eq!(parse(header), None);
        }
    }
}
