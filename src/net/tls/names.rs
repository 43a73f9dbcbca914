//! The names in a client's certificate (X.509 in DER, RFC 5280), of which one may be a user's.
//!
//! ```text
//! Certificate { tbs { [0] version, serial, algorithm, issuer, validity, subject, key, .. [3] extensions }, .. }
//!     subject     { set { { 2.5.4.3, common name } } .. }
//!     extensions  { { 2.5.29.17, octets { [6] URI .. } } .. }
//! ```

const SEQUENCE: u8 = 0x30;
const OBJECT: u8 = 0x06;
const OCTETS: u8 = 0x04;
const BOOLEAN: u8 = 0x01;
const VERSION: u8 = 0xA0;
const EXTENSIONS: u8 = 0xA3;
const URI: u8 = 0x86;
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1D, 0x11];

/// The first common name of the subject.
pub(super) fn common_name(certificate: &[u8]) -> Option<&[u8]> {
    let sets = Der(parts(certificate)?.subject);
    sets.flat_map(|(_, set)| Der(set)).find_map(|(tag, attribute)| {
        let mut attribute = Der(attribute);
        let is_name = tag == SEQUENCE && attribute.take_tagged(OBJECT)? == COMMON_NAME;
        if is_name { attribute.next().map(|(_, text)| text) } else { None }
    })
}

/// The first URI among the alternative names.
pub(super) fn uri(certificate: &[u8]) -> Option<&[u8]> {
    let extensions = Der(parts(certificate)?.extensions?);
    extensions.flat_map(|(_, list)| Der(list)).find_map(|(_, extension)| {
        let mut extension = Der(extension);
        if extension.take_tagged(OBJECT)? != ALTERNATIVE_NAME {
            return None;
        }
        let mut value = extension.next()?;
        if value.0 == BOOLEAN {
            value = extension.next()?; // whether it is critical
        }
        let mut names = Der(if value.0 == OCTETS { value.1 } else { return None });
        Der(names.take_tagged(SEQUENCE)?).find(|(tag, _)| *tag == URI).map(|(_, name)| name)
    })
}

struct Parts<'a> {
    subject: &'a [u8],
    extensions: Option<&'a [u8]>,
}

fn parts(certificate: &[u8]) -> Option<Parts<'_>> {
    let mut tbs = Der(Der(Der(certificate).take_tagged(SEQUENCE)?).take_tagged(SEQUENCE)?);
    let first = tbs.next()?;
    if first.0 == VERSION {
        tbs.next()?; // serial
    }
    for _ in ["algorithm", "issuer", "validity"] {
        tbs.take_tagged(SEQUENCE)?;
    }
    let subject = tbs.take_tagged(SEQUENCE)?;
    let extensions = tbs.find(|(tag, _)| *tag == EXTENSIONS).map(|(_, list)| list);
    Some(Parts { subject, extensions })
}

/// Elements one behind the other: tag and content. Ends at what is none.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The content of the next element, if it has this tag.
    fn take_tagged(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, content)| content)
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
mod tests {
    use super::*;

    const SET: u8 = 0x31;

    fn element(tag: u8, content: &[&[u8]]) -> Vec<u8> {
        let content = content.concat();
        let len = content.len();
        let head = if len < 128 { vec![tag, len as u8] } else { vec![tag, 0x82, (len >> 8) as u8, len as u8] };
        [head, content].concat()
    }

    fn certificate(subject: &[u8], extensions: &[u8]) -> Vec<u8> {
        let empty = element(SEQUENCE, &[]);
        let tbs = element(
            SEQUENCE,
            &[&[VERSION, 3, 2, 1, 2], &[2, 1, 9], &empty, &empty, &empty, subject, &empty, extensions],
        );
        element(SEQUENCE, &[&tbs, &empty])
    }

    #[test]
    fn names_are_found() {
        let attribute = |object: &[u8], text: &[u8]| {
            element(SET, &[&element(SEQUENCE, &[&element(OBJECT, &[object]), &element(0x0C, &[text])])])
        };
        let subject = element(SEQUENCE, &[&attribute(&[0x55, 4, 10], b"house"), &attribute(COMMON_NAME, b"alice")]);
        let names = element(SEQUENCE, &[&element(0x82, &[b"host"]), &element(URI, &[b"spiffe://a/b"])]);
        let wanted = element(
            SEQUENCE,
            &[&element(OBJECT, &[ALTERNATIVE_NAME]), &[BOOLEAN, 1, 0xFF], &element(OCTETS, &[&names])],
        );
        let other = element(SEQUENCE, &[&element(OBJECT, &[&[0x55, 0x1D, 0x0F]]), &element(OCTETS, &[&[0; 300]])]);
        let certificate = certificate(&subject, &element(EXTENSIONS, &[&element(SEQUENCE, &[&other, &wanted])]));
        assert_eq!(common_name(&certificate), Some(&b"alice"[..]));
        assert_eq!(uri(&certificate), Some(&b"spiffe://a/b"[..]));
        for len in 0..certificate.len() {
            assert_eq!((common_name(&certificate[..len]), uri(&certificate[..len])), (None, None));
        }
    }

    #[test]
    fn a_certificate_may_have_no_names() {
        let empty = element(SEQUENCE, &[]);
        assert_eq!((common_name(&certificate(&empty, &[])), uri(&certificate(&empty, &[]))), (None, None));
    }
}
