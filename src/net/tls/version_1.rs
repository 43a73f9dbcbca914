//! Certificates of X.509 version 1. OpenSSL still makes them and takes them, Redis's own script for test certificates writes one, and
//! webpki reads none. The server shows one as it shows any; of a client one is taken that an authority has signed itself.

use super::x509::{Certificate, key_parts};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{
    CertificateDer, SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer, TrustAnchor, UnixTime,
};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};
use std::sync::Arc;

/// Checks the certificates of clients: those of version 1 itself, all others as `others` does.
#[derive(Debug)]
pub(super) struct ClientVerifier {
    pub others: Arc<dyn ClientCertVerifier>,
    pub authorities: Arc<RootCertStore>,
    pub algorithms: WebPkiSupportedAlgorithms,
}

impl ClientVerifier {
    /// One that has no extensions can be no authority, is for any use, and has no path but the shortest: signed by one we know.
    fn verify(&self, certificate: &Certificate<'_>, now: UnixTime) -> Result<(), CertificateError> {
        let (from, until) = certificate.valid_seconds().ok_or(CertificateError::BadEncoding)?;
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        if now < from {
            return Err(CertificateError::NotValidYet);
        }
        if now > until {
            return Err(CertificateError::Expired);
        }
        let named = |anchor: &&TrustAnchor<'_>| anchor.subject.as_ref() == certificate.issuer;
        let mut named = self.authorities.roots.iter().filter(named).peekable();
        if named.peek().is_none() {
            return Err(CertificateError::UnknownIssuer);
        }
        let has_signed = |anchor: &TrustAnchor<'_>| {
            let key = key_parts(&anchor.subject_public_key_info);
            let by = |algorithm: &&dyn SignatureVerificationAlgorithm| {
                algorithm.signature_alg_id().as_ref() == certificate.algorithm
                    && is_signed(*algorithm, key, certificate.signed, certificate.signature)
            };
            anchor.name_constraints.is_none() && self.algorithms.all.iter().any(by)
        };
        if named.any(has_signed) { Ok(()) } else { Err(CertificateError::BadSignature) }
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.others.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.others.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        shown: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match of_version_1(shown) {
            Some(certificate) => {
                self.verify(&certificate, now).map(|()| ClientCertVerified::assertion()).map_err(Into::into)
            }
            None => self.others.verify_client_cert(shown, between, now),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let Some(certificate) = of_version_1(shown) else {
            return self.others.verify_tls12_signature(message, shown, signed);
        };
        let key = certificate.key_parts();
        let (_, algorithms) = self
            .algorithms
            .mapping
            .iter()
            .find(|(scheme, _)| *scheme == signed.scheme)
            .ok_or(CertificateError::BadSignature)?;
        if algorithms.iter().any(|algorithm| is_signed(*algorithm, key, message, signed.signature())) {
            Ok(HandshakeSignatureValid::assertion())
        } else {
            Err(CertificateError::BadSignature.into())
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match of_version_1(shown) {
            Some(certificate) => verify_tls13_signature_with_raw_key(
                message,
                &SubjectPublicKeyInfoDer::from(certificate.key),
                signed,
                &self.algorithms,
            ),
            None => self.others.verify_tls13_signature(message, shown, signed),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.others.supported_verify_schemes()
    }
}

fn of_version_1<'a>(der: &'a CertificateDer<'_>) -> Option<Certificate<'a>> {
    Certificate::read(der).filter(|certificate| certificate.is_version_1)
}

/// Whether a key is one for this algorithm, and has signed these bytes.
fn is_signed(
    algorithm: &dyn SignatureVerificationAlgorithm,
    key: Option<(&[u8], &[u8])>,
    bytes: &[u8],
    signature: &[u8],
) -> bool {
    key.is_some_and(|(kind, bits)| {
        algorithm.public_key_alg_id().as_ref() == kind && algorithm.verify_signature(bits, bytes, signature).is_ok()
    })
}
