//! What a certificate says (X.509 in DER, RFC 5280), for what rustls keeps to itself or does not read.
//!
//! ```text
//! Certificate { tbs, algorithm, signature }
//!     tbs     { [0] version, serial, algorithm, issuer, validity { from, until }, subject, key, .. [3] extensions }
//! ```
//!
//! A certificate of version 1 has no `[0]` and no `[3]`: it is what `openssl x509 -req` makes where it is told of no extensions.

pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const OBJECT: u8 = 0x06;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const BITS: u8 = 0x03;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const VERSION: u8 = 0xA0;
const EXTENSIONS: u8 = 0xA3;

/// The parts of a certificate. *Whole* is an element with its tag and length; else it is the content alone.
pub(super) struct Certificate<'a> {
    /// What the authority has signed, whole.
    pub signed: &'a [u8],
    pub is_version_1: bool,
    pub serial: &'a [u8],
    pub issuer: &'a [u8],
    pub validity: &'a [u8],
    pub subject: &'a [u8],
    /// The public key, whole.
    pub key: &'a [u8],
    pub extensions: Option<&'a [u8]>,
    pub algorithm: &'a [u8],
    pub signature: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// `None`: this is none.
    pub(super) fn read(der: &'a [u8]) -> Option<Certificate<'a>> {
        let mut parts = Der(Der(der).take_tagged(SEQUENCE)?);
        let signed = parts.take_whole(SEQUENCE)?;
        let algorithm = parts.take_tagged(SEQUENCE)?;
        let signature = whole_bytes(parts.take_tagged(BITS)?)?;
        let mut tbs = Der(Der(signed).take_tagged(SEQUENCE)?);
        let is_version_1 = tbs.0.first() != Some(&VERSION);
        if !is_version_1 {
            tbs.take_tagged(VERSION)?;
        }
        let serial = tbs.take_tagged(INTEGER)?;
        let signed_by = tbs.take_tagged(SEQUENCE)?;
        let [issuer, validity, subject] =
            [tbs.take_tagged(SEQUENCE)?, tbs.take_tagged(SEQUENCE)?, tbs.take_tagged(SEQUENCE)?];
        let key = tbs.take_whole(SEQUENCE)?;
        let extensions = tbs.find(|(tag, _)| *tag == EXTENSIONS).map(|(_, list)| list);
        let found = Certificate {
            signed,
            is_version_1,
            serial,
            issuer,
            validity,
            subject,
            key,
            extensions,
            algorithm,
            signature,
        };
        Some(found).filter(|_| signed_by == algorithm)
    }

    /// The public key's algorithm, and its bits.
    pub(super) fn key_parts(&self) -> Option<(&'a [u8], &'a [u8])> {
        key_parts(Der(self.key).take_tagged(SEQUENCE)?)
    }

    /// From when until when it holds, both included, in seconds since 1970.
    pub(super) fn valid_seconds(&self) -> Option<(i64, i64)> {
        let mut times = Der(self.validity);
        let (from, until) = (times.next()?, times.next()?);
        Some((unix_seconds(from)?, unix_seconds(until)?))
    }
}

/// Of a public key's content: its algorithm, and its bits.
pub(super) fn key_parts(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut parts = Der(key);
    Some((parts.take_tagged(SEQUENCE)?, whole_bytes(parts.take_tagged(BITS)?)?))
}

/// The bytes of a string of bits, which begins with how many bits of its end are none.
fn whole_bytes(bits: &[u8]) -> Option<&[u8]> {
    bits.split_first().filter(|(unused, _)| **unused == 0).map(|(_, bytes)| bytes)
}

/// `YYMMDDhhmmssZ` of the years 1950 to 2049, or `YYYYMMDDhhmmssZ`.
fn unix_seconds((tag, text): (u8, &[u8])) -> Option<i64> {
    let digits = text.strip_suffix(b"Z")?;
    let number = |at: usize| {
        let pair = digits.get(at..at + 2)?;
        pair.iter().all(u8::is_ascii_digit).then(|| i64::from(pair[0] - b'0') * 10 + i64::from(pair[1] - b'0'))
    };
    let (year, rest) = match (tag, digits.len()) {
        (UTC_TIME, 12) => (number(0).map(|year| if year < 50 { 2000 + year } else { 1900 + year })?, 2),
        (GENERALIZED_TIME, 14) => (number(0)? * 100 + number(2)?, 4),
        _ => return None,
    };
    let [month, day, hour, minute, second] = [0, 2, 4, 6, 8].map(|at| number(rest + at));
    let days = days_since_1970(year, month?, day?);
    Some(((days * 24 + hour?) * 60 + minute?) * 60 + second?)
}

/// Of the Gregorian calendar; years are counted from March, so that a leap day is the last of its year.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// Elements one behind the other: tag and content. Ends at what is none.
pub(super) struct Der<'a>(pub &'a [u8]);

impl<'a> Der<'a> {
    /// The content of the next element, if it has this tag.
    pub(super) fn take_tagged(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, content)| content)
    }

    /// The next element, if it has this tag, with its tag and length.
    fn take_whole(&mut self, tag: u8) -> Option<&'a [u8]> {
        let before = self.0;
        self.take_tagged(tag)?;
        Some(&before[..before.len() - self.0.len()])
    }
}

impl<'a> Iterator for Der<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, short], rest) = self.0.split_first_chunk()?;
        let (len, rest) = match short {
            0..=0x7F => (usize::from(short), rest),
            0x81..=0x84 => {
                let (digits, rest) = rest.split_at_checked(usize::from(short - 0x80))?;
                (digits.iter().fold(0, |len, digit| len << 8 | usize::from(*digit)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        Some((tag, content))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An element of DER.
    pub(in super::super) fn element(tag: u8, content: &[&[u8]]) -> Vec<u8> {
        let content = content.concat();
        let len = content.len();
        let head = if len < 128 { vec![tag, len as u8] } else { vec![tag, 0x82, (len >> 8) as u8, len as u8] };
        [head, content].concat()
    }

    /// A certificate with this subject and these extensions.
    pub(in super::super) fn certificate(subject: &[u8], extensions: &[u8]) -> Vec<u8> {
        let empty = element(SEQUENCE, &[]);
        let validity = element(
            SEQUENCE,
            &[&element(UTC_TIME, &[b"700101000001Z"]), &element(GENERALIZED_TIME, &[b"20500301000000Z"])],
        );
        let tbs = element(
            SEQUENCE,
            &[&[VERSION, 3, 2, 1, 2], &[INTEGER, 1, 9], &empty, &empty, &validity, subject, &empty, extensions],
        );
        element(SEQUENCE, &[&tbs, &empty, &[BITS, 2, 0, 7]])
    }

    #[test]
    fn parts_and_times() {
        let der = certificate(&element(SEQUENCE, &[b"subject"]), &[]);
        let read = Certificate::read(&der).unwrap();
        assert_eq!((read.serial, read.subject, read.signature), (&[9][..], &b"subject"[..], &[7][..]));
        assert!(!read.is_version_1 && der[2..].starts_with(read.signed));
        assert_eq!(read.valid_seconds(), Some((1, 2_529_705_600)));
        for len in 0..der.len() {
            assert!(Certificate::read(&der[..len]).is_none());
        }
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        let expected = [((1970, 1, 1), 0), ((1999, 12, 31), 10_956), ((2000, 2, 29), 11_016), ((2026, 11, 29), 20_786)];
        for ((year, month, day), days) in expected {
            assert_eq!(days_since_1970(year, month, day), days, "{year}-{month}-{day}");
        }
        for text in [&b"7001010000Z"[..], b"70010100000xZ", b"700101000000"] {
            assert_eq!(unix_seconds((UTC_TIME, text)), None);
        }
    }
}
