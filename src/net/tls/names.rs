//! The names in a client's certificate, of which one may be a user's.
//!
//! ```text
//!     subject     { set { { 2.5.4.3, common name } } .. }
//!     extensions  { { 2.5.29.17, octets { [6] URI .. } } .. }
//! ```

use super::x509::{BOOLEAN, Certificate, Der, OBJECT, OCTETS, SEQUENCE};

const URI: u8 = 0x86;
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1D, 0x11];

/// The first common name of the subject.
pub(super) fn common_name(certificate: &[u8]) -> Option<&[u8]> {
    let sets = Der(Certificate::read(certificate)?.subject);
    sets.flat_map(|(_, set)| Der(set)).find_map(|(tag, attribute)| {
        let mut attribute = Der(attribute);
        let is_name = tag == SEQUENCE && attribute.take_tagged(OBJECT)? == COMMON_NAME;
        if is_name { attribute.next().map(|(_, text)| text) } else { None }
    })
}

/// The first URI among the alternative names.
pub(super) fn uri(certificate: &[u8]) -> Option<&[u8]> {
    let extensions = Der(Certificate::read(certificate)?.extensions?);
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

#[cfg(test)]
mod tests {
    use super::super::x509::tests::{certificate, element};
    use super::*;

    const SET: u8 = 0x31;

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
        let certificate = certificate(&subject, &element(0xA3, &[&element(SEQUENCE, &[&other, &wanted])]));
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
